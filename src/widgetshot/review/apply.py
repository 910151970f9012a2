"""A file of decisions -> baselines."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from widgetshot.baselines.access import Baselines, NewBaseline
from widgetshot.baselines.keys import check_key
from widgetshot.errors import StaleDecision, WidgetshotError, one_line
from widgetshot.report.entry_json import Entry
from widgetshot.report.reader import read_run
from widgetshot.report.run_json import Run
from widgetshot.review.approve import check_rejected, check_seen, new_baseline
from widgetshot.review.decisions import Decision, Decisions, cut, label


@dataclass(frozen=True)
class Rejection:
    """A result that was rejected, and what was said of it."""

    key: str
    name: str
    comment: str


@dataclass(frozen=True)
class Outcome:
    """The outcome of a file of decisions: keys of what was accepted, and what was rejected."""

    accepted: tuple[str, ...]
    rejected: tuple[Rejection, ...]


def apply_decisions(
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
    problems = [*decisions.problems, *_other_run(decisions, run)]
    accepted: list[NewBaseline] = []
    rejected: list[Rejection] = []
    for number, decision in decisions.by_number.items():
        try:
            entry = _decided_on(decision, entries)
            if decision.verdict == "accept":
                accepted.append(new_baseline(entry, run_folder, baselines))
            else:
                check_rejected(entry, run_folder, baselines)
                rejected.append(Rejection(decision.key, entry.name, decision.comment))
        except WidgetshotError as error:
            problems.append((number, f"{label(number, decision.key)}: {one_line(error.what)}"))
    if problems:
        lines = "\n".join(f"- {problem}" for _, problem in sorted(problems))
        raise StaleDecision(
            f"nothing was approved; {len(problems)} problem{'s' if len(problems) > 1 else ''}:\n{lines}",
            where=where,
            next_step="name the run folder that was reviewed: widgetshot approve RUN --decisions FILE"
            if decisions.run != run.id
            else f"review the run again: {run_folder / 'index.html'}",
        )
    if not dry_run:
        baselines.write_all(accepted)
    return Outcome(tuple(one.key for one in accepted), tuple(rejected))


def _other_run(decisions: Decisions, run: Run) -> list[tuple[int, str]]:
    """Return the problems of decisions on another run; none where the file itself has problems already."""
    if not all(number for number, _ in decisions.problems):
        return []
    return [
        (0, f"decides on {what} {cut(theirs)}, but this is {what} {cut(ours)}")
        for what, theirs, ours in (("run", decisions.run, run.id), ("commit", decisions.commit, run.commit))
        if theirs != ours
    ]


def _decided_on(decision: Decision, entries: Mapping[str, Entry]) -> Entry:
    """Return the result that was decided on, if it is the one that the reviewer saw."""
    check_key(decision.key)
    entry = entries.get(decision.key)
    if entry is None:
        raise StaleDecision("the run has no such result")
    check_seen(entry, decision)
    return entry
