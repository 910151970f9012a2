"""The gallery under `widgetshot review`: what is accepted in a real browser is written at once."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from reviewed_projects import RESULTS, prepare, record, reviewing

from pages import card, current, decisions, row
from projects import Project, make_project, wait_until
from stores import in_folder, picture_file
from widgetshot.baselines.candidate import shot_bytes
from widgetshot.review.server import write_redirect

CHANGED = RESULTS["changed"]


@pytest.fixture
def reviewer(browser_for_gallery: Browser) -> Iterator[BrowserContext]:
    context = browser_for_gallery.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, str]]:
    """A project under review, for all tests that leave its server running."""
    project = prepare(make_project(tmp_path_factory.mktemp("reviewed")))
    with reviewing(project) as (_, address):
        yield project, address
    assert project.left_behind() == []


@pytest.fixture
def address(served: tuple[Project, str]) -> str:
    """The address of a review in which nothing is decided: its run is new, its baselines are as at first."""
    project, address = served
    shutil.rmtree(project.root / "baselines")
    prepare(project)
    return address


@pytest.fixture
def root(served: tuple[Project, str], address: str) -> Path:
    """The project's folder, whose server is at the address."""
    return served[0].root


def opened(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(address)
    expect(page.locator(".product em")).to_have_text("live")
    return page


def decide(page: Page, key: str, said: str) -> None:
    """Press a key and wait until its answer is there: others hear of a decision too, maybe earlier."""
    page.keyboard.press(key)
    expect(page.locator(".toast")).to_contain_text(said)


def baseline(root: Path) -> bytes:
    return picture_file(in_folder(root / "baselines"), CHANGED.key).read_bytes()


def test_the_file_that_the_browser_is_told_leads_to_the_page(
    address: str, reviewer: BrowserContext, tmp_path: Path
) -> None:
    page = opened(reviewer, write_redirect(tmp_path, address).as_uri())
    assert page.url.partition("#")[0] == address
    assert current(page) == "changed"


def test_accepting_writes_the_baseline_and_undo_puts_it_back(
    root: Path, address: str, reviewer: BrowserContext
) -> None:
    assert CHANGED.baseline is not None
    page = opened(reviewer, address)
    assert current(page) == "changed"
    decide(page, "a", "changed accepted. Its baseline is written.")
    expect(row(page, "changed").locator(".decision")).to_have_text("accepted")
    assert baseline(root) == shot_bytes(CHANGED)
    decide(page, "u", "Undone: changed.")
    expect(row(page, "changed").locator(".decision")).to_have_count(0)
    assert baseline(root) == CHANGED.baseline.data
    # Accept, think again, and once more; what was there first is still known.
    decide(page, "a", "changed accepted.")
    expect(row(page, "changed").locator(".decision")).to_have_text("accepted")
    card(page, "changed")
    decide(page, "r", "changed rejected.")
    expect(row(page, "changed").locator(".decision")).to_have_text("rejected")
    assert baseline(root) == CHANGED.baseline.data
    card(page, "changed")
    decide(page, "a", "changed accepted.")
    expect(row(page, "changed").locator(".decision")).to_have_text("accepted")
    card(page, "changed")
    page.get_by_label("Comment on this picture").fill("as agreed")
    page.get_by_label("Comment on this picture").blur()
    # Nothing on the page tells that the server has it.
    wait_until(lambda: "as agreed" in (root / "widgetshot-report/review.json").read_text())
    expect(page.locator(".state")).to_contain_text("baseline written")
    page.reload()
    card(page, "changed")
    expect(page.get_by_label("Comment on this picture")).to_have_value("as agreed")
    assert baseline(root) == shot_bytes(CHANGED)


def test_two_reviewers_see_each_other_and_lose_nothing(
    address: str, reviewer: BrowserContext, browser_for_gallery: Browser
) -> None:
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


def test_baseline_changed_on_disk_is_refused_with_the_reason(
    root: Path, address: str, reviewer: BrowserContext
) -> None:
    page = opened(reviewer, address)
    file = picture_file(in_folder(root / "baselines"), CHANGED.key)
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


def test_server_that_ended_is_reported(project: Project, reviewer: BrowserContext) -> None:
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


def comment(page: Page) -> Locator:
    return page.get_by_label("Comment on this picture")


def reviewed(root: Path) -> dict[str, Any]:
    """The decisions that the server has kept, by the name of the picture."""
    file = root / "widgetshot-report/review.json"
    kept = json.loads(file.read_text()) if file.exists() else {"decisions": {}}
    return {key.rpartition("/")[2]: decision for key, decision in kept["decisions"].items()}


@pytest.fixture
def pair(address: str, reviewer: BrowserContext, browser_for_gallery: Browser) -> Iterator[tuple[Page, Page]]:
    """The pages of two reviewers, Ada and Bob, on the same run."""
    other = browser_for_gallery.new_context()
    pages = opened(reviewer, address), opened(other, address)
    for page, name in zip(pages, ("Ada", "Bob"), strict=True):
        page.keyboard.press("d")
        page.get_by_label("Your name").fill(name)
        page.keyboard.press("Escape")
    yield pages
    other.close()


def test_every_reload_shows_all_that_was_decided(address: str, reviewer: BrowserContext) -> None:
    page = opened(reviewer, address)
    comment(page).fill("as agreed")
    comment(page).blur()
    decide(page, "a", "changed accepted.")
    card(page, "changed")
    # The server's first answer comes before or after the page is first drawn, now so and now so.
    for _ in range(6):
        page.reload()
        expect(comment(page)).to_have_value("as agreed")
        expect(page.locator(".state")).to_contain_text("baseline written")
        expect(row(page, "changed").locator(".decision")).to_have_text("accepted")
        expect(page.locator(".progress")).to_contain_text("1 decided")


def test_comment_on_what_is_not_decided_yet_outlives_a_reload(
    root: Path, address: str, reviewer: BrowserContext
) -> None:
    page = opened(reviewer, address)
    comment(page).fill("first thoughts")
    page.reload()
    expect(comment(page)).to_have_value("first thoughts")
    comment(page).blur()
    decide(page, "r", "changed rejected.")
    assert reviewed(root)["changed"]["comment"] == "first thoughts"


def test_news_do_not_replace_a_comment_that_is_being_written(root: Path, pair: tuple[Page, Page]) -> None:
    ada, bob = pair
    # Whatever is decided leaves this list: Bob's picture stays before him all the same.
    bob.get_by_label("Decided or not").select_option("open")
    comment(bob).press_sequentially("too ")
    comment(ada).fill("as agreed")
    comment(ada).press("Escape")
    decide(ada, "a", "changed accepted.")
    expect(bob.locator(".state")).to_contain_text("accepted by Ada")
    expect(row(bob, "changed")).to_have_count(0)
    assert current(bob) == "changed"
    comment(bob).press_sequentially("dark")
    expect(comment(bob)).to_have_value("too dark")
    # He had not seen hers when he began: hers stays, and he sees why.
    comment(bob).press("Escape")
    expect(bob.get_by_role("alert")).to_contain_text("Ada has accepted it (as agreed) meanwhile")
    assert reviewed(root)["changed"]["comment"] == "as agreed"
    expect(comment(bob)).to_have_value("too dark")
    # Now he has.
    decide(bob, "r", "changed rejected.")
    assert (reviewed(root)["changed"]["reviewer"], reviewed(root)["changed"]["comment"]) == ("Bob", "too dark")
    card(ada, "changed")
    expect(comment(ada)).to_have_value("too dark")


def test_comment_that_another_reviewer_empties_is_empty_everywhere(pair: tuple[Page, Page]) -> None:
    ada, bob = pair
    comment(ada).fill("as agreed")
    comment(ada).press("Escape")
    decide(ada, "a", "changed accepted.")
    expect(comment(bob)).to_have_value("as agreed")
    comment(bob).fill("")
    comment(bob).press("Escape")
    card(ada, "changed")
    expect(ada.locator(".state")).to_contain_text("accepted by Bob")
    expect(comment(ada)).to_have_value("")


def test_comment_and_decision_at_once_do_not_refuse_each_other(
    root: Path, address: str, reviewer: BrowserContext
) -> None:
    page = opened(reviewer, address)
    decide(page, "a", "changed accepted.")
    card(page, "changed")
    comment(page).fill("the knob is cut")
    # The click takes the focus from the comment, which is saved first.
    page.get_by_label("This picture").get_by_role("button", name="Reject").click()
    expect(page.locator(".toast")).to_contain_text("changed rejected.")
    expect(page.get_by_role("alert")).to_have_count(0)
    assert reviewed(root)["changed"]["verdict"] == "reject"
    assert reviewed(root)["changed"]["comment"] == "the knob is cut"


def test_question_about_many_is_no_answer_to_what_came_after_it(root: Path, pair: tuple[Page, Page]) -> None:
    ada, bob = pair
    ada.get_by_role("button", name="Accept all").click()
    expect(ada.get_by_role("dialog")).to_contain_text("Accept 3 pictures?")
    decide(bob, "r", "changed rejected.")
    expect(row(ada, "changed").locator(".decision")).to_have_text("rejected")
    ada.get_by_role("dialog").get_by_role("button", name="Accept 3").click()
    expect(ada.get_by_role("alert")).to_contain_text("Bob has rejected it meanwhile")
    assert {name: decision["verdict"] for name, decision in reviewed(root).items()} == {"changed": "reject"}


def test_what_was_skipped_is_undone_like_a_decision(root: Path, address: str, reviewer: BrowserContext) -> None:
    page = opened(reviewer, address)
    decide(page, "a", "changed accepted.")
    decide(page, "s", "skipped.")
    assert list(decisions(page).values()) == ["accepted", "skipped"]
    decide(page, "u", "Undone:")
    assert decisions(page) == {"changed": "accepted"}
    decide(page, "u", "Undone: changed.")
    assert decisions(page) == {}
    assert CHANGED.baseline is not None
    assert baseline(root) == CHANGED.baseline.data


def test_name_that_was_taken_away_stays_away(root: Path, pair: tuple[Page, Page]) -> None:
    ada, bob = pair
    ada.keyboard.press("d")
    ada.get_by_label("Your name").fill("")
    decide(bob, "r", "changed rejected.")
    expect(row(ada, "changed").locator(".decision")).to_have_text("rejected")
    expect(ada.get_by_label("Your name")).to_have_value("")
    ada.keyboard.press("Escape")
    card(ada, "new")
    decide(ada, "a", "new accepted.")
    assert reviewed(root)["new"]["reviewer"] == ""


def test_page_waits_for_news_instead_of_asking_again_and_again(address: str, reviewer: BrowserContext) -> None:
    asked: list[str] = []
    reviewer.on("request", lambda request: asked.append(request.url))
    page = opened(reviewer, address)
    # Playwright tells of requests only while it is asked something.
    page.evaluate("async () => { for (let i = 0; i < 60; i++) await new Promise(requestAnimationFrame); }")
    asks = [url.rpartition("?")[2] for url in asked if "api/review" in url]
    assert asks == ["run=", "run=&since=0"]


def test_another_run_in_the_folder_is_reported(root: Path, address: str, reviewer: BrowserContext) -> None:
    page = opened(reviewer, address)
    decide(page, "a", "changed accepted.")
    record(root)
    expect(page.get_by_role("alert")).to_contain_text("another run by now: reload this page")
    # What was decided on this page's pictures is still shown of them.
    assert decisions(page) == {"changed": "accepted"}
    page.reload()
    expect(page.locator(".product em")).to_have_text("live")
    expect(page.get_by_role("alert")).to_have_count(0)
    assert decisions(page) == {}
