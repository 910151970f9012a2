"""Run folder -> run. Whoever reads a run, reads it here."""

from pathlib import Path

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from widgetshot.documents import decode, invalid, read
from widgetshot.errors import RecordError, one_line
from widgetshot.report.entry_json import Entry, Pictures
from widgetshot.report.folder import JOURNAL, PICTURES, RUN_FILE, read_head, sidecar_path
from widgetshot.report.run_json import FORMAT, MAX_RUN_BYTES, Run, summarise
from widgetshot.report.validate import run_problem

RUN_AGAIN = "widgetshot run"


def read_run(folder: Path) -> Run:
    """Return the run of a folder; of a killed one, what was finished.

    Raises:
        RecordError: the folder holds no run, one of a format this version doesn't know, one that breaks a rule of
            the format, or one that names files outside of the folder.
    """
    file = folder / RUN_FILE
    try:
        run = checked(read(Run, file, next_step=RUN_AGAIN, max_bytes=MAX_RUN_BYTES), file)
    except FileNotFoundError as error:
        raise RecordError(
            f"holds no readable run: it has no {RUN_FILE}", where=str(folder), next_step=RUN_AGAIN
        ) from error
    except RecordError:
        _refuse_other_format(file)
        raise
    if not run.complete:
        run = checked(_with_journal(run, folder / JOURNAL), folder / JOURNAL)
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
    found = read_head(file).format
    if found is UNSET:
        return
    if type(found) is not int or found != FORMAT:
        raise RecordError(
            f"is of format {one_line(found)[:40]}; this version reads {FORMAT}",
            where=str(file),
            next_step="use the version of widgetshot that wrote it",
        )


def _with_journal(run: Run, file: Path) -> Run:
    """Return a run with the results that came since it was written for the last time."""
    entries = {entry.key: entry for entry in run.tests}
    try:
        lines = file.read_bytes().split(b"\n")
    except FileNotFoundError:
        return run
    except OSError as error:
        raise RecordError(f"can't be read: {error.strerror}", where=str(file), next_step=RUN_AGAIN) from error
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
    """Raise RecordError where a link leads out of the folder, which may come from somebody else's machine."""
    inside = folder.resolve() / PICTURES
    safe: set[Path] = set()
    for entry in run.tests:
        pictures = (getattr(entry.pictures, kind) for kind in Pictures.__struct_fields__)
        paths = [picture.path for picture in pictures if picture is not None]
        for path in [*paths, sidecar_path(entry.key), *([entry.trace.path] if entry.trace is not None else [])]:
            file = folder / path
            try:
                if file.parent in safe and not file.is_symlink():
                    continue
                leaves = not file.resolve().is_relative_to(inside)
            except (OSError, RuntimeError, ValueError):  # links in a circle, a name that no file can have
                leaves = True
            if leaves:
                raise RecordError(
                    f"names a file outside of the folder: {path!r}", where=str(folder / RUN_FILE), next_step=RUN_AGAIN
                )
            safe.add(file.parent)
