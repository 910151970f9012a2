"""Which renderers are compared strictly: by their calibration sheets, and by their names where a sheet is not known."""

from collections.abc import Collection
from typing import Any

import pytest

from builders import result_called
from widgetshot.model import UNKNOWN, Verdict
from widgetshot.verdict.explain import about_renderers, explain
from widgetshot.verdict.judge import judge
from widgetshot.verdict.renderers import (
    RendererComparison,
    compare_renderers,
    differing_kinds,
    differing_primitives,
    digest_of,
    renderer_changes,
)

BEFORE = {"boxes/a": "1", "text/sans": "2", "text/mono": "3", "shadows/wide": "4", "emoji/sizes": "5"}
SHADOWS = BEFORE | {"shadows/wide": "9"}
OLD, NEW = "chromium 156.0.8078.79 HeadlessChrome", "chromium 156.0.8078.108 HeadlessChrome"


def drawn_by(browser: str, sheet: dict[str, str] | None = None, edition: int = 1, **more: Any) -> dict[str, Any]:
    digest = UNKNOWN if sheet is None else digest_of(edition, sheet)
    return {"browser": browser, "machine": "x86_64", "fonts": "abc", "scale": 1.0, "sheet": digest, **more}


def test_what_draws_the_same_is_the_same_renderer_whatever_it_is_called() -> None:
    before, after = drawn_by(OLD, BEFORE), drawn_by(NEW, BEFORE, machine="aarch64")
    assert renderer_changes(before, after) == ()
    found = compare_renderers(before, after, (BEFORE, BEFORE))
    assert found.differences == found.unused == ()
    assert found.names == (f"browser {OLD} → {NEW}", "machine x86_64 → aarch64")


@pytest.mark.parametrize(("part", "value"), [("fonts", "xyz"), ("scale", 2.0), ("fonts", UNKNOWN)])
def test_a_sheet_says_nothing_of_fonts_and_scale(part: str, value: Any) -> None:
    before, after = drawn_by(OLD, BEFORE), drawn_by(NEW, BEFORE) | {part: value}
    assert compare_renderers(before, after, (BEFORE, BEFORE)).differences == renderer_changes(before, after) != ()


@pytest.mark.parametrize(
    ("uses", "differences"),
    [
        ({"boxes", "text"}, ()),
        ({"boxes", "shadows"}, ("shadows are blurred differently", f"browser {OLD} → {NEW}")),
        ({"boxes", "shadows/other"}, ()),
        ({"boxes", "shadows/wide"}, ("shadows are blurred differently", f"browser {OLD} → {NEW}")),
        # Where nobody knows what a picture shows, it shows everything.
        (None, ("shadows are blurred differently", f"browser {OLD} → {NEW}")),
    ],
)
def test_only_pictures_of_what_is_drawn_otherwise_are_compared_otherwise(
    uses: Collection[str] | None, differences: tuple[str, ...]
) -> None:
    found = compare_renderers(drawn_by(OLD, BEFORE), drawn_by(NEW, SHADOWS), (BEFORE, SHADOWS), uses)
    assert found.differences == differences
    assert found.unused == (() if differences else ("shadows are blurred differently",))


def test_other_fonts_make_another_renderer_also_of_a_picture_that_has_nothing_of_what_differs() -> None:
    after = drawn_by(NEW, SHADOWS, fonts="xyz")
    assert compare_renderers(drawn_by(OLD, BEFORE), after, (BEFORE, SHADOWS), {"text"}).differences == (
        "fonts abc → xyz",
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (drawn_by(OLD), drawn_by(NEW, BEFORE)),
        (drawn_by(OLD, BEFORE), drawn_by(NEW)),
        (drawn_by(OLD, BEFORE, edition=1), drawn_by(NEW, BEFORE, edition=2)),
    ],
)
def test_names_count_where_a_sheet_is_not_known_or_of_another_edition(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert compare_renderers(before, after, (BEFORE, BEFORE)).differences == (f"browser {OLD} → {NEW}",)
    assert compare_renderers(before, after | {"browser": OLD}, (BEFORE, BEFORE)) == RendererComparison()


def test_a_sheet_that_is_lost_is_another_one() -> None:
    before, after = drawn_by(OLD, BEFORE), drawn_by(OLD, SHADOWS)
    (said,) = compare_renderers(before, after, ({}, SHADOWS), {"text"}).differences
    assert said == f"calibration sheet {before['sheet']} → {after['sheet']}"


def test_what_only_one_sheet_has_differs() -> None:
    more = BEFORE | {"webgl/lines": "1", "odd/new": "2"}
    assert differing_primitives(BEFORE, more) == ["odd/new", "webgl/lines"]
    assert differing_kinds(BEFORE, more) == ["webgl", "odd"]
    found = compare_renderers(drawn_by(OLD, BEFORE), drawn_by(OLD, more), (BEFORE, more))
    assert found.differences == ("WebGL is shaded differently", "odd differ")


def test_a_digest_hangs_on_every_primitive_and_on_the_edition() -> None:
    digests = {digest_of(1, BEFORE), digest_of(2, BEFORE), digest_of(1, SHADOWS), digest_of(1, {})}
    assert len(digests) == 4
    assert digest_of(1, dict(reversed(BEFORE.items()))) == digest_of(1, BEFORE)


def test_a_strict_difference_under_an_equal_sheet_says_that_another_build_drew_it() -> None:
    found = compare_renderers(drawn_by(OLD, BEFORE), drawn_by(NEW, BEFORE), (BEFORE, BEFORE))
    assert explain((), (), found, known=False) == (
        f"compared strictly: what drew the baseline has another name (browser {OLD} → {NEW}) and the same calibration "
        "sheet"
    )


def test_what_matches_says_nothing_of_another_build_and_names_what_it_has_nothing_of() -> None:
    result = result_called("match")
    target, shot, baseline, comparison = result.target, result.shot, result.baseline, result.comparison
    assert shot is not None
    same = compare_renderers(drawn_by(OLD, BEFORE), drawn_by(NEW, BEFORE), (BEFORE, BEFORE))
    assert judge(target, shot, baseline, comparison, same) == (Verdict.MATCH, "is as it was approved")
    unused = compare_renderers(drawn_by(OLD, BEFORE), drawn_by(NEW, SHADOWS), (BEFORE, SHADOWS), {"text"})
    assert judge(target, shot, baseline, comparison, unused)[1] == (
        "is as it was approved; compared strictly: another renderer drew the baseline (shadows are blurred "
        "differently), and this picture has nothing of that"
    )
    assert about_renderers(RendererComparison()) == ""
