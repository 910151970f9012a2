"""Run folder -> run. Whoever reads a run, reads it here."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from widgetshot.documents import decode, invalid
from widgetshot.errors import RecordError, one_line
from widgetshot.files import check_inside, read_inside
from widgetshot.report.entry_json import Entry, Pictures
from widgetshot.report.folder import JOURNAL, MAX_BRACKETS, MAX_RUN_BYTES, RUN_FILE, read_head, sidecar_path
from widgetshot.report.run_json import FORMAT, Run, summarise
from widgetshot.report.validate import run_problem

RUN_AGAIN = "widgetshot run"


def read_run(folder: Path) -> Run:
    """Return the run of a folder; of a killed one, what was finished.

    Raises:
        RecordError: the folder holds no run, one of a format this version doesn't know, one that breaks a rule of
            the format, or one whose files are links or no files of the folder.
    """
    file = folder / RUN_FILE
    try:
        data = _read(folder, RUN_FILE)
    except FileNotFoundError as error:
        raise RecordError(
            f"holds no readable run: it has no {RUN_FILE}", where=str(folder), next_step=RUN_AGAIN
        ) from error
    except OSError as error:
        raise _unreadable(error, file) from error
    try:
        run = checked(decode(Run, data, file, next_step=RUN_AGAIN, max_bytes=MAX_RUN_BYTES), file)
    except RecordError:
        _refuse_other_format(file)
        raise
    if not run.complete:
        run = checked(_with_journal(run, folder), folder / JOURNAL)
    _check_links(run, folder)
    return run


def checked(run: Run, file: Path, next_step: str = RUN_AGAIN) -> Run:
    """Return a run that keeps all rules of the format.

    Raises:
        RecordError: it breaks one; it names the file and the place.
    """
    if problem := run_problem(run):
        raise invalid(file, *problem, next_step=next_step)
    return run


def _refuse_other_format(file: Path) -> None:
    """Raise RecordError where a file that is no run of this format says that it is one of another."""
    found = read_head(file.parent).format
    if found is UNSET:
        return
    if type(found) is not int or found != FORMAT:
        raise RecordError(
            f"is of format {one_line(found)[:40]}; this version reads {FORMAT}",
            where=str(file),
            next_step="use the version of widgetshot that wrote it",
        )


def _read(folder: Path, name: str) -> bytes:
    """Return the bytes of a run's file, unless reading them would take the memory of many times their size.

    Raises:
        OSError: it can't be read.
        RecordError: it holds more lists and objects than the largest run.
    """
    data = read_inside(folder, name, MAX_RUN_BYTES)
    # Those in texts are counted, too; both are few.
    if data.count(b"[") + data.count(b"{") > MAX_BRACKETS:
        raise invalid(folder / name, "", f"expected at most {MAX_BRACKETS:,} lists and objects", next_step=RUN_AGAIN)
    return data


def _unreadable(error: OSError, file: Path) -> RecordError:
    return RecordError(f"can't be read: {error.strerror or error}", where=str(file), next_step=RUN_AGAIN)


def _with_journal(run: Run, folder: Path) -> Run:
    """Return a run with the results that came since it was written for the last time."""
    file = folder / JOURNAL
    entries = {entry.key: entry for entry in run.tests}
    try:
        lines = _read(folder, JOURNAL).split(b"\n")
    except FileNotFoundError:
        return run
    except OSError as error:
        raise _unreadable(error, file) from error
    for number, line in enumerate(lines, 1):
        if not _is_whole(line):
            break  # the end, or the line that was being written when the run was killed
        entry = decode(Entry, line, f"{file}, line {number}", next_step=RUN_AGAIN)
        entries[entry.key] = entry
    tests = list(entries.values())
    return replace(run, summary=summarise(tests, run.summary.duration_seconds), tests=tests)


def _is_whole(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except RecursionError:
        return True
    except msgspec.ValidationError:
        return True
    except (msgspec.DecodeError, ValueError):
        return False
    return True


def _check_links(run: Run, folder: Path) -> None:
    """Raise RecordError where a file that the run names is a link, or behind one, or no file.

    The folder may come from somebody else's machine: a link, even one that stays inside, makes one name mean another's
    file.
    """
    checked: set[Path] = set()
    for path in _named_files(run):
        try:
            check_inside(folder, path, checked)
        except (OSError, ValueError) as error:  # ValueError: a name that no file can have
            reason = error.strerror if isinstance(error, OSError) else error
            raise RecordError(
                f"names {path!r:.300}, which {reason}", where=str(folder / RUN_FILE), next_step=RUN_AGAIN
            ) from error


def _named_files(run: Run) -> Iterator[str]:
    for entry in run.tests:
        files = [*(getattr(entry.pictures, kind) for kind in Pictures.__struct_fields__), entry.elements, entry.trace]
        yield from (file.path for file in files if file is not None)
        yield sidecar_path(entry.key)
    if run.comparisons is not None:
        yield from (target.diff.path for target in run.comparisons.targets if target.diff is not None)
