"""Tolerances: how much of a picture may differ."""

from collections.abc import Mapping
from typing import Any

from widgetshot.model import Tolerance
from widgetshot.values import BadValue, check_keys

# What Playwright calls them, and what is meant here.
_PLAYWRIGHT = {
    "max_diff_pixels": ("maxDiffPixels", "'pixels' here, a whole number"),
    "max_diff_pixel_ratio": ("maxDiffPixelRatio", "'share' here, from 0 to 1"),
}


def parse_tolerance(value: Any) -> Tolerance:
    """Parse a tolerance; an ambiguous number is refused rather than guessed.

    Raises:
        BadValue: a bare number, a fraction of a pixel, a share over 1.
    """
    if not isinstance(value, Mapping):
        raise BadValue(
            f"{value!r} has no unit; write {{pixels: N}}, {{share: 0.001}}, {{step: N}} or {{threshold: 0.1}}"
        )
    for name, (playwrights, ours) in _PLAYWRIGHT.items():
        if name in value or playwrights in value:
            raise BadValue(f"Playwright's '{playwrights}' is {ours}")
    check_keys(value, ("pixels", "share", "step", "threshold"), "tolerance option")
    pixels = value.get("pixels", 0)
    if type(pixels) is not int or pixels < 0:
        raise BadValue(f"'pixels' is a whole number of pixels, not {pixels!r}; a part of the picture is 'share'")
    step = value.get("step", 0)
    if type(step) is not int or not 0 <= step < 255:
        raise BadValue(f"'step' is a whole number of steps of a colour channel, 0 to 254, not {step!r}")
    share = _fraction(value.get("share", 0.0), "share")
    # Absent and 0 are two things: absent leaves it to the renderer, 0 is strict whatever the renderer.
    threshold = _fraction(value["threshold"], "threshold") if "threshold" in value else None
    if step and threshold:
        raise BadValue("has either a 'step' or a 'threshold', two rules for the same")
    return Tolerance(pixels, share, step, threshold)


def _fraction(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise BadValue(f"'{name}' is from 0 up to but not including 1, not {value!r}")
    return float(value)
