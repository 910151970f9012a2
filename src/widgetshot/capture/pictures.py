"""Pictures of the whole page, without secrets."""

import base64
import io
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image

from widgetshot.capture.geometry import picture_box
from widgetshot.model import Box, Pixels
from widgetshot.ports import LivePage, Rect
from widgetshot.redact import Redactor

_MAX_KEPT = 2
_SECRET_COLOUR = (128, 128, 128, 255)


class PagePictures:
    """The first two pictures of a page since somebody last acted on it.

    Targets that look at one state of the page share them.

    Args:
        page: Playwright's page, async or wrapped by `Awaitable`.
        cdp: its CDP session with Chromium, else None.

    Attributes:
        covers: boxes that were painted over because the page showed a secret there, in pixels of the whole page.
    """

    def __init__(self, page: Any, cdp: Any, live: LivePage, redactor: Redactor, scale: float) -> None:
        self.covers: list[Box] = []
        self._page = page
        self._cdp = cdp
        self._live = live
        self._redactor = redactor
        self._scale = scale
        self._kept: list[Pixels] = []

    @property
    def kept(self) -> int:
        """The number of pictures that are kept."""
        return len(self._kept)

    def forget(self) -> None:
        """Forget the pictures: the page may look otherwise now."""
        self._kept.clear()
        self.covers.clear()

    async def get(self, attempt: int) -> Pixels:
        """Return the picture that was taken at this attempt, counted from 0, or take one.

        Raises:
            playwright.async_api.Error: none could be taken.
        """
        if attempt < len(self._kept):
            return self._kept[attempt]
        secrets = await self._secret_places()
        data = await self._take()
        # Also what has come or gone while the picture was taken.
        secrets += await self._secret_places()
        with Image.open(io.BytesIO(data)) as image:
            pixels = np.asarray(image.convert("RGBA"))
        if secrets:
            pixels = self._paint_over(pixels, secrets)
        if len(self._kept) < _MAX_KEPT:
            self._kept.append(pixels)
        return pixels

    async def _take(self) -> bytes:
        """Capture the page from its top left corner to the end of its content, as PNG."""
        extent = await self._live.extent()
        if self._cdp is None:
            data: bytes = await self._page.screenshot(full_page=True, animations="disabled", caret="hide")
            return data
        # Playwright's own screenshot takes twice as long and scrolls the page about.
        answer = await self._cdp.send(
            "Page.captureScreenshot",
            {
                "format": "png",
                "optimizeForSpeed": True,
                # The browser lays the page out anew for it, and once more afterwards.
                "captureBeyondViewport": extent.beyond,
                "clip": {"x": 0, "y": 0, "width": extent.width, "height": extent.height, "scale": 1},
            },
        )
        return base64.b64decode(answer["data"])

    async def _secret_places(self) -> list[Rect]:
        """Ask where the page shows a secret: put together by its own scripts, or typed into it."""
        return list(await self._live.secret_places(self._redactor.forms)) if self._redactor else []

    def _paint_over(self, pixels: Pixels, places: Iterable[Rect]) -> Pixels:
        painted = pixels.copy()
        height, width = pixels.shape[:2]
        for place in places:
            box = picture_box(place, self._scale, width, height)
            painted[box.y : box.y + box.height, box.x : box.x + box.width] = _SECRET_COLOUR
            self.covers.append(box)
        return painted
