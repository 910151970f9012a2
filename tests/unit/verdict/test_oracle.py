"""The tolerant rule against pixelmatch itself, over a corpus of pairs; and laws that hold for any two pictures.

Two builds of pixelmatch with one algorithm: PyPI's 0.4.0, plain Python, for small pairs; npm's 6.0.0, in a single node
process, for all of them, as it takes a picture of 4K in a blink.
"""

import functools
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from any_pictures import ANY_THRESHOLD, BOXES, any_pictures, covered, layouts
from corpus import PAIRS, THRESHOLDS
from drawings import opaque, random_rgb
from hypothesis import given, settings
from numpy.typing import NDArray
from pairs import Both
from pixelmatch import pixelmatch
from screenshots import desktop

from builders import picture
from widgetshot.model import Box, Tolerance
from widgetshot.verdict.compare import compare
from widgetshot.verdict.pixelmatch import differing

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


@pytest.mark.unmeasured
@each_pair
def test_the_tolerant_rule_finds_the_very_pixels_of_pixelmatch(reference: Reference, index: int) -> None:
    found = differing(*reference.pictures(index), PAIRS[index].threshold)
    assert int(found.sum()) == reference.counts[index]
    np.testing.assert_array_equal(found, reference.mask(index))


@pytest.mark.unmeasured
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


@settings(QUICK, max_examples=15)  # of 21 layouts each
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
