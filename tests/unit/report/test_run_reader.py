"""Run folder -> run."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from builders import ENVIRONMENT, VERDICTS, picture, result_called, result_of
from run_folders import edited, finish, killed, quarantined, run_json, writer
from widgetshot.errors import ConfigError, RecordError
from widgetshot.model import Quarantine, Repeat
from widgetshot.report.folder import clear
from widgetshot.report.reader import read_run

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


Json = dict[str, Any]


def by_verdict(tests: list[Json]) -> dict[str, Json]:
    return {test["verdict"]: test for test in tests}


def becomes(verdict: str, other: str) -> Callable[[list[Json]], None]:
    """A result that is said to have another verdict."""

    def change(tests: list[Json]) -> None:
        by_verdict(tests)[verdict] |= {"verdict": other, "status": "passed" if other == "match" else "failed"}

    return change


def another_name(tests: list[Json]) -> None:
    tests[0] |= {"shot": "other", "name": "notebooks/x.ipynb::other"}


def same_key(tests: list[Json]) -> None:
    tests.append(dict(tests[0]))


def another_baseline(tests: list[Json]) -> None:
    one, other = by_verdict(tests)["changed"], by_verdict(tests)["resized"]
    one["pictures"]["baseline"]["sha256"] = other["pictures"]["shot"]["sha256"]


def pictures_of_another(tests: list[Json]) -> None:
    one, other = by_verdict(tests)["changed"], by_verdict(tests)["resized"]
    one["pictures"] = other["pictures"]


def hidden(tests: list[Json]) -> None:
    test = by_verdict(tests)["broken"]
    test |= {"shot": ".x", "name": "notebooks/x.ipynb::.x", "key": f"{ENVIRONMENT}/notebooks/x/.x"}


def another_environment(tests: list[Json]) -> None:
    by_verdict(tests)["broken"]["key"] = "page-firefox-linux/notebooks/x/broken"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (same_key, "tests[6].key: expected a key of its own, tests[0] has the same"),
        (another_name, "tests[0].key: expected to end with notebooks/x/other"),
        (becomes("changed", "new"), "tests[1].baseline_sha256: expected null: a new result has no baseline"),
        (becomes("new", "changed"), "tests[3].baseline_sha256: expected one: a result that is changed has a baseline"),
        (becomes("new", "match"), "tests[3].baseline_sha256: expected one: a result that is match has a baseline"),
        (becomes("new", "broken"), "tests[3].error: expected one if the verdict is broken"),
        (becomes("broken", "unstable"), "tests[4].error: expected one if the verdict is broken, and only then"),
        (becomes("match", "changed"), "tests[0].metrics.changed_pixels: expected more than 0: the result is changed"),
        (another_baseline, "tests[1].pictures.baseline.sha256: expected baseline_sha256"),
        (
            pictures_of_another,
            "tests[1].pictures.shot.path: expected pictures/page-chromium-linux/notebooks/x/changed.",
        ),
        (hidden, "tests[4].key: expected str matching regex"),
        (another_environment, "tests[4].key: expected to begin with an environment of the run: page-chromium-linux"),
        (lambda tests: tests.pop(), "summary.total: expected 5, as the tests have it"),
    ],
)
def test_what_a_run_may_not_claim_is_refused(tmp_path: Path, change: Callable[[list[Json]], None], says: str) -> None:
    folder = tmp_path / "report"
    tests = finish(writer(folder), *map(result_called, VERDICTS))["tests"]
    change(tests)
    with pytest.raises(RecordError) as caught:
        read_run(edited(folder, tests=tests))
    assert caught.value.what.startswith(says)
    assert caught.value.where == str(folder / "run.json")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"key": "x"}\n', "line 3: key: expected str matching regex"),
        ("[" * 100_000 + "\n", "line 3: expected object, got array"),
        ('{"key": 1e999}\n', "line 3: key: number out of range"),
    ],
)
def test_a_journal_with_a_line_of_another_form_is_refused(tmp_path: Path, line: str, says: str) -> None:
    journal = killed(tmp_path / "report") / "journal.jsonl"
    journal.write_text(journal.read_text(encoding="utf-8") + line, encoding="utf-8")
    with pytest.raises(RecordError) as caught:
        read_run(tmp_path / "report")
    assert says in str(caught.value)


def test_a_journal_that_breaks_a_rule_is_refused(tmp_path: Path) -> None:
    journal = killed(tmp_path / "report") / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"shot":"match"', b'"shot":"other"'))
    with pytest.raises(RecordError, match=r"journal\.jsonl: tests\[0\]\.name: expected notebooks/x\.ipynb::other"):
        read_run(tmp_path / "report")


@pytest.mark.parametrize("what", ["pictures", "file", "circle", "inside"])
def test_links_among_the_files_of_a_run_are_refused(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "report"
    finish(writer(folder), result_called("new"))
    shot = next(folder.rglob("*.shot.png"))
    if what == "pictures":
        (folder / "pictures").rename(tmp_path / "elsewhere")
        (folder / "pictures").symlink_to(tmp_path / "elsewhere")
    elif what == "file":
        shot.rename(tmp_path / "shot.png")
        shot.symlink_to(tmp_path / "shot.png")
    elif what == "inside":
        shot.rename(folder / "pictures" / "other.png")
        shot.symlink_to(folder / "pictures" / "other.png")
    else:
        shot.unlink()
        shot.symlink_to(shot.name)
    with pytest.raises(RecordError, match=r"names .*, which is a link, or behind one"):
        read_run(folder)


@pytest.mark.parametrize("name", ["run.json", "journal.jsonl"])
@pytest.mark.parametrize("what", ["link", "pipe", "folder"])
def test_a_run_that_is_no_file_of_the_folder_is_refused_and_never_waited_for(
    tmp_path: Path, name: str, what: str
) -> None:
    folder = killed(tmp_path / "report")
    file = folder / name
    file.rename(tmp_path / "elsewhere")
    if what == "link":
        file.symlink_to(tmp_path / "elsewhere")
    elif what == "pipe":
        os.mkfifo(file)
    else:
        file.mkdir()
    with pytest.raises(RecordError, match=r"can't be read: is (a link|no file)") as caught:
        read_run(folder)
    assert caught.value.where == str(file)
    with pytest.raises(ConfigError, match="holds other things than a run"):
        clear(edited_to_be_foreign(folder))


def edited_to_be_foreign(folder: Path) -> Path:
    """The folder with a run.json that is no file of its own."""
    (folder / "run.json").rename(folder.parent / "before")
    os.mkfifo(folder / "run.json")
    return folder


@pytest.mark.parametrize("name", ["run.json", "journal.jsonl"])
def test_a_run_that_would_take_many_times_its_size_of_memory_is_refused_unread(tmp_path: Path, name: str) -> None:
    folder = killed(tmp_path / "report")
    with (folder / name).open("ab") as file:
        file.write(b'{"x": [' + b"[]," * 6_000_000 + b"[]]}\n")
    begin = process_time()
    with pytest.raises(RecordError, match="expected at most 5,000,000 lists and objects") as caught:
        read_run(folder)
    assert caught.value.where == str(folder / name)
    assert process_time() - begin < 1


def test_a_place_is_looked_for_in_a_bounded_time(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    finish(writer(folder), *map(result_called, VERDICTS))
    tests = json.loads((folder / "run.json").read_text())["tests"]
    for test in tests[:2]:
        test["metrics"]["regions"] = [[0, 0, 1, 1]] * 10_000
        test["traits"] = [{"widget": "w", "trait": "t", "before": [0] * 90, "after": 1}] * 10_000
    tests[-1]["metrics"]["timings"] = {f"stage {n}": 1.0 for n in range(999)} | {"late": -1}
    edited(folder, tests=tests)
    begin = process_time()
    with pytest.raises(RecordError, match=r"tests\[5\]\.metrics\.timings\[\.\.\.\]: expected float >= 0"):
        read_run(folder)
    assert process_time() - begin < 5
