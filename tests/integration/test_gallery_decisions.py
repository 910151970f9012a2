"""Deciding in the gallery, by keyboard alone, and what comes out of it."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page, expect

from builders import picture, result_of
from pages import Folder, Open, card, current, decisions, expect_shown, recorded, row, sha256, wait_until
from projects import Project
from widgetshot.model import Result

BACKGROUNDS = {"dark": "rgb(21, 22, 24)", "light": "rgb(246, 246, 243)"}
AXE = Path(__file__).parents[2] / "js/node_modules/axe-core/axe.min.js"
TIMES = [f"2026-11-0{day}T10:00:00+00:00" for day in (1, 2, 3, 3)]

TALLER, FIRST = "page-chromium-linux/notebooks/demo/taller", "page-chromium-linux/notebooks/demo/first"


def press(page: Page, keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def download(page: Page, folder: Path) -> dict[str, Any]:
    with page.expect_download() as found:
        page.get_by_role("dialog").get_by_role("button", name="Download decisions").click()
    assert found.value.suggested_filename == "decisions.json"
    found.value.save_as(folder / "decisions.json")
    loaded: dict[str, Any] = json.loads((folder / "decisions.json").read_text(encoding="utf-8"))
    return loaded


def test_keys_decide_and_move_on_to_what_is_undecided(mixed: Folder, open_page: Open) -> None:
    page = open_page(mixed.write())
    seen = [current(page)]
    for key in "arsr":
        page.keyboard.press(key)
        seen.append(current(page))
    assert seen == ["heavy", "slight", "taller", "first", "restless"]
    assert decisions(page) == {"heavy": "accepted", "slight": "rejected", "taller": "skipped", "first": "rejected"}
    expect(page.get_by_role("progressbar", name="Decided")).to_have_attribute("aria-valuenow", "3")
    press(page, "rr")
    # All others are decided: what was skipped comes again.
    assert current(page) == "taller"
    expect(page.locator(".toast")).to_have_text("late rejected. 1 left.")
    press(page, "a")
    expect(page.locator(".toast")).to_have_text("taller accepted. Everything is decided.")
    expect(page.locator(".progress")).to_contain_text("Everything is decided")


def test_undo_takes_back_one_step_after_the_other_and_shows_it(mixed: Folder, open_page: Open) -> None:
    page = open_page(mixed.write())
    press(page, "ar")
    row(page, "heavy").click()
    press(page, "r")
    assert decisions(page)["heavy"] == "rejected"
    press(page, "u")
    assert (current(page), decisions(page)) == ("heavy", {"heavy": "accepted", "slight": "rejected"})
    page.reload()
    expect(page.locator("h1")).to_be_visible()
    press(page, "uu")
    assert (current(page), decisions(page)) == ("heavy", {})
    press(page, "u")
    expect(page.locator(".toast")).to_have_text("There is nothing to undo.")
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()


def test_what_passed_or_can_not_be_accepted_stays_undecided(mixed: Folder, open_page: Open) -> None:
    mixed.add("fresh", "new", status="passed", updated=True)
    page = open_page(mixed.write())
    page.get_by_role("button", name="Passed").click()
    card(page, "calm")
    press(page, "ar")
    expect(page.locator(".toast")).to_have_text("calm needs no decision.")
    card(page, "fresh")
    press(page, "a")
    card(page, "restless")
    press(page, "a")
    expect(page.locator(".toast")).to_have_text("restless can't be accepted: it is unstable.")
    assert decisions(page) == {}


def test_reload_and_a_second_tab_lose_nothing(mixed: Folder, open_page: Open) -> None:
    page = open_page(mixed.write())
    press(page, "ac")
    page.keyboard.type("too wide, a")
    page.keyboard.press("Escape")
    press(page, "r")
    page.reload()
    assert decisions(page) == {"heavy": "accepted", "slight": "rejected"}
    expect(card(page, "slight")).to_be_visible()
    expect(page.get_by_label("Comment on this picture")).to_have_value("too wide, a")
    second = page.context.new_page()
    second.goto(page.url.partition("#")[0])
    row(second, "taller").click()
    press(second, "a")
    # Both tabs know all of it, whoever decided.
    expect(row(page, "taller").locator(".decision")).to_have_text("accepted")
    row(page, "first").click()
    press(page, "r")
    assert decisions(page) == decisions(second) | {"first": "rejected"}
    expect(row(second, "first").locator(".decision")).to_have_text("rejected")


def test_another_run_begins_without_decisions(mixed: Folder, open_page: Open) -> None:
    page = open_page(mixed.write())
    press(page, "a")
    mixed.write(id="20261122T010101Z-abcdef")
    page.reload()
    expect(page.locator(".row")).to_have_count(6)
    assert decisions(page) == {}


def test_browser_that_keeps_nothing_is_reported_and_the_review_goes_on(mixed: Folder, open_page: Open) -> None:
    index = mixed.write()
    page = open_page(index)
    # What a browser does with a page whose storage is blocked.
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('denied') } })"
    )
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("download your decisions before you leave")
    press(page, "ar")
    assert decisions(page) == {"heavy": "accepted", "slight": "rejected"}


def test_decisions_are_bound_to_the_pictures(mixed: Folder, open_page: Open, tmp_path: Path) -> None:
    page = open_page(mixed.write())
    press(page, "ac")
    page.keyboard.type("too </script> wide\nby 3 px")
    page.keyboard.press("Escape")
    press(page, "rsa")
    card(page, "late")
    press(page, "rd")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("2 accepted, 2 rejected, 2 left undecided")
    dialog.get_by_label("Your name").fill("Ada \u202eL")
    file = download(page, tmp_path)
    tests = {test["shot"]: test for test in mixed.tests}
    times = [decision.pop("time") for decision in file["decisions"]]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", time) for time in times)

    def entry(shot: str, verdict: str, comment: str = "") -> dict[str, Any]:
        pictures = tests[shot]["pictures"]
        return {
            "key": tests[shot]["key"],
            "verdict": verdict,
            "baseline_sha256": tests[shot]["baseline_sha256"],
            "shot_sha256": pictures["shot"]["sha256"] if pictures["shot"] else None,
            "sidecar_sha256": (pictures["shot"] or {}).get("sidecar_sha256"),
            "comment": comment,
        }

    assert file == {
        "format": 1,
        "run": "20261121T092500",
        "commit": "9f3c2e1b7a4d5e6f708192a3b4c5d6e7f8091a2b",
        "reviewer": "Ada \u202eL",
        # In the order of the run.
        "decisions": [
            entry("late", "reject"),
            entry("slight", "reject", "too </script> wide\nby 3 px"),
            entry("first", "accept"),
            entry("heavy", "accept"),
        ],
    }


def test_copied_text_holds_the_same_file_and_speaks_to_nobody(mixed: Folder, open_page: Open, tmp_path: Path) -> None:
    mixed.tests[2] |= {"notebook": "notebooks/@everyone.ipynb", "shot": "`slight`"}
    page = open_page(mixed.write(), permissions=["clipboard-read", "clipboard-write"])
    press(page, "ac")
    page.keyboard.type("```\n@team <b>look</b>")
    page.keyboard.press("Escape")
    press(page, "rd")
    page.get_by_role("button", name="Copy for a comment").click()
    expect(page.get_by_text("paste it into a comment")).to_be_visible()
    text = page.evaluate("navigator.clipboard.readText()")
    assert text.startswith("widgetshot review of `20261121T092500`: 1 accepted, 1 rejected, 4 left undecided.\n")
    assert "- `` notebooks/@everyone.ipynb::`slight` ``: ```` ``` @team <b>look</b> ````\n" in text
    fence, body = re.search(r"^(`{3,})json\n(.*)\n\1$", text, re.DOTALL | re.MULTILINE).groups()  # type: ignore[union-attr]
    assert fence not in body
    assert json.loads(body) == download(page, tmp_path)


def test_refused_clipboard_leaves_the_text_selected(mixed: Folder, open_page: Open) -> None:
    page = open_page(mixed.write())
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new DOMException('denied')) }")
    press(page, "ad")
    page.get_by_role("button", name="Copy for a comment").click()
    expect(page.get_by_role("dialog").get_by_text("the text is selected")).to_be_visible()
    assert '"format": 1' in page.evaluate("getSelection().toString()")


def grouped(folder: Path) -> Path:
    """Forty pages with one recoloured button, two with another change, one new picture twice."""
    results: list[Result] = []

    def add(name: str, **options: Any) -> None:
        result = result_of(name, **options)
        results.append(replace(result, target=replace(result.target, shot=name)))

    for n in range(40):
        before, after = picture(30 + n), picture(30 + n)
        after[3:6, 4:9, :3] = (0, 150, 136)
        add(f"button-{n}", shot=after, baseline=before)
    for n in range(2):
        after = picture()
        after[3:6, 4:9, n] = 10
        add(f"other-{n}", shot=after, baseline=picture())
    for n in range(2):
        add(f"new-{n}", shot=picture())
    return recorded(folder, *results)


def test_the_same_change_is_decided_once_after_all_of_it_was_shown(tmp_path: Path, open_page: Open) -> None:
    page = open_page(grouped(tmp_path / "report"))
    expect_shown(page, "button-0", "other-0", "other-1", "new-0")
    expect(page.locator(".same")).to_have_text(["40 with the same change", "2 with the same change"])
    assert current(page) == "button-0"
    page.keyboard.press("A")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_have_accessible_name("Accept 40 pictures?")
    expect(dialog.locator(".thumbs li")).to_have_count(40)
    wait_until(page, "[...document.querySelectorAll('.thumbs img')].slice(0, 4).every(i => i.naturalWidth)")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert decisions(page) == {}
    press(page, "A")
    expect(dialog).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_have_text("40 pictures accepted. 4 left.")
    assert set(decisions(page).values()) == {"accepted"}
    assert len(decisions(page)) == 40
    assert current(page) == "other-0"
    # Alone, it needs no question.
    page.keyboard.press("R")
    assert (decisions(page)["other-0"], current(page)) == ("rejected", "other-1")
    press(page, "s")
    press(page, "R")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_have_text("2 pictures rejected. 1 left.")
    press(page, "u")
    assert "new-0" not in decisions(page)
    assert "new-1" not in decisions(page)


def test_all_that_is_listed_can_be_decided_after_a_count(mixed: Folder, open_page: Open) -> None:
    page = open_page(mixed.write())
    page.get_by_role("button", name="changed 2").click()
    page.get_by_role("button", name="unstable 1").click()
    page.get_by_role("button", name="Accept all").click()
    # What is unstable is not among them.
    expect(page.get_by_role("dialog")).to_have_accessible_name("Accept 2 pictures?")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert decisions(page) == {}
    page.get_by_role("button", name="Accept all").click()
    page.get_by_role("dialog").get_by_role("button", name="Accept 2").click()
    assert decisions(page) == {"heavy": "accepted", "slight": "accepted"}
    page.get_by_role("button", name="changed 2").click()
    page.get_by_role("button", name="broken 1").click()
    page.get_by_role("button", name="Reject all").click()
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_have_text("2 pictures rejected. 2 left.")
    press(page, "u")
    assert decisions(page) == {}
    page.get_by_role("button", name="changed 2").click()
    assert decisions(page) == {"heavy": "accepted", "slight": "accepted"}


def test_filters_sort_and_place_live_in_the_address(mixed: Folder, open_page: Open) -> None:
    mixed.tests[2] |= {"variant": "dark", "notebook": "notebooks/other.ipynb"}
    mixed.tests[4]["key"] = "page-firefox-linux"
    page = open_page(mixed.write())
    page.get_by_label("All variants").select_option("dark")
    expect_shown(page, "slight[dark]")
    page.get_by_label("All variants").select_option("plain")
    expect_shown(page, "heavy", "taller", "first", "restless", "late", "calm")
    page.get_by_label("All environments").select_option("page-firefox-linux")
    expect_shown(page, "first")
    page.get_by_label("All environments").select_option("")
    page.get_by_label("All notebooks").select_option("notebooks/other.ipynb")
    page.get_by_label("All variants").select_option("")
    expect_shown(page, "slight[dark]")
    page.get_by_label("All notebooks").select_option("")
    page.get_by_label("Sort").select_option("name")
    expect_shown(page, "first", "heavy", "late", "restless", "taller", "slight[dark]")
    page.get_by_role("button", name="changed 2").click()
    page.get_by_role("searchbox").fill("this is")
    page.keyboard.press("Escape")
    card(page, "slight")
    press(page, "3+a")
    page.get_by_label("Decided or not").select_option("open")
    expect_shown(page, "heavy")
    # Playwright hears of an address that a page writes itself by another way than of what the page shows.
    address = page.evaluate("location.href")
    page.reload()
    expect_shown(page, "heavy")
    assert page.evaluate("location.href") == address
    assert current(page) == "heavy"
    expect(page.locator(".pictures")).to_have_attribute("data-mode", "onion")
    expect(page.get_by_label("100 %, back to fit")).to_be_visible()
    page.goto(address.partition("#")[0] + "#decision=accept&verdict=changed,nonsense&sort=constructor&zoom=3&at=none")
    expect_shown(page, "slight[dark]")
    expect(page.get_by_label("Sort")).to_have_value("urgency")


def test_regions_are_visited_one_after_the_other(folder: Folder, open_page: Open) -> None:
    metrics = {"changed_pixels": 9, "changed_share": 0.1, "regions": [[50, 30, 90, 20], [4, 4, 6, 6], [230, 70, 5, 5]]}
    folder.add("spots", "changed")["metrics"] |= metrics
    folder.add("next", "changed", changed=2)
    page = open_page(folder.write())
    here = card(page, "spots").locator("figure").nth(1).locator(".region.here")
    expect(here).to_have_count(0)
    page.keyboard.press("]")
    expect(page.get_by_role("button", name="Region 1 of 3")).to_be_visible()
    expect(here).to_have_css("width", "90px")
    page.keyboard.press("]")
    # Too small to be seen as it is.
    expect(page.get_by_label("1600 %, back to fit")).to_be_visible()
    expect(here).to_have_css("width", "96px")
    expect(here).to_be_in_viewport()
    press(page, "]]")
    expect(page.get_by_role("button", name="Region 1 of 3")).to_be_visible()
    page.keyboard.press("[")
    expect(page.get_by_role("button", name="Region 3 of 3")).to_be_visible()
    expect(here).to_be_in_viewport()
    page.keyboard.press("j")
    expect(page.get_by_role("button", name="1 region")).to_be_visible()


def test_inspector_tells_a_pixel_of_both_pictures(folder: Folder, open_page: Open) -> None:
    folder.add("moved", "changed", changed=9)
    page = open_page(folder.write())
    inspector = page.get_by_role("group", name="Pixel inspector")
    actual = card(page, "moved").get_by_role("group", name="Actual").locator(".stage")
    actual.hover(position={"x": 60.5, "y": 40.5})
    expect(inspector).to_contain_text("x 60, y 40")
    expect(inspector).to_contain_text(re.compile("Expected #2196f3.*Actual #9e9e9e.*125 steps apart"))
    page.locator("h1").hover()
    expect(inspector).to_contain_text("Point at a pixel")
    page.keyboard.press("i")
    # The middle of the first region, and from there by keys.
    expect(inspector).to_contain_text("x 95, y 40")
    expect(inspector).to_contain_text("equal")
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("ArrowRight")
    expect(inspector).to_contain_text("x 96, y 30")
    expect(inspector).to_contain_text(re.compile("Expected #ffffff.*Actual #ffffff.*equal"))
    expect(page.locator(".cross")).to_have_count(3)
    for _ in range(5):
        page.keyboard.press("Shift+ArrowUp")
    expect(inspector).to_contain_text("x 96, y 0")
    page.keyboard.press("i")
    expect(page.locator(".cross")).to_have_count(0)


def test_enlarged_picture_is_dragged_and_zoomed_with_the_wheel(mixed: Folder, open_page: Open) -> None:
    page = open_page(mixed.write())
    press(page, "++++")
    # Each step of the enlargement scrolls to what differs.
    expect(page.get_by_label("800 %, back to fit")).to_be_visible()
    port = card(page, "heavy").locator(".port").first
    before = port.evaluate("e => e.scrollLeft")
    box = port.bounding_box()
    assert box
    page.mouse.move(box["x"] + 200, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 140, box["y"] + 100, steps=3)
    page.mouse.up()
    wait_until(page, f"[...document.querySelectorAll('.port')].every(e => e.scrollLeft === {before + 60})")
    page.keyboard.down("Control")
    page.mouse.wheel(0, 100)
    page.keyboard.up("Control")
    expect(page.get_by_label("400 %, back to fit")).to_be_visible()


FILL_STORAGE = """() => {
    for (let size = 1 << 22; size >= 1; size >>= 1) {
        try {
            for (let n = 0; ; n++) localStorage.setItem(`${size} ${n}`, "x".repeat(size));
        } catch {}
    }
}"""


def test_decisions_that_find_no_room_in_the_browser_stay_on_the_page(mixed: Folder, open_page: Open) -> None:
    page = open_page(mixed.write())
    page.keyboard.press("a")
    page.evaluate(FILL_STORAGE)
    press(page, "rs")
    expect(page.get_by_role("alert")).to_contain_text("download your decisions before you leave it")
    page.get_by_label("Comment on this picture").fill("the knob is cut")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    assert decisions(page) == {"heavy": "accepted", "slight": "rejected", "taller": "skipped", "first": "accepted"}


def test_what_the_browser_kept_in_another_form_is_left_out(mixed: Folder, open_page: Open) -> None:
    page = open_page(mixed.write())
    press(page, "ar")
    kept = next(name for name in page.evaluate("Object.keys(localStorage)") if name.startswith("widgetshot decisions"))
    text = page.evaluate("name => localStorage[name]", kept)
    damage = {**json.loads(text)["decisions"], TALLER: None, FIRST: {"verdict": "lovely", "time": ""}}
    for damaged in ('{"decisions": 5, "comments": null}', json.dumps({"decisions": damage, "steps": [[5]]}), "{"):
        page.evaluate("([name, text]) => localStorage.setItem(name, text)", [kept, damaged])
        page.reload()
        expect(page.locator(".card")).to_be_visible()
        assert decisions(page) == ({"heavy": "accepted", "slight": "rejected"} if "lovely" in damaged else {})
    page.keyboard.press("u")
    expect(page.locator(".toast")).to_have_text("There is nothing to undo.")


def test_key_behind_the_one_that_closes_a_dialog_is_meant_for_the_page(mixed: Folder, open_page: Open) -> None:
    page = open_page(mixed.write())
    for number in range(10):
        # The dialog's field keeps the keyboard until the next frame.
        page.keyboard.press("d")
        page.get_by_label("Your name").fill(f"Ada {number}")
        page.keyboard.press("Escape")
        page.keyboard.press("j" if number % 2 == 0 else "k")
        expect(page.locator(".card")).to_have_attribute(
            "data-key", re.compile("/slight$" if number % 2 == 0 else "/heavy$")
        )


# Events of a scroll come with the next frame: those of the panes that follow, when the first one has moved on.
PAN = """async () => {
    const ports = [...document.querySelectorAll(".card .port")];
    const frame = () => new Promise(requestAnimationFrame);
    const before = ports[0].scrollLeft;
    for (const by of [40, 60, 0, 0, 0]) {
        if (by) ports[0].scrollLeft = before + by;
        await frame();
    }
    return ports.map((port) => port.scrollLeft - before);
}"""


def test_pane_that_is_panned_is_not_taken_back_by_those_that_follow(mixed: Folder, open_page: Open) -> None:
    page = open_page(mixed.write())
    press(page, "++++")
    expect(page.get_by_label("800 %, back to fit")).to_be_visible()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate(PAN) == [60, 60, 60]


# What depends on the colours; all other rules ask for the same document, whatever the scheme is.
OF_COLOURS = ["color-contrast", "link-in-text-block"]


def violations(page: Page, changed: str = "html") -> list[str]:
    """What axe finds in the light scheme, and in the dark one in what has changed since it was asked before."""
    # Handed over by the browser's own debugger, which the page's policy does not bind.
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found = []
    checks: tuple[tuple[Literal["dark", "light"], str, dict[str, Any]], ...] = (
        ("dark", changed, {"runOnly": OF_COLOURS}),
        ("light", "html", {}),
    )
    for scheme, part, rules in checks:
        page.emulate_media(color_scheme=scheme)
        expect(page.locator("html")).to_have_css("background-color", BACKGROUNDS[scheme])
        run = "([part, rules]) => axe.run(part, { resultTypes: ['violations'], ...rules })"
        result = page.evaluate(run, [part, rules])
        found += [
            f"{scheme}: {rule['id']}: {node['html'][:150]}" for rule in result["violations"] for node in rule["nodes"]
        ]
    return found


def test_axe_finds_no_violation(mixed: Folder, browser_for_gallery: Browser) -> None:
    mask = {"reason": "a clock", "place": ".clock", "boxes": [[10, 20, 60, 30]]}
    mixed.tests[5] |= {
        "masks": [mask],
        "history": [["match", 2, *TIMES[:2]], ["changed", 1, *TIMES[2:]]],
    }
    mixed.add("known", "changed", changed=5, status="quarantined", quarantine={"reason": "x", "until": "2026-12-31"})
    index = mixed.write(
        unused=["page-chromium-linux/notebooks/old/panel"],
        notebooks=[{"notebook": "notebooks/demo.ipynb", "seconds": 3.0, "timings": {"load": 1.0}}],
        changed={
            "not_run": [{"key": "page-chromium-linux/notebooks/other/s", "passed": "2026-11-20T08:00:00+00:00"}],
            "ran": [{"name": "notebooks/demo.ipynb", "why": "notebooks/helper.py changed"}],
            "refused": None,
        },
    )
    for width in (1280, 375):
        page = browser_for_gallery.new_page(viewport={"width": width, "height": 800})
        page.goto(index.as_uri())
        assert violations(page) == []
        for key in ["2", "3", "4", "b", "5", "6", "i", "+", "]", "a", "j", "r", "?", "Escape", "d", "Escape"]:
            page.keyboard.press(key)
        page.get_by_text("About this run").click()
        assert violations(page) == []
        page.get_by_text("About this run").click()
        for shot in ("late", "restless", "known"):
            if width == 375 and not row(page, shot).is_visible():
                page.get_by_role("button", name="List and filters").click()
            card(page, shot)
            assert violations(page, ".card") == []
        # The last one decides, and asks nothing: nobody else has the same change.
        for key, changed in {"?": "dialog[open]", "d": "dialog[open]", "A": "html"}.items():
            page.keyboard.press(key)
            assert violations(page, changed) == []
            page.keyboard.press("Escape")
        page.close()


def test_every_control_is_reached_with_the_tabulator(mixed: Folder, open_page: Open) -> None:
    page = open_page(mixed.write())
    buttons = page.locator(
        "button:visible:enabled, input:visible:enabled, select:visible, textarea:visible, summary:visible"
    )
    total = buttons.count()
    reached: set[str] = set()
    for _ in range(total + 10):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "(e => { e.dataset.n ??= String(Math.random()); return e.dataset.n })(document.activeElement)"
            )
        )
    missed = buttons.evaluate_all("all => all.filter(e => !e.dataset.n).map(e => e.outerHTML)")
    assert missed == []


def test_narrow_screen_shows_everything_and_scrolls_only_downwards(mixed: Folder, open_page: Open) -> None:
    page = open_page(mixed.write(), viewport={"width": 375, "height": 700})
    expect(page.locator(".card")).to_be_visible()
    expect(row(page, "heavy")).to_be_hidden()
    for key in "23456?":
        page.keyboard.press(key)
        assert page.evaluate("document.documentElement.scrollWidth") == 375
    page.keyboard.press("Escape")
    for name in ("Accept", "Reject", "Skip", "Next result"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_in_viewport()
    page.get_by_role("button", name="List and filters").click()
    row(page, "taller").click()
    page.get_by_role("button", name="Accept", exact=True).click()
    assert decisions(page) == {"taller": "accepted"}


def cell(n: int, colour: str) -> str:
    return (
        f"#| shot: s{n:02}\nimport ipywidgets as widgets\nb = widgets.Button(description='Node {n}')\n"
        f"b.style.button_color, b.layout.width = '{colour}', '{100 + 4 * n}px'\nb"
    )


def test_a_decision_is_a_keystroke_from_the_file_to_the_baselines(
    project: Project, browser_for_gallery: Browser
) -> None:
    colours = ["lightsteelblue"] * 12
    project.notebook("notebooks/nodes.ipynb", *(cell(n, colour) for n, colour in enumerate(colours)))
    assert project.widgetshot("run", "--update-baselines").returncode == 0
    changed = [colour if n in (3, 8) else "palegreen" for n, colour in enumerate(colours)]
    project.notebook("notebooks/nodes.ipynb", *(cell(n, colour) for n, colour in enumerate(changed)))
    assert project.widgetshot("run").returncode == 1
    before = project.files("baselines")

    page = browser_for_gallery.new_page()
    page.goto((project.root / "widgetshot-report/index.html").as_uri())
    expect(page.locator("h1")).to_have_text("10 of 12 pictures need a decision")
    rejected = []
    for stroke in range(10):
        if stroke == 5:
            page.reload()
            expect(page.locator(".progress")).to_contain_text("5 decided")
        if stroke in (2, 7):
            rejected.append(current(page))
        page.keyboard.press("r" if stroke in (2, 7) else "a")
    expect(page.locator(".progress")).to_contain_text("Everything is decided")
    page.keyboard.press("d")
    file = download(page, project.root)
    page.close()
    assert len(file["decisions"]) == 10

    dry = project.widgetshot("approve", "--decisions", "decisions.json", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert project.files("baselines") == before
    done = project.widgetshot("approve", "--decisions", "decisions.json")
    assert done.returncode == 0, done.stderr
    after = project.files("baselines")
    differ = {Path(name).stem for name in before if before[name] != after[name] and name.endswith(".png")}
    assert differ == {f"s{n:02}" for n in range(12) if n not in (3, 8)} - set(rejected)
    pictures = {test["shot"]: test["pictures"]["shot"]["sha256"] for test in project.report()["tests"]}
    written = {file.stem: sha256(file) for file in (project.root / "baselines").rglob("*.png")}
    assert {name: written[name] for name in differ} == {name: pictures[name] for name in differ}

    # What was rejected is mended; then there is nothing left to decide.
    for name in rejected:
        changed[int(name[1:])] = "lightsteelblue"
    project.notebook("notebooks/nodes.ipynb", *(cell(n, colour) for n, colour in enumerate(changed)))
    again = project.widgetshot("run")
    assert again.returncode == 0, again.stdout
    assert "12 match" in again.stdout
