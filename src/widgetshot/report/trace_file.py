"""The trace of a result: a JSON file of the run folder, format 1, see docs/reference/run-folder.md."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from widgetshot.documents import Document, encode
from widgetshot.model import Trace, TraceMoment, TraceSpan
from widgetshot.report.entry_json import EntryTrace
from widgetshot.report.limits import MAX_COUNT, MAX_NAMED, Count, Name, Seconds, cut_name, seconds
from widgetshot.report.recorded_file import read_recorded

FORMAT: Literal[1] = 1
MAX_TRACE_BYTES = 2_000_000

Word = Annotated[str, Meta(max_length=100)]


class Span(Document, frozen=True, kw_only=True):
    """Something that took its time."""

    name: Name
    begin: Annotated[Seconds, Meta(description="Since the page was opened.")]
    duration: Annotated[Seconds | None, Meta(description="Null if it had not ended.")]
    status: Annotated[Word, Meta(description="How it ended; empty where there is only one way.")]


class Moment(Document, frozen=True, kw_only=True):
    """Something that happened at once."""

    name: Name
    at: Annotated[Seconds, Meta(description="Since the page was opened.")]
    text: Name


Spans = Annotated[list[Span], Meta(max_length=MAX_NAMED)]
Moments = Annotated[list[Moment], Meta(max_length=MAX_NAMED)]


class TraceFile(Document, frozen=True, kw_only=True):
    """What happened on a page until a result was known; the last of it where there was much."""

    format: Literal[1]
    duration: Annotated[Seconds, Meta(description="Between the opening of the page and the end of the trace.")]
    cells: Annotated[Spans, Meta(description="That were executed, named by their ids.")]
    stages: Annotated[Spans, Meta(description="Of the capture: load, execute, settle, capture.")]
    steps: Annotated[Spans, Meta(description="Of all targets of the notebook so far.")]
    shots: Annotated[Spans, Meta(description="Of all targets of the notebook so far.")]
    requests: Annotated[Spans, Meta(description="Of the page, named by method and address.")]
    console: Annotated[Moments, Meta(description="Errors of the page.")]
    messages: Annotated[
        Moments,
        Meta(
            description="The last between page and kernel, named by channel and type, with the begin of their content."
        ),
    ]
    counts: Annotated[
        dict[Name, Count], Meta(max_length=MAX_NAMED, description="Number of all messages by channel and type.")
    ]


def trace_bytes(trace: Trace) -> bytes:
    """Return a trace as its file."""
    return encode(
        TraceFile(
            format=FORMAT,
            duration=seconds(trace.duration),
            cells=_spans(trace.cells),
            stages=_spans(trace.stages),
            steps=_spans(trace.steps),
            shots=_spans(trace.shots),
            requests=_spans(trace.requests),
            console=_moments(trace.console),
            messages=_moments(trace.messages),
            counts={
                cut_name(kind): max(0, min(count, MAX_COUNT)) for kind, count in islice(trace.counts.items(), MAX_NAMED)
            },
        )
    )


def read_trace(folder: Path, trace: EntryTrace) -> TraceFile:
    """Return the trace of an entry.

    Args:
        folder: of the run, as `read_run` has checked it.

    Raises:
        RecordError: the file is gone, is not the one that the run recorded, or is no trace.
    """
    return read_recorded(folder, trace, TraceFile, MAX_TRACE_BYTES)


def _spans(spans: Sequence[TraceSpan]) -> list[Span]:
    return [
        Span(
            name=cut_name(span.name),
            begin=seconds(span.begin),
            duration=None if span.duration is None else seconds(span.duration),
            status=span.status[:100],
        )
        for span in spans[-MAX_NAMED:]
    ]


def _moments(moments: Sequence[TraceMoment]) -> list[Moment]:
    return [
        Moment(name=cut_name(moment.name), at=seconds(moment.at), text=cut_name(moment.text))
        for moment in moments[-MAX_NAMED:]
    ]
