"""Two pictures -> Comparison: nothing is missed, nothing is cropped, and pixelmatch's count is pixelmatch's."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw, ImageFont
from pixelmatch import pixelmatch

from builders import picture
from widgetshot.model import Band, Box, Comparison, Pixels, Rule, Tolerance
from widgetshot.verdict.compare import (
    CHANGED,
    INSERTED,
    MASKED,
    PADDING,
    PALETTE,
    REMOVED,
    compare,
    differing,
    perceptual,
    regions,
)

STRICT = Tolerance()
QUICK = settings(max_examples=60, deadline=None, derandomize=True, database=None)


def oracle(one: Pixels, other: Pixels, threshold: float) -> int:
    height, width = one.shape[:2]
    return int(pixelmatch(one.tobytes(), other.tobytes(), width, height, threshold=threshold))


def tolerant(one: Pixels, other: Pixels, threshold: float) -> int:
    return compare(one, other, Tolerance(threshold=threshold)).changed


def drawn(width: int, height: int, dx: float = 0, text: str = "Run 3", fill: str = "#1976d2") -> Pixels:
    """Text, a circle and a line, all anti-aliased."""
    large = Image.new("RGBA", (width * 4, height * 4), "white")
    pen = ImageDraw.Draw(large)
    x = dx * 4
    pen.ellipse((x + 8, 8, x + height * 2, height * 2), outline=fill, width=6)
    pen.line((x, height * 4, x + width * 3, 4), fill="#333", width=5)
    pen.text((x + 20, height), text, fill="black", font=ImageFont.load_default(size=height * 1.5))
    return np.array(large.resize((width, height), Image.Resampling.LANCZOS))


def gradient(width: int, height: int, shift: float = 0) -> Pixels:
    ramp = np.linspace(0, 200, width)[None, :, None] + np.linspace(0, 55, height)[:, None, None] * [1, 0.5, 0.2]
    return np.dstack([np.clip(ramp + shift, 0, 255), np.full((height, width), 255)]).astype(np.uint8)


def noise(seed: int, width: int, height: int, *, alpha: bool = False, colours: int = 256) -> Pixels:
    pixels = np.random.default_rng(seed).integers(0, colours, (height, width, 4)) * (255 // (colours - 1))
    if not alpha:
        pixels[..., 3] = 255
    return pixels.astype(np.uint8)


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


@pytest.mark.parametrize("threshold", [0.05, 0.1, 0.3])
@pytest.mark.parametrize(("one", "other"), [pytest.param(one, other, id=name) for name, one, other in PAIRS])
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


COLOURS = st.sampled_from([0, 1, 80, 128, 254, 255])


@st.composite
def two_pictures(draw: st.DrawFn, largest: int = 7) -> tuple[Pixels, Pixels]:
    shape = (draw(st.integers(1, largest)), draw(st.integers(1, largest)), 4)
    one = draw(arrays(np.uint8, shape, elements=COLOURS))
    # Mostly equal, as real pictures are.
    return one, np.where(draw(arrays(bool, shape)), draw(arrays(np.uint8, shape, elements=COLOURS)), one)


BOXES = st.lists(st.builds(Box, *[st.integers(-3, 9)] * 2, *[st.integers(0, 9)] * 2), max_size=4)


@settings(QUICK, max_examples=250)
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


# The perceptual rule --------------------------------------------------------------------------------------------------

Resampling = Image.Resampling


@cache
def page(
    words: str = "Run 3",
    how: Image.Resampling = Resampling.LANCZOS,
    *,
    size: int = 16,
    fill: str = "#333333",
    left: int = 8,
    top: int = 6,
    icon: bool = True,
) -> Pixels:
    """Text and an icon; each way to reduce them is a rasteriser that smooths edges in its own way."""
    large = Image.new("RGBA", (640, 128), "white")
    pen = ImageDraw.Draw(large)
    pen.text((left * 4, top * 4), words, fill=fill, font=ImageFont.load_default(size=size * 4))
    if icon:
        pen.ellipse((130 * 4, 8 * 4, 146 * 4, 24 * 4), fill="#1976d2")
    return np.array(large.resize((160, 32), how))


def seen(one: Pixels, other: Pixels) -> int:
    """Number of differing pixels for another renderer's picture."""
    found = perceptual(one, other)
    assert not (found & ~differing(one, other, 0)).any()
    assert (found == perceptual(other, one)).all()
    return int(found.sum())


@pytest.mark.parametrize("how", [Resampling.BOX, Resampling.HAMMING, Resampling.BICUBIC, Resampling.BILINEAR])
@pytest.mark.parametrize("size", [10, 13, 16, 20])
@pytest.mark.parametrize("words", ["Settings", "illicit", "0123456789"])
def test_edges_that_another_rasteriser_smooths_are_not_seen(words: str, size: int, how: Image.Resampling) -> None:
    one, other = page(words, size=size), page(words, how, size=size)
    assert int(differing(one, other, 0).sum()) > 300
    assert seen(one, other) == 0


@pytest.mark.parametrize("how", [Resampling.LANCZOS, Resampling.BOX, Resampling.BICUBIC])
@pytest.mark.parametrize(
    "change",
    [
        {"left": 9}, {"left": 7}, {"top": 7}, {"top": 5}, {"words": "Run 2"}, {"words": "Run 9"}, {"words": "Bun 3"},
        {"words": "run 3"}, {"words": "Run"}, {"words": "Run 33"}, {"words": "Stop"}, {"words": ""}, {"icon": False},
        {"size": 17}, {"fill": "#999999"}, {"fill": "#d21976"},
    ],
    ids=str,
)  # fmt: skip
def test_a_change_is_seen_whatever_the_rasteriser(change: dict[str, Any], how: Image.Resampling) -> None:
    assert seen(page(), page(how=how, **change)) > 0


@pytest.mark.parametrize("fill", ["#473333", "#334733", "#333347"])
def test_another_tint_of_text_is_seen(fill: str) -> None:
    def label(fill: str) -> Pixels:
        image = Image.new("RGBA", (160, 32), "white")
        ImageDraw.Draw(image).text((8, 6), "Run 3", fill=fill, font=ImageFont.load_default(size=16))
        return np.array(image)

    assert seen(label("#333333"), label(fill)) > 0


def test_what_is_missing_is_seen_where_it_was() -> None:
    rows, columns = np.nonzero(perceptual(page(), page(how=Resampling.BOX, icon=False)))
    # The icon is 16 pixels wide and begins at (130, 8); smoothing reaches three pixels out of it.
    assert 127 <= columns.min() < 130 < 146 < columns.max() <= 149
    assert 5 <= rows.min() < 8 < 24 < rows.max() <= 27
    assert rows.size >= 200


@pytest.mark.parametrize("channel", range(4))
def test_a_flat_area_may_differ_by_one_step_alone(channel: int) -> None:
    def other(step: int, part: slice) -> Pixels:
        pixels = np.full((30, 40, 4), 200, dtype=np.uint8)
        pixels[part, part, channel] -= step
        return pixels

    for part in (slice(None), slice(8, 22)):
        area = 30 * 40 if part == slice(None) else 14 * 14
        assert [seen(other(0, part), other(step, part)) for step in (0, 1, 2, 3, 90)] == [0, 0, area, area, area]


def button(border: str, inside: str, outside: str, width: int = 80, *, to_the_edge: bool = False) -> Pixels:
    image = Image.new("RGBA", (width, 40), outside)
    corners = (0, 0, width - 1, 39) if to_the_edge else (8, 8, width - 9, 31)
    ImageDraw.Draw(image).rectangle(corners, fill=inside, outline=border)
    return np.array(image)


@pytest.mark.parametrize(
    ("border", "inside", "outside"),
    [
        ("#cccccc", "#e6e6e6", "#ffffff"),
        ("#cccccc", "#e6e6e6", "#e6e6e6"),
        ("#cccccc", "#ffffff", "#ffffff"),
        ("#e0e0e0", "#ffffff", "#ffffff"),
        ("#333333", "#111111", "#111111"),
    ],
)
@pytest.mark.parametrize("width", [30, 80])
@pytest.mark.parametrize("to_the_edge", [False, True])
def test_a_thin_border_that_vanishes_is_seen(
    border: str, inside: str, outside: str, width: int, to_the_edge: bool
) -> None:
    bordered = button(border, inside, outside, width, to_the_edge=to_the_edge)
    bare = button(inside, inside, outside, width, to_the_edge=to_the_edge)
    assert seen(bordered, bare) >= 12
    assert seen(bordered, bordered.copy()) == 0


def test_the_perceptual_rule_respects_masks_and_amounts() -> None:
    before, after = page(), page(how=Resampling.BOX, icon=False)
    free = compare(before, after, STRICT, same_renderer=False)
    icon = Box(124, 0, 36, 32)
    assert free.changed == int(perceptual(before, after).sum()) > 0
    assert len(free.regions) == 1
    for masks in ({"masks": [icon]}, {"masks_before": [icon]}):
        masked = compare(before, after, STRICT, **masks, same_renderer=False)
        assert (masked.changed, masked.total, masked.diff) == (0, 124 * 32, None)
    assert compare(before, after, Tolerance(step=254), same_renderer=False).changed == 0


@settings(QUICK, max_examples=40)
@given(two_pictures(largest=12))
def test_the_perceptual_rule_finds_only_what_differs_and_the_same_both_ways(both: tuple[Pixels, Pixels]) -> None:
    seen(*both)
    assert seen(both[0], both[0].copy()) == 0


@settings(QUICK, max_examples=25)
@given(two_pictures(largest=9), st.integers(0, 254))
def test_a_step_takes_from_the_perceptual_rule_what_it_takes_from_the_strict_one(
    both: tuple[Pixels, Pixels], step: int
) -> None:
    strict = (np.abs(both[0].astype(int) - both[1].astype(int)) > step).any(axis=2)
    comparison = compare(*both, Tolerance(step=step), same_renderer=False)
    assert comparison.changed == int((perceptual(*both) & strict).sum())


# Lining up ------------------------------------------------------------------------------------------------------------

ROW = 14  # pixels


def table(*names: int, width: int = 60) -> Pixels:
    """Rows of a table: each name is a row of noise, no line of which comes anywhere else; 0 is blank."""
    return np.vstack([np.full((ROW, width, 4), 255, np.uint8) if not one else noise(one, width, ROW) for one in names])


def marks(comparison: Comparison) -> dict[str, int]:
    """Number of pixels of each kind in the diff picture."""
    assert comparison.diff is not None
    kinds = {"padding": PADDING, "masked": MASKED, "changed": CHANGED, "inserted": INSERTED, "removed": REMOVED}
    found = {kind: int((comparison.diff == index).sum()) for kind, index in kinds.items()}
    return {kind: count for kind, count in found.items() if count}


def place_by_place(one: Pixels, other: Pixels, *masks: Box) -> int:
    """The strict count without any lining up."""
    height, width = max(len(one), len(other)), max(one.shape[1], other.shape[1])
    differs = np.ones((height, width), dtype=bool)
    low, narrow = min(len(one), len(other)), min(one.shape[1], other.shape[1])
    differs[:low, :narrow] = (one[:low, :narrow] != other[:low, :narrow]).any(axis=2)
    for box in masks:
        differs[max(0, box.y) : max(0, box.y + box.height), max(0, box.x) : max(0, box.x + box.width)] = False
    return int(differs.sum())


def check(one: Pixels, other: Pixels, comparison: Comparison) -> None:
    """What holds of every comparison, lined up or not."""
    assert comparison.changed == place_by_place(one, other)
    if comparison.diff is None:
        assert (comparison.changed, comparison.marked, comparison.bands, comparison.regions) == (0, 0, (), ())
        return
    largest = (max(len(one), len(other)), max(one.shape[1], other.shape[1]))
    assert comparison.diff.shape == (other.shape[:2] if comparison.bands else largest)
    marked = (comparison.diff >= PADDING) & (comparison.diff != MASKED)
    assert comparison.marked == int(marked.sum())
    if not comparison.bands:
        assert comparison.marked == comparison.changed
        assert not np.isin(comparison.diff, (INSERTED, REMOVED)).any()
    for box in comparison.regions:
        assert marked[box.y : box.y + box.height, box.x : box.x + box.width].any()
        marked[box.y : box.y + box.height, box.x : box.x + box.width] = False
    assert not marked.any()
    grown = sum(band.height if band.inserted else -band.height for band in comparison.bands)
    assert not comparison.bands or grown == len(other) - len(one)
    for band in comparison.bands:
        having, lacking = (other, one) if band.inserted else (one, other)
        assert band.height >= 1
        assert 0 <= band.y <= len(having) - band.height
        assert 0 <= band.at <= len(lacking)


@pytest.mark.parametrize(
    ("before", "after", "bands", "expected"),
    [
        ((1, 2, 3, 4, 5), (9, 1, 2, 3, 4, 5), [(True, 0, 0)], {"inserted": ROW * 60}),
        ((1, 2, 3, 4, 5), (1, 2, 9, 3, 4, 5), [(True, 2, 2)], {"inserted": ROW * 60}),
        ((1, 2, 3, 4, 5), (1, 3, 4, 5), [(False, 1, 1)], {"removed": 2 * 60}),
        ((1, 2, 3, 4, 5), (2, 3, 4, 5), [(False, 0, 0)], {"removed": 60}),
        ((1, 2, 3, 4, 5, 6), (1, 9, 2, 3, 5, 6), [(True, 1, 1), (False, 3, 4)], {"inserted": ROW * 60, "removed": 120}),
        # What scrolled out at the bottom of a picture of one size is a removed band at its end.
        ((1, 2, 3, 4, 5, 6), (1, 9, 2, 3, 4, 5), [(True, 1, 1), (False, 5, 6)], {"inserted": ROW * 60, "removed": 60}),
        ((1, 2, 3, 4, 5, 6), (1, 3, 4, 5, 6, 9), [(False, 1, 1), (True, 5, 6)], {"inserted": ROW * 60, "removed": 120}),
        ((1, 2, 3, 0, 4, 5), (1, 9, 2, 3, 0, 4, 5), [(True, 1, 1)], {"inserted": ROW * 60}),
    ],
)
def test_rows_that_came_and_went_are_shown_alone(
    before: tuple[int, ...], after: tuple[int, ...], bands: list[tuple[bool, int, int]], expected: dict[str, int]
) -> None:
    one, other = table(*before), table(*after)
    comparison = compare(one, other, STRICT)
    assert comparison.bands == tuple(Band(inserted, y * ROW, at * ROW, ROW) for inserted, y, at in bands)
    assert marks(comparison) == expected
    assert comparison.resized == (len(before) != len(after))
    check(one, other, comparison)


def test_a_seam_is_where_the_removed_rows_would_be() -> None:
    comparison = compare(table(1, 2, 3, 4, 5), table(1, 2, 4, 5), STRICT)
    assert comparison.diff is not None
    assert np.nonzero((comparison.diff == REMOVED).all(axis=1))[0].tolist() == [2 * ROW - 1, 2 * ROW]
    assert comparison.regions == (Box(0, 2 * ROW - 1, 60, 2),)


def test_what_changed_besides_an_inserted_row_is_marked_in_its_new_place() -> None:
    one, other = table(1, 2, 3, 4, 5), table(1, 9, 2, 3, 4, 5)
    other[4 * ROW + 5, 20:23, 0] ^= 1
    comparison = compare(one, other, STRICT)
    assert marks(comparison) == {"inserted": ROW * 60, "changed": 3}
    assert comparison.regions == (Box(0, ROW, 60, ROW), Box(20, 4 * ROW + 5, 3, 1))
    assert [(band.y, band.height) for band in comparison.bands] == [(ROW, ROW)]
    check(one, other, comparison)


def test_a_row_that_grew_taller_is_one_band_and_the_rest_of_it_changed() -> None:
    one, other = table(1, 2, 3, 4, 5, 6), np.vstack([table(1, 2), noise(8, 60, ROW + 9), table(4, 5, 6)])
    comparison = compare(one, other, STRICT)
    assert comparison.bands == (Band(True, 3 * ROW, 3 * ROW, 9),)
    assert marks(comparison) == {"inserted": 9 * 60, "changed": ROW * 60}
    check(one, other, comparison)


def test_columns_in_which_nothing_differs_do_not_keep_rows_apart() -> None:
    beside = noise(77, 25, 6 * ROW)
    one = np.hstack([beside, table(1, 2, 3, 4, 5, 0)])
    other = np.hstack([beside, table(1, 9, 2, 3, 4, 5)])
    comparison = compare(one, other, STRICT)
    assert comparison.bands[0] == Band(True, ROW, ROW, ROW)
    assert comparison.diff is not None
    assert (comparison.diff[:, :25] < PADDING).all()
    assert (comparison.diff[ROW : 2 * ROW, 25:] == INSERTED).all()
    check(one, other, comparison)


def test_text_that_moved_down_is_not_marked() -> None:
    lines = [drawn(60, 20, text=word)[:ROW] for word in ("Alpha", "Beta", "Gamma", "Delta", "Run 5", "Zeta")]
    one, other = np.vstack(lines), np.vstack([*lines[:2], drawn(60, 20, text="New")[:ROW], *lines[2:]])
    comparison = compare(one, other, STRICT)
    assert sum(band.height for band in comparison.bands) == ROW
    assert set(marks(comparison)) <= {"inserted", "changed"}
    assert comparison.marked <= 2 * ROW * 60
    check(one, other, comparison)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((1, 2, 3, 4), (5, 6, 7, 8)),
        ((1, 2, 3, 4), (5, 6, 7, 8, 9)),
        ((1, 2, 3, 4), (4, 3, 2, 1)),
        ((0, 1, 0), (0, 0, 0)),
        ((1,), (2, 3, 4, 5, 6)),
    ],
)
def test_where_lining_up_explains_nothing_both_pictures_are_padded(
    before: tuple[int, ...], after: tuple[int, ...]
) -> None:
    one, other = table(*before), table(*after)
    comparison = compare(one, other, STRICT)
    assert comparison.bands == ()
    assert set(marks(comparison)) <= {"changed", "padding"}
    check(one, other, comparison)


@pytest.mark.parametrize(("before", "after"), [((1, 2), (1, 2, 3)), ((0, 0, 0), (0, 0, 0, 0))])
def test_what_came_at_the_end_is_a_band_at_the_end(before: tuple[int, ...], after: tuple[int, ...]) -> None:
    one, other = table(*before), table(*after)
    comparison = compare(one, other, STRICT)
    assert comparison.bands == (Band(True, len(one), len(one), ROW),)
    assert comparison.regions == (Box(0, len(one), 60, ROW),)
    check(one, other, comparison)


@pytest.mark.parametrize(("before", "after"), [((1, 2, 3), (1, 2)), ((0, 0), (0,))])
def test_what_was_cut_off_at_the_end_is_a_seam_at_the_end(before: tuple[int, ...], after: tuple[int, ...]) -> None:
    one, other = table(*before), table(*after)
    comparison = compare(one, other, STRICT)
    assert comparison.bands == (Band(False, len(other), len(other), ROW),)
    assert comparison.regions == (Box(0, len(other) - 1, 60, 1),)
    check(one, other, comparison)


def test_pictures_of_other_widths_are_padded_at_the_right_and_the_bottom() -> None:
    one, other = table(1, 2, 3, 4), table(1, 9, 2, 3, 4, width=61)
    comparison = compare(one, other, STRICT)
    assert (comparison.bands, comparison.diff is not None and comparison.diff.shape) == ((), other.shape[:2])
    check(one, other, comparison)


@pytest.mark.parametrize("height", [1, 2, 3])
def test_a_shift_of_one_or_two_rows_is_no_band(height: int) -> None:
    one = table(1, 2, 3, 4)
    other = np.vstack([one[:20], noise(50, 60, height), one[20:]])
    comparison = compare(one, other, STRICT)
    assert [band.height for band in comparison.bands] == ([height] if height >= 3 else [])
    check(one, other, comparison)


def test_masks_in_shifted_places_are_left_out_on_both_sides() -> None:
    one, other = table(1, 2, 3, 4, 5), table(1, 9, 2, 3, 4, 5)
    one[2 * ROW + 2 : 2 * ROW + 8, 10:40] = noise(91, 30, 6)  # a clock that ticks
    other[3 * ROW + 2 : 3 * ROW + 8, 10:40] = noise(92, 30, 6)
    before, after = Box(10, 2 * ROW + 2, 30, 6), Box(10, 3 * ROW + 2, 30, 6)
    comparison = compare(one, other, STRICT, [after], [before])
    assert comparison.bands == (Band(True, ROW, ROW, ROW),)
    assert marks(comparison) == {"inserted": ROW * 60, "masked": 30 * 6}
    # The verdict's count leaves out both places, in both pictures.
    assert comparison.changed == place_by_place(one, other, before, after)
    assert comparison.total == 6 * ROW * 60 - 2 * 30 * 6
    assert marks(compare(one, other, STRICT)) == {"inserted": ROW * 60, "changed": 30 * 6}


@pytest.mark.parametrize("rule", [Rule.PERCEPTUAL, Rule.PIXELMATCH])
def test_rows_that_belong_together_are_compared_by_the_same_rule(rule: Rule) -> None:
    tolerance = Tolerance(threshold=0.2 if rule is Rule.PIXELMATCH else None)
    one, other = table(1, 2, 3, 4, 5, 6), table(1, 9, 2, 3, 4, 5, 6)
    other[5 * ROW + 5, 10:14, 2] ^= 1  # an invisible step within noise
    comparison = compare(one, other, tolerance, same_renderer=False)
    assert (comparison.rule, marks(comparison)) == (rule, {"inserted": ROW * 60})


BLOCKS = st.lists(st.integers(0, 4), min_size=1, max_size=7)


@settings(QUICK, max_examples=50)
@given(BLOCKS, BLOCKS, st.lists(st.integers(3, ROW), min_size=1, max_size=7))
def test_lining_up_decides_nothing_and_marks_what_it_counts(
    before: list[int], after: list[int], heights: list[int]
) -> None:
    def made(blocks: list[int]) -> Pixels:
        return np.vstack([table(one, width=9)[: heights[index % len(heights)]] for index, one in enumerate(blocks)])

    one, other = made(before), made(after)
    check(one, other, compare(one, other, STRICT))


@QUICK
@given(st.lists(st.integers(0, 2), min_size=1, max_size=30), st.lists(st.integers(0, 2), min_size=1, max_size=30))
def test_rows_that_repeat_never_give_nonsense(before: list[int], after: list[int]) -> None:
    one, other = (
        np.repeat(np.array(rows, np.uint8)[:, None, None], 7, axis=1).repeat(4, axis=2) for rows in (before, after)
    )
    check(one, other, compare(one, other, STRICT))


def test_a_large_picture_with_repeated_rows_is_lined_up() -> None:
    sides = np.full((3000, 300, 4), 255, dtype=np.uint8)
    sides[10:-10, [10, 289]] = 0
    for top in range(100, 2900, 200):
        sides[top : top + ROW, 30:90] = table(top)
    other = np.vstack([sides[:1500], table(1, width=300), sides[1500:]])
    comparison = compare(sides, other, STRICT)
    assert comparison.bands == (Band(True, 1500, 1500, ROW),)
    assert marks(comparison) == {"inserted": ROW * 300}


def test_what_the_tolerance_allows_is_not_lined_up() -> None:
    one, other = table(1, 2, 3, 4, 0), table(1, 9, 2, 3, 4)
    count = compare(one, other, STRICT).changed
    assert compare(one, other, Tolerance(pixels=count - 1)).bands
    allowed = compare(one, other, Tolerance(pixels=count))
    assert (allowed.changed, allowed.bands) == (count, ())
    assert marks(allowed) == {"changed": count}
    check(one, other, allowed)


@pytest.mark.parametrize(("rows", "bands"), [(600, 1), (3000, 0)])
def test_lining_up_is_given_up_where_it_would_cost_too_much(rows: int, bands: int) -> None:
    # Half of the rows are others, one by one: all matches are one row long, and each costs a look at all the rest.
    one = noise(5, 20, rows)
    other = one.copy()
    other[::2, 3] ^= 255
    other[..., 3] = 255
    other = np.vstack([other[:101], noise(6, 20, 30), other[101:]])
    comparison = compare(one, other, STRICT)
    assert len(comparison.bands) == bands
    check(one, other, comparison)


def test_what_a_mask_covers_takes_no_part_in_the_perceptual_rule() -> None:
    one = np.full((24, 96, 4), 255, dtype=np.uint8)
    one[8:14, 4:40, :3] = 150  # text beside
    one[8:14, 50:90, :3] = (200, 0, 0)  # masked
    other = one.copy()
    other[8:14, 50:90, :3] = (0, 150, 0)
    other[8, 4:40, :3] = 156  # smoothed otherwise
    mask = [Box(48, 0, 48, 24)]
    assert compare(one, other, Tolerance(), mask, same_renderer=False).changed == 0
