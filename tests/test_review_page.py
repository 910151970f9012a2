"""The gallery under `widgetshot review`: what is accepted in a real browser is written at once."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from conftest import Project
from pages import card, current, decisions, row
from test_review_server import RESULTS, prepare, reviewing
from widgetshot.baselines import Store
from widgetshot.record import shot_bytes

CHANGED = RESULTS["changed"]


@pytest.fixture
def reviewer(browser_for_gallery: Browser) -> Iterator[BrowserContext]:
    context = browser_for_gallery.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


def opened(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(address)
    expect(page.locator(".product em")).to_have_text("live")
    return page


def baseline(project: Project) -> bytes:
    return Store(project.root / "baselines").path(CHANGED.key).read_bytes()


def test_accepting_writes_the_baseline_and_undo_puts_it_back(project: Project, reviewer: BrowserContext) -> None:
    prepare(project)
    assert CHANGED.baseline is not None
    with reviewing(project) as (_, address):
        page = opened(reviewer, address)
        assert current(page) == "changed"
        page.keyboard.press("a")
        expect(row(page, "changed").locator(".decision")).to_have_text("accepted")
        expect(page.locator(".toast")).to_contain_text("Its baseline is written.")
        assert baseline(project) == shot_bytes(CHANGED)
        page.keyboard.press("u")
        expect(row(page, "changed").locator(".decision")).to_have_count(0)
        assert baseline(project) == CHANGED.baseline.data
        # Accept, think again, and once more; what was there first is still known.
        page.keyboard.press("a")
        expect(row(page, "changed").locator(".decision")).to_have_text("accepted")
        card(page, "changed")
        page.keyboard.press("r")
        expect(row(page, "changed").locator(".decision")).to_have_text("rejected")
        assert baseline(project) == CHANGED.baseline.data
        card(page, "changed")
        page.keyboard.press("a")
        expect(row(page, "changed").locator(".decision")).to_have_text("accepted")
        card(page, "changed")
        page.get_by_label("Comment on this picture").fill("as agreed")
        page.get_by_label("Comment on this picture").blur()
        expect(page.locator(".state")).to_contain_text("baseline written")
        page.reload()
        card(page, "changed")
        expect(page.get_by_label("Comment on this picture")).to_have_value("as agreed")
        assert baseline(project) == shot_bytes(CHANGED)


def test_two_reviewers_see_each_other_and_lose_nothing(
    project: Project, reviewer: BrowserContext, browser_for_gallery: Browser
) -> None:
    prepare(project)
    with reviewing(project) as (_, address):
        one = opened(reviewer, address)
        other_context = browser_for_gallery.new_context()
        other = opened(other_context, address)
        one.keyboard.press("d")
        one.get_by_label("Your name").fill("Ada")
        one.keyboard.press("Escape")
        one.keyboard.press("a")
        # Nobody reloads.
        expect(row(other, "changed").locator(".decision")).to_have_text("accepted")
        card(other, "changed")
        expect(other.locator(".state")).to_contain_text("accepted by Ada, baseline written")
        card(other, "new")
        other.keyboard.press("r")
        expect(row(one, "new").locator(".decision")).to_have_text("rejected")
        assert decisions(one) == decisions(other) == {"changed": "accepted", "new": "rejected"}
        other_context.close()


def test_baseline_changed_on_disk_is_refused_with_the_reason(project: Project, reviewer: BrowserContext) -> None:
    prepare(project)
    with reviewing(project) as (_, address):
        page = opened(reviewer, address)
        file = Store(project.root / "baselines").path(CHANGED.key)
        file.write_bytes(shot_bytes(RESULTS["resized"]))
        page.keyboard.press("a")
        expect(page.get_by_role("alert")).to_contain_text("its baseline has changed since the run")
        expect(page.locator(".toast")).to_have_text("Nothing was decided.")
        assert decisions(page) == {}
        assert current(page) == "changed"
        assert file.read_bytes() == shot_bytes(RESULTS["resized"])
        # The next one that goes well takes the trouble away.
        card(page, "new")
        page.keyboard.press("a")
        expect(row(page, "new").locator(".decision")).to_have_text("accepted")
        expect(page.get_by_role("alert")).to_have_count(0)


def test_server_that_ended_is_told(project: Project, reviewer: BrowserContext) -> None:
    prepare(project)
    with reviewing(project) as (process, address):
        page = opened(reviewer, address)
        process.terminate()
        assert process.wait(30) == 0
        page.keyboard.press("a")
        expect(page.get_by_role("alert")).to_contain_text("The review server does not answer")
        assert decisions(page) == {}
        page.keyboard.press("s")
        assert decisions(page) == {"changed": "skipped"}
