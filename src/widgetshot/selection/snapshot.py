"""The inputs that a session was seen to be made from."""

import contextlib
import importlib.util
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from widgetshot.ports import SourcesSeen


@dataclass(frozen=True)
class InputSnapshot:
    """The inputs that one session was seen to be made from.

    Attributes:
        files, folders: absolute paths, those of the private folder as they are called in the project.
        modules: folders in which modules were looked for.
        python: the kernel's executable, its version and the folders of its packages; None where it is not known.
        trees: further folders of what is installed.
        unseen: why there may be more than was seen, or "".
        above: whether it was given what lies above the notebook's folder.
    """

    files: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()
    python: tuple[str, str, tuple[str, ...]] | None = None
    trees: frozenset[str] = frozenset()
    unseen: str = ""
    above: bool = False

    @classmethod
    def of(cls, seen: SourcesSeen | None, root: Path) -> "InputSnapshot":
        """Make one of what the front end tells when a live page is closed.

        Args:
            seen: see `Frontend.close`; None if the server could not answer.
            root: the project's folder.
        """
        if seen is None:
            return cls(unseen="did not tell what it read before its server ended")
        in_project = _names_in_project(seen.work, root)
        found: dict[str, set[str]] = {"file": set(), "folder": set(), "modules": set()}
        python, unseen = None, ""
        for line in seen.reads.splitlines():
            kind, *words = json.loads(line)
            if kind == "python":
                executable, version, packages, library = words
                found["file"] |= {library}
                python = (executable, version, tuple(packages))
            elif kind == "unseen":
                unseen = unseen or words[0]
            else:
                found[kind].add(_source(in_project(words[0])))
        if python is None:
            unseen = "has a kernel that does not tell what it reads"
        asked = {os.path.normpath(root / path) for path in seen.requested}
        spec = {seen.kernel_spec} - {""}
        return cls(
            frozenset(found["file"] | asked | spec),
            frozenset(found["folder"]),
            frozenset(found["modules"]),
            python,
            frozenset(seen.front_ends),
            unseen,
            seen.above,
        )

    def __or__(self, other: "InputSnapshot") -> "InputSnapshot":
        """Return what two executions of one session were made from together."""
        return InputSnapshot(
            self.files | other.files,
            self.folders | other.folders,
            self.modules | other.modules,
            self.python or other.python,
            self.trees | other.trees,
            self.unseen or other.unseen,
            self.above or other.above,
        )


def _names_in_project(work: str, root: Path) -> Callable[[str], str]:
    """Return a function that gives the path in the project for one in the private folder.

    Args:
        work: the private folder, in which the session worked on a copy of `root`.
    """
    works = {work, os.path.realpath(work)}

    def in_project(path: str) -> str:
        for one in works:
            if path == one or path.startswith(one + os.sep):
                return os.path.normpath(str(root) + path[len(one) :])
        return path

    return in_project


def _source(path: str) -> str:
    """Return the source of a compiled module: Python looks at its time and size, and reads only the other."""
    if path.endswith(".pyc") and Path(path).parent.name == "__pycache__":
        with contextlib.suppress(ValueError):
            return importlib.util.source_from_cache(path)
    return path
