"""The findings of an audit: kinds, places, and the document of `--output json`."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

FORMAT = 1


class Kind(StrEnum):
    """The ways in which something is replaced. The last three are reported, and not counted as mocks."""

    PATCH = "patch"
    OBJECT = "mock object"
    MONKEYPATCH = "monkeypatch"
    ASSIGNMENT = "assignment"
    DOUBLE = "double class"
    HTTP = "http answer"
    SERVICE = "fake service"
    RECORDING = "recording"
    IMPORT = "import"
    ENVIRONMENT = "environment"
    CLOCK = "clock"
    SERVER = "scripted server"

    @property
    def counted(self) -> bool:
        """True if it counts as a mock."""
        return self not in (Kind.ENVIRONMENT, Kind.CLOCK, Kind.SERVER)


@dataclass(frozen=True, order=True)
class Finding:
    """One place where something is replaced.

    Attributes:
        path: as it was given, with forward slashes.
        line: from 1; in a notebook, within its cell.
        cell: the notebook's cell, its id or position, or "".
        by: the function or class that does it, by its full name; of a fixture, its name.
        replaces: the target as far as it can be read: a dotted name, a URL, the name that a mock is given.
        service: the built-in service that could take its place, or "".
        for_real: how it could run for real.
    """

    path: str
    line: int
    column: int
    kind: Kind
    by: str
    replaces: str
    cell: str = ""
    service: str = ""
    for_real: str = ""

    @property
    def place(self) -> str:
        """The place as it is printed: `path:line`, or `path::cell:line` in a notebook."""
        return f"{self.path}::{self.cell}:{self.line}" if self.cell else f"{self.path}:{self.line}"


@dataclass(frozen=True)
class Audit:
    """The findings in all files.

    Attributes:
        files: how many files were read.
        findings: all findings in order of place, those that are not counted too.
        unread: the place and the reason of each file or cell that could not be read or parsed.
    """

    files: int
    findings: tuple[Finding, ...]
    unread: tuple[tuple[str, str], ...]

    @property
    def counted(self) -> tuple[Finding, ...]:
        """The findings that count as mocks."""
        return tuple(finding for finding in self.findings if finding.kind.counted)

    @property
    def clean(self) -> bool:
        """True if nothing is replaced and every file was read: one that can't be read may hold anything."""
        return not self.counted and not self.unread

    def as_json(self) -> dict[str, Any]:
        """Return the document of `--output json`."""
        documents = [
            {name: str(value) if name == "kind" else value for name, value in vars(finding).items()}
            for finding in self.findings
        ]
        pairs = list(zip(documents, self.findings, strict=True))
        return {
            "format": FORMAT,
            "files": self.files,
            "count": len(self.counted),
            "kinds": dict(Counter(str(finding.kind) for finding in self.counted)),
            "services": dict(Counter(finding.service for finding in self.counted if finding.service)),
            "findings": [document for document, finding in pairs if finding.kind.counted],
            "not_counted": [document for document, finding in pairs if not finding.kind.counted],
            "unread": [{"place": place, "message": message} for place, message in self.unread],
        }
