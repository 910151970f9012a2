"""What a shot shows, and how it is drawn: a JSON file of the run folder, format 1, see docs/reference/run-folder.md."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from widgetshot.documents import Document, encode
from widgetshot.model import Box, Element, ElementStyle, Font, Shot
from widgetshot.report.entry import rectangles
from widgetshot.report.entry_json import EntryElements, Rectangle
from widgetshot.report.limits import MAX_EDGE, MAX_NAMED, Count, Name, cut_name
from widgetshot.report.recorded_file import read_recorded

FORMAT: Literal[1] = 1
MAX_ELEMENTS_BYTES = 4_000_000

Pixels = Annotated[float, Meta(ge=0, le=MAX_EDGE)]


class FontRecord(Document, frozen=True, kw_only=True):
    """The font of a text; `advance` is the width of a sample in it at 100 pixels."""

    family: Name
    advance: Pixels
    size: Pixels
    weight: Name
    line: Name
    colour: Name


class ElementRecord(Document, frozen=True, kw_only=True):
    """An element, and how it is drawn, in the words of CSS."""

    name: Name
    depth: Count
    box: Rectangle
    font: FontRecord | None
    background: Name
    border: Name
    padding: Name
    part: Name


class ElementsFile(Document, frozen=True, kw_only=True):
    """The elements of a shot."""

    format: Literal[1]
    cut: Annotated[bool, Meta(description="Whether there were more.")]
    elements: Annotated[list[ElementRecord], Meta(max_length=MAX_NAMED, description="In the order of the page.")]


def elements_bytes(shot: Shot) -> bytes | None:
    """Return the elements of a shot as their file; None where nobody asked for their styles."""
    records = [_record(one, one.style) for one in shot.layout[:MAX_NAMED] if one.style is not None]
    if not records:
        return None
    return encode(ElementsFile(format=FORMAT, cut=shot.layout_cut, elements=records))


def _record(element: Element, style: ElementStyle) -> ElementRecord:
    (box,) = rectangles([element.box])
    return ElementRecord(
        name=cut_name(element.name),
        depth=element.depth,
        box=box,
        font=None if style.font is None else _font_record(style.font),
        background=cut_name(style.background),
        border=cut_name(style.border),
        padding=cut_name(style.padding),
        part=cut_name(style.part),
    )


def _font_record(font: Font) -> FontRecord:
    return FontRecord(
        family=cut_name(font.family),
        advance=_pixels(font.advance),
        size=_pixels(font.size),
        weight=cut_name(font.weight),
        line=cut_name(font.line),
        colour=cut_name(font.colour),
    )


def _pixels(value: float) -> float:
    return round(max(0.0, min(value, MAX_EDGE)), 3)


def read_elements(folder: Path, elements: EntryElements) -> tuple[list[Element], bool]:
    """Return the elements of a result, and whether there were more.

    Args:
        folder: of the run, as `read_run` has checked it.

    Raises:
        RecordError: the file is gone, is not the one that the run recorded, or holds something else.
    """
    read = read_recorded(folder, elements, ElementsFile, MAX_ELEMENTS_BYTES)
    return [_element(one) for one in read.elements], read.cut


def _element(record: ElementRecord) -> Element:
    given = record.font
    font = None
    if given is not None:
        font = Font(given.family, given.advance, given.size, given.weight, given.line, given.colour)
    style = ElementStyle(font, record.background, record.border, record.padding, record.part)
    return Element(record.name, Box(*record.box), record.depth, style)
