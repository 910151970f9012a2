"""The calibration sheet as a real browser draws it, where it is kept, and what pages are found to show."""

import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from widgetshot.capture.browser import find_browser
from widgetshot.capture.determinism import launch_options
from widgetshot.capture.host import HandedBrowser, LaunchedBrowser
from widgetshot.capture.sync import Awaitable, run_now
from widgetshot.files import STATIC
from widgetshot.project.loading import load_settings
from widgetshot.project.settings import Settings
from widgetshot.verdict.renderers import differing_kinds, words_of

# What a page shows -> kinds besides boxes, which all have; None where nobody knows.
USES: dict[str, set[str] | None] = {
    "<div style='width:9px;height:9px;background:red;border:1px solid #000'></div>": set(),
    "<p>words</p>": {"text"},
    "<p>👍</p>": {"text", "emoji"},
    "<p><u>words</u></p>": {"text", "decorations"},
    "<p style='text-shadow:0 0 2px red'>a</p>": {"text", "shadows"},
    "<ul><li></ul>": {"text"},
    "<div style='border-radius:3px'></div>": {"curves"},
    "<div style='border-radius:3px;overflow:hidden'></div>": {"curves", "clips/rounded"},
    "<div style='border:1px dashed'></div>": {"borders"},
    "<div style='border-left:4px solid red;border-top:4px solid blue'></div>": {"borders"},
    "<div style='background:linear-gradient(red,blue)'></div>": {"gradients"},
    "<div style='background:#f008'></div>": {"opacity"},
    "<div style='opacity:.5'></div>": {"opacity"},
    "<div style='filter:blur(1px)'></div>": {"filters"},
    "<div style='mix-blend-mode:multiply'></div>": {"blending"},
    "<div style='rotate:3deg'></div>": {"transforms"},
    "<div style='clip-path:circle()'></div>": {"clips"},
    "<style>#b::before{content:'';box-shadow:0 0 2px red}</style><i id=b></i>": {"shadows"},
    "<svg><path d='M0 0L9 9'/></svg>": {"svg"},
    "<canvas></canvas>": {"canvas", "webgl"},
    "<input type=checkbox>": {"controls", "curves", "text"},
    "<img src='data:image/png;base64,iVBORw0KGgo='>": {"images"},
    "<img src='data:image/svg+xml,<svg/>'>": None,
    "<div style='background:url(data:image/svg+xml,x)'></div>": None,
    "<iframe></iframe>": None,
    "<video></video>": None,
    "<closed-one></closed-one>": None,
    "<div id=host></div>": {"text"},
    # Not displayed.
    "<p style='display:none;box-shadow:0 0 2px'>words</p>": set(),
    # What a picture does not reach, and what does not fit into its box.
    "<p style='position:absolute;left:900px;top:900px;filter:blur(1px)'>words</p>": set(),
    "<p style='position:absolute;left:900px;top:9px;filter:blur(600px)'></p>": {"filters"},
    "<p style='position:absolute;left:-800px;width:9px;white-space:nowrap;margin:0'>" + "words " * 200 + "</p>": {
        "text"
    },
    # What it does to all that is in it, wherever that is.
    "<div style='position:absolute;left:900px;opacity:.5'><b style='position:absolute;left:-890px'>a</b></div>": {
        "text", "opacity",
    },
}  # fmt: skip
_PREPARE = """() => {
    document.body.style.margin = 0;
    customElements.define("closed-one", class extends HTMLElement {
        constructor() { super(); this.attachShadow({ mode: "closed" }); }
    });
}"""
_SHOW = """(html) => {
    document.body.innerHTML = html;
    const host = document.getElementById("host");
    if (host) host.attachShadow({ mode: "open" }).innerHTML = "<b>words</b>";
}"""


@dataclass
class Browsers:
    """What browsers of this machine draw.

    Attributes:
        settings: of a project.
        cache: the folder where sheets are kept.
    """

    settings: Settings
    cache: Path

    def sheet(self, executable: str = "") -> dict[str, str]:
        """The sheet of a browser that is launched for it."""
        settings = replace(self.settings, browser_executable=executable)

        async def started() -> dict[str, str]:
            with TemporaryDirectory() as folder:
                host = LaunchedBrowser(settings, Path(folder))
                await host.start()
                await host.stop()
                return dict(host.sheet)

        return asyncio.run(started())

    def kept(self) -> list[Path]:
        return sorted(self.cache.glob("widgetshot/sheets/*"))


@pytest.fixture(scope="module")
def browsers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browsers]:
    folder = tmp_path_factory.mktemp("sheets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        yield Browsers(load_settings(folder), folder / "cache")


def test_a_browser_draws_the_sheet_once(browsers: Browsers) -> None:
    drawn = browsers.sheet()
    (file,) = browsers.kept()
    assert json.loads(file.read_text(encoding="utf-8"))["primitives"] == drawn
    assert len(set(drawn.values())) == len(drawn) > 80
    # That what is kept is taken shows where it is not what would be drawn.
    told = drawn | {"text/sans": "0" * 12}
    file.write_text(json.dumps({"edition": 1, "primitives": told}), encoding="utf-8")
    assert browsers.sheet() == told
    for damaged in ("{", '{"edition": 1}', ""):
        file.write_text(damaged, encoding="utf-8")
        assert browsers.sheet() == drawn
    assert browsers.kept() == [file]


def test_every_kind_of_primitive_has_words(browsers: Browsers) -> None:
    drawn = browsers.sheet()
    kinds = {name.partition("/")[0] for name in drawn}
    assert not [said for said in words_of(kinds) if said.endswith(" differ")]
    assert {kind for uses in USES.values() for kind in uses or ()} <= kinds | {*drawn}


def test_another_way_of_drawing_is_another_sheet_and_kept_apart(browsers: Browsers, tmp_path: Path) -> None:
    before = browsers.kept()
    script = tmp_path / "browser.sh"
    program = find_browser("chromium").executable
    # What a processor without the newer instructions would draw with. The flag is the script's own.
    script.write_text(f'#!/bin/sh\nexec {program} "$@" --disable-skia-runtime-opts\n', encoding="utf-8")
    script.chmod(0o755)
    drawn, other = browsers.sheet(), browsers.sheet(str(script))
    assert len(browsers.kept()) == len(before) + 1 == 2
    kinds = differing_kinds(drawn, other)
    assert "text" not in kinds
    assert {"canvas", "clips"} & {*kinds}


def test_a_browser_that_was_handed_over_draws_the_same(browsers: Browsers) -> None:
    drawn, kept = browsers.sheet(), browsers.kept()
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        options = launch_options(browsers.settings, find_browser("chromium"), Path(folder))
        browser = playwright.chromium.launch(**options)
        host = HandedBrowser(browsers.settings, Awaitable(browser))
        run_now(host.start())
        assert host.sheet == drawn
        assert host.fingerprint["sheet"].startswith("1.")
        browser.close()
    assert browsers.kept() == kept


def test_a_cache_that_can_not_be_written_is_none(browsers: Browsers, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = browsers.sheet()
    monkeypatch.setenv("XDG_CACHE_HOME", os.devnull)
    assert browsers.sheet() == drawn


@pytest.fixture(scope="module")
def shown(browsers: Browsers) -> Iterator[dict[str, Any]]:
    script = (STATIC / "sheet.js").read_text(encoding="utf-8")
    area = {"x": 0, "y": 0, "width": 300, "height": 200}
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        options = launch_options(browsers.settings, find_browser("chromium"), Path(folder))
        page = playwright.chromium.launch(**options).new_page()
        page.set_content("<!doctype html><html><body></body></html>")
        page.evaluate(_PREPARE)
        found = {}
        for html in USES:
            page.evaluate(_SHOW, html)
            found[html] = page.evaluate(f"(area) => {{ {script}; return sheet.usesIn(area); }}", area)
        yield found


@pytest.mark.parametrize("html", USES)
def test_what_a_picture_uses_is_known_from_styles_or_not_at_all(shown: dict[str, Any], html: str) -> None:
    uses, found = USES[html], shown[html]
    assert found == (uses if uses is None else sorted(uses | {"boxes"}))
