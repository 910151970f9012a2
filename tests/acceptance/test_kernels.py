"""The kernel that notebooks run on: their own, the project's, or one that is given for a run; on real kernels.

Each notebook has a shot `s`, which shows the variable WHICH of its kernel.
"""

import json
import sys
from typing import Any

import pytest

from projects import Project

SHOT = "#| shot: s\n"
PRINT = SHOT + "import os\nprint('ran on', os.environ.get('WHICH', 'python3'))"
PYTHON = {"language_info": {"name": "python"}}
# Kernel specs: a Python kernel, and one that says of itself that it is of another language.
SPECS = {"second": "python", "other": "bash"}
NOTEBOOKS: dict[str, dict[str, Any]] = {
    "plain": PYTHON,
    "silent": {},
    "missing": {"kernelspec": {"name": "gone", "display_name": "Gone", "language": "python"}},
    "declared": {**PYTHON, "widgetshot": {"kernel": "python3"}},
    "other": {"kernelspec": {"name": "other", "display_name": "Other", "language": "bash"}},
}


# It ends at once when it is started for the first time, as one does whose port another program has taken.
LATER = """
import os, sys
try:
    os.close(os.open(MARK, os.O_CREAT | os.O_EXCL))
except FileExistsError:
    os.execv(sys.executable, [sys.executable, "-m", "ipykernel_launcher", *sys.argv[1:]])
"""


@pytest.fixture(scope="module")
def project(shared_project: Project) -> Project:
    project = shared_project
    project.environment["JUPYTER_PATH"] = str(project.root / "jupyter")
    for name, language in SPECS.items():
        spec = {
            "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            "display_name": name,
            "language": language,
            "env": {"WHICH": name},
        }
        project.write(f"jupyter/kernels/{name}/kernel.json", json.dumps(spec))
    for name, metadata in NOTEBOOKS.items():
        project.notebook(f"notebooks/{name}.ipynb", PRINT, **metadata)
    return project


def ran_on(project: Project) -> dict[str, str]:
    """The kernel that each notebook ran on in the last run, which wrote all baselines."""
    found = {}
    for name in NOTEBOOKS:
        entry = project.entry(f"notebooks/{name}.ipynb::s")
        sidecar = json.loads((project.root / f"baselines/{entry['key']}.json").read_text(encoding="utf-8"))
        found[name] = "".join(sidecar["layout"]).partition("ran on ")[2].rstrip("'")
    return found


PYTHON_NAMES = ("plain", "silent", "missing", "declared")


def test_notebooks_run_on_their_own_kernel(project: Project) -> None:
    project.widgetshot("run", "--update-baselines=all")
    assert ran_on(project) == {**dict.fromkeys(PYTHON_NAMES, "python3"), "other": "other"}
    (told,) = project.entry("notebooks/missing.ipynb::s")["console"]
    assert told == "its kernel 'gone' is not installed: it ran on 'python3'"


def test_given_kernel_is_that_of_every_python_notebook_and_of_no_other(project: Project) -> None:
    done = project.pytest("--widgetshot-kernel=second", "--update-baselines=all", "notebooks")
    assert "5 passed" in done.stdout, done.stdout
    assert ran_on(project) == {**dict.fromkeys(PYTHON_NAMES, "second"), "other": "other"}
    assert project.entry("notebooks/missing.ipynb::s")["console"] == []


def test_kernel_of_the_project_leaves_the_choice_to_notebooks(project: Project) -> None:
    configuration = project.root / "pyproject.toml"
    before = configuration.read_text()
    configuration.write_text(before + 'kernel = "second"\n')
    try:
        project.widgetshot("run", "--update-baselines=all")
    finally:
        configuration.write_text(before)
    assert ran_on(project) == {**dict.fromkeys(PYTHON_NAMES, "second"), "declared": "python3", "other": "other"}


@pytest.fixture(scope="module")
def unknown(project: Project) -> Project:
    """The project after a run with an unknown kernel, also of a notebook of a language that has no kernel here."""
    project.notebook("elsewhere/r.ipynb", SHOT + "1", kernelspec={"name": "ir", "display_name": "R", "language": "R"})
    done = project.widgetshot("run", "--kernel", "nope", "notebooks/plain.ipynb", "elsewhere")
    assert done.returncode == 2
    return project


def test_unknown_kernel_is_an_error_that_names_the_flag(unknown: Project) -> None:
    error = unknown.entry("notebooks/plain.ipynb::s")["error"]
    assert "its kernel 'nope' is not installed" in error["message"]
    assert error["next"].startswith("widgetshot run --kernel python3 notebooks/plain.ipynb")


def test_missing_kernel_of_another_language_is_looked_for_among_those_that_are_here(unknown: Project) -> None:
    error = unknown.entry("elsewhere/r.ipynb::s")["error"]
    assert "its kernel 'ir' is not installed" in error["message"]
    assert error["next"].startswith("jupyter kernelspec list")


def test_kernel_that_dies_while_it_starts_is_started_once_more(project: Project) -> None:
    for name in ("later", "never"):
        # The one that never starts finds no file of its mark's name, and can make none.
        program = LATER.replace("MARK", repr(str(project.root / ("mark" if name == "later" else "no/mark"))))
        argv = [sys.executable, "-c", program, "-f", "{connection_file}"]
        spec = {"argv": argv, "display_name": name, "language": "python"}
        project.write(f"jupyter/kernels/{name}/kernel.json", json.dumps(spec))
        project.notebook(f"starts/{name}.ipynb", PRINT, kernelspec={"name": name, "display_name": name})
    project.widgetshot("run", "--update-baselines", "starts")
    assert (project.root / "mark").exists()
    assert project.entry("starts/later.ipynb::s")["verdict"] == "new"
    never = project.entry("starts/never.ipynb::s")
    assert never["error"]["message"] == "the kernel 'never' did not start: Kernel died before it could be listened to"
