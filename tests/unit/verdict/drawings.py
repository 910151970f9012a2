"""Pictures that the tests of comparisons draw, and settings of hypothesis."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw, ImageFont

from widgetshot.model import Pixels, Tolerance

STRICT = Tolerance()
QUICK = settings(max_examples=60, deadline=None, derandomize=True, database=None)


def drawn(width: int, height: int, dx: float = 0, text: str = "Run 3", fill: str = "#1976d2") -> Pixels:
    """Text, a circle and a line, all anti-aliased."""
    large = Image.new("RGBA", (width * 4, height * 4), "white")
    pen = ImageDraw.Draw(large)
    x = dx * 4
    pen.ellipse((x + 8, 8, x + height * 2, height * 2), outline=fill, width=6)
    pen.line((x, height * 4, x + width * 3, 4), fill="#333", width=5)
    pen.text((x + 20, height), text, fill="black", font=ImageFont.load_default(size=height * 1.5))
    return np.array(large.resize((width, height), Image.Resampling.LANCZOS))


def gradient(width: int, height: int, shift: float = 0) -> Pixels:
    ramp = np.linspace(0, 200, width)[None, :, None] + np.linspace(0, 55, height)[:, None, None] * [1, 0.5, 0.2]
    return np.dstack([np.clip(ramp + shift, 0, 255), np.full((height, width), 255)]).astype(np.uint8)


def noise(seed: int, width: int, height: int, *, alpha: bool = False, colours: int = 256) -> Pixels:
    pixels = np.random.default_rng(seed).integers(0, colours, (height, width, 4)) * (255 // (colours - 1))
    if not alpha:
        pixels[..., 3] = 255
    return pixels.astype(np.uint8)


COLOURS = st.sampled_from([0, 1, 80, 128, 254, 255])


@st.composite
def two_pictures(draw: st.DrawFn, largest: int = 7) -> tuple[Pixels, Pixels]:
    shape = (draw(st.integers(1, largest)), draw(st.integers(1, largest)), 4)
    one = draw(arrays(np.uint8, shape, elements=COLOURS))
    # Mostly equal, as real pictures are.
    return one, np.where(draw(arrays(bool, shape)), draw(arrays(np.uint8, shape, elements=COLOURS)), one)
