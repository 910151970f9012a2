"""The gallery shows what was there when a result came to nothing: a picture to look at, and what happened."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from builders import picture, result_called
from pages import HOSTILE, Open, card, decisions, recorded, sha256
from widgetshot.model import Result, Trace, TraceMoment, TraceSpan
from widgetshot.report.gallery import write_gallery

AXE = Path(__file__).parents[2] / "js/node_modules/axe-core/axe.min.js"
TRACE = Trace(
    duration=4.0,
    cells=(TraceSpan("c0", 0.5, 1.0, "ok"), TraceSpan("c1", 1.5, 0.5, "error")),
    stages=(TraceSpan("execute", 0.5, 1.5),),
    steps=(TraceSpan("step 1: click selector='button'", 2.0, None),),
    requests=(TraceSpan("GET http://127.0.0.1/x.json", 1.0, 0.25, "failed"),),
    console=(TraceMoment("error", 1.25, HOSTILE),),
    messages=(TraceMoment("iopub/stream", 1.0, '{"name":"stdout"}'),),
    counts={"iopub/stream": 1, "iopub/status": 1234},
)


def broken(name: str = "late", **changes: Any) -> Result:
    return replace(result_called("broken", name), seen=picture(80, 240), trace=TRACE, **changes)


def test_what_was_there_is_shown_and_can_not_be_accepted(tmp_path: Path, open_page: Open) -> None:
    page = open_page(recorded(tmp_path / "report", broken()))
    late = card(page, "late")
    expect(late.locator("figure img")).to_have_count(1)
    expect(late.locator("figcaption")).to_contain_text("What was there")
    expect(late.locator("figure .note")).to_contain_text("it can't be accepted")
    for mode in range(1, 7):
        page.keyboard.press(str(mode))
        expect(late.locator("figure .note")).to_have_count(1)
    expect(page.locator(".verdict").get_by_role("button", name="Accept", exact=True)).to_be_disabled()
    page.keyboard.press("a")
    assert decisions(page) == {}


def test_what_happened_is_a_timeline_and_a_list_that_the_keyboard_opens(tmp_path: Path, open_page: Open) -> None:
    page = open_page(recorded(tmp_path / "report", broken()))
    trace = card(page, "late").get_by_role("region", name="What happened")
    timeline = trace.get_by_role("img")
    expect(timeline).to_have_accessible_name(
        "Timeline of 4.00 s: Cells 2, Steps 1, Stages 1, Requests 1, Messages 1, Errors 1"
    )
    expect(timeline.locator("i")).to_have_count(7)
    expect(timeline.locator("i.bad")).to_have_count(4)
    expect(trace).to_contain_text("iopub/status 1,234")
    trace.locator("summary").focus()
    page.keyboard.press("Enter")
    rows = trace.locator("tbody tr")
    expect(rows).to_have_count(7)
    expect(rows.nth(0)).to_contain_text("c0")
    expect(rows.nth(6)).to_contain_text("step 1: click selector='button'")
    expect(trace).to_contain_text("</script><script>window.pwned=1</script>")
    assert page.evaluate("window.pwned") is None
    page.keyboard.press("Tab")
    expect(trace.get_by_role("group", name="What happened, as a list")).to_be_focused()


def test_result_without_a_trace_says_nothing_of_one(tmp_path: Path, open_page: Open) -> None:
    page = open_page(recorded(tmp_path / "report", result_called("broken", "late")))
    expect(card(page, "late")).to_contain_text("No picture was taken.")
    expect(page.locator(".trace")).to_have_count(0)


def test_trace_that_is_not_the_recorded_one_is_not_shown(tmp_path: Path, open_page: Open) -> None:
    result = broken()
    recorded(tmp_path / "report", result)
    (tmp_path / "report/pictures" / f"{result.key}.trace.json").write_text("{}")
    page = open_page(write_gallery(tmp_path / "report"))
    expect(page.locator(".trace")).to_contain_text("is not the file that this run recorded")


def test_many_traces_leave_the_page_small(tmp_path: Path) -> None:
    messages = tuple(TraceMoment("iopub/comm_msg", 1.0, "x" * 200) for _ in range(50))
    spans = tuple(TraceSpan("GET http://127.0.0.1/" + "y" * 400, 1.0, 0.5, "answered") for _ in range(200))
    trace = replace(TRACE, messages=messages, requests=spans)
    results = [replace(broken(f"late{number}"), trace=trace) for number in range(50)]
    page = recorded(tmp_path / "report", *results)
    assert page.stat().st_size < 3_000_000
    text = page.read_text(encoding="utf-8")
    assert "left out to keep this page small: it is pictures/" in text
    # All show the same picture, which is there once.
    shown = tmp_path / "report/pictures" / f"{results[0].key}.seen.png"
    assert text.count(f'"{sha256(shown)}":"') == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_in_what_happened(tmp_path: Path, browser_for_gallery: Browser, scheme: Any) -> None:
    path = recorded(tmp_path / "report", broken())
    context = browser_for_gallery.new_context(bypass_csp=True, color_scheme=scheme)
    page = context.new_page()
    page.goto(path.as_uri())
    page.locator(".trace summary").click()
    expect(page.locator(".trace tbody tr")).to_have_count(7)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    context.close()
    assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found["violations"]] == []
