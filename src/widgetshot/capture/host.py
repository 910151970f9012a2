"""Browsers that give pages: launched here, used from another machine's, or handed over by who has launched it."""

import asyncio
import contextlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import psutil
from platformdirs import user_cache_path
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import async_playwright

from widgetshot.capture.browser import find_browser
from widgetshot.capture.cdp import FLAGS, devtools_address, inspect_browser
from widgetshot.capture.determinism import context_options, is_outside, launch_options, prepare
from widgetshot.capture.driver_errors import first_line, is_end_of_driver
from widgetshot.capture.fingerprint import fingerprint, product
from widgetshot.capture.renderer import EXPOSED, SERVE, Renderer, read_renderer
from widgetshot.capture.sheet import sheet_of
from widgetshot.errors import (
    FEWER_AT_A_TIME,
    SIGNALS_OF_OTHERS,
    SOMEBODY,
    DiedStarting,
    ServerError,
    WidgetshotError,
)
from widgetshot.model import UNKNOWN, Target
from widgetshot.project.endpoint import is_cdp, place_of, secrets_of
from widgetshot.project.settings import Settings
from widgetshot.redact import Redactor

_ANSWER_TIMEOUT_S = 15.0
_CONNECT_TIMEOUT_S = 60.0
_COMPILE_CACHE = "NODE_COMPILE_CACHE"
_TEMPORARY = "TMPDIR"
# In the log of a launch: ended by one of SIGNALS_OF_OTHERS. A shell that has started it says so by 128 and more.
_SIGNALS = "|".join(f"{name}|{128 + number}" for number, name in SIGNALS_OF_OTHERS.items())
_BY_SIGNAL = re.compile(rf"process did exit: exitCode=(?:null, signal=)?(?:{_SIGNALS})\b")
_OF_A_BROWSER = re.compile(r" run-driver\b| --type=| --remote-debugging-pipe\b")


class _PinnedBrowser:
    """The part of a `BrowserHost` that does not depend on who launched the browser.

    Attributes:
        browser: Playwright's, async or wrapped by `Awaitable`; None unless it runs.
        fingerprint: of the renderer; empty before it has started.
        sheet: see `BrowserHost.sheet`.

    Args:
        renderer: what is known of a browser elsewhere; None of one that runs here.
    """

    def __init__(self, settings: Settings, browser: Any = None, renderer: Renderer | None = None) -> None:
        self.browser = browser
        self.fingerprint: Mapping[str, Any] = {}
        self.sheet: Mapping[str, str] = {}
        self._settings = settings
        self._renderer = renderer
        self._gone = False

    @property
    def kind(self) -> str:
        """See `BrowserHost.kind`."""
        return self._settings.browser

    @property
    def connected(self) -> bool:
        """See `BrowserHost.connected`."""
        # A driver that died does not say that the browser is no longer connected.
        return bool(self.browser is not None and self.browser.is_connected() and not self._gone)

    async def alive(self) -> bool:
        """See `BrowserHost.alive`."""
        if not self.connected:
            return False
        try:
            context = await self.browser.new_context()
            await context.close()
        except Exception:  # of a driver that died it is none of Playwright's own
            self._gone = True
            return False
        return True

    async def new_context(self, target: Target) -> Any:
        """See `BrowserHost.new_context`."""
        context = await self.browser.new_context(**context_options(self._settings, target))
        await prepare(context, target.clock)
        if self.kind != "chromium":
            await context.route(is_outside, lambda route: route.abort())
        return context

    async def _describe(self) -> None:
        name = await product(self.browser, self.kind)
        is_here = not self._settings.browser_endpoint
        sheet = await sheet_of(self.browser, self._settings, kind=self.kind, is_here=is_here)
        self.sheet = {} if sheet is None else sheet.primitives
        digest = UNKNOWN if sheet is None else sheet.digest
        self.fingerprint = fingerprint(self._settings, name, self._renderer, digest)


class _DrivenBrowser(_PinnedBrowser):
    """A browser with a driver of its own: Playwright's async API.

    Args:
        folder: an existing private folder.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        super().__init__(settings)
        self._folder = folder
        self._playwright: Any = None

    async def _start_driver(self) -> None:
        with _driver_environment(self._folder):
            self._playwright = await async_playwright().start()

    async def stop(self) -> None:
        """End the browser and its driver, and whatever is left of them where one of them has died."""
        orderly = self.connected
        if not orderly:
            # Nobody answers as long as what is left of them holds the connection.
            await asyncio.to_thread(end_remains, self._folder)
        for part, end in ((self.browser, "close"), (self._playwright, "stop")):
            if part is not None:
                try:
                    await asyncio.wait_for(getattr(part, end)(), _ANSWER_TIMEOUT_S)
                except Exception:  # it is gone, or does not answer
                    orderly = False
        self.browser = self._playwright = None
        if not orderly:
            await asyncio.to_thread(end_remains, self._folder)

    async def alive(self) -> bool:
        """See `BrowserHost.alive`."""
        try:
            return await asyncio.wait_for(super().alive(), _ANSWER_TIMEOUT_S)
        except TimeoutError:
            self._gone = True
            return False


class LaunchedBrowser(_DrivenBrowser):
    """A browser of our own.

    Args:
        folder: an existing private folder.
    """

    async def start(self) -> None:
        """Launch the browser.

        Raises:
            DiedStarting: it was ended by a signal, or its driver has ended.
            ServerError: there is none, or it does not start.
        """
        found = find_browser(self.kind, self._settings.browser_executable)
        try:
            await self._start_driver()
            options = launch_options(self._settings, found, self._folder)
            self.browser = await getattr(self._playwright, self.kind).launch(**options)
            await self._describe()
        except BaseException as error:
            died = isinstance(error, Exception) and await self._died(error)
            await self.stop()
            if died:
                raise DiedStarting(
                    f"{found.executable} died while it started {SOMEBODY}",
                    next_step=f"{FEWER_AT_A_TIME}, and see: widgetshot doctor",
                ) from error
            if isinstance(error, Exception):
                raise ServerError(
                    f"{found.executable} did not start: {first_line(error, self._settings.redactor)}",
                    next_step="widgetshot doctor",
                ) from error
            raise

    async def _died(self, error: Exception) -> bool:
        """Return whether a start failed because the browser was ended by a signal, or its driver ended."""
        if self._playwright is None:
            return is_end_of_driver(error)
        if _BY_SIGNAL.search(str(error)) or (self.browser is not None and not self.browser.is_connected()):
            return True
        try:
            # Any question that takes the driver to answer.
            request = await asyncio.wait_for(self._playwright.request.new_context(), _ANSWER_TIMEOUT_S)
            await request.dispose()
        except Exception:  # of a driver that died it is none of Playwright's own
            return True
        return False


class ConnectedBrowser(_DrivenBrowser):
    """A browser of its own on another machine, from `widgetshot browser serve` at the project's endpoint.

    Args:
        folder: an existing private folder.
        every: seconds after which it is asked whether it is there.
        silence: seconds that its answer may take: a picture may be on its way by a slow line, and the answer comes
            behind that.
    """

    def __init__(self, settings: Settings, folder: Path, *, every: float = 5.0, silence: float = 60.0) -> None:
        super().__init__(settings, folder)
        self._every = every
        self._silence = silence
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Have the browser started, and connect to it.

        Raises:
            ServerError: it can't be had.
            ConfigError: it is none that this project's pictures are drawn by.
        """
        address = await asyncio.to_thread(self._ask)
        try:
            await self._start_driver()
            self.browser = await self._connect(getattr(self._playwright, self.kind), address)
            async with asyncio.timeout(self._silence):
                await self._describe()
        except BaseException as error:
            await self.stop()
            if isinstance(error, Exception) and not isinstance(error, WidgetshotError):
                # Without the cause, whose text has the address.
                raise not_connected(error, self._settings, address) from None
            raise
        self._watching = asyncio.create_task(self._watch())

    def _ask(self) -> str:
        """Ask what is at the endpoint, and return the address to connect to."""
        self._renderer = read_renderer(self._settings)
        return self._settings.browser_endpoint

    async def _connect(self, kind: Any, address: str) -> Any:
        return await kind.connect(address, **connect_options())

    async def _watch(self) -> None:
        """Cut the connection when driver or browser answer no more: nobody else would stop waiting for them."""
        while self.connected:
            await asyncio.sleep(self._every)
            try:
                async with asyncio.timeout(self._silence):
                    # Of a driver that has ended the connection knows nothing.
                    request = await self._playwright.request.new_context()
                    await request.dispose()
                    context = await self.browser.new_context()
                    await context.close()
            except Exception:  # one of them is gone, or does not answer
                self._gone = True
                await self._cut()

    async def _cut(self) -> None:
        with contextlib.suppress(Exception):  # there is nobody to be told
            # Shielded: whoever else closes it waits for the same future, which must not be cancelled.
            await asyncio.shield(asyncio.ensure_future(self.browser.close()))

    async def stop(self) -> None:
        """End the connection, and with it the browser."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
            self._watching = None
        await super().stop()


class CdpBrowser(ConnectedBrowser):
    """A browser that somebody else has launched, at the address of its DevTools; it goes on when the connection ends.

    What was opened by the connection ends with it.
    """

    def _ask(self) -> str:
        return devtools_address(self._settings)

    async def _connect(self, kind: Any, address: str) -> Any:
        return await kind.connect_over_cdp(address, **cdp_options())

    async def _describe(self) -> None:
        self._renderer = await inspect_browser(self.browser, self._settings)
        await super()._describe()

    async def _cut(self) -> None:
        # A driver would wait half a minute for the browser to agree that the connection ends.
        await asyncio.to_thread(end_remains, self._folder)


def browser_host(settings: Settings, folder: Path) -> LaunchedBrowser | ConnectedBrowser:
    """Return the project's browser, not started yet.

    Args:
        folder: an existing private folder.
    """
    if not settings.browser_endpoint:
        return LaunchedBrowser(settings, folder)
    return (CdpBrowser if is_cdp(settings.browser_endpoint) else ConnectedBrowser)(settings, folder)


async def described(settings: Settings) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """Return fingerprint and calibration sheet of the project's browser, which is started or connected to for that.

    Raises:
        ServerError, ConfigError: see `LaunchedBrowser.start` and `ConnectedBrowser.start`.
    """
    host = browser_host(settings, Path(_folder_of_process().name))
    await host.start()
    await host.stop()
    return host.fingerprint, host.sheet


@cache
def _folder_of_process() -> "tempfile.TemporaryDirectory[str]":
    """Return a private folder that lives as long as this process.

    A driver that another thread starts meanwhile has the same folder for temporary files, see `_driver_environment`.
    """
    return tempfile.TemporaryDirectory(prefix="widgetshot-")


def cdp_options() -> dict[str, Any]:
    """Return the arguments of `BrowserType.connect_over_cdp`, besides the address."""
    return {"timeout": _CONNECT_TIMEOUT_S * 1000}


def connect_options() -> dict[str, Any]:
    """Return the arguments of `BrowserType.connect`, besides the address, for a browser elsewhere."""
    return {"expose_network": EXPOSED, "timeout": _CONNECT_TIMEOUT_S * 1000}


def not_connected(error: Exception, settings: Settings, address: str = "") -> ServerError:
    """Return the error of a browser elsewhere that describes itself, but can't be used.

    Args:
        address: what was connected to, if that is not the endpoint itself.
    """
    place = place_of(settings.browser_endpoint)
    hidden = (*secrets_of(settings.browser_endpoint), *secrets_of(address))
    said = first_line(error, Redactor((*settings.redactor.values, *hidden)))
    if is_cdp(settings.browser_endpoint):
        next_step = f"see whether it runs, and with what `{FLAGS}` prints; then: widgetshot doctor"
    else:
        next_step = f"look at what `{SERVE}` says there, and see: widgetshot doctor"
    return ServerError(f"the browser at {place} can't be used: {said}", next_step=next_step)


class HandedBrowser(_PinnedBrowser):
    """A running browser that somebody else has launched, as `launch_options` says, or connected to, and will end.

    Args:
        browser: Playwright's, async or wrapped by `Awaitable`.
        renderer: what is known of it where it runs elsewhere; by CDP, it is asked itself.
    """

    def __init__(self, settings: Settings, browser: Any, renderer: Renderer | None = None) -> None:
        super().__init__(settings, browser, renderer)
        self._contexts: set[Any] = set()

    async def _describe(self) -> None:
        if is_cdp(self._settings.browser_endpoint):
            self._renderer = await inspect_browser(self.browser, self._settings)
        await super()._describe()

    async def start(self) -> None:
        """Look at the browser.

        Raises:
            ServerError: it is gone, or, by CDP, was not started as it must be.
            ConfigError: by CDP, it is none that this project's pictures are drawn by.
        """
        try:
            await self._describe()
        except PlaywrightError as error:
            said = first_line(error, self._settings.redactor)
            raise ServerError(f"the browser is gone: {said}", next_step="widgetshot doctor") from error

    async def stop(self) -> None:
        """Close what was opened here; the browser goes on."""
        for context in [*self._contexts]:
            with contextlib.suppress(PlaywrightError):  # the browser may be gone
                await context.close()

    async def new_context(self, target: Target) -> Any:
        """See `BrowserHost.new_context`."""
        context = await super().new_context(target)
        self._contexts.add(context)
        context.on("close", lambda _: self._contexts.discard(context))
        return context


def end_remains(folder: Path) -> None:
    """Kill drivers and processes of browsers that were started with a folder for temporary files.

    A browser's helpers outlive it for a while where it was killed before they had got to know it.
    """
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(_TEMPORARY) == str(folder) and _OF_A_BROWSER.search(" ".join(process.cmdline())):
                process.kill()


def node_cache() -> dict[str, str]:
    """Return the variable that says where a program of Node.js keeps what it has compiled."""
    return {_COMPILE_CACHE: os.environ.get(_COMPILE_CACHE) or str(user_cache_path("widgetshot") / "node")}


@contextlib.contextmanager
def _driver_environment(folder: Path) -> Iterator[None]:
    """Let Playwright's driver, a program of Node.js, keep what it has compiled for later runs, and nothing else.

    Args:
        folder: where it writes what it removes at its end; if it is killed, whoever owns the folder removes it.
    """
    before = {name: os.environ.get(name) for name in (_COMPILE_CACHE, _TEMPORARY)}
    os.environ.update(node_cache())
    os.environ[_TEMPORARY] = str(folder)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
