"""Bytes on disk: whole or not at all."""

import os
import re
import stat
import subprocess
import sys
import threading
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from builders import picture
from widgetshot.files import (
    MAX_DECODED_PIXELS,
    LockHeld,
    encode_palette,
    encode_png,
    locked,
    read_png,
    sha256,
    write_atomically,
)
from widgetshot.model import Pixels
from widgetshot.verdict.diff_picture import PALETTE

# What any front door sees as "no whole picture".
UNREADABLE = (OSError, ValueError, SyntaxError)
SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(4))


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(arrays(np.uint8, SHAPES, elements=st.sampled_from([0, 1, 85, 127, 128, 170, 254, 255])), st.booleans())
def test_a_picture_survives_encoding_with_every_channel(pixels: Pixels, optimise: bool) -> None:
    data = encode_png(pixels, optimise=optimise)
    np.testing.assert_array_equal(read_png(data), pixels)
    assert encode_png(pixels.copy(), optimise=optimise) == data


def test_a_large_picture_is_decoded_strip_by_strip() -> None:
    pixels = np.random.default_rng(1).integers(0, 2, (420, 410, 4), dtype=np.uint8) * 255
    data = encode_png(pixels, optimise=False)
    # The last strip is as high as the others, lower, and all there is.
    for at_once in (410 * 105, 410 * 100 + 1, 409, 420 * 410 - 1):
        assert np.array_equal(read_png(data, at_once=at_once), pixels)
    assert signature(read_png).parameters["at_once"].default == MAX_DECODED_PIXELS == 2**24


def test_optimising_makes_a_file_smaller() -> None:
    pixels = np.tile(picture(), (10, 10, 1))
    assert len(encode_png(pixels, optimise=True)) < len(encode_png(pixels, optimise=False))


def test_a_diff_picture_has_the_palettes_colours() -> None:
    indices = np.arange(len(PALETTE), dtype=np.uint8)[None, :]
    np.testing.assert_array_equal(read_png(encode_palette(indices, PALETTE))[0, :, :3], PALETTE)


@pytest.mark.parametrize("optimise", [True, False])
def test_a_damaged_picture_is_refused_or_decodes_to_what_it_was(optimise: bool) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (9, 7, 4), dtype=np.uint8)
    data = encode_png(pixels, optimise=optimise)
    refused = 0
    flipped = (data[:at] + bytes([data[at] ^ 16]) + data[at + 1 :] for at in range(len(data)))
    for damaged in [*(data[:size] for size in range(len(data))), *flipped]:
        try:
            decoded = read_png(damaged)
        except UNREADABLE:
            refused += 1
        else:
            np.testing.assert_array_equal(decoded, pixels)
    assert refused > 1.7 * len(data)


def test_bytes_that_are_no_picture_are_refused() -> None:
    for data in (
        b"",
        b"<html>",
        b"\x89PNG\r\n\x1a\n",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n",
    ):
        with pytest.raises(UNREADABLE):
            read_png(data)


def test_digest_is_sha256() -> None:
    assert sha256(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_file_is_replaced_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "ä [x] 1.png"
    for data in (b"old and long", b"new", b""):
        write_atomically(path, data)
        assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"safe")
    link = tmp_path / "link"
    link.symlink_to(other)
    write_atomically(link, b"new")
    assert (other.read_bytes(), link.read_bytes(), link.is_symlink()) == (b"safe", b"new", False)


def test_a_failed_write_leaves_no_trace(tmp_path: Path) -> None:
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    for path in (tmp_path / "folder", tmp_path / "absent" / "a.png"):
        with pytest.raises(OSError, match="director"):
            write_atomically(path, b"data")
    assert [path.name for path in tmp_path.rglob("*")] == ["folder", "inner"]


FULL_DISK = """
import pathlib, resource, sys
from widgetshot.files import write_atomically
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomically(pathlib.Path(sys.argv[1]), b"x" * 5000)
except OSError as error:
    print("refused", error.strerror)
"""


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("refused")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a.png", b"old")]


def test_a_new_file_has_the_rights_that_the_umask_gives(tmp_path: Path) -> None:
    code = "import os, pathlib, sys; os.umask(0o027); from widgetshot.files import write_atomically as w; "
    subprocess.run([sys.executable, "-c", f"{code}w(pathlib.Path(sys.argv[1]), b'')", str(tmp_path / "a")], check=True)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


HOLDER = """
import sys
import threading
from pathlib import Path
from widgetshot.files import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_is_held_until_its_holder_ends_however_that_is(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    path = tmp_path / "it.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with path.open("ab") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    holder.kill()
    with locked(path):
        assert path.exists()
    holder.communicate()


def test_a_lock_in_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="absent"), locked(tmp_path / "absent" / "it.json"):
        pytest.fail("there is nothing to be locked")


def test_threads_hold_a_lock_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "it.lock"
    inside: list[int] = []
    most: list[int] = []

    def hold(number: int) -> None:
        for _ in range(5):
            with locked(path):
                inside.append(number)
                most.append(len(inside))
                path.stat()  # lets the other threads in, if the lock does
                inside.remove(number)

    threads = [threading.Thread(target=hold, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 20
    assert [file.name for file in tmp_path.iterdir()] == ["it.lock"]


def test_who_holds_a_lock_is_told_and_not_waited_for_without_end(tmp_path: Path) -> None:
    path = tmp_path / "it.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        owner = f"process {holder.pid}"
        for within, words in ((0, f"{owner} holds {path}"), (0.2, f"{owner} has held {path} for 0.2 s")):
            with pytest.raises(LockHeld, match=re.escape(words)), locked(path, within=within):
                pytest.fail("somebody else holds it")
        holder.kill()
    with locked(path, within=0):
        assert path.read_text() == str(os.getpid())


def test_whose_turn_comes_late_in_a_crowd_waits_on(tmp_path: Path) -> None:
    path = tmp_path / "it.lock"
    held = threading.Event()

    def hold() -> None:
        with locked(path, within=1):
            held.set()

    with locked(path):
        last = threading.Thread(target=hold)
        last.start()
        for _ in range(22):
            os.utime(path)  # as by whoever is next before it
            assert not held.wait(0.1)
    last.join(60)
    assert held.is_set()


def test_a_lock_that_is_a_link_is_refused_and_nothing_is_written_through_it(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("text")
    for name, target in (("link", "precious"), ("dangling", "made")):
        (tmp_path / name).symlink_to(target)
        with pytest.raises(OSError, match="symbolic"), locked(tmp_path / name, within=0):
            pytest.fail("it is a link")
    assert (tmp_path / "precious").read_text() == "text"
    assert not (tmp_path / "made").exists()
