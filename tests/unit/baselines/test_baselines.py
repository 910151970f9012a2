"""The store of baselines."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from builders import LAYOUT, picture, result_called
from widgetshot.baselines.store import Store
from widgetshot.errors import BaselineError, ExitCode
from widgetshot.files import encode_png, sha256
from widgetshot.model import Box
from widgetshot.report.record import sidecar

KEY = "page-chromium-linux/notebooks/x/a"
DATA = encode_png(picture(), optimise=True)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "baselines")


@pytest.mark.parametrize(
    "key", [KEY, "e/n/a[dark,phone]", "e/my notes/a b", "e/größe/日本 [x]", "e/n/a.b", "e/tests/t.py/t[1]/x"]
)
def test_what_was_written_is_read_byte_for_byte(store: Store, key: str) -> None:
    side = {
        "fingerprint": {"browser": "1"},
        "widgets": [{"widget": "Überblick"}],
        "masks": {".a": [[1, 2, 3, 4]], ".b": []},
    }
    assert store.read(key) is None
    assert store.sha256(key) is None
    store.write(key, DATA, side)
    baseline = store.read(key)
    assert baseline is not None
    assert (baseline.data, baseline.sha256) == (DATA, sha256(DATA))
    assert store.sha256(key) == sha256(DATA)
    assert (baseline.pixels == picture()).all()
    assert (baseline.fingerprint, baseline.widgets) == (side["fingerprint"], side["widgets"])
    assert baseline.masks == {".a": (Box(1, 2, 3, 4),), ".b": ()}
    assert store.keys() == {key}
    assert {file.name for file in store.path(key).parent.iterdir()} == {
        f"{key.rpartition('/')[2]}{end}" for end in (".png", ".json")
    }


def test_the_sidecar_is_text_that_git_can_show(store: Store) -> None:
    store.write(KEY, DATA, {"widgets": "größer", "fingerprint": {}})
    text = store.path(KEY).with_name("a.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"format": 1, "sha256": sha256(DATA), "widgets": "größer", "fingerprint": {}}
    assert "größer" in text
    assert text.endswith("}\n")


@pytest.mark.parametrize(
    "key", ["../x", "e/../../x", "e/..", "/etc/x", "", ".", "e\\..\\x", "C:/x", "..",
            pytest.param("e/a\0b")],
)  # fmt: skip
def test_no_key_leads_out_of_the_folder(store: Store, tmp_path: Path, key: str) -> None:
    acts: list[Callable[[], object]] = [
        lambda: store.read(key), lambda: store.sha256(key), lambda: store.write(key, DATA, {}),
        lambda: store.remove([key]),
    ]  # fmt: skip
    for act in acts:
        with pytest.raises(BaselineError, match="leads out"):
            act()
    assert list(tmp_path.rglob("*.png")) == []


def test_a_linked_folder_does_not_lead_out(store: Store, tmp_path: Path) -> None:
    store.folder.mkdir()
    (tmp_path / "outside").mkdir()
    (store.folder / "e").symlink_to(tmp_path / "outside")
    with pytest.raises(BaselineError, match="leads out"):
        store.write("e/x", DATA, {})
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_linked_store_is_fine(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    Store(tmp_path / "link").write(KEY, DATA, {})
    assert Store(tmp_path / "real").keys() == {KEY}


@pytest.mark.parametrize(
    "damaged", [b"", b"no picture", DATA[: len(DATA) // 2], b"version https://git-lfs.github.com/spec/v1\n"]
)
def test_a_damaged_picture_is_an_error_with_a_way_out(store: Store, damaged: bytes) -> None:
    store.write(KEY, DATA, {})
    store.path(KEY).write_bytes(damaged)
    with pytest.raises(BaselineError, match="no readable picture") as caught:
        store.read(KEY)
    assert caught.value.where == f"baselines/{KEY}.png"
    assert "git checkout" in caught.value.next_step
    assert caught.value.exit_code == ExitCode.INFRASTRUCTURE
    assert store.sha256(KEY) == sha256(damaged)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "\udcff",
        *(
            pytest.param(f'{{"format": 1, "sha256": "{sha256(DATA)}", {side}}}')
            for side in ('"masks": {".a": [[1, 2, 3]]}', '"masks": null', '"masks": 5', '"fingerprint": null')
        ),
    ],
)
def test_a_damaged_sidecar_is_an_error(store: Store, text: str) -> None:
    store.write(KEY, DATA, {})
    store.path(KEY).with_name("a.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(BaselineError, match="sidecar"):
        store.read(KEY)


@pytest.mark.parametrize("text", [None, "[]", '{"format": 2, "fingerprint": {"browser": "9"}, "masks": [5]}'])
def test_without_a_sidecar_of_this_format_the_picture_still_counts(store: Store, text: str | None) -> None:
    store.write(KEY, DATA, {"fingerprint": {"browser": "1"}})
    side = store.path(KEY).with_name("a.json")
    side.unlink() if text is None else side.write_text(text)
    baseline = store.read(KEY)
    assert baseline is not None
    assert (baseline.fingerprint, baseline.widgets, baseline.masks) == ({}, None, {})


def test_something_else_in_the_way_is_an_error_and_stays(store: Store) -> None:
    (store.folder / f"{KEY}.png" / "inner").mkdir(parents=True)
    with pytest.raises(BaselineError, match="can't be read"):
        store.read(KEY)
    with pytest.raises(BaselineError, match="can't be written"):
        store.write(KEY, DATA, {})
    assert [path.name for path in store.path(KEY).parent.rglob("*")] == ["a.png", "inner"]
    store.folder.joinpath("e").write_text("a file where a folder should be")
    with pytest.raises(BaselineError, match="can't be written"):
        store.write("e/x", DATA, {})


def test_the_digest_of_something_unreadable_is_an_error_of_ours(store: Store) -> None:
    (store.folder / f"{KEY}.png").mkdir(parents=True)
    with pytest.raises(BaselineError):
        store.sha256(KEY)


def test_removing_takes_the_sidecar_and_empty_folders_but_not_the_store(store: Store) -> None:
    other, last = "e/n/y/b", "e/n/y/c [x]"
    for key in (KEY, other, last):
        store.write(key, DATA, {})
    store.remove([KEY, other, "e/absent/z"])
    assert store.keys() == {last}
    assert sorted(path.relative_to(store.folder).as_posix() for path in store.folder.rglob("*")) == [
        "e", "e/n", "e/n/y", "e/n/y/c [x].json", "e/n/y/c [x].png",
    ]  # fmt: skip
    store.remove([last])
    assert list(store.folder.iterdir()) == []


def test_only_pictures_are_listed(store: Store) -> None:
    assert store.keys() == set()
    store.write(KEY, DATA, {})
    for name in ("README.md", f"{KEY}.txt", ".gitattributes"):
        (store.folder / name).touch()
    assert store.keys() == {KEY}


def test_a_folder_is_no_baseline(store: Store) -> None:
    store.write("e/notebooks/x.png/a", DATA, {})
    assert store.keys() == {"e/notebooks/x.png/a"}


def test_the_layout_is_read_as_the_sidecar_of_a_result_says_it(store: Store) -> None:
    store.write(KEY, DATA, sidecar(result_called("new")))
    baseline = store.read(KEY)
    assert baseline is not None
    assert baseline.layout == LAYOUT


@pytest.mark.parametrize(
    ("side", "cut"),
    [
        ({}, False),
        ({"layout": ["0,0 9x9 a"]}, False),
        ({"layout": ["0,0 9x9 a"], "layout_cut": True}, True),
        ({"layout": ["0,0 9x9 a"], "layout_cut": "?"}, False),
        # Before it was said, the end of a list was known by its length only.
        ({"layout": ["0,0 9x9 a"] * 399}, False),
        ({"layout": ["0,0 9x9 a"] * 400}, True),
    ],
)
def test_a_sidecar_says_whether_its_layout_was_cut(store: Store, side: dict[str, object], cut: bool) -> None:
    store.write(KEY, DATA, side)
    baseline = store.read(KEY)
    assert baseline is not None
    assert baseline.layout_cut is cut


@pytest.mark.parametrize(("side", "layout"), [({}, None), ({"layout": []}, ())])
def test_an_older_sidecar_without_a_layout_is_no_empty_layout(
    store: Store, side: dict[str, object], layout: tuple[object, ...] | None
) -> None:
    store.write(KEY, DATA, side)
    baseline = store.read(KEY)
    assert baseline is not None
    assert baseline.layout == layout


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
        [5],
        5,
        None,
    ],
)
def test_a_malformed_layout_only_explains_nothing(store: Store, layout: object) -> None:
    store.write(KEY, DATA, {"layout": layout})
    baseline = store.read(KEY)
    assert baseline is not None
    assert baseline.layout is None


def test_a_layout_of_another_picture_does_not_count(store: Store) -> None:
    store.write(KEY, DATA, sidecar(result_called("new")))
    store.path(KEY).write_bytes(encode_png(picture(7), optimise=True))
    baseline = store.read(KEY)
    assert baseline is not None
    assert (baseline.layout, baseline.widgets) == (None, None)
