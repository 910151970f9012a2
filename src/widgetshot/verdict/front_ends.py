"""One target in two front ends -> what differs between them, as a person would say it. No I/O, and no verdict.

The pixels decide whether there is a difference. What is said of it comes from the elements that both pages show: they
are matched by name, kind and order; then their styles and boxes are compared. A style that differs where no pixel of
its element does is not told.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from widgetshot.model import Box, Comparison, Element, Pixels
from widgetshot.verdict.layout import Pair, inside_of, outermost, paired, several
from widgetshot.verdict.lined_up import LinedUp, Offset, Place, ground, line_up
from widgetshot.verdict.pixels import same
from widgetshot.verdict.style_differences import DifferenceKind, colour, style_steps
from widgetshot.verdict.words import count

_TRIED_OFFSETS = 2  # the most frequent ones between elements
_AROUND_PX = 2  # what is drawn around an element's box still belongs to it: outlines, shadows
_MAX_TEXTS = 3  # elements with another text that are named
_NO_ELEMENTS = "pixels differ, and nothing is known of the elements that are shown"
_NO_CAUSE = "pixels differ, but no box and no style does: it is drawn differently, or is no element"


class FrontEndDifference(NamedTuple):
    """One cause of a difference.

    Attributes:
        group: what differences of the same kind have in common, in words: `text size`, `toolbar missing in voila`.
        sentence: `in voila text is 13 px instead of 14 px`.
    """

    kind: DifferenceKind
    group: str
    sentence: str


@dataclass(frozen=True)
class FrontEndPicture:
    """The picture of a target in a front end.

    Attributes:
        masks: boxes that are not compared.
        elements: what it shows, in the order of the page; None where that is not known.
        cut: whether there were more.
    """

    frontend: str
    pixels: Pixels
    masks: Sequence[Box] = ()
    elements: Sequence[Element] | None = None
    cut: bool = False


@dataclass(frozen=True)
class FrontEndComparison:
    """What differs between two pictures of a target.

    Attributes:
        differences: the weightiest first; none where the pictures are the same.
        places: of both pictures, as they are laid over each other.
        comparison: of the two as they are laid over each other; None where they are the same, or too large for that.
    """

    differences: tuple[FrontEndDifference, ...] = ()
    places: tuple[Place, Place] = ((0, 0), (0, 0))
    comparison: Comparison | None = None

    @property
    def sentence(self) -> str:
        """All that differs."""
        return "; ".join(one.sentence for one in self.differences)


def compare_front_ends(first: FrontEndPicture, second: FrontEndPicture) -> FrontEndComparison:
    """Compare the pictures of a target in two front ends: every pixel outside of the masks, and what explains them."""
    if same(first.pixels, second.pixels, [*first.masks, *second.masks]):
        return FrontEndComparison()
    pairs, gone, added = paired(first.elements or (), second.elements or ())
    offsets = Counter(pair.offset for pair in pairs).most_common(_TRIED_OFFSETS)
    lined_up = line_up(first.pixels, second.pixels, first.masks, second.masks, [offset for offset, _ in offsets])
    causes = _Causes(first, second, pairs, gone, added, lined_up)
    differences = sorted(causes.found(), key=lambda one: list(DifferenceKind).index(one.kind))
    if lined_up is None:
        return FrontEndComparison(tuple(differences))
    return FrontEndComparison(tuple(differences), lined_up.places, lined_up.comparison)


class _Causes:
    """What explains that two pictures differ."""

    def __init__(
        self,
        first: FrontEndPicture,
        second: FrontEndPicture,
        pairs: Sequence[Pair],
        gone: Sequence[int],
        added: Sequence[int],
        lined_up: LinedUp | None,
    ) -> None:
        self._first = first
        self._second = second
        self._pairs = pairs
        self._gone = list(gone)
        self._added = list(added)
        self._told: list[Pair] = []  # those of which a style is told
        self._lined_up = lined_up
        self._known = bool(first.elements and second.elements)
        self._elements_first, self._elements_second = list(first.elements or ()), list(second.elements or ())

    def found(self) -> list[FrontEndDifference]:
        """Return all causes; one that says that there is none where nothing explains the pixels."""
        if not self._known:
            ground, size = self._ground(), self._picture_size()
            found = [*ground, *size, *(self._within_margins() if size and not ground else ())]
            return found or [self._unexplained(_NO_ELEMENTS)]
        found = [*self._missing(), *self._texts(), *self._styles()]
        found += self._sizes({pair.index for pair in self._told})
        if not any(one.kind.changes_sizes for one in found):
            margins = [*self._places(), *self._picture_size()]
            if margins and not found:
                return [*margins, *self._within_margins()]
            found += margins
        if not found:
            found += self._ground()
        if not found:
            return [self._unexplained(_NO_CAUSE)]
        return [*found, *self._beside(found)]

    # What one of them lacks, or says otherwise ------------------------------------------------------------------------

    def _missing(self) -> list[FrontEndDifference]:
        found = []
        last, last_before = (
            max((pair.index for pair in self._pairs), default=-1),
            max((pair.index_before for pair in self._pairs), default=-1),
        )
        # What stands behind the end of a list that was cut may be there all the same.
        gone = [index for index in self._gone if not self._second.cut or index < last_before]
        added = [index for index in self._added if not self._first.cut or index < last]
        for elements, indices, side in (
            (self._elements_first, gone, self._second),
            (self._elements_second, added, self._first),
        ):
            found += self._lacking(elements, indices, side.frontend)
        return found

    @staticmethod
    def _lacking(elements: list[Element], indices: list[int], frontend: str) -> list[FrontEndDifference]:
        parts: dict[str, list[int]] = {}
        for index in indices:
            style = elements[index].style
            parts.setdefault("" if style is None else style.part, []).append(index)
        found = []
        for part, members in sorted(parts.items(), reverse=True):
            whole = {index for index, one in enumerate(elements) if one.style is not None and one.style.part == part}
            if part and set(members) == whole:
                what, verb = f"the {part}", "is"
            else:
                outer = outermost(elements, members)
                what, verb = several(elements, members), "is" if len(outer) == 1 else "are"
                part = elements[outer[0]].kind
            group = f"{part} missing in {frontend}"
            found.append(FrontEndDifference(DifferenceKind.MISSING, group, f"in {frontend} {what} {verb} missing"))
        return found

    def _texts(self) -> list[FrontEndDifference]:
        changed = [pair for pair in self._pairs if pair.old.name != pair.new.name]
        if not changed:
            return []
        named = ", ".join(f"{pair.new.name} instead of {pair.old.name}" for pair in changed[:_MAX_TEXTS])
        more = f" and {len(changed) - _MAX_TEXTS} more" if len(changed) > _MAX_TEXTS else ""
        kind = DifferenceKind.TEXT
        return [FrontEndDifference(kind, kind.words, f"in {self._second.frontend} there is {named}{more}")]

    # How it is drawn --------------------------------------------------------------------------------------------------

    def _styles(self) -> list[FrontEndDifference]:
        found = []
        talking = sum(pair.new.style is not None and pair.new.style.font is not None for pair in self._pairs)
        for step, pairs in style_steps(pair for pair in self._pairs if self._is_touched(pair.new.box)).items():
            self._told += pairs
            everywhere = len(pairs) == (talking if step.subject.startswith("text") else len(self._pairs))
            where = "" if everywhere and len(pairs) > 1 else f" ({_named(pairs)})"
            sentence = f"in {self._second.frontend} {step.sentence}{where}"
            found.append(FrontEndDifference(step.kind, step.kind.words, sentence))
        return found

    def _is_touched(self, box: Box) -> bool:
        """Tell whether a pixel differs in or around a box of the second picture."""
        if self._lined_up is None:
            return True
        x, y = self._lined_up.places[1]
        top, left = box.y + y - _AROUND_PX, box.x + x - _AROUND_PX
        bottom, right = top + box.height + 2 * _AROUND_PX, left + box.width + 2 * _AROUND_PX
        return bool(self._lined_up.differing[max(0, top) : max(0, bottom), max(0, left) : max(0, right)].any())

    def _edge_differs(self, pair: Pair) -> bool:
        """Tell whether a pixel differs at the edges of an element of another size: if not, nobody sees that it has."""
        if self._lined_up is None:
            return True
        one, other = (
            (box.x + x, box.y + y, box.x + x + box.width, box.y + y + box.height)
            for box, (x, y) in zip((pair.old.box, pair.new.box), self._lined_up.places, strict=True)
        )
        around = [
            min(one[0], other[0]) - 1,
            min(one[1], other[1]) - 1,
            max(one[2], other[2]) + 1,
            max(one[3], other[3]) + 1,
        ]
        within = [
            max(one[0], other[0]) + 1,
            max(one[1], other[1]) + 1,
            min(one[2], other[2]) - 1,
            min(one[3], other[3]) - 1,
        ]
        outer, inner = (
            int(self._lined_up.differing[max(0, y) : max(0, end_y), max(0, x) : max(0, end_x)].sum())
            for x, y, end_x, end_y in (around, within)
        )
        return outer > inner

    # Where it is, and how large ---------------------------------------------------------------------------------------

    def _sizes(self, told: set[int]) -> list[FrontEndDifference]:
        """Return elements of another size of their own accord: not because of their text, style, or what is in them."""
        resized = {pair.index for pair in self._pairs if pair.resized}
        retold = {pair.index for pair in self._pairs if pair.old.name != pair.new.name}
        groups: dict[Offset, list[Pair]] = {}
        gone, added = set(self._gone), set(self._added)
        for pair in self._pairs:
            inside = set(inside_of(self._elements_second, pair.index))
            lacks = not gone.isdisjoint(inside_of(self._elements_first, pair.index_before))
            own = pair.index in resized and pair.index not in told | retold
            if own and self._edge_differs(pair) and not lacks and not inside & (resized | told | retold | added):
                old, new = pair.old.box, pair.new.box
                groups.setdefault((new.width - old.width, new.height - old.height), []).append(pair)
        return [
            self._second_is(DifferenceKind.SIZE, f"{_named(pairs)} {_are(pairs)} {_larger(*size)}")
            for size, pairs in groups.items()
        ]

    def _places(self) -> list[FrontEndDifference]:
        groups: dict[Offset, list[Pair]] = {}
        for pair in self._pairs:
            groups.setdefault(pair.offset, []).append(pair)
        everything = len(groups) == 1 and len(self._pairs) > 1
        return [
            self._second_is(
                DifferenceKind.PLACE,
                f"{'everything is' if everything else f'{_named(pairs)} {_are(pairs)}'} {_farther(*offset)}",
            )
            for offset, pairs in sorted(groups.items(), key=lambda group: -len(group[1]))
            if offset != (0, 0)
        ]

    def _picture_size(self) -> list[FrontEndDifference]:
        (height, width), (other_height, other_width) = self._first.pixels.shape[:2], self._second.pixels.shape[:2]
        if (height, width) == (other_height, other_width):
            return []
        larger = _larger(other_width - width, other_height - height)
        return [self._second_is(DifferenceKind.SIZE, f"the picture is {larger}")]

    def _second_is(self, kind: DifferenceKind, text: str) -> FrontEndDifference:
        return FrontEndDifference(kind, kind.words, f"in {self._second.frontend} {text}")

    # What the pixels say ----------------------------------------------------------------------------------------------

    def _within_margins(self) -> list[FrontEndDifference]:
        """Tell of regions that still differ where everything is lined up."""
        if self._lined_up is None or len({pair.offset for pair in self._pairs}) > 1:
            return []
        return self._regions_besides(self._lined_up.comparison.regions)

    def _ground(self) -> list[FrontEndDifference]:
        before, after = (
            colour(f"rgb({','.join(map(str, ground(side.pixels).ravel()[:3]))})")
            for side in (self._first, self._second)
        )
        if before == after:
            return []
        return [self._second_is(DifferenceKind.COLOURS, f"the background is {after} instead of {before}")]

    def _beside(self, found: Iterable[FrontEndDifference]) -> list[FrontEndDifference]:
        """Tell of regions that no element touches of which anything was told, as long as all stands where it stood."""
        if self._lined_up is None or any(one.kind.changes_sizes for one in found) or not self._told:
            return []
        x, y = self._lined_up.places[1]
        boxes = [pair.new.box for pair in self._told]
        left_over = [
            region
            for region in self._lined_up.comparison.regions
            if not any(_overlap(region, Box(box.x + x, box.y + y, box.width, box.height)) for box in boxes)
        ]
        return self._regions_besides(left_over)

    def _regions_besides(self, regions: Sequence[Box]) -> list[FrontEndDifference]:
        if not regions:
            return []
        return [self._unexplained(f"{count(len(regions), 'region')} besides: no box and no style tells why")]

    @staticmethod
    def _unexplained(sentence: str) -> FrontEndDifference:
        kind = DifferenceKind.UNEXPLAINED
        return FrontEndDifference(kind, kind.words, sentence)


def _named(pairs: Sequence[Pair]) -> str:
    first = pairs[0].new.name
    return first if len(pairs) == 1 else f"{first} and {count(len(pairs) - 1, 'other')}"


def _are(pairs: Sequence[Pair]) -> str:
    return "is" if len(pairs) == 1 else "are"


def _larger(width: int, height: int) -> str:
    words = [f"{abs(width)} px {'wider' if width > 0 else 'narrower'}"] if width else []
    words += [f"{abs(height)} px {'higher' if height > 0 else 'lower'}"] if height else []
    return " and ".join(words)


def _farther(right: int, down: int) -> str:
    words = [f"{abs(right)} px farther {'right' if right > 0 else 'left'}"] if right else []
    words += [f"{abs(down)} px farther {'down' if down > 0 else 'up'}"] if down else []
    return " and ".join(words)


def _overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width + _AROUND_PX
        and other.x < one.x + one.width + _AROUND_PX
        and one.y < other.y + other.height + _AROUND_PX
        and other.y < one.y + one.height + _AROUND_PX
    )
