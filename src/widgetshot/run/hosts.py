"""The server that notebooks execute in and the browser that shows them, each started once."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

from widgetshot.capture.browser import find_browser, identity
from widgetshot.capture.cdp import refuse_other_kind
from widgetshot.capture.fingerprint import fingerprint
from widgetshot.capture.host import browser_host, described
from widgetshot.capture.pool import PagePool
from widgetshot.capture.renderer import read_renderer, refuse_other_platform
from widgetshot.errors import DiedStarting, ServerError
from widgetshot.frontends import registry
from widgetshot.frontends.registry import HEADLESS, REGISTRY, FrontendServer
from widgetshot.model import PAGE_FRONT_END, UNKNOWN
from widgetshot.project.endpoint import is_cdp, place_of
from widgetshot.project.settings import Settings
from widgetshot.server.launcher import Server

if TYPE_CHECKING:
    from widgetshot.ports import Frontend


class _Process(Protocol):
    async def start(self) -> None: ...

    async def stop(self) -> None: ...


P = TypeVar("P", bound=_Process)


def expected_renderer(settings: Settings) -> dict[str, Any]:
    """Return the fingerprint of what would draw the pictures, without a browser that runs; see `capture.fingerprint`.

    Raises:
        ServerError: there is no browser.
        ConfigError: the browser elsewhere is none that this project's pictures are drawn by.
    """
    refuse_other_platform(settings)
    if is_cdp(settings.browser_endpoint):
        # In a thread: there may be an event loop in this one.
        with ThreadPoolExecutor(1) as thread:
            seen = dict(thread.submit(asyncio.run, described(settings)).result()[0])
        if unknown := sorted(part for part, value in seen.items() if value == UNKNOWN):
            raise ServerError(
                f"the browser at {place_of(settings.browser_endpoint)} does not tell its {unknown[0]}",
                next_step="widgetshot doctor",
            )
        return seen
    if settings.browser_endpoint:
        renderer = read_renderer(settings)
        return fingerprint(settings, renderer.identity, renderer)
    return fingerprint(settings, identity(find_browser(settings.browser, settings.browser_executable)))


class _Restarted(Generic[P]):
    """A process that is started when it is first needed, and again when it has died; `get` returns it.

    One that is ended by a signal while it starts is started once more, because nothing is known yet that would end the
    next one as well.

    Attributes:
        current: the one that was started last.
        seconds: of the starts that `Hosts.take_timings` has not returned yet.
        notices: what was started once more, in sentences.

    Args:
        make: gives one that is not started yet.
        lives: whether a started one can still be used.
    """

    def __init__(self, make: Callable[[], P], lives: Callable[[P], bool]) -> None:
        self._make = make
        self._lives = lives
        self._changing = asyncio.Lock()
        self.current: P | None = None
        self.seconds = 0.0
        self.notices: list[str] = []

    async def get(self) -> P:
        """Return the one that runs, started if need be.

        Raises:
            ServerError: it could not be started.
        """
        async with self._changing:
            if self.current is not None and self._lives(self.current):
                return self.current
            begin = perf_counter()
            await self._stop()
            made = self._make()
            try:
                await made.start()
            except DiedStarting as error:
                made = await self._once_more()
                self.notices.append(f"{error.what}, and was started once more")
            self.current = made
            self.seconds += perf_counter() - begin
            return made

    async def _once_more(self) -> P:
        made = self._make()
        try:
            await made.start()
        except DiedStarting as again:
            raise ServerError(f"{again.what}, twice", next_step=again.next_step) from again
        return made

    async def stop(self) -> None:
        """End it, if one was started."""
        async with self._changing:
            await self._stop()

    async def _stop(self) -> None:
        current, self.current = self.current, None
        if current is not None:
            await current.stop()


class Hosts:
    """The servers and the browser that all sessions of a run share, started when first needed. A context manager.

    Args:
        launched: a server that was launched ahead, in a folder of its own.
        server_log: a file that gets what servers have logged, when they have ended; None for none.
        kernel_environment: variables that kernels get whatever this process has; it may grow.
    """

    def __init__(
        self,
        settings: Settings,
        launched: Server | None = None,
        *,
        server_log: Path | None = None,
        kernel_environment: Mapping[str, str] | None = None,
    ) -> None:
        self._settings = settings
        self._kernel_environment = {} if kernel_environment is None else kernel_environment
        self._server_log = server_log
        self._launched = launched
        self._folder = None if launched is None else launched.folder.parent
        # Each is started when a session's front end needs it.
        self._servers: dict[str, _Restarted[FrontendServer]] = {}
        self._browser = _Restarted(self._make_browser, lambda browser: browser.connected)
        self.renderer: Mapping[str, Any] = {}
        self.sheet: Mapping[str, str] = {}

    @property
    def notices(self) -> list[str]:
        """What whoever typed the command is to know of server and browser, in sentences."""
        return [*(notice for server in self._servers.values() for notice in server.notices), *self._browser.notices]

    def renderer_of(self, frontend: str) -> Mapping[str, Any]:
        """Return the fingerprint of what draws a front end's pages; empty before the browser has started."""
        versions = registry.versions(frontend) if self.renderer else None
        return self.renderer if versions is None else {**self.renderer, "frontend": versions}

    async def frontend(self, name: str = PAGE_FRONT_END, *, traces_files: bool = False) -> "Frontend":
        """Return what makes notebooks live pages; its server is started if need be.

        Args:
            name: the front end.
            traces_files: whether kernels note what they read, see `selection.pass_cache`.

        Raises:
            ServerError: the server could not be had.
        """
        server = await self._server(REGISTRY[name].server).get()
        # Many libraries format text for the terminal's size, which differs, and which pytest-xdist sets.
        environment = {**self._kernel_environment, "TZ": self._settings.timezone, "COLUMNS": "80", "LINES": "24"}
        if traces_files:
            environment["WIDGETSHOT_FILE_TRACE"] = "1"
        return registry.make_frontend(name, server, environment, self._settings)

    def _server(self, path: str) -> _Restarted[FrontendServer]:
        """Return the server that front ends need by `Registered.server`."""
        if path not in self._servers:
            self._servers[path] = _Restarted(lambda: self._make_server(path), lambda server: server.running)
        return self._servers[path]

    async def browser(self) -> PagePool:
        """Return the browser, started if need be.

        Raises:
            ServerError: it could not be had.
        """
        browser = await self._browser.get()
        self.renderer = browser.fingerprint
        self.sheet = browser.sheet
        return browser

    def find_browser(self) -> None:
        """Look for the browser, unless one was started or runs elsewhere: who has none need not wait for a server.

        Raises:
            ServerError: there is none.
            ConfigError: one that runs here is none that this project's pictures are drawn by.
        """
        refuse_other_platform(self._settings)
        refuse_other_kind(self._settings)
        if self._browser.current is None and not self._settings.browser_endpoint:
            find_browser(self._settings.browser, self._settings.browser_executable)

    def take_timings(self) -> dict[str, float]:
        """Return the seconds that starts took since this was last asked, by stage: `server`, `browser`."""
        timings: dict[str, float] = {}
        hosts: list[tuple[str, _Restarted[Any]]] = [("server", server) for server in self._servers.values()]
        for stage, host in (*hosts, ("browser", self._browser)):
            if host.seconds:
                timings[stage] = timings.get(stage, 0.0) + host.seconds
                host.seconds = 0.0
        return timings

    async def stop_browser(self) -> None:
        """End the browser."""
        await self._browser.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(self.stop_browser(), self._stop_servers())
        if self._folder is not None:
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def _stop_servers(self) -> None:
        await asyncio.gather(*(server.stop() for server in self._servers.values()))
        if self._launched is not None:
            await self._launched.stop()

    def _make_server(self, path: str) -> FrontendServer:
        if path != HEADLESS:
            return registry.make_server(path, self._private_folder(), self._settings)
        launched, self._launched = self._launched, None
        settings = self._settings
        server = launched or Server(self._private_folder(), settings.redactor, installed_fonts=settings.installed_fonts)
        server.log_copy = self._server_log
        return server

    def _make_browser(self) -> PagePool:
        return PagePool(self._settings, browser_host(self._settings, self._private_folder()))

    def _private_folder(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="widgetshot-"))
        return self._folder
