"""Two pictures -> Comparison. Nothing but pixels, in memory.

Three rules decide whether a pixel differs, see `Tolerance.rule`:

- strict: any channel that differs by more than the tolerance's step (by default: at all) counts.
- pixelmatch: counts exactly as pixelmatch does, a vectorised port of its algorithm.
- perceptual: for pictures of two renderers, which smooth the edges of text and curves differently, see `perceptual`.

The pixelmatch rule is a port of pixelmatch by Mapbox (ISC licence, see licenses/pixelmatch.txt), which follows
Y. Kotsarenko, F. Ramos, "Measuring perceived color difference using YIQ NTSC transmission color space in mobile
applications" (2010), and V. Vysniauskas, "Anti-aliased Pixel and Intensity Slope Detector" (2009).
"""

from collections import Counter
from collections.abc import Callable, Iterable
from difflib import Match, SequenceMatcher
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from widgetshot.model import Band, Box, Comparison, Pixels, Rule, Tolerance

_TILE = 16  # pixels; side of the squares in which differing pixels are gathered into regions
_MAX_YIQ = 35215.0  # the largest possible squared YIQ distance
_GREYS = 64  # shades of the faded picture in a diff picture

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

# Pictures are lined up where at least this share of their rows is alike, rows of at least so many pixels were
# inserted or removed, and beside those at most this share of the plain difference remains.
_ENOUGH_ALIKE = 0.5
_LEAST_BAND = 3
_OFTEN = 8  # rows that are alike; more of them say nothing of their place
_WORTH = 0.6
# What lining up may cost: rows looked at, about half a second; and ranges of rows in which something still differs.
_MOST_LOOKS = 1_000_000
_MOST_RANGES = 400

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


def compare(
    baseline: Pixels,
    shot: Pixels,
    tolerance: Tolerance,
    masks: Iterable[Box] = (),
    masks_before: Iterable[Box] = (),
    *,
    same_renderer: bool = True,
) -> Comparison:
    """Compare two pictures of any sizes.

    Pictures of different sizes are padded at the right and the bottom to a common size; the padding counts as
    changed, so nothing is ever cropped away. What counts is decided place by place. Where that is more than the
    tolerance allows, rows that were inserted or removed are looked for, and where they explain most of the difference
    the diff picture shows them alone. The search is given up, and the diff picture shows all places, when it has looked
    at a million rows or when more than 400 ranges of rows would still differ: such a difference is no matter of a few
    bands. So its cost has a bound whatever the pictures show.

    Args:
        baseline, shot: shape (height, width, 4), uint8.
        masks: boxes of the shot that are not compared.
        masks_before: boxes of the baseline that are not compared.
        same_renderer: whether one renderer drew both.

    Returns:
        The comparison; without a diff picture when nothing differs.
    """
    rule = tolerance.rule(same_renderer)
    masks, masks_before = list(masks), list(masks_before)
    resized = baseline.shape != shot.shape
    height, width = max(baseline.shape[0], shot.shape[0]), max(baseline.shape[1], shot.shape[1])
    masked = _covered((height, width), [*masks, *masks_before])
    total = height * width - int(masked.sum())
    if not resized and np.array_equal(baseline, shot):
        return Comparison(0, total, rule=rule)
    padding = np.ones((height, width), dtype=bool)
    padding[: min(baseline.shape[0], shot.shape[0]), : min(baseline.shape[1], shot.shape[1])] = False
    before, after = (baseline, shot) if not resized else (_padded(one, height, width) for one in (baseline, shot))
    if rule is not Rule.STRICT and masked.any():
        # Rules that look around a pixel must not see what is masked.
        after = np.where(masked[..., None], before, after)
    changed = (_counting(before, after, tolerance, rule) | padding) & ~masked
    count = int(changed.sum())
    if not count and not resized:
        return Comparison(0, total, rule=rule)
    passes = not resized and count <= tolerance.allowance(total)
    rows = None if passes else _paired_rows(baseline, shot, changed, masks_before, masks)
    if rows is not None:
        marked, diff, bands = _lined_up(
            baseline, shot, *rows, masks_before, masks, lambda one, other: _counting(one, other, tolerance, rule)
        )
        # Where most of it is still red, the plain diff is easier to read.
        if (diff == CHANGED).sum() <= _WORTH * (changed & ~padding).sum():
            return Comparison(count, total, regions(marked), resized, diff, rule, bands, int(marked.sum()))
    diff = _faded(before)
    diff[padding] = PADDING
    diff[masked] = MASKED
    diff[changed & ~padding] = CHANGED
    return Comparison(count, total, regions(changed), resized, diff, rule, marked=count)


def same(one: Pixels, other: Pixels, masks: Iterable[Box] = ()) -> bool:
    """Whether two pictures are equal, every channel of every pixel outside of the masks."""
    if one.shape != other.shape:
        return False
    return np.array_equal(one, other) or not (differing(one, other, 0.0) & ~_covered(one.shape[:2], masks)).any()


def bare(pixels: Pixels, masks: Iterable[Box]) -> Pixels:
    """A copy with nothing (transparent black) where masks are."""
    copy = pixels.copy()
    copy[_covered(pixels.shape[:2], masks)] = 0
    return copy


def _covered(shape: tuple[int, int], boxes: Iterable[Box]) -> Bools:
    covered = np.zeros(shape, dtype=bool)
    for box in boxes:
        covered[max(0, box.y) : max(0, box.y + box.height), max(0, box.x) : max(0, box.x + box.width)] = True
    return covered


def _counting(one: Pixels, other: Pixels, tolerance: Tolerance, rule: Rule) -> Bools:
    """Which pixels of two pictures of one size count as different."""
    match rule:
        case Rule.STRICT:
            return differing(one, other, 0.0) if not tolerance.step else _steps(one, other) > tolerance.step
        case Rule.PIXELMATCH:
            assert tolerance.threshold is not None
            return differing(one, other, tolerance.threshold)
        case Rule.PERCEPTUAL:
            found = perceptual(one, other)
            return found & (_steps(one, other) > tolerance.step) if tolerance.step else found


def _steps(one: Pixels, other: Pixels) -> NDArray[np.uint8]:
    """The largest difference of any channel, shape (height, width), 0 to 255."""
    steps: NDArray[np.uint8] = np.where(one > other, one - other, other - one).max(axis=2)
    return steps


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
        # Anti-aliasing is looked for up to two pixels around: the rest of the pictures need not be converted.
        top, left = max(0, int(rows.min()) - 2), max(0, int(columns.min()) - 2)
        near = (slice(top, int(rows.max()) + 3), slice(left, int(columns.max()) + 3))
        luma_one, luma_other = _luma(one[near]), _luma(other[near])
        packed_one, packed_other = packed(one[near]), packed(other[near])
        inner = (rows - top, columns - left)
        antialiased = _antialiased(luma_one, packed_one, packed_other, *inner)
        rest = np.nonzero(~antialiased)[0]
        antialiased[rest] = _antialiased(luma_other, packed_other, packed_one, inner[0][rest], inner[1][rest])
    result = np.zeros(candidates.shape, dtype=bool)
    result[rows[~antialiased], columns[~antialiased]] = True
    return result


# The perceptual rule. Its constants were measured over 178 pictures of notebooks/ drawn by Chromium 131 and by
# Chromium 156, whose text differs in nearly every pixel of every glyph's edge by up to 60 steps; each has a margin
# to the largest value that these pairs reach without any change, see docs/explanation/comparing.md.
_FLAT_STEP = 1  # steps; in flat areas renderers agree to the last one
_APPEAR_STEP = 8  # steps
_LINE = 8  # pixels to either side along which a line is of one colour
_LINE_STEP = 10  # steps
_SHAPE = 3  # pixels to either side over which shapes are compared
_SHAPE_RATIO = 0.45
_SHAPE_FLOOR = 4.0  # steps; contrast below which all is flat
_INK_WINDOWS = ((24, 96), (48, 480))  # pixels, height and width: a word, a line
_INK_COUNT = 6  # pixels of exactly one colour that make it the colour of the text, not of an edge
_INK_SPREAD = 4  # rows and columns in which they must be
_INK_CONTRAST = 30  # steps between the text's colour and its background
_INK_STEP = 2  # steps


def perceptual(one: Pixels, other: Pixels) -> Bools:
    """Which pixels differ in a way that another renderer's smoothing of edges does not explain.

    Four questions are asked of the pixels that differ at all:

    - flat areas: both pictures are of one colour around the pixel, but not of the same; or one of them is, and
      something appears or vanishes in the midst of it;
    - lines: both are of one colour along 17 pixels through it, but not of the same;
    - shapes: in the square of 7 pixels around it the pictures differ by more than `_SHAPE_RATIO` of their contrast
      there. Smoothing differs by a third of it at most, a shift by one pixel by two thirds;
    - ink: the colour of the text around it, which pixels inside of strokes have exactly, is another one.

    Returns:
        shape (height, width), bool.
    """
    candidates = differing(one, other, 0.0)
    if not candidates.any():
        return candidates
    steps = _steps(one, other)
    height, width = candidates.shape
    flat, other_flat = _flat(one, 1, 1), _flat(other, 1, 1)
    found = candidates & (steps > _FLAT_STEP) & flat & other_flat
    found |= candidates & (steps > _APPEAR_STEP) & (flat | other_flat)
    lines = candidates & (steps > _LINE_STEP)
    for tall, wide in ((0, _LINE), (_LINE, 0)):
        # A window that reaches over the picture's edge is cut there: in a small picture it would hold every pixel.
        if height > 2 * tall and width > 2 * wide:
            found |= lines & _flat(one, tall, wide) & _flat(other, tall, wide)
    found |= candidates & _near(_misshapen(one, other, steps), _SHAPE)
    return found | _other_ink(one, other, candidates & ~found)


def _flat(pixels: Pixels, tall: int, wide: int) -> Bools:
    """Where all pixels up to `tall` rows and `wide` columns away are of one colour."""
    lowest = highest = pixels
    for axis, reach in ((0, tall), (1, wide)):
        low, high = lowest, highest
        for distance in range(1, reach + 1):
            for step in (-distance, distance):
                low = np.minimum(low, _moved(lowest, step, axis))
                high = np.maximum(high, _moved(highest, step, axis))
        lowest, highest = low, high
    flat: Bools = (lowest == highest).all(axis=2)
    return flat


def _moved(pixels: Pixels, step: int, axis: int) -> Pixels:
    """The picture moved by some pixels; its edge is drawn out."""
    index = np.clip(np.arange(pixels.shape[axis]) + step, 0, pixels.shape[axis] - 1)
    return np.take(pixels, index, axis=axis)


def _misshapen(one: Pixels, other: Pixels, steps: NDArray[np.uint8]) -> Bools:
    """Where the difference is large for the contrast that there is."""
    mean_difference = _mean(steps.astype(np.float64), _SHAPE)
    contrast = np.maximum(_deviation(_luma(one), _SHAPE), _deviation(_luma(other), _SHAPE))
    misshapen: Bools = mean_difference > _SHAPE_RATIO * (contrast + _SHAPE_FLOOR)
    return misshapen


def _mean(values: Floats, reach: int) -> Floats:
    """The mean over the square of `reach` pixels to all sides, by a summed-area table."""
    padded = np.pad(values, ((reach + 1, reach), (reach + 1, reach)), mode="edge")
    sums = padded.cumsum(axis=0).cumsum(axis=1)
    side = 2 * reach + 1
    area = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    mean: Floats = area / side**2
    return mean


def _deviation(values: Floats, reach: int) -> Floats:
    """The standard deviation over the square of `reach` pixels to all sides."""
    mean = _mean(values, reach)
    return np.sqrt(np.maximum(_mean(values * values, reach) - mean * mean, 0.0))


def _near(where: Bools, reach: int) -> Bools:
    """What is at most `reach` rows and columns away from a true one."""
    return _mean(where.astype(np.float64), reach) > 0.5 / (2 * reach + 1) ** 2


def _other_ink(one: Pixels, other: Pixels, candidates: Bools) -> Bools:
    """The candidates in windows whose text has another colour than before."""
    found = np.zeros(candidates.shape, dtype=bool)
    height, width = candidates.shape
    for tall, wide in _INK_WINDOWS:
        # Half-overlapping, so that a word at a window's edge is whole in the next one.
        for top in range(0, max(1, height - tall // 2), tall // 2):
            if not candidates[top : top + tall].any():
                continue
            for left in range(0, max(1, width - wide // 2), wide // 2):
                place = (slice(top, top + tall), slice(left, left + wide))
                if candidates[place].any() and _inks_differ(one[place], other[place]):
                    found[place] |= candidates[place]
    return found


def _inks_differ(one: Pixels, other: Pixels) -> bool:
    first, second = _ink(one), _ink(other)
    if first is None or second is None:
        return False
    (paper, ink), (other_paper, other_ink) = first, second
    # Where paper and ink take about as much room, they may change parts.
    same_paper = np.abs(paper - other_paper).max() <= _INK_STEP
    return bool(same_paper and np.abs(ink - other_ink).max() > _INK_STEP)


def _ink(pixels: Pixels) -> tuple[NDArray[np.int16], NDArray[np.int16]] | None:
    """The most frequent colour and the one farthest from it, if that is the colour of strokes and not of an edge.

    Smoothed edges come so far only where a single row or column of pixels is all that is seen of a letter.
    """
    numbers = packed(pixels)
    values, counts = np.unique(numbers, return_counts=True)
    colours = np.ascontiguousarray(values).view(np.uint8).reshape(-1, 4).astype(np.int16)
    paper = colours[counts.argmax()]
    contrast = np.abs(colours - paper).max(axis=1)
    farthest = int(contrast.argmax())
    if contrast[farthest] < _INK_CONTRAST or counts[farthest] < _INK_COUNT:
        return None
    where = numbers == values[farthest]
    spread = min(where.any(axis=0).sum(), where.any(axis=1).sum())
    return (paper, colours[farthest]) if spread >= _INK_SPREAD else None


Rows = list[tuple[int, int, int, int]]  # begin and end in the baseline, begin and end in the shot


def _paired_rows(
    baseline: Pixels, shot: Pixels, changed: Bools, masks_before: list[Box], masks: list[Box]
) -> tuple[slice, Rows] | None:
    """Find rows of pixels that one of the pictures lacks.

    Only the columns in which anything differs are looked at, so that what stands beside does not matter.

    Returns:
        Those columns, and pairs of ranges of rows that belong together; where one is the longer, its end has the
        rows that the other lacks. None when too little is alike for lining up, or finding out would cost too much.
    """
    if baseline.shape[1] != shot.shape[1]:
        return None
    height = min(baseline.shape[0], shot.shape[0])
    found = np.nonzero(changed[:height].any(axis=0))[0]
    columns = slice(int(found[0]), int(found[-1]) + 1) if found.size else slice(0, shot.shape[1])
    before, after = _row_numbers(_row_bytes(baseline, columns, masks_before), _row_bytes(shot, columns, masks))
    rows = _pair(before, after)
    if rows is None or sum(before[begin:end] != after[other:last] for begin, end, other, last in rows) > _MOST_RANGES:
        return None
    lacking = [pair for pair in rows if pair[1] - pair[0] != pair[3] - pair[2]]
    alike = sum(end - begin for begin, end, other, last in rows if before[begin:end] == after[other:last])
    if sum(abs((end - begin) - (last - other)) for begin, end, other, last in lacking) < _LEAST_BAND:
        return None
    return (columns, rows) if alike >= _ENOUGH_ALIKE * min(len(before), len(after)) else None


def _row_bytes(pixels: Pixels, columns: slice, masks: list[Box]) -> list[bytes]:
    """Each row's pixels as one value; nothing of what is masked."""
    return [row.tobytes() for row in bare(pixels, masks)[:, columns]]


def _row_numbers(*pictures: list[bytes]) -> list[list[int]]:
    """The rows as numbers, equal ones of equal rows: they are compared very often."""
    numbers: dict[bytes, int] = {}
    return [[numbers.setdefault(row, len(numbers)) for row in rows] for rows in pictures]


class _TooCostly(Exception):
    """Lining up has looked at more rows than it may."""


class _Matcher(SequenceMatcher[int]):
    """One that gives up.

    Each search for the longest match looks at all rows of its range, and splits it by what it finds. Where many short
    matches are of one length it splits off one after another, and the cost grows with the square of the rows.
    """

    looks = 0

    def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> Match:
        """As the original, see there.

        Raises:
            _TooCostly: all calls together have looked at too many rows.
        """
        self.looks += (ahi or 0) - alo  # it is always told where to end
        if self.looks > _MOST_LOOKS:
            raise _TooCostly
        return super().find_longest_match(alo, ahi, blo, bhi)


def _pair(before: list[int], after: list[int]) -> Rows | None:
    """Line up two lists of rows.

    Rows that only repeat the one above (blank space, the sides of boxes) are alike wherever they are: they say
    nothing of their place, and are paired only next to rows that do.

    Returns:
        None when it would cost too much.
    """
    blank = {row for rows in (before, after) for above, row in pairwise(rows) if above == row}
    # Stripes and grids repeat themselves at a distance.
    blank |= {row for rows in (before, after) for row, number in Counter(rows).items() if number > _OFTEN}
    try:
        opcodes = _Matcher(blank.__contains__, before, after, autojunk=False).get_opcodes()
    except _TooCostly:
        return None
    return [(b0, b1, a0, a1) for _, b0, b1, a0, a1 in opcodes]


def _lined_up(
    baseline: Pixels,
    shot: Pixels,
    columns: slice,
    rows: Rows,
    masks_before: list[Box],
    masks: list[Box],
    counting: Callable[[Pixels, Pixels], Bools],
) -> tuple[Bools, Pixels, tuple[Band, ...]]:
    """What differs once rows that belong together are compared with each other, all in the shot's own place.

    Returns:
        The pixels that are marked, the diff picture, and the rows that one of the pictures lacks.
    """
    masked, masked_before = _covered(shot.shape[:2], masks), _covered(baseline.shape[:2], masks_before)
    diff = _faded(shot)
    diff[masked] = MASKED
    marked = np.zeros(shot.shape[:2], dtype=bool)
    bands: list[Band] = []
    for begin, end, other, last in rows:
        length = min(end - begin, last - other)
        old, new = slice(begin, begin + length), slice(other, other + length)
        if length:
            part = counting(baseline[old, columns], shot[new, columns])
            marked[new, columns] = part & ~masked[new, columns] & ~masked_before[old, columns]
        if last > new.stop:
            bands.append(Band(True, new.stop, end, last - new.stop))
        elif end > old.stop:
            bands.append(Band(False, old.stop, last, end - old.stop))
    diff[marked] = CHANGED
    for band in bands:
        # Of rows that are gone there is nothing to be seen: the seam is marked.
        place = slice(band.y, band.y + band.height) if band.inserted else slice(max(0, band.at - 1), band.at + 1)
        bare = ~masked[place, columns]
        marked[place, columns] |= bare
        diff[place, columns][bare] = INSERTED if band.inserted else REMOVED
    return marked, diff, tuple(bands)


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


def packed(pixels: Pixels) -> NDArray[np.uint32]:
    """Each pixel as one number, shape (height, width)."""
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
