"""Voila's pages: its own renderer, executor, templates and front end, on kernels of this server.

Whatever a page would fetch from elsewhere is served here. This module is imported where a notebook is to be shown so:
Voila need not be installed.
"""

import copy
import re
from functools import cache
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import TYPE_CHECKING, Any

import voila
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.services.contents.largefilemanager import LargeFileManager
from jupyter_server.utils import url_path_join
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from tornado import web  # type: ignore[attr-defined]
from traitlets.config import Config
from voila.configuration import VoilaConfiguration
from voila.execute import VoilaExecutor
from voila.notebook_renderer import NotebookRenderer
from voila.paths import collect_static_paths, collect_template_paths
from voila.server_extension import _load_jupyter_server_extension
from voila.utils import get_page_config, get_voila_labextensions_path

from widgetshot.conditions import Condition, OpenFailure
from widgetshot.server.handlers import ProjectFileHandler
from widgetshot.server.kernel_client import connect
from widgetshot.server.messages import FailedOpening, OpenRequest
from widgetshot.server.static_files import SearchHandler
from widgetshot.server.static_page import with_camera

if TYPE_CHECKING:
    from widgetshot.server.live_pages import OpenedNotebook

PAGE = "widgetshot-voila.html"
_TEMPLATE = "lab"
_APPS = ["voila", "nbconvert"]
# What Voila's template names, at whichever version of that kind.
_FONT_AWESOME = re.compile(r"https://cdn\.jsdelivr\.net/npm/@fortawesome/fontawesome-free@[^/\"]*/")
_LOOK_INTERVAL_S = 0.1
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def install(serverapp: Any, page_id: str) -> None:
    """Add Voila's own addresses, and those of our pages, to a server.

    Args:
        page_id: pattern of the id of a live page.
    """
    base = serverapp.base_url
    files = [
        # As Voila serves them, but the browser may keep them.
        (r"voila/static/(.*)", _FilesHandler, {"roots": tuple(collect_static_paths(_APPS, _TEMPLATE))}),
        (r"voila/labextensions/(.*)", _FilesHandler, {"roots": tuple(get_voila_labextensions_path())}),
        (rf"widgetshot/voila/{page_id}/(?:.+/)?{re.escape(PAGE)}", _PageHandler, {}),
        (rf"widgetshot/voila/{page_id}/(.+)", ProjectFileHandler, {}),
    ]
    serverapp.web_app.add_handlers(".*$", [(url_path_join(base, path), *rest) for path, *rest in files])
    _load_jupyter_server_extension(serverapp)


def kernel_environment(request: OpenRequest, base_url: str) -> dict[str, str]:
    """Return the variables that Voila gives its kernels: those of CGI, and some of its own."""
    return {
        "SCRIPT_NAME": url_path_join(base_url, "voila/render", request.path),
        "PATH_INFO": "",
        "QUERY_STRING": "",
        "SERVER_SOFTWARE": f"voila/{voila.__version__}",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "127.0.0.1",
        "VOILA_PREHEAT": "False",
        "VOILA_BASE_URL": base_url,
        "VOILA_SERVER_URL": "/",
    }


def _look_often(channel: Any) -> None:
    """Have a channel be looked at again and again while a message is awaited.

    What is sent on it meanwhile, as nbclient's Output widget does, may take the notice away that a message has come.
    """
    get = channel.get_msg

    async def get_msg(timeout: float | None = None) -> Any:
        deadline = None if timeout is None else monotonic() + timeout
        while True:
            left = _LOOK_INTERVAL_S if deadline is None else deadline - monotonic()
            try:
                return await get(timeout=max(0.0, min(left, _LOOK_INTERVAL_S)))
            except Empty:
                if deadline is not None and left <= _LOOK_INTERVAL_S:
                    raise

    channel.get_msg = get_msg


class _Executor(VoilaExecutor):
    """Notes why a notebook is not executed to its end."""

    def __init__(self, nb: Any, opened: "OpenedNotebook", **options: Any) -> None:
        super().__init__(nb, **options)
        self._opened = opened

    async def execute_cell(self, cell: Any, resources: Any, cell_index: int, store_history: bool = True) -> Any:
        """See `VoilaExecutor.execute_cell`."""
        try:
            return await super().execute_cell(cell, resources, cell_index, store_history)
        except CellTimeoutError:
            self._note(cell_index, OpenFailure.CELL_LATE, seconds=f"{self.timeout:g}")
            raise
        except DeadKernelError:
            self._note(cell_index, OpenFailure.KERNEL_DIED)
            raise
        except CellExecutionError as error:
            self._note(cell_index, OpenFailure.CELL_RAISED, error=_ANSI.sub("", f"{error.ename}: {error.evalue}"))
            raise

    def _note(self, cell: int, code: OpenFailure, **params: str) -> None:
        self._opened.failure = FailedOpening(Condition(code, params), self._opened.names[cell])


class _Renderer(NotebookRenderer):
    """Renders a notebook that is open on this server, on its kernel."""

    def __init__(self, opened: "OpenedNotebook", km: Any, **options: Any) -> None:
        super().__init__(**options)
        self._opened = opened
        self._km = km

    async def load_notebook(self, path: str) -> Any:  # noqa: ARG002 - there is one
        """See `NotebookRenderer.load_notebook`."""
        nb = copy.deepcopy(self._opened.notebook)
        spec = self._km.kernel_spec
        nb.metadata["kernelspec"] = {
            "name": self._opened.kernel_name,
            "display_name": spec.display_name,
            "language": spec.language,
        }
        return nb

    async def _jinja_kernel_start(self, nb: Any, kernel_id: str, kernel_future: Any) -> str:
        show = self.voila_configuration.show_tracebacks
        self.executor = _Executor(nb, self._opened, km=kernel_future, config=self.traitlet_config, show_tracebacks=show)
        self.executor.kc = await connect(kernel_future)
        _look_often(self.executor.kc.shell_channel)
        self.kernel_started = True
        return kernel_id


class _PageHandler(JupyterHandler):
    """Voila's pages: sent piece by piece, while their cells are executed."""

    @web.authenticated
    async def get(self, id: str) -> None:
        pages = self.settings["widgetshot"]
        try:
            opened = pages[id]
        except KeyError:
            raise web.HTTPError(404) from None
        self.set_header("Content-Type", "text/html")
        self.set_header("Cache-Control", "no-store")
        km = self.kernel_manager.get_kernel(opened.kernel_id)
        renderer = await _renderer(self, opened, km)
        static = url_path_join(self.base_url, "widgetshot/static")
        told = {"kind": "voila", "cells": opened.names, "missing": {}, "notices": []}
        async for html, _ in renderer.generate_content_generator(opened.kernel_id, km):
            text = _FONT_AWESOME.sub(f"{static}/fontawesome/", with_camera(html, static, told))
            self.write(pages.redactor.text(text) if pages.redactor else text)
            await self.flush()


class _FilesHandler(SearchHandler):
    """The scripts and styles of Voila's front end, and of labextensions."""

    def set_extra_headers(self, path: str) -> None:
        """See `StaticHandler.set_extra_headers`."""
        self.ascii = path.endswith(".js") and _is_ascii(self.absolute_path)
        super().set_extra_headers(path)


@cache
def _is_ascii(path: str) -> bool:
    return Path(path).read_bytes().isascii()


async def _renderer(handler: JupyterHandler, opened: "OpenedNotebook", km: Any) -> _Renderer:
    request = opened.request
    configuration = VoilaConfiguration(template=_TEMPLATE, theme=request.theme)
    none = {"mathjax_config": None, "mathjax_url": None}  # as Voila's own server has it
    renderer = _Renderer(
        opened,
        km,
        request_handler=handler,
        voila_configuration=configuration,
        traitlet_config=Config({"VoilaExecutor": {"timeout": request.timeout}}),
        notebook_path=request.path,
        template_paths=collect_template_paths(_APPS, _TEMPLATE),
        config_manager=handler.config_manager,
        contents_manager=LargeFileManager(root_dir=str(opened.work / opened.place)),
        base_url=handler.base_url,
        kernel_spec_manager=handler.kernel_spec_manager,
        page_config=get_page_config(handler.base_url, none, handler.log, configuration),
        **none,
    )
    # The theme of the picture's variant, whatever the notebook says.
    await renderer.initialize(template=None, theme=request.theme)
    return renderer
