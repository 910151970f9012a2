"""Decisions -> baselines, and baselines that nothing declares."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from builders import ENVIRONMENT, LAYOUT, VERDICTS, notebook_json, picture, result_called
from widgetshot.baselines.store import Store
from widgetshot.declare.notebook import Defaults
from widgetshot.errors import BaselineError, ConfigError, RecordError, StaleDecision, WidgetshotError
from widgetshot.files import encode_png
from widgetshot.report.record import Recorder, shot_bytes
from widgetshot.review.approve import approve, prune, unused, unused_if_known

ACCEPTABLE = ("changed", "resized", "new")
RESULTS = {verdict: result_called(verdict) for verdict in VERDICTS}
OTHER = encode_png(picture(7), optimise=True)


def name(verdict: str) -> str:
    return RESULTS[verdict].target.nodeid


def path(folder: Path, verdict: str, end: str) -> Path:
    return folder / "pictures" / f"{RESULTS[verdict].key}.{end}"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "baselines")
    for result in RESULTS.values():
        if result.baseline is not None:
            made.write(result.key, result.baseline.data, {})
    return made


@pytest.fixture
def report(tmp_path: Path) -> Path:
    recorder = Recorder(tmp_path / "report", root=tmp_path, environment=ENVIRONMENT)
    for result in RESULTS.values():
        recorder.add(result)
    recorder.finish([], complete=True, timings={}, fingerprint={})
    return recorder.folder


def stored(store: Store) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in store.folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("verdict", ACCEPTABLE)
@pytest.mark.parametrize("by", ["name", "key"])
def test_approving_stores_the_exact_bytes_that_were_reviewed(report: Path, store: Store, verdict: str, by: str) -> None:
    before, result = stored(store), RESULTS[verdict]
    assert approve(report, store, [name(verdict) if by == "name" else result.key]) == [result.key]
    baseline = store.read(result.key)
    assert baseline is not None
    assert baseline.data == path(report, verdict, "shot.png").read_bytes() == shot_bytes(result)
    assert (baseline.widgets, baseline.fingerprint) == ({"widget": "Button"}, {"browser": "1"})
    assert baseline.layout == LAYOUT
    assert {file: data for file, data in stored(store).items() if result.key not in file} == {
        file: data for file, data in before.items() if result.key not in file
    }


def test_approving_everything_takes_what_is_acceptable_and_twice_is_once(report: Path, store: Store) -> None:
    keys = {RESULTS[verdict].key for verdict in ACCEPTABLE}
    assert set(approve(report, store, everything=True)) == keys
    after = stored(store)
    approve(report, store, everything=True)
    approve(report, store, [name("new"), name("new")])
    assert stored(store) == after
    assert store.keys() == keys | {RESULTS["match"].key}


@pytest.mark.parametrize(
    ("verdict", "why"), [("match", "matches"), ("broken", "can be trusted"), ("unstable", "never came to rest")]
)
def test_what_cannot_be_accepted_is_refused(report: Path, store: Store, verdict: str, why: str) -> None:
    before = stored(store)
    with pytest.raises(ConfigError, match=why) as caught:
        approve(report, store, [name("new"), name(verdict)])
    assert caught.value.where == name(verdict)
    assert stored(store) == before


def test_an_unknown_name_gets_the_nearest(report: Path, store: Store) -> None:
    with pytest.raises(ConfigError, match=r"did you mean 'notebooks/x.ipynb::changed'\?"):
        approve(report, store, ["notebooks/x.ipynb::chnged"])


Event = Callable[[str, Path, Store], object]
EVENTS: dict[str, Event] = {
    "tampered": lambda verdict, report, store: path(report, verdict, "shot.png").write_bytes(OTHER),
    "picture gone": lambda verdict, report, store: path(report, verdict, "shot.png").unlink(),
    "sidecar damaged": lambda verdict, report, store: path(report, verdict, "shot.json").write_text("{"),
    "sidecar no mapping": lambda verdict, report, store: path(report, verdict, "shot.json").write_text("[5]"),
    "baseline changed": lambda verdict, report, store: store.write(RESULTS[verdict].key, OTHER, {}),
    "baseline gone": lambda verdict, report, store: store.remove([RESULTS[verdict].key]),
    "baseline a folder": lambda verdict, report, store: (store.folder / f"{RESULTS[verdict].key}.png").mkdir(),
    "sidecar a folder": lambda verdict, report, store: (store.folder / f"{RESULTS[verdict].key}.json").mkdir(),
}


@pytest.mark.parametrize(
    ("verdict", "event", "error"),
    [
        ("new", "tampered", StaleDecision),
        ("resized", "tampered", StaleDecision),
        ("new", "picture gone", RecordError),
        ("new", "sidecar damaged", RecordError),
        ("new", "baseline changed", StaleDecision),
        ("resized", "baseline changed", StaleDecision),
        ("resized", "baseline gone", StaleDecision),
        pytest.param("new", "sidecar no mapping", StaleDecision),
        pytest.param("new", "baseline a folder", BaselineError),
        pytest.param("new", "sidecar a folder", BaselineError),
    ],
)
def test_one_refusal_approves_nothing(
    report: Path, store: Store, verdict: str, event: str, error: type[WidgetshotError]
) -> None:
    EVENTS[event](verdict, report, store)
    before = stored(store)
    with pytest.raises(error):
        approve(report, store, [name("changed"), name(verdict)])
    assert stored(store) == before


def test_several_refusals_are_told_together(report: Path, store: Store) -> None:
    for verdict in ("new", "resized"):
        EVENTS["tampered"](verdict, report, store)
    with pytest.raises(StaleDecision, match="nothing was approved") as caught:
        approve(report, store, everything=True)
    assert all(name(verdict) in str(caught.value) for verdict in ("new", "resized"))


def test_a_baseline_that_became_the_shot_meanwhile_is_no_conflict(report: Path, store: Store) -> None:
    store.write(RESULTS["changed"].key, shot_bytes(RESULTS["changed"]), {})
    assert approve(report, store, [name("changed")]) == [RESULTS["changed"].key]


def test_a_hostile_run_writes_nothing_outside_the_store(report: Path, store: Store, tmp_path: Path) -> None:
    run = json.loads((report / "run.json").read_text())
    (entry,) = [test for test in run["tests"] if test["verdict"] == "new"]
    side = path(report, "new", "shot.json")
    entry["key"] = f"{ENVIRONMENT}/../../evil"
    side.rename(report / "pictures" / ENVIRONMENT / "../../evil.shot.json")
    (report / "run.json").write_text(json.dumps(run))
    with pytest.raises(RecordError, match="outside of the folder"):
        approve(report, store, [name("new")])
    assert not list(tmp_path.glob("evil*"))


def test_a_folder_without_a_run_cannot_be_approved(store: Store, tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="no readable run"):
        approve(tmp_path, store, everything=True)


TEST_FILE = """
def test_y(): ...
async def test_async(): ...
class TestA:
    def test_in_class(self): ...
"""


@pytest.mark.parametrize(
    ("key", "is_unused"),
    [
        ("e/notebooks/x/a", False),
        ("other-environment/notebooks/x/a", False),
        ("e/notebooks/x/a[dark]", True),
        ("e/notebooks/x/b", True),
        ("e/notebooks/gone/a", True),
        ("stray", True),
        ("e/tests/test_x.py/test_y/name", False),
        ("e/tests/test_x.py/test_y[chromium-1.5]/name", False),
        ("e/tests/test_x.py/test_async/name", False),
        ("e/tests/test_x.py/test_gone/name", True),
        ("e/tests/test_gone.py/test_y/name", True),
        ("e/tests/test_broken.py/test_y/name", True),
        # The fixture writes a method's baselines under `Class.method`.
        pytest.param("e/tests/test_x.py/TestA.test_in_class/name", False),
    ],
)
def test_unused_is_what_no_notebook_and_no_python_test_declares(
    store: Store, tmp_path: Path, key: str, is_unused: bool
) -> None:
    empty = Store(tmp_path / "own")
    empty.write(key, OTHER, {})
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_x.py").write_text(TEST_FILE)
    (tmp_path / "tests" / "test_broken.py").write_text("def test_y(:")
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "x.ipynb").write_text(notebook_json("#| shot: a\n1"))
    found = unused(empty, tmp_path, Defaults())
    assert found == ([key] if is_unused else [])
    prune(empty, found)
    assert empty.keys() == (set() if is_unused else {key})


def test_unreadable_notebook_makes_unused_unknown_and_sinks_no_run(tmp_path: Path) -> None:
    store = Store(tmp_path / "own")
    store.write("e/notebooks/x/a", OTHER, {})
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "x.ipynb").write_text('{"cells": [')
    with pytest.raises(WidgetshotError, match="not a valid notebook"):
        unused(store, tmp_path, Defaults())
    assert unused_if_known(store, tmp_path, Defaults()) is None


def test_pruning_what_cannot_be_removed_is_told(store: Store) -> None:
    (store.folder / "e" / "x.png").mkdir(parents=True)
    with pytest.raises(BaselineError, match="can't be removed"):
        prune(store, ["e/x"])
