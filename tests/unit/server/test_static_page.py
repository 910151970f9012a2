"""Static pages: what is exported of a notebook, and what it would lack."""

import json
import re
from html import unescape
from typing import Any

import nbformat
import pytest

from widgetshot.redact import Redactor
from widgetshot.server.messages import SavedCell, SavedNotebook
from widgetshot.server.static_page import WIDGET_STATE, WIDGET_VIEW, apply_saved, saved_state, static_html, widget_state

SLIDER = {"model_name": "IntSliderModel", "model_module": "@jupyter-widgets/controls", "state": {"value": 3}}
STATE = {"version_major": 2, "version_minor": 0, "state": {"a1": SLIDER}}
NAMES = ["intro", "c1", "c2"]


def view(model: str) -> dict[str, Any]:
    return {
        "output_type": "display_data",
        "metadata": {},
        "data": {WIDGET_VIEW: {"model_id": model}, "text/plain": "W()"},
    }


def notebook() -> Any:
    return nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("# Title", id="intro"),
            nbformat.v4.new_code_cell("w", id="c1"),
            nbformat.v4.new_code_cell("chart", id="c2"),
        ]
    )


def executed(*, widgets: dict[str, Any] | None = STATE) -> Any:
    chart = {
        "output_type": "display_data",
        "metadata": {},
        "data": {"application/vnd.vega.v5+json": {}, "text/plain": "C()"},
    }
    cells = {"c1": SavedCell([view("a1")], 1), "c2": SavedCell([chart, view("gone")], 2)}
    return apply_saved(notebook(), NAMES, SavedNotebook(cells, widgets))


def page(nb: Any, secrets: tuple[str, ...] = (), theme: str = "light") -> str:
    options: dict[str, Any] = {"title": "x", "theme": theme, "base_url": "/", "redactor": Redactor(secrets)}
    return static_html(nb, NAMES, state=widget_state(nb), **options)


def told(text: str) -> Any:
    found = re.search(r'data-told="([^"]*)"', text)
    assert found is not None
    return json.loads(unescape(found[1]))


def test_what_was_executed_is_in_the_notebook_as_it_would_be_saved() -> None:
    nb = executed()
    assert [cell.get("execution_count") for cell in nb.cells] == [None, 1, 2]
    assert nb.cells[1].outputs[0].data[WIDGET_VIEW] == {"model_id": "a1"}
    assert nb.metadata.widgets[WIDGET_STATE] == STATE
    assert "widgets" not in executed(widgets=None).metadata
    assert notebook().cells[1].outputs == []


def test_a_page_asks_nothing_of_other_machines_but_what_is_for_diagrams_alone() -> None:
    text = page(executed())
    outside = set(re.findall(r"(?:src|href|=)\s*['\"](https?://[^'\"]+)", text))
    assert all("mermaid" in url for url in outside), outside
    assert 'src="/widgetshot/static/require.js"' in text
    assert "/widgetshot/static/mathjax2/MathJax.js?config=TeX-AMS_CHTML-full,Safe" in text
    assert "/widgetshot/amd/embed-amd.js" in text


def test_the_cameras_script_comes_first_and_is_told_the_cells() -> None:
    text = page(executed())
    assert text.index("camera.js") < text.index("require.js")
    assert told(text)["cells"] == NAMES
    assert 'id="cell-id=c1"' in text


def test_what_the_export_lacks_is_named() -> None:
    about = told(page(executed()))
    assert about["missing"] == {"c2": ["W()"]}
    assert about["notices"] == [
        "nbconvert draws no 'application/vnd.vega.v5+json': the text of the output stands there (cell c2)"
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_themes_are_those_of_nbconvert(theme: str) -> None:
    assert f'data-jp-theme-name="JupyterLab {theme.title()}"' in page(executed(), theme=theme)


def test_no_secret_is_in_a_page_nor_in_what_a_live_page_is_told() -> None:
    nb = executed()
    nb.cells[1].source = "key = 'canary-4711'"
    nb.cells[2].outputs.append(nbformat.v4.new_output("stream", text="canary-4711\n"))
    assert "canary-4711" not in page(nb, ("canary-4711",))
    saved = saved_state(nb, NAMES, Redactor(("canary-4711",)))
    assert "canary" not in json.dumps(saved)
    assert saved["widgets"]["state"] == STATE["state"]
