"""The renderer of a picture: two pictures can differ because their renderers do."""

import hashlib
import json
import platform
from typing import TYPE_CHECKING, Any

from widgetshot.files import STATIC
from widgetshot.project.settings import Settings
from widgetshot.verdict.renderers import SHEET

if TYPE_CHECKING:
    from widgetshot.capture.renderer import Renderer

_FONT_SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")


async def product(browser: Any, kind: str) -> str:
    """Return the name of a running browser, e.g. `chromium 156.0.8078.79 HeadlessChrome`.

    Chromium's headless shell and the whole Chromium draw with other code although they share a version.

    Args:
        browser: Playwright's, async or wrapped by `Awaitable`.
    """
    name = f"{kind} {browser.version}"
    if kind != "chromium":
        return name
    session = await browser.new_browser_cdp_session()
    answer = await session.send("Browser.getVersion")
    await session.detach()
    return f"{name} {str(answer['product']).partition('/')[0]}"


def fonts_digest(settings: Settings) -> str:
    """Return what tells the fonts of a browser here from others: those that come with widgetshot, and extra ones."""
    fonts = hashlib.sha256(_built()["fonts"].encode())
    for folder in settings.fonts:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                fonts.update(file.name.encode() + file.read_bytes())
    return fonts.hexdigest()[:16]


def font_file_digests(settings: Settings) -> set[str]:
    """Return the SHA-256, in hexadecimal digits, of each file of a font that a browser here has."""
    folders = (STATIC / "fonts", *settings.fonts)
    files = (file for folder in folders for file in folder.rglob("*") if file.suffix.lower() in _FONT_SUFFIXES)
    return {hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _built() -> dict[str, Any]:
    built: dict[str, Any] = json.loads((STATIC / "frontend.json").read_text(encoding="utf-8"))
    return built


def fingerprint(
    settings: Settings, browser: str, elsewhere: "Renderer | None" = None, sheet: str = ""
) -> dict[str, Any]:
    """Describe the renderer of a picture, as far as it does not depend on the notebook.

    Args:
        browser: see `product`.
        elsewhere: of the browser, where that runs on another machine.
        sheet: digest of its calibration sheet, see `capture.sheet`; "" where nobody has asked a browser that runs.
    """
    frontend = _built()
    del frontend["fonts"]
    facts = {
        "browser": f"{browser} {elsewhere.flags}" if elsewhere and elsewhere.flags else browser,
        "machine": elsewhere.machine if elsewhere else platform.machine().lower(),
        "frontend": frontend,
        "fonts": elsewhere.fonts if elsewhere else fonts_digest(settings),
        "scale": settings.scale,
        "locale": settings.locale,
        "timezone": settings.timezone,
    }
    return {**facts, SHEET: sheet} if sheet else facts
