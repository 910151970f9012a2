"""A run in words."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from builders import changed_picture, picture, result_called, result_of
from run_folders import run_of
from widgetshot.model import Repeat, Status, Verdict
from widgetshot.report.entry import entry_of
from widgetshot.report.entry_json import Entry, EntryQuarantine, EntryRepeat
from widgetshot.report.text import failure_text, summary_lines


@pytest.mark.parametrize(
    ("verdict", "says"),
    [
        ("changed", ["1x1 at (10, 10)", "allowed:", "baseline:", "shot:", "diff:", "approve 'notebooks/x.ipynb::"]),
        ("new", ["shot:", "widgetshot approve"]),
        ("unstable", ["second:", "mask what moves"]),
        ("broken", ["the kernel died", "jupyter execute x"]),
    ],
)  # fmt: skip
def test_the_terminal_gets_numbers_paths_and_the_next_command(
    run: dict[str, Any], tmp_path: Path, verdict: str, says: list[str]
) -> None:
    text = failure_text(result_called(verdict), tmp_path / "report")
    assert text.startswith(f"notebooks/x.ipynb::{verdict}: {verdict}: ")
    assert [word for word in says if word not in text] == []
    assert all(Path(path).is_file() for path in re.findall(r"/\S+\.png", text))


def test_a_picture_is_accepted_from_the_run_folder_that_it_is_in() -> None:
    result = result_called("changed")
    assert "  accept:   widgetshot approve 'notebooks/x.ipynb::changed'" in failure_text(result, Path())
    said = failure_text(result, Path(), "other reports")
    assert "  accept:   widgetshot approve --report 'other reports' 'notebooks/x.ipynb::changed'" in said


def test_a_difference_between_runs_has_no_tolerance() -> None:
    two = result_of("a", changed_picture(), picture())
    result = replace(two, verdict=Verdict.UNSTABLE, repeat=Repeat(3, (2, 1), 2))
    text = failure_text(result, Path())
    assert "regions:" in text
    assert "allowed:" not in text
    assert "allowed:" in failure_text(replace(two, repeat=Repeat(3, (3,))), Path())


def summary_of(*entries: Entry, repeat: int = 1) -> list[str]:
    return summary_lines(run_of(*entries, repeat=repeat))


def entry(
    name: str,
    verdict: str = "match",
    *,
    status: Status = Status.PASSED,
    flaky: bool = False,
    updated: bool = False,
    counts: list[int] | None = None,
) -> Entry:
    made = entry_of(result_called(verdict))
    quarantine = EntryQuarantine(reason="flickers", until="2026-12-31")
    repeat = None if counts is None else EntryRepeat(runs=sum(counts), distinct=len(counts), counts=counts)
    return structs.replace(
        made, name=name, status=status, quarantine=quarantine, flaky=flaky, updated=updated, repeat=repeat
    )


FLAKY = "match now, but flaky in their last runs: "


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (summary_of(), ["nothing captured"]),
        (summary_of(entry("a"), entry("b"), entry("c", "changed")), ["2 match, 1 changed"]),
        (summary_of(entry("a", "new", updated=True)), ["1 new; 1 baseline written"]),
        (
            summary_of(entry("a"), entry("b", "broken", status=Status.QUARANTINED)),
            [
                "1 match, 1 broken",
                "1 of them in quarantine, which does not fail the run:",
                "  b: flickers (until 2026-12-31)",
            ],
        ),
        (
            summary_of(entry("a", counts=[5]), entry("b", "unstable", counts=[4, 1]), entry("c", "broken"), repeat=5),
            ["1 match, 1 broken, 1 unstable", "5 runs: 1 of 2 targets gave one picture each; 1 not repeated"],
        ),
        # Pictures of Python tests are taken once.
        (summary_of(entry("a", counts=[5]), entry("b"), entry("c"), repeat=5),
         ["3 match", "5 runs: 1 of 1 targets gave one picture each; 2 not repeated"]),
        # One that broke after two of five runs was not steady.
        (summary_of(entry("a", "broken", counts=[2]), repeat=5),
         ["1 broken", "5 runs: 0 of 1 targets gave one picture each"]),
        (summary_of(entry("a", flaky=True)), ["1 match", f"{FLAKY}a"]),
        (summary_of(*(entry(name, flaky=True) for name in "abcde")), ["5 match", f"{FLAKY}a, b, c and 2 more"]),
        # Of one that fails now, the failure is named.
        (summary_of(entry("a", "changed", flaky=True)), ["1 changed"]),
    ],
)  # fmt: skip
def test_the_terminal_gets_a_summary(lines: list[str], expected: list[str]) -> None:
    assert lines == expected
