"""Browsers that give pages: one that is launched here, and one that somebody else has launched."""

import asyncio
import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
from platformdirs import user_cache_path
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import async_playwright

from widgetshot.capture.browser import find_browser
from widgetshot.capture.determinism import context_options, is_outside, launch_options, prepare
from widgetshot.capture.driver_errors import first_line, is_end_of_driver
from widgetshot.capture.fingerprint import fingerprint, product
from widgetshot.errors import FEWER_AT_A_TIME, SIGNALS_OF_OTHERS, SOMEBODY, DiedStarting, ServerError
from widgetshot.model import Target
from widgetshot.project.settings import Settings

_ANSWER_TIMEOUT_S = 15.0
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
    """

    def __init__(self, settings: Settings, browser: Any = None) -> None:
        self.browser = browser
        self.fingerprint: Mapping[str, Any] = {}
        self._settings = settings
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
        self.fingerprint = fingerprint(self._settings, await product(self.browser, self.kind))


class LaunchedBrowser(_PinnedBrowser):
    """A browser of our own, driven by Playwright's async API.

    Args:
        folder: an existing private folder.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        super().__init__(settings)
        self._folder = folder
        self._playwright: Any = None

    async def start(self) -> None:
        """Launch the browser.

        Raises:
            DiedStarting: it was ended by a signal, or its driver has ended.
            ServerError: there is none, or it does not start.
        """
        found = find_browser(self.kind, self._settings.browser_executable)
        try:
            with _driver_environment(self._folder):
                self._playwright = await async_playwright().start()
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

    async def stop(self) -> None:
        """End the browser and its driver, and whatever is left of them where one of them has died."""
        orderly = self.connected
        if not orderly:
            # Nobody answers as long as what is left of them holds the connection.
            await asyncio.to_thread(_end_remains, self._folder)
        for part, end in ((self.browser, "close"), (self._playwright, "stop")):
            if part is not None:
                try:
                    await asyncio.wait_for(getattr(part, end)(), _ANSWER_TIMEOUT_S)
                except Exception:  # it is gone, or does not answer
                    orderly = False
        self.browser = self._playwright = None
        if not orderly:
            await asyncio.to_thread(_end_remains, self._folder)

    async def alive(self) -> bool:
        """See `BrowserHost.alive`."""
        try:
            return await asyncio.wait_for(super().alive(), _ANSWER_TIMEOUT_S)
        except TimeoutError:
            self._gone = True
            return False


class HandedBrowser(_PinnedBrowser):
    """A running browser that somebody else has launched, as `launch_options` says, and will end.

    Args:
        browser: Playwright's, async or wrapped by `Awaitable`.
    """

    def __init__(self, settings: Settings, browser: Any) -> None:
        super().__init__(settings, browser)
        self._contexts: set[Any] = set()

    async def start(self) -> None:
        """Look at the browser.

        Raises:
            ServerError: it is gone.
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


def _end_remains(folder: Path) -> None:
    """Kill drivers and processes of browsers that were started with a folder for temporary files.

    A browser's helpers outlive it for a while where it was killed before they had got to know it.
    """
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(_TEMPORARY) == str(folder) and _OF_A_BROWSER.search(" ".join(process.cmdline())):
                process.kill()


@contextlib.contextmanager
def _driver_environment(folder: Path) -> Iterator[None]:
    """Let Playwright's driver, a program of Node.js, keep what it has compiled for later runs, and nothing else.

    Args:
        folder: where it writes what it removes at its end; if it is killed, whoever owns the folder removes it.
    """
    before = {name: os.environ.get(name) for name in (_COMPILE_CACHE, _TEMPORARY)}
    os.environ.setdefault(_COMPILE_CACHE, str(user_cache_path("widgetshot") / "node"))
    os.environ[_TEMPORARY] = str(folder)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
