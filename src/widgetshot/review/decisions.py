"""decisions.json: the decisions of a person in the gallery, from whatever text they are pasted in.

The format is described in docs/reference/decisions.md; the schema beside it is made from these types.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from widgetshot.documents import Document, JsonValue, Sha256
from widgetshot.errors import ConfigError, one_line
from widgetshot.review.members import problems_of, shortened
from widgetshot.review.pasted import NoObjectError, find_object

FORMAT = 1
MAX_BYTES = 8_000_000  # some 20,000 decisions
_MAX_REPEATED = 300  # characters of a text that a message repeats
_NEXT_STEP = "copy the decisions from the gallery again, as one block"
_DIGEST = {"expected": "a sha256 of 64 hexadecimal digits or null"}
_TEXT = {"expected": "text"}


class Decision(Document, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """Accept or reject of one result, bound to the pictures that were looked at."""

    key: Annotated[str, Meta(description="Of the result; only one decision for each.", extra=_TEXT)]
    verdict: Annotated[Literal["accept", "reject"], Meta(extra={"expected": "'accept' or 'reject'"})]
    baseline_sha256: Annotated[
        Sha256 | None, Meta(description="Of the old picture's file; null where there was none.", extra=_DIGEST)
    ]
    shot_sha256: Annotated[
        Sha256 | None, Meta(description="Of the new picture's file; null where there is none.", extra=_DIGEST)
    ]
    sidecar_sha256: Annotated[
        Sha256 | None,
        Meta(
            description="Of what the baseline's sidecar would say, masks included; null where it can't be accepted.",
            extra=_DIGEST,
        ),
    ]
    comment: Annotated[str, Meta(extra=_TEXT)]
    time: Annotated[str, Meta(description="ISO 8601.", extra={"expected": "a time such as 2026-01-31T12:00:00Z"})]


class DecisionsHead(Document, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """The run that was decided on, and who decided."""

    run: Annotated[str, Meta(description="`id` of the run; a merged run has its own.", extra=_TEXT)]
    commit: Annotated[str | None, Meta(description="`commit` of the run.", extra={"expected": "text or null"})]
    reviewer: Annotated[str, Meta(description="Who decided, in words; it proves nothing.", extra=_TEXT)]


class DecisionsFile(DecisionsHead, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """The decisions of a reviewer in the gallery of one run."""

    format: Literal[1]
    decisions: Annotated[list[Decision], Meta(min_length=1)]


@dataclass(frozen=True)
class Decisions:
    """The decisions of a file.

    Attributes:
        run, commit, reviewer: of the file; None where that is no text, which is a problem of run and reviewer.
        by_number: from 1, in the file's order; those that have problems are missing.
        problems: number of a decision (0: the file itself) and what is wrong with its form.
    """

    run: str | None
    commit: str | None
    reviewer: str | None
    by_number: Mapping[int, Decision]
    problems: tuple[tuple[int, str], ...]


def label(number: int, key: object) -> str:
    """Return what to call a decision in messages: `decision 3 (key)`."""
    return f"decision {number} ({cut(key)})" if isinstance(key, str) else f"decision {number}"


def cut(text: object) -> str:
    """Return what a file says on one line, cut where it is long."""
    said = one_line(text)
    return said if len(said) <= _MAX_REPEATED else f"{said[:_MAX_REPEATED]}..."


def read_decisions(data: bytes, where: str) -> Decisions:
    """Find the decisions in a file's bytes, or in what was pasted from a comment.

    Args:
        data: JSON, or text with one JSON object in it; UTF-8, with or without a byte order mark.
        where: what to call the file in messages.

    Raises:
        ConfigError: this is no decisions file, or one of a format this version doesn't know.
    """
    try:
        whole = find_object(data, "decisions", MAX_BYTES)
    except NoObjectError as error:
        raise ConfigError(str(error), where=where, next_step=_NEXT_STEP) from error
    # Not by msgspec: the name of a member that nobody asks for may be no text that UTF-8 has.
    decisions = whole.get("decisions")
    _check_format(whole.get("format", UNSET), where)
    if not isinstance(decisions, list):
        raise ConfigError("holds no list of decisions", where=where, next_step=_NEXT_STEP)
    problems = [(0, problem) for problem in problems_of(DecisionsHead, whole)]
    if not decisions:
        problems.append((0, "there are no decisions in it"))
    by_number, wrong = _read_entries(decisions)
    return Decisions(
        _text(whole.get("run")),
        _text(whole.get("commit")),
        _text(whole.get("reviewer")),
        by_number=by_number,
        problems=(*problems, *wrong),
    )


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None


def _check_format(version: JsonValue | UnsetType, where: str) -> None:
    if type(version) is not int or version != FORMAT:
        said = "names no format" if version is UNSET else f"is of format {one_line(json.dumps(version))[:40]}"
        raise ConfigError(
            f"{said}; this version reads {FORMAT}",
            where=where,
            next_step="use the version of widgetshot whose gallery wrote it",
        )


def _read_entries(entries: list[JsonValue]) -> tuple[dict[int, Decision], list[tuple[int, str]]]:
    by_number: dict[int, Decision] = {}
    problems: list[tuple[int, str]] = []
    first: dict[str, int] = {}
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            problems.append((number, f"decision {number}: must be an object, not {shortened(entry)}"))
            continue
        key, time = entry.get("key"), entry.get("time")
        wrong = problems_of(Decision, entry)
        if isinstance(time, str) and not _is_time(time):
            wrong.append(f"time must be a time such as 2026-01-31T12:00:00Z, not {shortened(time)}")
        if isinstance(key, str) and first.setdefault(key, number) != number:
            wrong.append(f"decision {first[key]} has decided on it already")
        problems += [(number, f"{label(number, key)}: {problem}") for problem in wrong]
        if not wrong:
            by_number[number] = msgspec.convert({name: entry[name] for name in Decision.__struct_fields__}, Decision)
    return by_number, problems


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
