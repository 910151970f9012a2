"""Front ends and browser hosts can be swapped: each test holds for all of a kind, with real pages and real pixels."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from jupyter_client.provisioning import KernelProvisionerFactory
from playwright.async_api import async_playwright

from builders import notebook_json
from executed_pages import execute
from networks import GATHERED, address_of_this_machine
from static_frontend import StaticFrontend
from widgetshot.capture.browser import find_browser
from widgetshot.capture.determinism import launch_options
from widgetshot.capture.evidence import Evidence, patiently, take_evidence
from widgetshot.capture.host import ConnectedBrowser, HandedBrowser, LaunchedBrowser
from widgetshot.capture.page import CapturePage
from widgetshot.capture.pool import PagePool
from widgetshot.capture.shot import take_shot
from widgetshot.conditions import Unrest
from widgetshot.declare.notebook import read_notebook
from widgetshot.errors import CaptureError, NotebookError
from widgetshot.frontends.widget_page import PageFrontend
from widgetshot.model import Pixels, ServedPage, Shot, Target
from widgetshot.ports import BrowserHost, Frontend, Scope
from widgetshot.project.loading import load_settings
from widgetshot.project.settings import Settings
from widgetshot.redact import Redactor
from widgetshot.server.launcher import Server
from widgetshot.server.zygotes import ZYGOTES

BLUE, GREY = (10, 20, 200, 255), (128, 128, 128, 255)
PLAIN = """#| shot: box
#| mask: [{selector: .clock, reason: it shows the time}]
from IPython.display import HTML
HTML('<div style="width:120px; height:60px; background:rgb(10,20,200)">'
     '<div class="clock" style="width:30px; height:20px; background:white"></div><button>Run</button></div>')
"""
STYLED = """#| shot: s
from IPython.display import HTML
HTML('''<div style="background:rgb(1,2,3)"><div class="my-toolbar"><button style="font:bold 13px/20px 'Nowhere',
  'DejaVu Sans Mono'; color:rgb(18,52,86); background:rgb(247,247,247); border:2px solid red; border-top:none;
  padding:4px">Pan</button></div><p style="margin:0; font-family:sans-serif; line-height:20px">text</p><hr></div>''')
"""
BAD_MASK = PLAIN.replace(".clock", "'[['")
TALL = "#| shot: s\nfrom IPython.display import HTML\nHTML('<div style=\"height:2345px\">tall</div>')"
OUTSIDE = TALL.replace("tall</div>", 'tall</div><img alt="" src="http://pictures.example/x.png">')
SECRET = "canary-4711"
TELLS_SECRET = (
    f"#| shot: s\nfrom IPython.display import HTML\nHTML('<p>{SECRET[:6]}' + '{SECRET[6:]}</p><button>Run</button>')"
)
# In each frame, however long a busy machine takes for it.
RESTLESS = """#| shot: s
from IPython.display import HTML
HTML('''<p id="t">0</p><script>
(function move() { document.getElementById("t").textContent += "."; requestAnimationFrame(move); })();
</script>''')
"""
# Until it is told to stop.
RESTS_LATE = RESTLESS.replace("(function", "window.moving = true;\n(function").replace(
    "requestAnimationFrame(move); }", "if (window.moving) requestAnimationFrame(move); }"
)
RAISES = "#| shot: s\n1 / 0"
GROWING = ("#| shot: {name: s, after: each}\nprint('one')", "print('two')", "1 / 0")


@dataclass
class Rig:
    """Front ends, hosts and their pages, each kind by name, and the loop in which they run."""

    runner: asyncio.Runner
    folder: Path
    settings: Settings
    frontends: dict[str, Frontend]
    hosts: dict[str, BrowserHost]
    pools: dict[str, PagePool] = field(init=False)

    def __post_init__(self) -> None:
        self.pools = {name: PagePool(self.settings, host) for name, host in self.hosts.items()}

    def run(self, work: Awaitable[Any]) -> Any:
        async def go() -> Any:
            return await work

        return self.runner.run(go())

    def target(self, *sources: str) -> tuple[Path, Target]:
        file = self.folder / "n.ipynb"
        file.write_text(notebook_json(*sources), encoding="utf-8")
        return file, read_notebook(file, "n.ipynb", self.settings).targets[0]

    @asynccontextmanager
    async def shown(
        self, frontend: str, host: str, *sources: str, secrets: Sequence[str] = ()
    ) -> AsyncIterator[tuple[CapturePage, Target]]:
        """A notebook's page, loaded and executed."""
        front = self.frontends[frontend]
        pool = self.pools[host]
        if secrets:
            pool = PagePool(replace(self.settings, redactor=Redactor(secrets)), self.hosts[host])
        file, target = self.target(*sources)
        served = await front.open(file, target, "")
        try:
            slot = await pool.slot(target, front)
            page = await pool.show(slot, served, 20)
            await execute(page, target.after)
            yield page, target
            await pool.release(slot, spoiled=False)
        finally:
            await front.close(served)


FRONTENDS, HOSTS = ("widget page", "static page"), ("launched", "handed", "connected")
both_frontends = pytest.mark.parametrize("frontend", FRONTENDS)
all_hosts = pytest.mark.parametrize("host", HOSTS)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    settings = load_settings(tmp_path_factory.mktemp("root"))
    # Short, because of the names of kernels' sockets.
    with asyncio.Runner() as runner, TemporaryDirectory(prefix="ports-") as name:
        folder = Path(name)
        server = Server(folder, installed_fonts=settings.installed_fonts)
        launched = LaunchedBrowser(settings, folder)
        playwright: Any = runner.run(_started())
        options = launch_options(settings, find_browser(settings.browser), folder)
        handed_over = runner.run(playwright.chromium.launch(**options))
        handed = HandedBrowser(settings, handed_over)
        serving = subprocess.Popen(
            [sys.executable, "-m", "widgetshot", "browser", "serve"],
            cwd=settings.root,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert serving.stdout is not None
        elsewhere = replace(settings, browser_endpoint=serving.stdout.readline().strip())
        (folder / "elsewhere").mkdir()
        connected = ConnectedBrowser(elsewhere, folder / "elsewhere")
        pages = folder / "pages"
        pages.mkdir()
        # The static pages' kernels are forked, too, which takes a tenth of the time.
        factory = KernelProvisionerFactory.instance()
        provisioner, factory.default_provisioner_name = factory.default_provisioner_name, "widgetshot"
        try:
            for part in (server, launched, handed, connected):
                runner.run(part.start())
            with StaticFrontend(pages) as static:
                frontends: dict[str, Frontend] = {
                    "widget page": PageFrontend(server, {"TZ": "UTC"}),
                    "static page": static,
                }
                hosts: dict[str, BrowserHost] = {"launched": launched, "handed": handed, "connected": connected}
                yield Rig(runner, folder, settings, frontends, hosts)
        finally:
            factory.default_provisioner_name = provisioner
            ZYGOTES.close()
            runner.run(handed.stop())
            assert handed_over.is_connected()
            assert handed_over.contexts == []
            runner.run(connected.stop())
            assert not connected.connected
            serving.terminate()
            serving.communicate(timeout=60)
            runner.run(launched.stop())
            assert not launched.connected
            runner.run(handed_over.close())
            runner.run(playwright.stop())
            runner.run(server.stop())


async def _started() -> Any:
    return await async_playwright().start()


def nothing_expected(pixels: Pixels, masks: object) -> bool:
    return False


async def shot_of(page: CapturePage, target: Target) -> Shot:
    return await take_shot(page, target, nothing_expected, await page.settle())


@dataclass
class Plain:
    """What a front end and a host made of the plain notebook: its shot, and what was seen of its cell and page."""

    shot: Shot
    cell: Evidence
    whole: Evidence


@pytest.fixture(scope="module")
def plain(rig: Rig) -> Callable[[str, str], Plain]:
    """Shows the plain notebook by a front end in a host's browser, once for all who ask."""

    async def work(frontend: str, host: str) -> Plain:
        async with rig.shown(frontend, host, PLAIN) as (page, target):
            shot = await shot_of(page, target)
            cell = await take_evidence(page, page, target, patiently, picture=True)
            return Plain(shot, cell, await take_evidence(page, page, None, patiently, picture=True))

    return cache(lambda frontend, host: rig.run(work(frontend, host)))


@both_frontends
@all_hosts
def test_shot_shows_the_cell_and_where_its_mask_is(
    plain: Callable[[str, str], Plain], frontend: str, host: str
) -> None:
    shot = plain(frontend, host).shot
    assert shot.settled
    assert shot.unrest is None
    rows, columns = np.nonzero((shot.pixels == BLUE).all(axis=2))
    assert (int(np.ptp(columns)), int(np.ptp(rows))) == (119, 59)
    ((mask,),) = shot.masks
    assert (mask.width, mask.height) == (30, 20)
    assert (shot.pixels[mask.y : mask.y + mask.height, mask.x : mask.x + mask.width] == 255).all()
    assert "button 'Run'" in [element.name for element in shot.layout]


@both_frontends
def test_picture_does_not_depend_on_who_launched_the_browser(plain: Callable[[str, str], Plain], frontend: str) -> None:
    one, *others = (plain(frontend, host).shot for host in HOSTS)
    for other in others:
        assert np.array_equal(one.pixels, other.pixels)
        assert (one.masks, one.layout, one.widgets) == (other.masks, other.layout, other.widgets)


def test_styles_of_elements_are_told_where_somebody_asks(rig: Rig) -> None:
    async def work() -> list[Any]:
        async with rig.shown("widget page", "launched", STYLED) as (page, target):
            await shot_of(page, target)
            scope = Scope(page.served.selectors[target.cell_id or ""])
            answers = [*await page.live.look([scope]), *await page.live.look([scope], styled=True)]
            return [one.shown.layout.elements for one in answers if one is not None and one.shown is not None]

    plain, styled = rig.run(work())
    assert [one.style for one in plain] == [None] * len(styled)
    assert [(one.name, one.box, one.depth) for one in plain] == [(one.name, one.box, one.depth) for one in styled]
    found = {one.name: one.style for one in styled}
    pan, text, line = found["button 'Pan'"], found["text 'text'"], found["line"]
    assert pan.font == replace(
        pan.font, family="DejaVu Sans Mono", size=13, weight="700", line="20px", colour="rgb(18, 52, 86)"
    )
    assert (pan.background, pan.padding, pan.part) == ("rgb(247, 247, 247)", "4px", "toolbar")
    assert pan.border == "none / 2px solid rgb(255, 0, 0) / 2px solid rgb(255, 0, 0) / 2px solid rgb(255, 0, 0)"
    # A generic font by the name of that which the browser has taken for it.
    assert text.font.family in ("Noto Sans", "DejaVu Sans")
    assert text.font.advance != pan.font.advance
    assert (text.background, text.border, text.part) == ("rgb(1, 2, 3)", "none", "")
    assert line.font is None


@both_frontends
def test_second_notebook_looks_as_the_first(rig: Rig, frontend: str) -> None:
    async def work() -> tuple[Shot, Shot]:
        front, pool = rig.frontends[frontend], PagePool(rig.settings, rig.hosts["launched"])
        shots = []
        for source in (PLAIN, TALL, PLAIN):
            file, target = rig.target(source)
            served = await front.open(file, target, "")
            slot = await pool.slot(target, front)
            page = await pool.show(slot, served, 20)
            await execute(page)
            shots.append(await shot_of(page, target))
            await pool.release(slot, spoiled=False)
            await front.close(served)
        return shots[0], shots[2]

    first, again = rig.run(work())
    assert np.array_equal(first.pixels, again.pixels)


@both_frontends
def test_selector_that_is_not_valid_is_refused(rig: Rig, frontend: str) -> None:
    async def work() -> None:
        async with rig.shown(frontend, "launched", BAD_MASK) as (page, target):
            await shot_of(page, target)

    with pytest.raises(CaptureError, match=r"a mask's selector is not valid CSS: .*\[\["):
        rig.run(work())


@both_frontends
@all_hosts
def test_picture_of_the_page_goes_to_its_end_and_nothing_is_asked_of_other_machines(
    rig: Rig, frontend: str, host: str
) -> None:
    async def work() -> tuple[Pixels, list[str]]:
        async with rig.shown(frontend, host, OUTSIDE) as (page, _):
            await page.settle()
            return await page.picture(), page.blocked

    picture, blocked = rig.run(work())
    height, width = picture.shape[:2]
    assert height > 2345
    assert width == rig.settings.viewport[0].width
    assert blocked == ["http://pictures.example/x.png"]


def test_no_datagram_of_a_page_reaches_a_network(rig: Rig) -> None:
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("0.0.0.0", 0))
    datagrams.setblocking(False)

    async def work() -> None:
        async with rig.shown("static page", "launched", TELLS_SECRET) as (page, _):
            await page.page.evaluate(GATHERED, f"{address_of_this_machine()}:{datagrams.getsockname()[1]}")

    try:
        rig.run(work())
        with pytest.raises(BlockingIOError):
            datagrams.recv(100)
    finally:
        datagrams.close()


@both_frontends
def test_secret_on_the_page_is_painted_over(rig: Rig, frontend: str) -> None:
    async def work(*secrets: str) -> Shot:
        async with rig.shown(frontend, "launched", TELLS_SECRET, secrets=secrets) as (page, target):
            return await shot_of(page, target)

    open_, hidden = rig.run(work()), rig.run(work(SECRET))
    grey = [int((shot.pixels == GREY).all(axis=2).sum()) for shot in (open_, hidden)]
    assert grey[0] < 100  # of the letters' edges
    assert grey[1] > 1000
    assert SECRET in str(open_.layout)
    assert SECRET not in str(hidden.layout)
    assert "button 'Run'" in [element.name for element in hidden.layout]


@both_frontends
def test_page_that_never_rests_says_what_moves(rig: Rig, frontend: str) -> None:
    async def work() -> Any:
        async with rig.shown(frontend, "launched", RESTLESS) as (page, _):
            return await page.settle(1.0), await page.settle(5.0, max_settle=0.5)

    for unrest in rig.run(work()):
        assert unrest.code is Unrest.ELEMENTS_CHANGING
        assert str(unrest) == "the page's elements changed"


@both_frontends
def test_page_that_rests_before_its_max_settle_is_waited_for_beyond_the_limit(rig: Rig, frontend: str) -> None:
    async def work() -> Any:
        async with rig.shown(frontend, "launched", RESTS_LATE) as (page, _):
            page.limit = 0.5
            before = await page.settle()
            await page.page.evaluate("() => void setTimeout(() => { window.moving = false; }, 1500)")
            return before, await page.settle(max_settle=20)

    unrest, rest = rig.run(work())
    assert unrest.code is Unrest.ELEMENTS_CHANGING
    assert rest is None


@both_frontends
def test_notebook_that_raises_is_not_executed_to_its_end(rig: Rig, frontend: str) -> None:
    async def work() -> None:
        async with rig.shown(frontend, "launched", RAISES):
            pass

    with pytest.raises(NotebookError, match="the cell raised ZeroDivisionError: division by zero"):
        rig.run(work())


@both_frontends
def test_cells_run_as_far_as_is_asked(rig: Rig, frontend: str) -> None:
    async def work() -> tuple[bool, list[str], str]:
        async with rig.shown(frontend, "launched", *GROWING) as (page, _):
            there = [await page.page.locator("body").inner_text()]
            before = await page.execute("c0")
            await execute(page, "c1")
            there.append(await page.page.locator("body").inner_text())
            with pytest.raises(NotebookError, match="the cell raised ZeroDivisionError: division by zero") as raised:
                await execute(page)
            return before, there, raised.value.where

    before, (first, second), where = rig.run(work())
    assert before
    assert ("one" in first, "two" in first) == (True, False)
    assert ("one" in second, "two" in second) == (True, True)
    assert where == "n.ipynb::c2"


@both_frontends
def test_page_lives_until_it_is_closed(rig: Rig, frontend: str) -> None:
    front = rig.frontends[frontend]

    async def work(served: ServedPage) -> tuple[bool, str]:
        return await front.alive(served), (await front.close(served)).work

    file, target = rig.target(PLAIN)
    served = rig.run(front.open(file, target, ""))
    assert served.selectors == {"c0": '[data-cell-id="c0"]'}
    alive, work_folder = rig.run(work(served))
    assert alive
    assert work_folder


def test_all_hosts_name_the_same_renderer(rig: Rig) -> None:
    launched, handed, connected = (rig.hosts[name] for name in HOSTS)
    assert launched.fingerprint == handed.fingerprint == connected.fingerprint
    assert launched.fingerprint["browser"].startswith("chromium ")


@all_hosts
def test_host_that_runs_is_alive(rig: Rig, host: str) -> None:
    one = rig.hosts[host]
    assert one.connected
    assert rig.run(one.alive())


@both_frontends
@all_hosts
def test_page_is_seen_as_it_is_and_tells_what_has_happened(
    plain: Callable[[str, str], Plain], frontend: str, host: str
) -> None:
    heights = []
    for found in (plain(frontend, host).cell, plain(frontend, host).whole):
        assert found.trace is not None
        assert {stage.name for stage in found.trace.stages} >= {"load", "settle"}
        assert found.seen is not None
        assert (found.seen == BLUE).all(axis=2).sum() > 100 * 40
        heights.append(found.seen.shape[0])
    assert heights[0] < heights[1]


def test_host_whose_browser_ended_is_not_alive(rig: Rig) -> None:
    launched = LaunchedBrowser(rig.settings, rig.folder)
    rig.run(launched.start())
    handed = HandedBrowser(rig.settings, launched.browser)
    assert rig.run(handed.alive())
    rig.run(launched.browser.close())
    assert [rig.run(host.alive()) for host in (launched, handed)] == [False, False]
    rig.run(launched.stop())
