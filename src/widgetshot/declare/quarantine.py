"""Quarantines: for whom, why and until when a failure does not fail the run."""

from collections.abc import Iterable, Mapping
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from widgetshot.model import Quarantine
from widgetshot.values import BadValue, check_keys

Quarantines = tuple[tuple[str, Quarantine], ...]  # pairs of a pattern for names of targets, and what holds for them


def parse_quarantine(value: Any) -> Quarantine:
    """Parse `{reason: TEXT, until: 2026-12-31}`.

    Raises:
        BadValue: the reason or the date is missing or is none.
    """
    if not isinstance(value, Mapping):
        raise BadValue(f"is {{reason: TEXT, until: YYYY-MM-DD}}, not {value!r}")
    check_keys(value, ("reason", "until"), "quarantine option")
    reason = value.get("reason")
    if not isinstance(reason, str) or not reason.strip():
        raise BadValue("needs a reason: why may this picture fail?")
    until = value.get("until")
    try:
        # TOML has dates of its own; str() of them is ISO 8601.
        day = date.fromisoformat(str(until))
    except ValueError:
        raise BadValue(f"needs its last day, 'until: YYYY-MM-DD', not {until!r}") from None
    return Quarantine(reason.strip(), day)


def parse_optional_quarantine(value: Any) -> Quarantine | None:
    """Parse a quarantine; false or null is none at all.

    Raises:
        BadValue: it is something else.
    """
    return None if value is None or value is False else parse_quarantine(value)


def parse_quarantines(value: Any) -> Quarantines:
    """Parse the project's tables, each with a target besides.

    Raises:
        BadValue: one is no quarantine, or its target is no pattern for names.
    """
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
        raise BadValue("must be tables: [[tool.widgetshot.quarantine]] with target, reason and until")
    found = []
    for entry in value:
        pattern = entry.get("target")
        if not isinstance(pattern, str) or "::" not in pattern:
            raise BadValue(
                f"'target' is a name such as notebooks/x.ipynb::shot, * stands for any text, not {pattern!r}"
            )
        found.append((pattern, parse_quarantine({key: item for key, item in entry.items() if key != "target"})))
    return tuple(found)


def quarantine_of(nodeid: str, quarantines: Iterable[tuple[str, Quarantine]]) -> Quarantine | None:
    """Return the first of the project's quarantines that holds for a target, if there is one."""
    for pattern, quarantine in quarantines:
        # Brackets are part of a variant's name.
        if fnmatchcase(nodeid, pattern.replace("[", "[[]")):
            return quarantine
    return None
