"""Quarantine, secrets and updates: what a run makes of a result."""

from dataclasses import replace
from datetime import date

import pytest

from builders import result_called
from widgetshot.errors import NotebookError, ServerError
from widgetshot.model import Quarantine, Result, Status, Target, TraitChange
from widgetshot.redact import STARS, Redactor
from widgetshot.run.verdicts import broken, redacted, under_quarantine, writes_baseline

TODAY = date(2026, 5, 1)
TARGET = Target("notebooks/x.ipynb", "a", "c0", 0)


def excused(verdict: str, until: date) -> Result:
    result = result_called(verdict)
    return replace(result, target=replace(result.target, quarantine=Quarantine("flickers", until)))


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
