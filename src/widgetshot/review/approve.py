"""Results of a run -> baselines."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from widgetshot.baselines.access import Baselines, NewBaseline
from widgetshot.errors import ConfigError, RecordError, StaleDecision, WidgetshotError, nearest
from widgetshot.png_form import read_own_png
from widgetshot.report.entry_json import Entry
from widgetshot.report.pictures import candidate, picture_bytes
from widgetshot.report.reader import RUN_AGAIN, read_run
from widgetshot.review.decisions import Decision
from widgetshot.review.requests import DecisionRequest

LOOK_AGAIN = "look at it again: reload the page, or widgetshot review"


def approve(
    run_folder: Path,
    baselines: Baselines,
    names: Sequence[str] = (),
    *,
    everything: bool = False,
    dry_run: bool = False,
) -> list[str]:
    """Turn a run's own shots into baselines, byte for byte. All of those asked for, or none.

    Args:
        names: keys (`page-chromium-linux/notebooks/x/shot`) or names (`notebooks/x.ipynb::shot`).
        everything: all results that can be accepted.
        dry_run: check everything, and write nothing.

    Returns:
        The keys accepted.

    Raises:
        ConfigError: a name the run doesn't have, or a result that can't be accepted.
        StaleDecision: the baseline or the shot is not what the run saw.
        RecordError, BaselineError: a file can't be read or written.
    """
    entries = {entry.key: entry for entry in read_run(run_folder).tests}
    if everything:
        chosen = [entry for entry in entries.values() if entry.verdict.acceptable and not entry.updated]
    else:
        chosen = _named(names, entries)
    accepted: list[NewBaseline] = []
    problems: list[WidgetshotError] = []
    for entry in chosen:
        try:
            accepted.append(new_baseline(entry, run_folder, baselines))
        except WidgetshotError as error:
            problems.append(error)
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise type(problems[0])("nothing was approved:\n" + "\n".join(f"- {problem}" for problem in problems))
    if not dry_run:
        baselines.write_all(accepted)
    return [one.key for one in accepted]


def new_baseline(entry: Entry, run_folder: Path, baselines: Baselines) -> NewBaseline:
    """Return the baseline that a result becomes when it is accepted; nothing is written.

    Raises:
        ConfigError: it can't be accepted.
        StaleDecision: its picture, or the baseline, is not what the run saw.
        RecordError, BaselineError: a file can't be read, or is not as widgetshot writes it.
    """
    found = candidate(run_folder, entry)
    try:
        # What can't be read wholly would be a baseline that no run can compare with.
        read_own_png(found.picture)
    except (OSError, ValueError, SyntaxError) as error:
        raise RecordError(f"its picture can't be decoded: {error}", where=entry.name, next_step=RUN_AGAIN) from error
    check_baseline(entry, baselines)
    return NewBaseline(entry.key, found.picture, found.description)


def check_rejected(entry: Entry, run_folder: Path, baselines: Baselines) -> None:
    """Refuse to reject what is not what the run saw.

    Raises:
        StaleDecision: its picture, or the baseline, is another one.
        RecordError, BaselineError: a file can't be read, or is not as widgetshot writes it.
    """
    picture_bytes(run_folder, entry, "shot")
    check_baseline(entry, baselines)


def check_baseline(entry: Entry, baselines: Baselines) -> None:
    """Refuse a decision on a result whose baseline is not the one that the run saw.

    Raises:
        StaleDecision: it is another one.
        BaselineError: it can't be read.
    """
    current = baselines.digest(entry.key)
    # Approving twice is no conflict: what is there is what was asked for.
    if current != entry.baseline_sha256 and (current is None or current != entry.shot_sha256):
        raise StaleDecision("its baseline has changed since the run", where=entry.name, next_step=RUN_AGAIN)


def check_seen(entry: Entry, seen: Decision | DecisionRequest) -> None:
    """Refuse a decision that is not about the files that a result has.

    Raises:
        StaleDecision: one of them is another than the reviewer saw.
    """
    for said, recorded, what in (
        (seen.shot_sha256, entry.shot_sha256, "the picture decided on is not the one of this run"),
        (seen.baseline_sha256, entry.baseline_sha256, "the baseline decided on is not the one this run saw"),
        (seen.sidecar_sha256, entry.sidecar_sha256, "masks and description decided on are not those of this run"),
    ):
        if said != recorded:
            raise StaleDecision(what, where=entry.name, next_step=LOOK_AGAIN)


def _named(names: Iterable[str], entries: Mapping[str, Entry]) -> list[Entry]:
    by_name = {entry.name: entry for entry in entries.values()}
    found = []
    for name in dict.fromkeys(names):
        entry = entries.get(name) or by_name.get(name)
        if entry is None:
            raise ConfigError(f"the run has no result '{name}'{nearest(name, [*by_name])}", next_step=RUN_AGAIN)
        found.append(entry)
    return found
