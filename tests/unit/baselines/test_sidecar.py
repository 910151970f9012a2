"""The sidecar of a baseline: what it says is read, and what it can't be is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builders import LAYOUT, MASK, picture, result_called, result_of
from mutations import mutations
from stores import in_folder
from widgetshot.baselines.sidecar import ShotDescription, baseline_of, describe, encode_sidecar
from widgetshot.errors import BaselineError
from widgetshot.files import encode_png, read_png, sha256
from widgetshot.model import Baseline
from widgetshot.verdict.layout import changes as layout_changes
from widgetshot.verdict.renderers import renderer_changes
from widgetshot.verdict.traits import trait_changes

KEY = "page-chromium-linux/notebooks/x/a"
PIXELS = picture()
DATA = encode_png(PIXELS, optimise=True)
OUR_BASELINES = Path(__file__).parents[3] / "baselines"


def read(side: dict[str, Any] | str | bytes | None) -> Baseline:
    """The baseline with this sidecar; members besides format and digest may be given alone."""
    if isinstance(side, dict):
        side = json.dumps({"format": 1, "sha256": sha256(DATA)} | side)
    return baseline_of(DATA, PIXELS, side.encode("utf-8", "surrogateescape") if isinstance(side, str) else side)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "\udcff",
        "[" * 100_000,
        *(
            pytest.param(f'{{"format": 1, "sha256": "{sha256(DATA)}", {side}}}')
            for side in (
                '"masks": {".a": [[1, 2, 3]]}', '"masks": null', '"masks": 5', '"fingerprint": null',
                '"masks": {".a": [[1, 2, 3, 1.5]]}', '"masks": {".a": [[1, 2, 3, 1e999]]}', '"widgets": NaN',
                '"masks": {".a": [[1, 2, 3, -4]]}', '"masks": {".a": [[1, 2, 3, 99999999]]}',
                '"size": [30, 21]', '"size": [30]', '"size": "30x20"',
                '"widgets": ' + "[" * 500 + "]" * 500,
            )
        ),
    ],
)  # fmt: skip
def test_a_damaged_sidecar_is_an_error(text: str) -> None:
    with pytest.raises(BaselineError):
        read(text)


@pytest.mark.parametrize(
    ("side", "what"),
    [
        ('"masks": {".b": [], ".a": [[1, 2, 3]]}', 'masks[".a"][0]: expected array of length 4, got 3'),
        ('"size": [30, 21]', "size: expected [30, 20], the size of its picture"),
        ('"fingerprint": []', "fingerprint: expected object, got array"),
    ],
)
def test_the_error_names_the_place_and_what_was_expected(side: str, what: str) -> None:
    with pytest.raises(BaselineError) as caught:
        read(f'{{"format": 1, "sha256": "{sha256(DATA)}", {side}}}')
    assert caught.value.what == what


@pytest.mark.parametrize(
    "text",
    [
        None,
        "[]",
        '{"format": 2, "fingerprint": {"browser": "9"}, "masks": [5]}',
        '{"format": true, "masks": [5]}',
        json.dumps({"format": 1, "sha256": sha256(b"another"), "widgets": [1]}),
    ],
)
def test_without_a_sidecar_of_this_format_and_picture_the_picture_still_counts(text: str | None) -> None:
    baseline = read(text)
    assert (baseline.fingerprint, baseline.widgets) == ({}, None)
    assert (baseline.masks, baseline.layout, baseline.layout_cut) == ({}, None, False)


def test_the_layout_is_read_as_the_description_of_a_result_says_it() -> None:
    assert read(encode_sidecar(describe(result_called("new")), DATA)).layout == LAYOUT


def test_characters_that_no_font_has_are_read_as_the_description_of_a_result_says_them() -> None:
    result = result_of("a", picture(), missing_glyphs=("상", "\uf015"))
    assert read(encode_sidecar(describe(result), DATA)).missing_glyphs == ("상", "\uf015")
    assert read({}).missing_glyphs == ()


def test_a_mask_is_read_as_the_description_of_a_result_says_it() -> None:
    result = result_of("a", picture(), masks=(MASK,))
    assert read(encode_sidecar(describe(result), DATA)).masks == {MASK.place: ()}


def test_half_a_surrogate_pair_is_read_as_it_was_written() -> None:
    assert read(encode_sidecar(ShotDescription(widgets=["\ud800"]), DATA)).widgets == ["\ud800"]


@pytest.mark.parametrize(
    ("side", "cut"),
    [
        ({}, False),
        ({"layout": ["0,0 9x9 a"]}, False),
        ({"layout": ["0,0 9x9 a"], "layout_cut": True}, True),
        ({"layout": ["0,0 9x9 a"], "layout_cut": "?"}, False),
        # However long it is: a page may have as many elements as a layout lists, and no more.
        ({"layout": ["0,0 9x9 a"] * 400}, False),
    ],
)
def test_a_sidecar_says_whether_its_layout_was_cut(side: dict[str, object], cut: bool) -> None:
    baseline = read(side)
    assert (baseline.data, baseline.layout_cut) == (DATA, cut)


@pytest.mark.parametrize(("side", "layout"), [({}, None), ({"layout": []}, ())])
def test_a_sidecar_without_a_layout_has_no_empty_layout(
    side: dict[str, object], layout: tuple[object, ...] | None
) -> None:
    assert read(side).layout == layout


@pytest.mark.parametrize(
    "layout",
    [
        ["0,0 1x1"],
        ["0,0 1x1 a", "nonsense"],
        [""],
        ["0 1x1 a"],
        ["0,0 1 a"],
        ["0,0,0 1x1 a"],
        ["a,b 1x1 c"],
        ["0,0 9999999x1 a"],
        ["0,0 " + "9" * 5000 + "x1 a"],
        [5],
        5,
        None,
    ],
)
def test_a_malformed_layout_only_explains_nothing(layout: object) -> None:
    baseline = read({"layout": layout})
    assert (baseline.data, baseline.layout) == (DATA, None)
    np.testing.assert_array_equal(baseline.pixels, PIXELS)


def test_a_layout_of_another_picture_does_not_count() -> None:
    other = encode_sidecar(describe(result_called("new")), encode_png(picture(7), optimise=True))
    assert (read(other).layout, read(other).widgets) == (None, None)
    assert read(other).data == DATA


def real_sidecars() -> list[Path]:
    # Beside them lie the calibration sheets that they name.
    return sorted(file for file in OUR_BASELINES.rglob("*.json") if file.parent.name != "sheets")


@pytest.mark.unmeasured
def test_our_own_sidecars_are_written_again_byte_for_byte() -> None:
    files = real_sidecars()
    assert len(files) > 200
    for file in files:
        text = file.read_bytes()
        members = json.loads(text)
        assert members.pop("format") == 1
        picture = file.with_suffix(".png").read_bytes()
        assert members.pop("sha256") == sha256(picture)
        members["size"] = tuple(members["size"])
        assert encode_sidecar(ShotDescription(**members), picture) == text


def test_our_own_sidecars_are_read() -> None:
    baselines = in_folder(OUR_BASELINES)
    for key in sorted(baselines.keys())[::8]:
        baseline = baselines.read(key)
        assert baseline is not None
        assert baseline.fingerprint
        assert baseline.layout


def test_every_change_of_one_member_is_an_error_of_ours_or_harmless() -> None:
    """Harmless: what only explains, says nothing known, or is another value of the same kind."""
    file = max(real_sidecars(), key=lambda file: (b'"masks": {}' not in file.read_bytes(), -file.stat().st_size))
    whole = json.loads(file.read_bytes()) | {"layout_cut": True}
    assert whole["masks"]
    assert whole["widgets"]
    data = file.with_suffix(".png").read_bytes()
    pixels = read_png(data)
    good = baseline_of(data, pixels, json.dumps(whole).encode())
    assert good.layout
    refused: list[str] = []
    harmless: list[str] = []
    for said, changed in mutations(whole):
        try:
            baseline = baseline_of(data, pixels, json.dumps(changed).encode())
        except BaselineError:
            refused.append(said)
            continue
        harmless.append(said)
        assert baseline.sha256 == good.sha256
        if said.startswith((".format", ".sha256")):
            assert (baseline.fingerprint, baseline.widgets, baseline.masks, baseline.layout) == ({}, None, {}, None)
        # What a run makes of it.
        renderer_changes(baseline.fingerprint, good.fingerprint)
        trait_changes(baseline.widgets, good.widgets)
        if baseline.layout is not None:
            layout_changes(baseline.layout, good.layout, cut_before=baseline.layout_cut, cut_after=True, brief=False)
    assert {said.split(" ")[0].split(".")[1] for said in refused} == {"size", "fingerprint", "masks"}
    assert all(said.endswith(("gone", "renamed")) for said in harmless if said.startswith(".size"))
    assert len(refused) > 200
    assert len(harmless) > 400
