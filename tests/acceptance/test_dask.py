"""Notebooks on the workers of Dask clusters: the same runs as here, who dies, who is refused, and what stays secret."""

import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from dask_clusters import DaskCluster, dask_cluster, slow_line
from projects import Project, button_cell, make_project, pictures, wait_until, without_times
from widgetshot.report.folder import JOURNAL

TOKEN, OF_THE_WORKER = "tok-3f9a81c77d", "wrk-55e0c1aa92"
THEMES = "#| shot: s\n#| theme: [light, dark]\nimport ipywidgets\nipywidgets.IntSlider(value=3)"
CLICKED = button_cell("#| shot:\n#|   - idle\n#|   - {name: clicked, steps: [click: button]}")
# Under the mask it is another text each time.
MASKED = """#| shot: s
#| mask: [{selector: b, reason: random}]
import os
from IPython.display import HTML
HTML(f"<p>steady <b style='display: inline-block; width: 9em'>{os.urandom(4).hex()}</b></p>")
"""
SECRETS = """#| widgetshot: {requires_env: [NEEDED]}
#| shot: s
import os
print(os.environ["API_TOKEN"], os.environ["WORKER_TOKEN"], os.environ["NEEDED"])
"""
READS = "#| shot: s\nprint(open('data.txt').read())\nimport helper\nprint(helper.WORD)"
# Kills the worker that runs it, each time or only once.
KILLS = """#| shot: {{name: first, after: each}}
print("before")
---
#| shot: second
import os, pathlib, psutil
mark = pathlib.Path({file!r})
if not mark.exists():
    {touch}
    for process in psutil.Process().parents():
        if any("dask_worker" in word or "spawn_main" in word for word in process.cmdline()):
            process.kill()
            break
print("after")
"""
WAITS = """#| shot: s
import pathlib, threading
pathlib.Path({file!r}).touch()
threading.Event().wait(120)
"""


class Ran(NamedTuple):
    """A project that was run here (folder `here`) and on a worker that does not share its files (`there`).

    Attributes:
        said: what the run on the worker printed.
        log: what scheduler and worker have written.
    """

    project: Project
    said: str
    log: str


def configured(project: Project, more: str = "") -> None:
    project.write(
        "pyproject.toml",
        '[project]\nname = "sample"\nversion = "0"\n\n[tool.widgetshot]\nsettle_timeout = 5\n'
        f'secrets = ["*_TOKEN"]\n{more}',
    )


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    project = make_project(tmp_path_factory.mktemp("dask") / "project")
    configured(project)
    project.write(".env.test", f"API_TOKEN={TOKEN}\n")
    project.notebook("notebooks/a-themes.ipynb", THEMES)
    project.notebook("notebooks/clicked.ipynb", CLICKED)
    project.notebook("notebooks/masked.ipynb", MASKED)
    project.notebook("notebooks/reads.ipynb", READS)
    project.write("notebooks/data.txt", "some data")
    project.write("notebooks/helper.py", "WORD = 'helped'\n")
    here = {"WORKER_TOKEN": OF_THE_WORKER, "NEEDED": "needed"}
    done = project.widgetshot("run", "--update-baselines", "--report", "first", environment=here)
    assert done.returncode == 0, done.stdout + done.stderr
    project.notebook("notebooks/secret.ipynb", SECRETS)
    project.notebook("notebooks/raises.ipynb", "#| shot: s\n1 / 0")
    project.write("notebooks/helper.py", "WORD = 'was changed'\n")
    done = project.widgetshot("run", "--report", "here", environment=here)
    assert done.returncode == 1, done.stdout
    with dask_cluster(project, project.root.parent / "cluster") as cluster:
        # The workers of all other tests share the project.
        cluster.worker(apart=project.root, threads=2, WORKER_TOKEN=OF_THE_WORKER)
        # Another one of this machine, which has no such variable.
        words = ("run", "--dask", cluster.address, "--report", "there")
        done = project.widgetshot(*words, environment={"NEEDED": "needed"})
        assert done.returncode == 1, done.stdout + done.stderr + cluster.logs()
        yield Ran(project, done.stdout, cluster.logs())
    assert project.left_behind() == []


def test_a_run_on_a_worker_that_was_sent_the_project_is_the_run_here(ran: Ran) -> None:
    project = ran.project
    here, there = (without_times(project.report(folder)) for folder in ("here", "there"))
    for test in (*here["tests"], *there["tests"]):
        # It has times; so has the picture of random numbers.
        test["trace"] = test["trace"] and test["trace"]["path"]
        if "masked" in test["name"]:
            test["pictures"]["shot"] = test["pictures"]["shot"]["path"]
    assert there == here
    assert {test["name"]: test["verdict"] for test in there["tests"]} == {
        "notebooks/a-themes.ipynb::s": "match",
        "notebooks/a-themes.ipynb::s[dark]": "match",
        "notebooks/clicked.ipynb::idle": "match",
        "notebooks/clicked.ipynb::clicked": "match",
        "notebooks/masked.ipynb::s": "match",
        "notebooks/raises.ipynb::s": "broken",
        "notebooks/reads.ipynb::s": "changed",
        "notebooks/secret.ipynb::s": "new",
    }
    ours, theirs = pictures(project, "here"), pictures(project, "there")
    assert ours.keys() == theirs.keys()
    assert {name for name in ours if ours[name] != theirs[name]} == {
        name for name in ours if "/masked/" in name and "shot" in name
    }
    assert (project.root / "there/index.html").is_file()
    # Nothing of it is left on the worker but the files, each of which comes once.
    (projects,) = (project.root.parent / "cluster").rglob("projects")
    assert list(projects.iterdir()) == []


def test_secrets_are_shown_nowhere(ran: Ran) -> None:
    project = ran.project
    everything = b"".join(project.files("there").values())
    for secret in (TOKEN, OF_THE_WORKER):
        assert secret.encode() not in everything
        assert secret not in ran.said
        assert secret not in ran.log
    (sidecar,) = [data for name, data in project.files("there").items() if "secret" in name and name.endswith(".json")]
    assert b"needed" in sidecar or b"***" in sidecar


def test_a_connection_that_secrets_went_over_unencrypted_is_told(ran: Ran) -> None:
    assert "not encrypted" in ran.said


@pytest.fixture
def cluster(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    with dask_cluster(project, tmp_path_factory.mktemp("cluster") / "logs") as made:
        yield made


def test_a_worker_that_dies_is_told_and_its_notebook_runs_elsewhere(project: Project, tmp_path: Path) -> None:
    once, file = tmp_path / "killed", tmp_path / "never"
    project.notebook("notebooks/once.ipynb", *KILLS.format(file=str(once), touch="mark.touch()").split("---\n"))
    project.notebook("notebooks/twice.ipynb", *KILLS.format(file=str(file), touch="pass").split("---\n"))
    project.notebook("notebooks/fine.ipynb", "#| shot: s\n1")
    done = project.widgetshot("run", "--dask", "local:2")
    assert done.returncode == 2, done.stdout
    assert project.verdicts() == {
        "notebooks/fine.ipynb::s": "new",
        "notebooks/once.ipynb::first": "new",
        "notebooks/once.ipynb::first+cell-1": "new",
        "notebooks/once.ipynb::second": "new",
        "notebooks/twice.ipynb::first": "new",
        "notebooks/twice.ipynb::first+cell-1": "broken",
        "notebooks/twice.ipynb::second": "broken",
    }
    error = project.entry("notebooks/twice.ipynb::second")["error"]
    assert re.search(r"the workers that ran it died, one after the other: tls://\S+, tls://", error["message"])
    told = re.findall(r"the worker tls://\S+ died; run once more on another one: (.*)", done.stdout)
    again = ", ".join(told).split(", ")
    # What runs beside one that kills its worker dies with it.
    if "notebooks/fine.ipynb" in again:
        again.remove("notebooks/fine.ipynb")
    assert sorted(again) == ["notebooks/once.ipynb", "notebooks/twice.ipynb"], done.stdout
    assert project.report()["complete"]
    wait_until(lambda: not project.left_behind())


def test_a_scheduler_that_dies_ends_the_run_with_what_was_finished(
    project: Project, cluster: DaskCluster, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    project.notebook("notebooks/a.ipynb", "#| shot: s\n1")
    project.notebook("notebooks/b.ipynb", WAITS.format(file=str(begun)))
    cluster.worker(threads=2, DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT="2s")
    running = project.begin(sys.executable, "-m", "widgetshot", "run", "--dask", cluster.address)
    wait_until(begun.exists)
    # What was finished is what is in the run folder.
    wait_until(lambda: (project.root / "widgetshot-report" / JOURNAL).is_file())
    cluster.scheduler.kill()
    said = "".join(running.communicate(timeout=60))
    assert running.returncode == 2, said
    assert f"the scheduler of {cluster.address} is gone" in said
    report = project.report()
    assert not report["complete"]
    assert [test["name"] for test in report["tests"]] == ["notebooks/a.ipynb::s"]
    # A worker without a scheduler ends, and what it has started with it.
    wait_until(lambda: not project.left_behind())


def test_a_cluster_whose_last_worker_leaves_is_not_waited_for_without_end(
    project: Project, cluster: DaskCluster, tmp_path: Path
) -> None:
    configured(project, "[tool.widgetshot.dask]\ntimeout = 3\n")
    begun = tmp_path / "begun"
    project.notebook("notebooks/b.ipynb", WAITS.format(file=str(begun)))
    worker = cluster.worker()
    running = project.begin(sys.executable, "-m", "widgetshot", "run", "--dask", cluster.address)
    wait_until(begun.exists)
    worker.send_signal(signal.SIGTERM)
    said = "".join(running.communicate(timeout=60))
    assert running.returncode == 2, said
    assert f"{cluster.address} had no worker for 3 s" in said
    wait_until(lambda: len(project.left_behind()) == 1)


def test_ctrl_c_leaves_workers_as_they_were(project: Project, cluster: DaskCluster, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    project.notebook("notebooks/b.ipynb", WAITS.format(file=str(begun)))
    cluster.worker()
    wait_until(lambda: "Registered to" in cluster.log("worker-1"))
    before = sorted(project.left_behind())
    assert len(before) == 2  # the scheduler and the worker
    running = project.begin(sys.executable, "-m", "widgetshot", "run", "--dask", cluster.address)
    wait_until(begun.exists)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode == 130
    assert sorted(project.left_behind()) == before


def test_one_that_is_killed_leaves_workers_as_they_were(project: Project, cluster: DaskCluster, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    project.notebook("notebooks/b.ipynb", WAITS.format(file=str(begun)))
    cluster.worker()
    running = project.begin(sys.executable, "-m", "widgetshot", "run", "--dask", cluster.address)
    wait_until(begun.exists)
    running.kill()
    running.communicate(timeout=60)
    wait_until(lambda: len(project.left_behind()) == 2)
    # And it takes other runs.
    project.notebook("notebooks/b.ipynb", "#| shot: s\n1")
    assert project.widgetshot("run", "--dask", cluster.address).returncode == 1


def test_who_would_draw_otherwise_is_refused_by_name(project: Project, cluster: DaskCluster, tmp_path: Path) -> None:
    other = tmp_path / "jupyter" / "labextensions" / "of-another-version"
    other.mkdir(parents=True)
    (other / "package.json").write_text('{"name": "of-another-version", "version": "2.0.0"}', encoding="utf-8")
    project.notebook("notebooks/a.ipynb", "#| shot: s\n1")
    cluster.worker(JUPYTER_PATH=str(tmp_path / "jupyter"))
    done = project.widgetshot("run", "--dask", cluster.address)
    assert done.returncode == 2, done.stdout
    assert re.search(
        r"no worker of tcp://\S+ can be used:\s+tcp://\S+: its widgets' front ends are not those of this machine: "
        r"of-another-version none → 2\.0\.0",
        done.stderr,
    )
    cluster.worker()
    wait_until(lambda: "Registered to" in cluster.log("worker-2"))
    done = project.widgetshot("run", "--dask", cluster.address)
    assert done.returncode == 1, done.stdout
    assert re.search(r"note: the worker tcp://\S+ was not used: its widgets' front ends", done.stdout)


def test_a_worker_that_comes_late_is_waited_for_and_a_slow_line_changes_nothing(
    project: Project, cluster: DaskCluster
) -> None:
    project.notebook("notebooks/a.ipynb", "#| shot: s\n#| theme: [light, dark]\n1")
    assert project.widgetshot("run", "--update-baselines").returncode == 0
    with slow_line(cluster.address, 0.05) as address:
        running = project.begin(sys.executable, "-m", "widgetshot", "run", "--dask", address)
        wait_until(lambda: "Receive client connection" in cluster.log("scheduler"))
        cluster.worker()
        said = "".join(running.communicate(timeout=60))
    assert running.returncode == 0, said
    assert "2 match" in said


def test_pytest_runs_notebooks_on_workers_and_writes_baselines_itself(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", "#| shot: s\n#| theme: [light, dark]\n1")
    project.notebook("notebooks/b.ipynb", "#| shot: s\n1 / 0")
    project.notebook("notebooks/c.ipynb", "#| shot: s\n1")
    done = project.pytest("-q", "-x", "--widgetshot-dask=local:1", "--update-baselines", "notebooks")
    assert done.returncode == 1, done.stdout
    assert not project.report()["complete"]
    assert project.verdicts()["notebooks/a.ipynb::s[dark]"] == "new"
    # What was under way when pytest stopped may have one or not.
    assert {f"page-chromium-linux/notebooks/a/s{variant}.png" for variant in ("", "[dark]")} <= set(
        project.files("baselines")
    )
    done = project.pytest("-q", "-n", "2", "--widgetshot-dask=local:2", "notebooks")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "not both" in done.stderr


def test_what_names_no_cluster_is_refused_before_anything_runs(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", "#| shot: s\n1")
    for cluster, code, message in (
        ("local:0", 3, "local:N has 1 to"),
        ("slurm", 3, "there is no cluster 'slurm': pyproject.toml declares none"),
        ("tcp://", 3, "must be the address of a scheduler"),
        ("tcp://127.0.0.1:9", 2, "no scheduler can be reached at tcp://127.0.0.1:9"),
    ):
        environment = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "1s"}
        done = project.widgetshot("run", "--dask", cluster, environment=environment)
        assert done.returncode == code, done.stdout + done.stderr
        assert message in done.stderr
        assert "next: " in done.stderr or code == 3
