"""Baselines that are written together, by processes that are killed meanwhile."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forks import forking
from widgetshot.baselines.folder import FolderStore
from widgetshot.errors import BaselineError
from widgetshot.ports import NO_FILES, StoredFiles

KEYS = ("e/n/a", "e/n/b", "e/m/c")
BEFORE = {"e/n/a.png": b"old a", "e/n/a.json": b"old side a", "e/m/c.png": b"old c", "e/m/c.json": b"old side c"}
AFTER = {"e/n/a.png": b"new a", "e/n/a.json": b"new side a", "e/n/b.png": b"new b", "e/n/b.json": b"new side b"}
# Kills itself at the so-many-th event in which a file is opened, renamed or removed.
WRITER = """
import signal
from pathlib import Path
from widgetshot.baselines.folder import FolderStore
from widgetshot.ports import NO_FILES, StoredFiles
folder = Path(sys.argv[1])
import filelock, widgetshot.documents  # what is imported later opens files, too
store = FolderStore(folder)
files = {
    "e/n/a": StoredFiles(b"new a", b"new side a"), "e/n/b": StoredFiles(b"new b", b"new side b"), "e/m/c": NO_FILES,
}
def step(event):
    left = int(event)
    def hook(event, arguments):
        nonlocal left
        if event in ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir") and str(folder) in str(arguments):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)
    store.write(files)
"""
KilledAt = Callable[[int], bool]


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in BEFORE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture
def killed_at(tmp_path: Path) -> Iterator[KilledAt]:
    """Writes in a process that is killed at one of its steps; whether it was."""
    with forking(WRITER, str(tmp_path / "baselines")) as ended:

        def killed_at(event: int) -> bool:
            code = ended(event)
            assert code in (0, -signal.SIGKILL)
            return code != 0

        yield killed_at


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_whatever_a_killed_process_had_begun_is_finished_or_taken_back(tmp_path: Path, killed_at: KilledAt) -> None:
    folder = tmp_path / "baselines"
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    outcomes: list[str] = []
    sentences: set[str] = set()
    event = 1
    while fresh(folder) and killed_at(event):
        left = subprocess.run(
            ["git", "-C", str(tmp_path), "status", "--porcelain", "-uall"], capture_output=True, text=True, check=True
        )
        names = {line[3:] for line in left.stdout.splitlines()}
        assert names <= {f"baselines/{name}" for name in BEFORE | AFTER}, f"git sees more, at {event}"
        told = FolderStore(folder).recover()
        now = files_in(folder)
        assert now in (BEFORE, AFTER), f"half written, at {event}: {now}"
        outcomes.append("after" if now == AFTER else "before")
        assert FolderStore(folder).recover() == []
        sentences.update(told)
        event += 1
    assert files_in(folder) == AFTER
    # It was killed at each of its steps; first nothing had changed, then everything.
    assert outcomes == sorted(outcomes, reverse=True)
    assert {"before", "after"} == set(outcomes)
    assert len(outcomes) > 15
    assert any("is finished now (6 files)" in one for one in sentences)
    assert any("was removed" in one for one in sentences)


def test_what_was_changed_since_is_not_overwritten(tmp_path: Path, killed_at: KilledAt) -> None:
    folder = tmp_path / "baselines"
    event = 1
    while True:
        fresh(folder)
        assert killed_at(event), "no step had a whole plan and all files as they were"
        plans = list(folder.glob(".writing-*/plan.json"))
        if plans and {name: data for name, data in files_in(folder).items() if name[0] != "."} == BEFORE:
            break
        event += 1
    (folder / "e/n/a.png").write_bytes(b"somebody's")
    told = FolderStore(folder).recover()
    assert files_in(folder) == AFTER | {"e/n/a.png": b"somebody's"}
    assert told[1] == "files that were changed since stay as they are: e/n/a.png"


def test_plan_that_leads_out_of_the_folder_writes_nothing_there(tmp_path: Path) -> None:
    folder = fresh(tmp_path / "baselines")
    own = folder / ".writing-x"
    own.mkdir()
    (own / "0").write_bytes(b"evil")
    digest = "0" * 64
    changes = [{"path": path, "before": None, "after": digest, "staged": "0"} for path in ("../evil", "e/../../evil")]
    (own / "plan.json").write_text(json.dumps({"changes": changes}), encoding="utf-8")
    FolderStore(folder).recover()
    assert files_in(folder) == BEFORE
    assert not (tmp_path / "evil").exists()


def test_damaged_plan_is_removed_and_told(tmp_path: Path) -> None:
    folder = fresh(tmp_path / "baselines")
    (folder / ".writing-x").mkdir()
    (folder / ".writing-x" / "plan.json").write_bytes(b'{"changes": [')
    (told,) = FolderStore(folder).recover()
    assert "was removed" in told
    assert files_in(folder) == BEFORE


@pytest.mark.parametrize("begun", [True, False])
def test_what_was_planned_to_no_end_is_removed_and_told_if_it_was_begun(tmp_path: Path, begun: bool) -> None:
    folder = fresh(tmp_path / "baselines")
    (folder / ".writing-x").mkdir()
    # All that is there where the lock of a folder was asked for when its writer had just removed it.
    (folder / ".writing-x" / "lock").touch()
    if begun:
        (folder / ".writing-x" / ".gitignore").touch()
    told = FolderStore(folder).recover()
    assert ["was removed" in one for one in told] == ([True] if begun else [])
    assert files_in(folder) == BEFORE


def test_writer_that_lives_is_left_alone(tmp_path: Path) -> None:
    from widgetshot.files import locked

    folder = fresh(tmp_path / "baselines")
    (folder / ".writing-x").mkdir()
    with locked(folder / ".writing-x" / "lock"):
        assert FolderStore(folder).recover() == []
        FolderStore(folder).write({"e/n/b": StoredFiles(b"new b", b"new side b"), "e/m/c": NO_FILES})
        assert (folder / ".writing-x").exists()
    assert (folder / "e/n/b.png").read_bytes() == b"new b"


def test_links_among_the_baselines_are_not_followed(tmp_path: Path) -> None:
    folder = fresh(tmp_path / "baselines")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_bytes(b"precious")
    (folder / ".writing-x").symlink_to(tmp_path / "elsewhere")
    assert FolderStore(folder).recover() == []
    assert files_in(tmp_path / "elsewhere") == {"file": b"precious"}
    (folder / ".writing-y").mkdir()
    (folder / ".writing-y" / "lock").symlink_to(tmp_path / "elsewhere" / "file")
    with pytest.raises(BaselineError, match="can't be finished") as caught:
        FolderStore(folder).recover()
    assert "rm -r" in caught.value.next_step
    assert files_in(tmp_path / "elsewhere") == {"file": b"precious"}
