"""What notebooks may spend on paid services in a day; see `widgetshot.cost` for what they do."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from widgetshot.errors import ConfigError, nearest


@dataclass(frozen=True)
class Limit:
    """What may be spent in a day.

    Attributes:
        calls: how many calls, None for any number.
        usd: how many US dollars, None for any number.
        notebook: whose calls count; "" for those of all of the project.
    """

    calls: int | None = None
    usd: Decimal | None = None
    notebook: str = ""


def limit_from(value: Any, where: str, notebook: str = "") -> Limit:
    """Parse `{max_calls: 20, max_cost_usd: 0.5, per: day}`.

    Raises:
        ConfigError: an unknown word, or a value of the wrong kind.
    """
    words = ("max_calls", "max_cost_usd", "per")
    if not isinstance(value, Mapping):
        raise ConfigError(f"cost: is {{max_calls: N, max_cost_usd: X, per: day}}, not {value!r}", where=where)
    for word in value:
        if word not in words:
            raise ConfigError(f"unknown cost option '{word}'{nearest(word, words)}", where=where)
    if value.get("per", "day") != "day":
        raise ConfigError(f"cost: 'per' is 'day', not {value['per']!r}", where=where)
    calls = value.get("max_calls")
    if calls is not None and (type(calls) is not int or calls < 0):
        raise ConfigError(f"cost: 'max_calls' is a whole number, not {calls!r}", where=where)
    usd = value.get("max_cost_usd")
    if usd is not None and (isinstance(usd, bool) or not isinstance(usd, int | float) or not 0 <= usd < 1e9):
        raise ConfigError(f"cost: 'max_cost_usd' is a number of US dollars, not {usd!r}", where=where)
    if calls is None and usd is None:
        raise ConfigError("cost: has neither 'max_calls' nor 'max_cost_usd'", where=where)
    return Limit(calls, None if usd is None else Decimal(str(usd)), notebook)
