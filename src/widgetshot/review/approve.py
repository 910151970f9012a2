"""Results of a run -> baselines."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from widgetshot.baselines.access import Baselines, NewBaseline
from widgetshot.baselines.sidecar import ShotDescription
from widgetshot.documents import convert, parse_json
from widgetshot.errors import ConfigError, RecordError, StaleDecision, WidgetshotError, nearest
from widgetshot.files import sha256
from widgetshot.model import Verdict
from widgetshot.report.entry_json import Entry
from widgetshot.report.folder import sidecar_path
from widgetshot.report.reader import RUN_AGAIN, read_run


def approve(
    run_folder: Path,
    baselines: Baselines,
    names: Sequence[str] = (),
    *,
    everything: bool = False,
    dry_run: bool = False,
) -> list[str]:
    """Turn a run's own shots into baselines, byte for byte. All of those asked for, or none.

    Args:
        names: keys (`page-chromium-linux/notebooks/x/shot`) or names (`notebooks/x.ipynb::shot`).
        everything: all results that can be accepted.
        dry_run: check everything, and write nothing.

    Returns:
        The keys accepted.

    Raises:
        ConfigError: a name the run doesn't have, or a result that can't be accepted.
        StaleDecision: the baseline or the shot is not what the run saw.
        RecordError, BaselineError: a file can't be read or written.
    """
    entries = {entry.key: entry for entry in read_run(run_folder).tests}
    if everything:
        chosen = [entry for entry in entries.values() if entry.verdict.acceptable and not entry.updated]
    else:
        chosen = _named(names, entries)
    accepted: list[NewBaseline] = []
    problems: list[WidgetshotError] = []
    for entry in chosen:
        try:
            accepted.append(new_baseline(entry, run_folder, baselines))
        except WidgetshotError as error:
            problems.append(error)
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise type(problems[0])("nothing was approved:\n" + "\n".join(f"- {problem}" for problem in problems))
    if not dry_run:
        baselines.write_all(accepted)
    return [one.key for one in accepted]


def new_baseline(entry: Entry, run_folder: Path, baselines: Baselines) -> NewBaseline:
    """Return the baseline that a result becomes when it is accepted; nothing is written.

    Raises:
        ConfigError: it can't be accepted.
        StaleDecision: its picture, or the baseline, is not what the run saw.
        RecordError, BaselineError: a file can't be read.
    """
    name, picture = entry.name, entry.pictures.shot
    if not entry.verdict.acceptable:
        raise ConfigError(f"can't be approved: {_why_not(entry)}", where=name)
    data = recorded_shot(entry, run_folder, baselines)
    if data is None or picture is None:
        raise RecordError("its picture was not recorded", where=name, next_step=RUN_AGAIN)
    text = _read(run_folder / sidecar_path(entry.key), name)
    try:
        members = parse_json(text)
    except ValueError as error:
        raise RecordError(f"its picture can't be read: {error}", where=name, next_step=RUN_AGAIN) from error
    if sha256(text) != picture.sidecar_sha256:
        raise StaleDecision("its picture is not the one the run took", where=name, next_step=RUN_AGAIN)
    return NewBaseline(entry.key, data, convert(ShotDescription, members, name, next_step=RUN_AGAIN))


def recorded_shot(entry: Entry, run_folder: Path, baselines: Baselines) -> bytes | None:
    """Return the bytes of a result's shot, None where there is none, if they and the baseline are what the run saw.

    Raises:
        StaleDecision: they are not.
        RecordError, BaselineError: a file can't be read.
    """
    name, picture = entry.name, entry.pictures.shot
    data = None if picture is None else _read(run_folder / picture.path, name)
    if picture is not None and data is not None and sha256(data) != picture.sha256:
        raise StaleDecision("its picture is not the one the run took", where=name, next_step=RUN_AGAIN)
    current = baselines.digest(entry.key)
    # Approving twice is no conflict: what is there is what was asked for.
    if current != entry.baseline_sha256 and (picture is None or current != picture.sha256):
        raise StaleDecision("its baseline has changed since the run", where=name, next_step=RUN_AGAIN)
    return data


def _named(names: Iterable[str], entries: Mapping[str, Entry]) -> list[Entry]:
    by_name = {entry.name: entry for entry in entries.values()}
    found = []
    for name in dict.fromkeys(names):
        entry = entries.get(name) or by_name.get(name)
        if entry is None:
            raise ConfigError(f"the run has no result '{name}'{nearest(name, [*by_name])}", next_step=RUN_AGAIN)
        found.append(entry)
    return found


def _why_not(entry: Entry) -> str:
    if entry.verdict is Verdict.MATCH:
        return "it matches its baseline already"
    if entry.verdict is Verdict.BROKEN:
        return "there is no picture of it that can be trusted"
    if entry.repeat is not None and entry.repeat.distinct > 1:
        return "its pictures varied between runs, so none of them can be trusted"
    return "it never came to rest, so no picture of it can be trusted"


def _read(file: Path, name: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise RecordError(f"its picture can't be read: {error}", where=name, next_step=RUN_AGAIN) from error
