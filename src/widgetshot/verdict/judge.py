"""(target, shot, baseline, comparison) -> verdict and the sentence that says why. No I/O."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from widgetshot.model import Baseline, Comparison, Repeat, Shot, Target, TraitChange, Verdict
from widgetshot.shortened_text import find_shortened

_MISSING = "(absent)"
_MAX_VALUE_LENGTH = 40  # characters
_MAX_NAMED = 3  # changes of one kind that a sentence names
# What makes another renderer. Locale and time zone decide on what is drawn, not on how; and the version of a widget's
# own front end is what its authors test: a new release must not loosen the comparison.
_RENDERER_PARTS = ("browser", "machine", "frontend", "fonts", "scale")


def judge(
    target: Target,
    shot: Shot,
    baseline: Baseline | None,
    comparison: Comparison | None,
    renderer: Sequence[str] = (),
) -> tuple[Verdict, str]:
    """Return the verdict on a shot that was taken.

    Args:
        comparison: of shot and baseline; None without a baseline.
        renderer: what differs between their renderers, see `renderer_changes`.
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
    elsewhere = f"; {_other_renderer(renderer)}" if renderer else ""
    if comparison.changed:
        allowed = target.tolerance.words(comparison.rule)
        return Verdict.MATCH, f"{_amount(comparison)}, within the tolerance: {allowed}{elsewhere}"
    return Verdict.MATCH, f"is as it was approved{elsewhere}"


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"


def _amount(comparison: Comparison) -> str:
    share = comparison.share
    # Rounding must not turn a difference into none.
    percent = f"{share:.2%}" if share >= 0.0001 else "under 0.01%"
    where = f"in {_count(len(comparison.regions), 'region')}"
    if not comparison.bands:
        return f"{_differing(comparison.changed)} ({percent}) {where}"
    words = [
        f"{_count(band.height, 'row')} of pixels {'inserted' if band.inserted else 'removed'} at y={band.y}"
        for band in comparison.bands[:_MAX_NAMED]
    ]
    bands = _listed(words, len(comparison.bands))
    unaligned = f"place by place {comparison.changed}, {percent}"
    return f"{bands}; lined up, {_differing(comparison.marked)} {where} ({unaligned})"


def _differing(pixels: int) -> str:
    return f"{pixels} pixel{'s differ' if pixels != 1 else ' differs'}"


def renderer_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what differs between two renderers, in words; nothing when they are the same as far as is known.

    Args:
        before, after: fingerprints. What only one of them tells is unknown, and no difference.
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
        elif old != new:
            found.append(f"{part} {old} → {new}")
    return tuple(found)


def _other_renderer(renderer: Sequence[str]) -> str:
    return f"different renderer: {_listed(renderer[:_MAX_NAMED], len(renderer))}"


def explain(
    traits: Sequence[TraitChange],
    layout: Sequence[str] | None,
    renderer: Sequence[str],
    *,
    known: bool,
    cut: bool = False,
    console: int = 0,
    blocked: int = 0,
) -> str:
    """Say why a picture changed; what a designer understands comes first.

    Args:
        layout: see `widgetshot.verdict.layout.changes`; None when the baseline has no layout.
        renderer: see `renderer_changes`.
        known: whether the baseline recorded its widgets' state.
        cut: whether one of the pages had more elements than its layout holds.
        console: number of errors that the page wrote to its console.
        blocked: number of requests to elsewhere that were blocked.
    """
    parts = []
    if layout:
        parts.append(_listed(layout[:_MAX_NAMED], len(layout)))
    if traits:
        # Markup says nothing to a designer: it is told beside the picture.
        telling = sorted(traits, key=_is_markup)[:_MAX_NAMED]
        named = [
            f"{change.widget}.{change.trait} {'changed' if _is_markup(change) else _step(change.before, change.after)}"
            for change in telling
        ]
        parts.append(_listed(list(dict.fromkeys(named)), len(traits)))
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
        parts.append(_other_renderer(renderer))
    if console:
        parts.append(f"the page reported {_count(console, 'error')}")
    if blocked:
        parts.append(f"{_count(blocked, 'request')} to elsewhere {'was' if blocked == 1 else 'were'} blocked")
    return "; ".join(parts)


def _is_markup(change: TraitChange) -> bool:
    return any(isinstance(value, str) and "<" in value and ">" in value for value in (change.before, change.after))


def flaky_sentence(repeat: Repeat, comparison: Comparison | None) -> str:
    """Say that not every run of `--repeat` gave the same picture.

    Args:
        comparison: of the first two distinct pictures.
    """
    counts = ", ".join(f"{count} times" if count != 1 else "once" for count in repeat.counts)
    amount = f"; there {_amount(comparison)}" if comparison is not None else ""
    return (
        f"{repeat.distinct} different pictures came out of {repeat.runs} runs ({counts}); "
        f"run {repeat.first} was the first to differ{amount}"
    )


def _listed(named: Sequence[str], total: int) -> str:
    """Return the named ones, and how many there are besides."""
    text = ", ".join(named[:_MAX_NAMED])
    more = total - len(named[:_MAX_NAMED])
    return f"{text} and {more} more" if more > 0 else text


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _step(before: Any, after: Any) -> str:
    """`before → after`, of long values only the part where they begin to differ."""
    old, new = (value if value == _MISSING else json.dumps(value, ensure_ascii=False) for value in (before, after))
    cut, cut_now = find_shortened(old), find_shortened(new)
    if cut and cut_now and cut.beginning == cut_now.beginning:
        return f"changed far inside ({cut.length} → {cut_now.length} characters)"
    common = next((index for index, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), 0)
    start = max(0, common - 12) if max(len(old), len(new)) > _MAX_VALUE_LENGTH else 0
    return " → ".join(_window(text, start) for text in (old, new))


def _window(text: str, start: int) -> str:
    end = start + _MAX_VALUE_LENGTH
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"


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
                _walk(before.get(key, _MISSING), after.get(key, _MISSING), label, key, changes)
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
