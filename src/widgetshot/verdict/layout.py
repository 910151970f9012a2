"""Two layouts -> the elements that were added, removed, moved, resized and renamed, in sentences."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from widgetshot.model import Box, Element

Offset = tuple[int, int]  # pixels to the right and down


@dataclass(frozen=True)
class Pair:
    """An element of the baseline and the same one now.

    Attributes:
        index: its place in the layout of now.
        index_before: its place in the baseline's layout.
    """

    old: Element
    new: Element
    index: int
    index_before: int

    @property
    def offset(self) -> Offset:
        """The distance that it moved."""
        return (self.new.box.x - self.old.box.x, self.new.box.y - self.old.box.y)

    @property
    def resized(self) -> bool:
        """True if it has another size."""
        return (self.old.box.width, self.old.box.height) != (self.new.box.width, self.new.box.height)


def changes(
    before: Sequence[Element],
    after: Sequence[Element],
    *,
    cut_before: bool = False,
    cut_after: bool = False,
    brief: bool = False,
) -> tuple[str, ...]:
    """Return what differs between two layouts in sentences, the weightiest first.

    Args:
        before, after: elements in the order of the page, parents before children.
        cut_before, cut_after: True if the page had more elements than that; what the other one has at its end may
            have been among them, and is not said to be gone or added.
        brief: only what was added, removed, or moved everything behind it.
    """
    pairs, gone, added = paired(before, after)
    if cut_after:
        last = max((pair.index_before for pair in pairs), default=-1)
        gone = [index for index in gone if index < last]
    if cut_before:
        last = max((pair.index for pair in pairs), default=-1)
        added = [index for index in added if index < last]
    sentences = []
    if added:
        sentences.append(f"{several(after, added)} {'was' if len(outermost(after, added)) == 1 else 'were'} added")
    if gone:
        sentences.append(f"{several(before, gone)} {'is' if len(outermost(before, gone)) == 1 else 'are'} gone")
    shift, sentence = _shift(pairs)
    if sentence:
        sentences.append(sentence)
    if brief:
        return tuple(sentences)
    groups: dict[Offset, list[int]] = {}
    for pair in pairs:
        if pair.offset not in ((0, 0), shift):
            groups.setdefault(pair.offset, []).append(pair.index)
    for offset, indices in sorted(groups.items(), key=lambda group: -len(group[1])):
        sentences.append(f"{several(after, indices)} moved {_direction(offset)}")
    sentences += _resized(
        pairs, after, {*added, *(index for indices in groups.values() for index in indices)}, bool(gone)
    )
    sentences += [f"{pair.old.name} became {pair.new.name}" for pair in pairs if pair.old.name != pair.new.name]
    return tuple(sentences)


def paired(before: Sequence[Element], after: Sequence[Element]) -> tuple[list[Pair], list[int], list[int]]:
    """Pair the elements that are the same ones.

    Returns:
        The pairs, and the indices of those that are gone and of those that were added.
    """
    pairs: list[Pair] = []
    gone: list[int] = []
    added: list[int] = []
    matcher = SequenceMatcher(None, [one.name for one in before], [one.name for one in after], autojunk=False)
    for kind, b0, b1, a0, a1 in matcher.get_opcodes():
        if kind == "equal":
            pairs += [Pair(before[b], after[a], a, b) for b, a in zip(range(b0, b1), range(a0, a1), strict=True)]
            continue
        # Elements of the same kind in the same place are the same ones, with another text.
        kinds = SequenceMatcher(
            None, [one.kind for one in before[b0:b1]], [one.kind for one in after[a0:a1]], autojunk=False
        )
        for inner, c0, c1, d0, d1 in kinds.get_opcodes():
            if inner == "equal":
                pairs += [
                    Pair(before[b0 + c], after[a0 + d], a0 + d, b0 + c)
                    for c, d in zip(range(c0, c1), range(d0, d1), strict=True)
                ]
            else:
                gone += range(b0 + c0, b0 + c1)
                added += range(a0 + d0, a0 + d1)
    # An element that is gone here and added there has only moved.
    for index in list(added):
        same = next((other for other in gone if before[other].name == after[index].name), None)
        if same is not None:
            gone.remove(same)
            added.remove(index)
            pairs.append(Pair(before[same], after[index], index, same))
    return sorted(pairs, key=lambda pair: pair.index), gone, added


def _shift(pairs: list[Pair]) -> tuple[Offset | None, str]:
    """Return how everything behind some line moved, and the sentence; None and "" if it did not move together."""
    offsets = Counter(pair.offset for pair in pairs if pair.offset != (0, 0) and 0 in pair.offset)
    for offset, number in offsets.most_common(1):
        if number < 2:
            break
        down = offset[0] == 0
        places = [(pair.old.box.y if down else pair.old.box.x, pair.offset) for pair in pairs]
        line = min(place for place, own in places if own == offset)
        if all(own == offset for place, own in places if place >= line):
            side = f"below y={line}" if down else f"right of x={line}"
            return offset, f"everything {side} moved {_direction(offset)}"
    return None, ""


def _resized(pairs: list[Pair], after: Sequence[Element], restless: set[int], lost: bool) -> Iterator[str]:
    """Yield a sentence for each element that has another size of its own accord, not because of what is in it."""
    resized = {pair.index for pair in pairs if pair.resized}
    for pair in pairs:
        inside = set(inside_of(after, pair.index))
        if pair.index in resized and not inside & (resized | restless) and not (inside and lost):
            yield f"{pair.new.name} is {_size(pair.new.box)} instead of {_size(pair.old.box)} pixels"


def inside_of(elements: Sequence[Element], index: int) -> Iterator[int]:
    """Yield the indices of what stands in an element."""
    for other in range(index + 1, len(elements)):
        if elements[other].depth <= elements[index].depth:
            return
        yield other


def outermost(elements: Sequence[Element], indices: Iterable[int]) -> list[int]:
    """Return those that are in none of the others: what is in something that came or moved did so with it."""
    chosen = set(indices)
    within = {inner for index in chosen for inner in inside_of(elements, index)}
    return sorted(chosen - within)


def several(elements: Sequence[Element], indices: Iterable[int]) -> str:
    """Return the names of two of some elements and how many more there are; what is in one of them does not count."""
    chosen = outermost(elements, indices)
    names = ", ".join(_name(elements, index) for index in chosen[:2])
    return names if len(chosen) <= 2 else f"{names} and {len(chosen) - 2} more"


def _name(elements: Sequence[Element], index: int) -> str:
    """Return an element's name; if that says nothing, also that of the first thing in it that does."""
    own = elements[index]
    speaking = (elements[inner] for inner in inside_of(elements, index) if elements[inner].name != elements[inner].kind)
    first = next(speaking, None) if own.name == own.kind else None
    return own.name if first is None else f"{own.name} with {first.name}"


def _direction(offset: Offset) -> str:
    right, down = offset
    words = [f"{'right' if right > 0 else 'left'} {abs(right)} px"] if right else []
    words += [f"{'down' if down > 0 else 'up'} {abs(down)} px"] if down else []
    return " and ".join(words)


def _size(box: Box) -> str:
    return f"{box.width}x{box.height}"
