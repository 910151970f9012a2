"""The decisions on one run: applied to the baselines as they are taken, remembered, and taken back."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import replace

from widgetshot.baselines.access import Baselines, NewBaseline
from widgetshot.errors import ConfigError, RecordError, StaleDecision, WidgetshotError
from widgetshot.files import LockHeld, local_folder, locked
from widgetshot.model import Verdict
from widgetshot.report.entry_json import Entry
from widgetshot.report.folder import JOURNAL, RUN_FILE, refuse_own_settings
from widgetshot.report.reader import read_run
from widgetshot.report.run_json import Run
from widgetshot.review.approve import LOOK_AGAIN, check_rejected, check_seen, new_baseline
from widgetshot.review.documents import RecordedDecision, Replaced, ReviewRecord, ReviewState
from widgetshot.review.record_file import RecordFile
from widgetshot.review.replacing import Replacing
from widgetshot.review.requests import (
    DecisionRequest,
    MalformedDecision,
    Request,
    UndoRequest,
    UnknownResult,
)
from widgetshot.review.reviewer import sentence_of

_LOCK = "review.lock"
# The order in which a person is asked; matches are no question. As VERDICTS in js/src/gallery/run.ts.
_URGENCY = (Verdict.CHANGED, Verdict.RESIZED, Verdict.NEW, Verdict.UNSTABLE, Verdict.BROKEN)
Checked = TypeVar("Checked")


class ReviewSession:
    """The decisions on the run of one folder. Usable from several threads and several processes at once.

    They are in the folder's `review.json`, the baselines' files they replaced in `previous/`.

    Attributes:
        id: the run's id; another run in the same folder is another session.

    Args:
        root: the project's folder.

    Raises:
        RecordError: the folder holds no run that can be read.
        ConfigError: the project's folder lies within it.
    """

    def __init__(self, run_folder: Path, baselines: Baselines, root: Path) -> None:
        refuse_own_settings(run_folder, root)
        self.folder = run_folder
        self.baselines = baselines
        self.root = root
        self._record_file = RecordFile(run_folder, root)
        self._replacing = Replacing(self._record_file, baselines)
        self._read: tuple[Any, Run] | None = None
        self.id = self.run.id

    @property
    def run(self) -> Run:
        """The run that is in the folder now, see `read_run`."""
        signature = [_signature(self.folder / name) for name in (RUN_FILE, JOURNAL)]
        if self._read is None or self._read[0] != signature:
            self._read = (signature, read_run(self.folder))
        return self._read[1]

    def open_results(self) -> list[Entry]:
        """Return the results that need a decision, the most urgent first; decided or not."""
        return sorted(
            (entry for entry in self.run.tests if _is_open(entry)),
            key=lambda entry: (_URGENCY.index(entry.verdict), -(entry.metrics.changed_pixels or 0)),
        )

    def counts(self) -> tuple[int, int, int]:
        """Return how many results were accepted, were rejected, and are left."""
        decisions, entries = self.state().decisions, self.open_results()
        verdicts = [decisions[entry.key].verdict for entry in entries if entry.key in decisions]
        accepted = verdicts.count("accept")
        return accepted, len(verdicts) - accepted, len(entries) - len(verdicts)

    def state(self) -> ReviewState:
        """Return what is decided.

        Raises:
            RecordError: `review.json` can't be read, or was not written here.
        """
        return self._record_file.load(self.id).state

    def decide(self, requests: Sequence[DecisionRequest]) -> ReviewState:
        """Take decisions: all of them, or none. Accepting writes the baseline, rejecting puts back what was there.

        Returns:
            The state after it.

        Raises:
            MalformedDecision: two are about one result.
            UnknownResult: the run has no such result.
            ConfigError: it can't be accepted, or needs no decision.
            StaleDecision: a picture, the baseline, the run or somebody else's decision is not what the reviewer saw.
            RecordError, BaselineError: a file can't be read or written.
        """
        with self._held() as record:
            checked = _checked(requests, lambda one: self._check(one, record))
            accepted = [new for new in checked if new is not None]
            rewritten = {new.key for new in accepted}
            rejected = [one.key for one in requests if one.verdict == "reject"]
            restored = {key: undo.before for key in rejected if (undo := _undo_of(key, record))}
            version = record.version + 1
            with self._replacing.replaced(record, accepted, restored) as before:
                decisions = dict(record.decisions)
                for one in requests:
                    undo = _undo_of(one.key, record) if one.verdict == "accept" else None
                    if one.key in rewritten:
                        undo = Replaced(before=before[one.key], after=self._replacing.digests(one.key))
                    decisions[one.key] = RecordedDecision(
                        verdict=one.verdict,
                        comment=one.comment,
                        reviewer=one.reviewer,
                        time=datetime.now(UTC).isoformat(timespec="seconds"),
                        version=version,
                        written=one.verdict == "accept",
                        undo=undo,
                    )
                return self._saved(replace(record, version=version, decisions=decisions, pending={}))

    def undo(self, requests: Sequence[UndoRequest]) -> ReviewState:
        """Take decisions back, all of them or none; baselines are byte for byte what they were before.

        Returns:
            The state after it.

        Raises:
            MalformedDecision: two are about one result.
            UnknownResult: the run has no such result.
            StaleDecision: the decision is another one by now, or the baseline is not the one that was written.
            RecordError, BaselineError: a file can't be read or written.
        """
        with self._held() as record:
            _checked(requests, lambda one: self._check_undo(one, record))
            restored = {one.key: undo.before for one in requests if (undo := _undo_of(one.key, record))}
            left = {key: one for key, one in record.decisions.items() if key not in {one.key for one in requests}}
            with self._replacing.replaced(record, [], restored):
                return self._saved(replace(record, version=record.version + 1, decisions=left, pending={}))

    def _check(self, request: DecisionRequest, record: ReviewRecord) -> NewBaseline | None:
        """Refuse a decision that is not about what is there.

        Returns:
            The baseline that is to be written, if one is.
        """
        entry = self._entry(request.key)
        name = entry.name
        _check_seen(request, record, name)
        if not _is_open(entry):
            why = "the run has written its baseline" if entry.updated else "it matches its baseline"
            raise ConfigError(f"needs no decision: {why}", where=name)
        check_seen(entry, request)
        undo = _undo_of(request.key, record)
        if undo is not None:
            self._check_restorable(request.key, undo, name)
            if request.verdict == "accept" and self._replacing.digests(request.key) == undo.after:
                return None  # it is there already
        elif request.verdict == "reject":
            check_rejected(entry, self.folder, self.baselines)
        return new_baseline(entry, self.folder, self.baselines) if request.verdict == "accept" else None

    def _check_undo(self, request: UndoRequest, record: ReviewRecord) -> None:
        name = self._entry(request.key).name
        _check_seen(request, record, name)
        if request.key not in record.decisions:
            raise StaleDecision("nothing is decided on it", where=name)
        if undo := _undo_of(request.key, record):
            self._check_restorable(request.key, undo, name)

    def _check_restorable(self, key: str, undo: Replaced, name: str) -> None:
        if self._replacing.digests(key) not in (undo.after, undo.before):
            raise StaleDecision(
                "its baseline is not the one that accepting it wrote; what is there now stays",
                where=name,
                next_step=self.baselines.commands(key).inspect,
            )

    def _entry(self, key: str) -> Entry:
        for entry in self.run.tests:
            if entry.key == key:
                return entry
        raise UnknownResult("the run has no such result", where=key[:200], next_step=LOOK_AGAIN)

    @contextlib.contextmanager
    def _held(self) -> Iterator[ReviewRecord]:
        """Yield what is decided; nobody else decides on anything in this checkout meanwhile."""
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locked(local_folder(self.root) / _LOCK))
            except LockHeld as error:
                raise RecordError(
                    f"nothing was decided: {error}",
                    where=str(self.root),
                    next_step="wait until it has ended, or end it, then decide again",
                ) from error
            except OSError as error:
                raise RecordError(
                    f"no lock can be had: {error}", where=str(self.root), next_step="make that folder writable"
                ) from error
            if self.run.id != self.id:
                raise StaleDecision("the folder holds another run now", where=str(self.folder), next_step=LOOK_AGAIN)
            yield self._replacing.recovered(self._record_file.load(self.id))

    def _saved(self, record: ReviewRecord) -> ReviewState:
        self._record_file.save(record)
        return record.state


def _checked(requests: Sequence[Request], check: Callable[[Request], Checked]) -> list[Checked]:
    """Return what a check gives for each request; raise what is wrong with any of them, all at once."""
    found: list[Checked] = []
    problems: list[WidgetshotError] = []
    keys: set[str] = set()
    for one in requests:
        try:
            if one.key in keys:
                raise MalformedDecision("is decided twice", where=one.key[:200])
            keys.add(one.key)
            found.append(check(one))
        except WidgetshotError as error:
            problems.append(error)
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise type(problems[0])(
            "nothing was decided:\n" + "\n".join(f"- {problem}" for problem in problems),
            next_step=problems[0].next_step,
        )
    return found


def _check_seen(request: DecisionRequest | UndoRequest, record: ReviewRecord, name: str) -> None:
    """Refuse a request by somebody who does not know what is decided by now."""
    current = record.decisions.get(request.key)
    if current is None and request.seen:
        raise StaleDecision("the decision on it has been taken back meanwhile", where=name, next_step=LOOK_AGAIN)
    if current is not None and request.seen != current.version:
        raise StaleDecision(f"{sentence_of(current)} meanwhile", where=name, next_step=LOOK_AGAIN)


def _undo_of(key: str, record: ReviewRecord) -> Replaced | None:
    """Return what the decision on a result has replaced; None where it has written nothing."""
    decision = record.decisions.get(key)
    return decision.undo if decision is not None and decision.written else None


def _is_open(entry: Entry) -> bool:
    return entry.verdict in _URGENCY and not entry.updated


def _signature(file: Path) -> tuple[int, int, int] | None:
    """Return what tells one version of a file from another; files that are replaced atomically are other files."""
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size
