"""Whether a shot costs the same in a large suite as in a small one: time, CPU, memory, what is left behind.

    python benchmarks/growth.py [--targets 50 1000] [--shots 5] [--rounds 3] [--jobs 2]

Suites of ordinary widgets, as in suite.py, differ in the number of notebooks only. Each round runs each of them once,
the larger ones once in all. What a run costs without any notebook's work (server, browser, gallery's page) is
part of the figures: a small suite's shots bear more of it. Memory is the proportional set size of all processes,
sampled in a run that is not timed. The table goes to growth.md. The exit code is 1 when a shot of the largest suite
costs over 10 % more than one of the smallest, when a run takes over 1.2 GiB, or leaves a process or a temporary file.
"""

import argparse
import os
import statistics
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from measuring import BenchmarkError, Sample, adopt_orphans, finish, measure
from suite import Workload, machine, write_work

HERE = Path(__file__).parent
MOST_GROWTH = 1.1
MOST_BYTES = int(1.2 * 2**30)
LARGE = 300  # targets; larger suites are run once


def run(folder: Path, jobs: int, *, update: bool = False, memory: bool = False) -> Sample:
    """One run of the suite in `folder`.

    Raises:
        BenchmarkError: not every picture matches (or was written).
    """
    command = [sys.executable, "-m", "widgetshot", "run", "--jobs", str(jobs)]
    sample = measure([*command, *(["--update-baselines"] if update else [])], folder, os.environ, memory=memory)
    if sample.code:
        raise BenchmarkError(f"{folder.name}: widgetshot ended with {sample.code}")
    return sample


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", type=int, nargs="+", default=[50, 1000])
    parser.add_argument("--shots", type=int, default=5, help="of each notebook")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    adopt_orphans()
    timed: dict[int, list[Sample]] = {targets: [] for targets in options.targets}
    sampled: dict[int, Sample] = {}
    with TemporaryDirectory(prefix="growth-") as name:
        for targets in options.targets:
            folder = Path(name) / str(targets)
            folder.mkdir()
            write_work(folder, Workload.named(f"{targets // options.shots}x{options.shots}"), "match")
            run(folder, options.jobs, update=True)
        for number in range(options.rounds):
            for targets in options.targets:
                if number == 0 or targets < LARGE:
                    timed[targets].append(run(Path(name) / str(targets), options.jobs))
        for targets in options.targets:
            sampled[targets] = run(Path(name) / str(targets), options.jobs, memory=True)
    lines = [
        "# Growth",
        "",
        f"`{Path(sys.argv[0]).name} {' '.join(sys.argv[1:])}`".replace("`growth.py ", "`python benchmarks/growth.py ")
        + f", {machine()}. {options.shots} shots in each notebook, all matching, `--jobs {options.jobs}`.",
        "",
        "| targets | runs | wall, s | ms a shot | CPU, s | CPU ms a shot | peak memory, MB | processes left | temporary files left |",  # noqa: E501
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    each: dict[int, float] = {}
    faults = []
    for targets in options.targets:
        wall = statistics.median(sample.wall for sample in timed[targets])
        cpu = statistics.median(sample.cpu for sample in timed[targets])
        left = {entry for sample in timed[targets] for entry in (*sample.left, *sample.files)}
        memory = sampled[targets].memory
        each[targets] = wall / targets
        lines.append(
            f"| {targets} | {len(timed[targets])} | {wall:.1f} | {wall / targets * 1000:.0f} | {cpu:.1f} "
            f"| {cpu / targets * 1000:.0f} | {memory / 1e6:.0f} "
            f"| {max(len(sample.left) for sample in timed[targets])} "
            f"| {max(len(sample.files) for sample in timed[targets])} |"
        )
        if memory > MOST_BYTES:
            faults.append(f"{targets} targets took {memory / 2**30:.2f} GiB")
        if left:
            faults.append(f"{targets} targets left {', '.join(sorted(left))}")
    growth = each[max(each)] / each[min(each)]
    lines += ["", f"A shot of {max(each)} took {growth:.2f} times as long as one of {min(each)}."]
    if growth > MOST_GROWTH:
        faults.append(f"a shot of {max(each)} costs {growth:.2f} times one of {min(each)}")
    text = "\n".join(lines) + "\n"
    (HERE / "growth.md").write_text(text, encoding="utf-8")
    print(text, *(f"✗ {fault}" for fault in faults), sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    finish(main)
