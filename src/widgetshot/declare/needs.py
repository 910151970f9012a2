"""Services that a notebook needs."""

from collections.abc import Mapping
from typing import Any

from widgetshot.model import Need
from widgetshot.values import BadValue, check_keys


def parse_needs(value: Any) -> tuple[Need, ...]:
    """Parse a list of services: names, or `{name: NAME, exclusive: true}`. They need not be known.

    Raises:
        BadValue: it is no such list, or a service comes twice.
    """
    if not isinstance(value, list):
        raise BadValue(f"must be a list of names, not {value!r}")
    needs: list[Need] = []
    for entry in value:
        raw = entry if isinstance(entry, Mapping) else {"name": entry}
        check_keys(raw, ("name", "exclusive"), "option of a service")
        name, exclusive = raw.get("name"), raw.get("exclusive", False)
        if not isinstance(name, str) or not isinstance(exclusive, bool):
            raise BadValue(f"an entry is NAME or {{name: NAME, exclusive: true}}, not {entry!r}")
        if any(need.name == name for need in needs):
            raise BadValue(f"'{name}' comes twice")
        needs.append(Need(name, exclusive))
    return tuple(needs)
