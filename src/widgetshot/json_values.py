"""JSON values whose form is not known, such as a widget's state: how large one may be, and how others are made so."""

import math
import re
from collections.abc import Iterator
from typing import Any

MAX_DEPTH = 32
MAX_NODES = 100_000
MAX_TEXT = 1_000_000
_SURROGATES = re.compile("[\ud800-\udfff]")


def well_formed(text: str) -> str:
    """Return text in which U+FFFD stands for each half of a surrogate pair."""
    return _SURROGATES.sub("\ufffd", text)


def json_value(value: object, max_text: int = MAX_TEXT) -> Any:
    """Return a value as a document may hold it: what breaks a limit of `check_json` is replaced by a text that says so.

    Numbers that JSON has not become words (`NaN`, `Infinity`).

    Args:
        value: JSON as the standard library reads it; anything else is shown as Python shows it.
        max_text: characters of a text beyond which it is cut.
    """
    return _json_value(value, max_text, MAX_DEPTH, _Budget())


def check_json(value: Any) -> str:
    """Return which limit a decoded JSON value of unknown form breaks; "" for none."""
    nodes = 0
    stack: list[Iterator[Any]] = [iter((value,))]
    while stack:
        try:
            one = next(stack[-1])
        except StopIteration:
            stack.pop()
            continue
        nodes += 1
        if nodes > MAX_NODES:
            return f"expected at most {MAX_NODES:,} values"
        match one:
            case str() if len(one) > MAX_TEXT:
                return f"expected text of at most {MAX_TEXT:,} characters"
            case int() if abs(one) >= 2**64:
                return "expected numbers below 2**64"
            case dict() | list():
                if len(stack) > MAX_DEPTH:
                    return f"expected at most {MAX_DEPTH} levels"
                if isinstance(one, dict):
                    if any(len(name) > MAX_TEXT for name in one):
                        return f"expected names of at most {MAX_TEXT:,} characters"
                    stack.append(iter(one.values()))
                else:
                    stack.append(iter(one))
    return ""


def without_surrogates(value: Any) -> Any:
    """Return plain JSON in which no text has half a surrogate pair, see `well_formed`."""
    match value:
        case str():
            return well_formed(value)
        case dict():
            return {well_formed(name): without_surrogates(one) for name, one in value.items()}
        case list():
            return [without_surrogates(one) for one in value]
    return value


class _Budget:
    """The number of values that may still come."""

    def __init__(self) -> None:
        self.left = MAX_NODES


def _json_value(value: object, max_text: int, depth: int, budget: _Budget) -> Any:
    budget.left -= 1
    match value:
        case None | bool():
            return value
        case str():
            text = well_formed(value[:max_text])
            return f"{text[:-1]}…" if len(value) > max_text else text
        case int() if abs(value) < 2**64:
            return value
        case float() if math.isfinite(value):
            return value
        case float():
            return {"inf": "Infinity", "-inf": "-Infinity"}.get(str(value), "NaN")
        case dict() | list() | tuple() if not depth:
            return "(nested too deeply)"
        case dict() | list() | tuple() if len(value) > budget.left:
            return f"({len(value):,} values)"
        case dict():
            return {
                _json_value(str(name), max_text, 0, budget): _json_value(one, max_text, depth - 1, budget)
                for name, one in value.items()
            }
        case list() | tuple():
            return [_json_value(one, max_text, depth - 1, budget) for one in value]
    return _json_value(repr(value)[: max_text + 1], max_text, 0, budget)
