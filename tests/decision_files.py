"""A project with a run folder of every verdict, and decisions on it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from builders import ENVIRONMENT, VERDICTS, result_called
from stores import in_folder
from widgetshot.model import Repeat, RunEnd
from widgetshot.report.reader import read_run
from widgetshot.report.writer import RunWriter

RESULTS = {verdict: result_called(verdict) for verdict in VERDICTS} | {
    "varied": replace(result_called("unstable", "varied"), repeat=Repeat(5, (3, 2), 1))
}


KEY = {name: result.key for name, result in RESULTS.items()}


Json = dict[str, Any]


def build(root: Path) -> Path:
    """A project with baselines and a run folder of every verdict."""
    baselines = in_folder(root / "baselines")
    for result in RESULTS.values():
        if result.baseline is not None:
            baselines.write(result.key, result.baseline.data)
    writer = RunWriter(root / "widgetshot-report", root=root, environment=ENVIRONMENT)
    for result in RESULTS.values():
        writer.add(result)
    writer.finish(RunEnd(complete=True))
    return root


def decision(root: Path, name: str, verdict: str = "accept", **members: Any) -> Json:
    (entry,) = [test for test in read_run(root / "widgetshot-report").tests if test.shot == name]
    return {
        "key": entry.key,
        "verdict": verdict,
        "baseline_sha256": entry.baseline_sha256,
        "shot_sha256": entry.shot_sha256,
        "sidecar_sha256": entry.sidecar_sha256,
        "comment": "",
        "time": "2026-01-31T12:00:00.000Z",
    } | members


def document(root: Path, *decisions: Json, **members: Any) -> Json:
    """A decisions file; by default it accepts two results and rejects one."""
    run = read_run(root / "widgetshot-report")
    chosen = list(decisions) or [
        decision(root, "changed"),
        decision(root, "resized", "reject", comment="too tall"),
        decision(root, "new"),
    ]
    return {
        "format": 1, "run": run.id, "commit": run.commit, "reviewer": "A. Reviewer", "decisions": chosen,
    } | members  # fmt: skip


def shot_of(root: Path, name: str) -> bytes:
    return (root / "widgetshot-report" / "pictures" / f"{KEY[name]}.shot.png").read_bytes()


def baseline_file(root: Path, name: str) -> Path:
    return root / "baselines" / f"{KEY[name]}.png"


def fenced(text: str) -> str:
    return f"Thanks, I looked at {{all}} of them:\n\n```json\n{text}\n```\n\nThe `resized` one is {{too}} tall.\n"
