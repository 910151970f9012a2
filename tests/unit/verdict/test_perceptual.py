"""The perceptual rule: what another renderer smooths is not seen, and every change is."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from drawings import QUICK, STRICT, two_pictures
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from widgetshot.model import Box, Pixels, Tolerance
from widgetshot.verdict.compare import compare
from widgetshot.verdict.perceptual import perceptual
from widgetshot.verdict.pixelmatch import differing

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


def test_what_a_mask_covers_takes_no_part_in_the_perceptual_rule() -> None:
    one = np.full((24, 96, 4), 255, dtype=np.uint8)
    one[8:14, 4:40, :3] = 150  # text beside
    one[8:14, 50:90, :3] = (200, 0, 0)  # masked
    other = one.copy()
    other[8:14, 50:90, :3] = (0, 150, 0)
    other[8, 4:40, :3] = 156  # smoothed otherwise
    mask = [Box(48, 0, 48, 24)]
    assert compare(one, other, Tolerance(), mask, same_renderer=False).changed == 0
