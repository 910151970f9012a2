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


async def execute(shown: CapturePage, until: str = "") -> None:
    """Execute the notebook of a page that is shown, up to a cell or all of it."""
    while not await shown.execute(until):
        pass


@asynccontextmanager
async def executed(frontend: PageFrontend, served: ServedPage) -> AsyncIterator[CapturePage]:
    """A page, in a browser of its own, that has executed its notebook and is at rest."""
    with TemporaryDirectory() as folder:
        settings = load_settings(Path(folder))
        host = LaunchedBrowser(settings, Path(folder))
        await host.start()
        try:
            context = await host.new_context(Target(served.notebook, "s", None, 0))
            page = await context.new_page()
            shown = CapturePage(page, None, frontend.connect(page), served, settings, 30)
            shown.listen()
            await shown.load()
            await execute(shown)
            assert await shown.settle() is None
            yield shown
        finally:
            await host.stop()


async def shown_text(frontend: PageFrontend, served: ServedPage) -> str:
    """The text that a notebook's page shows."""
    async with executed(frontend, served) as shown:
        return str(await shown.page.inner_text("main"))
