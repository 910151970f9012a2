"""Results -> run folder."""

import json
import math
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builders import ENVIRONMENT, MASK, VERDICTS, changed_picture, picture, result_called, result_of
from run_folders import finish, quarantined, tree, writer
from widgetshot.baselines.candidate import shot_bytes
from widgetshot.errors import ConfigError, RecordError
from widgetshot.files import read_png, sha256
from widgetshot.model import Box, Failure, Repeat, RunEnd, ServiceUsage, TimeSpent, Tolerance, TraitChange, Verdict
from widgetshot.report.limits import MAX_BOXES, MAX_ITEMS, MAX_TEXT
from widgetshot.report.reader import read_run
from widgetshot.report.text import failure_text
from widgetshot.verdict.compare import compare


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
        written = entry["pictures"][kind]
        data = (tmp_path / "report" / written["path"]).read_bytes()
        assert written["path"] == f"pictures/{result.key}.{kind}.png"
        assert sha256(data) == written["sha256"]
        assert read_png(data).shape[:2] == (written["height"], written["width"])
    if "shot" in kinds:
        assert (tmp_path / "report" / entry["pictures"]["shot"]["path"]).read_bytes() == shot_bytes(result)
    assert (entry["error"] is None) == (verdict != "broken")


def test_an_entry_says_all_there_is_about_a_result(tmp_path: Path) -> None:
    result = result_of("a", picture(25), picture(), timings={"load": 0.12345678})
    target = replace(result.target, masks=(MASK,), variant="dark", theme="dark", source="x = 'ü'")
    shot = result.shot and replace(result.shot, masks=((Box(1, 2, 3, 4),),))
    result = replace(result, target=target, key=target.key(ENVIRONMENT), shot=shot)
    result = replace(result, traits=(TraitChange("Button", "a", 1, None),), updated=True)
    result = replace(result, console=("boom",), blocked=("http://x",))
    (entry,) = finish(writer(tmp_path / "report"), result)["tests"]
    assert (entry["name"], entry["variant"], entry["source"]) == ("notebooks/x.ipynb::a[dark]", "dark", "x = 'ü'")
    assert entry["masks"] == [{"reason": "shows the time", "place": ".clock", "boxes": [[1, 2, 3, 4]]}]
    assert entry["traits"] == [{"widget": "Button", "trait": "a", "before": 1, "after": None}]
    assert (entry["console"], entry["blocked"], entry["updated"]) == (["boom"], ["http://x"], True)
    assert len(entry["metrics"].pop("change_group")) == 16
    assert entry["metrics"] == {
        "changed_pixels": 150, "changed_share": 0.2, "regions": [[0, 20, 30, 5]], "timings": {"load": 0.1235},
        "rule": "strict", "bands": [{"inserted": True, "y": 20, "at": 20, "height": 5}],
    }  # fmt: skip
    assert (entry["status"], entry["viewport"], entry["duration"]) == ("passed", [960, 720], 0.5)


def test_a_lone_surrogate_in_one_source_sinks_nothing(tmp_path: Path) -> None:
    first = result_called("match")
    poisoned = replace(first, target=replace(first.target, source="'\ud83d'"))
    assert len(finish(writer(tmp_path / "report"), poisoned, result_called("changed"))["tests"]) == 2


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
        writer(tmp_path)
    assert tree(tmp_path) == sorted(names)


def test_an_old_run_is_replaced_whole_beside_files_put_there_later(tmp_path: Path) -> None:
    finish(writer(tmp_path), result_called("changed"))
    (tmp_path / "decisions.json").touch()
    finish(writer(tmp_path), result_called("broken"))
    assert tree(tmp_path) == ["decisions.json", "run.json"]


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "report"):
        with pytest.raises(RecordError, match="can't be written"):
            writer(folder)


def test_a_vanished_folder_stops_no_judging(tmp_path: Path) -> None:
    made = writer(tmp_path / "report")
    made.add(result_called("match"))
    assert made.failure is None
    shutil.rmtree(tmp_path / "report")
    (tmp_path / "report").touch()
    made.add(result_called("changed"))
    made.finish(RunEnd(complete=True))
    assert str(tmp_path / "report") in str(made.failure)
    assert "--report" in str(made.failure)


FULL_DISK = """
import resource, sys
from pathlib import Path
from builders import result_called, result_of, picture
from run_folders import writer
from widgetshot.model import RunEnd
import numpy as np
made = writer(Path(sys.argv[1]))
made.add(result_called("match"))
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
made.add(result_of("large", np.random.default_rng(1).integers(0, 255, (60, 60, 4), dtype=np.uint8)))
made.add(result_called("changed"))
made.finish(RunEnd(complete=True))
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
    assert [test.verdict for test in run.tests][:1] == ["match"]
    assert not run.complete


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("over", [False, True])
def test_a_quarantine_makes_a_failure_no_failure_until_it_is_over(tmp_path: Path, verdict: str, over: bool) -> None:
    result = quarantined(verdict, over=over)
    expected = "passed" if verdict == "match" else "failed" if over else "quarantined"
    assert (result.status, result.passed) == (expected, verdict == "match")
    run = finish(writer(tmp_path / "report"), result)
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
    run = finish(writer(tmp_path / "report", repeat=20), result)
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
    (entry,) = finish(writer(tmp_path / "report"), result)["tests"]
    assert (entry["metrics"]["rule"], entry["renderer"]) == (rule, ["scale 1 → 2"])
    assert said in entry["tolerance"]
    assert said in failure_text(result, tmp_path)


def test_run_json_has_a_line_for_each_test(tmp_path: Path) -> None:
    finish(writer(tmp_path), result_of("a"), result_of("b"))
    lines = (tmp_path / "run.json").read_text(encoding="utf-8").splitlines()
    first = lines.index('"tests": [')
    assert [json.loads(line.rstrip(","))["shot"] for line in lines[first + 1 : first + 3]] == ["a", "b"]
    assert lines[first + 3 :] == ["]", "}"]


@pytest.mark.unmeasured
def test_what_is_larger_than_a_run_may_be_is_cut_when_it_is_written(tmp_path: Path) -> None:
    # Little more than may be: of boxes, and of a list.
    some, many = MAX_BOXES + 2_000, MAX_ITEMS + 2_000
    long = "x" * (MAX_TEXT + 10)
    result = result_of("large", changed_picture(), picture(), masks=(MASK,))
    assert result.shot is not None
    assert result.comparison is not None
    deep: Any = []
    for _ in range(500):
        deep = [deep]
    boxes = tuple(Box(-(10**7), 0, 10**7, 1) for _ in range(some))
    covered = tuple(Box(-5, n % 20, 10**7, 1) for n in range(some))
    traits = (
        TraitChange("W", "text", long, math.nan),
        TraitChange("W", "deep", deep, [0] * 200_000),
        *(TraitChange("W", "many", 1, 2) for _ in range(some)),
    )
    target = replace(result.target, source="'\ud83d'" + long, markers=("m" * 50_000,) * 3_000)
    result = replace(
        result,
        target=target,
        verdict=Verdict.UNSTABLE,
        shot=replace(result.shot, masks=(covered,), timings={f"stage {n}": 1e300 for n in range(5_000)}),
        comparison=replace(result.comparison, regions=boxes),
        sentence=long,
        traits=traits,
        fingerprint={"fonts": {str(n): math.inf for n in range(some)}, "x" * 50_000: 1},
        console=("x" * 50_000,) * 5_000,
        blocked=("x" * 50_000,) * 5_000,
        renderer=("x" * 50_000,) * 5_000,
        duration=math.inf,
    )
    failed = result_called("broken")
    failed = replace(failed, failure=Failure("E" * 50_000, long, "x" * 50_000))
    made = writer(tmp_path / "report")
    made.selected("x" * 50_000, 3, {f"n{n}": "x" * 20_000 for n in range(10)} | {"n" * 50_000: "x"})
    made.only_changed({}, {f"s{n}": "why" for n in range(many)}, "r" * 50_000)
    made.measured("t" * 50_000, "n" * 50_000, math.inf)
    made.add(result)
    made.add(failed)
    made.finish(
        RunEnd(
            complete=True,
            timings={"load": math.inf},
            notebooks={f"n{n}": TimeSpent(n) for n in range(many)},
            fingerprints={ENVIRONMENT: {"x": deep}},
            unused=list(map(str, range(many))),
            services={"s": ServiceUsage(math.inf, 1)},
        )
    )
    run = read_run(made.folder)
    assert [entry.verdict for entry in run.tests] == ["unstable", "broken"]
    entry = run.tests[0]
    assert len(entry.metrics.regions) == len(entry.masks[0].boxes) == len(entry.traits) == MAX_BOXES == 10_000
    assert entry.masks[0].boxes[1] == (0, 1, 30, 1)  # the part of it that lies in the picture
    assert (entry.metrics.regions[0].x, entry.metrics.regions[0].width) == (-1_000_000, 1_000_000)
    assert entry.source.startswith("'\ufffd'xxx")
    assert entry.source.endswith("x…")
    assert len(entry.sentence) == len(entry.source) == MAX_TEXT == 1_000_000
    assert entry.traits[0].after == "NaN"
    assert entry.traits[1].after == "(200,000 values)"
    assert MAX_ITEMS == 100_000
    assert (len(run.notebooks), run.notebooks[0].notebook) == (MAX_ITEMS, f"n{many - 1}")
