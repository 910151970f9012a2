"""Two layouts -> sentences: what a person would say that was added, removed, moved, resized or renamed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widgetshot.model import Box, Element
from widgetshot.verdict.layout import changes

QUICK = settings(max_examples=60, deadline=None, derandomize=True, database=None)


def page(*lines: str) -> list[Element]:
    return [Element.parse(line) for line in lines]


# A form in a box, as a sidecar holds it.
FORM = (
    "0,0 400x120 form 'Settings'",
    "  10,10 100x28 button 'Run'",
    "  10,40 100x28 button 'Stop'",
    "  10,70 100x28 slider 'x'",
    "0,130 400x20 text 'ready'",
)


def down(lines: tuple[str, ...], by: int, right: int = 0) -> tuple[str, ...]:
    """The same lines elsewhere."""
    return tuple(
        str(Element(one.name, Box(one.box.x + right, one.box.y + by, one.box.width, one.box.height), one.depth))
        for one in page(*lines)
    )


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (FORM, FORM, ()),
        ((), (), ()),
        ((), FORM[4:], ("text 'ready' was added",)),
        (FORM[4:], (), ("text 'ready' is gone",)),
        ((), ("0,0 9x9 a", "0,9 9x9 b"), ("a, b were added",)),
        (("0,0 9x9 a", "0,9 9x9 b"), (), ("a, b are gone",)),
        ((), tuple(f"0,{index} 9x9 {name}" for index, name in enumerate("abcde")), ("a, b and 3 more were added",)),
        (tuple(f"0,{index} 9x9 {name}" for index, name in enumerate("abc")), (), ("a, b and 1 more are gone",)),
    ],
)
def test_what_came_and_went_is_named(before: tuple[str, ...], after: tuple[str, ...], said: tuple[str, ...]) -> None:
    assert changes(page(*before), page(*after)) == said
    assert changes(page(*before), page(*after), brief=True) == said


def rows(*names: str) -> list[Element]:
    return page(*(f"0,{20 * index} 90x20 {name}" for index, name in enumerate(names)))


def test_what_a_cut_list_may_only_not_hold_is_neither_gone_nor_added() -> None:
    before, after = rows(*"abcd"), rows("x", *"abc")
    moved = "everything below y=0 moved down 20 px"
    assert changes(before, after) == ("x was added", "d is gone", moved)
    # The page lists four: what came in at its top pushed the last one out.
    assert changes(before, after, cut_before=True, cut_after=True) == ("x was added", moved)
    assert changes(after, before, cut_before=True, cut_after=True) == (
        "x is gone",
        moved.replace("0 m", "20 m").replace("down", "up"),
    )
    # Only the cut one's end is unknown.
    assert changes(before, after, cut_before=True) == ("x was added", "d is gone", moved)
    assert changes(rows(*"ab"), rows(*"abc"), cut_after=True) == ("c was added",)
    assert changes(rows(*"ab"), rows(*"abc"), cut_before=True) == ()
    assert changes(rows(*"ab"), rows(*"cd"), cut_before=True, cut_after=True) == ()


def test_only_the_outermost_of_what_came_and_went_together_is_named() -> None:
    assert changes(page(FORM[4]), page(*FORM)) == ("form 'Settings' was added",)
    assert changes(page(*FORM), page(FORM[4])) == ("form 'Settings' is gone",)
    # One that was there already and now stands inside is no part of it.
    around = page("0,0 400x120 group 'all'", "  10,10 100x28 button 'Run'")
    assert changes(around[1:], around) == ("group 'all' was added",)


def test_what_says_nothing_itself_is_named_with_the_first_thing_in_it_that_does() -> None:
    around = page("0,0 90x90 group", "  0,0 90x80 box", "    9,9 9x9 button 'Run'", "    9,19 9x9 button 'Stop'")
    assert changes([], around) == ("group with button 'Run' was added",)
    assert changes(around, []) == ("group with button 'Run' is gone",)
    assert changes([], around[:2]) == ("group was added",)


def test_something_inserted_is_one_thing_and_what_moved_behind_it_another() -> None:
    after = (FORM[0].replace("120", "150"), FORM[1], "  10,40 100x28 checkbox 'new'", *down(FORM[2:], 30))
    assert changes(page(*FORM), page(*after)) == (
        "checkbox 'new' was added",
        "everything below y=40 moved down 30 px",
    )


def test_something_removed_lets_everything_below_move_up() -> None:
    after = (FORM[0].replace("120", "90"), FORM[1], *down(FORM[3:], -30))
    assert changes(page(*FORM), page(*after)) == ("button 'Stop' is gone", "everything below y=70 moved up 30 px")


@pytest.mark.parametrize(("right", "said"), [(12, "moved right 12 px"), (-3, "moved left 3 px")])
def test_everything_right_of_a_line_moves_together(right: int, said: str) -> None:
    before = ("0,0 40x20 a", "50,0 40x20 b", "100,0 40x20 c")
    after = (before[0], *down(before[1:], 0, right))
    assert changes(page(*before), page(*after)) == (f"everything right of x=50 {said}",)


def test_one_that_moved_alone_is_named() -> None:
    after = (*FORM[:3], *down(FORM[3:4], 4), FORM[4])
    assert changes(page(*FORM), page(*after)) == ("slider 'x' moved down 4 px",)
    assert changes(page(*FORM), page(*after), brief=True) == ()


def test_several_that_moved_differently_are_grouped_the_largest_group_first() -> None:
    before = tuple(f"{x},0 9x9 {name}" for x, name in zip(range(0, 60, 10), "abcdef", strict=True))
    after = (before[0], *down(before[1:2], 5), *down(before[2:5], -1, 2), before[5])
    assert changes(page(*before), page(*after)) == ("c, d and 1 more moved right 2 px and up 1 px", "b moved down 5 px")


def test_what_stands_in_something_that_moved_is_not_named() -> None:
    before = ("0,0 50x50 box", "  5,5 9x9 dot", "60,0 9x9 other", "0,99 9x9 last")
    after = (*down(before[:2], 7, 1), *before[2:])
    assert changes(page(*before), page(*after)) == ("box moved right 1 px and down 7 px",)


def test_one_in_another_place_of_the_order_is_not_gone_and_added() -> None:
    before = ("0,0 9x9 a", "0,10 9x9 b", "0,20 9x9 c")
    after = ("0,0 9x9 b", "0,10 9x9 c", "0,20 9x9 a")
    said = changes(page(*before), page(*after))
    assert not [sentence for sentence in said if "added" in sentence or "gone" in sentence]
    assert any("a moved down 20 px" in sentence for sentence in said)
    # Of many of one name each is one.
    many = ("0,0 9x9 a", "0,10 9x9 a", "0,20 9x9 b", "0,30 9x9 a")
    assert changes(page(*many), page(*many[:3])) == ("a is gone",)


def test_a_leaf_that_has_another_size_is_named_and_the_container_around_it_is_not() -> None:
    after = (FORM[0].replace("400x120", "400x125"), FORM[1], FORM[2], FORM[3].replace("100x28", "100x33"), FORM[4])
    assert changes(page(*FORM), page(*after)) == ("slider 'x' is 100x33 instead of 100x28 pixels",)
    assert changes(page(*FORM), page(*after), brief=True) == ()


def test_a_container_that_alone_has_another_size_is_named() -> None:
    after = (FORM[0].replace("400x120", "410x120"), *FORM[1:])
    assert changes(page(*FORM), page(*after)) == ("form 'Settings' is 410x120 instead of 400x120 pixels",)


@pytest.mark.parametrize("after", [FORM[0].replace("120", "150"), FORM[0].replace("400", "300")])
def test_a_container_that_fits_what_came_into_it_is_not_named(after: str) -> None:
    new = (after, *FORM[1:4], "  10,100 100x28 checkbox 'new'", FORM[4])
    assert changes(page(*FORM), page(*new)) == ("checkbox 'new' was added",)


def test_another_text_is_a_new_name_of_the_same_element() -> None:
    after = (*FORM[:4], "0,130 420x20 text 'done'")
    assert changes(page(*FORM), page(*after)) == (
        "text 'done' is 420x20 instead of 400x20 pixels",
        "text 'ready' became text 'done'",
    )
    assert changes(page(*FORM), page(*after), brief=True) == ()


def test_another_kind_in_its_place_is_another_element() -> None:
    after = (*FORM[:4], "0,130 400x20 image 'ready'")
    assert changes(page(*FORM), page(*after)) == ("image 'ready' was added", "text 'ready' is gone")


def test_what_weighs_most_comes_first() -> None:
    before = ("0,0 9x9 a", "0,10 9x9 b", "0,20 9x9 c 'x'", "0,30 9x9 d", "50,0 9x9 e")
    after = ("0,10 9x9 b", "0,15 9x9 new", "0,25 9x8 c 'y'", "0,35 9x9 d", "55,3 9x9 e")
    said = changes(page(*before), page(*after))
    assert said == (
        "new was added",
        "a is gone",
        "everything below y=20 moved down 5 px",
        "e moved right 5 px and down 3 px",
        "c 'y' is 9x8 instead of 9x9 pixels",
        "c 'x' became c 'y'",
    )
    assert changes(page(*before), page(*after), brief=True) == said[:3]


NAMES = st.one_of(
    st.sampled_from(["a", "b", "button 'Run'", "button 'Stop'", "text 'x y'"]),
    st.text(min_size=1, max_size=12).filter(lambda name: "\n" not in name),
)
PLACES = st.integers(-(10**5), 10**5)
SIZES = st.integers(0, 10**5)
ELEMENTS = st.builds(Element, NAMES, st.builds(Box, PLACES, PLACES, SIZES, SIZES), st.integers(0, 9))
NEAR = st.builds(
    Element,
    st.sampled_from(["a", "b", "button 'Run'", "button 'Stop'"]),
    st.builds(Box, *[st.integers(-3, 9)] * 4),
    st.integers(0, 3),
)
LAYOUTS = st.lists(NEAR | ELEMENTS, max_size=12)


@QUICK
@given(LAYOUTS)
def test_nothing_is_said_of_identical_layouts(layout: list[Element]) -> None:
    assert changes(layout, list(layout)) == changes(layout, list(layout), brief=True) == ()


@settings(QUICK, max_examples=80)
@given(LAYOUTS, LAYOUTS)
def test_whatever_differs_is_reported_and_the_brief_part_first(before: list[Element], after: list[Element]) -> None:
    said, brief = changes(before, after), changes(before, after, brief=True)
    assert said[: len(brief)] == brief
    assert all(sentence for sentence in said)
    if sorted(one.name for one in before) != sorted(one.name for one in after):
        assert said


@settings(QUICK, max_examples=80)
@given(ELEMENTS)
def test_a_line_of_a_sidecar_is_read_as_it_was_written(element: Element) -> None:
    assert Element.parse(str(element)) == element


@pytest.mark.parametrize(
    ("line", "element"),
    [
        ("0,12 120x28 button 'Run'", Element("button 'Run'", Box(0, 12, 120, 28))),
        ("    -5,-12 0x28 a", Element("a", Box(-5, -12, 0, 28), 2)),
        ("  1,2 3x4 text 'it''s [1]  x, y'", Element("text 'it''s [1]  x, y'", Box(1, 2, 3, 4), 1)),
        ("1,2 3x4  spaced ", Element(" spaced ", Box(1, 2, 3, 4))),
    ],
)
def test_lines_of_a_sidecar(line: str, element: Element) -> None:
    assert Element.parse(line) == element
    assert str(element) == line


@pytest.mark.parametrize(
    ("name", "kind"), [("button 'Run'", "button"), ("text ''", "text"), ("a", "a"), ("x y 'a 'b'", "x y")]
)
def test_the_kind_of_an_element_is_what_stands_before_its_words(name: str, kind: str) -> None:
    assert Element(name, Box(0, 0, 1, 1)).kind == kind


@pytest.mark.parametrize("line", ["", "a", "1,2 3x4", "1 3x4 a", "1,2 3 a", "1,2,3 4x5 a", "x,2 3x4 a", "1,2 3x4x5 a"])
def test_a_malformed_line_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Element.parse(line)
