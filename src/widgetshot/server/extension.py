"""The server extension: live pages (a notebook, its live kernel, its page) behind a small API.

- ``POST /widgetshot/api/live-pages`` starts a notebook's kernel and answers with its live page, or with why there is
  none
- ``GET /widgetshot/api/live-pages/ID`` tells whether its kernel lives; ``DELETE`` ends it and tells what it has read
- ``GET /widgetshot/api/labextensions?naming=TEXT`` lists installed extensions of JupyterLab in whose scripts a text
  stands in quotes
- ``GET /widgetshot/live-pages/ID`` is the live page, under the path of the notebook's folder in the project
  (``.../ID/notebooks/``); around it are the files of the notebook's copy of the project
- ``GET /widgetshot/new/lab`` leads to a new page of JupyterLab, ``/widgetshot/new/lab/ID`` to one that shows a live
  page, and ``/widgetshot/new/notebook/ID`` to one of Notebook 7. What such a page asks for lies below
  ``/widgetshot/apps/ID``, see `applications`
- ``/widgetshot/static``, ``/widgetshot/labextensions``, ``/widgetshot/amd``, ``/nbextensions``: what pages are made of
"""

import asyncio
import gc
import os
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Any

import zmq
from jupyter_core.paths import jupyter_path
from jupyter_server.utils import url_path_join

from widgetshot.errors import ServerError
from widgetshot.files import STATIC
from widgetshot.server import static_page
from widgetshot.server.handlers import (
    AnchorHandler,
    LabExtensionsApiHandler,
    LivePageApiHandler,
    LivePagesApiHandler,
    NewApplicationPageHandler,
    PageHandler,
    ProjectFileHandler,
)
from widgetshot.server.live_pages import ID, LivePages
from widgetshot.server.processes import adopt_orphans, end_descendants
from widgetshot.server.static_files import SearchHandler, StaticHandler
from widgetshot.server.zygotes import ZYGOTES
from widgetshot.threads import ready_threads

_REMOVE_TIMEOUT_S = 5.0


def load(serverapp: Any) -> None:
    """Add the extension to a Jupyter Server."""
    live_pages = LivePages(serverapp)
    serverapp.web_app.settings["widgetshot"] = live_pages
    routes = [(url_path_join(serverapp.base_url, path), *rest) for path, *rest in _routes()]
    serverapp.web_app.add_handlers(".*$", routes)
    if folder := os.environ.get("WIDGETSHOT_FOLDER"):
        _end_with_parent(serverapp, live_pages, folder)
        gc.freeze()
        gc.enable()
        # The log drops what is not asked for only after it has put it into words.
        serverapp.log.setLevel(serverapp.log_level)


def _routes() -> list[Any]:
    """Return the path below the base URL, the handler and its arguments for each kind of address."""
    nbextensions = tuple(jupyter_path("nbextensions"))
    labextensions = tuple(jupyter_path("labextensions"))
    return [
        *static_page.routes(ID),
        (r"widgetshot/api/live-pages", LivePagesApiHandler),
        (rf"widgetshot/api/live-pages/{ID}", LivePageApiHandler),
        (r"widgetshot/api/labextensions", LabExtensionsApiHandler),
        (r"widgetshot/anchor", AnchorHandler),
        (r"widgetshot/new/(lab|notebook)/?", NewApplicationPageHandler),
        (rf"widgetshot/new/(lab|notebook)/{ID}", NewApplicationPageHandler),
        (rf"widgetshot/live-pages/{ID}/((?:.+/)?)", PageHandler),
        (rf"widgetshot/live-pages/{ID}/(.+)", ProjectFileHandler),
        (r"widgetshot/static/(.*)", StaticHandler, {"path": str(STATIC)}),
        (r"widgetshot/labextensions/(.*)", SearchHandler, {"roots": labextensions}),
        (r"widgetshot/amd/(.*)", StaticHandler, {"path": str(STATIC / "amd")}),
        # Front ends fetch their own chunks and assets from the classic notebook's address.
        (r"nbextensions/(.*)", SearchHandler, {"roots": nbextensions}),
    ]


def _remove(folder: Path) -> None:
    """Remove a folder, also where the browser, which ends at the same time, still writes to it."""
    deadline = time.monotonic() + _REMOVE_TIMEOUT_S
    while folder.exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.01)


def _end_with_parent(serverapp: Any, live_pages: LivePages, folder: str) -> None:
    """Stop, kernels first, as soon as the process that started this server closes our standard input or dies.

    Args:
        folder: everything temporary of the run, removed at the very end.
    """
    loop = serverapp.io_loop
    # Ending what a notebook has started must not need one more thread.
    try:
        loop.asyncio_loop.set_default_executor(ready_threads("widgetshot-beside"))
    except ServerError as error:
        # Whoever loads extensions goes on without one that raises anything else.
        raise SystemExit(str(error)) from error
    # ZeroMQ starts its threads at the first socket, and where there are none to be had it aborts this process.
    serverapp.kernel_manager.context.socket(zmq.PAIR).close()
    adopt_orphans()

    async def stop() -> None:
        await live_pages.close_all()
        await asyncio.to_thread(ZYGOTES.close)
        await asyncio.to_thread(end_descendants)
        await asyncio.to_thread(_remove, Path(folder))
        # Nobody is connected any more, and taking every module apart is felt at the end of each run.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)

    def watch() -> None:
        while sys.stdin.buffer.read(1):
            pass
        loop.add_callback(stop)

    threading.Thread(target=watch, daemon=True).start()
