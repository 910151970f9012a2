"""Results <-> Run folder. The format is described in docs/reference/run-folder.md."""

import html
import json
import os
import platform
import re
import secrets
import shlex
import shutil
import string
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from widgetshot import __version__
from widgetshot.baselines.sidecar import describe, encode_description
from widgetshot.errors import ConfigError, RecordError, one_line
from widgetshot.files import encode_palette, encode_png, sha256, write_atomically
from widgetshot.model import Result, ServiceUsage, Spent, Verdict
from widgetshot.report.history import History
from widgetshot.verdict.diff_picture import PALETTE
from widgetshot.verdict.grouping import change_group

FORMAT = 1
JOURNAL = "journal.jsonl"
WORKERS = "workers"  # run folders of pytest-xdist's workers, until they are merged
REVIEW = "review.json"  # the decisions taken on this run so far
PREVIOUS = "previous"  # files of baselines that these decisions replaced
_OWN = ("run.json", "index.html", JOURNAL, "pictures", WORKERS, REVIEW, PREVIOUS)
# Seconds between two writes of run.json while a run goes on; what came since is in the journal.
_INTERVAL = 1.0


def shot_bytes(result: Result) -> bytes:
    """The PNG file of a result's shot: what a person reviews, and what becomes the baseline, byte for byte."""
    assert result.shot is not None
    if result.baseline is not None and np.array_equal(result.shot.pixels, result.baseline.pixels):
        # Equal outside of its masks is not enough for that: what was captured is kept as it was.
        return result.baseline.data
    return encode_png(result.shot.pixels, optimise=result.verdict.acceptable or result.updated)


def clear(folder: Path) -> None:
    """Make a run folder empty, or make it; nothing that is not ours is removed.

    Raises:
        ConfigError: the folder holds other things than a run.
        RecordError: it can't be made or emptied.
    """
    try:
        _refuse_foreign(folder)
        folder.mkdir(parents=True, exist_ok=True)
        # run.json goes last: without it the folder would not be known as ours any more.
        for name in sorted(_OWN, key="run.json".__eq__):
            path = folder / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise RecordError(
            f"the run folder can't be written: {error}",
            where=str(folder),
            next_step="choose another folder for the report",
        ) from error


def _refuse_foreign(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()) and not _is_run(folder / "run.json"):
        raise ConfigError(
            f"the folder {folder} holds other things than a run", next_step="choose another folder for the report"
        )


def _is_run(file: Path) -> bool:
    try:
        run = json.loads(file.read_bytes())
        return bool(run["tool"]["name"] == "widgetshot")
    except (OSError, ValueError, KeyError, TypeError):
        return False


class Recorder:
    """Writes a run folder while the run goes on. Usable from several threads.

    When the disk is full or the folder vanishes, the run goes on without it: `failure` says why.

    Raises:
        ConfigError: the folder holds other things than a run.
        RecordError: it can't be made.
    """

    def __init__(self, folder: Path, *, root: Path, environment: str, repeat: int = 1) -> None:
        self.folder = folder
        self.failure: RecordError | None = None
        self.run: dict[str, Any] = {}
        self.durations: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._entries: dict[str, dict[str, Any]] = {}
        self._begin = self._written = perf_counter()
        now = datetime.now(UTC)
        self._head: dict[str, Any] = {
            "format": FORMAT,
            "id": f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
            "tool": {"name": "widgetshot", "version": __version__},
            "project": root.name,
            "commit": _commit(root),
            "started": now.isoformat(timespec="seconds"),
            "repeat": repeat,
            "merged": None,
            "changed": None,
            "suite": None,
            "skipped": [],
            "environment": {
                "name": environment,
                "python": platform.python_version(),
                "platform": platform.platform(),
                "fingerprint": {},
            },
        }
        clear(folder)
        self._write_run(complete=False)

    def only_changed(self, not_run: Mapping[str, str], ran: Mapping[str, str], refused: str) -> None:
        """Record what `--changed` left out, and why it did not leave out the rest.

        Args:
            not_run: key of each target that was left out -> when it passed, ISO 8601.
            ran: each session that is run -> why.
            refused: why everything is run, or "".
        """
        self._head["changed"] = {
            "not_run": [{"key": key, "passed": passed} for key, passed in not_run.items()],
            "ran": [{"name": name, "why": why} for name, why in ran.items()],
            "refused": refused or None,
        }
        with self._lock:
            self._write_run(complete=False)

    def measured(self, test: str, name: str, seconds: float) -> None:
        """Record how long a named part of a Python test took."""
        with self._lock:
            self.durations.append({"test": test, "name": name, "seconds": round(seconds, 6)})

    def selected(self, suite: str, left_out: int, skipped: Mapping[str, str]) -> None:
        """Record what was not asked for, or can't be had.

        Args:
            suite: the marker that all targets of the run carry, or "".
            left_out: how many targets don't.
            skipped: path of each notebook that is skipped -> why.
        """
        self._head["suite"] = {"name": suite, "left_out": left_out} if suite else None
        self._head["skipped"] = [{"notebook": path, "reason": why} for path, why in skipped.items()]

    def add(self, result: Result, shot: bytes | None = None) -> None:
        """Record one result with its pictures.

        Args:
            shot: the shot's file, if it is encoded already.
        """
        entry = _entry(result)
        try:
            self._add_pictures(result, entry, shot)
        except OSError as error:
            self._fail(error)
        with self._lock:
            self._entries[result.key] = entry
            try:
                with (self.folder / JOURNAL).open("ab") as journal:
                    journal.write(_json(entry) + b"\n")
            except OSError as error:
                self._fail(error)
            if perf_counter() - self._written > _INTERVAL:
                self._write_run(complete=False)

    def _add_pictures(self, result: Result, entry: dict[str, Any], shot: bytes | None) -> None:
        pictures: dict[str, tuple[bytes, tuple[int, ...]]] = {}
        if result.shot is not None:
            pictures["shot"] = (shot or shot_bytes(result), result.shot.pixels.shape)
            if result.shot.second is not None:
                second = result.shot.second
                pictures["second"] = (encode_png(second, optimise=False), second.shape)
        if result.baseline is not None and result.verdict is not Verdict.MATCH:
            pictures["baseline"] = (result.baseline.data, result.baseline.pixels.shape)
        if result.comparison is not None and result.comparison.diff is not None:
            diff = result.comparison.diff
            pictures["diff"] = (encode_palette(diff, PALETTE), diff.shape)
        base = self.folder / "pictures" / result.key
        base.parent.mkdir(parents=True, exist_ok=True)
        for kind, (data, shape) in pictures.items():
            path = base.with_name(f"{base.name}.{kind}.png")
            write_atomically(path, data)
            entry["pictures"][kind] = {
                "path": path.relative_to(self.folder).as_posix(),
                "sha256": sha256(data),
                "width": shape[1],
                "height": shape[0],
            }
        if result.shot is not None and result.verdict.acceptable:
            text = encode_description(describe(result))
            write_atomically(base.with_name(f"{base.name}.shot.json"), text)
            entry["pictures"]["shot"]["sidecar_sha256"] = sha256(text)

    def finish(
        self,
        order: Sequence[str],
        *,
        complete: bool,
        timings: Mapping[str, float],
        fingerprint: Mapping[str, Any],
        spent: Mapping[str, Spent] | None = None,
        unused: Iterable[str] | None = None,
        history: History | None = None,
        services: Mapping[str, ServiceUsage] | None = None,
    ) -> None:
        """Write the final run.json.

        Args:
            order: keys in the order in which they were declared.
            complete: false when the run was stopped.
            timings: seconds of each stage, over all notebooks.
            spent: the time that went into each notebook.
            unused: baselines that no notebook declares; None when that is not known.
            history: of earlier runs; gets this one too.
            services: those that were started, by name.
        """
        with self._lock:
            if history is not None:
                history.note(self._entries.values(), self._head["started"], self._head["commit"])
            place = {key: index for index, key in enumerate(order)}
            self._entries = dict(sorted(self._entries.items(), key=lambda item: place.get(item[0], len(place))))
            self._head["environment"]["fingerprint"] = dict(fingerprint)
            self._head["unused"] = None if unused is None else sorted(unused)
            self._head["notebooks"] = _notebooks(spent or {})
            self._head["services"] = _services(services or {})
            self._head["durations"] = self.durations
            self._write_run(complete=complete, timings=timings)
            if self.failure is None:
                (self.folder / JOURNAL).unlink(missing_ok=True)

    def _write_run(self, *, complete: bool, timings: Mapping[str, float] | None = None) -> None:
        run = self._head | {"complete": complete}
        run |= {"timings": {stage: round(seconds, 4) for stage, seconds in (timings or {}).items()}}
        run.setdefault("notebooks", [])
        run.setdefault("services", [])
        run.setdefault("durations", [])
        run.setdefault("unused", None)
        run |= _body(list(self._entries.values()), perf_counter() - self._begin)
        self.run = run
        try:
            write_atomically(self.folder / "run.json", _document(run))
            self._written = perf_counter()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        if self.failure is None:
            self.failure = RecordError(
                f"the run folder can't be written: {error.strerror or error}",
                where=str(self.folder),
                next_step="free some space, or choose another folder for the report (--report)",
            )


def _notebooks(spent: Mapping[str, Spent]) -> list[dict[str, Any]]:
    """`notebooks[]` of run.json: the slowest first."""
    slowest = sorted(spent.items(), key=lambda item: (-item[1].seconds, item[0]))
    return [
        {
            "notebook": path,
            "seconds": round(one.seconds, 4),
            "timings": {stage: round(seconds, 4) for stage, seconds in one.stages.items()},
        }
        for path, one in slowest
    ]


def _services(services: Mapping[str, ServiceUsage]) -> list[dict[str, Any]]:
    """`services[]` of run.json: the slowest first."""
    slowest = sorted(services.items(), key=lambda item: (-item[1].seconds, item[0]))
    return [
        {
            "name": name,
            "seconds": round(one.seconds, 4),
            "instances": one.instances,
            "elsewhere": one.elsewhere,
        }
        for name, one in slowest
    ]


def _body(entries: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    verdicts = {verdict.value: 0 for verdict in Verdict}
    for entry in entries:
        verdicts[entry["verdict"]] += 1
    statuses = Counter(entry["status"] for entry in entries)
    summary = {
        "total": len(entries),
        "passed": statuses["passed"],
        "failed": statuses["failed"],
        "quarantined": statuses["quarantined"],
        "updated": sum(entry["updated"] for entry in entries),
        "duration_seconds": round(seconds, 3),
        "verdicts": verdicts,
    }
    return {"summary": summary, "tests": entries}


def _entry(result: Result) -> dict[str, Any]:
    target, shot, comparison, failure = result.target, result.shot, result.comparison, result.failure
    boxes = shot.masks if shot is not None else ((),) * len(target.masks)
    return {
        "key": result.key,
        "name": target.nodeid,
        "notebook": target.notebook,
        "shot": target.shot,
        "variant": target.variant,
        "status": result.status,
        "verdict": result.verdict.value,
        "updated": result.updated,
        "sentence": result.sentence,
        "duration": round(result.duration, 4),
        "error": None
        if failure is None
        else {"type": failure.kind, "message": failure.message, "next": failure.next_step},
        "source": target.source,
        "markers": list(target.markers),
        "tolerance": target.tolerance.words(comparison.rule if comparison else target.tolerance.rule(True)),
        "quarantine": None
        if target.quarantine is None
        else {
            "reason": target.quarantine.reason,
            "until": target.quarantine.until.isoformat(),
        },
        "history": [],
        "flaky": False,
        "repeat": None
        if result.repeat is None
        else {"runs": result.repeat.runs, "distinct": result.repeat.distinct, "counts": list(result.repeat.counts)},
        "theme": target.theme,
        "viewport": [target.viewport.width, target.viewport.height],
        "masks": [
            {"reason": mask.reason, "selector": mask.selector, "boxes": [box.as_list() for box in found]}
            for mask, found in zip(target.masks, boxes, strict=True)
        ],
        "metrics": {
            "changed_pixels": comparison.changed if comparison else None,
            "changed_share": comparison.share if comparison else None,
            "regions": [box.as_list() for box in comparison.regions] if comparison else [],
            "rule": comparison.rule.value if comparison else None,
            "change_group": _change_group(result),
            "bands": [
                {"inserted": band.inserted, "y": band.y, "at": band.at, "height": band.height}
                for band in (comparison.bands if comparison else ())
            ],
            "timings": {stage: round(seconds, 4) for stage, seconds in (shot.timings if shot else {}).items()},
        },
        "traits": [
            {"widget": change.widget, "trait": change.trait, "before": change.before, "after": change.after}
            for change in result.traits
        ],
        "renderer": list(result.renderer),
        "console": list(result.console),
        "blocked": list(result.blocked),
        "fingerprint": dict(result.fingerprint),
        "baseline_fingerprint": dict(result.baseline.fingerprint) if result.baseline else None,
        "baseline_sha256": result.baseline.sha256 if result.baseline else None,
        "pictures": {"shot": None, "baseline": None, "diff": None, "second": None},
    }


def _change_group(result: Result) -> str | None:
    if not result.verdict.acceptable or not (result.baseline and result.shot and result.comparison):
        return None
    return change_group(result.baseline.pixels, result.shot.pixels, result.comparison)


def _json(value: Any) -> bytes:
    # A notebook may hold half a surrogate pair, which is no UTF-8; the escape is what JSON writes for it.
    return json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace")


def _document(run: Mapping[str, Any]) -> bytes:
    """run.json: a line for each part of it and for each test.

    With an indentation for everything json takes more than twice as long, because that part of it is not written in C.
    """
    lines = []
    for name, value in run.items():
        text = b"[\n" + b",\n".join(map(_json, value)) + b"\n]" if name == "tests" and value else _json(value)
        lines.append(_json(name) + b": " + text)
    return b"{\n" + b",\n".join(lines) + b"\n}\n"


def read_run(folder: Path) -> dict[str, Any]:
    """The run of a folder, as `run.json` describes it; of a killed run, what was finished.

    Raises:
        RecordError: the folder holds no run, one of a format this version doesn't know, or one that names files
            outside of it.
    """
    try:
        run = json.loads((folder / "run.json").read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise RecordError(f"holds no readable run: {error}", where=str(folder), next_step="widgetshot run") from error
    if not isinstance(run, dict) or run.get("format") != FORMAT:
        raise RecordError(
            f"is of format {run.get('format') if isinstance(run, dict) else None!r}; this version reads {FORMAT}",
            where=str(folder / "run.json"),
            next_step="use the version of widgetshot that wrote it",
        )
    try:
        if not run["complete"]:
            entries = {entry["key"]: entry for entry in run["tests"]} | _journal(folder / JOURNAL)
            run |= _body(list(entries.values()), run["summary"]["duration_seconds"])
        for entry in run["tests"]:
            _check_paths(entry, folder)
    except (KeyError, TypeError, AttributeError) as error:
        raise RecordError(
            f"is not a whole run: {error!r}", where=str(folder / "run.json"), next_step="widgetshot run"
        ) from error
    return run


def _journal(file: Path) -> dict[str, Any]:
    """Entries of a run that was not finished."""
    entries: dict[str, Any] = {}
    if file.is_file():
        for line in file.read_bytes().split(b"\n"):
            try:
                entry = json.loads(line)
            except ValueError:
                break  # the end, or the line that was being written when the run was killed
            entries[entry["key"]] = entry
    return entries


def _check_paths(entry: Mapping[str, Any], folder: Path) -> None:
    """A run folder may come from somebody else's machine: what it names must be in it."""
    pictures = folder.resolve() / "pictures"
    paths = [picture["path"] for picture in entry["pictures"].values() if picture is not None]
    for path in [*paths, f"pictures/{entry['key']}"]:
        if not (folder.resolve() / path).resolve().is_relative_to(pictures):
            raise RecordError(f"names a file outside of the folder: {path!r}", where=str(folder / "run.json"))


def merge(
    folders: Sequence[Path],
    target: Path,
    *,
    workers: bool = False,
    order: Sequence[str] = (),
    unused: list[str] | None = None,
    history: History | None = None,
) -> dict[str, Any]:
    """Make one run folder of several, such as those of CI's shards, or of pytest-xdist's workers.

    Of a key in several runs the entry that failed is kept, else the last one. The new run's id is made from the ids
    of its runs: the same runs give the same id, so decisions on it hold when they are merged again.

    Args:
        target: an older run in it is replaced, once everything is known to be right.
        workers: these are parts of one run, which need not be told.
        unused: None for those that all the runs name.
        history: of earlier runs; gets this one too.

    Returns:
        The merged run, as `read_run` gives it.

    Raises:
        ConfigError: the target is one of the folders, or holds other things than a run.
        RecordError: a folder is unreadable, or runs of several projects or commits are mixed.
    """
    runs = [(folder, read_run(folder)) for folder in folders]
    if not runs:
        raise RecordError("nothing to merge", where=str(target))
    try:
        _refuse_mixture(runs, target)
        _refuse_foreign(target)
        chosen, shared = _worst_entries(runs)
        place = {key: index for index, key in enumerate(order)}
        entries = sorted((entry for _, entry in chosen.values()), key=lambda entry: place.get(entry["key"], len(place)))
        merged = _merged_head([run for _, run in runs])
        merged["changed"] = _merged_changes([run for _, run in runs], chosen)
        if not workers:
            merged["merged"] = {"runs": [run["id"] for _, run in runs], "shared_keys": shared}
        lists = [run["unused"] for _, run in runs]
        if unused is None and None not in lists:
            unused = sorted(set(lists[0]).intersection(*lists))
        seconds = max(run["summary"]["duration_seconds"] for _, run in runs)
        merged |= {"unused": unused, **_body(entries, seconds)}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecordError(
            f"one of the runs is damaged: {error!r}", where=str(target), next_step="widgetshot run"
        ) from error
    except OSError as error:
        raise RecordError(f"can't be read: {error}", where=str(target)) from error
    if history is not None:
        history.note(entries, merged["started"], merged["commit"])
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    except OSError as error:
        raise RecordError(f"can't be written: {error}", where=str(target)) from error
    try:
        for folder, entry in chosen.values():
            _copy_pictures(entry, folder, staged)
        write_atomically(staged / "run.json", _document(merged))
        clear(target)
        # run.json goes last: it names the others.
        for path in sorted(staged.iterdir(), reverse=True, key=lambda path: path.name != "run.json"):
            path.replace(target / path.name)
    except OSError as error:
        raise RecordError(f"can't be written: {error}", where=str(target)) from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return merged


# The status of which of two entries with the same key is kept; a later one wins over an equal one.
_BADNESS = ("passed", "quarantined", "failed")


def _refuse_mixture(runs: Sequence[tuple[Path, dict[str, Any]]], target: Path) -> None:
    """Refuse runs that don't belong together, and a target that is one of them."""
    _, first = runs[0]
    seen: dict[str, Path] = {}
    for folder, run in runs:
        inner, outer = folder.resolve(), target.resolve()
        if inner.is_relative_to(outer) or outer.is_relative_to(inner):
            raise ConfigError(
                f"the folder {target} is, holds, or is within {folder}, which is to be merged into it",
                next_step="choose another folder: widgetshot merge RUN... -o FOLDER",
            )
        for what in ("project", "commit"):
            if run[what] != first[what]:
                raise RecordError(
                    f"is of {what} {one_line(run[what])}, not {one_line(first[what])}",
                    where=str(folder),
                    next_step="merge runs of one commit of one project only",
                )
        if run["id"] in seen:
            raise RecordError(
                f"is the same run as {seen[run['id']]}", where=str(folder), next_step="name each run once"
            )
        seen[run["id"]] = folder


def _worst_entries(
    runs: Sequence[tuple[Path, dict[str, Any]]],
) -> tuple[dict[str, tuple[Path, dict[str, Any]]], int]:
    """Each key's folder and entry, the failed one of several, else the last; and how many keys were in several."""
    chosen: dict[str, tuple[Path, dict[str, Any]]] = {}
    shared: set[str] = set()
    for folder, run in runs:
        for entry in run["tests"]:
            key = entry["key"]
            if key in chosen:
                shared.add(key)
                if _BADNESS.index(entry["status"]) < _BADNESS.index(chosen[key][1]["status"]):
                    continue
            chosen[key] = (folder, entry)
    return chosen, len(shared)


def _merged_head(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What a merged run says besides its results."""
    timings: dict[str, float] = {}
    spent: dict[str, Spent] = {}
    fingerprints: dict[str, dict[str, Any]] = {}
    told: dict[str, ServiceUsage] = {}
    durations: list[dict[str, Any]] = []
    for run in runs:
        for entry in run.get("services", ()):  # an older run has none
            service = told.setdefault(entry["name"], ServiceUsage())
            service.seconds += entry["seconds"]
            service.instances += entry["instances"]
            service.elsewhere |= entry["elsewhere"]
        durations += run.get("durations", ())
        for stage, seconds in run["timings"].items():
            timings[stage] = round(timings.get(stage, 0.0) + seconds, 4)
        for entry in run.get("notebooks", ()):  # an older run has none
            one = spent.setdefault(entry["notebook"], Spent())
            one.seconds += entry["seconds"]
            for stage, seconds in entry["timings"].items():
                one.stages[stage] = one.stages.get(stage, 0.0) + seconds
        environment = run["environment"]
        names = environment["name"].split(", ")
        for name in names:
            # A run that was merged already has one fingerprint for each of its environments.
            found = environment["fingerprint"] if len(names) == 1 else environment["fingerprint"].get(name)
            fingerprints[name] = found or fingerprints.get(name) or {}
    started = min(run["started"] for run in runs)
    digest = sha256("\n".join(sorted(run["id"] for run in runs)).encode(errors="backslashreplace"))
    return runs[0] | {
        "id": f"{datetime.fromisoformat(started):%Y%m%dT%H%M%SZ}-{digest[:6]}",
        "started": started,
        "complete": all(run["complete"] for run in runs),
        "repeat": max(run["repeat"] for run in runs),
        "merged": None,
        # Of several suites none is that of the whole.
        "suite": runs[0].get("suite") if len({json.dumps(run.get("suite")) for run in runs}) == 1 else None,
        "skipped": list({one["notebook"]: one for run in runs for one in run.get("skipped", [])}.values()),
        "environment": {
            "name": ", ".join(sorted(fingerprints)),
            "python": ", ".join(sorted({run["environment"]["python"] for run in runs})),
            "platform": ", ".join(sorted({run["environment"]["platform"] for run in runs})),
            "fingerprint": fingerprints if len(fingerprints) > 1 else next(iter(fingerprints.values())),
        },
        "timings": timings,
        "notebooks": _notebooks(spent),
        "services": _services(told),
        "durations": durations,
    }


def _merged_changes(runs: Sequence[Mapping[str, Any]], ran: Iterable[str]) -> dict[str, Any] | None:
    """What `--changed` left out in some of the runs and none of the others ran."""
    told = [run["changed"] for run in runs if run.get("changed") is not None]
    if not told:
        return None
    left = {entry["key"]: entry for changed in told for entry in changed["not_run"]}
    return {
        "not_run": [entry for key, entry in left.items() if key not in ran],
        "ran": list({entry["name"]: entry for changed in told for entry in changed["ran"]}.values()),
        "refused": next((changed["refused"] for changed in told if changed["refused"]), None),
    }


def _copy_pictures(entry: Mapping[str, Any], source: Path, target: Path) -> None:
    paths = [Path(picture["path"]) for picture in entry["pictures"].values() if picture is not None]
    state = Path("pictures") / f"{entry['key']}.shot.json"
    for path in [*paths, *([state] if (source / state).is_file() else [])]:
        _copy(source / path, target / path)


def _copy(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    except OSError as error:
        raise RecordError(f"can't be copied: {error}", where=str(source)) from error


def _commit(root: Path) -> str | None:
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def summary_lines(run: Mapping[str, Any]) -> list[str]:
    """What a person at a terminal is told of a whole run, as `run.json` describes it."""
    summary, tests = run["summary"], run["tests"]
    counts = ", ".join(f"{count} {verdict}" for verdict, count in summary["verdicts"].items() if count)
    written = f"{summary['updated']} baseline{'s' if summary['updated'] != 1 else ''} written"
    updated = f"; {written}" if summary["updated"] else ""
    lines = [f"{counts or 'nothing captured'}{updated}", *_changed_lines(run.get("changed"))]
    if suite := run.get("suite"):
        others = f"{suite['left_out']} other picture{' was' if suite['left_out'] == 1 else 's were'} left out"
        lines.append(f"suite '{suite['name']}': {others}")
    if summary["quarantined"]:
        lines.append(f"{summary['quarantined']} of them in quarantine, which does not fail the run:")
        # By name: of a Python test's picture pytest has no other sign.
        lines += [
            f"  {test['name']}: {test['quarantine']['reason']} (until {test['quarantine']['until']})"
            for test in tests
            if test["status"] == "quarantined"
        ]
    merged = run.get("merged")
    if merged and merged["shared_keys"]:
        shared = f"{merged['shared_keys']} key{' was' if merged['shared_keys'] == 1 else 's were'}"
        lines.append(f"{shared} in several of the {len(merged['runs'])} runs; where one failed, that result is kept")
    if run["repeat"] > 1:
        # Pictures of Python tests are taken once, and a notebook that can't be read has none.
        repeated = [test["repeat"] for test in tests if test["repeat"] is not None]
        steady = sum(repeat["counts"] == [run["repeat"]] for repeat in repeated)
        once = f"; {len(tests) - len(repeated)} not repeated" if len(repeated) < len(tests) else ""
        lines.append(f"{run['repeat']} runs: {steady} of {len(repeated)} targets gave one picture each{once}")
    elsewhere = [test for test in tests if test.get("renderer")]
    if elsewhere:
        lines.append(
            f"{len(elsewhere)} compared perceptually: different renderer ({elsewhere[0]['renderer'][0]}); "
            "to be strict again: --update-baselines=all"
        )
    flaky = [test["name"] for test in tests if test["flaky"] and test["verdict"] == "match"]
    if flaky:
        more = f" and {len(flaky) - 3} more" if len(flaky) > 3 else ""
        lines.append(f"match now, but flaky in their last runs: {', '.join(flaky[:3])}{more}")
    return lines


_SLOWEST = 5
_LEAST = 0.05  # seconds of a stage that are worth a word


def time_lines(run: Mapping[str, Any]) -> list[str]:
    """Where the time of a run went, and its slowest notebooks, for a person at a terminal."""
    timings, notebooks = run["timings"], run.get("notebooks", [])
    # What came after the run was read or written otherwise has no stages.
    if not timings:
        return []
    work, wall = sum(timings.values()), run["summary"]["duration_seconds"]
    # Notebooks are worked on side by side, so that there is mostly more of the one than of the other.
    lines = [f"time: {work:.1f} s of work in {wall:.1f} s: {_stages(timings)}"]
    if notebooks:
        lines.append("slowest notebooks:")
        lines += [
            f"  {entry['seconds']:.1f} s {entry['notebook']}: {_stages(entry['timings'], 3)}"
            for entry in notebooks[:_SLOWEST]
        ]
    return lines


def _stages(timings: Mapping[str, float], most: int | None = None) -> str:
    """Stages and their seconds, the longest first."""
    longest = sorted(timings.items(), key=lambda item: -item[1])
    shown = [f"{stage} {seconds:.1f}" for stage, seconds in longest if seconds >= _LEAST][:most]
    return ", ".join(shown) or "next to nothing"


_MOST_NAMED = 10


def _changed_lines(changed: Mapping[str, Any] | None) -> list[str]:
    """What `--changed` came to."""
    if changed is None:
        return []
    if changed["refused"]:
        return [changed["refused"]]
    lines = []
    if left := len(changed["not_run"]):
        counts = "it counts" if left == 1 else "they count"
        was = (
            "picture was not run: it passed, and nothing"
            if left == 1
            else "pictures were not run: they passed, and nothing"
        )
        lines.append(f"{left} {was} that was seen to matter has changed since; {counts} as neither passed nor failed")
    lines += [f"  run: {entry['name']}: {entry['why']}" for entry in changed["ran"][:_MOST_NAMED]]
    if (more := len(changed["ran"]) - _MOST_NAMED) > 0:
        lines.append(f"  run: {more} more, see 'changed' in run.json")
    return lines


def next_lines(run: Mapping[str, Any], folder: str = "") -> list[str]:
    """The commands to type after a run that left something to decide.

    Args:
        folder: the run folder as it is to be typed; nothing where it is the project's own.
    """
    if all(test["status"] == "passed" for test in run["tests"]):
        return []
    quoted = shlex.quote(folder) if folder else ""
    lines = [f"review: widgetshot review {quoted}".rstrip()]
    if any(Verdict(test["verdict"]).acceptable and test["status"] != "passed" for test in run["tests"]):
        where = f" --report {quoted}" if quoted else ""
        lines.append(f"accept what is right: widgetshot approve{where} 'NOTEBOOK::SHOT' ... (or --all)")
    return lines


# What a person should look at first, as the gallery has it; of the same verdict, the largest change.
_URGENCY = ("changed", "resized", "new", "unstable", "broken", "match")
_WORST = 10
_LONGEST = 300  # characters of a sentence or a name in the Markdown summary
_PUNCTUATION = re.compile(f"[{re.escape(string.punctuation)}]")


def summary_markdown(run: Mapping[str, Any], folder: str = "widgetshot-report") -> str:
    """A run in Markdown, for CI's summary page or a comment: counts, the worst ten, the commands to review.

    Args:
        run: as `run.json` describes it.
        folder: name of the run folder, for the commands.
    """
    counts = run["summary"]["verdicts"]
    waiting = [test for test in run["tests"] if test["status"] == "failed"]
    waiting.sort(key=lambda test: (_URGENCY.index(test["verdict"]), -(test["metrics"]["changed_pixels"] or 0)))
    total = len(run["tests"])
    title = f"{len(waiting)} of {total} pictures need a decision" if waiting else f"{total} pictures as approved"
    commit = f", commit {_inert(run['commit'])}" if run["commit"] else ""
    lines = [
        f"## widgetshot: {title}",
        "",
        f"| {' | '.join(_URGENCY)} |",
        f"|{'--:|' * len(_URGENCY)}",
        f"| {' | '.join(_inert(counts[verdict]) for verdict in _URGENCY)} |",
        "",
        f"{_inert(run['project'])}{commit}, {_inert(run['environment']['name'])}",
        *(f"\n{_inert(line)}" for line in summary_lines(run)[1:]),
        *([] if run["complete"] else ["\n**The run was stopped before its end.**"]),
    ]
    if waiting:
        lines += ["", "| verdict | picture | why | changed pixels |", "|---|---|---|--:|"]
        for test in waiting[:_WORST]:
            changed = test["metrics"]["changed_pixels"]
            cells = (test["verdict"], test["name"], test["sentence"], "" if changed is None else changed)
            lines.append(f"| {' | '.join(map(_inert, cells))} |")
        if len(waiting) > _WORST:
            lines += ["", f"and {len(waiting) - _WORST} more in the gallery"]
        typed = html.escape(shlex.quote(one_line(folder)))
        lines += [
            "",
            "Download the run folder, then look and decide:",
            "",
            "<pre>",
            f"widgetshot review {typed}",
            f"widgetshot approve {typed} --decisions decisions.json",
            "</pre>",
        ]
    return "\n".join(lines) + "\n"


def _inert(value: object) -> str:
    """Text for Markdown in which nothing is markup: all punctuation as entities, and no mentions or links in code."""
    text = one_line(value)
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return f"<code>{_PUNCTUATION.sub(lambda found: f'&#{ord(found[0])};', text)}</code>" if text else ""


def append_summary(run: Mapping[str, Any], folder: Path) -> str:
    """Add `summary_markdown` to the file that GITHUB_STEP_SUMMARY names, where it does.

    Returns:
        What went wrong, for the terminal; the run itself has not.
    """
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if not file:
        return ""
    try:
        with Path(file).open("ab") as summary:
            summary.write(b"\n" + summary_markdown(run, folder.name).encode())
    except OSError as error:
        return f"the summary can't be written to {one_line(file)} (GITHUB_STEP_SUMMARY): {error.strerror}"
    return ""


def failure_text(result: Result, folder: Path) -> str:
    """What a person at a terminal needs to know about a result that failed: numbers, paths, the next command."""
    lines = [f"{result.target.nodeid}: {result.verdict}: {result.sentence}"]
    if result.comparison is not None and result.comparison.regions:
        named = [f"{box.width}x{box.height} at ({box.x}, {box.y})" for box in result.comparison.regions[:3]]
        more = len(result.comparison.regions) - len(named)
        lines.append(f"  regions:  {', '.join(named)}{f' and {more} more' if more > 0 else ''}")
        if result.verdict is not Verdict.UNSTABLE:
            lines.append(f"  allowed:  {result.target.tolerance.words(result.comparison.rule)}")
    base = folder / "pictures" / result.key
    for kind in ("baseline", "shot", "second", "diff"):
        path = base.with_name(f"{base.name}.{kind}.png")
        if path.is_file():
            lines.append(f"  {kind + ':':9} {path}")
    if result.failure is not None:
        if result.failure.next_step:
            lines.append(f"  next:     {result.failure.next_step}")
    elif result.verdict.acceptable:
        lines.append(f"  accept:   widgetshot approve '{result.target.nodeid}'")
    elif result.verdict is Verdict.UNSTABLE:
        if result.repeat is not None and result.repeat.distinct > 1:
            lines.append("  next:     freeze_clock, a seed, or a mask: docs/how-to/flaky-pictures.md")
        else:
            lines.append("  next:     mask what moves, or declare 'max_settle: SECONDS' for a widget that never rests")
    return "\n".join(lines)
