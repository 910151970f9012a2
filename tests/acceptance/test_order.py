"""A picture does not depend on what else is run: notebooks that do much to their page, alone and together.

benchmarks/order.py does the same with many more notebooks.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from projects import Project
from widgetshot.files import sha256

# Of all of the page, so that a style, a font or a scroll bar that is left from elsewhere would show.
PAGE = "#| shot: {name: s, capture: page}\n"
# What the others could change: each notebook shows it beside its own.
PLAIN = "import ipywidgets as widgets\nwidgets.VBox([widgets.IntSlider(30), widgets.HTML('<p>text <b>bold</b></p>')])\n"
HTML = (
    "from IPython.display import HTML\nHTML('''<style>:root { --jp-ui-font-color1: purple }"
    " p { color: red; margin: 9px } b { text-transform: uppercase }</style><p>styled</p><script>\n"
    "window.define = undefined; window.jQuery = window.$ = () => 'mine'; Array.prototype.extra = 1;\n"
    "Math.random = () => 0.5; Date.now = () => 0; document.title = 'mine'; localStorage.setItem('key', 'mine');\n"
    "document.cookie = 'key=mine'; document.documentElement.style.fontSize = '30px';\n"
    "window.runs = Number(sessionStorage.getItem('runs') || 0) + 1; sessionStorage.setItem('runs', window.runs);\n"
    "document.querySelector('p').append(` ${window.runs}`);\n</script>''')\n"
)
# The script of bqplot brings styles, and adds them to a page once.
CHART = (
    "import bqplot\nx, y = bqplot.LinearScale(), bqplot.LinearScale()\n"
    "axes = [bqplot.Axis(scale=x), bqplot.Axis(scale=y, orientation='vertical')]\n"
    "bqplot.Figure(marks=[bqplot.Lines(x=[0, 1, 2], y=[0, 1, 4], scales={'x': x, 'y': y})], axes=axes)\n"
)
# So does that of ipydatagrid, and it measures text.
GRID = (
    "import ipydatagrid, pandas\n"
    "ipydatagrid.DataGrid(pandas.DataFrame({'a': [1, 2, 3], 'b': [4, 5, 6]}), layout={'height': '120px'})\n"
)
STYLED = (
    "import anywidget\nclass Styled(anywidget.AnyWidget):\n"
    "    _css = '.widgetshot-page { background: beige } p { letter-spacing: 3px } * { border-radius: 0 !important }'\n"
    "    _esm = '''export default { render({ el }) { el.innerHTML = '<p>styled</p>';\n"
    "      if (!customElements.get('x-mine')) customElements.define('x-mine', class extends HTMLElement {});\n"
    "      const found = [document.title, localStorage.getItem('key'), document.cookie, typeof window.runs];\n"
    "      el.append(found.join()); } }'''\nStyled()\n"
)
# Macros and numbers of formulas would go on in another notebook.
MATHS = (
    "from IPython.display import Latex\n"
    "Latex(r'$\\newcommand{\\mine}{x^2}$ \\begin{equation}\\mine + \\sqrt{2}\\end{equation}')\n"
)
CANVAS = (
    "import ipycanvas\ncanvas = ipycanvas.Canvas(width=200, height=80)\ncanvas.fill_style = 'teal'\n"
    "canvas.font = '20px serif'\ncanvas.fill_rect(10, 10, 60, 40)\ncanvas.fill_text('drawn', 90, 50)\n"
    "widgets.VBox([canvas, widgets.HTMLMath(r'$\\mine$')])\n"
)
# What runs scripts of its own is a notebook by itself. In one order or the other each comes before each.
NOTEBOOKS = {
    "html": (HTML,),
    "chart and maths": (CHART, MATHS),
    "styled": (STYLED,),
    "grid and canvas": (GRID, CANVAS),
}
IN_ORDER = tuple(NOTEBOOKS)
# What comes first of several, one at a time, is alone, too. By name, the notebooks and how many at a time.
RUNS = {
    **{f"{name} alone": ((name,), 1) for name in IN_ORDER[1:]},
    "in order, one at a time": (IN_ORDER, 1),
    "reversed, two at a time": (IN_ORDER[::-1], 2),
}


def shots(project: Project, report: str, names: tuple[str, ...], jobs: int) -> dict[str, tuple[str, str]]:
    """Run notebooks in this order; by name, the sentence of each one's verdict and the digest of its picture's file."""
    paths = [f"notebooks/{name}.ipynb" for name in names]
    done = project.widgetshot("run", "--jobs", str(jobs), "--report", report, *paths)
    assert "Traceback" not in done.stderr
    tests: list[dict[str, Any]] = project.report(report)["tests"]
    assert [test["notebook"] for test in tests] == paths
    found = {}
    for name, test in zip(names, tests, strict=True):
        shot = test["pictures"]["shot"]
        found[name] = test["sentence"], sha256((project.root / report / shot["path"]).read_bytes()) if shot else ""
    return found


@pytest.fixture(scope="module")
def runs(shared_project: Project) -> dict[str, dict[str, tuple[str, str]]]:
    for name, (first, *others) in NOTEBOOKS.items():
        shared_project.notebook(f"notebooks/{name}.ipynb", PLAIN, PAGE + first, *others)
    with ThreadPoolExecutor(2) as threads:
        done = threads.map(lambda name: shots(shared_project, f"reports/{name}", *RUNS[name]), RUNS)
        return dict(zip(RUNS, done, strict=True))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_looks_the_same_alone_and_among_others(runs: dict[str, dict[str, tuple[str, str]]], name: str) -> None:
    found = {run: of[name] for run, of in runs.items() if name in of}
    assert len(found) == 2 + (name != IN_ORDER[0])
    sentence, digest = next(iter(found.values()))
    assert digest, sentence
    assert found == dict.fromkeys(found, (sentence, digest))
