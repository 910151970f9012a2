"""The gallery as a person meets it: real pictures, a real run folder, a real browser, opened from disk."""

import re
import time
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from builders import changed_picture, picture, result_of
from pages import (
    FINGERPRINT,
    HOSTILE,
    TO_DECIDE,
    Folder,
    Open,
    card,
    current,
    decisions,
    expect_shown,
    recorded,
    row,
    sha256,
    wait_until,
)
from png_files import FOREIGN
from widgetshot.conditions import Condition, Unrest
from widgetshot.errors import RecordError
from widgetshot.model import Box, Mask, Pixels, Repeat, Result, Tolerance
from widgetshot.report.gallery import write_gallery
from widgetshot.verdict.compare import compare
from widgetshot.verdict.diff_picture import CHANGED, INSERTED, MASKED, PADDING, PALETTE, REMOVED


def test_opens_on_what_needs_a_decision_largest_change_first(mixed: Folder, open_page: Open) -> None:
    page = open_page(mixed.write())
    expect_shown(page, *TO_DECIDE)
    expect(page.locator("h1")).to_have_text("6 of 7 pictures need a decision")
    assert current(page) == "heavy"
    page.get_by_role("button", name="Passed").click()
    expect_shown(page, *TO_DECIDE, "calm")
    expect(card(page, "calm").locator("img")).to_have_count(1)
    expect(page.locator(".verdict")).to_contain_text("Needs no decision")


def test_result_tells_its_verdict_in_words_its_sentence_and_its_evidence(mixed: Folder, open_page: Open) -> None:
    mixed.tests[2] |= {
        "console": ["font not found"],
        "blocked": ["https://cdn.example/x.js"],
        "baseline_fingerprint": {**FINGERPRINT, "browser": {"name": "chromium", "version": "151.0"}},
    }
    page = open_page(mixed.write())
    heavy = card(page, "heavy")
    expect(heavy.locator(".badge")).to_have_text("changed")
    expect(heavy.locator(".badge svg")).to_be_visible()
    expect(heavy).to_contain_text("This is heavy.")
    expect(heavy).to_contain_text("slider_of_5 = IntSlider()")
    expect(heavy.locator(".traits")).to_have_text("W.value 3 → 5")
    expect(heavy.locator(".differs")).to_have_count(0)
    slight = card(page, "slight")
    expect(slight).to_contain_text("No trait differs: a style or front-end change.")
    expect(slight).to_contain_text("font not found")
    expect(slight).to_contain_text("https://cdn.example/x.js")
    expect(slight.locator(".differs")).to_have_count(1)
    expect(slight.locator(".differs")).to_contain_text("151.0")
    late = card(page, "late")
    expect(late.locator(".error")).to_contain_text("cell raised")
    expect(late.locator(".error code")).to_have_text("pip install x")
    expect(late).to_contain_text("No picture was taken.")


def test_only_what_may_become_a_baseline_can_be_accepted(mixed: Folder, open_page: Open) -> None:
    mixed.tests[4]["notebook"] = "notebooks/it's.ipynb"
    page = open_page(mixed.write())
    accept = page.locator(".verdict").get_by_role("button", name="Accept", exact=True)
    for shot in TO_DECIDE:
        able = shot not in ("restless", "late")
        expect(card(page, shot).locator(".command", has_text="widgetshot approve")).to_have_count(1 if able else 0)
        expect(accept).to_be_enabled(enabled=able)
    expect(card(page, "first").locator("code", has_text="approve")).to_have_text(
        r"widgetshot approve 'page-chromium-linux/notebooks/it'\''s/first'"
    )
    card(page, "late")
    page.keyboard.press("a")
    expect(page.get_by_text("late can't be accepted: it is broken.")).to_be_visible()
    assert decisions(page) == {}
    page.keyboard.press("r")
    assert decisions(page) == {"late": "rejected"}


def test_copy_puts_the_exact_command_on_the_clipboard(mixed: Folder, open_page: Open) -> None:
    page = open_page(mixed.write(), permissions=["clipboard-read", "clipboard-write"])
    card(page, "heavy").get_by_role("button", name="Copy command").click()
    expect(card(page, "heavy").locator(".command button")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "widgetshot approve 'page-chromium-linux/notebooks/demo/heavy'"


def test_chips_count_and_filter_by_verdict(mixed: Folder, open_page: Open) -> None:
    page = open_page(mixed.write())
    chips = page.locator(".chip")
    expect(chips).to_have_text(["changed 2", "resized 1", "new 1", "unstable 1", "broken 1", "match 1"])
    chips.nth(0).click()
    expect_shown(page, "heavy", "slight")
    expect(chips.nth(0)).to_have_attribute("aria-pressed", "true")
    chips.nth(2).click()
    expect_shown(page, "heavy", "slight", "first")
    chips.nth(0).click()
    chips.nth(2).click()
    expect_shown(page, *TO_DECIDE)
    chips.nth(5).click()
    expect_shown(page, "calm")


def test_text_filter_reaches_folded_matches_and_can_be_cleared(mixed: Folder, open_page: Open) -> None:
    page = open_page(mixed.write())
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("calm")
    expect_shown(page, "calm")
    page.get_by_role("searchbox").fill("demo.IPYNB TALLER")
    expect_shown(page, "taller")
    page.get_by_role("searchbox").fill("nowhere to be found")
    page.get_by_role("button", name="Show all").click()
    expect_shown(page, *TO_DECIDE)


def test_keys_move_between_results_and_typing_in_the_search_is_only_typing(mixed: Folder, open_page: Open) -> None:
    page = open_page(mixed.write())
    visited = []
    for key in "jjjjjjkk":
        page.keyboard.press(key)
        visited.append(current(page))
    assert visited == ["slight", "taller", "first", "restless", "late", "late", "restless", "first"]
    expect(row(page, "first")).to_have_attribute("aria-current", "true")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("ja2")
    expect(page.get_by_role("searchbox")).to_have_value("ja2")
    expect(page.get_by_role("button", name="Side by side")).to_have_attribute("aria-pressed", "true")
    # What is looked at stays, although the search finds nothing.
    assert current(page) == "first"
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("next, previous result")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_six_modes_show_the_same_pictures(mixed: Folder, open_page: Open) -> None:
    page = open_page(mixed.write())
    heavy = card(page, "heavy")
    pictures = heavy.locator(".pictures")
    expect(pictures.locator("figcaption")).to_have_text(["Expected 240 × 80", "Actual 240 × 80", "Diff 240 × 80"])
    expect(pictures.locator("img")).to_have_count(3)
    wait_until(page, "[...document.querySelectorAll('.card img')].every(i => i.complete && i.naturalWidth === 240)")

    page.keyboard.press("2")
    expect(pictures).to_have_attribute("data-mode", "slider")
    divide = heavy.get_by_role("slider")
    divide.focus()
    page.keyboard.press("Home")
    expect(pictures.locator(".layer")).to_have_css("clip-path", "inset(0px 0px 0px 0%)")
    page.keyboard.press("End")
    expect(pictures.locator(".layer")).to_have_css("clip-path", "inset(0px 0px 0px 100%)")

    page.keyboard.press("3")
    expect(pictures).to_have_attribute("data-mode", "onion")
    heavy.get_by_role("slider").fill("25")
    expect(pictures.locator(".layer")).to_have_css("opacity", "0.25")

    page.keyboard.press("4")
    expect(pictures).to_have_attribute("data-mode", "blink")
    expect(pictures.locator(".layer")).to_have_css("animation-name", "blink")
    page.keyboard.press("b")
    expect(pictures.locator(".layer")).to_have_css("animation-name", "none")
    expect(pictures.get_by_text("Showing: Expected")).to_be_visible()
    page.keyboard.press("x")
    expect(pictures.get_by_text("Showing: Actual")).to_be_visible()
    expect(pictures.locator(".layer")).to_have_css("opacity", "1")
    page.get_by_role("button", name="Play").click()
    expect(pictures.locator(".layer")).to_have_css("animation-name", "blink")

    page.keyboard.press("5")
    expect(pictures.locator("figcaption")).to_have_text(["Diff 240 × 80"])
    page.keyboard.press("6")
    expect(pictures.locator("figcaption")).to_have_text(["Actual 240 × 80"])
    page.keyboard.press("5")
    # What has nothing to compare with stays visible in every mode, and the mode stays.
    expect(card(page, "first").locator("figcaption")).to_have_text(["Actual 240 × 80"])
    expect(card(page, "slight").locator("figcaption")).to_have_text(["Diff 240 × 80"])
    page.get_by_role("button", name="Onion skin").click()
    expect(card(page, "slight").locator(".pictures")).to_have_attribute("data-mode", "onion")


def test_reduced_motion_stops_the_blink(mixed: Folder, open_page: Open) -> None:
    page = open_page(mixed.write(), reduced_motion="reduce")
    page.keyboard.press("4")
    expect(card(page, "heavy").locator(".layer")).to_have_css("opacity", "0")
    expect(page.get_by_role("button", name="Play")).to_be_disabled()
    page.keyboard.press("b")
    expect(page.locator(".blink")).to_have_count(0)
    page.get_by_role("button", name="Swap").click()
    expect(card(page, "heavy").locator(".layer")).to_have_css("opacity", "1")


def test_enlarged_pixels_stay_sharp_and_panes_pan_together(mixed: Folder, open_page: Open) -> None:
    page = open_page(mixed.write())
    image = card(page, "heavy").locator("img").first
    expect(image).to_be_visible()
    for _ in range(4):
        page.keyboard.press("+")
    expect(image).to_have_css("width", "1920px")
    expect(image).to_have_css("image-rendering", "pixelated")
    ports = card(page, "heavy").locator(".port")
    ports.nth(0).evaluate("e => e.scrollTo(123, 0)")
    wait_until(
        page, "[...document.querySelectorAll('.card')[0].querySelectorAll('.port')].every(e => e.scrollLeft === 123)"
    )
    page.keyboard.press("0")
    expect(image).to_have_css("width", "240px")


def test_resized_pictures_share_a_canvas_and_neither_is_stretched(mixed: Folder, open_page: Open) -> None:
    page = open_page(mixed.write())
    taller = card(page, "taller")
    expect(taller.locator("img")).to_have_count(3)
    assert taller.locator("img").evaluate_all("all => all.map(e => e.offsetHeight)") == [60, 80, 80]
    assert taller.locator(".stage").evaluate_all("all => all.map(e => e.offsetHeight)") == [80, 80, 80]


def test_regions_and_masks_are_drawn_where_they_are_and_can_be_hidden(folder: Folder, open_page: Open) -> None:
    mask = {"reason": "a clock", "place": ".clock", "boxes": [[10, 20, 60, 30], [100, 0, 20, 10]]}
    folder.add("masked", "changed", changed=9, masks=[mask])
    page = open_page(folder.write())
    pictures = card(page, "masked").locator(".pictures")
    expect(pictures.locator(".region")).to_have_count(3)
    expect(pictures.locator(".mask")).to_have_count(6)
    expect(pictures.locator(".legend")).to_contain_text("a clock 2 boxes")
    place = "e => [e.offsetLeft, e.offsetTop, e.offsetWidth, e.offsetHeight]"
    assert pictures.locator(".mask").first.evaluate(place) == [10, 20, 60, 30]
    assert pictures.locator(".region").first.evaluate(place) == [50, 30, 90, 20]
    page.keyboard.press("o")
    expect(pictures.locator(".region")).to_have_count(0)
    page.get_by_role("button", name="Masks").click()
    expect(pictures.locator(".mask")).to_have_count(0)


def test_unstable_shows_both_pictures_and_compares_them_with_each_other(mixed: Folder, open_page: Open) -> None:
    page = open_page(mixed.write())
    restless = card(page, "restless")
    captions = restless.locator("figcaption span:not(:has(span))")
    expect(captions).to_have_text(["Actual, first picture", "Actual, second picture", "Diff"])
    page.keyboard.press("2")
    expect(captions).to_have_text(["Actual, first picture", "Actual, second picture"])
    expect(restless.locator("img")).to_have_count(2)
    sources = restless.locator("img").evaluate_all("all => all.map(e => e.src)")
    assert len(set(sources)) == 2


def test_quarantined_stand_between_what_needs_a_decision_and_what_passed(mixed: Folder, open_page: Open) -> None:
    until_winter = {"reason": "its font loads late", "until": "2026-12-31"}
    mixed.add("known", "changed", changed=5000, status="quarantined", quarantine=until_winter)
    mixed.add("mended", "match", quarantine={**until_winter, "until": "2026-11-21"})
    mixed.tests[2]["quarantine"] = {**until_winter, "until": "2026-11-20"}
    page = open_page(mixed.write())
    expect(page.locator("h1")).to_have_text("6 of 9 pictures need a decision, 1 in quarantine")
    expect_shown(page, *TO_DECIDE, "known")
    known = card(page, "known")
    expect(known.locator(".badge")).to_have_text(["changed", "in quarantine until 2026-12-31"])
    expect(known).to_contain_text("its font loads late")
    expect(page.locator(".verdict").get_by_role("button", name="Accept", exact=True)).to_be_enabled()
    expect(card(page, "slight").locator(".badge")).to_have_text(["changed", "quarantine ended 2026-11-20"])

    page.get_by_role("button", name="quarantined 1").click()
    expect_shown(page, "known")
    page.get_by_role("button", name="resized").click()
    page.get_by_role("button", name="Show all").click()
    page.get_by_role("searchbox").fill("font loads")
    expect_shown(page, "slight", "known", "mended")
    expect(card(page, "mended").locator(".badge").nth(1)).to_have_text("in quarantine until 2026-11-21")


def test_run_that_failed_only_in_quarantine_asks_for_no_decision(folder: Folder, open_page: Open) -> None:
    folder.add("calm", "match")
    folder.add("known", "broken", status="quarantined", quarantine={"reason": "x", "until": "2026-12-31"})
    page = open_page(folder.write())
    expect(page.locator("h1")).to_have_text("Nothing to decide: 1 picture as approved, 1 in quarantine")
    expect_shown(page, "known")
    page.get_by_role("searchbox").fill("calm")
    expect_shown(page, "calm")
    page.get_by_role("searchbox").fill("")
    expect_shown(page, "known")


def test_past_of_a_target_is_shown_and_a_flaky_one_is_found(folder: Folder, open_page: Open) -> None:
    days = [f"2026-11-{day:02}T10:00:00+00:00" for day in range(1, 21)]
    # Two stretches of one verdict have different baselines, which is no other verdict.
    past = [["match", 4, days[0], days[3]], ["match", 10, days[4], days[13]], ["unstable", 1, days[14], days[14]]]
    folder.add("flaky", "match", flaky=True, history=[*past, ["match", 3, days[15], days[17]]])
    folder.add("loud", "changed", changed=3, flaky=True, history=[["match", 1, days[0], days[0]]])
    folder.add("calm", "match", history=[["match", 18, days[0], days[17]]])
    page = open_page(folder.write())
    expect(card(page, "loud").locator(".badge")).to_have_text("changed")
    expect(card(page, "loud").locator(".history")).to_have_count(0)
    page.get_by_role("button", name="flaky lately 1").click()
    expect_shown(page, "flaky")
    flaky = card(page, "flaky")
    expect(flaky.locator(".badge")).to_have_text(["match", "was flaky lately"])
    stretches = flaky.get_by_role("list", name="History").get_by_role("listitem")
    expect(stretches).to_have_text(
        [
            "match ×14, 2026-11-01 to 2026-11-14",
            "unstable ×1, 2026-11-15",
            "match ×3, 2026-11-16 to 2026-11-18",
        ]
    )
    expect(stretches.nth(0)).to_have_attribute("title", "14 runs, 2026-11-01 to 2026-11-14")
    expect(stretches.locator("svg")).to_have_count(3)


def varied(name: str, counts: tuple[int, ...]) -> Result:
    """What `--repeat 20` makes of a target whose baseline is older than both of its pictures."""
    one, other = picture(), changed_picture()
    result = result_of(
        name, one, picture(grey=200), settled=False, second=other, unrest=Condition(Unrest.ELEMENTS_CHANGING)
    )
    return replace(result, repeat=Repeat(20, counts, first=3), comparison=compare(one, other, Tolerance(threshold=0)))


def test_shard_tells_that_it_is_a_part(folder: Folder, open_page: Open) -> None:
    folder.add("a", "changed", changed=5)
    page = open_page(folder.write(shard={"number": 2, "count": 5, "plan": "0" * 64, "order": [3]}))
    expect(page.locator(".meta")).to_contain_text("Shard2 of 5: other pictures are in the others")


def test_repeated_run_tells_how_steady_each_picture_was(tmp_path: Path, open_page: Open) -> None:
    steady = replace(result_of("steady", picture(), picture()), repeat=Repeat(20, (20,)))
    page = open_page(
        recorded(tmp_path / "report", varied("varied", (18, 2)), varied("stopped", (15, 2)), steady, repeat=20)
    )
    expect(page.locator("header")).to_contain_text("20 runs: 1 of 3 targets gave one picture")
    both = card(page, "varied")
    expect(both.locator(".aside")).to_contain_text("2 different pictures in 20 runs (18 + 2)")
    captions = both.locator("figcaption span:not(:has(span))")
    pair = ["First picture (18 of 20 runs)", "Second picture (2 of 20 runs)"]
    expect(captions).to_have_text([*pair, "Difference", "Expected"])
    # The baseline had no part in the comparison.
    expect(both.locator("figure:has(.region)")).to_have_count(3)
    # Where a run failed, its pictures are shown: they are not the first and the second of the counts.
    stopped = card(page, "stopped").locator("figcaption span:not(:has(span))")
    expect(stopped).to_have_text(["Expected", "Actual, first picture", "Actual, second picture", "Diff"])
    expect(card(page, "stopped").locator(".aside")).to_contain_text("2 different pictures in 17 of 20 runs (15 + 2)")
    page.keyboard.press("2")
    card(page, "varied")
    expect(captions).to_have_text(pair)
    page.get_by_role("button", name="Passed").click()
    expect(card(page, "steady").locator(".aside")).to_contain_text("the same picture in 20 runs")


def test_other_renderer_is_named_and_the_rule_reported_once(tmp_path: Path, open_page: Open) -> None:
    lines = ("browser version 131.0 → 156.0", "fonts 4be1 → 77c0")
    elsewhere = replace(result_of("elsewhere", picture(grey=200), picture()), renderer=lines)
    here = result_of("here", picture(grey=200), picture())
    page = open_page(recorded(tmp_path / "report", elsewhere, here))
    expect(card(page, "elsewhere").locator(".badge")).to_have_text(["changed", "different renderer"])
    expect(card(page, "elsewhere").locator(".part .lines li")).to_have_text(list(lines))
    expect(card(page, "here").locator(".badge")).to_have_text("changed")
    expect(card(page, "here").locator(".aside li")).to_contain_text(
        ["compared strictly", "up to 0 pixels may differ; any step of any colour channel counts"]
    )


def rows(height: int) -> Pixels:
    """Rows of which none is like another."""
    pixels = np.random.default_rng(1).integers(0, 256, (height, 60, 4), dtype=np.uint8)
    pixels[..., 3] = 255
    return pixels


def test_rows_that_one_picture_lacks_are_marked_where_each_picture_has_them(tmp_path: Path, open_page: Open) -> None:
    before = rows(160)
    grown = np.insert(before, [40] * 20, 128, axis=0)
    grown[120:124, 10:30, :3] = 0
    shrunk = np.delete(before, slice(40, 60), axis=0)
    shrunk[100:104, 10:30, :3] = 0
    shots = {"grown": grown, "shrunk": shrunk, "headless": before[20:], "footless": before[:140]}
    results = [result_of(name, shot, before) for name, shot in shots.items()]
    assert all(result.comparison and len(result.comparison.bands) == 1 for result in results)
    page = open_page(recorded(tmp_path / "report", *results))

    def marked(shot: str, pane: str) -> Any:
        regions = card(page, shot).get_by_role("group", name=pane, exact=True).locator(".region")
        expect(regions).not_to_have_count(0)
        # A line has no height of its own and is drawn around its place.
        return regions.evaluate_all(
            "all => all.map(e => [e.offsetLeft, parseInt(e.style.top), e.offsetWidth, parseInt(e.style.height)])"
        )

    assert marked("grown", "Actual") == marked("grown", "Diff") == [[0, 40, 60, 20], [10, 120, 20, 4]]
    assert marked("grown", "Expected") == [[0, 40, 60, 0], [10, 100, 20, 4]]
    assert marked("shrunk", "Actual") == [[0, 39, 60, 2], [10, 100, 20, 4]]
    assert marked("shrunk", "Expected") == [[0, 39, 60, 22], [10, 120, 20, 4]]
    assert marked("headless", "Expected") == [[0, 0, 60, 21]]
    assert marked("footless", "Expected") == [[0, 139, 60, 21]]


def test_colours_of_the_diff_are_explained_as_far_as_they_can_occur(tmp_path: Path, open_page: Open) -> None:
    before = rows(160)
    mask = {"masks": (Mask("a clock", selector=".clock"),)}
    masked = result_of("masked", picture(grey=200), picture(), **mask)
    assert masked.shot is not None
    results = [
        result_of("grown", np.insert(before, [40] * 20, 128, axis=0), before),
        result_of("shrunk", np.delete(before, slice(40, 60), axis=0), before),
        result_of("wider", picture(width=40), picture()),
        replace(masked, shot=replace(masked.shot, masks=((Box(0, 0, 5, 5),),))),
        result_of("plain", picture(grey=200), picture()),
    ]
    page = open_page(recorded(tmp_path / "report", *results))
    changed, inserted = ("changed", CHANGED), ("rows inserted", INSERTED)
    removed, padding = ("rows removed here", REMOVED), ("only one picture reaches here", PADDING)
    for shot, colours in (
        ("grown", [changed, inserted]),
        ("shrunk", [changed, removed]),
        ("wider", [changed, padding]),
        ("masked", [changed, ("not compared", MASKED)]),
        ("plain", [changed]),
    ):
        legend = card(page, shot).get_by_role("list", name="Colours of the diff").locator("li:has(i)")
        expect(legend).to_have_text([words for words, _ in colours])
        for entry, (_, index) in zip(legend.all(), colours, strict=True):
            expect(entry.locator("i")).to_have_css("background-color", f"rgb{PALETTE[index]}")


def test_missing_or_foreign_picture_is_reported_and_never_shown(folder: Folder, open_page: Open) -> None:
    gone = folder.add("gone", "changed", changed=3)
    (folder.path / gone["pictures"]["baseline"]["path"]).unlink()
    other = folder.add("other", "changed", changed=2)
    Image.new("RGB", (9, 9)).save(folder.path / other["pictures"]["baseline"]["path"])
    page = open_page(folder.write())
    for shot, words in (
        ("gone", "picture not shown: its file was not recorded, or is gone"),
        ("other", "its file is not the one this run recorded"),
    ):
        expect(card(page, shot).locator(".absent")).to_contain_text(words)
        expect(card(page, shot).locator("img")).to_have_count(2)
        expect(card(page, shot).get_by_text("It can't be accepted:")).to_contain_text(words.partition(": ")[2] or words)
        expect(page.get_by_role("group", name="This picture").get_by_role("button", name="Accept")).to_be_disabled()


@pytest.mark.parametrize("link", [False, True])
def test_picture_outside_of_the_folder_is_refused(folder: Folder, tmp_path: Path, link: bool) -> None:
    folder.add("outside", "changed", changed=1)
    folder.write()
    file = folder.path / folder.tests[0]["pictures"]["baseline"]["path"]
    file.rename(tmp_path / "secret.png")
    if link:
        file.symlink_to(tmp_path / "secret.png")
        expected = "which is a link"
    else:
        text = (folder.path / "run.json").read_text(encoding="utf-8")
        text = text.replace(file.relative_to(folder.path).as_posix(), "../secret.png")
        (folder.path / "run.json").write_text(text, encoding="utf-8")
        expected = r"tests\[0\]\.pictures\.baseline\.path: expected pictures/"
    with pytest.raises(RecordError, match=expected):
        write_gallery(folder.path)


@pytest.mark.parametrize("what", sorted(FOREIGN))
def test_picture_that_a_browser_could_show_otherwise_is_never_shown(folder: Folder, what: str) -> None:
    entry = folder.add("foreign", "new")
    file = folder.path / entry["pictures"]["shot"]["path"]
    data = FOREIGN[what](file.read_bytes())
    file.write_bytes(data)
    entry["pictures"]["shot"]["sha256"] = sha256(file)
    text = folder.write().read_text(encoding="utf-8")
    assert "its picture is none that widgetshot writes" in text
    assert b64encode(data).decode() not in text or not data


def test_masks_that_accepting_stores_are_told(folder: Folder, open_page: Open) -> None:
    masks = [
        {"reason": "a clock", "place": ".clock", "boxes": [[10, 20, 60, 30], [100, 0, 20, 10]]},
        {"reason": "all of it", "place": HOSTILE, "boxes": [[0, 0, 240, 80]]},
    ]
    folder.add("masked", "changed", changed=4, masks=masks)
    folder.add("never", "unstable", masks=masks)
    page = open_page(folder.write())
    heading = page.get_by_role("heading", name="Masks that accepting stores")
    stored = card(page, "masked").locator(".part").filter(has=heading)
    expect(stored.locator("li")).to_have_text(
        [
            ".clock: 2 boxes, at most 10 % of the picture: a clock",
            re.compile(r"1 box, at most 100 % of the picture: all of it$"),
        ]
    )
    expect(card(page, "never").locator(".legend")).to_be_visible()
    expect(heading).to_have_count(0)


ODD: tuple[dict[str, Any], ...] = (
    {"notebook": "__proto__.ipynb"},
    {"variant": "constructor"},
    {"sentence": "", "source": "", "tolerance": "", "theme": ""},
    {"metrics": {"timings": {"__proto__": 1e9, "": 0.0, "constructor": 5e-324}}},
    {"metrics": {"regions": [[-1_000_000, -1_000_000, 1_000_000, 1_000_000], [0, 0, 0, 0]]}},
    {"metrics": {"bands": [{"inserted": True, "y": 1_000_000, "at": 0, "height": 1_000_000}] * 9}},
    {"fingerprint": {"__proto__": {"a": 1}, "x": [[[[None, 2**63, 1e308]]]], "": ""}},
    {"traits": [{"widget": "", "trait": "", "before": None, "after": {"__proto__": []}}] * 300},
    {"history": [["broken", 2**53 - 1, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]] * 100},
    {"repeat": {"runs": 2**53 - 1, "distinct": 2, "counts": [0, 0]}},
    {"markers": ["x"] * 1_000, "console": [""] * 1_000, "blocked": ["x" * 5_000] * 100},
    {"masks": [{"reason": "", "place": "", "boxes": []}] * 1_000},
)


def test_odd_values_that_the_format_allows_leave_no_page_blank(folder: Folder, open_page: Open) -> None:
    for index, more in enumerate(ODD):
        entry = folder.add(f"odd-{index}", "changed", changed=1)
        for member, value in more.items():
            entry[member] = entry[member] | value if member == "metrics" else value
    page = open_page(folder.write(durations=[], timings={"__proto__": 1.0, "x": 1e9}))
    for index in range(len(ODD)):
        shown = card(page, f"odd-{index}")
        expect(shown.locator(".pictures img")).to_have_count(3)
        expect(shown.get_by_role("heading", level=2)).to_contain_text(f"odd-{index}")


def test_as_many_regions_and_boxes_as_a_run_may_have_are_shown_in_seconds(folder: Folder, open_page: Open) -> None:
    boxes = [[n % 200, n % 70, 9, 9] for n in range(10_000)]
    entry = folder.add("many", "changed", changed=4, masks=[{"reason": "r", "place": ".x", "boxes": boxes}])
    entry["metrics"]["regions"] = boxes
    begin = time.monotonic()
    page = open_page(folder.write())
    expect(card(page, "many").locator(".pictures .region").first).to_be_attached()
    page.keyboard.press("m")
    expect(page.locator(".pictures .region").first).to_be_attached()
    assert time.monotonic() - begin < 15
    # More are refused, at once.
    entry["metrics"]["regions"] = boxes * 20
    begin = time.monotonic()
    with pytest.raises(RecordError, match=r"tests\[0\]\.metrics\.regions: expected array of length <= 10000"):
        folder.write()
    assert time.monotonic() - begin < 5


def test_hostile_strings_are_text(folder: Folder, open_page: Open) -> None:
    # As long as the path of a file may be.
    long = "/".join(["very-long-name-" * 12] * 12)
    mask = {"reason": HOSTILE, "place": HOSTILE, "boxes": [[0, 0, 50, 50]]}
    folder.add(
        "hostile",
        "changed",
        changed=5,
        notebook=f"notebooks/{HOSTILE}'{long}.ipynb",
        variant=HOSTILE.replace("/", ""),
        sentence=HOSTILE,
        source=HOSTILE,
        tolerance=HOSTILE,
        theme=HOSTILE,
        masks=[mask],
        traits=[{"widget": HOSTILE, "trait": HOSTILE, "before": {HOSTILE: 1}, "after": HOSTILE}],
        console=[HOSTILE],
        blocked=[HOSTILE],
        quarantine={"reason": HOSTILE, "until": "2026-12-31"},
        renderer=[HOSTILE],
        fingerprint={HOSTILE: HOSTILE},
    )
    folder.add("broken", "broken", error={"type": HOSTILE, "message": f"\x1b[31m{HOSTILE}", "next": HOSTILE})
    index = folder.write(project=HOSTILE, unused=[HOSTILE])
    page = open_page(index, viewport={"width": 375, "height": 800})
    hostile = page.locator(".card")
    expect(hostile.locator(".pictures img")).to_have_count(3)
    for key in "234":
        page.keyboard.press(key)
    assert page.evaluate("window.pwned") is None
    assert page.locator("img:not(.card img), #app script, [onerror]").count() == 0
    expect(hostile.locator(".sentence")).to_have_text(
        HOSTILE.replace("\u202e", "⟨U+202E⟩").replace("\u2028", "⟨U+2028⟩")
    )
    assert "\u202e" not in page.locator("body").inner_text()
    page.keyboard.press("j")
    expect(hostile.locator(".error")).to_contain_text("pwned=1")
    assert page.evaluate("window.pwned") is None
    assert "\x1b" not in page.locator("body").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") == 375


def test_policy_lets_no_other_script_run_and_nothing_be_fetched(mixed: Folder, browser_for_gallery: Browser) -> None:
    page = browser_for_gallery.new_page()
    page.goto(mixed.write().as_uri())
    policy = page.locator('meta[http-equiv="Content-Security-Policy"]').get_attribute("content") or ""
    assert "default-src 'none'" in policy
    assert "img-src data: blob:" in policy
    for loose in ("unsafe", "http", "*"):
        assert loose not in policy
    intrusion = """async () => {
        const script = document.createElement("script");
        script.textContent = "window.intruder = true";
        document.body.append(script);
        const fetched = await fetch("https://example.com/").then(() => true, () => false);
        return [window.intruder ?? false, fetched];
    }"""
    assert page.evaluate(intrusion) == [False, False]
    page.close()


def test_light_and_dark_follow_the_system_until_the_toggle_says_otherwise(mixed: Folder, open_page: Open) -> None:
    index = mixed.write()
    dark, light = "rgb(21, 22, 24)", "rgb(246, 246, 243)"
    page = open_page(index, color_scheme="dark")
    expect(page.locator("html")).to_have_css("background-color", dark)
    toggle = page.get_by_role("button", name="Theme")
    toggle.click()
    expect(page.locator("html")).to_have_css("background-color", light)
    toggle.click()
    expect(page.locator("html")).to_have_css("background-color", dark)
    expect(open_page(index, color_scheme="light").locator("html")).to_have_css("background-color", light)


def test_pictures_are_decoded_when_seen(folder: Folder, open_page: Open) -> None:
    for n in range(40):
        folder.add(f"shot-{n}", "changed", changed=1)
    page = open_page(folder.write())
    expect(page.locator(".card img").first).to_be_visible()
    assert page.locator(".card img").count() < 30
    page.locator(".card").last.scroll_into_view_if_needed()
    expect(page.locator(".card").last.locator("img")).to_have_count(3)


def test_header_tells_which_run_this_is(folder: Folder, open_page: Open) -> None:
    folder.add("calm", "match")
    folder.add("fresh", "new", status="passed", updated=True)
    page = open_page(folder.write(complete=False, unused=["page-chromium-linux/notebooks/old/panel"]))
    header = page.locator("header")
    for words in ("demo-project", "9f3c2e1b7a", "2026-11-21 09:25 UTC", "12.5 s", "page-chromium-linux"):
        expect(header).to_contain_text(words)
    expect(header).to_contain_text("This run did not finish")
    expect(header).to_contain_text("1 unused baseline")
    expect(page.locator("h1")).to_have_text("Nothing to decide: 2 pictures, as approved")
    expect(header.locator(".command")).to_have_count(0)
    expect(card(page, "fresh")).to_contain_text("baseline updated")


def test_run_without_results_is_a_page_too(folder: Folder, open_page: Open) -> None:
    expect(open_page(folder.write(commit=None)).locator("h1")).to_have_text("This run took no pictures")


def test_same_bytes_go_in_once_and_of_a_match_only_the_shot(folder: Folder) -> None:
    for n in range(3):
        folder.add(f"calm-{n}", "match")
    match = folder.tests[0]["pictures"]
    match["baseline"] = folder.picture("only-a-baseline", knob=199)
    folder.tests[0]["baseline_sha256"] = match["baseline"]["sha256"]
    page = folder.write().read_text(encoding="utf-8")
    assert page.count(encoded(folder.path / match["shot"]["path"])) == 1
    assert encoded(folder.path / match["baseline"]["path"]) not in page


def test_matches_are_left_out_where_they_find_no_room_and_it_is_reported(folder: Folder, open_page: Open) -> None:
    matches = [folder.add(f"calm-{n}", "match")["pictures"]["shot"] for n in range(3)]
    for n, shot in enumerate(matches):
        shot |= folder.picture(f"calm-{n}", knob=20 + n)
    failing = folder.add("loud", "changed", changed=3)["pictures"]
    needed = sum(len(encoded(folder.path / failing[kind]["path"])) for kind in ("shot", "baseline", "diff"))
    # For what needs a decision there is always room, for one match besides.
    room = needed + len(encoded(folder.path / matches[0]["path"])) + 10
    page = open_page(write_gallery(folder.write().parent, room))
    expect(card(page, "loud").locator("img")).to_have_count(3)
    page.get_by_role("button", name="Passed").click()
    expect(card(page, "calm-0").locator("img")).to_have_count(1)
    for n in (1, 2):
        expect(card(page, f"calm-{n}").locator(".absent")).to_have_text(
            f"left out to keep this page small: it is {matches[n]['path']} in the run folder"
        )


def encoded(path: Path) -> str:
    return b64encode(path.read_bytes()).decode("ascii")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "holds no readable run"),
        ("{", "is not JSON"),
        ("[]", "expected object, got array"),
        ('{"format": 2}', "is of format 2; this version reads 1"),
        ('{"format": 1}', "object missing required field"),
        ('{"format": 1, "tests": [{"verdict": "new", "pictures": {"shot": {"path": 3}}}]}', "tests[0].pictures.shot"),
    ],
)
def test_unreadable_folder_is_a_record_error(tmp_path: Path, content: str | None, what: str) -> None:
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(RecordError) as caught:
        write_gallery(tmp_path)
    assert caught.value.what.startswith(what)
    assert caught.value.where == str(tmp_path / "run.json" if content is not None else tmp_path)
    assert caught.value.next_step
    assert not (tmp_path / "index.html").exists()


def test_page_that_cannot_be_written_is_a_record_error_and_leaves_nothing_behind(folder: Folder) -> None:
    (folder.path / "index.html").mkdir()
    before = sorted(folder.path.iterdir())
    with pytest.raises(RecordError, match="can't be written") as caught:
        folder.write()
    assert isinstance(caught.value.__cause__, OSError)
    assert sorted(folder.path.iterdir()) == sorted([*before, folder.path / "run.json"])


def test_what_a_run_left_out_is_reported_and_not_counted(mixed: Folder, open_page: Open) -> None:
    left = [{"key": f"page-chromium-linux/notebooks/n{n}/s", "passed": "2026-11-20T08:00:00+00:00"} for n in range(60)]
    ran = [{"name": "notebooks/demo.ipynb", "why": "notebooks/<helper>.py changed"}]
    page = open_page(mixed.write(changed={"not_run": left, "ran": ran, "refused": None}))
    expect(page.locator("h1")).to_have_text("6 of 7 pictures need a decision")
    expect(page.locator(".meta")).to_contain_text("Not run60 pictures: nothing changed since they passed")
    page.get_by_text("About this run").click()
    about = page.get_by_role("group", name="Facts of the run")
    expect(about).to_contain_text("notebooks/demo.ipynb: notebooks/<helper>.py changed")
    expect(about).to_contain_text("page-chromium-linux/notebooks/n49/s, 2026-11-20")
    expect(about).to_contain_text("and 10 more")


def test_where_the_time_went_is_among_the_facts_of_the_run(mixed: Folder, open_page: Open) -> None:
    notebooks = [
        {"notebook": f"notebooks/n{n}.ipynb", "seconds": 9.0 - n, "timings": {"load": 1.5, "execute": 5.0 - n / 2}}
        for n in range(7)
    ]
    timings = {"server": 0.8, "load": 4.1, "execute": 12.0}
    page = open_page(mixed.write(timings=timings, notebooks=notebooks))
    page.get_by_text("About this run").click()
    about = page.get_by_role("group", name="Facts of the run")
    expect(about).to_contain_text("16.9 s of work in 12.5 s; notebooks are worked on side by side.")
    stages = about.locator(".part", has_text="Time spent").locator(".timings th")
    expect(stages).to_have_text(["execute", "load", "server"])
    slowest = about.locator(".part", has_text="Slowest notebooks").locator("li")
    expect(slowest).to_have_count(5)
    expect(slowest.first).to_have_text("9.00 s notebooks/n0.ipynb, execute 5.00 s")
