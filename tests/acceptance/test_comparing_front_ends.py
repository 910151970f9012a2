"""What differs between two front ends, told by the commands: real pages, and no verdict by it."""

from typing import Any

import pytest

from projects import Project

CELLS = (
    "#| widgetshot: {frontend: [page, static]}\n#| shot: table\n"
    "from IPython.display import HTML\nHTML('<table><tr><th>a</th></tr><tr><td>1</td></tr></table>')",
    "#| shot: {name: printed, differs: {static: its lines are shorter}}\nprint('some text')",
    "#| shot: {name: alone, frontend: page}\nprint('in one')",
)


@pytest.fixture(scope="module")
def ran(shared_project: Project) -> Project:
    shared_project.write("pyproject.toml", "[tool.widgetshot]\n")
    shared_project.notebook("notebooks/demo.ipynb", *CELLS)
    return shared_project


def told(project: Project) -> dict[str, Any]:
    comparisons = project.report()["comparisons"]
    assert comparisons["frontends"] == ["page", "static"]
    return {target["name"].partition("::")[2]: target for target in comparisons["targets"]}


def test_a_run_tells_what_differs_and_passes_all_the_same(ran: Project) -> None:
    done = ran.widgetshot("run", "--compare-frontends", "page,static", "--update-baselines")
    assert done.returncode == 0, done.stdout + done.stderr
    targets = told(ran)
    assert {name: target["outcome"] for name, target in targets.items()} == {
        "table": "differs", "printed": "declared"
    }  # fmt: skip
    # nbconvert writes a prompt, which our own page has no room for.
    assert targets["table"]["sentence"] == "in page text 'Out[1]:' is missing"
    assert targets["printed"]["reason"] == "its lines are shorter"
    assert "1 of 2 cells differs between page and static: 1 text missing in page; 1 as declared" in done.stdout


def test_workers_of_pytest_are_compared_when_they_are_merged(ran: Project) -> None:
    done = ran.pytest("notebooks", "-n", "2", "--widgetshot-compare-frontends", "page,static")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {name: target["outcome"] for name, target in told(ran).items()} == {
        "table": "differs", "printed": "declared"
    }  # fmt: skip
    assert "1 of 2 cells differs between page and static" in done.stdout


def test_front_ends_that_can_not_be_compared_are_refused(ran: Project) -> None:
    done = ran.widgetshot("run", "--compare-frontends", "page,statik")
    assert done.returncode == 3
    assert "unknown front end 'statik'; did you mean 'static'?" in done.stderr + done.stdout
