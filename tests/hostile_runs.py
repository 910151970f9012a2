"""Run folders, decisions and sidecars that somebody has tampered with, and all that reads them.

    python tests/hostile_runs.py [--count 5000] [--seed 0]

Each case changes a good run folder, or the decisions on it, in one to three ways, and then does all that a reviewer may
do with it. Every answer has to be one of ours, within seconds, and nothing may be written but what was decided on.
The same seed gives the same cases. Without arguments it prints what came out of 5,000 of them.
"""

import argparse
import contextlib
import copy
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from types import FrameType
from typing import Any

from builders import ENVIRONMENT, MASK, VERDICTS, changed_picture, picture, result_called, result_of
from png_files import FOREIGN
from stores import files_of, in_folder
from widgetshot.baselines.access import Baselines
from widgetshot.errors import WidgetshotError
from widgetshot.files import encode_png, sha256
from widgetshot.model import Box, Result, RunEnd, Trace, TraceSpan
from widgetshot.png_form import png_size
from widgetshot.report.gallery import write_gallery
from widgetshot.report.merge import merge
from widgetshot.report.reader import read_run
from widgetshot.report.run_json import Run
from widgetshot.report.writer import RunWriter
from widgetshot.review.apply import apply_decisions
from widgetshot.review.approve import approve
from widgetshot.review.decisions import read_decisions
from widgetshot.review.requests import DecisionRequest, UndoRequest
from widgetshot.review.session import ReviewSession

MAX_BYTES = 6_000_000_000  # of memory
LONGEST_S = 20  # that a case may take, wherever it is run
GONE = object()
TEXTS = (
    "", "x", "..", "../../evil", "/etc/passwd", ".jupyter/x", "a\x00b", "\ud800", "pictures/../../evil.png", "C:/x",
    "</script><script>", "\x1b]0;x\x07", "x" * 20_000, "page-chromium-linux/notebooks/x/changed", "0" * 64,
    "2026-13-45T99:00:00Z", "constructor", "__proto__",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    *TEXTS, GONE, None, True, False, 0, -1, 1, 2, 1.5, 1e308, 2**53, 2**64, 10**30, [], {}, [None], [[[]]],
    [[0, 0, 1, 1]], [[0, 0, 9999, 9999]] * 3,
    {"x": {"y": []}}, {"..": 1}, {".clock": [[0, 0, 9999, 9999]]}, [0] * 20_000,
    "@1e999@", "@NaN@", "@deep@",
)  # fmt: skip
RAW = {'"@1e999@"': "1e999", '"@NaN@"': "NaN", '"@deep@"': "[" * 5_000 + "]" * 5_000}


class HungError(BaseException):
    """A case that did not come to its end; nobody catches it by mistake."""


@dataclass
class Scene:
    """A project with a good run, decisions on it and baselines, beside which lies what nobody may touch."""

    root: Path

    @property
    def report(self) -> Path:
        return self.root / "report"

    @property
    def decisions(self) -> Path:
        return self.root / "decisions.json"

    @property
    def baselines(self) -> Baselines:
        return in_folder(self.root / "baselines")

    def files(self) -> list[Path]:
        """The files of the run folder besides run.json."""
        return sorted(file for file in (self.report / "pictures").rglob("*") if file.is_file() or file.is_symlink())

    def outside(self) -> dict[str, bytes | str]:
        """All that is neither a run folder, nor a baseline, nor this checkout's own."""
        allowed = ("report", "merged", "baselines", ".widgetshot")
        found: dict[str, bytes | str] = {}
        for folder, folders, files in os.walk(self.root):
            if Path(folder) == self.root:
                folders[:] = [name for name in folders if name not in allowed]
            for name in (*folders, *files):
                path = Path(folder, name)
                regular = path.is_file() and not path.is_symlink()
                found[path.relative_to(self.root).as_posix()] = path.read_bytes() if regular else ""
        return found


def results() -> list[Result]:
    """One of each verdict, and those that have masks, and what was there."""
    masked = result_of("masked", changed_picture(), picture(), masks=(MASK,))
    assert masked.shot is not None
    broken = replace(
        result_called("broken", "seen"), seen=picture(), trace=Trace(1.0, cells=(TraceSpan("c0", 0.5, None),))
    )
    return [
        *map(result_called, VERDICTS), replace(masked, shot=replace(masked.shot, masks=((Box(1, 2, 3, 4),),))), broken,
    ]  # fmt: skip


def build(root: Path) -> Scene:
    """Make a good scene."""
    scene = Scene(root)
    root.mkdir(parents=True)
    for folder in ("report", "other"):
        writer = RunWriter(root / folder, root=root, environment=ENVIRONMENT)
        for result in results() if folder == "report" else [result_called("new", "elsewhere")]:
            writer.add(result)
        writer.finish(RunEnd(complete=True))
    for result in results():
        if result.baseline is not None:
            scene.baselines.write(result.key, result.baseline.data)
    (root / "victim").mkdir()
    (root / "victim" / "secret.png").write_bytes(encode_png(picture(7), optimise=False))
    (root / "victim" / "settings.json").write_text('{"secret": 1}')
    run = read_run(scene.report)
    decided = [
        {
            "key": entry.key, "verdict": "accept" if entry.verdict.acceptable else "reject", "comment": "",
            "baseline_sha256": entry.baseline_sha256, "shot_sha256": entry.shot_sha256,
            "sidecar_sha256": entry.sidecar_sha256, "time": "2026-01-31T12:00:00Z",
        }
        for entry in run.tests
    ]  # fmt: skip
    whole = {"format": 1, "run": run.id, "commit": run.commit, "reviewer": "A", "decisions": decided}
    scene.decisions.write_text(json.dumps(whole))
    # A record of decisions, as a run folder has it that was reviewed here.
    review = ReviewSession(scene.report, scene.baselines, root)
    review.decide([request_of(review, "broken", "reject")])
    return scene


def request_of(review: ReviewSession, shot: str, verdict: Any) -> DecisionRequest:
    (entry,) = [entry for entry in review.run.tests if entry.shot == shot]
    seen = (entry.shot_sha256, entry.baseline_sha256, entry.sidecar_sha256)
    return DecisionRequest(entry.key, verdict, *seen, 0)


# How a scene is tampered with ---------------------------------------------------------------------------------------


def mutated(whole: Any, chance: random.Random) -> Any:
    """JSON of which one member is another, is gone, has another name, or is there twice."""
    whole = copy.deepcopy(whole)
    node: Any = whole
    ways: list[tuple[Any, Any]] = []
    while isinstance(node, dict | list) and node and (not ways or chance.random() < 0.85):
        step = chance.choice(list(node)) if isinstance(node, dict) else chance.randrange(len(node))
        ways.append((node, step))
        node = node[step]
    if not ways:
        return chance.choice([value for value in VALUES if value is not GONE])
    parent, step = ways[-1]
    what = chance.random()
    if what < 0.1 and isinstance(parent, list):
        parent.append(copy.deepcopy(node))
    elif what < 0.15 and isinstance(parent, dict):
        parent[chance.choice(TEXTS)] = parent.pop(step)
    elif what < 0.3:
        other = chance.choice(ways)
        parent[step] = copy.deepcopy(
            other[0][chance.choice(list(other[0]))] if isinstance(other[0], dict) else other[0]
        )
    elif (value := chance.choice(VALUES)) is GONE:
        del parent[step]
    else:
        parent[step] = value
    return whole


def text_of(whole: Any) -> bytes:
    text = json.dumps(whole)
    for mark, raw in RAW.items():
        text = text.replace(mark, raw)
    return text.encode()


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Bytes some of which are others, are gone, or are new."""
    at = chance.randrange(len(data) + 1)
    match chance.randrange(4):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + chance.randbytes(chance.randrange(1, 20)) + data[at:]
        case 2:
            return data[:at] + data[at + chance.randrange(1, 200) :]
    flipped = bytearray(data or b"x")
    flipped[at % len(flipped)] ^= 1 << chance.randrange(8)
    return bytes(flipped)


def content(file: Path) -> bytes:
    """The bytes of a file that is still one.

    Raises:
        OSError: it is a link or a pipe by now, whose end would never come.
    """
    if file.is_symlink() or not file.is_file():
        raise OSError(f"{file} is no file any more")
    return file.read_bytes()


def change_json(file: Path, chance: random.Random) -> None:
    """Another member in a file of JSON; where it is none any more, other bytes."""
    data = content(file)
    try:
        whole = json.loads(data)
    except (ValueError, RecursionError):
        file.write_bytes(damaged(data, chance))
        return
    file.write_bytes(text_of(mutated(whole, chance)) if chance.random() < 0.9 else damaged(data, chance))


def change_run(scene: Scene, chance: random.Random) -> None:
    change_json(scene.report / "run.json", chance)


def change_decisions(scene: Scene, chance: random.Random) -> None:
    change_json(scene.decisions, chance)


def change_record(scene: Scene, chance: random.Random) -> None:
    file = scene.report / "review.json"
    if file.is_file():
        change_json(file, chance)


def change_journal(scene: Scene, chance: random.Random) -> None:
    """A run that was killed, with some lines that may be its own."""
    file = scene.report / "run.json"
    with contextlib.suppress(ValueError, TypeError, KeyError, IndexError, RecursionError):
        run = json.loads(content(file))
        lines = [text_of(mutated(test, chance) if chance.random() < 0.4 else test) for test in run["tests"]]
        keep = chance.randrange(len(lines) + 1)
        file.write_bytes(text_of(run | {"tests": run["tests"][:keep], "complete": False}))
        journal = scene.report / "journal.jsonl"
        journal.unlink(missing_ok=True)
        journal.write_bytes(b"\n".join(lines) + b"\n")


def change_file(scene: Scene, chance: random.Random) -> None:
    """A picture, a sidecar or a trace of other content, of which run.json mostly says the digest."""
    files = [file for file in scene.files() if file.is_file() and not file.is_symlink()]
    if not files:
        return
    file = chance.choice(files)
    data = content(file)
    if file.suffix == ".json":
        change_json(file, chance)
    elif chance.random() < 0.7:
        file.write_bytes(chance.choice(list(FOREIGN.values()))(data))
    else:
        file.write_bytes(
            chance.choice([damaged(data, chance), encode_png(picture(chance.randrange(1, 40)), optimise=False)])
        )
    if chance.random() < 0.8:
        run = scene.report / "run.json"
        run.write_bytes(content(run).replace(sha256(data).encode(), sha256(file.read_bytes()).encode()))


def change_kind(scene: Scene, chance: random.Random) -> None:
    """A file or a folder that is a link, a pipe, a folder, or is gone."""
    report = scene.report
    names = ("run.json", "review.json", "index.html", "journal.jsonl", "pictures", "previous", "server.log")
    path = chance.choice([*(report / name for name in names), *scene.files(), report / "pictures" / ENVIRONMENT])
    if path.is_dir() and not path.is_symlink():
        path.rename(scene.root / "victim" / f"moved-{chance.randrange(10**9)}")
    else:
        path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    match chance.randrange(8):
        case 0:
            path.symlink_to(scene.root / "victim" / "secret.png")
        case 1:
            path.symlink_to(scene.root / "victim")
        case 2:
            path.symlink_to(path.name)
        case 3:
            path.symlink_to("/dev/zero")
        case 4:
            path.symlink_to(chance.choice(scene.files() or [scene.decisions]))
        case 5:
            os.mkfifo(path)
        case 6:
            path.mkdir()


def change_key(scene: Scene, chance: random.Random) -> None:
    """A result of another name, wherever its name stands."""
    file = scene.report / "run.json"
    old = chance.choice(["changed", "new", "notebooks/x", ENVIRONMENT, "masked"])
    new = chance.choice([text for text in TEXTS if "\ud800" not in text])
    file.write_bytes(content(file).replace(old.encode(), json.dumps(new)[1:-1].encode()))


CHANGES: dict[Callable[[Scene, random.Random], None], int] = {
    change_run: 8, change_decisions: 5, change_file: 6, change_kind: 4, change_journal: 2, change_record: 2,
    change_key: 2,
}  # fmt: skip


# What a reviewer does with it -----------------------------------------------------------------------------------------


def look(scene: Scene) -> None:
    write_gallery(scene.report)


def merge_with_another(scene: Scene) -> None:
    merge([scene.report, scene.root / "other"], scene.root / "merged")
    write_gallery(scene.root / "merged")


def approve_all(scene: Scene) -> None:
    approve(scene.report, scene.baselines, everything=True)


def approve_decisions(scene: Scene) -> None:
    apply_decisions(
        scene.report, scene.baselines, read_decisions(content(scene.decisions), "decisions.json"), "decisions.json"
    )


def review_live(scene: Scene) -> None:
    review = ReviewSession(scene.report, scene.baselines, scene.root)
    review.counts()
    before = files_of(scene.baselines)
    problem: WidgetshotError | None = None
    for entry in review.open_results():
        if not entry.verdict.acceptable:
            continue
        seen = (entry.shot_sha256, entry.baseline_sha256, entry.sidecar_sha256)
        version = known.version if (known := review.state().decisions.get(entry.key)) else 0
        try:
            review.decide([DecisionRequest(entry.key, "accept", *seen, version)])
            review.undo([UndoRequest(entry.key, review.state().decisions[entry.key].version)])
        except WidgetshotError as error:
            problem = error
    assert files_of(scene.baselines) == before, "undo lost something"
    if problem is not None:
        raise problem


ACTIONS = (look, merge_with_another, review_live, approve_decisions, approve_all)


# Cases ----------------------------------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """What came of some cases: how many answers of each kind there were, and what was wrong."""

    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slowest: float = 0.0


@contextlib.contextmanager
def in_time(seconds: int) -> Iterator[None]:
    def hung(_: int, __: FrameType | None) -> None:
        raise HungError

    old = signal.signal(signal.SIGALRM, hung)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)


def try_case(scene: Scene, chance: random.Random, name: str, outcome: Outcome) -> None:
    """Tamper with a good scene, do all that can be done with it, and note what is wrong."""
    chosen = chance.choices(list(CHANGES), list(CHANGES.values()), k=chance.choice((1, 1, 2, 3)))
    for change in chosen:
        with contextlib.suppress(OSError):  # what an earlier change has taken away
            change(scene, chance)
    case = f"{name} ({', '.join(change.__name__ for change in chosen)})"
    outside, approved = scene.outside(), files_of(scene.baselines)
    for action in ACTIONS:
        begin = perf_counter()
        try:
            with in_time(LONGEST_S):
                action(scene)
            answer = "done"
        except WidgetshotError as error:
            answer = type(error).__name__
            if not str(error) or len(str(error)) > 20_000:
                outcome.wrong.append(f"{case}: {action.__name__}: the error has {len(str(error))} characters")
        except HungError:
            answer = "hung"
        except BaseException as error:
            answer = f"traceback: {type(error).__name__}: {error!s:.300}"
        outcome.answers[f"{action.__name__}: {answer.partition(':')[0]}"] += 1
        outcome.slowest = max(outcome.slowest, perf_counter() - begin)
        if answer.startswith(("traceback", "hung")):
            outcome.wrong.append(f"{case}: {action.__name__}: {answer}")
    if scene.outside() != outside:
        outcome.wrong.append(f"{case}: something was written outside")
    outcome.wrong += [f"{case}: {problem}" for problem in stored_wrongly(scene, approved)]


def stored_wrongly(scene: Scene, before: dict[str, Any]) -> Iterator[str]:
    """Yield which baseline is neither what it was nor what a valid result of the run is."""
    store = scene.baselines
    after = files_of(store)
    changed = {key for key in after if after[key] != before.get(key)}
    if missing := before.keys() - after.keys():
        yield f"{missing} are gone"
    if not changed:
        return
    run: Run = read_run(scene.report)
    for key in changed:
        entries = [entry for entry in run.tests if entry.key == key]
        picture_file = after[key].picture
        if len(entries) != 1 or picture_file is None or sha256(picture_file) != entries[0].shot_sha256:
            yield f"{key} is no picture of the run"
            continue
        png_size(picture_file)
        stored = store.read(key)
        told = {mask.place: [list(box) for box in mask.boxes] for mask in entries[0].masks}
        if stored is None or {place: [box.as_list() for box in boxes] for place, boxes in stored.masks.items()} != told:
            yield f"{key} has other masks than were shown"


def try_cases(folder: Path, count: int, seed: int) -> Outcome:
    """Try cases in a private folder, which is empty again afterwards."""
    template, outcome = build(folder / "template"), Outcome()
    for number in range(count):
        scene = Scene(folder / "case")
        shutil.copytree(template.root, scene.root, symlinks=True)
        try_case(scene, random.Random(f"{seed}/{number}"), f"seed {seed}, case {number}", outcome)
        shutil.rmtree(scene.root)
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    # What eats memory without end is a fault of ours, and must not be one of the machine.
    resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
    begin = perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        outcome = try_cases(Path(folder), options.count, options.seed)
    print(f"{options.count} cases of seed {options.seed} in {perf_counter() - begin:.0f} s")
    for answer, count in sorted(outcome.answers.items()):
        print(f"  {count:6} {answer}")
    print(f"slowest answer: {outcome.slowest:.2f} s")
    print("\n".join(outcome.wrong) if outcome.wrong else "0 tracebacks, 0 hung, 0 writes outside, 0 wrong baselines")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
