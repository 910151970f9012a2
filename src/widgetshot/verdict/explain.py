"""Two shots -> why they differ, in a sentence: layout, traits, renderer, what the page reported. No I/O."""

import json
from collections.abc import Sequence
from typing import Any

from widgetshot.model import TraitChange
from widgetshot.shortened_text import find_shortened
from widgetshot.verdict.renderers import RendererComparison
from widgetshot.verdict.traits import ABSENT
from widgetshot.verdict.words import MAX_NAMED, count, listed

_MAX_VALUE_LENGTH = 40  # characters


def about_renderers(renderers: RendererComparison) -> str:
    """Say what two renderers have in common; "" where there is nothing to say."""
    if found := renderers.differences:
        return f"different renderer: {listed(found[:MAX_NAMED], len(found))}"
    if unused := renderers.unused:
        return (
            f"compared strictly: another renderer drew the baseline ({listed(unused[:MAX_NAMED], len(unused))}), and "
            "this picture has nothing of that"
        )
    if names := renderers.names:
        return (
            f"compared strictly: what drew the baseline has another name ({listed(names[:MAX_NAMED], len(names))}) "
            "and the same calibration sheet"
        )
    return ""


def explain(
    traits: Sequence[TraitChange],
    layout: Sequence[str] | None,
    renderers: RendererComparison,
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
        renderers: those of both.
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
    if about := about_renderers(renderers):
        parts.append(about)
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
