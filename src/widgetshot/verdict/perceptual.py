"""The rule `perceptual`: for pictures of two renderers, which smooth the edges of text and curves differently.

The constants were measured over 178 pictures of notebooks/ drawn by Chromium 131 and by Chromium 156, whose text
differs in nearly every pixel of every glyph's edge by up to 60 steps; each has a margin to the largest value that
these pairs reach without any change, see docs/explanation/comparing.md. A step is the unit of a channel, 0 to 255.
"""

import numpy as np
from numpy.typing import NDArray

from widgetshot.model import Pixels
from widgetshot.verdict.pixelmatch import luma
from widgetshot.verdict.pixels import Bools, Floats, any_difference, largest_steps, packed

_MAX_FLAT_STEPS = 1  # in flat areas renderers agree to the last one
_MAX_APPEARANCE_STEPS = 8
_LINE_REACH_PX = 8  # to either side along which a line is of one colour
_MAX_LINE_STEPS = 10
_SHAPE_REACH_PX = 3  # to either side over which shapes are compared
_MAX_SHAPE_RATIO = 0.45
_SHAPE_FLOOR_STEPS = 4.0  # contrast below which all is flat
_INK_WINDOWS_PX = ((24, 96), (48, 480))  # height and width: a word, a line
_MIN_INK_PX = 6  # pixels of exactly one colour that make it the colour of the text, not of an edge
_MIN_INK_SPREAD_PX = 4  # rows and columns in which they must be
_MIN_INK_CONTRAST_STEPS = 30  # between the text's colour and its background
_MAX_INK_STEPS = 2


def perceptual(one: Pixels, other: Pixels) -> Bools:
    """Return the pixels that differ in a way that another renderer's smoothing of edges does not explain.

    Four questions are asked of the pixels that differ at all:

    - flat areas: both pictures are of one colour around the pixel, but not of the same; or one of them is, and
      something appears or vanishes in the midst of it;
    - lines: both are of one colour along 17 pixels through it, but not of the same;
    - shapes: in the square of 7 pixels around it the pictures differ by more than `_MAX_SHAPE_RATIO` of their contrast
      there. Smoothing differs by a third of it at most, a shift by one pixel by two thirds;
    - ink: the colour of the text around it, which pixels inside of strokes have exactly, is another one.

    Returns:
        shape (height, width), bool.
    """
    candidates = any_difference(one, other)
    if not candidates.any():
        return candidates
    steps = largest_steps(one, other)
    height, width = candidates.shape
    flat, other_flat = _flat(one, 1, 1), _flat(other, 1, 1)
    found = candidates & (steps > _MAX_FLAT_STEPS) & flat & other_flat
    found |= candidates & (steps > _MAX_APPEARANCE_STEPS) & (flat | other_flat)
    lines = candidates & (steps > _MAX_LINE_STEPS)
    for tall, wide in ((0, _LINE_REACH_PX), (_LINE_REACH_PX, 0)):
        # A window that reaches over the picture's edge is cut there: in a small picture it would hold every pixel.
        if height > 2 * tall and width > 2 * wide:
            found |= lines & _flat(one, tall, wide) & _flat(other, tall, wide)
    found |= candidates & _near(_misshapen(one, other, steps), _SHAPE_REACH_PX)
    return found | _other_ink(one, other, candidates & ~found)


def _flat(pixels: Pixels, tall: int, wide: int) -> Bools:
    """Return where all pixels up to `tall` rows and `wide` columns away are of one colour."""
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


def _moved(pixels: Pixels, distance: int, axis: int) -> Pixels:
    """Return the picture moved by some pixels; the pixels at its edge are repeated."""
    index = np.clip(np.arange(pixels.shape[axis]) + distance, 0, pixels.shape[axis] - 1)
    return np.take(pixels, index, axis=axis)


def _misshapen(one: Pixels, other: Pixels, steps: NDArray[np.uint8]) -> Bools:
    """Return where the difference is large for the contrast that there is."""
    mean_difference = _mean(steps.astype(np.float64), _SHAPE_REACH_PX)
    contrast = np.maximum(_deviation(luma(one), _SHAPE_REACH_PX), _deviation(luma(other), _SHAPE_REACH_PX))
    misshapen: Bools = mean_difference > _MAX_SHAPE_RATIO * (contrast + _SHAPE_FLOOR_STEPS)
    return misshapen


def _mean(values: Floats, reach: int) -> Floats:
    """Return the mean over the square of `reach` pixels to all sides, by a summed-area table."""
    padded = np.pad(values, ((reach + 1, reach), (reach + 1, reach)), mode="edge")
    sums = padded.cumsum(axis=0).cumsum(axis=1)
    side = 2 * reach + 1
    area = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    mean: Floats = area / side**2
    return mean


def _deviation(values: Floats, reach: int) -> Floats:
    """Return the standard deviation over the square of `reach` pixels to all sides."""
    mean = _mean(values, reach)
    return np.sqrt(np.maximum(_mean(values * values, reach) - mean * mean, 0.0))


def _near(where: Bools, reach: int) -> Bools:
    """Return what is at most `reach` rows and columns away from a true one."""
    return _mean(where.astype(np.float64), reach) > 0.5 / (2 * reach + 1) ** 2


def _other_ink(one: Pixels, other: Pixels, candidates: Bools) -> Bools:
    """Return the candidates in windows whose text has another colour than before."""
    found = np.zeros(candidates.shape, dtype=bool)
    height, width = candidates.shape
    for tall, wide in _INK_WINDOWS_PX:
        # Half-overlapping, so that a word at a window's edge is whole in the next one.
        for top in range(0, max(1, height - tall // 2), tall // 2):
            if not candidates[top : top + tall].any():
                continue
            for left in range(0, max(1, width - wide // 2), wide // 2):
                window = (slice(top, top + tall), slice(left, left + wide))
                if candidates[window].any() and _inks_differ(one[window], other[window]):
                    found[window] |= candidates[window]
    return found


def _inks_differ(one: Pixels, other: Pixels) -> bool:
    first, second = _ink(one), _ink(other)
    if first is None or second is None:
        return False
    (paper, ink), (other_paper, other_ink) = first, second
    # If paper and ink cover about as many pixels, they may have changed roles.
    same_paper = np.abs(paper - other_paper).max() <= _MAX_INK_STEPS
    return bool(same_paper and np.abs(ink - other_ink).max() > _MAX_INK_STEPS)


def _ink(pixels: Pixels) -> tuple[NDArray[np.int16], NDArray[np.int16]] | None:
    """Return the most frequent colour, and the one farthest from it if that is the colour of strokes, not of an edge.

    Smoothed edges come so far only where a single row or column of pixels is all that is seen of a letter.
    """
    numbers = packed(pixels)
    values, counts = np.unique(numbers, return_counts=True)
    colours = np.ascontiguousarray(values).view(np.uint8).reshape(-1, 4).astype(np.int16)
    paper = colours[counts.argmax()]
    contrast = np.abs(colours - paper).max(axis=1)
    farthest = int(contrast.argmax())
    if contrast[farthest] < _MIN_INK_CONTRAST_STEPS or counts[farthest] < _MIN_INK_PX:
        return None
    where = numbers == values[farthest]
    spread = min(where.any(axis=0).sum(), where.any(axis=1).sum())
    return (paper, colours[farthest]) if spread >= _MIN_INK_SPREAD_PX else None
