"""An audit's findings as a table for a person."""

from collections import Counter
from collections.abc import Mapping

from widgetshot.audit.findings import Audit
from widgetshot.errors import one_line

MAX_TARGET_COLUMNS = 58  # of what is replaced; JSON has all of it


def table(result: Audit) -> list[str]:
    """Return lines for a person: a row for each finding, then the sums."""
    rows = [
        (one_line(finding.place), str(finding.kind), _cut(one_line(finding.replaces)), one_line(finding.for_real))
        for finding in result.counted
    ]
    lines = []
    if rows:
        rows.insert(0, ("place", "how", "replaces", "for real"))
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
            lines.append("  ".join([*cells, row[3]]))
        lines.append("")
    read = f"{result.files} file{'' if result.files == 1 else 's'} read"
    files = len({finding.path for finding in result.counted})
    kinds = Counter(str(finding.kind) for finding in result.counted)
    total = f"{len(rows) - 1} found in {files} of them: {_sums(kinds)}" if rows else "no mocks found"
    lines.append(f"{read}, {total}")
    if services := Counter(finding.service for finding in result.counted if finding.service):
        lines.append(f"services that could take their place: {_sums(services)}")
    if others := Counter(str(finding.kind) for finding in result.findings if not finding.kind.counted):
        lines.append(f"not counted as mocks: {_sums(others)}")
    if result.unread:
        lines.append(f"{len(result.unread)} could not be read, see above")
    return lines


def _sums(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TARGET_COLUMNS else f"{text[: MAX_TARGET_COLUMNS - 1]}…"
