"""What all runs of `--repeat` say together, and how little of them is kept until then."""

import gc
import weakref
from dataclasses import replace

import pytest

from builders import MASK, picture, result_of
from widgetshot.conditions import Condition, Unrest
from widgetshot.errors import NotebookError, ServerError, WidgetshotError
from widgetshot.model import Box, Failure, Pixels, Repeat, Result, Verdict
from widgetshot.run.repeat import Repeated


def drawn(*pixels: Pixels) -> Repeated:
    repeated = Repeated()
    for one in pixels:
        repeated.add(result_of("a", one, picture()))
    return repeated


def grey(step: int) -> Pixels:
    """One of many pictures that differ in a single pixel."""
    pixels = picture()
    pixels[15, 15, :3] = step
    return pixels


def test_pictures_that_come_again_are_counted_however_many_there_are() -> None:
    result = drawn(*(grey(step) for step in (1, 1, 2, 3, 4, 3, 1, 2, 5, 4, 3))).result()
    assert result.repeat == Repeat(11, (3, 2, 3, 2, 1), first=3)
    assert result.verdict is Verdict.UNSTABLE
    assert result.shot is not None
    assert result.shot.second is not None
    assert (result.shot.pixels[15, 15, 0], result.shot.second[15, 15, 0]) == (1, 2)


def test_only_the_first_two_pictures_are_held() -> None:
    repeated = Repeated()
    held = []
    for step in range(20):
        pixels = grey(step)
        held.append(weakref.ref(pixels))
        repeated.add(result_of("a", pixels))
        del pixels
    gc.collect()
    assert [ref() is not None for ref in held] == [True] * 2 + [False] * 18
    assert repeated.counts == [1] * 20


def test_what_masks_cover_makes_no_other_picture() -> None:
    repeated = Repeated()
    for place, step in ((15, 1), (15, 2), (5, 3), (6, 3), (6, 4), (6, 5)):
        pixels = picture()
        pixels[15, 15, :3] = step  # under the mask
        pixels[place, 20, 0] = 9
        result = result_of("a", pixels, masks=(MASK,))
        assert result.shot is not None
        repeated.add(replace(result, shot=replace(result.shot, masks=((Box(14, 14, 3, 3),),))))
    assert repeated.counts == [2, 1, 3]


def failed(error: WidgetshotError) -> Result:
    failure = Failure(type(error).__name__, error.what, error.next_step, int(error.exit_code))
    return replace(result_of("a"), failure=failure, sentence=error.what)


@pytest.mark.parametrize(
    ("errors", "kind", "begins"),
    [
        ([NotebookError("raised"), NotebookError("later")], "NotebookError", "in run 1: raised (2 of 3 runs failed)"),
        ([NotebookError("raised"), ServerError("gone")], "ServerError", "in run 2: gone (2 of 3 runs failed)"),
        ([ServerError("gone"), NotebookError("raised")], "ServerError", "in run 1: gone (2 of 3 runs failed)"),
        ([ServerError("one"), ServerError("two")], "ServerError", "in run 1: one (2 of 3 runs failed)"),
    ],
)
def test_of_several_failures_the_weightiest_is_reported(errors: list[WidgetshotError], kind: str, begins: str) -> None:
    repeated = Repeated()
    for error in errors:
        repeated.add(failed(error))
    repeated.add(result_of("a", picture()))
    result = repeated.result()
    assert result.failure is not None
    assert (result.failure.kind, result.sentence) == (kind, begins)
    assert result.repeat == Repeat(3, (1,))


def test_a_failure_weighs_more_than_unrest_only_if_no_notebook_is_to_blame() -> None:
    restless = result_of("a", picture(), settled=False, second=grey(1), unrest=Condition(Unrest.ELEMENTS_CHANGING))
    for error, verdict in ((NotebookError("raised"), Verdict.UNSTABLE), (ServerError("gone"), Verdict.BROKEN)):
        repeated = Repeated()
        repeated.add(restless)
        repeated.add(failed(error))
        assert repeated.result().verdict is verdict
