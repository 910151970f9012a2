"""The states of files and folders, for comparison: texts that differ as soon as what they stand for does."""

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

MAX_COMPARED_BYTES = 64 * 1024 * 1024  # of a file's content; of a larger file the size and the times are compared

FileState = str | None
Tree = dict[str, str]


def file_state(path: str) -> FileState:
    """Return the state of a file or folder; None if there is none.

    Raises:
        OSError: it can't be read.
    """
    try:
        about = Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISDIR(about.st_mode):
        return "folder"
    if not stat.S_ISREG(about.st_mode):
        raise OSError(f"{path} is no ordinary file")
    if about.st_size > MAX_COMPARED_BYTES:
        return f"{about.st_size} {about.st_mtime_ns} {about.st_ctime_ns} {about.st_ino}"
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:32]


def modified_ns(path: str) -> int:
    """Return when a file or its name last changed, in nanoseconds since the epoch; 0 if there is none."""
    try:
        about = Path(path).stat()
    except OSError:
        return 0
    return max(about.st_mtime_ns, about.st_ctime_ns)


def digest_of(value: Any) -> str:
    """Return a short digest of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode(errors="backslashreplace")).hexdigest()[:16]


def tree_of(path: str) -> Tree:
    """Return the state of each entry of a folder of what is installed, with all below it, by sizes and times.

    What Python compiled is left out: it follows from the rest.
    """
    tree: Tree = {}
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.name != "__pycache__" and not entry.name.endswith(".pyc"):
                    digest = hashlib.blake2b(digest_size=8)
                    _add(digest, entry, {os.path.realpath(path)})
                    tree[entry.name] = digest.hexdigest()
    except NotADirectoryError:
        about = Path(path).stat()
        return {Path(path).name: f"{about.st_size} {about.st_mtime_ns}"}
    except OSError as error:
        return {"": type(error).__name__}
    return tree


def _add(digest: Any, entry: "os.DirEntry[str]", above: set[str]) -> None:
    """Add an entry, and all that is below it, to a digest.

    Args:
        above: real paths of the folders that it is in, so that links in a circle come to an end.
    """
    try:
        if not entry.is_dir():
            about = entry.stat()
            digest.update(f"{entry.name}\0{about.st_size}\0{about.st_mtime_ns}\n".encode(errors="surrogateescape"))
            return
        if entry.is_symlink():
            real = os.path.realpath(entry.path)
            if real in above:
                return
            above = {*above, real}
        digest.update(f"{entry.name}/\n".encode(errors="surrogateescape"))
        with os.scandir(entry.path) as entries:
            for below in sorted(entries, key=lambda one: one.name):
                if below.name != "__pycache__" and not below.name.endswith(".pyc"):
                    _add(digest, below, above)
        digest.update(b"..\n")
    except OSError as error:  # a link to nowhere, a folder of somebody else's
        digest.update(f"{entry.name}\0{type(error).__name__}\n".encode(errors="surrogateescape"))
