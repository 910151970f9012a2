"""Values of options as they come from TOML or a flag, refused clearly where they are of the wrong kind."""

from typing import Any

from widgetshot.errors import ConfigError


def text(value: Any, where: str) -> str:
    """A text.

    Raises:
        ConfigError: it is something else.
    """
    if not isinstance(value, str):
        raise ConfigError(f"must be text, not {value!r}", where=where)
    return value


def over_zero(value: Any, where: str) -> float:
    """A number over 0, and below a million.

    Raises:
        ConfigError: it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise ConfigError(f"must be a number over 0, not {value!r}", where=where)
    return float(value)
