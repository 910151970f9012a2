"""Run folder -> run."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from builders import (
    VERDICTS,
    picture,
    result_called,
    result_of,
)
from run_folders import finish, killed, quarantined, run_json, writer
from widgetshot.errors import RecordError
from widgetshot.model import Quarantine, Repeat
from widgetshot.report.reader import read_run


@pytest.fixture
def run(tmp_path: Path) -> dict[str, Any]:
    return finish(writer(tmp_path / "report"), *map(result_called, VERDICTS), unused=["b", "a"])


DOCS = Path(__file__).parents[3] / "docs" / "reference" / "run-folder.md"


def documented(title: str) -> set[str]:
    section = DOCS.read_text(encoding="utf-8").split(f"## {title}")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, flags=re.MULTILINE)
    return {name.removesuffix("[]") for row in rows for name in re.findall(r"`([^`]+)`", row)}


@pytest.mark.parametrize("title", ["run.json", pytest.param("tests[]")])
def test_the_documented_fields_are_the_written_ones(run: dict[str, Any], title: str) -> None:
    # A dot leads to a field of a field.
    assert set(run if title == "run.json" else run["tests"][0]) == {
        name for name in documented(title) if "." not in name
    }


def test_the_documented_parts_of_fields_are_the_written_ones(tmp_path: Path) -> None:
    text = DOCS.read_text(encoding="utf-8")
    quarantine = Quarantine("flickers", date(2026, 12, 31))
    result = replace(result_of("a", picture(25), picture()), repeat=Repeat(20, (18, 2), 7))
    result = replace(result, target=replace(result.target, quarantine=quarantine))
    run = finish(writer(tmp_path / "report"), result)
    (entry,) = run["tests"]
    for name, value in (
        ("summary", run["summary"]),
        ("quarantine", entry["quarantine"]),
        ("repeat", entry["repeat"]),
        ("metrics", entry["metrics"]),
        ("metrics.bands[]", entry["metrics"]["bands"][0]),
    ):
        said = re.findall(rf"^\| `{re.escape(name)}` \|(.*)\|$", text, re.MULTILINE)[-1]
        assert [key for key in value if not re.search(rf'[`"]{key}[`"]', said)] == [], name


@pytest.mark.parametrize(("cut", "expected"), [(0, ["match", "changed"]), (1, ["match", "changed"]), (40, ["match"])])
def test_a_killed_run_is_readable_up_to_its_last_whole_line(tmp_path: Path, cut: int, expected: list[str]) -> None:
    run = run_json(killed(tmp_path / "report", cut))
    assert [test["verdict"] for test in run["tests"]] == expected
    assert (run["complete"], run["summary"]["total"], run["summary"]["passed"]) == (False, len(expected), 1)


def test_a_run_killed_within_a_character_is_readable(tmp_path: Path) -> None:
    journal = killed(tmp_path / "report") / "journal.jsonl"
    data = journal.read_bytes()
    journal.write_bytes(data[: data.index("→".encode()) + 1])
    assert [test.verdict for test in read_run(tmp_path / "report").tests] == ["match"]


@pytest.mark.parametrize("separator", ["\u2028", "\x85"])
def test_line_separators_in_a_source_lose_no_result(tmp_path: Path, separator: str) -> None:
    made = writer(tmp_path / "report")
    first = result_called("match")
    made.add(replace(first, target=replace(first.target, source=f"a{separator}b")))
    made.add(result_called("changed"))
    assert len(read_run(tmp_path / "report").tests) == 2


@pytest.mark.parametrize(
    "text",
    [None, "", "{", "[]", '{"format": 2}', pytest.param('{"format": 1}')],
)
def test_a_folder_without_a_known_run_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "run.json").write_text(text)
    with pytest.raises(RecordError, match=re.escape(str(tmp_path))):
        read_run(tmp_path)


def test_a_killed_run_counts_what_is_in_quarantine(tmp_path: Path) -> None:
    writer(tmp_path / "report").add(quarantined("changed"))
    summary = read_run(tmp_path / "report").summary
    assert (summary.total, summary.failed, summary.quarantined) == (1, 0, 1)
