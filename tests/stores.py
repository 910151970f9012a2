"""Stores of baselines for tests: the folder in git, and one of another kind that does the same job."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import time_ns
from typing import Any

from widgetshot.baselines.access import Baselines
from widgetshot.baselines.folder import FolderStore
from widgetshot.errors import BaselineError
from widgetshot.files import locked, sha256, write_atomically
from widgetshot.ports import FileDigests, StoreCommands, StoredFiles
from widgetshot.project.settings import Settings

# What a package that offers `DigestStore` says in its metadata, as `entry_points.txt`.
ENTRY_POINTS = "[widgetshot.baseline_stores]\ndigests = stores:open_digest_store\n"


def in_folder(folder: Path) -> Baselines:
    """The baselines under a folder, as git keeps them."""
    return Baselines(FolderStore(folder))


def by_digest(folder: Path) -> Baselines:
    """The baselines of a `DigestStore`."""
    return Baselines(DigestStore(folder))


def open_digest_store(settings: Settings) -> "DigestStore":
    return DigestStore(settings.baselines)


@dataclass(frozen=True)
class DigestStore:
    """Baselines by the digest of their bytes, as LFS or a bucket would keep them; a `BaselineStore`.

    `objects/ab/<sha256>` are the files, each once however many keys have it, and `index.json` says which key has
    which. Objects come before the index that names them and go after the one that does not, so whoever reads finds
    what the index says; replacing the index is the one step that makes all of a write true.
    """

    folder: Path

    def keys(self) -> set[str]:
        return {key for key, entry in self._index().items() if entry["picture"]}

    def read(self, key: str) -> StoredFiles:
        while True:
            entry = self._index().get(key, {})
            try:
                return StoredFiles(self._object(entry.get("picture")), self._object(entry.get("sidecar")))
            except FileNotFoundError as error:
                # It may have been replaced between the two looks, also by the same again; otherwise it is lost.
                if self._index().get(key, {}) == entry:
                    raise self._error(f"the baseline can't be read: {error}", key) from error
            except OSError as error:
                raise self._error(f"the baseline can't be read: {error}", key) from error

    def digests(self, key: str) -> FileDigests:
        entry = self._index().get(key, {})
        return FileDigests(entry.get("picture"), entry.get("sidecar"))

    def write(self, files: Mapping[str, StoredFiles]) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with locked(self.folder / "lock"):
                index = self._index()
                try:
                    for key, both in files.items():
                        for data in (both.picture, both.sidecar):
                            if data is not None:
                                self._keep(data)
                        index[key] = {**vars(both.digests), "modified": time_ns()}
                    write_atomically(self.folder / "index.json", json.dumps(index, indent=1, sort_keys=True).encode())
                finally:
                    # Of a write that failed, and of what was replaced.
                    self._remove_unnamed()
        except OSError as error:
            raise BaselineError(
                f"the baseline can't be {'written' if any(map(_has_files, files.values())) else 'removed'}: {error}",
                where=str(self.folder),
            ) from error

    def modified_ns(self, key: str) -> int:
        return int(self._index().get(key, {}).get("modified", 0))

    def locate(self, key: str) -> str:
        return f"{self.folder.name}: {key}"

    def commands(self, key: str) -> StoreCommands:
        return StoreCommands(inspect=f"digests log '{key}'", restore=f"digests restore '{key}'")

    def keep_command(self) -> str:
        return ""

    def _index(self) -> dict[str, dict[str, Any]]:
        try:
            index: dict[str, dict[str, Any]] = json.loads((self.folder / "index.json").read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise BaselineError(f"the index can't be read: {error}", where=str(self.folder)) from error
        return index

    def _path(self, digest: str) -> Path:
        return self.folder / "objects" / digest[:2] / digest

    def _object(self, digest: str | None) -> bytes | None:
        return None if digest is None else self._path(digest).read_bytes()

    def _keep(self, data: bytes) -> None:
        path = self._path(sha256(data))
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, data)

    def _remove_unnamed(self) -> None:
        named = {digest for entry in self._index().values() for digest in (entry["picture"], entry["sidecar"])}
        for path in (self.folder / "objects").glob("*/*"):
            if path.name not in named:
                path.unlink()

    def _error(self, what: str, key: str) -> BaselineError:
        return BaselineError(what, where=self.locate(key), next_step=self.commands(key).restore)


def _has_files(files: StoredFiles) -> bool:
    return files != StoredFiles()


def install_digest_store(site: Path) -> dict[str, str]:
    """Install the package that offers `DigestStore` into a folder.

    Returns:
        Environment variables that put the folder on a process' path.
    """
    metadata = site / "digest_store-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: digest-store\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    paths = [str(site), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


def files_of(baselines: Baselines) -> dict[str, StoredFiles]:
    """The bytes of every baseline."""
    return {key: baselines.snapshot(key) for key in sorted(baselines.keys())}


def folder_of(baselines: Baselines) -> Path:
    """The folder of a `FolderStore`."""
    assert isinstance(baselines.store, FolderStore)
    return baselines.store.folder


def picture_file(baselines: Baselines, key: str) -> Path:
    return folder_of(baselines) / f"{key}.png"


def sidecar_file(baselines: Baselines, key: str) -> Path:
    return folder_of(baselines) / f"{key}.json"
