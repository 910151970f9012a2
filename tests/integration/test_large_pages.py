"""Pages that are larger than one capture: every pixel is where it is in one piece, at the seams and everywhere."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from builders import notebook_json
from static_frontend import StaticPage
from widgetshot.capture.geometry import MAX_TILE_SIDE
from widgetshot.capture.host import LaunchedBrowser
from widgetshot.capture.page import CapturePage
from widgetshot.capture.shot import take_shot
from widgetshot.declare.notebook import read_notebook
from widgetshot.errors import CaptureError
from widgetshot.files import read_png
from widgetshot.model import Box, Pixels, ServedPage, Shot, Target
from widgetshot.project.loading import load_settings
from widgetshot.project.settings import Settings
from widgetshot.redact import Redactor

BAND = 20  # CSS pixels
SECRET = "canary-4711"
FIXED, STICKY, HALF, GREY = (255, 0, 255), (0, 255, 255), (200, 100, 0), (128, 128, 128)
# Bands of known colours, at the left from top to bottom and at the top from left to right. The filter makes the browser
# draw all of it through one texture.
PAGE = """<!DOCTYPE html><meta charset="utf-8"><style>
body { margin: 0; width: %(width)dpx; height: %(height)dpx; font: 11px 'Noto Sans'; position: relative }
#all { position: absolute; inset: 0; overflow: hidden; filter: brightness(1);
  background: repeating-linear-gradient(45deg, #fff 0px, #ddd 7px, #aaa 13px) }
#all > * { position: absolute }
#fixed { position: fixed; right: 0; bottom: 0; width: 50px; height: 20px; background: rgb(255, 0, 255) }
#sticky { position: sticky; top: 0; width: 40px; height: 10px; margin-left: 200px; background: rgb(0, 255, 255) }
#half { position: absolute; left: 250px; top: 0; width: 30px; height: 50vh; background: rgb(200, 100, 0) }
</style><body><div id="all"></div><div id="sticky"></div><div id="fixed"></div><div id="half"></div>%(more)s<script>
const parts = [];
for (let n = 0, y = 0; y < %(height)d; n++, y += 20) parts.push(
  `<div style="left:0;top:${y}px;width:100px;height:20px;background:rgb(${n >> 8},${n & 255},77)"></div>
   <div style="left:110px;top:${y + 2.5}px">row ${n} on ${y}</div>`);
for (let n = 0, x = 400; x < %(width)d; n++, x += 20) parts.push(
  `<div style="left:${x}px;top:0;width:20px;height:40px;background:rgb(${n >> 8},${n & 255},133)"></div>`);
document.getElementById("all").innerHTML = parts.join("");
</script></body>"""


@dataclass
class Rig:
    """A browser for each scale, started when a test first needs it, and the loop in which they run."""

    runner: asyncio.Runner
    folder: Path
    settings: Settings
    browsers: dict[float, LaunchedBrowser] = field(default_factory=dict)

    def run(self, work: Awaitable[Any]) -> Any:
        async def go() -> Any:
            return await work

        return self.runner.run(go())

    def targets(self, *sources: str) -> tuple[Target, ...]:
        file = self.folder / "n.ipynb"
        file.write_text(notebook_json(*sources), encoding="utf-8")
        return tuple(read_notebook(file, "n.ipynb", self.settings).targets)

    @asynccontextmanager
    async def page(
        self,
        width: int,
        height: int,
        more: str = "",
        *,
        window: tuple[int, int] = (360, 720),
        scale: float = 1,
        limit: float = 20,
        secrets: Any = (),
    ) -> AsyncIterator[CapturePage]:
        """The page of known colours at a size, with some more in it, in a window as narrow as will do."""
        settings = replace(self.settings, scale=scale, redactor=Redactor(secrets))
        if scale not in self.browsers:
            self.browsers[scale] = LaunchedBrowser(settings, self.folder)
            await self.browsers[scale].start()
        context = await self.browsers[scale].new_context(
            self.targets("#| viewport: {}x{}\n{}".format(*window, PAGE_SHOT))[0]
        )
        page = await context.new_page()
        await page.set_content(PAGE % {"width": width, "height": height, "more": more})
        cdp = await context.new_cdp_session(page)
        served = ServedPage("id", "url", {"c0": "#first", "c1": "#second"})
        yield CapturePage(page, cdp, StaticPage(page, {}), served, settings, limit)
        await context.close()


PAGE_SHOT = "#| shot: {name: s, capture: page}"
CELL_SHOTS = ("#| shot: one\n#| mask: [{selector: .mask, reason: it is black}]", "#| shot: two")


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with asyncio.Runner() as runner, TemporaryDirectory(prefix="large-") as name:
        made = Rig(runner, Path(name), load_settings(tmp_path_factory.mktemp("root")))
        try:
            yield made
        finally:
            for browser in made.browsers.values():
                runner.run(browser.stop())


def expected_rows(height: int, scale: float) -> Any:
    """The colours from top to bottom, at the left; the last two of three channels."""
    n = np.floor(np.arange(height) / scale).astype(int) // BAND
    return np.stack([n >> 8, n & 255, np.full_like(n, 77), np.full_like(n, 255)], axis=1)


def place(pixels: Pixels, colour: tuple[int, int, int]) -> Box | None:
    """The box of a colour, all of whose pixels have it; None where there are none."""
    found = (pixels == (*colour, 255)).all(axis=2)
    rows, columns = found.any(axis=1).nonzero()[0], found.any(axis=0).nonzero()[0]
    if not rows.size:
        return None
    box = Box(int(columns[0]), int(rows[0]), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1)
    assert found.sum() == box.width * box.height
    return box


def scaled(scale: float, *sides: int) -> Box:
    return Box(*(round(side * scale) for side in sides))


@pytest.mark.parametrize(("scale", "height"), [(1, 17_000), (1.5, 11_500), (2, 8_700)])
def test_tall_page_is_whole_and_shows_no_seam(rig: Rig, scale: float, height: int) -> None:
    seam = int(MAX_TILE_SIDE / scale)

    async def work() -> tuple[Pixels, Pixels]:
        async with rig.page(360, height, scale=scale) as page:
            await page.settle()
            return await page.picture(), await piece(page, 0, seam - 100, 360, 200)

    pixels, around = rig.run(work())
    assert pixels.shape == (height * scale, 360 * scale, 4)
    assert (pixels[:, round(50 * scale)] == expected_rows(len(pixels), scale)).all()
    assert place(pixels, FIXED) == scaled(scale, 310, 700, 50, 20)
    assert place(pixels, STICKY) == scaled(scale, 200, 0, 40, 10)
    assert place(pixels, HALF) == scaled(scale, 250, 0, 30, 360)
    top = round((seam - 100) * scale)
    assert np.array_equal(pixels[top : top + len(around)], around)


def test_wide_page_is_whole(rig: Rig) -> None:
    async def work() -> Pixels:
        async with rig.page(18_000, 240, window=(960, 240)) as page:
            await page.settle()
            return await page.picture()

    pixels = rig.run(work())
    assert pixels.shape == (240, 18_000, 4)
    n = np.arange(18_000 - 400) // BAND
    assert (pixels[20, 400:, :3] == np.stack([n >> 8, n & 255, np.full_like(n, 133)], axis=1)).all()
    assert place(pixels, FIXED) == Box(910, 220, 50, 20)


WATCHED = """<script>
window.seen = [];
const note = () => seen.push(`${innerWidth}x${innerHeight} ${document.documentElement.offsetWidth}`);
for (const name of ["resize", "scroll"]) addEventListener(name, note);
visualViewport.addEventListener("resize", note);
new ResizeObserver(note).observe(document.documentElement);
</script>"""
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"


@pytest.mark.parametrize("height", [1_500, 17_000])
def test_a_page_does_not_see_that_it_is_captured(rig: Rig, height: int) -> None:
    async def work() -> list[str]:
        async with rig.page(600, height, WATCHED) as page:
            await page.settle()
            await page.page.evaluate("() => { scrollTo(90, 300); return " + f"({FRAMES})()" + "}")
            before = await page.page.evaluate("() => window.seen.splice(0)")
            assert "360x720 360" in before  # it would be seen
            for _ in range(4):
                await page.picture()
                await page.page.evaluate(FRAMES)
            return list(await page.page.evaluate("() => window.seen"))

    assert rig.run(work()) == []


async def piece(page: CapturePage, x: int, y: int, width: int, height: int) -> Pixels:
    """A part of a page in one capture."""
    clip = {"x": x, "y": y, "width": width, "height": height, "scale": 1}
    answer = await page.cdp.send(
        "Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True, "clip": clip}
    )
    return read_png(base64.b64decode(answer["data"]))


def test_other_browsers_pictures_are_put_together_too(rig: Rig) -> None:
    async def work() -> Pixels:
        async with rig.page(360, 17_000) as page:
            # What is used with browsers that have no such session.
            other = CapturePage(page.page, None, page.live, page.served, page.settings, 20)
            await other.settle()
            return await other.picture()

    pixels = rig.run(work())
    assert pixels.shape == (17_000, 360, 4)
    assert (pixels[:, 50] == expected_rows(17_000, 1)).all()


def test_secret_across_a_seam_is_painted_over(rig: Rig) -> None:
    async def work() -> tuple[Pixels, list[Box]]:
        top = MAX_TILE_SIDE - 30
        more = f'<p style="position:absolute; margin:0; left:240px; top:{top}px; width:90px; height:60px">{SECRET}</p>'
        async with rig.page(360, 17_000, more, secrets=(SECRET,)) as page:
            await page.settle()
            return await page.picture(), page.pictures.covers

    pixels, covers = rig.run(work())
    box = Box(240, MAX_TILE_SIDE - 30, 90, 60)
    assert place(pixels[:, 240:330], GREY) == replace(box, x=0)
    assert set(covers) == {box}


CELLS = """<div id="first" style="position:absolute; left:20px; top:{top}px; width:200px; height:100px;
  background:rgb(9,8,7)"><i class="mask" style="position:absolute; left:10px; top:40px; width:30px; height:20px;
  background:black"></i></div>
<div id="second" style="position:absolute; left:260px; top:{top}px; width:40px; height:300px; background:rgb(1,2,3)">
  <button style="position:absolute; left:5px; top:150px; width:20px; height:20px">B</button></div>"""


@pytest.mark.parametrize(("width", "height"), [(360, 17_000), (960, 100_000)])
def test_cells_of_a_page_of_any_size_are_cut_out(rig: Rig, width: int, height: int) -> None:
    async def work() -> list[Shot]:
        async with rig.page(width, height, CELLS.format(top=MAX_TILE_SIDE - 50), secrets=(SECRET,)) as page:
            one, two = rig.targets(*CELL_SHOTS)
            return [
                await take_shot(page, one, nothing_expected, await page.settle(), (two,)),
                await take_shot(page, two, nothing_expected, None),
            ]

    one, two = rig.run(work())
    assert all(shot.settled for shot in (one, two))
    assert one.pixels.shape == (100, 200, 4)
    assert one.masks == ((Box(10, 40, 30, 20),),)
    assert place(one.pixels, (0, 0, 0)) == Box(10, 40, 30, 20)
    assert int((one.pixels == (9, 8, 7, 255)).all(axis=2).sum()) == 200 * 100 - 30 * 20
    assert two.pixels.shape == (300, 40, 4)
    assert [(element.name, element.box) for element in two.layout] == [("button 'B'", Box(5, 150, 20, 20))]


def test_secret_in_a_cell_of_a_page_that_is_too_large_is_painted_over(rig: Rig) -> None:
    async def work() -> Shot:
        more = (
            f"<div id=first style='position:absolute; left:500px; top:90000px'><p style='width:90px'>{SECRET}</p></div>"
        )
        async with rig.page(960, 100_000, more, secrets=(SECRET,)) as page:
            (one,) = rig.targets("#| shot: one")
            return await take_shot(page, one, nothing_expected, await page.settle())

    shot = rig.run(work())
    found = place(shot.pixels, GREY)
    assert found is not None
    assert found.width == 90


def test_page_that_is_too_large_is_refused(rig: Rig) -> None:
    async def work() -> None:
        async with rig.page(960, 30_000, scale=2) as page:
            await take_shot(page, rig.targets(PAGE_SHOT)[0], nothing_expected, await page.settle())

    with pytest.raises(CaptureError) as raised:
        rig.run(work())
    assert (
        raised.value.what == "the page is 1920 x 60000 pixels large, 115 million in all; a picture may have 80 million"
    )
    assert "'scale'" in raised.value.next_step
    assert "the shot of a cell" in raised.value.next_step


def test_cell_that_is_too_large_is_refused(rig: Rig) -> None:
    async def work() -> None:
        more = '<div id="first" style="position:absolute; left:0; top:0; width:960px; height:90000px"></div>'
        async with rig.page(960, 100_000, more) as page:
            await take_shot(page, rig.targets("#| shot: one")[0], nothing_expected, await page.settle())

    with pytest.raises(CaptureError, match="what the cell shows is 960 x 90000 pixels large, 86 million in all"):
        rig.run(work())


@pytest.mark.parametrize("source", [PAGE_SHOT, "#| shot: one"])
def test_large_page_that_moves_is_unstable(rig: Rig, source: str) -> None:
    async def work() -> Shot:
        more = """<canvas id="first" width="100" height="50"
            style="position:absolute; top:16500px; border:1px solid"></canvas>
          <script>{ const drawn = document.getElementById("first").getContext("2d"); let n = 0;
          const draw = () => { drawn.fillStyle = `rgb(${n++ & 255}, ${n >> 8 & 255}, 99)`;
            drawn.fillRect(0, 0, 100, 50); requestAnimationFrame(draw); };
          draw(); }</script>"""
        async with rig.page(*((360, 17_000) if "page" in source else (960, 100_000)), more, limit=0.5) as page:
            return await take_shot(page, rig.targets(source)[0], nothing_expected, await page.settle())

    shot = rig.run(work())
    assert not shot.settled
    assert shot.unrest is not None
    assert shot.second is not None


def nothing_expected(pixels: Pixels, masks: object) -> bool:
    return False
