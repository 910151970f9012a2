"""One notebook in our own page and in the real JupyterLab and Notebook, in one run."""

import json
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from projects import Project

FRONT_ENDS = ("page", "lab", "notebook")
CELLS = (
    "#| widgetshot: {frontend: [page, lab, notebook], theme: [light, dark]}\n"
    "#| shot: slider\nimport ipywidgets as widgets\nwidgets.IntSlider(3, description='amount')",
    "#| shot: {name: clicked, theme: light, steps: [click: button], mask: {selector: button, reason: moves}}\n"
    "label, button = widgets.Label('0'), widgets.Button(description='add')\n"
    "button.on_click(lambda _: setattr(label, 'value', 'was clicked'))\nwidgets.VBox([label, button])",
    "#| shot: [{name: code, theme: light, frontend: [lab, notebook], capture: cell-with-code}, "
    "{name: window, theme: light, frontend: [lab, notebook], capture: window}]\nprint(6 * 7)",
)
THEME = "#| shot: {name: odd, frontend: lab, theme: Solarized Nowhere}\n1"
RAISES = "#| shot: {name: never, frontend: lab}\nraise RuntimeError('on purpose')"


@pytest.fixture(scope="module")
def ran(shared_project: Project) -> Project:
    project = shared_project
    project.notebook("notebooks/all.ipynb", *CELLS)
    project.notebook("notebooks/theme.ipynb", THEME)
    project.notebook("notebooks/raises.ipynb", RAISES)
    done = project.widgetshot("run", "--update-baselines")
    assert "Traceback" not in done.stderr
    return project


def picture(project: Project, front_end: str, name: str) -> Any:
    (folder,) = (project.root / "baselines").glob(f"{front_end}-*")
    with Image.open(BytesIO((folder / "notebooks/all" / f"{name}.png").read_bytes())) as image:
        return np.asarray(image.convert("RGB"))


def sidecar(project: Project, front_end: str, name: str) -> str:
    (folder,) = (project.root / "baselines").glob(f"{front_end}-*")
    return json.dumps(json.loads((folder / "notebooks/all" / f"{name}.json").read_text(encoding="utf-8")))


def test_each_front_end_has_baselines_and_names_of_its_own(ran: Project) -> None:
    run = ran.report()
    environments = run["environment"]["name"].split(", ")
    assert [name.partition("-")[0] for name in environments] == sorted(FRONT_ENDS)
    assert set(run["environment"]["fingerprint"]) == set(environments)
    assert "jupyterlab" in ran.entry("notebooks/all.ipynb::slider[lab]")["fingerprint"]["frontend"]
    names = {test["name"].rpartition("::")[2] for test in run["tests"] if test["notebook"] == "notebooks/all.ipynb"}
    assert {
        "slider",
        "slider[dark]",
        "slider[lab]",
        "slider[lab,dark]",
        "slider[notebook,dark]",
        "window[lab]",
    } <= names
    assert {test["status"] for test in run["tests"] if test["notebook"] == "notebooks/all.ipynb"} == {"passed"}


@pytest.mark.parametrize("name", ["slider", "slider[dark]"])
def test_our_page_draws_an_output_as_jupyterlab_does(ran: Project, name: str) -> None:
    assert np.array_equal(picture(ran, "page", name), picture(ran, "lab", name))


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_steps_reach_the_kernel(ran: Project, front_end: str) -> None:
    assert "was clicked" in sidecar(ran, front_end, "clicked")


@pytest.mark.parametrize("front_end", ["lab", "notebook"])
def test_a_cell_with_its_code_and_the_window_are_shown(ran: Project, front_end: str) -> None:
    assert picture(ran, front_end, "window").shape[:2] == (720, 960)
    assert 30 < picture(ran, front_end, "code").shape[0] < 200
    assert "File" in sidecar(ran, front_end, "window")


def test_what_can_be_had_in_no_front_end_is_said(ran: Project) -> None:
    odd = ran.entry("notebooks/theme.ipynb::odd[lab,Solarized Nowhere]")
    assert "there is no theme 'Solarized Nowhere', but JupyterLab Dark" in odd["error"]["message"]
    never = ran.entry("notebooks/raises.ipynb::never[lab]")
    assert "RuntimeError: on purpose" in never["error"]["message"]


def test_a_marker_selects_a_front_end(ran: Project) -> None:
    listed = ran.pytest("notebooks/all.ipynb", "-m", "notebook", "--collect-only", "-q").stdout
    assert "::slider[notebook,dark]" in listed
    assert "[lab" not in listed
    only = ran.widgetshot("run", "notebooks/all.ipynb", "--suite", "lab", "--output", "json")
    found = json.loads(only.stdout)
    assert {test["verdict"] for test in found["tests"]} == {"match"}
    assert {test["key"].partition("-")[0] for test in found["tests"]} == {"lab"}
