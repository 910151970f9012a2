"""Notes of sessions that passed, made when they have come to their end."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from widgetshot.baselines.access import Baselines
from widgetshot.errors import WidgetshotError
from widgetshot.files import LOCAL_FOLDER
from widgetshot.project.settings import Settings
from widgetshot.selection.current import CurrentState
from widgetshot.selection.document import PassDocument, PassedSession
from widgetshot.selection.session import Session
from widgetshot.selection.snapshot import InputSnapshot
from widgetshot.selection.states import digest_of, modified_ns

# By how much the clock of a file system may lag behind ours.
_CLOCK_LAG_NS = 20_000_000 if sys.platform.startswith("linux") else 2_000_000_000


@dataclass(frozen=True)
class FinishedSession:
    """A session that came to its end.

    Attributes:
        reads: what it was made from; None if not all of it passed.
        begin: when it began, in nanoseconds since the epoch.
        written: names of the targets whose baselines the run wrote.
    """

    session: Session
    reads: InputSnapshot | None
    begin: int
    written: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Note:
    """A note of a session, and the states that it shares with others, by digest."""

    passed: PassedSession
    surroundings: Mapping[str, dict[str, str]]
    trees: Mapping[str, dict[str, str]]
    listings: Mapping[str, list[str]]


def note_of(
    finished: FinishedSession, settings: Settings, now: CurrentState, baselines: Baselines, salt: str
) -> Note | None:
    """Return what is to be kept of a session; None if it can't be relied on.

    Args:
        salt: see `CurrentState.surroundings`.
    """
    if finished.reads is None:
        return None
    try:
        return _note(finished, finished.reads, settings, now, baselines, salt)
    except (OSError, ValueError, WidgetshotError):
        return None


def with_session(document: PassDocument, name: str, note: Note | None) -> PassDocument:
    """Return a document in which a session stands as it was noted; without the session where nothing was."""
    sessions = dict(document.sessions)
    before = sessions.pop(name, None)
    if note is None:
        return replace(document, sessions=sessions)
    passed = note.passed
    if before is not None and replace(before, time=passed.time, baselines=passed.baselines) == passed:
        # Of the same inputs, what passed in an earlier run of other targets has passed still.
        passed = replace(passed, baselines=before.baselines | passed.baselines)
    return replace(
        document,
        sessions=sessions | {name: passed},
        surroundings={**document.surroundings, **note.surroundings},
        trees={**document.trees, **note.trees},
        listings={**document.listings, **note.listings},
    )


def _note(
    finished: FinishedSession,
    reads: InputSnapshot,
    settings: Settings,
    now: CurrentState,
    baselines: Baselines,
    salt: str,
) -> Note | None:
    session = finished.session
    keys = {target.name: settings.key(target) for target in session.targets}
    folder = str((settings.root / session.notebook.path).parent)
    files = {path: now.file(path) for path in sorted(_files(session, reads, settings))}
    matched = now.matched(session.notebook)
    # What changed while it ran may have been read before or after that.
    times = [modified_ns(path) for path in (*files, *(matched or {}), *reads.folders, *reads.modules)]
    times += [baselines.modified_ns(key) for name, key in keys.items() if name not in finished.written]
    if any(time >= finished.begin - _CLOCK_LAG_NS for time in times):
        return None
    packages = reads.python[2] if reads.python else ()
    trees = {path: now.tree(path) for path in sorted({*now.shared_trees, *reads.trees, *packages})}
    # What was given to it above its folder was chosen among all that is there.
    seen = str(settings.root) if reads.above else folder
    beside = {seen: now.names_beside(seen)}
    folders = {path: now.names_in(path) for path in sorted(reads.folders)}
    modules = {path: now.module_names_in(path) for path in sorted(reads.modules - {folder})}
    surroundings = now.surroundings(salt)
    passed = PassedSession(
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        baselines={name: baselines.version(key) for name, key in keys.items()},
        options=now.options(session),
        files=files,
        matched=matched,
        unseen=reads.unseen,
        surroundings=digest_of(surroundings),
        trees=_digests(trees),
        beside=_digests(beside),
        folders=_digests(folders),
        modules=_digests(modules),
    )
    return Note(
        passed,
        {passed.surroundings: surroundings},
        {digest_of(tree): tree for tree in trees.values()},
        {digest_of(names): names for names in (*beside.values(), *folders.values(), *modules.values())},
    )


def _files(session: Session, reads: InputSnapshot, settings: Settings) -> set[str]:
    """Return the paths of the files that a session was made from."""
    notebook = settings.root / session.notebook.path
    uploads = {
        os.path.normpath(notebook.parent / str(step.arguments["file"]))
        for target in session.notebook.targets
        for step in target.steps
        if step.action == "upload"
    }
    executable = {os.path.realpath(reads.python[0])} if reads.python else set()
    # What we write there ourselves is no part of a picture.
    local = str(settings.root / LOCAL_FOLDER) + os.sep
    return {str(notebook), *uploads, *executable, *(path for path in reads.files if not path.startswith(local))}


def _digests(states: Mapping[str, Any]) -> dict[str, str]:
    return {path: digest_of(state) for path, state in states.items()}
