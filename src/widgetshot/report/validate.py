"""Rules that a run keeps between its members; what a single one may be is said by the types in `run_json`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime

from widgetshot.json_values import check_json
from widgetshot.model import MAX_PIXELS, Status, Target, Verdict, front_end_of
from widgetshot.report.comparison_json import ComparedTarget, ComparisonOutcome
from widgetshot.report.entry_json import Entry, Metrics, Picture, Pictures
from widgetshot.report.folder import against_path, elements_path, picture_path, trace_path
from widgetshot.report.limits import MAX_BOXES
from widgetshot.report.run_json import ENVIRONMENTS, Run, summarise

Problem = tuple[str, str]  # place, what was expected there


def run_problem(run: Run) -> Problem | None:
    """Return the first rule that a run breaks, and where; None when it keeps all."""
    return next(_run_problems(run), None)


def _run_problems(run: Run) -> Iterator[Problem]:
    yield from _times("started", run.started)
    if run.changed is not None:
        for index, left_out in enumerate(run.changed.not_run):
            yield from _times(f"changed.not_run[{index}].passed", left_out.passed)
    if run.shard is not None and run.shard.number > run.shard.count:
        yield "shard.number", f"expected at most {run.shard.count}, the number of shards"
    if run.shard is not None and run.complete and len(run.shard.order) != len(run.tests):
        yield "shard.order", f"expected {len(run.tests)} places, one of each test"
    yield from _values("environment.fingerprint", run.environment.fingerprint)
    environments = run.environment.name.split(ENVIRONMENTS)
    first: dict[str, int] = {}
    for index, entry in enumerate(run.tests):
        place = f"tests[{index}]"
        other = first.setdefault(entry.key, index)
        if other != index:
            yield f"{place}.key", f"expected a key of its own, tests[{other}] has the same"
        for member, expected in entry_problems(entry):
            yield f"{place}.{member}", expected
        if entry.key.partition("/")[0] not in environments:
            yield f"{place}.key", f"expected to begin with an environment of the run: {run.environment.name}"
    yield from _comparison_problems(run)
    counted = summarise(run.tests, run.summary.duration_seconds)
    for member in counted.__struct_fields__:
        if member != "duration_seconds" and getattr(run.summary, member) != getattr(counted, member):
            yield f"summary.{member}", f"expected {getattr(counted, member)}, as the tests have it"


def _comparison_problems(run: Run) -> Iterator[Problem]:
    """Yield where what is said of two front ends does not follow from their results."""
    if run.comparisons is None:
        return
    frontends = run.comparisons.frontends
    if len(set(frontends)) != len(frontends):
        yield "comparisons.frontends", "expected two"
    entries = {entry.key: entry for entry in run.tests}
    seen: set[str] = set()
    for index, target in enumerate(run.comparisons.targets):
        place = f"comparisons.targets[{index}]"
        for member, expected in _compared_problems(target, entries, frontends):
            yield f"{place}.{member}", expected
        if target.results[1].key in seen:
            yield f"{place}.results[1].key", "expected a result that was not compared before"
        seen.add(target.results[1].key)


def _compared_problems(
    target: ComparedTarget, entries: Mapping[str, Entry], frontends: Sequence[str]
) -> Iterator[Problem]:
    for index, (result, frontend) in enumerate(zip(target.results, frontends, strict=True)):
        place, entry = f"results[{index}]", entries.get(result.key)
        if entry is None:
            yield f"{place}.key", "expected that of a test of the run"
            continue
        if result.frontend != frontend or front_end_of(result.key.partition("/")[0]) != frontend:
            yield f"{place}.frontend", f"expected {frontend}, as the key has it"
        if result.picture != (entry.pictures.shot and entry.pictures.shot.path):
            yield f"{place}.picture", "expected the path of the test's shot"
        if target.name != Target(entry.notebook, entry.shot, None, 0, variant=entry.variant).nodeid:
            yield "name", "expected that of both tests, without front end"
    differs = target.outcome in (ComparisonOutcome.DIFFERS, ComparisonOutcome.DECLARED)
    if bool(target.differences) != differs:
        yield "differences", "expected some if the pictures differ, and only then"
    if target.outcome is ComparisonOutcome.DECLARED and target.reason is None:
        yield "reason", "expected one, since the difference is declared"
    if target.diff is None:
        if target.regions or target.bands:
            yield "diff", "expected one, since there are regions"
    elif not differs:
        yield "diff", "expected none, since nothing differs"
    else:
        path = against_path(target.results[1].key, frontends[0])
        if target.diff.path != path:
            yield "diff.path", f"expected {path}, from the key"
        if target.diff.width * target.diff.height > 2 * MAX_PIXELS:
            yield "diff", f"expected at most {2 * MAX_PIXELS:,} pixels"


def entry_problems(entry: Entry) -> Iterator[Problem]:
    """Yield the rules that an entry breaks, and where."""
    environment = entry.key.partition("/")[0]
    target = Target(
        notebook=entry.notebook,
        shot=entry.shot,
        variant=entry.variant,
        frontend=front_end_of(environment),
        cell_id=None,
        order=0,
    )
    if entry.name != target.nodeid:
        yield "name", f"expected {target.nodeid}, from key, notebook, shot and variant"
    if entry.key != target.key(environment):
        yield "key", f"expected to end with {target.path}, from notebook, shot and variant"
    yield from _verdict_problems(entry)
    for member, expected in _metrics_problems(entry.metrics):
        yield f"metrics.{member}", expected
    yield from _baseline_problems(entry)
    yield from _picture_problems(entry)
    yield from _mask_problems(entry)
    if entry.quarantine is not None:
        yield from _times("quarantine.until", entry.quarantine.until, date.fromisoformat)
    for index, stretch in enumerate(entry.history):
        yield from _times(f"history[{index}][2]", stretch.first)
        yield from _times(f"history[{index}][3]", stretch.last)
    if entry.repeat is not None:
        if entry.repeat.distinct != len(entry.repeat.counts):
            yield "repeat.distinct", f"expected {len(entry.repeat.counts)}, the number of counts"
        if sum(entry.repeat.counts) > entry.repeat.runs:
            yield "repeat.counts", f"expected {entry.repeat.runs} pictures at most, one of each run"
    for index, trait in enumerate(entry.traits):
        yield from _values(f"traits[{index}].before", trait.before)
        yield from _values(f"traits[{index}].after", trait.after)
    yield from _values("fingerprint", entry.fingerprint)
    yield from _values("baseline_fingerprint", entry.baseline_fingerprint)


def _verdict_problems(entry: Entry) -> Iterator[Problem]:
    passed = entry.verdict.passed or entry.updated
    if (entry.status is Status.PASSED) != passed:
        yield "status", "expected passed if the verdict is match or the baseline was written, and only then"
    if entry.status is Status.QUARANTINED and entry.quarantine is None:
        yield "quarantine", "expected one, since the status is quarantined"
    if (entry.verdict is Verdict.BROKEN) != (entry.error is not None):
        yield "error", "expected one if the verdict is broken, and only then"
    if entry.updated and entry.verdict in (Verdict.BROKEN, Verdict.UNSTABLE):
        yield "updated", f"expected false: the picture of a result that is {entry.verdict} is never a baseline"


def _metrics_problems(metrics: Metrics) -> Iterator[Problem]:
    compared = metrics.rule is not None
    for member in ("changed_pixels", "changed_share"):
        if (getattr(metrics, member) is not None) != compared:
            yield member, "expected a number if there is a rule, and null otherwise"
    if bool(metrics.changed_pixels) != bool(metrics.changed_share):
        yield "changed_share", "expected 0 if no pixel changed, and only then"
    for member in ("regions", "bands"):
        if getattr(metrics, member) and not compared:
            yield member, "expected none, since nothing was compared"


def _baseline_problems(entry: Entry) -> Iterator[Problem]:
    """Yield where an entry claims a baseline that its verdict has not, or lacks one, or shows another one."""
    compared_with = entry.baseline_sha256
    if entry.verdict is Verdict.NEW and compared_with is not None:
        yield "baseline_sha256", "expected null: a new result has no baseline"
    if entry.verdict in (Verdict.MATCH, Verdict.CHANGED, Verdict.RESIZED):
        if compared_with is None:
            yield "baseline_sha256", f"expected one: a result that is {entry.verdict} has a baseline"
        if entry.metrics.rule is None:
            yield "metrics.rule", f"expected one: a result that is {entry.verdict} was compared"
    if entry.verdict is Verdict.CHANGED and not entry.metrics.changed_pixels:
        yield "metrics.changed_pixels", "expected more than 0: the result is changed"
    if (entry.baseline_fingerprint is None) != (compared_with is None):
        yield "baseline_fingerprint", "expected one if there is a baseline, and only then"
    shown = entry.pictures.baseline
    if shown is not None and shown.sha256 != compared_with:
        yield "pictures.baseline.sha256", "expected baseline_sha256: the baseline shown is the one that was compared"


# The pictures that each verdict must have.
_NEEDED = {
    Verdict.MATCH: ("shot",),
    Verdict.CHANGED: ("shot", "baseline", "diff"),
    Verdict.RESIZED: ("shot", "baseline", "diff"),
    Verdict.NEW: ("shot",),
    Verdict.UNSTABLE: ("shot",),
    Verdict.BROKEN: (),
}


def _picture_problems(entry: Entry) -> Iterator[Problem]:
    for kind in Pictures.__struct_fields__:
        picture: Picture | None = getattr(entry.pictures, kind)
        if picture is None and kind in _NEEDED[entry.verdict]:
            yield f"pictures.{kind}", f"expected one: a result that is {entry.verdict} has it"
        most = MAX_PIXELS * (2 if kind == "diff" else 1)
        if picture is not None and picture.width * picture.height > most:
            yield f"pictures.{kind}", f"expected at most {most:,} pixels"
        if picture is not None and picture.path != picture_path(entry.key, kind):
            yield f"pictures.{kind}.path", f"expected {picture_path(entry.key, kind)}, from the key"
    if entry.elements is not None and entry.elements.path != elements_path(entry.key):
        yield "elements.path", f"expected {elements_path(entry.key)}, from the key"
    if entry.trace is not None and entry.trace.path != trace_path(entry.key):
        yield "trace.path", f"expected {trace_path(entry.key)}, from the key"
    shot = entry.pictures.shot
    if shot is not None and (shot.sidecar_sha256 is not None) != entry.verdict.acceptable:
        yield "pictures.shot.sidecar_sha256", "expected one if the result can be approved, and only then"


def _mask_problems(entry: Entry) -> Iterator[Problem]:
    if sum(len(mask.boxes) for mask in entry.masks) > MAX_BOXES:
        yield "masks", f"expected at most {MAX_BOXES:,} boxes of all of them"
    shot = entry.pictures.shot
    for index, mask in enumerate(entry.masks):
        if any(
            x < 0 or y < 0 or shot is None or x + width > shot.width or y + height > shot.height
            for x, y, width, height in mask.boxes
        ):
            yield f"masks[{index}].boxes", "expected boxes inside of the shot"


def _times(place: str, text: str, parse: Callable[[str], date] = datetime.fromisoformat) -> Iterator[Problem]:
    try:
        parse(text)
    except ValueError:
        yield place, "expected a day and time that the calendar has"


def _values(place: str, value: object) -> Iterator[Problem]:
    if problem := check_json(value):
        yield place, problem
