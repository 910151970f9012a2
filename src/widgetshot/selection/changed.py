"""What a run may leave out: a notebook that passed, as long as nothing that its pictures are made from has changed.

Where that was asked for before, every run notes what each notebook was seen to read and the state that all of it was
in, if all of its pictures passed. With `--changed` that is compared with the state now. What can't be known counts as
changed. The rules are explained in docs/how-to/changed.md.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import platform
import re
import secrets
import stat
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from widgetshot import __version__
from widgetshot.baselines.access import Baselines
from widgetshot.declare.folder import files_beside
from widgetshot.declare.notebook import Notebook
from widgetshot.errors import WidgetshotError
from widgetshot.files import LOCAL_FOLDER, PACKAGE, local_folder, locked, write_atomically
from widgetshot.model import Target
from widgetshot.project.settings import Settings

FORMAT = 2
_FILE = "passed.json"
_LOCK = "passed.lock"
_WHOLE = 64 * 1024 * 1024  # bytes up to which a file's content is compared, not only its size and times
# Differ from shell to shell, are set by test runners while they run, or are the same for all kernels.
_NOT_OURS = {
    "_",
    "OLDPWD",
    "SHLVL",
    "COLUMNS",
    "LINES",
    "TZ",
    "PYTEST_CURRENT_TEST",
    "PYTEST_VERSION",
    "PYTEST_XDIST_WORKER",
}
_NOT_OURS |= {"PYTEST_XDIST_TESTRUNUID", "PYTEST_XDIST_WORKER_COUNT"}
# What the system's package manager last did, and the fonts that libraries find by themselves.
_SYSTEM = (
    "/var/lib/dpkg/status",
    "/var/lib/rpm",
    "/lib/apk/db/installed",
    "/usr/share/fonts",
    "/usr/local/share/fonts",
)
# By how much the clock of a file system may lag behind ours, in nanoseconds.
_LAG = 20_000_000 if sys.platform.startswith("linux") else 2_000_000_000

State = str | None
Tree = dict[str, str]


@dataclass(frozen=True)
class InputSnapshot:
    """What one session was seen to be made from.

    Attributes:
        files, folders: absolute paths, those of the private folder as they are called in the project.
        modules: folders in which modules were looked for.
        python: the kernel's executable, its version and the folders of its packages; None where it is not known.
        trees: further folders of what is installed.
        unseen: why there may be more than was seen, or "".
    """

    files: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()
    python: tuple[str, str, tuple[str, ...]] | None = None
    trees: frozenset[str] = frozenset()
    unseen: str = ""

    @classmethod
    def of(cls, answer: Mapping[str, Any] | None, folder: Path) -> "InputSnapshot":
        """From what the server says when a live page is closed, None if it could not.

        Args:
            folder: the notebook's own.
        """
        if answer is None:
            return cls(unseen="did not tell what it read before its server ended")
        work = answer["work"]
        works = {work, os.path.realpath(work)}

        def own(path: str) -> str:
            for one in works:
                if path == one or path.startswith(one + os.sep):
                    return os.path.normpath(str(folder) + path[len(one) :])
            return path

        found: dict[str, set[str]] = {"file": set(), "folder": set(), "modules": set()}
        python, unseen = None, ""
        for line in answer["reads"].splitlines():
            kind, *words = json.loads(line)
            if kind == "python":
                executable, version, packages, library = words
                found["file"] |= {library}
                python = (executable, version, tuple(packages))
            elif kind == "unseen":
                unseen = unseen or words[0]
            else:
                found[kind].add(_source(own(words[0])))
        if python is None:
            unseen = "has a kernel that does not tell what it reads"
        asked = {os.path.normpath(folder / path) for path in answer["asked"]}
        spec = {answer["kernel_spec"]} - {""}
        return cls(
            frozenset(found["file"] | asked | spec),
            frozenset(found["folder"]),
            frozenset(found["modules"]),
            python,
            frozenset(answer["front_ends"]),
            unseen,
        )

    def __or__(self, other: "InputSnapshot") -> "InputSnapshot":
        return InputSnapshot(
            self.files | other.files,
            self.folders | other.folders,
            self.modules | other.modules,
            self.python or other.python,
            self.trees | other.trees,
            self.unseen or other.unseen,
        )


def _source(path: str) -> str:
    """The source of a compiled module: Python looks at its time and size, and reads only the other."""
    if path.endswith(".pyc") and Path(path).parent.name == "__pycache__":
        with contextlib.suppress(ValueError):
            return importlib.util.source_from_cache(path)
    return path


@dataclass(frozen=True)
class Session:
    """Some targets of a notebook that share a kernel and a page."""

    notebook: Notebook
    targets: tuple[Target, ...]

    @property
    def name(self) -> str:
        variant = self.targets[0].variant
        return f"{self.notebook.path}[{variant}]" if variant else self.notebook.path


@dataclass(frozen=True)
class FinishedSession:
    """A session that came to its end.

    Attributes:
        reads: what it was made from; None if not all of it passed.
        begin: when it began, in nanoseconds since the epoch.
        written: names of the targets whose baselines the run wrote.
    """

    session: Session
    reads: InputSnapshot | None
    begin: int
    written: frozenset[str] = frozenset()


class PassCache:
    """The sessions that passed, in a small local file beside the project.

    An unreadable file counts as none: then everything is run.

    Attributes:
        noting: whether what passes is noted; that takes its time, so it is done where it has been asked for once.

    Args:
        renderer: gives what draws the pictures; raises WidgetshotError where that can't be said.
    """

    def __init__(
        self,
        settings: Settings,
        renderer: Callable[[], Mapping[str, Any]],
        baselines: Baselines,
    ) -> None:
        self._settings = settings
        # As it is now: what runs beside this may set variables of its own.
        self._environment = dict(os.environ)
        self._renderer = renderer
        self._baselines = baselines
        self._file = settings.root / LOCAL_FOLDER / _FILE
        self.noting = self._file.exists()
        self._trees: dict[str, Tree] = {}
        self._beside: dict[str, list[str]] = {}
        self._states: dict[tuple[str, int, int, int], State] = {}

    def begin(self) -> None:
        """Note what passes from now on, in later runs of this checkout, too."""
        if self.noting:
            return
        self.noting = True
        with contextlib.suppress(OSError), locked(local_folder(self._settings.root) / _LOCK):
            # Several that begin at once share one secret.
            self.__dict__.pop("_stored", None)
            if not self._file.exists():
                self._write(self._stored)

    # What is asked before a run ------------------------------------------------------------------------------

    def why(self, session: Session) -> tuple[str, str]:
        """Why a session must be run, in words, or ""; and when it passed, ISO 8601.

        Raises nothing: whatever goes wrong is a reason to run it.
        """
        entry = self._stored["sessions"].get(self._key(session))
        if entry is None:
            return "not known to have passed", ""
        try:
            return self._why(session, entry), entry["time"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, WidgetshotError) as error:
            return f"what is known of it can't be compared: {error}", ""

    def _why(self, session: Session, entry: Mapping[str, Any]) -> str:
        notebook = session.notebook
        if notebook.services:
            return f"nobody knows what is in its services ({', '.join(need.name for need in notebook.services)})"
        for target in session.targets:
            if target.name not in entry["baselines"]:
                return f"{target.name} is not known to have passed"
        if notebook.inputs is None and entry["unseen"]:
            return f"not all that it depends on is known: it {entry['unseen']}"
        for path, before in entry["files"].items():
            if word := _change(before, self._state(path)):
                return f"{self._short(path)} {word}"
        for target in session.targets:
            if entry["baselines"][target.name] != self._baseline_state(target):
                return f"the baseline of {target.name} changed"
        options = self._options(session)
        if options != entry["options"]:
            return f"its configuration changed: {_differing(entry['options'], options)}"
        matched, known = self._matched(notebook) or {}, entry["matched"] or {}
        for path in sorted(matched.keys() | known.keys()):
            if word := _change(known.get(path), matched.get(path)):
                return f"{self._short(path)} {word}"
        listings = self._stored["listings"]
        for kind in ("beside", "folders", "modules"):
            for path, digest in entry[kind].items():
                now = self._listing(kind, path)
                if _digest(now) != digest:
                    return f"{self._short(path)}: {_names(listings[digest], now)}"
        before = self._stored["surroundings"][entry["surroundings"]]
        if before != self.surroundings:
            return _surroundings_words(before, self.surroundings)
        for path, digest in entry["trees"].items():
            tree = self._tree(path)
            if _digest(tree) != digest:
                return f"what is installed changed: {_tree_words(path, self._stored['trees'][digest], tree)}"
        return ""

    # What is noted after a run ---------------------------------------------------------------------------------

    def look(self) -> None:
        """Look at what all notebooks share, before any of them is executed.

        What changes from then on is another state the next time.
        """
        if not self.noting:
            return
        with contextlib.suppress(OSError, WidgetshotError):
            _ = self.surroundings
            for path in self._own_trees:
                self._tree(path)

    def look_beside(self, notebook: Notebook) -> None:
        """Look at what lies beside a notebook, before it is executed."""
        if not self.noting:
            return
        with contextlib.suppress(OSError):
            self._names_beside(str((self._settings.root / notebook.path).parent))

    def note(self, ended: Iterable[FinishedSession]) -> None:
        """Keep what passed, forget what did not."""
        found = {self._key(one.session): self._entry(one) for one in ended}
        if not found:
            return
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):
                stack.enter_context(locked(local_folder(self._settings.root) / _LOCK))
            # Another run may have ended meanwhile. Its secret is not ours where both made one; it is run again then.
            stored = self._read()
            for key, made in found.items():
                before = stored["sessions"].pop(key, None)
                if made is None:
                    continue
                entry, tables = made
                if before is not None and _without_targets(entry) == _without_targets(before):
                    # Of the same inputs, what passed in an earlier run of other targets has passed still.
                    entry["baselines"] = before["baselines"] | entry["baselines"]
                stored["sessions"][key] = entry
                for name, table in tables.items():
                    stored[name] |= table
            stored["salt"] = self._stored["salt"]
            with contextlib.suppress(OSError):
                self._write(stored)

    def _entry(self, ended: FinishedSession) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """What is kept of a session, and the parts that it shares with others; None if it can't be relied on."""
        if ended.reads is None:
            return None
        try:
            return self._made(ended, ended.reads)
        except (OSError, ValueError, WidgetshotError):
            return None

    def _made(self, ended: FinishedSession, reads: InputSnapshot) -> tuple[dict[str, Any], dict[str, Any]] | None:
        session, notebook = ended.session, ended.session.notebook
        file = self._settings.root / notebook.path
        uploads = {
            os.path.normpath(file.parent / str(step.arguments["file"]))
            for target in notebook.targets
            for step in target.steps
            if step.action == "upload"
        }
        executable = {os.path.realpath(reads.python[0])} if reads.python else set()
        # What we write there ourselves is no part of a picture.
        local = str(self._settings.root / LOCAL_FOLDER) + os.sep
        read = {path for path in reads.files if not path.startswith(local)}
        paths = {str(file), *uploads, *executable, *read}
        files = {path: self._state(path) for path in sorted(paths)}
        matched = self._matched(notebook)
        # What changed while it ran may have been read before or after that.
        seen = (*files, *(matched or {}), *reads.folders, *reads.modules)
        times = [_stamp(path) for path in seen]
        times += [
            self._baselines.modified_ns(target.key(self._settings.environment))
            for target in session.targets
            if target.name not in ended.written
        ]
        if any(time >= ended.begin - _LAG for time in times):
            return None
        trees = {path: self._tree(path) for path in sorted(self._own_trees | reads.trees | self._packages(reads))}
        listings = {
            kind: {path: self._listing(kind, path) for path in sorted(paths)}
            for kind, paths in (
                ("beside", {str(file.parent)}),
                ("folders", reads.folders),
                ("modules", reads.modules - {str(file.parent)}),
            )
        }
        entry = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "baselines": {target.name: self._baseline_state(target) for target in session.targets},
            "options": self._options(session),
            "files": files,
            "matched": matched,
            "unseen": reads.unseen,
            "surroundings": _digest(self.surroundings),
            "trees": {path: _digest(tree) for path, tree in trees.items()},
            **{kind: {path: _digest(names) for path, names in found.items()} for kind, found in listings.items()},
        }
        tables = {
            "surroundings": {entry["surroundings"]: self.surroundings},
            "trees": {_digest(tree): tree for tree in trees.values()},
            "listings": {_digest(names): names for found in listings.values() for names in found.values()},
        }
        return entry, tables

    # The states of things ----------------------------------------------------------------------------------------

    @cached_property
    def surroundings(self) -> dict[str, str]:
        """What all notebooks share besides what is installed, as name -> state.

        Raises:
            WidgetshotError: it is not known what would draw the pictures.
        """
        found = {f"the renderer: {name}": json.dumps(value) for name, value in self._renderer().items()}
        found |= {"widgetshot": __version__, "the machine": " ".join(platform.uname()[:5]) + f" {os.cpu_count()}"}
        key = bytes.fromhex(self._stored["salt"])
        for name, value in {**self._settings.variables, **self._environment}.items():
            if name not in _NOT_OURS:
                # Keyed: it may be a password, and the file may be copied somewhere.
                secret = hashlib.blake2b(value.encode(errors="surrogateescape"), key=key, digest_size=8)
                found[f"environment variable {name}"] = secret.hexdigest()
        return found

    @cached_property
    def _own_trees(self) -> frozenset[str]:
        packages = {path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")}
        return frozenset({*packages, str(PACKAGE), str(Path(sys.prefix) / "conda-meta"), *_SYSTEM})

    def _packages(self, reads: InputSnapshot) -> set[str]:
        return set(reads.python[2]) if reads.python else set()

    def _tree(self, path: str) -> Tree:
        if path not in self._trees:
            self._trees[path] = tree_of(path)
        return self._trees[path]

    def _listing(self, kind: str, path: str) -> list[str]:
        if kind == "beside":
            return self._names_beside(path)
        try:
            names = sorted(entry.name for entry in Path(path).iterdir())
        except OSError as error:
            return [f"({type(error).__name__})"]
        # What can't be the name of a module is of no interest to an import.
        return [name for name in names if name.partition(".")[0].isidentifier()] if kind == "modules" else names

    def _names_beside(self, path: str) -> list[str]:
        """The names of all that a notebook in this folder sees: whether a file exists can be asked unseen."""
        if path not in self._beside:
            ours = (self._settings.report, self._settings.baselines)
            names: list[str] = []
            left = [Path(path)]
            while left:
                for entry in files_beside(left.pop()):
                    if entry in ours:
                        continue
                    names.append(entry.relative_to(path).as_posix())
                    if entry.is_dir() and not entry.is_symlink():
                        left.append(entry)
            self._beside[path] = sorted(names)
        return self._beside[path]

    def _state(self, path: str) -> State:
        try:
            about = Path(path).stat()
        except OSError:
            return state(path)
        known = (path, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
        if known not in self._states:
            self._states[known] = state(path)
        return self._states[known]

    def _baseline_state(self, target: Target) -> str:
        return self._baselines.version(target.key(self._settings.environment))

    def _options(self, session: Session) -> dict[str, str]:
        notebook = session.notebook
        # A quarantine and markers have no part in a picture that passed.
        declared = [
            replace(target, quarantine=None, markers=())
            for target in notebook.targets
            if target.session == session.targets[0].session
        ]
        return {
            "what the notebook declares": _digest([repr(declared), repr(notebook.inputs)]),
            "settle_timeout": f"{notebook.settle_timeout:g}",
            "kernel": notebook.kernel,
            "secrets": " ".join(self._settings.secrets),
            "repeat": str(self._settings.repeat > 1),
        }

    def _matched(self, notebook: Notebook) -> dict[str, State] | None:
        if notebook.inputs is None:
            return None
        folder = (self._settings.root / notebook.path).parent
        found = {os.path.normpath(path) for pattern in notebook.inputs for path in folder.glob(pattern)}
        return {path: self._state(path) for path in sorted(found) if os.path.isfile(path)}

    def _short(self, path: str) -> str:
        root = str(self._settings.root)
        return Path(path).relative_to(root).as_posix() if path.startswith(root + os.sep) else path

    def _key(self, session: Session) -> str:
        return f"{self._settings.environment}/{session.name}"

    # The file ------------------------------------------------------------------------------------------------------

    @cached_property
    def _stored(self) -> dict[str, Any]:
        return self._read()

    def _read(self) -> dict[str, Any]:
        try:
            stored = json.loads(self._file.read_bytes())
            whole = all(isinstance(stored[name], dict) for name in ("sessions", "surroundings", "trees", "listings"))
            if stored["format"] == FORMAT and whole and len(bytes.fromhex(stored["salt"])) == 16:
                return dict(stored)
        except (OSError, ValueError, KeyError, TypeError):
            pass
        salt = secrets.token_hex(16)
        return {"format": FORMAT, "salt": salt, "sessions": {}, "surroundings": {}, "trees": {}, "listings": {}}

    def _write(self, stored: dict[str, Any]) -> None:
        sessions = stored["sessions"].values()
        used: dict[str, set[str]] = {
            "surroundings": {entry["surroundings"] for entry in sessions},
            "trees": {digest for entry in sessions for digest in entry["trees"].values()},
            "listings": {
                digest
                for entry in sessions
                for kind in ("beside", "folders", "modules")
                for digest in entry[kind].values()
            },
        }
        for name, digests in used.items():
            stored[name] = {digest: part for digest, part in stored[name].items() if digest in digests}
        write_atomically(self._file, json.dumps(stored, separators=(",", ":")).encode(errors="backslashreplace"))


def _without_targets(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in ("time", "baselines")}


def refusal() -> str:
    """Why `--changed` is not followed here, or ""."""
    in_ci = os.environ.get("CI", "").casefold() not in ("", "0", "false")
    return "in CI ($CI is set) everything is run, whatever --changed says" if in_ci else ""


def state(path: str) -> State:
    """What a file holds, for comparison; None if there is none.

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
    if about.st_size > _WHOLE:
        return f"{about.st_size} {about.st_mtime_ns} {about.st_ctime_ns} {about.st_ino}"
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:32]


def _stamp(path: str) -> int:
    """When a file or its name last changed, in nanoseconds since the epoch; 0 if there is none."""
    try:
        about = Path(path).stat()
    except OSError:
        return 0
    return max(about.st_mtime_ns, about.st_ctime_ns)


def tree_of(path: str) -> Tree:
    """The state of each entry of a folder of what is installed, with all below it, by sizes and times.

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


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode(errors="backslashreplace")).hexdigest()[:16]


def _change(before: State, now: State) -> str:
    if before == now:
        return ""
    if before is None:
        return "is new"
    return "is gone" if now is None else "changed"


def _names(before: Sequence[str], now: Sequence[str]) -> str:
    new, gone = sorted(set(now) - set(before)), sorted(set(before) - set(now))
    words = [
        f"{names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''} {word}"
        for names, word in (
            (new, "is new" if len(new) == 1 else "are new"),
            (gone, "is gone" if len(gone) == 1 else "are gone"),
        )
        if names
    ]
    return ", ".join(words) or "changed"


def _differing(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    return ", ".join(sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name)))


def _surroundings_words(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    names = _differing(before, now).split(", ")
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]} changed{more}"


def _tree_words(path: str, before: Tree, now: Tree) -> str:
    """Which packages differ, by their versions where these tell it."""
    names = _differing(before, now).split(", ")
    versions: dict[str, list[str]] = {}
    for tree, place in ((before, 0), (now, 1)):
        for name in tree:
            if name in names and (found := re.fullmatch(r"(.+?)-([^-]+)\.(?:dist|egg)-info", name)):
                versions.setdefault(found[1], ["none", "none"])[place] = found[2]
    moved = [f"{name} {old} → {new}" for name, (old, new) in sorted(versions.items()) if old != new]
    told = moved or [f"{name} in {path}" if name else path for name in names]
    return f"{', '.join(told[:3])}{f' and {len(told) - 3} more' if len(told) > 3 else ''}"
