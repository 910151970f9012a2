"""The verdicts of earlier runs, in a small local file beside the project: what wavers is seen although it is green."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from widgetshot.files import write_atomically

FORMAT = 1
FOLDER = ".widgetshot"
_FILE = "history.json"
_MOST_STRETCHES = 12  # of one target
_MOST_RUNS = 20  # that count as recent
_LONGEST = timedelta(days=180)  # that a target is remembered without being run

# A stretch of runs with one verdict against one baseline: verdict, how many, first and last time, begin of the
# baseline's sha256. Plain lists, because that is what the file holds.
Stretch = list[Any]


def local_folder(root: Path) -> Path:
    """The folder of what belongs to one checkout and not into git, made if there is none.

    Raises:
        OSError: it can't be made.
    """
    folder = root / FOLDER
    folder.mkdir(exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        write_atomically(ignore, b"# Written by widgetshot: local, not for git.\n*\n")
    return folder


class History:
    """What earlier runs said of each target.

    An unreadable file counts as none: it is a convenience, and its loss must not fail a run.
    """

    def __init__(self, root: Path) -> None:
        self._folder = root / FOLDER
        self._targets: dict[str, list[Stretch]] = {}
        try:
            stored = json.loads((self._folder / _FILE).read_bytes())
            if stored["format"] == FORMAT:
                self._targets = {key: many for key, many in stored["targets"].items() if many and _is_history(many)}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self._targets = {}

    def add(self, entries: Iterable[dict[str, Any]], time: str) -> None:
        """Note the verdicts of a run, and write into its entries what is known of each target.

        Args:
            entries: `tests[]` of run.json; each gets `history` and `wavering`.
            time: ISO 8601, of the run.
        """
        for entry in entries:
            stretches = self._targets.setdefault(entry["key"], [])
            _append(stretches, entry["verdict"], time, (entry["baseline_sha256"] or "")[:8])
            entry["history"] = [stretch[:4] for stretch in stretches]
            entry["wavering"] = wavering(stretches)

    def save(self, now: str) -> None:
        """Write the file; without a place to write it there is no history, and nothing else is lost.

        Args:
            now: ISO 8601; what has not been run for half a year before is forgotten.
        """
        oldest = datetime.fromisoformat(now) - _LONGEST
        kept = {key: many for key, many in self._targets.items() if datetime.fromisoformat(many[-1][3]) >= oldest}
        try:
            local_folder(self._folder.parent)
            lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(many)}" for key, many in sorted(kept.items()))
            write_atomically(self._folder / _FILE, f'{{"format": {FORMAT}, "targets": {{\n{lines}\n}}}}\n'.encode())
        except OSError:
            return


def _is_history(stretches: Any) -> bool:
    """Whether a target's part of the file is what `add` wrote."""
    try:
        return all(
            isinstance(verdict, str)
            and type(count) is int
            and isinstance(baseline, str)
            and datetime.fromisoformat(first).tzinfo is not None
            and datetime.fromisoformat(last).tzinfo is not None
            for verdict, count, first, last, baseline in stretches
        )
    except (TypeError, ValueError):
        return False


def _append(stretches: list[Stretch], verdict: str, time: str, baseline: str) -> None:
    if stretches and stretches[-1][0] == verdict and stretches[-1][4] == baseline:
        stretches[-1][1] += 1
        stretches[-1][3] = time
    else:
        stretches.append([verdict, 1, time, time, baseline])
        del stretches[:-_MOST_STRETCHES]


def wavering(stretches: Sequence[Sequence[Any]]) -> bool:
    """Whether a target was unstable in its last 20 runs, or failed between two matches of the same baseline."""
    recent: list[Sequence[Any]] = []
    runs = 0
    for stretch in reversed(stretches):
        recent.insert(0, stretch)
        runs += stretch[1]
        if runs >= _MOST_RUNS:
            break
    if any(stretch[0] == "unstable" for stretch in recent):
        return True
    baselines: Mapping[str, list[int]] = {
        stretch[4]: [index for index, other in enumerate(recent) if other[0] == "match" and other[4] == stretch[4]]
        for stretch in recent
    }
    return any(
        stretch[0] in ("changed", "resized", "broken") and min(around) < index < max(around)
        for index, stretch in enumerate(recent)
        if (around := baselines[stretch[4]])
    )
