"""Two shots -> why they differ, in a sentence: layout, traits, renderer, what the page reported. No I/O."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from widgetshot.model import UNKNOWN, TraitChange
from widgetshot.shortened_text import find_shortened
from widgetshot.verdict.traits import ABSENT
from widgetshot.verdict.words import MAX_NAMED, count, listed

_MAX_VALUE_LENGTH = 40  # characters
# What makes another renderer. Locale and time zone decide on what is drawn, not on how; and the version of a widget's
# own front end is what its authors test: a new release must not loosen the comparison.
_RENDERER_PARTS = ("browser", "machine", "frontend", "fonts", "scale")


def renderer_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what differs between two renderers, in words; nothing when they are the same as far as is known.

    Args:
        before, after: fingerprints. What only one of them tells is unknown, and no difference; what one of them says to
            be unknown is one.
    """
    found = []
    for part in _RENDERER_PARTS:
        if part not in before or part not in after:
            continue
        old, new = before[part], after[part]
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            # Other kinds of widgets than before are no other renderer.
            found += [
                f"{part} {name} {old[name]} → {new[name]}"
                for name in sorted(old.keys() & new.keys())
                if old[name] != new[name]
            ]
        elif UNKNOWN in (old, new):
            found.append(f"{part} {UNKNOWN}")
        elif old != new:
            found.append(f"{part} {old} → {new}")
    return tuple(found)


def other_renderer(renderer: Sequence[str]) -> str:
    """Say that the renderer was another one."""
    return f"different renderer: {listed(renderer[:MAX_NAMED], len(renderer))}"


def explain(
    traits: Sequence[TraitChange],
    layout: Sequence[str] | None,
    renderer: Sequence[str],
    *,
    known: bool,
    cut: bool = False,
    console: int = 0,
    blocked: int = 0,
    missing_glyphs: Sequence[str] = (),
) -> str:
    """Say why a picture changed; what a designer understands comes first.

    Args:
        layout: see `widgetshot.verdict.layout.changes`; None when the baseline has no layout.
        renderer: see `renderer_changes`.
        known: whether the baseline recorded its widgets' state.
        cut: whether one of the pages had more elements than its layout holds.
        console: number of errors that the page wrote to its console.
        blocked: number of requests to elsewhere that were blocked.
        missing_glyphs: characters that no font has.
    """
    parts = []
    if layout:
        parts.append(listed(layout[:MAX_NAMED], len(layout)))
    if traits:
        # Markup says nothing to a designer: it is told beside the picture.
        telling = sorted(traits, key=_is_markup)[:MAX_NAMED]
        named = [
            f"{change.widget}.{change.trait} {'changed' if _is_markup(change) else _step(change.before, change.after)}"
            for change in telling
        ]
        parts.append(listed(list(dict.fromkeys(named)), len(traits)))
    if not parts and known:
        if layout is None:
            parts.append("no widget trait differs: style, drawing or front end")
        elif cut:
            parts.append(
                "no widget trait and none of the first boxes differs: style, drawing, front end, or boxes further on, "
                "which are not listed"
            )
        else:
            parts.append("no widget trait and no box differs: style, drawing or front end")
    if renderer:
        parts.append(other_renderer(renderer))
    if missing_glyphs:
        named = [one if one.isprintable() else f"U+{ord(one):04X}" for one in missing_glyphs[:MAX_NAMED]]
        parts.append(f"no font has {listed(named, len(missing_glyphs))}")
    if console:
        parts.append(f"the page reported {count(console, 'error')}")
    if blocked:
        parts.append(f"{count(blocked, 'request')} to elsewhere {'was' if blocked == 1 else 'were'} blocked")
    return "; ".join(parts)


def _is_markup(change: TraitChange) -> bool:
    return any(isinstance(value, str) and "<" in value and ">" in value for value in (change.before, change.after))


def _step(before: Any, after: Any) -> str:
    """`before → after`, of long values only the part where they begin to differ."""
    old, new = (value if value == ABSENT else json.dumps(value, ensure_ascii=False) for value in (before, after))
    cut, cut_now = find_shortened(old), find_shortened(new)
    if cut and cut_now and cut.beginning == cut_now.beginning:
        return f"changed far inside ({cut.length} → {cut_now.length} characters)"
    common = next((index for index, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), 0)
    start = max(0, common - 12) if max(len(old), len(new)) > _MAX_VALUE_LENGTH else 0
    return " → ".join(_window(text, start) for text in (old, new))


def _window(text: str, start: int) -> str:
    end = start + _MAX_VALUE_LENGTH
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"
