"""What the audit finds in a piece of source, for the tests beside."""

from textwrap import dedent

from widgetshot.audit.findings import Finding
from widgetshot.audit.scan import audit_tree
from widgetshot.audit.source import parse

# Line, kind and what is replaced.
Reported = list[tuple[int, str, str]]


def findings(source: str) -> list[Finding]:
    return audit_tree(parse(dedent(source).lstrip("\n"), "test_x.py"))


def reported(source: str) -> Reported:
    return [(one.line, str(one.kind), one.replaces) for one in findings(source)]
