"""(target, shot, baseline, comparison) -> verdict and sentence."""

from dataclasses import replace
from typing import Any

import pytest

from builders import baseline_of, changed_picture, picture, result_called, result_of
from widgetshot.model import UNKNOWN, Band, Box, Comparison, Repeat, Rule, Shot, Target, Tolerance, TraitChange, Verdict
from widgetshot.verdict.explain import explain
from widgetshot.verdict.judge import flaky_sentence, judge
from widgetshot.verdict.renderers import SAME, RendererComparison, renderer_changes
from widgetshot.verdict.traits import trait_changes

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
        (
            "resized",
            "30x20 became 30x25 pixels; 5 rows of pixels inserted at y=20; lined up, 150 pixels differ in 1 region "
            "(place by place 150, 20.00%)",
        ),
        ("new", "has no baseline yet"),
        ("unstable", "never came to rest: the page's elements changed"),
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
    target = replace(TARGET, tolerance=Tolerance(10**9, 0.9, threshold=0.9))
    assert judge(target, Shot(picture(25)), BASELINE, Comparison(0, 750, resized=True))[0] is Verdict.RESIZED


def test_a_tolerated_difference_is_reported() -> None:
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


def trait(name: str, before: Any = 1, after: Any = 2) -> TraitChange:
    return TraitChange("Button", name, before, after)


STYLE = ": style, drawing or front end"


@pytest.mark.parametrize(
    ("traits", "layout", "renderer", "known", "said"),
    [
        ("", (), (), True, f"no widget trait and no box differs{STYLE}"),
        ("", None, (), True, f"no widget trait differs{STYLE}"),
        ("", None, (), False, ""),
        ("", (), (), False, ""),
        ("", ("a moved",), (), True, "a moved"),
        ("", ("a moved",), (), False, "a moved"),
        ("a", (), (), True, "Button.a 1 → 2"),
        ("a", ("b", "c"), (), True, "b, c; Button.a 1 → 2"),
        ("abc", None, (), True, "Button.a 1 → 2, Button.b 1 → 2, Button.c 1 → 2"),
        ("abcde", (), (), True, "Button.a 1 → 2, Button.b 1 → 2, Button.c 1 → 2 and 2 more"),
        ("", tuple("pqrst"), (), True, "p, q, r and 2 more"),
        ("", tuple("pqrs"), tuple("uvwx"), True, "p, q, r and 1 more; different renderer: u, v, w and 1 more"),
        ("", None, ("scale 1 → 2",), False, "different renderer: scale 1 → 2"),
        ("", (), ("u",), True, f"no widget trait and no box differs{STYLE}; different renderer: u"),
    ],
)
def test_the_reason_is_reported_in_words(
    traits: str, layout: tuple[str, ...] | None, renderer: tuple[str, ...], known: bool, said: str
) -> None:
    assert explain([trait(name) for name in traits], layout, RendererComparison(renderer), known=known) == said


def test_boxes_that_were_not_listed_are_not_said_to_be_the_same() -> None:
    reason = explain((), (), SAME, known=True, cut=True)
    assert reason.startswith("no widget trait and none of the first boxes differs")
    assert reason.endswith("or boxes further on, which are not listed")
    # Where nothing is claimed of boxes, nothing is taken back.
    assert explain((), ("a moved",), SAME, known=True, cut=True) == "a moved"
    assert explain((), None, SAME, known=True, cut=True) == f"no widget trait differs{STYLE}"


@pytest.mark.parametrize(
    ("console", "blocked", "said"),
    [
        (0, 0, ""),
        (1, 0, "the page reported 1 error"),
        (2, 0, "the page reported 2 errors"),
        (0, 1, "1 request to elsewhere was blocked"),
        (3, 2, "the page reported 3 errors; 2 requests to elsewhere were blocked"),
    ],
)
def test_what_the_page_did_is_part_of_the_reason(console: int, blocked: int, said: str) -> None:
    assert explain((), None, SAME, known=False, console=console, blocked=blocked) == said
    reason = explain([trait("a")], (), RendererComparison(("u",)), known=True, console=console, blocked=blocked)
    assert reason == "; ".join(part for part in ("Button.a 1 → 2", "different renderer: u", said) if part)


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("", ""),
        ("상", "no font has 상"),
        ("상태실행ไ", "no font has 상, 태, 실 and 2 more"),
        # What can't be printed, as icons of a font that is not there, by its number.
        ("\uf015\U0010fffd", "no font has U+F015, U+10FFFD"),
    ],
)
def test_characters_that_no_font_has_are_part_of_the_reason(missing: str, said: str) -> None:
    assert explain((), None, SAME, known=False, missing_glyphs=missing) == said
    reason = explain((), ("a moved",), RendererComparison(("u",)), known=True, console=1, missing_glyphs=tuple(missing))
    parts = ("a moved", "different renderer: u", said, "the page reported 1 error")
    assert reason == "; ".join(part for part in parts if part)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("é" * 99, 2, f'"{"é" * 39}… → 2'),
        ("x" * 99 + "background: blue", "x" * 99 + "background: green", '…background: blue" → …background: green"'),
        ("(absent)", None, "(absent) → null"),
        (
            "x... (900 characters, digest 000000a1)",
            "x... (901 characters, digest 000000b2)",
            "changed far inside (900 → 901 characters)",
        ),
    ],
)
def test_long_values_are_shown_where_they_begin_to_differ(before: Any, after: Any, said: str) -> None:
    assert explain([trait("a", before, after)], (), SAME, known=True) == f"Button.a {said}"


RENDERER = {
    "browser": "Chromium 131.0",
    "machine": "linux x86_64 / GLIBC 2.36",
    "frontend": {"name": "page", "version": "1"},
    "fonts": "abc",
    "scale": 1.0,
    "widgets": {"@jupyter-widgets/controls": "2.0.0", "bqplot": "0.5.1"},
    "locale": "en-US",
    "timezone": "UTC",
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ()),
        ({"browser": "Chromium 156.0"}, ("browser Chromium 131.0 → Chromium 156.0",)),
        ({"scale": 2.0, "fonts": "xyz"}, ("fonts abc → xyz", "scale 1.0 → 2.0")),
        ({"frontend": {"name": "page", "version": "2"}}, ("frontend version 1 → 2",)),
        # A new release of a widget must not loosen its own test; other kinds of widgets are another picture.
        ({"widgets": {"bqplot": "1", "@jupyter-widgets/controls": "3"}}, ()),
        ({"widgets": {"bqplot": "0.5.1", "ipydatagrid": "1.4"}}, ()),
        ({"widgets": {}}, ()),
        ({"locale": "de-DE", "timezone": "Europe/Berlin"}, ()),
        ({"anything": "else"}, ()),
        ({"frontend": "page"}, ("frontend {'name': 'page', 'version': '1'} → page",)),
    ],
)  # fmt: skip
def test_what_makes_another_renderer(change: dict[str, Any], said: tuple[str, ...]) -> None:
    assert renderer_changes(RENDERER, RENDERER | change) == said


def test_what_is_said_to_be_unknown_is_never_the_same() -> None:
    unknown = RENDERER | {"fonts": UNKNOWN}
    assert renderer_changes(unknown, unknown) == renderer_changes(RENDERER, unknown) == ("fonts unknown",)


@pytest.mark.parametrize("part", RENDERER)
def test_what_only_one_fingerprint_tells_is_no_difference(part: str) -> None:
    without = {key: value for key, value in RENDERER.items() if key != part}
    assert renderer_changes(RENDERER, without) == renderer_changes(without, RENDERER) == ()


def test_of_an_unknown_renderer_nothing_is_said() -> None:
    assert renderer_changes({}, RENDERER) == renderer_changes(RENDERER, {}) == renderer_changes({}, {}) == ()


@pytest.mark.parametrize(
    ("comparison", "tolerance", "said"),
    [
        (Comparison(0, 600), Tolerance(), "is as it was approved; different renderer: u, v"),
        (
            Comparison(1, 600, rule=Rule.PERCEPTUAL),
            Tolerance(pixels=1),
            "1 pixel differs (0.17%) in 0 regions, within the tolerance: up to 1 pixel may differ; another "
            "renderer drew the baseline, so edges may be smoothed otherwise; different renderer: u, v",
        ),
        # Why something changed is said by `explain`, which names the renderer itself.
        (Comparison(1, 600), Tolerance(), "1 pixel differs (0.17%) in 0 regions"),
    ],
)
def test_the_sentence_names_another_renderer(comparison: Comparison, tolerance: Tolerance, said: str) -> None:
    target = replace(TARGET, tolerance=tolerance)
    assert judge(target, Shot(picture()), BASELINE, comparison, RendererComparison(("u", "v")))[1] == said
    assert "renderer:" not in judge(target, Shot(picture()), BASELINE, comparison)[1]


def test_only_the_first_of_many_differences_of_a_renderer_are_named() -> None:
    assert judge(TARGET, Shot(picture()), BASELINE, Comparison(0, 600), RendererComparison(tuple("uvwxyz")))[
        1
    ].endswith("u, v, w and 3 more")


@pytest.mark.parametrize(
    ("bands", "said"),
    [
        ([Band(True, 42, 42, 14)], "14 rows of pixels inserted at y=42"),
        ([Band(False, 5, 7, 1)], "1 row of pixels removed at y=5"),
        (
            [Band(True, 1, 1, 3), Band(False, 90, 93, 4)],
            "3 rows of pixels inserted at y=1, 4 rows of pixels removed at y=90",
        ),
        (
            [Band(True, 9 * index, 0, 3) for index in range(5)],
            "3 rows of pixels inserted at y=0, 3 rows of pixels inserted at y=9, 3 rows of pixels inserted at y=18 "
            "and 2 more",
        ),
    ],
)
def test_bands_are_named_before_the_counts_of_which_the_last_decides(bands: list[Band], said: str) -> None:
    comparison = Comparison(300, 600, (Box(0, 0, 9, 9),), bands=tuple(bands), marked=81)
    assert judge(TARGET, Shot(picture()), BASELINE, comparison) == (
        "changed",
        f"{said}; lined up, 81 pixels differ in 1 region (place by place 300, 50.00%)",
    )


@pytest.mark.parametrize(
    ("counts", "first", "comparison", "said"),
    [
        (
            (18, 2),
            7,
            None,
            "2 different pictures came out of 20 runs (18 times, 2 times); run 7 was the first to differ",
        ),
        (
            (1, 1, 1),
            2,
            None,
            "3 different pictures came out of 3 runs (once, once, once); run 2 was the first to differ",
        ),
        (
            (1, 4),
            2,
            Comparison(3, 600, (Box(0, 0, 1, 1),)),
            "2 different pictures came out of 5 runs (once, 4 times); run 2 was the first to differ; "
            "there 3 pixels differ (0.50%) in 1 region",
        ),
    ],
)
def test_flaky_runs_are_counted(counts: tuple[int, ...], first: int, comparison: Comparison | None, said: str) -> None:
    repeat = Repeat(sum(counts), counts, first)
    assert repeat.distinct == len(counts)
    assert flaky_sentence(repeat, comparison) == said


@pytest.mark.parametrize(
    ("tolerance", "rule", "said"),
    [
        (Tolerance(), Rule.STRICT, "up to 0 pixels may differ; any step of any colour channel counts"),
        (Tolerance(1), Rule.STRICT, "up to 1 pixel may differ; any step of any colour channel counts"),
        (
            Tolerance(step=3),
            Rule.STRICT,
            "up to 0 pixels may differ; any colour channel counts, if it differs by more than 3 of 255 steps",
        ),
        (
            Tolerance(2, 0.001, threshold=0.1),
            Rule.PIXELMATCH,
            "up to 2 pixels may differ or 0.1000% of the picture; colours closer than 0.1 count as equal, "
            "anti-aliasing is ignored",
        ),
        (
            Tolerance(step=2),
            Rule.PERCEPTUAL,
            "up to 0 pixels may differ; another renderer drew the baseline, so edges may be smoothed otherwise, "
            "if it differs by more than 2 of 255 steps",
        ),
    ],
)
def test_a_tolerance_is_reported_in_words(tolerance: Tolerance, rule: Rule, said: str) -> None:
    assert tolerance.words(rule) == said
    if rule is not Rule.PERCEPTUAL:
        assert str(tolerance) == said


def test_plain_traits_are_reported_before_markup_which_is_only_named() -> None:
    changes = [
        TraitChange("HTML", "value", "<style>a { color: red }</style>", "<style>a { color: blue }</style>"),
        TraitChange("HTML", "value", "<b>1</b>", "<b>2</b>"),
        TraitChange("IntSlider", "value", 3, 5),
    ]
    assert explain(changes, (), SAME, known=True) == "IntSlider.value 3 → 5, HTML.value changed and 1 more"
