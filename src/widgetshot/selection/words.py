"""Differences between two states, in words."""

import re
from collections.abc import Mapping, Sequence

from widgetshot.selection.states import FileState, Tree

_MAX_PACKAGES = 3  # that are named


def change_of(before: FileState, now: FileState) -> str:
    """Return what happened to a file: `is new`, `is gone`, `changed`; "" for nothing."""
    if before == now:
        return ""
    if before is None:
        return "is new"
    return "is gone" if now is None else "changed"


def names_changed(before: Sequence[str], now: Sequence[str]) -> str:
    """Return which names in a folder are new and which are gone."""
    new, gone = sorted(set(now) - set(before)), sorted(set(before) - set(now))
    words = [
        f"{names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''} {word}"
        for names, word in (
            (new, "is new" if len(new) == 1 else "are new"),
            (gone, "is gone" if len(gone) == 1 else "are gone"),
        )
        if names
    ]
    return ", ".join(words) or "changed"


def differing(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Return the names whose values differ, with commas."""
    return ", ".join(_differing(before, now))


def surroundings_changed(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Return which of the surroundings differ: the first by its name."""
    names = _differing(before, now)
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]} changed{more}"


def packages_changed(path: str, before: Tree, now: Tree) -> str:
    """Return which packages of a folder differ, by their versions where these tell it."""
    names = _differing(before, now)
    versions: dict[str, list[str]] = {}
    for tree, place in ((before, 0), (now, 1)):
        for name in tree:
            if name in names and (found := re.fullmatch(r"(.+?)-([^-]+)\.(?:dist|egg)-info", name)):
                versions.setdefault(found[1], ["none", "none"])[place] = found[2]
    moved = [f"{name} {old} → {new}" for name, (old, new) in sorted(versions.items()) if old != new]
    named = moved or [f"{name} in {path}" if name else path for name in names]
    more = f" and {len(named) - _MAX_PACKAGES} more" if len(named) > _MAX_PACKAGES else ""
    return f"{', '.join(named[:_MAX_PACKAGES])}{more}"


def _differing(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
