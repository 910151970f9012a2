"""What happens while a page is captured, noted as it happens and looked at only where a result needs an explanation."""

from collections import deque
from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter
from time import perf_counter

from widgetshot.model import Trace, TraceMoment, TraceSpan
from widgetshot.ports import PageTrace
from widgetshot.redact import STARS, Redactor

_MOST_WORK = 300  # stages, steps, shots
_MOST_REQUESTS = 200
_MOST_ERRORS = 50
# Of what a page says: its script keeps to them, but a notebook's own scripts may speak for it.
_MOST_CELLS, _MOST_MESSAGES, _MOST_TYPES = 1000, 50, 100
_MAX_WORD = 100  # characters of a cell's id, of a type of messages
_MAX_TEXT = 200  # characters of a message's content
_MAX_NAME = 500  # characters of an address, of an error
_PART = 6  # characters of a secret in a row that tell something of it
# What is done in slices is one thing when the next one begins so many seconds after the one before it.
_SAME_S = 0.05


@dataclass
class _Span:
    name: str
    begin: float
    end: float | None = None
    status: str = ""


@contextmanager
def _timed(spans: deque[_Span], name: str, begin: float) -> Iterator[None]:
    span = _Span(name, begin)
    spans.append(span)
    try:
        yield
    except BaseException:
        span.status = "failed"
        raise
    finally:
        span.end = perf_counter()


class CaptureTrace:
    """Notes the work of the camera, the requests and the errors of a page, and of its further tabs.

    Times are those of `perf_counter`.
    """

    def __init__(self) -> None:
        self.begin = perf_counter()
        self._stages: deque[_Span] = deque(maxlen=_MOST_WORK)
        self._steps: deque[_Span] = deque(maxlen=_MOST_WORK)
        self._shots: deque[_Span] = deque(maxlen=_MOST_WORK)
        self._requests: deque[_Span] = deque(maxlen=_MOST_REQUESTS)
        self._unanswered: dict[Hashable, _Span] = {}
        self._errors: deque[tuple[float, str]] = deque(maxlen=_MOST_ERRORS)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Note how long a stage takes, whatever comes of it."""
        now = perf_counter()
        last = self._stages[-1] if self._stages else None
        if last is not None and last.name == name and last.end is not None and now - last.end < _SAME_S:
            self._stages.pop()
            now = last.begin
        with _timed(self._stages, name, now):
            yield

    def step(self, name: str) -> AbstractContextManager[None]:
        """Note how long a step takes."""
        return _timed(self._steps, name, perf_counter())

    def shot(self, name: str) -> AbstractContextManager[None]:
        """Note how long a shot takes, until it is judged."""
        return _timed(self._shots, name, perf_counter())

    def request(self, request: Hashable, method: str, url: str) -> None:
        """Note that the page asks for something.

        Args:
            request: what `answered` will be told.
        """
        span = _Span(f"{method} {url[: 2 * _MAX_NAME]}", perf_counter(), status="pending")
        self._requests.append(span)
        self._unanswered[request] = span

    def answered(self, request: Hashable, status: str) -> None:
        """Note that a request has ended: `answered` or `failed`."""
        if (span := self._unanswered.pop(request, None)) is not None:
            span.end, span.status = perf_counter(), status

    def error(self, text: str) -> None:
        """Note an error of the page's; a text without secrets."""
        self._errors.append((perf_counter(), text[:_MAX_NAME]))

    def taken(self, page: PageTrace, redactor: Redactor) -> Trace:
        """Return all that was noted, without secrets.

        Args:
            page: what the page has noted, and has just told.
            redactor: of the secrets, the server's token included.
        """
        now = perf_counter()
        hider = _Hider(redactor)
        end = now - self.begin

        def word(text: str) -> str:
            return hider.text(text, _MAX_WORD)

        def spans(noted: deque[_Span]) -> tuple[TraceSpan, ...]:
            return tuple(
                TraceSpan(
                    hider.text(span.name, _MAX_NAME, cut=len(span.name) > _MAX_NAME),
                    max(0.0, span.begin - self.begin),
                    None if span.end is None else span.end - span.begin,
                    span.status,
                )
                for span in noted
            )

        return Trace(
            duration=end,
            cells=tuple(
                TraceSpan(word(cell.cell), max(0.0, end - cell.began), cell.duration, word(cell.status))
                for cell in page.cells[:_MOST_CELLS]
            ),
            stages=spans(self._stages),
            steps=spans(self._steps),
            shots=spans(self._shots),
            requests=spans(self._requests),
            console=tuple(
                TraceMoment("error", at - self.begin, hider.text(text, _MAX_NAME)) for at, text in self._errors
            ),
            messages=tuple(
                TraceMoment(word(one.type), max(0.0, end - one.at), hider.text(one.text, _MAX_TEXT, cut=one.cut))
                for one in page.messages[-_MOST_MESSAGES:]
            ),
            counts={word(kind): count for kind, count in islice(page.counts.items(), _MOST_TYPES)},
        )


class _Hider:
    """Texts without secrets and without parts of one.

    Libraries shorten what they show: of a long representation the begin of a secret may be left, which nobody finds who
    looks for all of it.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._parts = {form[at : at + _PART] for form in redactor.forms for at in range(len(form) - _PART + 1)}

    def text(self, text: str, longest: int, *, cut: bool = False) -> str:
        """Return the begin of a text.

        Args:
            longest: characters.
            cut: whether there may have been more of it, so that its end may be the begin of a secret.
        """
        if self._redactor:
            text = self._without_parts(self._redactor.opening(text, longest, cut=cut))
        return text[:longest]

    def _without_parts(self, text: str) -> str:
        hidden = [False] * len(text)
        for at in range(len(text) - _PART + 1):
            if text[at : at + _PART] in self._parts:
                hidden[at : at + _PART] = [True] * _PART
        runs = groupby(zip(hidden, text, strict=True), key=itemgetter(0))
        return "".join(STARS if is_hidden else "".join(map(itemgetter(1), run)) for is_hidden, run in runs)
