"""Several browser pages on one kernel: what is done in one is seen in the others."""

from typing import Any

import pytest

from projects import Project

SLIDER = """
import ipywidgets as widgets
slider = widgets.IntSlider(0, max=4, description="workers").add_class("slider")
label = widgets.Label("at 0")
slider.observe(lambda change: setattr(label, "value", f"at {change.new}"), "value")
widgets.VBox([slider, label])
"""
# Every page that shows it tells the kernel that it was opened.
COUNTER = """
import anywidget, ipywidgets as widgets
class Opened(anywidget.AnyWidget):
    _esm = '''export default {
        initialize({ model }) { model.send("opened") },
        render({ el }) { el.textContent = "-" },
    }'''
pages, label = [], widgets.Label()
def opened(*_):
    pages.append(1)
    label.value = f"{len(pages)} opened"
counter = Opened()
counter.on_msg(opened)
widgets.VBox([counter, label])
"""
# The processes that draw, of the run that this kernel belongs to.
KILLER = """
import psutil, ipywidgets as widgets
def kill(_):
    (run,) = [one for one in psutil.Process().parents() if "--widgetshot-report=partly" in one.cmdline()]
    for one in run.children(recursive=True):
        if "--type=renderer" in one.cmdline():
            one.kill()
button = widgets.Button(description="kill")
button.on_click(kill)
button
"""
PRINTER = """
import ipywidgets as widgets
button, output = widgets.Button(description="print"), widgets.Output()
@output.capture()
def tell(_):
    print("told once")
button.on_click(tell)
widgets.VBox([button, output])
"""

NOTEBOOKS = {
    "slider": """#| shot:
#|   - name: begin
#|   - name: moved
#|     steps:
#|       - drag: {selector: .slider, to: 0.75}
#|   - name: moved-elsewhere
#|     tab: colleague
#|   - name: moved-back
#|     steps:
#|       - wait: {text: at 3, tab: colleague}
#|       - drag: {selector: .slider, to: 0.25, tab: colleague}
#|   - name: both
#|     tab: colleague
#|     steps:
#|       - drag: {selector: .slider, to: 0.5, tab: colleague}
#|       - drag: {selector: .slider, to: 1}
"""
    + SLIDER,
    "alone": "#| shot: [{name: one}, {name: two}]" + COUNTER,
    "counted": "#| shot: [{name: one}, {name: two, tab: a}, {name: three, tab: b}, {name: four, tab: a}, {name: five}]"
    + COUNTER,
    "printed": "#| shot: [{name: there, tab: a, steps: [click: {selector: button, tab: a}]}, {name: here}]" + PRINTER,
}
KILLED = "#| shot: [{name: before, tab: a}, {name: after, tab: a, steps: [click: {selector: button, tab: a}]}]" + KILLER


@pytest.fixture(scope="module")
def ran(shared_project: Project) -> Project:
    for name, source in NOTEBOOKS.items():
        shared_project.notebook(f"notebooks/{name}.ipynb", source)
    done = shared_project.widgetshot("run", "--update-baselines")
    assert done.returncode == 0, done.stdout
    return shared_project


def baseline(project: Project, name: str, kind: str) -> bytes:
    folder = project.root / "baselines" / "page-chromium-linux"
    return (folder / "notebooks" / f"{name}.{kind}").read_bytes()


@pytest.mark.parametrize(
    ("shot", "value"),
    [("begin", 0), ("moved", 3), ("moved-elsewhere", 3), ("moved-back", 1), ("both", 4)],
)
def test_a_widget_has_one_state_in_all_tabs(ran: Project, shot: str, value: int) -> None:
    assert f"at {value}" in baseline(ran, f"slider/{shot}", "json").decode()


def test_the_same_state_looks_the_same_in_each_tab(ran: Project) -> None:
    assert len({baseline(ran, f"counted/{shot}", "png") for shot in ("three", "four", "five")}) == 1


def test_baselines_are_named_without_the_tab(ran: Project) -> None:
    folder = ran.root / "baselines" / "page-chromium-linux"
    names = {file.stem for file in (folder / "notebooks" / "slider").iterdir()}
    assert names == {"begin", "moved", "moved-elsewhere", "moved-back", "both"}


@pytest.mark.parametrize(
    ("shot", "pages"),
    [
        ("alone/one", 1), ("alone/two", 1),
        ("counted/one", 1), ("counted/two", 2), ("counted/three", 3), ("counted/four", 3), ("counted/five", 3),
    ],
)  # fmt: skip
def test_a_tab_is_opened_when_it_is_first_named_and_stays_open(ran: Project, shot: str, pages: int) -> None:
    assert f"{pages} opened" in baseline(ran, shot, "json").decode()


@pytest.mark.parametrize("shot", ["there", "here"])
def test_what_a_callback_prints_is_there_once_in_each_tab(ran: Project, shot: str) -> None:
    assert baseline(ran, f"printed/{shot}", "json").decode().count("'told once'") == 1


@pytest.fixture(scope="module")
def partly(ran: Project) -> dict[str, dict[str, Any]]:
    """The entries of a run of one shot, and then of a notebook that ends the processes that draw for all notebooks."""
    ran.notebook("crash/killed.ipynb", KILLED)
    words = ("--widgetshot-jobs=1", "--widgetshot-report=partly")
    done = ran.pytest(*words, "notebooks/slider.ipynb::moved-back", "crash")
    assert done.returncode == 1, done.stdout
    return {test["name"]: test for test in ran.report("partly")["tests"]}


def test_a_tab_that_crashed_is_reported(partly: dict[str, dict[str, Any]]) -> None:
    assert partly["crash/killed.ipynb::before"]["verdict"] == "new"
    entry = partly["crash/killed.ipynb::after"]
    assert entry["verdict"] == "broken"
    assert "crashed" in entry["error"]["message"]


def test_steps_in_a_tab_are_taken_also_for_a_later_shot_of_the_main_page(partly: dict[str, dict[str, Any]]) -> None:
    assert {name: test["verdict"] for name, test in partly.items() if name.startswith("notebooks/")} == {
        "notebooks/slider.ipynb::moved-back": "match"
    }
