"""Changes that are the same have the same name, and no others."""

import numpy as np
import pytest

from builders import picture
from widgetshot.model import Box, Pixels, Tolerance
from widgetshot.verdict.compare import compare
from widgetshot.verdict.grouping import change_group

BLUE, TEAL, WHITE = (33, 150, 243, 255), (0, 150, 136, 255), (255, 255, 255, 255)
Colour = tuple[int, int, int, int]


def page(x: int, y: int, colour: Colour, label: int = 0, width: int = 60) -> Pixels:
    """A button somewhere on a page, with one of several labels."""
    pixels = np.full((90, 200, 4), 250, dtype=np.uint8)
    pixels[..., 3] = 255
    button = pixels[y : y + 20, x : x + width]
    button[:] = colour
    button[8:12, 10 : 20 + 4 * label] = WHITE
    return pixels


def name(before: Pixels, after: Pixels, masks: tuple[Box, ...] = ()) -> str | None:
    return change_group(before, after, compare(before, after, Tolerance(), masks=masks))


BLUE_TO_TEAL = name(page(5, 5, BLUE), page(5, 5, TEAL))


def test_one_colour_changed_on_many_pages_is_one_change() -> None:
    assert BLUE_TO_TEAL is not None
    for x, y, label in ((90, 60, 0), (40, 30, 3), (5, 5, 7)):
        assert name(page(x, y, BLUE, label), page(x, y, TEAL, label)) == BLUE_TO_TEAL


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (page(5, 5, BLUE), page(5, 5, (0, 150, 137, 255))),
        (page(5, 5, TEAL), page(5, 5, BLUE)),
        (page(5, 5, BLUE, width=61), page(5, 5, TEAL, width=61)),
        (page(5, 5, BLUE, 1), page(5, 5, BLUE, 2)),
        (page(5, 5, BLUE), page(7, 5, TEAL)),
        # The colours are the same, but the label went.
        (page(5, 5, BLUE), page(5, 5, TEAL, label=-3)),
    ],
)
def test_another_change_has_another_name(before: Pixels, after: Pixels) -> None:
    other = name(before, after)
    assert other is not None
    assert other != BLUE_TO_TEAL


def test_same_letters_that_changed_elsewhere_are_the_same_change() -> None:
    first = name(page(5, 5, BLUE, 1), page(5, 5, BLUE, 2))
    assert first == name(page(70, 50, BLUE, 1), page(70, 50, BLUE, 2)) is not None
    assert first != name(page(70, 50, BLUE, 1), page(70, 50, BLUE, 3))


def test_the_same_inserted_rows_are_the_same_change_wherever_they_are() -> None:
    rows = np.random.default_rng(1).integers(0, 256, (160, 60, 4), dtype=np.uint8)
    rows[..., 3] = 255
    inserted = [name(rows, np.insert(rows, [at] * 20, 128, axis=0)) for at in (40, 90)]
    assert inserted[0] == inserted[1] is not None
    assert name(rows, np.insert(rows, [40] * 20, 129, axis=0)) != inserted[0]
    assert name(rows, np.delete(rows, slice(40, 60), axis=0)) not in (None, inserted[0])
    both = np.insert(rows, [40] * 20, 128, axis=0)
    both[100:104, 10:30, :3] = 0
    assert name(rows, both) is None


def test_what_is_masked_has_no_part_in_the_name() -> None:
    mask = (Box(10, 7, 4, 4),)
    clock = page(5, 5, BLUE)
    clock[7:11, 10:14] = (1, 2, 3, 255)
    other = page(5, 5, TEAL)
    other[7:11, 10:14] = (4, 5, 6, 255)
    assert name(clock, other, mask) == name(page(5, 5, BLUE), page(5, 5, TEAL), mask) is not None


def test_nothing_to_tell() -> None:
    assert name(picture(), picture()) is None
    assert name(picture(), picture(width=40)) is None
