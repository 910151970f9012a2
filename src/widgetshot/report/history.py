"""Verdicts and durations of earlier runs, in a small local file: what is flaky is seen, although it passes."""

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, field, to_builtins
from msgspec.structs import replace

from widgetshot.documents import Document, JsonValue, Time, convert, parse_json
from widgetshot.errors import WidgetshotError, one_line
from widgetshot.files import LOCAL_FOLDER, LOCK_WAIT_S, LockHeld, local_folder, locked, write_atomically
from widgetshot.model import Verdict
from widgetshot.report import entry_json
from widgetshot.report.entry_json import Entry
from widgetshot.report.limits import MAX_SECONDS

_FILE = "history.json"
_LOCK = "history.lock"
_MAX_STRETCHES = 12  # of one target
_RECENT_RUNS = 20
_MAX_AGE = timedelta(days=180)  # for which a target is remembered without being run
_FAILURES = {Verdict.CHANGED, Verdict.RESIZED, Verdict.BROKEN}
_Digest = Annotated[str, Meta(max_length=8)]  # the beginning of one


class Stretch(Document, frozen=True, array_like=True):
    """Runs in a row with one verdict against one baseline.

    Attributes:
        first, last: when the first and the last of them were.
        baseline: of the baseline's sha256; "" for none.
        first_inputs, last_inputs: what the first and the last were made from, see `_inputs`.
    """

    verdict: Verdict
    count: Annotated[int, Meta(ge=1, le=1_000_000_000)]
    first: Time
    last: Time
    baseline: _Digest
    first_inputs: _Digest
    last_inputs: _Digest


Stretches = Annotated[list[Stretch], Meta(min_length=1, max_length=_MAX_STRETCHES)]


class HistoryFile(Document, frozen=True):
    """The file. What is wrong for one target is lost for it.

    Attributes:
        targets: key of each target -> its stretches, the oldest first.
        seconds: key of each target -> how long it took in its last run.
    """

    format: Literal[1]
    targets: dict[str, JsonValue]
    seconds: dict[str, JsonValue] = field(default_factory=dict)


class History:
    """The verdicts of earlier runs on each target.

    An unreadable file counts as none: it is a convenience, and its loss must not fail a run.

    Attributes:
        notices: what is lost of it, in sentences.

    Args:
        root: the project's folder.
        lock_wait_s: seconds that another run may hold the file's lock.
    """

    def __init__(self, root: Path, lock_wait_s: float = LOCK_WAIT_S) -> None:
        self.notices: list[str] = []
        self._lock_wait_s = lock_wait_s
        self._root = root
        self._file = root / LOCAL_FOLDER / _FILE

    def note(self, entries: Iterable[Entry], time: str, commit: str | None) -> list[Entry]:
        """Add the verdicts of a run to the file, and return its entries with what is known of each target.

        Of two runs that end at once neither loses what the other notes. Without a place to write there is no history,
        and nothing else is lost.

        Args:
            entries: `tests[]` of run.json, without `history` and `flaky`.
            time: ISO 8601, of the run; what has not been run for half a year before is forgotten.
            commit: of the run's checkout.
        """
        with contextlib.ExitStack() as stack:
            is_kept = True
            try:
                stack.enter_context(locked(local_folder(self._root) / _LOCK, within=self._lock_wait_s))
            except LockHeld as error:
                self.notices.append(f"this run is not in the history of verdicts: {error}")
                is_kept = False
            except OSError:
                pass  # without a place for a lock there is hardly one to write
            targets, seconds = self._read()
            noted = []
            for entry in entries:
                inputs = _inputs(self._root / entry.notebook, commit)
                latest = Stretch(entry.verdict, 1, time, time, (entry.baseline_sha256 or "")[:8], inputs, inputs)
                stretches = targets[entry.key] = _with(targets.get(entry.key, []), latest)
                seconds[entry.key] = entry.duration
                history = [entry_json.Stretch(one.verdict, one.count, one.first, one.last) for one in stretches]
                noted.append(replace(entry, history=history, flaky=flaky(stretches)))
            try:
                if is_kept:
                    _write(self._file, targets, seconds, datetime.fromisoformat(time) - _MAX_AGE)
            except OSError as error:
                self.notices.append(f"this run is not in the history of verdicts: {error}")
            return noted

    def seconds(self) -> dict[str, float]:
        """Return how long each target took in its last run, by key."""
        _, seconds = self._read()
        return seconds

    def _read(self) -> tuple[dict[str, list[Stretch]], dict[str, float]]:
        file = self._file
        try:
            known = convert(HistoryFile, parse_json(file.read_bytes()), file, next_step="")
        except FileNotFoundError:
            return {}, {}
        except (OSError, ValueError, WidgetshotError) as error:
            self.notices.append(f"the history of verdicts was damaged and begins anew: {one_line(error)}")
            return {}, {}
        targets: dict[str, list[Stretch]] = {}
        lost = 0
        for key, value in known.targets.items():
            try:
                stretches = convert(Stretches, value, file, next_step="")
                for stretch in stretches:
                    # Days and hours that no calendar has.
                    datetime.fromisoformat(stretch.first), datetime.fromisoformat(stretch.last)
                targets[key] = stretches
            except (ValueError, WidgetshotError):
                lost += 1
        if lost:
            self.notices.append(f"the history of verdicts was damaged: that of {lost} pictures begins anew")
        # It is measured anew with the next run.
        seconds = {key: float(value) for key, value in known.seconds.items() if _is_duration(value)}
        return targets, seconds


def _is_duration(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MAX_SECONDS


def _write(file: Path, targets: Mapping[str, list[Stretch]], seconds: Mapping[str, float], oldest: datetime) -> None:
    kept = {key: many for key, many in targets.items() if datetime.fromisoformat(many[-1].last) >= oldest}
    members = {
        "targets": {key: to_builtins(many) for key, many in kept.items()},
        "seconds": {key: seconds[key] for key in kept if key in seconds},
    }
    texts = [
        f'"{name}": {{\n' + ",\n".join(f"{json.dumps(key)}: {json.dumps(one)}" for key, one in sorted(of_each.items()))
        for name, of_each in members.items()
    ]
    write_atomically(file, ('{"format": 1, ' + "\n}, ".join(texts) + "\n}}\n").encode())


def _inputs(source: Path, commit: str | None) -> str:
    """Return the beginning of a digest of the checkout's commit and the file that declares a target.

    Args:
        source: a notebook, or `tests/test_x.py/test_name` for a picture of a Python test.
    """
    digest = hashlib.sha256((commit or "").encode())
    with contextlib.suppress(OSError):
        digest.update((source if source.is_file() else source.parent).read_bytes())
    return digest.hexdigest()[:8]


def _with(stretches: Sequence[Stretch], latest: Stretch) -> list[Stretch]:
    """Return a target's stretches with one run more.

    Args:
        latest: that run, as a stretch of its own.
    """
    *before, last = stretches or (latest,)
    if stretches and (last.verdict, last.baseline) == (latest.verdict, latest.baseline):
        return [*before, replace(last, count=last.count + 1, last=latest.last, last_inputs=latest.last_inputs)]
    return [*stretches, latest][-_MAX_STRETCHES:]


def flaky(stretches: Sequence[Stretch]) -> bool:
    """Return whether a target was unstable in its last 20 runs, or failed between two matches for no reason of its own.

    That is: against the same baseline, and its verdict came or went although neither commit nor notebook changed. Who
    breaks something and repairs it changes one of them each time.
    """
    recent: list[Stretch] = []
    runs = 0
    for stretch in reversed(stretches):
        recent.insert(0, stretch)
        runs += stretch.count
        if runs >= _RECENT_RUNS:
            break
    if any(stretch.verdict is Verdict.UNSTABLE for stretch in recent):
        return True
    return any(
        _came_or_went([stretch for stretch in recent if stretch.baseline == baseline])
        for baseline in {stretch.baseline for stretch in recent}
    )


def _came_or_went(stretches: Sequence[Stretch]) -> bool:
    """Return whether a failure between the first and the last match began or ended with the same inputs."""
    matches = [index for index, stretch in enumerate(stretches) if stretch.verdict is Verdict.MATCH]
    between = stretches[matches[0] : matches[-1] + 1] if matches else []
    return any(
        one.verdict is not other.verdict
        and {one.verdict, other.verdict} & _FAILURES
        and one.last_inputs == other.first_inputs
        for one, other in pairwise(between)
    )
