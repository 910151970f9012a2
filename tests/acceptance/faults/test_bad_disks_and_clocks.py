"""Disks that are full or read-only, a clock that was set back, and more widgets than any page can show."""

import ast
import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from projects import Project, button_cell, small_disk
from widgetshot.files import LOCAL_FOLDER

Done = subprocess.CompletedProcess[str]
SRC = Path(__file__).parents[3] / "src"
# A picture that compresses badly, so that a small disk has no room for it.
NOISE = (
    "#| shot: noise\nimport base64, io, numpy\nfrom PIL import Image\nfrom IPython.display import HTML\n"
    "pixels = numpy.random.default_rng(1).integers(0, 255, (300, 300, 3), dtype='uint8')\nfile = io.BytesIO()\n"
    "Image.fromarray(pixels).save(file, 'PNG')\n"
    "HTML(f'<img src=\"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}\">')"
)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nobody write to a disk, not even root."""
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)


class Runs(NamedTuple):
    """Runs in one project, whose baselines lie on a small disk where one can be had.

    Attributes:
        small: whether they do.
        full: writes a baseline, and finds no room for another one.
        written: the files of the disk after it.
        locked: would write a changed baseline, but nobody may write there any more.
        compared: finds that change and no other; what was noted of the other shot is of a year that has not come yet.
        key: of that other shot.
        approved: the command that approves the change.
        kept: the files of the disk in the end.
    """

    project: Project
    small: bool
    full: Done
    written: dict[str, bytes]
    locked: Done
    compared: Done
    key: str
    approved: Done
    kept: dict[str, bytes]


@pytest.fixture(scope="module")
def runs(shared_project: Project) -> Runs:
    project = shared_project
    project.notebook("notebooks/a.ipynb", button_cell())
    project.notebook("notebooks/b.ipynb", button_cell("#| shot: same"))
    project.notebook("notebooks/c.ipynb", NOISE)
    baselines = project.root / "baselines"
    baselines.mkdir()
    with ExitStack() as disks:
        try:
            disks.enter_context(small_disk(baselines, "100k"))
            small = True
        except pytest.skip.Exception:
            small = False
        full = project.widgetshot("run", "--update-baselines", "--jobs", "1")
        written = project.files("baselines")
        with read_only(baselines) if small else nullcontext():
            project.notebook("notebooks/a.ipynb", button_cell(style="danger"))
            words = ("--update-baselines",) if small else ()
            locked = project.widgetshot("run", *words, "notebooks/a.ipynb")
            key = noted_ahead(project, "same")
            compared = project.widgetshot("run", "notebooks/a.ipynb", "notebooks/b.ipynb")
            approved = project.widgetshot("approve", "--all")
        return Runs(project, small, full, written, locked, compared, key, approved, project.files("baselines"))


def noted_ahead(project: Project, shot: str) -> str:
    """Let what was noted of a shot be of a year that has not come yet; the key of that shot."""
    file = project.root / LOCAL_FOLDER / "history.json"
    history = json.loads(file.read_text(encoding="utf-8"))
    ((key, stretches),) = [(key, past) for key, past in history["targets"].items() if key.endswith(f"/{shot}")]
    for stretch in stretches:
        for place in (2, 3):
            stretch[place] = (datetime.fromisoformat(stretch[place]) + timedelta(days=400)).isoformat()
    file.write_text(json.dumps(history), encoding="utf-8")
    return str(key)


def test_full_and_read_only_disks_of_baselines_are_exit_2_and_nothing_is_half_written(runs: Runs) -> None:
    if not runs.small:
        pytest.skip("only root may mount a small disk")
    refused = {"No space left on device": [runs.full], "Read-only file system": [runs.locked, runs.approved]}
    for why, commands in refused.items():
        for done in commands:
            assert done.returncode == 2, done.stdout + done.stderr
            assert why in done.stdout + done.stderr
            assert "Traceback" not in done.stdout + done.stderr
    assert "a.ipynb::button: baseline written" in runs.full.stdout
    # Of the last one neither picture nor sidecar, and nothing temporary.
    written = [Path(name) for name in runs.written]
    assert sorted(path.name for path in written if path.parent.name != "sheets") == [
        "button.json",
        "button.png",
        "same.json",
        "same.png",
    ]
    # Who only compares needs no right to write there.
    assert runs.compared.returncode == 1, runs.compared.stdout + runs.compared.stderr
    assert list(runs.project.verdicts().values()) == ["changed", "match"]
    assert runs.kept == runs.written


def test_clock_that_was_set_back_between_runs_changes_no_verdict(runs: Runs) -> None:
    # The other notebook has changed.
    assert runs.compared.returncode == 1, runs.compared.stdout + runs.compared.stderr
    assert "damaged" not in runs.compared.stdout + runs.compared.stderr
    entry = runs.project.entry("notebooks/b.ipynb::same")
    assert (entry["verdict"], entry["status"], entry["flaky"]) == ("match", "passed", False)
    assert entry["key"] == runs.key
    assert 0 < entry["duration"] < 60
    # The run folder is as good as any other.
    assert runs.project.widgetshot("merge", "widgetshot-report", "-o", "merged").returncode == 0


def test_no_time_span_is_measured_with_a_clock_that_can_be_set() -> None:
    """What tells the time of day is called nowhere but where a date is noted."""
    found = []
    for file in sorted(SRC.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.time", "time", "time.time_ns"):
                found.append(f"{file.relative_to(SRC)}:{node.lineno}")
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and "now(" in ast.unparse(node):
                found.append(f"{file.relative_to(SRC)}:{node.lineno}")
    assert found == []


@pytest.mark.expensive
def test_100000_widgets_are_bounded_and_named(project: Project) -> None:
    project.notebook(
        "notebooks/many.ipynb",
        "#| widgetshot: {timeout: 20}\n#| shot: s\nimport ipywidgets\n"
        "ipywidgets.VBox([ipywidgets.Label(str(number)) for number in range(100_000)])",
    )
    project.notebook("notebooks/few.ipynb", button_cell())
    done = project.widgetshot("run", "--jobs", "1", timeout=200)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    entry = project.entry("notebooks/many.ipynb::s")
    assert entry["verdict"] == "broken"
    assert "not finished after 20 s" in entry["error"]["message"]
    assert project.entry("notebooks/few.ipynb::button")["verdict"] == "new"
