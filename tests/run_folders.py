"""Run folders that the project's own writer made, whole and damaged."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from builders import ENVIRONMENT, result_called
from widgetshot.model import Quarantine, Result
from widgetshot.report.history import History
from widgetshot.report.record import Recorder, read_run

QUARANTINE = Quarantine("flickers", date(2026, 12, 31))


def recorder(folder: Path, repeat: int = 1) -> Recorder:
    return Recorder(folder, root=folder.parent, environment=ENVIRONMENT, repeat=repeat)


def finish(
    made: Recorder, *results: Result, unused: list[str] | None = None, history: History | None = None
) -> dict[str, Any]:
    for result in results:
        made.add(result)
    order = [result.key for result in results]
    made.finish(
        order, complete=True, timings={"load": 0.5}, fingerprint={"browser": "1"}, unused=unused, history=history
    )
    return read_run(made.folder)


def killed(folder: Path, cut: int = 0) -> Path:
    """A run that ended without `finish`, in the middle of a line when `cut` bytes of it are missing."""
    made = recorder(folder)
    made.add(result_called("match"))
    made.add(replace(result_called("changed"), sentence="1 → 2"))
    journal = folder / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[: -cut or None])
    return folder


def tree(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def edited(folder: Path, **fields: Any) -> Path:
    run = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(run | fields))
    return folder


def quarantined(verdict: str, *, over: bool = False) -> Result:
    """A result whose target has a quarantine, which is over or not."""
    result = result_called(verdict)
    target = replace(result.target, quarantine=QUARANTINE)
    return replace(result, target=target, quarantined=None if over else QUARANTINE)
