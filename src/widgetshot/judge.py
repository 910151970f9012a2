"""(target, shot, baseline, comparison) -> verdict and the sentence that says why. No I/O."""

import json
import re
from collections.abc import Mapping
from typing import Any

from widgetshot.model import Baseline, Comparison, Shot, Target, TraitChange, Verdict

_MISSING = "(absent)"
_LONGEST_VALUE = 40  # characters


def judge(target: Target, shot: Shot, baseline: Baseline | None, comparison: Comparison | None) -> tuple[Verdict, str]:
    """The verdict on a shot that was taken.

    Args:
        comparison: of shot and baseline; None without a baseline.
    """
    if not shot.settled:
        return Verdict.UNSTABLE, f"never came to rest: {shot.unrest}"
    if baseline is None or comparison is None:
        return Verdict.NEW, "has no baseline yet"
    if comparison.resized:
        return Verdict.RESIZED, (
            f"{_size(baseline.pixels.shape)} became {_size(shot.pixels.shape)} pixels; {_amount(comparison)}"
        )
    if comparison.changed > target.tolerance.allowance(comparison.total):
        return Verdict.CHANGED, _amount(comparison)
    if comparison.changed:
        return Verdict.MATCH, f"{_amount(comparison)}, within the tolerance: {target.tolerance}"
    return Verdict.MATCH, "is as it was approved"


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"


def _amount(comparison: Comparison) -> str:
    count = len(comparison.regions)
    share = comparison.share
    # Rounding must not turn a difference into none.
    percent = f"{share:.2%}" if share >= 0.0001 else "under 0.01%"
    pixels = f"{comparison.changed} pixel{'s differ' if comparison.changed != 1 else ' differs'}"
    return f"{pixels} ({percent}) in {count} region{'' if count == 1 else 's'}"


def explain(traits: tuple[TraitChange, ...], known: bool, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Why a picture changed, in words, from the widget traits and the renderer.

    Args:
        known: whether the baseline recorded its widgets' state.
        before, after: fingerprints; an empty one is unknown.
    """
    parts = []
    if traits:
        named = [f"{change.widget}.{change.trait} {_step(change.before, change.after)}" for change in traits]
        parts.append(", ".join(named[:3]) + (f" and {len(named) - 3} more" if len(named) > 3 else ""))
    elif known:
        parts.append("no widget trait differs: style, output or front end")
    renderer = [key for key in sorted(before.keys() | after.keys()) if before.get(key) != after.get(key)]
    if before and renderer:
        parts.append("different renderer: " + ", ".join(renderer))
    return "; ".join(parts)


def _step(before: Any, after: Any) -> str:
    """`before → after`, of long values only the part where they begin to differ."""
    old, new = (value if value == _MISSING else json.dumps(value, ensure_ascii=False) for value in (before, after))
    cut = [re.search(r"\((\d+) characters, digest", text) for text in (old, new)]
    if cut[0] and cut[1] and old[: cut[0].start()] == new[: cut[1].start()]:
        return f"changed far inside ({cut[0][1]} → {cut[1][1]} characters)"
    common = next((index for index, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), 0)
    start = max(0, common - 12) if max(len(old), len(new)) > _LONGEST_VALUE else 0
    return " → ".join(_window(text, start) for text in (old, new))


def _window(text: str, start: int) -> str:
    end = start + _LONGEST_VALUE
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"


def trait_changes(before: Any, after: Any) -> tuple[TraitChange, ...]:
    """The traits that differ between two widget trees, as `state.ts` describes them, in the order of the tree."""
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
                _walk(before.get(key, _MISSING), after.get(key, _MISSING), label, key, changes)
            return
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            _walk(old, new, widget or "page", trait if widget else f"widget {index + 1}", changes)
        return
    changes.append(TraitChange(widget or "page", trait or "widgets", _summary(before), _summary(after)))


def _summary(value: Any) -> Any:
    """A widget (or a list of them) as its name: the whole tree would bury the trait."""
    if isinstance(value, dict) and "widget" in value:
        return value["widget"]
    if isinstance(value, list):
        return [_summary(item) for item in value]
    return value
