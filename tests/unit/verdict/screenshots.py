"""Pairs of real screenshots: our own baselines, one by one and on a screen of 4K."""

import functools
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from drawings import random_rgb, with_alpha, words
from pairs import Both, Maker
from PIL import Image, ImageFilter

from widgetshot.model import Pixels

ROOT = Path(__file__).parents[3]
BASELINES = ROOT / "baselines"


@functools.cache
def baseline(path: Path) -> Pixels:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGBA"))


def dark(path: Path) -> Path:
    return path.with_name(f"{path.stem}[dark].png")


def encoded_again(pixels: Pixels, quality: int) -> Pixels:
    file = io.BytesIO()
    Image.fromarray(pixels).convert("RGB").save(file, "JPEG", quality=quality)
    return np.array(Image.open(file).convert("RGBA"))


COPIES: dict[str, Callable[[Pixels], Pixels]] = {
    "moved-right": lambda shot: np.roll(shot, 1, axis=1),
    "moved-down": lambda shot: np.roll(shot, 1, axis=0),
    "recoloured": lambda shot: shot[..., [1, 2, 0, 3]],
    "jpeg": lambda shot: encoded_again(shot, 60),
    "of-8-colours": lambda shot: np.array(Image.fromarray(shot).convert("RGB").quantize(8).convert("RGBA")),
    "blurred": lambda shot: np.array(Image.fromarray(shot).filter(ImageFilter.GaussianBlur(0.5))),
    "half-clear": lambda shot: with_alpha(shot, np.where(np.arange(shot.shape[1]) % 200 < 100, 255, 120)),
}


@functools.cache
def desktop(seed: int = 0) -> Pixels:
    """A screen of 4K full of baselines."""
    screen = np.full((2160, 3840, 4), 255, dtype=np.uint8)
    screen[:] = (238, 238, 238, 255)
    shots = iter(sorted(BASELINES.rglob("*.png")))
    for left in range(16, 3840 - 928, 950):
        top = 16
        for path in shots:
            shot = baseline(path)
            height, width = shot.shape[:2]
            if top + height > 2160:
                break
            screen[top : top + height, left : left + width] = shot
            top += height + 16
    return screen


def on_desktop(change: Callable[[np.random.Generator, Pixels], None]) -> Maker:
    def make(rng: np.random.Generator, width: int, height: int) -> Both:
        one = desktop()[:height, :width]
        other = one.copy()
        change(rng, other)
        return one, other

    return make


def no_change(rng: np.random.Generator, screen: Pixels) -> None:
    pass


def last_pixel(rng: np.random.Generator, screen: Pixels) -> None:
    screen[-1, -1, :3] = 0


def text_and_noise(rng: np.random.Generator, screen: Pixels) -> None:
    screen[400:680, 300:1400] = words(1100, 280, size=13)
    screen[1500:1700, 2000:2300] = random_rgb(rng, 300, 200)
    last_pixel(rng, screen)


def faint_region(rng: np.random.Generator, screen: Pixels) -> None:
    screen[700:1300, 100:1000, 2] ^= 3


def scattered(rng: np.random.Generator, screen: Pixels) -> None:
    screen[rng.integers(0, screen.shape[0], 40_000), rng.integers(0, screen.shape[1], 40_000), :3] ^= 192


def one_step(rng: np.random.Generator, screen: Pixels) -> None:
    screen[..., 2] ^= 1


# One pixel over the threshold makes our rule take the luma of the whole picture, seconds for 4K: so only one of those.
SCREENS: dict[str, tuple[tuple[int, int], Callable[[np.random.Generator, Pixels], None]]] = {
    "equal": ((3840, 2160), no_change),
    "last-pixel": ((1920, 1080), last_pixel),
    "text-and-noise": ((3840, 2160), text_and_noise),
    "faint-region": ((3840, 2160), faint_region),
    "scattered": ((1280, 720), scattered),
    "all-by-one-step": ((1280, 720), one_step),
}


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def screenshots() -> Iterator[tuple[str, tuple[int, int], Maker]]:
    """Each of a selection of baselines with another picture, or with a copy that was tampered with."""

    def cut(path: Path, of: Callable[[Pixels], Pixels] | Path) -> Maker:
        def make(rng: np.random.Generator, width: int, height: int) -> Both:
            one = baseline(path)[:height, :width]
            return one, baseline(of)[:height, :width] if isinstance(of, Path) else of(one)

        return make

    light = [path for path in sorted(BASELINES.rglob("*.png")) if "[" not in path.name]
    kinds = ["dark", "another", *COPIES]
    for index, path in enumerate(light[::2]):
        kind = kinds[index % len(kinds)]
        width, height = size_of(path)
        if kind in COPIES:
            yield f"shot-{path.stem}-{kind}", (width, min(height, 200)), cut(path, COPIES[kind])
        else:
            other = dark(path) if kind == "dark" and dark(path).exists() else light[2 * index - 1]
            size = (min(width, size_of(other)[0]), min(height, size_of(other)[1], 100))
            yield f"shot-{path.stem}-{'dark' if other == dark(path) else other.stem}", size, cut(path, other)
