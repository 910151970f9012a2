"""What took how long in an earlier run, from its run.json and from the history."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from builders import ENVIRONMENT, result_called
from run_folders import finish, writer
from widgetshot.errors import ConfigError, RecordError
from widgetshot.model import Result, RunEnd, ServiceUsage, Target
from widgetshot.project.loading import load_settings
from widgetshot.report.history import History
from widgetshot.selection.durations import HISTORY, read_dealing, read_durations
from widgetshot.selection.shards import Dealing, Durations, Shard

FLAGS = {"shard": "--shard", "durations": "--durations"}


def result(notebook: str, shot: str, variant: str, seconds: float, frontend: str = "page") -> Result:
    target = Target(notebook, shot, "c0", 0, variant=variant, frontend=frontend)
    key = target.key(ENVIRONMENT.replace("page", frontend))
    return replace(result_called("match"), target=target, key=key, duration=seconds)


RESULTS = (
    result("notebooks/x.ipynb", "a", "", 1.5),
    result("notebooks/x.ipynb", "b", "", 0.25),
    result("notebooks/x.ipynb", "a", "dark", 3.0),
    # In another front end it is another session.
    result("notebooks/x.ipynb", "a", "dark", 5.0, "lab"),
    result("tests/test_x.py/test_y", "a", "", 1.0),
    result("tests/test_x.py/test_y", "b", "dark", 1.0),
    # Of which nothing was measured.
    result("tests/test_x.py/test_z", "a", "", 0.0),
)
SESSIONS = {
    ("notebooks/x.ipynb", ""): 1.75,
    ("notebooks/x.ipynb", "dark"): 3.0,
    ("notebooks/x.ipynb", "lab,dark"): 5.0,
    ("tests/test_x.py/test_y", ""): 2.0,
}


def read(root: Path, source: str) -> Durations:
    return read_durations(load_settings(root), source, root)


@pytest.mark.parametrize("source", ["report", "report/run.json", "copy.json"])
def test_sessions_take_what_their_pictures_took(tmp_path: Path, source: str) -> None:
    made = writer(tmp_path / "report")
    made.selected("", 0, {"notebooks/skipped.ipynb": "why"})
    for one in RESULTS:
        made.add(one)
    made.finish(RunEnd(complete=True, order=[], timings={}, services={"db": ServiceUsage(seconds=6, instances=2)}))
    (tmp_path / "copy.json").write_bytes((tmp_path / "report/run.json").read_bytes())
    assert read(tmp_path, source) == Durations(SESSIONS, {"db": 3.0}, skipped=frozenset({"notebooks/skipped.ipynb"}))


def test_a_run_of_another_version_does_as_well(tmp_path: Path) -> None:
    test = {"key": f"{ENVIRONMENT}/n/a", "notebook": "n.ipynb", "variant": "", "duration": 2, "mood": "good"}
    (tmp_path / "old.json").write_text(json.dumps({"format": 0, "tests": [test]}))
    assert read(tmp_path, "old.json") == Durations({("n.ipynb", ""): 2.0}, skipped=frozenset())
    (tmp_path / "odd.json").write_text(json.dumps({"tests": [test | {"duration": -1}]}))
    with pytest.raises(RecordError, match=r"odd\.json: tests\[0\]\.duration"):
        read(tmp_path, "odd.json")


def test_the_history_knows_the_last_run_of_each_in_this_environment(tmp_path: Path) -> None:
    for number, factor in enumerate((10, 1)):
        folder = tmp_path / f"report-{number}"
        made = writer(folder, history=History(tmp_path))
        finish(made, *(replace(one, duration=one.duration * factor) for one in RESULTS))
    elsewhere = writer(tmp_path / "other", environment="page-firefox-linux", history=History(tmp_path))
    finish(elsewhere, *(replace(one, key=one.key.replace("chromium", "firefox"), duration=99) for one in RESULTS))
    assert read(tmp_path, HISTORY) == Durations(SESSIONS)


def test_without_a_history_all_take_as_long(tmp_path: Path) -> None:
    assert read(tmp_path, HISTORY) == Durations()


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file") as caught:
        read(tmp_path, "absent")
    assert "history" in caught.value.next_step
    (tmp_path / "odd.json").write_text("[1]")
    with pytest.raises(RecordError, match=r"odd\.json"):
        read(tmp_path, "odd.json")


@pytest.mark.parametrize(
    ("shard", "durations", "says"),
    [
        # As of a variable that is not set.
        ("", None, r"^--shard: must be NUMBER/COUNT, as in 2/5, not ''$"),
        ("1/2", "", r"^--durations: no such file: "),
        ("2", None, r"^--shard: must be NUMBER/COUNT, as in 2/5, not '2'$"),
        ("3/2", None, r"^--shard: must be one of 1/2 to 2/2, "),
        (None, "x", r"^--durations: says how shards are dealt, and no shard is asked for\n  next: add --shard=1/2"),
        ("1/2", "x", r"^--durations: no such file: .*/x\n  next: name a run folder, its run.json, or: history$"),
    ],
)
def test_flags_that_make_no_sense_are_refused_by_their_names(
    tmp_path: Path, shard: str | None, durations: str | None, says: str
) -> None:
    settings = load_settings(tmp_path)
    with pytest.raises(ConfigError, match=says):
        read_dealing(settings, shard, durations, tmp_path, FLAGS)


def test_who_asks_for_no_shard_gets_all(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    assert read_dealing(settings, None, None, tmp_path, FLAGS) is None
    assert read_dealing(settings, "2/3", None, tmp_path, FLAGS) == Dealing(Shard(2, 3))
