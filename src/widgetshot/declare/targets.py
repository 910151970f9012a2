"""Declared shots become targets: options are looked up from the nearest to the farthest, variants multiplied out."""

from collections.abc import Mapping
from dataclasses import fields, replace
from itertools import product
from typing import Any

from widgetshot.declare.defaults import Defaults
from widgetshot.declare.front_ends import check_abilities
from widgetshot.declare.options import NOTEBOOK, SHOT
from widgetshot.declare.quarantine import quarantine_of
from widgetshot.declare.shots import DeclaredShot
from widgetshot.declare.variants import variant_name
from widgetshot.model import Clock, Mask, Target

_FIELDS = frozenset(field.name for field in fields(Target))
# Those of the notebook and of the shot add up; of the others the nearest one counts.
_ADDING_UP = ("mask", "markers")


def notebook_values(given: Mapping[str, Any], path: str, defaults: Defaults) -> dict[str, Any]:
    """Return the values of the options that only a whole notebook has, by name.

    Args:
        given: raw values of the notebook's options.
        path: the notebook, for messages.

    Returns:
        No value where nothing is given and nothing is the default.

    Raises:
        ConfigError: a value is of the wrong kind.
    """
    values: dict[str, Any] = {}
    for name, option in NOTEBOOK.items():
        if option.shot:
            continue
        if name in given:
            values[name] = option.read(given[name], path)
        elif option.project:
            values[name] = getattr(defaults, name)
        elif option.default is not None:
            values[name] = option.parsed_default()
    return values


def targets_of(
    shot: DeclaredShot, given: Mapping[str, Any], values: Mapping[str, Any], path: str, defaults: Defaults
) -> list[Target]:
    """Return the targets of a shot, one for each front end, theme and viewport.

    Args:
        given: raw values of the notebook's options.
        values: those of the whole notebook, see `notebook_values`.
        path: the notebook, relative to the root.

    Raises:
        ConfigError: a value is of the wrong kind, or a front end can't do what is asked for.
    """
    where = f"{path}::{shot.name}"
    nearest = _nearest(shot.options, given, defaults, where)
    frontends, themes, viewports = (nearest.pop(name) for name in ("frontend", "theme", "viewport"))
    if shot.cell_id is None and nearest["capture"] != "window":
        nearest["capture"] = "page"
    options = {name: value for name, value in {**values, **nearest}.items() if name in _FIELDS}
    options |= {
        "masks": _masks(shot.options, given, where),
        "markers": tuple(sorted({*_own("markers", given, where), *_own("markers", shot.options, where)})),
        "clock": Clock(values["clock"], values["freeze_clock"]),
    }
    targets = []
    for frontend, theme, viewport in product(frontends, themes, viewports):
        target = Target(
            notebook=path,
            shot=shot.name,
            cell_id=shot.cell_id,
            order=shot.order,
            source=shot.source,
            frontend=frontend,
            theme=theme,
            viewport=viewport,
            variant=variant_name(theme, viewport),
            **options,
        )
        check_abilities(target)
        if defaults.quarantine and "quarantine" not in options:
            target = replace(target, quarantine=quarantine_of(target.nodeid, defaults.quarantine))
        targets.append(target)
    return targets


def _nearest(shot: Mapping[str, Any], notebook: Mapping[str, Any], defaults: Defaults, where: str) -> dict[str, Any]:
    """Return the values of a shot's options: its own, else its notebook's, else the project's, else the default."""
    values: dict[str, Any] = {}
    for name, option in SHOT.items():
        if name in _ADDING_UP or name == "name":
            continue
        if name in shot:
            values[name] = option.read(shot[name], where)
        elif name in notebook and option.notebook:
            values[name] = option.read(notebook[name], where)
        elif option.project:
            values[name] = getattr(defaults, name)
        elif option.default is not None:
            values[name] = option.parsed_default()
    return values


def _own(name: str, given: Mapping[str, Any], where: str) -> tuple[Any, ...]:
    """Return the values that one level declares of an option whose values add up."""
    return SHOT[name].read(given[name], where) if name in given else ()


def _masks(shot: Mapping[str, Any], notebook: Mapping[str, Any], where: str) -> tuple[Mask, ...]:
    inherited = (replace(mask, inherited=True) for mask in _own("mask", notebook, where))
    return (*inherited, *_own("mask", shot, where))
