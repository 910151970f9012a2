"""Live pages: each a notebook, its kernel, and the HTML of the page that executes it."""

import asyncio
import contextlib
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import Any
from urllib.parse import quote

from jupyter_client.kernelspec import NoSuchKernel
from jupyter_core.paths import jupyter_path
from jupyter_server.utils import url_path_join

from widgetshot.conditions import OpenFailure
from widgetshot.declare.cells import is_python
from widgetshot.ports import SourcesSeen
from widgetshot.redact import Redactor
from widgetshot.server.applications import APPLICATIONS, Applications
from widgetshot.server.gateway import Gateway, end_all, variables_there
from widgetshot.server.kernel_client import KernelDied, make_ready
from widgetshot.server.messages import FailedOpening, KernelState, NotOpened, Opened, OpenRequest, SavedNotebook
from widgetshot.server.notebook_file import cell_config, document_of, read_file
from widgetshot.server.processes import LIVE_PAGE_VARIABLE, Started, end_processes, request_exit
from widgetshot.server.render import page_config, render, render_anchor
from widgetshot.server.static_page import PAGE as STATIC_PAGE
from widgetshot.server.static_page import apply_saved, saved_state, static_html, widget_state
from widgetshot.server.work_folder import WorkFolder, prepare_folder
from widgetshot.server.zygotes import NoProcess

_DEFAULT_KERNEL = "python3"
ID = r"([0-9a-f]{16})"  # pattern of what live pages are called
_PREFIX = "live-page-"  # of the folders of live pages
# Folder and name of a page, by who draws it.
_LIVE, _STATIC, _VOILA = ("live-pages", ""), ("live-pages", STATIC_PAGE), ("voila", "widgetshot-voila.html")


@dataclass
class OpenedNotebook:
    """A notebook that is open on this server.

    Attributes:
        folder: private to it, see `work_folder`.
        request: what was asked for.
        started: its kernel's processes.
        sources: name of each code cell -> its source.
        notices: what whoever looks at the page is to know of how it was made.
        place: path of its folder in the project, with forward slashes; "" for the project's own.
        elsewhere: whether a gateway has started its kernel.
        above: whether it was given what lies above its folder.
        requested: the files that its page has asked for, by their paths in the project.
        notebook: in version 4 of its format.
        names: of its cells, in order.
        static: the HTML of its static page, once there is one.
        failure: why Voila has not executed it to its end.
        path: of the notebook in its private folder, with forward slashes.
        document: the notebook as an application gets it; {} for other pages.
        asks_kernel: whether the kernel can tell what the notebook has set going in it.
    """

    id: str
    folder: Path
    request: OpenRequest
    kernel_name: str = ""
    kernel_id: str = ""
    started: Started = field(init=False)
    html: str = ""
    sources: dict[str, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    place: str = ""
    elsewhere: bool = False
    above: bool = False
    requested: set[str] = field(default_factory=set)
    notebook: Any = None
    names: list[str] = field(default_factory=list)
    static: str = ""
    failure: FailedOpening | None = None
    path: str = ""
    document: dict[str, Any] = field(default_factory=dict)
    asks_kernel: bool = False

    def __post_init__(self) -> None:
        self.started = Started(self.id, self.folder)

    @property
    def work(self) -> Path:
        """The private folder that stands for the project's."""
        return self.folder / "work"


class LivePages:
    """All live pages of this server."""

    def __init__(self, serverapp: Any) -> None:
        self.redactor = Redactor()
        self.applications = Applications(serverapp, self)
        self._serverapp = serverapp
        self._kernels = serverapp.kernel_manager
        self._all: dict[str, OpenedNotebook] = {}
        self._closing: set[asyncio.Task[SourcesSeen]] = set()
        self._adding_voila = asyncio.Lock()
        self._has_voila = False

    def __getitem__(self, id: str) -> OpenedNotebook:
        return self._all[id]

    async def open(self, request: OpenRequest) -> Opened:
        """Start the kernel of a notebook and make its page.

        Raises:
            NotOpened: the notebook can't be read, or its kernel is not installed, does not start or can't be frozen.
        """
        opened = OpenedNotebook(secrets.token_hex(8), Path(tempfile.mkdtemp(prefix=_PREFIX)), request)
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
        voila = await self._voila() if request.page == "voila" else None
        opened.notebook, opened.names = nb, names = read_file(Path(request.file), request.path)
        if not request.executes:
            await self._open_saved(opened, request)
            km = None
        elif request.gateway:
            opened.kernel_name = request.kernel or _own_kernel(nb)
            km = await self._start_kernel_elsewhere(opened, request, nb)
        else:
            opened.kernel_name = request.kernel or self._kernel_of(nb, opened)
            added = voila.kernel_environment(request, self._serverapp.base_url) if voila else {}
            km = await self._start_kernel(opened, request, nb, added)
        times.append(perf_counter())
        opened.sources = {name: cell.source for name, cell in zip(names, nb.cells, strict=True)}
        opened.asks_kernel = km is not None and km.kernel_spec.language == "python"
        if request.page in APPLICATIONS:
            opened.path = f"{opened.place}/{Path(request.file).name}".lstrip("/")
            opened.document = document_of(nb, names, self.redactor)
        else:
            opened.html = self._html(opened, request)
        times.append(perf_counter())
        stages = ("kernel", "render")
        return Opened(
            id=opened.id,
            url=self._address(opened, request.page),
            static_url=self._url(opened, *_STATIC),
            cells=names,
            notices=opened.notices,
            timings={stage: end - begin for stage, begin, end in zip(stages, times, times[1:], strict=False)},
        )

    async def _voila(self) -> ModuleType:
        """Return what shows notebooks as Voila does; its addresses are added when it is first asked for."""
        async with self._adding_voila:
            module = await asyncio.to_thread(import_module, "widgetshot.server.voila_page")
            if not self._has_voila:
                self._has_voila = True
                module.install(self._serverapp, ID)
        return module

    async def _open_saved(self, opened: OpenedNotebook, request: OpenRequest) -> None:
        """Make ready what shows a notebook as it was saved.

        Raises:
            NotOpened: it was saved without outputs.
        """
        if not any(cell.get("outputs") for cell in opened.notebook.cells):
            raise NotOpened(OpenFailure.NOTHING_SAVED)
        await asyncio.to_thread(_folder_of, opened, request, opened.notebook)
        if request.page == "static":
            await self._export(opened, opened.notebook)

    async def save(self, id: str, saved: SavedNotebook) -> None:
        """Make the static page of an executed notebook.

        Args:
            saved: what was saved of it.
        """
        opened = self._all[id]
        await self._export(opened, apply_saved(opened.notebook, opened.names, saved))

    async def _export(self, opened: OpenedNotebook, nb: Any) -> None:
        opened.static = await asyncio.to_thread(
            static_html,
            nb,
            opened.names,
            title=Path(opened.request.path).stem,
            theme=opened.request.theme,
            base_url=self._serverapp.base_url,
            redactor=self.redactor,
            state=widget_state(nb),
        )

    def _html(self, opened: OpenedNotebook, request: OpenRequest) -> str:
        """Return our own page of a notebook."""
        nb, names = opened.notebook, opened.names
        config = self._config(
            kernel_id=opened.kernel_id,
            kernel_name=opened.kernel_name,
            asks_kernel=opened.asks_kernel,
            cells=[cell_config(name, cell, self.redactor) for name, cell in zip(names, nb.cells, strict=True)],
            saved=None if request.executes else saved_state(nb, names, self.redactor),
            timeout=request.timeout,
        )
        return render(request.path, request.theme, config)

    def _address(self, opened: OpenedNotebook, page: str) -> str:
        if page in APPLICATIONS:
            return str(url_path_join(self._serverapp.base_url, "widgetshot/new", page, opened.id))
        # Of the depth of the notebook in the project, so that links of its page may go up as far as there.
        return self._url(opened, *(_VOILA if page == "voila" else _LIVE))

    def _url(self, opened: OpenedNotebook, folder: str, file: str) -> str:
        base = url_path_join(self._serverapp.base_url, "widgetshot", folder, opened.id)
        return str(url_path_join(base, quote(opened.place), file or "/"))

    async def _start_kernel(
        self, opened: OpenedNotebook, request: OpenRequest, nb: Any, added: Mapping[str, str]
    ) -> Any:
        """Start the notebook's kernel in its folder, ready for the first cell; return the kernel's manager."""
        given = await asyncio.to_thread(_folder_of, opened, request, nb)
        own = {**added, LIVE_PAGE_VARIABLE: opened.id}
        environment = request.variables | given.environment | own | request.environment
        name = opened.kernel_name

        async def begin() -> Any:
            opened.kernel_id = await self._kernels.start_kernel(kernel_name=name, cwd=str(given.place), env=environment)
            km = self._kernels.get_kernel(opened.kernel_id)
            opened.started.begin(km)
            await make_ready(km, frozen_at=request.frozen_at)
            return km

        try:
            try:
                return await begin()
            except (RuntimeError, OSError) as error:
                # Another program may have taken the port that it was to listen at. And what ends just now may have left
                # no processes to others.
                if not (self._closing or isinstance(error, KernelDied)):
                    raise
            if self._closing:
                await asyncio.wait(self._closing)
            if opened.kernel_id in self._kernels:
                await self._kernels.shutdown_kernel(opened.kernel_id, now=True)
            return await begin()
        except NoSuchKernel as error:
            raise NotOpened(OpenFailure.KERNEL_UNKNOWN, kernel=name) from error
        except (NoProcess, BlockingIOError) as error:
            raise NotOpened(OpenFailure.NO_PROCESS, kernel=name, cause=str(error)) from error
        except (RuntimeError, OSError) as error:
            raise NotOpened(OpenFailure.KERNEL_NOT_STARTED, kernel=name, cause=str(error)) from error

    async def _start_kernel_elsewhere(self, opened: OpenedNotebook, request: OpenRequest, nb: Any) -> Any:
        """Start the notebook's kernel at a gateway, ready for the first cell; return the kernel's manager."""
        # Of the files around the notebook only its page has some.
        await asyncio.to_thread(_folder_of, opened, request, nb)
        gateway = Gateway(request.gateway, request.gateway_token)
        opened.elsewhere = True
        spec = await gateway.spec(opened.kernel_name)
        opened.kernel_name = spec.display_name
        name = f"{spec.display_name} at {gateway.url}"
        self._serverapp.kernel_spec_manager.elsewhere[name] = spec
        variables = variables_there(request.variables | request.environment)
        try:
            opened.kernel_id = await self._kernels.start_kernel(kernel_name=name, env=variables)
            km = self._kernels.get_kernel(opened.kernel_id)
            if await make_ready(km, frozen_at=request.frozen_at, elsewhere=variables):
                opened.notices.append(
                    "its kernel has a random hash seed, so that sets may be in another order each time: let the "
                    f"gateway {gateway.url} pass PYTHONHASHSEED on"
                )
        except (RuntimeError, OSError) as error:
            there = {"gateway": gateway.url, "kernel": spec.display_name}
            raise NotOpened(OpenFailure.KERNEL_NOT_STARTED_THERE, **there, cause=str(error)) from error
        return km

    def _kernel_of(self, nb: Any, opened: OpenedNotebook) -> str:
        """Return the name of a notebook's kernel spec; of a Python notebook whose own is not here, the default one."""
        name = _own_kernel(nb) or _DEFAULT_KERNEL
        if name == _DEFAULT_KERNEL or not is_python(nb.metadata):
            return name
        # It looks through folders, which is for notebooks that name another kernel.
        if name not in self._serverapp.kernel_spec_manager.find_kernel_specs():
            opened.notices.append(f"its kernel '{name}' is not installed: it ran on '{_DEFAULT_KERNEL}'")
            return _DEFAULT_KERNEL
        return name

    def _config(self, **notebook: Any) -> dict[str, Any]:
        return page_config(self._serverapp.base_url, self._serverapp.identity_provider.token, **notebook)

    def sources(self, kernel_id: str) -> dict[str, str]:
        """Return the sources of the notebook that a kernel belongs to, by the names of its cells.

        Raises:
            KeyError: the kernel belongs to none.
        """
        for opened in self._all.values():
            if opened.kernel_id == kernel_id:
                return opened.sources
        raise KeyError(kernel_id)

    def anchor(self) -> str:
        """Return the HTML of the anchor page, see `render_anchor`."""
        return render_anchor(self._config())

    async def state(self, id: str) -> KernelState:
        """Tell whether the kernel of a live page lives."""
        opened = self._all[id]
        kernel_id = opened.kernel_id
        if opened.request is not None and not opened.request.executes:
            return KernelState(alive=True)
        if kernel_id not in self._kernels:
            return KernelState(alive=False)
        failure = getattr(self._kernels.get_kernel(kernel_id).provisioner, "failure", None)
        alive = bool(await self._kernels.is_alive(kernel_id))
        if opened.failure is not None:
            return KernelState(alive, opened.failure.condition, opened.failure.cell)
        return KernelState(alive, failure)

    async def close(self, id: str) -> SourcesSeen:
        """End a live page: its kernel, whatever the kernel started, its folder."""
        closing = asyncio.create_task(self._close(self._all.pop(id)))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        return await closing

    async def _close(self, opened: OpenedNotebook) -> SourcesSeen:
        # What the kernel reads while it ends is in no picture.
        sources = self._sources(opened)
        self.applications.forget(opened)
        opened.started.look()
        if opened.kernel_id in self._kernels:
            # A kernel in an endless loop does not hear a shutdown request; an interrupt first makes it listen.
            try:
                await self._kernels.interrupt_kernel(opened.kernel_id)
                await request_exit(self._kernels.get_kernel(opened.kernel_id))
                await self._kernels.shutdown_kernel(opened.kernel_id)
            except Exception as error:
                self._serverapp.log.warning(f"kernel {opened.kernel_id} did not shut down in order: {error!r}")
        if not opened.elsewhere:
            await asyncio.to_thread(end_processes, opened.started)
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
            front_ends=(*jupyter_path("nbextensions"), *jupyter_path("labextensions")),
            kernel_spec=str(Path(spec) / "kernel.json") if spec else "",
            above=opened.above,
        )

    async def close_all(self) -> None:
        """End all live pages."""
        await asyncio.gather(*(self.close(id) for id in list(self._all)))
        await end_all()


def _folder_of(opened: OpenedNotebook, request: OpenRequest, nb: Any) -> WorkFolder:
    """Make the private folders of a notebook."""
    file = Path(request.file)
    root = Path(request.root) if request.root else file.parent
    sources = [cell.source for cell in nb.cells]
    # The folders of notebooks may lie in the project, and none is copied into itself.
    own = map(str, opened.folder.parent.glob(f"{_PREFIX}*"))
    left_out = (*request.left_out, *own)
    given = prepare_folder(opened.folder, file, root, sources, left_out, python=is_python(nb.metadata))
    opened.above = given.above
    opened.place = "/".join(given.place.relative_to(opened.work).parts)
    if given.missing:
        first, others = given.missing[0], len(given.missing) - 1
        more = f" and {others} more" if others else ""
        opened.notices.append(f"its copy of the project is without '{first}'{more}, which it does not name")
    return given


def _own_kernel(nb: Any) -> str:
    """Return the name of the kernel spec that a notebook names; "" where it names none."""
    return str(nb.metadata.get("kernelspec", {}).get("name") or "")
