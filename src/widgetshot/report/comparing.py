"""The results of two front ends -> what differs between them, from the files of their run folders."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from widgetshot.errors import WidgetshotError
from widgetshot.files import encode_palette, read_png, sha256
from widgetshot.model import Box, Target, Verdict, front_end_of
from widgetshot.report.comparison_json import (
    ComparedResult,
    ComparedTarget,
    ComparisonOutcome,
    Corner,
    FrontEndComparisons,
    FrontEndDifference,
)
from widgetshot.report.elements_file import read_elements
from widgetshot.report.entry import rectangles
from widgetshot.report.entry_json import Entry, Picture, RowBand
from widgetshot.report.folder import against_path
from widgetshot.report.limits import MAX_BOXES, MAX_ITEMS, MAX_NAMED, cut_line, cut_name, cut_text
from widgetshot.report.pictures import picture_bytes
from widgetshot.verdict.diff_picture import PALETTE
from widgetshot.verdict.front_ends import FrontEndComparison, FrontEndPicture, compare_front_ends

Write = Callable[[str, bytes], None]  # of a file of the run folder, by its path there


@dataclass(frozen=True)
class Recorded:
    """A result, and the run folder that holds its files."""

    entry: Entry
    folder: Path

    @property
    def frontend(self) -> str:
        """The front end that drew it."""
        return front_end_of(self.entry.key.partition("/")[0])


def compare_results(results: Iterable[Recorded], frontends: Sequence[str], write: Write) -> FrontEndComparisons:
    """Compare each target that was drawn in two front ends.

    Args:
        write: takes the diff pictures.

    Raises:
        OSError: as `write`.
    """
    targets = [_compared(first, second, write) for first, second in _pairs(results, frontends)]
    return FrontEndComparisons(frontends=list(frontends), targets=targets[:MAX_ITEMS])


def name_of(entry: Entry) -> str:
    """Return the name of a result's target without its front end: `notebooks/x.ipynb::shot[dark]`."""
    return Target(entry.notebook, entry.shot, None, 0, variant=entry.variant).nodeid


def _pairs(results: Iterable[Recorded], frontends: Sequence[str]) -> Iterator[tuple[Recorded, Recorded]]:
    """Yield the results of each target that has one in both front ends of one renderer, in the order of the first."""
    drawn: dict[tuple[str, str], dict[str, Recorded]] = {}
    for one in results:
        environment, _, path = one.entry.key.partition("/")
        renderer = environment.removeprefix(one.frontend)
        drawn.setdefault((renderer, path), {})[one.frontend] = one
    first, second = frontends
    for by_frontend in drawn.values():
        if first in by_frontend and second in by_frontend:
            yield by_frontend[first], by_frontend[second]


def _compared(first: Recorded, second: Recorded, write: Write) -> ComparedTarget:
    reason = _reason(first, second)
    for one in (first, second):
        if one.entry.verdict in (Verdict.BROKEN, Verdict.UNSTABLE):
            return _not_compared(first, second, f"it is {one.entry.verdict} in {one.frontend}", reason)
    try:
        found = compare_front_ends(_picture(first), _picture(second))
    except WidgetshotError as error:
        return _not_compared(first, second, error.what, reason)
    if not found.differences:
        kept = "" if reason is None else ", although it is declared to differ: 'differs' can be removed"
        return _target(first, second, ComparisonOutcome.SAME, f"every pixel is the same{kept}", reason)
    outcome = ComparisonOutcome.DIFFERS if reason is None else ComparisonOutcome.DECLARED
    return _target(first, second, outcome, found.sentence, reason, found, _write_diff(first, second, found, write))


def _reason(first: Recorded, second: Recorded) -> str | None:
    declared = second.entry.differs
    reasons = dict.fromkeys(declared[one.frontend] for one in (first, second) if one.frontend in declared)
    return "; ".join(reasons) or None


def _picture(recorded: Recorded) -> FrontEndPicture:
    entry = recorded.entry
    data = picture_bytes(recorded.folder, entry, "shot")
    assert data is not None  # its verdict has one
    pixels = read_png(data)
    masks = [Box(*box) for mask in entry.masks for box in mask.boxes]
    if entry.elements is None:
        return FrontEndPicture(recorded.frontend, pixels, masks)
    elements, cut = read_elements(recorded.folder, entry.elements)
    return FrontEndPicture(recorded.frontend, pixels, masks, elements, cut)


def _write_diff(first: Recorded, second: Recorded, found: FrontEndComparison, write: Write) -> Picture | None:
    diff = None if found.comparison is None else found.comparison.diff
    if diff is None:
        return None
    path, data = against_path(second.entry.key, first.frontend), encode_palette(diff, PALETTE)
    write(path, data)
    return Picture(path=path, sha256=sha256(data), width=diff.shape[1], height=diff.shape[0])


def _not_compared(first: Recorded, second: Recorded, why: str, reason: str | None) -> ComparedTarget:
    return _target(first, second, ComparisonOutcome.NOT_COMPARED, f"not compared: {why}", reason)


def _target(
    first: Recorded,
    second: Recorded,
    outcome: ComparisonOutcome,
    sentence: str,
    reason: str | None,
    found: FrontEndComparison | None = None,
    diff: Picture | None = None,
) -> ComparedTarget:
    found = found or FrontEndComparison()
    comparison = found.comparison
    return ComparedTarget(
        name=name_of(first.entry),
        results=[
            ComparedResult(
                frontend=one.frontend,
                key=one.entry.key,
                picture=None if one.entry.pictures.shot is None else one.entry.pictures.shot.path,
                place=Corner(*place),
            )
            for one, place in zip((first, second), found.places, strict=True)
        ],
        outcome=outcome,
        sentence=cut_text(sentence),
        differences=[
            FrontEndDifference(kind=one.kind, group=cut_name(one.group), sentence=cut_line(one.sentence))
            for one in found.differences[:MAX_NAMED]
        ],
        reason=None if reason is None else cut_line(reason),
        regions=rectangles(comparison.regions if comparison is not None else ()),
        bands=[
            RowBand(inserted=band.inserted, y=band.y, at=band.at, height=band.height)
            for band in (comparison.bands if comparison is not None else ())[:MAX_BOXES]
        ],
        diff=diff,
    )
