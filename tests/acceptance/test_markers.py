"""Markers, suites, and what a notebook asks of the environment."""

import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from builders import PATH, block, read
from projects import Project, button_cell, make_project
from widgetshot.errors import ConfigError
from widgetshot.project.dotenv import read_env_file
from widgetshot.project.loading import load_settings
from widgetshot.project.notebooks import load_notebook
from widgetshot.project.settings import Settings

STATES = button_cell(
    "#| widgetshot: {markers: [unit]}\n#| shot:\n#|   - {name: idle, markers: [expensive]}\n"
    "#|   - {name: clicked, markers: [smoke, slow], steps: [{click: button}]}"
)
NEEDY = "#| widgetshot: {requires_env: [FROM_FILE, FROM_SHELL]}\n#| shot: needy\nprint('runs')"
SERVED = """#| widgetshot: {requires_env: [FROM_FILE, FROM_BOTH]}
#| shot: served
import os
assert (os.environ["FROM_FILE"], os.environ["FROM_BOTH"]) == ("a b", "shell")
assert os.environ["PYTHONHASHSEED"] == "0"
print("runs")
"""


First = tuple[subprocess.CompletedProcess[str], dict[str, str]]


def settings_of(root: Path, *lines: str) -> Settings:
    (root / "pyproject.toml").write_text("\n".join(lines), encoding="utf-8")
    return load_settings(root)


def test_a_shot_has_its_own_markers_and_those_of_its_notebook(tmp_path: Path) -> None:
    notebook = read(tmp_path, STATES, button_cell("#| shot: other"))
    assert {target.shot: target.markers for target in notebook.targets} == {
        "idle": ("expensive", "unit"),
        "clicked": ("slow", "smoke", "unit"),
        "other": ("unit",),
    }


def test_one_marker_needs_no_list(tmp_path: Path) -> None:
    assert read(tmp_path, block("shot: s", "markers: smoke")).targets[0].markers == ("smoke",)


@pytest.mark.parametrize("option", ["markers: [1]", "markers: [a b]", "markers: {a: b}", "markers: ['-m']"])
def test_markers_are_names(tmp_path: Path, option: str) -> None:
    with pytest.raises(ConfigError, match=rf"{PATH}::s: markers: must be a list of names"):
        read(tmp_path, block("shot: s", option))


def test_required_variables_are_names(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"requires_env: must be a list of names, not \['A=b'\]"):
        read(tmp_path, block("widgetshot: {requires_env: ['A=b']}"))


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("pyproject.toml", '[tool.pytest.ini_options]\nmarkers = ["slow: takes minutes", "gpu(kind): has one"]'),
        ("pyproject.toml", '[tool.pytest]\nmarkers = ["slow", "gpu"]'),
        ("pytest.ini", "[pytest]\nmarkers =\n    slow: takes minutes\n    gpu\n"),
        ("setup.cfg", "[tool:pytest]\nmarkers = slow\n    gpu: has 100% of one\n"),
    ],
)
def test_markers_of_the_project_are_those_that_pytest_knows(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).write_text(text, encoding="utf-8")
    assert load_settings(tmp_path).markers > {"slow", "gpu", "smoke", "unit", "services"}


def test_unreadable_configuration_of_pytest_is_left_to_pytest(tmp_path: Path) -> None:
    (tmp_path / "tox.ini").write_text("no section", encoding="utf-8")
    assert "smoke" in load_settings(tmp_path).markers


@pytest.mark.parametrize(
    ("marker", "hint"), [("smok", "did you mean 'smoke'?"), ("skip", "valid: "), ("xfail", "valid: ")]
)
def test_an_unregistered_marker_is_refused(tmp_path: Path, marker: str, hint: str) -> None:
    settings = settings_of(tmp_path, "[tool.pytest.ini_options]", "markers = ['skip: mine']")
    file = Project(tmp_path).notebook("x.ipynb", f"#| shot: s\n#| markers: [{marker}]\nprint(1)")
    with pytest.raises(ConfigError) as caught:
        load_notebook(settings, file)
    assert f"x.ipynb::s: unknown marker '{marker}'; {hint}" in str(caught.value)
    assert "[tool.pytest.ini_options]" in str(caught.value)


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("suite"))
    project.write(
        "pyproject.toml",
        (project.root / "pyproject.toml").read_text()
        + "[tool.pytest.ini_options]\nmarkers = ['slow: takes minutes']\naddopts = ['--strict-markers']\n",
    )
    project.notebook("notebooks/states.ipynb", STATES)
    project.notebook("notebooks/needy.ipynb", NEEDY)
    project.notebook("served/served.ipynb", SERVED)
    project.write(".env.test", "# of the test account\nFROM_FILE='a b'\nFROM_BOTH=file\nPYTHONHASHSEED=7\n")
    # Empty counts as missing: that is what CI makes of a secret that it does not have.
    project.environment = {"FROM_BOTH": "shell", "FROM_SHELL": ""}
    return project


@pytest.fixture(scope="module")
def first(suite: Project) -> First:
    """The run that wrote the baselines, in which what is required must be there; and its verdicts."""
    done = suite.widgetshot("run", "--update-baselines=all", "--require-env", "notebooks", "served")
    return done, suite.verdicts()


def test_kernels_get_the_file_but_the_real_environment_wins(first: First) -> None:
    # It raises where it has other values.
    assert first[1]["served/served.ipynb::served"] == "new"


@pytest.fixture(scope="module")
def smoke(suite: Project, first: First) -> tuple[str, dict[str, Any]]:
    """What a run of a suite says, and its report; a notebook that is not of it lacks what it requires."""
    done = suite.widgetshot("run", "--suite", "smoke", "notebooks")
    assert done.returncode == 0, done.stdout
    return done.stdout, suite.report()


def test_a_suite_runs_what_carries_the_marker_and_says_what_it_left_out(smoke: tuple[str, dict[str, Any]]) -> None:
    said, report = smoke
    # The steps before it ran too, or its picture would be another.
    (test,) = report["tests"]
    assert (test["name"], test["verdict"]) == ("notebooks/states.ipynb::clicked", "match")
    assert "suite 'smoke': 2 other pictures were left out" in said
    assert report["suite"] == {"name": "smoke", "left_out": 2}
    assert test["markers"] == ["slow", "smoke", "unit"]


def test_what_a_suite_leaves_out_is_not_reported_for_what_it_requires(smoke: tuple[str, dict[str, Any]]) -> None:
    said, report = smoke
    assert "needy" not in said, "it does not carry the marker"
    assert report["skipped"] == []


@pytest.mark.parametrize(
    ("name", "message"),
    [("smoky", "unknown marker 'smoky'; did you mean 'smoke'?"), ("visual", "no shot carries the marker 'visual'")],
)
def test_a_suite_of_nothing_is_refused(suite: Project, name: str, message: str) -> None:
    done = suite.widgetshot("run", "--suite", name)
    assert done.returncode == 3
    assert f"--suite: {message}" in done.stderr


def test_pytest_selects_by_marker(suite: Project) -> None:
    done = suite.pytest("-q", "notebooks", "--collect-only", "-m", "smoke and not expensive")
    assert [line for line in done.stdout.splitlines() if "::" in line] == ["notebooks/states.ipynb::clicked"]
    assert "@pytest.mark.services: needs a running service" in suite.pytest("--markers").stdout


def test_pytest_knows_markers_that_a_conftest_registers(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    project.notebook("x.ipynb", "#| shot: s\n#| markers: [gpu]\nprint(1)")
    assert "unknown marker 'gpu'" in project.pytest("-q", "--collect-only").stdout
    project.write("conftest.py", "def pytest_configure(config): config.addinivalue_line('markers', 'gpu: has one')")
    assert "x.ipynb::s" in project.pytest("-q", "--collect-only", "--strict-markers", "-m", "gpu").stdout


def test_a_notebook_without_what_it_requires_is_skipped_and_reported(suite: Project) -> None:
    done = suite.widgetshot("run", "notebooks/needy.ipynb")
    assert done.returncode == 0, done.stderr
    why = "needs FROM_SHELL in the environment or in .env.test"
    assert f"- notebooks/needy.ipynb: skipped: {why}" in done.stdout
    assert suite.report()["skipped"] == [{"notebook": "notebooks/needy.ipynb", "reason": why}]
    done = suite.pytest("notebooks/needy.ipynb", "-q", "-rs")
    assert (done.returncode, "1 skipped" in done.stdout, why in done.stdout) == (0, True, True)


REQUIRED = "it needs FROM_SHELL, which is not set, and --require-env makes that an error"


def test_require_env_fails_what_would_be_skipped_and_runs_the_rest(first: First) -> None:
    done, verdicts = first
    assert done.returncode == 2
    assert REQUIRED in done.stdout
    assert "export FROM_SHELL=..." in done.stdout
    assert verdicts["notebooks/states.ipynb::idle"] == "new"


# Without workers, that the rest runs is shown by any test of pytest.
@pytest.mark.parametrize(
    ("words", "counts"), [(["notebooks/needy.ipynb"], "1 failed"), (["notebooks", "-n1"], "1 failed, 2 passed")]
)
def test_require_env_fails_what_pytest_would_skip(suite: Project, first: First, words: list[str], counts: str) -> None:
    words = [*words, "-q", "--widgetshot-require-env", "--junit-xml=junit.xml"]
    done = suite.pytest(*words)
    assert done.returncode == 2
    assert REQUIRED in done.stdout
    assert counts in done.stdout
    (failure,) = ElementTree.parse(suite.root / "junit.xml").getroot().iter("failure")
    assert REQUIRED in (failure.text or "")


@pytest.mark.parametrize(
    ("text", "line"), [("A=1\n\nB='open\n", 3), ("A=1\nC\n", 2), ("\n\n= x\n", 3), ("A='1' 2\n", 1)]
)
def test_a_malformed_file_is_refused_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    (tmp_path / ".env.test").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / '.env.test'}:{line}: is no NAME=value")
    # Not a word of what it says; the folder's name is nobody's secret.
    assert "open" not in str(caught.value).splitlines()[0].removeprefix(str(tmp_path)).replace("not closed", "")


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env.test").write_bytes(b"A=\xff\n")
    with pytest.raises(ConfigError, match="can't be read"):
        load_settings(tmp_path)


def test_variables_of_the_file_are_no_part_of_what_is_shown_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / ".env.test").write_text(
        "WIDGETSHOT_TEST_A=1\nWIDGETSHOT_TEST_B=${WIDGETSHOT_TEST_A}2 # x\nPATH=/nowhere\n"
    )
    assert read_env_file(tmp_path) == {"WIDGETSHOT_TEST_A": "1", "WIDGETSHOT_TEST_B": "12"}
    assert "WIDGETSHOT_TEST_A" not in repr(load_settings(tmp_path))
