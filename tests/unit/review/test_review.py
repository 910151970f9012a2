"""Decisions -> baselines, and baselines that nothing declares."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from builders import ENVIRONMENT, LAYOUT, VERDICTS, notebook_json, picture, result_called
from stores import by_digest, files_of, folder_of, in_folder, picture_file, sidecar_file
from widgetshot.baselines.access import Baselines
from widgetshot.baselines.candidate import shot_bytes
from widgetshot.declare.defaults import Defaults
from widgetshot.errors import BaselineError, ConfigError, RecordError, StaleDecision, WidgetshotError
from widgetshot.files import encode_png
from widgetshot.model import RunEnd
from widgetshot.report.writer import RunWriter
from widgetshot.review.approve import approve
from widgetshot.selection.unused import unused, unused_if_known

ACCEPTABLE = ("changed", "resized", "new")
RESULTS = {verdict: result_called(verdict) for verdict in VERDICTS}
OTHER = encode_png(picture(7), optimise=True)


def name(verdict: str) -> str:
    return RESULTS[verdict].target.nodeid


def before_of(verdict: str) -> bytes:
    baseline = RESULTS[verdict].baseline
    assert baseline is not None
    return baseline.data


def path(folder: Path, verdict: str, end: str) -> Path:
    return folder / "pictures" / f"{RESULTS[verdict].key}.{end}"


@pytest.fixture(params=[in_folder, by_digest])
def baselines(request: pytest.FixtureRequest, tmp_path: Path) -> Baselines:
    made: Baselines = request.param(tmp_path / "baselines")
    for result in RESULTS.values():
        if result.baseline is not None:
            made.write(result.key, result.baseline.data)
    return made


@pytest.fixture
def report(tmp_path: Path) -> Path:
    writer = RunWriter(tmp_path / "report", root=tmp_path, environment=ENVIRONMENT)
    for result in RESULTS.values():
        writer.add(result)
    writer.finish(RunEnd(complete=True))
    return writer.folder


@pytest.mark.parametrize("verdict", ACCEPTABLE)
@pytest.mark.parametrize("by", ["name", "key"])
def test_approving_stores_the_exact_bytes_that_were_reviewed(
    report: Path, baselines: Baselines, verdict: str, by: str
) -> None:
    before, result = files_of(baselines), RESULTS[verdict]
    assert approve(report, baselines, [name(verdict) if by == "name" else result.key]) == [result.key]
    baseline = baselines.read(result.key)
    assert baseline is not None
    assert baseline.data == path(report, verdict, "shot.png").read_bytes() == shot_bytes(result)
    assert (baseline.widgets, baseline.fingerprint) == ({"widget": "Button"}, {"browser": "1"})
    assert baseline.layout == LAYOUT
    assert {file: data for file, data in files_of(baselines).items() if result.key not in file} == {
        file: data for file, data in before.items() if result.key not in file
    }


def test_approving_everything_takes_what_is_acceptable_and_twice_is_once(report: Path, baselines: Baselines) -> None:
    keys = {RESULTS[verdict].key for verdict in ACCEPTABLE}
    assert set(approve(report, baselines, everything=True)) == keys
    after = files_of(baselines)
    approve(report, baselines, everything=True)
    approve(report, baselines, [name("new"), name("new")])
    assert files_of(baselines) == after
    assert baselines.keys() == keys | {RESULTS["match"].key}


@pytest.mark.parametrize(
    ("verdict", "why"), [("match", "matches"), ("broken", "can be trusted"), ("unstable", "never came to rest")]
)
def test_what_cannot_be_accepted_is_refused(report: Path, baselines: Baselines, verdict: str, why: str) -> None:
    before = files_of(baselines)
    with pytest.raises(ConfigError, match=why) as caught:
        approve(report, baselines, [name("new"), name(verdict)])
    assert caught.value.where == name(verdict)
    assert files_of(baselines) == before


def test_an_unknown_name_gets_the_nearest(report: Path, baselines: Baselines) -> None:
    with pytest.raises(ConfigError, match=r"did you mean 'notebooks/x.ipynb::changed'\?"):
        approve(report, baselines, ["notebooks/x.ipynb::chnged"])


Event = Callable[[str, Path, Baselines], object]
EVENTS: dict[str, Event] = {
    "tampered": lambda verdict, report, baselines: path(report, verdict, "shot.png").write_bytes(OTHER),
    "picture gone": lambda verdict, report, baselines: path(report, verdict, "shot.png").unlink(),
    "sidecar damaged": lambda verdict, report, baselines: path(report, verdict, "shot.json").write_text("{"),
    "sidecar no mapping": lambda verdict, report, baselines: path(report, verdict, "shot.json").write_text("[5]"),
    "baseline changed": lambda verdict, report, baselines: baselines.write(RESULTS[verdict].key, OTHER),
    "baseline gone": lambda verdict, report, baselines: baselines.remove([RESULTS[verdict].key]),
}


@pytest.mark.parametrize(
    ("verdict", "event", "error"),
    [
        ("new", "tampered", StaleDecision),
        ("resized", "tampered", StaleDecision),
        ("new", "picture gone", RecordError),
        ("new", "sidecar damaged", StaleDecision),
        ("new", "baseline changed", StaleDecision),
        ("resized", "baseline changed", StaleDecision),
        ("resized", "baseline gone", StaleDecision),
        pytest.param("new", "sidecar no mapping", StaleDecision),
    ],
)
def test_one_refusal_approves_nothing(
    report: Path, baselines: Baselines, verdict: str, event: str, error: type[WidgetshotError]
) -> None:
    EVENTS[event](verdict, report, baselines)
    before = files_of(baselines)
    with pytest.raises(error):
        approve(report, baselines, [name("changed"), name(verdict)])
    assert files_of(baselines) == before


@pytest.mark.parametrize("file", [picture_file, sidecar_file])
def test_a_folder_in_place_of_a_file_approves_nothing(
    report: Path, tmp_path: Path, file: Callable[[Baselines, str], Path]
) -> None:
    baselines = in_folder(tmp_path / "own")
    for verdict in ("changed", "resized", "match"):
        baselines.write(RESULTS[verdict].key, before_of(verdict))
    file(baselines, RESULTS["new"].key).mkdir()
    before = files_of(baselines)
    with pytest.raises(BaselineError):
        approve(report, baselines, [name("changed"), name("new")])
    assert files_of(baselines) == before


def test_several_refusals_are_reported_together(report: Path, baselines: Baselines) -> None:
    for verdict in ("new", "resized"):
        EVENTS["tampered"](verdict, report, baselines)
    with pytest.raises(StaleDecision, match="nothing was approved") as caught:
        approve(report, baselines, everything=True)
    assert all(name(verdict) in str(caught.value) for verdict in ("new", "resized"))


def test_a_baseline_that_became_the_shot_meanwhile_is_no_conflict(report: Path, baselines: Baselines) -> None:
    baselines.write(RESULTS["changed"].key, shot_bytes(RESULTS["changed"]))
    assert approve(report, baselines, [name("changed")]) == [RESULTS["changed"].key]


def test_a_hostile_run_writes_nothing_outside_the_store(report: Path, baselines: Baselines, tmp_path: Path) -> None:
    run = json.loads((report / "run.json").read_text())
    (entry,) = [test for test in run["tests"] if test["verdict"] == "new"]
    side = path(report, "new", "shot.json")
    entry["key"] = f"{ENVIRONMENT}/../../evil"
    side.rename(report / "pictures" / ENVIRONMENT / "../../evil.shot.json")
    (report / "run.json").write_text(json.dumps(run))
    with pytest.raises(RecordError, match=r"tests\[\d\]\.key: expected"):
        approve(report, baselines, [name("new")])
    assert not list(tmp_path.glob("evil*"))


def test_a_folder_without_a_run_cannot_be_approved(baselines: Baselines, tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="no readable run"):
        approve(tmp_path, baselines, everything=True)


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
        ("page-chromium-linux/notebooks/x/a", False),
        # Which is not shown in that front end.
        ("lab-chromium-linux/notebooks/x/a", True),
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
@pytest.mark.parametrize("kind", [in_folder, by_digest])
def test_unused_is_what_no_notebook_and_no_python_test_declares(
    kind: Callable[[Path], Baselines], tmp_path: Path, key: str, is_unused: bool
) -> None:
    empty = kind(tmp_path / "own")
    empty.write(key, OTHER)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_x.py").write_text(TEST_FILE)
    (tmp_path / "tests" / "test_broken.py").write_text("def test_y(:")
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "x.ipynb").write_text(notebook_json("#| shot: a\n1"))
    found = unused(empty.keys(), tmp_path, Defaults())
    assert found == ([key] if is_unused else [])
    empty.remove(found)
    assert empty.keys() == (set() if is_unused else {key})


def test_unreadable_notebook_makes_unused_unknown_and_sinks_no_run(tmp_path: Path) -> None:
    baselines = in_folder(tmp_path / "own")
    baselines.write("e/notebooks/x/a", OTHER)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "x.ipynb").write_text('{"cells": [')
    with pytest.raises(WidgetshotError, match="not a valid notebook"):
        unused(baselines.keys(), tmp_path, Defaults())
    assert unused_if_known(baselines.keys(), tmp_path, Defaults()) is None


def test_pruning_what_cannot_be_removed_is_reported(tmp_path: Path) -> None:
    baselines = in_folder(tmp_path / "own")
    (folder_of(baselines) / "e" / "x.png").mkdir(parents=True)
    with pytest.raises(BaselineError, match="can't be removed"):
        baselines.remove(["e/x"])
