"""What a notebook shows of a cluster is never taken for right when the cluster broke under it."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from instances import need

from projects import Project, wait_until

pytestmark = pytest.mark.services

# Runs a job, tells where its SLURM is, and shows the queue when somebody has said that it may.
USES_SLURM = """#| widgetshot: {services: [slurm]}
#| shot: queue
import os, subprocess, time
from pathlib import Path
from IPython.display import HTML
def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
def until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
run("sbatch", "--output=/dev/null", "--wrap=sleep 500")
until(lambda: run("squeue", "--noheader", "--format=%T") == "RUNNING")
told = Path(os.environ["ROOT"], "folder.new")
told.write_text(os.path.dirname(os.environ["SLURM_CONF"]))
told.rename(told.with_suffix(""))
until(Path(os.environ["ROOT"], "go-on").exists)
HTML("<b>" + run("squeue", "--noheader", "--format=%A %T") + "</b>")"""


def test_slurmd_killed_by_somebody_else_breaks_the_notebook_that_uses_it(project: Project) -> None:
    need("slurm")
    project.environment["ROOT"] = str(project.root)
    project.notebook("notebooks/queue.ipynb", USES_SLURM)
    # Untouched it is green: what breaks it below is the kill and nothing else.
    project.write("go-on", "")
    project.widgetshot("run", "--update-baselines")
    untouched = project.widgetshot("run")
    assert untouched.returncode == 0, untouched.stdout + untouched.stderr
    assert project.verdicts() == {"notebooks/queue.ipynb::queue": "match"}

    folder, go_on = project.root / "folder", project.root / "go-on"
    folder.unlink()
    go_on.unlink()
    with ThreadPoolExecutor(1) as other:
        running = other.submit(project.widgetshot, "run")
        wait_until(lambda: folder.exists() or running.done(), 120)
        os.kill(int(Path(folder.read_text(), "slurmd.pid").read_text()), signal.SIGKILL)
        go_on.touch()
        done = running.result()
    # SLURM itself has not noticed yet: the queue looks as it did.
    assert done.returncode == 2, done.stdout + done.stderr
    entry = project.entry("notebooks/queue.ipynb::queue")
    assert entry["verdict"] == "broken"
    assert "the service 'slurm' died while the notebook used it: slurmd ended" in entry["error"]["message"]
    assert project.left_behind() == []
