"""Boxes around what differs."""

import numpy as np

from widgetshot.model import Box
from widgetshot.verdict.pixels import Bools

_TILE_PX = 16  # side of the squares in which differing pixels are gathered into regions
_Tile = tuple[int, int]  # row and column


def regions(changed: Bools) -> tuple[Box, ...]:
    """Return boxes around the differing pixels, largest area first.

    Pixels are gathered in tiles of 16 pixels; tiles that touch, also at a corner, make one region, whose box is
    then tightened to its pixels.
    """
    height, width = changed.shape
    tall, wide = -(-height // _TILE_PX), -(-width // _TILE_PX)
    canvas = np.zeros((tall * _TILE_PX, wide * _TILE_PX), dtype=bool)
    canvas[:height, :width] = changed
    tiles = canvas.reshape(tall, _TILE_PX, wide, _TILE_PX).any(axis=(1, 3))
    waiting = {(int(row), int(column)) for row, column in np.argwhere(tiles)}
    found = []
    while waiting:
        found.append(_tight_box(canvas, _take_group(waiting)))
    return tuple(sorted(found, key=lambda box: (-box.width * box.height, box.y, box.x)))


def _take_group(waiting: set[_Tile]) -> list[_Tile]:
    """Take one tile and all that it touches, and that those touch, out of those that wait."""
    stack = [waiting.pop()]
    group = []
    while stack:
        row, column = stack.pop()
        group.append((row, column))
        for near in [(row + dy, column + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]:
            if near in waiting:
                waiting.discard(near)
                stack.append(near)
    return group


def _tight_box(canvas: Bools, group: list[_Tile]) -> Box:
    top, left = min(row for row, _ in group) * _TILE_PX, min(column for _, column in group) * _TILE_PX
    bottom, right = (max(row for row, _ in group) + 1) * _TILE_PX, (max(column for _, column in group) + 1) * _TILE_PX
    own = np.zeros((bottom - top, right - left), dtype=bool)
    for row, column in group:
        y, x = row * _TILE_PX, column * _TILE_PX
        own[y - top : y - top + _TILE_PX, x - left : x - left + _TILE_PX] = canvas[y : y + _TILE_PX, x : x + _TILE_PX]
    rows, columns = np.nonzero(own.any(axis=1))[0], np.nonzero(own.any(axis=0))[0]
    return Box(
        left + int(columns[0]), top + int(rows[0]), int(columns[-1] - columns[0]) + 1, int(rows[-1] - rows[0]) + 1
    )
