"""The front ends `static` and `voila`, and notebooks that are shown as they were saved: one run for all."""

import json
import subprocess
import sys
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from projects import Project

WIDGETS = "import ipywidgets as widgets\n"
SHOWN = (
    "#| widgetshot: {frontend: [page, static, voila]}\n#| shot: slider\n"
    + WIDGETS
    + "slider = widgets.IntSlider(7, description='Cores')\nwidgets.VBox([slider, widgets.HTML('<b>set</b>')])",
    "#| shot: counter\n"
    "import anywidget, traitlets\n"
    "class Counter(anywidget.AnyWidget):\n"
    "    _esm = '''export default { render({ model, el }) { el.innerHTML = `<p>counted ${model.get('n')}</p>`; } }'''\n"
    "    n = traitlets.Int(3).tag(sync=True)\n"
    "Counter()",
    "#| shot: {name: plot}\n"
    "import bqplot, numpy as np\n"
    "y = bqplot.LinearScale()\n"
    "scales = {'x': bqplot.OrdinalScale(), 'y': y}\n"
    "bars = bqplot.Bars(x=np.arange(3), y=np.ones(3), scales=scales, colors=['#c81e1e'])\n"
    "bqplot.Figure(marks=[bars], title='bars', animation_duration=0)",
    "#| shot: maths\nfrom IPython.display import Math\nprint('printed')\nMath('x^2 + y^2')",
    "#| shot: {name: everything, capture: page}\n" + "\n".join(f"print('line {n}')" for n in range(80)),
)
ACTED = (
    "#| widgetshot: {frontend: voila}\n"
    "#| shot: [{name: clicked, steps: [click: button]}, {name: raised, steps: [click: '.bad']}]\n"
    + WIDGETS
    + "label, button = widgets.Label('at 0'), widgets.Button(description='add')\n"
    "bad = widgets.Button(description='fail').add_class('bad')\n"
    "button.on_click(lambda _: setattr(label, 'value', 'at 1'))\n"
    "bad.on_click(lambda _: 1 / 0)\n"
    "widgets.VBox([label, button, bad])",
)
BETWEEN = (
    "#| widgetshot: {frontend: static}\n#| shot: {name: s, after: each}\n"
    + WIDGETS
    + "label = widgets.Label('begun')\nlabel",
    "label.value = 'went on'",
)
RAISES = ("#| widgetshot: {frontend: [static, voila]}\n#| shot: s\nprint('begun')", "raise RuntimeError('on purpose')")
SAVED = (
    "#| widgetshot: {execute: false, frontend: [page, static]}\n#| shot: s\n"
    + WIDGETS
    + "widgets.IntSlider(9, description='kept')"
)
ABSENT = (
    "#| widgetshot: {frontend: [static, voila]}\n#| shot: s\nimport ipywidgets, traitlets\n"
    "def named(text):\n    return traitlets.Unicode(text).tag(sync=True)\n"
    "class Absent(ipywidgets.DOMWidget):\n"
    "    _model_module, _view_module = named('absent-widget'), named('absent-widget')\n"
    "    _model_module_version, _view_module_version = named('1.2.0'), named('1.2.0')\n"
    "    _model_name, _view_name = named('AbsentModel'), named('AbsentView')\n"
    "Absent()",
    "#| shot: beside\nprint('no widget here')",
)
SECRET = "canary-4711"
TELLS = (
    "#| widgetshot: {frontend: [static, voila], theme: [light, dark]}\n#| shot: s\n"
    "import os\nfrom IPython.display import HTML\nHTML('<p>it is ' + os.environ['API_KEY'] + '</p>')",
)


@pytest.fixture(scope="module")
def ran(shared_project: Project) -> Project:
    project = shared_project
    project.write("pyproject.toml", '[tool.widgetshot]\nsecrets = ["API_KEY"]\n')
    project.environment["API_KEY"] = SECRET
    notebooks = {"shown": SHOWN, "acted": ACTED, "between": BETWEEN, "raises": RAISES, "tells": TELLS, "absent": ABSENT}
    for name, sources in notebooks.items():
        project.notebook(f"notebooks/{name}.ipynb", *sources)
    saved = project.notebook("notebooks/saved.ipynb", SAVED)
    project.notebook("notebooks/empty.ipynb", SAVED)
    command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "--inplace", str(saved)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    notebook = json.loads(saved.read_text(encoding="utf-8"))
    state = notebook["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    assert state
    state.clear()
    project.write("notebooks/stateless.ipynb", json.dumps(notebook))
    done = project.widgetshot("run", "--update-baselines")
    assert "Traceback" not in done.stderr, done.stderr
    return project


def sidecar(project: Project, environment: str, name: str) -> dict[str, Any]:
    (folder,) = (project.root / "baselines").glob(f"{environment}-*")
    read: dict[str, Any] = json.loads((folder / "notebooks" / f"{name}.json").read_text(encoding="utf-8"))
    return read


def pixels(project: Project, environment: str, name: str) -> Any:
    (folder,) = (project.root / "baselines").glob(f"{environment}-*")
    data = (folder / "notebooks" / f"{name}.png").read_bytes()
    with Image.open(BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def error(project: Project, name: str) -> str:
    return str(project.entry(f"notebooks/{name}")["error"]["message"])


@pytest.mark.parametrize("frontend", ["page", "static", "voila"])
def test_widgets_of_all_kinds_are_drawn(ran: Project, frontend: str) -> None:
    (box,) = sidecar(ran, frontend, "shown/slider")["widgets"]
    assert [box["widget"], box["children"][0]["value"]] == ["VBox", 7]
    assert "text 'Cores'" in "\n".join(sidecar(ran, frontend, "shown/slider")["layout"])
    assert "text 'counted 3'" in "\n".join(sidecar(ran, frontend, "shown/counter")["layout"])
    red = np.abs(pixels(ran, frontend, "shown/plot") - (200, 30, 30)).max(axis=2) <= 3
    assert red.sum() > 1000


@pytest.mark.parametrize("frontend", ["static", "voila"])
def test_themes_are_those_of_the_front_end(ran: Project, frontend: str) -> None:
    light, dark = (pixels(ran, frontend, f"tells/s{variant}") for variant in ("", "[dark]"))
    assert light[-1, -1].min() > 240
    assert dark[-1, -1].max() < 60


@pytest.mark.parametrize("frontend", ["static", "voila"])
def test_the_whole_page_is_shown_and_what_is_far_down_is_not_cut_off(ran: Project, frontend: str) -> None:
    assert pixels(ran, frontend, "shown/everything").shape[0] > 80 * 15


@pytest.mark.parametrize("frontend", ["static", "voila"])
def test_formulas_are_typeset_without_anything_from_elsewhere(ran: Project, frontend: str) -> None:
    name = f"notebooks/shown.ipynb::maths[{frontend}]"
    entry = ran.entry(name)
    assert entry["verdict"] == "new", entry
    assert not entry["blocked"], entry["blocked"]
    text = "\n".join(sidecar(ran, frontend, "shown/maths")["layout"])
    assert "printed" in text
    assert "x^2" not in text


def test_steps_act_on_voilas_kernel_and_a_callback_that_raises_breaks_the_picture(ran: Project) -> None:
    assert "text 'at 1'" in "\n".join(sidecar(ran, "voila", "acted/clicked")["layout"])
    assert "ZeroDivisionError" in error(ran, "acted.ipynb::raised[voila]")


def test_a_static_page_shows_what_was_saved_between_cells(ran: Project) -> None:
    for name, text in (("s", "begun"), ("s+cell-1", "went on")):
        assert f"text '{text}'" in "\n".join(sidecar(ran, "static", f"between/{name}")["layout"])


@pytest.mark.parametrize("frontend", ["static", "voila"])
def test_a_cell_that_raises_breaks_the_notebook(ran: Project, frontend: str) -> None:
    said = error(ran, f"raises.ipynb::s[{frontend}]")
    assert "raises.ipynb::cell-1" in said
    assert "the cell raised RuntimeError: on purpose" in said


@pytest.mark.parametrize("frontend", ["page", "static"])
def test_a_saved_notebook_is_shown_without_a_kernel(ran: Project, frontend: str) -> None:
    (slider,) = sidecar(ran, frontend, "saved/s")["widgets"]
    assert [slider["widget"], slider["value"]] == ["IntSlider", 9]


@pytest.mark.parametrize("label", ["", "[static]"])
def test_what_was_not_saved_is_named(ran: Project, label: str) -> None:
    said = error(ran, f"stateless.ipynb::s{label}")
    assert "saved without the state of the widget IntSlider(value=9, description='kept')" in said
    assert "saved without outputs" in error(ran, f"empty.ipynb::s{label}")


@pytest.mark.parametrize("frontend", ["static", "voila"])
def test_a_front_end_that_is_not_installed_is_named_where_it_is_missing(ran: Project, frontend: str) -> None:
    said = error(ran, f"absent.ipynb::s[{frontend}]")
    assert "the front end of 'absent-widget'" in said
    assert "is not installed" in said
    assert ran.verdicts()[f"notebooks/absent.ipynb::beside[{frontend}]"] == "new"


@pytest.mark.parametrize("frontend", ["static", "voila"])
def test_no_secret_is_shown(ran: Project, frontend: str) -> None:
    text = "\n".join(sidecar(ran, frontend, "tells/s")["layout"])
    assert "it is ***" in text
    assert SECRET not in text


def test_a_second_run_finds_nothing_changed(ran: Project) -> None:
    ran.widgetshot("run", "notebooks/tells.ipynb")
    assert set(ran.verdicts().values()) == {"match"}
