"""What differs between two front ends, in the words of somebody who looks at both."""

from dataclasses import replace

import numpy as np
import pytest

from front_ends import STYLE, TEXT, Drawn, drawn, element
from widgetshot.model import Box, Element
from widgetshot.verdict.front_ends import FrontEndComparison, FrontEndPicture, compare_front_ends
from widgetshot.verdict.style_differences import DifferenceKind, colour

RUN = element("button 'Run'", 10, 10, 40, 20)
SLIDER = element("slider", 10, 40, 60, 8, style=STYLE)
TOOLS = [
    element(f"button '{name}'", x, 2, 6, 6, style=replace(TEXT, part="toolbar"))
    for name, x in (("Pan", 80), ("Zoom", 90))
]


def picture(of: Drawn, *masks: Box) -> FrontEndPicture:
    return FrontEndPicture(of.frontend, of.pixels, masks, of.elements)


def compared(first: Drawn, second: Drawn) -> FrontEndComparison:
    return compare_front_ends(picture(first), picture(second))


def moved(one: Element, right: int = 0, down: int = 0) -> Element:
    return replace(one, box=replace(one.box, x=one.box.x + right, y=one.box.y + down))


def test_pictures_that_are_the_same_have_no_differences() -> None:
    assert compared(drawn("lab", RUN), drawn("voila", RUN)).differences == ()


def test_a_style_that_no_pixel_shows_is_no_difference() -> None:
    restyled = element("button 'Run'", 10, 10, 40, 20, size=13.0)
    same = drawn("lab", RUN)
    assert compared(same, Drawn("voila", (restyled,), same.pixels)).differences == ()
    # Neither where pixels differ elsewhere.
    elsewhere = same.pixels.copy()
    elsewhere[50:55, 100:110, :3] = 9
    found = compared(same, Drawn("voila", (restyled,), elsewhere))
    assert [one.kind for one in found.differences] == [DifferenceKind.UNEXPLAINED]
    assert "no box and no style" in found.sentence


ONE_CAUSE = [
    (
        [RUN], [element("button 'Run'", 10, 10, 40, 20, size=13.0)], "text-size",
        "in voila text is 13 px instead of 14 px (button 'Run')",
    ),
    (
        [RUN], [element("button 'Run'", 10, 10, 40, 20, family="DejaVu Sans", advance=1300.0)], "font",
        "in voila the font is DejaVu Sans instead of Noto Sans (button 'Run')",
    ),
    (
        [RUN], [element("button 'Run'", 10, 10, 40, 20, weight="700")], "text-style",
        "in voila text is of weight 700 instead of 400 (button 'Run')",
    ),
    (
        [RUN], [element("button 'Run'", 10, 10, 40, 20, colour="rgba(255, 255, 255, 0.5)")], "colours",
        "in voila text is #ffffff80 instead of #000 (button 'Run')",
    ),
    (
        [SLIDER], [replace(SLIDER, style=replace(STYLE, background="rgb(247, 247, 247)"))], "colours",
        "in voila the background is #f7f7f7 instead of #fff (slider)",
    ),
    (
        [SLIDER], [replace(SLIDER, style=replace(STYLE, border="1px solid rgb(0, 0, 0)"))], "spacing",
        "in voila the border is 1px solid #000 instead of none (slider)",
    ),
    (
        [RUN], [replace(RUN, style=replace(TEXT, padding="4px"))], "spacing",
        "in voila the padding is 4px instead of 0px (button 'Run')",
    ),
    ([RUN, *TOOLS], [RUN], "missing", "in voila the toolbar is missing"),
    ([RUN], [RUN, *TOOLS], "missing", "in lab the toolbar is missing"),
    ([RUN, SLIDER], [RUN], "missing", "in voila slider is missing"),
    ([RUN], [element("button 'Go'", 10, 10, 40, 20)], "text", "in voila there is button 'Go' instead of button 'Run'"),
    ([RUN], [element("button 'Run'", 10, 10, 52, 20)], "size", "in voila button 'Run' is 12 px wider"),
    ([RUN, SLIDER], [RUN, moved(SLIDER, down=5)], "place", "in voila slider is 5 px farther down"),
    ([RUN, SLIDER], [moved(RUN, 8), moved(SLIDER, 8)], "place", "in voila everything is 8 px farther right"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "kind", "sentence"), ONE_CAUSE, ids=[case[3] for case in ONE_CAUSE])
def test_one_cause_is_one_sentence(before: list[Element], after: list[Element], kind: str, sentence: str) -> None:
    found = compared(drawn("lab", *before), drawn("voila", *after))
    assert (found.sentence, [one.kind for one in found.differences]) == (sentence, [kind])


def test_one_style_of_many_elements_is_one_sentence_that_names_none_of_them() -> None:
    rows = [element(f"button '{name}'", 5, y, 30, 10) for name, y in (("a", 5), ("b", 20), ("c", 35))]
    smaller = [replace(one, style=element("x", 0, 0, 1, 1, size=13.0).style) for one in rows]
    assert compared(drawn("lab", *rows), drawn("voila", *smaller)).sentence == "in voila text is 13 px instead of 14 px"
    some = compared(drawn("lab", *rows), drawn("voila", *smaller[:2], rows[2]))
    assert some.sentence == "in voila text is 13 px instead of 14 px (button 'a' and 1 other)"


def test_what_follows_from_another_text_size_is_not_told_besides() -> None:
    box = element("box", 5, 5, 60, 30, style=STYLE)
    inside = element("button 'a'", 8, 8, 30, 10, depth=1)
    behind = element("button 'b'", 80, 8, 20, 10)
    smaller = element("button 'a'", 8, 8, 26, 9, depth=1, size=13.0)
    after = (replace(box, box=Box(5, 5, 56, 29)), smaller, moved(behind, -4))
    found = compared(drawn("lab", box, inside, behind), drawn("voila", *after, size=(58, 116)))
    assert [one.kind for one in found.differences] == ["text-size"]


def test_a_font_of_another_name_that_measures_the_same_is_the_same_font() -> None:
    renamed = element("button 'Run'", 10, 10, 40, 20, family="Arial", colour="rgb(1, 1, 1)")
    assert [one.kind for one in compared(drawn("lab", RUN), drawn("voila", renamed)).differences] == ["colours"]


def test_a_margin_is_lined_up_and_leaves_no_pixel_of_difference() -> None:
    wide = compared(drawn("lab", RUN, SLIDER), drawn("voila", moved(RUN, 8, 3), moved(SLIDER, 8, 3), size=(63, 128)))
    assert wide.places == ((8, 3), (0, 0))
    assert wide.comparison is not None
    assert wide.comparison.changed == 0
    assert "everything is 8 px farther right and 3 px farther down" in wide.sentence
    assert "the picture is 8 px wider and 3 px higher" in wide.sentence


def test_a_box_is_not_told_to_be_wider_where_nobody_sees_it() -> None:
    box = element("box", 5, 5, 80, 40, style=STYLE)
    first, second = drawn("lab", RUN), drawn("voila", RUN, size=(60, 122))
    wide = replace(box, box=Box(5, 5, 82, 40))
    found = compared(replace(first, elements=(box, RUN)), replace(second, elements=(wide, RUN)))
    assert found.sentence == "in voila the picture is 2 px wider"
    # What differs inside all the same is not explained by it.
    second.pixels[30, 30, :3] = 9
    found = compared(replace(first, elements=(box, RUN)), replace(second, elements=(wide, RUN)))
    assert found.sentence.startswith("in voila the picture is 2 px wider; 1 region besides")


def test_a_drawing_is_lined_up_by_what_is_drawn() -> None:
    first, second = drawn("lab", RUN), drawn("voila", moved(RUN, 7, 2), size=(64, 130))
    found = compared(replace(first, elements=()), replace(second, elements=()))
    assert found.places == ((7, 2), (0, 0))
    assert found.sentence == "in voila the picture is 10 px wider and 4 px higher"
    assert found.comparison is not None
    assert found.comparison.changed == 0


def test_masks_of_both_are_left_out() -> None:
    first, second = drawn("lab", RUN), drawn("voila", element("button 'Run'", 10, 10, 40, 20, size=13.0))
    mask = Box(10, 10, 40, 20)
    assert compare_front_ends(picture(first, mask), picture(second)).differences == ()
    assert compare_front_ends(picture(first), picture(second, mask)).differences == ()


def test_a_region_that_no_told_element_has_is_told_to_be_unexplained() -> None:
    second = drawn("voila", element("button 'Run'", 10, 10, 40, 20, colour="rgb(9, 9, 9)"))
    second.pixels[50:55, 100:110, :3] = 9
    found = compared(drawn("lab", RUN), second)
    assert [one.kind for one in found.differences] == ["colours", "unexplained"]
    assert found.differences[1].sentence == "1 region besides: no box and no style tells why"


def test_what_may_stand_behind_the_end_of_a_cut_list_is_not_said_to_be_missing() -> None:
    first, second = drawn("lab", RUN, SLIDER), drawn("voila", RUN)
    cut = replace(picture(second), cut=True)
    assert [one.kind for one in compare_front_ends(picture(first), cut).differences] == ["unexplained"]


def test_without_elements_the_pixels_tell_what_they_can() -> None:
    light, dark = drawn("lab", RUN), drawn("voila", RUN, ground=247)
    bare = [replace(picture(one), elements=None) for one in (light, dark)]
    assert compare_front_ends(*bare).sentence == "in voila the background is #f7f7f7 instead of #fff"
    dotted = replace(bare[0], frontend="voila", pixels=light.pixels.copy())
    dotted.pixels[50, 100, :3] = 9
    assert "nothing is known of the elements" in compare_front_ends(bare[0], dotted).sentence


def test_pictures_too_large_to_be_laid_over_each_other_are_told_to_differ() -> None:
    tall = FrontEndPicture("lab", np.broadcast_to(np.uint8(255), (20_000, 1, 4)))
    wide = FrontEndPicture("voila", np.broadcast_to(np.uint8(255), (1, 20_000, 4)))
    found = compare_front_ends(tall, wide)
    assert found.comparison is None
    assert found.sentence == "in voila the picture is 19999 px wider and 19999 px lower"


@pytest.mark.parametrize(
    ("css", "written"),
    [
        ("rgb(255, 255, 255)", "#fff"), ("rgb(18, 52, 86)", "#123456"), ("rgba(0, 0, 0, 0.5)", "#00000080"),
        ("rgba(17, 34, 51, 1)", "#123"), ("color(srgb 1 0 0)", "color(srgb 1 0 0)"), ("a picture", "a picture"),
    ],
)  # fmt: skip
def test_a_colour_is_written_as_designers_write_it(css: str, written: str) -> None:
    assert colour(css) == written
