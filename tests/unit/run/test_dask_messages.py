"""What travels between the client of a Dask cluster and its workers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from widgetshot.baselines.access import Baselines
from widgetshot.baselines.folder import FolderStore
from widgetshot.errors import ConfigError
from widgetshot.files import encode_png
from widgetshot.model import Pixels, Result, Shot, Target, Verdict
from widgetshot.run.executors.dask.messages import pack_outcome, unpack_outcome

KEY = "page-chromium-linux/notebooks/a/s"
TARGET = Target(notebook="notebooks/a.ipynb", shot="s", cell_id="c", order=0)


def picture(seed: int) -> Pixels:
    pixels = np.random.default_rng(seed).integers(0, 255, (300, 400, 4), np.uint8)
    pixels[..., 3] = 255
    return pixels


@pytest.fixture
def baselines(tmp_path: Path) -> Baselines:
    made = Baselines(FolderStore(tmp_path / "baselines"))
    made.write(KEY, encode_png(picture(1), optimise=False))
    return made


@pytest.fixture
def match(baselines: Baselines) -> Result:
    baseline = baselines.read(KEY)
    return Result(TARGET, KEY, Verdict.MATCH, "as approved", Shot(picture(1)), baseline)


def sent(result: Result, baselines: Baselines) -> Result:
    outcome = unpack_outcome(pack_outcome(result), baselines)
    assert isinstance(outcome, Result)
    return outcome


def test_no_picture_of_a_match_travels_and_the_clients_own_takes_its_place(match: Result, baselines: Baselines) -> None:
    assert len(pack_outcome(match)) < 2_000
    found = sent(match, baselines)
    assert found.baseline is not None
    assert found.shot is not None
    assert match.baseline is not None
    assert found.baseline.data == match.baseline.data
    assert found.shot.pixels.shape == (300, 400, 4)
    assert np.array_equal(found.shot.pixels, found.baseline.pixels)


def test_of_a_match_that_differs_under_its_masks_the_shot_travels(match: Result, baselines: Baselines) -> None:
    found = sent(replace(match, shot=Shot(picture(2))), baselines)
    assert found.shot is not None
    assert np.array_equal(found.shot.pixels, picture(2))


def test_of_what_differs_all_travels(match: Result, baselines: Baselines) -> None:
    found = sent(replace(match, verdict=Verdict.CHANGED, shot=Shot(picture(2))), baselines)
    assert found.baseline is not None
    assert found.shot is not None
    assert np.array_equal(found.shot.pixels, picture(2))
    assert np.array_equal(found.baseline.pixels, picture(1))


@pytest.mark.parametrize("verdict", [Verdict.MATCH, Verdict.CHANGED, Verdict.RESIZED, Verdict.UNSTABLE])
def test_what_was_compared_with_another_baseline_is_broken(
    match: Result, baselines: Baselines, verdict: Verdict
) -> None:
    baselines.write(KEY, encode_png(picture(3), optimise=False))
    found = sent(replace(match, verdict=verdict), baselines)
    assert found.verdict is Verdict.BROKEN
    assert found.failure is not None
    assert (found.failure.exit_code, found.shot) == (2, None)
    assert "another baseline than the one that is here" in found.sentence


def test_new_is_only_what_has_no_baseline_here(match: Result, baselines: Baselines, tmp_path: Path) -> None:
    new = replace(match, verdict=Verdict.NEW, baseline=None)
    found = sent(new, baselines)
    assert found.verdict is Verdict.BROKEN
    assert "a worker does not have the baseline that is here" in found.sentence
    baselines.remove([KEY])
    assert sent(new, baselines).verdict is Verdict.NEW
    # A run that takes a damaged one anew counts it as none.
    place = tmp_path / f"baselines/{KEY}.png"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"damaged")
    assert sent(new, baselines).verdict is Verdict.NEW


def test_what_came_to_nothing_needs_no_baseline(baselines: Baselines) -> None:
    broken = Result(TARGET, KEY, Verdict.BROKEN, "raised")
    assert sent(broken, baselines) == broken


def test_an_error_keeps_its_place_and_next_step(baselines: Baselines) -> None:
    error = unpack_outcome(pack_outcome(ConfigError("what", where="where", next_step="next")), baselines)
    assert isinstance(error, ConfigError)
    assert (error.what, error.where, error.next_step) == ("what", "where", "next")
