"""The diff picture: a faded picture with what differs in colours, as indices of a palette."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from widgetshot.model import Band, Box, Pixels
from widgetshot.verdict.align import Alignment
from widgetshot.verdict.pixels import Bools, covered

_GREYS = 64  # shades of the faded picture
_FADED_TOGETHER = 2**22  # pixels; of large pictures the sums would take several times their memory

# Indices of a diff picture's palette: faded greys, then these.
PADDING, MASKED, CHANGED, INSERTED, REMOVED = range(_GREYS, _GREYS + 5)
PALETTE: tuple[tuple[int, int, int], ...] = (
    *((255 - (63 - grey), 255 - (63 - grey), 255 - (63 - grey)) for grey in range(_GREYS)),
    (255, 226, 163),
    (196, 214, 240),
    (214, 0, 54),
    (120, 200, 130),
    (235, 120, 20),
)


def plain_diff(before: Pixels, changed: Bools, padding: Bools, masked: Bools) -> Pixels:
    """Return the diff picture that shows what differs place by place, over the faded baseline.

    Args:
        before: the baseline, padded to the common size.

    Returns:
        shape (height, width), palette indices.
    """
    diff = _faded(before)
    diff[padding] = PADDING
    diff[masked] = MASKED
    diff[changed & ~padding] = CHANGED
    return diff


@dataclass(frozen=True)
class AlignedDiff:
    """The differences that remain once rows that belong together are compared, in the shot's own place.

    Attributes:
        marked: the pixels that are marked, shape (height, width).
        picture: the diff picture, shape (height, width), palette indices.
        bands: the rows that one of the pictures lacks.
    """

    marked: Bools
    picture: Pixels
    bands: tuple[Band, ...]


def aligned_diff(
    baseline: Pixels,
    shot: Pixels,
    alignment: Alignment,
    masks_before: list[Box],
    masks: list[Box],
    differing: Callable[[Pixels, Pixels], Bools],
) -> AlignedDiff:
    """Compare rows that belong together, and draw the diff picture over the faded shot.

    Args:
        differing: the rule by which pixels of two pictures of one size differ.
    """
    masked, masked_before = covered(shot.shape[:2], masks), covered(baseline.shape[:2], masks_before)
    columns = alignment.columns
    diff = _faded(shot)
    diff[masked] = MASKED
    marked = np.zeros(shot.shape[:2], dtype=bool)
    bands: list[Band] = []
    for pair in alignment.rows:
        old = slice(pair.before.start, pair.before.start + pair.common)
        new = slice(pair.after.start, pair.after.start + pair.common)
        if pair.common:
            part = differing(baseline[old, columns], shot[new, columns])
            marked[new, columns] = part & ~masked[new, columns] & ~masked_before[old, columns]
        if len(pair.after) > pair.common:
            bands.append(Band(True, new.stop, pair.before.stop, pair.after.stop - new.stop))
        elif len(pair.before) > pair.common:
            bands.append(Band(False, old.stop, pair.after.stop, pair.before.stop - old.stop))
    diff[marked] = CHANGED
    for band in bands:
        # Nothing can be seen of rows that are gone: the seam is marked.
        place = slice(band.y, band.y + band.height) if band.inserted else slice(max(0, band.at - 1), band.at + 1)
        unmasked = ~masked[place, columns]
        marked[place, columns] |= unmasked
        diff[place, columns][unmasked] = INSERTED if band.inserted else REMOVED
    return AlignedDiff(marked, diff, tuple(bands))


def _faded(pixels: Pixels) -> Pixels:
    """Return the picture as light greys, palette indices 0 to 63."""
    greys: Pixels = np.empty(pixels.shape[:2], dtype=np.uint8)
    rows = max(1, _FADED_TOGETHER // max(1, pixels.shape[1]))
    for top in range(0, pixels.shape[0], rows):
        part = pixels[top : top + rows]
        luma: NDArray[np.float32] = (
            part[..., 0] * np.float32(0.299) + part[..., 1] * np.float32(0.587) + part[..., 2] * np.float32(0.114)
        )
        greys[top : top + rows] = (luma / 4).astype(np.uint8)
    return greys
