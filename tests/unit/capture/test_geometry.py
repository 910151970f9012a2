"""Tiles of a page: together they are the page, each is small enough, and seams lie between pixels."""

from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from widgetshot.capture.geometry import MAX_TILE_PIXELS, MAX_TILE_SIDE, on_grid, picture_size, tiles
from widgetshot.model import MAX_PIXELS
from widgetshot.ports import Rect

SCALES = st.sampled_from([0.5, 0.75, 1, 1.1, 1.25, 4 / 3, 1.5, 2, 2.625, 3])


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.integers(1, 60_000), st.integers(1, 60_000), SCALES)
@example(960, 20_000, 2)
@example(18_000, 720, 1)
@example(60_000, 1, 3)
def test_tiles_are_the_page(width: int, height: int, scale: float) -> None:
    page = Rect(0, 0, width, height)
    parts = list(tiles(page, scale))
    assert sum(part.width * part.height for part in parts) == width * height
    lefts, tops = sorted({part.x for part in parts}), sorted({part.y for part in parts})
    assert [(part.x, part.y) for part in parts] == [(left, top) for top in tops for left in lefts]
    for part in parts:
        across, down = picture_size(part, scale)
        assert 0 < across <= MAX_TILE_SIDE
        assert 0 < down <= MAX_TILE_SIDE
        assert across * down <= MAX_TILE_PIXELS
        assert (part.x + part.width, part.y + part.height) <= (width, height)
        for side in (part.x, part.y):
            assert abs(Fraction(side) * Fraction(scale).limit_denominator(1000)).denominator == 1


@pytest.mark.parametrize(
    ("width", "height", "scale"), [(960, 720, 1), (960, 16_384, 1), (960, 8_192, 2), (16_384, 2_048, 1), (1, 1, 0.1)]
)
def test_ordinary_page_is_captured_in_one_piece(width: int, height: int, scale: float) -> None:
    page = Rect(0, 0, width, height)
    assert list(tiles(page, scale)) == [page]


def test_tiles_begin_where_their_part_of_the_page_does() -> None:
    parts = list(tiles(Rect(100, 90_000, 400, 17_000), 1))
    assert parts == [Rect(100, 90_000, 400, 16_384), Rect(100, 106_384, 400, 616)]


def test_part_of_a_page_ends_between_pixels() -> None:
    assert on_grid(Rect(10.3, 20.7, 5, 5), 1) == Rect(10, 20, 6, 6)
    assert on_grid(Rect(11, 21, 5, 5), 1.5) == Rect(10, 20, 6, 6)
    assert on_grid(Rect(-3, 4, 2, 0), 2) == Rect(0, 4, 1, 1)


def test_page_of_20_000_pixels_at_a_scale_of_2_has_a_picture() -> None:
    width, height = picture_size(Rect(0, 0, 960, 20_000), 2)
    assert width * height <= MAX_PIXELS
