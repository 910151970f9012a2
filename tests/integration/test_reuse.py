"""A page is used again only when nothing of what it has shown can be left in it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from builders import notebook_json
from widgetshot.capture.camera import Camera, PageSlot
from widgetshot.declare.notebook import read_notebook
from widgetshot.frontends.widget_page import PageFrontend
from widgetshot.model import Pixels
from widgetshot.project.settings import load_settings
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


@dataclass
class Seen:
    """What a notebook's page showed, when that began and ended by the page's clock, and what became of the page."""

    pixels: Pixels
    shown: dict[str, Any]
    began: float
    ended: float
    page: Any
    kept: bool


class Pages:
    """Notebooks shown one after the other in the pages of one camera."""

    def __init__(self, root: Path, frontend: PageFrontend, camera: Camera) -> None:
        self.root, self.frontend, self.camera = root, frontend, camera

    async def show(self, source: str) -> Seen:
        file = self.root / "n.ipynb"
        file.write_text(notebook_json(source), encoding="utf-8")
        (target,) = read_notebook(file, "n.ipynb", self.camera.settings.defaults).targets
        live_page = await self.frontend.open(file, target, "")
        slot: PageSlot = await self.camera.slot(target, self.frontend.anchor_url)
        stage = await self.camera.show(slot, live_page, 20)
        began = await stage.page.evaluate("Date.now()")
        await stage.settle(max_settle=target.max_settle)
        for number, step in enumerate(target.steps, 1):
            await stage.act(target, step, number, self.root)
        pixels = await stage.picture()
        seen = await stage.look(target)
        ended = await stage.page.evaluate("Date.now()")
        page = slot.page
        await self.camera.release(slot, spoiled=False)
        await self.frontend.close(live_page)
        return Seen(pixels, seen["shown"], began, ended, page, slot.kept)


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, Pages]]:
    root = tmp_path_factory.mktemp("root")
    settings = load_settings(root)
    # Short, because of the names of kernels' sockets.
    with asyncio.Runner() as runner, TemporaryDirectory(prefix="reuse-") as name:
        server, camera = Server(Path(name)), Camera(settings, Path(name))
        try:
            runner.run(server.start())
            runner.run(camera.start())
            yield runner, Pages(root, PageFrontend(server, {"TZ": "UTC"}), camera)
        finally:
            runner.run(camera.stop())
            runner.run(server.stop())


@pytest.fixture(scope="module")
def first(runner: tuple[asyncio.Runner, Pages]) -> Seen:
    """The plain notebook in a page that has shown nothing before."""
    loop, pages = runner
    return loop.run(pages.show(PLAIN))


@pytest.mark.parametrize("name", OTHERS)
def test_notebook_looks_the_same_whatever_was_shown_before(
    runner: tuple[asyncio.Runner, Pages], first: Seen, name: str
) -> None:
    loop, pages = runner
    source, kept = OTHERS[name]
    other = loop.run(pages.show(source))
    assert other.kept == kept
    again = loop.run(pages.show(PLAIN))
    assert (again.page is other.page) == kept
    assert np.array_equal(again.pixels, first.pixels)
    assert again.shown == first.shown
    assert again.kept


def test_clock_begins_anew_in_a_page_that_is_used_again(runner: tuple[asyncio.Runner, Pages], first: Seen) -> None:
    loop, pages = runner
    one, two = loop.run(pages.show(PLAIN)), loop.run(pages.show(PLAIN))
    assert two.page is one.page
    assert two.began < one.ended
