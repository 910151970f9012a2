"""Decisions -> baselines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from widgetshot.baselines.access import Baselines, NewBaseline
from widgetshot.baselines.keys import check_key
from widgetshot.baselines.sidecar import ShotDescription
from widgetshot.documents import convert, parse_json
from widgetshot.errors import ConfigError, RecordError, StaleDecision, WidgetshotError, nearest, one_line
from widgetshot.files import sha256
from widgetshot.model import Verdict
from widgetshot.report.entry_json import Entry
from widgetshot.report.folder import sidecar_path
from widgetshot.report.reader import read_run
from widgetshot.review.decisions import Decision, Decisions


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
    chosen = [
        entry
        for entry in (entries.values() if everything else _named(names, entries))
        if not everything or (entry.verdict.acceptable and not entry.updated)
    ]
    accepted, problems = [], []
    for entry in chosen:
        try:
            accepted.append(_check(entry, run_folder, baselines))
        except WidgetshotError as error:
            problems.append(error)
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise type(problems[0])("nothing was approved:\n" + "\n".join(f"- {problem}" for problem in problems))
    if not dry_run:
        baselines.write_all(accepted)
    return [acceptance.key for acceptance in accepted]


@dataclass(frozen=True)
class Outcome:
    """What a decisions file came to: keys accepted, and rejected results with what was said of them."""

    accepted: tuple[str, ...]
    rejected: tuple[tuple[str, str, str], ...]  # key, name, comment


def decide(
    run_folder: Path, baselines: Baselines, decisions: Decisions, where: str, *, dry_run: bool = False
) -> Outcome:
    """Apply the decisions on a run from its own bytes. All of them, or none.

    Args:
        where: what to call the decisions' file in messages.
        dry_run: check everything, and write nothing.

    Raises:
        StaleDecision: one does not hold for this run or for what is on disk; each that doesn't is named.
        RecordError: the run folder can't be read.
        BaselineError: a baseline can't be written.
    """
    run = read_run(run_folder)
    entries = {entry.key: entry for entry in run.tests}
    problems = list(decisions.problems)
    if all(number for number, _ in problems):
        for what, theirs, ours in (("run", decisions.run, run.id), ("commit", decisions.commit, run.commit)):
            if theirs != ours:
                problems.append((0, f"decides on {what} {one_line(theirs)}, but this is {what} {one_line(ours)}"))
    accepted: list[NewBaseline] = []
    rejected: list[tuple[str, str, str]] = []
    for decision in decisions.decisions:
        try:
            entry = _decided(decision, entries)
            if decision.verdict == "accept":
                accepted.append(_check(entry, run_folder, baselines))
            else:
                _check_shot(entry, run_folder, baselines)
                rejected.append((decision.key, entry.name, decision.comment))
        except WidgetshotError as error:
            problems.append((decision.number, f"{decision}: {one_line(error.what)}"))
    if problems:
        told = "\n".join(f"- {problem}" for _, problem in sorted(problems))
        other = decisions.run != run.id
        raise StaleDecision(
            f"nothing was approved; {len(problems)} problem{'s' if len(problems) > 1 else ''}:\n{told}",
            where=where,
            next_step="name the run folder that was reviewed: widgetshot approve RUN --decisions FILE"
            if other
            else f"review the run again: {run_folder / 'index.html'}",
        )
    if not dry_run:
        baselines.write_all(accepted)
    return Outcome(tuple(acceptance.key for acceptance in accepted), tuple(rejected))


def _decided(decision: Decision, entries: dict[str, Entry]) -> Entry:
    """The result that was decided on, if it is the one that the reviewer saw."""
    check_key(decision.key)
    entry = entries.get(decision.key)
    if entry is None:
        raise StaleDecision("the run has no such result")
    if decision.shot_sha256 != entry.shot_sha256:
        raise StaleDecision("the run's picture is not the one that was decided on")
    if decision.baseline_sha256 != entry.baseline_sha256:
        raise StaleDecision("the baseline that the run saw is not the one that was decided on")
    return entry


def _named(names: Iterable[str], entries: dict[str, Entry]) -> list[Entry]:
    by_name = {entry.name: entry for entry in entries.values()}
    found = []
    for name in dict.fromkeys(names):
        entry = entries.get(name) or by_name.get(name)
        if entry is None:
            raise ConfigError(f"the run has no result '{name}'{nearest(name, [*by_name])}", next_step="widgetshot run")
        found.append(entry)
    return found


def _check(entry: Entry, run_folder: Path, baselines: Baselines) -> NewBaseline:
    name, shot = entry.name, entry.pictures.shot
    if not entry.verdict.acceptable:
        raise ConfigError(f"can't be approved: {_why_not(entry)}", where=name)
    data = _check_shot(entry, run_folder, baselines)
    if data is None or shot is None:
        raise RecordError("its picture was not recorded", where=name, next_step="widgetshot run")
    text = _read(run_folder / sidecar_path(entry.key), name)
    try:
        members = parse_json(text)
    except ValueError as error:
        raise RecordError(f"its picture can't be read: {error}", where=name, next_step="widgetshot run") from error
    if sha256(text) != shot.sidecar_sha256:
        raise StaleDecision("its picture is not the one the run took", where=name, next_step="widgetshot run")
    return NewBaseline(entry.key, data, convert(ShotDescription, members, name, next_step="widgetshot run"))


def _why_not(entry: Entry) -> str:
    if entry.verdict is Verdict.MATCH:
        return "it matches its baseline already"
    if entry.verdict is Verdict.BROKEN:
        return "there is no picture of it that can be trusted"
    if entry.repeat is not None and entry.repeat.distinct > 1:
        return "its pictures varied between runs, so none of them can be trusted"
    return "it never came to rest, so no picture of it can be trusted"


def _check_shot(entry: Entry, run_folder: Path, baselines: Baselines) -> bytes | None:
    """The shot's bytes (None where there is none), if they and the baseline are what the run saw."""
    name, picture = entry.name, entry.pictures.shot
    data = None if picture is None else _read(run_folder / picture.path, name)
    if picture is not None and data is not None and sha256(data) != picture.sha256:
        raise StaleDecision("its picture is not the one the run took", where=name, next_step="widgetshot run")
    current = baselines.digest(entry.key)
    # Approving twice is no conflict: what is there is what was asked for.
    if current != entry.baseline_sha256 and (picture is None or current != picture.sha256):
        raise StaleDecision("its baseline has changed since the run", where=name, next_step="widgetshot run")
    return data


def _read(file: Path, name: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise RecordError(f"its picture can't be read: {error}", where=name, next_step="widgetshot run") from error
