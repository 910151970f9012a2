"""The shot of one target: the first picture of the page that is the expected one, or equals the one before it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter

import numpy as np

from widgetshot.capture.geometry import is_inside, overlap, picture_box, relative_to
from widgetshot.capture.page import CapturePage
from widgetshot.conditions import Condition, Problem, Unrest, advice
from widgetshot.errors import CaptureError
from widgetshot.model import Box, Element, Pixels, Shot, Target, boxes_of
from widgetshot.ports import Look, PageElement, Rect, Shown
from widgetshot.redact import Redactor
from widgetshot.verdict.pixels import same

_MAX_ATTEMPTS = 1_000
_MIN_SETTLE_S = 0.05
# So many pictures may take as long as they like: what is put together from several captures takes seconds.
_UNHURRIED = 3

Masks = tuple[tuple[Box, ...], ...]
# Whether pixels (with these masks) are the baseline's.
Expected = Callable[[Pixels, Masks], bool]


async def take_shot(
    page: CapturePage,
    target: Target,
    expected: Expected,
    unrest: Condition[Unrest] | None,
    following: Sequence[Target] = (),
) -> Shot:
    """Take the target's shot from the state that the page is in.

    The first picture is good when it is the expected one; otherwise the page is captured until two pictures in a row
    are equal.

    Args:
        unrest: what `CapturePage.settle` returned.
        following: see `CapturePage.look`.

    Raises:
        CaptureError: a widget has failed, the cell shows nothing, the picture is blank.
    """
    previous: Pixels | None = None
    limit = target.max_settle if target.max_settle is not None else page.limit
    deadline = perf_counter() + limit - page.pictures.seconds
    spent = 0.0
    for attempt in range(_MAX_ATTEMPTS):
        picture = await page.picture_of(target, attempt)
        look = await page.look(target, following)
        _refuse(page, look.problems)
        pixels, frame = cut_out(picture.pixels, picture.rect or look.rect, page.settings.scale, picture.frame)
        masks = _masks(target, frame, look, page.settings.scale)
        moved = picture.rect is not None and picture.rect != look.rect
        # With a max_settle the page is known never to rest: the picture is taken as it is.
        if not moved and (expected(pixels, masks) or (target.max_settle is not None and unrest)):
            break
        if not moved and previous is not None and not unrest and same(previous, pixels, boxes_of(masks)):
            break
        if attempt < _UNHURRIED:
            spent = page.pictures.seconds
        left = deadline + spent - perf_counter()
        if attempt and left < 0:
            unrest = unrest or Condition(Unrest.PICTURES_DIFFER)
            break
        previous = pixels
        if attempt + 1 < page.pictures.kept:
            continue
        unrest = await page.settle(max(_MIN_SETTLE_S, min(page.limit, left)))
        page.forget_looks()
    if pixels.size and not target.allow_blank and _is_blank(pixels):
        raise CaptureError(
            "the picture is blank: every pixel has the same colour",
            next_step="let the widget draw something, or declare 'allow_blank: true' if this is how it looks",
        )
    settled = not unrest or target.max_settle is not None
    assert look.shown is not None  # there were no problems
    shot = _shot(page, pixels, masks, frame, look.shown)
    if not following:
        page.pictures.forget()  # nobody needs them, and large ones had better leave memory before they are compared
    return replace(
        shot,
        settled=settled,
        second=None if settled or previous is None else previous,
        unrest=unrest and _without_secrets(unrest, page.settings.redactor),
    )


def _shot(page: CapturePage, pixels: Pixels, masks: Masks, frame: Box, shown: Shown) -> Shot:
    """Return a shot with what the page reported of its widgets, without secrets."""
    redactor = page.settings.redactor
    covers = tuple(relative_to(box, frame) for box in page.pictures.covers)
    return Shot(
        pixels=pixels,
        masks=masks,
        widgets=redactor.data(shown.tree),
        modules=shown.modules,
        layout=_elements(page, shown.layout.elements, frame, boxes_of((*masks, covers))),
        layout_cut=shown.layout.cut,
        # A secret that somebody typed is painted over, but its letters were in the page.
        missing_glyphs=tuple(one for one in shown.missing_glyphs if not any(one in form for form in redactor.forms)),
        timings=dict(page.timings),
    )


def _without_secrets(unrest: Condition[Unrest], redactor: Redactor) -> Condition[Unrest]:
    return Condition(unrest.code, {name: redactor.text(value) for name, value in unrest.params.items()})


def _refuse(page: CapturePage, problems: Sequence[Condition[Problem]]) -> None:
    """Raise CaptureError where there are problems."""
    if problems:
        sentences = "; ".join(map(str, problems))
        raise CaptureError(page.settings.redactor.text(sentences), next_step=advice(problems))


def cut_out(whole: Pixels, rect: Rect | None, scale: float, frame: Box | None = None) -> tuple[Pixels, Box]:
    """Return the part of the whole page's picture that is the target's, and where it is, in picture pixels.

    Args:
        rect: what the target shows; None for the whole page.
        frame: where `whole` is in the whole page's picture, if it is only a part of that.

    Raises:
        CaptureError: the cell shows nothing.
    """
    height, width = whole.shape[:2]
    frame = frame or Box(0, 0, width, height)
    if rect is None:
        return whole, frame
    box = picture_box(rect, scale, frame.x + width, frame.y + height)
    if not box.width or not box.height:
        raise CaptureError(
            "the cell shows nothing: it has no output", next_step="let the cell display the widget it makes"
        )
    left, top = box.x - frame.x, box.y - frame.y
    return whole[top : top + box.height, left : left + box.width], box


def _masks(target: Target, frame: Box, look: Look, scale: float) -> Masks:
    """Return the boxes of each of the target's masks, in pixels of its picture.

    Args:
        frame: where the picture is in that of the whole page.

    Raises:
        CaptureError: a mask's selector is not valid, or there is nothing to mask.
    """
    if look.invalid is not None:
        raise CaptureError(
            f"a mask's selector is not valid CSS: {look.invalid}",
            next_step="correct the selector under 'mask:'",
        )
    rects = iter(look.masks)
    boxes: list[tuple[Box, ...]] = []
    for mask in target.masks:
        if mask.box is not None:
            boxes.append((mask.box,))
            continue
        found = tuple(relative_to(picture_box(rect, scale), frame) for rect in next(rects))
        if not found and not mask.inherited:
            raise CaptureError(
                f"mask {mask.selector!r} ({mask.reason}) matches nothing visible",
                next_step="correct or remove the mask: what it covered is compared now",
            )
        boxes.append(found)
    return tuple(boxes)


def _is_blank(pixels: Pixels) -> bool:
    """Tell whether all of a picture has one colour; most are known not to by their first rows."""
    colours = pixels.view(np.uint32)[..., 0]
    first = colours[0, 0]
    return all((row == first).all() for row in colours)


def _elements(
    page: CapturePage, shown: Sequence[PageElement], frame: Box, covers: Sequence[Box]
) -> tuple[Element, ...]:
    """Return the page's elements in the picture's pixels, without what a mask covers.

    Args:
        covers: masks, and what was painted over. Of an element that one of them touches only the kind is kept.
    """
    found = []
    for one in shown:
        left, top, width, height = (side * page.settings.scale for side in one.box)
        box = Box(round(left) - frame.x, round(top) - frame.y, round(width), round(height))
        if any(is_inside(box, cover) for cover in covers):
            continue
        element = Element(page.settings.redactor.text(one.name), box, one.depth, one.style)
        touched = any(overlap(box, cover) for cover in covers)
        found.append(replace(element, name=element.kind) if touched else element)
    return tuple(found)
