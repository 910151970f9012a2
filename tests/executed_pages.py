"""Live pages that are executed, as the camera does it, for tests of what is behind them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from widgetshot.capture.host import LaunchedBrowser
from widgetshot.capture.page import CapturePage
from widgetshot.frontends.widget_page import PageFrontend
from widgetshot.model import ServedPage, Target
from widgetshot.project.loading import load_settings
from widgetshot.project.settings import Settings


async def execute(shown: CapturePage, until: str = "") -> None:
    """Execute the notebook of a page that is shown, up to a cell or all of it."""
    while not await shown.execute(until):
        pass


@asynccontextmanager
async def browser() -> AsyncIterator[tuple[LaunchedBrowser, Settings]]:
    """A browser, and the settings with which it was started."""
    with TemporaryDirectory() as folder:
        settings = load_settings(Path(folder))
        host = LaunchedBrowser(settings, Path(folder))
        await host.start()
        try:
            yield host, settings
        finally:
            await host.stop()


@asynccontextmanager
async def executed(
    frontend: PageFrontend, served: ServedPage, host: LaunchedBrowser, settings: Settings
) -> AsyncIterator[CapturePage]:
    """A page of a browser that has executed its notebook and is at rest."""
    context = await host.new_context(Target(served.notebook, "s", None, 0))
    try:
        page = await context.new_page()
        shown = CapturePage(page, None, frontend.connect(page), served, settings, 30)
        shown.listen()
        await shown.load()
        await execute(shown)
        assert await shown.settle() is None
        yield shown
    finally:
        await context.close()
