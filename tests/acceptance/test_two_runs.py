"""Two runs at once, and locks that others hold."""

import re
import signal
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from projects import LIGHT, Project, button_cell, start, wait_until

REPORT = "widgetshot-report"


def waiting_notebook(project: Project, path: str) -> Path:
    """Write a notebook that runs until a file is there, and return the path of that."""
    go = project.root.parent / f"{project.root.name}-{Path(path).stem}-go"
    wait = f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.05)\nprint('went')"
    project.notebook(path, f"#| widgetshot: {{timeout: 120}}\n#| shot: s\n{wait}")
    return go


def journal(project: Project) -> bytes:
    """What the run folder tells of results so far."""
    file = project.root / REPORT / "journal.jsonl"
    return file.read_bytes() if file.is_file() else b""


def pictures_are_there(project: Project, folder: str) -> bool:
    shots = [test["pictures"]["shot"]["path"] for test in project.report(folder)["tests"]]
    return all((project.root / folder / shot).is_file() for shot in shots)


Done = subprocess.CompletedProcess[str]


class Second(NamedTuple):
    """A run in the folder of one that was killed, and what others say that want the folder meanwhile.

    Attributes:
        pid: its process.
        refused: commands that want its folder, of which one is pytest.
        elsewhere: what workers of pytest say at the same time, which write into another folder.
        refused_there: commands that want that one.
    """

    project: Project
    pid: int
    code: int
    output: str
    refused: dict[str, Done]
    elsewhere: str
    refused_there: dict[str, Done]


@pytest.fixture(scope="module")
def second(shared_project: Project) -> Second:
    project = shared_project
    project.notebook("notebooks/a.ipynb", button_cell())
    go = waiting_notebook(project, "notebooks/b.ipynb")
    go_there = waiting_notebook(project, "others/c.ipynb")
    killed = start(project, "run", "--jobs", "1")
    wait_until(lambda: b"notebooks/a" in journal(project))
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    left = journal(project)
    running = start(project, "run", "--jobs", "1", "--update-baselines")
    wait_until(lambda: journal(project) != left and b"notebooks/a" in journal(project))
    plugins = (*LIGHT, "-p", "no:cacheprovider", "--widgetshot-report=other")
    elsewhere = start(project, *plugins, "-n", "2", "notebooks/a.ipynb", "others", module="pytest")
    refused = {
        "run": project.widgetshot("run", "notebooks/a.ipynb"),
        "pytest": project.pytest("notebooks/a.ipynb"),
    }
    workers = project.root / "other" / "workers"
    # A worker that has nothing left to do has ended, and with it its journal.
    wait_until(lambda: list(workers.rglob("button.shot.png")) and len(list(workers.glob("*/run.json"))) == 2)
    refused_there = {
        "run": project.widgetshot("run", "notebooks/a.ipynb", "--report", "other"),
        "pytest": project.pytest("-n", "1", "notebooks/a.ipynb", "--widgetshot-report=other"),
    }
    go_there.touch()
    said, _ = elsewhere.communicate(timeout=90)
    refused["merge"] = project.widgetshot("merge", "other", "-o", REPORT)
    go.touch()
    output, _ = running.communicate(timeout=60)
    return Second(project, running.pid, running.returncode, output, refused, said, refused_there)


def test_lock_of_a_killed_run_holds_nobody_up(second: Second) -> None:
    assert second.code == 0, second.output
    wait_until(lambda: not second.project.left_behind())


def test_second_run_in_a_folder_is_refused_and_the_first_is_whole(second: Second) -> None:
    for command in ("run", "merge"):
        done = second.refused[command]
        assert done.returncode == 2, done.stdout + done.stderr
        assert f"another run writes to this run folder (process {second.pid})" in done.stderr
        assert "--report FOLDER" in done.stderr
    assert "2 new" in second.output
    assert second.project.report()["complete"]
    assert len(second.project.report()["tests"]) == 2
    assert pictures_are_there(second.project, REPORT)


def test_pytest_is_refused_in_the_folder_of_a_run(second: Second) -> None:
    done = second.refused["pytest"]
    assert done.returncode == 4
    assert f"(process {second.pid})" in done.stdout + done.stderr


def test_second_run_in_a_folder_of_its_own_is_none_of_the_firsts_business(second: Second) -> None:
    assert second.project.verdicts("other") == {"notebooks/a.ipynb::button": "match", "others/c.ipynb::s": "new"}


def test_run_is_refused_where_workers_of_another_write(second: Second) -> None:
    plain, parallel = second.refused_there["run"], second.refused_there["pytest"]
    assert plain.returncode == 2, plain.stdout + plain.stderr
    assert re.search(r"another run writes to this run folder \(process \d+\)", plain.stderr)
    assert parallel.returncode != 0
    assert "another run writes to this run folder" in parallel.stdout + parallel.stderr
    assert "1 new" in second.elsewhere, second.elsewhere
    assert "1 match" in second.elsewhere, second.elsewhere
    assert second.project.report("other")["complete"]
    assert pictures_are_there(second.project, "other")
