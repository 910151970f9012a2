"""Limits of what notebooks may spend on paid services in a day; `widgetshot.cost` keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from widgetshot.values import BadValue, check_keys


@dataclass(frozen=True)
class Limit:
    """The most that may be spent in a day.

    Attributes:
        calls: number of calls, None for any number.
        usd: number of US dollars, None for any number.
        notebook: whose calls count; "" for those of all of the project.
    """

    calls: int | None = None
    usd: Decimal | None = None
    notebook: str = ""


def parse_limits(value: Any) -> tuple[Limit, ...]:
    """Parse `{max_calls: 20, max_cost_usd: 0.5, per: day}` into one limit, which is nobody's yet.

    Raises:
        BadValue: an unknown word, or a value of the wrong kind.
    """
    if not isinstance(value, Mapping):
        raise BadValue(f"is {{max_calls: N, max_cost_usd: X, per: day}}, not {value!r}")
    check_keys(value, ("max_calls", "max_cost_usd", "per"), "cost option")
    if value.get("per", "day") != "day":
        raise BadValue(f"'per' is 'day', not {value['per']!r}")
    calls = value.get("max_calls")
    if calls is not None and (type(calls) is not int or calls < 0):
        raise BadValue(f"'max_calls' is a whole number, not {calls!r}")
    usd = value.get("max_cost_usd")
    if usd is not None and (isinstance(usd, bool) or not isinstance(usd, int | float) or not 0 <= usd < 1e9):
        raise BadValue(f"'max_cost_usd' is a number of US dollars, not {usd!r}")
    if calls is None and usd is None:
        raise BadValue("has neither 'max_calls' nor 'max_cost_usd'")
    return (Limit(calls, None if usd is None else Decimal(str(usd))),)
