"""Live pages: each a notebook that was executed, its kernel that stays alive, its HTML."""

import asyncio
import contextlib
import secrets
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import nbformat
from jupyter_client.kernelspec import NoSuchKernel
from jupyter_core.paths import jupyter_path
from jupyter_server.utils import url_path_join

from widgetshot.conditions import OpenFailure
from widgetshot.declare.cells import cell_names
from widgetshot.errors import NotebookError
from widgetshot.ports import SourcesSeen
from widgetshot.redact import Redactor
from widgetshot.server.execute import connect, execute
from widgetshot.server.messages import NotOpened, Opened, OpenRequest
from widgetshot.server.processes import LIVE_PAGE_VARIABLE, end_processes, request_exit
from widgetshot.server.redacting_connection import redact_notebook
from widgetshot.server.render import page_config, render, render_anchor
from widgetshot.server.work_folder import prepare_folder

_DEFAULT_KERNEL = "python3"
# The languages of notebooks that the default kernel runs.
_PYTHON = ("python", "ipython")


@dataclass
class OpenedNotebook:
    """A notebook that is open on this server.

    Attributes:
        folder: private to it, see `work_folder`.
        pid: of its kernel.
        notices: what whoever looks at the page is to know of how it was made.
        requested: the files beside the notebook that its page has asked for.
    """

    id: str
    folder: Path
    kernel_name: str = ""
    kernel_id: str = ""
    pid: int | None = None
    html: str = ""
    notices: list[str] = field(default_factory=list)
    requested: set[str] = field(default_factory=set)

    @property
    def work(self) -> Path:
        """The working folder of its kernel."""
        return self.folder / "work"


class LivePages:
    """All live pages of this server."""

    def __init__(self, serverapp: Any) -> None:
        self.redactor = Redactor()
        self._serverapp = serverapp
        self._kernels = serverapp.kernel_manager
        self._all: dict[str, OpenedNotebook] = {}

    def __getitem__(self, id: str) -> OpenedNotebook:
        return self._all[id]

    async def open(self, request: OpenRequest) -> Opened:
        """Execute a notebook and make its page.

        Raises:
            NotOpened: it did not run to its end, or its kernel is not installed or does not start.
        """
        opened = OpenedNotebook(secrets.token_hex(8), Path(tempfile.mkdtemp(prefix="live-page-")))
        self._all[opened.id] = opened
        try:
            return await self._open(opened, request)
        except BaseException:
            await self.close(opened.id)
            raise

    async def _open(self, opened: OpenedNotebook, request: OpenRequest) -> Opened:
        times = [perf_counter()]
        if tuple(request.secrets) != self.redactor.values:
            self.redactor = Redactor(request.secrets)
        nb = _read(Path(request.file), request.path)
        opened.kernel_name = request.kernel or self._kernel_of(nb, opened)
        km, kc = await self._start_kernel(opened, request)
        times.append(perf_counter())
        try:
            await execute(nb, km, kc, timeout=request.timeout, frozen_at=request.frozen_at)
        finally:
            kc.stop_channels()
        times.append(perf_counter())
        redact_notebook(nb, self.redactor)
        config = self._config(
            kernel_id=opened.kernel_id,
            kernel_name=opened.kernel_name,
            asks_kernel=km.kernel_spec.language == "python",
        )
        opened.html = await asyncio.to_thread(render, nb, request.path, request.theme, config)
        times.append(perf_counter())
        stages = ("kernel", "execute", "render")
        return Opened(
            id=opened.id,
            url=url_path_join(self._serverapp.base_url, "widgetshot/live-pages", opened.id) + "/",
            cells=[cell.metadata["widgetshot_id"] for cell in nb.cells],
            notices=opened.notices,
            timings={stage: end - begin for stage, begin, end in zip(stages, times, times[1:], strict=False)},
        )

    async def _start_kernel(self, opened: OpenedNotebook, request: OpenRequest) -> tuple[Any, Any]:
        """Start the notebook's kernel in its folder; the kernel's manager and a client."""
        environment = request.variables | prepare_folder(opened.folder, Path(request.file))
        environment |= {LIVE_PAGE_VARIABLE: opened.id} | request.environment
        name = opened.kernel_name
        try:
            opened.kernel_id = await self._kernels.start_kernel(kernel_name=name, cwd=str(opened.work), env=environment)
            km = self._kernels.get_kernel(opened.kernel_id)
            opened.pid = getattr(km.provisioner, "pid", None)
            return km, await connect(km)
        except NoSuchKernel as error:
            raise NotOpened(OpenFailure.KERNEL_UNKNOWN, kernel=name) from error
        except (RuntimeError, OSError) as error:
            raise NotOpened(OpenFailure.KERNEL_NOT_STARTED, kernel=name, cause=str(error)) from error

    def _kernel_of(self, nb: Any, opened: OpenedNotebook) -> str:
        """Return the name of a notebook's kernel spec; of a Python notebook whose own is not here, the default one."""
        spec = nb.metadata.get("kernelspec", {})
        name = str(spec.get("name") or _DEFAULT_KERNEL)
        language = spec.get("language") or nb.metadata.get("language_info", {}).get("name") or ""
        if name == _DEFAULT_KERNEL or str(language).lower() not in _PYTHON:
            return name
        # It looks through folders, which is for notebooks that name another kernel.
        if name not in self._serverapp.kernel_spec_manager.find_kernel_specs():
            opened.notices.append(f"its kernel '{name}' is not installed: it ran on '{_DEFAULT_KERNEL}'")
            return _DEFAULT_KERNEL
        return name

    def _config(self, **kernel: Any) -> dict[str, Any]:
        return page_config(self._serverapp.base_url, self._serverapp.identity_provider.token, **kernel)

    def anchor(self) -> str:
        """Return the HTML of the anchor page, see `render_anchor`."""
        return render_anchor(self._config())

    async def alive(self, id: str) -> bool:
        """Tell whether the kernel of a live page lives."""
        kernel_id = self._all[id].kernel_id
        return kernel_id in self._kernels and bool(await self._kernels.is_alive(kernel_id))

    async def close(self, id: str) -> SourcesSeen:
        """End a live page: its kernel, whatever the kernel started, its folder."""
        opened = self._all.pop(id)
        # What the kernel reads while it ends is in no picture.
        sources = self._sources(opened)
        if opened.kernel_id in self._kernels:
            # A kernel in an endless loop does not hear a shutdown request; an interrupt first makes it listen.
            try:
                await self._kernels.interrupt_kernel(opened.kernel_id)
                await request_exit(self._kernels.get_kernel(opened.kernel_id))
                await self._kernels.shutdown_kernel(opened.kernel_id)
            except Exception as error:
                self._serverapp.log.warning(f"kernel {opened.kernel_id} did not shut down in order: {error!r}")
        await asyncio.to_thread(end_processes, opened.id, opened.pid)
        await asyncio.to_thread(shutil.rmtree, opened.folder, ignore_errors=True)
        return sources

    def _sources(self, opened: OpenedNotebook) -> SourcesSeen:
        reads, spec = "", ""
        with contextlib.suppress(OSError):
            reads = (opened.folder / "reads").read_text(encoding="utf-8")
        with contextlib.suppress(NoSuchKernel):
            spec = self._serverapp.kernel_spec_manager.get_kernel_spec(opened.kernel_name).resource_dir
        return SourcesSeen(
            reads=reads,
            work=str(opened.work),
            requested=tuple(sorted(opened.requested)),
            front_ends=(*jupyter_path("nbextensions"), *jupyter_path("nbconvert", "templates")),
            kernel_spec=str(Path(spec) / "kernel.json") if spec else "",
        )

    async def close_all(self) -> None:
        """End all live pages."""
        await asyncio.gather(*(self.close(id) for id in list(self._all)))


def _read(file: Path, path: str) -> Any:
    """Return the notebook in version 4 of its format, each cell with its name as `metadata.widgetshot_id`.

    That it is valid was seen when it was collected.

    Raises:
        NotOpened: it can't be read any more.
    """
    try:
        nb = nbformat.reader.reads(file.read_text(encoding="utf-8"))
        if nb.nbformat != nbformat.current_nbformat:
            nb = nbformat.convert(nb, nbformat.current_nbformat)
        # nbformat gives cells without an id a random one; targets go by the names that the file itself gives.
        for cell, name in zip(nb.cells, cell_names(file, path), strict=True):
            cell.metadata["widgetshot_id"] = name
    except NotebookError as error:
        raise NotOpened(OpenFailure.NOTEBOOK_UNREADABLE, cause=error.what) from error
    except (OSError, ValueError) as error:
        raise NotOpened(OpenFailure.NOTEBOOK_UNREADABLE, cause=str(error)) from error
    return nb
