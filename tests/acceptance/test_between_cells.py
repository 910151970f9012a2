"""Pictures between cells: a shot is taken after a later cell has run, before the next one begins."""

import json
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from projects import Project

WIDGETS = "import ipywidgets as widgets\n"
FIGURE = """import bqplot, numpy as np
x = bqplot.LinearScale()
bars = bqplot.Bars(x=np.arange(3), y=np.ones(3), scales={"x": bqplot.OrdinalScale(), "y": x}, colors=["#c81e1e"])
figure = bqplot.Figure(marks=[bars], title="first", animation_duration=0)
figure"""
GRID = """import pandas as pd
from ipydatagrid import DataGrid
grid = DataGrid(pd.DataFrame({"a": [1, 2]}))
grid"""
COUNTER = """n, label, button = 0, widgets.Label("0"), widgets.Button(description="add")
def put(value):
    global n
    n = value
    label.value = f"at {n}"
button.on_click(lambda _: put(n + 1))
widgets.VBox([label, button])"""
SLOW = """import threading, time
def work():
    time.sleep(1)
    label.value = "worked"
threading.Thread(target=work).start()"""

NOTEBOOKS: dict[str, tuple[str, ...]] = {
    "figure": (
        "#| shot: {name: plot, after: each}\n" + FIGURE,
        "figure.title = 'second'",
        "bars.colors = ['#1e961e']",
    ),
    "grid": (
        "#| shot: [{name: grown, after: cell-1}, {name: end}]\n" + GRID,
        "grid.data = pd.DataFrame({'a': range(4)})",
        "grid.data = pd.DataFrame({'b': range(6)})",
    ),
    "steps": (
        "#| shot:\n#|   - end\n#|   - {name: clicked, after: cell-1, steps: [click: button]}\n"
        "#|   - {name: twice, after: cell-1, steps: [click: button]}\n" + WIDGETS + COUNTER,
        "put(10)",
        "put(n * 10)",
    ),
    "each_steps": (
        "#| shot: {name: s, after: each, theme: [light, dark], steps: [click: button],"
        " mask: {selector: button, reason: moves}}\n" + WIDGETS + COUNTER,
        "put(n * 10)",
    ),
    "rests": (
        "#| shot: {name: s, after: each}\n" + WIDGETS + "label = widgets.Label('begun')\nlabel",
        SLOW,
        "label.value += ' and went on'",
    ),
    "tabs": (
        "#| shot: [{name: here, after: each, capture: page}, {name: there, tab: b, after: each, capture: page}]\n"
        + WIDGETS
        + "label = widgets.Label('begun')\nlabel",
        "label.value = 'went on'\nprint('printed once')\nslider = widgets.IntSlider(7)\nslider",
        "slider.value = 9\nprint('printed last')",
    ),
}
FAILS = (
    "#| shot: [{name: s, after: each}, {name: end}]\n" + WIDGETS + "label = widgets.Label('begun')\nlabel",
    "label.value = 'went on'",
    "raise RuntimeError('on purpose')",
    "label.value = 'never'",
)


TWO = ("notebooks/figure.ipynb", "notebooks/steps.ipynb")


@pytest.fixture(scope="module")
def ran(shared_project: Project) -> Project:
    project = shared_project
    for name, sources in (NOTEBOOKS | {"fails": FAILS}).items():
        project.notebook(f"notebooks/{name}.ipynb", *sources)
    # The cell that is not always to run says so where it ran.
    for name, witness in (("partly", "witness"), ("whole", "whole")):
        project.notebook(
            f"notebooks/{name}.ipynb",
            "#| shot: [{name: early, after: cell-1}, {name: end}]\nprint('begun')",
            "print('went on')",
            f"open({str(project.root / witness)!r}, 'a').write('it ran')",
        )
    # What passes is noted, for what --changed leaves out.
    done = project.widgetshot("run", "--changed", "--update-baselines")
    assert "Traceback" not in done.stderr
    return project


def baseline(project: Project, name: str, kind: str) -> bytes:
    folder = project.root / "baselines" / "page-chromium-linux"
    return (folder / "notebooks" / f"{name}.{kind}").read_bytes()


def layout(project: Project, name: str) -> str:
    sidecar: dict[str, Any] = json.loads(baseline(project, name, "json"))
    return "\n".join(sidecar["layout"])


def count(project: Project, name: str, colour: tuple[int, int, int]) -> int:
    with Image.open(BytesIO(baseline(project, name, "png"))) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    return int((np.abs(pixels - colour).max(axis=2) <= 3).sum())


@pytest.mark.parametrize(
    ("shot", "title", "colour"),
    [("plot", "first", "red"), ("plot+cell-1", "second", "red"), ("plot+cell-2", "second", "green")],
)
def test_figure_is_shown_as_each_cell_left_it(ran: Project, shot: str, title: str, colour: str) -> None:
    assert title in [one.get("title") for one in json.loads(baseline(ran, f"figure/{shot}", "json"))["widgets"]]
    red, green = (count(ran, f"figure/{shot}", rgb) for rgb in ((200, 30, 30), (30, 150, 30)))
    assert (red > 1000, green > 1000) == (colour == "red", colour == "green")


def test_what_a_cell_changes_is_in_its_picture(ran: Project) -> None:
    assert len({baseline(ran, f"figure/{shot}", "png") for shot in ("plot", "plot+cell-1", "plot+cell-2")}) == 3


def test_grid_is_shown_as_one_cell_left_it_and_as_all_did(ran: Project) -> None:
    states = [json.dumps(json.loads(baseline(ran, f"grid/{shot}", "json"))["widgets"]) for shot in ("grown", "end")]
    assert states[0] != states[1]
    assert baseline(ran, "grid/grown", "png") != baseline(ran, "grid/end", "png")


def test_steps_are_performed_where_their_shot_is_taken(ran: Project) -> None:
    found = [layout(ran, f"steps/{shot}") for shot in ("clicked", "twice", "end")]
    assert ["at 11" in found[0], "at 12" in found[1], "at 120" in found[2]] == [True] * 3


@pytest.mark.parametrize("variant", ["", "[dark]"])
def test_steps_masks_and_themes_are_those_of_every_picture_of_the_shot(ran: Project, variant: str) -> None:
    assert "at 1'" in layout(ran, f"each_steps/s{variant}")
    assert "at 11'" in layout(ran, f"each_steps/s+cell-1{variant}")
    masks = json.loads(baseline(ran, f"each_steps/s+cell-1{variant}", "json"))["masks"]
    assert len(masks) == 1


@pytest.mark.parametrize(("shot", "text"), [("s", "begun"), ("s+cell-1", "worked"), ("s+cell-2", "worked and went on")])
def test_page_and_kernel_are_at_rest_before_the_next_cell_begins(ran: Project, shot: str, text: str) -> None:
    assert f"text '{text}'" in layout(ran, f"rests/{shot}")


@pytest.mark.parametrize(("place", "later"), [("", ()), ("+cell-1", ("7",)), ("+cell-2", ("9", "printed last"))])
def test_tabs_show_what_later_cells_show(ran: Project, place: str, later: tuple[str, ...]) -> None:
    here, there = (layout(ran, f"tabs/{shot}{place}") for shot in ("here", "there"))
    assert here == there
    assert here.count("printed once") == bool(place)
    assert all(text in here for text in later)
    assert baseline(ran, f"tabs/here{place}", "png") == baseline(ran, f"tabs/there{place}", "png")


def test_cell_that_raises_breaks_what_comes_later_only(ran: Project) -> None:
    verdicts = {name.partition("::")[2]: verdict for name, verdict in ran.verdicts().items() if "/fails." in name}
    assert verdicts == {"s": "new", "s+cell-1": "new", "s+cell-2": "broken", "s+cell-3": "broken", "end": "broken"}
    for name in ("s+cell-2", "end"):
        assert "fails.ipynb::cell-2" in (said := ran.entry(f"notebooks/fails.ipynb::{name}")["error"]["message"]), said
        assert "the cell raised RuntimeError: on purpose" in said


def test_pictures_are_told_in_the_order_in_which_they_are_taken(ran: Project) -> None:
    names = [name.partition("::")[2] for name in ran.verdicts() if "/steps." in name]
    assert names == ["clicked", "twice", "end"]


def test_what_passed_is_left_out_until_something_changes(ran: Project) -> None:
    words = ("run", "--changed", *TWO)
    done = ran.widgetshot(*words)
    assert done.returncode == 0, done.stdout
    assert "6 pictures were not run" in done.stdout
    file = ran.root / "notebooks/steps.ipynb"
    before = file.read_text(encoding="utf-8")
    file.write_text(before.replace("after: cell-1", "after: cell-2"), encoding="utf-8")
    try:
        ran.widgetshot(*words)
    finally:
        file.write_text(before, encoding="utf-8")
    assert ran.verdicts()["notebooks/steps.ipynb::clicked"] == "changed"
    assert not [name for name in ran.verdicts() if "figure" in name]


def test_pytest_selects_pictures_by_name_and_stops_at_the_first_that_fails(ran: Project) -> None:
    for witness in ("witness", "whole"):
        (ran.root / witness).unlink()
    named = (
        "notebooks/partly.ipynb::early",
        "notebooks/whole.ipynb::end",
        "notebooks/each_steps.ipynb::s+cell-1[dark]",
    )
    files = (f"notebooks/{name}.ipynb" for name in ("figure", "steps", "fails"))
    chosen = "early or plot+cell-1 or end and (steps or whole) or dark or fails"
    done = ran.pytest("-x", "-rp", "-k", chosen, *named, *files)
    # Of those that fail all but the first are not told.
    assert "1 failed, 7 passed, 4 deselected" in done.stdout, done.stdout
    for name in named:
        assert f"PASSED {name}\n" in done.stdout
    # Cells behind the last one that is wanted do not run.
    assert not (ran.root / "witness").exists()
    assert (ran.root / "whole").exists()


def test_every_repetition_executes_and_captures_again(ran: Project) -> None:
    done = ran.widgetshot("run", "--repeat", "2", "notebooks/steps.ipynb")
    assert done.returncode == 0, done.stdout
    repeats = [test["repeat"] for test in ran.report()["tests"]]
    assert [(repeat["runs"], repeat["distinct"]) for repeat in repeats] == [(2, 1)] * 3


def test_cell_that_is_not_there_is_refused_before_anything_runs(ran: Project) -> None:
    ran.notebook("wrong/typo.ipynb", "#| shot: {name: s, after: cell-7}\n1", "2", "3")
    done = ran.widgetshot("run", "wrong")
    said = "wrong/typo.ipynb::s: after: 'cell-7' is no code cell below this one; they are: cell-1, cell-2"
    assert said in done.stdout + done.stderr
    assert said in ran.pytest("wrong").stdout
