"""Whether runs on a Dask cluster stay right while its workers are killed: results, pictures, and what is left on them.

    python benchmarks/worker_kills.py [--kills 100] [--seed 1] [--minutes 9]

A real scheduler and three real workers, whose nannies start them anew, do runs of 40 sessions (20 notebooks in two
themes) with known verdicts, of which some have changed. In each run workers are ended by SIGKILL, up to six of them, at
random moments of a seeded schedule, until there were so many kills. Each target must then have exactly one result, and
the right one: the verdict and the picture's bytes of an undisturbed run. Only a session whose workers were killed
twice may be `broken` by that. The exit code must be 1 (pictures have changed), or 2 where a session was given up.

After each run nothing of it may be left on any worker: no process but scheduler, nannies and workers, and no file in
their folders for temporary files but what Dask has made. A piece adds its runs to worker_kills.jsonl beside this file,
one a line, and worker_kills.md is written from all of it. The exit code is 1 when anything in it is wrong. Linux only.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
import psutil

from measuring import BenchmarkError, adopt_orphans, finish
from suite import machine

HERE = Path(__file__).parent
RESULTS, REPORT = HERE / "worker_kills.jsonl", HERE / "worker_kills.md"
NOTEBOOKS, WORKERS, MOST_KILLS = 20, 3, 6
CHANGED = range(0, NOTEBOOKS, 5)
MOST_SECONDS = 240.0  # that a run may take
END_S = 30.0  # within which all that a run has started on workers must have ended
SOURCE = """#| shot:
#|   - before
#|   - {{name: after, steps: [click: button]}}
#| theme: [light, dark]
import ipywidgets
button = ipywidgets.Button(description="{name}", button_style="{style}")
label = ipywidgets.Label("not yet")
button.on_click(lambda _: setattr(label, "value", "clicked"))
ipywidgets.HBox([button, label])
"""


@dataclass
class Outcome:
    """What came of one run, as a line of worker_kills.jsonl.

    Attributes:
        kills: after how many seconds each worker was killed.
        again: sessions that were run once more, as the run says.
        right: targets with the right result.
        given_up: targets of sessions whose workers were killed twice, named as such.
        wrong: everything else.
        left: processes and files that are there afterwards.
    """

    seed: int
    kills: list[float] = field(default_factory=list)
    again: int = 0
    right: int = 0
    given_up: int = 0
    wrong: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    code: int | None = None


class Cluster:
    """A scheduler and its workers, each below a nanny."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        file = folder / "scheduler.json"
        self._parts = [self._start("scheduler", "--port", "0", "--scheduler-file", str(file))]
        self.wait(lambda: file.is_file() and file.stat().st_size > 0, 60)
        self.address = str(json.loads(file.read_text(encoding="utf-8"))["address"])
        for number in range(WORKERS):
            words = ("--nthreads", "1", "--nanny", "--local-directory", str(folder / f"w{number}"))
            self._parts.append(self._start("worker", self.address, *words))
        self.wait(lambda: len(self.workers()) == WORKERS, 60)

    def _start(self, kind: str, *words: str) -> "subprocess.Popen[bytes]":
        log = (self.folder / "log.txt").open("ab")
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--host", "127.0.0.1", "--no-dashboard"]
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        environment = os.environ | {"TMPDIR": str(temporary)}
        return subprocess.Popen([*command, *words], stdout=log, stderr=log, cwd=self.folder, env=environment)

    def workers(self) -> list[psutil.Process]:
        """Return the workers that live, without their nannies."""
        return [one for part in self._parts[1:] for one in _children(part.pid) if "spawn_main" in _words(one)]

    def left(self) -> list[str]:
        """Return what there is besides the cluster itself: processes, and files for temporary use."""
        own = {part.pid for part in self._parts} | {worker.pid for worker in self.workers()}
        below = [one for part in self._parts for one in _children(part.pid, recursive=True)]
        processes = [_words(one) for one in below if one.pid not in own and "resource_tracker" not in _words(one)]
        orphans = [_words(one) for one in _children(os.getpid()) if one.pid not in own]
        files = [entry.name for entry in (self.folder / "tmp").iterdir() if entry.name != "dask-scratch-space"]
        # Dask removes what a dead worker has left when the next one starts in the same folder.
        places = ["tmp", *(f"w{number}" for number in range(WORKERS))]
        living = [entry for place in places for entry in (self.folder / place).rglob("widgetshot*")]
        names = [str(entry.relative_to(self.folder)) for entry in living if not entry.is_dir() or any(entry.iterdir())]
        return [word for word in (*processes, *orphans, *files, *names) if word]

    @staticmethod
    def wait(true: Any, seconds: float) -> None:
        """Wait until something is true.

        Raises:
            BenchmarkError: it did not become true.
        """
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                raise BenchmarkError("the cluster did not become ready")
            time.sleep(0.05)

    def close(self) -> None:
        """End all, workers first."""
        for part in reversed(self._parts):
            part.send_signal(signal.SIGTERM)
            part.wait(60)


def _children(pid: int, *, recursive: bool = False) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=recursive)
    except psutil.Error:
        return []


def _words(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline()) if process.status() != psutil.STATUS_ZOMBIE else ""
    except psutil.Error:
        return ""


class Project:
    """A project with known verdicts.

    Attributes:
        expected: name of each target -> its verdict and the bytes of its picture in an undisturbed run.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        (root / "pyproject.toml").write_text("[tool.widgetshot]\nnotebooks = ['.']\n", encoding="utf-8")
        self._write("info")
        self._ends_with(0, "--update-baselines")
        self._write("danger")
        self._ends_with(1)
        self.expected = self.results()

    def results(self) -> dict[str, tuple[str, bytes]]:
        """Return the verdict and the picture of each target of the last run, by name.

        Raises:
            BenchmarkError: a target has two results.
        """
        tests = self.tests()
        found = {test["name"]: (test["verdict"], self._picture(test)) for test in tests}
        if len(found) != len(tests):
            raise BenchmarkError("a target has two results")
        return found

    def tests(self) -> list[dict[str, Any]]:
        """Return the results of the last run."""
        report = self.root / "widgetshot-report"
        tests: list[dict[str, Any]] = json.loads((report / "run.json").read_text(encoding="utf-8"))["tests"]
        return tests

    def _picture(self, test: dict[str, Any]) -> bytes:
        shot = test["pictures"]["shot"]
        return b"" if shot is None else (self.root / "widgetshot-report" / shot["path"]).read_bytes()

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Begin a run."""
        command = [sys.executable, "-m", "widgetshot", "run", *words]
        return subprocess.Popen(
            command,
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def _ends_with(self, code: int, *words: str) -> None:
        run = self.start(*words)
        said, _ = run.communicate(timeout=MOST_SECONDS)
        if run.returncode != code:
            raise BenchmarkError(f"the undisturbed run ended with {run.returncode} instead of {code}:\n{said}")

    def _write(self, style: str) -> None:
        for number in range(NOTEBOOKS):
            source = SOURCE.format(name=f"n{number}", style=style if number in CHANGED else "info")
            notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id="c")])
            notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
            nbformat.write(notebook, self.root / f"n{number}.ipynb")


def disturbed(project: Project, cluster: Cluster, seed: int, most: int) -> Outcome:
    """Do one run on the cluster, some of whose workers are killed."""
    chance = random.Random(seed)
    outcome = Outcome(seed)
    cluster.wait(lambda: len(cluster.workers()) == WORKERS, 60)
    run = project.start("--dask", cluster.address)
    began = time.monotonic()
    # A run takes some twelve seconds, and longer with each kill.
    moments = sorted(chance.uniform(1, 16) for _ in range(min(most, chance.randint(2, MOST_KILLS))))
    for moment in moments:
        try:
            run.wait(max(0.0, began + moment - time.monotonic()))
            break
        except subprocess.TimeoutExpired:
            pass
        if alive := cluster.workers():
            chance.choice(alive).kill()
            outcome.kills.append(round(time.monotonic() - began, 2))
    try:
        said, _ = run.communicate(timeout=MOST_SECONDS)
    except subprocess.TimeoutExpired:
        run.kill()
        said, _ = run.communicate()
        outcome.wrong.append(f"it did not end in {MOST_SECONDS:g} s")
    outcome.code = run.returncode
    for line in said.splitlines():
        if "run once more on another one: " in line:
            outcome.again += len(line.partition("run once more on another one: ")[2].split(", "))
    judge(project, outcome)
    try:
        cluster.wait(lambda: not cluster.left(), END_S)
    except BenchmarkError:
        outcome.left = cluster.left()
    return outcome


def judge(project: Project, outcome: Outcome) -> None:
    """Compare the results of the last run with those of the undisturbed one."""
    found = project.results()
    for name in project.expected.keys() - found.keys():
        outcome.wrong.append(f"{name} has no result")
    errors = {test["name"]: (test["error"] or {}).get("message", "") for test in project.tests()}
    for name, result in found.items():
        if result == project.expected.get(name):
            outcome.right += 1
        elif result[0] == "broken" and "the workers that ran it died, one after the other" in errors[name]:
            outcome.given_up += 1
        else:
            outcome.wrong.append(f"{name} is {result[0]}: {errors[name]}"[:300])
    expected = 2 if outcome.given_up else 1
    if outcome.code != expected:
        outcome.wrong.append(f"exit code {outcome.code} instead of {expected}")


@contextmanager
def set_up() -> Iterator[tuple[Project, Cluster]]:
    """Make a project and a cluster."""
    with TemporaryDirectory(prefix="worker-kills-") as name:
        folder = Path(name)
        project = Project(folder / "project")
        (folder / "cluster").mkdir()
        cluster = Cluster(folder / "cluster")
        try:
            yield project, cluster
        finally:
            cluster.close()


def report() -> int:
    """Write worker_kills.md of all runs so far; return how much in them is wrong."""
    runs = [Outcome(**json.loads(line)) for line in RESULTS.read_text(encoding="utf-8").splitlines()]
    kills = sum(len(run.kills) for run in runs)
    wrong, left = (sum(len(getattr(run, part)) for run in runs) for part in ("wrong", "left"))
    named = [f"\nWrong (seed {run.seed}): {'; '.join(run.wrong)}\n" for run in runs if run.wrong]
    cells = (
        len(runs), kills, sum(run.right for run in runs), sum(run.again for run in runs),
        sum(run.given_up for run in runs), wrong, left,
    )  # fmt: skip
    REPORT.write_text(
        "# Workers that are killed\n\n"
        f"`python benchmarks/worker_kills.py`, {machine()}. Seeds: {min(run.seed for run in runs)} to "
        f"{max(run.seed for run in runs)}. {2 * NOTEBOOKS} sessions of two pictures each on {WORKERS} workers; "
        f"{len(CHANGED)} of {NOTEBOOKS} notebooks changed.\n\n"
        "| runs | workers killed | right results | sessions run once more | results given up: two workers killed | "
        "wrong, lost or doubled | left on workers |\n|---:|---:|---:|---:|---:|---:|---:|\n"
        f"| {' | '.join(map(str, cells))} |\n\n"
        "Right: the verdict, and each byte of the picture, of a run that nobody disturbed.\n" + "".join(named),
        encoding="utf-8",
    )
    return wrong + left


def main() -> int:
    """Do a piece; see the module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=9)
    options = parser.parse_args()
    adopt_orphans()
    end = time.monotonic() + 60 * options.minutes
    kills, seed = 0, options.seed
    with set_up() as (project, cluster):
        while kills < options.kills and time.monotonic() < end:
            outcome = disturbed(project, cluster, seed, options.kills - kills)
            kills, seed = kills + len(outcome.kills), seed + 1
            with RESULTS.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(outcome)) + "\n")
            print(outcome, flush=True)
    return min(1, report())


if __name__ == "__main__":
    finish(main)
