"""How long it takes to compare a folder of pictures and to write what differs: ours and reg-cli, on the same files.

    python benchmarks/compare.py [--pairs 100] [--changed 10] [--rounds 7]

The pictures are this project's baselines, scaled onto 1280x720, each with a mark of its own. They come in two ways:
`same bytes`, where both pictures of an unchanged pair are the same file, and `other bytes`, where the expected one has
been optimised, as baselines in git are, so that every pair has to be decoded. Each round is a fresh process that
decodes, compares and writes the diff pictures of those that differ. reg-cli comes from npm into the user's cache. The
table goes to benchmarks/compare.md; the exit code is 1 when ours takes half of reg-cli's time or more.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PIL import Image

from measuring import BenchmarkError, Sample, adopt_orphans, finish, measure
from widgetshot.files import encode_palette, encode_png, read_png, write_atomically
from widgetshot.model import Pixels, Tolerance
from widgetshot.verdict.compare import compare
from widgetshot.verdict.diff_picture import PALETTE

HERE = Path(__file__).parent
WIDTH, HEIGHT = 1280, 720
REG_CLI = "0.18.16"
LEAST_TIMES = 2.0
WAYS = ("same bytes", "other bytes")
DEFAULTS = {"pairs": 100, "changed": 10, "rounds": 7}


def pictures(count: int, changed: int) -> list[tuple[Pixels, Pixels]]:
    """Return expected and actual pixels; every so many pairs differ."""
    # The light ones without a variant: others are the same content once more.
    files = [file for file in sorted((HERE.parent / "baselines").rglob("*.png")) if "[" not in file.name]
    every = max(1, count // changed) if changed else count + 1

    def make(n: int) -> tuple[Pixels, Pixels]:
        with Image.open(files[n % len(files)]) as image:
            shot = image.convert("RGB")
        factor = min(WIDTH / shot.width, HEIGHT / shot.height)
        canvas = Image.new("RGBA", (WIDTH, HEIGHT), "white")
        canvas.paste(shot.resize((int(shot.width * factor), int(shot.height * factor)), Image.Resampling.LANCZOS))
        expected = np.array(canvas)
        # A row of black and white pixels that tells the pictures apart, as their content would.
        expected[0, :16, :3] = 255 * np.array([[n >> bit & 1] for bit in range(16)], dtype=np.uint8)
        if n % every or n // every >= changed:
            return expected, expected
        actual = expected.copy()
        # What a changed style does: something in the middle moves by some pixels, and a bar has another colour.
        actual[200:400, 106:700] = expected[200:400, 100:694]
        actual[420:440, 100:500, :3] = (214, 0, 54)
        return expected, actual

    with ThreadPoolExecutor() as threads:
        return list(threads.map(make, range(count)))


def write_pictures(folder: Path, pairs: Sequence[tuple[Pixels, Pixels]], way: str) -> None:
    """Write `expected/` and `actual/`; encoding is done for once, so it takes no part in what is measured."""
    for side in ("expected", "actual"):
        (folder / side).mkdir(parents=True)

    def write(n: int) -> None:
        expected, actual = pairs[n]
        for side, pixels in (("expected", expected), ("actual", actual)):
            optimise = side == "expected" and way == "other bytes"
            (folder / side / f"shot-{n:03}.png").write_bytes(encode_png(pixels, optimise=optimise))

    with ThreadPoolExecutor() as threads:
        list(threads.map(write, range(len(pairs))))


def compare_folder(folder: Path) -> None:
    """Ours: decode, compare, write the diff pictures and which pairs differ."""
    (folder / "diff").mkdir()

    def one(name: str) -> str | None:
        before, after = ((folder / side / name).read_bytes() for side in ("expected", "actual"))
        if before == after:
            return None
        found = compare(read_png(before), read_png(after), Tolerance())
        if found.diff is None:
            return None
        write_atomically(folder / "diff" / name, encode_palette(found.diff, PALETTE))
        return name

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        differing = [
            name for name in threads.map(one, sorted(file.name for file in (folder / "expected").iterdir())) if name
        ]
    (folder / "found.json").write_text(json.dumps({"failedItems": differing}), encoding="utf-8")


def packages() -> Path:
    """Return the folder that npm installed reg-cli into."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "widgetshot-benchmarks"
    folder = cache / f"reg-cli-{REG_CLI}"
    if not (folder / "node_modules/.package-lock.json").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
        npm = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", f"reg-cli@{REG_CLI}"]
        subprocess.run(npm, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return folder


def run(command: Sequence[str | Path], folder: Path, expected: Sequence[str]) -> Sample:
    """One round, from the process's start to its end.

    Raises:
        BenchmarkError: it failed, or did not find exactly the pairs that differ.
    """
    shutil.rmtree(folder / "diff", ignore_errors=True)
    (folder / "found.json").unlink(missing_ok=True)
    sample = measure([str(part) for part in command], folder, os.environ, memory=False)
    if sample.code:
        raise BenchmarkError(f"{command[0]} ended with {sample.code}:\n{(folder / 'log.txt').read_text()[-2000:]}")
    found = json.loads((folder / "found.json").read_text(encoding="utf-8"))["failedItems"]
    if sorted(found) != list(expected):
        raise BenchmarkError(f"{command[0]} found {found}, not {expected}")
    missing = [name for name in expected if not (folder / "diff" / name).is_file()]
    if missing:
        raise BenchmarkError(f"{command[0]} wrote no diff pictures of {missing}")
    return sample


def table(took: dict[str, dict[str, list[Sample]]], arguments: argparse.Namespace) -> str:
    given = {name: getattr(arguments, name) for name in DEFAULTS}
    command = "python benchmarks/compare.py" + "".join(
        f" --{name} {value}" for name, value in given.items() if value != DEFAULTS[name]
    )
    lines = ["| unchanged pairs | program | wall, s | x ours | CPU, s | x ours |", "|---|---|" + "---:|" * 4]
    for way, programs in took.items():
        ours = programs["widgetshot"]
        for name, rounds in programs.items():
            wall, cpu = median(rounds, lambda one: one.wall), median(rounds, lambda one: one.cpu)
            lines.append(
                f"| {way} | {name} | {wall:.2f} | {wall / median(ours, lambda one: one.wall):.1f} "
                f"| {cpu:.2f} | {cpu / median(ours, lambda one: one.cpu):.1f} |"
            )
    return f"""\
# Comparing {arguments.pairs} pairs of {WIDTH}x{HEIGHT}, {arguments.changed} of them changed

`{command}`, {datetime.now(UTC):%Y-%m-%d}: {platform.machine()}, {os.cpu_count()} cores, Python \
{platform.python_version()}. Medians of {arguments.rounds} rounds, in turn, each in a fresh process.

{chr(10).join(lines)}

- Decode, compare, write the diff pictures of those that differ, and a JSON file that names them; no report.
- Same bytes: both pictures of an unchanged pair are the same file, which both programs see before they decode. Other
  bytes: the expected one has been optimised, as baselines in git are, so that every pair has to be decoded.
- widgetshot: strict, a step in one channel counts, on as many threads as there are cores. reg-cli: its defaults, a
  threshold of 0 and four processes.
"""


def median(rounds: Sequence[Sample], of: Callable[[Sample], float]) -> float:
    return statistics.median(of(one) for one in rounds)


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    for name, value in DEFAULTS.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    arguments = parser.parse_args()
    if arguments.ours:
        compare_folder(arguments.ours)
        return 0
    # Ended in order: folders removed, processes ended.
    signal.signal(signal.SIGTERM, _stop)
    adopt_orphans()
    pairs = pictures(arguments.pairs, arguments.changed)
    expected = [f"shot-{n:03}.png" for n, (before, after) in enumerate(pairs) if before is not after]
    program = packages() / "node_modules/reg-cli/dist/cli.js"
    commands: dict[str, list[str | Path]] = {
        "widgetshot": [sys.executable, Path(__file__).resolve(), "--ours", "."],
        f"reg-cli {REG_CLI}": ["node", program, "actual", "expected", "diff", "-J", "found.json", "-I"],
    }
    took: dict[str, dict[str, list[Sample]]] = {}
    with tempfile.TemporaryDirectory() as work:
        for way in WAYS:
            folder = Path(work) / way
            print(f"{way}: encoding", file=sys.stderr, flush=True)
            write_pictures(folder, pairs, way)
            took[way] = {name: [] for name in commands}
            for _ in range(arguments.rounds):
                for name, command in commands.items():
                    sample = run(command, folder, expected)
                    print(f"{way}: {name} {sample.wall:.2f} s, CPU {sample.cpu:.2f} s", file=sys.stderr, flush=True)
                    took[way][name].append(sample)
    text = table(took, arguments)
    print(text)
    if (arguments.pairs, arguments.changed) == (DEFAULTS["pairs"], DEFAULTS["changed"]):
        (HERE / "compare.md").write_text(text, encoding="utf-8")
    missed = 0
    for way, programs in took.items():
        ours, others = (median(rounds, lambda one: one.wall) for rounds in programs.values())
        if others < LEAST_TIMES * ours:
            print(f"✗ {way}: {ours / others:.2f} of reg-cli's time, not under {1 / LEAST_TIMES}", file=sys.stderr)
            missed = 1
    return missed


if __name__ == "__main__":
    finish(main)
