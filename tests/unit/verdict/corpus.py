"""The corpus of pairs that the tolerant rule is held against."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pairs import DRAWN, NOISY, Both, Maker, noises
from screenshots import SCREENS, on_desktop, screenshots

THRESHOLDS = (0.05, 0.1, 0.2, 0.3)
SMALL = 6000  # pixels; the most that plain Python gets


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
SIGNS = ((90, 16), (48, 31), (52, 33), (30, 45))  # the least on which text and shapes can be recognised
LARGE = ((320, 200), (150, 401), (257, 129))


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
