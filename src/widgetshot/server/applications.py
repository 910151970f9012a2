"""JupyterLab and Notebook 7 on this server, for pages that are each of one live page.

An *application page* is a page of the browser in which the application runs and shows one notebook after another. All
that it asks for lies below an address of its own, ``/widgetshot/apps/ID/``, and is answered as the server answers it
without that, but for what belongs to one notebook: documents, sessions, kernels, settings and workspaces are those of
the live page that is shown. So the application knows of no other notebook, its paths are those of the project, and
what it saves changes nothing.
"""

import json
import secrets
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_core.paths import ENV_CONFIG_PATH
from jupyter_server.utils import url_path_join
from tornado.routing import PathMatches, Router, Rule, RuleRouter

if TYPE_CHECKING:
    from widgetshot.server.live_pages import LivePages, OpenedNotebook

# The user settings of each application page: nothing asks the network, saves, or depends on what is scrolled to.
_SETTINGS: dict[str, dict[str, Any]] = {
    "@jupyterlab/notebook-extension/tracker": {
        "windowingMode": "none", "scrollPastEnd": False, "autoStartDefaultKernel": False,
    },
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/apputils-extension/kernels-settings": {"commsOverSubshells": "disabled"},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False, "renameUntitledFileOnSave": False},
    "@jupyterlab/extensionmanager-extension/plugin": {"enabled": False},
}  # fmt: skip
APPLICATIONS = ("lab", "notebook")
_THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
# They would ask for news, and whether there is a newer version.
# Server extensions that are loaded in another way, or are servers of their own.
_OTHERS = {"jupyterlab", "notebook", "notebook_shim", "nbclassic", "jupyter_server_terminals"}
_OTHERS |= {"voila.server_extension", "voila", "widgetshot.server", "widgetshot.review.server"}
DISABLED_EXTENSIONS = ["@jupyterlab/apputils-extension:announcements"]


def theme_name(theme: str) -> str:
    """Return the name that JupyterLab has for a theme."""
    return _THEMES.get(theme, theme)


@dataclass
class ApplicationPage:
    """A page of the browser that an application runs in.

    Attributes:
        frontend: `lab` or `notebook`.
        folder: private to it: its settings and workspaces.
        shown: the notebook that it shows; None before the first.
    """

    id: str
    frontend: str
    folder: Path
    shown: "OpenedNotebook | None" = None
    workspaces: dict[str, Any] = field(default_factory=dict)

    @property
    def empty_folder(self) -> Path:
        """What stands for the project's folder before the first notebook."""
        folder = self.folder / "empty"
        folder.mkdir(exist_ok=True)
        return folder

    def write_settings(self, theme: str) -> None:
        """Write the settings that the application begins with."""
        chosen = {"theme": theme_name(theme), "adaptive-theme": False}
        for name, values in {**_SETTINGS, "@jupyterlab/apputils-extension/themes": chosen}.items():
            file = self.folder / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values), encoding="utf-8")


class Applications:
    """The applications of this server. Each is loaded when the first of its pages is asked for."""

    def __init__(self, serverapp: Any, live_pages: "LivePages") -> None:
        self._serverapp = serverapp
        self._live_pages = live_pages
        self._pages: dict[str, ApplicationPage] = {}
        # Application -> where its settings are described.
        self.settings: dict[str, dict[str, Any]] = {}
        # Application -> what its pages are told.
        self.page_configs: dict[str, dict[str, Any]] = {}

    def __getitem__(self, id: str) -> ApplicationPage:
        return self._pages[id]

    def new_page(self, frontend: str, live_page: str = "") -> ApplicationPage:
        """Return a new page of an application.

        Args:
            live_page: id of the live page that it is to show first; "" for none.

        Raises:
            KeyError: there is no such live page.
        """
        self._load(frontend)
        folder = Path(tempfile.mkdtemp(prefix="application-"))
        page = ApplicationPage(secrets.token_hex(8), frontend, folder)
        if live_page:
            page.shown = self._live_pages[live_page]
        page.write_settings("light" if page.shown is None else page.shown.request.theme)
        self._pages[page.id] = page
        return page

    def forget(self, opened: "OpenedNotebook") -> None:
        """Let no page show a notebook that is closed."""
        for page in self._pages.values():
            if page.shown is opened:
                page.shown = None

    def address(self, page: ApplicationPage, path: str = "") -> str:
        """Return the path, from the origin's root, of something that a page asks for."""
        return str(url_path_join(self._serverapp.base_url, "widgetshot/apps", page.id, path))

    def document(self, page: ApplicationPage) -> dict[str, Any]:
        """Tell a page of the notebook that it is to show, see js/src/lab/document.ts; {} for none."""
        opened = page.shown
        if opened is None:
            return {}
        return {
            "id": opened.id,
            "path": opened.path,
            "theme": theme_name(opened.request.theme),
            "cells": [
                {"id": name, "raises": "raises-exception" in cell.metadata.get("tags", ())}
                for name, cell in zip(opened.names, opened.notebook.cells, strict=True)
            ],
            "asksKernel": opened.asks_kernel,
            "timeout": opened.request.timeout * 1000,
        }

    def _load(self, frontend: str) -> None:
        """Load an application; it takes a second."""
        if frontend in self.settings:
            return
        if not self.settings:
            self._route()
            self._load_extensions()
        from traitlets.config import Config

        own: dict[str, Any] = {
            "expose_app_in_browser": True,
            "user_settings_dir": tempfile.mkdtemp(),
            "workspaces_dir": tempfile.mkdtemp(),
        }
        if frontend == "lab":
            from jupyterlab.labapp import LabApp

            app: Any = LabApp(config=Config({"LabApp": {**own, "extension_manager": "readonly", "news_url": None}}))
        else:
            from notebook.app import JupyterNotebookApp

            app = JupyterNotebookApp(config=Config({"JupyterNotebookApp": {**own, "custom_css": False}}))
        # All applications of a server share what their pages are told, and change it; here each has its own.
        shared = self._serverapp.web_app.settings
        shared.pop("page_config_data", None)
        # It remembers by the names of files alone where they are, and two applications have fonts of the same names.
        finder = shared["static_handler_class"]
        shared["static_handler_class"] = type(f"{app.name}_static", (finder,), {"_static_paths": {}})
        app._link_jupyter_server_extension(self._serverapp)
        app.initialize()
        shared["static_handler_class"] = finder
        self.page_configs[frontend] = shared.pop("page_config_data", {})
        self.settings[frontend] = {
            "name": app.name,
            "app_settings_dir": app.app_settings_dir,
            "schemas_dir": app.schemas_dir,
            "labextensions_path": app.extra_labextensions_path + app.labextensions_path,
        }

    def _load_extensions(self) -> None:
        """Load the server extensions that are enabled here: panels of the applications ask for them."""
        enabled: dict[str, bool] = {}
        for folder in map(Path, ENV_CONFIG_PATH):
            for file in sorted(folder.glob("jupyter_server_config.d/*.json")):
                found = json.loads(file.read_text(encoding="utf-8")).get("ServerApp", {})
                enabled |= found.get("jpserver_extensions", {})
        manager = self._serverapp.extension_manager
        for name in (name for name, is_enabled in enabled.items() if is_enabled and name not in _OTHERS):
            if manager.add_extension(name, enabled=True):
                manager.link_extension(name)
                manager.load_extension(name)

    def _route(self) -> None:
        """Answer below the addresses of application pages."""
        web_app = self._serverapp.web_app
        pattern = url_path_join(self._serverapp.base_url, "widgetshot/apps/") + r"(?P<id>[0-9a-f]{16})/(?P<rest>.*)"
        web_app.default_router.rules.insert(0, Rule(PathMatches(pattern), _PageRouter(self._serverapp, self)))


class _PageRouter(Router):
    """Finds what answers a request of an application page: as if it were one of the server's, but knowing the page."""

    def __init__(self, serverapp: Any, applications: Applications) -> None:
        from widgetshot.server.application_handlers import handlers

        self._serverapp = serverapp
        self._applications = applications
        routes = [Rule(PathMatches(url_path_join(serverapp.base_url, path) + "$"), *rest) for path, *rest in handlers()]
        self._own = RuleRouter(routes)
        self._own_app = serverapp.web_app

    def find_handler(self, request: Any, **kwargs: Any) -> Any:
        try:
            page = self._applications[kwargs["path_kwargs"]["id"].decode()]
        except KeyError:
            return None
        request.application_page = page
        own = self._applications.address(page)
        request.uri = self._serverapp.base_url.rstrip("/") + "/" + request.uri[len(own) :].lstrip("/")
        request.path = request.uri.partition("?")[0]
        for rule in self._own.rules:
            found = rule.matcher.match(request)
            if found is not None:
                return self._own_app.get_handler_delegate(
                    request, rule.target, rule.target_kwargs, found.get("path_args"), found.get("path_kwargs")
                )
        return self._own_app.find_handler(request)


def shown_by(request: Any) -> "ApplicationPage | None":
    """Return the application page that a request comes from; None where it comes from another page."""
    page: ApplicationPage | None = getattr(request, "application_page", None)
    return page
