"""What every store of baselines does, whatever it keeps them in."""

import multiprocessing
import threading
from collections.abc import Callable
from pathlib import Path
from time import time_ns

import numpy as np
import pytest

from builders import LAYOUT, picture, result_called
from stores import by_digest, files_of, in_folder
from widgetshot.baselines.access import Baselines, NewBaseline
from widgetshot.baselines.sidecar import ShotDescription, describe
from widgetshot.errors import BaselineError, ExitCode
from widgetshot.files import encode_png, sha256
from widgetshot.model import Box
from widgetshot.ports import NO_FILES, FileDigests, StoredFiles

KEY = "page-chromium-linux/notebooks/x/a"
PIXELS = picture()
DATA = encode_png(PIXELS, optimise=True)
OTHER = encode_png(picture(7), optimise=True)
CLOCK_LAG_NS = 20_000_000  # by which the clock of a file system may lag behind ours
Kind = Callable[[Path], Baselines]


@pytest.fixture(params=[in_folder, by_digest])
def kind(request: pytest.FixtureRequest) -> Kind:
    made: Kind = request.param
    return made


@pytest.fixture
def baselines(kind: Kind, tmp_path: Path) -> Baselines:
    return kind(tmp_path / "baselines")


@pytest.mark.parametrize(
    "key", [KEY, "e/n/a[dark,phone]", "e/my notes/a b", "e/größe/日本 [x]", "e/n/a.b", "e/tests/t.py/t[1]/x"]
)
def test_what_was_written_is_read_byte_for_byte(baselines: Baselines, key: str) -> None:
    assert baselines.read(key) is None
    assert baselines.digest(key) is None
    assert baselines.keys() == set()
    baselines.write(
        key,
        DATA,
        ShotDescription(
            fingerprint={"browser": "1"},
            widgets=[{"widget": "Überblick"}],
            masks={".a": [(1, 2, 3, 4)], ".b": []},
        ),
    )
    baseline = baselines.read(key)
    assert baseline is not None
    assert (baseline.data, baseline.sha256) == (DATA, sha256(DATA))
    np.testing.assert_array_equal(baseline.pixels, PIXELS)
    assert (baseline.fingerprint, baseline.widgets) == ({"browser": "1"}, [{"widget": "Überblick"}])
    assert baseline.masks == {".a": (Box(1, 2, 3, 4),), ".b": ()}
    assert baselines.keys() == {key}
    files = baselines.snapshot(key)
    assert files.picture == DATA
    assert files.sidecar is not None
    assert baselines.digests(key) == FileDigests(sha256(DATA), sha256(files.sidecar)) == files.digests
    assert baselines.digest(key) == sha256(DATA)


@pytest.mark.parametrize(
    "key", ["../x", "e/../../x", "e/..", "/etc/x", "", ".", "e\\..\\x", "C:/x", "..", "e/\ud83d",
            pytest.param("e/a\0b")],
)  # fmt: skip
def test_no_key_leads_out_of_the_store(baselines: Baselines, tmp_path: Path, key: str) -> None:
    acts: list[Callable[[], object]] = [
        lambda: baselines.read(key), lambda: baselines.digest(key), lambda: baselines.write(key, DATA),
        lambda: baselines.remove([key]), lambda: baselines.snapshot(key), lambda: baselines.restore({key: NO_FILES}),
        lambda: baselines.version(key), lambda: baselines.modified_ns(key), lambda: baselines.locate(key),
        lambda: baselines.commands(key),
    ]  # fmt: skip
    for act in acts:
        with pytest.raises(BaselineError, match="leads out"):
            act()
    assert [*tmp_path.rglob("*")] == []


def test_another_one_of_the_same_place_has_the_same(baselines: Baselines, kind: Kind, tmp_path: Path) -> None:
    baselines.write(KEY, DATA)
    assert files_of(kind(tmp_path / "baselines")) == files_of(baselines)


def test_of_several_all_are_written_or_none(baselines: Baselines) -> None:
    baselines.write("e/n/a", DATA)
    before = files_of(baselines)
    with pytest.raises(BaselineError, match="leads out"):
        baselines.write_all([NewBaseline("e/n/a", OTHER), NewBaseline("e/n/b", OTHER), NewBaseline("../c", OTHER)])
    assert files_of(baselines) == before
    baselines.write_all([NewBaseline("e/n/a", OTHER), NewBaseline("e/n/b", OTHER)])
    assert {key: files.picture for key, files in files_of(baselines).items()} == {"e/n/a": OTHER, "e/n/b": OTHER}


def test_what_cannot_be_written_is_reported_and_nothing_changes(kind: Kind, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("where a folder should be")
    baselines = kind(tmp_path / "file")
    with pytest.raises(BaselineError, match="can't be written") as caught:
        baselines.write(KEY, DATA)
    assert caught.value.where
    assert (tmp_path / "file").read_text() == "where a folder should be"
    assert [path.name for path in tmp_path.rglob("*")] == ["file"]


def test_removing_takes_the_sidecar_along_and_what_is_not_there_is_no_error(baselines: Baselines) -> None:
    for key in (KEY, "e/n/y/b", "e/n/y/c [x]"):
        baselines.write(key, DATA)
    baselines.remove([KEY, "e/n/y/b", "e/absent/z"])
    assert baselines.keys() == {"e/n/y/c [x]"}
    assert baselines.snapshot(KEY) == NO_FILES
    assert (baselines.read(KEY), baselines.digests(KEY)) == (None, FileDigests())


def test_a_snapshot_puts_back_every_byte(baselines: Baselines) -> None:
    baselines.write("e/n/a", DATA, ShotDescription(widgets="before"))
    baselines.store.write({"e/n/bare": StoredFiles(DATA), "e/n/odd": StoredFiles(b"no picture", b"no JSON")})
    keys = ("e/n/a", "e/n/bare", "e/n/odd", "e/n/none")
    before = {key: baselines.snapshot(key) for key in keys}
    baselines.write_all(NewBaseline(key, OTHER) for key in keys)
    assert all(baselines.snapshot(key) != before[key] for key in keys)
    baselines.restore(before)
    assert {key: baselines.snapshot(key) for key in keys} == before
    assert baselines.keys() == {"e/n/a", "e/n/bare", "e/n/odd"}


def test_equal_pictures_of_several_keys_are_independent(baselines: Baselines) -> None:
    for key in ("e/n/a", "e/n/b"):
        baselines.write(key, DATA)
    baselines.remove(["e/n/a"])
    baseline = baselines.read("e/n/b")
    assert baseline is not None
    assert baseline.data == DATA


def test_the_version_is_another_one_as_soon_as_one_of_the_files_is(baselines: Baselines) -> None:
    versions = [baselines.version(KEY)]
    files = StoredFiles(DATA, b"{}")
    for changed in (files, StoredFiles(OTHER, b"{}"), StoredFiles(OTHER, b"{ }"), StoredFiles(OTHER)):
        baselines.store.write({KEY: changed})
        versions.append(baselines.version(KEY))
    assert len(set(versions)) == 5
    baselines.store.write({KEY: files})
    assert baselines.version(KEY) == versions[1]


def test_it_is_known_when_a_baseline_last_changed(baselines: Baselines) -> None:
    assert baselines.modified_ns(KEY) == 0
    for key in (KEY, "e/n/later"):
        before = time_ns() - CLOCK_LAG_NS
        baselines.write(key, DATA)
        assert before <= baselines.modified_ns(key) <= time_ns()
    assert baselines.modified_ns(KEY) <= baselines.modified_ns("e/n/later")


def test_messages_name_the_key_and_what_can_be_done(baselines: Baselines) -> None:
    baselines.write(KEY, DATA)
    assert KEY in baselines.locate(KEY)
    for command in (baselines.commands(KEY).inspect, baselines.commands(KEY).restore):
        assert KEY in command


@pytest.mark.parametrize(
    "damaged", [b"", b"no picture", DATA[: len(DATA) // 2], b"version https://git-lfs.github.com/spec/v1\n"]
)
def test_a_damaged_picture_is_an_error_with_a_way_out(baselines: Baselines, damaged: bytes) -> None:
    baselines.store.write({KEY: StoredFiles(damaged, b"{}")})
    with pytest.raises(BaselineError, match="no readable picture") as caught:
        baselines.read(KEY)
    assert caught.value.where == baselines.locate(KEY)
    assert caught.value.next_step.startswith(baselines.commands(KEY).restore)
    assert caught.value.exit_code == ExitCode.INFRASTRUCTURE
    assert baselines.digest(KEY) == sha256(damaged)


def test_a_layout_of_another_picture_does_not_count(baselines: Baselines) -> None:
    baselines.write(KEY, DATA, describe(result_called("new")))
    written = baselines.read(KEY)
    assert written is not None
    assert written.layout == LAYOUT
    baselines.store.write({KEY: StoredFiles(OTHER, baselines.snapshot(KEY).sidecar)})
    baseline = baselines.read(KEY)
    assert baseline is not None
    assert (baseline.layout, baseline.widgets) == (None, None)


def test_a_damaged_sidecar_is_an_error_with_a_way_out(baselines: Baselines) -> None:
    baselines.store.write({KEY: StoredFiles(DATA, b"{")})
    with pytest.raises(BaselineError, match="sidecar") as caught:
        baselines.read(KEY)
    assert caught.value.where == baselines.locate(KEY)
    assert caught.value.next_step == baselines.commands(KEY).restore


def write_and_remove(baselines: Baselines, name: str) -> None:
    for number in range(8):
        keys = [f"e/{name}/{index}" for index in range(3)]
        baselines.write_all(NewBaseline(key, DATA if number % 2 else OTHER) for key in keys)
        baselines.remove(keys[:1])


def test_threads_and_processes_lose_nothing_of_one_another(kind: Kind, tmp_path: Path) -> None:
    baselines = kind(tmp_path / "baselines")
    baselines.write("e/shared/always", DATA)
    threads = [threading.Thread(target=write_and_remove, args=(baselines, f"thread{n}")) for n in range(2)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        running = pool.starmap_async(write_and_remove, [(baselines, f"process{n}") for n in range(2)])
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads) or not running.ready():
            # Whoever reads meanwhile finds whole baselines.
            assert baselines.snapshot("e/shared/always").picture == DATA
            assert {files.picture for files in files_of(baselines).values()} <= {DATA, OTHER, None}
        running.get()
    for thread in threads:
        thread.join()
    names = [f"{what}{n}" for what in ("thread", "process") for n in range(2)]
    assert baselines.keys() == {"e/shared/always"} | {f"e/{name}/{index}" for name in names for index in (1, 2)}
    assert all(files.picture == DATA for files in files_of(baselines).values())
