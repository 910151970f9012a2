"""The gallery under `widgetshot review`: what is accepted in a real browser is written at once."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from test_review_server import RESULTS, prepare, reviewing

from conftest import Project, wait_until
from pages import card, current, decisions, row
from stores import in_folder, picture_file
from widgetshot.baselines.candidate import shot_bytes

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


def decide(page: Page, key: str, told: str) -> None:
    """Press a key and wait until its answer is there: others are told of a decision too, and may hear of it earlier."""
    page.keyboard.press(key)
    expect(page.locator(".toast")).to_contain_text(told)


def baseline(project: Project) -> bytes:
    return picture_file(in_folder(project.root / "baselines"), CHANGED.key).read_bytes()


def test_accepting_writes_the_baseline_and_undo_puts_it_back(project: Project, reviewer: BrowserContext) -> None:
    prepare(project)
    assert CHANGED.baseline is not None
    with reviewing(project) as (_, address):
        page = opened(reviewer, address)
        assert current(page) == "changed"
        decide(page, "a", "changed accepted. Its baseline is written.")
        expect(row(page, "changed").locator(".decision")).to_have_text("accepted")
        assert baseline(project) == shot_bytes(CHANGED)
        decide(page, "u", "Undone: changed.")
        expect(row(page, "changed").locator(".decision")).to_have_count(0)
        assert baseline(project) == CHANGED.baseline.data
        # Accept, think again, and once more; what was there first is still known.
        decide(page, "a", "changed accepted.")
        expect(row(page, "changed").locator(".decision")).to_have_text("accepted")
        card(page, "changed")
        decide(page, "r", "changed rejected.")
        expect(row(page, "changed").locator(".decision")).to_have_text("rejected")
        assert baseline(project) == CHANGED.baseline.data
        card(page, "changed")
        decide(page, "a", "changed accepted.")
        expect(row(page, "changed").locator(".decision")).to_have_text("accepted")
        card(page, "changed")
        page.get_by_label("Comment on this picture").fill("as agreed")
        page.get_by_label("Comment on this picture").blur()
        # Nothing on the page tells that the server has it.
        wait_until(lambda: "as agreed" in (project.root / "widgetshot-report/review.json").read_text())
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
        for page in (one, other):
            expect(row(page, "new").locator(".decision")).to_have_text("rejected")
        assert decisions(one) == decisions(other) == {"changed": "accepted", "new": "rejected"}
        other_context.close()


def test_baseline_changed_on_disk_is_refused_with_the_reason(project: Project, reviewer: BrowserContext) -> None:
    prepare(project)
    with reviewing(project) as (_, address):
        page = opened(reviewer, address)
        file = picture_file(in_folder(project.root / "baselines"), CHANGED.key)
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
