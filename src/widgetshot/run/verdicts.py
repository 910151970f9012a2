"""A shot or an error made into a Result; its quarantine, and its text without secrets. Nothing here does I/O."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from types import MappingProxyType
from typing import Any

from widgetshot.errors import CaptureError, ExitCode, WidgetshotError
from widgetshot.model import (
    MAX_PIXELS,
    UNKNOWN,
    Baseline,
    Box,
    Comparison,
    Failure,
    Pixels,
    Result,
    Shot,
    Target,
    TraitChange,
    Verdict,
    boxes_of,
)
from widgetshot.redact import Redactor
from widgetshot.verdict.compare import compare
from widgetshot.verdict.explain import explain
from widgetshot.verdict.judge import judge
from widgetshot.verdict.layout import changes as layout_changes
from widgetshot.verdict.pixels import same
from widgetshot.verdict.renderers import (
    SAME,
    SHEET,
    RendererComparison,
    compare_renderers,
    known_sheets,
    renderer_changes,
)
from widgetshot.verdict.traits import trait_changes

NO_SHEET: Mapping[str, str] = MappingProxyType({})
_MAX_PADDED_PIXELS = 2 * MAX_PIXELS


def judged(
    target: Target,
    key: str,
    shot: Shot,
    baseline: Baseline | None,
    renderer: Mapping[str, Any],
    *,
    sheet: Mapping[str, str] = NO_SHEET,
    uses: Collection[str] | None = None,
    console: Sequence[str] = (),
    blocked: Sequence[str] = (),
) -> Result:
    """Compare a shot with its baseline and judge it.

    Args:
        key: the target's.
        baseline: None where there is none.
        renderer: the fingerprint of what drew the shot, without its widgets' front ends.
        sheet: its calibration sheet, see `BrowserHost.sheet`.
        uses: kinds of primitives of that which the shot has; None where that is not known, see `needs_uses`.
        console: errors that the page wrote so far.
        blocked: addresses elsewhere that it asked for so far.

    Raises:
        CaptureError: the pictures are large, and of so different shapes that they can't be compared.
    """
    # Which front ends drew it is known only now that its widgets are.
    fingerprint = {**renderer, "widgets": dict(shot.modules)}
    comparison: Comparison | None = None
    renderers = SAME
    if baseline is not None:
        _refuse_shapes(baseline.pixels, shot.pixels, key)
        renderers = compare_renderers(baseline.fingerprint, fingerprint, (baseline.sheet, sheet), uses)
        comparison = compare(
            baseline.pixels,
            shot.pixels,
            target.tolerance,
            boxes_of(shot.masks),
            _masks_before(target, baseline),
            same_renderer=not renderers.differences,
        )
    verdict, sentence = judge(target, shot, baseline, comparison, renderers)
    traits: tuple[TraitChange, ...] = ()
    if baseline is not None and verdict in (Verdict.CHANGED, Verdict.RESIZED):
        traits, why = _explanation(baseline, shot, renderers, console=len(console), blocked=len(blocked))
        sentence = f"{why}; {sentence}" if why else sentence
    elif verdict is Verdict.NEW and (
        why := explain(
            (),
            None,
            SAME,
            known=False,
            console=len(console),
            blocked=len(blocked),
            missing_glyphs=shot.missing_glyphs,
        )
    ):
        # Before anybody accepts what something is missing in.
        sentence = f"{why}; {sentence}"
    return Result(
        target=target,
        key=key,
        verdict=verdict,
        sentence=sentence,
        shot=shot,
        baseline=baseline,
        comparison=comparison,
        traits=traits,
        fingerprint=fingerprint,
        renderer=renderers.differences,
        sheet=sheet,
        console=tuple(console),
        blocked=tuple(blocked),
    )


def needs_uses(baseline: Baseline | None, renderer: Mapping[str, Any], sheet: Mapping[str, str]) -> bool:
    """Tell whether what a shot shows decides how it is compared: its renderer draws some primitives otherwise.

    Args:
        renderer, sheet: as `judged` takes them.
    """
    if baseline is None or not baseline.sheet or not sheet:
        return False
    sheets = known_sheets(baseline.fingerprint, renderer)
    return sheets is not None and sheets[0] != sheets[1]


def _refuse_shapes(before: Pixels, after: Pixels, key: str) -> None:
    """Raise CaptureError where pictures, both padded to the larger width and height, would not fit into memory."""
    (height, width), (height_after, width_after) = before.shape[:2], after.shape[:2]
    if max(height, height_after) * max(width, width_after) > _MAX_PADDED_PIXELS:
        raise CaptureError(
            f"{width} x {height} pixels became {width_after} x {height_after}, which is too much to be compared",
            next_step=f"remove the baseline {key}, and run with --update-baselines if the new size is right",
        )


def _explanation(
    baseline: Baseline, shot: Shot, renderers: RendererComparison, *, console: int, blocked: int
) -> tuple[tuple[TraitChange, ...], str]:
    """Return the widget traits that differ, and why the picture changed, in words.

    Args:
        renderers: those of both.
        console, blocked: numbers of errors, and of requests to elsewhere.
    """
    known = baseline.widgets is not None
    traits = trait_changes(baseline.widgets, shot.widgets) if known else ()
    moved = moved_elements(baseline, shot, brief=bool(traits))
    cut = baseline.layout_cut or shot.layout_cut
    # Those that were missing before have been approved.
    missing = [one for one in shot.missing_glyphs if one not in baseline.missing_glyphs]
    return traits, explain(
        traits, moved, renderers, known=known, cut=cut, console=console, blocked=blocked, missing_glyphs=missing
    )


def broken(
    target: Target,
    key: str,
    error: WidgetshotError,
    *,
    renderer: Mapping[str, Any] | None = None,
    duration: float = 0.0,
) -> Result:
    """Return the result of a target without a picture that can be trusted.

    Args:
        error: why there is none.
        renderer: as `judged` takes it; None where it is not known.
        duration: seconds.
    """
    failure = Failure(type(error).__name__, _message(error, target), error.next_step, int(error.exit_code))
    return Result(
        target=target,
        key=key,
        verdict=Verdict.BROKEN,
        sentence=failure.message,
        failure=failure,
        fingerprint=renderer or {},
        duration=duration,
    )


def _message(error: WidgetshotError, target: Target) -> str:
    """Return the error in one sentence; its place only where it is not the target itself."""
    if error.where and error.where != target.nodeid and not target.nodeid.startswith(f"{error.where}::"):
        return f"{error.where}: {error.what}"
    return error.what


def expectation(target: Target, baseline: Baseline | None) -> Callable[[Pixels, tuple[tuple[Box, ...], ...]], bool]:
    """Return the test that a picture is the baseline's, pixel by pixel outside of the masks.

    `capture.shot.take_shot` needs no second picture of a page that passes it.
    """

    def expected(pixels: Pixels, masks: tuple[tuple[Box, ...], ...]) -> bool:
        return baseline is not None and same(
            baseline.pixels, pixels, [*boxes_of(masks), *_masks_before(target, baseline)]
        )

    return expected


def moved_elements(before: Baseline | Shot, after: Shot, *, brief: bool) -> tuple[str, ...] | None:
    """See `widgetshot.verdict.layout.changes`; None where it is not known what was there before."""
    if before.layout is None:
        return None
    return layout_changes(
        before.layout, after.layout, cut_before=before.layout_cut, cut_after=after.layout_cut, brief=brief
    )


def _masks_before(target: Target, baseline: Baseline) -> list[Box]:
    """Return the boxes that the target's masks covered in the baseline."""
    return boxes_of(baseline.masks.get(mask.place, ()) for mask in target.masks)


def under_quarantine(result: Result, today: date) -> Result:
    """Return the result under its target's quarantine, if there is one and the result needs it."""
    quarantine = result.target.quarantine
    infrastructure = result.failure is not None and result.failure.exit_code > ExitCode.DIFFERENCES
    if quarantine is None or result.passed or infrastructure:
        return result
    if quarantine.holds(today):
        return replace(result, quarantined=quarantine)
    ended = f"its quarantine ended on {quarantine.until.isoformat()} ({quarantine.reason})"
    return replace(result, sentence=f"{result.sentence}; {ended}")


def redacted(result: Result, redactor: Redactor) -> Result:
    """Return the result without secrets in all that it says; its shot has none by now."""
    if not redactor:
        return result
    text = redactor.text
    failure = result.failure and replace(
        result.failure, message=text(result.failure.message), next_step=text(result.failure.next_step)
    )
    return replace(
        result,
        target=replace(result.target, source=text(result.target.source)),
        sentence=text(result.sentence),
        failure=failure,
        traits=tuple(
            replace(trait, before=redactor.data(trait.before), after=redactor.data(trait.after))
            for trait in result.traits
        ),
        console=tuple(map(text, result.console)),
        blocked=tuple(map(text, result.blocked)),
    )


def notes_sheet(result: Result, update: str) -> bool:
    """Return whether a run notes the calibration sheet of its renderer in the baseline of a result.

    Only where this renderer has drawn the baseline's picture, equal in every pixel that is compared, where no sheet of
    this edition is noted, and where nothing but the renderer's name is another one.

    Args:
        update: as `writes_baseline` takes it.
    """
    baseline, sheet = result.baseline, result.fingerprint.get(SHEET, UNKNOWN)
    if update != "sheets" or baseline is None or result.verdict is not Verdict.MATCH:
        return False
    if not result.sheet or not baseline.fingerprint or known_sheets(baseline.fingerprint, result.fingerprint):
        return False
    comparison = result.comparison
    equal = comparison is not None and comparison.equal
    return equal and not renderer_changes({**baseline.fingerprint, SHEET: sheet}, result.fingerprint)


def writes_baseline(result: Result, update: str) -> bool:
    """Return whether a run writes the result's shot as the baseline.

    Args:
        update: what the run was asked to write: none, sheets, missing, changed or all.
    """
    if result.shot is None or update in ("none", "sheets") or result.verdict is Verdict.UNSTABLE:
        return False
    return (
        update == "all"
        or result.verdict is Verdict.NEW
        or (update == "changed" and result.verdict in (Verdict.CHANGED, Verdict.RESIZED))
    )
