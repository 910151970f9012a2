"""A whole run through another executor, and into another sink besides the run folder."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from projects import Project, button_cell

OURS = Path(__file__).parents[2]
OURS_TOO = "notebooks/anywidget_counter.ipynb"
RUN = """
import sys
from pathlib import Path
from executors import ProcessExecutor
from sinks import LineSink
from widgetshot.project.loading import load_settings
from widgetshot.run.app import run_notebooks
from widgetshot.run.plan import RunRequest
settings = load_settings(Path.cwd(), {"report": Path.cwd() / sys.argv[1]})
executor = ProcessExecutor(settings) if sys.argv[1] == "processes" else None
with open(f"{sys.argv[1]}.jsonl", "w") as stream:
    with run_notebooks(settings, RunRequest(), executor=executor, sinks=[LineSink(stream)]) as running:
        for result in running.results():
            pass
sys.exit(running.outcome.exit_code)
"""


@pytest.fixture(scope="module")
def codes(shared_project: Project) -> dict[str, int]:
    """The exit codes of the same run by both executors: of our own notebooks, and of some that fail."""
    project = shared_project
    notebook = nbformat.read(OURS / OURS_TOO, as_version=4)
    # In our own page: what the scripts of others log names addresses.
    for cell in notebook.cells:
        cell.source = cell.source.replace("#|   frontend: [page, lab, voila]\n", "")
    notebook.cells.append(nbformat.v4.new_code_cell(button_cell(), id="new"))
    project.write(OURS_TOO, nbformat.writes(notebook))
    shutil.copytree(OURS / "baselines", project.root / "baselines")
    project.notebook("notebooks/others/raises.ipynb", "#| shot: first\nprint(1)", "#| shot: second\n1 / 0")
    project.write("notebooks/others/cut.ipynb", '{"cells": [')
    found = {}
    for executor in ("local", "processes"):
        paths = os.pathsep.join(filter(None, [str(OURS / "tests"), os.environ.get("PYTHONPATH")]))
        done = project.command(sys.executable, "-c", RUN, executor, environment={"PYTHONPATH": paths})
        assert "Traceback" not in done.stderr, done.stderr
        found[executor] = done.returncode
    return found


def judgement(test: dict[str, Any]) -> dict[str, Any]:
    """A result without what is of the moment."""
    rest = {name: value for name, value in test.items() if name not in ("duration", "history", "flaky", "trace")}
    return rest | {"metrics": {name: value for name, value in test["metrics"].items() if name != "timings"}}


def test_both_executors_come_to_the_same_run_folder(shared_project: Project, codes: dict[str, int]) -> None:
    assert codes == {"local": 1, "processes": 1}
    local, processes = (shared_project.report(executor) for executor in codes)
    assert [judgement(test) for test in processes["tests"]] == [judgement(test) for test in local["tests"]]
    assert processes["summary"]["verdicts"] == local["summary"]["verdicts"]
    # In each theme the same shots, of which one is new.
    others = {"new": 2, "broken": 3}
    assert local["summary"]["verdicts"].items() >= {**others, "match": len(local["tests"]) - 5}.items()
    assert local["summary"]["verdicts"]["match"] >= 2
    for part in ("complete", "environment", "unused", "skipped", "services"):
        assert processes[part] == local[part]
    assert processes["timings"].keys() == local["timings"].keys()
    assert {one["notebook"]: one["timings"].keys() for one in processes["notebooks"]} == {
        one["notebook"]: one["timings"].keys() for one in local["notebooks"]
    }
    of_the_moment = ".trace.json"
    pictures = [shared_project.files(f"{executor}/pictures") for executor in codes]
    local_files, processes_files = ({k: v for k, v in one.items() if not k.endswith(of_the_moment)} for one in pictures)
    assert processes_files == local_files


@pytest.mark.parametrize("executor", ["local", "processes"])
def test_another_sink_gets_what_the_run_folder_has(
    shared_project: Project, codes: dict[str, int], executor: str
) -> None:
    assert codes[executor] == 1
    *lines, last = map(json.loads, (shared_project.root / f"{executor}.jsonl").read_text().splitlines())
    tests = shared_project.report(executor)["tests"]
    assert {line["key"]: (line["verdict"], line["status"]) for line in lines} == {
        test["key"]: (test["verdict"], test["status"]) for test in tests
    }
    assert {line["key"] for line in lines if line["pixels"]} == {
        test["key"] for test in tests if test["pictures"]["shot"]
    }
    assert last == {"complete": True, "order": [test["key"] for test in tests]}
