"""Baselines as files in a folder that git keeps."""

import json
from pathlib import Path

import pytest

from builders import picture
from stores import folder_of, in_folder, picture_file, sidecar_file
from widgetshot.baselines.access import Baselines
from widgetshot.baselines.sidecar import ShotDescription
from widgetshot.errors import BaselineError, ExitCode
from widgetshot.files import encode_png, sha256

KEY = "page-chromium-linux/notebooks/x/a"
DATA = encode_png(picture(), optimise=True)


@pytest.fixture
def baselines(tmp_path: Path) -> Baselines:
    return in_folder(tmp_path / "baselines")


@pytest.mark.parametrize(
    "key", [KEY, "e/n/a[dark,phone]", "e/my notes/a b", "e/größe/日本 [x]", "e/n/a.b", "e/tests/t.py/t[1]/x"]
)
def test_a_baseline_is_a_picture_and_a_sidecar_beside_it(baselines: Baselines, key: str) -> None:
    baselines.write(key, DATA)
    assert picture_file(baselines, key).read_bytes() == DATA
    assert {file.name for file in picture_file(baselines, key).parent.iterdir()} == {
        f"{key.rpartition('/')[2]}{end}" for end in (".png", ".json")
    }


def test_the_sidecar_is_text_that_git_can_show(baselines: Baselines) -> None:
    baselines.write(KEY, DATA, ShotDescription(widgets="größer", fingerprint={}))
    text = sidecar_file(baselines, KEY).read_text(encoding="utf-8")
    assert json.loads(text) == {"format": 1, "sha256": sha256(DATA), "widgets": "größer", "fingerprint": {}}
    assert "größer" in text
    assert text.endswith("}\n")


def test_a_linked_folder_does_not_lead_out(baselines: Baselines, tmp_path: Path) -> None:
    folder_of(baselines).mkdir()
    (tmp_path / "outside").mkdir()
    (folder_of(baselines) / "e").symlink_to(tmp_path / "outside")
    with pytest.raises(BaselineError, match="leads out"):
        baselines.write("e/x", DATA)
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_linked_store_is_fine(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    in_folder(tmp_path / "link").write(KEY, DATA)
    assert in_folder(tmp_path / "real").keys() == {KEY}


def test_messages_say_what_to_type_in_git(baselines: Baselines) -> None:
    baselines.write(KEY, DATA)
    picture_file(baselines, KEY).write_bytes(b"no picture")
    with pytest.raises(BaselineError) as caught:
        baselines.read(KEY)
    assert caught.value.where == f"baselines/{KEY}.png"
    assert f"git checkout -- 'baselines/{KEY}.png' 'baselines/{KEY}.json'" in caught.value.next_step
    assert caught.value.exit_code == ExitCode.INFRASTRUCTURE
    assert baselines.commands(KEY).inspect == f"git diff -- '{picture_file(baselines, KEY)}'"
    assert baselines.keep_command() == f"git add '{folder_of(baselines)}'"


def test_something_else_in_the_way_is_an_error_and_stays(baselines: Baselines) -> None:
    (picture_file(baselines, KEY) / "inner").mkdir(parents=True)
    with pytest.raises(BaselineError, match="can't be read"):
        baselines.read(KEY)
    with pytest.raises(BaselineError, match="can't be written"):
        baselines.write(KEY, DATA)
    assert [path.name for path in picture_file(baselines, KEY).parent.rglob("*")] == ["a.png", "inner"]
    folder_of(baselines).joinpath("e").write_text("a file where a folder should be")
    with pytest.raises(BaselineError, match="can't be written"):
        baselines.write("e/x", DATA)


def test_the_digest_of_something_unreadable_is_an_error_of_ours(baselines: Baselines) -> None:
    picture_file(baselines, KEY).mkdir(parents=True)
    with pytest.raises(BaselineError):
        baselines.digest(KEY)


def test_removing_takes_the_sidecar_and_empty_folders_but_not_the_store(baselines: Baselines) -> None:
    other, last = "e/n/y/b", "e/n/y/c [x]"
    for key in (KEY, other, last):
        baselines.write(key, DATA)
    baselines.remove([KEY, other, "e/absent/z"])
    assert baselines.keys() == {last}
    folder = folder_of(baselines)
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")) == [
        "e", "e/n", "e/n/y", "e/n/y/c [x].json", "e/n/y/c [x].png",
    ]  # fmt: skip
    baselines.remove([last])
    assert list(folder.iterdir()) == []


def test_one_that_cannot_be_removed_leaves_all_as_they_were(baselines: Baselines) -> None:
    baselines.write("e/n/a", DATA)
    before = baselines.snapshot("e/n/a")
    picture_file(baselines, "e/n/b").mkdir()
    with pytest.raises(BaselineError, match="can't be removed"):
        baselines.remove(["e/n/a", "e/n/b"])
    assert baselines.snapshot("e/n/a") == before


def test_only_pictures_are_listed(baselines: Baselines) -> None:
    assert baselines.keys() == set()
    baselines.write(KEY, DATA)
    for name in ("README.md", f"{KEY}.txt", ".gitattributes"):
        (folder_of(baselines) / name).touch()
    assert baselines.keys() == {KEY}


def test_a_folder_is_no_baseline(baselines: Baselines) -> None:
    baselines.write("e/notebooks/x.png/a", DATA)
    assert baselines.keys() == {"e/notebooks/x.png/a"}
