"""Two pictures -> Comparison: nothing is missed, nothing is cropped, and pixelmatch's count is pixelmatch's."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
from drawings import QUICK, STRICT, drawn, gradient, noise, two_pictures
from hypothesis import given, settings
from hypothesis import strategies as st
from pixelmatch import pixelmatch

from builders import picture
from widgetshot.model import Box, Pixels, Rule, Tolerance
from widgetshot.verdict.compare import compare, in_bands
from widgetshot.verdict.diff_picture import CHANGED, INSERTED, MASKED, PADDING, PALETTE, REMOVED
from widgetshot.verdict.perceptual import perceptual
from widgetshot.verdict.pixelmatch import differing
from widgetshot.verdict.pixels import any_difference
from widgetshot.verdict.regions import regions


def oracle(one: Pixels, other: Pixels, threshold: float) -> int:
    height, width = one.shape[:2]
    return int(pixelmatch(one.tobytes(), other.tobytes(), width, height, threshold=threshold))


def tolerant(one: Pixels, other: Pixels, threshold: float) -> int:
    return compare(one, other, Tolerance(threshold=threshold)).changed


def pairs() -> Iterator[tuple[str, Pixels, Pixels]]:
    for width, height in ((1, 1), (2, 1), (1, 3), (2, 2), (3, 2), (3, 3), (5, 1), (8, 8), (17, 5), (40, 33)):
        yield f"noise {width}x{height}", noise(1, width, height), noise(2, width, height)
        yield f"alpha {width}x{height}", noise(3, width, height, alpha=True), noise(4, width, height, alpha=True)
        yield f"two colours {width}x{height}", noise(5, width, height, colours=2), noise(6, width, height, colours=2)
    text = drawn(60, 30)
    yield "text shifted one pixel", text, np.roll(text, 1, axis=1)
    for tenths in (1, 2, 3, 5, 7, 9, 15):
        yield f"text shifted {tenths}/10", text, drawn(60, 30, dx=tenths / 10)
    for word in ("Run 4", "run 3", "Stop", ""):
        yield f"text {word!r}", text, drawn(60, 30, text=word)
    for fill in ("#1565c0", "#1976ff", "#00000080", "white"):
        yield f"colour {fill}", text, drawn(60, 30, fill=fill)
    for step in (1, 5, 14, 40, 120):
        yield f"gradient lighter by {step}", gradient(60, 20), gradient(60, 20, step)
    for seed in range(5):
        spotted = text.copy()
        spotted[noise(seed, 60, 30)[..., 0] > 230] ^= 64
        yield f"text with spots {seed}", text, spotted
    yield "large text shifted", drawn(120, 90), drawn(120, 90, dx=0.3)
    yield "gradient shifted", gradient(60, 20), np.roll(gradient(60, 20), 1, axis=0)
    faded = text.copy()
    faded[..., 3] = np.linspace(0, 255, 60)[None, :]
    yield "text becoming transparent", text, faded
    yield "both transparent", faded, np.roll(faded, 1, axis=0)
    for seed in range(4):
        greys = np.repeat(noise(seed, 40, 33, colours=3)[..., :1], 4, axis=2) | np.array([0, 0, 0, 255], dtype=np.uint8)
        changed = noise(seed + 10, 40, 33)[..., :1] > 200
        yield f"a few of three greys {seed}", greys, np.where(changed, np.roll(greys, 1, axis=1), greys)
    speck = noise(7, 50, 40, colours=4)
    dotted = speck.copy()
    dotted[::7, ::5, 0] ^= 85
    yield "specks in a busy picture", speck, dotted


PAIRS = list(pairs())
THRESHOLDS = (0.05, 0.1, 0.3)


# Plain Python takes its time over a picture: each pair has one of the thresholds, and all where somebody asks for it.
@pytest.mark.unmeasured
@pytest.mark.parametrize(
    ("one", "other", "threshold"),
    [
        pytest.param(
            one, other, threshold, id=f"{name}-{threshold}", marks=[pytest.mark.expensive] * (index % 3 != place)
        )
        for index, (name, one, other) in enumerate(PAIRS)
        for place, threshold in enumerate(THRESHOLDS)
    ],
)
def test_the_tolerant_rule_counts_as_pixelmatch(one: Pixels, other: Pixels, threshold: float) -> None:
    assert tolerant(one, other, threshold) == oracle(one, other, threshold)


def test_the_pairs_reach_every_branch_of_the_rule() -> None:
    text, half = next((one, other) for name, one, other in PAIRS if name == "text shifted 5/10")
    strict, counted = compare(text, half, STRICT).changed, tolerant(text, half, 0.05)
    everything = int(
        pixelmatch(text.tobytes(), half.tobytes(), text.shape[1], text.shape[0], threshold=0.05, includeAA=True)
    )
    assert 0 < counted < everything < strict
    assert len(PAIRS) >= 60


BOXES = st.lists(st.builds(Box, *[st.integers(-3, 9)] * 2, *[st.integers(0, 9)] * 2), max_size=4)


@settings(QUICK, max_examples=100)
@given(two_pictures(), st.sampled_from([0.01, 0.05, 0.1, 0.3, 0.9]))
def test_small_pictures_with_ties_count_as_pixelmatch(both: tuple[Pixels, Pixels], threshold: float) -> None:
    assert tolerant(*both, threshold) == oracle(*both, threshold)


@QUICK
@given(two_pictures(), st.sampled_from([0, 0.1]))
def test_a_picture_is_equal_to_itself(both: tuple[Pixels, Pixels], threshold: float) -> None:
    comparison = compare(both[0], both[0].copy(), Tolerance(threshold=threshold))
    assert (comparison.changed, comparison.regions, comparison.resized, comparison.diff) == (0, (), False, None)
    assert comparison.total == both[0].shape[0] * both[0].shape[1]


@QUICK
@given(two_pictures())
def test_the_strict_count_is_of_pixels_with_any_channel_changed_and_symmetric(both: tuple[Pixels, Pixels]) -> None:
    one, other = both
    assert compare(one, other, STRICT).changed == int((one != other).any(axis=2).sum())
    assert compare(other, one, STRICT).changed == compare(one, other, STRICT).changed
    assert compare(one[::-1, ::-1], other[::-1, ::-1], STRICT).changed == compare(one, other, STRICT).changed


@QUICK
@given(two_pictures(), BOXES, st.sampled_from([0, 0.1]))
def test_a_mask_removes_exactly_its_pixels(both: tuple[Pixels, Pixels], boxes: list[Box], threshold: float) -> None:
    one, other = both
    height, width = one.shape[:2]
    outside = np.array(
        [
            [not any(b.x <= x < b.x + b.width and b.y <= y < b.y + b.height for b in boxes) for x in range(width)]
            for y in range(height)
        ]
    )
    comparison = compare(one, other, Tolerance(threshold=threshold), iter(boxes))
    assert comparison.changed == int((differing(one, other, threshold) & outside).sum())
    assert comparison.total == int(outside.sum())
    assert comparison.share == (comparison.changed / comparison.total if comparison.total else 0)


@QUICK
@given(two_pictures())
def test_a_mask_over_everything_leaves_nothing(both: tuple[Pixels, Pixels]) -> None:
    comparison = compare(*both, STRICT, [Box(-1, -1, 99, 99)])
    assert (comparison.changed, comparison.total, comparison.share) == (0, 0, 0)


@QUICK
@given(two_pictures(), two_pictures(), st.sampled_from([0, 0.1]))
def test_a_resized_shot_is_never_cropped(
    first: tuple[Pixels, Pixels], second: tuple[Pixels, Pixels], threshold: float
) -> None:
    one, other = first[0], second[0]
    (h1, w1), (h2, w2) = one.shape[:2], other.shape[:2]
    comparison = compare(one, other, Tolerance(threshold=threshold))
    assert comparison.resized == ((h1, w1) != (h2, w2))
    height, width, low, narrow = max(h1, h2), max(w1, w2), min(h1, h2), min(w1, w2)
    assert comparison.total == height * width
    padding = height * width - low * narrow
    assert comparison.changed >= padding
    if threshold == 0:
        inside = int((one[:low, :narrow] != other[:low, :narrow]).any(axis=2).sum())
        assert comparison.changed == padding + inside
    if comparison.resized:
        assert comparison.diff is not None
        assert comparison.diff.shape == (other.shape[:2] if comparison.bands else (height, width))


def test_a_picture_that_only_grew_by_transparency_is_still_resized() -> None:
    comparison = compare(picture(20), np.vstack([picture(20), np.zeros((3, 30, 4), np.uint8)]), STRICT)
    assert (comparison.resized, comparison.changed, comparison.regions) == (True, 90, (Box(0, 20, 30, 3),))


@QUICK
@given(st.integers(1, 70), st.integers(1, 70), st.lists(st.tuples(st.integers(0, 69), st.integers(0, 69)), max_size=30))
def test_regions_cover_every_changed_pixel_and_nothing_outside(
    height: int, width: int, points: list[tuple[int, int]]
) -> None:
    changed = np.zeros((height, width), dtype=bool)
    for y, x in points:
        changed[y % height, x % width] = True
    found = regions(changed)
    covered = np.zeros_like(changed)
    for box in found:
        part = changed[box.y : box.y + box.height, box.x : box.x + box.width]
        assert part.shape == (box.height, box.width)  # inside the picture
        assert part[0].any() and part[-1].any() and part[:, 0].any() and part[:, -1].any()  # noqa: PT018 - tight
        covered[box.y : box.y + box.height, box.x : box.x + box.width] = True
    assert not (changed & ~covered).any()
    areas = [box.width * box.height for box in found]
    assert areas == sorted(areas, reverse=True)


def test_near_changes_are_one_region_and_far_ones_two() -> None:
    changed = np.zeros((100, 100), dtype=bool)
    changed[[15, 16, 90], [15, 16, 2]] = True
    assert regions(changed) == (Box(15, 15, 2, 2), Box(2, 90, 1, 1))


def test_the_diff_picture_tells_changed_masked_padding_and_faded_apart() -> None:
    one, other = picture(20, 30), picture(22, 30)
    other[10, 10:14, 1] = 0
    comparison = compare(one, other, STRICT, [Box(12, 0, 2, 22)])
    diff = comparison.diff
    assert diff is not None
    expected = np.full((22, 30), 240 // 4)
    expected[3:6, 4:9] = int(30 * 0.299 + 90 * 0.587 + 200 * 0.114) // 4
    expected[20:] = PADDING
    expected[10, 10:12] = CHANGED
    expected[:, 12:14] = MASKED
    np.testing.assert_array_equal(diff, expected)
    assert (comparison.changed, comparison.total) == (2 + 2 * 28, 22 * 28)


def test_the_palette_has_a_colour_for_every_index() -> None:
    white = np.full((1, 1, 4), 255, dtype=np.uint8)
    diff = compare(white, np.full((1, 2, 4), 255, dtype=np.uint8), STRICT).diff
    assert diff is not None
    assert PALETTE[diff[0, 0]] != PALETTE[PADDING]
    marks = (PADDING, MASKED, CHANGED, INSERTED, REMOVED)
    assert len(PALETTE) == max(marks) + 1
    assert len({PALETTE[index] for index in marks}) == len(marks)
    assert all(0 <= channel <= 255 for colour in PALETTE for channel in colour)
    greys = PALETTE[:PADDING]
    assert list(greys) == sorted(greys)
    assert greys[-1] == (255, 255, 255)


@pytest.mark.parametrize(
    ("threshold", "smallest"), [(0, 1), (0.05, 14), (0.1, 27), (0.2, 53), (0.3, 80)], ids=lambda value: str(value)
)
def test_the_smallest_grey_step_on_white_that_is_seen(threshold: float, smallest: int) -> None:
    def seen(step: int) -> int:
        white = np.full((30, 30, 4), 255, dtype=np.uint8)
        other = white.copy()
        other[10:20, 10:20, :3] = 255 - step
        return compare(white, other, Tolerance(threshold=threshold)).changed

    assert (seen(smallest - 1), seen(smallest)) == (0, 100)


@pytest.mark.parametrize("channel", range(4))
def test_one_step_of_one_channel_of_one_pixel_is_seen(channel: int) -> None:
    one = picture()
    other = one.copy()
    other[19, 29, channel] -= 1
    comparison = compare(one, other, STRICT)
    assert (comparison.changed, comparison.regions) == (1, (Box(29, 19, 1, 1),))


def test_transparency_is_a_difference_and_hidden_colours_only_for_the_strict_rule() -> None:
    clear = np.zeros((4, 4, 4), dtype=np.uint8)
    black, coloured = clear.copy(), clear.copy()
    black[..., 3], coloured[..., 0] = 255, 255
    assert (compare(clear, black, STRICT).changed, tolerant(clear, black, 0.1)) == (16, 16)
    assert (compare(clear, coloured, STRICT).changed, tolerant(clear, coloured, 0.1)) == (16, 0)


def test_comparing_leaves_both_pictures_alone() -> None:
    one, other = picture(), picture(25)
    one.flags.writeable = other.flags.writeable = False  # as decoded files are
    compare(one, other, Tolerance(threshold=0.1), [Box(0, 0, 3, 3)])
    assert (one == picture()).all()


# The strict rule's step -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", range(4))
@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("step", [0, 1, 7, 100])
def test_a_step_is_met_exactly_in_each_channel(channel: int, sign: int, step: int) -> None:
    one = np.full((4, 5, 4), 128, dtype=np.uint8)

    def changed(by: int) -> int:
        other = one.copy()
        other[2, 3, channel] = 128 + sign * by
        return compare(one, other, Tolerance(step=step)).changed

    assert (changed(step), changed(step + 1)) == (0, 1)


@pytest.mark.parametrize("same_renderer", [True, False])
def test_a_step_holds_from_black_to_white(same_renderer: bool) -> None:
    black, white = (np.full((20, 20, 4), grey, dtype=np.uint8) for grey in (0, 255))
    assert compare(black, white, Tolerance(step=254), same_renderer=same_renderer).changed == 400


@settings(QUICK, max_examples=30)
@given(two_pictures(), st.sampled_from([1, 48, 79, 126, 127, 254]))
def test_each_channel_has_the_step_of_its_own(both: tuple[Pixels, Pixels], step: int) -> None:
    one, other = both
    comparison = compare(one, other, Tolerance(step=step))
    assert comparison.changed == int((np.abs(one.astype(int) - other.astype(int)) > step).any(axis=2).sum())
    assert (comparison.rule, comparison.diff is None) == (Rule.STRICT, comparison.changed == 0)


@pytest.mark.parametrize(
    ("tolerance", "same_renderer", "rule"),
    [
        (Tolerance(), True, Rule.STRICT),
        (Tolerance(), False, Rule.PERCEPTUAL),
        (Tolerance(step=3), True, Rule.STRICT),
        (Tolerance(step=3), False, Rule.PERCEPTUAL),
        (Tolerance(threshold=0), True, Rule.STRICT),
        (Tolerance(threshold=0), False, Rule.STRICT),
        (Tolerance(threshold=0.1), True, Rule.PIXELMATCH),
        (Tolerance(threshold=0.1), False, Rule.PIXELMATCH),
    ],
)
@pytest.mark.parametrize("shot", [picture(), picture(25), drawn(30, 20)], ids=["equal", "resized", "changed"])
def test_the_rule_is_that_of_tolerance_and_renderer(
    tolerance: Tolerance, same_renderer: bool, rule: Rule, shot: Pixels
) -> None:
    assert tolerance.rule(same_renderer) is rule
    assert compare(picture(), shot, tolerance, same_renderer=same_renderer).rule is rule


@cache
def long_words(words: tuple[str, ...], dx: float = 0) -> Pixels:
    """Words below one another, again and again, 360 pixels high."""
    return np.concatenate([drawn(200, 40, text=word, dx=dx) for word in (words * 3)[:9]])


@pytest.mark.parametrize("rule", [perceptual, lambda one, other: differing(one, other, 0.1)])
@pytest.mark.parametrize("height", [47, 48, 49, 288, 325])
def test_bands_of_a_large_picture_are_compared_as_the_whole(rule: Any, height: int) -> None:
    words = long_words(("Run", "3 of 4", "Worker", "x"))[:height]
    other = long_words(("Run", "3 of 5", "Worker", ""), dx=0.3)[:height]
    for one, two in ((words, other), (noise(1, 200, height, colours=2), noise(2, 200, height, colours=2))):
        assert np.array_equal(in_bands(one, two, rule, most=200 * 48), rule(one, two))


def test_bands_of_a_picture_are_not_larger_than_they_may_be() -> None:
    seen = []

    def rule(one: Pixels, other: Pixels) -> Any:
        seen.append(one.shape[0])
        return any_difference(one, other)

    one, other = noise(1, 60, 500), noise(2, 60, 500)
    assert np.array_equal(in_bands(one, other, rule, most=60 * 100), any_difference(one, other))
    assert max(seen) == 96 + 96 + 96
