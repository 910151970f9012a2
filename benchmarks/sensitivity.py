"""How many changes that a designer would call a change are caught, by the whole chain.

    python benchmarks/sensitivity.py [--renderers NAME=PATH ...] [--npm-chromium VERSION ...] [--alarms N]

Copies of this project's notebooks are edited (see edits.py), executed, captured and compared with baselines that
were made from the unedited ones: kernel, page, browser, picture and verdict are all the real ones. Prints a table and
writes sensitivity.md beside this file. The exit code is 1 when less than all edits are caught with the renderer of
the baselines or another build with the same calibration sheet, less than 95 % with another one, or when there is a
false alarm.
"""

import argparse
import json
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import textwrap
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pixelmatch import pixelmatch

from edits import BASES, CONTROLS, EDITS, Base, Edit, Swap
from measuring import BenchmarkError, finish

HERE = Path(__file__).parent
NOTEBOOKS = HERE.parent / "notebooks"
BASELINES = HERE.parent / "baselines"
REPORT = HERE / "sensitivity.md"
SETTINGS = '[tool.widgetshot]\nnotebooks = ["notebooks"]\n'
# Playwright's `toHaveScreenshot()` without options: pixelmatch's count at threshold .2 must be 0.
OTHERS = {"Playwright's default": 0.2, "pixelmatch 0.1": 0.1}
CROSS_FLOOR = 0.95

Pixels = NDArray[np.uint8]


# -- notebooks ---------------------------------------------------------------------------------------------------------


def style_cell(css: str) -> dict[str, Any]:
    """Return the cell at the top of every copy; it is not captured."""
    lines = ["from IPython.display import HTML as Style\n", f'Style("""<style>{css}</style>""")']
    return _code_cell("style", "".join(lines))


def base_notebook(base: Base) -> dict[str, Any]:
    """Return the base's cells of its notebook, with the base's options, below an empty style cell."""
    original = json.loads((NOTEBOOKS / f"{base.notebook}.ipynb").read_text(encoding="utf-8"))
    found = {cell["id"]: "".join(cell["source"]) for cell in original["cells"]}
    cells = [style_cell("")]
    for id, options in base.cells.items():
        if id not in found:
            raise BenchmarkError(f"{base.notebook}.ipynb has no cell {id!r}")
        source = "\n".join(line for line in found[id].splitlines() if not line.startswith("#|"))
        block = "".join(f"#| {line}\n" for line in textwrap.dedent(options).strip().splitlines())
        cells.append(_code_cell(id, block + source))
    notebook = {**original, "cells": cells}
    for swap in base.prepare:
        _replace(notebook, swap, base.name)
    return notebook


def edited_notebook(edit: Edit, base: Base) -> dict[str, Any]:
    """Return a copy of the base with that one edit."""
    notebook = base_notebook(base)
    if edit.css:
        # The style cell stands above the styles it is to override, and often says less specifically where.
        rules = re.sub(r"\s*([;}])", r" !important\1", edit.css)
        notebook["cells"][0] = style_cell(f"\n{rules}\n")
    if edit.swap:
        _replace(notebook, edit.swap, edit.name)
    return notebook


def _code_cell(id: str, source: str) -> dict[str, Any]:
    return {"cell_type": "code", "id": id, "metadata": {}, "execution_count": None, "outputs": [], "source": source}


def _replace(notebook: dict[str, Any], swap: Swap, name: str) -> None:
    cell = next((cell for cell in notebook["cells"] if cell["id"] == swap.cell), None)
    count = cell["source"].count(swap.old) if cell else 0
    if cell is None or count != swap.times:
        raise BenchmarkError(f"{name}: {swap.old!r} stands {count} times in cell {swap.cell!r}, not {swap.times}")
    cell["source"] = cell["source"].replace(swap.old, swap.new)


# -- browsers ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Renderer:
    """A browser that takes pictures."""

    name: str
    path: str

    @property
    def version(self) -> str:
        done = subprocess.run([self.path, "--version"], capture_output=True, text=True, check=False)
        lines = done.stdout.strip().splitlines()
        return lines[-1].strip() if lines else "version unknown"


def npm_chromium(version: str) -> Renderer:
    """Return the Chromium of the npm package @sparticuz/chromium, unpacked in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "widgetshot-benchmark"
    folder = cache / f"chromium-{version}"
    program = folder / "package" / "bin" / "chromium"
    if not program.exists():
        cache.mkdir(parents=True, exist_ok=True)
        # Unpacked elsewhere first: a folder that was left half done would look like a finished one.
        with TemporaryDirectory(dir=cache) as name:
            work = Path(name)
            npm = ["npm", "pack", "--silent", f"@sparticuz/chromium@{version}"]
            subprocess.run(npm, cwd=work, check=True, stdout=subprocess.DEVNULL)
            (package,) = work.glob("*.tgz")
            _unpack(package, work)
            programs = work / "package" / "bin"
            _unbrotli(programs / "chromium.br", programs / "chromium")
            (programs / "chromium").chmod(0o755)
            # Its software renderer stands beside it.
            _unbrotli(programs / "swiftshader.tar.br", programs / "swiftshader.tar")
            _unpack(programs / "swiftshader.tar", programs)
            package.unlink()
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            (work / "package").rename(folder / "package")
    return Renderer(f"npm chromium {version}", str(program))


def _unbrotli(source: Path, target: Path) -> None:
    # Node is there where npm is, and Python has no brotli of its own.
    script = (
        "const [from, to] = process.argv.slice(1), fs = require('fs');"
        "fs.createReadStream(from).pipe(require('zlib').createBrotliDecompress()).pipe(fs.createWriteStream(to))"
    )
    subprocess.run(["node", "-e", script, str(source), str(target)], check=True)


def _unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")


# -- runs --------------------------------------------------------------------------------------------------------------


def run_widgetshot(project: Path, browser: str, *arguments: str, report: str) -> dict[str, Any]:
    """One run of widgetshot as a program; its run.json.

    Raises:
        BenchmarkError: it ended otherwise than with "all match" or "differences".
    """
    command = [sys.executable, "-m", "widgetshot", "run", *arguments, "--report", report]
    print(f"$ {shlex.join(['widgetshot', *command[3:]])}  [{browser}]", file=sys.stderr, flush=True)
    environment = {**os.environ, "WIDGETSHOT_BROWSER": browser}
    with (project / f"{report}.log").open("w+", encoding="utf-8") as log:
        process = subprocess.Popen(command, cwd=project, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            code = process.wait()
        except BaseException:
            # It closes its browser, server and kernels when it is asked to end.
            process.terminate()
            process.wait()
            raise
        if code not in (0, 1):
            log.seek(0)
            raise BenchmarkError(f"widgetshot ended with {code}:\n{log.read()[-3000:]}")
    record: dict[str, Any] = json.loads((project / report / "run.json").read_text(encoding="utf-8"))
    if not record["complete"]:
        raise BenchmarkError(f"{report}: the run is not complete")
    return record


def make_project(root: Path) -> None:
    (root / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
    for folder in (root / "bases", root / "notebooks"):
        folder.mkdir()
        for module in NOTEBOOKS.glob("*.py"):
            shutil.copy(module, folder)


def _write_notebook(path: Path, notebook: dict[str, Any]) -> None:
    path.write_text(json.dumps(notebook, indent=1), encoding="utf-8")


def capture_bases(root: Path, bases: Sequence[Base], browser: str) -> tuple[str, set[tuple[str, str]]]:
    """Make the baselines of the unedited bases; the environment's name, and which (base, shot) there are."""
    for base in bases:
        _write_notebook(root / "bases" / f"{base.name}.ipynb", base_notebook(base))
    record = run_widgetshot(root, browser, "bases", "--update-baselines=all", report="report-bases")
    for test in record["tests"]:
        if not test["updated"]:
            raise BenchmarkError(f"{test['name']}: no baseline was written: {test['verdict']}: {test['sentence']}")
    shots = {tuple(test["key"].split("/")[-2:]) for test in record["tests"]}
    return record["environment"]["name"], shots


def write_edits(root: Path, environment: str, edits: Sequence[Edit], bases: Mapping[str, Base]) -> None:
    """Write the edited notebooks and give them the baselines of their bases, sidecars included."""
    store = root / "baselines" / environment
    for edit in edits:
        _write_notebook(root / "notebooks" / f"{edit.slug}.ipynb", edited_notebook(edit, bases[edit.base]))
        shutil.copytree(store / "bases" / edit.base, store / "notebooks" / edit.slug)


@dataclass(frozen=True)
class Outcome:
    """What was said of one edit.

    Attributes:
        caught: by ours.
        pixels: that ours counted.
        others: caught by which of OTHERS.
    """

    caught: bool
    pixels: int
    others: Mapping[str, bool]


def capture_edits(
    root: Path, environment: str, edits: Sequence[Edit], renderer: Renderer, sheet: Path | None
) -> tuple[dict[str, Outcome], dict[str, Any]]:
    """Capture all edited notebooks with one browser; outcomes by slug, and its fingerprint."""
    report = "report-" + re.sub(r"\W+", "-", renderer.name)
    record = run_widgetshot(root, renderer.path, "notebooks", report=report)
    defects = [
        f"{test['name']}: {test['verdict']}: {test['sentence']} {(test['error'] or {}).get('message', '')}"
        for test in record["tests"]
        if test["verdict"] not in ("match", "changed", "resized")
    ]
    if defects:
        raise BenchmarkError("these are neither the same nor different:\n" + "\n".join(defects))
    tests = {test["name"]: test for test in record["tests"]}
    outcomes = {}
    for edit in edits:
        name = f"notebooks/{edit.slug}.ipynb::{edit.shot}"
        test = tests[name]
        # The baseline's own file: the run folder has no copy of it for a match.
        before = _pixels(root / "baselines" / environment / "notebooks" / edit.slug / f"{edit.shot}.png")
        after = _pixels(root / report / test["pictures"]["shot"]["path"])
        outcomes[edit.slug] = Outcome(
            caught=test["verdict"] != "match",
            pixels=int(test["metrics"]["changed_pixels"] or 0),
            others={other: differs(before, after, threshold) for other, threshold in OTHERS.items()},
        )
        if sheet:
            write_pair(sheet / f"{edit.slug}.png", edit, before, after)
    return outcomes, record["environment"]["fingerprint"]


# -- pictures ----------------------------------------------------------------------------------------------------------


def _pixels(path: Path) -> Pixels:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGBA"))


def changed_box(before: Pixels, after: Pixels) -> tuple[slice, slice] | None:
    """Return the rows and columns that hold all differing pixels, 3 px more on each side; None without any."""
    rows, columns = np.nonzero((before != after).any(axis=2))
    if not rows.size:
        return None
    top, left = max(0, rows.min() - 3), max(0, columns.min() - 3)
    return slice(top, rows.max() + 4), slice(left, columns.max() + 4)


def differs(before: Pixels, after: Pixels, threshold: float) -> bool:
    """Whether pixelmatch counts any pixel; pictures of different size are refused by it, which is an alarm, too.

    pixelmatch is slow, so it gets only the surroundings of what differs, and stops at the first pixel it counts. That
    is the same answer as for the whole picture. Equal pixels are never counted. For a differing one it looks at the
    neighbours, and at the neighbours of those: 2 px away. With 3 px around it, everything it looks at is there, and
    none of it lies on an edge of the crop, where it would be judged by fewer neighbours, unless it lies on that edge
    of the whole picture as well: there the crop ends where the picture does.
    """
    if before.shape != after.shape:
        return True
    box = changed_box(before, after)
    if box is None:
        return False
    one, other = (np.ascontiguousarray(picture[box]) for picture in (before, after))
    height, width = one.shape[:2]
    # Lists of Python's own ints: numpy's would wrap around in its arithmetic.
    counted = pixelmatch(
        one.ravel().tolist(), other.ravel().tolist(), width, height, threshold=threshold, fail_fast=True
    )
    return bool(counted)


def write_pair(path: Path, edit: Edit, before: Pixels, after: Pixels) -> None:
    """Baseline and shot one above the other around the change, for a person to see what the edit does."""
    height, width = (max(before.shape[k], after.shape[k]) for k in (0, 1))
    padded = [np.zeros((height, width, 4), np.uint8) for _ in range(2)]
    for canvas, picture in zip(padded, (before, after), strict=True):
        canvas[: picture.shape[0], : picture.shape[1]] = picture
    rows, columns = changed_box(*padded) or (slice(0, height), slice(0, width))
    # Some surroundings, to see where it is.
    rows = slice(max(0, rows.start - 20), rows.stop + 20)
    columns = slice(max(0, columns.start - 80), columns.stop + 80)
    pair = [Image.fromarray(picture[rows, columns]).convert("RGB") for picture in padded]
    sheet = Image.new("RGB", (max(360, pair[0].width), 2 * pair[0].height + 20), "#ffe0b2")
    ImageDraw.Draw(sheet).text((2, 3), f"{edit.base}: {edit.name}", fill="black")
    for k, image in enumerate(pair):
        sheet.paste(image, (0, 16 + k * (image.height + 4)))
    sheet.save(path)


# -- the suite's own notebooks -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Alarms:
    """How the unchanged suite fared with one browser.

    Attributes:
        targets: how many pictures it has.
        runs: how often each was taken.
        failing: targets whose verdict was not `match`, with the verdict.
        varying: targets that gave more than one picture, with how many.
    """

    renderer: str
    targets: int
    runs: int
    failing: Mapping[str, str]
    varying: Mapping[str, int]


def suite_alarms(renderer: Renderer, runs: int) -> Alarms:
    """Run the suite's notebooks, which nobody changed, against their baselines."""
    with TemporaryDirectory(prefix="widgetshot-alarms-") as name:
        root = Path(name)
        (root / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
        # What running them in place left there is no part of the suite.
        shutil.copytree(NOTEBOOKS, root / "notebooks", ignore=shutil.ignore_patterns("__pycache__", "profiles"))
        shutil.copytree(BASELINES, root / "baselines")
        repeat = ["--repeat", str(runs)] if runs > 1 else []
        tests = run_widgetshot(root, renderer.path, *repeat, report="report")["tests"]
    return Alarms(
        renderer=renderer.name,
        targets=len(tests),
        runs=runs,
        failing={test["name"]: test["verdict"] for test in tests if test["verdict"] != "match"},
        varying={
            test["name"]: test["repeat"]["distinct"]
            for test in tests
            if test["repeat"] and test["repeat"]["distinct"] > 1
        },
    )


# -- the report --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """One way of comparing with one browser: who said what of every notebook."""

    title: str
    caught: Mapping[str, bool]
    floor: float | None = None

    def share(self, edits: Sequence[Edit]) -> float:
        return sum(self.caught[edit.slug] for edit in edits) / len(edits)

    def alarms(self, controls: Sequence[Edit]) -> list[str]:
        return [f"{edit.base}: {edit.name}" for edit in controls if self.caught[edit.slug]]


def columns_of(renderer: Renderer, outcomes: Mapping[str, Outcome], strict: bool, same_sheet: bool) -> list[Column]:
    other = f"same sheet, other build: {renderer.name}" if same_sheet else renderer.name
    title = "ours, strict" if strict else f"ours, {other}"
    ours = Column(title, {slug: o.caught for slug, o in outcomes.items()}, 1.0 if same_sheet else CROSS_FLOOR)
    others = [
        Column(
            other if strict else f"{other}, {renderer.name}", {slug: o.others[other] for slug, o in outcomes.items()}
        )
        for other in OTHERS
    ]
    return [ours, *others]


def report(
    edits: Sequence[Edit],
    controls: Sequence[Edit],
    pixels: Mapping[str, int],
    columns: Sequence[Column],
    alarms: Sequence[Alarms],
    browsers: Mapping[str, str],
) -> str:
    """Return the Markdown page."""
    # What the other tools say of each shot of another browser would make the table too wide; the totals have it.
    shown = [column for column in columns if column.floor is not None or column.title in OTHERS]
    notebooks = {base.name: base.notebook for base in BASES}
    rows = [
        [edit.name, f"{notebooks[edit.base]}::{edit.shot}", str(pixels[edit.slug])]
        + ["✓" if column.caught[edit.slug] else "✗" for column in shown]
        for edit in edits
    ]
    totals = [
        [
            column.title,
            f"{sum(column.caught[edit.slug] for edit in edits)} of {len(edits)}",
            f"{column.share(edits):.1%}",
            f"{len(column.alarms(controls))} of {len(controls)}",
        ]
        for column in columns
    ]
    lines = [
        "# Sensitivity",
        "",
        f"Of {len(edits)} edits to real notebooks, each of which a designer would call a change, how many are caught; "
        f"and of {len(controls)} changes that nobody can see, how many are false alarms. "
        "Written by `benchmarks/sensitivity.py`, which says how.",
        "",
        "## Totals",
        "",
        *_table(["compared by", "caught", "share", "false alarms"], totals),
        "",
        "Where no browser is named, the shots were taken with the one of the baselines. Playwright's default is "
        "pixelmatch at threshold 0.2; it and pixelmatch 0.1 call a picture changed when one pixel counts, or when its "
        "size is another.",
    ]
    said = [f"- {column.title}: {alarm}" for column in columns if column.floor for alarm in column.alarms(controls)]
    if said:
        lines += ["", "False alarms of ours:", "", *said]
    if alarms:
        lines += ["", "## The suite's own notebooks, unchanged", ""]
        lines += _table(
            ["browser", "targets", "runs", "that don't match", "that vary"],
            [[a.renderer, str(a.targets), str(a.runs), str(len(a.failing)), str(len(a.varying))] for a in alarms],
        )
        said = [f"- {a.renderer}: `{name}`: {verdict}" for a in alarms for name, verdict in a.failing.items()]
        said += [f"- {a.renderer}: `{name}`: {n} pictures" for a in alarms for name, n in a.varying.items()]
        lines += ["", *said] if said else []
    lines += ["", "## Edits", "", *_table(["edit", "shot", "pixels", *(column.title for column in shown)], rows)]
    lines += ["", "`pixels`: how many differ at all, with the renderer of the baselines.", "", "## Measured on", ""]
    lines += [f"- Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores"]
    lines += [f"- {name}: {version}" for name, version in browsers.items()]
    lines += [f"- `{shlex.join(['python', 'benchmarks/sensitivity.py', *sys.argv[1:]])}`", ""]
    return "\n".join(lines)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [list(head), ["---"] * len(head), *(list(row) for row in rows)]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def _failures(
    edits: Sequence[Edit], controls: Sequence[Edit], columns: Sequence[Column], alarms: Sequence[Alarms]
) -> list[str]:
    found = []
    for column in columns:
        if column.floor is None:
            continue
        if column.share(edits) < column.floor:
            missed = [f"{edit.base}: {edit.name}" for edit in edits if not column.caught[edit.slug]]
            found.append(f"{column.title}: {column.share(edits):.1%} caught; missed: {', '.join(missed)}")
        found += [f"{column.title}: false alarm: {alarm}" for alarm in column.alarms(controls)]
    found += [f"{a.renderer}: {len(a.failing)} of {a.targets} unchanged targets fail" for a in alarms if a.failing]
    return found


# -- the command -------------------------------------------------------------------------------------------------------


def _renderer(text: str) -> Renderer:
    name, separator, path = text.partition("=")
    found = shutil.which(path)
    if not separator or not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=PATH of a browser")
    return Renderer(name, found)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How many visible changes are caught.")
    parser.add_argument(
        "--baseline-renderer",
        type=_renderer,
        metavar="NAME=PATH",
        help="the browser that makes the baselines; default: chromium-headless-shell",
    )
    parser.add_argument(
        "--renderers",
        type=_renderer,
        nargs="*",
        metavar="NAME=PATH",
        help="other browsers, compared with the same baselines; default: chromium, where there is one",
    )
    parser.add_argument(
        "--npm-chromium",
        nargs="*",
        default=[],
        metavar="VERSION",
        help="other browsers: the Chromium of these versions of the npm package @sparticuz/chromium",
    )
    parser.add_argument("--alarms", type=int, default=0, metavar="N", help="also run the project's own suite N times")
    parser.add_argument("--only", default="", metavar="REGEX", help="only these edits; nothing is written")
    parser.add_argument("--sheet", type=Path, metavar="FOLDER", help="write what each edit looks like")
    return parser.parse_args()


def _own_renderers(arguments: argparse.Namespace) -> tuple[Renderer, list[Renderer]]:
    baseline: Renderer | None = arguments.baseline_renderer
    if baseline is None:
        path = shutil.which("chromium-headless-shell")
        if path is None:
            raise BenchmarkError("there is no chromium-headless-shell; say --baseline-renderer NAME=PATH")
        baseline = Renderer("chromium-headless-shell", path)
    others: list[Renderer] | None = arguments.renderers
    if others is None:
        path = shutil.which("chromium")
        others = [Renderer("chromium", path)] if path else []
    return baseline, others + [npm_chromium(version) for version in arguments.npm_chromium]


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    arguments = _arguments()
    # Ended in order: folders removed, processes ended.
    signal.signal(signal.SIGTERM, _stop)
    baseline, others = _own_renderers(arguments)
    edits, controls = (
        [edit for edit in every if re.search(arguments.only, f"{edit.base}: {edit.name}")]
        for every in (EDITS, CONTROLS)
    )
    copies = [*edits, *controls]
    if len({edit.slug for edit in copies}) < len(copies):
        raise BenchmarkError("two edits have the same name")
    bases = {base.name: base for base in BASES if any(edit.base == base.name for edit in copies)}
    if arguments.sheet:
        arguments.sheet.mkdir(parents=True, exist_ok=True)

    columns: list[Column] = []
    browsers = {}
    pixels: dict[str, int] = {}
    expected = ""
    with TemporaryDirectory(prefix="widgetshot-sensitivity-") as name:
        root = Path(name)
        make_project(root)
        environment, shots = capture_bases(root, list(bases.values()), baseline.path)
        wrong = [f"{edit.base}: {edit.name}: {edit.shot}" for edit in copies if (edit.base, edit.shot) not in shots]
        if wrong:
            raise BenchmarkError("there are no such shots:\n" + "\n".join(wrong))
        write_edits(root, environment, copies, bases)
        for renderer in (baseline, *others):
            strict = renderer is baseline
            began = time.perf_counter()
            sheet = arguments.sheet if strict else None
            outcomes, said = capture_edits(root, environment, copies, renderer, sheet)
            print(f"{renderer.name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
            browsers[renderer.name] = f"{said['browser']} ({renderer.version}), sheet {said['sheet']}"
            expected = said["sheet"] if strict else expected
            columns += columns_of(renderer, outcomes, strict, said["sheet"] == expected)
            if strict:
                pixels = {slug: outcome.pixels for slug, outcome in outcomes.items()}
    alarms = []
    if arguments.alarms:
        alarms = [suite_alarms(baseline, arguments.alarms), *(suite_alarms(other, 1) for other in others)]

    page = report(edits, controls, pixels, columns, alarms, browsers)
    print(page)
    if not arguments.only:
        REPORT.write_text(page, encoding="utf-8")
    failures = _failures(edits, controls, columns, alarms)
    for failure in failures:
        print(f"✗ {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    finish(main)
