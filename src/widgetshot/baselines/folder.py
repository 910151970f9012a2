"""Baselines as files in a folder, which git keeps: `<folder>/<key>.png` and, beside it, `<key>.json`."""

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from widgetshot.baselines.keys import key_leads_out
from widgetshot.baselines.transaction import PREFIX, recover, write_planned
from widgetshot.errors import BaselineError
from widgetshot.ports import FileDigests, StoreCommands, StoredFiles
from widgetshot.shell import quoted


@dataclass(frozen=True)
class FolderStore:
    """The baselines under one folder; a `BaselineStore`."""

    folder: Path

    def keys(self) -> set[str]:
        """Return the keys of all pictures under the folder; what is hidden is none of them."""
        if not self.folder.is_dir():
            return set()
        keys = set()
        for place, folders, files in os.walk(self.folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            pictures = (Path(place, name) for name in files if name.endswith(".png") and name[0] != ".")
            found = (path.relative_to(self.folder) for path in pictures if path.is_file())
            keys |= {path.as_posix().removesuffix(".png") for path in found}
        return keys

    def read(self, key: str) -> StoredFiles:
        """Read the picture and the sidecar of a key.

        Raises:
            BaselineError: the key leads out of the folder, or a file can't be read.
        """
        picture, sidecar = self._paths(key)
        try:
            data = _bytes(picture)
        except OSError as error:
            raise BaselineError(f"the baseline can't be read: {error}", where=self._short(picture)) from error
        try:
            # A folder in its place is no sidecar; writing one there is an error.
            side = None if sidecar.is_dir() else _bytes(sidecar)
        except OSError as error:
            raise BaselineError(
                f"its sidecar can't be read: {error}",
                where=self._short(picture),
                next_step=self.commands(key).restore,
            ) from error
        return StoredFiles(data, side)

    def digests(self, key: str) -> FileDigests:
        """Return the sha256 of both files of a key.

        Raises:
            BaselineError: as `read`.
        """
        return self.read(key).digests

    def write(self, files: Mapping[str, StoredFiles]) -> None:
        """Write, replace and remove files, all of them or none; folders that are empty then go, too.

        They are on the disk then. What a process that is killed has planned is finished by `recover`.

        Raises:
            BaselineError: a key leads out of the folder, or a file can't be written; everything is as it was.
        """
        # What another process was killed over goes first: finished later, it would undo this.
        self.recover()
        whole: dict[Path, bytes | None] = {}
        for key, both in files.items():
            picture, sidecar = self._paths(key)
            if both.picture is not None or picture.exists():
                whole[picture] = both.picture
            if both.sidecar is not None or sidecar.is_file():
                whole[sidecar] = both.sidecar
        new = [path for path, data in whole.items() if data is not None]
        absent = {folder for path in new for folder in path.parents if not folder.exists()}
        try:
            for path in new:
                path.parent.mkdir(parents=True, exist_ok=True)
            if whole:
                write_planned(self.folder, whole)
        except BaseException as error:
            for folder in sorted(absent, reverse=True):
                with contextlib.suppress(OSError):
                    folder.rmdir()
            if isinstance(error, OSError):
                path = Path(error.filename2 or error.filename or self.folder)
                verb = "removed" if whole.get(path, b"") is None else "written"
                raise BaselineError(
                    f"the baseline can't be {verb}: {error.strerror or error}", where=self._short(path)
                ) from error
            raise
        for path, data in whole.items():
            if data is None:
                self._remove_empty_folders(path)

    def recover(self) -> list[str]:
        """Finish what commands that were killed had begun to write.

        Returns:
            What was done, in sentences.

        Raises:
            BaselineError: it can't be done.
        """
        try:
            return recover(self.folder)
        except OSError as error:
            raise BaselineError(
                f"what a killed command had begun to write can't be finished: {error}",
                where=str(self.folder),
                next_step=f"look at it, then: rm -r {quoted(self.folder / PREFIX)}*",
            ) from error

    def modified_ns(self, key: str) -> int:
        """Return when a file of a key or its name last changed, in nanoseconds since the epoch; 0 without files."""
        times = [0]
        for path in self._paths(key):
            with contextlib.suppress(OSError):
                about = path.stat()
                times.append(max(about.st_mtime_ns, about.st_ctime_ns))
        return max(times)

    def locate(self, key: str) -> str:
        """Return the path of a key's picture, seen from the folder beside which the baselines lie."""
        return self._short(self._paths(key)[0])

    def commands(self, key: str) -> StoreCommands:
        """Return git's commands for the files of a key."""
        picture, sidecar = self._paths(key)
        files = " ".join(quoted(self._short(path)) for path in (picture, sidecar) if path == picture or path.exists())
        return StoreCommands(inspect=f"git diff -- {quoted(picture)}", restore=f"git checkout -- {files}")

    def keep_command(self) -> str:
        """Return git's command that adds the folder to the next commit."""
        here = Path.cwd()
        folder = self.folder.relative_to(here) if self.folder.is_relative_to(here) else self.folder
        return f"git add -- {quoted(folder)}" if str(folder).startswith("-") else f"git add {quoted(folder)}"

    def _paths(self, key: str) -> tuple[Path, Path]:
        """Return the paths of the picture and of the sidecar.

        Raises:
            BaselineError: the key leads out of the folder.
        """
        picture = self.folder / f"{key}.png"
        try:
            # A link inside the folder could lead out of it as well.
            inside = picture.parent.resolve().is_relative_to(self.folder.resolve())
        except (OSError, RuntimeError, ValueError):  # links in a circle, half a surrogate pair
            inside = False
        if not inside:
            raise key_leads_out(key)
        return picture, self.folder / f"{key}.json"

    def _remove_empty_folders(self, path: Path) -> None:
        for folder in path.parents:
            if folder == self.folder:
                break
            with contextlib.suppress(OSError):
                folder.rmdir()

    def _short(self, path: Path) -> str:
        with contextlib.suppress(ValueError):
            return path.relative_to(self.folder.parent).as_posix()
        return str(path)


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
