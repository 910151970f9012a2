"""Two pictures -> Comparison. Nothing but pixels, in memory.

Three rules decide which pixels differ, see `Tolerance.rule`:

- strict: any channel that differs by more than the tolerance's step (by default: at all) counts.
- pixelmatch: counts exactly as pixelmatch does, see `pixelmatch`.
- perceptual: for pictures of two renderers, which smooth the edges of text and curves differently, see `perceptual`.
"""

from collections.abc import Callable, Iterable

import numpy as np

from widgetshot.model import Box, Comparison, Pixels, Rule, Tolerance
from widgetshot.verdict.align import align
from widgetshot.verdict.diff_picture import CHANGED, aligned_diff, plain_diff
from widgetshot.verdict.perceptual import perceptual
from widgetshot.verdict.pixelmatch import differing
from widgetshot.verdict.pixels import Bools, any_difference, covered, largest_steps, padded
from widgetshot.verdict.regions import regions

# The aligned diff picture is shown if at most this share of the plain difference remains beside its bands.
_MAX_REMAINING_SHARE = 0.6
# A rule that looks around a pixel takes more than 100 bytes for each of those that it is given together.
_MAX_TOGETHER = 2**23
# Bands of rows begin at a multiple of this, where windows of text begin, too, and overlap by more than a rule looks at.
_BAND_STEP_PX, _BAND_OVERLAP_PX = 48, 96


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
    the diff picture shows them alone.

    Args:
        baseline, shot: shape (height, width, 4), uint8.
        masks: boxes of the shot that are not compared.
        masks_before: boxes of the baseline that are not compared.
        same_renderer: True if one renderer drew both.

    Returns:
        The comparison; without a diff picture when nothing differs.
    """
    rule = tolerance.rule(same_renderer)
    masks, masks_before = list(masks), list(masks_before)
    resized = baseline.shape != shot.shape
    height, width = max(baseline.shape[0], shot.shape[0]), max(baseline.shape[1], shot.shape[1])
    masked = covered((height, width), [*masks, *masks_before])
    total = height * width - int(masked.sum())
    if not resized and (np.array_equal(baseline, shot) or not (any_difference(baseline, shot) & ~masked).any()):
        return Comparison(0, total, rule=rule, equal=True)
    padding = np.ones((height, width), dtype=bool)
    padding[: min(baseline.shape[0], shot.shape[0]), : min(baseline.shape[1], shot.shape[1])] = False
    before, after = (baseline, shot) if not resized else (padded(one, height, width) for one in (baseline, shot))
    if rule is not Rule.STRICT and masked.any():
        # Rules that look around a pixel must not see what is masked.
        after = np.where(masked[..., None], before, after)
    changed = (_differing(before, after, tolerance, rule) | padding) & ~masked
    count = int(changed.sum())
    if not count and not resized:
        return Comparison(0, total, rule=rule)
    passes = not resized and count <= tolerance.allowance(total)
    alignment = None if passes else align(baseline, shot, changed, masks_before, masks)
    if alignment is not None:
        aligned = aligned_diff(
            baseline, shot, alignment, masks_before, masks, lambda one, other: _differing(one, other, tolerance, rule)
        )
        # Where most of it is still red, the plain diff is easier to read.
        if (aligned.picture == CHANGED).sum() <= _MAX_REMAINING_SHARE * (changed & ~padding).sum():
            marked = aligned.marked
            return Comparison(
                count, total, regions(marked), resized, aligned.picture, rule, aligned.bands, int(marked.sum())
            )
    diff = plain_diff(before, changed, padding, masked)
    return Comparison(count, total, regions(changed), resized, diff, rule, marked=count)


def _differing(one: Pixels, other: Pixels, tolerance: Tolerance, rule: Rule) -> Bools:
    """Return the pixels of two pictures of one size that differ by a rule."""
    match rule:
        case Rule.STRICT:
            if tolerance.step:
                return largest_steps(one, other) > tolerance.step
            return any_difference(one, other)
        case Rule.PIXELMATCH:
            assert tolerance.threshold is not None
            threshold = tolerance.threshold
            return in_bands(one, other, lambda before, after: differing(before, after, threshold))
        case Rule.PERCEPTUAL:
            found = in_bands(one, other, perceptual)
            return found & (largest_steps(one, other) > tolerance.step) if tolerance.step else found


def in_bands(
    one: Pixels, other: Pixels, differing: Callable[[Pixels, Pixels], Bools], most: int = _MAX_TOGETHER
) -> Bools:
    """Return the pixels of two pictures of one size that differ by a rule, which is given bands of rows of large ones.

    Args:
        differing: the rule; it looks at no pixel that is more than 48 rows away.
        most: pixels of a band, without what it overlaps the next ones by.
    """
    height, width = one.shape[:2]
    rows = max(1, most // width // _BAND_STEP_PX) * _BAND_STEP_PX
    if height <= rows:
        return differing(one, other)
    found = np.zeros((height, width), dtype=bool)
    for top in range(0, height, rows):
        first, end = max(0, top - _BAND_OVERLAP_PX), top + rows + _BAND_OVERLAP_PX
        band = differing(one[first:end], other[first:end])
        found[top : top + rows] = band[top - first : top - first + rows]
    return found
