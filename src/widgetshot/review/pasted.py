"""The one JSON object in a text that somebody has pasted, with prose around it or without."""

import json
import re
from typing import Any

from widgetshot.documents import refuse_constant, unique_members
from widgetshot.errors import one_line

# The beginning of a fenced code block that is JSON, or looks as if it were. A form's one-line field loses line ends.
_FENCE = re.compile(r"(`{3,}|~{3,})[ \t]*(?:json\b\s*|\s*(?=\{))", re.IGNORECASE)
_OBJECT = re.compile(r'\{\s*"')


class NoObjectError(Exception):
    """The reason why a text has no object that could be meant."""


def find_object(data: bytes, noun: str, max_bytes: int) -> dict[str, Any]:
    """Return the JSON object in a text.

    A text with fences is trusted to have it in one of them, any other from its first brace on: what is inside of a
    damaged object is never taken for a whole one.

    Args:
        data: UTF-8, with or without a byte order mark.
        noun: what the object is, for messages: `decisions`.
        max_bytes: the size of a text that is refused unread.

    Raises:
        NoObjectError: there is none, or there are several.
    """
    if len(data) > max_bytes:
        raise NoObjectError(f"is larger than {max_bytes:,} bytes, too large for {noun}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NoObjectError(f"is not UTF-8 text: {error.reason} at byte {error.start}") from error
    fence = _FENCE.search(text)
    if fence is not None and _OBJECT.search(text[: fence.start()]):
        fence = None  # it is within the object, in a comment
    begin = text.find("{") if fence is None else fence.end()
    if fence is not None and not text.startswith("{", begin):
        raise NoObjectError("holds a JSON block that is no object")
    if begin < 0:
        raise NoObjectError(f"holds no {noun} (no JSON object)")
    whole, end = _decoded(text, begin, noun)
    rest = text[end:]
    if fence is not None:
        closing = re.match(r"\s*" + re.escape(fence[1]), rest)
        if closing is None:
            raise NoObjectError("holds more in its JSON block than one object")
        rest = rest[closing.end() :]
    if _OBJECT.search(rest) or _FENCE.search(rest):
        raise NoObjectError("holds several JSON objects, and which one is meant can't be known")
    return whole


def _decoded(text: str, begin: int, noun: str) -> tuple[dict[str, Any], int]:
    """Return the object that begins there, and where it ends."""
    try:
        whole, end = _DECODER.raw_decode(text, begin)
    except json.JSONDecodeError as error:
        raise NoObjectError(f"is not JSON: {error}") from error
    except ValueError as error:
        raise NoObjectError(f"is not JSON: {one_line(error)}") from error
    except RecursionError as error:
        raise NoObjectError(f"is nested too deeply for {noun}") from error
    return dict(whole), end


_DECODER = json.JSONDecoder(object_pairs_hook=unique_members, parse_constant=refuse_constant)
