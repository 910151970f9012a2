"""Nothing that a notebook started outlives its run, whatever it did to get away."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from daemons import DAEMONS, daemons, number
from projects import Project, button_cell, start, wait_until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="orphans are adopted on Linux only")

KERNELS = ("python3", "plain")
SERVICE = """[tool.widgetshot.services.web]
command = ["{python}", "-m", "http.server", "--bind", "{host}", "{port}"]
ready = {http = "http://{host}:{port}"}
"""


@pytest.fixture
def seconds() -> str:
    return number()


def looks(seconds: str) -> str:
    """A cell that ends when the daemons of another notebook have."""
    return (
        "#| widgetshot: {timeout: 20}\n#| shot: s\nimport psutil, time\n"
        f"def sleeps(process): return '{seconds}.' in str(process.info['cmdline'])\n"
        "while any(map(sleeps, psutil.process_iter(['cmdline']))): time.sleep(0.05)\n"
        "print('none')"
    )


class Ended(NamedTuple):
    """A run of notebooks one after the other: on each kernel one that starts daemons, and one that looks for them.

    Attributes:
        left: by kernel, the daemons that lived when the run had ended.
    """

    project: Project
    done: "subprocess.CompletedProcess[str]"
    left: dict[str, list[list[str]]]


@pytest.fixture(scope="module")
def ended(shared_project: Project) -> Ended:
    project = shared_project
    # A kernel spec that is started, not forked: its interpreter has options.
    argv = [sys.executable, "-W", "default", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "plain", "language": "python"}
    project.write("share/kernels/plain/kernel.json", json.dumps(spec))
    project.environment["JUPYTER_PATH"] = str(project.root / "share")
    slept = {kernel: number() for kernel in KERNELS}
    for kernel, seconds in slept.items():
        project.notebook(f"notebooks/{kernel}/a.ipynb", DAEMONS.format(seconds=seconds), widgetshot={"kernel": kernel})
    project.notebook("notebooks/python3/b.ipynb", looks(slept["python3"]))
    done = project.widgetshot("run", "--jobs", "1", "--update-baselines")
    return Ended(project, done, {kernel: daemons(seconds) for kernel, seconds in slept.items()})


@pytest.mark.parametrize("kernel", KERNELS)
def test_no_daemon_outlives_a_run(ended: Ended, kernel: str) -> None:
    entry = ended.project.entry(f"notebooks/{kernel}/a.ipynb::s")
    # It has started all of them, or its last line would not be there; of another kernel than its own it would be told.
    assert (entry["verdict"], entry["console"]) == ("new", []), ended.done.stdout
    assert ended.left[kernel] == []


def test_daemons_of_one_notebook_are_gone_before_the_next_is_finished(ended: Ended) -> None:
    assert ended.project.entry("notebooks/python3/b.ipynb::s")["verdict"] == "new", ended.done.stdout


def finished(report: Path) -> int:
    journal = report / "journal.jsonl"
    return len(journal.read_text().splitlines()) if journal.is_file() else 0


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_killed_run_leaves_what_was_finished_and_no_process(project: Project, seconds: str, name: str) -> None:
    project.write("pyproject.toml", SERVICE)
    project.notebook("notebooks/a.ipynb", button_cell())
    daemons_for_ever = DAEMONS.format(seconds=seconds) + "import time\ntime.sleep(500)\n"
    project.notebook("notebooks/b.ipynb", f"#| widgetshot: {{services: [web]}}\n{daemons_for_ever}")
    running = start(project, "run", "--jobs", "2")
    wait_until(lambda: len(daemons(seconds)) == 4)
    wait_until(lambda: finished(project.root / "widgetshot-report") == 1)
    assert any("http.server" in line for line in project.left_behind())
    running.send_signal(signal.Signals[name])
    output, _ = running.communicate(timeout=60)
    wait_until(lambda: not daemons(seconds))
    wait_until(lambda: not project.left_behind())
    approved = project.widgetshot("approve", "--all")
    assert approved.returncode == 0, approved.stderr
    assert "notebooks/a/button" in approved.stdout
    if name != "SIGKILL":
        assert "Traceback" not in output
        assert project.report()["complete"] is False
