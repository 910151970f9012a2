"""(target, shot, baseline, comparison) -> verdict and the sentence that says why. No I/O."""

from dataclasses import replace

from widgetshot.model import Baseline, Comparison, Repeat, Shot, Target, Verdict
from widgetshot.verdict.explain import about_renderers
from widgetshot.verdict.renderers import SAME, RendererComparison
from widgetshot.verdict.words import MAX_NAMED, count, listed


def judge(
    target: Target,
    shot: Shot,
    baseline: Baseline | None,
    comparison: Comparison | None,
    renderers: RendererComparison = SAME,
) -> tuple[Verdict, str]:
    """Return the verdict on a shot that was taken.

    Args:
        comparison: of shot and baseline; None without a baseline.
        renderers: those of both.
    """
    if not shot.settled:
        return Verdict.UNSTABLE, f"never came to rest: {shot.unrest}"
    if baseline is None or comparison is None:
        return Verdict.NEW, "has no baseline yet"
    if comparison.resized:
        return Verdict.RESIZED, (
            f"{_size(baseline.pixels.shape)} became {_size(shot.pixels.shape)} pixels; {_amount(comparison)}"
        )
    if comparison.changed > target.tolerance.allowance(comparison.total):
        return Verdict.CHANGED, _amount(comparison)
    about = about_renderers(replace(renderers, names=()))
    elsewhere = f"; {about}" if about else ""
    if comparison.changed:
        allowed = target.tolerance.words(comparison.rule)
        return Verdict.MATCH, f"{_amount(comparison)}, within the tolerance: {allowed}{elsewhere}"
    return Verdict.MATCH, f"is as it was approved{elsewhere}"


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"


def _amount(comparison: Comparison) -> str:
    share = comparison.share
    # Rounding must not turn a difference into none.
    percent = f"{share:.2%}" if share >= 0.0001 else "under 0.01%"
    where = f"in {count(len(comparison.regions), 'region')}"
    if not comparison.bands:
        return f"{_differing(comparison.changed)} ({percent}) {where}"
    words = [
        f"{count(band.height, 'row')} of pixels {'inserted' if band.inserted else 'removed'} at y={band.y}"
        for band in comparison.bands[:MAX_NAMED]
    ]
    bands = listed(words, len(comparison.bands))
    unaligned = f"place by place {comparison.changed}, {percent}"
    return f"{bands}; lined up, {_differing(comparison.marked)} {where} ({unaligned})"


def _differing(pixels: int) -> str:
    return f"{pixels} pixel{'s differ' if pixels != 1 else ' differs'}"


def flaky_sentence(repeat: Repeat, comparison: Comparison | None) -> str:
    """Say that not every run of `--repeat` gave the same picture.

    Args:
        comparison: of the first two distinct pictures.
    """
    counts = ", ".join(f"{count} times" if count != 1 else "once" for count in repeat.counts)
    amount = f"; there {_amount(comparison)}" if comparison is not None else ""
    return (
        f"{repeat.distinct} different pictures came out of {repeat.runs} runs ({counts}); "
        f"run {repeat.first} was the first to differ{amount}"
    )
