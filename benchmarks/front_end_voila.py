"""20 notebooks with 3 pictures each through `frontend: voila`, beside Voila and Playwright as a user would write it.

    python benchmarks/front_end_voila.py [--rounds 3] [--jobs 2] [--workload 20x3] [--discard]

The work, the peer and what counts as done are those of suite.py: each contender first makes its own baselines; then, in
turn and in every round, each does the whole work in a fresh process: start, execute, capture, compare, shut down, and
must find that all match. front_end_voila.md is written from the medians; with --discard nothing is. The exit
code is 1 when ours is less than twice as fast. Linux only: see measuring.py.
"""

import argparse
import random
import statistics
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from measuring import BenchmarkError, Sample
from suite import OURS, Contender, Workload, check_pictures, machine, make_contenders, say, write_work

REPORT = Path(__file__).with_suffix(".md")
PEER = "voila"
LEAST = 2.0  # times faster
_PROJECT = '[tool.widgetshot]\nnotebooks = ["notebooks"]\nfrontend = "voila"\n'


def prepare(contender: Contender, workload: Workload) -> None:
    write_work(contender.folder, workload, "match")
    if contender.name == OURS:
        (contender.folder / "pyproject.toml").write_text(_PROJECT, encoding="utf-8")


def measured(workload: Workload, rounds: int, jobs: int) -> dict[str, list[Sample]]:
    """Run both in turn; contender -> its rounds.

    Raises:
        BenchmarkError: one of them found a change, or shows no widgets.
    """
    samples: dict[str, list[Sample]] = {OURS: [], PEER: []}
    with TemporaryDirectory(prefix="voila-") as name:
        contenders = make_contenders(Path(name), [(PEER, 1)], jobs)
        for contender in contenders:
            prepare(contender, workload)
            say(f"baselines {contender.title}: {contender.run(update=True).wall:.2f} s")
            check_pictures(contender, workload.notebooks * workload.shots)
        order = random.Random(1)
        for number in range(1, rounds + 1):
            for contender in order.sample(contenders, len(contenders)):
                prepare(contender, workload)
                sample = contender.run()
                say(f"{number} {contender.title}: {sample.wall:.2f} s, CPU {sample.cpu:.2f} s")
                if found := contender.found():
                    raise BenchmarkError(f"{contender.title} found {found} changed")
                samples[contender.name].append(sample)
    return samples


def report(workload: Workload, samples: dict[str, list[Sample]], jobs: int) -> tuple[str, float]:
    """Return the text of voila.md, and how many times faster ours is."""
    walls = {name: statistics.median(one.wall for one in taken) for name, taken in samples.items()}
    cpus = {name: statistics.median(one.cpu for one in taken) for name, taken in samples.items()}
    factor = walls[PEER] / walls[OURS]
    titles = {OURS: f"widgetshot, `frontend: voila`, {jobs} at a time", PEER: "Voila and Playwright, a fresh page each"}
    rows = "\n".join(
        f"| {titles[name]} | {len(taken)} | {walls[name]:.2f} | "
        f"{min(one.wall for one in taken):.2f} to {max(one.wall for one in taken):.2f} | {cpus[name]:.2f} |"
        for name, taken in samples.items()
    )
    stages = samples[OURS][-1].stages
    spent = ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in stages.items())
    command = f"python benchmarks/front_end_voila.py --rounds {len(samples[OURS])} --jobs {jobs}"
    text = f"""# Pictures of Voila

`{command} --workload {workload.name}`: {machine()}.

{workload.name.replace("x", " notebooks x ")} pictures, all matching, in turn; medians.
The peer is `voila` of [suite.md](suite.md).

| contender | rounds | wall, s | from, to | CPU, s |
|---|---:|---:|---|---:|
{rows}

Ours is {factor:.1f} times as fast. Its stages in the last round, in seconds, summed over notebooks: {spent}.
"""
    return text, factor


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--workload", type=Workload.named, default=Workload.named("20x3"))
    parser.add_argument("--discard", action="store_true")
    arguments = parser.parse_args()
    samples = measured(arguments.workload, arguments.rounds, arguments.jobs)
    text, factor = report(arguments.workload, samples, arguments.jobs)
    print(text)
    if not arguments.discard:
        REPORT.write_text(text, encoding="utf-8")
    return int(factor < LEAST)


if __name__ == "__main__":
    sys.exit(main())
