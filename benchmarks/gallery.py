"""How large a report is, how soon it can be used, and how smoothly it scrolls: ours, reg-cli's and BackstopJS's.

    python benchmarks/gallery.py [--results 1000] [--failing 50] [--rounds 5]

All three show the same pictures: baselines of this project, each with a mark of its own, of which some changed. The
peers come from npm into the user's cache. Every round opens each page once, in a fresh browser profile, in turn.
The table goes to benchmarks/gallery.md.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import numpy as np
import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from widgetshot.baselines.access import Baselines
from widgetshot.baselines.folder import FolderStore
from widgetshot.capture.browser import find_browser
from widgetshot.files import encode_png, sha256
from widgetshot.model import Baseline, Pixels, Result, RunEnd, Shot, Target
from widgetshot.report.gallery import write_gallery
from widgetshot.report.writer import RunWriter
from widgetshot.verdict.compare import compare
from widgetshot.verdict.judge import judge

HERE = Path(__file__).parent
ENVIRONMENT = "page-chromium-linux"
REG_CLI, BACKSTOP = "0.18.16", "6.3.25"
# Bounds of a page with 1,000 results of which 50 failed.
MOST_BYTES = 15_000_000
MOST_SECONDS = 1.0
# A frame takes 16.7 ms; a person sees a page stutter where several in a row are missing.
SMOOTH_MS = 50.0


@dataclass(frozen=True)
class Pair:
    """Expected and actual picture of one result, as pixels and as a baseline's file."""

    name: str
    before: Pixels
    after: Pixels
    expected: bytes
    actual: bytes


@dataclass(frozen=True)
class Report:
    """A report to open.

    Attributes:
        page: what is opened.
        parts: files and folders that have to be passed on for it to show everything.
        unfold: makes the page show all results, where it hides some.
        scrolled: selector of what scrolls; "" for the page itself.
    """

    name: str
    page: Path
    parts: tuple[Path, ...]
    unfold: Callable[[Page], None]
    scrolled: str = ""

    @property
    def files(self) -> list[Path]:
        return [
            file for part in self.parts for file in ([part] if part.is_file() else part.rglob("*")) if file.is_file()
        ]


def pictures(results: int, failing: int) -> list[Pair]:
    """Return the pictures of each result; the first `failing` of them differ."""
    baselines = Baselines(FolderStore(HERE.parent / "baselines"))
    found = [baseline.pixels for key in sorted(baselines.keys()) if (baseline := baselines.read(key))]

    def make(n: int) -> Pair:
        expected = found[n % len(found)].copy()
        # A row of black and white pixels that tells the pictures apart, as their content would.
        expected[0, :16, :3] = 255 * np.array([[n >> bit & 1] for bit in range(16)], dtype=np.uint8)
        data = encode_png(expected, optimise=True)
        if n >= failing:
            return Pair(f"shot-{n:04}", expected, expected, data, data)
        actual = expected.copy()
        height, width = actual.shape[:2]
        top, left = height // 3, width // 4
        actual[top : top + 12, left : left + 60 + n, :3] = (214, 0, 54)
        return Pair(f"shot-{n:04}", expected, actual, data, encode_png(actual, optimise=True))

    with ThreadPoolExecutor() as threads:
        return list(threads.map(make, range(results)))


def our_report(folder: Path, pairs: Sequence[Pair]) -> Report:
    writer = RunWriter(folder / "widgetshot-report", root=HERE.parent, environment=ENVIRONMENT)
    keys = []
    for n, pair in enumerate(pairs):
        before, after = pair.before, pair.after
        target = Target(
            f"notebooks/part_{n // 20:02}.ipynb", pair.name, "cell", 0, source="slider = IntSlider(value=3)\nslider"
        )
        baseline = Baseline(before, pair.expected, sha256(pair.expected), {"browser": "x"})
        shot = Shot(after, masks=(), widgets={"widget": "IntSlider"})
        comparison = compare(before, after, target.tolerance)
        verdict, sentence = judge(target, shot, baseline, comparison)
        key = target.key(ENVIRONMENT)
        writer.add(Result(target, key, verdict, sentence, shot, baseline, comparison, fingerprint={"browser": "x"}))
        keys.append(key)
    writer.finish(RunEnd(complete=True, order=keys))
    index = write_gallery(writer.folder)
    return Report(
        "widgetshot", index, (index,), lambda page: page.get_by_role("button", name="Passed").click(), ".list"
    )


def write_pairs(folder: Path, pairs: Sequence[Pair]) -> None:
    """Return the pictures as files, the same bytes as ours."""
    for side in ("expected", "actual"):
        (folder / side).mkdir()
    for pair in pairs:
        (folder / "expected" / f"{pair.name}.png").write_bytes(pair.expected)
        (folder / "actual" / f"{pair.name}.png").write_bytes(pair.actual)


def packages() -> Path:
    """Return the folder that npm installed the peers into."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "widgetshot-benchmarks"
    folder = cache / f"reports-{REG_CLI}-{BACKSTOP}"
    if not (folder / "node_modules/.package-lock.json").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
        # Their browsers are not needed: the pictures are there already.
        wanted = [f"reg-cli@{REG_CLI}", f"backstopjs@{BACKSTOP}"]
        subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *wanted], cwd=folder, check=True
        )
    return folder


def reg_report(folder: Path, installed: Path) -> Report:
    program = installed / "node_modules/reg-cli/dist/cli.js"
    # It ends with 1 where pictures differ.
    subprocess.run(
        ["node", program, "actual", "expected", "diff", "-R", "report.html", "-J", "reg.json", "-I"],
        cwd=folder, check=False, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    parts = [folder / name for name in ("report.html", "actual", "expected", "diff")]
    return Report(f"reg-cli {REG_CLI}", folder / "report.html", tuple(parts), lambda _: None)


def backstop_report(folder: Path, installed: Path) -> Report:
    subprocess.run(["node", HERE / "backstop_report.cjs", folder, installed], check=True, stdout=subprocess.DEVNULL)
    page = folder / "backstop/html_report/index.html"
    return Report(f"BackstopJS {BACKSTOP}", page, (page.parent, folder / "actual", folder / "expected"), lambda _: None)


# Notes when a picture of some size is on the screen, and how long the page was busy.
WATCH = """
window.watched = { seen: 0, busy: 0 };
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) watched.busy = Math.max(watched.busy, task.startTime + task.duration);
}).observe({ type: "longtask", buffered: true });
const look = () => {
  for (const image of document.querySelectorAll("img")) {
    const box = image.getBoundingClientRect();
    if (image.complete && image.naturalWidth > 40 && box.width > 40 && box.top < innerHeight && box.bottom > 0) {
      watched.seen = performance.now();
      return;
    }
  }
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
# Scrolls once through everything, a third of a screen for each frame, and gives the frames' lengths in ms.
SCROLL = """async (selector) => {
  const scroller = selector ? document.querySelector(selector) : document.scrollingElement;
  const frame = () => new Promise(requestAnimationFrame);
  let last = await frame();
  const lengths = [];
  const step = Math.max(200, scroller.clientHeight / 3);
  for (let at = 0; at < scroller.scrollHeight; at += step) {
    scroller.scrollTop = at;
    const now = await frame();
    lengths.push(now - last);
    last = now;
  }
  return lengths;
}"""


@dataclass(frozen=True)
class Look:
    """One opening of a report: seconds, milliseconds, bytes."""

    first: float
    usable: float
    frame: float
    longest: float
    memory: int


def memory(browser_process: psutil.Process) -> int:
    """Proportional memory of the browser with all its processes."""
    total = 0
    for process in [browser_process, *browser_process.children(recursive=True)]:
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total


def look(browser: Browser, process: psutil.Process, report: Report) -> Look:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto(report.page.as_uri(), wait_until="commit")
    deadline = perf_counter() + 120
    while not page.evaluate("window.watched?.seen ?? 0"):
        if perf_counter() > deadline:
            raise RuntimeError(f"{report.name} shows no picture")
        page.evaluate("() => new Promise(requestAnimationFrame)")
    # Nothing kept it busy for a second: what came before was the loading.
    page.evaluate(
        "async () => { while (performance.now() - Math.max(watched.seen, watched.busy) < 1000)"
        " await new Promise(requestAnimationFrame) }"
    )
    watched = page.evaluate("watched")
    report.unfold(page)
    used = memory(process)
    lengths = sorted(page.evaluate(SCROLL, report.scrolled))
    context.close()
    return Look(
        first=watched["seen"] / 1000,
        usable=max(watched["seen"], watched["busy"]) / 1000,
        frame=lengths[int(0.95 * (len(lengths) - 1))],
        longest=lengths[-1],
        memory=used,
    )


def measure(reports: Sequence[Report], rounds: int) -> dict[str, list[Look]]:
    looks: dict[str, list[Look]] = {report.name: [] for report in reports}
    with sync_playwright() as playwright:
        for _ in range(rounds):
            for report in reports:
                before = {process.pid for process in psutil.Process().children(recursive=True)}
                browser = playwright.chromium.launch(
                    executable_path=find_browser("chromium").executable, args=["--disable-background-networking"]
                )
                mine = [process for process in psutil.Process().children(recursive=True) if process.pid not in before]
                (main,) = [process for process in mine if process.ppid() not in {one.pid for one in mine}]
                looks[report.name].append(look(browser, main, report))
                browser.close()
    return looks


def table(reports: Sequence[Report], looks: dict[str, list[Look]], arguments: argparse.Namespace) -> str:
    head = "report", "MB", "files", "first picture, s", "usable, s", "frame, p95 ms", "longest frame, ms", "browser, MB"
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    for report in reports:
        medians = [
            statistics.median(float(getattr(one, field.name)) for one in looks[report.name]) for field in fields(Look)
        ]
        first, usable, frame, longest, used = medians
        size = sum(file.stat().st_size for file in report.files)
        lines.append(
            f"| {report.name} | {size / 1e6:.1f} | {len(report.files):,} | {first:.2f} | {usable:.2f} | {frame:.0f}"
            f" | {longest:.0f} | {used / 1e6:.0f} |"
        )
    given = {name: getattr(arguments, name) for name in DEFAULTS}
    command = "python benchmarks/gallery.py" + "".join(
        f" --{name} {value}" for name, value in given.items() if value != DEFAULTS[name]
    )
    return f"""\
# The gallery: {arguments.results:,} results, {arguments.failing} of them failing

`{command}`, {datetime.now(UTC):%Y-%m-%d}: {platform.machine()}, {os.cpu_count()} cores, Python \
{platform.python_version()}, headless Chromium. Medians of {arguments.rounds} rounds, in turn, each in its own browser.

{chr(10).join(lines)}

- MB and files: what has to be passed on so that everything can be seen.
- First picture: from the navigation to a picture on the screen. Usable: when the last long task has ended, too.
- Frames: while scrolling once through all results, a third of a screen for each frame.
- Browser: proportional memory of all its processes, before scrolling.
"""


DEFAULTS = {"results": 1000, "failing": 50, "rounds": 5}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in DEFAULTS.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    arguments = parser.parse_args()
    pairs = pictures(arguments.results, arguments.failing)
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        reports = [our_report(folder, pairs)]
        write_pairs(folder, pairs)
        installed = packages()
        for make in (reg_report, backstop_report):
            # Each its own copy: both write beside the pictures.
            own = folder / make.__name__
            own.mkdir()
            for side in ("expected", "actual"):
                shutil.copytree(folder / side, own / side)
            reports.append(make(own, installed))
        looks = measure(reports, arguments.rounds)
        text = table(reports, looks, arguments)
        size = sum(file.stat().st_size for file in reports[0].files)
    print(text)
    print(json.dumps({name: [vars(one) for one in of] for name, of in looks.items()}, indent=1), file=sys.stderr)
    if {name: getattr(arguments, name) for name in ("results", "failing")} == {"results": 1000, "failing": 50}:
        (HERE / "gallery.md").write_text(text, encoding="utf-8")
    ours = looks["widgetshot"]
    missed = [
        what
        for what, holds in {
            f"under {MOST_BYTES / 1e6:.0f} MB": size < MOST_BYTES,
            f"usable in under {MOST_SECONDS} s": statistics.median(one.usable for one in ours) < MOST_SECONDS,
            f"95 % of frames under {SMOOTH_MS} ms": statistics.median(one.frame for one in ours) < SMOOTH_MS,
        }.items()
        if not holds
    ]
    for what in missed:
        print(f"not {what}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
