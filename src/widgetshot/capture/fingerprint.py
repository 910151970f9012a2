"""The renderer of a picture: two pictures can differ because their renderers do."""

import hashlib
import json
import platform
from typing import Any

from widgetshot.files import STATIC
from widgetshot.project.settings import Settings


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


def fingerprint(settings: Settings, browser: str) -> dict[str, Any]:
    """Describe the renderer of a picture, as far as it does not depend on the notebook.

    Args:
        browser: see `product`.
    """
    frontend = json.loads((STATIC / "frontend.json").read_text(encoding="utf-8"))
    fonts = hashlib.sha256(frontend.pop("fonts").encode())
    for folder in settings.fonts:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                fonts.update(file.name.encode() + file.read_bytes())
    return {
        "browser": browser,
        "machine": platform.machine().lower(),
        "frontend": frontend,
        "fonts": fonts.hexdigest()[:16],
        "scale": settings.scale,
        "locale": settings.locale,
        "timezone": settings.timezone,
    }
