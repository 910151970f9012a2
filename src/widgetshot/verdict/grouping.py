"""Results that changed in the same way, so that a person decides once for all of them."""

import hashlib

import numpy as np

from widgetshot.model import Comparison, Pixels
from widgetshot.verdict.diff_picture import CHANGED, INSERTED, MASKED, REMOVED
from widgetshot.verdict.pixels import packed


def change_group(before: Pixels, after: Pixels, comparison: Comparison) -> str | None:
    """Name a change, wherever in the picture it is; the same change always has the same name.

    Two changes are the same when they have regions of the same sizes and in these either the same pixels before and
    after, or the same recolouring: each colour became one other colour, and these pairs are the same, although the
    shapes (a button's label) are not.

    Args:
        before, after: the pictures that were compared, shape (height, width, 4), dtype uint8.

    Returns:
        16 hexadecimal digits; None where nothing differs, or the pictures can't be laid over each other.
    """
    diff = comparison.diff
    if diff is None or not comparison.regions:
        return None
    if comparison.bands:
        return _name_of_rows(before, after, comparison, diff)
    if before.shape != after.shape:
        return None
    one, other = packed(before).astype(np.uint64), packed(after).astype(np.uint64)
    became, exact = [], []
    for box in comparison.regions:
        place = np.s_[box.y : box.y + box.height, box.x : box.x + box.width]
        became.append((one[place] << np.uint64(32) | other[place])[diff[place] != MASKED])
        changed = diff[place] == CHANGED
        exact.append((box.height, box.width, *(_digest(changed * part[place]) for part in (one, other))))
    pairs, times = np.unique(np.concatenate(became), return_counts=True)
    old, new = pairs >> np.uint64(32), pairs & np.uint64(0xFFFFFFFF)
    if len(np.unique(old)) == len(np.unique(new)) == len(pairs):
        # Blends at the edges of letters depend on the letters; what most pixels became does not.
        most = int(pairs[np.argmax(np.where(old != new, times, 0))])
        sizes = sorted((box.height, box.width) for box in comparison.regions)
        return _digest(repr(("recoloured", sizes, most)).encode())
    return _digest(repr(("changed", sorted(exact))).encode())


def _name_of_rows(before: Pixels, after: Pixels, comparison: Comparison, diff: Pixels) -> str | None:
    """Name rows that were inserted or removed; None if anything else differs."""
    if (diff == CHANGED).any() or not ((diff == INSERTED) | (diff == REMOVED)).any():
        return None
    rows = [
        (band.inserted, _digest((after if band.inserted else before)[band.y : band.y + band.height]))
        for band in comparison.bands
    ]
    return _digest(repr(("rows", rows)).encode())


def _digest(data: bytes | np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> str:
    content = data if isinstance(data, bytes) else np.ascontiguousarray(data).tobytes()
    return hashlib.sha256(content).hexdigest()[:16]
