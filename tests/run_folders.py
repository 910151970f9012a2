"""Run folders that the project's own writer made, whole and damaged."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from msgspec import structs

from builders import ENVIRONMENT, result_called
from widgetshot.documents import encode
from widgetshot.model import Quarantine, Result, RunEnd
from widgetshot.report.entry_json import Entry
from widgetshot.report.head import new_run
from widgetshot.report.history import History
from widgetshot.report.reader import read_run
from widgetshot.report.run_json import Run, summarise
from widgetshot.report.writer import RunWriter

QUARANTINE = Quarantine("flickers", date(2026, 12, 31))


def writer(folder: Path, repeat: int = 1, environment: str = ENVIRONMENT, history: History | None = None) -> RunWriter:
    return RunWriter(folder, root=folder.parent, environment=environment, repeat=repeat, history=history)


def finish(made: RunWriter, *results: Result, unused: list[str] | None = None) -> dict[str, Any]:
    for result in results:
        made.add(result)
    order = [result.key for result in results]
    fingerprints = {result.key.partition("/")[0]: {"browser": "1"} for result in results}
    end = RunEnd(complete=True, order=order, timings={"load": 0.5}, fingerprints=fingerprints, unused=unused)
    made.finish(end)
    return run_json(made.folder)


def run_of(*entries: Entry, repeat: int = 1) -> Run:
    """A run of these entries, in no folder."""
    return structs.replace(
        new_run(Path("project"), ENVIRONMENT, repeat), tests=list(entries), summary=summarise(entries, 1.0)
    )


def run_json(folder: Path) -> dict[str, Any]:
    """A folder's run as it was read, as plain JSON."""
    return dict(json.loads(encode(read_run(folder))))


def killed(folder: Path, cut: int = 0) -> Path:
    """A run that ended without `finish`, in the middle of a line when `cut` bytes of it are missing."""
    made = writer(folder)
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


def quarantined(verdict: str, name: str = "", *, over: bool = False) -> Result:
    """A result whose target has a quarantine, which is over or not."""
    result = result_called(verdict, name)
    target = replace(result.target, quarantine=QUARANTINE)
    return replace(result, target=target, quarantined=None if over else QUARANTINE)
