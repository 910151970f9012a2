"""Themes and viewports: each combination is a variant of a notebook, with a kernel and a page of its own."""

import re
from collections.abc import Mapping
from typing import Any

from widgetshot.model import Viewport
from widgetshot.values import BadValue, check_keys, one_of

THEMES = ("light", "dark")
_NAME = re.compile(r"\w[\w-]{0,49}")
# Of a theme that an extension brings, and part of the names of baselines.
_THEME = re.compile(r"\w(?:[\w .-]{0,48}\w)?")
_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")
_SMALLEST, _LARGEST = 50, 8000  # CSS pixels


def variant_name(theme: str, viewport: Viewport) -> str:
    """Return what stands in brackets behind the names of a variant's shots; "" for the default variant."""
    return ",".join(part for part in ("" if theme == THEMES[0] else theme, viewport.name) if part)


def parse_themes(value: Any) -> tuple[str, ...]:
    """Parse a theme or a list of themes.

    Raises:
        BadValue: a theme is unknown or comes twice, or there is none.
    """
    themes = tuple(_theme(theme) for theme in (value if isinstance(value, list) else [value]))
    if not themes or len(set(themes)) != len(themes):
        raise BadValue(f"{value!r} must name each theme once")
    return themes


def _theme(value: Any) -> str:
    # Whether the front end has a theme of this name is known where the front end is.
    if isinstance(value, str) and (value in THEMES or _THEME.fullmatch(value)):
        return value
    try:
        return one_of(value, THEMES)
    except BadValue as error:
        raise BadValue(f"unknown theme {error.what}") from None


def parse_viewports(value: Any) -> tuple[Viewport, ...]:
    """Parse `960x720`, or a list of those and of `{name, width, height}`.

    The first entry without a name is the default and has no variant name; further ones are named by their size.

    Raises:
        BadValue: one is no viewport or comes twice, or there is none.
    """
    if not isinstance(value, list):
        return (_viewport(value),)
    if not value:
        raise BadValue("is an empty list")
    found: list[Viewport] = []
    for entry in value:
        viewport = _viewport(entry)
        if not viewport.name and any(not other.name for other in found):
            viewport = Viewport(viewport.width, viewport.height, str(viewport))
        if any(viewport.name == other.name or str(viewport) == str(other) for other in found):
            raise BadValue(f"'{viewport.name or viewport}' comes twice")
        found.append(viewport)
    return tuple(found)


def _viewport(value: Any) -> Viewport:
    name = ""
    if isinstance(value, Mapping):
        check_keys(value, ("name", "width", "height"), "viewport option")
        name = value.get("name", "")
        size: tuple[Any, Any] = (value.get("width"), value.get("height"))
        if not isinstance(name, str) or ("name" in value and not _NAME.fullmatch(name)):
            raise BadValue(f"name {name!r} may hold letters, digits, '_' and '-'")
    else:
        match = _SIZE.fullmatch(value if isinstance(value, str) else "")
        size = (int(match[1]), int(match[2])) if match else (None, None)
    width, height = size
    if not (_length(width) and _length(height)):
        raise BadValue(f"must be WIDTHxHEIGHT, each {_SMALLEST} to {_LARGEST}, not {value!r}")
    return Viewport(width, height, name)


def _length(value: Any) -> bool:
    return type(value) is int and _SMALLEST <= value <= _LARGEST
