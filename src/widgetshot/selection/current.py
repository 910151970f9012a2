"""The state, as it is now, of all that sessions may be made from."""

import hashlib
import json
import os
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from widgetshot import __version__
from widgetshot.declare.folder import files_beside
from widgetshot.declare.notebook import Notebook
from widgetshot.files import PACKAGE
from widgetshot.project.endpoint import ENDPOINT_VARIABLES
from widgetshot.project.settings import Settings
from widgetshot.selection.session import Session
from widgetshot.selection.states import FileState, Tree, digest_of, file_state, tree_of

# They differ from shell to shell, are set by test runners while they run, or are the same for all kernels.
_IGNORED_VARIABLES = {
    "_",
    "OLDPWD",
    "SHLVL",
    "COLUMNS",
    "LINES",
    "TZ",
    "PYTEST_CURRENT_TEST",
    "PYTEST_VERSION",
    "PYTEST_XDIST_WORKER",
    "PYTEST_XDIST_TESTRUNUID",
    "PYTEST_XDIST_WORKER_COUNT",
    # Kernels don't get them, and the renderer is compared by what it is, not by its address.
    *ENDPOINT_VARIABLES,
}
# What the system's package manager last did, and the fonts that libraries find by themselves.
_SYSTEM_TREES = (
    "/var/lib/dpkg/status",
    "/var/lib/rpm",
    "/lib/apk/db/installed",
    "/usr/share/fonts",
    "/usr/local/share/fonts",
)


class CurrentState:
    """The state of things now. Each is looked at once, so that one object stands for one moment.

    Methods raise OSError where something can't be looked at.

    Args:
        renderer: gives what draws the pictures; raises WidgetshotError where that can't be said.
        installed: folders of what is installed that have a part in all pictures; None for those of this process.
    """

    def __init__(
        self,
        settings: Settings,
        renderer: Callable[[], Mapping[str, Any]],
        installed: frozenset[str] | None = None,
    ) -> None:
        self._settings = settings
        self._renderer = renderer
        self._installed = installed
        # As it is now: what runs beside this may set variables of its own.
        self._environment = dict(os.environ)
        self._surroundings: dict[str, dict[str, str]] = {}
        self._trees: dict[str, Tree] = {}
        self._names_beside: dict[str, list[str]] = {}
        self._files: dict[tuple[str, int, int, int], FileState] = {}

    def surroundings(self, salt: str) -> dict[str, str]:
        """Return what all notebooks share besides what is installed, as name -> state.

        Args:
            salt: hexadecimal digits, the key of the digests that stand for the environment's variables.

        Raises:
            WidgetshotError: it is not known what would draw the pictures.
        """
        if salt not in self._surroundings:
            found = {f"the renderer: {name}": json.dumps(value) for name, value in self._renderer().items()}
            found |= {"widgetshot": __version__, "the machine": " ".join(platform.uname()[:5]) + f" {os.cpu_count()}"}
            for name, value in {**self._settings.variables, **self._environment}.items():
                if name not in _IGNORED_VARIABLES:
                    # Keyed: it may be a password, and the file may be copied somewhere.
                    data, key = value.encode(errors="surrogateescape"), bytes.fromhex(salt)
                    found[f"environment variable {name}"] = hashlib.blake2b(data, key=key, digest_size=8).hexdigest()
            self._surroundings[salt] = found
        return self._surroundings[salt]

    @cached_property
    def shared_trees(self) -> frozenset[str]:
        """Folders of what is installed that have a part in all pictures."""
        if self._installed is not None:
            return self._installed
        packages = {path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")}
        return frozenset({*packages, str(PACKAGE), str(Path(sys.prefix) / "conda-meta"), *_SYSTEM_TREES})

    def tree(self, path: str) -> Tree:
        """Return the state of a folder of what is installed, see `tree_of`."""
        if path not in self._trees:
            self._trees[path] = tree_of(path)
        return self._trees[path]

    def file(self, path: str) -> FileState:
        """Return the state of a file, see `file_state`."""
        try:
            about = Path(path).stat()
        except OSError:
            return file_state(path)
        known = (path, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
        if known not in self._files:
            self._files[known] = file_state(path)
        return self._files[known]

    def names_in(self, folder: str) -> list[str]:
        """Return the names in a folder, sorted."""
        return _names(folder, lambda _: True)

    def module_names_in(self, folder: str) -> list[str]:
        """Return those names in a folder that can be of a module: others are of no interest to an import."""
        return _names(folder, lambda name: name.partition(".")[0].isidentifier())

    def names_beside(self, folder: str) -> list[str]:
        """Return the names of all that a notebook in a folder sees: whether a file exists can be asked unseen."""
        if folder not in self._names_beside:
            ours = (str(self._settings.report), str(self._settings.baselines))
            names: list[str] = []
            left = [folder]
            while left:
                for entry in files_beside(left.pop()):
                    if entry.path in ours:
                        continue
                    names.append(os.path.relpath(entry.path, folder).replace(os.sep, "/"))
                    if entry.is_dir() and not entry.is_symlink():
                        left.append(entry.path)
            self._names_beside[folder] = sorted(names)
        return self._names_beside[folder]

    def matched(self, notebook: Notebook) -> dict[str, FileState] | None:
        """Return the state of each file that a notebook declares as its input; None where it declares nothing."""
        if notebook.inputs is None:
            return None
        folder = (self._settings.root / notebook.path).parent
        found = {os.path.normpath(path) for pattern in notebook.inputs for path in folder.glob(pattern)}
        return {path: self.file(path) for path in sorted(found) if os.path.isfile(path)}

    def options(self, session: Session) -> dict[str, str]:
        """Return what of the configuration has a part in a session's pictures, by a name for messages."""
        notebook = session.notebook
        # A quarantine and markers have no part in a picture that passed.
        declared = [
            replace(target, quarantine=None, markers=())
            for target in notebook.targets
            if target.session == session.targets[0].session
        ]
        return {
            "what the notebook declares": digest_of([repr(declared), repr(notebook.inputs)]),
            "settle_timeout": f"{notebook.settle_timeout:g}",
            "kernel": notebook.kernel,
            "secrets": " ".join(self._settings.secrets),
            "repeat": str(self._settings.repeat > 1),
        }


def _names(folder: str, counts: Callable[[str], bool]) -> list[str]:
    """Return the names in a folder that count, sorted; instead of them, why there are none."""
    try:
        return sorted(entry.name for entry in Path(folder).iterdir() if counts(entry.name))
    except OSError as error:
        return [f"({type(error).__name__})"]
