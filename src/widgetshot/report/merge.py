"""Several run folders -> one."""

import shutil
import tempfile
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

from msgspec.structs import replace

from widgetshot.documents import decode
from widgetshot.errors import ConfigError, RecordError, StaleDecision, one_line
from widgetshot.files import sha256, write_atomically
from widgetshot.model import ServiceUsage, Status, TimeSpent
from widgetshot.report.comparing import Recorded, compare_results
from widgetshot.report.entry_json import Entry
from widgetshot.report.folder import MAX_RUN_BYTES, RUN_FILE, clear, held, refuse_foreign
from widgetshot.report.head import notebook_times, service_times
from widgetshot.report.history import History
from widgetshot.report.limits import LAST_PLACE, MAX_ITEMS, timings
from widgetshot.report.pictures import result_files
from widgetshot.report.reader import checked, read_run
from widgetshot.report.run_json import (
    ENVIRONMENTS,
    Changed,
    Environment,
    Merged,
    NotebookTime,
    Run,
    ServiceTime,
    Skipped,
    summarise,
)
from widgetshot.report.shards import places_in_whole, refuse_incomplete, same_plan
from widgetshot.report.writer import run_bytes

# Of two entries with the same key the one is kept whose status is worse; a later one wins over an equal one.
_BADNESS = (Status.PASSED, Status.QUARANTINED, Status.FAILED)


def merge(
    folders: Sequence[Path],
    target: Path,
    *,
    workers: bool = False,
    order: Sequence[str] = (),
    unused: list[str] | None = None,
    history: History | None = None,
    compare_frontends: Sequence[str] = (),
) -> Run:
    """Make one run folder of several, such as those of CI's shards, or of pytest-xdist's workers.

    Of a key in several runs the entry that failed is kept, else the last one. The new run's id is made from the ids
    of its runs: the same runs give the same id, so decisions on it hold when they are merged again.

    Args:
        target: an older run in it is replaced, once everything is known to be right.
        workers: these are parts of one run, which the merged one does not name.
        unused: None for those that all the runs name.
        history: of earlier runs; gets this one too.
        compare_frontends: two front ends whose results are compared with each other; by default those that the runs
            have compared, since what one of them has drawn may be in another run.

    Returns:
        The merged run, as `read_run` gives it.

    Raises:
        ConfigError: the target is one of the folders, or holds other things than a run.
        RecordError: a folder is unreadable, runs of several projects or commits are mixed, a shard of a run is missing
            or there twice, or another run writes to the target.
    """
    runs = [(folder, read_run(folder)) for folder in folders]
    if not runs:
        raise RecordError("nothing to merge", where=str(target))
    try:
        _refuse_mixture(runs, target)
        if not workers:
            refuse_incomplete(runs)
        refuse_foreign(target)
    except OSError as error:
        raise RecordError(f"can't be read: {error}", where=str(target)) from error
    chosen, shared = _worst_entries(runs)
    place = {key: index for index, key in enumerate(order)} or places_in_whole([run for _, run in runs])
    entries = sorted((entry for _, entry in chosen.values()), key=lambda entry: place.get(entry.key, LAST_PLACE))
    merged = _merged([run for _, run in runs], chosen, unused)
    if not workers:
        merged = replace(merged, merged=Merged(runs=[run.id for _, run in runs], shared_keys=shared), shard=None)
    elif merged.shard is not None:
        merged = replace(
            merged, shard=replace(merged.shard, order=[place.get(entry.key, LAST_PLACE) for entry in entries])
        )
    if history is not None:
        entries = history.note(entries, merged.started, merged.commit)
    duration = max(run.summary.duration_seconds for _, run in runs)
    merged = replace(merged, summary=summarise(entries, duration), tests=entries)
    frontends = compare_frontends or _compared_front_ends(runs)
    diffs: dict[str, bytes] = {}
    if frontends:
        recorded = [Recorded(entry, chosen[entry.key][0]) for entry in entries]
        merged = replace(merged, comparisons=compare_results(recorded, frontends, diffs.__setitem__))
    data = run_bytes(merged)
    # Each of the runs keeps to the limits; all of them together may not.
    fewer = "merge fewer runs"
    checked(decode(Run, data, target / RUN_FILE, next_step=fewer, max_bytes=MAX_RUN_BYTES), target / RUN_FILE, fewer)
    _write(target, data, chosen, diffs)
    return merged


def _compared_front_ends(runs: Sequence[tuple[Path, Run]]) -> Sequence[str]:
    """Return the front ends that runs have compared, none if they have not.

    Raises:
        RecordError: they have compared different ones.
    """
    compared = [(folder, run.comparisons.frontends) for folder, run in runs if run.comparisons is not None]
    for folder, frontends in compared:
        if frontends != compared[0][1]:
            raise RecordError(
                f"compares the front ends {' and '.join(frontends)}, not {' and '.join(compared[0][1])}",
                where=str(folder),
                next_step="merge runs with the same --compare-frontends",
            )
    return compared[0][1] if compared else ()


def _write(target: Path, run: bytes, chosen: Mapping[str, tuple[Path, Entry]], diffs: Mapping[str, bytes]) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    except OSError as error:
        raise RecordError(f"can't be written: {error}", where=str(target)) from error
    try:
        for folder, entry in chosen.values():
            _copy_files(entry, folder, staged)
        _write_files(diffs, staged)
        write_atomically(staged / RUN_FILE, run)
        with held(target):
            clear(target)
            # run.json goes last: it names the others.
            for path in sorted(staged.iterdir(), reverse=True, key=lambda path: path.name != RUN_FILE):
                path.replace(target / path.name)
    except OSError as error:
        raise RecordError(f"can't be written: {error}", where=str(target)) from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _refuse_mixture(runs: Sequence[tuple[Path, Run]], target: Path) -> None:
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
        for what, own, others in (("project", run.project, first.project), ("commit", run.commit, first.commit)):
            # Machines give checkouts other names; where the plan is the same, so is the project.
            if own != others and not (what == "project" and same_plan(run, first)):
                raise RecordError(
                    f"is of {what} {one_line(own)}, not {one_line(others)}",
                    where=str(folder),
                    next_step="merge runs of one commit of one project only",
                )
        if run.id in seen:
            raise RecordError(f"is the same run as {seen[run.id]}", where=str(folder), next_step="name each run once")
        seen[run.id] = folder


def _worst_entries(runs: Sequence[tuple[Path, Run]]) -> tuple[dict[str, tuple[Path, Entry]], int]:
    """Return each key's folder and entry, the worst of several, else the last; and how many keys were in several."""
    chosen: dict[str, tuple[Path, Entry]] = {}
    shared: set[str] = set()
    for folder, run in runs:
        for entry in run.tests:
            if entry.key in chosen:
                shared.add(entry.key)
                if _BADNESS.index(entry.status) < _BADNESS.index(chosen[entry.key][1].status):
                    continue
            chosen[entry.key] = (folder, entry)
    return chosen, len(shared)


def _merged(runs: Sequence[Run], ran: Container[str], unused: list[str] | None) -> Run:
    """Return what a merged run says besides its results."""
    started = min(run.started for run in runs)
    digest = sha256("\n".join(sorted(run.id for run in runs)).encode())
    # A shard that runs nothing knows nothing of it.
    lists = [run.unused for run in runs if run.tests or run.shard is None]
    if unused is None:
        known = [set(one) for one in lists if one is not None]
        unused = sorted(known[0].intersection(*known)) if known and len(known) == len(lists) else None
    total = TimeSpent()
    for run in runs:
        total.add(run.timings)
    return replace(
        runs[0],
        id=f"{datetime.fromisoformat(started):%Y%m%dT%H%M%SZ}-{digest[:6]}",
        started=started,
        complete=all(run.complete for run in runs),
        repeat=max(run.repeat for run in runs),
        merged=None,
        changed=_merged_changes(runs, ran),
        # Of several suites none is that of the whole.
        suite=runs[0].suite if all(run.suite == runs[0].suite for run in runs) else None,
        skipped=_merged_skipped(runs),
        environment=_merged_environment([run.environment for run in runs]),
        timings=timings(total.stages),
        notebooks=_merged_notebooks(chain.from_iterable(run.notebooks for run in runs)),
        services=_merged_services(chain.from_iterable(run.services for run in runs)),
        durations=list(chain.from_iterable(run.durations for run in runs))[:MAX_ITEMS],
        comparisons=None,
        unused=unused,
    )


def _merged_skipped(runs: Sequence[Run]) -> list[Skipped]:
    skipped = {one.notebook: one for run in runs for one in run.skipped}
    if all(run.shard is not None for run in runs):
        # As they are found in folders.
        skipped = dict(sorted(skipped.items(), key=lambda item: PurePosixPath(item[0]).parts))
    return list(skipped.values())[:MAX_ITEMS]


def _merged_notebooks(times: Iterable[NotebookTime]) -> list[NotebookTime]:
    spent: dict[str, TimeSpent] = {}
    for one in times:
        spent.setdefault(one.notebook, TimeSpent()).add(one.timings, one.seconds)
    return notebook_times(spent)


def _merged_services(times: Iterable[ServiceTime]) -> list[ServiceTime]:
    usage: dict[str, ServiceUsage] = {}
    for one in times:
        total = usage.setdefault(one.name, ServiceUsage())
        total.seconds += one.seconds
        total.instances += one.instances
        total.elsewhere |= one.elsewhere
    return service_times(usage)


def _merged_environment(environments: Sequence[Environment]) -> Environment:
    fingerprints: dict[str, dict[str, Any]] = {}
    for environment in environments:
        names = environment.name.split(ENVIRONMENTS)
        for name in names:
            # A run that was merged already has one fingerprint for each of its environments.
            found = environment.fingerprint if len(names) == 1 else environment.fingerprint.get(name)
            fingerprints[name] = (found if isinstance(found, dict) else None) or fingerprints.get(name) or {}
    return Environment(
        name=ENVIRONMENTS.join(sorted(fingerprints)),
        python=", ".join(sorted({environment.python for environment in environments})),
        platform=", ".join(sorted({environment.platform for environment in environments})),
        fingerprint=dict(fingerprints) if len(fingerprints) > 1 else next(iter(fingerprints.values())),
    )


def _merged_changes(runs: Sequence[Run], ran: Container[str]) -> Changed | None:
    """Return what `--changed` left out in some of the runs and none of the others ran."""
    reported = [run.changed for run in runs if run.changed is not None]
    if not reported:
        return None
    left = {one.key: one for changed in reported for one in changed.not_run}
    sessions = {one.name: one for changed in reported for one in changed.ran}
    return Changed(
        not_run=[one for key, one in left.items() if key not in ran][:MAX_ITEMS],
        ran=list(sessions.values())[:MAX_ITEMS],
        refused=next((changed.refused for changed in reported if changed.refused), None),
    )


def _copy_files(entry: Entry, source: Path, target: Path) -> None:
    """Copy what a result has; where it goes follows from the result's key alone."""
    try:
        files = result_files(source, entry)
    except (StaleDecision, RecordError) as error:
        raise RecordError(f"can't be copied: {error.headline}", where=str(source), next_step=error.next_step) from error
    _write_files(files, target)


def _write_files(files: Mapping[str, bytes], target: Path) -> None:
    for path, data in files.items():
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, data)
