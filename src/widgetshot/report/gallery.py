"""A run folder made into one HTML file that carries its pictures inside."""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, to_builtins

from widgetshot.documents import encode
from widgetshot.errors import RecordError, WidgetshotError
from widgetshot.files import write_atomically
from widgetshot.model import Verdict
from widgetshot.report.comparison_json import FrontEndComparisons
from widgetshot.report.entry_json import Entry, EntryTrace, Picture, ShotPicture
from widgetshot.report.pictures import candidate, diff_bytes, picture_bytes
from widgetshot.report.reader import read_run
from widgetshot.report.run_json import Run
from widgetshot.report.trace_file import TraceFile, read_trace

# Characters of pictures in one page. With what is said of 1,000 results it stays under 15 MB: it opens at once, and
# passes as an attachment.
ROOM = 13_000_000
_TRACE_ROOM = 1_000_000  # characters of traces in one page, of the same


def write_gallery(run_folder: Path, room: int = ROOM) -> Path:
    """Write `index.html` into a run folder, see `page`.

    Args:
        run_folder: the folder that `widgetshot run` or `pytest` wrote.
        room: characters of pictures, beyond which those of matches are left out.

    Returns:
        The path of the page.

    Raises:
        RecordError: as `read_run`, or the page can't be written.
    """
    index = run_folder / "index.html"
    text = page(run_folder, room=room)
    try:
        # A reader never meets half a page, and one that is open keeps the whole old one.
        write_atomically(index, text.encode())
    except OSError as error:
        raise RecordError(f"the gallery can't be written: {error}", where=str(index)) from error
    return index


def page(run_folder: Path, live: Mapping[str, Any] | None = None, room: int = ROOM) -> str:
    """Return the gallery as HTML, from a run folder's `run.json` and the pictures that names.

    Every picture's bytes go in once, however many results show it; of a match, only the shot, and only as long as
    there is `room` beside what needs a decision. A picture whose file is gone or is not the one recorded is reported
    as such in the page.

    Args:
        run_folder: the folder that `widgetshot run` or `pytest` wrote.
        live: where a server takes decisions: `api`, the address under which it does, on the same origin.
        room: characters of pictures.

    Raises:
        RecordError: as `read_run`.
    """
    run = read_run(run_folder)
    pictures = _Pictures()
    shown: dict[str, dict[str, PagePicture]] = {entry.key: {} for entry in run.tests}
    asking = [entry for entry in run.tests if entry.verdict is not Verdict.MATCH]
    matches = [entry for entry in run.tests if entry.verdict is Verdict.MATCH]
    traces = _traces(run_folder, [*asking, *matches])
    room -= sum(len(encode(trace.content)) for trace in traces.values() if trace.content is not None)
    # What needs a decision first: of the rest, what finds room.
    for entries, kinds, most in (
        (asking, ("baseline", "shot", "second", "diff"), None),
        (asking, ("seen",), room),
        (_differing(run), ("shot",), room),
        (matches, ("shot",), room),
        (matches, ("seen",), room),
    ):
        for entry in entries:
            for kind in kinds:
                picture: Picture | None = getattr(entry.pictures, kind)
                if picture is not None:
                    absent = _embed(picture, partial(picture_bytes, run_folder, entry, kind), pictures, most)
                    shown[entry.key][kind] = _page_picture(picture, absent)
    diffs = _diffs(run_folder, run.comparisons, pictures, room)
    template = files("widgetshot").joinpath("static/gallery.html").read_text(encoding="utf-8")
    places = {
        "connect": "'self'" if live else "'none'",
        "live": _inside_script(live),
        "run": _inside_script(
            _page_run(run, shown, traces, {one.key: _refused(run_folder, one) for one in asking}, diffs)
        ),
        "pictures": _inside_script(pictures.encoded),
    }
    # Split once: what is filled in may hold a mark's text itself.
    before, *rest = re.split(r"@@widgetshot-(\w+)@@", template)
    return before + "".join(places[name] + text for name, text in zip(rest[::2], rest[1::2], strict=True))


def _differing(run: Run) -> list[Entry]:
    """Return the results that two front ends have drawn differently."""
    targets = [] if run.comparisons is None else run.comparisons.targets
    keys = {result.key for target in targets if target.differences for result in target.results}
    return [entry for entry in run.tests if entry.key in keys]


def _diffs(
    run_folder: Path, comparisons: FrontEndComparisons | None, pictures: "_Pictures", room: int
) -> list["PagePicture | None"]:
    """Return the diff pictures of what front ends have drawn differently, as the page has them."""
    found: list[PagePicture | None] = []
    for target in [] if comparisons is None else comparisons.targets:
        if target.diff is None:
            found.append(None)
            continue
        absent = _embed(target.diff, partial(diff_bytes, run_folder, target), pictures, room)
        found.append(_page_picture(target.diff, absent))
    return found


class PagePicture(Picture, frozen=True, kw_only=True):
    """A picture as the page has it."""

    sidecar_sha256: Annotated[str | None, Meta(description="As that of `ShotPicture`.")]
    absent: Annotated[str | None, Meta(description="Why its bytes are not in the page; null when they are.")]


def _page_picture(picture: Picture, absent: str | None) -> PagePicture:
    return PagePicture(
        path=picture.path,
        sha256=picture.sha256,
        width=picture.width,
        height=picture.height,
        sidecar_sha256=picture.sidecar_sha256 if isinstance(picture, ShotPicture) else None,
        absent=absent,
    )


def _refused(run_folder: Path, entry: Entry) -> str | None:
    """Return why a result can't be accepted although its verdict allows it; None where it can, or does not."""
    if not entry.verdict.acceptable or entry.updated:
        return None
    try:
        candidate(run_folder, entry)
    except WidgetshotError as error:
        return error.what
    return None


class PageTrace(EntryTrace, frozen=True, kw_only=True):
    """A trace as the page has it."""

    content: TraceFile | None
    absent: Annotated[str | None, Meta(description="Why its content is not in the page; null when it is.")]


def _traces(run_folder: Path, entries: Sequence[Entry]) -> dict[str, PageTrace]:
    """Return the traces of some entries by key, as long as there is room for them."""
    found: dict[str, PageTrace] = {}
    left = _TRACE_ROOM
    for entry in entries:
        if entry.trace is None:
            continue
        content: TraceFile | None = None
        absent: str | None = f"left out to keep this page small: it is {entry.trace.path} in the run folder"
        try:
            read = read_trace(run_folder, entry.trace) if left > 0 else None
            if read is not None and (left := left - len(encode(read))) >= 0:
                content, absent = read, None
        except RecordError as error:
            absent = f"trace not shown: the file {error.what}"
        found[entry.key] = PageTrace(path=entry.trace.path, sha256=entry.trace.sha256, content=content, absent=absent)
    return found


def _page_run(
    run: Run,
    shown: Mapping[str, Mapping[str, PagePicture]],
    traces: Mapping[str, PageTrace],
    refused: Mapping[str, str | None],
    diffs: Sequence[PagePicture | None],
) -> object:
    """Return the run as plain JSON, with the pictures and the traces that the page shows."""
    document: dict[str, Any] = to_builtins(run)
    for test in document["tests"]:
        test["pictures"] = to_builtins(shown[test["key"]])
        test["trace"] = to_builtins(traces.get(test["key"]))
        test["refused"] = refused.get(test["key"])
    for index, diff in enumerate(diffs):
        document["comparisons"]["targets"][index]["diff"] = to_builtins(diff)
    return document


@dataclass
class _Pictures:
    """Pictures in base64 by their hash, and how many characters they are together."""

    encoded: dict[str, str] = field(default_factory=dict)
    size: int = 0


def _embed(picture: Picture, read: Callable[[], bytes | None], pictures: _Pictures, room: int | None) -> str | None:
    """Add a picture's bytes to `pictures`. Return why not, in words, or None when they are there."""
    try:
        # Each is checked against what its own result says of it, also where another has brought the same bytes.
        content = read()
    except WidgetshotError as error:
        return f"picture not shown: {error.what}"
    assert content is not None
    if picture.sha256 in pictures.encoded:
        return None
    encoded = b64encode(content).decode("ascii")
    if room is not None and len(encoded) + pictures.size > room:
        return f"left out to keep this page small: it is {picture.path} in the run folder"
    pictures.encoded[picture.sha256] = encoded
    pictures.size += len(encoded)
    return None


def _inside_script(value: object) -> str:
    """Return JSON that may stand inside an HTML script element: ASCII only, and nothing in it opens or closes a tag."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")
