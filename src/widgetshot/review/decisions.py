"""decisions.json: what a person decided in the gallery, from whatever text it is pasted in.

The format is described in docs/reference/decisions.md.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from widgetshot.errors import ConfigError, one_line

FORMAT = 1
MOST_BYTES = 8_000_000  # some 20,000 decisions
_NEXT = "copy the decisions from the gallery again, as one block"
_SHA256 = re.compile("[0-9a-f]{64}")
# The beginning of a fenced code block that is JSON, or looks as if it were. A form's one-line field loses line ends.
_FENCE = re.compile(r"(`{3,}|~{3,})[ \t]*(?:json\b\s*|\s*(?=\{))", re.IGNORECASE)
_OBJECT = re.compile(r'\{\s*"')


@dataclass(frozen=True)
class Decision:
    """Accept or reject of one result, bound to the sha256 of the old and the new picture (None: there is none)."""

    number: int
    key: str
    verdict: str
    baseline_sha256: str | None
    shot_sha256: str | None
    comment: str
    time: str

    def __str__(self) -> str:
        return f"decision {self.number} ({one_line(self.key)})"


@dataclass(frozen=True)
class Decisions:
    """The decisions on one run.

    Attributes:
        problems: number of a decision (0: the file itself) and what is wrong with its form; then `decisions` lacks it.
    """

    run: str
    commit: str | None
    reviewer: str
    decisions: tuple[Decision, ...]
    problems: tuple[tuple[int, str], ...]


def read_decisions(data: bytes, where: str) -> Decisions:
    """Find the decisions in a file's bytes, or in what was pasted from a comment.

    Args:
        data: JSON, or text with one JSON object in it; UTF-8, with or without a byte order mark.
        where: what to call the file in messages.

    Raises:
        ConfigError: this is no decisions file, or one of a format this version doesn't know.
    """
    try:
        whole = _find(data)
    except _NotDecisionsError as error:
        raise ConfigError(str(error), where=where, next_step=_NEXT) from error
    version = whole.get("format")
    if type(version) is not int or version != FORMAT:
        told = "names no format" if "format" not in whole else f"is of format {one_line(json.dumps(version))[:40]}"
        raise ConfigError(
            f"{told}; this version reads {FORMAT}",
            where=where,
            next_step="use the version of widgetshot whose gallery wrote it",
        )
    entries = whole.get("decisions")
    if not isinstance(entries, list):
        raise ConfigError("holds no list of decisions", where=where, next_step=_NEXT)
    problems = [(0, f"{name} {problem}") for name, problem in _wrong(whole, _HEAD)]
    decisions = []
    first: dict[str, int] = {}
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            problems.append((number, f"decision {number}: must be an object, not {_short(entry)}"))
            continue
        key = entry.get("key")
        named = f"decision {number} ({one_line(key)})" if isinstance(key, str) else f"decision {number}"
        wrong = [f"{name} {problem}" for name, problem in _wrong(entry, _DECISION)]
        if isinstance(key, str) and first.setdefault(key, number) != number:
            wrong.append(f"decision {first[key]} has decided on it already")
        problems += [(number, f"{named}: {problem}") for problem in wrong]
        if not wrong:
            decisions.append(Decision(number, **{name: entry[name] for name in _DECISION}))
    if not entries:
        problems.append((0, "there are no decisions in it"))
    # Only used where there are no problems.
    head: dict[str, Any] = {name: whole.get(name) for name in _HEAD}
    return Decisions(**head, decisions=tuple(decisions), problems=tuple(problems))


class _NotDecisionsError(Exception):
    """Why a text holds no decisions."""


def _find(data: bytes) -> dict[str, Any]:
    """The one JSON object of a text.

    A text with fences is trusted to have it in one of them, any other from its first brace on: what is inside of a
    damaged object is never taken for a whole one.
    """
    if len(data) > MOST_BYTES:
        raise _NotDecisionsError(f"is larger than {MOST_BYTES:,} bytes, too large for decisions")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _NotDecisionsError(f"is not UTF-8 text: {error.reason} at byte {error.start}") from error
    fence = _FENCE.search(text)
    if fence is not None and _OBJECT.search(text[: fence.start()]):
        fence = None  # it is within the object, in a comment
    begin = text.find("{") if fence is None else fence.end()
    if fence is not None and not text.startswith("{", begin):
        raise _NotDecisionsError("holds a JSON block that is no object")
    if begin < 0:
        raise _NotDecisionsError("holds no decisions (no JSON object)")
    try:
        whole, end = _decoder.raw_decode(text, begin)
    except json.JSONDecodeError as error:
        raise _NotDecisionsError(f"is not JSON: {error}") from error
    except ValueError as error:
        raise _NotDecisionsError(f"is not JSON: {one_line(error)}") from error
    except RecursionError as error:
        raise _NotDecisionsError("is nested too deeply for decisions") from error
    rest = text[end:]
    if fence is not None:
        closing = re.match(r"\s*" + re.escape(fence[1]), rest)
        if closing is None:
            raise _NotDecisionsError("holds more in its JSON block than one object")
        rest = rest[closing.end() :]
    if _OBJECT.search(rest) or _FENCE.search(rest):
        raise _NotDecisionsError("holds several JSON objects, and which one is meant can't be known")
    return dict(whole)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the member {json.dumps(twice)} is there twice")
    return found


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON number")


_decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def _short(value: Any) -> str:
    text = one_line(json.dumps(value, ensure_ascii=False)[:200])
    return text if len(text) <= 60 else f"{text[:60]}..."


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) else f"must be text, not {_short(value)}"


def _text_or_null(value: Any) -> str | None:
    return None if value is None or isinstance(value, str) else f"must be text or null, not {_short(value)}"


def _verdict(value: Any) -> str | None:
    return None if value in ("accept", "reject") else f"must be 'accept' or 'reject', not {_short(value)}"


def _digest(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and _SHA256.fullmatch(value)):
        return None
    return f"must be a sha256 of 64 hexadecimal digits or null, not {_short(value)}"


def _time(value: Any) -> str | None:
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return f"must be a time such as 2026-01-31T12:00:00Z, not {_short(value)}"
    return None


# What each member must be: None when it is, else why not.
_HEAD: dict[str, Callable[[Any], str | None]] = {"run": _text, "commit": _text_or_null, "reviewer": _text}
_DECISION: dict[str, Callable[[Any], str | None]] = {
    "key": _text,
    "verdict": _verdict,
    "baseline_sha256": _digest,
    "shot_sha256": _digest,
    "comment": _text,
    "time": _time,
}


def _wrong(members: dict[str, Any], checks: dict[str, Callable[[Any], str | None]]) -> list[tuple[str, str]]:
    found = []
    for name, check in checks.items():
        problem = check(members[name]) if name in members else "is missing"
        if problem is not None:
            found.append((name, problem))
    return found
