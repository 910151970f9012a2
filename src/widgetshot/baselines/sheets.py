"""Calibration sheets beside the baselines: each is one file of the store, by its digest, that many sidecars name.

It lies where a sidecar without a picture would lie, `sheets/DIGEST`. What is in it follows from its name, so two
branches that write it write the same.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Literal

from widgetshot.documents import Document, convert, parse_json
from widgetshot.errors import BaselineError
from widgetshot.ports import BaselineStore, StoredFiles
from widgetshot.verdict.renderers import SHEET, digest_of, edition_of

FOLDER = "sheets"
_FORMAT = 1
_DIGEST = re.compile(r"[0-9]{1,6}\.[0-9a-f]{12}")


class _SheetFile(Document, frozen=True, kw_only=True):
    format: Literal[1]
    primitives: dict[str, str]


def digest_in(fingerprint: Mapping[str, Any]) -> str | None:
    """Return the digest of the calibration sheet that a fingerprint names; None where that is not known."""
    digest = fingerprint.get(SHEET)
    return digest if isinstance(digest, str) and _DIGEST.fullmatch(digest) else None


def key_of(digest: str) -> str:
    """Return the key of a sheet in a store."""
    return f"{FOLDER}/{digest}"


def is_sheet(digest: str, primitives: Mapping[str, str]) -> bool:
    """Tell whether a digest is that of some primitives."""
    return _DIGEST.fullmatch(digest) is not None and digest_of(int(edition_of(digest)), primitives) == digest


def sheet_files(primitives: Mapping[str, str]) -> StoredFiles:
    """Return the files of a sheet as a store keeps them: members sorted, each on a line of its own."""
    members = {"format": _FORMAT, "primitives": dict(primitives)}
    return StoredFiles(None, (json.dumps(members, indent=1, sort_keys=True) + "\n").encode())


def read_sheet(store: BaselineStore, digest: str) -> Mapping[str, str]:
    """Return the primitives of a sheet and their digests; empty where the store does not have it.

    Raises:
        BaselineError: its file is damaged.
    """
    key = key_of(digest)
    data = store.read(key).sidecar
    if data is None:
        return {}
    try:
        primitives = convert(_SheetFile, parse_json(data), "", next_step="", error=BaselineError).primitives
        if not is_sheet(digest, primitives):
            raise BaselineError("it is not the one that its name says")
    except (BaselineError, ValueError) as error:
        what = error.what if isinstance(error, BaselineError) else str(error)
        raise BaselineError(
            f"the calibration sheet can't be understood: {what}",
            where=key,
            next_step=store.commands(key).restore,
        ) from error
    return primitives
