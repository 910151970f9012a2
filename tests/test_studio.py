"""Pages that share a process: what one does to it, the next one does not suffer."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.async_api import Error as PlaywrightError

from widgetshot.camera import Camera, Studio
from widgetshot.config import load_settings
from widgetshot.frontends.page import PageFrontend
from widgetshot.model import Target, Viewport
from widgetshot.server.launcher import Server

LIGHT = Target(notebook="n.ipynb", shot="s", cell_id=None, order=0)
DARK = Target(notebook="n.ipynb", shot="s", cell_id=None, order=0, theme="dark", viewport=Viewport(500, 400))


Work = Callable[[Camera, str], Awaitable[None]]


@pytest.fixture(scope="module")
def with_camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Work], None]]:
    """Lets a coroutine work with a camera of its own, and with one server for all of them."""
    settings = load_settings(tmp_path_factory.mktemp("root"))
    # Short, because of the names of kernels' sockets.
    with asyncio.Runner() as runner, TemporaryDirectory(prefix="studio-") as name:
        folder = Path(name)
        server = Server(folder)
        runner.run(server.start())

        async def go(work: Work) -> None:
            camera = Camera(settings, folder)
            try:
                await camera.start()
                await work(camera, PageFrontend(server, {}).anchor_url)
            finally:
                await camera.stop()

        try:
            yield lambda work: runner.run(go(work))
        finally:
            runner.run(server.stop())


def test_studio_is_used_again_for_another_variant(with_camera: Callable[[Work], None]) -> None:
    async def work(camera: Camera, anchor_url: str) -> None:
        first = await camera.studio(LIGHT, anchor_url)
        await camera.strike(first, spoiled=False)
        again = await camera.studio(DARK, anchor_url)
        assert again is first
        assert again.page.viewport_size == {"width": 500, "height": 400}
        assert await again.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
        both = await asyncio.gather(camera.studio(LIGHT, anchor_url), camera.studio(LIGHT, anchor_url))
        assert len({id(studio.context) for studio in (again, *both)}) == 3

    with_camera(work)


def test_windows_that_a_page_opens_are_closed_with_it(with_camera: Callable[[Work], None]) -> None:
    async def work(camera: Camera, anchor_url: str) -> None:
        studio = await camera.studio(LIGHT, anchor_url)
        async with studio.page.expect_popup():
            await studio.page.evaluate("void window.open('about:blank')")
        await camera.strike(studio, spoiled=False)
        assert studio.context.pages == [studio.anchor]

    with_camera(work)


def test_process_that_died_between_two_pages_is_replaced(with_camera: Callable[[Work], None]) -> None:
    async def work(camera: Camera, anchor_url: str) -> None:
        studio = await camera.studio(LIGHT, anchor_url)
        await camera.strike(studio, spoiled=False)
        await end_process(studio)
        other = await camera.studio(LIGHT, anchor_url)
        assert other is not studio
        assert await other.page.evaluate("6 * 7") == 42

    with_camera(work)


async def end_process(studio: Studio) -> None:
    """Let the browser end the process of a studio, as it does when memory has run out."""
    async with studio.anchor.expect_event("crash"):
        # Nobody is left to answer.
        with contextlib.suppress(PlaywrightError, TimeoutError):
            await asyncio.wait_for(studio.anchor_cdp.send("Page.crash"), 1)


def test_page_that_hangs_takes_neither_the_browser_nor_others_with_it(with_camera: Callable[[Work], None]) -> None:
    async def work(camera: Camera, anchor_url: str) -> None:
        hanging, other = await asyncio.gather(camera.studio(LIGHT, anchor_url), camera.studio(LIGHT, anchor_url))
        await hanging.page.evaluate("void setTimeout(() => { for (;;); })")
        await asyncio.wait_for(camera.strike(hanging, spoiled=True), 10)
        assert camera.connected
        assert await other.page.evaluate("6 * 7") == 42
        await camera.strike(other, spoiled=False)
        assert await camera.studio(LIGHT, anchor_url) is other

    with_camera(work)
