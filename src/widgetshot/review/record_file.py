"""The file `review.json`: read only where it was written, replaced whole."""

import hmac
import json
import os
import secrets
from pathlib import Path
from typing import Any

import msgspec

from widgetshot.documents import JsonValue, convert, parse_json
from widgetshot.errors import RecordError
from widgetshot.files import LOCAL_FOLDER, local_folder, read_inside, write_atomically
from widgetshot.report.folder import REVIEW
from widgetshot.review.documents import FORMAT, ReviewRecord
from widgetshot.shell import quoted

_SECRET = "review.key"
_MAX_BYTES = 64_000_000
_SECRET_BYTES = 32


class RecordFile:
    """The record of the decisions on the run of one folder.

    It carries a seal made with a secret of this checkout, because whoever could write it could make an undo put any
    bytes among the baselines.

    Args:
        root: the project's folder, which has the secret.
    """

    def __init__(self, run_folder: Path, root: Path) -> None:
        self.folder = run_folder
        self._file = run_folder / REVIEW
        self._root = root

    def load(self, run_id: str) -> ReviewRecord:
        """Return the record of a run; an empty one where nothing is decided on this run.

        Raises:
            RecordError: the file can't be read, or was not written in this checkout.
        """
        remedy = f"rm {quoted(self._file)}"
        try:
            members = parse_json(read_inside(self.folder, REVIEW, _MAX_BYTES))
        except FileNotFoundError:
            return ReviewRecord(run=run_id)
        except (OSError, ValueError) as error:
            raise RecordError(f"can't be read: {error}", where=str(self._file), next_step=remedy) from error
        if not isinstance(members, dict) or not self._is_sealed(members):
            raise RecordError(
                "was not written in this checkout, so nothing in it can be trusted or taken back",
                where=str(self._file),
                next_step=remedy,
            )
        del members["seal"]
        if members.get("format") != FORMAT:
            raise RecordError(
                f"is of format {members.get('format')!r}; this version reads {FORMAT}",
                where=str(self._file),
                next_step="use the version of widgetshot that wrote it",
            )
        record = convert(ReviewRecord, members, self._file, next_step=remedy)
        return record if record.run == run_id else ReviewRecord(run=run_id)

    def save(self, record: ReviewRecord) -> None:
        """Replace the file.

        Raises:
            RecordError: it can't be written.
        """
        members = msgspec.to_builtins(record)
        try:
            seal = _seal(members, self._made_secret())
            write_atomically(self._file, json.dumps({**members, "seal": seal}, indent=1).encode())
        except OSError as error:
            raise unwritable(self.folder, error) from error

    def _is_sealed(self, members: dict[str, Any]) -> bool:
        try:
            secret = (self._root / LOCAL_FOLDER / _SECRET).read_bytes()
        except OSError:
            return False
        if len(secret) != _SECRET_BYTES:
            return False
        seal = members.get("seal")
        own = _seal({name: value for name, value in members.items() if name != "seal"}, secret)
        return isinstance(seal, str) and hmac.compare_digest(seal.encode(errors="replace"), own.encode())

    def _made_secret(self) -> bytes:
        """Return the secret of this checkout, which is made if there is none."""
        file = local_folder(self._root) / _SECRET
        # One that was cut short would let others seal as well.
        if not file.exists() or file.stat().st_size != _SECRET_BYTES:
            # Private to its owner from the beginning, and whole or not at all.
            new = file.with_suffix(".tmp")
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
                opened.write(secrets.token_bytes(_SECRET_BYTES))
            new.replace(file)
        return file.read_bytes()


def _seal(members: JsonValue, secret: bytes) -> str:
    """Return the message authentication code (HMAC-SHA256) of a record."""
    return hmac.new(secret, json.dumps(members, sort_keys=True).encode(), "sha256").hexdigest()


def unwritable(run_folder: Path, error: OSError) -> RecordError:
    """Return the error of a decision that can't be kept."""
    return RecordError(
        f"the decision can't be kept: {error}",
        where=str(run_folder),
        next_step="free some space, then decide again",
    )
