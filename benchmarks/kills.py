"""Whether a run stays right whatever of it is killed: verdicts, results, processes and files left behind.

    python benchmarks/kills.py [--kills 200] [--stops 50] [--seed 1] [--minutes 8]

Kills: while `widgetshot run` works on notebooks of which some have changed, its browser, a renderer, its server, the
zygote, a keeper, a kernel or Playwright's driver is ended by SIGKILL, up to sixteen of them in a run, at random
moments, until there were so many kills. Each target must have one result: the right verdict, or `broken` by something
that died, which its error ought to say. The exit code must be 2 where one lacks its server or browser, 1 where only a
kernel died or a picture changed, and never 0; a run that is given up, as it can have no server or no browser, ends
with 2, too.

Stops: the run itself is ended by SIGKILL at a random moment, every other time under --update-baselines. Each baseline
must then be wholly the old or wholly the new one, and the next run right: `match` where it is the new one, else
`changed`.

After each run no process, no temporary file and no unknown file of the project may be left. A piece adds its runs to
kills.jsonl beside this file, one a line, and kills.md is written from all of it; so pieces with other seeds add up. A
piece begins no run after its minutes. The exit code is 1 when anything in kills.jsonl is wrong. Linux only.
"""

import argparse
import json
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import nbformat
import psutil

from measuring import GRACE, BenchmarkError, adopt_orphans, finish, wait_for_descendants
from suite import machine

HERE = Path(__file__).parent
RESULTS, REPORT = HERE / "kills.jsonl", HERE / "kills.md"
VICTIMS = ("browser", "renderer", "server", "zygote", "keeper", "kernel", "driver")
# `driver` is Playwright's own process between ours and the browser.
NOTEBOOKS = 10
CHANGED = range(0, NOTEBOOKS, 3)
MOST_SECONDS = 240.0  # that a run may take, with all that is started anew
MARK = "WIDGETSHOT_KILLS"
SOURCE = """#| shot:
#|   - before
#|   - {{name: after, steps: [click: button]}}
import ipywidgets
button = ipywidgets.Button(description="{name}", button_style="{style}")
label = ipywidgets.Label("not yet")
button.on_click(lambda _: setattr(label, "value", "clicked"))
ipywidgets.HBox([button, label])
"""


@dataclass
class Outcome:
    """What came of one run, as a line of kills.jsonl.

    Attributes:
        part: `kills`, `stops` or `stops of updates`.
        kills: what was killed, in order, and after how many seconds.
        verdicts: how many targets have which; `broken` with its cause.
        wrong: targets whose verdict is untrue, and an exit code that is.
        unnamed: targets that are rightly broken, but whose error does not say that something died.
        given_up: targets without a result, as no server or browser could be had, which the run said (exit code 2).
        lost: other targets without a result, baselines that are neither old nor new.
        left: processes and files that are there afterwards.
    """

    part: str
    seed: int
    kills: list[tuple[str, float]] = field(default_factory=list)
    code: int = 0
    verdicts: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    given_up: int = 0
    left: list[str] = field(default_factory=list)


class Suite:
    """A project of notebooks with baselines, some of which have changed since.

    Attributes:
        root: the project's folder.
        temporary: what its commands have for temporary files.
        old: bytes of each baseline's files before the change, by path.
    """

    def __init__(self, folder: Path) -> None:
        self.root, self.temporary = folder / "project", folder / "tmp"
        self.root.mkdir()
        self.temporary.mkdir()
        self.mark = secrets.token_hex(8)
        settings = '[tool.widgetshot]\nnotebooks = ["."]\ntimeout = 5\nsettle_timeout = 5\n'
        (self.root / "pyproject.toml").write_text(settings)
        self._write("info")
        self._ends_with(0, "--update-baselines")
        self.old = self.files("baselines")
        self._write("danger")
        self._ends_with(1)
        self.known = set(self.files("."))
        self._ends_with(0, "--update-baselines")
        self.new = self.files("baselines")
        self.take_back()

    def take_back(self) -> None:
        """Put the old baselines in place."""
        shutil.rmtree(self.root / "baselines")
        for name, content in self.old.items():
            file = self.root / "baselines" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)

    def files(self, folder: str) -> dict[str, bytes]:
        """Return the bytes of all files below a folder, by path."""
        base = self.root / folder
        return {str(file.relative_to(base)): file.read_bytes() for file in sorted(base.rglob("*")) if file.is_file()}

    def start(self, *options: str) -> "subprocess.Popen[bytes]":
        """Begin a run."""
        with (self.root.parent / "log.txt").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "widgetshot", "run", *options],
                cwd=self.root,
                env=os.environ | {"TMPDIR": str(self.temporary), MARK: self.mark},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def log(self) -> str:
        """Return what the last run printed."""
        return (self.root.parent / "log.txt").read_text(encoding="utf-8", errors="replace")

    def tests(self) -> list[dict[str, Any]]:
        """Return the results of the last run, from its run.json."""
        run = json.loads((self.root / "widgetshot-report" / "run.json").read_text(encoding="utf-8"))
        return list(run["tests"])

    def judge(self, outcome: Outcome, *, killed: bool) -> None:
        """Compare the results of the run that has just ended with what they have to be.

        Args:
            killed: whether parts of it were killed, so that targets may be broken by that.
        """
        if "Traceback (most recent call last)" in self.log():
            outcome.wrong.append("a traceback")
        tests = self.tests()
        found = Counter(test["name"] for test in tests)
        for name in self.targets():
            if found[name] == 0 and outcome.code == 2 and "\nerror: " in f"\n{self.log()}":
                # No server or no browser could be had, so that the rest was given up, and said so.
                outcome.given_up += 1
            elif found[name] != 1:
                outcome.lost.append(f"{name}: {found[name]} results")
        current = self.files("baselines")
        verdicts: Counter[str] = Counter()
        types = set()
        for test in tests:
            picture = self.picture(test["name"])
            right = "match" if current[picture] == self.new[picture] else "changed"
            if test["verdict"] == "broken" and killed:
                verdicts[f"broken, {test['error']['type']}"] += 1
                types.add(test["error"]["type"])
                if not is_of_a_death(test["error"]):
                    outcome.unnamed.append(f"{test['name']}: {test['error']['message'][:300]}")
                continue
            verdicts[test["verdict"]] += 1
            types.add(test["verdict"])
            if test["verdict"] != right:
                outcome.wrong.append(f"{test['name']}: {test['verdict']} instead of {right}")
        code = 2 if outcome.given_up or "ServerError" in types else 1 if types - {"match"} else 0
        if outcome.code != code:
            outcome.wrong.append(f"exit code {outcome.code} instead of {code}")
        outcome.verdicts = dict(sorted(verdicts.items()))

    def look_around(self, outcome: Outcome, *, stopped: bool = False) -> None:
        """Note what is left behind, and remove it.

        Args:
            stopped: the run itself was killed; what it had not finished writing may be there until the next one.
        """
        outcome.left += wait_for_descendants(GRACE)
        for process in self.marked():
            outcome.left.append(" ".join(process.cmdline())[:200])
            process.kill()
        for entry in sorted(self.temporary.iterdir()):
            outcome.left.append(f"tmp/{entry.name}")
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        if not stopped:
            report = "widgetshot-report/"
            known = self.known | {f"baselines/{name}" for name in self.new}
            outcome.left += sorted(
                name for name in self.files(".") if name not in known and not name.startswith(report)
            )
            named = {picture["path"] for test in self.tests() for picture in test["pictures"].values() if picture}
            outcome.left += sorted(
                name for name in self.files(report) if name.endswith(".shot.png") and name not in named
            )

    def marked(self) -> Iterator[psutil.Process]:
        """Yield processes that a run has started and that have left the tree below this one."""
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE:
                    yield process
            except psutil.Error:
                continue

    @staticmethod
    def targets() -> list[str]:
        """Return the names of all targets."""
        return [f"n{number}.ipynb::{shot}" for number in range(NOTEBOOKS) for shot in ("before", "after")]

    def picture(self, target: str) -> str:
        """Return the path of a target's baseline below the baselines."""
        notebook, _, shot = target.partition("::")
        (found,) = [name for name in self.old if name.endswith(f"{notebook.removesuffix('.ipynb')}/{shot}.png")]
        return found

    def _write(self, style: str) -> None:
        for number in range(NOTEBOOKS):
            source = SOURCE.format(name=f"n{number}", style=style if number in CHANGED else "info")
            cell = nbformat.v4.new_code_cell(source, id="c")
            kernel = {"name": "python3", "display_name": "Python 3"}
            notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})
            nbformat.write(notebook, self.root / f"n{number}.ipynb")

    def _ends_with(self, code: int, *options: str) -> None:
        ended = self.start(*options).wait(MOST_SECONDS)
        if ended != code:
            raise BenchmarkError(f"the undisturbed run ended with {ended} instead of {code}:\n{self.log()}")


def is_of_a_death(error: dict[str, Any]) -> bool:
    """Return whether an error says that something has died; anything else is a wrong cause."""
    text = error["message"]
    return any(word in text for word in ("died", "crashed", "ended at once", "is gone", "did not start"))


def victims(run: int) -> dict[str, list[psutil.Process]]:
    """Return what of a run lives, by what it is."""
    found: dict[str, list[psutil.Process]] = {name: [] for name in VICTIMS}
    zygotes: set[int] = set()
    keepers: set[int] = set()
    try:
        below = psutil.Process(run).children(recursive=True)
    except psutil.Error:
        return found
    for process in below:
        try:
            words, parent = process.cmdline(), process.ppid()
        except psutil.Error:
            continue
        text = " ".join(words)
        if "--type=renderer" in words:
            found["renderer"].append(process)
        elif "--remote-debugging-pipe" in words and "--type=" not in text and Path(words[0]).name != "sh":
            found["browser"].append(process)
        elif "run-driver" in words:
            found["driver"].append(process)
        elif any(word.startswith("--ServerApp.ip") for word in words):
            found["server"].append(process)
        elif any(word.endswith("zygote.py") for word in words):
            # A zygote is the server's child, a keeper the zygote's, a kernel the keeper's.
            if parent in keepers:
                found["kernel"].append(process)
            elif parent in zygotes:
                keepers.add(process.pid)
                found["keeper"].append(process)
            else:
                zygotes.add(process.pid)
                found["zygote"].append(process)
    return found


def ends_within(process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    """Wait for the end of a run, at most so long."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def kill_parts(suite: Suite, seed: int, chance: random.Random, *, usual: float) -> Outcome:
    """Do one run, some of whose parts are killed, from any moment on of the time that it usually takes."""
    outcome = Outcome("kills", seed)
    process = suite.start()
    began = perf_counter()
    wanted = chance.randint(1, 16)
    pause = chance.uniform(0, 0.8 * usual)
    while not ends_within(process, pause):
        pause = chance.expovariate(1 / 0.5)
        if perf_counter() - began > MOST_SECONDS:
            process.kill()
            process.wait()
            outcome.wrong.append(f"it did not end in {MOST_SECONDS:g} s")
            break
        if len(outcome.kills) == wanted:
            continue
        alive = {name: found for name, found in victims(process.pid).items() if found}
        if not alive:
            continue
        name = chance.choice(sorted(alive))
        try:
            chance.choice(alive[name]).send_signal(signal.SIGKILL)
        except psutil.Error:
            continue
        outcome.kills.append((name, round(perf_counter() - began, 2)))
    outcome.code = process.returncode
    if not outcome.wrong:
        suite.judge(outcome, killed=True)
    suite.look_around(outcome)
    return outcome


def stop_run(suite: Suite, seed: int, chance: random.Random, *, update: bool, usual: float) -> Outcome:
    """Do one run that is killed itself, and the next one."""
    outcome = Outcome("stops of updates" if update else "stops", seed)
    suite.take_back()
    process = suite.start(*(["--update-baselines"] if update else []))
    moment = chance.uniform(0, usual)
    if not ends_within(process, moment):
        process.kill()
        process.wait()
        outcome.kills.append(("run", round(moment, 2)))
    suite.look_around(outcome, stopped=True)
    baselines = suite.files("baselines")
    if not update and baselines != suite.old:
        outcome.lost.append("a run without --update-baselines changed baselines")
    following = suite.start()
    if not ends_within(following, MOST_SECONDS):
        following.kill()
        outcome.wrong.append(f"the next run did not end in {MOST_SECONDS:g} s")
    outcome.code = following.wait()
    # What the stopped run had begun to write is finished or taken back by now.
    now = suite.files("baselines")
    for name in sorted(now.keys() | suite.old.keys()):
        if now.get(name) not in (suite.old.get(name), suite.new.get(name)):
            outcome.lost.append(f"baseline {name} is neither the old nor the new one")
    if not outcome.wrong and not outcome.lost:
        suite.judge(outcome, killed=False)
    suite.look_around(outcome)
    return outcome


def table(outcomes: list[dict[str, Any]]) -> str:
    """Return the whole of kills.md."""
    seeds = ", ".join(map(str, sorted({outcome["seed"] for outcome in outcomes})))
    lines = [
        "# Kills",
        "",
        f"`python benchmarks/kills.py`, {machine()}. Seeds: {seeds}. "
        f"{NOTEBOOKS} notebooks of two pictures each, {len(CHANGED)} of the notebooks changed.",
        "",
        "| what | runs | kills | right verdicts | broken: its server or browser died | broken: its kernel or page died "
        "| given up with exit code 2 | death not named | wrong | lost | left behind |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    titles = {
        "kills": "parts of the run are killed",
        "stops": "the run is killed; the next run",
        "stops of updates": "the run is killed under `--update-baselines`; the next run",
    }
    for part, title in titles.items():
        chosen = [outcome for outcome in outcomes if outcome["part"] == part]
        verdicts: Counter[str] = Counter()
        for outcome in chosen:
            verdicts.update(outcome["verdicts"])
        right = verdicts["match"] + verdicts["changed"]
        servers = verdicts["broken, ServerError"]
        kernels = sum(count for name, count in verdicts.items() if name.startswith("broken")) - servers
        numbers = [len(chosen), total(chosen, "kills"), right, servers, kernels]
        numbers.append(sum(outcome["given_up"] for outcome in chosen))
        numbers += [total(chosen, name) for name in ("unnamed", "wrong", "lost", "left")]
        lines.append(f"| {title} | {' | '.join(map(str, numbers))} |")
    killed = Counter(name for outcome in outcomes if outcome["part"] == "kills" for name, _ in outcome["kills"])
    codes = Counter(outcome["code"] for outcome in outcomes if outcome["part"] == "kills")
    lines += [
        "",
        "Killed: " + ", ".join(f"{killed[name]} x {name}" for name in VICTIMS) + ". Exit codes of those runs: "
        + ", ".join(f"{count} x {code}" for code, count in sorted(codes.items())) + ".",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def total(outcomes: list[dict[str, Any]], name: str) -> int:
    """Return how many there are of a member of all of them."""
    return sum(len(outcome[name]) for outcome in outcomes)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--stops", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--discard", action="store_true", help="print, and write neither kills.jsonl nor kills.md")
    options = parser.parse_args()
    adopt_orphans()
    chance = random.Random(options.seed)
    end = perf_counter() + options.minutes * 60
    outcomes = [] if options.discard or not RESULTS.is_file() else list(map(json.loads, RESULTS.open(encoding="utf-8")))
    if any(outcome["seed"] == options.seed for outcome in outcomes):
        raise BenchmarkError(f"seed {options.seed} is in {RESULTS.name} already")
    with TemporaryDirectory(prefix="kills-") as name:
        suite = Suite(Path(name))
        begin = perf_counter()
        if suite.start().wait(MOST_SECONDS) != 1:
            raise BenchmarkError(suite.log())
        usual = perf_counter() - begin

        def record(outcome: Outcome) -> int:
            line = json.dumps(vars(outcome))
            outcomes.append(json.loads(line))
            print(line, flush=True)
            if outcome.wrong or outcome.lost:
                print("\n".join(line[:300] for line in suite.log().splitlines()[-60:]), flush=True)
            if not options.discard:
                with RESULTS.open("a", encoding="utf-8") as file:
                    file.write(line + "\n")
            return len(outcome.kills)

        parts: list[tuple[int, Callable[[int], Outcome]]] = [
            (options.kills, lambda _: kill_parts(suite, options.seed, chance, usual=usual)),
            (options.stops, lambda count: stop_run(suite, options.seed, chance, update=count % 2 == 1, usual=usual)),
        ]
        for wanted, work in parts:
            done = 0
            while done < wanted and perf_counter() < end:
                done += record(work(done))
    text = table(outcomes)
    if not options.discard:
        REPORT.write_text(text, encoding="utf-8")
    print(text)
    return 1 if any(outcome[name] for outcome in outcomes for name in ("wrong", "lost", "left")) else 0


if __name__ == "__main__":
    finish(main)
