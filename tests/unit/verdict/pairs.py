"""Kinds of pairs of pictures, each drawn anew for a generator of random numbers, a width and a height."""

from collections.abc import Callable

import numpy as np
from drawings import (
    blocks,
    hairlines,
    opaque,
    ramp,
    random_alpha,
    random_rgb,
    shapes,
    slope_alpha,
    spotted,
    with_alpha,
    words,
)
from PIL import Image, ImageFilter

from widgetshot.model import Pixels

Both = tuple[Pixels, Pixels]
Maker = Callable[[np.random.Generator, int, int], Both]


def corners(rng: np.random.Generator, width: int, height: int) -> Both:
    one = blocks(rng, width, height)
    other = one.copy()
    for y in (0, -1):
        for x in (0, -1):
            other[y, x, :3] = 255 - other[y, x, :3]
    return one, other


def edges(rng: np.random.Generator, width: int, height: int) -> Both:
    one = blocks(rng, width, height, side=3)
    other = spotted(rng, one, 0.7)
    other[1:-1, 1:-1] = one[1:-1, 1:-1]
    return one, other


def single(rng: np.random.Generator, width: int, height: int) -> Both:
    one = blocks(rng, width, height)
    other = one.copy()
    other[rng.integers(height), rng.integers(width), :3] ^= 96
    return one, other


def one_row(rng: np.random.Generator, width: int, height: int) -> Both:
    one = words(width, height)
    other = one.copy()
    other[rng.integers(height)] = (214, 0, 54, 255)
    return one, other


def inserted_row(rng: np.random.Generator, width: int, height: int) -> Both:
    one = words(width, height)
    at = int(rng.integers(height))
    return one, np.insert(one, at, one[at], axis=0)[:height]


def noises(rng: np.random.Generator, width: int, height: int) -> Both:
    return random_rgb(rng, width, height), random_rgb(rng, width, height)


def faint_noise(rng: np.random.Generator, width: int, height: int) -> Both:
    one = random_rgb(rng, width, height)
    return one, np.clip(one.astype(int) + rng.integers(-40, 41, one.shape) * [1, 1, 1, 0], 0, 255).astype(np.uint8)


def greys(rng: np.random.Generator, width: int, height: int) -> Both:
    one = opaque((rng.integers(0, 3, (height, width, 1)) * 100).repeat(3, axis=2))
    return one, spotted(rng, one, 0.3)


def two_colours(rng: np.random.Generator, width: int, height: int) -> Both:
    one = blocks(rng, width, height, colours=2, side=2)
    return one, spotted(rng, one, 0.25)


def blocks_moved(rng: np.random.Generator, width: int, height: int) -> Both:
    one = blocks(rng, width, height, colours=4)
    return one, np.roll(one, 1, axis=1)


def blocks_softened(rng: np.random.Generator, width: int, height: int) -> Both:
    one = blocks(rng, width, height, colours=3, side=6)
    return one, np.array(Image.fromarray(one).filter(ImageFilter.GaussianBlur(0.6)))


def checkers(rng: np.random.Generator, width: int, height: int) -> Both:
    board = np.indices((height, width)).sum(axis=0) % 2 * 255
    one = opaque(board[..., None].repeat(3, axis=2))
    return one, spotted(rng, np.roll(one, 1, axis=0), 0.3)


def permuted(rng: np.random.Generator, width: int, height: int) -> Both:
    one = shapes(width, height)
    return one, one[..., [1, 2, 0, 3]]


def constant_alpha(rng: np.random.Generator, width: int, height: int) -> Both:
    one = blocks(rng, width, height)
    return with_alpha(one, 128), with_alpha(spotted(rng, one, 0.3), 128)


def alpha_noise(rng: np.random.Generator, width: int, height: int) -> Both:
    return (
        with_alpha(random_rgb(rng, width, height), random_alpha(rng, width, height)),
        with_alpha(random_rgb(rng, width, height), random_alpha(rng, width, height)),
    )


def alpha_only(rng: np.random.Generator, width: int, height: int) -> Both:
    one = with_alpha(blocks(rng, width, height), random_alpha(rng, width, height))
    return one, with_alpha(one, random_alpha(rng, width, height))


def alpha_of_few_values(rng: np.random.Generator, width: int, height: int) -> Both:
    one = with_alpha(blocks(rng, width, height, colours=2), rng.choice([0, 1, 254, 255], (height, width)))
    return one, spotted(rng, one, 0.3)


def hidden_colours(rng: np.random.Generator, width: int, height: int) -> Both:
    """Both are clear nearly everywhere, with other colours that nobody sees."""
    alpha = np.where(rng.random((height, width)) < 0.2, 255, 0)
    return with_alpha(random_rgb(rng, width, height), alpha), with_alpha(random_rgb(rng, width, height), alpha)


# Black at alpha 127 on white is the grey of an opaque pixel, nearly: equal colours that are not equal pixels.
def same_on_white(rng: np.random.Generator, width: int, height: int) -> Both:
    greys = blocks(rng, width, height, colours=5, side=3)[..., :1].repeat(4, axis=2)
    one = with_alpha(greys, 255)
    clear = np.where(
        rng.random((height, width, 1)) < 0.5, np.concatenate([greys[..., :3] * 0, 255 - greys[..., 3:]], 2), one
    )
    return one, spotted(rng, clear.astype(np.uint8), 0.05)


NOISY: dict[str, Maker] = {
    "noise": noises,
    "faint-noise": faint_noise,
    "three-greys": greys,
    "two-colours": two_colours,
    "blocks-moved": blocks_moved,
    "checkers": checkers,
    "corners": corners,
    "edges": edges,
    "single-pixel": single,
    "hue": lambda rng, w, h: ((one := blocks(rng, w, h)), one[..., [2, 0, 1, 3]]),
    "negative": lambda rng, w, h: ((one := blocks(rng, w, h, colours=6)), one ^ np.array([255, 255, 255, 0], np.uint8)),
    "ramp-lighter": lambda rng, w, h: (ramp(w, h), ramp(w, h, float(rng.integers(10, 90)))),
    "ramp-moved": lambda rng, w, h: (ramp(w, h), np.roll(ramp(w, h), 1, axis=(0, 1))),
    "alpha-noise": alpha_noise,
    "alpha-constant": constant_alpha,
    "alpha-only": alpha_only,
    "alpha-few-values": alpha_of_few_values,
    "alpha-hidden-colours": hidden_colours,
    "alpha-same-on-white": same_on_white,
    "alpha-slope": lambda rng, w, h: (
        (one := blocks(rng, w, h)),
        with_alpha(one, slope_alpha(w, h, int(rng.integers(0, 200)))),
    ),
}


DRAWN: dict[str, Maker] = {
    "shapes-moved": lambda rng, w, h: (shapes(w, h), shapes(w, h, dx=1)),
    "shapes-nudged": lambda rng, w, h: (shapes(w, h), shapes(w, h, dx=float(rng.uniform(0.1, 0.9)))),
    "shapes-recoloured": lambda rng, w, h: (shapes(w, h), shapes(w, h, fill="#c2185b")),
    "shapes-permuted": permuted,
    "shapes-on-other-ground": lambda rng, w, h: (shapes(w, h), shapes(w, h, ground="#e3f2fd")),
    "text-moved": lambda rng, w, h: (words(w, h), words(w, h, dx=1)),
    "text-other-size": lambda rng, w, h: (words(w, h), words(w, h, size=11.5)),
    "text-blurred": lambda rng, w, h: (words(w, h), words(w, h, blur=float(rng.uniform(0.3, 1)))),
    "text-other-word": lambda rng, w, h: (words(w, h), words(w, h, text="Stop 7: have, fell")),
    "text-row-painted": one_row,
    "text-row-inserted": inserted_row,
    "lines-moved": lambda rng, w, h: (hairlines(w, h), hairlines(w, h, by=1)),
    "lines-fewer": lambda rng, w, h: (
        (one := hairlines(w, h)),
        np.where(rng.random((h, 1, 1)) < 0.2, one[:1, :1], one),
    ),
    "blocks-softened": blocks_softened,
    "alpha-shapes-moved": lambda rng, w, h: (shapes(w, h, ground="#fff0"), shapes(w, h, dx=1, ground="#fff0")),
    "alpha-text-moved": lambda rng, w, h: (words(w, h, ground="#0000"), words(w, h, dx=1, ground="#0000")),
    "alpha-text-fading": lambda rng, w, h: ((one := words(w, h)), with_alpha(one, slope_alpha(w, h, 40))),
    "alpha-of-ground": lambda rng, w, h: (shapes(w, h, ground="#fff0"), shapes(w, h, ground="white")),
}
