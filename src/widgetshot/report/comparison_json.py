"""The types of `comparisons` of `run.json`: what differs between two front ends. See docs/reference/run-folder.md."""

from enum import StrEnum
from typing import Annotated, NamedTuple

from msgspec import Meta

from widgetshot.documents import Document
from widgetshot.report.entry_json import Picture, Rectangle, RowBand
from widgetshot.report.limits import MAX_BOXES, MAX_ITEMS, MAX_NAMED, Extent, Key, Line, Name, Text
from widgetshot.verdict.style_differences import DifferenceKind


class ComparisonOutcome(StrEnum):
    """What came of comparing a target's pictures in two front ends; never a verdict."""

    SAME = "same"
    DIFFERS = "differs"
    DECLARED = "declared"
    NOT_COMPARED = "not-compared"


class Corner(NamedTuple):
    """Pixels to the right and down."""

    x: Extent
    y: Extent


class ComparedResult(Document, frozen=True, kw_only=True):
    """One of the two results that were compared."""

    frontend: Name
    key: Key
    picture: Annotated[Name | None, Meta(description="Path of its shot; null where it has none.")]
    place: Annotated[Corner, Meta(description="Of the shot, where both are laid over each other, as in `diff`.")]


class FrontEndDifference(Document, frozen=True, kw_only=True):
    """One cause of a difference."""

    kind: DifferenceKind
    group: Annotated[Name, Meta(description="What such differences have in common: `toolbar missing in voila`.")]
    sentence: Line


class ComparedTarget(Document, frozen=True, kw_only=True):
    """A target that was drawn in both front ends."""

    name: Annotated[Name, Meta(description="Without front end: `notebooks/x.ipynb::shot[dark]`.")]
    results: Annotated[list[ComparedResult], Meta(min_length=2, max_length=2)]
    outcome: ComparisonOutcome
    sentence: Annotated[Text, Meta(description="What differs, or why nothing was compared.")]
    differences: Annotated[list[FrontEndDifference], Meta(max_length=MAX_NAMED, description="The weightiest first.")]
    reason: Annotated[Line | None, Meta(description="Why it is known to differ, as declared.")]
    regions: Annotated[list[Rectangle], Meta(max_length=MAX_BOXES, description="In pixels of `diff`.")]
    bands: Annotated[list[RowBand], Meta(max_length=MAX_BOXES, description="Of the second result, against the first.")]
    diff: Picture | None


class FrontEndComparisons(Document, frozen=True, kw_only=True):
    """What differs between two front ends."""

    frontends: Annotated[list[Name], Meta(min_length=2, max_length=2)]
    targets: Annotated[list[ComparedTarget], Meta(max_length=MAX_ITEMS)]
