"""The calibration sheet: what a browser draws by its own lights, by which one renderer is told from another.

Letters, edges, slopes, shadows and the like are drawn one beside the other (js/src/sheet), and each of these primitives
has a digest of its pixels. It takes some tenths of a second; a browser that runs here does it once, see `sheet_cache`.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from widgetshot.capture.geometry import picture_box
from widgetshot.capture.sheet_cache import keep_sheet, kept_sheet, name_of
from widgetshot.files import STATIC, read_png
from widgetshot.model import Target
from widgetshot.ports import Rect
from widgetshot.project.settings import Settings
from widgetshot.verdict.renderers import digest_of

if TYPE_CHECKING:
    from widgetshot.capture.page import CapturePage

_VIEWPORT = {"width": 1200, "height": 600}
_PAGE = '<!doctype html><html lang="en"><meta charset="utf-8"><title>calibration sheet</title><body></body></html>'
_DIGITS = 12  # of a primitive's digest: nobody makes two alike on purpose


@dataclass(frozen=True)
class Sheet:
    """A calibration sheet.

    Attributes:
        edition: what its primitives show; those of another edition can't be compared with them.
        primitives: name of each, `kind/detail` -> digest of its pixels.
    """

    edition: int
    primitives: Mapping[str, str]

    @property
    def digest(self) -> str:
        """What tells it from others, see `verdict.renderers.digest_of`."""
        return digest_of(self.edition, self.primitives)


async def sheet_of(browser: Any, settings: Settings, *, kind: str, is_here: bool) -> Sheet | None:
    """Return the calibration sheet of a running browser: drawn now, or before by the same one.

    Args:
        browser: Playwright's, async or wrapped by `Awaitable`.
        kind: `chromium`, `firefox` or `webkit`.
        is_here: whether it runs on this machine and was launched by Playwright: of another one nobody knows whether it
            is still the one that drew.

    Returns:
        The sheet; None where the browser can't draw it.

    Raises:
        playwright.async_api.Error: the browser is gone.
    """
    name = await name_of(browser, settings, _script()) if is_here and kind == "chromium" else None
    if name is not None and (primitives := kept_sheet(name)) is not None:
        return Sheet(*primitives)
    try:
        sheet = await draw_sheet(browser, settings, kind=kind)
    except PlaywrightError:
        if not browser.is_connected():
            raise
        return None
    if name is not None:
        keep_sheet(name, sheet.edition, sheet.primitives)
    return sheet


async def draw_sheet(browser: Any, settings: Settings, *, kind: str) -> Sheet:
    """Let a browser draw the sheet.

    Raises:
        playwright.async_api.Error: it can't, or is gone.
    """
    context = await browser.new_context(
        viewport=_VIEWPORT,
        device_scale_factor=settings.scale,
        locale=settings.locale,
        timezone_id=settings.timezone,
        color_scheme="light",
        reduced_motion="reduce",
    )
    try:
        page = await context.new_page()
        await page.set_content(_PAGE)
        drawn = await page.evaluate(f"async () => {{ {_script()}; return await sheet.draw(); }}")
        places = drawn["places"]
        clip = {"x": 0, "y": 0, "width": _VIEWPORT["width"], "height": max(one["y"] + one["height"] for one in places)}
        if kind == "chromium":
            cdp = await context.new_cdp_session(page)
            # As pictures are captured, see `capture.pictures`.
            options = {"format": "png", "optimizeForSpeed": True, "captureBeyondViewport": False}
            answer = await cdp.send("Page.captureScreenshot", {**options, "clip": {**clip, "scale": 1}})
            data = base64.b64decode(answer["data"])
        else:
            data = await page.screenshot(clip=clip, animations="disabled", caret="hide")
    finally:
        await context.close()
    pixels = read_png(data)
    primitives = {}
    for place in places:
        box = picture_box(Rect(place["x"], place["y"], place["width"], place["height"]), settings.scale)
        part = pixels[box.y : box.y + box.height, box.x : box.x + box.width]
        primitives[place["name"]] = hashlib.sha256(part.tobytes()).hexdigest()[:_DIGITS]
    return Sheet(drawn["edition"], primitives)


async def kinds_shown(page: "CapturePage", target: Target) -> frozenset[str] | None:
    """Find out which kinds of primitives the picture of a target has, by the styles of what its page shows there.

    Returns:
        The kinds, the first words of primitives' names; None where that is not known for certain.
    """
    try:
        rect = (await page.look(target)).rect
        area = rect and {"x": rect.x, "y": rect.y, "width": rect.width, "height": rect.height}
        kinds = await page.page.evaluate(f"(area) => {{ {_script()}; return sheet.usesIn(area); }}", area)
    except PlaywrightError:
        return None
    return None if kinds is None else frozenset(map(str, kinds))


@cache
def _script() -> str:
    return (STATIC / "sheet.js").read_text(encoding="utf-8")
