"""`widgetshot approve`: make shots of the last run the new baselines."""

import sys
from pathlib import Path
from typing import Any

import click

from widgetshot.cli.common import opened_baselines, output_option, report_option, settings_from
from widgetshot.errors import ConfigError, one_line
from widgetshot.printing import say, say_json
from widgetshot.report.folder import refuse_own_settings
from widgetshot.review.apply import Outcome, apply_decisions
from widgetshot.review.approve import approve as approve_results
from widgetshot.review.decisions import MAX_BYTES, Decisions, read_decisions


@click.command()
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Accept everything that can be accepted.")
@click.option("--decisions", metavar="FILE", help="Apply decisions.json of the gallery; - reads standard input.")
@click.option("--dry-run", is_flag=True, help="Check everything, say what would be written, and write nothing.")
@report_option
@output_option
def approve(
    names: tuple[str, ...], everything: bool, decisions: str | None, dry_run: bool, report: Path | None, output: str
) -> None:
    """Make shots of the last run the new baselines, byte for byte.

    NAMES are names (notebooks/x.ipynb::shot[dark]) or keys of results; with --decisions, the run folder.
    """
    if decisions is None and bool(names) == everything:
        raise ConfigError("name the results to approve, or say --all", next_step="widgetshot approve --all")
    if decisions is not None and (everything or len(names) + (report is not None) > 1):
        raise ConfigError(
            "with --decisions there is only the run folder to name",
            next_step="widgetshot approve RUN --decisions FILE",
        )
    settings = settings_from(report=Path(names[0]) if decisions is not None and names else report)
    refuse_own_settings(settings.report, settings.root)
    baselines = opened_baselines(settings)
    reviewer: str | None = None
    if decisions is None:
        approved = approve_results(settings.report, baselines, names, everything=everything, dry_run=dry_run)
        outcome = Outcome(tuple(approved), ())
    else:
        decided, where = _read(decisions)
        outcome = apply_decisions(settings.report, baselines, decided, where, dry_run=dry_run)
        reviewer = decided.reviewer
    if output == "json":
        say_json(_document(outcome, reviewer, dry_run))
    else:
        _print(outcome, reviewer or "", dry_run)


def _read(file: str) -> tuple[Decisions, str]:
    """Read a decisions file; - is standard input.

    Returns:
        The decisions, and what the file is called in messages.

    Raises:
        ConfigError: the file can't be read, or holds no decisions.
    """
    where = "standard input" if file == "-" else one_line(file)
    try:
        with sys.stdin.buffer if file == "-" else Path(file).open("rb") as source:
            # One byte more than is allowed, so that an endless file ends.
            data = source.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"can't be read: {error.strerror}", where=where, next_step="download the decisions from the gallery again"
        ) from error
    return read_decisions(data, where), where


def _document(outcome: Outcome, reviewer: str | None, dry_run: bool) -> dict[str, Any]:
    """Return the document of `--output json`.

    Args:
        reviewer: who decided; None without a decisions file.
    """
    document: dict[str, Any] = {"approved": outcome.accepted, "dry_run": dry_run}
    if reviewer is not None:
        document["reviewer"] = reviewer
        document["rejected"] = [vars(one) for one in outcome.rejected]
    return document


def _print(outcome: Outcome, reviewer: str, dry_run: bool) -> None:
    for key in outcome.accepted:
        say(f"✓ {one_line(key)}{': would be written' if dry_run else ''}")
    for one in outcome.rejected:
        comment = f": {one_line(one.comment)}" if one.comment.strip() else ""
        say(f"✗ {one_line(one.name)}: rejected{comment}")
    count = len(outcome.accepted)
    baselines = f"{count} baseline{'' if count == 1 else 's'} {'would be written' if dry_run else 'written'}"
    rejected = f", {len(outcome.rejected)} rejected" if outcome.rejected else ""
    by = f" (reviewer: {one_line(reviewer)})" if reviewer.strip() else ""
    say(f"{baselines}{rejected}{by}" if count or rejected else "nothing to approve")
