"""The services that need no declaration: each module has its `RECIPE`, and is named as the service is."""

import pkgutil
from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, cast

from widgetshot.errors import ConfigError, nearest

# Settings ask for the names alone, and need nothing of what starts a service.
if TYPE_CHECKING:
    from widgetshot.services.programs import Requirement
    from widgetshot.services.recipe import Recipe

NAMES = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))


def load(name: str) -> "Recipe":
    """Return the recipe of a built-in service.

    Raises:
        ConfigError: there is no such service.
    """
    if name not in NAMES:
        raise ConfigError(f"no built-in service '{name}'{nearest(name, NAMES)}")
    return cast("Recipe", import_module(f"{__name__}.{name}").RECIPE)


def missing(names: Iterable[str] = NAMES) -> "list[Requirement]":
    """Return what the services lack on this machine, each program or module once."""
    found = {need.name: need for name in names for need in load(name).requirements if not need.met}
    return list(found.values())
