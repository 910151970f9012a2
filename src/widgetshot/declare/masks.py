"""Masks: the parts of a picture that are not compared."""

from collections.abc import Mapping
from typing import Any

from widgetshot.model import Box, Mask
from widgetshot.values import BadValue, check_keys


def parse_masks(value: Any) -> tuple[Mask, ...]:
    """Parse masks: `{selector, reason}` or `{box, reason}`, or a list of them.

    Raises:
        BadValue: one is no mask, or has no reason.
    """
    return tuple(_mask(entry) for entry in (value if isinstance(value, list) else [value]))


def _mask(entry: Any) -> Mask:
    if not isinstance(entry, Mapping):
        raise BadValue(f"a mask is {{selector: CSS, reason: TEXT}}, not {entry!r}")
    check_keys(entry, ("selector", "box", "reason"), "mask option")
    reason = entry.get("reason")
    if not isinstance(reason, str) or not reason.strip():
        raise BadValue("a mask needs a reason: why may this part not be compared?")
    if ("selector" in entry) == ("box" in entry):
        raise BadValue("a mask has either a selector or a box")
    if "selector" in entry:
        return Mask(reason, selector=_selector(entry["selector"]))
    return Mask(reason, box=_box(entry["box"]))


def _selector(value: Any) -> str:
    if not isinstance(value, str):
        raise BadValue(f"selector: must be text, not {value!r}")
    if not value.strip():
        raise BadValue("'selector' is empty")
    return value


def _box(value: Any) -> Box:
    if not (isinstance(value, list) and len(value) == 4 and all(type(n) is int and n >= 0 for n in value)):
        raise BadValue(f"box: must be [x, y, width, height] in whole pixels, not {value!r}")
    if not (value[2] and value[3]):
        raise BadValue(f"box: {value!r} covers nothing")
    return Box(*value)
