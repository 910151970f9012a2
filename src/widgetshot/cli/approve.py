"""`widgetshot approve`: make shots of the last run the new baselines."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from widgetshot.baselines.access import Baselines
from widgetshot.baselines.stores import open_baselines
from widgetshot.cli.common import output_option, report_option, settings_from
from widgetshot.errors import ConfigError, one_line
from widgetshot.review.approve import Outcome, decide
from widgetshot.review.approve import approve as approve_results
from widgetshot.review.decisions import MOST_BYTES, read_decisions


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
    stored = open_baselines(settings)
    if decisions is None:
        approved = approve_results(settings.report, stored, names, everything=everything, dry_run=dry_run)
        outcome, reviewer = Outcome(tuple(approved), ()), ""
    else:
        outcome, reviewer = _decide(settings.report, stored, decisions, dry_run)
    if output == "json":
        told: dict[str, Any] = {"approved": outcome.accepted, "dry_run": dry_run}
        if decisions is not None:
            fields = ("key", "name", "comment")
            told |= {
                "reviewer": reviewer,
                "rejected": [dict(zip(fields, one, strict=True)) for one in outcome.rejected],
            }
        click.echo(json.dumps(told, indent=1))
        return
    for key in outcome.accepted:
        click.echo(f"✓ {one_line(key)}{': would be written' if dry_run else ''}")
    for _, name, comment in outcome.rejected:
        click.echo(f"✗ {one_line(name)}: rejected{f': {one_line(comment)}' if comment.strip() else ''}")
    count = len(outcome.accepted)
    baselines = f"{count} baseline{'' if count == 1 else 's'} {'would be written' if dry_run else 'written'}"
    rejected = f", {len(outcome.rejected)} rejected" if outcome.rejected else ""
    by = f" (reviewer: {one_line(reviewer)})" if reviewer.strip() else ""
    click.echo(f"{baselines}{rejected}{by}" if count or rejected else "nothing to approve")


def _decide(run_folder: Path, baselines: Baselines, file: str, dry_run: bool) -> Any:
    """The outcome of a decisions file, and who decided."""
    where = "standard input" if file == "-" else one_line(file)
    try:
        with sys.stdin.buffer if file == "-" else Path(file).open("rb") as source:
            # One byte more than is allowed, so that an endless file ends.
            data = source.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"can't be read: {error.strerror}", where=where, next_step="download the decisions from the gallery again"
        ) from error
    decisions = read_decisions(data, where)
    return decide(run_folder, baselines, decisions, where, dry_run=dry_run), decisions.reviewer
