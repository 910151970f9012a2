"""(target, shot, baseline, comparison) -> verdict and sentence."""

from dataclasses import replace
from typing import Any

import pytest

from builders import baseline_of, changed_picture, picture, result_called, result_of
from widgetshot.judge import explain, judge, trait_changes
from widgetshot.model import Comparison, Shot, Target, Tolerance, TraitChange, Verdict

TARGET = Target("notebooks/x.ipynb", "a", "c0", 0)
BASELINE = baseline_of(picture())


@pytest.mark.parametrize("verdict", ["match", "changed", "resized", "new", "unstable"])
def test_each_verdict_comes_from_what_it_is_named_for(verdict: str) -> None:
    result = result_called(verdict)
    assert result.verdict == verdict
    assert result.passed == (verdict == "match")
    assert result.verdict.acceptable == (verdict in ("changed", "resized", "new"))


@pytest.mark.parametrize(
    ("verdict", "sentence"),
    [
        ("match", "is as it was approved"),
        ("changed", "1 pixel differs (0.17%) in 1 region"),
        ("resized", "30x20 became 30x25 pixels; 150 pixels differ (20.00%) in 1 region"),
        ("new", "has no baseline yet"),
        ("unstable", "never came to rest: a clock ticks"),
    ],
)
def test_the_sentence_has_the_numbers(verdict: str, sentence: str) -> None:
    assert result_called(verdict).sentence == sentence


def test_unrest_counts_before_everything_else() -> None:
    for baseline in (None, picture(), picture(25)):
        assert result_of("a", changed_picture(), baseline, settled=False).verdict == "unstable"


@pytest.mark.parametrize(
    ("tolerance", "changed", "total", "verdict"),
    [
        (Tolerance(), 0, 100, "match"),
        (Tolerance(), 1, 10**7, "changed"),
        (Tolerance(pixels=3), 3, 100, "match"),
        (Tolerance(pixels=3), 4, 100, "changed"),
        (Tolerance(share=0.25), 25, 100, "match"),
        (Tolerance(share=0.25), 26, 100, "changed"),
        (Tolerance(pixels=1, share=0.02), 2, 100, "match"),
        (Tolerance(pixels=5, share=0.02), 5, 100, "match"),
        (Tolerance(share=0.999), 0, 0, "match"),
        pytest.param(Tolerance(share=0.29), 29, 100, "match"),
    ],
)
def test_the_allowance_is_met_exactly(tolerance: Tolerance, changed: int, total: int, verdict: str) -> None:
    comparison = Comparison(changed, total)
    assert judge(replace(TARGET, tolerance=tolerance), Shot(picture()), BASELINE, comparison)[0] == verdict


def test_no_tolerance_excuses_another_size() -> None:
    target = replace(TARGET, tolerance=Tolerance(10**9, 0.9, 0.9))
    assert judge(target, Shot(picture(25)), BASELINE, Comparison(0, 750, resized=True))[0] is Verdict.RESIZED


def test_a_tolerated_difference_is_told() -> None:
    target = replace(TARGET, tolerance=Tolerance(2))
    assert judge(target, Shot(picture()), BASELINE, Comparison(1, 10**7, ())) == (
        "match",
        f"1 pixel differs (under 0.01%) in 0 regions, within the tolerance: {target.tolerance}",
    )


def button(**traits: Any) -> dict[str, Any]:
    return {"widget": "Button", "description": "Run"} | traits


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (button(), button(), ()),
        (button(a=1), button(a=2), (TraitChange("Button 'Run'", "a", 1, 2),)),
        (button(), button(a=None), (TraitChange("Button 'Run'", "a", "(absent)", None),)),
        (button(b=1, a=1), button(), tuple(TraitChange("Button 'Run'", t, 1, "(absent)") for t in "ab")),
        (
            [button(), {"widget": "HBox", "children": [button(), button(a=[1])]}],
            [button(), {"widget": "HBox", "children": [button(), button(a=[2])]}],
            (TraitChange("Button 'Run'", "a", 1, 2),),
        ),
        (
            button(layout={"widget": "Layout", "width": "1px"}),
            button(layout={"widget": "Layout", "width": "2px"}),
            (TraitChange("Button 'Run'.layout", "width", "1px", "2px"),),
        ),
        ([button()], [button(), button()], (TraitChange("page", "widgets", ["Button"], ["Button", "Button"]),)),
        ([button()], [{"widget": "Text"}], (TraitChange("page", "widget 1", "Button", "Text"),)),
        (None, button(), (TraitChange("page", "widgets", None, "Button"),)),
        pytest.param(button(a=1), button(a=True), (TraitChange("Button 'Run'", "a", 1, True),)),
    ],
)
def test_traits_that_differ_are_named(before: Any, after: Any, changes: tuple[TraitChange, ...]) -> None:
    assert trait_changes(before, after) == changes


def test_the_reason_is_told_in_words() -> None:
    traits = tuple(TraitChange("Button", trait, "é" * 99, 2) for trait in "abcde")
    said = explain(traits, known=True, before={"browser": "1", "fonts": "x"}, after={"browser": "2", "fonts": "x"})
    assert said.startswith(f'Button.a "{"é" * 39}… → 2, ')
    assert said.endswith(" and 2 more; different renderer: browser")
    long = TraitChange("HTML", "value", "x" * 99 + "background: blue", "x" * 99 + "background: green")
    assert "blue" in explain((long,), True, {}, {})
    assert "green" in explain((long,), True, {}, {})
    assert explain((), known=True, before={}, after={"browser": "2"}).startswith("no widget trait differs")
    assert explain((), known=False, before={}, after={"browser": "2"}) == ""
