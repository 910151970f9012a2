"""Rectangles of a page (CSS pixels, from its top left corner) and boxes of its picture (whole picture pixels)."""

import math
from collections.abc import Iterator
from fractions import Fraction

from widgetshot.model import Box
from widgetshot.ports import Rect

# Chromium draws opacity, filters and blending through textures. In one capture that reaches further, what lies behind
# this row or column is drawn without them or not at all.
MAX_TILE_SIDE = 16_384
# What Chromium needs for one capture grows by about 20 bytes per pixel.
MAX_TILE_PIXELS = 2**25
UNBOUNDED = 10**9  # picture pixels; no page is as large


def picture_box(rect: Rect, scale: float, width: int = UNBOUNDED, height: int = UNBOUNDED) -> Box:
    """Return the whole pixels that a page rectangle touches, inside a picture of the given size.

    Args:
        scale: picture pixels per CSS pixel.
    """
    left = max(0, math.floor(rect.x * scale))
    top = max(0, math.floor(rect.y * scale))
    right = min(width, math.ceil((rect.x + rect.width) * scale))
    bottom = min(height, math.ceil((rect.y + rect.height) * scale))
    return Box(left, top, max(0, right - left), max(0, bottom - top))


def picture_size(rect: Rect, scale: float) -> tuple[int, int]:
    """Return width and height of the picture of a page rectangle that begins at a whole picture pixel."""
    return math.floor(rect.width * scale + 0.5), math.floor(rect.height * scale + 0.5)


def tiles(rect: Rect, scale: float) -> Iterator[Rect]:
    """Yield parts of a page rectangle, row by row, each small enough for one capture; together they cover it.

    Seams lie between two pixels of the picture, so that nothing is drawn otherwise than in one piece.

    Args:
        rect: begins at a whole picture pixel.
    """
    width = _seam(min(MAX_TILE_SIDE, picture_size(rect, scale)[0]), rect.width, scale)
    height = _seam(min(MAX_TILE_SIDE, MAX_TILE_PIXELS // max(1, math.ceil(width * scale))), rect.height, scale)
    for row in range(math.ceil(rect.height / height)):
        for column in range(math.ceil(rect.width / width)):
            left, top = column * width, row * height
            yield Rect(rect.x + left, rect.y + top, min(width, rect.width - left), min(height, rect.height - top))


def _seam(limit: int, whole: float, scale: float) -> float:
    """Return the side of tiles in CSS pixels: the whole, or the largest one that ends between two picture pixels.

    Args:
        limit: picture pixels.
        whole: CSS pixels.
    """
    if math.floor(whole * scale + 0.5) <= limit:
        return whole
    most = math.floor(limit / scale)
    return most - most % pixel_grid(scale) or most


def pixel_grid(scale: float) -> int:
    """Return the smallest number of CSS pixels that make a whole number of picture pixels, at most 1000."""
    return Fraction(scale).limit_denominator(1000).denominator


def on_grid(rect: Rect, scale: float) -> Rect:
    """Return the smallest rectangle around another one that begins and ends between two picture pixels."""
    grid = pixel_grid(scale)
    left, top = (max(0, math.floor(side / grid)) * grid for side in (rect.x, rect.y))
    right, bottom = (math.ceil(side / grid) * grid for side in (rect.x + rect.width, rect.y + rect.height))
    return Rect(left, top, max(grid, right - left), max(grid, bottom - top))


def relative_to(box: Box, frame: Box) -> Box:
    """Return a box of the whole picture as a box of the part of it that `frame` is."""
    return Box(box.x - frame.x, box.y - frame.y, box.width, box.height)


def is_inside(inner: Box, outer: Box) -> bool:
    """Tell whether a box lies wholly inside another one."""
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and inner.x + inner.width <= outer.x + outer.width
        and inner.y + inner.height <= outer.y + outer.height
    )


def overlap(one: Box, other: Box) -> bool:
    """Tell whether two boxes have a pixel in common."""
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )
