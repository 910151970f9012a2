"""`.widgetshot/passed.json`: the sessions that passed, and what each was made from. A cache of one checkout."""

import json
import secrets
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field
from msgspec.structs import replace

from widgetshot.documents import Document, JsonValue, Sha256, Time, convert, parse_json
from widgetshot.errors import WidgetshotError, one_line
from widgetshot.files import sha256, write_atomically
from widgetshot.selection.states import FileState, Tree
from widgetshot.shell import quoted

Digest = str  # of what stands in one of the document's tables
Salt = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]


class PassedSession(Document, frozen=True, kw_only=True):
    """A session that passed: the state of all that it was made from.

    Attributes:
        time: when it passed, ISO 8601.
        baselines: name of each target that passed -> version of its baseline.
        options: what of the configuration has a part in its pictures, by a name for messages.
        files: path -> state of each file that it read.
        matched: path -> state of each file that its `inputs` matched; None where it declares none.
        unseen: why it may be made from more than was seen, or "".
        surroundings, trees, beside, folders, modules: digests of what stands in the document's tables.
    """

    time: Time
    baselines: dict[str, str]
    options: dict[str, str]
    files: dict[str, FileState]
    matched: dict[str, FileState] | None
    unseen: str
    surroundings: Digest
    trees: dict[str, Digest]
    beside: dict[str, Digest]
    folders: dict[str, Digest]
    modules: dict[str, Digest]


class PassDocument(Document, frozen=True, kw_only=True):
    """All sessions that passed, by name; what several of them share is there once, by its digest."""

    salt: Salt
    sessions: dict[str, PassedSession] = field(default_factory=dict)
    surroundings: dict[Digest, dict[str, str]] = field(default_factory=dict)
    trees: dict[Digest, Tree] = field(default_factory=dict)
    listings: dict[Digest, list[str]] = field(default_factory=dict)


class PassFile(Document, frozen=True, kw_only=True):
    """The file: what it holds, and the digest of that, by which a damaged file is known."""

    format: Literal[2]
    sha256: Sha256
    content: PassDocument


def read_passed(file: Path) -> tuple[PassDocument, str]:
    """Read the file; one that is not there, or can't be read, counts as empty. Then everything is run.

    Returns:
        What it holds, and why it can't be read; "" where it can, or is not there.
    """
    empty = PassDocument(salt=secrets.token_hex(16))
    try:
        # Not `documents.read`: names of files may hold what is no text.
        value = parse_json(file.read_bytes())
        whole = convert(PassFile, value, file, next_step=f"rm {quoted(file)}")
        for session in whole.content.sessions.values():
            datetime.fromisoformat(session.time)  # days and hours that no calendar has
        if sha256(_text(value["content"])) == whole.sha256:
            return whole.content, ""
    except FileNotFoundError:
        return empty, ""
    except (OSError, ValueError, WidgetshotError) as error:
        return empty, one_line(error)
    return empty, f"{file}: is not as it was written"


def write_passed(file: Path, document: PassDocument) -> None:
    """Write the file, without what no session refers to any more.

    Raises:
        OSError: it can't be written.
    """
    sessions = document.sessions.values()
    used_trees = {digest for one in sessions for digest in one.trees.values()}
    used_listings = {
        digest for one in sessions for each in (one.beside, one.folders, one.modules) for digest in each.values()
    }
    used_surroundings = {one.surroundings for one in sessions}
    whole = replace(
        document,
        surroundings={name: one for name, one in document.surroundings.items() if name in used_surroundings},
        trees={name: one for name, one in document.trees.items() if name in used_trees},
        listings={name: one for name, one in document.listings.items() if name in used_listings},
    )
    content = msgspec.to_builtins(whole)
    write_atomically(file, _text({"format": 2, "sha256": sha256(_text(content)), "content": content}))


def _text(value: JsonValue) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
