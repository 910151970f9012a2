"""Documents that differ from a good one in a single member."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

WRONG: tuple[Any, ...] = (None, True, -1, 0, 2, 1.5, 2**70, "", "x" * 70, "\ud800", [], [None], {}, {"x": 1}, [[[[]]]])
# How many wrong values each member is given: a few, or all of them where somebody asks for it.
each_extent = pytest.mark.parametrize(
    "wrong", [pytest.param(3, id="sample"), pytest.param(None, id="all", marks=pytest.mark.expensive)]
)


def mutations(whole: Any, wrong: int | None = None, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every document in which one member is gone, has another name, or has another value, and what was done.

    Args:
        wrong: how many other values each member has, drawn by its place; None for all.
    """
    if isinstance(whole, dict):
        for name, value in whole.items():
            rest = {key: one for key, one in whole.items() if key != name}
            yield f"{place}.{name} gone", rest
            yield f"{place}.{name} renamed", rest | {f"{name}_": value}
            for said, changed in _changed(value, wrong, f"{place}.{name}"):
                yield said, whole | {name: changed}
    elif isinstance(whole, list):
        for index, value in enumerate(whole):
            yield f"{place}.{index} gone", [*whole[:index], *whole[index + 1 :]]
            for said, changed in _changed(value, wrong, f"{place}.{index}"):
                yield said, [*whole[:index], changed, *whole[index + 1 :]]


def _changed(value: Any, wrong: int | None, place: str) -> Iterator[tuple[str, Any]]:
    others = [other for other in WRONG if type(other) is not type(value) or other != value]
    for other in others if wrong is None else Random(place).sample(others, wrong):
        yield f"{place} = {other!r:.20}", other
    yield from mutations(value, wrong, place)
