"""Quarantine, secrets and updates: what a run makes of a result."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from builders import baseline_of, changed_picture, picture, result_called
from widgetshot.errors import CaptureError, NotebookError, ServerError
from widgetshot.model import Baseline, Quarantine, Result, Shot, Status, Target, TraitChange
from widgetshot.redact import STARS, Redactor
from widgetshot.run.verdicts import broken, judged, redacted, under_quarantine, writes_baseline

TODAY = date(2026, 5, 1)
TARGET = Target("notebooks/x.ipynb", "a", "c0", 0)


def excused(verdict: str, until: date) -> Result:
    result = result_called(verdict)
    return replace(result, target=replace(result.target, quarantine=Quarantine("flickers", until)))


def test_large_pictures_of_very_different_shapes_are_not_compared() -> None:
    # A row and a column each: what both would be padded to is what counts.
    row, column = (np.zeros(shape, dtype=np.uint8) for shape in ((1, 20_000, 4), (10_000, 1, 4)))
    baseline = Baseline(row, b"", "")
    with pytest.raises(CaptureError, match="20000 x 1 pixels became 1 x 10000, which is too much") as raised:
        judged(TARGET, "e/a", Shot(column), baseline, {})
    assert raised.value.next_step.startswith("remove the baseline e/a")


@pytest.mark.parametrize("verdict", ["changed", "resized", "new", "broken", "unstable"])
def test_a_quarantine_holds_to_the_end_of_its_day(verdict: str) -> None:
    assert under_quarantine(excused(verdict, TODAY), TODAY).status is Status.QUARANTINED
    over = under_quarantine(excused(verdict, date(2026, 4, 30)), TODAY)
    assert over.status is Status.FAILED
    assert over.sentence.endswith("; its quarantine ended on 2026-04-30 (flickers)")


def test_a_quarantine_covers_neither_what_passes_nor_what_no_notebook_is_to_blame_for() -> None:
    assert under_quarantine(excused("match", TODAY), TODAY).quarantined is None
    target = replace(TARGET, quarantine=Quarantine("flickers", TODAY))
    for error, status in ((NotebookError("raised"), Status.QUARANTINED), (ServerError("gone"), Status.FAILED)):
        assert under_quarantine(broken(target, "e/a", error), TODAY).status is status


def test_of_a_changed_picture_only_characters_that_were_not_missing_before_are_named() -> None:
    shot = Shot(changed_picture(), missing_glyphs=("상", "태"))
    for before, said in (((), "no font has 상, 태; "), (("상",), "no font has 태; "), (("태", "상"), "")):
        baseline = baseline_of(picture(), missing_glyphs=before)
        assert judged(TARGET, "e/a", shot, baseline, {}).sentence.startswith(said or "1 pixel")
    assert judged(TARGET, "e/a", shot, None, {}).sentence.startswith("no font has 상, 태; ")


@pytest.mark.parametrize(
    ("update", "written"),
    [
        ("none", set()),
        ("missing", {"new"}),
        ("changed", {"new", "changed", "resized"}),
        ("all", {"new", "changed", "resized", "match"}),
    ],
)
def test_only_what_was_asked_for_is_written_and_never_what_has_no_trustworthy_picture(
    update: str, written: set[str]
) -> None:
    verdicts = ("match", "changed", "resized", "new", "broken", "unstable")
    assert {verdict for verdict in verdicts if writes_baseline(result_called(verdict), update)} == written


def test_nothing_that_a_result_says_holds_a_secret() -> None:
    secret = "correct-horse-battery"
    error = NotebookError(f"raised {secret}", where="notebooks/x.ipynb::c0", next_step=f"curl {secret}")
    result = replace(
        broken(replace(TARGET, source=f"login('{secret}')"), "e/a", error),
        traits=(TraitChange("Text", "value", secret, [secret]),),
        console=(f"401 {secret}",),
        blocked=(f"https://elsewhere.example/{secret}",),
    )
    assert secret not in repr(redacted(result, Redactor([secret])))
    assert STARS in redacted(result, Redactor([secret])).sentence
    assert redacted(result, Redactor()) is result


def test_an_error_names_its_place_where_that_is_not_the_target() -> None:
    assert broken(TARGET, "e/a", NotebookError("raised", where="notebooks/x.ipynb")).sentence == "raised"
    assert broken(TARGET, "e/a", NotebookError("raised", where="notebooks/x.ipynb::c0")).sentence == (
        "notebooks/x.ipynb::c0: raised"
    )
