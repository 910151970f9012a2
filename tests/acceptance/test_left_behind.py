"""Nothing that a notebook started outlives its run, whatever it did to get away."""

import json
import secrets
import subprocess
import sys
from typing import NamedTuple

import psutil
import pytest

from projects import Project, start, wait_until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="orphans are adopted on Linux only")

KERNELS = ("python3", "plain")
DAEMONS = """#| shot: s
import os, subprocess
if not os.fork():
    os.setsid()
    if not os.fork():
        os.chdir("/")
        os.execve("/bin/sleep", ["sleep", "{seconds}.1"], {{}})
    os._exit(0)
os.wait()
silent = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
subprocess.Popen(["env", "-i", "setsid", "sleep", "{seconds}.2"], cwd="/", **silent)
subprocess.run("(env -i setsid sleep {seconds}.3 &)", shell=True, cwd="/")
subprocess.Popen(["sleep", "{seconds}.4"], **silent)
print("started")
"""


def daemons(seconds: str) -> list[list[str]]:
    """The command lines of what the notebook started and still runs; its environment may be gone."""
    found = []
    for process in psutil.process_iter():
        try:
            command = process.cmdline()
            if process.status() != psutil.STATUS_ZOMBIE and any(word.startswith(f"{seconds}.") for word in command):
                found.append(command)
        except psutil.Error:
            continue
    return found


def number() -> str:
    """How long the daemons of one notebook sleep: a number that no other has."""
    return str(10**8 + secrets.randbelow(10**8))


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


def test_no_daemon_outlives_a_run_that_is_killed(project: Project, seconds: str) -> None:
    project.notebook("notebooks/n.ipynb", DAEMONS.format(seconds=seconds) + "import time\ntime.sleep(500)\n")
    running = start(project, "run")
    wait_until(lambda: len(daemons(seconds)) == 4)
    running.kill()
    running.communicate(timeout=60)
    wait_until(lambda: not daemons(seconds))
    wait_until(lambda: not project.left_behind())


def test_no_daemon_outlives_a_server_that_is_killed(project: Project, seconds: str) -> None:
    project.notebook("notebooks/n.ipynb", DAEMONS.format(seconds=seconds) + "import time\ntime.sleep(500)\n")
    running = start(project, "run")
    wait_until(lambda: len(daemons(seconds)) == 4)
    (server,) = [
        child
        for child in psutil.Process(running.pid).children()
        if any("ServerApp" in word for word in child.cmdline())
    ]
    server.kill()
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 2, output
    wait_until(lambda: not daemons(seconds))
    wait_until(lambda: not project.left_behind())
