"""Pages that share a process: what one does to it, the next one does not suffer."""

import asyncio
import contextlib
import json
import shutil
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
import psutil
import pytest
from playwright.async_api import Error as PlaywrightError

from widgetshot.capture.determinism import has_room
from widgetshot.capture.host import LaunchedBrowser
from widgetshot.capture.page import CapturePage, go_to
from widgetshot.capture.pool import PagePool, PageSlot
from widgetshot.errors import CaptureError, NotebookError
from widgetshot.frontends.widget_page import PageFrontend
from widgetshot.model import ServedPage, Target, Viewport
from widgetshot.project.loading import load_settings
from widgetshot.server.launcher import Server

LIGHT = Target(notebook="n.ipynb", shot="s", cell_id=None, order=0)
DARK = Target(notebook="n.ipynb", shot="s", cell_id=None, order=0, theme="dark", viewport=Viewport(500, 400))


Work = Callable[[PagePool, PageFrontend], Awaitable[None]]


@pytest.fixture(scope="module")
def with_pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Work], None]]:
    """Lets a coroutine work with a pool of its own, and with one server and one browser for all of them."""
    settings = load_settings(tmp_path_factory.mktemp("root"))
    # A kernel that is started, not forked: its interpreter has an option.
    spec = {"argv": [sys.executable, "-W", "default", "-m", "ipykernel_launcher", "-f", "{connection_file}"]}
    write(settings.root / "kernels" / "started" / "kernel.json", spec | {"display_name": "s", "language": "python"})
    # Short, because of the names of kernels' sockets.
    with asyncio.Runner() as runner, TemporaryDirectory(prefix="slot-") as name:
        folder = Path(name)
        server = Server(folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("JUPYTER_PATH", str(settings.root))
            runner.run(server.start())

        host = LaunchedBrowser(settings, folder)

        async def go(work: Work) -> None:
            try:
                await work(PagePool(settings, host), PageFrontend(server, {}))
            finally:
                for context in host.browser.contexts:
                    await context.close()

        try:
            runner.run(host.start())
            yield lambda work: runner.run(go(work))
        finally:
            runner.run(host.stop())
            runner.run(server.stop())


def write(file: Path, document: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(document), encoding="utf-8")


def test_slot_is_used_again_for_another_variant(with_pool: Callable[[Work], None]) -> None:
    async def work(pool: PagePool, frontend: PageFrontend) -> None:
        first = await pool.slot(LIGHT, frontend)
        await pool.release(first, spoiled=False)
        again = await pool.slot(DARK, frontend)
        assert again is first
        assert again.page.viewport_size == {"width": 500, "height": 400}
        assert await again.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
        both = await asyncio.gather(pool.slot(LIGHT, frontend), pool.slot(LIGHT, frontend))
        assert len({id(slot.context) for slot in (again, *both)}) == 3

    with_pool(work)


FAMILIES = (
    "Noto Sans", "Arial", "Helvetica", "Helvetica Neue", "Segoe UI", "Open Sans", "Menlo", "Consolas", "Monaco",
    "Courier New", "Times New Roman", "DejaVu Sans", "DejaVu Sans Mono", "DejaVu Serif", "Noto Emoji",
)  # fmt: skip
WRITE = """families => {
  const text = size => `<span style="font-size:${size}px">Quick fjord 0123 €ﬁ <b>bold</b> <i>italic</i> ∑ ✓ 🙂 </span>`;
  document.body.innerHTML = families.map(family => `<p style="margin:0; font-family:'${family}'">${
    [9, 11.5, 13, 14].map(text).join("")}</p>`).join("");
  return Promise.all([...document.fonts].map(font => font.load())).then(() => document.fonts.ready).then(() => 0);
}"""
FETCHED = (
    "performance.getEntriesByType('resource').map(entry => entry.name).filter(name => name.endsWith('.ttf')).length"
)


@pytest.mark.skipif(not load_settings(Path()).installed_fonts, reason="on Linux the browser is given our fonts")
def test_fonts_that_the_browser_has_are_not_fetched_and_draw_the_same(with_pool: Callable[[Work], None]) -> None:
    async def written(pool: PagePool, frontend: PageFrontend) -> tuple[bytes, int]:
        slot = await pool.slot(LIGHT, frontend)
        await slot.page.evaluate(WRITE, FAMILIES)
        seen = await slot.page.screenshot(), await slot.page.evaluate(FETCHED)
        await slot.context.close()
        return seen

    async def work(pool: PagePool, frontend: PageFrontend) -> None:
        with TemporaryDirectory(prefix="slot-") as name:
            server = Server(Path(name), installed_fonts=True)
            await server.start()
            try:
                served, fetched = await written(pool, frontend)
                installed, none = await written(pool, PageFrontend(server, {}))
            finally:
                await server.stop()
        assert (fetched, none) == (9, 0)
        assert served == installed

    with_pool(work)


def test_memory_is_shared_on_no_disk_where_there_is_room(with_pool: Callable[[Work], None], tmp_path: Path) -> None:
    async def work(pool: PagePool, frontend: PageFrontend) -> None:
        # Of those that have ended nobody knows the command.
        children = psutil.Process().children(recursive=True)
        commands = [process.cmdline() for process in children if process.status() != psutil.STATUS_ZOMBIE]
        browser = next(command for command in commands if "--remote-debugging-pipe" in command)
        assert ("--disable-dev-shm-usage" in browser) != has_room(Path("/dev/shm"))

    assert has_room(tmp_path) == (shutil.disk_usage(tmp_path).free >= 2**30)
    assert not has_room(tmp_path / "absent")
    with_pool(work)


def test_windows_that_a_page_opens_are_closed_with_it(with_pool: Callable[[Work], None]) -> None:
    async def work(pool: PagePool, frontend: PageFrontend) -> None:
        slot = await pool.slot(LIGHT, frontend)
        async with slot.page.expect_popup():
            await slot.page.evaluate("void window.open('about:blank')")
        await pool.release(slot, spoiled=False)
        assert slot.context.pages == [slot.anchor]

    with_pool(work)


def test_process_that_died_between_two_pages_is_replaced(with_pool: Callable[[Work], None]) -> None:
    async def work(pool: PagePool, frontend: PageFrontend) -> None:
        slot = await pool.slot(LIGHT, frontend)
        await pool.release(slot, spoiled=False)
        await end_process(slot)
        other = await pool.slot(LIGHT, frontend)
        assert other is not slot
        assert await other.page.evaluate("6 * 7") == 42

    with_pool(work)


def test_process_that_is_killed_while_its_page_loads_is_the_cause(with_pool: Callable[[Work], None]) -> None:
    async def work(pool: PagePool, frontend: PageFrontend) -> None:
        slot = await pool.slot(LIGHT, frontend)
        with server_that_kills("renderer") as url:
            served = ServedPage("p", url, {})
            shown = CapturePage(slot.page, slot.cdp, frontend.connect(slot.page), served, pool.settings, 5)
            shown.listen()
            with pytest.raises(CaptureError, match="the page did not load: the page crashed"):
                await shown.load()
            with pytest.raises(PlaywrightError, match="crashed"):
                await go_to(await slot.context.new_page(), url)
        assert pool.connected

    with_pool(work)


@contextlib.contextmanager
def server_that_kills(kind: str) -> Iterator[str]:
    """The address of a page whose server kills the browser's processes of a kind before it answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    if f"--type={kind}" in process.cmdline():
                        process.kill()
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing of each request."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def end_process(slot: PageSlot) -> None:
    """Let the browser end the process of a slot, as it does when memory has run out."""
    async with slot.anchor.expect_event("crash"):
        # Nobody is left to answer.
        with contextlib.suppress(PlaywrightError, TimeoutError):
            await asyncio.wait_for(slot.anchor_cdp.send("Page.crash"), 1)


def test_page_that_hangs_takes_neither_the_browser_nor_others_with_it(with_pool: Callable[[Work], None]) -> None:
    async def work(pool: PagePool, frontend: PageFrontend) -> None:
        hanging, other = await asyncio.gather(pool.slot(LIGHT, frontend), pool.slot(LIGHT, frontend))
        await hanging.page.evaluate("void setTimeout(() => { for (;;); })")
        await asyncio.wait_for(pool.release(hanging, spoiled=True), 10)
        assert pool.connected
        assert await other.page.evaluate("6 * 7") == 42
        await pool.release(other, spoiled=False)
        assert await pool.slot(LIGHT, frontend) is other

    with_pool(work)


@pytest.mark.parametrize("kernel", ["python3", "started"])
def test_kernel_that_died_before_its_page_is_connected_is_named_at_once(
    with_pool: Callable[[Work], None], tmp_path: Path, kernel: str
) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("6 * 7")])
    nbformat.write(notebook, tmp_path / "n.ipynb")

    async def work(pool: PagePool, frontend: PageFrontend) -> None:
        slot = await pool.slot(LIGHT, frontend)
        before = {process.pid for process in psutil.Process().children(recursive=True)}
        served = await frontend.open(tmp_path / "n.ipynb", LIGHT, kernel)
        new = [process for process in psutil.Process().children(recursive=True) if process.pid not in before]
        # The browser may have got a process ready for its next page meanwhile.
        kernels = [process for process in new if "--type=renderer" not in process.cmdline()]
        (started,) = [process for process in kernels if not process.children()]
        started.kill()
        while await frontend.alive(served):
            pass
        shown = await pool.show(slot, served, 5)
        # Much less than the time limits of a cell and of a kernel's answers.
        with pytest.raises(NotebookError, match="the kernel died"):
            await asyncio.wait_for(shown.execute(), 10)
        await pool.release(slot, spoiled=False)
        await frontend.close(served)

    with_pool(work)
