"""The floor under a suite's time: what no way of capturing notebooks could leave out, and ours as a multiple of it.

    python benchmarks/limit.py [--workload 20x3] [--rounds 5]

The floor of one notebook is the code of its cells in a bare Python of its own (no kernel, no display), one render and
one capture of its page, which is loaded already, and decoding that picture and its baselines and comparing them in
memory. It is taken with two workers, as ours runs by default, and with one. Loading the pages is not counted: they are
our own live pages, open in one browser. Ours is the whole `widgetshot run`, from its start to its end, in turn with the
floor. The table goes to benchmarks/limit.md; the exit code is 1 when ours takes more than twice the floor. Linux only.
"""

import argparse
import asyncio
import base64
import json
import os
import resource
import signal
import statistics
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import psutil

from measuring import BenchmarkError, Sample, adopt_orphans, finish, measure
from suite import Workload, machine, write_work
from widgetshot.capture.host import LaunchedBrowser
from widgetshot.capture.pool import PagePool
from widgetshot.capture.shot import cut_out
from widgetshot.files import encode_png, read_png
from widgetshot.frontends.widget_page import PageFrontend
from widgetshot.model import Box
from widgetshot.project.loading import load_settings
from widgetshot.project.notebooks import find_notebooks, load_notebook
from widgetshot.server.launcher import Server

HERE = Path(__file__).parent
MOST_TIMES = 2.0
WORKERS = (2, 1)
REPEATS = 3  # of the floor in one round: it is over soon, and loading the pages is not
DEFAULTS = {"workload": "20x3", "rounds": 5}
STAGES = ("code", "capture", "compare")
# Lays everything out again, and so paints it again for the next capture.
RENDER = """(() => {
  const style = document.body.style;
  style.display = "none";
  void document.body.offsetHeight;
  style.display = "";
  void document.body.offsetHeight;
})()"""


# -- the floor ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """A notebook whose page is loaded.

    Attributes:
        program: its cells' code.
        cdp: Playwright's CDP session with its page.
        extent: width and height of the page's content in CSS pixels.
        baselines: where each shot is in the page's picture, and its PNG file.
    """

    program: Path
    cdp: Any
    extent: dict[str, float]
    baselines: Sequence[tuple[Box, bytes]]


async def floor(folder: Path) -> list[dict[str, float]]:
    """Load the pages and take the floor several times, with each number of workers."""
    settings = load_settings(folder)
    # Short, because of the names of kernels' sockets.
    with TemporaryDirectory(prefix="limit-") as name:
        server, pool = Server(Path(name)), PagePool(settings, LaunchedBrowser(settings, Path(name)))
        try:
            await asyncio.gather(server.start(), pool.start())
            frontend = PageFrontend(server, {"TZ": settings.timezone})
            pages = [await load(frontend, pool, folder, file) for file in find_notebooks(settings)]
            return [await take(pages, workers, server.pid) for _ in range(REPEATS) for workers in WORKERS]
        finally:
            await pool.stop()
            await server.stop()


async def load(frontend: PageFrontend, pool: PagePool, folder: Path, file: Path) -> Page:
    """Execute a notebook and load its page, as a run does."""
    settings = pool.settings
    notebook = load_notebook(settings, file)
    first = notebook.targets[0]
    live_page = await frontend.open(file, first, notebook.kernel)
    slot = await pool.slot(first, frontend)
    stage = await pool.show(slot, live_page, notebook.settle_timeout)
    while not await stage.execute():
        pass
    if unrest := await stage.settle():
        raise BenchmarkError(f"{file.name} does not come to rest: {unrest}")
    whole = await stage.picture()
    views = [cut_out(whole, (await stage.look(target)).rect, settings.scale) for target in notebook.targets]
    baselines = [(box, encode_png(np.ascontiguousarray(pixels), optimise=True)) for pixels, box in views]
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    program = folder / f"{file.stem}.py"
    program.write_text("\n".join(cell["source"] for cell in cells), encoding="utf-8")
    extent = {"width": float(whole.shape[1]), "height": float(whole.shape[0])}
    return Page(program, stage.cdp, extent, baselines)


async def take(pages: Sequence[Page], workers: int, server: int) -> dict[str, float]:
    """Return the floor of all notebooks once; seconds."""
    turns = asyncio.Semaphore(workers)
    spent = dict.fromkeys(STAGES, 0.0)

    async def one(page: Page) -> None:
        async with turns:
            times = [perf_counter()]
            process = await asyncio.create_subprocess_exec(sys.executable, page.program)
            if await process.wait():
                raise BenchmarkError(f"{page.program.name} ended with {process.returncode}")
            times.append(perf_counter())
            await page.cdp.send("Runtime.evaluate", {"expression": RENDER})
            answer = await page.cdp.send(
                "Page.captureScreenshot",
                {
                    "format": "png",
                    "optimizeForSpeed": True,
                    "captureBeyondViewport": True,
                    "clip": {"x": 0, "y": 0, **page.extent, "scale": 1},
                },
            )
            times.append(perf_counter())
            if not await asyncio.to_thread(matches, answer["data"], page.baselines):
                raise BenchmarkError(f"{page.program.stem} does not look as it did when its page was loaded")
            times.append(perf_counter())
            for stage, begin, end in zip(STAGES, times, times[1:], strict=False):
                spent[stage] += end - begin

    cpu = cpu_seconds(server)
    began = perf_counter()
    async with asyncio.TaskGroup() as group:
        for page in pages:
            group.create_task(one(page))
    wall = perf_counter() - began
    return {"workers": workers, "wall": wall, "cpu": cpu_seconds(server) - cpu, **spent}


def matches(data: str, baselines: Sequence[tuple[Box, bytes]]) -> bool:
    """Decode a page's picture and its baselines; whether all are the same."""
    whole = read_png(base64.b64decode(data))
    return all(
        np.array_equal(whole[box.y : box.y + box.height, box.x : box.x + box.width], read_png(baseline))
        for box, baseline in baselines
    )


def cpu_seconds(server: int) -> float:
    """CPU time so far of this process, of the children it waited for, and of the browser.

    Args:
        server: process id of the server, which with its kernels only keeps the pages alive.
    """
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    total = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    others = {process.pid for process in psutil.Process(server).children(recursive=True)} | {server}
    for process in psutil.Process().children(recursive=True):
        if process.pid not in others:
            with suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system
    return total


# -- the command -------------------------------------------------------------------------------------------------------


def run(command: Sequence[str], folder: Path) -> Sample:
    """Run a program of ours to its end.

    Raises:
        BenchmarkError: it failed.
    """
    sample = measure(command, folder, os.environ, memory=False)
    if sample.code:
        log = (folder / "log.txt").read_text(encoding="utf-8", errors="replace")
        raise BenchmarkError(f"{command[1]} ended with {sample.code}:\n{log[-3000:]}")
    return sample


def ours(folder: Path, jobs: int) -> dict[str, float]:
    """Return the whole of our run; seconds."""
    sample = run([sys.executable, "-m", "widgetshot", "run", "--jobs", str(jobs)], folder)
    return {"workers": jobs, "wall": sample.wall, "cpu": sample.cpu}


def medians(takes: Sequence[dict[str, float]], workers: int) -> dict[str, float]:
    """Return the median of each figure of the takes with so many workers."""
    of = [take for take in takes if take["workers"] == workers]
    return {name: statistics.median(take[name] for take in of) for name in of[0]}


def table(floors: Sequence[dict[str, float]], runs: Sequence[dict[str, float]], arguments: argparse.Namespace) -> str:
    given = {"workload": arguments.workload.name, "rounds": arguments.rounds}
    command = "python benchmarks/limit.py" + "".join(
        f" --{name} {value}" for name, value in given.items() if value != DEFAULTS[name]
    )
    lines = [
        "| | workers | wall, s | x floor | CPU, s | x floor | code, s | render, capture, s | decode, compare, s |",
        "|---|" + "---:|" * 8,
    ]
    for workers in WORKERS:
        least, most = medians(floors, workers), medians(runs, workers)
        stages = " | ".join(f"{least[stage]:.2f}" for stage in STAGES)
        lines += [
            f"| floor | {workers} | {least['wall']:.2f} | 1.0 | {least['cpu']:.2f} | 1.0 | {stages} |",
            f"| widgetshot run | {workers} | {most['wall']:.2f} | {most['wall'] / least['wall']:.2f} "
            f"| {most['cpu']:.2f} | {most['cpu'] / least['cpu']:.2f} | | | |",
        ]
    notebooks, shots = arguments.workload.notebooks, arguments.workload.shots
    return f"""\
# How near the floor: {notebooks} notebooks x {shots} shots, all matching

`{command}`, {datetime.now(UTC):%Y-%m-%d}: {machine()}. Medians of {arguments.rounds} rounds, in turn.

{chr(10).join(lines)}

- Floor: for each notebook the code of its cells in a fresh bare Python (`import ipywidgets` is most of it), one render
  and one capture of its page, loaded before, decoding that picture and its {shots} baselines, and comparing in memory.
  Its stages are summed over notebooks: with two workers the sum is more than the wall time.
- widgetshot run: from the start of the command to its end, with server, browser, kernels, loading, gallery and all.
"""


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--floor", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    parser.add_argument("--workload", type=Workload.named, default=Workload.named(str(DEFAULTS["workload"])))
    parser.add_argument("--rounds", type=int, default=DEFAULTS["rounds"])
    arguments = parser.parse_args()
    # Ended in order: processes ended, folders removed.
    signal.signal(signal.SIGTERM, _stop)
    if arguments.floor:
        takes = asyncio.run(floor(arguments.floor.resolve()))
        (arguments.floor / "floor.json").write_text(json.dumps(takes), encoding="utf-8")
        return 0
    adopt_orphans()
    floors: list[dict[str, float]] = []
    runs: list[dict[str, float]] = []
    with TemporaryDirectory(prefix="limit-") as name:
        folder = Path(name)
        write_work(folder, arguments.workload, "match")
        run([sys.executable, "-m", "widgetshot", "run", "--update-baselines=all"], folder)
        for _ in range(arguments.rounds):
            # In a process of its own, which takes server and browser with it when it ends.
            run([sys.executable, str(Path(__file__).resolve()), "--floor", "."], folder)
            floors += json.loads((folder / "floor.json").read_text(encoding="utf-8"))
            runs += [ours(folder, workers) for workers in WORKERS]
            for workers in WORKERS:
                last = [next(take for take in takes[::-1] if take["workers"] == workers) for takes in (floors, runs)]
                told = ", ".join(f"{take['wall']:.2f} s (CPU {take['cpu']:.2f} s)" for take in last)
                print(f"{workers} workers: floor and ours {told}", file=sys.stderr, flush=True)
    text = table(floors, runs, arguments)
    print(text)
    if arguments.workload.name == DEFAULTS["workload"]:
        (HERE / "limit.md").write_text(text, encoding="utf-8")
    times = medians(runs, WORKERS[0])["wall"] / medians(floors, WORKERS[0])["wall"]
    if times > MOST_TIMES:
        print(f"✗ {times:.2f} times the floor, not at most {MOST_TIMES:g}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    finish(main)
