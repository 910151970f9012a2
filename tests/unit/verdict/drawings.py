"""Pictures that the tests of comparisons draw, and settings of hypothesis."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

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


def opaque(rgb: NDArray[np.generic]) -> Pixels:
    return np.dstack([rgb, np.full(rgb.shape[:2], 255)]).astype(np.uint8)


def with_alpha(pixels: Pixels, alpha: NDArray[np.generic] | int) -> Pixels:
    result = pixels.copy()
    result[..., 3] = alpha
    return result


def random_rgb(rng: np.random.Generator, width: int, height: int) -> Pixels:
    return opaque(rng.integers(0, 256, (height, width, 3)))


def blocks(rng: np.random.Generator, width: int, height: int, colours: int = 3, side: int = 4) -> Pixels:
    """Rectangles of few colours: every pixel has neighbours that are its equals."""
    palette = rng.integers(0, 256, (colours, 3))
    coarse = rng.integers(0, colours, (-(-height // side), -(-width // side)))
    return opaque(palette[coarse].repeat(side, axis=0).repeat(side, axis=1)[:height, :width])


def ramp(width: int, height: int, lighter: float = 0) -> Pixels:
    slope = np.linspace(0, 190, width)[None, :, None] + np.linspace(0, 60, height)[:, None, None] * [1, 0.5, 0.2]
    return opaque(np.clip(slope + lighter, 0, 255))


def shapes(width: int, height: int, dx: float = 0, fill: str = "#1976d2", ground: str = "white") -> Pixels:
    """A ring, a slanted line and a rounded box, anti-aliased."""
    large = Image.new("RGBA", (width * 4, height * 4), ground)
    pen = ImageDraw.Draw(large)
    x, side = dx * 4, min(width, height) * 3
    pen.ellipse((x + 2, 2, x + 2 + side, 2 + side), outline=fill, width=6)
    pen.line((x, height * 4, x + width * 4, 0), fill="#333", width=5)
    pen.rounded_rectangle((x + width * 2, height * 2, x + width * 3 + 9, height * 3 + 9), radius=6, fill=fill)
    return np.array(large.resize((width, height), Image.Resampling.BOX))


def words(
    width: int, height: int, dx: int = 0, size: float = 11, blur: float = 0, text: str = "", ground: str = "white"
) -> Pixels:
    """Lines of text, anti-aliased as Pillow does it."""
    image = Image.new("RGBA", (width, height), ground)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(size=size)
    for line, top in enumerate(range(0, height, 14)):
        pen.text((2 + dx, top), text or f"Run {line} of 20: Wave, fill & shift", fill="#222", font=font)
    return np.array(image.filter(ImageFilter.GaussianBlur(blur)) if blur else image)


def hairlines(width: int, height: int, by: int = 0) -> Pixels:
    image = Image.new("RGBA", (width, height), "#f5f5f5")
    pen = ImageDraw.Draw(image)
    for at in range(by, width + height, 7):
        pen.line((at, 0, at, height), fill="#90a4ae")
        pen.line((0, at, width, at), fill="#d60036")
        pen.line((at, 0, at - height, height), fill="black")
    return np.array(image)


def spotted(rng: np.random.Generator, pixels: Pixels, share: float = 0.1) -> Pixels:
    """A copy in which some pixels have another pixel's colour."""
    chosen = rng.random(pixels.shape[:2]) < share
    others = pixels.reshape(-1, 4)[rng.integers(0, pixels.shape[0] * pixels.shape[1], pixels.shape[:2])]
    return np.where(chosen[..., None], others, pixels)


def random_alpha(rng: np.random.Generator, width: int, height: int) -> NDArray[np.generic]:
    return rng.integers(0, 256, (height, width))


def slope_alpha(width: int, height: int, start: int = 0) -> NDArray[np.generic]:
    return np.linspace(start, 255, width)[None, :] + np.zeros((height, 1))
