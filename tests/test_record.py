"""Results <-> Run folder."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builders import ENVIRONMENT, MASK, VERDICTS, picture, result_called, result_of
from widgetshot.errors import ConfigError, RecordError
from widgetshot.files import read_png, sha256
from widgetshot.model import Box, Result, TraitChange
from widgetshot.record import Recorder, failure_text, merge, read_run, shot_bytes

DOCS = Path(__file__).parents[1] / "docs" / "reference" / "run-folder.md"


def recorder(folder: Path) -> Recorder:
    return Recorder(folder, root=folder.parent, environment=ENVIRONMENT)


def finish(made: Recorder, *results: Result, unused: list[str] | None = None) -> dict[str, Any]:
    for result in results:
        made.add(result)
    order = [result.key for result in results]
    made.finish(order, complete=True, timings={"load": 0.5}, fingerprint={"browser": "1"}, unused=unused)
    return read_run(made.folder)


@pytest.fixture
def run(tmp_path: Path) -> dict[str, Any]:
    return finish(recorder(tmp_path / "report"), *map(result_called, VERDICTS), unused=["b", "a"])


def test_a_finished_run_is_read_as_it_was_recorded(run: dict[str, Any], tmp_path: Path) -> None:
    assert run["summary"]["verdicts"] == dict.fromkeys(VERDICTS, 1)
    assert {key: run["summary"][key] for key in ("total", "passed", "failed", "updated")} == {
        "total": 6, "passed": 1, "failed": 5, "updated": 0,
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
    assert set(run if title == "run.json" else run["tests"][0]) == documented(title)


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
    assert entry["metrics"] == {
        "changed_pixels": 150, "changed_share": 0.2, "regions": [[0, 20, 30, 5]], "timings": {"load": 0.1235},
    }  # fmt: skip
    assert (entry["status"], entry["viewport"], entry["duration"]) == ("passed", [960, 720], 0.5)


def killed(folder: Path, cut: int = 0) -> Path:
    """A run that ended without `finish`, in the middle of a line when `cut` bytes of it are missing."""
    made = recorder(folder)
    made.add(result_called("match"))
    made.add(replace(result_called("changed"), sentence="1 → 2"))
    journal = folder / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[: -cut or None])
    return folder


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


def tree(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


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
from test_record import recorder
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


def edited(folder: Path, **fields: Any) -> Path:
    run = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(run | fields))
    return folder


@pytest.mark.parametrize(
    "fields",
    [
        {"project": "other"},
        {"format": 2},
        pytest.param(
            {"environment": {"name": "page-firefox-linux", "fingerprint": {}}},
        ),
    ],
)
def test_runs_that_do_not_belong_together_are_not_merged(tmp_path: Path, fields: dict[str, Any]) -> None:
    one, two = two_runs(tmp_path)
    with pytest.raises(RecordError, match="two"):
        merge([one, edited(two, **fields)], tmp_path / "all")


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
