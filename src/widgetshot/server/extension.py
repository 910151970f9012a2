"""The server extension: live pages (a notebook, its live kernel, its page) behind a small API.

- ``POST /widgetshot/api/live-pages`` executes a notebook and answers with the live_page, or with why there is none
- ``GET /widgetshot/api/live-pages/ID`` tells whether its kernel lives; ``DELETE`` ends it and tells what it has read
- ``GET /widgetshot/live-pages/ID`` is the live page
- ``/widgetshot/static``, ``/widgetshot/lab``, ``/widgetshot/amd``, ``/nbextensions``: what pages are made of
"""

import asyncio
import contextlib
import gc
import html
import json
import os
import secrets
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any

import nbformat
import psutil
from bs4 import BeautifulSoup
from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader
from jupyter_client.kernelspec import NoSuchKernel
from jupyter_core.paths import jupyter_path
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.utils import url_path_join
from markupsafe import Markup
from nbconvert.exporters.html import HTMLExporter
from nbconvert.exporters.templateexporter import TemplateExporter
from platformdirs import user_cache_path
from tornado import web  # type: ignore[attr-defined]

from widgetshot.declare.cells import cell_names
from widgetshot.declare.folder import files_beside
from widgetshot.errors import NotebookError, ServerError, WidgetshotError
from widgetshot.files import PACKAGE, STATIC
from widgetshot.redact import Redactor
from widgetshot.server.execute import connect, execute
from widgetshot.server.redacting_connection import redact_notebook
from widgetshot.server.zygotes import ZYGOTES, forked, kernel_environment

TEMPLATES = PACKAGE / "server" / "templates"
LIVE_PAGE_VARIABLE = "WIDGETSHOT_LIVE_PAGE"
# So many bytes are copied beside the kernel, so that a notebook can't write through to the project's own files.
_COPY_LIMIT = 64 * 1024 * 1024
_GRACE = 3.0
_SOON = 1.0  # seconds that most kernels need much less of to end
_LOOK_AGAIN = 0.01  # seconds


@dataclass
class _LivePage:
    id: str
    folder: Path
    kernel_name: str = ""
    kernel_id: str = ""
    pid: int | None = None
    html: str = ""
    asked: set[str] = field(default_factory=set)  # files beside the notebook that its page asked for


class LivePages:
    """All live pages of this server."""

    def __init__(self, serverapp: Any) -> None:
        self.serverapp = serverapp
        self.base_url: str = serverapp.base_url
        self.redactor = Redactor()
        self._all: dict[str, _LivePage] = {}

    def __getitem__(self, id: str) -> _LivePage:
        return self._all[id]

    async def open(self, request: dict[str, Any]) -> dict[str, Any]:
        """Execute a notebook and make its page.

        Args:
            request: `file` (absolute), `path` (for messages), `theme`, `kernel`, `timeout`, `environment`,
                `variables` (which the kernel gets unless it has them otherwise), `frozen_at` (seconds since the
                epoch, or null), `secrets` (values that nothing of the page may hold; the same for all of a server).

        Raises:
            NotebookError: it did not run to its end.
            ServerError: its kernel is not installed or does not start.
        """
        path = request["path"]
        live_page = _LivePage(secrets.token_hex(8), Path(tempfile.mkdtemp(prefix="live-page-")))
        self._all[live_page.id] = live_page
        try:
            return await self._open(live_page, path, request)
        except BaseException:
            await self.close(live_page.id)
            raise

    async def _open(self, live_page: _LivePage, path: str, request: dict[str, Any]) -> dict[str, Any]:
        timings = {}
        begin = perf_counter()
        if tuple(request["secrets"]) != self.redactor.values:
            self.redactor = Redactor(request["secrets"])
        file = Path(request["file"])
        try:
            nb = _read(file)
        except (OSError, ValueError) as error:
            raise NotebookError(f"can't be read: {error}", where=path, next_step=f"check the file {file}") from error
        # nbformat gives cells without an id a random one; targets go by the names that the file itself gives.
        for cell, cell_name in zip(nb.cells, cell_names(file, path), strict=True):
            cell.metadata["widgetshot_id"] = cell_name
        name = request["kernel"] or nb.metadata.get("kernelspec", {}).get("name") or "python3"
        live_page.kernel_name = name
        environment = request["variables"] | prepare_folder(live_page, file, request["environment"])
        kernels = self.serverapp.kernel_manager
        try:
            live_page.kernel_id = await kernels.start_kernel(
                kernel_name=name, cwd=str(live_page.folder / "work"), env=environment
            )
            km = kernels.get_kernel(live_page.kernel_id)
            live_page.pid = getattr(km.provisioner, "pid", None)
            kc = await connect(km)
        except NoSuchKernel as error:
            raise ServerError(
                f"its kernel '{name}' is not installed",
                where=path,
                next_step=f"python -m ipykernel install --sys-prefix --name {name}  (or set '#| widgetshot: "
                "{kernel: python3}' in its first cell)",
            ) from error
        except (RuntimeError, OSError) as error:
            raise ServerError(
                f"the kernel '{name}' did not start: {error}", where=path, next_step=f"jupyter console --kernel {name}"
            ) from error
        timings["kernel"] = perf_counter() - begin
        begin = perf_counter()
        try:
            await execute(nb, km, kc, path=path, timeout=request["timeout"], frozen_at=request["frozen_at"])
        finally:
            kc.stop_channels()
        timings["execute"] = perf_counter() - begin
        begin = perf_counter()
        config = self._config() | {"kernelId": live_page.kernel_id, "kernelName": name}
        redact_notebook(nb, self.redactor)
        live_page.html = await asyncio.to_thread(render, nb, path, request["theme"], config)
        timings["render"] = perf_counter() - begin
        return {
            "id": live_page.id,
            "url": url_path_join(self.base_url, "widgetshot/live-pages", live_page.id) + "/",
            "cells": [cell.metadata["widgetshot_id"] for cell in nb.cells],
            "timings": timings,
        }

    def _config(self) -> dict[str, Any]:
        return {
            "baseUrl": self.base_url,
            "token": self.serverapp.identity_provider.token,
            "kernelId": "",
            "kernelName": "",
            "frontEnds": front_ends(self.base_url),
            "amdUrl": url_path_join(self.base_url, "widgetshot/amd"),
            "mathUrl": url_path_join(self.base_url, "widgetshot/static/tex-svg.js"),
        }

    def anchor(self) -> str:
        """Return the HTML of a page without notebook and kernel, which loads what live pages need; see `PageSlot`."""
        # Without nbconvert, whose first page takes a while.
        environment = Environment(loader=FileSystemLoader(TEMPLATES / "widgetshot"), autoescape=True)
        environment.filters["config_json"] = _in_script
        return environment.get_template("head.html.j2").render(page=_page("", "light", self._config()))

    async def alive(self, id: str) -> bool:
        kernel_id = self._all[id].kernel_id
        kernels = self.serverapp.kernel_manager
        return kernel_id in kernels and bool(await kernels.is_alive(kernel_id))

    async def close(self, id: str) -> dict[str, Any]:
        """End a live page: its kernel, whatever the kernel started, its folder.

        Returns:
            What it was made from, as far as it could be seen: `reads` (lines of file_trace.py, "" without any), `work`
            (the private folder that stood for the notebook's own), `asked` (files beside the notebook that the page
            asked for), `front_ends` (folders), `kernel_spec` (a file, "" without any).
        """
        live_page = self._all.pop(id)
        # What the kernel reads while it ends is in no picture.
        made_from = self._made_from(live_page)
        kernels = self.serverapp.kernel_manager
        if live_page.kernel_id in kernels:
            # A kernel in an endless loop does not hear a shutdown request; an interrupt first makes it listen.
            try:
                await kernels.interrupt_kernel(live_page.kernel_id)
                await _ask_to_end(kernels.get_kernel(live_page.kernel_id))
                await kernels.shutdown_kernel(live_page.kernel_id)
            except Exception as error:
                self.serverapp.log.warning(f"kernel {live_page.kernel_id} did not shut down in order: {error!r}")
        await asyncio.to_thread(end_processes, live_page.id, live_page.pid)
        await asyncio.to_thread(shutil.rmtree, live_page.folder, ignore_errors=True)
        return made_from

    def _made_from(self, live_page: _LivePage) -> dict[str, Any]:
        reads, spec = "", ""
        with contextlib.suppress(OSError):
            reads = (live_page.folder / "reads").read_text(encoding="utf-8")
        with contextlib.suppress(NoSuchKernel):
            spec = self.serverapp.kernel_spec_manager.get_kernel_spec(live_page.kernel_name).resource_dir
        return {
            "reads": reads,
            "work": str(live_page.folder / "work"),
            "asked": sorted(live_page.asked),
            "front_ends": [*jupyter_path("nbextensions"), *jupyter_path("nbconvert", "templates")],
            "kernel_spec": str(Path(spec) / "kernel.json") if spec else "",
        }

    async def close_all(self) -> None:
        await asyncio.gather(*(self.close(id) for id in list(self._all)))


async def _ask_to_end(km: Any) -> None:
    """Tell a forked kernel to end, and see at once that it has; `shutdown_kernel` looks only each tenth of a second."""
    process = forked(km)
    if process is not None:
        await km.request_shutdown()
        deadline = perf_counter() + _SOON
        while process.poll() is None and perf_counter() < deadline:
            await asyncio.sleep(_LOOK_AGAIN)


def _read(file: Path) -> Any:
    """The notebook, in version 4 of its format; that it is valid was seen when it was collected.

    Raises:
        OSError, ValueError: it can't be read.
    """
    nb = nbformat.reader.reads(file.read_text(encoding="utf-8"))
    return nb if nb.nbformat == nbformat.current_nbformat else nbformat.convert(nb, nbformat.current_nbformat)


def prepare_folder(live_page: _LivePage, file: Path, extra: dict[str, str]) -> dict[str, str]:
    """Make a private HOME and working folder; the files beside the notebook are in the latter.

    Returns:
        The kernel's environment.
    """
    work, home = live_page.folder / "work", live_page.folder / "home"
    work.mkdir()
    home.mkdir()
    _copy_beside(file.parent, work, [_COPY_LIMIT])
    return kernel_environment(home) | {LIVE_PAGE_VARIABLE: live_page.id} | extra


def _copy_beside(source: Path, target: Path, budget: list[int]) -> None:
    """Copy what lies beside a notebook, folders too; what is over the budget (in bytes) is linked instead."""
    for entry in files_beside(source):
        place = target / entry.name
        try:
            if entry.is_dir() and budget[0] > 0:
                place.mkdir()
                _copy_beside(entry, place, budget)
            elif entry.is_file() and entry.stat().st_size <= budget[0]:
                budget[0] -= entry.stat().st_size
                shutil.copy2(entry, place)
            else:
                place.symlink_to(entry.resolve())
        except OSError:
            # Unreadable, or links are not allowed (Windows without developer mode): the notebook goes without it,
            # and says so itself if it needs it.
            continue


def processes_of(id: str, kernel: int | None) -> Iterator[psutil.Process]:
    """Processes that a live page's kernel started, however deep and in whatever session they are.

    Args:
        kernel: its process id. A kernel that was forked shows the environment of what it was forked from, and so
            does what it forks in turn; such a child is in its session.
    """
    for process in psutil.process_iter():
        try:
            forked = kernel is not None and os.name == "posix" and os.getsid(process.pid) == kernel
            if forked or process.environ().get(LIVE_PAGE_VARIABLE) == id:
                yield process
        except (psutil.Error, OSError):
            continue


def end_processes(id: str, kernel: int | None) -> None:
    """End what outlived its kernel; processes that are about to end by themselves get a moment to do it."""
    left = list(processes_of(id, kernel))
    _, left = psutil.wait_procs(left, timeout=_GRACE)
    for process in left:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(left, timeout=_GRACE)


class _Exporter(HTMLExporter):
    """Makes the body of a live page, which has its own head, shows no input and takes its widgets from their kernel."""

    def from_notebook_node(
        self, nb: nbformat.NotebookNode, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        page, resources = TemplateExporter.from_notebook_node(self, nb, resources, **options)
        # What HTMLExporter does to the finished page, but without CSS selectors, which take a fifth of a second to be
        # ready. Parsing closes what an output has left open.
        soup = BeautifulSoup(page, "html.parser")
        for image in soup.find_all("img", alt=False):
            image["alt"] = "No description has been provided for this image"
        for output in soup.find_all("div", class_="jp-OutputArea-output"):
            output["tabindex"] = "0"
        return str(soup), resources


def _in_script(value: Any) -> Markup:
    """JSON that no `</script>` in it can end."""
    return Markup(json.dumps(value).replace("/", "\\/"))


@cache
def _exporter() -> _Exporter:
    exporter = _Exporter(
        template_name="widgetshot",
        extra_template_basedirs=[str(TEMPLATES)],
        exclude_input=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
        # They look for cells that are to be left out, and colour the input.
        default_preprocessors=[],
    )
    with contextlib.suppress(OSError):
        # Templates, translated to Python, as Python itself keeps what it has compiled.
        compiled = user_cache_path("widgetshot") / "templates"
        compiled.mkdir(parents=True, exist_ok=True)
        exporter.environment.bytecode_cache = FileSystemBytecodeCache(str(compiled))
    exporter.register_filter("title", str.title)
    exporter.register_filter("config_json", _in_script)
    exporter.register_filter("highlight_code", html.escape)
    return exporter


# nbconvert's exporters are not made for threads; rendering is short, so they take turns.
_render_lock = threading.Lock()


def render(nb: Any, path: str, theme: str, config: dict[str, Any]) -> str:
    """The live page's HTML."""
    with _render_lock:
        page, _ = _exporter().from_notebook_node(nb, resources={"widgetshot": _page(path, theme, config)})
    return str(page)


def _page(path: str, theme: str, config: dict[str, Any]) -> dict[str, Any]:
    """What the template of a page's head is told."""
    return {
        "title": path,
        "theme": theme,
        "config": config,
        "static_url": url_path_join(config["baseUrl"], "widgetshot/static"),
        "style": "page-installed" if os.environ.get("WIDGETSHOT_INSTALLED_FONTS") else "page",
        "lab_url": url_path_join(config["baseUrl"], "widgetshot/lab"),
    }


class _LivePagesApiHandler(APIHandler):
    @web.authenticated
    async def post(self) -> None:
        request = json.loads(self.request.body)
        try:
            answer = await self.settings["widgetshot"].open(request)
        except WidgetshotError as error:
            answer = {
                "error": {
                    "kind": type(error).__name__,
                    "what": error.what,
                    "where": error.where,
                    "next_step": error.next_step,
                }
            }
        self.finish(json.dumps(answer))


class _LivePageApiHandler(APIHandler):
    @web.authenticated
    async def get(self, id: str) -> None:
        try:
            self.finish(json.dumps({"alive": await self.settings["widgetshot"].alive(id)}))
        except KeyError:
            raise web.HTTPError(404) from None

    @web.authenticated
    async def delete(self, id: str) -> None:
        try:
            self.finish(json.dumps(await self.settings["widgetshot"].close(id)))
        except KeyError:
            raise web.HTTPError(404) from None


class _LivePageHandler(JupyterHandler):
    """Pages that tell when anything but their own two scripts runs in them, or may: such a page is not used again.

    The browser tells it, by an event, as it would to whoever tries a policy out: nothing is blocked. Expressions may be
    evaluated, because Playwright does so; whoever else does it is a script.
    """

    def set_default_headers(self) -> None:
        super().set_default_headers()
        static = f"{self.request.protocol}://{self.request.host}{url_path_join(self.base_url, 'widgetshot/static')}"
        self.set_header(
            "Content-Security-Policy-Report-Only",
            f"script-src {static}/require.js {static}/live.js 'unsafe-eval'; worker-src 'none'; frame-src 'none'; "
            "object-src 'none'",
        )


class _PageHandler(_LivePageHandler):
    @web.authenticated
    def get(self, id: str) -> None:
        try:
            self.finish(self.settings["widgetshot"][id].html)
        except KeyError:
            raise web.HTTPError(404) from None


class _AnchorHandler(_LivePageHandler):
    @web.authenticated
    def get(self) -> None:
        self.finish(self.settings["widgetshot"].anchor())


class _BesideHandler(web.StaticFileHandler):
    """Files of a notebook's working folder, under the address that relative links of its page lead to."""

    def initialize(self) -> None:
        super().initialize(os.devnull)

    async def get(self, id: str, path: str, include_body: bool = True) -> None:
        try:
            live_page = self.settings["widgetshot"][id]
            self.root = str(live_page.folder / "work")
            live_page.asked.add(path)
        except KeyError:
            raise web.HTTPError(404) from None
        if not self.settings["widgetshot"].redactor:
            await super().get(path, include_body)
            return
        self.path = self.parse_url_path(path)
        absolute = self.validate_absolute_path(self.root, self.get_absolute_path(self.root, self.path))
        if absolute is None:
            return
        self.absolute_path = absolute
        self.set_header("Content-Type", self.get_content_type())
        data = await asyncio.to_thread(Path(absolute).read_bytes)
        self.finish(self.settings["widgetshot"].redactor.buffer(data))


class _StaticHandler(web.StaticFileHandler):
    """Files that are the same for every page; the browser may keep them."""

    ascii = True  # whether all scripts are

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", "max-age=86400")
        if path.endswith(".js") and self.ascii:
            # Chromium compiles scripts while they arrive, before it looks whether it has compiled them already, as it
            # has when pages share a process. It can't do so with this encoding, of which ASCII is a part.
            self.set_header("Content-Type", "text/javascript; charset=x-user-defined")


class _SearchHandler(_StaticHandler):
    """The first of several folders that has the file. `path` may hold nothing that leads out of them."""

    ascii = False
    roots: tuple[str, ...] = ()

    def initialize(self, roots: tuple[str, ...]) -> None:
        super().initialize(roots[0] if roots else os.devnull)
        self.roots = roots

    def validate_absolute_path(self, root: str, absolute_path: str) -> str:
        path = os.path.relpath(absolute_path, root)
        for folder in self.roots:
            found = os.path.abspath(os.path.join(folder, path))
            if found.startswith(os.path.abspath(folder) + os.sep) and os.path.isfile(found):
                self.root = folder
                return str(super().validate_absolute_path(folder, found))
        raise web.HTTPError(404, f"{path} is not installed")


def front_ends(base_url: str) -> dict[str, str]:
    """AMD name of each installed widget front end -> its address, without `.js`."""
    found: dict[str, str] = {}
    for folder in map(Path, jupyter_path("nbextensions")):
        # Scoped names, `@scope/name`, lie one level deeper.
        for index in [*folder.glob("*/index.js"), *folder.glob("@*/*/index.js")]:
            name = index.parent.relative_to(folder).as_posix()
            found.setdefault(name, url_path_join(base_url, "nbextensions", name, "index"))
    return found


def load(serverapp: Any) -> None:
    """Add the extension to a Jupyter Server."""
    live_pages = LivePages(serverapp)
    serverapp.web_app.settings["widgetshot"] = live_pages
    nbextensions = tuple(jupyter_path("nbextensions"))
    lab = tuple(os.path.join(folder, "lab", "static") for folder in jupyter_path("nbconvert", "templates"))
    id = r"([0-9a-f]{16})"
    routes: list[Any] = [
        (r"widgetshot/api/live-pages", _LivePagesApiHandler),
        (rf"widgetshot/api/live-pages/{id}", _LivePageApiHandler),
        (r"widgetshot/anchor", _AnchorHandler),
        (rf"widgetshot/live-pages/{id}/", _PageHandler),
        (rf"widgetshot/live-pages/{id}/(.+)", _BesideHandler),
        (r"widgetshot/static/(.*)", _StaticHandler, {"path": str(STATIC)}),
        (r"widgetshot/lab/(.*)", _SearchHandler, {"roots": lab}),
        (r"widgetshot/amd/(.*)", _StaticHandler, {"path": str(STATIC / "amd")}),
        # Front ends fetch their own chunks and assets from the classic notebook's address.
        (r"nbextensions/(.*)", _SearchHandler, {"roots": nbextensions}),
    ]
    serverapp.web_app.add_handlers(
        ".*$", [(url_path_join(serverapp.base_url, route[0]), *route[1:]) for route in routes]
    )
    if folder := os.environ.get("WIDGETSHOT_FOLDER"):
        _end_with_parent(serverapp, live_pages, folder)
        gc.freeze()
        gc.enable()
        # The log drops what is not asked for only after it has put it into words.
        serverapp.log.setLevel(serverapp.log_level)
    threading.Thread(target=_exporter, daemon=True).start()


def _end_with_parent(serverapp: Any, live_pages: LivePages, folder: str) -> None:
    """Stop, kernels first, as soon as the process that started this server closes our standard input or dies.

    Args:
        folder: everything temporary of the run, removed at the very end.
    """
    loop = serverapp.io_loop

    async def stop() -> None:
        await live_pages.close_all()
        await asyncio.to_thread(ZYGOTES.close)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        # Nobody is connected any more, and taking every module apart is felt at the end of each run.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)

    def watch() -> None:
        while sys.stdin.buffer.read(1):
            pass
        loop.add_callback(stop)

    threading.Thread(target=watch, daemon=True).start()
