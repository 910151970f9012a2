"""The files of one result, checked: its pictures, and what accepting it would put among the baselines.

A run folder may come from anywhere. The gallery, every kind of review, `approve` and `merge` read its files here, so
that what one of them shows is what another stores.
"""

from dataclasses import dataclass
from pathlib import Path

from msgspec import UNSET

from widgetshot.baselines.sidecar import ShotDescription, description_problem
from widgetshot.documents import convert, invalid, parse_json
from widgetshot.errors import ConfigError, RecordError, StaleDecision
from widgetshot.files import read_inside, sha256
from widgetshot.model import MAX_PIXELS, Verdict
from widgetshot.png_form import ForeignPngError, png_size
from widgetshot.report.comparison_json import ComparedTarget
from widgetshot.report.elements_file import MAX_ELEMENTS_BYTES
from widgetshot.report.entry_json import Entry, Picture, Pictures
from widgetshot.report.folder import elements_path, picture_path, sidecar_path, trace_path
from widgetshot.report.limits import cut_line
from widgetshot.report.reader import RUN_AGAIN
from widgetshot.report.trace_file import MAX_TRACE_BYTES

MAX_SIDECAR_BYTES = 64_000_000
_MAX_PIXEL_BYTES = 5  # four channels, and what a file has besides them where nothing can be compressed
_MIN_PICTURE_BYTES = 1_000_000
KINDS = Pictures.__struct_fields__


@dataclass(frozen=True)
class Candidate:
    """What accepting a result stores: the bytes of its picture's file, and what that picture shows."""

    picture: bytes
    description: ShotDescription


def picture_bytes(folder: Path, entry: Entry, kind: str) -> bytes | None:
    """Return a picture's file, None where the result has none: the one recorded, and a PNG as widgetshot writes them.

    Args:
        folder: of the run, as `read_run` has checked it.
        kind: shot, baseline, diff, second or seen.

    Raises:
        StaleDecision: it is not the file that the run recorded.
        RecordError: it can't be read, or no reader but the intended would see the same in it.
    """
    picture: Picture | None = getattr(entry.pictures, kind)
    if picture is None:
        return None
    # A diff picture has room for both of those that it compares.
    max_pixels = 2 * MAX_PIXELS if kind == "diff" else MAX_PIXELS
    return _png(folder, picture_path(entry.key, kind), picture, entry.name, max_pixels)


def candidate(folder: Path, entry: Entry) -> Candidate:
    """Return what accepting a result stores. Everything that a reviewer must have seen for that is there and right.

    Args:
        folder: of the run, as `read_run` has checked it.

    Raises:
        ConfigError: its verdict does not allow it.
        StaleDecision: a file is not the one that the run recorded.
        RecordError: a file can't be read, or does not fit to the rest.
    """
    if not entry.verdict.acceptable:
        raise ConfigError(f"can't be approved: {_why_not(entry)}", where=entry.name)
    # Who accepts a change has seen what was there before.
    picture_bytes(folder, entry, "baseline")
    picture, data = entry.pictures.shot, picture_bytes(folder, entry, "shot")
    if picture is None or data is None or picture.sidecar_sha256 is None:
        raise RecordError("its picture was not recorded", where=entry.name, next_step=RUN_AGAIN)
    path = sidecar_path(entry.key)
    text = _recorded(folder, path, picture.sidecar_sha256, MAX_SIDECAR_BYTES, entry.name)
    try:
        members = parse_json(text)
    except ValueError as error:
        raise invalid(path, "", f"is not JSON: {error}", next_step=RUN_AGAIN) from error
    description = convert(ShotDescription, members, path, next_step=RUN_AGAIN)
    if problem := description_problem(description, (picture.width, picture.height)):
        raise invalid(path, *problem, next_step=RUN_AGAIN)
    told = {mask.place: [tuple(box) for box in mask.boxes] for mask in entry.masks}
    stored = {} if description.masks is UNSET else description.masks
    if {cut_line(place): boxes for place, boxes in stored.items()} != told:
        raise invalid(path, "masks", "expected those that run.json says of the result", next_step=RUN_AGAIN)
    return Candidate(data, description)


def trace_bytes(folder: Path, entry: Entry) -> bytes | None:
    """Return the file of a result's trace, None where it has none.

    Raises:
        StaleDecision, RecordError: as `picture_bytes`.
    """
    if entry.trace is None:
        return None
    return _recorded(folder, trace_path(entry.key), entry.trace.sha256, MAX_TRACE_BYTES, entry.name)


def diff_bytes(folder: Path, target: ComparedTarget) -> bytes | None:
    """Return the diff picture of a target in two front ends, None where there is none.

    Raises:
        StaleDecision, RecordError: as `picture_bytes`.
    """
    return None if target.diff is None else _png(folder, target.diff.path, target.diff, target.name, 2 * MAX_PIXELS)


def result_files(folder: Path, entry: Entry) -> dict[str, bytes]:
    """Return all files of a result by their paths in any run folder, which follow from its key.

    Raises:
        StaleDecision, RecordError: as `picture_bytes` and `candidate`.
    """
    files = {picture_path(entry.key, kind): picture_bytes(folder, entry, kind) for kind in KINDS}
    files[trace_path(entry.key)] = trace_bytes(folder, entry)
    if entry.elements is not None:
        path = elements_path(entry.key)
        files[path] = _recorded(folder, path, entry.elements.sha256, MAX_ELEMENTS_BYTES, entry.name)
    shot = entry.pictures.shot
    if shot is not None and shot.sidecar_sha256 is not None:
        path = sidecar_path(entry.key)
        files[path] = _recorded(folder, path, shot.sidecar_sha256, MAX_SIDECAR_BYTES, entry.name)
    return {path: data for path, data in files.items() if data is not None}


def _png(folder: Path, path: str, picture: Picture, name: str, max_pixels: int) -> bytes:
    """Return a picture's file."""
    most = _MIN_PICTURE_BYTES + _MAX_PIXEL_BYTES * picture.width * picture.height
    data = _recorded(folder, path, picture.sha256, most, name)
    try:
        size = png_size(data, max_pixels)
    except ForeignPngError as error:
        raise RecordError(
            f"its picture is none that widgetshot writes: {error}", where=name, next_step=RUN_AGAIN
        ) from error
    if size != (picture.width, picture.height):
        raise RecordError(
            f"its picture has {size[0]} x {size[1]} pixels, not the {picture.width} x {picture.height} of run.json",
            where=name,
            next_step=RUN_AGAIN,
        )
    return data


def _recorded(folder: Path, path: str, digest: str, max_bytes: int, name: str) -> bytes:
    """Return a file with the digest that was recorded."""
    try:
        data = read_inside(folder, path, max_bytes)
    except FileNotFoundError as error:
        raise RecordError(f"its file was not recorded, or is gone: {path}", where=name, next_step=RUN_AGAIN) from error
    except OSError as error:
        raise RecordError(
            f"its file can't be read: {path}: {error.strerror or error}", where=name, next_step=RUN_AGAIN
        ) from error
    if sha256(data) != digest:
        raise StaleDecision(f"its file is not the one this run recorded: {path}", where=name, next_step=RUN_AGAIN)
    return data


def _why_not(entry: Entry) -> str:
    if entry.verdict is Verdict.MATCH:
        return "it matches its baseline already"
    if entry.verdict is Verdict.BROKEN:
        return "there is no picture of it that can be trusted"
    if entry.repeat is not None and entry.repeat.distinct > 1:
        return "its pictures varied between runs, so none of them can be trusted"
    return "it never came to rest, so no picture of it can be trusted"
