"""Results <-> Run folder."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from builders import (
    LAYOUT,
    MASK,
    VERDICTS,
    baseline_of,
    changed_picture,
    picture,
    result_called,
    result_of,
)
from run_folders import edited, finish, killed, quarantined, recorder, tree
from widgetshot.baselines.sidecar import describe, encode_description
from widgetshot.errors import ConfigError, RecordError
from widgetshot.files import read_png, sha256
from widgetshot.model import Box, Quarantine, Repeat, Spent, Tolerance, TraitChange, Verdict
from widgetshot.report.history import History
from widgetshot.report.record import (
    failure_text,
    merge,
    read_run,
    shot_bytes,
    summary_lines,
    time_lines,
)
from widgetshot.verdict.compare import compare

DOCS = Path(__file__).parents[3] / "docs" / "reference" / "run-folder.md"


@pytest.fixture
def run(tmp_path: Path) -> dict[str, Any]:
    return finish(recorder(tmp_path / "report"), *map(result_called, VERDICTS), unused=["b", "a"])


def test_a_finished_run_is_read_as_it_was_recorded(run: dict[str, Any], tmp_path: Path) -> None:
    assert run["summary"]["verdicts"] == dict.fromkeys(VERDICTS, 1)
    assert {key: run["summary"][key] for key in ("total", "passed", "failed", "quarantined", "updated")} == {
        "total": 6, "passed": 1, "failed": 5, "quarantined": 0, "updated": 0,
    }  # fmt: skip
    assert (run["complete"], run["unused"], run["timings"], run["project"]) == (
        True, ["a", "b"], {"load": 0.5}, tmp_path.name,
    )  # fmt: skip
    assert run["environment"]["fingerprint"] == {"browser": "1"}
    assert [(test["shot"], test["verdict"]) for test in run["tests"]] == [(name, name) for name in VERDICTS]
    assert not (tmp_path / "report" / "journal.jsonl").exists()


@pytest.mark.parametrize(
    ("verdict", "kinds"),
    [
        ("match", {"shot"}),
        ("changed", {"shot", "baseline", "diff"}),
        ("resized", {"shot", "baseline", "diff"}),
        ("new", {"shot"}),
        ("broken", set()),
        ("unstable", {"shot", "second"}),
    ],
)
def test_each_verdict_has_its_pictures(run: dict[str, Any], tmp_path: Path, verdict: str, kinds: set[str]) -> None:
    (entry,) = [test for test in run["tests"] if test["verdict"] == verdict]
    assert {kind for kind, picture in entry["pictures"].items() if picture} == kinds
    result = result_called(verdict)
    for kind in kinds:
        told = entry["pictures"][kind]
        data = (tmp_path / "report" / told["path"]).read_bytes()
        assert told["path"] == f"pictures/{result.key}.{kind}.png"
        assert sha256(data) == told["sha256"]
        assert read_png(data).shape[:2] == (told["height"], told["width"])
    if "shot" in kinds:
        assert (tmp_path / "report" / entry["pictures"]["shot"]["path"]).read_bytes() == shot_bytes(result)
    assert (entry["error"] is None) == (verdict != "broken")


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
    run = finish(recorder(tmp_path / "report"), result)
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


def test_an_entry_says_all_there_is_about_a_result(tmp_path: Path) -> None:
    result = result_of("a", picture(25), picture(), timings={"load": 0.12345678})
    target = replace(result.target, masks=(MASK,), variant="dark", theme="dark", source="x = 'ü'")
    shot = result.shot and replace(result.shot, masks=((Box(1, 2, 3, 4),),))
    result = replace(result, target=target, shot=shot, traits=(TraitChange("Button", "a", 1, None),), updated=True)
    result = replace(result, console=("boom",), blocked=("http://x",))
    (entry,) = finish(recorder(tmp_path / "report"), result)["tests"]
    assert (entry["name"], entry["variant"], entry["source"]) == ("notebooks/x.ipynb::a[dark]", "dark", "x = 'ü'")
    assert entry["masks"] == [{"reason": "shows the time", "selector": ".clock", "boxes": [[1, 2, 3, 4]]}]
    assert entry["traits"] == [{"widget": "Button", "trait": "a", "before": 1, "after": None}]
    assert (entry["console"], entry["blocked"], entry["updated"]) == (["boom"], ["http://x"], True)
    assert len(entry["metrics"].pop("change_group")) == 16
    assert entry["metrics"] == {
        "changed_pixels": 150, "changed_share": 0.2, "regions": [[0, 20, 30, 5]], "timings": {"load": 0.1235},
        "rule": "strict", "bands": [{"inserted": True, "y": 20, "at": 20, "height": 5}],
    }  # fmt: skip
    assert (entry["status"], entry["viewport"], entry["duration"]) == ("passed", [960, 720], 0.5)


@pytest.mark.parametrize(("cut", "expected"), [(0, ["match", "changed"]), (1, ["match", "changed"]), (40, ["match"])])
def test_a_killed_run_is_readable_up_to_its_last_whole_line(tmp_path: Path, cut: int, expected: list[str]) -> None:
    run = read_run(killed(tmp_path / "report", cut))
    assert [test["verdict"] for test in run["tests"]] == expected
    assert (run["complete"], run["summary"]["total"], run["summary"]["passed"]) == (False, len(expected), 1)


def test_a_run_killed_within_a_character_is_readable(tmp_path: Path) -> None:
    journal = killed(tmp_path / "report") / "journal.jsonl"
    data = journal.read_bytes()
    journal.write_bytes(data[: data.index("→".encode()) + 1])
    assert [test["verdict"] for test in read_run(tmp_path / "report")["tests"]] == ["match"]


@pytest.mark.parametrize("separator", ["\u2028", "\x85"])
def test_line_separators_in_a_source_lose_no_result(tmp_path: Path, separator: str) -> None:
    made = recorder(tmp_path / "report")
    first = result_called("match")
    made.add(replace(first, target=replace(first.target, source=f"a{separator}b")))
    made.add(result_called("changed"))
    assert len(read_run(tmp_path / "report")["tests"]) == 2


def test_a_lone_surrogate_in_one_source_sinks_nothing(tmp_path: Path) -> None:
    first = result_called("match")
    poisoned = replace(first, target=replace(first.target, source="'\ud83d'"))
    assert len(finish(recorder(tmp_path / "report"), poisoned, result_called("changed"))["tests"]) == 2


@pytest.mark.parametrize(
    "text",
    [None, "", "{", "[]", '{"format": 2}', pytest.param('{"format": 1}')],
)
def test_a_folder_without_a_known_run_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "run.json").write_text(text)
    with pytest.raises(RecordError, match=re.escape(str(tmp_path))):
        read_run(tmp_path)


@pytest.mark.parametrize(
    "names",
    [
        ["notes.txt"],
        ["pictures/holiday.jpg", "notes.txt"],
        pytest.param(["index.html", "pictures/holiday.jpg"]),
        pytest.param(["pictures/holiday.jpg"]),
        pytest.param(["run.json", "pictures/holiday.jpg"]),
    ],
)
def test_a_foreign_folder_is_refused_and_kept(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    with pytest.raises(ConfigError, match="other things"):
        recorder(tmp_path)
    assert tree(tmp_path) == sorted(names)


def test_an_old_run_is_replaced_whole_beside_files_put_there_later(tmp_path: Path) -> None:
    finish(recorder(tmp_path), result_called("changed"))
    (tmp_path / "decisions.json").touch()
    finish(recorder(tmp_path), result_called("broken"))
    assert tree(tmp_path) == ["decisions.json", "run.json"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "report"):
        with pytest.raises(RecordError, match="can't be written"):
            recorder(folder)


def test_a_vanished_folder_stops_no_judging(tmp_path: Path) -> None:
    made = recorder(tmp_path / "report")
    made.add(result_called("match"))
    assert made.failure is None
    shutil.rmtree(tmp_path / "report")
    (tmp_path / "report").touch()
    made.add(result_called("changed"))
    made.finish([], complete=True, timings={}, fingerprint={})
    assert str(tmp_path / "report") in str(made.failure)
    assert "--report" in str(made.failure)


FULL_DISK = """
import resource, sys
from pathlib import Path
from builders import result_called, result_of, picture
from run_folders import recorder
import numpy as np
made = recorder(Path(sys.argv[1]))
made.add(result_called("match"))
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
made.add(result_of("large", np.random.default_rng(1).integers(0, 255, (60, 60, 4), dtype=np.uint8)))
made.add(result_called("changed"))
made.finish([], complete=True, timings={}, fingerprint={})
print(made.failure.what)
"""


def test_a_full_disk_stops_no_judging_and_leaves_a_readable_run(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path / "report")],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parent,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert "can't be written: File too large" in done.stdout
    run = read_run(tmp_path / "report")
    assert [test["verdict"] for test in run["tests"]][:1] == ["match"]
    assert not run["complete"]


def two_runs(tmp_path: Path) -> list[Path]:
    folders = [tmp_path / name for name in ("one", "two")]
    finish(recorder(folders[0]), *map(result_called, ("new", "broken")))
    finish(recorder(folders[1]), *map(result_called, ("match", "changed")))
    return folders


def test_merging_keeps_every_result_and_picture_in_the_declared_order(tmp_path: Path) -> None:
    folders = two_runs(tmp_path)
    order = [result_called(verdict).key for verdict in ("match", "new", "changed", "broken")]
    merge(folders, tmp_path / "all", order=order, unused=["x"])
    run = read_run(tmp_path / "all")
    assert [test["key"] for test in run["tests"]] == order
    assert (run["complete"], run["unused"], run["timings"], run["summary"]["total"]) == (True, ["x"], {"load": 1.0}, 4)
    assert tree(tmp_path / "all" / "pictures") == sorted(
        [*tree(folders[0] / "pictures"), *tree(folders[1] / "pictures")]
    )


def test_merging_with_a_killed_run_gives_an_incomplete_one(tmp_path: Path) -> None:
    merge([*two_runs(tmp_path), killed(tmp_path / "three", 40)], tmp_path / "all")
    assert not read_run(tmp_path / "all")["complete"]


@pytest.mark.parametrize(
    "fields",
    [
        {"project": "other"},
        {"format": 2},
        {"commit": "a" * 40},
    ],
)
def test_runs_that_do_not_belong_together_are_not_merged(tmp_path: Path, fields: dict[str, Any]) -> None:
    one, two = two_runs(tmp_path)
    with pytest.raises(RecordError, match="two"):
        merge([one, edited(two, **fields)], tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_merging_nothing_or_what_lacks_a_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="nothing to merge"):
        merge([], tmp_path / "all")
    folders = two_runs(tmp_path)
    next((folders[1] / "pictures").rglob("*.diff.png")).unlink()
    with pytest.raises(RecordError, match="can't be copied"):
        merge(folders, tmp_path / "all")


def test_merging_writes_nothing_outside(tmp_path: Path) -> None:
    one, two = two_runs(tmp_path)
    (tmp_path / "victim").write_text("old")
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil" / "victim").write_text("new")
    tests = json.loads((two / "run.json").read_text())["tests"]
    tests[0]["pictures"]["shot"]["path"] = "../victim"
    two.rename(tmp_path / "evil" / "two")
    with pytest.raises(RecordError):
        merge([one, edited(tmp_path / "evil" / "two", tests=tests)], tmp_path / "all")
    assert (tmp_path / "victim").read_text() == "old"


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


def test_a_difference_between_runs_has_no_tolerance() -> None:
    two = result_of("a", changed_picture(), picture())
    result = replace(two, verdict=Verdict.UNSTABLE, repeat=Repeat(3, (2, 1), 2))
    text = failure_text(result, Path())
    assert "regions:" in text
    assert "allowed:" not in text
    assert "allowed:" in failure_text(replace(two, repeat=Repeat(3, (3,))), Path())


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("over", [False, True])
def test_a_quarantine_makes_a_failure_no_failure_until_it_is_over(tmp_path: Path, verdict: str, over: bool) -> None:
    result = quarantined(verdict, over=over)
    expected = "passed" if verdict == "match" else "failed" if over else "quarantined"
    assert (result.status, result.passed) == (expected, verdict == "match")
    run = finish(recorder(tmp_path / "report"), result)
    (entry,) = run["tests"]
    assert entry["status"] == expected
    assert entry["quarantine"] == {"reason": "flickers", "until": "2026-12-31"}
    counts = {status: run["summary"][status] for status in ("passed", "failed", "quarantined")}
    assert counts == {"passed": 0, "failed": 0, "quarantined": 0} | {expected: 1}
    assert run["summary"]["verdicts"][verdict] == 1


def test_an_updated_result_passed_though_it_is_in_quarantine() -> None:
    assert replace(quarantined("changed"), updated=True).status == "passed"


def test_entries_of_an_ordinary_run_have_none_of_it(run: dict[str, Any]) -> None:
    for test in run["tests"]:
        compared = test["verdict"] in ("match", "changed", "resized")
        assert [test[name] for name in ("quarantine", "repeat", "history", "flaky", "renderer")] == [
            None, None, [], False, [],
        ]  # fmt: skip
        assert test["metrics"]["rule"] == ("strict" if compared else None)
    assert run["repeat"] == 1


def test_an_entry_says_how_steady_its_target_was(tmp_path: Path) -> None:
    result = replace(result_called("unstable"), repeat=Repeat(20, (18, 2), 7))
    run = finish(recorder(tmp_path / "report", repeat=20), result)
    assert run["repeat"] == 20
    assert run["tests"][0]["repeat"] == {"runs": 20, "distinct": 2, "counts": [18, 2]}


@pytest.mark.parametrize(
    ("same_renderer", "rule", "said"), [(True, "strict", "any step"), (False, "perceptual", "another renderer drew")]
)
def test_an_entry_says_by_which_rule_and_renderer_it_was_compared(
    tmp_path: Path, same_renderer: bool, rule: str, said: str
) -> None:
    result = result_called("resized")
    assert result.shot is not None
    comparison = compare(picture(), result.shot.pixels, Tolerance(), same_renderer=same_renderer)
    result = replace(result, comparison=comparison, renderer=("scale 1 → 2",))
    (entry,) = finish(recorder(tmp_path / "report"), result)["tests"]
    assert (entry["metrics"]["rule"], entry["renderer"]) == (rule, ["scale 1 → 2"])
    assert said in entry["tolerance"]
    assert said in failure_text(result, tmp_path)


def test_finishing_and_merging_write_history_into_the_entries(tmp_path: Path) -> None:
    for index, verdict in enumerate(("match", "changed", "match")):
        result = result_of("a", picture() if verdict == "match" else picture(grey=9), picture())
        run = finish(recorder(tmp_path / str(index)), result, history=History(tmp_path))
        assert [stretch[:2] for stretch in run["tests"][0]["history"]][-1] == [verdict, 1]
    assert [stretch[0] for stretch in run["tests"][0]["history"]] == ["match", "changed", "match"]
    assert run["tests"][0]["flaky"] is True
    # Workers know no history; it comes in when their runs are merged.
    finish(recorder(tmp_path / "worker"), result_of("a", picture(), picture()))
    merge([tmp_path / "worker"], tmp_path / "all", history=History(tmp_path))
    (entry,) = read_run(tmp_path / "all")["tests"]
    assert [stretch[:2] for stretch in entry["history"]] == [["match", 1], ["changed", 1], ["match", 2]]
    assert entry["flaky"] is True


def test_merging_counts_what_is_in_quarantine(tmp_path: Path) -> None:
    finish(recorder(tmp_path / "one"), quarantined("changed"))
    finish(recorder(tmp_path / "two"), quarantined("match"), result_called("broken"))
    merge([tmp_path / "one", tmp_path / "two"], tmp_path / "all")
    summary = read_run(tmp_path / "all")["summary"]
    assert (summary["passed"], summary["failed"], summary["quarantined"]) == (1, 1, 1)


def test_a_killed_run_counts_what_is_in_quarantine(tmp_path: Path) -> None:
    recorder(tmp_path / "report").add(quarantined("changed"))
    summary = read_run(tmp_path / "report")["summary"]
    assert (summary["total"], summary["failed"], summary["quarantined"]) == (1, 0, 1)


def summary_of(*tests: dict[str, Any], repeat: int = 1, **summary: Any) -> list[str]:
    verdicts = {verdict: sum(test["verdict"] == verdict for test in tests) for verdict in VERDICTS}
    counts = {"total": len(tests), "quarantined": 0, "updated": 0, "verdicts": verdicts} | summary
    return summary_lines({"summary": counts, "tests": tests, "repeat": repeat})


def told(
    name: str,
    verdict: str = "match",
    *,
    status: str = "",
    flaky: bool = False,
    counts: list[int] | None = None,
) -> dict[str, Any]:
    quarantine = {"reason": "flickers", "until": "2026-12-31"}
    repeat = None if counts is None else {"runs": sum(counts), "distinct": len(counts), "counts": counts}
    known = {"status": status, "quarantine": quarantine, "flaky": flaky, "repeat": repeat}
    return {"name": name, "verdict": verdict} | known


FLAKY = "match now, but flaky in their last runs: "


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (summary_of(), ["nothing captured"]),
        (summary_of(told("a"), told("b"), told("c", "changed")), ["2 match, 1 changed"]),
        (summary_of(told("a", "new"), updated=1), ["1 new; 1 baseline written"]),
        (
            summary_of(told("a"), told("b", "broken", status="quarantined"), quarantined=1),
            [
                "1 match, 1 broken",
                "1 of them in quarantine, which does not fail the run:",
                "  b: flickers (until 2026-12-31)",
            ],
        ),
        (
            summary_of(told("a", counts=[5]), told("b", "unstable", counts=[4, 1]), told("c", "broken"), repeat=5),
            ["1 match, 1 broken, 1 unstable", "5 runs: 1 of 2 targets gave one picture each; 1 not repeated"],
        ),
        # Pictures of Python tests are taken once.
        (summary_of(told("a", counts=[5]), told("b"), told("c"), repeat=5),
         ["3 match", "5 runs: 1 of 1 targets gave one picture each; 2 not repeated"]),
        # One that broke after two of five runs was not steady.
        (summary_of(told("a", "broken", counts=[2]), repeat=5),
         ["1 broken", "5 runs: 0 of 1 targets gave one picture each"]),
        (summary_of(told("a", flaky=True)), ["1 match", f"{FLAKY}a"]),
        (summary_of(*(told(name, flaky=True) for name in "abcde")), ["5 match", f"{FLAKY}a, b, c and 2 more"]),
        # Of one that fails now, the failure is told.
        (summary_of(told("a", "changed", flaky=True)), ["1 changed"]),
    ],
)  # fmt: skip
def test_the_terminal_gets_a_summary(lines: list[str], expected: list[str]) -> None:
    assert lines == expected


def test_the_sidecar_says_what_is_visible_and_where() -> None:
    assert describe(result_called("new")).layout == [str(element) for element in LAYOUT]
    assert describe(result_called("new")).layout == ["0,0 30x20 group", "  -4,3 5x3 button 'Run [1]'"]
    assert baseline_of(picture()).layout is None


def test_only_a_layout_that_was_cut_is_said_to_be() -> None:
    assert describe(result_called("new")).layout_cut is UNSET
    assert b"layout_cut" not in encode_description(describe(result_called("new")))
    assert describe(result_of("cut", picture(), layout_cut=True)).layout_cut is True


SPENT = {
    "notebooks/a.ipynb": Spent(1.0, {"execute": 0.8, "load": 0.1}),
    "notebooks/b.ipynb": Spent(3.25, {"load": 2.0}),
}


def test_the_slowest_notebooks_come_first_and_are_added_up_by_merging(tmp_path: Path) -> None:
    for name in ("one", "two"):
        made = recorder(tmp_path / name)
        made.finish([], complete=True, timings={"server": 0.5, "load": 2.1}, fingerprint={}, spent=SPENT)
    assert made.run["notebooks"] == [
        {"notebook": "notebooks/b.ipynb", "seconds": 3.25, "timings": {"load": 2.0}},
        {"notebook": "notebooks/a.ipynb", "seconds": 1.0, "timings": {"execute": 0.8, "load": 0.1}},
    ]
    one = edited(tmp_path / "one", commit=None)
    two = edited(tmp_path / "two", commit=None, notebooks=[*made.run["notebooks"][:1]])
    run = merge([one, two], tmp_path / "all")
    assert [(entry["notebook"], entry["seconds"]) for entry in run["notebooks"]] == [
        ("notebooks/b.ipynb", 6.5),
        ("notebooks/a.ipynb", 1.0),
    ]
    assert run["notebooks"][0]["timings"] == {"load": 4.0}
    run["summary"]["duration_seconds"] = 3.0
    assert time_lines(run) == [
        "time: 5.2 s of work in 3.0 s: load 4.2, server 1.0",
        "slowest notebooks:",
        "  6.5 s notebooks/b.ipynb: load 4.0",
        "  1.0 s notebooks/a.ipynb: execute 0.8, load 0.1",
    ]
    # One that was written before there were any.
    old = json.loads((one / "run.json").read_text())
    del old["notebooks"], old["changed"]
    (one / "run.json").write_text(json.dumps(old))
    assert len(merge([one, two], tmp_path / "all")["notebooks"]) == 1


def test_merging_keeps_what_no_run_has_run(tmp_path: Path) -> None:
    here, there = (result_called(verdict) for verdict in ("match", "new"))
    for name, result, left in (("one", here, [there.key, "e/n/x"]), ("two", there, [here.key, "e/n/x"])):
        made = recorder(tmp_path / name)
        made.only_changed(dict.fromkeys(left, "2026-01-01T00:00:00+00:00"), {result.target.notebook: "it changed"}, "")
        finish(made, result)
    run = merge([tmp_path / "one", tmp_path / "two"], tmp_path / "all")
    assert run["changed"] == {
        "not_run": [{"key": "e/n/x", "passed": "2026-01-01T00:00:00+00:00"}],
        "ran": [{"name": "notebooks/x.ipynb", "why": "it changed"}],
        "refused": None,
    }
    assert summary_lines(run)[1:3] == [
        "1 picture was not run: it passed, and nothing that was seen to matter has changed since; "
        "it counts as neither passed nor failed",
        "  run: notebooks/x.ipynb: it changed",
    ]


def test_run_json_has_a_line_for_each_test(tmp_path: Path) -> None:
    finish(recorder(tmp_path), result_of("a"), result_of("b"))
    lines = (tmp_path / "run.json").read_text(encoding="utf-8").splitlines()
    first = lines.index('"tests": [')
    assert [json.loads(line.rstrip(","))["shot"] for line in lines[first + 1 : first + 3]] == ["a", "b"]
    assert lines[first + 3 :] == ["]", "}"]
