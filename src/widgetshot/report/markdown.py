"""A run in Markdown, for the page of a CI job or a comment."""

import html
import os
import re
import string
from pathlib import Path

from widgetshot.errors import one_line
from widgetshot.model import Status, Verdict
from widgetshot.report.entry_json import Entry
from widgetshot.report.run_json import Run
from widgetshot.report.text import summary_lines
from widgetshot.shell import typed

# What a person should look at first, as the gallery has it; of the same verdict, the largest change.
_URGENCY = (Verdict.CHANGED, Verdict.RESIZED, Verdict.NEW, Verdict.UNSTABLE, Verdict.BROKEN, Verdict.MATCH)
_MAX_ROWS = 10
_MAX_CELL = 300  # characters of a sentence or a name
_PUNCTUATION = re.compile(f"[{re.escape(string.punctuation)}]")


def summary_markdown(run: Run, folder: str = "widgetshot-report") -> str:
    """Return a run in Markdown: counts, the worst ten results, the commands to review.

    Args:
        folder: name of the run folder, for the commands.
    """
    waiting = [test for test in run.tests if test.status is Status.FAILED]
    waiting.sort(key=lambda test: (_URGENCY.index(test.verdict), -(test.metrics.changed_pixels or 0)))
    total = len(run.tests)
    title = f"{len(waiting)} of {total} pictures need a decision" if waiting else f"{total} pictures as approved"
    commit = f", commit {_inert(run.commit)}" if run.commit else ""
    lines = [
        f"## widgetshot: {title}",
        "",
        f"| {' | '.join(_URGENCY)} |",
        f"|{'--:|' * len(_URGENCY)}",
        f"| {' | '.join(_inert(getattr(run.summary.verdicts, verdict)) for verdict in _URGENCY)} |",
        "",
        f"{_inert(run.project)}{commit}, {_inert(run.environment.name)}",
        *(f"\n{_inert(line)}" for line in summary_lines(run)[1:]),
        *([] if run.complete else ["\n**The run was stopped before its end.**"]),
    ]
    if waiting:
        lines += _table(waiting)
        command = html.escape(typed(one_line(folder)))
        lines += [
            "",
            "Download the run folder, then look and decide:",
            "",
            "<pre>",
            f"widgetshot review {command}",
            f"widgetshot approve {command} --decisions decisions.json",
            "</pre>",
        ]
    return "\n".join(lines) + "\n"


def _table(waiting: list[Entry]) -> list[str]:
    lines = ["", "| verdict | picture | why | changed pixels |", "|---|---|---|--:|"]
    for test in waiting[:_MAX_ROWS]:
        changed = test.metrics.changed_pixels
        cells = (test.verdict, test.name, test.sentence, "" if changed is None else changed)
        lines.append(f"| {' | '.join(map(_inert, cells))} |")
    if len(waiting) > _MAX_ROWS:
        lines += ["", f"and {len(waiting) - _MAX_ROWS} more in the gallery"]
    return lines


def _inert(value: object) -> str:
    """Return text for Markdown in which nothing is markup: punctuation as entities, no mentions or links in code."""
    text = one_line(value)
    text = text if len(text) <= _MAX_CELL else f"{text[:_MAX_CELL]}…"
    return f"<code>{_PUNCTUATION.sub(lambda found: f'&#{ord(found[0])};', text)}</code>" if text else ""


def append_summary(run: Run, folder: Path) -> str:
    """Add `summary_markdown` to the file that GITHUB_STEP_SUMMARY names, where it does.

    Returns:
        What went wrong, for the terminal; the run itself has not.
    """
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if not file:
        return ""
    try:
        with Path(file).open("ab") as summary:
            summary.write(b"\n" + summary_markdown(run, folder.name).encode())
    except OSError as error:
        return f"the summary can't be written to {one_line(file)} (GITHUB_STEP_SUMMARY): {error.strerror}"
    return ""
