"""JSON documents of known types: bytes -> value, value -> bytes, and the JSON Schema of a type.

A type is an `msgspec.Struct` that derives from `Document` (or a list, dict or union of such). Reading is strict: a
value of another type, an unknown or a missing member, a number or a size out of bounds, and text that is no JSON all
end in one error of ours, which names the file, the place within it and what was expected there.

Importing this module imports msgspec (some 5 ms beside numpy); import it where a document is read or written.
"""

import json
import math
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

import msgspec
from msgspec import Meta

from widgetshot.errors import RecordError, WidgetshotError, one_line
from widgetshot.json_places import exact_place
from widgetshot.json_values import without_surrogates

T = TypeVar("T")

MAX_BYTES = 256_000_000
_MAX_MESSAGE = 400  # characters of a value or a reason that a message repeats

JsonValue = Any  # any JSON; `json_values.check_json` bounds it
Sha256 = Annotated[str, Meta(min_length=64, max_length=64, pattern="^[0-9a-f]{64}$")]
Time = Annotated[str, Meta(max_length=40, pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$")]


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of an object in a document: frozen, without members that nobody knows.

    A type checker wants `frozen=True` said again by each subclass; `kw_only=True` holds for its own members alone.
    """


def read(
    kind: type[T],
    file: Path,
    *,
    next_step: str,
    error: type[WidgetshotError] = RecordError,
    unique: bool = False,
    max_bytes: int = MAX_BYTES,
) -> T:
    """Read a file and `decode` it.

    Raises:
        FileNotFoundError: there is none; the caller knows whether that is an error.
        WidgetshotError: it can't be read, or as `decode`.
    """
    try:
        with file.open("rb") as opened:
            # One byte more than is allowed, so that an endless file ends.
            data = opened.read(max_bytes + 1)
    except FileNotFoundError:
        raise
    except OSError as problem:
        raise error(f"can't be read: {problem.strerror or problem}", where=str(file), next_step=next_step) from problem
    return decode(kind, data, file, next_step=next_step, error=error, unique=unique, max_bytes=max_bytes)


def decode(
    kind: type[T],
    data: bytes,
    file: Path | str,
    *,
    next_step: str,
    error: type[WidgetshotError] = RecordError,
    unique: bool = False,
    max_bytes: int = MAX_BYTES,
) -> T:
    """Return the value that a document's bytes hold.

    Args:
        kind: type of the document.
        file: what to call the document in messages.
        next_step: the command to type when it is refused.
        error: class of the error.
        unique: refuse a member that is there twice; without it the last one counts. Costs another pass.
        max_bytes: the size of a document that is refused unread.

    Raises:
        WidgetshotError: it is no such document.
    """
    try:
        if len(data) > max_bytes:
            raise _Problem("", f"is larger than {max_bytes:,} bytes")
        value = _decode(kind, data)
        if unique:
            _check_unique(data)
        return value
    except _Problem as problem:
        raise invalid(file, problem.place, problem.reason, next_step=next_step, error=error) from problem.__cause__


def convert(
    kind: type[T],
    value: JsonValue,
    file: Path | str,
    *,
    next_step: str,
    error: type[WidgetshotError] = RecordError,
) -> T:
    """Return the value that JSON read by `parse_json` holds.

    Args:
        file, next_step, error: as in `decode`.

    Raises:
        WidgetshotError: it is no such document.
    """
    try:
        made: T = msgspec.convert(value, cast(Any, kind))
        return made
    except msgspec.ValidationError as problem:
        reason, place = _reason_and_place(kind, json.dumps(value).encode(), problem)
        raise invalid(file, place, reason, next_step=next_step, error=error) from problem
    except UnicodeError as problem:
        # Where one of several texts is expected, msgspec can't say that it is another.
        raise invalid(file, "", "holds half a surrogate pair", next_step=next_step, error=error) from problem
    except RecursionError as problem:
        raise invalid(file, "", "is nested too deeply", next_step=next_step, error=error) from problem


def parse_json(data: bytes) -> JsonValue:
    """Return any JSON as the standard library reads it, but for numbers that JSON has not.

    For documents that may hold half a surrogate pair, which `decode` refuses.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        return json.loads(data.decode(), parse_constant=refuse_constant, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def refuse_constant(word: str) -> Any:
    """Raise ValueError for `NaN` and its like; a `parse_constant`."""
    raise ValueError(f"{word} is no JSON number")


def unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members of a JSON object; an `object_pairs_hook`.

    Raises:
        ValueError: one is there twice.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ValueError(f"the member {json.dumps(name)} is there twice")
            seen.add(name)
    return found


def invalid(
    file: Path | str, place: str, reason: str, *, next_step: str, error: type[WidgetshotError] = RecordError
) -> WidgetshotError:
    """Return the error for a place in a document that breaks a rule.

    Args:
        place: such as `tests[3].metrics.changed_pixels`; "" for the whole document.
        reason: what was expected there.
    """
    said = one_line(f"{place}: {reason}" if place else reason)
    return error(
        said if len(said) <= _MAX_MESSAGE else f"{said[:_MAX_MESSAGE]}...", where=str(file), next_step=next_step
    )


def encode(value: object) -> bytes:
    """Return a value as JSON on one line, UTF-8.

    Half a surrogate pair, which a notebook may hold and UTF-8 may not, becomes U+FFFD.
    """
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        return _ENCODER.encode(without_surrogates(msgspec.to_builtins(value)))


def to_ascii(value: object) -> str:
    """Return a value as indented JSON in ASCII, which can be written whatever a terminal's encoding is."""
    return json.dumps(msgspec.to_builtins(value), indent=1)


def json_schema(kind: Any, title: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 7) of a type, with definitions under `$defs`."""
    schema = msgspec.json.schema(kind)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": title,
        **_draft_7({name: value for name, value in schema.items() if name != "title"}),
    }


class _Problem(Exception):
    """The reason why a document is refused."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(place, reason)
        self.place = place
        self.reason = reason


_ENCODER = msgspec.json.Encoder()


@cache
def _decoder(kind: Any) -> "msgspec.json.Decoder[Any]":
    return msgspec.json.Decoder(kind)


def _decode(kind: type[T], data: bytes) -> T:
    try:
        value: T = _decoder(cast(Any, kind)).decode(data)
        return value
    except msgspec.ValidationError as error:
        reason, place = _reason_and_place(kind, data, error)
        raise _Problem(place, reason) from error
    except RecursionError as error:
        raise _Problem("", "is nested too deeply") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise _Problem("", f"is not JSON: {_why_no_json(data) or error}") from error


def _reason_and_place(kind: Any, data: bytes, error: msgspec.ValidationError) -> tuple[str, str]:
    reason, _, place = str(error).rpartition(" - at `$")
    if not reason:
        return _plain_words(str(error)), ""
    return _plain_words(reason), exact_place(kind, data, str(error), place.rstrip("`"))


def _plain_words(reason: str) -> str:
    reason = reason.replace("`", "")
    return reason[:1].lower() + reason[1:]


def _why_no_json(data: bytes) -> str:
    """Return what the standard library's reader says, which knows lines and columns."""
    try:
        json.loads(data, parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        return str(error)
    return "it holds half a surrogate pair"


def _finite(word: str) -> float:
    number = float(word)
    if not math.isfinite(number):
        raise ValueError(f"{word} is out of range")
    return number


def _check_unique(data: bytes) -> None:
    try:
        json.loads(data, object_pairs_hook=unique_members)
    except (ValueError, RecursionError) as error:
        raise _Problem("", str(error)) from error


def _draft_7(schema: Any) -> Any:
    """Return a schema with tuples as draft 7 writes them, which more tools understand than later ones."""
    if isinstance(schema, list):
        return [_draft_7(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    converted = {name: _draft_7(value) for name, value in schema.items()}
    if "prefixItems" in converted:
        converted["items"] = converted.pop("prefixItems")
        converted["additionalItems"] = False
    return converted
