"""Two runs at once, and locks that others hold."""

import re
import signal
from pathlib import Path

from projects import Project, button_cell, start, wait_until

REPORT = "widgetshot-report"


def waiting_notebook(project: Project) -> Path:
    """Write a notebook that runs until a file is there, and return the path of that."""
    go = project.root.parent / f"{project.root.name}-go"
    wait = f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.05)\nprint('went')"
    project.notebook("notebooks/b.ipynb", f"#| widgetshot: {{timeout: 120}}\n#| shot: s\n{wait}")
    return go


def finished(project: Project) -> bool:
    journal = project.root / REPORT / "journal.jsonl"
    return journal.is_file() and b"notebooks/a" in journal.read_bytes()


def pictures_are_there(project: Project) -> bool:
    return all(
        (project.root / REPORT / test["pictures"]["shot"]["path"]).is_file() for test in project.report()["tests"]
    )


def test_second_run_in_a_folder_is_refused_and_the_first_is_whole(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", button_cell())
    go = waiting_notebook(project)
    running = start(project, "run", "--jobs", "1")
    wait_until(lambda: finished(project))
    for words in (["run", "notebooks/a.ipynb"], ["merge", "other", "-o", REPORT]):
        if words[0] == "merge":
            done = project.widgetshot("run", "notebooks/a.ipynb", "--report", "other")
            assert done.returncode == 1, done.stdout + done.stderr  # a folder of its own
        second = project.widgetshot(*words)
        assert second.returncode == 2, second.stdout + second.stderr
        assert f"another run writes to this run folder (process {running.pid})" in second.stderr
        assert "--report FOLDER" in second.stderr
    tests = project.pytest("notebooks/a.ipynb")
    assert tests.returncode == 4
    assert f"(process {running.pid})" in tests.stdout + tests.stderr
    go.touch()
    output, _ = running.communicate(timeout=60)
    assert "2 new" in output
    assert project.report()["complete"]
    assert len(project.report()["tests"]) == 2
    assert pictures_are_there(project)


def test_lock_of_a_killed_run_holds_nobody_up(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", button_cell())
    go = waiting_notebook(project)
    running = start(project, "run", "--jobs", "1")
    wait_until(lambda: finished(project))
    running.send_signal(signal.SIGKILL)
    running.communicate(timeout=60)
    go.touch()
    done = project.widgetshot("run", "--update-baselines")
    assert done.returncode == 0, done.stdout + done.stderr
    wait_until(lambda: not project.left_behind())


def test_run_is_refused_where_workers_of_another_write(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", button_cell())
    go = waiting_notebook(project)
    running = start(project, "-n", "2", "-p", "no:cacheprovider", "notebooks", module="pytest")
    workers = project.root / REPORT / "workers"
    # A worker that has nothing left to do has ended, and with it its journal.
    wait_until(lambda: list(workers.rglob("button.shot.png")) and len(list(workers.glob("*/run.json"))) == 2)
    plain = project.widgetshot("run", "notebooks/a.ipynb")
    assert plain.returncode == 2, plain.stdout + plain.stderr
    assert re.search(r"another run writes to this run folder \(process \d+\)", plain.stderr)
    parallel = project.pytest("-n", "2", "notebooks/a.ipynb")
    assert parallel.returncode != 0
    assert "another run writes to this run folder" in parallel.stdout + parallel.stderr
    go.touch()
    output, _ = running.communicate(timeout=90)
    assert "2 new" in output, output
    assert len(project.report()["tests"]) == 2
    assert pictures_are_there(project)
