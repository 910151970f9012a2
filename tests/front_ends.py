"""A target drawn in two front ends, by a small painter: its pictures show what its elements say."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from builders import result_of
from widgetshot.model import Box, Element, ElementStyle, Font, Pixels, Result, Shot, Target, Verdict

FONT = Font("Noto Sans", 1200.0, 14.0, "400", "20px", "rgb(0, 0, 0)")
STYLE = ElementStyle(None, "rgb(255, 255, 255)", "none", "0px")
TEXT = replace(STYLE, font=FONT)
SIZE = (60, 120)  # height, width


def element(name: str, *box: int, style: ElementStyle | None = TEXT, depth: int = 0, **font: Any) -> Element:
    if font and style is not None and style.font is not None:
        style = replace(style, font=replace(style.font, **font))
    return Element(name, Box(*box), depth, style)


def painted(elements: Iterable[Element], size: tuple[int, int] = SIZE, ground: int = 255) -> Pixels:
    """A picture with a pattern in each element's box that depends on how it is drawn, and on nothing else."""
    pixels = np.full((*size, 4), 255, dtype=np.uint8)
    pixels[..., :3] = ground
    for one in elements:
        box = one.box
        colour = np.random.default_rng(list(f"{one.name}{one.style}".encode())).integers(0, 200, 3)
        pixels[box.y : box.y + box.height, box.x : box.x + box.width, :3] = colour
    return pixels


@dataclass(frozen=True)
class Drawn:
    """What a front end makes of a target."""

    frontend: str
    elements: tuple[Element, ...]
    pixels: Pixels


def drawn(frontend: str, *elements: Element, **picture: Any) -> Drawn:
    return Drawn(frontend, elements, painted(elements, **picture))


def result_in(of: Drawn, shot: str = "plot", verdict: Verdict = Verdict.NEW, **target: Any) -> Result:
    """The result of a target without a baseline in a front end."""
    made = result_of(shot, of.pixels)
    assert made.shot is not None
    own = replace(made.target, frontend=of.frontend, **target)
    taken: Shot = replace(made.shot, layout=of.elements, masks=((),) * len(own.masks))
    return replace(made, target=own, key=own.key(f"{of.frontend}-chromium-linux"), shot=taken, verdict=verdict)


def broken_in(frontend: str, shot: str = "plot") -> Result:
    """The result of a target that broke in a front end."""
    made = result_of(shot)
    own: Target = replace(made.target, frontend=frontend)
    return replace(made, target=own, key=own.key(f"{frontend}-chromium-linux"))
