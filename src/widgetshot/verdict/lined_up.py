"""Two pictures of any sizes, laid over each other where they show the same."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from widgetshot.model import MAX_PIXELS, Box, Comparison, Pixels, Tolerance
from widgetshot.verdict.compare import compare
from widgetshot.verdict.pixels import Bools, any_difference, covered, packed

Place = tuple[int, int]  # of a picture's top left corner, pixels to the right and down
Offset = tuple[int, int]

# What stands farther apart is no margin: it is laid over each other at the corner.
_MAX_OFFSET_PX = 300
_MAX_CANVAS = 2 * MAX_PIXELS  # as a diff picture may have


@dataclass(frozen=True)
class LinedUp:
    """Two pictures on canvases of one size.

    Attributes:
        places: of each picture on its canvas.
        differing: the pixels that differ outside of the masks, shape (height, width) of a canvas.
        comparison: of the canvases; its regions, bands and diff picture are in their place.
    """

    places: tuple[Place, Place]
    differing: Bools
    comparison: Comparison


def line_up(
    first: Pixels, second: Pixels, masks_first: Sequence[Box], masks_second: Sequence[Box], offsets: Iterable[Offset]
) -> LinedUp | None:
    """Lay two pictures over each other, and compare them strictly.

    Where one of them does not reach, it is taken to go on in the colour of its edges: a wider margin is no difference
    of what stands in it.

    Args:
        offsets: how far what both show may stand farther right and down in the second one; of these, none at all, and
            that of all that is not their ground, the one counts by which the fewest pixels differ.

    Returns:
        None if they are too large for that.
    """
    best: tuple[int, tuple[Place, Place], Pixels, Pixels, Bools] | None = None
    for offset in dict.fromkeys([(0, 0), *offsets, _content_offset(first, second)]):
        if max(map(abs, offset)) > _MAX_OFFSET_PX:
            continue
        places = _places(offset)
        height, width = (
            max(one.shape[axis] + place[1 - axis] for one, place in zip((first, second), places, strict=True))
            for axis in (0, 1)
        )
        if height * width > _MAX_CANVAS:
            continue
        canvases = [_on_canvas(one, place, height, width) for one, place in zip((first, second), places, strict=True)]
        masked = covered((height, width), [*_moved(masks_first, places[0]), *_moved(masks_second, places[1])])
        differing = any_difference(*canvases) & ~masked
        count = int(differing.sum())
        if best is None or count < best[0]:
            best = (count, places, canvases[0], canvases[1], differing)
    if best is None:
        return None
    _, places, one, other, differing = best
    comparison = compare(
        one, other, Tolerance(), masks=_moved(masks_second, places[1]), masks_before=_moved(masks_first, places[0])
    )
    return LinedUp(places, differing, comparison)


def _places(offset: Offset) -> tuple[Place, Place]:
    right, down = offset
    return (max(0, right), max(0, down)), (max(0, -right), max(0, -down))


def _moved(boxes: Iterable[Box], place: Place) -> list[Box]:
    return [replace(box, x=box.x + place[0], y=box.y + place[1]) for box in boxes]


def _on_canvas(pixels: Pixels, place: Place, height: int, width: int) -> Pixels:
    x, y = place
    if pixels.shape[:2] == (height, width):
        return np.ascontiguousarray(pixels)
    canvas = np.empty((height, width, 4), dtype=np.uint8)
    canvas[...] = ground(pixels)
    canvas[y : y + pixels.shape[0], x : x + pixels.shape[1]] = pixels
    return canvas


def _content_offset(first: Pixels, second: Pixels) -> Offset:
    """Return how far all that is not the ground of the pictures stands farther right and down in the second one."""
    (x, y), (other_x, other_y) = _content_corner(first), _content_corner(second)
    return other_x - x, other_y - y


def _content_corner(pixels: Pixels) -> Place:
    shown = packed(pixels) != packed(ground(pixels)[None])[0, 0]
    columns, rows = shown.any(axis=0), shown.any(axis=1)
    return int(columns.argmax()), int(rows.argmax())


def ground(pixels: Pixels) -> Pixels:
    """Return the colour that most of a picture's edge has, shape (1, 4)."""
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    values, counts = np.unique(packed(edge[None]), return_counts=True)
    return values[counts.argmax() : counts.argmax() + 1].view(np.uint8).reshape(1, 4)
