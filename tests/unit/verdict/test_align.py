"""Rows that came and went: shown alone where that explains the difference, and deciding nothing."""

import numpy as np
import pytest
from drawings import QUICK, STRICT, drawn, noise
from hypothesis import given, settings
from hypothesis import strategies as st

from widgetshot.model import Band, Box, Comparison, Pixels, Rule, Tolerance
from widgetshot.verdict.compare import compare
from widgetshot.verdict.diff_picture import CHANGED, INSERTED, MASKED, PADDING, REMOVED

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
