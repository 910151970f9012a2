"""The types of an entry of `run.json`: the result of one target. See docs/reference/run-folder.md."""

from typing import Annotated, NamedTuple

from msgspec import Meta

from widgetshot.documents import Document, JsonValue, Sha256, Time
from widgetshot.model import Rule, Status, Verdict
from widgetshot.report.limits import (
    MAX_BOXES,
    MAX_ITEMS,
    MAX_NAMED,
    MAX_STRETCHES,
    Count,
    Date,
    Edge,
    Extent,
    Fingerprint,
    Key,
    Line,
    Name,
    Number,
    Offset,
    Seconds,
    Share,
    Text,
    Timings,
)


class EntryError(Document, frozen=True, kw_only=True):
    """The reason why there is no picture that can be trusted."""

    type: Name
    message: Text
    next: Annotated[Line, Meta(description="The command to type, or what to do.")]


class EntryQuarantine(Document, frozen=True, kw_only=True):
    """The reason why the target may fail without failing the run, and until when."""

    reason: Line
    until: Annotated[Date, Meta(description="The last day.")]


class EntryRepeat(Document, frozen=True, kw_only=True):
    """The steadiness of the target under `--repeat`."""

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
    place: Annotated[Line, Meta(description="The selector, or the box `[x, y, width, height]` as it was declared.")]
    boxes: Annotated[list[Rectangle], Meta(max_length=MAX_BOXES, description="Inside of the picture.")]


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
    seen: Annotated[
        Picture | None, Meta(description="The page or the cell as it was, to be looked at; it can't be approved.")
    ]


class EntryElements(Document, frozen=True, kw_only=True):
    """A file of the run folder that says what the shot shows, and how it is drawn; see elements.schema.json."""

    path: Annotated[Name, Meta(description="Relative to the run folder.")]
    sha256: Sha256


class EntryTrace(Document, frozen=True, kw_only=True):
    """A file of the run folder that says what happened until the result was known; see trace.schema.json."""

    path: Annotated[Name, Meta(description="Relative to the run folder.")]
    sha256: Sha256


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
    differs: Annotated[
        dict[Name, Line],
        Meta(max_length=MAX_NAMED, description="Front ends in which it is known to look otherwise, and why."),
    ]
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
    elements: Annotated[EntryElements | None, Meta(description="Only under `--compare-frontends`.")]
    trace: EntryTrace | None

    @property
    def shot_sha256(self) -> str | None:
        """The digest of the picture that was taken; None where there is none."""
        return None if self.pictures.shot is None else self.pictures.shot.sha256

    @property
    def sidecar_sha256(self) -> str | None:
        """The digest of what the baseline's sidecar would say; None where the picture can't be approved."""
        return None if self.pictures.shot is None else self.pictures.shot.sidecar_sha256
