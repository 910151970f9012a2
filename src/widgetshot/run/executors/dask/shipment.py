"""The files of a project on a worker that has them in no place of its own: kept by digest, so that each comes once."""

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from widgetshot.errors import ServerError
from widgetshot.project.project_files import ProjectFile, ProjectFiles, read_content

CHUNK_BYTES = 16 * 1024 * 1024  # of files that travel together


class FileStore:
    """The files that a worker was given. Usable from threads.

    Args:
        folder: of the worker; it is removed with it.
    """

    def __init__(self, folder: Path) -> None:
        self._files = folder / "files"
        self._projects = folder / "projects"

    def missing(self, digests: Iterable[str]) -> list[str]:
        """Return those of some files, by their sha256, that were never given."""
        return [digest for digest in digests if not (self._files / digest).is_file()]

    def add(self, files: Mapping[str, bytes]) -> None:
        """Keep files by their sha256.

        Raises:
            ServerError: a file is not what it should be.
        """
        self._files.mkdir(parents=True, exist_ok=True)
        for digest, data in files.items():
            if hashlib.sha256(data).hexdigest() != digest:
                raise ServerError("a file of the project has changed on its way")
            begun = self._files / f".{secrets.token_hex(8)}"
            begun.write_bytes(data)
            begun.replace(self._files / digest)

    def make(self, run: str, project: ProjectFiles) -> Path:
        """Make the folder of a project for a run, of files that are all here.

        Returns:
            Its root.

        Raises:
            ServerError: a file leads out of the project.
        """
        root = (self._projects / run).resolve()
        for path, file in sorted(project.files.items()):
            parts = PurePosixPath(path)
            if parts.is_absolute() or ".." in parts.parts:
                raise ServerError(f"{path} leads out of the project")
            place = root / parts
            if place.parent.resolve() != place.parent:
                continue  # below a link: it is what that leads to
            place.parent.mkdir(parents=True, exist_ok=True)
            kept = self._files / file.sha256
            if file.mode == 0:
                place.symlink_to(os.fsdecode(kept.read_bytes()))
            else:
                shutil.copyfile(kept, place)
                place.chmod(file.mode)
        return root

    def remove(self, run: str) -> None:
        """Remove the folder of a run, if there is one."""
        shutil.rmtree(self._projects / run, ignore_errors=True)


@dataclass
class Chunk:
    """Files that travel together.

    Attributes:
        contents: by their sha256.
        changed: those that are no longer what they were, by their paths in the project.
    """

    contents: dict[str, bytes] = field(default_factory=dict)
    changed: dict[str, ProjectFile] = field(default_factory=dict)


def chunks(root: Path, project: ProjectFiles, digests: Iterable[str]) -> Iterator[Chunk]:
    """Yield some of a project's files, by their sha256, in parts that travel together.

    Raises:
        OSError: one can't be read.
    """
    wanted = set(digests)
    chunk, size = Chunk(), 0
    for path, file in project.files.items():
        if file.sha256 not in wanted:
            continue
        data = read_content(root / path, file.mode)
        digest = hashlib.sha256(data).hexdigest()
        if digest != file.sha256:
            chunk.changed[path] = ProjectFile(digest, file.mode, len(data))
        wanted.discard(digest)
        chunk.contents[digest] = data
        size += len(data)
        if size > CHUNK_BYTES:
            yield chunk
            chunk, size = Chunk(), 0
    if chunk.contents:
        yield chunk
