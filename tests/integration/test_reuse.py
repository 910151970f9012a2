"""A page is used again only when nothing of what it has shown can be left in it."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from builders import notebook_json
from executed_pages import execute
from widgetshot.capture.host import LaunchedBrowser
from widgetshot.capture.pool import PagePool, PageSlot
from widgetshot.declare.notebook import read_notebook
from widgetshot.frontends.widget_page import PageFrontend
from widgetshot.model import Pixels, Target
from widgetshot.ports import Shown
from widgetshot.project.loading import load_settings
from widgetshot.server.launcher import Server

WIDGETS = "import ipywidgets as widgets\n"
PLAIN = f"""#| shot: s
{WIDGETS}
widgets.VBox([
    widgets.IntSlider(value=30, description='Workers'), widgets.Text('name'), widgets.RadioButtons(options=['a', 'b']),
    widgets.Tab([widgets.Label('inside')], titles=['First']), widgets.HTML('<b>text</b>'),
    widgets.FloatProgress(0.4, max=1),
])
"""
RUINED = "document.documentElement.style.filter = 'invert(1)'"
# What each does to its page -> whether that is as good as a new one afterwards.
OTHERS: dict[str, tuple[str, bool]] = {
    "a style for everything": (
        f"#| shot: s\n{WIDGETS}widgets.HTML('<style>* {{ color: red !important; margin: 9px }}</style>red')",
        True,
    ),
    "an output with a style": (
        "#| shot: s\nfrom IPython.display import HTML\nHTML('<style>:root { filter: invert(1) }</style><p>odd</p>')",
        True,
    ),
    "attributes of <html> and <body>": (
        "#| shot: s\nfrom IPython.display import HTML\n"
        'HTML(\'<html dir="rtl" lang="ar" style="background:#fcc"><head><title>t</title></head>\'\n'
        '     \'<body class="x" style="color:red; direction:rtl"><p>odd</p></body></html>\')',
        True,
    ),
    "a refresh that is gone again": (
        "#| shot: s\nfrom IPython.display import HTML, clear_output, display\n"
        'display(HTML(\'<meta http-equiv="refresh" content="30;url=about:blank">\'))\nclear_output()\nprint(1)',
        False,
    ),
    "a policy that is gone again": (
        f'#| shot: s\n{WIDGETS}shown = widgets.HTML(\'<div><meta name="referrer" content="no-referrer"></div>odd\')\n'
        "display(shown)\nshown.value = 'even'",
        False,
    ),
    "another theme and viewport": ("#| shot: s\n#| theme: dark\n#| viewport: 500x400\n" + PLAIN[11:], True),
    "a long page": (f"#| shot: s\n{WIDGETS}widgets.HTML('line<br>' * 500)", True),
    "a late timer": (f"#| shot: s\n#| max_settle: 1\n{WIDGETS}widgets.Play(playing=True, interval=60_000)", True),
    "an endless timer": (f"#| shot: s\n#| max_settle: 1\n{WIDGETS}widgets.Play(playing=True, interval=20)", True),
    "a click": (f"#| shot: s\n#| steps:\n#|   - click: button\n{WIDGETS}widgets.Button(description='press')", False),
    "a script": (
        f'#| shot: s\nfrom IPython.display import HTML\nHTML("<p>script</p><script>{RUINED}</script>")',
        False,
    ),
    "an event handler": (
        f"#| shot: s\n{WIDGETS}widgets.HTML(\"handler<img alt='' src='data:,' onerror=\\\"{RUINED}\\\">\")",
        False,
    ),
    "a frame": (f"#| shot: s\n{WIDGETS}widgets.HTML('<iframe srcdoc=\"<p>framed</p>\"></iframe>')", False),
    "a widget of its own": (
        "#| shot: s\nimport anywidget\nclass Own(anywidget.AnyWidget):\n"
        f"    _esm = '''export default {{ render({{ el }}) {{ el.textContent = 'own'; {RUINED} }} }}'''\nOwn()",
        False,
    ),
    "mathematics": (f"#| shot: s\n{WIDGETS}widgets.HTMLMath(r'$\\newcommand{{\\x}}{{y}} \\x$')", False),
}

# What a script may leave behind. The policy does not tell of these, which a debugger evaluates.
TRACES = {
    "a module that waits": "define('foreign', [], () => 1)",
    "a module": "void define('foreign', [], () => 1); new Promise(done => require(['foreign'], done))",
    "a module without a name": "void define([], () => 1)",
    "a style in the head": "void (document.head.append(document.createElement('style')))",
    "a style sheet in the head": """
        new Promise(done => {
            const link = document.createElement('link');
            link.rel = 'stylesheet';
            link.href = 'data:text/css,p { color: red }';
            link.onload = () => done(0);
            document.head.append(link);
        })""",
    "a script in the head": """
        const script = document.createElement('script');
        script.type = 'text/plain';
        document.head.append(script);""",
    "a style sheet less": "document.querySelector('head link[rel=stylesheet]').remove()",
    "a style sheet that is off": "document.styleSheets[0].disabled = true",
    "a rule in one of our style sheets": "document.styleSheets[0].insertRule('p { color: red }')",
    "a style sheet without an element": "void document.adoptedStyleSheets.push(new CSSStyleSheet())",
    "an attribute of <html>": "document.documentElement.setAttribute('data-foreign', '')",
    "another value of an attribute of <html>": "document.documentElement.lang = 'de'",
    "an attribute of <html> less": "document.documentElement.removeAttribute('lang')",
    "an element beside the body": "document.documentElement.append(document.createElement('div'))",
}
GRID = """#| shot:
#|   name: s
#|   capture: page
import ipydatagrid, pandas
ipydatagrid.DataGrid(pandas.DataFrame({'a': [1, 2, 3], 'b': [4, 5, 6]}), layout={'height': '120px'})
"""
CHART = """#| shot:
#|   name: s
#|   capture: page
import bqplot
x, y = bqplot.LinearScale(), bqplot.LinearScale()
axes = [bqplot.Axis(scale=x), bqplot.Axis(scale=y, orientation='vertical')]
bqplot.Figure(marks=[bqplot.Lines(x=[0, 1, 2], y=[0, 1, 4], scales={'x': x, 'y': y})], axes=axes)
"""
LISTEN = (
    "window.violations = 0; document.addEventListener('securitypolicyviolation', () => { window.violations += 1; })"
)
VIOLATIONS = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(window.violations))))"


@dataclass
class Seen:
    """What a notebook's page showed, when that began and ended by the page's clock, and what became of the page.

    Attributes:
        violations: how often the browser reported an evaluated script at last, by the policy that finds foreign ones.
    """

    pixels: Pixels
    shown: Shown | None
    began: float
    ended: float
    page: Any
    kept: bool
    violations: int


class Pages:
    """Notebooks shown one after the other in the pages of one pool."""

    def __init__(self, root: Path, frontend: PageFrontend, pool: PagePool) -> None:
        self.root, self.frontend, self.pool = root, frontend, pool

    def notebook(self, source: str) -> tuple[Path, Target]:
        """Write a notebook; its file and its only target."""
        file = self.root / "n.ipynb"
        file.write_text(notebook_json(source), encoding="utf-8")
        (target,) = read_notebook(file, "n.ipynb", self.pool.settings).targets
        return file, target

    async def show(self, source: str, script: str = "") -> Seen:
        """Show a notebook, and at last evaluate a script in its page."""
        file, target = self.notebook(source)
        served = await self.frontend.open(file, target, "")
        slot: PageSlot = await self.pool.slot(target, self.frontend)
        capturing = await self.pool.show(slot, served, 20)
        page = slot.page
        began = await page.evaluate("Date.now()")
        await execute(capturing)
        await capturing.settle(max_settle=target.max_settle)
        for number, step in enumerate(target.steps, 1):
            await capturing.act(target, step, number, self.root)
        pixels = await capturing.picture()
        seen = await capturing.look(target)
        ended = await page.evaluate("Date.now()")
        violations = await evaluated(page, script) if script else 0
        await self.pool.release(slot, spoiled=False)
        await self.frontend.close(served)
        return Seen(pixels, seen.shown, began, ended, page, slot.kept, violations)

    async def touch(self, scripts: Iterable[str]) -> list[tuple[bool, int]]:
        """Evaluate each script in a page of its own or one that was kept, all of which show one live page.

        Returns:
            whether the page was kept, and how often the browser reported the script.
        """
        file, target = self.notebook("#| shot: s\n6 * 7")
        served = await self.frontend.open(file, target, "")
        found = []
        for script in scripts:
            slot = await self.pool.slot(target, self.frontend)
            capturing = await self.pool.show(slot, served, 20)
            await execute(capturing)
            violations = await evaluated(slot.page, script)
            await self.pool.release(slot, spoiled=False)
            found.append((slot.kept, violations))
        await self.frontend.close(served)
        return found


async def evaluated(page: Any, script: str) -> int:
    """Evaluate a script in a page; how often the browser reported that, by the policy that finds foreign ones."""
    await page.evaluate(LISTEN)
    await page.evaluate(script)
    return int(await page.evaluate(VIOLATIONS))


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, Pages]]:
    root = tmp_path_factory.mktemp("root")
    settings = load_settings(root)
    # Short, because of the names of kernels' sockets.
    with asyncio.Runner() as runner, TemporaryDirectory(prefix="reuse-") as name:
        server, pool = Server(Path(name)), PagePool(settings, LaunchedBrowser(settings, Path(name)))
        try:
            runner.run(server.start())
            runner.run(pool.start())
            yield runner, Pages(root, PageFrontend(server, {"TZ": "UTC"}), pool)
        finally:
            runner.run(pool.stop())
            runner.run(server.stop())


@pytest.fixture(scope="module")
def first(runner: tuple[asyncio.Runner, Pages]) -> Seen:
    """The plain notebook in a page that has shown nothing before."""
    loop, pages = runner
    return loop.run(pages.show(PLAIN))


@pytest.mark.parametrize("name", [name for name, (_, kept) in OTHERS.items() if kept])
def test_page_that_is_used_again_shows_nothing_of_what_was_shown_before(
    runner: tuple[asyncio.Runner, Pages], first: Seen, name: str
) -> None:
    loop, pages = runner
    other = loop.run(pages.show(OTHERS[name][0]))
    assert other.kept
    again = loop.run(pages.show(PLAIN))
    assert again.page is other.page
    assert np.array_equal(again.pixels, first.pixels)
    assert again.shown == first.shown
    assert again.kept


def test_page_that_may_be_spoiled_is_not_used_again(runner: tuple[asyncio.Runner, Pages], first: Seen) -> None:
    loop, pages = runner
    spoiled = {name: loop.run(pages.show(source)) for name, (source, kept) in OTHERS.items() if not kept}
    assert [name for name, seen in spoiled.items() if seen.kept] == []
    again = loop.run(pages.show(PLAIN))
    assert len({id(seen.page) for seen in (*spoiled.values(), again)}) == len(spoiled) + 1
    assert np.array_equal(again.pixels, first.pixels)
    assert again.shown == first.shown
    assert again.kept


def test_clock_begins_anew_in_a_page_that_is_used_again(runner: tuple[asyncio.Runner, Pages], first: Seen) -> None:
    loop, pages = runner
    one, two = loop.run(pages.show(PLAIN)), loop.run(pages.show(PLAIN))
    assert two.page is one.page
    assert two.began < one.ended


@pytest.fixture(scope="module")
def others(
    runner: tuple[asyncio.Runner, Pages], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], Seen]:
    """Shows notebooks in the pages of another pool, each of which has shown nothing or plain notebooks before."""
    loop, pages = runner
    folder = tmp_path_factory.mktemp("others")
    pool = PagePool(pages.pool.settings, pages.pool.host)
    return lambda source, script: loop.run(Pages(folder, pages.frontend, pool).show(source, script))


def test_page_that_was_opened_first_is_given_up_for_a_script(others: Callable[[str, str], Seen], first: Seen) -> None:
    spoiled = others(OTHERS["a widget of its own"][0], "")
    assert not spoiled.kept
    plain = others(PLAIN, "")
    assert plain.page is not spoiled.page
    assert np.array_equal(plain.pixels, first.pixels)


def test_page_is_used_again_after_a_script_that_leaves_nothing(others: Callable[[str, str], Seen]) -> None:
    seen = others(PLAIN, "6 * 7")
    assert seen.kept
    assert others(PLAIN, "6 * 7").page is seen.page


def test_page_with_a_trace_of_a_script_is_not_used_again(runner: tuple[asyncio.Runner, Pages], first: Seen) -> None:
    loop, pages = runner
    traces = {"none": "6 * 7", **TRACES}
    touched = loop.run(pages.touch(traces.values()))
    assert dict(zip(traces, touched, strict=True)) == {"none": (True, 0), **dict.fromkeys(TRACES, (False, 0))}
    assert np.array_equal(loop.run(pages.show(PLAIN)).pixels, first.pixels)


def test_front_end_draws_in_every_notebook_of_a_run(runner: tuple[asyncio.Runner, Pages]) -> None:
    """Its styles come with its script, which adds them to a page once."""
    loop, pages = runner
    order = [PLAIN, CHART, GRID, GRID, CHART]
    shown = [loop.run(pages.show(source)).pixels for source in order]
    for widget in (GRID, CHART):
        first, *others = [pixels for source, pixels in zip(order, shown, strict=True) if source is widget]
        assert all(np.array_equal(first, other) for other in others)
        # Neither blank, nor longer than the viewport.
        assert len(np.unique(first.reshape(-1, 4), axis=0)) > 10
        assert first.shape[0] <= 900
