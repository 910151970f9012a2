"""Files of a run folder that are not what a run writes: no gallery shows them, no review or merge takes them over."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builders import MASK, changed_picture, picture, result_called, result_of
from png_files import FOREIGN, pixels, png
from run_folders import edited, finish, tree, writer
from stores import files_of, in_folder
from widgetshot.baselines.access import Baselines
from widgetshot.errors import RecordError, WidgetshotError
from widgetshot.files import encode_png, sha256
from widgetshot.model import Box, Mask
from widgetshot.report.folder import picture_path, sidecar_path
from widgetshot.report.gallery import page
from widgetshot.report.merge import merge
from widgetshot.report.pictures import picture_bytes
from widgetshot.report.reader import read_run
from widgetshot.review.approve import approve
from widgetshot.review.requests import DecisionRequest
from widgetshot.review.session import ReviewSession

RESULT = result_called("changed")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "report"
    finish(writer(folder), RESULT)
    return folder


@pytest.fixture
def baselines(tmp_path: Path) -> Baselines:
    made = in_folder(tmp_path / "baselines")
    assert RESULT.baseline is not None
    made.write(RESULT.key, RESULT.baseline.data)
    return made


def replaced(folder: Path, kind: str, data: bytes, **size: int) -> None:
    """Another picture, of which run.json says the digest."""
    (folder / picture_path(RESULT.key, kind)).write_bytes(data)
    tests = json.loads((folder / "run.json").read_text())["tests"]
    tests[0]["pictures"][kind] |= {"sha256": sha256(data), **size}
    if kind == "baseline":
        tests[0]["baseline_sha256"] = sha256(data)
    edited(folder, tests=tests)


def described(folder: Path, **members: Any) -> None:
    """Another sidecar, of which run.json says the digest."""
    file = folder / sidecar_path(RESULT.key)
    file.write_text(json.dumps(json.loads(file.read_text()) | members))
    tests = json.loads((folder / "run.json").read_text())["tests"]
    tests[0]["pictures"]["shot"]["sidecar_sha256"] = sha256(file.read_bytes())
    edited(folder, tests=tests)


def shown(folder: Path) -> dict[str, Any]:
    """The result as the gallery's page has it."""
    found = re.search(r'<script [^>]*id="run"[^>]*>(.*?)</script>', page(folder), re.DOTALL)
    assert found is not None
    entry: dict[str, Any] = json.loads(found[1])["tests"][0]
    return entry


def refused_by_all(folder: Path, baselines: Baselines, root: Path, says: str) -> None:
    """Nobody accepts the result, in whatever way it is asked for, and nothing is written."""
    before = files_of(baselines)
    assert says in str(shown(folder)["refused"])
    (entry,) = read_run(folder).tests
    for names, everything in (([], True), ([entry.key], False), ([entry.name], False)):
        with pytest.raises(WidgetshotError, match=re.escape(says)):
            approve(folder, baselines, names, everything=everything)
    request = DecisionRequest(
        entry.key, "accept", entry.shot_sha256, entry.baseline_sha256, entry.sidecar_sha256, 0
    )  # fmt: skip
    review = ReviewSession(folder, baselines, root)
    with pytest.raises(WidgetshotError, match=re.escape(says)):
        review.decide([request])
    assert files_of(baselines) == before
    assert review.state().decisions == {}


def test_what_a_run_wrote_is_shown_merged_and_accepted(run: Path, baselines: Baselines, tmp_path: Path) -> None:
    assert shown(run)["refused"] is None
    assert {kind: one["absent"] for kind, one in shown(run)["pictures"].items()} == dict.fromkeys(
        ("shot", "baseline", "diff")
    )
    merge([run], tmp_path / "all")
    assert tree(tmp_path / "all" / "pictures") == tree(run / "pictures")
    assert approve(run, baselines, everything=True) == [RESULT.key]


@pytest.mark.unmeasured
@pytest.mark.parametrize("kind", ["shot", "baseline"])
@pytest.mark.parametrize("what", FOREIGN)
def test_a_picture_that_two_readers_could_see_otherwise_is_neither_shown_nor_accepted(
    run: Path, baselines: Baselines, tmp_path: Path, what: str, kind: str
) -> None:
    replaced(run, kind, FOREIGN[what](encode_png(picture(), optimise=True)))
    says = "its picture is none that widgetshot writes"
    assert says in shown(run)["pictures"][kind]["absent"]
    refused_by_all(run, baselines, tmp_path, says)
    with pytest.raises(RecordError, match=f"can't be copied: .*{says}"):
        merge([run], tmp_path / "all")
    assert not (tmp_path / "all").exists()


@pytest.mark.parametrize("kind", ["shot", "baseline", "diff"])
def test_a_picture_of_another_size_than_run_json_says_is_not_shown(run: Path, tmp_path: Path, kind: str) -> None:
    replaced(run, kind, encode_png(picture(21), optimise=True))
    assert "has 30 x 21 pixels, not the 30 x 20 of run.json" in shown(run)["pictures"][kind]["absent"]
    with pytest.raises(RecordError, match="has 30 x 21 pixels"):
        merge([run], tmp_path / "all")


@pytest.mark.parametrize("width", [1_000_000, 80_000_001])
def test_a_run_that_names_a_picture_too_large_for_any_is_refused(run: Path, width: int) -> None:
    tests = json.loads((run / "run.json").read_text())["tests"]
    tests[0]["pictures"]["shot"] |= {"width": width, "height": 100}
    with pytest.raises(RecordError, match=r"tests\[0\]\.pictures\.shot"):
        read_run(edited(run, tests=tests))


@pytest.mark.parametrize("rows", [5, 19, 21])
def test_a_picture_with_too_few_or_too_many_pixels_is_never_accepted(
    run: Path, baselines: Baselines, rows: int
) -> None:
    # Pillow would fill it up in black, a browser leaves it out.
    replaced(run, "shot", png(30, 20, 8, 2, pixels([b"\0" * 90] * rows)))
    before = files_of(baselines)
    with pytest.raises(RecordError, match="can't be decoded: it has fewer or more samples than its size says"):
        approve(run, baselines, everything=True)
    assert files_of(baselines) == before


@pytest.mark.parametrize("kind", ["shot.png", "baseline.png", "shot.json"])
@pytest.mark.parametrize("event", ["gone", "tampered"])
def test_nobody_accepts_what_cannot_be_seen(
    run: Path, baselines: Baselines, tmp_path: Path, kind: str, event: str
) -> None:
    file = run / "pictures" / f"{RESULT.key}.{kind}"
    if event == "gone":
        file.unlink()
    else:
        file.write_bytes(encode_png(picture(7), optimise=True))
    says = "was not recorded, or is gone" if event == "gone" else "its file is not the one this run recorded"
    refused_by_all(run, baselines, tmp_path, says)
    with pytest.raises(RecordError, match="can't be copied"):
        merge([run], tmp_path / "all")


def becomes_link(file: Path, elsewhere: Path) -> None:
    file.rename(elsewhere)
    file.symlink_to(elsewhere)


def becomes_inner_link(file: Path, elsewhere: Path) -> None:
    inner = file.parent / elsewhere.name
    file.rename(inner)
    file.symlink_to(inner.name)


def becomes_pipe(file: Path, _: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def becomes_folder(file: Path, _: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("kind", ["shot.png", "baseline.png", "diff.png", "shot.json"])
@pytest.mark.parametrize("event", [becomes_link, becomes_inner_link, becomes_pipe, becomes_folder])
def test_every_reader_refuses_what_is_no_file_of_the_folder(
    run: Path, baselines: Baselines, tmp_path: Path, event: Callable[[Path, Path], None], kind: str
) -> None:
    event(run / "pictures" / f"{RESULT.key}.{kind}", tmp_path / "secret")
    before = tree(tmp_path)
    for read in (
        lambda: page(run),
        lambda: merge([run], tmp_path / "all"),
        lambda: approve(run, baselines, everything=True),
        lambda: ReviewSession(run, baselines, tmp_path),
    ):
        with pytest.raises(RecordError, match=r"which is (a link, or behind one|no file)"):
            read()
    assert tree(tmp_path) == before


def test_a_link_that_comes_after_the_run_was_read_is_not_followed(run: Path, tmp_path: Path) -> None:
    (entry,) = read_run(run).tests
    becomes_link(run / picture_path(RESULT.key, "shot"), tmp_path / "secret")
    with pytest.raises(RecordError, match="is a link"):
        picture_bytes(run, entry, "shot")


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"masks": {".clock": [[0, 0, 9999, 9999]]}}, 'masks[".clock"]: expected boxes inside of the picture'),
        ({"masks": {".clock": [[-1, 0, 1, 1]]}}, 'masks[".clock"]: expected boxes inside of the picture'),
        ({"masks": {".clock": [[0, 0, 30, 20]]}}, "masks: expected those that run.json says of the result"),
        ({"masks": {".clock": [[0, 0, 30]]}}, 'masks[".clock"][0]: '),
        ({"masks": None}, "masks: expected object"),
        ({"size": [31, 20]}, "size: expected [30, 20], the size of its picture"),
        ({"layout": [1]}, "layout[0]: expected str"),
        ({"widgets": json.loads("[" * 300 + "]" * 300)}, "expected at most 200 levels"),
    ],
)
def test_a_sidecar_that_does_not_fit_to_its_picture_and_its_result_is_never_stored(
    run: Path, baselines: Baselines, tmp_path: Path, members: dict[str, Any], says: str
) -> None:
    described(run, **members)
    refused_by_all(run, baselines, tmp_path, says)


def test_a_sidecar_that_is_no_json_is_never_stored(run: Path, baselines: Baselines, tmp_path: Path) -> None:
    described(run)
    (run / sidecar_path(RESULT.key)).write_text("{")
    tests = json.loads((run / "run.json").read_text())["tests"]
    tests[0]["pictures"]["shot"]["sidecar_sha256"] = sha256(b"{")
    refused_by_all(edited(run, tests=tests), baselines, tmp_path, "is not JSON")


def test_masks_that_are_stored_are_those_that_are_shown(tmp_path: Path) -> None:
    # One that reaches beyond the picture, and one of a fixed box that does.
    masks = (MASK, Mask("a border", box=Box(20, 10, 100, 100)), Mask("elsewhere", selector=".no"))
    result = result_of("masked", changed_picture(), picture(), masks=masks)
    assert result.shot is not None
    boxes = ((Box(-3, 2, 8, 4), Box(5, 5, 1, 1)), (Box(20, 10, 100, 100),), (Box(50, 50, 3, 3),))
    result = replace(result, shot=replace(result.shot, masks=boxes))
    folder, store = tmp_path / "report", in_folder(tmp_path / "baselines")
    finish(writer(folder), result)
    assert result.baseline is not None
    store.write(result.key, result.baseline.data)
    entry = shown(folder)
    assert entry["refused"] is None
    assert {mask["place"]: mask["boxes"] for mask in entry["masks"]} == {
        ".clock": [[0, 2, 5, 4], [5, 5, 1, 1]],
        "[20, 10, 100, 100]": [[20, 10, 10, 10]],
        ".no": [],
    }
    approve(folder, store, everything=True)
    stored = store.read(result.key)
    assert stored is not None
    assert {place: [one.as_list() for one in found] for place, found in stored.masks.items()} == {
        mask["place"]: mask["boxes"] for mask in entry["masks"]
    }


def test_boxes_of_masks_are_bounded_in_number_over_all_masks(run: Path) -> None:
    tests = json.loads((run / "run.json").read_text())["tests"]
    mask = {"reason": "r", "place": "p", "boxes": [[0, 0, 1, 1]] * 9_000}
    tests[0]["masks"] = [mask, mask]
    with pytest.raises(RecordError, match=r"tests\[0\]\.masks: expected at most 10,000 boxes of all of them"):
        read_run(edited(run, tests=tests))
    tests[0]["masks"] = [mask | {"boxes": [[0, 0, 31, 1]]}]
    with pytest.raises(RecordError, match=r"tests\[0\]\.masks\[0\]\.boxes: expected boxes inside of the shot"):
        read_run(edited(run, tests=tests))
