"""A run as a person at a terminal sees it."""

import sys

from widgetshot.cli.common import relative
from widgetshot.errors import one_line
from widgetshot.model import Result, Verdict
from widgetshot.printing import say, show_progress
from widgetshot.project.settings import Settings
from widgetshot.run.app import NotebookRun, RunOutcome

_MARKS = {
    Verdict.MATCH: "✓",
    Verdict.CHANGED: "≠",
    Verdict.RESIZED: "⤡",
    Verdict.NEW: "+",
    Verdict.BROKEN: "✗",
    Verdict.UNSTABLE: "~",
}


class Progress:
    """Prints a run while it goes on, and what it came to.

    Args:
        quiet: print to standard error.
    """

    def __init__(self, settings: Settings, *, quiet: bool) -> None:
        self._settings = settings
        self._stderr = quiet
        self._live = sys.stderr.isatty() if quiet else sys.stdout.isatty()
        self._total = 0
        self._count = 0

    def begin(self, run: NotebookRun) -> None:
        """Print what is left out, and what can't be read."""
        self._total = run.total
        if run.plan.shards is not None:
            self._line(str(run.plan.shards))
        for path, why in run.plan.skipped.items():
            self._line(f"- {path}: skipped: {one_line(why)}")
        for error in run.plan.unreadable.values():
            self._failure(str(error))

    def announce(self, text: str) -> None:
        """Print why nothing happens."""
        self._line(f"{one_line(text)} ...")

    def result(self, result: Result) -> None:
        """Print a result that needs a look, and how far the run is."""
        from widgetshot.report.text import failure_text

        self._count += 1
        mark = _MARKS[result.verdict]
        if result.updated:
            self._line(f"{mark} {result.target.nodeid}: baseline written")
        elif not result.passed:
            colour = "red" if result.status == "failed" else "yellow"
            self._line(
                failure_text(result, self._settings.report, self._settings.typed_report), mark=f"{mark} ", colour=colour
            )
        if self._live:
            counter = f"[{self._count}/{self._total}] {result.target.nodeid}"
            show_progress(counter, err=self._stderr)

    def end(self, outcome: RunOutcome) -> None:
        """Print what the run came to, and the commands to type next."""
        from widgetshot.run.summary import summary_of

        if outcome.failure is not None:
            self._failure(str(outcome.failure))
        for notice in outcome.notices:
            self._line(f"note: {one_line(notice)}")
        summary = summary_of(outcome.run, self._settings)
        for line in [summary.counts, *summary.details, *summary.times]:
            self._line(one_line(line))
        if outcome.unused:
            self._line(f"{len(outcome.unused)} baselines are declared by no notebook; list them: widgetshot prune")
        if summary.problem:
            self._line(summary.problem)
        if outcome.gallery:
            self._line(f"gallery: {relative(outcome.gallery)}")
        for line in summary.next:
            self._line(line)

    def _line(self, text: str, *, mark: str = "", colour: str = "") -> None:
        text = self._settings.redactor.text(text)
        say(text, mark=mark, colour=colour, over=self._live, err=self._stderr)

    def _failure(self, text: str) -> None:
        self._line(text, mark="✗ ", colour="red")
