"""A browser that gives pages: one that is launched here."""

import asyncio
import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import async_playwright

from widgetshot.capture.browser import find_browser
from widgetshot.capture.determinism import context_options, is_outside, launch_options, prepare
from widgetshot.capture.driver_errors import first_line
from widgetshot.capture.fingerprint import fingerprint, product
from widgetshot.errors import ServerError
from widgetshot.model import Target
from widgetshot.project.settings import Settings

_ANSWER_TIMEOUT_S = 15.0  # a plain question
_COMPILE_CACHE = "NODE_COMPILE_CACHE"


class LaunchedBrowser:
    """A browser of our own, driven by Playwright's async API.

    Args:
        folder: an existing private folder.

    Attributes:
        browser: Playwright's; None unless it runs.
        fingerprint: of the renderer; empty before it has started.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.fingerprint: Mapping[str, Any] = {}
        self._folder = folder
        self._playwright: Any = None
        self.browser: Any = None

    async def start(self) -> None:
        """Launch the browser.

        Raises:
            ServerError: there is none, or it does not start.
        """
        kind = self.settings.browser
        found = find_browser(kind, self.settings.browser_executable)
        try:
            with _compiled_once():
                self._playwright = await async_playwright().start()
            options = launch_options(self.settings, found, self._folder)
            self.browser = await getattr(self._playwright, kind).launch(**options)
            self.fingerprint = fingerprint(self.settings, await product(self.browser, kind))
        except BaseException as error:
            await self.stop()
            if isinstance(error, PlaywrightError):
                raise ServerError(
                    f"{found.executable} did not start: {first_line(error)}", next_step="widgetshot doctor"
                ) from error
            raise

    async def stop(self) -> None:
        """End the browser and its driver."""
        if self.browser is not None:
            await self.browser.close()
        if self._playwright is not None:
            await self._playwright.stop()
        self.browser = self._playwright = None

    @property
    def connected(self) -> bool:
        """Whether the browser is there, as far as is known; its death becomes known only a moment later."""
        return bool(self.browser is not None and self.browser.is_connected())

    async def alive(self) -> bool:
        """Ask the browser whether it still works."""
        try:
            context = await asyncio.wait_for(self.browser.new_context(), _ANSWER_TIMEOUT_S) if self.connected else None
            if context is not None:
                await context.close()
        except (PlaywrightError, TimeoutError):
            return False
        return context is not None

    async def new_context(self, target: Target) -> Any:
        """Open a browser context for pages in the variant of `target`; nothing in it reaches beyond this machine.

        Raises:
            playwright.async_api.Error: the browser is gone.
        """
        context = await self.browser.new_context(**context_options(self.settings, target))
        await prepare(context, target.clock)
        if self.settings.browser != "chromium":
            await context.route(is_outside, lambda route: route.abort())
        return context


@contextlib.contextmanager
def _compiled_once() -> Iterator[None]:
    """Let Playwright's driver, a program of Node.js, keep what it has compiled for later runs."""
    if _COMPILE_CACHE in os.environ:
        yield
        return
    os.environ[_COMPILE_CACHE] = str(user_cache_path("widgetshot") / "node")
    try:
        yield
    finally:
        del os.environ[_COMPILE_CACHE]
