"""Elements of two front ends -> how differently they are drawn, in groups of what has one cause. No I/O."""

import re
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from widgetshot.model import ElementStyle, Font
from widgetshot.verdict.layout import Pair

# Fonts whose samples are so close are one font under two names.
_SAME_ADVANCE = 0.002
_CHANNEL = r"\s*(\d{1,3})\s*"
_COLOUR = re.compile(rf"rgba?\({_CHANNEL},{_CHANNEL},{_CHANNEL}(?:,\s*([\d.]+)\s*)?\)")
_DOUBLED = re.compile(r"#(.)\1(.)\2(.)\3")


class DifferenceKind(StrEnum):
    """What two front ends draw differently, the weightiest first."""

    MISSING = "missing"
    TEXT = "text"
    FONT = "font"
    TEXT_SIZE = "text-size"
    TEXT_STYLE = "text-style"
    SPACING = "spacing"
    SIZE = "size"
    PLACE = "place"
    COLOURS = "colours"
    UNEXPLAINED = "unexplained"

    @property
    def words(self) -> str:
        """How groups of it are called."""
        return {"text": "other text", "unexplained": "no known cause"}.get(self.value, self.value.replace("-", " "))

    @property
    def changes_sizes(self) -> bool:
        """True if boxes have other sizes and places because of it."""
        return self not in (DifferenceKind.COLOURS, DifferenceKind.UNEXPLAINED)


class StyleStep(NamedTuple):
    """One property that is drawn differently.

    Attributes:
        subject: what has it, in a sentence: `text`, `the background`.
        first, second: its values in the two front ends, as a person writes them.
    """

    kind: DifferenceKind
    subject: str
    first: str
    second: str

    @property
    def sentence(self) -> str:
        """The difference, without the front end and the elements: `text is 13 px instead of 14 px`."""
        return f"{self.subject} {self.second} instead of {self.first}"


def style_steps(pairs: Iterable[Pair]) -> dict[StyleStep, list[Pair]]:
    """Return each difference between the styles of elements that are the same ones, with the elements that have it."""
    found: dict[StyleStep, list[Pair]] = {}
    for pair in pairs:
        if pair.old.style is not None and pair.new.style is not None:
            for step in _steps(pair.old.style, pair.new.style):
                found.setdefault(step, []).append(pair)
    return found


def _steps(first: ElementStyle, second: ElementStyle) -> Iterator[StyleStep]:
    if first.font is not None and second.font is not None:
        yield from _font_steps(first.font, second.font)
    yield from _step(DifferenceKind.COLOURS, "the background is", first.background, second.background, colour)
    if first.border != second.border:
        before, after = _border(first.border), _border(second.border)
        # A border of the same width takes the same room.
        same_width = _without_colours(first.border) == _without_colours(second.border)
        kind = DifferenceKind.COLOURS if same_width else DifferenceKind.SPACING
        yield StyleStep(kind, "the border is", before, after)
    yield from _step(DifferenceKind.SPACING, "the padding is", first.padding, second.padding)


def _font_steps(first: Font, second: Font) -> Iterator[StyleStep]:
    apart = abs(first.advance - second.advance)
    if first.family != second.family and apart > _SAME_ADVANCE * max(first.advance, second.advance):
        yield StyleStep(DifferenceKind.FONT, "the font is", first.family, second.family)
    yield from _step(DifferenceKind.TEXT_SIZE, "text is", f"{first.size:g} px", f"{second.size:g} px")
    yield from _step(DifferenceKind.TEXT_STYLE, "text is of weight", first.weight, second.weight)
    if first.size == second.size:
        # Of text of another size it follows.
        yield from _step(DifferenceKind.TEXT_STYLE, "the line height is", first.line, second.line)
    yield from _step(DifferenceKind.COLOURS, "text is", first.colour, second.colour, colour)


def _step(
    kind: DifferenceKind, subject: str, first: str, second: str, words: Callable[[str], str] = str
) -> Iterator[StyleStep]:
    if words(first) != words(second):
        yield StyleStep(kind, subject, words(first), words(second))


def colour(css: str) -> str:
    """Return a colour as designers write it: `#fff`; what is no colour of RGB as it is."""
    found = _COLOUR.fullmatch(css)
    if found is None:
        return css
    *channels, alpha = found.groups()
    text = "#" + "".join(f"{int(channel):02x}" for channel in channels)
    if alpha is not None and float(alpha) < 1:
        return f"{text}{round(float(alpha) * 255):02x}"
    return f"#{text[1]}{text[3]}{text[5]}" if _DOUBLED.fullmatch(text) else text


def _border(css: str) -> str:
    return _COLOUR.sub(lambda found: colour(found[0]), css)


def _without_colours(css: str) -> str:
    return _COLOUR.sub("", css)
