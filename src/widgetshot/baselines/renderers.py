"""The renderers that drew a project's baselines, by their sidecars."""

from collections import Counter
from dataclasses import dataclass

from widgetshot.baselines.access import Baselines
from widgetshot.baselines.sheets import digest_in
from widgetshot.documents import parse_json

_MOST = 500  # sidecars that are read; of more, these are spread evenly


@dataclass(frozen=True)
class DrawnBy:
    """What a sidecar says of its picture's renderer.

    Attributes:
        browser: its name; "" where that is not known.
        sheet: digest of its calibration sheet; "" where none is noted.
    """

    browser: str
    sheet: str


def drawn_by(baselines: Baselines, renderer: str) -> Counter[DrawnBy]:
    """Count the baselines of all front ends by what drew them; of many, some hundred are looked at.

    Args:
        renderer: the end of their environments, e.g. `chromium-linux`.

    Raises:
        BaselineError: the store can't be read.
    """
    every = baselines.keys()
    keys = sorted(key for key in every if key.partition("/")[0].endswith(f"-{renderer}"))
    return Counter(_of(baselines, key) for key in keys[:: len(keys) // _MOST + 1])


def _of(baselines: Baselines, key: str) -> DrawnBy:
    try:
        fingerprint = parse_json(baselines.snapshot(key).sidecar or b"{}")["fingerprint"]
        return DrawnBy(str(fingerprint.get("browser", "")), digest_in(fingerprint) or "")
    except (ValueError, LookupError, TypeError, AttributeError):
        return DrawnBy("", "")  # a run says what is wrong with it
