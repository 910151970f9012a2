"""Result -> entry of run.json. Whatever a page or a notebook says is cut to the limits of the format here."""

from collections.abc import Iterable
from itertools import islice

from widgetshot.json_values import json_value
from widgetshot.model import Box, Failure, Quarantine, Repeat, Result
from widgetshot.report.entry_json import (
    Entry,
    EntryError,
    EntryMask,
    EntryQuarantine,
    EntryRepeat,
    Metrics,
    Pictures,
    Rectangle,
    RowBand,
    Trait,
    Viewport,
)
from widgetshot.report.limits import (
    MAX_BOXES,
    MAX_EDGE,
    MAX_NAMED,
    cut_line,
    cut_lines,
    cut_name,
    cut_text,
    fingerprint,
    seconds,
    timings,
)
from widgetshot.verdict.grouping import change_group

_MAX_TRAIT_TEXT = 100_000  # characters of a text in a widget's state
NO_PICTURES = Pictures(shot=None, baseline=None, diff=None, second=None, seen=None)


def entry_of(result: Result) -> Entry:
    """Return what run.json says of a result, without its pictures and its history."""
    target, baseline, comparison = result.target, result.baseline, result.comparison
    return Entry(
        key=result.key,
        name=target.nodeid,
        notebook=target.notebook,
        shot=target.shot,
        variant=target.variant,
        status=result.status,
        verdict=result.verdict,
        updated=result.updated,
        sentence=cut_text(result.sentence),
        duration=seconds(result.duration),
        error=_error(result.failure),
        source=cut_text(target.source),
        differs={frontend: cut_line(reason) for frontend, reason in target.differs},
        markers=[cut_name(marker) for marker in target.markers[:MAX_NAMED]],
        tolerance=target.tolerance.words(comparison.rule if comparison else target.tolerance.rule(True)),
        quarantine=_quarantine(target.quarantine),
        history=[],
        flaky=False,
        repeat=_repeat(result.repeat),
        theme=target.theme,
        viewport=Viewport(target.viewport.width, target.viewport.height),
        masks=_masks(result),
        metrics=_metrics(result),
        traits=[
            Trait(
                widget=cut_name(change.widget),
                trait=cut_name(change.trait),
                before=json_value(change.before, _MAX_TRAIT_TEXT),
                after=json_value(change.after, _MAX_TRAIT_TEXT),
            )
            for change in result.traits[:MAX_BOXES]
        ],
        renderer=cut_lines(result.renderer),
        console=cut_lines(result.console),
        blocked=cut_lines(result.blocked),
        fingerprint=fingerprint(result.fingerprint),
        baseline_fingerprint=None if baseline is None else fingerprint(baseline.fingerprint),
        baseline_sha256=None if baseline is None else baseline.sha256,
        pictures=NO_PICTURES,
        elements=None,
        trace=None,
    )


def _error(failure: Failure | None) -> EntryError | None:
    if failure is None:
        return None
    return EntryError(type=cut_name(failure.kind), message=cut_text(failure.message), next=cut_line(failure.next_step))


def _quarantine(quarantine: Quarantine | None) -> EntryQuarantine | None:
    if quarantine is None:
        return None
    return EntryQuarantine(reason=cut_line(quarantine.reason), until=quarantine.until.isoformat())


def _repeat(repeat: Repeat | None) -> EntryRepeat | None:
    if repeat is None:
        return None
    return EntryRepeat(runs=repeat.runs, distinct=repeat.distinct, counts=list(repeat.counts))


def _masks(result: Result) -> list[EntryMask]:
    masks = result.target.masks
    boxes = result.shot.masks if result.shot is not None else ((),) * len(masks)
    return [
        EntryMask(reason=cut_line(mask.reason), place=cut_line(mask.place), boxes=rectangles(islice(inside, MAX_BOXES)))
        for mask, inside in islice(zip(masks, (_inside(found, result) for found in boxes), strict=True), MAX_NAMED)
    ]


def _inside(boxes: Iterable[Box], result: Result) -> list[Box]:
    """Return the parts of boxes that lie in the result's shot, as its sidecar has them."""
    if result.shot is None:
        return []
    height, width = result.shot.pixels.shape[:2]
    return [part for box in boxes if (part := box.within(width, height)) is not None]


def _metrics(result: Result) -> Metrics:
    spent = timings(result.shot.timings if result.shot is not None else {})
    if (comparison := result.comparison) is None:
        return Metrics(
            changed_pixels=None, changed_share=None, regions=[], rule=None, change_group=None, bands=[], timings=spent
        )
    return Metrics(
        changed_pixels=comparison.changed,
        changed_share=comparison.share,
        regions=rectangles(comparison.regions),
        rule=comparison.rule,
        change_group=_change_group(result),
        bands=[
            RowBand(inserted=band.inserted, y=band.y, at=band.at, height=band.height)
            for band in comparison.bands[:MAX_BOXES]
        ],
        timings=spent,
    )


def _change_group(result: Result) -> str | None:
    if not result.verdict.acceptable or not (result.baseline and result.shot and result.comparison):
        return None
    return change_group(result.baseline.pixels, result.shot.pixels, result.comparison)


def rectangles(boxes: Iterable[Box]) -> list[Rectangle]:
    """Return boxes as an entry may hold them."""
    return [
        Rectangle(
            max(-MAX_EDGE, min(box.x, MAX_EDGE)),
            max(-MAX_EDGE, min(box.y, MAX_EDGE)),
            max(0, min(box.width, MAX_EDGE)),
            max(0, min(box.height, MAX_EDGE)),
        )
        for box in islice(boxes, MAX_BOXES)
    ]
