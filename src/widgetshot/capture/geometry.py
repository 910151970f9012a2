"""Rectangles of a page (CSS pixels, from its top left corner) and boxes of its picture (whole picture pixels)."""

import math

from widgetshot.model import Box
from widgetshot.ports import Rect

UNBOUNDED = 10**6  # picture pixels; no picture is as large


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
