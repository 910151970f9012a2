"""Limits of what a run folder may say, the types of single values, and how others are cut to them.

No real run meets the limits. Who writes a run keeps to them (`entry`, `writer`); who reads one refuses what breaks them
(`reader`), so that nobody who has a `Run` needs to ask again.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Annotated, Any

from msgspec import Meta

from widgetshot.documents import JsonValue
from widgetshot.json_values import json_value, well_formed
from widgetshot.model import KEY_PATTERN, MAX_KEY

MAX_TEXT = 1_000_000  # characters: a cell's source, a traceback
MAX_LINE = 10_000  # characters: a reason, a selector, an address
MAX_NAME = 2 * MAX_KEY  # characters: a path, a name that has a path in it
MAX_ITEMS = 100_000  # of a list
MAX_BOXES = 10_000  # of one result
MAX_STRETCHES = 100
MAX_NAMED = 1_000  # members of an object whose names are not fixed
MAX_COUNT = 2**53 - 1  # the largest number that JavaScript holds exactly
MAX_SECONDS = 1e9
LAST_PLACE = MAX_ITEMS  # of what was not foreseen, in the order of a list
MAX_EDGE = 1_000_000  # pixels

Text = Annotated[str, Meta(max_length=MAX_TEXT)]
Line = Annotated[str, Meta(max_length=MAX_LINE)]
Name = Annotated[str, Meta(max_length=MAX_NAME)]
Key = Annotated[str, Meta(max_length=MAX_KEY, pattern=KEY_PATTERN)]
RunId = Annotated[str, Meta(max_length=100, pattern="^[0-9A-Za-z][0-9A-Za-z._-]*$")]
Date = Annotated[str, Meta(max_length=10, pattern=r"^\d{4}-\d\d-\d\d$")]
Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
Number = Annotated[int, Meta(ge=1, le=MAX_COUNT)]
Seconds = Annotated[float, Meta(ge=0, le=MAX_SECONDS)]
Share = Annotated[float, Meta(ge=0, le=1)]
Offset = Annotated[int, Meta(ge=-MAX_EDGE, le=MAX_EDGE)]
Extent = Annotated[int, Meta(ge=0, le=MAX_EDGE)]
Edge = Annotated[int, Meta(ge=1, le=MAX_EDGE)]
Timings = Annotated[dict[Name, Seconds], Meta(max_length=MAX_NAMED, description="Seconds of each stage.")]
Fingerprint = Annotated[
    dict[Name, JsonValue], Meta(max_length=MAX_NAMED, description="What a picture's look depends on.")
]


def cut_text(value: str) -> str:
    """Return a text as an entry may hold it."""
    return _cut(value, MAX_TEXT)


def cut_line(value: str) -> str:
    """Return a reason, a message or an address as a run may hold it."""
    return _cut(value, MAX_LINE)


def cut_name(value: str) -> str:
    """Return a name as a run may hold it."""
    return _cut(value, MAX_NAME)


def cut_lines(values: Iterable[str]) -> list[str]:
    """Return messages as an entry may hold them."""
    return [cut_line(value) for value in islice(values, MAX_NAMED)]


def seconds(value: float, digits: int = 4) -> float:
    """Return a duration as a run may hold it."""
    return round(max(0.0, min(value, MAX_SECONDS)), digits)


def timings(stages: Mapping[str, float]) -> dict[str, float]:
    """Return the seconds of each stage as a run may hold them."""
    return {cut_name(stage): seconds(value) for stage, value in islice(stages.items(), MAX_NAMED)}


def fingerprint(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return a fingerprint as a run may hold it."""
    return dict(json_value(dict(islice(facts.items(), MAX_NAMED)), MAX_NAME))


def _cut(value: str, longest: int) -> str:
    return well_formed(value if len(value) <= longest else f"{value[: longest - 1]}…")
