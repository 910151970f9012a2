"""The types of `run.json`, format 1, see docs/reference/run-folder.md; the schema beside it is made from them.

Limits are such that no real run meets them. Who writes a run keeps to them (`entry`, `writer`); who reads one refuses
what breaks them (`reader`), so that nobody who has a `Run` needs to ask again. Rules between members are in `validate`.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta

from widgetshot.documents import Document, JsonValue, Sha256, Time
from widgetshot.model import KEY_PATTERN, MAX_KEY, Rule, Status, Verdict

FORMAT: Literal[1] = 1
MAX_RUN_BYTES = 512_000_000
MAX_TEXT = 1_000_000  # characters: a cell's source, a traceback
MAX_LINE = 10_000  # characters: a reason, a selector, an address
MAX_NAME = 2 * MAX_KEY  # characters: a path, a name that has a path in it
MAX_ITEMS = 100_000  # of a list
MAX_BOXES = 10_000  # of one result
MAX_STRETCHES = 100
MAX_NAMED = 1_000  # members of an object whose names are not fixed
MAX_COUNT = 2**53 - 1  # the largest number that JavaScript holds exactly
MAX_SECONDS = 1e9
MAX_EDGE = 1_000_000  # pixels

Text = Annotated[str, Meta(max_length=MAX_TEXT)]
Line = Annotated[str, Meta(max_length=MAX_LINE)]
Name = Annotated[str, Meta(max_length=MAX_NAME)]
Key = Annotated[str, Meta(max_length=MAX_KEY, pattern=KEY_PATTERN)]
RunId = Annotated[str, Meta(max_length=100, pattern="^[0-9A-Za-z][0-9A-Za-z._-]*$")]
Date = Annotated[str, Meta(max_length=10, pattern=r"^\d{4}-\d\d-\d\d$")]
Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
Number = Annotated[int, Meta(ge=1, le=MAX_COUNT)]
Seconds = Annotated[float, Meta(ge=0, le=MAX_SECONDS)]
Share = Annotated[float, Meta(ge=0, le=1)]
Offset = Annotated[int, Meta(ge=-MAX_EDGE, le=MAX_EDGE)]
Extent = Annotated[int, Meta(ge=0, le=MAX_EDGE)]
Edge = Annotated[int, Meta(ge=1, le=MAX_EDGE)]
Timings = Annotated[dict[Name, Seconds], Meta(max_length=MAX_NAMED, description="Seconds of each stage.")]
Fingerprint = Annotated[
    dict[Name, JsonValue], Meta(max_length=MAX_NAMED, description="What a picture's look depends on.")
]


class Tool(Document, frozen=True, kw_only=True):
    """What wrote the run."""

    name: Literal["widgetshot"]
    version: Name


class Environment(Document, frozen=True, kw_only=True):
    """Where the pictures were taken."""

    name: Annotated[Name, Meta(description="Of a merged run of several environments, all of them: `a, b`.")]
    python: Name
    platform: Name
    fingerprint: Annotated[Fingerprint, Meta(description="Of several environments, one for each name.")]


class Merged(Document, frozen=True, kw_only=True):
    """The runs that a merged run was made of."""

    runs: Annotated[list[RunId], Meta(max_length=MAX_ITEMS)]
    shared_keys: Annotated[Count, Meta(description="How many keys were in several runs.")]


class NotRun(Document, frozen=True, kw_only=True):
    """A target that `--changed` left out."""

    key: Key
    passed: Annotated[Time, Meta(description="When it passed.")]


class Ran(Document, frozen=True, kw_only=True):
    """A session that `--changed` did not leave out."""

    name: Annotated[Name, Meta(description="The notebook, with its variant: `notebooks/x.ipynb[dark]`.")]
    why: Line


class Changed(Document, frozen=True, kw_only=True):
    """The outcome of `--changed`."""

    not_run: Annotated[list[NotRun], Meta(max_length=MAX_ITEMS)]
    ran: Annotated[list[Ran], Meta(max_length=MAX_ITEMS)]
    refused: Annotated[Line | None, Meta(description="Why everything was run, or null.")]


class Suite(Document, frozen=True, kw_only=True):
    """The marker that `--suite` asked for."""

    name: Name
    left_out: Annotated[Count, Meta(description="How many other targets were left out.")]


class Skipped(Document, frozen=True, kw_only=True):
    """A notebook that was not run."""

    notebook: Name
    reason: Line


class VerdictCounts(Document, frozen=True, kw_only=True):
    """How many results have each verdict."""

    match: Count
    changed: Count
    resized: Count
    new: Count
    broken: Count
    unstable: Count


class Summary(Document, frozen=True, kw_only=True):
    """The results in numbers."""

    total: Count
    passed: Count
    failed: Count
    quarantined: Count
    updated: Annotated[Count, Meta(description="Baselines that the run wrote.")]
    duration_seconds: Seconds
    verdicts: VerdictCounts


class NotebookTime(Document, frozen=True, kw_only=True):
    """The time that went into a notebook, summed over its variants."""

    notebook: Name
    seconds: Seconds
    timings: Timings


class ServiceTime(Document, frozen=True, kw_only=True):
    """A service that was started."""

    name: Name
    seconds: Annotated[Seconds, Meta(description="Until it was ready, summed over its instances.")]
    instances: Count
    elsewhere: Annotated[bool, Meta(description="Whether one was used that the run did not start.")]


class Duration(Document, frozen=True, kw_only=True):
    """A named part of a Python test, as it was measured there."""

    test: Name
    name: Name
    seconds: Seconds


class EntryError(Document, frozen=True, kw_only=True):
    """Why there is no picture that can be trusted."""

    type: Name
    message: Text
    next: Annotated[Line, Meta(description="The command to type, or what to do.")]


class EntryQuarantine(Document, frozen=True, kw_only=True):
    """Why the target may fail without failing the run, and until when."""

    reason: Line
    until: Annotated[Date, Meta(description="The last day.")]


class EntryRepeat(Document, frozen=True, kw_only=True):
    """How steady the target was under `--repeat`."""

    runs: Number
    distinct: Count
    counts: Annotated[list[Count], Meta(max_length=MAX_ITEMS, description="How often each distinct picture came out.")]


class Stretch(NamedTuple):
    """Runs in a row with the same verdict against the same baseline."""

    verdict: Verdict
    runs: Number
    first: Annotated[Time, Meta(description="Of the first run.")]
    last: Annotated[Time, Meta(description="Of the last run.")]


class Rectangle(NamedTuple):
    """Left, top, width, height in pixels of the picture."""

    x: Offset
    y: Offset
    width: Extent
    height: Extent


class Viewport(NamedTuple):
    """Width and height in CSS pixels."""

    width: Edge
    height: Edge


class EntryMask(Document, frozen=True, kw_only=True):
    """A part of the picture that was not compared, and why."""

    reason: Line
    selector: Line
    boxes: Annotated[list[Rectangle], Meta(max_length=MAX_BOXES)]


class RowBand(Document, frozen=True, kw_only=True):
    """Rows that one picture has and the other lacks."""

    inserted: Annotated[bool, Meta(description="Whether the shot has them; otherwise the baseline has.")]
    y: Annotated[Extent, Meta(description="Where they begin in the picture that has them.")]
    at: Annotated[Extent, Meta(description="Where they are missing in the other picture.")]
    height: Edge


class Metrics(Document, frozen=True, kw_only=True):
    """The comparison in numbers; `rule` is null when nothing was compared."""

    changed_pixels: Count | None
    changed_share: Annotated[Share | None, Meta(description="Of the pixels that were compared.")]
    regions: Annotated[
        list[Rectangle], Meta(max_length=MAX_BOXES, description="In pixels of the diff picture, the largest first.")
    ]
    rule: Rule | None
    change_group: Annotated[
        Annotated[str, Meta(max_length=100, pattern="^[0-9a-f]+$")] | None,
        Meta(description="Results with the same one changed in the same way."),
    ]
    bands: Annotated[list[RowBand], Meta(max_length=MAX_BOXES)]
    timings: Timings


class Trait(Document, frozen=True, kw_only=True):
    """A widget trait that is not what it was when the baseline was approved."""

    widget: Name
    trait: Name
    before: JsonValue
    after: JsonValue


class Picture(Document, frozen=True, kw_only=True):
    """A PNG file of the run folder."""

    path: Annotated[Name, Meta(description="Relative to the run folder.")]
    sha256: Sha256
    width: Edge
    height: Edge


class ShotPicture(Picture, frozen=True, kw_only=True, omit_defaults=True):
    """The picture that was taken; a sidecar is beside it where it can be approved."""

    sidecar_sha256: Sha256 | None = None


class Pictures(Document, frozen=True, kw_only=True):
    """The pictures of a result; null for one that there is not."""

    shot: ShotPicture | None
    baseline: Picture | None
    diff: Picture | None
    second: Annotated[Picture | None, Meta(description="Of an unstable result, another picture of it that differs.")]


class Entry(Document, frozen=True, kw_only=True):
    """The result of one target."""

    key: Key
    name: Annotated[Name, Meta(description="As pytest shows it: `notebooks/x.ipynb::shot[variant]`.")]
    notebook: Name
    shot: Name
    variant: Name
    status: Status
    verdict: Verdict
    updated: Annotated[bool, Meta(description="Whether this run wrote the baseline.")]
    sentence: Annotated[Text, Meta(description="The verdict in words.")]
    duration: Seconds
    error: EntryError | None
    source: Annotated[Text, Meta(description="Of the cell.")]
    markers: Annotated[list[Name], Meta(max_length=MAX_NAMED)]
    tolerance: Annotated[Line, Meta(description="In words.")]
    quarantine: EntryQuarantine | None
    history: Annotated[
        list[Stretch], Meta(max_length=MAX_STRETCHES, description="Earlier verdicts and this one, the oldest first.")
    ]
    flaky: bool
    repeat: EntryRepeat | None
    theme: Name
    viewport: Viewport
    masks: Annotated[list[EntryMask], Meta(max_length=MAX_NAMED)]
    metrics: Metrics
    traits: Annotated[list[Trait], Meta(max_length=MAX_BOXES)]
    renderer: Annotated[
        list[Line],
        Meta(max_length=MAX_NAMED, description="What differs between the baseline's renderer and this one."),
    ]
    console: Annotated[list[Line], Meta(max_length=MAX_NAMED, description="Errors that the page logged.")]
    blocked: Annotated[list[Line], Meta(max_length=MAX_NAMED, description="Addresses elsewhere that it asked for.")]
    fingerprint: Fingerprint
    baseline_fingerprint: Fingerprint | None
    baseline_sha256: Annotated[Sha256 | None, Meta(description="Of the baseline's file as the run saw it.")]
    pictures: Pictures

    @property
    def shot_sha256(self) -> str | None:
        """The digest of the picture that was taken; None where there is none."""
        return None if self.pictures.shot is None else self.pictures.shot.sha256


class Run(Document, frozen=True, kw_only=True):
    """A run."""

    format: Literal[1]
    id: Annotated[RunId, Meta(description="Unique, and sortable by time.")]
    tool: Tool
    project: Annotated[Name, Meta(description="Name of the root folder.")]
    commit: Annotated[
        Annotated[str, Meta(max_length=64, pattern="^[0-9a-f]{40,64}$")] | None, Meta(description="Of the checkout.")
    ]
    started: Time
    repeat: Annotated[Number, Meta(description="How often everything was executed and captured.")]
    merged: Merged | None
    changed: Annotated[Changed | None, Meta(description="Null without `--changed`.")]
    suite: Annotated[Suite | None, Meta(description="Null without `--suite`.")]
    skipped: Annotated[list[Skipped], Meta(max_length=MAX_ITEMS)]
    environment: Environment
    complete: Annotated[bool, Meta(description="False while the run goes on, and for ever if it was stopped.")]
    timings: Timings
    notebooks: Annotated[list[NotebookTime], Meta(max_length=MAX_ITEMS, description="The slowest first.")]
    services: Annotated[list[ServiceTime], Meta(max_length=MAX_ITEMS, description="The slowest first.")]
    durations: Annotated[list[Duration], Meta(max_length=MAX_ITEMS)]
    unused: Annotated[
        Annotated[list[Name], Meta(max_length=MAX_ITEMS)] | None,
        Meta(description="Keys of baselines that no notebook declares; null where that is not known."),
    ]
    summary: Summary
    tests: Annotated[list[Entry], Meta(description="In the order in which they were declared.")]


def summarise(entries: Iterable[Entry], seconds: float) -> Summary:
    """Return results in numbers.

    Args:
        seconds: how long the run took.
    """
    entries = list(entries)
    verdicts = Counter(entry.verdict for entry in entries)
    statuses = Counter(entry.status for entry in entries)
    return Summary(
        total=len(entries),
        passed=statuses[Status.PASSED],
        failed=statuses[Status.FAILED],
        quarantined=statuses[Status.QUARANTINED],
        updated=sum(entry.updated for entry in entries),
        duration_seconds=round(seconds, 3),
        verdicts=VerdictCounts(**{verdict.value: verdicts[verdict] for verdict in Verdict}),
    )
