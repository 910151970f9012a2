"""The files of a project that belong to it: what git tracks, and what it does not ignore; their digests.

Without git it is all that is neither hidden nor generated.
"""

import hashlib
import os
import stat
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from widgetshot.project.dotenv import ENV_FILE

_GIT_TIMEOUT_S = 120.0
_LEFT_OUT_FOLDERS = ("node_modules", "__pycache__")
# A virtual environment, and the mark of caches (https://bford.info/cachedir/).
_GENERATED = ("pyvenv.cfg", "CACHEDIR.TAG")


@dataclass(frozen=True)
class ProjectFile:
    """A file of a project.

    Attributes:
        sha256: of its content; of a link, of the path that it holds.
        mode: whether it can be executed: 0o644 or 0o755; 0 for a symbolic link.
        size: in bytes.
    """

    sha256: str
    mode: int
    size: int


@dataclass(frozen=True)
class ProjectFiles:
    """The files of a project, by their paths in it (forward slashes)."""

    files: Mapping[str, ProjectFile] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """What tells these files from others: the sha256 of all paths, contents and modes."""
        lines = (f"{file.sha256} {file.mode:o} {path}\n" for path, file in sorted(self.files.items()))
        return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()

    def differing(self, root: Path) -> list[str]:
        """Return the paths of files that are not the same in a folder. Takes its time: all are read."""
        return [path for path, file in self.files.items() if _looked_at(root / path) != file]

    def only(self, paths: Iterable[str]) -> "ProjectFiles":
        """Return those files that have one of some paths."""
        return ProjectFiles({path: self.files[path] for path in paths if path in self.files})

    def again(self, root: Path) -> "ProjectFiles":
        """Return what the files are now. Takes its time: all are read."""
        return _files(root, self.files)


def project_files(root: Path, left_out: Iterable[Path] = ()) -> ProjectFiles:
    """Look at the files of a project. Takes its time: all are read.

    Args:
        left_out: absolute paths of folders that don't belong to it, such as that of the report.
    """
    hidden = [path.relative_to(root).as_posix() for path in left_out if path.is_relative_to(root) and path != root]
    tracked = _known_to_git(root)
    paths = _walked(root) if tracked is None else tracked
    # What the file of variables says is told by other ways, to those who need it.
    shown = [path for path in paths if path != ENV_FILE and not any(_is_in(path, folder) for folder in hidden)]
    return _files(root, shown)


def folder_files(root: Path, folder: Path) -> ProjectFiles:
    """Look at all files of a folder of a project, whether they belong to it or not. Takes its time: all are read."""
    inside = folder.relative_to(root).as_posix()
    return _files(root, [f"{inside}/{path}" for path in _walked(folder)])


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _files(root: Path, paths: Iterable[str]) -> ProjectFiles:
    looked = ((path, _looked_at(root / path)) for path in paths)
    return ProjectFiles({path: file for path, file in looked if file is not None})


def read_content(file: Path, mode: int) -> bytes:
    """Return the bytes that the digest of a project's file is of.

    Raises:
        OSError: it can't be read.
    """
    return os.fsencode(file.readlink()) if mode == 0 else file.read_bytes()


def _looked_at(file: Path) -> ProjectFile | None:
    """Return what a file is; None for what is gone, can't be read, or is no file."""
    try:
        about = file.lstat()
        if stat.S_ISLNK(about.st_mode):
            mode = 0
        elif stat.S_ISREG(about.st_mode):
            mode = 0o755 if about.st_mode & stat.S_IXUSR else 0o644
        else:
            return None
        data = read_content(file, mode)
    except OSError:
        return None
    return ProjectFile(hashlib.sha256(data).hexdigest(), mode, len(data))


def _known_to_git(root: Path) -> list[str] | None:
    """Return the paths that git tracks or does not ignore; None where it knows nothing of the folder."""
    listed: set[str] = set()
    for options in (("--cached", "--recurse-submodules"), ("--others", "--exclude-standard")):
        try:
            done = subprocess.run(
                ["git", "-C", str(root), "ls-files", "-z", *options],
                capture_output=True,
                timeout=_GIT_TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        if done.returncode:
            return None
        for path in filter(None, map(os.fsdecode, done.stdout.split(b"\0"))):
            # Of a repository within it only the folder is told.
            listed |= {f"{path}{inside}" for inside in _walked(root / path)} if path.endswith("/") else {path}
    # Of a folder that a repository ignores git says that it has no files.
    return sorted(listed) or None


def _walked(root: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in _LEFT_OUT_FOLDERS
            and not any(os.path.lexists(os.path.join(folder, name, mark)) for mark in _GENERATED)
        )
        for name in sorted(files):
            yield os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/")
