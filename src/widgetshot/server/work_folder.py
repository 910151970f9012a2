"""A notebook's private folders: HOME, and a copy of the project, as far as it is needed, to work in.

What lies beside the notebook is always there. What lies above its folder, up to the project's own, is there where a
program goes up: what the notebook and the modules it is given name, and some of the rest where a program may look for
more than files whose paths it has in full. So a large project costs no more than a small one.
"""

import json
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from widgetshot.declare.folder import files_beside, goes_up, is_named, names_in, searches_above
from widgetshot.server.zygotes import kernel_environment

_MAX_READ_BYTES = 256 * 1024  # of modules, in which further names are looked for
_SMALL_FILE_BYTES = 1024 * 1024
# The files that are links to those of the project, see linked_files.py.
LINKS = "links"


@dataclass(frozen=True)
class Limits:
    """How much of a project is copied.

    Attributes:
        copied_bytes: for a kernel, so that a notebook can't write through to the project's own files.
        entries: files and folders; a copy takes some 50 microseconds, and as long to be removed.
        unnamed_files: of those above the notebook's folder that nobody names.
    """

    copied_bytes: int = 64 * 1024 * 1024
    entries: int = 20_000
    unnamed_files: int = 250


LIMITS = Limits()


@dataclass(frozen=True)
class WorkFolder:
    """What a kernel is given to work in.

    Attributes:
        place: where it starts; it stands for the notebook's own folder.
        environment: of the kernel.
        above: whether it was given what lies above the notebook's folder.
        missing: the files and folders of the project that were too many or too large, by their paths in it.
    """

    place: Path
    environment: dict[str, str]
    above: bool
    missing: tuple[str, ...]


def prepare_folder(
    folder: Path,
    notebook: Path,
    root: Path,
    sources: Sequence[str] = (),
    left_out: Iterable[str] = (),
    *,
    python: bool = True,
    limits: Limits = LIMITS,
) -> WorkFolder:
    """Make the folders `work`, which stands for the project's, and `home`.

    Args:
        root: the project's folder, or that of the notebook; nothing above it is copied.
        sources: of the notebook's cells.
        left_out: absolute paths of what no notebook is given.
        python: whether the sources are Python.
    """
    work, home = folder / "work", folder / "home"
    home.mkdir()
    inside = notebook.parent.relative_to(root)
    place = work / inside
    place.mkdir(parents=True)
    copy = _Copy(str(root), str(work), left_out, limits)
    copy.read("\n".join(sources), python=python)
    copy.give(str(notebook.parent))
    above = copy.upwards and inside != Path()
    if above:
        copy.give_above(notebook.parent)
    if copy.links:
        (folder / LINKS).write_text(json.dumps(copy.links), encoding="utf-8")
    return WorkFolder(place, kernel_environment(home), above, tuple(copy.missing))


class _Copy:
    """A part of a project's folder, copied.

    Attributes:
        upwards: whether one of the programs that were read goes up.
        searches: whether one may look there for more than files whose paths it has in full.
        links: the copies that are none: files over the budget.
        missing: see `WorkFolder`.
    """

    def __init__(self, root: str, work: str, left_out: Iterable[str], limits: Limits) -> None:
        self._root = root
        self._work = work
        self._left_out = frozenset(left_out)
        self._words: set[str] = set()
        self._bytes = limits.copied_bytes
        self._entries = limits.entries
        self._unread = _MAX_READ_BYTES
        self._unnamed = limits.unnamed_files
        self.upwards = False
        self.searches = False
        self.links: list[str] = []
        self.missing: list[str] = []

    def read(self, text: str, *, python: bool = True) -> None:
        """Look for names in a program."""
        self.upwards = self.upwards or goes_up(text)
        self.searches = self.searches or searches_above(text)
        self._words |= names_in(text, python=python)

    def give(self, folder: str) -> None:
        """Copy all that is in a folder, what is named first; files that are over the budget are linked."""
        self._give_all(self._entries_of(folder), (os.path.realpath(folder),))

    def give_above(self, folder: Path) -> None:
        """Copy what lies above a folder: what is named, and then a little of the rest."""
        rest: list[os.DirEntry[str]] = []
        own = folder
        while str(own) != self._root:
            rest += [entry for entry in self._entries_of(str(own.parent)) if entry.name != own.name]
            own = own.parent
        while named := [entry for entry in rest if self._is_named(entry)]:
            beside: list[os.DirEntry[str]] = []
            for entry in named:  # the modules among them name others
                self._give_all([entry], (os.path.realpath(os.path.dirname(entry.path)),), beside)
            given = {entry.path for entry in named}
            rest = beside + [entry for entry in rest if entry.path not in given]
        if self.searches:
            self._give_some(rest)

    def _entries_of(self, folder: str) -> "list[os.DirEntry[str]]":
        try:
            entries = files_beside(folder)
        except OSError:
            return []
        if self._left_out:
            entries = [entry for entry in entries if entry.path not in self._left_out]
        return sorted(entries, key=lambda entry: not self._is_named(entry))

    def _is_named(self, entry: "os.DirEntry[str]") -> bool:
        return entry.name == "__init__.py" or is_named(entry.name, self._words)

    def _give_all(
        self,
        entries: "list[os.DirEntry[str]]",
        above: tuple[str, ...],
        rest: "list[os.DirEntry[str]] | None" = None,
    ) -> None:
        """Copy entries of one folder, with all that is in them.

        Args:
            above: real paths of the folders that they are in, so that links in a circle come to an end.
            rest: where some of what is in a folder is named, the others are added here instead of being copied.
        """
        for entry in entries:
            if self._entries <= 0:
                self._miss(entry)
                continue
            self._entries -= 1
            try:
                if not entry.is_dir():
                    self._give_file(entry, links=True)
                    continue
                real = os.path.realpath(entry.path)
                if entry.is_symlink() and self._leads_up(real, above):
                    self._link_up(entry, real)
                    continue
                os.mkdir(self._place(entry))
            except OSError:
                # Unreadable, or links are not allowed (Windows without developer mode): the notebook goes without it,
                # and says so itself if it needs it.
                continue
            inside = self._entries_of(entry.path)
            if rest is not None and any(map(self._is_named, inside)):
                rest += [each for each in inside if not self._is_named(each)]
                inside = [each for each in inside if self._is_named(each)]
            self._give_all(inside, (*above, real), rest)

    def _give_some(self, entries: "list[os.DirEntry[str]]") -> None:
        """Copy what nobody names, level by level, until it is enough."""
        files = self._unnamed
        level = [(entry, entry) for entry in entries]  # each with the one of the given entries that it is in
        missing: dict[str, os.DirEntry[str]] = {}
        while level:
            below: list[tuple[os.DirEntry[str], os.DirEntry[str]]] = []
            for entry, top in level:
                try:
                    if files <= 0 or self._entries <= 0:
                        missing[top.path] = top
                    elif entry.is_dir(follow_symlinks=False):
                        self._entries -= 1
                        os.mkdir(self._place(entry))
                        if len(below) < files:
                            below += [(each, top) for each in self._entries_of(entry.path)]
                        else:
                            missing[top.path] = top
                    elif entry.is_dir() or entry.stat().st_size > self._bytes:
                        missing[top.path] = top  # a folder that is a link may be anywhere, also in a circle
                    else:
                        files -= 1
                        self._give_file(entry, links=False)
                except OSError:
                    continue
            level = below
        for top in missing.values():
            self._miss(top)

    def _give_file(self, entry: "os.DirEntry[str]", *, links: bool) -> None:
        if not entry.is_file():
            return  # a link to nowhere, a device
        about, place = entry.stat(), self._place(entry)
        if about.st_size <= self._bytes:
            self._bytes -= about.st_size
            _copy_file(entry.path, place, about)
        elif links:
            os.symlink(os.path.realpath(entry.path), place)
            self.links.append(place)
        # A module that nobody imports goes nowhere.
        if links and entry.name.endswith(".py") and self._is_named(entry) and about.st_size <= self._unread:
            self._unread -= about.st_size
            self.read(Path(entry.path).read_text(encoding="utf-8", errors="replace"))

    def _leads_up(self, real: str, above: tuple[str, ...]) -> bool:
        """Tell whether a folder that a link leads to is one that the link is in."""
        return real in above or bool(above and (above[-1] + os.sep).startswith(real.rstrip(os.sep) + os.sep))

    def _link_up(self, entry: "os.DirEntry[str]", real: str) -> None:
        """Link to the copy of a folder instead, if it has one."""
        root = os.path.realpath(self._root)
        if real == root or real.startswith(root + os.sep):
            self.upwards = True
            place = self._place(entry)
            copied = os.path.normpath(os.path.join(self._work, os.path.relpath(real, root)))
            os.symlink(os.path.relpath(copied, os.path.dirname(place)), place)

    def _place(self, entry: "os.DirEntry[str]") -> str:
        return self._work + entry.path[len(self._root) :]

    def _miss(self, entry: "os.DirEntry[str]") -> None:
        self.missing.append(os.path.relpath(entry.path, self._root))


def _copy_file(source: str, place: str, about: os.stat_result) -> None:
    """Copy a file with its times and permissions; for small ones this takes a fifth of what `shutil.copy2` does."""
    if about.st_size > _SMALL_FILE_BYTES:
        shutil.copyfile(source, place)
        os.chmod(place, about.st_mode & 0o777)
    else:
        with open(source, "rb", buffering=0) as file:
            data = file.read()
        with open(place, "xb", opener=lambda path, flags: os.open(path, flags, about.st_mode & 0o777)) as file:
            file.write(data)
    os.utime(place, ns=(about.st_atime_ns, about.st_mtime_ns))
