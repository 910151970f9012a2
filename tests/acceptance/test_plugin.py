"""pytest as its users type it."""

import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from projects import Project, button_cell, make_project

TWO_STATES = button_cell(
    "#| shot:\n#|   - idle\n#|   - {name: clicked, steps: [{click: button}]}\n#| theme: [light, dark]"
)
OTHER = '#| shot: other\nwidgets.Button(description="Other", button_style="info")'


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in git whose baselines are approved; tests copy it."""
    project = make_project(tmp_path_factory.mktemp("approved"))
    project.notebook("notebooks/a.ipynb", TWO_STATES)
    project.notebook("notebooks/b.ipynb", button_cell(), OTHER)
    project.write(".gitignore", "widgetshot-report/\n__pycache__/\n*.xml\n")
    done = project.pytest("notebooks", "-q", "--update-baselines")
    assert done.returncode == 0, done.stdout
    assert "6 new; 6 baselines written" in done.stdout
    assert project.command("git", "init", "-q").returncode == 0
    commit(project)
    return project


def commit(project: Project) -> None:
    for words in (["add", "-A"], ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "x"]):
        assert project.command("git", *words).returncode == 0


@pytest.fixture
def copy(approved: Project, tmp_path: Path) -> Project:
    return copied(approved, tmp_path)


def copied(project: Project, folder: Path) -> Project:
    shutil.copytree(project.root, folder / "copy")
    return Project(folder / "copy")


def recolour(project: Project, *names: str) -> None:
    """Give the buttons of notebooks another style."""
    for name in names:
        notebook = project.root / "notebooks" / f"{name}.ipynb"
        notebook.write_text(notebook.read_text().replace('\\"info\\"', '\\"danger\\"'))


def test_click_reaches_python_and_its_picture_shows_it(approved: Project) -> None:
    pictures = approved.files("widgetshot-report/pictures/page-chromium-linux/notebooks/a")
    assert pictures["idle.shot.png"] != pictures["clicked.shot.png"]
    sidecar = (approved.root / "baselines/page-chromium-linux/notebooks/a/clicked[dark].json").read_text()
    assert '"value": "ran"' in sidecar


CHANGED, REMAINS = "notebooks/b.ipynb::button", "notebooks/b.ipynb::other"
MISSING = "notebooks/a.ipynb::clicked[dark]"
# Without their quarantine.
LIT = ("tests/test_lamp.py/test_lamp::lit", "others/lamp.ipynb::lit")


PYTHON_TEST = """
def test_playwright_of_its_own(page):
    page.set_content("<p>pytest-playwright</p>")
    assert page.inner_text("p") == "pytest-playwright"

def test_button(widgetshot):
    page = widgetshot.open("others/ui.ipynb")
    widgetshot.check("idle", cell="cell-0")
    page.get_by_role("button", name="Run").click()
    page.get_by_text("ran", exact=True).wait_for()
    widgetshot.check("clicked", cell="cell-0")

def test_dark_page(widgetshot):
    widgetshot.open("others/ui.ipynb", theme="dark", viewport="500x400")
    widgetshot.check("whole", mask=[{"selector": "button", "reason": "shows a mask"}])
"""
# The kernel is told something as it is drawn, and when its button is clicked; both callbacks raise.
RAISES = """#| shot: s
import anywidget, ipywidgets
class Drawn(anywidget.AnyWidget):
    _esm = "export default { render({ model, el }) { el.textContent = 'drawn'; model.send('drawn'); } }"
drawn, button = Drawn(), ipywidgets.Button(description="Run")
drawn.on_msg(lambda *_: {}["drawn"])
button.on_click(lambda _: {}["clicked"])
ipywidgets.VBox([drawn, button])
"""
RAISING = """
def test_raising(widgetshot):
    page = widgetshot.open("others/raises.ipynb")
    widgetshot.check("before")
    page.get_by_role("button", name="Run").click()
    widgetshot.check("after")
"""
BROWSER_ARGUMENTS = """
import pytest
from widgetshot.capture.browser import find_browser

@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    return {**browser_type_launch_args, "executable_path": find_browser("chromium").executable}
"""


WRONG = "#| shot: s\n#| tolerence: {pixels: 3}\n1"
LAMP = """
def test_lamp(widgetshot):
    widgetshot.open("notebooks/b.ipynb")
    widgetshot.check("lit")

def test_lamps(widgetshot):
    widgetshot.open("notebooks/b.ipynb")
    widgetshot.check("lit")
    widgetshot.check("still lit")
"""
GONE = """
def test_closes_the_browser(widgetshot):
    page = widgetshot.open("notebooks/b.ipynb")
    page.context.browser.close()
    widgetshot.check("gone")

def test_comes_after(widgetshot):
    widgetshot.open("notebooks/b.ipynb")
"""
QUARANTINE = """
[[tool.widgetshot.quarantine]]
target = "*lamp*::lit"
reason = "flickers"
until = 2999-12-31

[[tool.widgetshot.quarantine]]
target = "*raising*::before"
reason = "is not approved"
until = 2999-12-31

[[tool.widgetshot.quarantine]]
target = "tests/test_gone.py/*::*"
reason = "flickers"
until = 2999-12-31
"""


@pytest.fixture(scope="module")
def python_tests(approved: Project, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, str, dict[str, Any]]:
    """A project with Python tests that have no baselines yet, and the output and the report of their first run."""
    project = copied(approved, tmp_path_factory.mktemp("python"))
    files = {"test_ui": PYTHON_TEST, "test_lamp": LAMP, "test_raising": RAISING, "test_gone": GONE}
    for name, text in {"conftest": BROWSER_ARGUMENTS, **files}.items():
        project.write(f"tests/{name}.py", text)
    project.write("pyproject.toml", (project.root / "pyproject.toml").read_text() + QUARANTINE)
    project.notebook("others/lamp.ipynb", button_cell("#| shot: lit"))
    project.notebook("others/ui.ipynb", button_cell())
    project.notebook("others/raises.ipynb", RAISES)
    project.notebook("others/wrong.ipynb", WRONG)
    project.notebook("others/later.ipynb", "#| widgetshot: {skip: waits for a licence}\n#| shot: s\n1/0")
    # The last one of the tests closes the browser that they share.
    names = [*(f"tests/{name}.py" for name in files), "others/wrong.ipynb", "others/later.ipynb"]
    done = project.pytest("-q", "-rfs", *names, "--continue-on-collection-errors")
    assert done.returncode == 2
    assert "6 failed, 2 passed, 1 skipped" in done.stdout, done.stdout
    assert "1 error in" in done.stdout
    return project, done.stdout, {test["name"]: test for test in project.report()["tests"]}


# Of the tests of PYTHON_TEST those that need no other browser.
OF_WIDGETSHOT = ("tests/test_ui.py::test_button", "tests/test_ui.py::test_dark_page")


class Unchanged(NamedTuple):
    """A run of what had not changed: what pytest said, baselines before and after it, its report and its pictures."""

    project: Project
    output: str
    before: dict[str, bytes]
    after: dict[str, bytes]
    report: dict[str, Any]
    pictures: dict[str, bytes]


@pytest.fixture(scope="module")
def unchanged(python_tests: tuple[Project, str, dict[str, Any]]) -> Unchanged:
    """The same project after a run that may write: its output, the baselines from before, and the report.

    Pytest's own settings are those of the folder above from now on.
    """
    project, _, _ = python_tests
    (project.root.parent / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = '--strict-markers'\n")
    before = project.files("baselines")
    # A bare flag must not swallow the path behind it.
    done = project.pytest("--update-baselines", "notebooks", *OF_WIDGETSHOT)
    assert done.returncode == 0, done.stdout
    pictures = project.files("widgetshot-report/pictures")
    return Unchanged(project, done.stdout, before, project.files("baselines"), project.report(), pictures)


class Edited(NamedTuple):
    """The same project, in which two buttons have another style and a baseline is missing, and two runs of it.

    Attributes:
        before: the files of its baselines before any run.
        parallel: a run by two workers that may write nothing, of Python tests, too, and without quarantine; `report`
            is its report, `after_parallel` the baselines after it.
        accepted: the baselines after one of the two was approved.
        missing: a run of some notebooks after that, which may write what is missing; likewise.
        last_failed: what pytest collects then with `--last-failed`.
    """

    project: Project
    before: dict[str, bytes]
    parallel: "subprocess.CompletedProcess[str]"
    report: dict[str, Any]
    after_parallel: dict[str, bytes]
    accepted: dict[str, bytes]
    missing: "subprocess.CompletedProcess[str]"
    report_missing: dict[str, Any]
    after_missing: dict[str, bytes]
    last_failed: str


@pytest.fixture(scope="module")
def edited(unchanged: Unchanged) -> Edited:
    project = unchanged.project
    commit(project)
    recolour(project, "b")
    for file in (project.root / "baselines" / "page-chromium-linux" / "notebooks" / "a").glob("clicked[[]dark]*"):
        file.unlink()
    before = project.files("baselines")
    ci = {"GITHUB_STEP_SUMMARY": str(project.root / "summary.md")}
    chosen = ("notebooks", *OF_WIDGETSHOT, "tests/test_lamp.py::test_lamp", "others/lamp.ipynb", "--runxfail")
    words = ("-q", "-rfp", "-n", "2", "--junit-xml=out.xml", "--widgetshot-report=parallel")
    parallel = project.pytest(*chosen, *words, environment=ci)
    report, after_parallel = project.report("parallel"), project.files("baselines")
    assert project.widgetshot("approve", "--report", "parallel", CHANGED).returncode == 0
    accepted = project.files("baselines")
    ci = {"GITHUB_STEP_SUMMARY": str(project.root)}
    # Of two states only the last is wanted, and it still looks as it does in a whole run.
    last = ("notebooks", "-k", "clicked and dark or button or other")
    missing = project.pytest(*last, "-q", "-rp", "--update-baselines=missing", environment=ci, cache=True)
    report_missing, after_missing = project.report(), project.files("baselines")
    last_failed = project.pytest("notebooks", "-q", "--lf", "--co", cache=True).stdout
    return Edited(
        project, before, parallel, report, after_parallel, accepted, missing, report_missing, after_missing, last_failed
    )


def test_changed_and_missing_pictures_fail_and_nothing_is_written(edited: Edited) -> None:
    failed = edited.parallel
    assert failed.returncode == 1
    assert "5 failed, 5 passed" in failed.stdout
    verdicts = {test["name"]: test["verdict"] for test in edited.report["tests"]}
    assert {name: verdict for name, verdict in verdicts.items() if verdict != "match"} == {
        CHANGED: "changed", REMAINS: "changed", MISSING: "new", **dict.fromkeys(LIT, "new")
    }  # fmt: skip
    # A run that is not asked to never writes a baseline.
    assert edited.after_parallel == edited.before


def test_failures_are_told_with_what_changed_and_the_next_command(edited: Edited) -> None:
    assert "has no baseline yet" in edited.parallel.stdout
    assert f"widgetshot approve --report parallel '{CHANGED}'" in edited.parallel.stdout
    for said, report in ((edited.parallel.stdout, " --report parallel"), (edited.missing.stdout, "")):
        assert 'Button \'Other\'.button_style "info" → "danger"' in said
        assert f"widgetshot approve{report} '{REMAINS}'" in said
        assert "site-packages" not in said
        assert "Traceback" not in said


def test_a_summary_that_can_not_be_written_is_told(edited: Edited) -> None:
    assert "the summary can't be written to" in edited.missing.stdout


def test_missing_baselines_are_written_where_that_is_asked_for_and_changed_ones_stay(edited: Edited) -> None:
    assert edited.missing.returncode == 1
    assert "1 failed, 2 passed, 3 deselected" in edited.missing.stdout
    assert [test["name"] for test in edited.report_missing["tests"] if test["updated"]] == [MISSING]
    written = edited.after_missing
    assert len([name for name in written if "/a/" in name and name.endswith(".png")]) == 4
    assert {name: written[name] for name in edited.accepted} == edited.accepted


def test_workers_make_one_run(edited: Edited) -> None:
    assert "review: widgetshot review parallel\n" in edited.parallel.stdout
    run = edited.report
    assert run["summary"]["total"] == 11
    assert {name: count for name, count in run["summary"]["verdicts"].items() if count} == {
        "changed": 2, "new": 3, "match": 6
    }  # fmt: skip
    assert run["complete"]
    folder = edited.project.root / "parallel"
    for test in run["tests"]:
        assert (folder / test["pictures"]["shot"]["path"]).is_file()
    assert not (folder / "workers").exists()


def test_workers_append_one_summary(edited: Edited) -> None:
    (title,) = re.findall("^## widgetshot.*", (edited.project.root / "summary.md").read_text(), re.MULTILINE)
    assert title == "## widgetshot: 3 of 11 pictures need a decision"


def test_junit_agrees_with_the_run(edited: Edited) -> None:
    suite = next(ElementTree.parse(edited.project.root / "out.xml").getroot().iter("testsuite"))
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("10", "5", "0")


def test_what_was_approved_of_workers_pictures_passes_and_is_all_that_git_sees(edited: Edited) -> None:
    passed = re.findall("^PASSED (.*)$", edited.missing.stdout, re.MULTILINE)
    assert set(passed) == {CHANGED, MISSING}
    status = edited.project.command("git", "status", "--porcelain").stdout.splitlines()
    assert sorted(line[3:] for line in status) == [
        "baselines/page-chromium-linux/notebooks/b/button.json",
        "baselines/page-chromium-linux/notebooks/b/button.png",
        "notebooks/b.ipynb",
        "parallel/",
        "summary.md",
    ]


def test_last_failed_and_markers_select(approved: Project, edited: Edited) -> None:
    assert [line for line in edited.last_failed.splitlines() if "::" in line] == [f"copy/{REMAINS}"]
    assert "6 deselected" in approved.pytest("notebooks", "-q", "-m", "not widgetshot").stdout


def test_python_test_drives_the_page_beside_pytest_playwright(
    python_tests: tuple[Project, str, dict[str, Any]], edited: Edited
) -> None:
    _, said, first = python_tests
    assert "FAILED tests/test_ui.py::test_button " in said
    assert "FAILED tests/test_ui.py::test_playwright_of_its_own " not in said
    for name in ("test_button::idle", "test_dark_page::whole[dark]"):
        assert (first[f"tests/test_ui.py/{name}"]["verdict"], first[f"tests/test_ui.py/{name}"]["status"]) == (
            "new", "failed"
        )  # fmt: skip
    for name in OF_WIDGETSHOT:
        assert f"PASSED {name}\n" in edited.parallel.stdout
    verdicts = {test["name"]: test["verdict"] for test in edited.report["tests"]}
    assert {name: verdict for name, verdict in verdicts.items() if "test_ui" in name} == dict.fromkeys(
        (
            "tests/test_ui.py/test_button::idle",
            "tests/test_ui.py/test_button::clicked",
            "tests/test_ui.py/test_dark_page::whole[dark]",
        ),
        "match",
    )
    stored = edited.project.files("baselines/page-chromium-linux/tests")
    keys = {name for name in stored if name.endswith(".png")}
    assert keys == {
        "test_ui.py/test_button/idle.png",
        "test_ui.py/test_button/clicked.png",
        "test_ui.py/test_dark_page/whole[dark].png",
    }


def test_baselines_of_python_tests_are_unused_when_their_test_is_gone(edited: Edited, tmp_path: Path) -> None:
    project = copied(edited.project, tmp_path)
    assert "every baseline is declared" in project.widgetshot("prune").stdout
    project.write("tests/test_ui.py", PYTHON_TEST.replace("test_dark_page", "test_other"))
    assert "test_dark_page/whole[dark]" in project.widgetshot("prune").stdout


def test_runxfail_lets_quarantined_failures_fail_also_those_of_notebooks(edited: Edited) -> None:
    assert "FAILED tests/test_lamp.py::test_lamp " in edited.parallel.stdout
    assert "FAILED others/lamp.ipynb::lit " in edited.parallel.stdout


def test_unchanged_tree_passes_with_identical_pictures(approved: Project, unchanged: Unchanged) -> None:
    assert "8 passed" in unchanged.output
    verdicts = {test["name"]: test["verdict"] for test in unchanged.report["tests"]}
    assert {name: verdict for name, verdict in verdicts.items() if name.startswith("notebooks/")} == dict.fromkeys(
        approved.verdicts(), "match"
    )
    pictures = {name: data for name, data in unchanged.pictures.items() if "/tests/" not in name}
    assert len(pictures) == 6
    first = approved.files("widgetshot-report/pictures")
    assert pictures == {name: data for name, data in first.items() if name.endswith(".png")}


def test_update_on_an_unchanged_tree_changes_no_byte(unchanged: Unchanged) -> None:
    # Only Python tests had no baselines yet.
    assert {name: data for name, data in unchanged.after.items() if "/tests/" not in name} == unchanged.before


def test_where_the_time_went_is_reported(unchanged: Unchanged) -> None:
    output, run = unchanged.output, unchanged.report
    assert re.search(r"^time: [\d.]+ s of work in [\d.]+ s: \w+ [\d.]+, ", output, re.MULTILINE)
    assert re.search(r"^slowest notebooks:\n  [\d.]+ s notebooks/a.ipynb: ", output, re.MULTILINE)
    assert [entry["notebook"] for entry in run["notebooks"]] == ["notebooks/a.ipynb", "notebooks/b.ipynb"]
    stages = {"kernel", "execute", "render", "load", "settle", "capture", "compare", "write"}
    assert run["timings"].keys() == stages | {"server", "browser"}
    for entry in run["notebooks"]:
        assert entry["timings"].keys() == stages
        assert entry["seconds"] >= sum(entry["timings"].values()) - entry["timings"]["write"] - 0.01
    for stage in stages:
        of_notebooks = sum(entry["timings"][stage] for entry in run["notebooks"])
        assert of_notebooks == pytest.approx(run["timings"][stage], abs=0.001)


def test_a_quarantined_picture_of_a_python_test_is_named_in_the_summary(
    python_tests: tuple[Project, str, dict[str, Any]],
) -> None:
    _, output, first = python_tests
    lit = first["tests/test_lamp.py/test_lamp::lit"]
    assert (lit["verdict"], lit["status"]) == ("new", "quarantined")
    assert "3 of them in quarantine, which does not fail the run:" in output
    assert "tests/test_lamp.py/test_lamp::lit: flickers (until 2999-12-31)" in output
    assert "FAILED tests/test_lamp.py::test_lamp " not in output
    # It does not end its test: the next picture is checked, and has no quarantine.
    assert "tests/test_lamp.py/test_lamps::still lit: new: has no baseline yet" in output


def test_a_browser_that_is_gone_is_reported_and_not_excused(python_tests: tuple[Project, str, dict[str, Any]]) -> None:
    _, output, first = python_tests
    entry = first["tests/test_gone.py/test_closes_the_browser::gone"]
    assert (entry["status"], entry["error"]["type"]) == ("failed", "ServerError")
    assert "the browser died while its pages were open" in output
    assert "ServerError: the browser is gone" in output
    for name in ("test_closes_the_browser", "test_comes_after"):
        assert f"FAILED tests/test_gone.py::{name} " in output


def test_a_project_inside_of_pytests_rootdir_is_the_command_lines_project(unchanged: Unchanged) -> None:
    project = unchanged.project
    assert f"rootdir: {project.root.parent}" in unchanged.output.splitlines()
    # In another folder there would be no baseline to match, and these would be elsewhere.
    assert unchanged.report["summary"]["verdicts"]["match"] == 6
    written = unchanged.after.keys() - unchanged.before.keys()
    assert "page-chromium-linux/tests/test_ui.py/test_dark_page/whole[dark].png" in written
    assert not (project.root.parent / "baselines").exists()


def test_declaration_errors_are_reported_at_collection_without_running(
    copy: Project, python_tests: tuple[Project, str, dict[str, Any]]
) -> None:
    copy.notebook("notebooks/wrong.ipynb", WRONG)
    copy.write("notebooks/cut.ipynb", '{"cells": [')
    done = copy.pytest("notebooks", "-q")
    assert done.returncode == 2
    assert "unknown option 'tolerence'; did you mean 'tolerance'?" in done.stdout
    assert "notebooks/cut.ipynb: not a valid notebook" in done.stdout
    assert "Traceback" not in done.stdout
    # Others run all the same where that is asked for.
    _, others, _ = python_tests
    assert "unknown option 'tolerence'; did you mean 'tolerance'?" in others


def test_wrong_settings_are_reported_without_a_traceback(copy: Project) -> None:
    (copy.root / "other").mkdir()
    (copy.root / "other" / "mine.txt").touch()
    for words, says in (
        (("--widgetshot-browser=firefix",), "did you mean 'firefox'?"),
        (("--widgetshot-report=other",), "holds other things than a run"),
    ):
        done = copy.pytest("notebooks", "-q", *words)
        assert done.returncode == 4, done.stdout
        assert says in done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        assert "INTERNALERROR" not in done.stdout + done.stderr


def test_wrong_settings_of_another_rootdir_that_is_asked_for_are_reported_without_a_traceback(
    copy: Project, tmp_path: Path
) -> None:
    # Asked for in so many words, another root is taken.
    (tmp_path / "pyproject.toml").write_text("[tool.widgetshot]\nbrowsr = 'chromium'\n")
    done = copy.pytest("notebooks", "-q", f"--rootdir={tmp_path}")
    assert done.returncode == 2
    assert "unknown option 'browsr'; did you mean 'browser'?" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert "plugin.py" not in done.stdout


def test_skipped_notebook_says_why(python_tests: tuple[Project, str, dict[str, Any]]) -> None:
    _, output, _ = python_tests
    assert "SKIPPED" in output
    assert "waits for a licence" in output


def test_plugin_imports_nothing_heavy_without_notebooks(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text(
        "import sys\ndef test_x():\n"
        "    heavy = {'playwright', 'numpy', 'nbformat', 'nbclient', 'PIL', 'tornado', 'yaml', 'click'}\n"
        "    assert not heavy & set(sys.modules)\n    assert 'widgetshot.pytest_plugin.plugin' in sys.modules\n"
    )
    done = Project(tmp_path).pytest("-q", "-p", "no:playwright", "-p", "no:hypothesispytest", "-p", "no:anyio")
    assert done.returncode == 0, done.stdout


def test_help_names_every_option(tmp_path: Path) -> None:
    output = Project(tmp_path).pytest("--help").stdout
    for option in ("--update-baselines", "--widgetshot-report", "--widgetshot-browser", "--widgetshot-jobs"):
        assert option in output


def test_callback_that_raises_is_told_of_a_page_as_it_is_opened_and_breaks_what_a_test_then_does(
    python_tests: tuple[Project, str, dict[str, Any]],
) -> None:
    _, said, first = python_tests
    assert "FAILED tests/test_raising.py::test_raising " in said
    before, after = (first[f"tests/test_raising.py/test_raising::{name}"] for name in ("before", "after"))
    assert (before["verdict"], after["verdict"]) == ("new", "broken")
    assert before["console"] == ["a callback raised KeyError, which only JupyterLab's log shows: 'drawn'"]
    assert after["sentence"] == "a callback raised KeyError: 'clicked'"
