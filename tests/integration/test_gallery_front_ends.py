"""The gallery shows what differs between two front ends, and lets nobody decide on it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from builders import ENVIRONMENT
from front_ends import TEXT, broken_in, drawn, element, result_in
from pages import HOSTILE, Open, decisions
from widgetshot.model import RunEnd
from widgetshot.report.gallery import write_gallery
from widgetshot.report.writer import RunWriter

AXE = Path(__file__).parents[2] / "js/node_modules/axe-core/axe.min.js"
RUN = element("button 'Run'", 10, 10, 40, 20)
SMALL = element("button 'Run'", 10, 10, 40, 20, size=13.0)
LOW = element("button 'Run'", 18, 10, 40, 20, size=13.0)
PAN = element("button 'Pan'", 80, 2, 6, 6, style=replace(TEXT, part="toolbar"))


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compared") / "report"
    results = [
        *(result_in(drawn(name, one), "small") for name, one in (("lab", RUN), ("voila", SMALL))),
        *(result_in(drawn(name, one), "tiny") for name, one in (("lab", RUN), ("voila", SMALL))),
        result_in(drawn("lab", RUN, PAN), "tools"),
        result_in(drawn("voila", RUN), "tools"),
        result_in(drawn("lab", RUN), "shifted"),
        result_in(drawn("voila", LOW, PAN, size=(60, 128)), "shifted"),
        *(
            result_in(drawn(name, one), "known", differs=(("voila", HOSTILE),))
            for name, one in (("lab", RUN), ("voila", SMALL))
        ),
        *(result_in(drawn(name, RUN), "alike") for name in ("lab", "voila")),
        result_in(drawn("lab", RUN), "dead"),
        broken_in("voila", "dead"),
    ]
    writer = RunWriter(folder, root=folder.parent, environment=ENVIRONMENT, compare_frontends=("lab", "voila"))
    for result in results:
        writer.add(result)
    writer.finish(RunEnd(complete=True, order=[result.key for result in results]))
    return write_gallery(folder)


def shown(page: Page, shot: str) -> None:
    expect(page.locator("article.card")).to_have_attribute("data-target", f"notebooks/x.ipynb::{shot}")


def test_front_ends_are_walked_by_keyboard_and_nothing_is_decided(gallery: Path, open_page: Open) -> None:
    page = open_page(gallery)
    expect(page.get_by_role("group", name="What to look at")).to_contain_text("Front ends 4")
    page.keyboard.press("f")
    shown(page, "small")
    page_list = page.get_by_role("navigation", name="Front ends")
    expect(page_list).to_contain_text("4 of 7 cells differ between lab and voila")
    expect(page_list.locator("h2")).to_have_text(
        [
            "text size 2", "toolbar missing in voila 1", "toolbar missing in lab 1", "Differ as declared 1",
            "Not compared 1", "The same 1",
        ]
    )  # fmt: skip
    expect(page.locator(".sentence")).to_have_text("in voila text is 13 px instead of 14 px (button 'Run')")
    expect(page.locator("figcaption > span")).to_have_text(["lab", "voila", "Diff"])
    page.keyboard.press("j")
    shown(page, "tiny")
    page.keyboard.press("k")
    shown(page, "small")
    for key in "arsuAR":
        page.keyboard.press(key)
        expect(page.locator(".toast")).to_have_text("A difference between front ends is no decision.")
    expect(page.get_by_role("button", name="Accept")).to_have_count(0)
    expect(page.locator(".verdict")).to_contain_text("there is nothing to accept or reject")
    # A reload shows the same, and the results are where they were.
    page.keyboard.press("j")
    page.reload()
    shown(page, "tiny")
    page.keyboard.press("f")
    expect(page.locator(".verdict").get_by_role("button", name="Accept", exact=True)).to_be_visible()
    assert decisions(page) == {}


def test_pictures_are_lined_up_where_a_front_end_has_a_margin(gallery: Path, open_page: Open) -> None:
    page = open_page(gallery)
    page.evaluate("location.hash = '#view=front-ends&compared=notebooks/x.ipynb::shifted&mode=onion&zoom=2'")
    shown(page, "shifted")
    lab, voila = (page.locator(".stage img").nth(index).bounding_box() for index in (0, 1))
    assert lab is not None
    assert voila is not None
    assert lab["x"] - voila["x"] == pytest.approx(16)
    page.keyboard.press("1")
    expect(page.get_by_role("list", name="What differs besides")).to_contain_text("text is 13 px instead of 14 px")
    page.keyboard.press("6")
    expect(page.locator("figcaption > span")).to_have_text(["voila"])
    expect(page.get_by_role("button", name="Only voila")).to_have_attribute("aria-pressed", "true")


def test_what_is_declared_stands_apart_with_its_reason_as_text(gallery: Path, open_page: Open) -> None:
    page = open_page(gallery)
    page.keyboard.press("f")
    page.get_by_role("button", name="Differ as declared").click()
    page.locator(".row", has_text="known").click()
    shown(page, "known")
    expect(page.locator(".reason")).to_contain_text("</script><script>window.pwned=1</script>")
    assert page.evaluate("window.pwned") is None
    page.locator(".row", has_text="dead").click()
    expect(page.locator(".sentence")).to_have_text("not compared: it is broken in voila")
    expect(page.locator("figure img")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_front_ends_are_accessible_and_fit_a_narrow_screen(
    gallery: Path, browser_for_gallery: Browser, scheme: Any
) -> None:
    context = browser_for_gallery.new_context(
        bypass_csp=True, viewport={"width": 375, "height": 800}, color_scheme=scheme
    )
    page = context.new_page()
    page.goto(f"{gallery.as_uri()}#view=front-ends")
    page.get_by_role("button", name="List").click()
    shown(page, "small")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    width = page.evaluate("document.documentElement.scrollWidth")
    context.close()
    assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found["violations"]] == []
    assert width <= 375
