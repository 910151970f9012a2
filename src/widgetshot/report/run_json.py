"""The types of `run.json`, format 1, see docs/reference/run-folder.md; the schema beside it is made from them.

Rules between members are in `validate`.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal

from msgspec import Meta

from widgetshot.documents import Document, Sha256, Time
from widgetshot.model import MAX_SHARDS, Status, Verdict
from widgetshot.report.comparison_json import FrontEndComparisons
from widgetshot.report.entry_json import Entry
from widgetshot.report.limits import MAX_ITEMS, Count, Fingerprint, Key, Line, Name, Number, RunId, Seconds, Timings

FORMAT: Literal[1] = 1
# Between the names of several environments.
ENVIRONMENTS = ", "


class Tool(Document, frozen=True, kw_only=True):
    """The program that wrote the run."""

    name: Literal["widgetshot"]
    version: Name


class Environment(Document, frozen=True, kw_only=True):
    """The place where the pictures were taken."""

    name: Annotated[Name, Meta(description="Of a run in several environments, all of them: `a, b`.")]
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


class Shard(Document, frozen=True, kw_only=True):
    """The part of a run that this one is, where several machines run a part each."""

    number: Annotated[int, Meta(ge=1, le=MAX_SHARDS, description="Counted from 1.")]
    count: Annotated[int, Meta(ge=1, le=MAX_SHARDS, description="How many shards there are.")]
    plan: Annotated[Sha256, Meta(description="Of what each of them consists of; all shards of a run have the same.")]
    order: Annotated[
        list[Count],
        Meta(max_length=MAX_ITEMS, description="The place of each of the tests among those of all shards."),
    ]


class Skipped(Document, frozen=True, kw_only=True):
    """A notebook that was not run."""

    notebook: Name
    reason: Line


class VerdictCounts(Document, frozen=True, kw_only=True):
    """The number of results that have each verdict."""

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
    shard: Annotated[Shard | None, Meta(description="Null without `--shard`.")]
    skipped: Annotated[list[Skipped], Meta(max_length=MAX_ITEMS)]
    environment: Environment
    complete: Annotated[bool, Meta(description="False while the run goes on, and for ever if it was stopped.")]
    timings: Timings
    notebooks: Annotated[list[NotebookTime], Meta(max_length=MAX_ITEMS, description="The slowest first.")]
    services: Annotated[list[ServiceTime], Meta(max_length=MAX_ITEMS, description="The slowest first.")]
    durations: Annotated[list[Duration], Meta(max_length=MAX_ITEMS)]
    comparisons: Annotated[FrontEndComparisons | None, Meta(description="Null without `--compare-frontends`.")]
    unused: Annotated[
        Annotated[list[Name], Meta(max_length=MAX_ITEMS)] | None,
        Meta(description="Keys of baselines that no notebook declares; null where that is not known."),
    ]
    summary: Summary
    tests: Annotated[list[Entry], Meta(max_length=MAX_ITEMS, description="In the order in which they were declared.")]


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
