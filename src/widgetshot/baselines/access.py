"""The baselines of a project, whatever store keeps them: what is read and written, checked and typed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from msgspec import UNSET

from widgetshot.baselines.keys import check_key
from widgetshot.baselines.sheets import digest_in, is_sheet, key_of, read_sheet, sheet_files
from widgetshot.baselines.sidecar import ShotDescription, baseline_of, encode_sidecar, with_sheet
from widgetshot.errors import BaselineError
from widgetshot.model import Baseline
from widgetshot.png_form import read_own_png
from widgetshot.ports import NO_FILES, BaselineStore, FileDigests, StoreCommands, StoredFiles

NOTHING_DESCRIBED = ShotDescription()


@dataclass(frozen=True)
class NewBaseline:
    """A picture that is to become a baseline.

    Attributes:
        picture: the bytes of a PNG file, which are stored as they are.
    """

    key: str
    picture: bytes
    description: ShotDescription = NOTHING_DESCRIBED


@dataclass(frozen=True)
class Baselines:
    """Approved pictures by key. Every method raises BaselineError for a key that leads out of a folder.

    Attributes:
        notices: what was done when they were opened, in sentences for whoever typed the command.
    """

    store: BaselineStore
    notices: tuple[str, ...] = ()
    _sheets: dict[str, Mapping[str, str]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def keys(self) -> set[str]:
        """Return all keys."""
        return self.store.keys()

    def read(self, key: str) -> Baseline | None:
        """Return the baseline of a key, or None when there is none.

        Raises:
            BaselineError: there is one, but its picture or its sidecar can't be read.
        """
        check_key(key)
        files = self.store.read(key)
        if files.picture is None:
            return None
        try:
            pixels = read_own_png(files.picture)
        except Exception as error:
            raise BaselineError(
                f"the baseline is no readable picture: {error}",
                where=self.store.locate(key),
                next_step=f"{self.store.commands(key).restore}  (or take it anew: --update-baselines)",
            ) from error
        try:
            baseline = baseline_of(files.picture, pixels, files.sidecar)
        except BaselineError as error:
            raise BaselineError(
                f"its sidecar can't be understood: {error.what}",
                where=self.store.locate(key),
                next_step=self.store.commands(key).restore,
            ) from error
        return replace(baseline, sheet=self._sheet_of(baseline))

    def _sheet_of(self, baseline: Baseline) -> Mapping[str, str]:
        """Return the calibration sheet of a baseline's renderer; empty where it is not known.

        Raises:
            BaselineError: its file is damaged.
        """
        digest = digest_in(baseline.fingerprint)
        return {} if digest is None else self.sheet(digest)

    def sheet(self, digest: str) -> Mapping[str, str]:
        """Return a calibration sheet, primitive -> digest; empty where the store does not have it.

        Raises:
            BaselineError: its file is damaged.
        """
        if digest not in self._sheets:
            self._sheets[digest] = read_sheet(self.store, digest) if digest else {}
        return self._sheets[digest]

    def digest(self, key: str) -> str | None:
        """Return the sha256 of the picture's file, whatever it holds; None when there is none."""
        return self.digests(key).picture

    def digests(self, key: str) -> FileDigests:
        """Return the sha256 of the picture's file and of the sidecar."""
        check_key(key)
        return self.store.digests(key)

    def version(self, key: str) -> str:
        """Return text that is another one as soon as the picture or the sidecar is."""
        digests = self.digests(key)
        return f"{digests.picture or '-'} {digests.sidecar or '-'}"

    def modified_ns(self, key: str) -> int:
        """Return when the picture or the sidecar last changed, in nanoseconds since the epoch; 0 for never."""
        check_key(key)
        return self.store.modified_ns(key)

    def write(self, key: str, picture: bytes, description: ShotDescription = NOTHING_DESCRIBED) -> None:
        """Store one baseline, see `write_all`."""
        self.write_all([NewBaseline(key, picture, description)])

    def write_all(self, baselines: Iterable[NewBaseline]) -> None:
        """Store baselines with their sidecars: all of them, or none.

        Raises:
            BaselineError: one can't be written; everything is as it was.
        """
        files = {}
        for one in baselines:
            files[one.key] = StoredFiles(one.picture, encode_sidecar(one.description, one.picture))
            described = one.description
            if described.sheet is not UNSET and described.fingerprint is not UNSET:
                files |= self._missing_sheet(digest_in(described.fingerprint), described.sheet)
        self.restore(files)

    def note_sheet(self, key: str, picture_sha256: str, digest: str, primitives: Mapping[str, str]) -> bool:
        """Note in a baseline's sidecar the calibration sheet of a renderer that draws exactly its picture.

        Args:
            picture_sha256: of the picture's file that was drawn.
            digest, primitives: of the sheet.

        Returns:
            Whether it is noted; false where the baseline is another one by now, or has no sidecar.

        Raises:
            BaselineError: it can't be written; everything is as it was.
        """
        files = self.snapshot(key)
        if files.sidecar is None or files.digests.picture != picture_sha256:
            return False
        self.restore(
            {
                key: StoredFiles(files.picture, with_sheet(files.sidecar, digest)),
                **self._missing_sheet(digest, primitives),
            }
        )
        return True

    def _missing_sheet(self, digest: str | None, primitives: Mapping[str, str]) -> dict[str, StoredFiles]:
        """Return the file of a sheet by its key, if the store does not have it."""
        if digest is None or not is_sheet(digest, primitives) or self.store.digests(key_of(digest)).sidecar is not None:
            return {}
        self._sheets.pop(digest, None)
        return {key_of(digest): sheet_files(primitives)}

    def snapshot(self, key: str) -> StoredFiles:
        """Return the bytes of a baseline's files as they are now, for `restore`."""
        check_key(key)
        return self.store.read(key)

    def restore(self, snapshots: Mapping[str, StoredFiles]) -> None:
        """Make the files of some keys what `snapshot` gave: all of them, or none.

        Raises:
            BaselineError: one can't be written; everything is as it was.
        """
        for key in snapshots:
            check_key(key)
        self.store.write(snapshots)

    def remove(self, keys: Iterable[str]) -> None:
        """Remove baselines: all of them, or none.

        Raises:
            BaselineError: one can't be removed.
        """
        self.restore(dict.fromkeys(keys, NO_FILES))

    def locate(self, key: str) -> str:
        """Return where a baseline is, for a person to look it up."""
        check_key(key)
        return self.store.locate(key)

    def commands(self, key: str) -> StoreCommands:
        """Return what a person may type about a baseline."""
        check_key(key)
        return self.store.commands(key)

    def keep_command(self) -> str:
        """Return what a person types to keep what was approved; "" where nothing is left to do."""
        return self.store.keep_command()
