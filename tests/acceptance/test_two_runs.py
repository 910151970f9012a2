"""Two runs at once, and locks that others hold."""

import re
import signal
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from projects import LIGHT, Project, button_cell, start, wait_until

REPORT = "widgetshot-report"


def waiting_notebook(project: Project) -> Path:
    """Write a notebook that runs until a file is there, and return the path of that."""
    go = project.root.parent / f"{project.root.name}-go"
    wait = f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.05)\nprint('went')"
    project.notebook("notebooks/b.ipynb", f"#| widgetshot: {{timeout: 120}}\n#| shot: s\n{wait}")
    return go


def journal(project: Project) -> bytes:
    """What the run folder tells of results so far."""
    file = project.root / REPORT / "journal.jsonl"
    return file.read_bytes() if file.is_file() else b""


def pictures_are_there(project: Project) -> bool:
    return all(
        (project.root / REPORT / test["pictures"]["shot"]["path"]).is_file() for test in project.report()["tests"]
    )


Done = subprocess.CompletedProcess[str]


class Second(NamedTuple):
    """A run in the folder of one that was killed, and what others say that want the folder meanwhile.

    Attributes:
        pid: its process.
        elsewhere: a run at the same time, into a folder of its own.
        refused: commands that want its folder.
        tests: pytest, which wants it too.
    """

    project: Project
    pid: int
    code: int
    output: str
    elsewhere: Done
    refused: dict[str, Done]
    tests: Done


@pytest.fixture(scope="module")
def second(shared_project: Project) -> Second:
    project = shared_project
    project.notebook("notebooks/a.ipynb", button_cell())
    go = waiting_notebook(project)
    killed = start(project, "run", "--jobs", "1")
    wait_until(lambda: b"notebooks/a" in journal(project))
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    left = journal(project)
    running = start(project, "run", "--jobs", "1", "--update-baselines")
    wait_until(lambda: journal(project) != left and b"notebooks/a" in journal(project))
    elsewhere = project.widgetshot("run", "notebooks/a.ipynb", "--report", "other")
    commands = {"run": ("run", "notebooks/a.ipynb"), "merge": ("merge", "other", "-o", REPORT)}
    refused = {name: project.widgetshot(*words) for name, words in commands.items()}
    tests = project.pytest("notebooks/a.ipynb")
    go.touch()
    output, _ = running.communicate(timeout=60)
    return Second(project, running.pid, running.returncode, output, elsewhere, refused, tests)


def test_lock_of_a_killed_run_holds_nobody_up(second: Second) -> None:
    assert second.code == 0, second.output
    wait_until(lambda: not second.project.left_behind())


def test_second_run_in_a_folder_is_refused_and_the_first_is_whole(second: Second) -> None:
    for done in second.refused.values():
        assert done.returncode == 2, done.stdout + done.stderr
        assert f"another run writes to this run folder (process {second.pid})" in done.stderr
        assert "--report FOLDER" in done.stderr
    assert "2 new" in second.output
    assert second.project.report()["complete"]
    assert len(second.project.report()["tests"]) == 2
    assert pictures_are_there(second.project)


def test_pytest_is_refused_in_the_folder_of_a_run(second: Second) -> None:
    assert second.tests.returncode == 4
    assert f"(process {second.pid})" in second.tests.stdout + second.tests.stderr


def test_second_run_in_a_folder_of_its_own_is_none_of_the_firsts_business(second: Second) -> None:
    assert second.elsewhere.returncode == 0, second.elsewhere.stdout + second.elsewhere.stderr
    assert list(second.project.verdicts("other").values()) == ["match"]


def test_run_is_refused_where_workers_of_another_write(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", button_cell())
    go = waiting_notebook(project)
    running = start(project, *LIGHT, "-n", "2", "-p", "no:cacheprovider", "notebooks", module="pytest")
    workers = project.root / REPORT / "workers"
    # A worker that has nothing left to do has ended, and with it its journal.
    wait_until(lambda: list(workers.rglob("button.shot.png")) and len(list(workers.glob("*/run.json"))) == 2)
    plain = project.widgetshot("run", "notebooks/a.ipynb")
    assert plain.returncode == 2, plain.stdout + plain.stderr
    assert re.search(r"another run writes to this run folder \(process \d+\)", plain.stderr)
    parallel = project.pytest("-n", "1", "notebooks/a.ipynb")
    assert parallel.returncode != 0
    assert "another run writes to this run folder" in parallel.stdout + parallel.stderr
    go.touch()
    output, _ = running.communicate(timeout=90)
    assert "2 new" in output, output
    assert len(project.report()["tests"]) == 2
    assert pictures_are_there(project)
