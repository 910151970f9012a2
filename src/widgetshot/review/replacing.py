"""Baselines that decisions replace: written and put back so that none is ever half decided."""

import contextlib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from widgetshot.baselines.access import Baselines, NewBaseline
from widgetshot.errors import RecordError
from widgetshot.files import sha256, write_atomically
from widgetshot.ports import StoredFiles
from widgetshot.report.folder import PREVIOUS
from widgetshot.review.documents import Digests, PendingWrite, ReviewRecord
from widgetshot.review.record_file import RecordFile, unwritable


class Replacing:
    """Replaces baselines for the decisions on one run. What is replaced is kept in the run folder's `previous/`."""

    def __init__(self, record_file: RecordFile, baselines: Baselines) -> None:
        self._record_file = record_file
        self._baselines = baselines
        self._previous = record_file.folder / PREVIOUS

    def digests(self, key: str) -> Digests:
        """Return the digests of a baseline's files as they are now."""
        return Digests.of(self._baselines.digests(key))

    @contextlib.contextmanager
    def replaced(
        self, record: ReviewRecord, accepted: Sequence[NewBaseline], restored: Mapping[str, Digests]
    ) -> Iterator[dict[str, Digests]]:
        """Write and restore baselines; if that, or what is done with them, fails, all are as before.

        What is about to be replaced is noted first, so that even a killed process leaves no baseline half decided.

        Args:
            restored: key -> digests of the files that are put back.

        Yields:
            The digests of what was replaced, by key.

        Raises:
            RecordError, BaselineError: a file can't be read or written.
        """
        files = {key: self._baselines.snapshot(key) for key in (*(new.key for new in accepted), *restored)}
        if not files:
            yield {}
            return
        self._make_folder()
        before = {key: Digests(self._keep(both.picture), self._keep(both.sidecar)) for key, both in files.items()}
        targets = {new.key: sha256(new.picture) for new in accepted}
        targets_restored = {key: digests.picture for key, digests in restored.items()}
        pending = {
            key: PendingWrite(before=before[key], target=target) for key, target in (targets | targets_restored).items()
        }
        self._record_file.save(replace(record, pending=pending))
        try:
            if accepted:
                self._baselines.write_all(accepted)
            self._restore(restored)
            yield before
        except BaseException:
            self._baselines.restore(files)
            # When even this can't be written, the note stays, and the next one to come finds nothing left to do.
            with contextlib.suppress(RecordError):
                self._record_file.save(replace(record, pending={}))
            raise

    def recovered(self, record: ReviewRecord) -> ReviewRecord:
        """Put back what a process that was killed had begun to write, and return the record without it.

        Raises:
            RecordError, BaselineError: a file can't be read or written.
        """
        if not record.pending:
            return record
        self._restore(
            {
                key: pending.before
                for key, pending in record.pending.items()
                if self._baselines.digest(key) in (pending.before.picture, pending.target)
            }
        )
        whole = replace(record, pending={})
        self._record_file.save(whole)
        return whole

    def _restore(self, digests: Mapping[str, Digests]) -> None:
        self._baselines.restore(
            {
                key: StoredFiles(self._kept(key, both.picture), self._kept(key, both.sidecar))
                for key, both in digests.items()
            }
        )

    def _keep(self, data: bytes | None) -> str | None:
        if data is None:
            return None
        digest = sha256(data)
        try:
            write_atomically(self._previous / digest, data)
        except OSError as error:
            raise unwritable(self._record_file.folder, error) from error
        return digest

    def _make_folder(self) -> None:
        """Make the folder of what is replaced, also where nothing is yet: an undo will need it."""
        folder = self._previous
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise RecordError(
                "the decision can't be kept: its place is a link, or no folder",
                where=str(folder),
                next_step=f"rm {shlex.quote(str(folder))}",
            )
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise unwritable(self._record_file.folder, error) from error

    def _kept(self, key: str, digest: str | None) -> bytes | None:
        if digest is None:
            return None
        file = self._previous / digest
        try:
            data = file.read_bytes()
        except OSError as error:
            raise self._unusable(f"what was there before can't be read: {error}", file, key) from error
        if sha256(data) != digest:
            raise self._unusable("what was there before is damaged", file, key)
        return data

    def _unusable(self, what: str, file: Path, key: str) -> RecordError:
        return RecordError(what, where=str(file), next_step=self._baselines.commands(key).restore)
