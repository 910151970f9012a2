"""The tolerant rule against pixelmatch itself, over a corpus of pairs; and laws that hold for any two pictures.

Two builds of pixelmatch with one algorithm: PyPI's 0.4.0, plain Python, for small pairs; npm's 6.0.0, in a single node
process, for all of them, as it takes a picture of 4K in a blink.
"""

import functools
import io
import json
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from pixelmatch import pixelmatch

from builders import picture
from widgetshot.model import Box, Pixels, Tolerance
from widgetshot.verdict.compare import compare
from widgetshot.verdict.pixelmatch import differing

ROOT = Path(__file__).parents[3]
BASELINES = ROOT / "baselines"
THRESHOLDS = (0.05, 0.1, 0.2, 0.3)
SMALL = 6000  # pixels; the most that plain Python gets

Both = tuple[Pixels, Pixels]
Maker = Callable[[np.random.Generator, int, int], Both]


# --- The corpus: kinds of pairs ---------------------------------------------------------------------------------------


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


# --- The corpus: real screenshots -------------------------------------------------------------------------------------


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


# --- The corpus -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    name: str
    width: int
    height: int
    threshold: float
    make: Maker

    @property
    def id(self) -> str:
        return f"{self.name}-{self.width}x{self.height}-{self.threshold}"

    @property
    def small(self) -> bool:
        return self.width * self.height <= SMALL

    def pictures(self) -> Both:
        one, other = self.make(np.random.default_rng(zlib.crc32(self.id.encode())), self.width, self.height)
        assert one.shape == other.shape == (self.height, self.width, 4)
        assert one.dtype == other.dtype == np.uint8
        return one, other


TINY = ((1, 1), (2, 1), (1, 2), (2, 2), (3, 1), (3, 3), (1, 7), (5, 4), (3, 8))
MIDDLING = ((9, 16), (17, 9), (24, 24), (40, 30), (33, 17), (7, 50))
SIGNS = ((90, 16), (48, 31), (52, 33), (30, 45))  # the least on which text and shapes can be told
LARGE = ((320, 200), (150, 401), (257, 129))


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


def corpus() -> Iterator[Pair]:
    entries: list[tuple[str, tuple[int, int], Maker]] = []
    for index, (name, make) in enumerate(NOISY.items()):
        sizes = [
            TINY[index % 9],
            TINY[(index + 4) % 9],
            *(MIDDLING[(index + k) % 6] for k in (0, 1, 3)),
            LARGE[index % 3],
        ]
        entries += [(name, size, make) for size in sizes]
    for index, (name, make) in enumerate(DRAWN.items()):
        entries += [(name, size, make) for size in (*SIGNS, LARGE[index % 3])]
    entries += [(f"noise-{seed}", size, noises) for seed, size in enumerate(TINY)]
    entries += screenshots()
    entries += [(f"screen-{name}", size, on_desktop(change)) for name, (size, change) in SCREENS.items()]
    for index, (name, size, make) in enumerate(entries):
        yield Pair(name, *size, THRESHOLDS[(index + index // 4) % 4], make)


PAIRS = list(corpus())
each_pair = pytest.mark.parametrize("index", [pytest.param(i, id=pair.id) for i, pair in enumerate(PAIRS)])
each_small_pair = pytest.mark.parametrize(
    "index", [pytest.param(i, id=pair.id) for i, pair in enumerate(PAIRS) if pair.small]
)


# --- The two oracles --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reference:
    """What npm's pixelmatch says of each pair; `everything` are the counts without its anti-aliasing detection."""

    folder: Path
    counts: list[int]
    everything: list[int]

    def pictures(self, index: int) -> Both:
        pair = PAIRS[index]
        both = np.fromfile(self.folder / f"{index}.rgba", np.uint8).reshape(2, pair.height, pair.width, 4)
        return both[0], both[1]

    def mask(self, index: int) -> NDArray[np.bool_]:
        pair = PAIRS[index]
        return np.fromfile(self.folder / f"{index}.mask", np.bool_).reshape(pair.height, pair.width)


@pytest.fixture(scope="module")
def reference() -> Iterator[Reference]:
    # Half a gigabyte, that pytest's own temporary folders would keep for three runs.
    with tempfile.TemporaryDirectory(prefix="widgetshot-oracle-") as name:
        folder = Path(name)
        for index, pair in enumerate(PAIRS):
            with (folder / f"{index}.rgba").open("wb") as file:
                for pixels in pair.pictures():
                    file.write(np.ascontiguousarray(pixels).data)
        jobs = [{"width": pair.width, "height": pair.height, "threshold": pair.threshold} for pair in PAIRS]
        (folder / "jobs.json").write_text(json.dumps(jobs), encoding="utf-8")
        node = shutil.which("node", path=str(Path(sys.executable).parent)) or shutil.which("node")
        assert node, "node comes with the project's set-up"
        script = Path(__file__).with_name("pixelmatch_oracle.mjs")
        done = subprocess.run([node, str(script), name], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        answers = json.loads(done.stdout)
        yield Reference(folder, *([answer[key] for answer in answers] for key in ("count", "everything")))


@functools.cache
def count_of_pypi(index: int) -> int:
    pair = PAIRS[index]
    one, other = pair.pictures()
    return int(pixelmatch(one.tobytes(), other.tobytes(), pair.width, pair.height, threshold=pair.threshold))


@each_pair
def test_the_tolerant_rule_finds_the_very_pixels_of_pixelmatch(reference: Reference, index: int) -> None:
    found = differing(*reference.pictures(index), PAIRS[index].threshold)
    assert int(found.sum()) == reference.counts[index]
    np.testing.assert_array_equal(found, reference.mask(index))


@each_small_pair
def test_a_small_pair_counts_as_plain_python_does(index: int) -> None:
    pair = PAIRS[index]
    assert int(differing(*pair.pictures(), pair.threshold).sum()) == count_of_pypi(index)


def test_both_oracles_agree_on_every_small_pair(reference: Reference) -> None:
    small = [index for index, pair in enumerate(PAIRS) if pair.small]
    assert len(small) >= 150
    assert {PAIRS[i].id: reference.counts[i] for i in small} == {PAIRS[i].id: count_of_pypi(i) for i in small}


def test_the_corpus_is_varied(reference: Reference) -> None:
    assert len(PAIRS) == len({pair.id for pair in PAIRS}) == len(reference.counts) >= 200
    areas = [pair.width * pair.height for pair in PAIRS]
    assert min(areas) == 1
    assert areas.count(3840 * 2160) == 3
    assert sum(pair.name.startswith("shot-") for pair in PAIRS) >= 30
    for threshold in THRESHOLDS:
        here = [index for index, pair in enumerate(PAIRS) if pair.threshold == threshold]
        # Wrong in the detection of anti-aliasing, or blind to it, would show in each of these.
        assert len(here) >= 40
        assert sum(reference.counts[index] < reference.everything[index] for index in here) >= 15
        assert sum(0 < reference.counts[index] < areas[index] for index in here) >= 20
        assert any(reference.counts[index] == 0 for index in here)


# --- Laws for any two pictures ----------------------------------------------------------------------------------------

QUICK = settings(max_examples=40, deadline=None, derandomize=True, database=None)
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


@QUICK
@given(any_pictures(), ANY_THRESHOLD)
def test_the_two_pictures_may_change_places(both: Both, threshold: float) -> None:
    # Holds for the tolerant rule too: its distance is of squares, and it asks both pictures about anti-aliasing.
    np.testing.assert_array_equal(differing(*both, threshold), differing(*both[::-1], threshold))


@QUICK
@given(any_pictures(of_one_size=False), BOXES, ANY_THRESHOLD)
def test_baseline_and_shot_may_change_places(both: Both, boxes: list[Box], threshold: float) -> None:
    there, back = (compare(*pair, Tolerance(threshold=threshold), boxes) for pair in (both, both[::-1]))
    # Not the regions: they are of the diff picture, which shows the shot where rows were inserted or removed.
    assert (there.changed, there.total, there.resized) == (back.changed, back.total, back.resized)


def test_a_tie_between_neighbours_goes_to_the_first_so_a_mirrored_pair_may_count_otherwise() -> None:
    before = np.array([[128, 0, 0], [0, 128, 128], [0, 255, 255]])
    after = np.array([[128, 0, 0], [0, 128, 255], [0, 255, 255]])
    counts = []
    for side in (slice(None), slice(None, None, -1)):
        one, other = (opaque(greys[:, side, None].repeat(3, axis=2)) for greys in (before, after))
        counts.append(int(differing(one, other, 0.1).sum()))
        assert counts[-1] == pixelmatch(one.tobytes(), other.tobytes(), 3, 3, threshold=0.1)
    assert counts == [0, 1]


@QUICK
@given(any_pictures(), BOXES, ANY_THRESHOLD)
def test_a_picture_matches_itself_at_every_threshold(both: Both, boxes: list[Box], threshold: float) -> None:
    one = both[0]
    for same in (one, one.copy(), one[:], np.asfortranarray(one), one[::-1].copy()[::-1]):
        comparison = compare(one, same, Tolerance(threshold=threshold), boxes)
        assert (comparison.changed, comparison.regions, comparison.resized, comparison.diff) == (0, (), False, None)


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


@QUICK
@given(any_pictures(), ANY_THRESHOLD)
def test_the_layout_in_memory_makes_no_difference(both: Both, threshold: float) -> None:
    expected = differing(*both, threshold)
    for one, other in zip(layouts(both[0]), layouts(both[1]), strict=True):
        np.testing.assert_array_equal(one, both[0])
        for pair in ((one, both[1]), (both[0], other), (one, other)):
            np.testing.assert_array_equal(differing(*pair, threshold), expected)
        assert compare(one, other, Tolerance(threshold=threshold)).changed == int(expected.sum())


@QUICK
@given(any_pictures(of_one_size=False), BOXES, BOXES, ANY_THRESHOLD)
def test_one_more_mask_never_adds_a_difference(both: Both, boxes: list[Box], more: list[Box], threshold: float) -> None:
    few = compare(*both, Tolerance(threshold=threshold), boxes)
    many = compare(*both, Tolerance(threshold=threshold), [*boxes, *more])
    assert many.changed <= few.changed
    assert many.total <= few.total
    assert many.resized == few.resized


@QUICK
@given(any_pictures(of_one_size=False), ANY_THRESHOLD)
def test_under_a_mask_over_everything_only_the_size_is_seen(both: Both, threshold: float) -> None:
    comparison = compare(*both, Tolerance(threshold=threshold), [Box(0, 0, 8, 8)])
    assert (comparison.changed, comparison.total, comparison.regions) == (0, 0, ())
    assert comparison.resized == (both[0].shape != both[1].shape)
    assert (comparison.diff is not None) == comparison.resized


@QUICK
@given(any_pictures(), any_pictures(), BOXES)
def test_the_strict_rule_never_looks_under_a_mask(both: Both, paint: Both, boxes: list[Box]) -> None:
    one, other = both
    expected = compare(one, other, Tolerance(), boxes)
    painted = other.copy()
    hidden = covered(boxes, *other.shape[:2])
    painted[hidden] = paint[0][0, 0]
    comparison = compare(one, painted, Tolerance(), boxes)
    assert (comparison.changed, comparison.total, comparison.regions) == (
        expected.changed,
        expected.total,
        expected.regions,
    )
    assert comparison.changed == int(((one != other).any(axis=2) & ~hidden).sum())


@QUICK
@given(any_pictures(of_one_size=False), BOXES, ANY_THRESHOLD)
def test_another_size_is_always_reported_and_all_of_it_counted(both: Both, boxes: list[Box], threshold: float) -> None:
    one, other = both
    height, width = (max(one.shape[axis], other.shape[axis]) for axis in (0, 1))
    common = (slice(min(one.shape[0], other.shape[0])), slice(min(one.shape[1], other.shape[1])))
    comparison = compare(one, other, Tolerance(threshold=threshold), boxes)
    assert comparison.resized == (one.shape != other.shape)
    shown = ~covered(boxes, height, width)
    padding = shown.copy()
    padding[common] = False
    assert comparison.total == int(shown.sum())
    assert comparison.changed >= int(padding.sum())
    same = other.copy()
    same[common] = one[common]
    # Where the common part is equal, the padding is the whole difference, whatever it holds.
    assert compare(one, same, Tolerance(threshold=threshold), boxes).changed == int(padding.sum())


@QUICK
@given(any_pictures(), ANY_THRESHOLD, ANY_THRESHOLD)
def test_a_higher_threshold_finds_a_part_of_what_a_lower_one_finds(both: Both, one: float, other: float) -> None:
    strict = differing(*both, 0)
    low, high = (differing(*both, threshold) for threshold in sorted((one, other)))
    assert not (low & ~strict).any()
    assert not (high & ~low).any()


@pytest.mark.parametrize("step", [1, -1])
@pytest.mark.parametrize("fill", ["noise", "flat"])
def test_one_step_of_any_channel_at_any_place_is_one_difference(fill: str, step: int) -> None:
    one = random_rgb(np.random.default_rng(5), 7, 5).clip(1, 254) if fill == "noise" else picture(5, 7, 200)
    one[..., 3] = 254
    for y, x, channel in np.ndindex(*one.shape):
        other = one.copy()
        other[y, x, channel] = int(other[y, x, channel]) + step
        for shot in (other, np.asfortranarray(other)):
            comparison = compare(one, shot, Tolerance())
            assert (comparison.changed, comparison.total, comparison.regions) == (1, 35, (Box(x, y, 1, 1),))
            assert comparison.diff is not None
            tolerant = compare(one, shot, Tolerance(threshold=0.05))
            assert (tolerant.changed, tolerant.total, tolerant.regions, tolerant.diff) == (0, 35, (), None)


@pytest.mark.parametrize("channel", range(4))
def test_one_step_at_the_border_of_a_real_picture_is_one_difference(channel: int) -> None:
    one = np.ascontiguousarray(desktop()[:701, :929])
    height, width = one.shape[:2]
    for y, x in ((0, 0), (0, width - 1), (height - 1, 0), (height - 1, width - 1), (height - 1, 400), (350, width - 1)):
        other = one.copy()
        other[y, x, channel] ^= 1
        comparison = compare(one, other, Tolerance())
        assert (comparison.changed, comparison.regions) == (1, (Box(x, y, 1, 1),))
        assert compare(one, other, Tolerance(threshold=0.05)).changed == 0
