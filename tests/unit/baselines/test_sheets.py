"""Calibration sheets in a store: one file for all sidecars that name it, written with baselines alone."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from builders import changed_picture, picture, result_of
from stores import by_digest, in_folder
from widgetshot.baselines.access import Baselines
from widgetshot.baselines.renderers import DrawnBy, drawn_by
from widgetshot.baselines.sheets import key_of, sheet_files
from widgetshot.baselines.sidecar import ShotDescription, describe, description_problem, encode_description
from widgetshot.errors import BaselineError
from widgetshot.files import encode_png, sha256
from widgetshot.model import Result
from widgetshot.ports import StoredFiles
from widgetshot.project.settings import Settings
from widgetshot.run.recording import Recording
from widgetshot.run.verdicts import notes_sheet
from widgetshot.verdict.renderers import digest_of

KEY = "page-chromium-linux/notebooks/x/a"
DATA = encode_png(picture(), optimise=True)
SHEET = {"text/sans": "0123456789ab", "shadows/wide": "ba9876543210"}
DIGEST = digest_of(1, SHEET)
OLD, NEW = "chromium 156.0.8078.79 HeadlessChrome", "chromium 156.0.8078.108 HeadlessChrome"


@pytest.fixture(params=[in_folder, by_digest])
def baselines(request: pytest.FixtureRequest, tmp_path: Path) -> Baselines:
    made: Callable[[Path], Baselines] = request.param
    return made(tmp_path / "baselines")


def described(sheet: dict[str, str] = SHEET) -> ShotDescription:
    return ShotDescription(fingerprint={"browser": NEW, "sheet": digest_of(1, sheet)}, sheet=sheet)


def matched(browser: str = NEW, **options: str) -> Result:
    """A result of a picture that is the baseline's, which another build drew, without a sheet."""
    result = result_of("a", picture(), picture())
    assert result.baseline is not None
    before = replace(result.baseline, fingerprint={"browser": OLD, "fonts": "abc"})
    fingerprint = {"browser": browser, "fonts": "abc", "sheet": DIGEST, **options}
    return replace(result, baseline=before, fingerprint=fingerprint, sheet=SHEET)


def test_a_sheet_is_stored_once_and_read_with_each_baseline(baselines: Baselines) -> None:
    for name in "ab":
        baselines.write(KEY + name, DATA, described())
    baseline = baselines.read(KEY + "a")
    assert baseline is not None
    assert (baseline.sheet, baseline.fingerprint["sheet"]) == (SHEET, DIGEST)
    assert baselines.keys() == {KEY + "a", KEY + "b"}
    sidecar = baselines.snapshot(KEY + "a").sidecar
    assert sidecar is not None
    assert "sheet" not in json.loads(sidecar)
    assert baselines.store.read(key_of(DIGEST)) == sheet_files(SHEET)
    # As git is to show it: a line for each primitive, in an order.
    text = (sheet_files(SHEET).sidecar or b"").decode()
    assert [line.split('"')[1] for line in text.splitlines()[3:5]] == ["shadows/wide", "text/sans"]


def test_a_sheet_that_is_gone_is_not_known_and_a_damaged_one_is_an_error(baselines: Baselines) -> None:
    baselines.write(KEY, DATA, described())
    baselines.store.write({key_of(DIGEST): StoredFiles()})
    gone = Baselines(baselines.store).read(KEY)
    assert gone is not None
    assert gone.sheet == {}
    for damaged in (
        b"{",
        b"[]",
        b'{"format": 2, "primitives": {}}',
        b'{"format": 1, "primitives": {"text/sans": "1"}}',
    ):
        baselines.store.write({key_of(DIGEST): StoredFiles(None, damaged)})
        with pytest.raises(BaselineError) as raised:
            Baselines(baselines.store).read(KEY)
        assert key_of(DIGEST) in raised.value.where
        assert raised.value.next_step


@pytest.mark.parametrize("digest", ["", "unknown", "../../x", "1.zz", f"1.{'0' * 13}", "sheets"])
def test_what_is_no_digest_names_no_file(baselines: Baselines, digest: str) -> None:
    baselines.write(KEY, DATA, ShotDescription(fingerprint={"sheet": digest}, sheet=SHEET))
    baseline = baselines.read(KEY)
    assert baseline is not None
    assert baseline.sheet == {}
    assert description_problem(ShotDescription(fingerprint={"sheet": digest}, sheet=SHEET), (30, 20)) == (
        "sheet",
        "expected the one that its fingerprint names",
    )


def test_a_run_folder_holds_the_sheet_with_each_shot() -> None:
    assert json.loads(encode_description(describe(matched())))["sheet"] == SHEET
    assert "sheet" not in json.loads(encode_description(describe(result_of("a", picture()))))


def recorded(baselines: Baselines, result: Result, update: str) -> Recording:
    recording = Recording(Settings(root=Path("/"), update=update), baselines, [])
    recording.keep(result)
    return recording


def test_a_sheet_is_noted_beside_a_picture_that_this_renderer_draws_too(baselines: Baselines) -> None:
    baselines.write(KEY, DATA, ShotDescription(fingerprint={"browser": OLD, "fonts": "abc"}, widgets=[{"x": 1}]))
    before = baselines.snapshot(KEY)
    for update in ("none", "missing", "changed"):
        assert recorded(baselines, matched(), update).notices == []
        assert baselines.snapshot(KEY) == before
    (said,) = recorded(baselines, matched(), "sheets").notices
    assert said == (
        "the calibration sheet of this renderer was noted beside 1 baseline, whose pictures stay as they are"
    )
    after, baseline = baselines.snapshot(KEY), baselines.read(KEY)
    assert after.picture == before.picture == DATA
    assert baseline is not None
    # Nobody claims that it drew the picture first.
    assert (baseline.fingerprint, baseline.sheet) == ({"browser": OLD, "fonts": "abc", "sheet": DIGEST}, SHEET)
    assert baseline.widgets == [{"x": 1}]


def test_a_sheet_is_not_noted_where_the_baseline_is_another_one_by_now(baselines: Baselines) -> None:
    other = encode_png(changed_picture(), optimise=True)
    baselines.write(KEY, other, ShotDescription(fingerprint={"browser": OLD}))
    before = baselines.snapshot(KEY)
    assert recorded(baselines, matched(), "sheets").notices == []
    assert baselines.snapshot(KEY) == before
    assert baselines.note_sheet(KEY, sha256(other), DIGEST, SHEET)


def test_what_no_sheet_is_noted_beside() -> None:
    good = matched()
    assert notes_sheet(good, "sheets")
    assert good.baseline is not None
    assert good.comparison is not None
    noted = replace(good.baseline, fingerprint={**good.baseline.fingerprint, "sheet": digest_of(1, {})})
    for bad in (
        replace(good, baseline=noted),
        matched(fonts="xyz"),
        matched(sheet="unknown"),
        replace(good, sheet={}),
        replace(good, comparison=replace(good.comparison, equal=False)),
        replace(good, baseline=replace(good.baseline, fingerprint={})),
        result_of("a", changed_picture(), picture()),
        result_of("a", picture()),
    ):
        assert not notes_sheet(bad, "sheets")
    # Of an older edition nobody can draw it any more.
    old = replace(good.baseline, fingerprint={**good.baseline.fingerprint, "sheet": digest_of(0, {})})
    assert notes_sheet(replace(good, baseline=old), "sheets")


def test_baselines_are_counted_by_what_drew_them(baselines: Baselines) -> None:
    for name in "abc":
        baselines.write(f"{KEY}{name}", DATA, described())
    baselines.write(f"{KEY}d", DATA, ShotDescription(fingerprint={"browser": OLD}))
    baselines.write(f"{KEY}e", DATA)
    baselines.write("page-firefox-linux/notebooks/x/a", DATA, described())
    counts = drawn_by(baselines, "chromium-linux")
    assert counts == {DrawnBy(NEW, DIGEST): 3, DrawnBy(OLD, ""): 1, DrawnBy("", ""): 1}
