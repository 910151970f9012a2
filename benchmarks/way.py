"""Where the time of one notebook goes, once everything is warm: a table of its way, and of the renderer's work.

    python benchmarks/way.py [--rounds 15]

One notebook with three pictures of ordinary widgets goes the way that a run takes it, with the same rooms, again and
again; the first rounds, which load what later ones find, are left out. Medians of wall time. What the browser's
renderer does is taken from a Chromium trace of one more round: the time of each kind of task without the tasks in it.
Both tables go to way.md beside this file.
"""

import argparse
import asyncio
import json
import statistics
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from suite import Workload, machine, write_work
from widgetshot.baselines.access import Baselines
from widgetshot.baselines.folder import FolderStore
from widgetshot.capture.host import LaunchedBrowser
from widgetshot.capture.page import CapturePage
from widgetshot.capture.pool import PagePool
from widgetshot.capture.shot import take_shot
from widgetshot.files import encode_png, read_png, write_atomically
from widgetshot.frontends.widget_page import PageFrontend
from widgetshot.model import Target
from widgetshot.project.loading import load_settings
from widgetshot.project.notebooks import find_notebooks, load_notebook
from widgetshot.server.launcher import Server
from widgetshot.verdict.pixels import same

HERE = Path(__file__).parent
WARM = 3  # rounds that are not counted
NAMED_MS = 5.0
CATEGORIES = ["devtools.timeline", "v8", "blink", "toplevel", "disabled-by-default-v8.compile"]


class Clock:
    """Seconds of named stretches of one round, in their order."""

    def __init__(self) -> None:
        self.stretches: dict[str, float] = {}
        self._last = perf_counter()

    def lap(self, name: str) -> None:
        now = perf_counter()
        self.stretches[name] = self.stretches.get(name, 0.0) + now - self._last
        self._last = now

    def part(self, name: str, seconds: float) -> None:
        """Add a stretch that was measured elsewhere and is part of the lap that comes next."""
        self.stretches[name] = seconds
        self._last += seconds


async def way(
    folder: Path, frontend: PageFrontend, pool: PagePool, *, trace: bool = False
) -> tuple[dict[str, float], dict[tuple[str, str], float]]:
    """One notebook once; the seconds of its stretches, and of the renderer's tasks if they are traced."""
    (file,) = find_notebooks(pool.settings)
    notebook = load_notebook(pool.settings, file)
    first = notebook.targets[0]
    clock = Clock()
    live_page = await frontend.open(file, first, notebook.kernel)
    for stage_name, seconds in live_page.timings.items():
        clock.part({"kernel": "kernel: fork, its welcome", "execute": "cells", "render": "HTML"}[stage_name], seconds)
    clock.lap("server: working folder, answer")
    slot = await pool.slot(first, frontend)
    clock.lap("page opened")
    if trace:
        await slot.context.browser.start_tracing(page=slot.page, categories=CATEGORIES)
    stage = await pool.show(slot, live_page, notebook.settle_timeout)
    clock.lap("page loaded: HTML, styles, scripts run")
    while not await stage.execute():
        pass
    await stage.settle()
    clock.lap("page ready: kernel connected, widgets drawn, at rest")
    for target in notebook.targets:
        await shoot(clock, stage, folder, target)
    tasks = renderer_tasks(json.loads(await slot.context.browser.stop_tracing())) if trace else {}
    clock.lap("(trace)")
    await pool.release(slot, spoiled=False)
    clock.lap("page closed, its storage cleared")
    await frontend.close(live_page)
    clock.lap("kernel ended (the next notebook does not wait for it)")
    clock.stretches.pop("(trace)")
    return clock.stretches, tasks


async def shoot(clock: Clock, stage: CapturePage, folder: Path, target: Target) -> None:
    baselines = Baselines(FolderStore(folder / "baselines"))
    key = target.key("way")
    baseline = baselines.read(key)
    clock.lap("baseline read and decoded")
    captured = stage.timings.get("capture", 0.0)
    shot = await take_shot(
        stage, target, lambda pixels, _: baseline is not None and same(baseline.pixels, pixels, []), None
    )
    clock.part("capture and its decoding", stage.timings["capture"] - captured)
    clock.lap("shot: box, masks, problems, state and layout asked")
    if baseline is None:
        baselines.write(key, encode_png(shot.pixels, optimise=True))
    else:
        # A match keeps its baseline's bytes.
        write_atomically(folder / "shot.png", baseline.data)
        read_png(baseline.data)
    clock.lap("picture written")


def renderer_tasks(trace: dict[str, Any]) -> dict[tuple[str, str], float]:
    """Seconds of processor time of each kind of task in the page's process, by thread, without the tasks in it."""
    events = [event for event in trace["traceEvents"] if event.get("ph") == "X"]
    threads = {
        (event["pid"], event["tid"]): event["args"]["name"]
        for event in trace["traceEvents"]
        if event.get("name") == "thread_name"
    }
    # The page calls its own functions; the anchor of another variant, in a process of its own, is idle.
    pages = {event["pid"] for event in events if event["name"] == "v8.callFunction"}
    by_thread: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        if event["pid"] in pages:
            by_thread[event["pid"], event["tid"]].append(event)
    spent: dict[tuple[str, str], float] = defaultdict(float)
    for thread, tasks in by_thread.items():
        open_tasks: list[tuple[float, tuple[str, str]]] = []
        for task in sorted(tasks, key=lambda task: (task["ts"], -task.get("dur", 0))):
            while open_tasks and open_tasks[-1][0] <= task["ts"]:
                open_tasks.pop()
            seconds = task.get("tdur", task.get("dur", 0)) / 1e6
            if open_tasks:
                spent[open_tasks[-1][1]] -= seconds
            name = (threads.get(thread, "?"), task["name"])
            spent[name] += seconds
            open_tasks.append((task["ts"] + task.get("dur", 0), name))
    return dict(spent)


async def measure(folder: Path, rounds: int) -> tuple[list[dict[str, float]], dict[tuple[str, str], float]]:
    settings = load_settings(folder)
    with TemporaryDirectory(prefix="way-") as name:
        server, pool = Server(Path(name)), PagePool(settings, LaunchedBrowser(settings, Path(name)))
        try:
            await asyncio.gather(server.start(), pool.start())
            frontend = PageFrontend(server, {"TZ": settings.timezone})
            laps = [(await way(folder, frontend, pool))[0] for _ in range(WARM + rounds)][WARM:]
            return laps, (await way(folder, frontend, pool, trace=True))[1]
        finally:
            await pool.stop()
            await server.stop()


def report(laps: Sequence[dict[str, float]], tasks: dict[tuple[str, str], float]) -> str:
    lines = [
        "# The way of one notebook",
        "",
        f"`python benchmarks/way.py`, {machine()}. A notebook with three pictures, everything warm; medians of {len(laps)} rounds, alone on the machine.",  # noqa: E501
        "",
        "| stretch | ms |",
        "|---|---:|",
    ]
    medians = {name: statistics.median(lap[name] for lap in laps) * 1000 for name in laps[0]}
    lines += [f"| {name} | {ms:.1f} |" for name, ms in medians.items()]
    lines += [f"| **all** | **{sum(medians.values()):.0f}** |", "", "## The renderer's work in it", ""]
    total = sum(tasks.values()) * 1000
    named = {name: seconds * 1000 for name, seconds in tasks.items() if seconds * 1000 >= NAMED_MS}
    lines += [
        f"Processor time of the page's process from a Chromium trace (which itself takes time): {total:.0f} ms, "
        f"of which {total - sum(named.values()):.0f} ms in tasks of less than {NAMED_MS:g} ms.",
        "",
        "| thread | task | ms |",
        "|---|---|---:|",
    ]
    ordered = sorted(named.items(), key=lambda item: -item[1])
    lines += [f"| {thread} | {task} | {ms:.1f} |" for (thread, task), ms in ordered]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with TemporaryDirectory(prefix="way-") as name:
        folder = Path(name)
        write_work(folder, Workload.named("1x3"), "match")
        (folder / "pyproject.toml").write_text("[tool.widgetshot]\n", encoding="utf-8")
        text = report(*asyncio.run(measure(folder, rounds)))
    (HERE / "way.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
