"""Parsers of plain values: what TOML, YAML or a flag gives becomes what the program uses, or is refused in words.

A parser takes one value and returns what it means. It knows neither the name of the option nor the file that the value
comes from: `checked` adds both to what it says.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from widgetshot.errors import ConfigError, nearest

T = TypeVar("T")
Parser = Callable[[Any], T]

# Seconds, pixels per pixel... what is larger is a slip of the pen.
_LARGEST = 1e6
_MAX_WORDS = 400  # characters of what is said of a value, which may be of any size
_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_MARKER = re.compile(r"[\w][\w.-]*")


class BadValue(ValueError):
    """A value is of the wrong kind.

    Args:
        what: what is wrong, to be read behind the option's name: `must be text, not 3`.
        place: the part of the value that is wrong, to be read behind the place of the option: ` step 2`. The option's
            name is left out then.
        next_step: the next thing to do, or "".
    """

    def __init__(self, what: str, place: str = "", next_step: str = "") -> None:
        what = what if len(what) <= _MAX_WORDS else f"{what[: _MAX_WORDS - 100]} ... {what[-95:]}"
        super().__init__(what)
        self.what = what
        self.place = place
        self.next_step = next_step


def checked(parser: Parser[T], value: Any, where: str, name: str = "") -> T:
    """Parse a value that stands somewhere.

    Args:
        where: the file, cell or flag that the value comes from.
        name: the option, unless `where` ends in it.

    Raises:
        ConfigError: the value is of the wrong kind.
    """
    try:
        return parser(value)
    except BadValue as error:
        prefix = f"{name}: " if name and not error.place else ""
        raise ConfigError(prefix + error.what, where=where + error.place, next_step=error.next_step) from error


def check_keys(given: Iterable[object], valid: Collection[str], what: str) -> None:
    """Refuse a key that nobody knows.

    Args:
        what: what such a key is called: `mask option`.

    Raises:
        BadValue: a key is unknown; the nearest valid one is named.
    """
    for key in given:
        if key not in valid:
            raise BadValue(f"unknown {what} '{key}'{nearest(key, valid)}")


def one_of(value: Any, valid: Collection[str]) -> str:
    """Return a word that is one of those that are valid.

    Raises:
        BadValue: it is none of them; the nearest one is named.
    """
    if not isinstance(value, str) or value not in valid:
        raise BadValue(f"{value!r}{nearest(value, valid)}")
    return value


def parse_text(value: Any) -> str:
    """Parse a text.

    Raises:
        BadValue: it is something else.
    """
    if not isinstance(value, str):
        raise BadValue(f"must be text, not {value!r}")
    return value


def parse_texts(value: Any) -> tuple[str, ...]:
    """Parse a list of texts; one text is a list of one.

    Raises:
        BadValue: it is something else.
    """
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise BadValue(f"must be a list of texts, not {value!r}")
    return tuple(value)


def parse_flag(value: Any) -> bool:
    """Parse a yes or no.

    Raises:
        BadValue: it is neither true nor false.
    """
    if not isinstance(value, bool):
        raise BadValue(f"must be true or false, not {value!r}")
    return value


def split_address(text: str, form: str) -> SplitResult:
    """Return the parts of an address.

    Args:
        form: says what it must be.

    Raises:
        BadValue: its host or port is not valid.
    """
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise BadValue(f"{form}; its host or port is not valid") from error
    return parts


def parse_count(value: Any) -> int:
    """Parse a whole number from 1.

    Raises:
        BadValue: it is something else.
    """
    if type(value) is not int or value < 1:
        raise BadValue(f"must be a whole number from 1, not {value!r}")
    return value


def parse_positive(value: Any) -> float:
    """Parse a number over 0 and below a million.

    Raises:
        BadValue: it is something else.
    """
    return _positive(value, "number")


def parse_seconds(value: Any) -> float:
    """Parse a time span in seconds, over 0 and below a million.

    Raises:
        BadValue: it is something else.
    """
    return _positive(value, "number of seconds")


def parse_optional_seconds(value: Any) -> float | None:
    """Parse a time span in seconds, or null.

    Raises:
        BadValue: it is something else.
    """
    return None if value is None else parse_seconds(value)


def _positive(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _LARGEST:
        raise BadValue(f"must be a {what} over 0, not {str(value)[:50]}")
    return float(value)


def parse_time(value: Any) -> str:
    """Parse a point in time; without a zone it is UTC.

    Returns:
        ISO 8601 with a zone.

    Raises:
        BadValue: it is none.
    """
    try:
        # TOML has dates and times of its own; str() of them is ISO 8601.
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise BadValue(f"must be a time such as 2026-01-01T12:00:00Z, not {value!r}") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def parse_time_zone(value: Any) -> str:
    """Parse the name of a time zone.

    Raises:
        BadValue: it is none.
    """
    name = parse_text(value)
    if name == "UTC":  # which is there without the data base of zones, whose import takes its time
        return name
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise BadValue(f"unknown time zone {value!r}; for example 'UTC' or 'Europe/Berlin'") from error
    return name


def parse_path(value: Any) -> Path:
    """Parse a path; `~` is somebody's home.

    Raises:
        BadValue: it is none, or nobody has that home.
    """
    try:
        return Path(parse_text(str(value) if isinstance(value, Path) else value)).expanduser()
    except RuntimeError as error:
        raise BadValue(f"{value!r}: {error}") from error


def parse_variables(value: Any) -> tuple[str, ...]:
    """Parse the name of an environment variable, or a list of them.

    Raises:
        BadValue: one is no such name.
    """
    return _names(value, _VARIABLE)


def parse_markers(value: Any) -> tuple[str, ...]:
    """Parse the name of a pytest marker, or a list of them. They need not be registered.

    Raises:
        BadValue: one is no such name.
    """
    return _names(value, _MARKER)


def _names(value: Any, pattern: re.Pattern[str]) -> tuple[str, ...]:
    names = value if isinstance(value, list) else [value]
    for name in names:
        if not isinstance(name, str) or not pattern.fullmatch(name):
            raise BadValue(f"must be a list of names, not {value!r}")
    return tuple(dict.fromkeys(names))


def parse_globs(value: Any) -> tuple[str, ...]:
    """Parse a list of files or globs below some folder.

    Raises:
        BadValue: it is none, or one begins at the root of the file system.
    """
    if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
        raise BadValue(f"must be a list of files or globs, not {value!r}")
    for item in value:
        if item.startswith(("/", "~")) or Path(item).is_absolute():
            raise BadValue(f"{item!r} must be relative to the notebook's folder")
    return tuple(value)


def mapping(value: Any) -> Mapping[str, Any]:
    """Return a mapping.

    Raises:
        BadValue: it is something else.
    """
    if not isinstance(value, Mapping):
        raise BadValue(f"must be a mapping, not {value!r}")
    return value
