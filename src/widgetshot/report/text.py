"""A run, and a result that failed, in words for a person at a terminal."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from widgetshot.model import Result, Status, Verdict
from widgetshot.report.comparison_json import ComparedTarget, ComparisonOutcome
from widgetshot.report.entry_json import Entry
from widgetshot.report.folder import picture_path
from widgetshot.report.run_json import Changed, Run, VerdictCounts
from widgetshot.shell import quoted, typed
from widgetshot.verdict.renderers import known_sheets

_MAX_NOTEBOOKS = 5
_MAX_SESSIONS = 10
_MAX_FLAKY = 3
_MAX_GROUPS = 10  # of differences between front ends that are told with a target
_MAX_REGIONS = 3
_MIN_STAGE_S = 0.05  # of a stage that is worth a word


def summary_lines(run: Run) -> list[str]:
    """Return a whole run in words."""
    summary, tests = run.summary, run.tests
    counts = ", ".join(
        f"{count} {verdict}"
        for verdict in VerdictCounts.__struct_fields__
        if (count := getattr(summary.verdicts, verdict))
    )
    written = f"{summary.updated} baseline{'s' if summary.updated != 1 else ''} written"
    updated = f"; {written}" if summary.updated else ""
    lines = [f"{counts or 'nothing captured'}{updated}", *_changed_lines(run.changed)]
    if suite := run.suite:
        others = f"{suite.left_out} other picture{' was' if suite.left_out == 1 else 's were'} left out"
        lines.append(f"suite '{suite.name}': {others}")
    if summary.quarantined:
        lines.append(f"{summary.quarantined} of them in quarantine, which does not fail the run:")
        # By name: of a Python test's picture pytest has no other sign.
        lines += [
            f"  {test.name}: {test.quarantine.reason} (until {test.quarantine.until})"
            for test in tests
            if test.status is Status.QUARANTINED and test.quarantine is not None
        ]
    if run.merged is not None and run.merged.shared_keys:
        keys = run.merged.shared_keys
        shared = f"{keys} key{' was' if keys == 1 else 's were'}"
        lines.append(f"{shared} in several of the {len(run.merged.runs)} runs; where one failed, that result is kept")
    if run.repeat > 1:
        # Pictures of Python tests are taken once, and a notebook that can't be read has none.
        repeated = [test.repeat for test in tests if test.repeat is not None]
        steady = sum(repeat.counts == [run.repeat] for repeat in repeated)
        once = f"; {len(tests) - len(repeated)} not repeated" if len(repeated) < len(tests) else ""
        lines.append(f"{run.repeat} runs: {steady} of {len(repeated)} targets gave one picture each{once}")
    elsewhere = [test for test in tests if test.renderer]
    if elsewhere:
        lines.append(
            f"{len(elsewhere)} compared perceptually: different renderer ({elsewhere[0].renderer[0]}); "
            f"to be strict again: {_to_be_strict(elsewhere)}"
        )
    lines += comparison_lines(run)
    flaky = [test.name for test in tests if test.flaky and test.verdict is Verdict.MATCH]
    if flaky:
        more = f" and {len(flaky) - _MAX_FLAKY} more" if len(flaky) > _MAX_FLAKY else ""
        lines.append(f"match now, but flaky in their last runs: {', '.join(flaky[:_MAX_FLAKY])}{more}")
    return lines


def _to_be_strict(tests: Sequence[Entry]) -> str:
    """Return what makes the comparison of results strict that another renderer drew the baselines of."""
    if all(known_sheets(test.baseline_fingerprint or {}, test.fingerprint) for test in tests):
        return "--update-baselines=all"
    return "--update-baselines=sheets where pictures are equal in every pixel, else =all"


def comparison_lines(run: Run) -> list[str]:
    """Return what differs between two front ends, each group with its first target."""
    comparisons = run.comparisons
    if comparisons is None:
        return []
    between = " and ".join(comparisons.frontends)
    total = len(comparisons.targets)
    if not total and run.shard is not None:
        return [f"no cell of this shard was drawn in both {between}; merging the shards compares all of them"]
    if not total:
        return [
            f"no cell was drawn in both {between}: write 'frontend: [{', '.join(comparisons.frontends)}]' beside it"
        ]
    by_outcome = {
        outcome: [target for target in comparisons.targets if target.outcome is outcome]
        for outcome in ComparisonOutcome
    }
    differing = by_outcome[ComparisonOutcome.DIFFERS]
    groups: dict[str, list[ComparedTarget]] = {}
    for target in differing:
        groups.setdefault(target.differences[0].group, []).append(target)
    largest = sorted(groups.items(), key=lambda group: -len(group[1]))
    kinds = ", ".join(f"{len(targets)} {group}" for group, targets in largest)
    differ = f"{len(differing)} of {_cells(total)} {'differs' if len(differing) == 1 else 'differ'} between {between}"
    rest = [
        f"{len(by_outcome[outcome])} {words}"
        for outcome, words in (
            (ComparisonOutcome.DECLARED, "as declared"),
            (ComparisonOutcome.NOT_COMPARED, "not compared"),
        )
        if by_outcome[outcome]
    ]
    lines = ["; ".join([f"{differ}: {kinds}" if kinds else differ, *rest])]
    for _, targets in largest[:_MAX_GROUPS]:
        more = f" (and {_cells(len(targets) - 1)} more)" if len(targets) > 1 else ""
        lines.append(f"  {targets[0].name}: {targets[0].sentence}{more}")
    lines += [
        f"  {target.name}: {target.reason}: {target.sentence}"
        for target in by_outcome[ComparisonOutcome.DECLARED][:_MAX_GROUPS]
    ]
    lines += [
        f"  {target.name}: {target.sentence}" for target in by_outcome[ComparisonOutcome.NOT_COMPARED][:_MAX_GROUPS]
    ]
    return lines


def _cells(number: int) -> str:
    return f"{number} cell{'' if number == 1 else 's'}"


def time_lines(run: Run) -> list[str]:
    """Return where the time of a run went, and its slowest notebooks."""
    # What came after the run was read or written otherwise has no stages.
    if not run.timings:
        return []
    work, wall = sum(run.timings.values()), run.summary.duration_seconds
    # Notebooks are worked on side by side, so that there is mostly more of the one than of the other.
    lines = [f"time: {work:.1f} s of work in {wall:.1f} s: {_stages(run.timings)}"]
    if run.notebooks:
        lines.append("slowest notebooks:")
        lines += [
            f"  {one.seconds:.1f} s {one.notebook}: {_stages(one.timings, 3)}" for one in run.notebooks[:_MAX_NOTEBOOKS]
        ]
    return lines


def _stages(timings: Mapping[str, float], most: int | None = None) -> str:
    """Return stages and their seconds, the longest first."""
    longest = sorted(timings.items(), key=lambda item: -item[1])
    shown = [f"{stage} {seconds:.1f}" for stage, seconds in longest if seconds >= _MIN_STAGE_S][:most]
    return ", ".join(shown) or "next to nothing"


def _changed_lines(changed: Changed | None) -> list[str]:
    """Return what `--changed` came to."""
    if changed is None:
        return []
    if changed.refused:
        return [changed.refused]
    lines = []
    if left := len(changed.not_run):
        counts = "it counts" if left == 1 else "they count"
        was = (
            "picture was not run: it passed, and nothing"
            if left == 1
            else "pictures were not run: they passed, and nothing"
        )
        lines.append(f"{left} {was} that was seen to matter has changed since; {counts} as neither passed nor failed")
    lines += [f"  run: {one.name}: {one.why}" for one in changed.ran[:_MAX_SESSIONS]]
    if (more := len(changed.ran) - _MAX_SESSIONS) > 0:
        lines.append(f"  run: {more} more, see 'changed' in run.json")
    return lines


def next_lines(run: Run, folder: str = "") -> list[str]:
    """Return the commands to type after a run that left something to decide.

    Args:
        folder: the run folder as it is to be typed; nothing where it is the project's own.
    """
    if all(test.status is Status.PASSED for test in run.tests):
        return []
    folder = typed(folder) if folder else ""
    lines = [f"review: widgetshot review {folder}".rstrip()]
    if any(test.verdict.acceptable and test.status is not Status.PASSED for test in run.tests):
        where = f" --report {folder}" if folder else ""
        lines.append(f"accept what is right: widgetshot approve{where} 'NOTEBOOK::SHOT' ... (or --all)")
    return lines


def failure_text(result: Result, folder: Path, typed_folder: str = "") -> str:
    """Return what a person needs to know about a result that failed: numbers, paths, the next command.

    Args:
        folder: where the result's pictures are.
        typed_folder: the run folder as it is to be typed; nothing where it is the project's own.
    """
    # What a notebook says can't pass for a line of ours.
    sentence = result.sentence.replace("\n", "\n    | ")
    lines = [f"{result.target.nodeid}: {result.verdict}: {sentence}"]
    if result.comparison is not None and result.comparison.regions:
        regions = result.comparison.regions
        named = [f"{box.width}x{box.height} at ({box.x}, {box.y})" for box in regions[:_MAX_REGIONS]]
        more = len(regions) - len(named)
        lines.append(f"  regions:  {', '.join(named)}{f' and {more} more' if more > 0 else ''}")
        if result.verdict is not Verdict.UNSTABLE:
            lines.append(f"  allowed:  {result.target.tolerance.words(result.comparison.rule)}")
    for kind in ("baseline", "shot", "second", "diff"):
        path = folder / picture_path(result.key, kind)
        if path.is_file():
            lines.append(f"  {kind + ':':9} {path}")
    if result.failure is not None:
        if result.failure.next_step:
            lines.append(f"  next:     {result.failure.next_step}")
    elif result.verdict.acceptable:
        name = result.target.nodeid
        where = f"--report {typed(typed_folder)} " if typed_folder else ""
        # Behind two dashes nothing is an option.
        lines.append(f"  accept:   widgetshot approve {where}{'-- ' if name.startswith('-') else ''}{quoted(name)}")
    elif result.verdict is Verdict.UNSTABLE:
        if result.repeat is not None and result.repeat.distinct > 1:
            lines.append("  next:     freeze_clock, a seed, or a mask: docs/how-to/flaky-pictures.md")
        else:
            lines.append("  next:     mask what moves, or declare 'max_settle: SECONDS' for a widget that never rests")
    return "\n".join(lines)
