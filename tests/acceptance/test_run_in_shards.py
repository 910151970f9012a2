"""One suite on several machines: shards by both front doors, and the run that they become."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from projects import Project, pictures, without_times

PICTURE = """
def test_of_no_picture():
    pass

def test_button(widgetshot):
    widgetshot.open("notebooks/b.ipynb")
    widgetshot.check("whole")
"""
NAMES = [
    "notebooks/a.ipynb::s", "notebooks/a.ipynb::s[dark]", "notebooks/b.ipynb::s", "notebooks/slow.ipynb::s",
    "notebooks/unreadable.ipynb::page",
]  # fmt: skip


class Ran(NamedTuple):
    """A project, and what its shards say.

    Attributes:
        said: by run folder.
    """

    project: Project
    said: dict[str, str]


@pytest.fixture(scope="module")
def ran(shared_project: Project) -> Ran:
    project, said = shared_project, {}
    project.notebook("notebooks/a.ipynb", "#| shot: s\n#| theme: [light, dark]\nprint('a')")
    project.notebook("notebooks/b.ipynb", "#| shot: s\nimport ipywidgets\nipywidgets.Button(description='b')")
    project.notebook("notebooks/slow.ipynb", "#| shot: s\nprint('slow')")
    project.write("notebooks/unreadable.ipynb", "{")
    project.notebook("notebooks/left_out.ipynb", "#| widgetshot: {skip: not now}\n#| shot: s\n1")
    project.write("tests/test_button.py", PICTURE)
    done = project.widgetshot("run", "--update-baselines", "--report", "whole")
    assert done.returncode == 1, done.stdout
    whole = project.report("whole")
    for test in whole["tests"]:
        test["duration"] = 3.0 if "slow" in test["name"] else 1.0
    project.write("durations.json", json.dumps(whole))
    # With the baselines that there are now.
    assert project.widgetshot("run", "--report", "again").returncode == 1
    for number in (1, 2):
        words = ("--shard", f"{number}/2", "--durations", "durations.json", "--report", f"shards/{number}")
        said[f"shards/{number}"] = project.widgetshot("run", *words).stdout
    flags = ("--widgetshot-durations=durations.json", "--update-baselines=missing")
    paths = ("notebooks", "tests", "--ignore", "notebooks/unreadable.ipynb")
    done = project.pytest("-q", *flags, "--widgetshot-shard=2/2", "--widgetshot-report=pytest/2", *paths)
    assert done.returncode == 0, done.stdout
    said["pytest/2"] = done.stdout
    done = project.pytest("-q", "-n", "2", *flags, "--widgetshot-shard=1/2", "--widgetshot-report=pytest/1", *paths)
    assert done.returncode == 0, done.stdout
    said["pytest/1"] = done.stdout
    return Ran(project, said)


def results(project: Project, folder: str) -> dict[str, tuple[str, Any]]:
    run = project.report(folder)
    return {test["name"]: (test["verdict"], test["error"]) for test in run["tests"]}


def test_every_shard_tells_what_it_is_and_the_longest_is_alone(ran: Ran) -> None:
    shards = [ran.project.report(f"shards/{number}")["shard"] for number in (1, 2)]
    assert [(shard["number"], shard["count"]) for shard in shards] == [(1, 2), (2, 2)]
    assert shards[0]["plan"] == shards[1]["plan"]
    ran_there = [set(results(ran.project, f"shards/{number}")) for number in (1, 2)]
    (of_slow,) = [names for names in ran_there if "notebooks/slow.ipynb::s" in names]
    assert not of_slow & {"notebooks/a.ipynb::s", "notebooks/a.ipynb::s[dark]", "notebooks/b.ipynb::s"}
    # With what is skipped.
    numbers = [len(names) + (number == 1) for number, names in enumerate(ran_there, 1)]
    assert len(ran.project.report("shards/1")["skipped"]) == 1
    for number, said in enumerate(numbers, 1):
        assert (
            f"shard {number}/2 has {said} of 6 sessions (plan {shards[0]['plan'][:8]})" in ran.said[f"shards/{number}"]
        )


def test_merged_shards_are_the_run_of_all(ran: Ran) -> None:
    project = ran.project
    done = project.widgetshot("merge", "shards/1", "shards/2", "-o", "merged")
    assert done.returncode == 0, done.stderr
    # Results of a notebook that can't be read come first.
    assert list(results(project, "merged")) == [NAMES[-1], *NAMES[:-1]]
    assert without_times(project.report("merged")) == without_times(project.report("again"))
    assert project.report("merged")["skipped"]
    assert pictures(project, "merged") == pictures(project, "again")
    assert (project.root / "merged/index.html").is_file()


def test_a_missing_shard_is_named_and_nothing_is_written(ran: Ran) -> None:
    done = ran.project.widgetshot("merge", "shards/2", "-o", "half")
    assert done.returncode == 2
    assert done.stderr.startswith("error: shards/2: shard 1/2 is missing; this is shard 2/2\n  next: ")
    assert not (ran.project.root / "half").exists()
    # Other pictures are asked for there.
    done = ran.project.widgetshot("merge", "shards/2", "pytest/1", "-o", "half")
    assert done.returncode == 2
    assert "of another plan than" in done.stderr


def test_python_tests_with_pictures_are_dealt_and_others_run_everywhere(ran: Ran) -> None:
    done = ran.project.widgetshot("merge", "pytest/1", "pytest/2", "-o", "of-pytest")
    assert done.returncode == 0, done.stderr
    found = {name: verdict for name, (verdict, _) in results(ran.project, "of-pytest").items()}
    assert found == dict.fromkeys(NAMES[:-1], "match") | {"tests/test_button.py/test_button::whole": "new"}
    assert ran.project.report("of-pytest")["merged"]["shared_keys"] == 0
    numbers = [len(ran.project.report(f"pytest/{number}")["tests"]) for number in (1, 2)]
    assert sum(numbers) == 5
    # With the test that takes no picture.
    for number, count in enumerate(numbers, 1):
        assert f"{count + 1} passed" in ran.said[f"pytest/{number}"]
    assert "widgetshot: shard 1/2; " in ran.said["pytest/1"]
    assert f"widgetshot: shard 2/2 has {numbers[1]} of 6 sessions (plan " in ran.said["pytest/2"]
    (test,) = [one for one in ran.project.report("of-pytest")["tests"] if "test_button" in one["name"]]
    assert test["duration"] > 0


@pytest.mark.parametrize("words", [("run",), ("pytest",), ("pytest", "-n1")])
def test_a_shard_may_be_empty_and_passes(ran: Ran, tmp_path: Path, words: tuple[str, ...]) -> None:
    project, (door, *rest) = ran.project, words
    report = str(tmp_path / "empty")
    if door == "run":
        done = project.widgetshot("run", "notebooks/slow.ipynb", "--shard", "2/2", "--report", report)
    else:
        flags = ("--widgetshot-shard=2/2", f"--widgetshot-report={report}")
        done = project.pytest("notebooks/slow.ipynb", *rest, *flags)
    assert done.returncode == 0, done.stdout + done.stderr
    run = json.loads((tmp_path / "empty/run.json").read_text())
    assert (run["tests"], run["complete"], run["shard"]["number"]) == ([], True, 2)


def test_pytest_that_finds_nothing_is_no_empty_shard(ran: Ran) -> None:
    done = ran.project.pytest("tests", "-k", "nowhere", "--widgetshot-shard=1/2", "--widgetshot-report=nothing")
    assert done.returncode == 5, done.stdout
    # What others leave out of a shard afterwards does not make it empty.
    left_out = ("--lf", "--lfnf=none", "--widgetshot-shard=1/1", "--widgetshot-report=nothing")
    assert ran.project.pytest("notebooks/b.ipynb", *left_out, cache=True).returncode == 5
    done = ran.project.pytest("notebooks", "-n2", "--widgetshot-shard=3/2")
    assert done.returncode == 4
    assert "--widgetshot-shard: must be one of 1/2 to 2/2" in done.stderr


def test_a_shard_that_pytest_could_not_collect_is_not_complete(ran: Ran) -> None:
    done = ran.project.pytest("notebooks", "--widgetshot-shard=1/1", "--widgetshot-report=stopped")
    assert done.returncode == 2
    assert ran.project.report("stopped")["complete"] is False
