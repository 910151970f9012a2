"""Wrong members of an object that a person or another program has sent, in words.

Each member is named, and every one that is wrong; `documents.decode` stops at the first. What was expected is said in
the member's own declaration: `Meta(extra={"expected": "text"})`.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import msgspec
from msgspec import Meta

from widgetshot.documents import Document
from widgetshot.errors import one_line

_MAX_VALUE = 60  # characters of a value that a message repeats


def problems_of(kind: type[Document], members: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the members of an object that is to be of some type; nothing where it is.

    Members that the type does not have are not looked at.
    """
    return [f"{name} {problem}" for name, problem in _problems(kind, members)]


def shortened(value: Any) -> str:
    """Return a JSON value on one line, cut where it is long."""
    text = one_line(json.dumps(value, ensure_ascii=False)[:200])
    return text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}..."


def _problems(kind: type[Document], members: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for field in msgspec.structs.fields(kind):
        if field.name not in members:
            if field.required:
                yield field.name, "is missing"
            continue
        value = members[field.name]
        try:
            msgspec.convert(value, field.type)
        except (msgspec.ValidationError, UnicodeError, RecursionError):  # UnicodeError: half a surrogate pair
            yield field.name, f"must be {_expected(field.type)}, not {shortened(value)}"


def _expected(annotation: Any) -> str:
    for meta in get_args(annotation)[1:]:
        if isinstance(meta, Meta) and meta.extra:
            return str(meta.extra["expected"])
    raise TypeError(f"{annotation} does not say what is expected")
