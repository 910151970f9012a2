"""Pixels as every rule of comparison needs them: which are equal, which are masked."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from widgetshot.model import Box, Pixels

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


def same(one: Pixels, other: Pixels, masks: Iterable[Box] = ()) -> bool:
    """Return True if two pictures are equal, every channel of every pixel outside of the masks."""
    if one.shape != other.shape:
        return False
    return np.array_equal(one, other) or not (any_difference(one, other) & ~covered(one.shape[:2], masks)).any()


def covered(shape: tuple[int, int], boxes: Iterable[Box]) -> Bools:
    """Return the pixels that boxes cover, of a picture of this height and width."""
    covered = np.zeros(shape, dtype=bool)
    for box in boxes:
        covered[max(0, box.y) : max(0, box.y + box.height), max(0, box.x) : max(0, box.x + box.width)] = True
    return covered


def without_masked(pixels: Pixels, masks: Iterable[Box]) -> Pixels:
    """Return a copy that is transparent black where masks are."""
    copy = pixels.copy()
    copy[covered(pixels.shape[:2], masks)] = 0
    return copy


def padded(pixels: Pixels, height: int, width: int) -> Pixels:
    """Return a copy that is padded with transparent black at the right and the bottom."""
    canvas = np.zeros((height, width, 4), dtype=np.uint8)
    canvas[: pixels.shape[0], : pixels.shape[1]] = pixels
    return canvas


def packed(pixels: Pixels) -> NDArray[np.uint32]:
    """Return each pixel as one number, shape (height, width)."""
    return np.ascontiguousarray(pixels).view(np.uint32)[..., 0]


def any_difference(one: Pixels, other: Pixels) -> Bools:
    """Return the pixels of which any channel differs between two pictures of one size, shape (height, width)."""
    different: Bools = (
        (one.view(np.uint32)[..., 0] != other.view(np.uint32)[..., 0])
        if one.flags.c_contiguous and other.flags.c_contiguous
        else (one != other).any(axis=2)
    )
    return different


def largest_steps(one: Pixels, other: Pixels) -> NDArray[np.uint8]:
    """Return the largest difference of any channel of each pixel, shape (height, width), 0 to 255."""
    steps: NDArray[np.uint8] = np.where(one > other, one - other, other - one).max(axis=2)
    return steps
