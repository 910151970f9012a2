"""Disks that are full or read-only, a clock that was set back, and more widgets than any page can show."""

import ast
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from projects import Project, button_cell, small_disk
from widgetshot.files import LOCAL_FOLDER

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


def test_full_and_read_only_disks_of_baselines_are_exit_2_and_nothing_is_half_written(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", button_cell())
    project.notebook("notebooks/b.ipynb", NOISE)
    baselines = project.root / "baselines"
    baselines.mkdir()
    with small_disk(baselines, "100k"):
        full = project.widgetshot("run", "--update-baselines", "--jobs", "1")
        assert full.returncode == 2, full.stdout + full.stderr
        assert "No space left on device" in full.stdout + full.stderr
        assert "Traceback" not in full.stdout + full.stderr
        assert "a.ipynb::button: baseline written" in full.stdout
        # Of the other one neither picture nor sidecar, and nothing temporary.
        assert sorted(file.name for file in baselines.rglob("*") if file.is_file()) == ["button.json", "button.png"]
        kept = project.files("baselines")
        with read_only(baselines):
            project.notebook("notebooks/a.ipynb", button_cell(style="danger"))
            locked = project.widgetshot("run", "--update-baselines", "notebooks/a.ipynb")
            assert locked.returncode == 2, locked.stdout + locked.stderr
            assert "Read-only file system" in locked.stdout + locked.stderr
            assert "Traceback" not in locked.stdout + locked.stderr
            assert project.widgetshot("run", "notebooks/a.ipynb").returncode == 1
            approved = project.widgetshot("approve", "--all")
            assert approved.returncode == 2, approved.stdout + approved.stderr
            assert "Read-only file system" in approved.stdout + approved.stderr
            assert "Traceback" not in approved.stderr
            # Who only compares needs no right to write there.
            project.notebook("notebooks/a.ipynb", button_cell())
            assert project.widgetshot("run", "notebooks/a.ipynb").returncode == 0
        assert project.files("baselines") == kept


def test_clock_that_was_set_back_between_runs_changes_no_verdict(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", button_cell())
    assert project.widgetshot("run", "--update-baselines").returncode == 0
    # What the run noted is now of a year that has not come yet.
    file = project.root / LOCAL_FOLDER / "history.json"
    history = json.loads(file.read_text(encoding="utf-8"))
    ((key, (stretch,)),) = history["targets"].items()
    for place in (2, 3):
        stretch[place] = (datetime.fromisoformat(stretch[place]) + timedelta(days=400)).isoformat()
    file.write_text(json.dumps(history), encoding="utf-8")
    done = project.widgetshot("run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "damaged" not in done.stdout + done.stderr
    entry = project.entry("notebooks/a.ipynb::button")
    assert (entry["verdict"], entry["flaky"]) == ("match", False)
    assert entry["key"] == key
    assert 0 < entry["duration"] < 60
    # The run folder is as good as any other.
    assert project.widgetshot("merge", "widgetshot-report", "-o", "merged").returncode == 0


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
