"""Strategies of hypothesis: any two small pictures, masks, thresholds and layouts in memory."""

from collections.abc import Iterator

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from pairs import Both

from widgetshot.model import Box, Pixels

COLOURS = st.sampled_from([0, 1, 90, 128, 254, 255])
ANY_THRESHOLD = st.sampled_from([0.0, 0.05, 0.1, 0.2, 0.3]) | st.floats(0, 1)
BOXES = st.lists(st.builds(Box, *[st.integers(-3, 9)] * 2, *[st.integers(0, 9)] * 2), max_size=4)


@st.composite
def any_pictures(draw: st.DrawFn, *, of_one_size: bool = True) -> Both:
    height, width = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    one = draw(arrays(np.uint8, (height, width, 4), elements=COLOURS))
    if not of_one_size:
        height, width = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    other = draw(arrays(np.uint8, (height, width, 4), elements=COLOURS))
    low, narrow = min(one.shape[0], height), min(one.shape[1], width)
    # Mostly equal, as real pictures are.
    kept = draw(arrays(bool, (low, narrow)))
    other[:low, :narrow][kept] = one[:low, :narrow][kept]
    return one, other


def covered(boxes: list[Box], height: int, width: int) -> NDArray[np.bool_]:
    result = np.zeros((height, width), dtype=bool)
    for y, x in np.ndindex(height, width):
        result[y, x] = any(b.x <= x < b.x + b.width and b.y <= y < b.y + b.height for b in boxes)
    return result


def layouts(pixels: Pixels) -> Iterator[Pixels]:
    """The same pixels, otherwise arranged in memory."""
    height, width = pixels.shape[:2]
    yield np.asfortranarray(pixels)
    yield pixels[::-1, ::-1].copy()[::-1, ::-1]
    yield pixels.swapaxes(0, 1).copy().swapaxes(0, 1)
    yield np.ascontiguousarray(pixels[..., ::-1])[..., ::-1]
    wider = np.full((height + 2, width + 3, 4), 7, dtype=np.uint8)
    wider[1:-1, 2:-1] = pixels
    yield wider[1:-1, 2:-1]
    sparse = np.full((height * 2, width * 3, 4), 7, dtype=np.uint8)
    sparse[::2, ::3] = pixels
    yield sparse[::2, ::3]
    # As decoded from a file: read only, and not on a word's boundary.
    yield np.frombuffer(b"x" + pixels.tobytes(), np.uint8, offset=1).reshape(pixels.shape)
