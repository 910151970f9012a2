"""The JSON files beside a run's pictures, each bound to its entry by its digest."""

from pathlib import Path
from typing import TypeVar

from widgetshot.documents import Document, decode
from widgetshot.errors import RecordError
from widgetshot.files import read_inside, sha256
from widgetshot.report.entry_json import EntryElements, EntryTrace

D = TypeVar("D", bound=Document)


def read_recorded(folder: Path, recorded: EntryElements | EntryTrace, kind: type[D], max_bytes: int) -> D:
    """Return what a file of a run holds.

    Args:
        folder: of the run, as `read_run` has checked it.
        recorded: what the run says of the file.
        max_bytes: the size of a file that is refused unread.

    Raises:
        RecordError: the file is gone, is not the one that the run recorded, or holds something else.
    """
    file, next_step = folder / recorded.path, "widgetshot run"
    try:
        data = read_inside(folder, recorded.path, max_bytes)
    except OSError as error:
        raise RecordError(f"can't be read: {error.strerror or error}", where=str(file), next_step=next_step) from error
    if sha256(data) != recorded.sha256:
        raise RecordError("is not the file that this run recorded", where=str(file), next_step=next_step)
    return decode(kind, data, file, next_step=next_step, max_bytes=max_bytes)
