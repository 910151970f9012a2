"""Rows that one of two pictures lacks, found by lining up the rows that both have."""

from collections import Counter
from dataclasses import dataclass
from difflib import Match, SequenceMatcher
from itertools import pairwise

import numpy as np

from widgetshot.model import Box, Pixels
from widgetshot.verdict.pixels import Bools, without_masked

# Pictures are lined up where at least this share of their rows is equal.
_MIN_EQUAL_SHARE = 0.5
_MIN_BAND_ROWS = 3  # rows that are inserted or removed
_MAX_EQUAL_ROWS = 8  # more rows that are equal to one another say nothing of their place
# The most that lining up may cost: rows looked at, about half a second; and ranges of rows that still differ.
_MAX_ROWS_LOOKED_AT = 1_000_000
_MAX_DIFFERING_RANGES = 400


@dataclass(frozen=True)
class RowPair:
    """Rows of the baseline and the rows of the shot that belong to them.

    Where one range is the longer one, its end has the rows that the other picture lacks.
    """

    before: range
    after: range

    @property
    def common(self) -> int:
        """The number of rows that both have."""
        return min(len(self.before), len(self.after))


@dataclass(frozen=True)
class Alignment:
    """The pictures' rows in pairs, top to bottom, within the columns in which anything differs."""

    columns: slice
    rows: tuple[RowPair, ...]


def align(
    baseline: Pixels, shot: Pixels, changed: Bools, masks_before: list[Box], masks: list[Box]
) -> Alignment | None:
    """Line up two pictures by their rows.

    Only the columns in which anything differs are looked at, so that what stands beside does not matter. The search is
    given up when it has looked at a million rows or when more than 400 ranges of rows would still differ: such a
    difference is no matter of a few bands. So its cost has a bound whatever the pictures show.

    Args:
        changed: the pixels that differ place by place.

    Returns:
        None if too few rows are equal, if no rows were inserted or removed, or if finding out would cost too much.
    """
    if baseline.shape[1] != shot.shape[1]:
        return None
    height = min(baseline.shape[0], shot.shape[0])
    found = np.nonzero(changed[:height].any(axis=0))[0]
    columns = slice(int(found[0]), int(found[-1]) + 1) if found.size else slice(0, shot.shape[1])
    before, after = _row_numbers(_row_bytes(baseline, columns, masks_before), _row_bytes(shot, columns, masks))
    pairs = _pair(before, after)
    if pairs is None:
        return None
    equal = [before[one.before.start : one.before.stop] == after[one.after.start : one.after.stop] for one in pairs]
    if equal.count(False) > _MAX_DIFFERING_RANGES:
        return None
    if sum(abs(len(pair.before) - len(pair.after)) for pair in pairs) < _MIN_BAND_ROWS:
        return None
    equal_rows = sum(len(pair.before) for pair, is_equal in zip(pairs, equal, strict=True) if is_equal)
    if equal_rows < _MIN_EQUAL_SHARE * min(len(before), len(after)):
        return None
    return Alignment(columns, tuple(pairs))


def _row_bytes(pixels: Pixels, columns: slice, masks: list[Box]) -> list[bytes]:
    """Return each row's pixels as one value; nothing of what is masked."""
    shown = without_masked(pixels, masks) if masks else pixels
    return [row.tobytes() for row in shown[:, columns]]


def _row_numbers(*pictures: list[bytes]) -> list[list[int]]:
    """Return the rows as numbers, equal ones of equal rows: they are compared very often."""
    numbers: dict[bytes, int] = {}
    return [[numbers.setdefault(row, len(numbers)) for row in rows] for rows in pictures]


class _TooCostlyError(Exception):
    """Lining up has looked at more rows than it may."""


class _BoundedMatcher(SequenceMatcher[int]):
    """A sequence matcher that gives up.

    Each search for the longest match looks at all rows of its range, and splits it by what it finds. Where many short
    matches are of one length it splits off one after another, and the cost grows with the square of the rows.
    """

    rows_looked_at = 0

    def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> Match:
        """Find the longest match as the original does, see there.

        Raises:
            _TooCostlyError: all calls together have looked at too many rows.
        """
        self.rows_looked_at += (ahi or 0) - alo  # the matcher itself always passes the end
        if self.rows_looked_at > _MAX_ROWS_LOOKED_AT:
            raise _TooCostlyError
        return super().find_longest_match(alo, ahi, blo, bhi)


def _pair(before: list[int], after: list[int]) -> list[RowPair] | None:
    """Line up two lists of rows; None if that would cost too much.

    Rows that only repeat the one above (blank space, the sides of boxes) are equal wherever they are: they say
    nothing of their place, and are paired only next to rows that do.
    """
    blank = {row for rows in (before, after) for above, row in pairwise(rows) if above == row}
    # Stripes and grids repeat themselves at a distance.
    blank |= {row for rows in (before, after) for row, number in Counter(rows).items() if number > _MAX_EQUAL_ROWS}
    try:
        opcodes = _BoundedMatcher(blank.__contains__, before, after, autojunk=False).get_opcodes()
    except _TooCostlyError:
        return None
    return [RowPair(range(b0, b1), range(a0, a1)) for _, b0, b1, a0, a1 in opcodes]
