"""Notebooks on a Dask cluster that a run starts itself, by dask-jobqueue on a real SLURM."""

import subprocess

import pytest
from instances import instance, need

from projects import Project, button_cell, pictures, without_times

pytestmark = pytest.mark.services

CLUSTER = """
[tool.widgetshot.dask.slurm]
class = "dask_jobqueue.SLURMCluster"
workers = 2

[tool.widgetshot.dask.slurm.arguments]
queue = "main"
cores = 1
processes = 1
memory = "1GiB"
walltime = "00:10:00"
# Workers and scheduler are reached over the loopback only.
interface = "lo"
scheduler_options = { host = "127.0.0.1", dashboard_address = "127.0.0.1:0" }
log_directory = "logs"
"""
CLICKED = button_cell("#| shot:\n#|   - idle\n#|   - {name: clicked, steps: [click: button]}")


def test_a_run_whose_workers_are_jobs_of_slurm_is_the_run_here(project: Project) -> None:
    need("slurm")
    for name in ("a", "b", "c"):
        project.notebook(f"notebooks/{name}.ipynb", CLICKED, "#| shot: s\n#| theme: [light, dark]\nprint('text')")
    project.notebook("notebooks/raises.ipynb", "#| shot: s\n1 / 0")
    project.widgetshot("run", "--update-baselines", "--report", "first")
    project.notebook("notebooks/b.ipynb", CLICKED.replace("info", "danger"))
    assert project.widgetshot("run", "--report", "here").returncode == 1
    project.write("pyproject.toml", (project.root / "pyproject.toml").read_text(encoding="utf-8") + CLUSTER)
    with instance("slurm") as running:
        environment = dict(running.endpoint.environment)
        done = project.widgetshot("run", "--dask", "slurm", "--report", "there", environment=environment)
        assert done.returncode == 1, done.stdout + done.stderr
        # No job is left, and none waits.
        listed = subprocess.run(
            ["squeue", "--noheader", "--states=PENDING,RUNNING"],
            env={"PATH": "/usr/bin:/bin", **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        assert listed.stdout == ""
    here, there = (without_times(project.report(folder)) for folder in ("here", "there"))
    for test in (*here["tests"], *there["tests"]):
        test["trace"] = test["trace"] and test["trace"]["path"]
    assert there == here
    assert pictures(project, "here") == pictures(project, "there")
    # The jobs' own logs are where the class was told to put them.
    assert list((project.root / "logs").iterdir())
