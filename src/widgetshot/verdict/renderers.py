"""Two renderers -> whether their pictures are compared strictly: by what they draw, else by their names. No I/O.

What a renderer draws is its calibration sheet, see `capture.sheet`: a digest of the pixels of each of its primitives.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from widgetshot.model import UNKNOWN

SHEET = "sheet"  # of a fingerprint: the digest of the calibration sheet
# What makes another renderer. Locale and time zone decide on what is drawn, not on how; and the version of a widget's
# own front end is what its authors test: a new release must not loosen the comparison.
_RENDERER_PARTS = ("browser", "machine", "frontend", "fonts", "scale")
# The names of a renderer, which say nothing where its sheet is known.
_NAMES = frozenset({"browser", "machine"})
# Kind of primitives, the first word of their names -> what is said where they differ.
_WORDS = {
    "boxes": "boxes are placed or coloured differently",
    "text": "letters are drawn differently",
    "decorations": "underlines are drawn differently",
    "emoji": "emoji are drawn differently",
    "curves": "round corners are drawn differently",
    "borders": "dashed, dotted and slanted borders are drawn differently",
    "gradients": "gradients are coloured differently",
    "shadows": "shadows are blurred differently",
    "filters": "filters are computed differently",
    "opacity": "transparent colours are mixed differently",
    "blending": "blend modes are mixed differently",
    "transforms": "what is turned or scaled is drawn differently",
    "clips": "masks and cut shapes are drawn differently",
    "svg": "SVG is drawn differently",
    "canvas": "2D canvases are drawn differently",
    "webgl": "WebGL is shaded differently",
    "controls": "form controls are drawn differently",
    "scrollbars": "scroll bars are drawn differently",
    "images": "pictures are decoded or scaled differently",
}


@dataclass(frozen=True)
class RendererComparison:
    """What two renderers have in common.

    Attributes:
        differences: why their pictures can't be compared strictly, in words; empty where they can.
        unused: what they draw differently, in words, where the picture has none of that.
        names: what they are called differently although their sheets are equal, in words.
    """

    differences: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


SAME = RendererComparison()


def renderer_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what differs between two renderers, in words; nothing when they are the same as far as is known.

    Args:
        before, after: fingerprints. What only one of them tells is unknown, and no difference; what one of them says to
            be unknown is one. Of two that have the same sheet the names are of no account.
    """
    sheets = known_sheets(before, after)
    if sheets is None:
        return _changes(before, after, _RENDERER_PARTS)
    if sheets[0] == sheets[1]:
        return _changes(before, after, [part for part in _RENDERER_PARTS if part not in _NAMES])
    return (*_changes(before, after, _RENDERER_PARTS), f"calibration {SHEET} {sheets[0]} → {sheets[1]}")


def known_sheets(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the digests of both calibration sheets; None where one is not known, or they show different primitives."""
    old, new = str(before.get(SHEET, UNKNOWN)), str(after.get(SHEET, UNKNOWN))
    return None if UNKNOWN in (old, new) or edition_of(old) != edition_of(new) else (old, new)


def edition_of(sheet: str) -> str:
    """Return the edition of a calibration sheet, which says what its primitives show, from its digest."""
    return sheet.partition(".")[0]


def digest_of(edition: int, primitives: Mapping[str, str]) -> str:
    """Return the digest of a calibration sheet: its edition, and what tells it from other ones."""
    lines = "\n".join(f"{name} {primitives[name]}" for name in sorted(primitives))
    return f"{edition}.{hashlib.sha256(lines.encode()).hexdigest()[:12]}"


def compare_renderers(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    sheets: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {}),
    uses: Collection[str] | None = None,
) -> RendererComparison:
    """Compare the renderers of a baseline and of a shot.

    Args:
        before, after: fingerprints.
        sheets: of both, primitive -> digest; empty where that is not at hand.
        uses: kinds of primitives, or single ones, that the shot has; None where that is not known: it may have all.
    """
    digests = known_sheets(before, after)
    if digests is None:
        return RendererComparison(renderer_changes(before, after))
    if digests[0] == digests[1]:
        return RendererComparison(renderer_changes(before, after), names=_changes(before, after, sorted(_NAMES)))
    old, new = sheets
    if not old or not new:
        return RendererComparison(renderer_changes(before, after))
    differing, used = differing_kinds(old, new), differing_kinds(old, new, uses)
    others = _changes(before, after, [part for part in _RENDERER_PARTS if part not in _NAMES])
    if not used:
        return RendererComparison(others, unused=words_of(differing))
    return RendererComparison((*words_of(used), *_changes(before, after, sorted(_NAMES)), *others))


def differing_primitives(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """Return the primitives that two sheets draw differently, or that only one of them has, sorted."""
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def differing_kinds(old: Mapping[str, str], new: Mapping[str, str], uses: Collection[str] | None = None) -> list[str]:
    """Return the kinds of primitives that two sheets draw differently, the basic ones first.

    Args:
        uses: kinds, or single primitives, of which this is asked; None for all.
    """
    names = [(name, name.partition("/")[0]) for name in differing_primitives(old, new)]
    kinds = {kind for name, kind in names if uses is None or kind in uses or name in uses}
    order = [*_WORDS]
    return sorted(kinds, key=lambda kind: (order.index(kind) if kind in _WORDS else len(order), kind))


def words_of(kinds: Collection[str]) -> tuple[str, ...]:
    """Return what is said of kinds of primitives that differ."""
    return tuple(_WORDS.get(kind, f"{kind} differ") for kind in kinds)


def _changes(before: Mapping[str, Any], after: Mapping[str, Any], parts: Collection[str]) -> tuple[str, ...]:
    found = []
    for part in parts:
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
