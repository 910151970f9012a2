"""PNG files of other form than widgetshot's are refused; all that it writes is accepted."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import picture
from png_files import FOREIGN, bomb, chunk, pixels, png
from widgetshot.files import encode_palette, encode_png
from widgetshot.model import Pixels
from widgetshot.png_form import ForeignPngError, png_size, read_own_png
from widgetshot.verdict.diff_picture import PALETTE

ROOT = Path(__file__).parents[2]


def drawn(kind: str) -> Pixels:
    random = np.random.default_rng(1)
    made = np.full((20, 30, 4), 255, dtype=np.uint8)
    match kind:
        case "grey":
            made[..., :3] = random.integers(0, 256, (20, 30, 1))
        case "few greys":
            made[..., :3] = random.integers(0, 4, (20, 30, 1)) * 85
        case "few colours":
            made[..., :3] = random.integers(0, 256, (5, 3))[random.integers(0, 5, (20, 30))]
        case "translucent":
            made[...] = random.integers(0, 256, (20, 30, 4))
        case "grey and translucent":
            made[..., :3] = random.integers(0, 256, (20, 30, 1))
            made[..., 3] = random.integers(0, 256, (20, 30))
        case "few translucent colours":
            made[...] = random.integers(0, 256, (5, 4))[random.integers(0, 5, (20, 30))]
        case "colours":
            made[..., :3] = random.integers(0, 256, (20, 30, 3))
    return made


KINDS = ("white", "grey", "few greys", "few colours", "translucent", "grey and translucent",
         "few translucent colours", "colours")  # fmt: skip


@pytest.mark.parametrize("optimise", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_what_the_encoder_writes_is_accepted(kind: str, optimise: bool) -> None:
    made = drawn(kind)
    data = encode_png(made, optimise=optimise)
    assert png_size(data) == (30, 20)
    # Of what cannot be seen at all the optimiser may change the colour.
    seen = made[..., 3] > 0
    assert (read_own_png(data)[seen] == made[seen]).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1), st.sampled_from([2, 3, 16, 256]))
def test_what_the_encoder_writes_of_any_picture_is_accepted(height: int, width: int, seed: int, colours: int) -> None:
    random = np.random.default_rng(seed)
    made = random.integers(0, 256, (colours, 4), dtype=np.uint8)[random.integers(0, colours, (height, width))]
    assert png_size(encode_png(made, optimise=True)) == (width, height)


def test_diff_pictures_and_our_own_baselines_are_accepted() -> None:
    indices = np.arange(600, dtype=np.uint8).reshape(20, 30) % len(PALETTE)
    assert read_own_png(encode_palette(indices, PALETTE)).shape == (20, 30, 4)
    files = sorted((ROOT / "baselines").rglob("*.png"))
    assert len(files) > 50
    for file in files:
        assert png_size(file.read_bytes()), file


@pytest.mark.parametrize("what", FOREIGN)
@pytest.mark.parametrize("optimise", [False, True])
def test_what_the_encoder_does_not_write_is_refused(what: str, optimise: bool) -> None:
    data = encode_png(picture(), optimise=optimise)
    assert read_own_png(data).shape == (20, 30, 4)
    with pytest.raises(ForeignPngError):
        png_size(FOREIGN[what](data))


def test_a_colour_that_the_palette_has_not_is_refused() -> None:
    palette = chunk(b"PLTE", b"\0\0\0\xff\xff\xff")
    assert read_own_png(png(2, 1, 8, 3, palette, pixels([b"\0\1"]))).shape == (1, 2, 4)
    with pytest.raises(ForeignPngError, match="colours that its palette has not"):
        read_own_png(png(2, 1, 8, 3, palette, pixels([b"\0\2"])))


@pytest.mark.parametrize("rows", [0, 1, 19, 21, 3_000])
def test_samples_are_as_many_as_the_size_says(rows: int) -> None:
    assert read_own_png(png(30, 20, 8, 2, pixels([b"\0" * 90] * 20))).shape == (20, 30, 4)
    with pytest.raises(ForeignPngError, match="fewer or more samples than its size says"):
        read_own_png(png(30, 20, 8, 2, pixels([b"\0" * 90] * rows)))


@pytest.mark.parametrize("content", [b"", b"\1" * 9, b"\x78\x9c" + b"\xff" * 20])
def test_samples_that_cannot_be_read_are_refused(content: bytes) -> None:
    with pytest.raises(ForeignPngError):
        read_own_png(png(30, 20, 8, 2, chunk(b"IDAT", content)))


def test_a_bomb_is_refused_by_its_header_and_takes_no_memory(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(bomb())
    script = """if True:
        import resource, sys
        from widgetshot.baselines.access import Baselines
        from widgetshot.baselines.folder import FolderStore
        from widgetshot.errors import BaselineError
        from pathlib import Path
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            Baselines(FolderStore(Path(sys.argv[1]))).read("bomb")
        except BaselineError as error:
            print(error.what)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    said, kilobytes = done.stdout.splitlines()
    assert "13000 x 13000 pixels; expected at most 80,000,000" in said
    assert int(kilobytes) < 100_000
