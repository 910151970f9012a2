"""Nothing that a notebook started outlives its run, whatever it did to get away."""

import json
import secrets
import sys

import psutil
import pytest

from projects import Project, start, wait_until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="orphans are adopted on Linux only")

DAEMONS = """#| shot: s
import os, subprocess
if not os.fork():
    os.setsid()
    if not os.fork():
        os.chdir("/")
        os.execve("/bin/sleep", ["sleep", "{seconds}.1"], {{}})
    os._exit(0)
os.wait()
subprocess.Popen(["env", "-i", "setsid", "sleep", "{seconds}.2"], cwd="/")
subprocess.run("(env -i setsid sleep {seconds}.3 &)", shell=True, cwd="/")
subprocess.Popen(["sleep", "{seconds}.4"])
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


@pytest.fixture
def seconds() -> str:
    """How long the daemons of one test sleep: a number that no other has."""
    return str(10**8 + secrets.randbelow(10**8))


def plain_kernel(project: Project) -> None:
    """A kernel spec that is started, not forked: its interpreter has options."""
    argv = [sys.executable, "-W", "default", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "plain", "language": "python"}
    project.write("share/kernels/plain/kernel.json", json.dumps(spec))
    project.environment["JUPYTER_PATH"] = str(project.root / "share")


@pytest.mark.parametrize("kernel", ["python3", "plain"])
def test_no_daemon_outlives_a_run(project: Project, kernel: str, seconds: str) -> None:
    plain_kernel(project)
    project.notebook("notebooks/n.ipynb", DAEMONS.format(seconds=seconds))
    project.notebook("notebooks/m.ipynb", "#| shot: s\nprint('beside it')")
    done = project.widgetshot("run", "--kernel", kernel, "--update-baselines")
    assert done.returncode == 0, done.stdout + done.stderr
    assert daemons(seconds) == []


def test_daemons_of_one_notebook_are_gone_before_the_next_is_finished(project: Project, seconds: str) -> None:
    project.notebook("notebooks/a.ipynb", DAEMONS.format(seconds=seconds))
    looks = (
        "import psutil, time\n"
        f"def sleeps(process): return '{seconds}.' in str(process.info['cmdline'])\n"
        "while any(map(sleeps, psutil.process_iter(['cmdline']))): time.sleep(0.05)\n"
        "print('none')"
    )
    project.notebook("notebooks/b.ipynb", "#| widgetshot: {timeout: 20}\n#| shot: s\n" + looks)
    done = project.widgetshot("run", "--jobs", "1", "--update-baselines")
    assert done.returncode == 0, done.stdout + done.stderr


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
