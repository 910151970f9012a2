"""The requests of application pages that are answered for one notebook alone, see `applications`."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

from jupyter_server.base.handlers import APIHandler, path_regex
from jupyter_server.files.handlers import FilesHandler
from jupyter_server.services.contents.handlers import CheckpointsHandler, ContentsHandler
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from jupyter_server.utils import url_path_join
from jupyterlab_server.handlers import LabHandler
from jupyterlab_server.settings_handler import SettingsHandler
from tornado import web  # type: ignore[attr-defined]

from widgetshot.files import sha256
from widgetshot.redact import Redactor
from widgetshot.server.applications import DISABLED_EXTENSIONS, ApplicationPage, Applications

# When a notebook was made and saved, as its application is told: nobody knows, and it may be shown.
_WHEN = datetime(2026, 1, 1, tzinfo=UTC)
_CHECKPOINT = {"id": "checkpoint", "last_modified": _WHEN}


class Documents(AsyncLargeFileManager):
    """The files of a notebook's copy of the project, without secrets. What is saved is thrown away.

    Attributes:
        path: of the notebook; it has no outputs yet, and what it will have is trusted.
        notebook: the notebook, as JSON.
    """

    def __init__(self, root: str, path: str, notebook: dict[str, Any], redactor: Redactor) -> None:
        super().__init__(root_dir=root)
        self._path = path
        self._folder = path.rpartition("/")[0]
        self._notebook = notebook
        self._redactor = redactor

    async def get(self, path: str, content: bool = True, type: Any = None, format: Any = None, **more: Any) -> Any:
        """See `ContentsManager.get`."""
        if self._path and path.strip("/") == self._path and type != "file":
            model = self._model(whole=content)
            if more.get("require_hash"):
                model |= {"hash": sha256(json.dumps(self._notebook).encode()), "hash_algorithm": "sha256"}
            return model
        model = await super().get(path, content, type, format, **more)
        if model["type"] == "directory" and content and self._path and path.strip("/") == self._folder:
            # The copy of the project is without its notebooks.
            model["content"].append(self._model(whole=False))
        return self._without_secrets(model)

    async def file_exists(self, path: str) -> bool:
        """See `ContentsManager.file_exists`."""
        return path.strip("/") == self._path or bool(await super().file_exists(path))

    def _model(self, *, whole: bool) -> dict[str, Any]:
        """Return the notebook's model, as the contents API has it."""
        return {
            "name": self._path.rpartition("/")[2],
            "path": self._path,
            "type": "notebook",
            "writable": True,
            "created": _WHEN,
            "last_modified": _WHEN,
            "mimetype": None,
            "size": None,
            "format": "json" if whole else None,
            "content": self._notebook if whole else None,
            "hash": None,
            "hash_algorithm": None,
        }

    async def save(self, model: dict[str, Any], path: str = "") -> Any:  # noqa: ARG002
        """See `ContentsManager.save`."""
        return await self.get(path, content=False)

    async def list_checkpoints(self, path: str) -> list[Any]:  # noqa: ARG002
        """See `ContentsManager.list_checkpoints`."""
        return [_CHECKPOINT]

    async def create_checkpoint(self, path: str) -> Any:  # noqa: ARG002
        """See `ContentsManager.create_checkpoint`."""
        return _CHECKPOINT

    def _without_secrets(self, model: dict[str, Any]) -> dict[str, Any]:
        if not self._redactor or model["type"] == "directory" or model.get("content") is None:
            return model
        if model["format"] == "text":
            model["content"] = self._redactor.text(model["content"])
        elif model["format"] == "base64":
            data = self._redactor.buffer(base64.b64decode(model["content"]))
            model["content"] = base64.b64encode(data).decode()
        else:
            model["content"] = self._redactor.data(model["content"])
        return model


class _OfPage:
    """What handlers of an application page have in common."""

    request: Any
    settings: Any

    @property
    def page(self) -> ApplicationPage:
        """The page that asks."""
        page: ApplicationPage = self.request.application_page
        return page

    @property
    def applications(self) -> Applications:
        """All of them."""
        applications: Applications = self.settings["widgetshot"].applications
        return applications

    def take_page_config(self) -> None:
        """Let the application's own handler, which looks for it there, find what this application's pages are told."""
        self.settings["page_config_data"] = dict(self.applications.page_configs[self.page.frontend])


class _Contents(_OfPage):
    @property
    def contents_manager(self) -> Documents:
        """The documents of the notebook that the page shows."""
        opened, redactor = self.page.shown, self.settings["widgetshot"].redactor
        if opened is None:
            # The file browser looks for its first folder.
            return Documents(str(self.page.empty_folder), "", {}, redactor)
        opened.requested.add(self.request.path.rpartition("/")[2])
        return Documents(str(opened.work), opened.path, opened.document, redactor)


class PageContentsHandler(_Contents, ContentsHandler):
    """Documents and folders."""

    async def put(self, path: str = "") -> None:
        """Take a document that is saved, and leave it as it was."""
        self.finish(json.dumps(await self.contents_manager.get(path, content=False), default=str))


class PageCheckpointsHandler(_Contents, CheckpointsHandler):
    """There are no checkpoints."""


class PageFilesHandler(_Contents, FilesHandler):
    """Files that texts refer to."""


class PageSettingsHandler(_OfPage, SettingsHandler):
    """The user's settings: those of the page."""

    def initialize(self, **kwargs: Any) -> None:
        described = self.applications.settings[self.page.frontend]
        super().initialize(**described, settings_dir=str(self.page.folder), **kwargs)


class PageWorkspacesHandler(_OfPage, APIHandler):
    """The workspaces of the page."""

    @web.authenticated
    def get(self, name: str = "") -> None:
        kept = self.page.workspaces
        if not name:
            self.finish({"workspaces": {"ids": list(kept), "values": list(kept.values())}})
            return
        self.finish(kept.get(name) or {"data": {}, "metadata": {"id": name}})

    @web.authenticated
    def put(self, name: str = "") -> None:
        self.page.workspaces[name] = json.loads(self.request.body)
        self.set_status(204)

    @web.authenticated
    def delete(self, name: str = "") -> None:
        self.page.workspaces.pop(name, None)
        self.set_status(204)


class PageSessionsHandler(_OfPage, APIHandler):
    """The only session: the notebook that is shown, on its kernel, which others start and end."""

    @web.authenticated
    def get(self, id: str = "") -> None:
        found = [] if self.page.shown is None else [self._session()]
        if id and not found:
            raise web.HTTPError(404)
        self.finish(json.dumps(found[0] if id else found, default=str))

    @web.authenticated
    def post(self, _: str = "") -> None:
        self.set_status(201)
        self.finish(json.dumps(self._session(), default=str))

    @web.authenticated
    def patch(self, _: str = "") -> None:
        self.finish(json.dumps(self._session(), default=str))

    @web.authenticated
    def delete(self, _: str = "") -> None:
        self.set_status(204)

    def _session(self) -> dict[str, Any]:
        opened = self.page.shown
        if opened is None or opened.kernel_id not in self.kernel_manager:
            raise web.HTTPError(404)
        kernel = self.kernel_manager.kernel_model(opened.kernel_id)
        name = opened.path.rpartition("/")[2]
        return {"id": opened.id, "path": opened.path, "name": name, "type": "notebook", "kernel": kernel}


class PageKernelsHandler(_OfPage, APIHandler):
    """The kernel of the notebook that is shown."""

    @web.authenticated
    def get(self) -> None:
        opened = self.page.shown
        known = opened is not None and opened.kernel_id in self.kernel_manager
        found = [self.kernel_manager.kernel_model(opened.kernel_id)] if opened and known else []
        self.finish(json.dumps(found, default=str))


class PageShownHandler(_OfPage, APIHandler):
    """Lets a page show another notebook."""

    @web.authenticated
    def put(self) -> None:
        id = json.loads(self.request.body)["id"]
        try:
            self.page.shown = self.settings["widgetshot"][id] if id else None
        except KeyError:
            raise web.HTTPError(404) from None
        self.finish(self.applications.document(self.page))


class PageApplicationHandler(_OfPage, LabHandler):
    """The application's own page, with our script before its own."""

    def initialize(self, **kwargs: Any) -> None:
        super().initialize(name="lab", **kwargs)

    @property
    def base_url(self) -> str:
        """The address below which all lies that the page asks for."""
        return self.applications.address(self.page, "/")

    @web.authenticated
    def get(self, *_: Any, **__: Any) -> None:
        self.take_page_config()
        config = self.get_page_config() | {
            "mode": "single-document",
            # Of two pages that have the same one JupyterLab sends the second to another address.
            "workspace": self.page.id,
            "treePath": "",
            "serverRoot": "/",
            "preferredPath": "/",
            "buildAvailable": False,
            "buildCheck": False,
        }
        config["disabledExtensions"] = [*config.get("disabledExtensions", ()), *DISABLED_EXTENSIONS]
        self.finish(with_script(self, self.render_template("index.html", page_config=config)))


def notebook_handlers() -> list[Any]:
    """Return what answers for the page of Notebook 7; nothing where that is not installed."""
    try:
        from notebook.app import NotebookHandler
    except ModuleNotFoundError:
        return []

    class PageNotebookHandler(_OfPage, NotebookHandler):
        """See `PageApplicationHandler`."""

        def initialize(self, **kwargs: Any) -> None:
            super().initialize(name="notebook", **kwargs)

        @property
        def base_url(self) -> str:
            return self.applications.address(self.page, "/")

        @web.authenticated
        async def get(self, _: str = "") -> None:
            self.take_page_config()
            config = self.get_page_config() | {"serverRoot": "/", "preferredPath": "/"}
            config["disabledExtensions"] = [*config.get("disabledExtensions", ()), *DISABLED_EXTENSIONS]
            self.finish(with_script(self, self.render_template("notebooks.html", page_config=config)))

    return [(r"notebooks/(.*)", PageNotebookHandler)]


def with_script(handler: Any, html: str) -> str:
    """Return an application's page with our script, which watches from before any other runs."""
    static = url_path_join(handler.settings["base_url"], "widgetshot/static/lab")
    told = json.dumps(handler.applications.document(handler.page)).replace("/", "\\/")
    ours = (
        f'<script id="widgetshot-document" type="application/json">{told}</script>'
        f'<script src="{static}/inside.js" data-static="{static}"></script>'
    )
    return html.replace("<head>", f"<head>{ours}", 1)


def handlers() -> list[Any]:
    """Return the path below an application page's address, and the handler, of what is answered for one notebook."""
    return [
        (r"widgetshot/shown", PageShownHandler),
        (r"lab", PageApplicationHandler),
        *notebook_handlers(),
        (rf"api/contents{path_regex}/checkpoints", PageCheckpointsHandler),
        (rf"api/contents{path_regex}", PageContentsHandler),
        (r"files/(.*)", PageFilesHandler, {"path": ""}),
        (r"api/sessions/?(.*)", PageSessionsHandler),
        (r"api/kernels", PageKernelsHandler),
        (r"lab/api/settings/?(?P<schema_name>.*)", PageSettingsHandler),
        (r"lab/api/workspaces/?(.*)", PageWorkspacesHandler),
    ]
