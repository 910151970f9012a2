"""Whether the calibration sheet tells one renderer from another exactly where their pictures differ.

    python benchmarks/renderers.py --browser NAME=COMMAND ... --runs FOLDER [--draws 3]

Each browser draws the sheet some times and then this project's notebooks, as `widgetshot run` does it, compared with
the baselines as they are. A command may be a script that adds flags. FOLDER/NAME becomes the run folder of a browser;
one that is there already is taken as it is. Prints two tables and writes renderers.md beside this file: each browser
against the baselines, and the pictures and primitives that differ between any two. The exit code is 1 when a sheet is
not the same each time, when two browsers have the same sheet and pictures that differ, or when a picture that was
compared strictly did not match: either is a primitive that the sheet has not.
"""

import argparse
import asyncio
import itertools
import json
import os
import platform
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import psutil
from PIL import Image
from playwright.async_api import async_playwright

from measuring import BenchmarkError, finish
from widgetshot.capture.browser import VARIABLE, Browser
from widgetshot.capture.determinism import launch_options
from widgetshot.capture.sheet import Sheet, draw_sheet
from widgetshot.project.loading import load_settings
from widgetshot.verdict.renderers import differing_kinds, differing_primitives

HERE = Path(__file__).parent
PROJECT = HERE.parent
REPORT = HERE / "renderers.md"
RUN = ("run", "--without-services", "--jobs", "2")


@dataclass(frozen=True)
class Seen:
    """What came of one browser.

    Attributes:
        sheets: each time that it was drawn.
        seconds: that each of these took.
        results: of its run, by key.
        pictures: by key.
    """

    name: str
    version: str
    sheets: list[Sheet]
    seconds: list[float]
    results: dict[str, dict[str, Any]]
    pictures: dict[str, "Taken"]

    @property
    def sheet(self) -> Sheet:
        return self.sheets[0]


async def draw(command: str, draws: int) -> tuple[str, list[Sheet], list[float]]:
    """Return a browser's version, and its sheet as often as it was drawn, with the seconds that each took."""
    settings = load_settings(PROJECT)
    sheets, seconds = [], []
    with TemporaryDirectory() as folder:
        options = launch_options(settings, Browser("chromium", command, ""), Path(folder))
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(**options)
            for _ in range(draws):
                begin = perf_counter()
                sheets.append(await draw_sheet(browser, settings, kind="chromium"))
                seconds.append(perf_counter() - begin)
            version = browser.version
            await browser.close()
    return version, sheets, seconds


def run_suite(command: str, folder: Path) -> None:
    """Run this project's notebooks by a browser, into a run folder."""
    words = [sys.executable, "-m", "widgetshot", *RUN, "--report", str(folder)]
    done = subprocess.run(
        words, cwd=PROJECT, env={**os.environ, VARIABLE: command}, capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 1):
        raise BenchmarkError(f"the run by {command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


@dataclass(frozen=True)
class Taken:
    """A picture of a run.

    Attributes:
        digest: of its file.
        boxes: that masks cover: x, y, width, height.
    """

    file: Path
    digest: str
    boxes: list[list[int]]

    def equals(self, other: "Taken") -> bool:
        """Tell whether two pictures are equal in every pixel that no mask covers."""
        if self.digest == other.digest:
            return True
        one, two = (np.asarray(Image.open(taken.file).convert("RGBA")) for taken in (self, other))
        if one.shape != two.shape:
            return False
        differs = (one != two).any(axis=-1)
        for x, y, width, height in (*self.boxes, *other.boxes):
            differs[y : y + height, x : x + width] = False
        return not differs.any()


def read_run(folder: Path) -> tuple[dict[str, dict[str, Any]], dict[str, Taken]]:
    """Return the results and the pictures of a run folder by key."""
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    if not run["complete"]:
        raise BenchmarkError(f"{folder} holds a run that was stopped")
    results = {test["key"]: test for test in run["tests"]}
    pictures = {
        key: Taken(folder / shot["path"], shot["sha256"], [box for mask in test["masks"] for box in mask["boxes"]])
        for key, test in results.items()
        if (shot := test["pictures"]["shot"])
    }
    return results, pictures


def see(name: str, command: str, runs: Path, draws: int) -> Seen:
    version, sheets, seconds = asyncio.run(draw(command, draws))
    if not (runs / name / "run.json").exists():
        run_suite(command, runs / name)
    return Seen(name, version, sheets, seconds, *read_run(runs / name))


def differ(one: Seen, other: Seen) -> list[str]:
    """Return the keys of pictures that both have and that differ."""
    both = one.pictures.keys() & other.pictures.keys()
    return sorted(key for key in both if not one.pictures[key].equals(other.pictures[key]))


def against_baselines(seen: Seen, reference: Seen) -> tuple[list[str], list[str]]:
    """Return a row of the first table, and the pictures that were compared strictly and did not match."""
    rules = Counter(result["metrics"]["rule"] for result in seen.results.values())
    wrong = {rule: _unmatched(seen, rule) for rule in ("strict", "perceptual")}
    kinds = differing_kinds(reference.sheet.primitives, seen.sheet.primitives)
    primitives = differing_primitives(reference.sheet.primitives, seen.sheet.primitives)
    row = [
        seen.name,
        seen.version,
        seen.sheet.digest,
        f"{len(primitives)}: {', '.join(kinds)}" if kinds else "none",
        str(len(seen.pictures)),
        str(len(differ(reference, seen))),
        f"{rules['strict']} ({len(wrong['strict'])})",
        f"{rules['perceptual']} ({len(wrong['perceptual'])})",
    ]
    return row, wrong["strict"]


def _unmatched(seen: Seen, rule: str) -> list[str]:
    return sorted(
        key
        for key, result in seen.results.items()
        if result["metrics"]["rule"] == rule and result["verdict"] in ("changed", "resized")
    )


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


def report(all_seen: list[Seen], command: str) -> tuple[str, list[str]]:
    """Return the report, and what is wrong."""
    problems = [f"{one.name}: its sheet varied" for one in all_seen if len({s.digest for s in one.sheets}) > 1]
    reference, rows = all_seen[0], []
    for one in all_seen:
        row, wrong = against_baselines(one, reference)
        rows.append(row)
        problems += [f"{one.name}: compared strictly, and does not match: {key}" for key in wrong]
    pairs = []
    for one, other in itertools.combinations(all_seen, 2):
        pictures = differ(one, other)
        primitives = differing_primitives(one.sheet.primitives, other.sheet.primitives)
        kinds = differing_kinds(one.sheet.primitives, other.sheet.primitives)
        both = len(one.pictures.keys() & other.pictures.keys())
        pairs.append([one.name, other.name, f"{len(pictures)} of {both}", str(len(primitives)), ", ".join(kinds)])
        if pictures and not primitives:
            problems.append(f"{one.name}, {other.name}: the same sheet, and {len(pictures)} pictures differ")
    milliseconds = [f"{one.name} {min(one.seconds) * 1000:.0f}" for one in all_seen]
    lines = [
        "# Renderers",
        "",
        "Whether the [calibration sheet](../docs/explanation/comparing.md#the-calibration-sheet) tells one renderer "
        "from another where their pictures of this project's notebooks differ. Written by `benchmarks/renderers.py`, "
        "which says how.",
        "",
        "## Against the baselines",
        "",
        *table(
            [
                "browser", "version", "sheet", "primitives that differ from the first browser's", "pictures",
                "that differ from the first browser's", "compared strictly (of these not matching)",
                "perceptually (not matching)",
            ],
            rows,
        ),
        "",
        "## Any two",
        "",
        *table(["", "", "pictures that differ", "primitives that differ", "kinds"], pairs),
        "",
        "## What is wrong",
        "",
        *([f"- {problem}" for problem in problems] or ["Nothing."]),
        "",
        "## Measured on",
        "",
        f"- Python {platform.python_version()}, {platform.system()} {platform.machine()}, {psutil.cpu_count()} cores",
        f"- the fastest drawing of the sheet, of {len(reference.sheets)}, in ms, with whatever else the machine did: "
        f"{', '.join(milliseconds)}",
        f"- `{command}`",
        "",
    ]  # fmt: skip
    return "\n".join(lines), problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--browser", action="append", required=True, metavar="NAME=COMMAND", help="the first is that of the baselines"
    )
    parser.add_argument(
        "--runs", type=Path, required=True, metavar="FOLDER", help="where the run folders are, or will be"
    )
    parser.add_argument("--draws", type=int, default=3, metavar="N", help="how often each draws the sheet")
    arguments = parser.parse_args()
    named = [word.partition("=") for word in arguments.browser]
    if bad := [name for name, sign, _ in named if not sign]:
        raise BenchmarkError(f"--browser {bad[0]}: expected NAME=COMMAND")
    arguments.runs.mkdir(parents=True, exist_ok=True)
    all_seen = [see(name, command, arguments.runs.resolve(), arguments.draws) for name, _, command in named]
    names = " ".join(f"--browser {name}=..." for name, _, _ in named)
    text, problems = report(all_seen, f"python benchmarks/renderers.py {names}")
    print(text)
    REPORT.write_text(text, encoding="utf-8")
    return 1 if problems else 0


if __name__ == "__main__":
    finish(main)
