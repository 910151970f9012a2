"""Two trees of widgets' state -> the traits that differ. No I/O."""

import json
from typing import Any

from widgetshot.model import TraitChange

ABSENT = "(absent)"


def trait_changes(before: Any, after: Any) -> tuple[TraitChange, ...]:
    """Return the traits that differ between two widget trees (see `state.ts`), in the order of the tree."""
    changes: list[TraitChange] = []
    _walk(before, after, "", "", changes)
    return tuple(changes)


def _walk(before: Any, after: Any, widget: str, trait: str, changes: list[TraitChange]) -> None:
    # As JSON, because Python holds 1 and true for equal.
    if json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        kind = after.get("widget")
        if kind and before.get("widget") == kind:
            name = str(after.get("description") or "")
            # Layout and style belong to the widget that has them; a reader looks for that one.
            inner = str(kind) if not str(kind).endswith(("Layout", "Style")) else f"{widget}.{trait}"
            label = f"{inner} '{name}'" if name else inner
            for key in sorted((before.keys() | after.keys()) - {"widget"}):
                _walk(before.get(key, ABSENT), after.get(key, ABSENT), label, key, changes)
            return
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            _walk(old, new, widget or "page", trait if widget else f"widget {index + 1}", changes)
        return
    changes.append(TraitChange(widget or "page", trait or "widgets", _summary(before), _summary(after)))


def _summary(value: Any) -> Any:
    """Return a widget (or a list of them) as its name: the whole tree would bury the trait."""
    if isinstance(value, dict) and "widget" in value:
        return value["widget"]
    if isinstance(value, list):
        return [_summary(item) for item in value]
    return value
