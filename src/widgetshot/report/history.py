"""The verdicts of earlier runs, in a small local file beside the project: what is flaky is seen, although it passes."""

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from msgspec import convert
from msgspec.structs import replace

from widgetshot.files import LOCAL_FOLDER, local_folder, locked, write_atomically
from widgetshot.report import run_json
from widgetshot.report.run_json import Entry

FORMAT = 1
_FILE = "history.json"
_LOCK = "history.lock"
_MOST_STRETCHES = 12  # of one target
_MOST_RUNS = 20  # that count as recent
_LONGEST = timedelta(days=180)  # that a target is remembered without being run
_FAILURES = {"changed", "resized", "broken"}

# A stretch of runs with one verdict against one baseline: verdict, how many, first and last time, begin of the
# baseline's sha256, and what the first and the last of them were made from (see `_inputs`). Plain lists, because that
# is what the file holds; older files have lists without the last two.
Stretch = list[Any]


class History:
    """What earlier runs said of each target.

    An unreadable file counts as none: it is a convenience, and its loss must not fail a run.

    Args:
        root: the project's folder.
    """

    def __init__(self, root: Path) -> None:
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
            with contextlib.suppress(OSError):
                stack.enter_context(locked(local_folder(self._root) / _LOCK))
            targets = self._read()
            noted = []
            for entry in entries:
                stretches = targets.setdefault(entry.key, [])
                inputs = _inputs(self._root / entry.notebook, commit)
                _append(stretches, entry.verdict, time, (entry.baseline_sha256 or "")[:8], inputs)
                told = [convert(stretch[:4], run_json.Stretch) for stretch in stretches]
                noted.append(replace(entry, history=told, flaky=flaky(stretches)))
            with contextlib.suppress(OSError):
                self._write(targets, datetime.fromisoformat(time) - _LONGEST)
            return noted

    def _read(self) -> dict[str, list[Stretch]]:
        try:
            stored = json.loads(self._file.read_bytes())
            if stored["format"] == FORMAT:
                return {
                    key: [[*stretch, None, None][:7] for stretch in many]
                    for key, many in stored["targets"].items()
                    if many and _is_history(many)
                }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass
        return {}

    def _write(self, targets: Mapping[str, list[Stretch]], oldest: datetime) -> None:
        kept = {key: many for key, many in targets.items() if datetime.fromisoformat(many[-1][3]) >= oldest}
        lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(many)}" for key, many in sorted(kept.items()))
        write_atomically(self._file, f'{{"format": {FORMAT}, "targets": {{\n{lines}\n}}}}\n'.encode())


def _inputs(source: Path, commit: str | None) -> str:
    """Begin of a digest of the checkout's commit and the file that declares a target.

    Args:
        source: a notebook, or `tests/test_x.py/test_name` for a picture of a Python test.
    """
    digest = hashlib.sha256((commit or "").encode())
    with contextlib.suppress(OSError):
        digest.update((source if source.is_file() else source.parent).read_bytes())
    return digest.hexdigest()[:8]


def _is_history(stretches: Any) -> bool:
    """Whether a target's part of the file is what `add` wrote."""
    try:
        for stretch in stretches:
            convert(stretch[:4], run_json.Stretch)
        return all(
            isinstance(baseline, str)
            and datetime.fromisoformat(first).tzinfo is not None
            and datetime.fromisoformat(last).tzinfo is not None
            and (not inputs or (len(inputs) == 2 and all(one is None or isinstance(one, str) for one in inputs)))
            for _, _, first, last, baseline, *inputs in stretches
        )
    except (TypeError, ValueError):
        return False


def _append(stretches: list[Stretch], verdict: str, time: str, baseline: str, inputs: str) -> None:
    if stretches and stretches[-1][0] == verdict and stretches[-1][4] == baseline:
        stretches[-1][1] += 1
        stretches[-1][3] = time
        stretches[-1][6] = inputs
    else:
        stretches.append([verdict, 1, time, time, baseline, inputs, inputs])
        del stretches[:-_MOST_STRETCHES]


def flaky(stretches: Sequence[Stretch]) -> bool:
    """Whether a target was unstable in its last 20 runs, or failed between two matches for no reason of its own.

    That is: against the same baseline, and its verdict came or went although neither commit nor notebook changed. Who
    breaks something and repairs it changes one of them each time.
    """
    recent: list[Stretch] = []
    runs = 0
    for stretch in reversed(stretches):
        recent.insert(0, stretch)
        runs += stretch[1]
        if runs >= _MOST_RUNS:
            break
    if any(stretch[0] == "unstable" for stretch in recent):
        return True
    return any(
        _came_or_went([stretch for stretch in recent if stretch[4] == baseline])
        for baseline in {stretch[4] for stretch in recent}
    )


def _came_or_went(stretches: Sequence[Stretch]) -> bool:
    """Whether a failure between the first and the last match began or ended with the same inputs."""
    matches = [index for index, stretch in enumerate(stretches) if stretch[0] == "match"]
    between = stretches[matches[0] : matches[-1] + 1] if matches else []
    return any(
        one[0] != other[0] and {one[0], other[0]} & _FAILURES and one[6] == other[5] for one, other in pairwise(between)
    )
