"""The seams of widgetshot: each protocol is one thing that can be swapped, and each swap touches one room.

A front end makes a notebook a live page, a browser host gives pages to show it in, an executor runs sessions, a store
holds baselines, a sink takes results. Nothing here does any work.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from widgetshot.files import sha256

if TYPE_CHECKING:
    from widgetshot.model import Result

# Front ends and the pages that they make ---------------------------------------------------------------------------


# Browsers -----------------------------------------------------------------------------------------------------------


# Sessions and results -----------------------------------------------------------------------------------------------


class RunSink(Protocol):
    """Takes the results of a run as they come. Usable from several threads."""

    def add(self, result: "Result", shot: bytes | None = None) -> None:
        """Take one result, with its pictures.

        Args:
            shot: the bytes of the shot's PNG file, where they are encoded already.
        """
        ...


# Baselines ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FileDigests:
    """The sha256 of each file of a baseline, in hexadecimal digits; None for one that does not exist."""

    picture: str | None = None
    sidecar: str | None = None


@dataclass(frozen=True)
class StoredFiles:
    """The bytes of a baseline as a store keeps them; None for a file that does not exist.

    Attributes:
        picture: a PNG file.
        sidecar: JSON text that says what the picture shows, see `widgetshot.baselines.sidecar`.
    """

    picture: bytes | None = None
    sidecar: bytes | None = None

    @property
    def digests(self) -> FileDigests:
        """The sha256 of each."""
        return FileDigests(*(None if data is None else sha256(data) for data in (self.picture, self.sidecar)))


NO_FILES = StoredFiles()


@dataclass(frozen=True)
class StoreCommands:
    """Commands that a person may type about one baseline, to be shown in messages.

    Attributes:
        inspect: shows what has happened to it.
        restore: puts back what was approved last.
    """

    inspect: str
    restore: str


class BaselineStore(Protocol):
    """Keeps the files of baselines by key. `widgetshot.baselines.access` knows what is in them.

    A key is text such as `page-chromium-linux/notebooks/x/shot[dark]`; none leads out of a folder, see
    `widgetshot.baselines.keys`. Methods may be called from several threads and processes at once. Each raises
    BaselineError, with the place and the next command, where the store can't do what is asked of it.
    """

    def keys(self) -> set[str]:
        """Return the keys of all pictures."""
        ...

    def read(self, key: str) -> StoredFiles:
        """Return the files of a key, byte for byte as they were written."""
        ...

    def digests(self, key: str) -> FileDigests:
        """Return the digests of the files of a key."""
        ...

    def write(self, files: Mapping[str, StoredFiles]) -> None:
        """Make the files of some keys these: all of them, or none. None removes a file."""
        ...

    def modified_ns(self, key: str) -> int:
        """Return when the files of a key last changed, in nanoseconds since the epoch; 0 if there never were any."""
        ...

    def locate(self, key: str) -> str:
        """Return where the picture of a key is, for a person to look it up."""
        ...

    def commands(self, key: str) -> StoreCommands:
        """Return what a person may type about the baseline of a key."""
        ...

    def keep_command(self) -> str:
        """Return what a person types to keep what was approved; "" where nothing is left to do."""
        ...
