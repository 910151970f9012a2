"""Pictures of the whole page, without secrets; where that is too large, of a part of it."""

import base64
from collections.abc import Iterable
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from widgetshot.capture.geometry import on_grid, picture_box, picture_size, relative_to, tiles
from widgetshot.errors import CaptureError
from widgetshot.files import read_png
from widgetshot.model import MAX_PIXELS, Box, Pixels
from widgetshot.ports import LivePage, Rect, Scope
from widgetshot.redact import Redactor

_MAX_KEPT = 2
# In pixels, of a picture that people only look at.
_MAX_SEEN_WIDTH, _MAX_SEEN_HEIGHT = 2000, 3000
_SECRET_COLOUR = (128, 128, 128, 255)
_WHOLE_PAGE = Scope(None)
# A capture shows the page a viewport of 1 x 1 for a moment. Followed by another one at once, the page may be drawn in
# that moment, and what goes by the size of its window with it.
_TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


class Picture(NamedTuple):
    """A picture of a page or of a part of it.

    Attributes:
        frame: where it is in a picture of the whole page.
        rect: what the part was to show; None for the whole page.
    """

    pixels: Pixels
    frame: Box
    rect: Rect | None = None


class PagePictures:
    """The first two pictures of a page since somebody last acted on it.

    Targets that look at one state of the page share them.

    Args:
        page: Playwright's page, async or wrapped by `Awaitable`.
        cdp: its CDP session with Chromium, else None.

    Attributes:
        covers: boxes that were painted over because the page showed a secret there, in pixels of the whole page.
        seconds: what all pictures that were put together from several captures have taken.
    """

    def __init__(self, page: Any, cdp: Any, live: LivePage, redactor: Redactor, scale: float) -> None:
        self.covers: list[Box] = []
        self.seconds = 0.0
        self._page = page
        self._cdp = cdp
        self._live = live
        self._redactor = redactor
        self._scale = scale
        self._kept: list[Picture] = []

    @property
    def kept(self) -> int:
        """The number of pictures that are kept."""
        return len(self._kept)

    def forget(self) -> None:
        """Forget the pictures: the page may look otherwise now."""
        self._kept.clear()
        self.covers.clear()

    async def get(self, attempt: int, scope: Scope = _WHOLE_PAGE) -> Picture:
        """Return the picture that was taken at this attempt, counted from 0, or take one.

        Args:
            scope: what is needed of it. A picture of nothing else is taken where one of the whole page would be larger
                than `MAX_PIXELS`; it is not kept.

        Raises:
            CaptureError: the scope is larger, too.
            playwright.async_api.Error: none could be taken.
        """
        if attempt < len(self._kept):
            return self._kept[attempt]
        secrets = await self._secret_places()
        picture = await self._take(scope)
        # Also what has come or gone while the picture was taken.
        secrets += await self._secret_places()
        if secrets:
            picture, covers = self._painted_over(picture, secrets)
            self.covers += covers
        if picture.rect is None and len(self._kept) < _MAX_KEPT:
            self._kept.append(picture)
        return picture

    async def seen(self, place: Rect | None) -> Pixels:
        """Return a picture of a part of the page as it is now, as much as there is room for; it is not kept.

        Args:
            place: what it shows; the whole page where that is None or empty.

        Raises:
            playwright.async_api.Error: none could be taken.
        """
        extent = await self._live.extent()
        if place is None or place.width < 1 or place.height < 1:
            place = Rect(0, 0, extent.width, extent.height)
        width = min(place.width, max(1.0, extent.width - place.x), _MAX_SEEN_WIDTH / self._scale)
        height = min(place.height, max(1.0, extent.height - place.y), _MAX_SEEN_HEIGHT / self._scale)
        part = on_grid(Rect(place.x, place.y, width, height), self._scale)
        secrets = await self._secret_places()
        pixels = read_png(await self._capture(part, whole=False))
        secrets += await self._secret_places()
        corner = picture_box(Rect(part.x, part.y, 0, 0), self._scale)
        frame = Box(corner.x, corner.y, pixels.shape[1], pixels.shape[0])
        return self._painted_over(Picture(pixels, frame), secrets)[0].pixels

    async def _take(self, scope: Scope) -> Picture:
        """Capture the page from its top left corner to the end of its content, or the scope where that is too large."""
        extent = await self._live.extent()
        part, shows = Rect(0, 0, extent.width, extent.height), None
        if _is_too_large(size := picture_size(part, self._scale)):
            (look,) = await self._live.look([scope])
            shows = look.rect if look is not None else None
            if shows is None:
                raise _too_large("the page", size, "take the shot of a cell instead of the page's")
            part = on_grid(shows, self._scale)
            if _is_too_large(size := picture_size(part, self._scale)):
                raise _too_large("what the cell shows", size, "let the cell show less")
        pieces = list(tiles(part, self._scale))
        if len(pieces) == 1:
            data = await self._capture(part, whole=shows is None)
            pixels = read_png(data)
        else:
            pixels = await self._put_together(part, pieces)
        height, width = pixels.shape[:2]
        corner = picture_box(Rect(part.x, part.y, 0, 0), self._scale)
        return Picture(pixels, Box(corner.x, corner.y, width, height), shows)

    async def _put_together(self, part: Rect, pieces: Iterable[Rect]) -> Pixels:
        """Capture a part of the page piece by piece."""
        width, height = picture_size(part, self._scale)
        pixels = np.zeros((height, width, 4), dtype=np.uint8)
        for piece in pieces:
            begin = perf_counter()
            await self._page.evaluate(_TWO_FRAMES)
            tile = read_png(await self._capture(piece, whole=False))
            left, top = round((piece.x - part.x) * self._scale), round((piece.y - part.y) * self._scale)
            pixels[top : top + tile.shape[0], left : left + tile.shape[1]] = tile[: height - top, : width - left]
            self.seconds += perf_counter() - begin
        return pixels

    async def _capture(self, rect: Rect, *, whole: bool) -> bytes:
        """Capture a rectangle of the page in one piece, as PNG.

        Args:
            whole: whether it is the whole page.
        """
        clip = {"x": rect.x, "y": rect.y, "width": rect.width, "height": rect.height}
        if self._cdp is None:
            options: dict[str, Any] = {"full_page": True, "animations": "disabled", "caret": "hide"}
            data: bytes = await self._page.screenshot(**options if whole else options | {"clip": clip})
            return data
        # Playwright's own screenshot takes twice as long and scrolls the page about. It also asks to capture beyond the
        # viewport: for that the browser lays the page out anew, for a moment one pixel wide and high, which the page
        # sees. Ours draws what is beyond in any case (determinism.py).
        answer = await self._cdp.send(
            "Page.captureScreenshot",
            {
                "format": "png",
                "optimizeForSpeed": True,
                "captureBeyondViewport": False,
                "clip": {**clip, "scale": 1},
            },
        )
        return base64.b64decode(answer["data"])

    async def _secret_places(self) -> list[Rect]:
        """Ask where the page shows a secret: put together by its own scripts, or typed into it."""
        return list(await self._live.secret_places(self._redactor.forms)) if self._redactor else []

    def _painted_over(self, picture: Picture, places: Iterable[Rect]) -> tuple[Picture, list[Box]]:
        """Return the picture without what it shows in some places, and these in pixels of the whole page."""
        pixels, frame, _ = picture
        covers = []
        # A large picture is our own already, and a second one of its size might not fit.
        painted = pixels if pixels.flags.writeable else pixels.copy()
        for place in places:
            cover = picture_box(place, self._scale, frame.x + frame.width, frame.y + frame.height)
            box = relative_to(cover, frame)
            painted[max(0, box.y) : max(0, box.y + box.height), max(0, box.x) : max(0, box.x + box.width)] = (
                _SECRET_COLOUR
            )
            covers.append(cover)
        return picture._replace(pixels=painted), covers


def _is_too_large(size: tuple[int, int]) -> bool:
    return size[0] * size[1] > MAX_PIXELS


def _too_large(what: str, size: tuple[int, int], smaller: str) -> CaptureError:
    """Return the error of a picture that is not taken."""
    width, height = size
    return CaptureError(
        f"{what} is {width} x {height} pixels large, {width * height / 1e6:.0f} million in all; "
        f"a picture may have {MAX_PIXELS // 10**6} million",
        next_step=f"make the layout smaller, set a smaller 'scale', or {smaller}",
    )
