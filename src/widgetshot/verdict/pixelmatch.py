"""The rule `pixelmatch`: counts exactly as pixelmatch does, a vectorised port of its algorithm.

It is a port of pixelmatch by Mapbox (ISC licence, see licenses/pixelmatch.txt), which follows
Y. Kotsarenko, F. Ramos, "Measuring perceived color difference using YIQ NTSC transmission color space in mobile
applications" (2010), and V. Vysniauskas, "Anti-aliased Pixel and Intensity Slope Detector" (2009).
"""

import numpy as np
from numpy.typing import NDArray

from widgetshot.model import Pixels
from widgetshot.verdict.pixels import Bools, Floats, any_difference, packed

_MAX_SQUARED_DISTANCE = 35215.0  # the largest possible squared YIQ distance
_ANTIALIASING_REACH_PX = 2
# Neighbours in the order in which pixelmatch meets them (columns outside, rows inside): ties keep the first.
_NEIGHBOURS = [(dy, dx) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if (dy, dx) != (0, 0)]

_Indices = NDArray[np.intp]


def differing(one: Pixels, other: Pixels, threshold: float) -> Bools:
    """Return the pixels that differ between two pictures of one size.

    Args:
        threshold: 0 for any difference; over 0 for pixelmatch's rule with its anti-aliasing detection.

    Returns:
        shape (height, width), bool.
    """
    candidates = any_difference(one, other)
    if threshold == 0 or not candidates.any():
        return candidates
    rows, columns = np.nonzero(candidates)
    # Most candidates of a real change are close together; only these are converted.
    distance = _squared_distance(one[rows, columns], other[rows, columns])
    over = distance > _MAX_SQUARED_DISTANCE * threshold * threshold
    rows, columns = rows[over], columns[over]
    antialiased = np.zeros(rows.shape, dtype=bool)
    if rows.size:
        # Anti-aliasing is looked for near these pixels: the rest of the pictures need not be converted.
        reach = _ANTIALIASING_REACH_PX
        top, left = max(0, int(rows.min()) - reach), max(0, int(columns.min()) - reach)
        near = (slice(top, int(rows.max()) + reach + 1), slice(left, int(columns.max()) + reach + 1))
        luma_one, luma_other = luma(one[near]), luma(other[near])
        packed_one, packed_other = packed(one[near]), packed(other[near])
        inner = (rows - top, columns - left)
        antialiased = _antialiased(luma_one, packed_one, packed_other, *inner)
        rest = np.nonzero(~antialiased)[0]
        antialiased[rest] = _antialiased(luma_other, packed_other, packed_one, inner[0][rest], inner[1][rest])
    result = np.zeros(candidates.shape, dtype=bool)
    result[rows[~antialiased], columns[~antialiased]] = True
    return result


def luma(pixels: Pixels) -> Floats:
    """Return the brightness of each pixel on white, 0 to 255, without the last axis."""
    return _y(_blended(pixels))


def _blended(pixels: Pixels) -> Floats:
    """Return RGB on white, as pixelmatch blends it, shape (..., 3)."""
    rgb = pixels[..., :3].astype(np.float64)
    alpha = pixels[..., 3:4].astype(np.float64) / 255
    return np.where(pixels[..., 3:4] == 255, rgb, 255 + (rgb - 255) * alpha)


# The order of the operations below is pixelmatch's: floating point sums must agree to the last bit, or counts differ.
def _y(rgb: Floats) -> Floats:
    result: Floats = rgb[..., 0] * 0.29889531 + rgb[..., 1] * 0.58662247 + rgb[..., 2] * 0.11448223
    return result


def _squared_distance(one: Pixels, other: Pixels) -> Floats:
    """Return the squared YIQ distance of pixels, 0 to 35215."""
    a, b = _blended(one), _blended(other)
    y = _y(a) - _y(b)
    i = (a[..., 0] * 0.59597799 - a[..., 1] * 0.2741761 - a[..., 2] * 0.32180189) - (
        b[..., 0] * 0.59597799 - b[..., 1] * 0.2741761 - b[..., 2] * 0.32180189
    )
    q = (a[..., 0] * 0.21147017 - a[..., 1] * 0.52261711 + a[..., 2] * 0.31114694) - (
        b[..., 0] * 0.21147017 - b[..., 1] * 0.52261711 + b[..., 2] * 0.31114694
    )
    result: Floats = 0.5053 * y * y + 0.299 * i * i + 0.1957 * q * q
    return result


def _antialiased(
    luma: Floats, packed: NDArray[np.uint32], packed_other: NDArray[np.uint32], rows: _Indices, columns: _Indices
) -> Bools:
    """Return which of the given pixels look anti-aliased in the picture of `luma` and `packed`."""
    height, width = luma.shape
    if not rows.size:
        return np.zeros(0, dtype=bool)
    edge = (rows == 0) | (rows == height - 1) | (columns == 0) | (columns == width - 1)
    equal = edge.astype(np.int64)
    lowest, highest = np.zeros(rows.shape), np.zeros(rows.shape)
    low_row, low_column = np.zeros_like(rows), np.zeros_like(columns)
    high_row, high_column = np.zeros_like(rows), np.zeros_like(columns)
    centre = luma[rows, columns]
    for dy, dx in _NEIGHBOURS:
        row, column = rows + dy, columns + dx
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        row, column = np.where(inside, row, 0), np.where(inside, column, 0)
        delta = centre - luma[row, column]
        equal += inside & (delta == 0)
        lower = inside & (delta < lowest)
        # pixelmatch asks for a higher one only where the neighbour is not a lower one.
        higher = inside & ~lower & (delta > highest)
        lowest = np.where(lower, delta, lowest)
        highest = np.where(higher, delta, highest)
        low_row, low_column = np.where(lower, row, low_row), np.where(lower, column, low_column)
        high_row, high_column = np.where(higher, row, high_row), np.where(higher, column, high_column)
    possible = (equal <= 2) & (lowest != 0) & (highest != 0)
    result = np.zeros(rows.shape, dtype=bool)
    chosen = np.nonzero(possible)[0]
    if chosen.size:
        low = (low_row[chosen], low_column[chosen])
        high = (high_row[chosen], high_column[chosen])
        result[chosen] = (_siblings(packed, *low) & _siblings(packed_other, *low)) | (
            _siblings(packed, *high) & _siblings(packed_other, *high)
        )
    return result


def _siblings(packed: NDArray[np.uint32], rows: _Indices, columns: _Indices) -> Bools:
    """Return which of the given pixels have three or more neighbours of their own colour."""
    height, width = packed.shape
    edge = (rows == 0) | (rows == height - 1) | (columns == 0) | (columns == width - 1)
    equal = edge.astype(np.int64)
    own = packed[rows, columns]
    for dy, dx in _NEIGHBOURS:
        row, column = rows + dy, columns + dx
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        equal += inside & (packed[np.where(inside, row, 0), np.where(inside, column, 0)] == own)
    result: Bools = equal > 2
    return result
