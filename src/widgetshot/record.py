"""Results <-> Run folder. The format is described in docs/reference/run-folder.md."""

import json
import platform
import secrets
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from widgetshot import __version__
from widgetshot.compare import PALETTE
from widgetshot.errors import ConfigError, RecordError
from widgetshot.files import encode_palette, encode_png, sha256, write_atomically
from widgetshot.history import History
from widgetshot.model import Result, Verdict

FORMAT = 1
_JOURNAL = "journal.jsonl"
WORKERS = "workers"  # run folders of pytest-xdist's workers, until they are merged
_OWN = ("run.json", "index.html", _JOURNAL, "pictures", WORKERS)
# Seconds between two writes of run.json while a run goes on; what came since is in the journal.
_INTERVAL = 1.0


def shot_bytes(result: Result) -> bytes:
    """The PNG file of a result's shot: what a person reviews, and what becomes the baseline, byte for byte."""
    assert result.shot is not None
    return encode_png(result.shot.pixels, optimise=result.verdict.acceptable or result.updated)


def sidecar(result: Result) -> dict[str, Any]:
    """What a baseline's sidecar says besides the digest of its picture."""
    assert result.shot is not None
    height, width = result.shot.pixels.shape[:2]
    # Said only where it is so: sidecars of most pages, and older ones, do without.
    cut = {"layout_cut": True} if result.shot.layout_cut else {}
    return {
        "size": [width, height],
        "fingerprint": dict(result.fingerprint),
        "widgets": result.shot.widgets,
        "layout": [str(element) for element in result.shot.layout],
        "masks": {
            mask.place: [box.as_list() for box in boxes]
            for mask, boxes in zip(result.target.masks, result.shot.masks, strict=True)
        },
        **cut,
    }


def clear(folder: Path) -> None:
    """Make a run folder empty, or make it; nothing that is not ours is removed.

    Raises:
        ConfigError: the folder holds other things than a run.
        RecordError: it can't be made or emptied.
    """
    try:
        if folder.is_dir() and any(folder.iterdir()) and not _is_run(folder / "run.json"):
            raise ConfigError(
                f"the folder {folder} holds other things than a run", next_step="choose another folder for the report"
            )
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
            "environment": {
                "name": environment,
                "python": platform.python_version(),
                "platform": platform.platform(),
                "fingerprint": {},
            },
        }
        clear(folder)
        self._write_run(complete=False)

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
                with (self.folder / _JOURNAL).open("ab") as journal:
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
            text = _json(sidecar(result))
            write_atomically(base.with_name(f"{base.name}.shot.json"), text)
            entry["pictures"]["shot"]["sidecar_sha256"] = sha256(text)

    def finish(
        self,
        order: Sequence[str],
        *,
        complete: bool,
        timings: Mapping[str, float],
        fingerprint: Mapping[str, Any],
        unused: Iterable[str] | None = None,
        history: History | None = None,
    ) -> None:
        """Write the final run.json.

        Args:
            order: keys in the order in which they were declared.
            complete: false when the run was stopped.
            unused: baselines that no notebook declares; None when that is not known.
            history: of earlier runs; gets this one too.
        """
        with self._lock:
            if history is not None:
                history.note(self._entries.values(), self._head["started"], self._head["commit"])
            place = {key: index for index, key in enumerate(order)}
            self._entries = dict(sorted(self._entries.items(), key=lambda item: place.get(item[0], len(place))))
            self._head["environment"]["fingerprint"] = dict(fingerprint)
            self._head["unused"] = None if unused is None else sorted(unused)
            self._write_run(complete=complete, timings=timings)
            if self.failure is None:
                (self.folder / _JOURNAL).unlink(missing_ok=True)

    def _write_run(self, *, complete: bool, timings: Mapping[str, float] | None = None) -> None:
        run = self._head | {"complete": complete}
        run |= {"timings": {stage: round(seconds, 4) for stage, seconds in (timings or {}).items()}}
        run.setdefault("unused", None)
        run |= _body(list(self._entries.values()), perf_counter() - self._begin)
        self.run = run
        try:
            write_atomically(self.folder / "run.json", _json(run, indent=1))
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
        "tolerance": target.tolerance.words(comparison.rule if comparison else target.tolerance.rule(True)),
        "quarantine": None
        if target.quarantine is None
        else {
            "reason": target.quarantine.reason,
            "until": target.quarantine.until.isoformat(),
        },
        "history": [],
        "wavering": False,
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


def _json(value: Any, indent: int | None = None) -> bytes:
    # A notebook may hold half a surrogate pair, which is no UTF-8; the escape is what JSON writes for it.
    return json.dumps(value, indent=indent, ensure_ascii=False).encode(errors="backslashreplace")


def read_run(folder: Path) -> dict[str, Any]:
    """The run of a folder, as `run.json` describes it; of a killed run, what was finished.

    Raises:
        RecordError: the folder holds no run, one of a format this version doesn't know, or one that names files
            outside of it.
    """
    try:
        run = json.loads((folder / "run.json").read_bytes())
    except (OSError, ValueError) as error:
        raise RecordError(f"holds no readable run: {error}", where=str(folder), next_step="widgetshot run") from error
    if not isinstance(run, dict) or run.get("format") != FORMAT:
        raise RecordError(
            f"is of format {run.get('format') if isinstance(run, dict) else None!r}; this version reads {FORMAT}",
            where=str(folder / "run.json"),
            next_step="use the version of widgetshot that wrote it",
        )
    try:
        if not run["complete"]:
            entries = {entry["key"]: entry for entry in run["tests"]} | _journal(folder / _JOURNAL)
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
    order: Sequence[str] = (),
    unused: list[str] | None = None,
    history: History | None = None,
) -> None:
    """Make one run folder of several, such as those of pytest-xdist's workers.

    Args:
        history: of earlier runs; gets this one too.

    Raises:
        RecordError: a folder is unreadable, or runs of several projects or environments are mixed.
    """
    runs = [(folder, read_run(folder)) for folder in folders]
    if not runs:
        raise RecordError("nothing to merge", where=str(target))
    first = runs[0][1]
    entries: dict[str, dict[str, Any]] = {}
    timings: dict[str, float] = {}
    for folder, run in runs:
        for what, mine, other in (
            ("project", run["project"], first["project"]),
            ("environment", run["environment"]["name"], first["environment"]["name"]),
        ):
            if mine != other:
                raise RecordError(f"is of {what} {mine!r}, not {other!r}", where=str(folder))
    for folder, run in runs:
        for entry in run["tests"]:
            entries[entry["key"]] = entry
            for picture in entry["pictures"].values():
                if picture is not None:
                    _copy(folder / picture["path"], target / picture["path"])
            state = Path("pictures") / f"{entry['key']}.shot.json"
            if (folder / state).is_file():
                _copy(folder / state, target / state)
        for stage, seconds in run["timings"].items():
            timings[stage] = round(timings.get(stage, 0.0) + seconds, 4)
        if run["environment"]["fingerprint"]:
            first["environment"]["fingerprint"] = run["environment"]["fingerprint"]
    place = {key: index for index, key in enumerate(order)}
    ordered = sorted(entries.values(), key=lambda entry: place.get(entry["key"], len(place)))
    if history is not None:
        history.note(ordered, first["started"], first["commit"])
    seconds = max(run["summary"]["duration_seconds"] for _, run in runs)
    merged = first | {
        "complete": all(run["complete"] for _, run in runs),
        "timings": timings,
        "unused": unused,
        **_body(ordered, seconds),
    }
    try:
        write_atomically(target / "run.json", _json(merged, indent=1))
    except OSError as error:
        raise RecordError(f"can't be written: {error}", where=str(target)) from error


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
    lines = [f"{counts or 'nothing photographed'}{updated}"]
    if summary["quarantined"]:
        lines.append(f"{summary['quarantined']} of them in quarantine, which does not fail the run:")
        # By name: of a Python test's picture pytest has no other sign.
        lines += [
            f"  {test['name']}: {test['quarantine']['reason']} (until {test['quarantine']['until']})"
            for test in tests
            if test["status"] == "quarantined"
        ]
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
    wavering = [test["name"] for test in tests if test["wavering"] and test["verdict"] == "match"]
    if wavering:
        more = f" and {len(wavering) - 3} more" if len(wavering) > 3 else ""
        lines.append(f"match now, but wavered in their last runs: {', '.join(wavering[:3])}{more}")
    return lines


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
            lines.append("  next:     freeze_clock, a seed, or a mask: docs/how-to/wavering-pictures.md")
        else:
            lines.append("  next:     mask what moves, or declare 'cap: SECONDS' for a widget that never rests")
    return "\n".join(lines)
