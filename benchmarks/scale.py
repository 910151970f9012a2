"""25,000 sessions on a Dask cluster: what the way there and back costs, and what `--dask` costs on one machine.

    python benchmarks/scale.py --record RECORDED
    python benchmarks/scale.py --replay RECORDED [--sessions 25000] [--slots 8:36 32:9 128:2.2] [--seed 1]
    python benchmarks/scale.py --overhead [--rounds 5] [--own-rounds 2]

`--record` runs the project's own notebooks once (without those that need services) and writes down how long each
session took and what came of it. `--replay` draws sessions from these and runs them by the real executor of
`widgetshot run --dask` on a real scheduler, a process of its own, and on real workers whose sessions only sleep, see
scale_worker.py. `SLOTS:FACTOR` is how many run at a time and what the durations are divided by: that makes what is not
sleeping a larger part, never a smaller one. Of the workers there are 4 processes with as many threads as it takes.

`--overhead` runs `widgetshot run` and `widgetshot run --dask local:2` in turn, with real notebooks and browsers.

Results are merged into scale.json beside this file, and scale.md is written from it; with --discard neither. What
explains the figures, at the end of scale.md, is of the runs of its date. Linux only.
"""

import argparse
import asyncio
import gc
import heapq
import json
import os
import pickle
import random
import shutil
import signal
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, aclosing, contextmanager
from dataclasses import fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import distributed
import numpy as np
import psutil

import scale_worker
from measuring import BenchmarkError, adopt_orphans, finish, measure
from scale_worker import VARIABLE, Recorded, ReplayedSession
from suite import Workload, machine, write_work
from suite_peers import free_port
from widgetshot.baselines.stores import open_baselines
from widgetshot.model import Result, TimeSpent, Verdict
from widgetshot.project.cluster import DaskOptions
from widgetshot.project.loading import load_settings
from widgetshot.project.settings import Settings
from widgetshot.run.background import BackgroundLoop
from widgetshot.run.executors.dask import link, tasks
from widgetshot.run.executors.dask.executor import DaskExecutor
from widgetshot.run.executors.dask.messages import pack_outcome, unpack_outcome
from widgetshot.run.executors.local import LocalExecutor
from widgetshot.run.hosts import Hosts
from widgetshot.run.plan import RunRequest, plan_run
from widgetshot.selection.session import Session, SessionReport, sessions_of
from widgetshot.services.manager import Services

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent
RESULTS, REPORT = HERE / "scale.json", HERE / "scale.md"
PROCESSES = 4
TITLES = {"one": "one trivial notebook", "20x3": "20 notebooks of 3 shots", "own": "the project's own notebooks"}
CASES = {"here": (), "dask": ("--dask", "local:2")}


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# -- what is replayed --------------------------------------------------------------------------------------------------


async def record(settings: Settings) -> list[Recorded]:
    """Run the project's own notebooks, see `Recorded`.

    Raises:
        BenchmarkError: not every picture matches.
    """
    plan = plan_run(settings, RunRequest(without_services=True))
    sessions = [session for notebook, targets in plan.selected for session in sessions_of(notebook, targets)]
    baselines = open_baselines(settings)
    with Services(settings.services, settings.redactor.values) as services:
        async with Hosts(settings) as hosts, LocalExecutor(settings, hosts, services, baselines) as executor:

            async def one(session: Session) -> Recorded:
                results: list[Result] = []
                spent, report = TimeSpent(), SessionReport(TimeSpent(), ())
                async with aclosing(executor.run(session)) as outcomes:
                    async for outcome in outcomes:
                        if isinstance(outcome, SessionReport):
                            report = outcome
                        else:
                            arrived = unpack_outcome(pack_outcome(outcome), baselines)
                            assert isinstance(arrived, Result)
                            results.append(bare(arrived))
                        spent.add({}, (outcome.spent or TimeSpent()).seconds)
                return Recorded(session, spent.seconds, tuple(results), report)

            found = await asyncio.gather(*map(one, sessions))
            executor.wind_down()
    return found


def bare(result: Result) -> Result:
    """Return a match without its picture: one pixel takes its place, which does not travel, either.

    Raises:
        BenchmarkError: it is no match.
    """
    if result.verdict is not Verdict.MATCH or result.shot is None or result.baseline is None:
        raise BenchmarkError(f"{result.target.nodeid} is {result.verdict}")
    pixels = np.zeros((1, 1, 4), np.uint8)
    return replace(
        result,
        shot=replace(result.shot, pixels=pixels),
        baseline=replace(result.baseline, pixels=pixels, data=b""),
    )


def drawn(count: int, seed: int, factor: float) -> list[ReplayedSession]:
    """Draw sessions from those that were recorded, with their durations divided by a factor."""
    recorded = scale_worker.recorded()
    numbers = random.Random(seed).choices(range(len(recorded)), k=count)
    return [
        ReplayedSession(
            **{field.name: getattr(recorded[number].session, field.name) for field in fields(Session)},
            number=number,
            seconds=recorded[number].seconds / factor,
        )
        for number in numbers
    ]


def makespan(durations: Sequence[float], slots: int) -> float:
    """Return how long it takes when a slot that is free gets the next one at once."""
    free = [0.0] * slots
    for duration in durations:
        heapq.heapreplace(free, free[0] + duration)
    return max(free)


# -- the client, a process of its own ----------------------------------------------------------------------------------


def memory_of(pid: int | str, what: str) -> int:
    """Return `VmRSS` or `VmHWM` of a process, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{what}:"))


class Client:
    """Runs sessions by the executor, as a run does: all are submitted at once.

    Attributes:
        figures: what it took.
    """

    def __init__(self, executor: DaskExecutor) -> None:
        self._executor = executor
        self._results = 0
        self._first = 0.0
        self._garbage = 0.0  # seconds
        self._longest = self._collecting = 0.0
        self.figures: dict[str, float] = {}

    async def measure(self, sessions: Sequence[Session], warm_up: Session) -> None:
        """Run sessions; another one first, so that all workers are there."""
        async with self._executor:
            await self._run(warm_up)
            connected = self._executor._connected
            assert connected is not None
            while len(connected.workers.links) < PROCESSES:
                await self._run(warm_up)
            # What was the most until now is forgotten.
            await asyncio.to_thread(Path("/proc/self/clear_refs").write_text, "5", encoding="ascii")
            resident, cpu = memory_of("self", "VmRSS"), process_time()
            gc.callbacks.append(self._collected)
            print("begin", flush=True)
            self._results, self._first = 0, 0.0
            begin = perf_counter()
            running = [asyncio.create_task(self._run(session)) for session in sessions]
            submitted = await asyncio.create_task(self._now())
            at_submission = process_time() - cpu, memory_of("self", "VmRSS") - resident
            await asyncio.gather(*running)
            self.figures = {
                "seconds": perf_counter() - begin,
                "submitted": submitted - begin,
                "submit_cpu": at_submission[0],
                "submit_memory": at_submission[1],
                "first": self._first - begin,
                "client_cpu": process_time() - cpu,
                "client_memory": memory_of("self", "VmHWM") - resident,
                "results": self._results,
                "garbage": self._garbage,
                "longest_garbage": self._longest,
            }
            print("end", flush=True)
            # The figures of the other processes are read meanwhile.
            await asyncio.to_thread(sys.stdin.readline)
        if self._executor.notices:
            raise BenchmarkError("\n".join(self._executor.notices))

    def _collected(self, phase: str, info: Mapping[str, int]) -> None:  # noqa: ARG002
        """Count how long Python looks for garbage, when nothing else can be done."""
        if phase == "start":
            self._collecting = perf_counter()
        else:
            took = perf_counter() - self._collecting
            self._garbage += took
            self._longest = max(self._longest, took)

    async def _now(self) -> float:
        return perf_counter()

    async def _run(self, session: Session) -> None:
        async with aclosing(self._executor.run(session)) as outcomes:
            async for outcome in outcomes:
                if isinstance(outcome, Result):
                    self._first = self._first or perf_counter()
                    self._results += 1
                    if outcome.verdict is not Verdict.MATCH:
                        raise BenchmarkError(f"{outcome.target.nodeid} is {outcome.verdict}: {outcome.failure}")


def client(address: str, count: int, seed: int, factor: float) -> int:
    """Be the client: tell `begin` and `end` when it does, and the figures as JSON."""
    for module in (tasks, link):
        vars(module)["WORKER"] = scale_worker.__name__
    # Nothing is drawn, so that nobody has to draw as this machine does.
    settings = replace(load_settings(CHECKOUT, {"cluster": address}), dask=DaskOptions(like="each-other"))
    assert settings.dask_cluster is not None
    sessions = drawn(count, seed, factor)
    with Services(settings.services, settings.redactor.values) as services, BackgroundLoop() as loop:
        running = Client(DaskExecutor(settings, settings.dask_cluster, open_baselines(settings), services))
        loop.start(running.measure(sessions, replace(sessions[0], seconds=0.0))).result()
    expected = sum(len(session.targets) for session in sessions)
    if running.figures["results"] != expected:
        raise BenchmarkError(f"{running.figures['results']} results came, and not {expected}")
    print(json.dumps(running.figures), flush=True)
    return 0


# -- the cluster -------------------------------------------------------------------------------------------------------


@contextmanager
def started(command: Sequence[str], log: Path, **more: Any) -> Iterator[subprocess.Popen[str]]:
    """Start a process, which ends with the context."""
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen([sys.executable, *command], stderr=file, text=True, **more)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def replay(file: Path, slots: int, factor: float, count: int, seed: int) -> dict[str, Any]:
    """Run sessions on a cluster of its own.

    Raises:
        BenchmarkError: it failed.
    """
    environment = {
        **os.environ,
        VARIABLE: str(file.resolve()),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(HERE), str(CHECKOUT / "src"), os.environ.get("PYTHONPATH")))),
    }
    with TemporaryDirectory(prefix="scale-") as name, ExitStack() as processes:
        folder = Path(name)

        def start(title: str, *command: str, **more: Any) -> subprocess.Popen[str]:
            log = folder / f"{title}.log"
            return processes.enter_context(started(command, log, cwd=folder, env=environment, **more))

        # Workers and client try until somebody listens there.
        port = str(free_port())
        address = f"tcp://127.0.0.1:{port}"
        scheduler = start(
            "scheduler",
            *("-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", port),
            *("--no-dashboard", "--dashboard-address", "127.0.0.1:0"),
        )
        workers = [
            start(
                f"worker-{number}",
                *("-m", "distributed.cli.dask_worker", address, "--nthreads", str(slots // PROCESSES)),
                *("--no-nanny", "--no-dashboard", "--memory-limit", "0", "--host", "127.0.0.1"),
                *("--local-directory", str(folder / f"worker-{number}")),
            )
            for number in range(PROCESSES)
        ]
        words = ["--client", address, "--sessions", str(count), "--seed", str(seed), "--slots", f"{slots}:{factor}"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        front = start("client", str(HERE / "scale.py"), *words, **pipes)
        assert front.stdin is not None
        assert front.stdout is not None
        if front.stdout.readline() != "begin\n":
            raise BenchmarkError(tail(folder))
        say(f"{slots} slots: scheduler {scheduler.pid}, client {front.pid}, workers {[one.pid for one in workers]}")
        load, whole, cpu = os.getloadavg()[0], psutil.cpu_times(), [cpu_of(one) for one in (scheduler, *workers)]
        if front.stdout.readline() != "end\n":
            raise BenchmarkError(tail(folder))
        used = [cpu_of(one) - before for one, before in zip((scheduler, *workers), cpu, strict=True)]
        after = psutil.cpu_times()
        memory, stolen = memory_of(scheduler.pid, "VmHWM"), stolen_tasks(address)
        front.stdin.write("\n")
        front.stdin.flush()
        said, _ = front.communicate()
        if front.returncode:
            raise BenchmarkError(tail(folder))
    figures = json.loads(said)
    durations = [
        once.seconds / factor for once in random.Random(seed).choices(pickle.loads(file.read_bytes()), k=count)
    ]
    return {
        **figures,
        "sessions": count,
        "slots": slots,
        "factor": factor,
        "bound": max(sum(durations) / slots, max(durations)),
        "longest_first": makespan(sorted(durations, reverse=True), slots),
        "scheduler_cpu": used[0],
        "scheduler_memory": memory,
        "workers_cpu": sum(used[1:]),
        "all_cpu": sum(after) - after.idle - after.iowait - (sum(whole) - whole.idle - whole.iowait),
        "stolen": stolen,
        "load": load,
    }


def cpu_of(process: subprocess.Popen[str]) -> float:
    """Return the CPU seconds of a process so far."""
    times = psutil.Process(process.pid).cpu_times()
    return times.user + times.system


def stolen_tasks(address: str) -> int:
    """Ask a scheduler how many tasks it has moved from one worker to another."""
    connect: Any = distributed.Client

    def count(dask_scheduler: Any = None) -> int:
        return int(dask_scheduler.extensions["stealing"].count)

    with connect(address, set_as_default=False) as asking:
        return int(asking.run_on_scheduler(count))


def tail(folder: Path) -> str:
    """Return the ends of all logs."""
    return "\n".join(f"{log.name}: {log.read_text(encoding='utf-8')[-1500:]}" for log in sorted(folder.glob("*.log")))


# -- two workers on this machine, and none -----------------------------------------------------------------------------


def overhead(key: str, rounds: int) -> dict[str, list[dict[str, float]]]:
    """Run the same work in this process and on workers in turn; what each run took."""
    samples: dict[str, list[dict[str, float]]] = {case: [] for case in CASES}
    with TemporaryDirectory(prefix="scale-") as name:
        folder = Path(name)
        words: tuple[str, ...] = ()
        if key == "own":
            write_own(folder)
            words = ("--without-services",)
        else:
            write_work(folder, Workload.named("1x1" if key == "one" else key), "match")
            run(folder, ("--update-baselines",))
        for number in range(rounds):
            for case in CASES if number % 2 == 0 else reversed(CASES):
                samples[case].append(run(folder, (*words, *CASES[case])))
            say(f"{TITLES[key]}: {[samples[case][-1] for case in CASES]}")
    return samples


def write_own(folder: Path) -> None:
    """Copy the project's own notebooks, with all that they are run by."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "notebooks", "baselines", "pyproject.toml"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for path in filter(None, listed.split("\0")):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(CHECKOUT / path, folder / path)


def run(folder: Path, words: Sequence[str]) -> dict[str, float]:
    """Run a project's notebooks once.

    Raises:
        BenchmarkError: not every picture matches (or was written).
    """
    load = os.getloadavg()[0]
    sample = measure([sys.executable, "-m", "widgetshot", "run", *words], folder, os.environ, memory=False)
    if sample.code:
        raise BenchmarkError(f"{folder.name} {words}: {(folder / 'log.txt').read_text(encoding='utf-8')[-3000:]}")
    return {"wall": sample.wall, "cpu": sample.cpu, "load": load}


# -- scale.md ----------------------------------------------------------------------------------------------------------


def table(results: Mapping[str, Any]) -> str:
    """scale.md."""
    lines = ["# 25,000 sessions on a Dask cluster", "", f"{results['machine']}.", ""]
    if rows := results.get("replay"):
        lines += [*replay_table(rows), "", meaning(rows), ""]
    if found := results.get("overhead"):
        lines += [*overhead_table(found), ""]
    return "\n".join([*lines, NOTES])


def replay_table(rows: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return what the way there and back costs."""
    cores = os.cpu_count() or 1
    times = [
        f"| {about(row)} | {row['factor']:g} | {row['bound']:.1f} | {row['longest_first']:.1f} "
        f"| {row['seconds']:.1f} | **{row['bound'] / row['seconds']:.1%}** | {row['sessions'] / row['seconds']:.0f} "
        f"| {row['submitted']:.1f} | {row['first']:.1f} | {row['stolen']:.0f} |"
        for row in rows.values()
    ]
    costs = [
        f"| {about(row)} | {row['scheduler_cpu']:.0f} | **{ms(row, 'scheduler_cpu'):.1f}** "
        f"| {row['scheduler_memory'] / 1e6:.0f} | {row['client_cpu']:.0f} | {ms(row, 'client_cpu'):.1f} "
        f"| {row['garbage']:.0f} | {row['client_memory'] / 1e6:.0f} "
        f"| {row['client_memory'] / row['sessions'] / 1e3:.1f} | {ms(row, 'workers_cpu'):.1f} "
        f"| {ours(row) / row['seconds'] / cores:.0%} | {row['all_cpu'] / row['seconds'] / cores:.0%} "
        f"| {row['load']:.1f} |"
        for row in rows.values()
    ]
    return [
        "## The way there and back",
        "",
        "`python benchmarks/scale.py --record RECORDED`, `--replay RECORDED`: sessions drawn from the 45 of the "
        "project's own notebooks, with their measured durations and their results, on a real scheduler and "
        f"{PROCESSES} worker processes of SLOTS / {PROCESSES} threads, whose sessions sleep. The bound is the sum of "
        "the durations over the slots; longest first is what a list schedule would reach that knows them all.",
        "",
        "| slots | sessions | durations divided by | bound, s | longest first, s | took, s "
        "| share of the bound | sessions a second | all submitted, s | first result, s | moved by the scheduler |",
        "|---:|" + "---:|" * 10,
        *times,
        "",
        "| slots | sessions | scheduler's CPU, s | ms a session | its peak memory, MB | client's CPU, s | ms a session "
        "| it looked for garbage, s | its memory over before, MB | kB a session | workers' CPU, ms a session "
        "| ours, of both processors | all, of both processors | load before |",
        "|---:|" + "---:|" * 13,
        *costs,
    ]


def about(row: Mapping[str, float]) -> str:
    return f"{row['slots']:.0f} | {row['sessions']:,.0f}"


def ms(row: Mapping[str, float], what: str) -> float:
    """Return the milliseconds that a session took of something."""
    return row[what] / row["sessions"] * 1000


def ours(row: Mapping[str, float]) -> float:
    """Return the CPU seconds of scheduler, client and workers."""
    return row["scheduler_cpu"] + row["client_cpu"] + row["workers_cpu"]


def meaning(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Return what the figures say of 5,000 notebooks on 20 machines."""
    row = max(rows.values(), key=lambda row: (row["sessions"], row["slots"]))
    mean = row["bound"] * row["slots"] * row["factor"] / row["sessions"]
    sessions, slots = 5_000 * 45 / 23, 20 * 4
    seconds = sessions * mean / slots
    rate = sessions / seconds
    scheduler, front = ms(row, "scheduler_cpu"), ms(row, "client_cpu")
    return (
        "## What that means for 5,000 notebooks on 20 machines\n\n"
        f"The project's notebooks have 45 sessions in 23 notebooks, of {mean:.1f} s on average: 5,000 like them have "
        f"{sessions:,.0f} sessions, {sessions * mean / 3600:.1f} hours one after the other. 20 machines with 4 at a "
        f"time each end {rate:.0f} sessions a second, and are done in {seconds / 60:.0f} minutes. The scheduler is "
        f"then busy for {rate * scheduler / 10:.0f} % of one processor, the client's executor for "
        f"{rate * front / 10:.0f} %. It takes {row['submitted'] / row['sessions'] * sessions:.1f} s to submit all of "
        f"them; the client holds {row['client_memory'] / row['sessions'] * sessions / 1e6:.0f} MB for them, and the "
        f"scheduler less than {row['scheduler_memory'] / 1e6:.0f} MB. With sessions of {mean:.1f} s the client, one "
        f"Python process, would be all busy with {1000 / front * mean:.0f} of them at a time, the scheduler with "
        f"{1000 / scheduler * mean:.0f}."
    )


def overhead_table(found: Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]]) -> list[str]:
    """Return what `--dask local:2` costs."""

    def median(key: str, case: str, what: str) -> float:
        return statistics.median(sample[what] for sample in found[key][case])

    lines = [
        "## `--dask local:2` on one machine",
        "",
        "`python benchmarks/scale.py --overhead`: medians of interleaved runs of `widgetshot run` and "
        "`widgetshot run --dask local:2`, all pictures matching.",
        "",
        "| what | pairs | wall here, s | on workers, s | ratio | CPU here, s | on workers, s | ratio | load before |",
        "|---|" + "---:|" * 8,
    ]
    for key in found:
        words = [
            f"{(here := median(key, 'here', what)):.2f} | {(there := median(key, 'dask', what)):.2f} "
            f"| {there / here:.2f}"
            for what in ("wall", "cpu")
        ]
        loads = [sample["load"] for samples in found[key].values() for sample in samples]
        lines.append(
            f"| {TITLES[key]} | {len(found[key]['here'])} | {' | '.join(words)} "
            f"| {min(loads):.1f} to {max(loads):.1f} |"
        )
    if {"one", "20x3"} <= found.keys():
        wall, cpu = (
            [median("20x3", case, what) - median("one", case, what) for case in CASES] for what in ("wall", "cpu")
        )
        lines += [
            "",
            f"Without what one trivial notebook takes, {TITLES['20x3']} take {wall[0]:.2f} s and {wall[1]:.2f} s "
            f"({wall[1] / wall[0]:.2f}), and {cpu[0]:.2f} s and {cpu[1]:.2f} s of CPU ({cpu[1] / cpu[0]:.2f}).",
        ]
    return lines


NOTES = """\
## Where it goes

The two processors do the work of client, scheduler and all workers, and are busy for most of the time. Dividing the
durations makes all that is not sleeping that many times larger: sessions of 8 slots take 0.1 s here, where they took
3.5 s. What a worker packs is packed once for all. Outside the figures: what a run does with a result once it has it
(the run folder, the gallery).

Dask is given as many sessions as there are slots, and one more for each worker. The state before gave it all of them at
once: of 25,000 sessions the first result came after 13.8 s instead of 0.9, the client held 458 MB instead of 100, the
scheduler 499 MB instead of 125. A process here stands for many workers and has one session more than slots all the
same, so that slots wait for a way there and back more often than those of real workers, which have few of them.

Most of the client's time is unpacking results in its threads, of which there are 5 for a session here, and Python's
look for garbage beside it. A third of what the scheduler does in the steady state is passing results on.

`--dask local:2`, measured before that: the start costs 2.1 s and 3.5 s of CPU, once: a scheduler, two workers and a
server and a browser for each. The project's own notebooks, 45 sessions, are within the goal of 1.15; 20 small notebooks
are not, even without that start. Others used the machine in all pairs (see the load).
"""


# -- the command -------------------------------------------------------------------------------------------------------


def _slots(text: str) -> tuple[int, float]:
    slots, _, factor = text.partition(":")
    if not slots.isdecimal() or not int(slots) or int(slots) % PROCESSES:
        raise argparse.ArgumentTypeError(f"{text!r} is not SLOTS:FACTOR with a multiple of {PROCESSES}")
    return int(slots), float(factor or 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", type=Path, metavar="RECORDED")
    parser.add_argument("--replay", type=Path, metavar="RECORDED")
    parser.add_argument("--sessions", type=int, default=25_000)
    parser.add_argument("--slots", type=_slots, nargs="+", default=[(8, 36.0), (32, 9.0), (128, 2.2)])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--overhead", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--own-rounds", type=int, default=2)
    parser.add_argument("--discard", action="store_true", help="write neither scale.json nor scale.md")
    parser.add_argument("--client", help=argparse.SUPPRESS)
    return parser.parse_args()


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    arguments = _arguments()
    # Ended in order: processes ended, folders removed.
    signal.signal(signal.SIGTERM, _stop)
    if arguments.client:
        return client(arguments.client, arguments.sessions, arguments.seed, arguments.slots[0][1])
    adopt_orphans()
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}

    def keep(part: str, found: Any) -> None:
        results["machine"] = machine()
        results[part] = found
        say(json.dumps(found, indent=1))
        if not arguments.discard:
            # After each part: the whole takes long, and what is measured is not to be lost.
            RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
            REPORT.write_text(table(results), encoding="utf-8")

    if arguments.record:
        arguments.record.write_bytes(pickle.dumps(asyncio.run(record(load_settings(CHECKOUT)))))
    if arguments.replay:
        for slots, factor in arguments.slots:
            found = replay(arguments.replay, slots, factor, arguments.sessions, arguments.seed)
            rows = {**results.get("replay", {}), f"{slots} slots, {arguments.sessions} / {factor:g}": found}
            keep("replay", dict(sorted(rows.items(), key=lambda row: (-row[1]["sessions"], row[1]["slots"]))))
    if arguments.overhead:
        for key in TITLES:
            rounds = arguments.own_rounds if key == "own" else arguments.rounds
            keep("overhead", {**results.get("overhead", {}), key: overhead(key, rounds)})
    return 0


if __name__ == "__main__":
    finish(main)
