"""The sidecar of a baseline: JSON text that says what its picture shows, so that a diff in git can be read."""

import json
from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from widgetshot.baselines.sheets import digest_in, is_sheet
from widgetshot.documents import Document, convert, parse_json
from widgetshot.errors import BaselineError
from widgetshot.files import sha256
from widgetshot.model import Baseline, Box, Element, Pixels, Result
from widgetshot.verdict.renderers import SHEET

FORMAT = 1
_MAX_LEVELS = 200  # of lists and objects within one another

_MAX_COORDINATE = 1_000_000  # pixels

_Coordinate = Annotated[int, Meta(ge=-_MAX_COORDINATE, le=_MAX_COORDINATE)]
_Extent = Annotated[int, Meta(ge=0, le=_MAX_COORDINATE)]


class ShotDescription(Document, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """The content of a shot, in text; a run folder has it beside the picture of each shot, as `KEY.shot.json`.

    Each member may be absent, and is not known then; but for `layout_cut` and `missing_glyphs`, which are written only
    where there is something to tell.
    """

    size: Annotated[tuple[_Extent, _Extent], Meta(description="Width and height of the picture in pixels.")] | (
        UnsetType
    ) = UNSET
    fingerprint: (
        Annotated[dict[str, Any], Meta(description="What drew the picture: browser, fonts, scale...")] | UnsetType
    ) = UNSET
    widgets: Annotated[Any, Meta(description="The state of the widgets shown, null where there are none.")] = UNSET
    layout: (
        Annotated[
            list[str], Meta(description="What is visible and where, such as `0,12 120x28 button 'Run'`, indented.")
        ]
        | UnsetType
    ) = UNSET
    layout_cut: Annotated[bool, Meta(description="Whether the page has more than the layout lists.")] | UnsetType = (
        UNSET
    )
    missing_glyphs: (
        Annotated[list[str], Meta(description="The characters that no font has: each is drawn as a box.")] | UnsetType
    ) = UNSET
    masks: (
        Annotated[
            dict[str, list[tuple[_Coordinate, _Coordinate, _Extent, _Extent]]],
            Meta(description="Boxes that each mask covered: x, y, width, height."),
        ]
        | UnsetType
    ) = UNSET

    sheet: (
        Annotated[
            dict[str, str],
            Meta(
                description="In a run folder: the calibration sheet of what drew it. Baselines have it in a file "
                "that they share, by the digest in the fingerprint."
            ),
        ]
        | UnsetType
    ) = UNSET


class Sidecar(ShotDescription, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A description, and the picture that it is of."""

    format: Literal[1]
    sha256: Annotated[str, Meta(description="Of the picture's file, in hexadecimal digits.")]


def describe(result: Result) -> ShotDescription:
    """Return the description of a result's shot."""
    shot = result.shot
    assert shot is not None
    height, width = shot.pixels.shape[:2]
    masks = zip(result.target.masks, shot.masks, strict=True)
    return ShotDescription(
        size=(width, height),
        fingerprint=dict(result.fingerprint),
        widgets=shot.widgets,
        layout=[str(element) for element in shot.layout],
        # Written only where it is so: without it the layout is whole.
        layout_cut=True if shot.layout_cut else UNSET,
        missing_glyphs=list(shot.missing_glyphs) or UNSET,
        sheet=dict(result.sheet) or UNSET,
        masks={mask.place: _inside(boxes, width, height) for mask, boxes in masks},
    )


def description_problem(description: ShotDescription, size: tuple[int, int]) -> tuple[str, str] | None:
    """Return the place where a description does not fit to its picture, and what was expected there; None if it does.

    Args:
        size: width and height of the picture.
    """
    width, height = size
    if description.size is not UNSET and description.size != size:
        return "size", f"expected [{width}, {height}], the size of its picture"
    for place, boxes in ({} if description.masks is UNSET else description.masks).items():
        if any(x < 0 or y < 0 or x + w > width or y + h > height for x, y, w, h in boxes):
            return f"masks[{json.dumps(place)}]", f"expected boxes inside of the picture, which is {width} x {height}"
    if description.sheet is not UNSET:
        digest = None if description.fingerprint is UNSET else digest_in(description.fingerprint)
        if digest is None or not is_sheet(digest, description.sheet):
            return "sheet", "expected the one that its fingerprint names"
    if _deeper_than(msgspec.to_builtins(description), _MAX_LEVELS):
        return "", f"expected at most {_MAX_LEVELS} levels"
    return None


def _inside(boxes: Iterable[Box], width: int, height: int) -> list[tuple[int, int, int, int]]:
    parts = (box.within(width, height) for box in boxes)
    return [(part.x, part.y, part.width, part.height) for part in parts if part is not None]


def encode_description(description: ShotDescription) -> bytes:
    """Return a description as a run folder has it: JSON on one line."""
    return _text(json.dumps(msgspec.to_builtins(description), ensure_ascii=False))


def encode_sidecar(description: ShotDescription, picture: bytes) -> bytes:
    """Return the text of the sidecar for a picture's bytes.

    Members are sorted and each stands on a line of its own, so that little differs where little has changed.
    """
    members = {"format": FORMAT, "sha256": sha256(picture), **msgspec.to_builtins(description)}
    members.pop("sheet", None)
    return _text(json.dumps(members, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


def with_sheet(sidecar: bytes, digest: str) -> bytes:
    """Return the text of a sidecar whose fingerprint names a calibration sheet.

    Args:
        sidecar: of a picture, as `encode_sidecar` has written it.
    """
    members = parse_json(sidecar)
    members["fingerprint"] = {**members.get("fingerprint", {}), SHEET: digest}
    return _text(json.dumps(members, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


def _text(json_text: str) -> bytes:
    # A notebook may hold half a surrogate pair, which is no UTF-8; the escape is what JSON writes for it.
    return json_text.encode(errors="backslashreplace")


def baseline_of(picture: bytes, pixels: Pixels, sidecar: bytes | None) -> Baseline:
    """Return the baseline that a picture and its sidecar make.

    A sidecar of another format or of another picture (after a merge that took one file of each side) counts as none.

    Args:
        picture: the bytes of the picture's file.
        pixels: the picture, decoded.

    Raises:
        BaselineError: the sidecar can't be read; its place is not named.
    """
    digest = sha256(picture)
    members = _members(sidecar, digest)
    if members is None:
        return Baseline(pixels, picture, digest)
    layout, cut = members.pop("layout", None), members.pop("layout_cut", None)
    side = convert(Sidecar, members, "", next_step="", error=BaselineError)
    height, width = pixels.shape[:2]
    if problem := description_problem(side, (width, height)):
        raise BaselineError(": ".join(filter(None, problem)))
    masks = {} if side.masks is UNSET else side.masks
    return Baseline(
        pixels,
        picture,
        digest,
        {} if side.fingerprint is UNSET else side.fingerprint,
        None if side.widgets is UNSET else side.widgets,
        {place: tuple(Box(*box) for box in boxes) for place, boxes in masks.items()},
        _layout(layout),
        cut is True,
        () if side.missing_glyphs is UNSET else tuple(side.missing_glyphs),
    )


def _members(sidecar: bytes | None, digest: str) -> dict[str, Any] | None:
    """Return the members of a sidecar; None where it says nothing of the picture with this digest."""
    if sidecar is None:
        return None
    try:
        members = parse_json(sidecar)
    except ValueError as error:
        raise BaselineError(str(error)) from error
    known = isinstance(members, dict) and type(members.get("format")) is int and members["format"] == FORMAT
    return dict(members) if known and members.get("sha256") == digest else None


def _layout(lines: Any) -> tuple[Element, ...] | None:
    """Return the layout of a sidecar, None where it has none; it only explains, so a damaged one is no error."""
    try:
        layout = tuple(map(Element.parse, lines))
    except (TypeError, ValueError, AttributeError):
        return None
    numbers = (number for element in layout for number in (*element.box.as_list(), element.depth))
    return layout if all(abs(number) <= _MAX_COORDINATE for number in numbers) else None


def _deeper_than(value: Any, levels: int) -> bool:
    level = [value]
    for _ in range(levels):
        level = [
            child
            for one in level
            if isinstance(one, dict | list)
            for child in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True
