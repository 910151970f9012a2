"""Two checkouts of widgetshot, such as before and after a change, in turn: which takes longer?

    python benchmarks/before_after.py OTHER_CHECKOUT [--workloads 20x3 10x5 200x5] [--rounds 5]

Both have a `.venv` of their own (`make setup`). For each workload (see suite.py) each of them approves pictures of its
own first; then each round runs one and then the other, the first of the two in turn. The ratios are of the medians,
this checkout's over the other one's. The table goes to standard output.
"""

import argparse
import os
import statistics
import subprocess
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from measuring import BenchmarkError, Sample, adopt_orphans, finish, measure
from suite import Workload, machine, write_work

HERE = Path(__file__).resolve().parents[1]
IMPORTS = {
    "widgetshot --help": ("-m", "widgetshot", "--help"),
    "import of the pytest plugin": ("-X", "frozen_modules=on", "-c", "import {plugin}"),
}

TABLE = """\
| what | rounds | seconds before | after | ratio | CPU before | after | ratio |
|---|--:|--:|--:|--:|--:|--:|--:|"""


def python_of(checkout: Path) -> str:
    """Return the interpreter of a checkout.

    Raises:
        BenchmarkError: it has none.
    """
    python = checkout / ".venv" / "bin" / "python"
    if not python.exists():
        raise BenchmarkError(f"{checkout} has no .venv; say there: make setup")
    # What is installed from its sources in place is compiled by nobody else.
    subprocess.run([python, "-m", "compileall", "-q", checkout / "src" / "widgetshot"], check=True)
    return str(python)


def run(command: Sequence[str], folder: Path) -> Sample:
    """One run of a command in a folder.

    Raises:
        BenchmarkError: it failed.
    """
    sample = measure(command, folder, os.environ, memory=False)
    if sample.code:
        raise BenchmarkError(f"{' '.join(command)} ended with {sample.code}")
    return sample


def row(name: str, found: Sequence[Sequence[Sample]]) -> str:
    """One row of the table, of the samples of both."""
    words = []
    for what in ("wall", "cpu"):
        before, after = (statistics.median(getattr(sample, what) for sample in samples) for samples in found)
        words.append(f"{before:.3f} | {after:.3f} | {after / before:.3f}")
    return f"| {name} | {len(found[0])} | {' | '.join(words)} |"


def compare(name: str, commands: Sequence[Sequence[str]], folders: Sequence[Path], rounds: int) -> str:
    """Run both commands in turn; the row of the table."""
    found: list[list[Sample]] = [[], []]
    for number in range(rounds):
        for index in (0, 1) if number % 2 == 0 else (1, 0):
            found[index].append(run(commands[index], folders[index]))
    return row(name, found)


def compare_runs(
    name: str, pythons: Sequence[str], folders: Sequence[Path], write: Callable[[Path], None], rounds: int
) -> str:
    """Let both checkouts approve pictures of the same work, each in its folder, and run it in turn; the row."""
    commands = [[python, "-m", "widgetshot", "run", "--jobs", "2"] for python in pythons]
    for command, folder in zip(commands, folders, strict=True):
        folder.mkdir()
        write(folder)
        run([*command, "--update-baselines"], folder)
    return compare(f"run of {name}", commands, folders, rounds)


def plugin_of(checkout: Path) -> str:
    """Return the module of a checkout's pytest plugin."""
    text = (checkout / "pyproject.toml").read_text(encoding="utf-8")
    return text.split('[project.entry-points.pytest11]\nwidgetshot = "')[1].split('"')[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="the checkout of the state before")
    parser.add_argument("--workloads", nargs="*", default=["20x3", "10x5", "200x5"], help="notebooks x shots of each")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--import-rounds", type=int, default=15)
    options = parser.parse_args()
    adopt_orphans()
    checkouts = (options.other.resolve(), HERE)
    pythons = [python_of(checkout) for checkout in checkouts]
    print(machine())
    print(TABLE)
    with TemporaryDirectory(prefix="before-after-") as name:
        for workload in options.workloads:
            folders = [Path(name) / f"{workload}-{index}" for index in (0, 1)]
            work = partial(write_work, workload=Workload.named(workload), case="match")
            print(compare_runs(workload, pythons, folders, work, options.rounds), flush=True)
        for title, words in IMPORTS.items() if options.import_rounds else ():
            commands = [
                [python, *(word.format(plugin=plugin_of(checkout)) for word in words)]
                for python, checkout in zip(pythons, checkouts, strict=True)
            ]
            print(compare(title, commands, [Path(name)] * 2, options.import_rounds), flush=True)
    return 0


if __name__ == "__main__":
    finish(main)
