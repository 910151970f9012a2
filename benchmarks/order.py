"""Whether a picture depends on what else is run: each notebook of the zoo alone, then all in shuffled orders.

    python benchmarks/order.py [NOTEBOOK ...] [--orders 3] [--seed 1] [--jobs 1 2] [--no-load] [--theme light|dark|both]
                               [--venv .fidelity-venv] [--output order-report]

Each notebook is run alone first, in a process of its own with nothing else to do. Then all of them are run together in
several orders, shuffled by a seed: with each number of jobs, and each once with the machine to itself and once beside
a busy process for each core. `widgetshot run` takes notebooks in the order in which they are given to it. Every cell
is a shot, and so is the whole page at the end. Each picture must have the same pixels as alone, by their sha256, and
what is broken or unstable must say the same. Ids, ports and temporary folders in messages are no difference: they
are drawn anew for every kernel and server.

A notebook of which anything differs is run alone once more, which tells what does not look the same twice in any case
from what depends on the others. The run folders in which something differs are kept in the output folder. order.md
beside this file is written when the whole zoo was run. The exit code is 1 if anything differs.
"""

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

from fidelity import CHECKOUT, THEMES, chosen, installed, say, write_project
from measuring import BenchmarkError, finish
from suite import machine
from widgetshot.capture.browser import VARIABLE, find_browser
from widgetshot.files import read_png

HERE = Path(__file__).parent
REPORT = HERE / "order.md"
# What is drawn anew for every kernel, server and process.
DRAWN = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16,}|(?<=127\.0\.0\.1:)\d+|(?<=localhost:)\d+|"
    + re.escape(tempfile.gettempdir())
    + r"/[\w.-]+(?:/\d+)?"
)
PAGE_CELL = "whole-page"
# Ends with whoever started it, whatever ends that.
BUSY = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(100_000))\n"


@dataclass(frozen=True)
class Seen:
    """What came of a shot in one run.

    Attributes:
        digest: sha256 of the picture's size and pixels; "" where there is no picture that can be trusted.
        said: what is said in its place.
        file: the picture.
    """

    digest: str
    said: str
    file: Path | None


@dataclass(frozen=True)
class Round:
    """All notebooks together, once.

    Attributes:
        order: number of the shuffled order, from 1.
        load: whether all cores have something else to do.
    """

    order: int
    jobs: int
    load: bool

    @property
    def name(self) -> str:
        return f"order-{self.order}-jobs-{self.jobs}{'-load' if self.load else ''}"


@dataclass(frozen=True)
class Difference:
    """A shot that is not as it is alone.

    Attributes:
        where: the round's name, or "alone again".
        what: in words.
    """

    notebook: str
    shot: str
    where: str
    what: str


# -- runs --------------------------------------------------------------------------------------------------------------


class Runner:
    """Runs notebooks of a project with the zoo's environment and this checkout, each time in a new process."""

    def __init__(self, python: Path, project: Path, output: Path) -> None:
        self._python = python
        self._project = project
        self._output = output
        self._environment = {
            **os.environ,
            VARIABLE: find_browser("chromium").executable,
            # The environment may have been made for another checkout.
            "PYTHONPATH": os.pathsep.join(filter(None, (str(CHECKOUT / "src"), os.environ.get("PYTHONPATH")))),
        }

    def folder(self, name: str) -> Path:
        """Return the run folder of a name."""
        return self._output / name

    def run(self, name: str, notebooks: Sequence[str], jobs: int) -> dict[str, Seen]:
        """Run notebooks in this order.

        Args:
            name: of the run folder.

        Returns:
            What came of each shot, by its name `notebooks/x.ipynb::shot[variant]`.

        Raises:
            BenchmarkError: there is no whole run, or it was not in this order.
        """
        folder = self.folder(name)
        shutil.rmtree(folder, ignore_errors=True)
        paths = [f"notebooks/{notebook}" for notebook in notebooks]
        began = perf_counter()
        done = subprocess.run(
            [str(self._python), "-m", "widgetshot", "run", "--jobs", str(jobs), "--report", str(folder), *paths],
            cwd=self._project,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,  # nothing has a baseline
        )
        try:
            run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        except OSError as error:
            raise BenchmarkError(f"{name}: there is no run: {done.stderr[-2000:]}") from error
        if list(dict.fromkeys(test["notebook"] for test in run["tests"])) != paths or not run["complete"]:
            raise BenchmarkError(f"{name}: the notebooks were not all run, in the order in which they were given")
        say(f"{name}: {len(run['tests'])} results, {perf_counter() - began:.0f} s")
        return {test["name"]: seen(test, folder) for test in run["tests"]}


def seen(test: Mapping[str, object], folder: Path) -> Seen:
    """Return what came of a shot.

    Args:
        test: an entry of run.json.
        folder: of the run.
    """
    pictures, error = test["pictures"], test["error"]
    assert isinstance(pictures, dict)
    file = folder / pictures["shot"]["path"] if pictures["shot"] else None
    if test["verdict"] in ("broken", "unstable"):
        said = error["message"] if isinstance(error, dict) else str(test["sentence"])
        return Seen("", f"{test['verdict']}: {DRAWN.sub('…', said)}", file)
    if file is None:
        raise BenchmarkError(f"{test['name']} is {test['verdict']} and has no picture")
    pixels = read_png(file.read_bytes())
    return Seen(hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest(), "", file)


@contextmanager
def load() -> Iterator[None]:
    """Keep all cores busy."""
    processes = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
        if any(process.poll() is not None for process in processes):
            raise BenchmarkError("the load has ended before the run")
    finally:
        for process in processes:
            process.kill()
            process.wait()


# -- what differs ------------------------------------------------------------------------------------------------------


def difference(alone: Seen, other: Seen) -> str:
    """Tell in words what differs between two pictures or messages; "" if nothing does."""
    if (alone.digest, alone.said) == (other.digest, other.said):
        return ""
    if not alone.digest or not other.digest:
        return f"{alone.said or 'a picture'} became {other.said or 'a picture'}"
    assert alone.file is not None
    assert other.file is not None
    one, two = read_png(alone.file.read_bytes()), read_png(other.file.read_bytes())
    if one.shape != two.shape:
        return f"{one.shape[1]}x{one.shape[0]} became {two.shape[1]}x{two.shape[0]}"
    return f"{int(np.any(one != two, axis=2).sum())} pixels of {one.shape[1]}x{one.shape[0]}"


def differences(alone: Mapping[str, Seen], others: Mapping[str, Seen], where: str) -> list[Difference]:
    """Return all shots of `others` that are not as they are alone."""
    found = []
    for name, other in others.items():
        path, _, shot = name.partition("::")
        what = difference(alone[name], other) if name in alone else "there is no such shot alone"
        if what:
            found.append(Difference(Path(path).name, shot, where, what))
    return found


def take(
    runner: Runner, notebooks: Sequence[str], rounds: Sequence[Round], seed: int
) -> tuple[dict[str, Seen], list[Difference]]:
    """Run everything.

    Returns:
        What came of each shot alone, and what differed, in rounds and alone again.
    """
    alone: dict[str, Seen] = {}
    for notebook in notebooks:
        alone |= runner.run(f"alone/{Path(notebook).stem}", [notebook], 1)
    found: list[Difference] = []
    for each in rounds:
        shuffled = list(notebooks)
        random.Random(f"{seed} {each.order}").shuffle(shuffled)
        with load() if each.load else nullcontext():
            new = differences(alone, runner.run(each.name, shuffled, each.jobs), each.name)
        found += new
        for one in new:
            say(f"✗ {Path(one.notebook).stem}::{one.shot} in {each.name}: {one.what}")
        if not new:
            shutil.rmtree(runner.folder(each.name))
    differing = {one.notebook for one in found}
    for notebook in notebooks:
        stem = Path(notebook).stem
        if notebook in differing:
            again = runner.run(f"alone-again/{stem}", [notebook], 1)
            found += differences(alone, again, "alone again")
        else:
            shutil.rmtree(runner.folder(f"alone/{stem}"))
    return alone, found


# -- what is said ------------------------------------------------------------------------------------------------------

HEAD = """\
# The same pictures in any order

`{command}`, {machine}.

Each notebook alone in a process of its own, then all {count} of them together, {rounds} times: in {orders} shuffled
orders, with `--jobs` {jobs}, {load}. A shot is equal if it has the same pixels in all of these runs, or if none of them
has a picture of it and all say the same.

"""


def table(alone: Mapping[str, Seen], found: Iterable[Difference]) -> str:
    """Return the table of notebooks, and what differed, as Markdown."""
    by_notebook: dict[str, dict[str, list[Difference]]] = {}
    for name in alone:
        path, _, shot = name.partition("::")
        by_notebook.setdefault(Path(path).name, {})[shot] = []
    for one in found:
        by_notebook[one.notebook].setdefault(one.shot, []).append(one)
    lines = [
        "| notebook | shots | without a picture | equal in all runs | differing | differing alone, too |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    totals = [0] * 5
    details = []
    for notebook, shots in sorted(by_notebook.items()):
        differing = {shot: each for shot, each in shots.items() if each}
        again = [shot for shot, each in differing.items() if any(one.where == "alone again" for one in each)]
        none = [name for name, one in alone.items() if name.startswith(f"notebooks/{notebook}::") and not one.digest]
        numbers = [len(shots), len(none), len(shots) - len(differing), len(differing), len(again)]
        totals = [one + other for one, other in zip(totals, numbers, strict=True)]
        lines.append(f"| {Path(notebook).stem} | {' | '.join(map(str, numbers))} |")
        for shot, each in differing.items():
            places: dict[str, list[str]] = {}
            for one in each:
                places.setdefault(one.what, []).append(one.where)
            said = "; ".join(f"{what} ({', '.join(where)})" for what, where in places.items())
            details.append(f"- `{Path(notebook).stem}::{shot}`: {said}")
    lines.append(f"| **all** | {' | '.join(map(str, totals))} |")
    if details:
        lines += ["", "## What differed", "", *details]
    return "\n".join(lines) + "\n"


# -- the command -------------------------------------------------------------------------------------------------------


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="of the zoo, by name; all of them by default")
    parser.add_argument("--orders", type=int, default=3, help="how many shuffled orders")
    parser.add_argument("--seed", type=int, default=1, help="of the orders")
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2], help="notebooks that have a page at a time")
    parser.add_argument("--no-load", action="store_true", help="leave out the runs beside busy processes")
    parser.add_argument("--theme", choices=(*THEMES, "both"), default="light")
    parser.add_argument("--venv", type=Path, default=CHECKOUT / ".fidelity-venv", help="where the zoo's packages are")
    parser.add_argument("--output", type=Path, default=CHECKOUT / "order-report", help="where run folders are kept")
    arguments = chosen(parser, parser.parse_args())
    arguments.notebooks = sorted(set(arguments.notebooks))
    return arguments


def add_page_shots(folder: Path) -> None:
    """Make the whole page one more shot of each notebook, after all of its cells."""
    for file in folder.glob("*.ipynb"):
        notebook = json.loads(file.read_text(encoding="utf-8"))
        source = f"#| shot: {{name: {PAGE_CELL}, capture: page}}\npass"
        cell = {"cell_type": "code", "id": PAGE_CELL, "metadata": {}, "source": source}
        notebook["cells"].append({**cell, "outputs": [], "execution_count": None})
        file.write_text(json.dumps(notebook, ensure_ascii=False), encoding="utf-8")


def main() -> int:
    arguments = _arguments()
    output: Path = arguments.output.resolve()
    python = installed(arguments.venv.resolve())
    write_project(output / "project", arguments.notebooks, THEMES if arguments.theme == "both" else [arguments.theme])
    add_page_shots(output / "project" / "notebooks")
    rounds = [
        Round(order, jobs, loaded)
        for loaded in ((False,) if arguments.no_load else (False, True))
        for jobs in arguments.jobs
        for order in range(1, arguments.orders + 1)
    ]
    alone, found = take(
        Runner(python, output / "project", output / "runs"), arguments.notebooks, rounds, arguments.seed
    )
    words = ["python benchmarks/order.py", *([] if arguments.whole else arguments.notebooks)]
    words += [f"--orders {arguments.orders} --seed {arguments.seed} --jobs {' '.join(map(str, arguments.jobs))}"]
    words += [*(["--no-load"] if arguments.no_load else []), f"--theme {arguments.theme}"]
    head = HEAD.format(
        command=" ".join(words),
        machine=machine(),
        count=len(arguments.notebooks),
        rounds=len(rounds),
        orders=arguments.orders,
        jobs=" and ".join(map(str, arguments.jobs)),
        load="without" + ("" if arguments.no_load else " and with") + " a busy process for each core beside it",
    )
    text = head + table(alone, found)
    print(text)
    if arguments.whole:
        REPORT.write_text(text, encoding="utf-8")
    return 1 if found else 0


if __name__ == "__main__":
    finish(main)
