"""Files under one folder that are written together, wholly or not at all, also where the process is killed meanwhile.

What is to be written lies in a folder `.writing-*` first, with a plan of where it goes; then it is put in its place. A
process that is killed before the plan is there has changed nothing; after that, whoever comes next finishes the plan.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from widgetshot import documents
from widgetshot.documents import Document, Sha256
from widgetshot.errors import WidgetshotError
from widgetshot.files import LockHeld, locked, sha256, write_atomically

PREFIX = ".writing-"
_LOCK = "lock"  # held by whoever writes
_PLAN = "plan.json"
_IGNORE = ".gitignore"
_REMOVED = "what a command that was killed had left in the folder of the baselines was removed"
_ATTEMPTS = 5  # at a folder of its own; another process may take a new one for what was left behind


class _Change(Document, frozen=True, kw_only=True):
    """A file that is to be written.

    Attributes:
        path: of the file, seen from the folder.
        before: sha256 of what was there; None for nothing.
        after: sha256 of what is to be there; None to remove it.
        staged: name of the file that holds it.
    """

    path: Annotated[str, Meta(min_length=1)]
    before: Sha256 | None
    after: Sha256 | None
    staged: Annotated[str, Meta(pattern="^[0-9]+$")]


class _Plan(Document, frozen=True, kw_only=True):
    """All files that are written together."""

    changes: list[_Change]


def write_planned(folder: Path, files: Mapping[Path, bytes | None]) -> None:
    """Write files, each whole or not at all, and all of them or none. They are on the disk when this returns.

    Args:
        files: path under the folder -> its new bytes; None to remove the file.

    Raises:
        OSError: one can't be written or removed; every file is as it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _own_folder(folder) as own:
        changes = []
        for index, (path, data) in enumerate(files.items()):
            try:
                before = path.read_bytes() if path.is_file() else None
                if data is not None:
                    _write_through(own / str(index), data)
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(path)) from error
            changes.append(
                _Change(
                    path=path.relative_to(folder).as_posix(),
                    before=None if before is None else sha256(before),
                    after=None if data is None else sha256(data),
                    staged=str(index),
                )
            )
            if before is not None:
                _write_through(own / f"{index}.before", before)
        write_atomically(own / _PLAN, documents.encode(_Plan(changes=changes)), on_disk=True)
        done: list[_Change] = []
        try:
            for change in changes:
                _apply(folder, own, change)
                done.append(change)
            _flush_folders(folder, changes)
        except BaseException:
            # Not to be finished by anybody any more, whatever becomes of taking it back.
            (own / _PLAN).unlink()
            for change in done:
                path, kept = folder / change.path, own / f"{change.staged}.before"
                if kept.exists():
                    kept.replace(path)
                else:
                    path.unlink(missing_ok=True)
            raise


def recover(folder: Path) -> list[str]:
    """Finish what processes that were killed had begun to write, and remove what they had not planned to its end.

    Returns:
        What was done, a sentence for each of these processes.

    Raises:
        OSError: it can't be done.
    """
    told = []
    for own in sorted(folder.glob(f"{PREFIX}*")):
        if own.is_symlink():
            continue  # we make none
        try:
            with locked(own / _LOCK, within=0):
                told += _recovered(folder, own)
                shutil.rmtree(own, ignore_errors=True)
        except LockHeld:
            continue  # whoever writes there lives
        except FileNotFoundError:
            continue  # it has just been done by another
    return told


def _recovered(folder: Path, own: Path) -> list[str]:
    try:
        plan = documents.read(_Plan, own / _PLAN, next_step="")
    except FileNotFoundError:
        # Without that file it was begun by nobody: FileLock made the folder again, for its lock, when it was just gone.
        return [_REMOVED] if (own / _IGNORE).exists() else []
    except WidgetshotError:
        return [_REMOVED]
    finished, changed = 0, []
    for change in plan.changes:
        path = folder / change.path
        if ".." in Path(change.path).parts or not path.parent.resolve().is_relative_to(folder.resolve()):
            continue
        now = sha256(path.read_bytes()) if path.is_file() else None
        if now == change.after:
            continue
        if now != change.before:
            changed.append(change.path)
        elif change.after is None or (own / change.staged).is_file():
            _apply(folder, own, change)
            finished += 1
    _flush_folders(folder, plan.changes)
    said = [f"a command was killed while it wrote baselines; that is finished now ({finished} files)"]
    if changed:
        said.append(f"files that were changed since stay as they are: {', '.join(changed)}")
    return said


def _apply(folder: Path, own: Path, change: _Change) -> None:
    path = folder / change.path
    try:
        if change.after is None:
            path.unlink(missing_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            (own / change.staged).replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextlib.contextmanager
def _own_folder(folder: Path) -> Iterator[Path]:
    """Yield a new folder that nobody takes for one that was left behind; git does not see it."""
    for attempt in range(_ATTEMPTS):
        own = Path(tempfile.mkdtemp(dir=folder, prefix=PREFIX))
        with contextlib.ExitStack() as stack:
            try:
                # Before there is anything that git could take along.
                (own / _IGNORE).write_bytes(b"*\n")
                stack.enter_context(locked(own / _LOCK, within=0))
                (own / _LOCK).stat(), (own / _IGNORE).stat()
            except (LockHeld, FileNotFoundError):
                if attempt + 1 == _ATTEMPTS:
                    raise
                continue
            except BaseException:
                shutil.rmtree(own, ignore_errors=True)
                raise
            try:
                yield own
            finally:
                shutil.rmtree(own, ignore_errors=True)
            return


def _write_through(path: Path, data: bytes) -> None:
    """Write a new file to the disk."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _flush_folders(folder: Path, changes: list[_Change]) -> None:
    """Write to the disk which files are where, on systems that can be asked to."""
    if os.name != "posix":
        return
    for parent in {(folder / change.path).parent for change in changes}:
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(parent, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
