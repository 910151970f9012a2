"""Documents that differ from a good one in a single member."""

from collections.abc import Iterator
from typing import Any

WRONG: tuple[Any, ...] = (None, True, -1, 0, 2, 1.5, 2**70, "", "x" * 70, "\ud800", [], [None], {}, {"x": 1}, [[[[]]]])


def mutations(whole: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every document in which one member is gone, has another name, or has another value, and what was done."""
    if isinstance(whole, dict):
        for name, value in whole.items():
            rest = {key: one for key, one in whole.items() if key != name}
            yield f"{place}.{name} gone", rest
            yield f"{place}.{name} renamed", rest | {f"{name}_": value}
            for said, changed in _changed(value, f"{place}.{name}"):
                yield said, whole | {name: changed}
    elif isinstance(whole, list):
        for index, value in enumerate(whole):
            yield f"{place}.{index} gone", [*whole[:index], *whole[index + 1 :]]
            for said, changed in _changed(value, f"{place}.{index}"):
                yield said, [*whole[:index], changed, *whole[index + 1 :]]


def _changed(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    for wrong in WRONG:
        if type(wrong) is not type(value) or wrong != value:
            yield f"{place} = {wrong!r:.20}", wrong
    yield from mutations(value, place)
