"""The lines that a terminal shows of a run that has ended."""

from dataclasses import dataclass

from widgetshot.project.settings import Settings
from widgetshot.report.markdown import append_summary
from widgetshot.report.run_json import Run
from widgetshot.report.text import next_lines, summary_lines, time_lines


@dataclass(frozen=True)
class RunSummary:
    """Lines to print.

    Attributes:
        counts: of the verdicts.
        details: what else is to be known of the results.
        times: where the time went.
        problem: what went wrong with CI's summary; "" if nothing did.
        next: commands to type.
    """

    counts: str
    details: list[str]
    times: list[str]
    problem: str
    next: list[str]


def summary_of(run: Run, settings: Settings) -> RunSummary:
    """Summarise a run, also on CI's summary page where there is one."""
    counts, *details = summary_lines(run)
    problem = append_summary(run, settings.report)
    return RunSummary(counts, details, time_lines(run), problem, next_lines(run, settings.typed_report))
