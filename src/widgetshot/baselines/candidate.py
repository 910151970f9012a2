"""The picture that a result would put among the baselines."""

import numpy as np

from widgetshot.files import encode_png
from widgetshot.model import Result


def shot_bytes(result: Result) -> bytes:
    """Return the PNG file of a result's shot: what a person reviews, and what becomes the baseline, byte for byte."""
    assert result.shot is not None
    if result.baseline is not None and np.array_equal(result.shot.pixels, result.baseline.pixels):
        # Equal outside of its masks is not enough for that: what was captured is kept as it was.
        return result.baseline.data
    return encode_png(result.shot.pixels, optimise=result.verdict.acceptable or result.updated)
