"""Flags of pytest, made of the options that `widgetshot.project.options` declares."""

from typing import Any

import pytest

from widgetshot.option import Option
from widgetshot.project.options import PYTEST


def add_flags(group: pytest.OptionGroup) -> None:
    """Give pytest every flag, in the order in which they are declared."""
    for option in PYTEST.values():
        group.addoption(option.pytest, default=option.flag_default, help=option.help, **_kind(option))


def settings_given(config: pytest.Config) -> dict[str, Any]:
    """Return the settings that were given on the command line, by name."""
    given = {
        option.name: config.getoption(option.pytest.removeprefix("--").replace("-", "_"))
        for option in PYTEST.values()
        if option.project
    }
    return {name: value for name, value in given.items() if value is not None}


def _kind(option: Option) -> dict[str, Any]:
    if option.flag_type is bool:
        return {"action": "store_true"}
    # Which words are right is checked where that of pyproject.toml is, whose messages say more.
    kind: dict[str, Any] = {"type": option.flag_type, "metavar": option.metavar or "|".join(option.flag_choices)}
    return kind | ({"nargs": "?", "const": option.bare} if option.bare else {})
