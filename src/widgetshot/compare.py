"""Two pictures -> Comparison. Nothing but pixels, in memory.

Two rules decide whether a pixel differs:

- strict (threshold 0): any step of any channel counts.
- tolerant (threshold > 0): counts exactly as pixelmatch does, a vectorised port of its algorithm.

The tolerant rule is a port of pixelmatch by Mapbox (ISC licence, see licenses/pixelmatch.txt), which follows
Y. Kotsarenko, F. Ramos, "Measuring perceived color difference using YIQ NTSC transmission color space in mobile
applications" (2010), and V. Vysniauskas, "Anti-aliased Pixel and Intensity Slope Detector" (2009).
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from widgetshot.model import Box, Comparison, Pixels, Tolerance

_TILE = 16  # pixels; side of the squares in which differing pixels are gathered into regions
_MAX_YIQ = 35215.0  # the largest possible squared YIQ distance
_GREYS = 64  # shades of the faded baseline in a diff picture

# Indices of a diff picture's palette: faded greys, then these.
PADDING, MASKED, CHANGED = _GREYS, _GREYS + 1, _GREYS + 2
PALETTE: tuple[tuple[int, int, int], ...] = (
    *((255 - (63 - grey), 255 - (63 - grey), 255 - (63 - grey)) for grey in range(_GREYS)),
    (255, 226, 163),
    (196, 214, 240),
    (214, 0, 54),
)

Bools = NDArray[np.bool_]


def compare(baseline: Pixels, shot: Pixels, tolerance: Tolerance, masks: Iterable[Box] = ()) -> Comparison:
    """Compare two pictures of any sizes.

    Pictures of different sizes are padded at the right and the bottom to a common size; the padding counts as
    changed, so nothing is ever cropped away.

    Args:
        baseline, shot: shape (height, width, 4), uint8.
        masks: boxes that are not compared.

    Returns:
        The comparison; without a diff picture when nothing differs.
    """
    resized = baseline.shape != shot.shape
    padding: Bools | None = None
    if resized:
        height, width = max(baseline.shape[0], shot.shape[0]), max(baseline.shape[1], shot.shape[1])
        padding = np.ones((height, width), dtype=bool)
        padding[: min(baseline.shape[0], shot.shape[0]), : min(baseline.shape[1], shot.shape[1])] = False
        baseline, shot = _padded(baseline, height, width), _padded(shot, height, width)
    height, width = baseline.shape[:2]
    masked = np.zeros((height, width), dtype=bool)
    for box in masks:
        masked[max(0, box.y) : max(0, box.y + box.height), max(0, box.x) : max(0, box.x + box.width)] = True
    total = height * width - int(masked.sum())
    if not resized and np.array_equal(baseline, shot):
        return Comparison(0, total)
    changed = differing(baseline, shot, tolerance.threshold)
    if padding is not None:
        changed |= padding
    changed &= ~masked
    count = int(changed.sum())
    if not count and not resized:
        return Comparison(0, total)
    diff = _faded(baseline)
    if padding is not None:
        diff[padding] = PADDING
    diff[masked] = MASKED
    diff[changed & ~padding if padding is not None else changed] = CHANGED
    return Comparison(count, total, regions(changed), resized, diff)


def differing(one: Pixels, other: Pixels, threshold: float) -> Bools:
    """Which pixels differ between two pictures of one size.

    Args:
        threshold: 0 for any difference; over 0 for pixelmatch's rule with its anti-aliasing detection.

    Returns:
        shape (height, width), bool.
    """
    candidates: Bools = (
        (one.view(np.uint32)[..., 0] != other.view(np.uint32)[..., 0])
        if (one.flags.c_contiguous and other.flags.c_contiguous)
        else (one != other).any(axis=2)
    )
    if threshold == 0 or not candidates.any():
        return candidates
    rows, columns = np.nonzero(candidates)
    # Most candidates of a real change are near; only these are converted.
    delta = _delta(one[rows, columns], other[rows, columns])
    over = delta > _MAX_YIQ * threshold * threshold
    rows, columns = rows[over], columns[over]
    antialiased = np.zeros(rows.shape, dtype=bool)
    if rows.size:
        luma_one, luma_other = _luma(one), _luma(other)
        packed_one, packed_other = _packed(one), _packed(other)
        antialiased = _antialiased(luma_one, packed_one, packed_other, rows, columns)
        rest = np.nonzero(~antialiased)[0]
        antialiased[rest] = _antialiased(luma_other, packed_other, packed_one, rows[rest], columns[rest])
    result = np.zeros(candidates.shape, dtype=bool)
    result[rows[~antialiased], columns[~antialiased]] = True
    return result


def regions(changed: Bools) -> tuple[Box, ...]:
    """Boxes around the differing pixels, largest area first.

    Pixels are gathered in tiles of 16 pixels; tiles that touch, also at a corner, make one region, whose box is
    then tightened to its pixels.
    """
    height, width = changed.shape
    tall, wide = -(-height // _TILE), -(-width // _TILE)
    canvas = np.zeros((tall * _TILE, wide * _TILE), dtype=bool)
    canvas[:height, :width] = changed
    tiles = canvas.reshape(tall, _TILE, wide, _TILE).any(axis=(1, 3))
    waiting = {(int(row), int(column)) for row, column in np.argwhere(tiles)}
    found = []
    while waiting:
        stack = [waiting.pop()]
        group = []
        while stack:
            row, column = stack.pop()
            group.append((row, column))
            for near in [(row + dy, column + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]:
                if near in waiting:
                    waiting.discard(near)
                    stack.append(near)
        found.append(_tight(canvas, group))
    return tuple(sorted(found, key=lambda box: (-box.width * box.height, box.y, box.x)))


def _tight(canvas: Bools, group: list[tuple[int, int]]) -> Box:
    top, left = min(row for row, _ in group) * _TILE, min(column for _, column in group) * _TILE
    bottom, right = (max(row for row, _ in group) + 1) * _TILE, (max(column for _, column in group) + 1) * _TILE
    own = np.zeros((bottom - top, right - left), dtype=bool)
    for row, column in group:
        y, x = row * _TILE - top, column * _TILE - left
        own[y : y + _TILE, x : x + _TILE] = canvas[
            row * _TILE : (row + 1) * _TILE, column * _TILE : (column + 1) * _TILE
        ]
    rows, columns = np.nonzero(own.any(axis=1))[0], np.nonzero(own.any(axis=0))[0]
    return Box(
        left + int(columns[0]), top + int(rows[0]), int(columns[-1] - columns[0]) + 1, int(rows[-1] - rows[0]) + 1
    )


def _padded(pixels: Pixels, height: int, width: int) -> Pixels:
    canvas = np.zeros((height, width, 4), dtype=np.uint8)
    canvas[: pixels.shape[0], : pixels.shape[1]] = pixels
    return canvas


def _faded(pixels: Pixels) -> Pixels:
    """The picture as light greys, palette indices 0 to 63."""
    luma: NDArray[np.float32] = (
        pixels[..., 0] * np.float32(0.299) + pixels[..., 1] * np.float32(0.587) + pixels[..., 2] * np.float32(0.114)
    )
    greys: Pixels = (luma / 4).astype(np.uint8)
    return greys


def _blended(pixels: Pixels) -> NDArray[np.float64]:
    """RGB on white, as pixelmatch blends it. Shape (..., 3)."""
    rgb = pixels[..., :3].astype(np.float64)
    alpha = pixels[..., 3:4].astype(np.float64) / 255
    return np.where(pixels[..., 3:4] == 255, rgb, 255 + (rgb - 255) * alpha)


# The order of the operations below is pixelmatch's: floating point sums must agree to the last bit, or counts differ.
def _y(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = rgb[..., 0] * 0.29889531 + rgb[..., 1] * 0.58662247 + rgb[..., 2] * 0.11448223
    return result


def _luma(pixels: Pixels) -> NDArray[np.float64]:
    return _y(_blended(pixels))


def _packed(pixels: Pixels) -> NDArray[np.uint32]:
    return np.ascontiguousarray(pixels).view(np.uint32)[..., 0]


def _delta(one: Pixels, other: Pixels) -> NDArray[np.float64]:
    """Squared YIQ distance of pixels, 0 to 35215."""
    a, b = _blended(one), _blended(other)
    y = _y(a) - _y(b)
    i = (a[..., 0] * 0.59597799 - a[..., 1] * 0.2741761 - a[..., 2] * 0.32180189) - (
        b[..., 0] * 0.59597799 - b[..., 1] * 0.2741761 - b[..., 2] * 0.32180189
    )
    q = (a[..., 0] * 0.21147017 - a[..., 1] * 0.52261711 + a[..., 2] * 0.31114694) - (
        b[..., 0] * 0.21147017 - b[..., 1] * 0.52261711 + b[..., 2] * 0.31114694
    )
    result: NDArray[np.float64] = 0.5053 * y * y + 0.299 * i * i + 0.1957 * q * q
    return result


# Neighbours in the order in which pixelmatch meets them (columns outside, rows inside): ties keep the first.
_AROUND = [(dy, dx) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if (dy, dx) != (0, 0)]


def _antialiased(
    luma: NDArray[np.float64],
    packed: NDArray[np.uint32],
    packed_other: NDArray[np.uint32],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
) -> Bools:
    """Which of the given pixels look anti-aliased in the picture of `luma` and `packed`."""
    height, width = luma.shape
    if not rows.size:
        return np.zeros(0, dtype=bool)
    edge = (rows == 0) | (rows == height - 1) | (columns == 0) | (columns == width - 1)
    equal = edge.astype(np.int64)
    lowest, highest = np.zeros(rows.shape), np.zeros(rows.shape)
    low_row, low_column = np.zeros_like(rows), np.zeros_like(columns)
    high_row, high_column = np.zeros_like(rows), np.zeros_like(columns)
    centre = luma[rows, columns]
    for dy, dx in _AROUND:
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


def _siblings(packed: NDArray[np.uint32], rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Bools:
    """Which of the given pixels have three or more neighbours of their own colour."""
    height, width = packed.shape
    edge = (rows == 0) | (rows == height - 1) | (columns == 0) | (columns == width - 1)
    equal = edge.astype(np.int64)
    own = packed[rows, columns]
    for dy, dx in _AROUND:
        row, column = rows + dy, columns + dx
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        equal += inside & (packed[np.where(inside, row, 0), np.where(inside, column, 0)] == own)
    result: Bools = equal > 2
    return result
