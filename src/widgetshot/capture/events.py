"""The events of a page while it is captured: errors in its console, requests to elsewhere, its crash."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from widgetshot.capture.determinism import is_outside
from widgetshot.capture.trace import CaptureTrace
from widgetshot.redact import Redactor

_MAX_CONSOLE_ERRORS = 50
_MAX_ERROR_LENGTH = 2000  # characters
_MAX_BLOCKED = 200
_ENDLESS_REQUESTS = {"eventsource", "media", "websocket"}


@dataclass
class PageLog:
    """The errors that a page has written to its console, and the requests to elsewhere that it has made.

    Attributes:
        redactor: of secrets that no report may hold, the server's token included.
        console: the errors, each once.
        blocked: the addresses outside this machine, each once.
        crashed: whether the page's process is gone.
        trace: what happens, with its time.
    """

    redactor: Redactor
    console: list[str] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    crashed: bool = False
    trace: CaptureTrace = field(default_factory=CaptureTrace)

    def of_tab(self) -> "PageLog":
        """Return the log of a further page, whose errors and requests are noted with this one's."""
        return replace(self, crashed=False)

    def add_error(self, text: str) -> None:
        """Note an error unless there are too many."""
        if len(self.console) >= _MAX_CONSOLE_ERRORS:
            return
        shown = self.redactor.opening(text, _MAX_ERROR_LENGTH)[:_MAX_ERROR_LENGTH]
        # The same failed request is reported by the browser and by the library that made it.
        if shown not in self.console:
            self.console.append(shown)
            self.trace.error(shown)

    def add_request(self, url: str) -> None:
        """Note a request if it is to elsewhere."""
        if is_outside(url) and len(self.blocked) < _MAX_BLOCKED and url not in self.blocked:
            self.blocked.append(url)


class PageEvents:
    """Fills the log of what a page shows; for a page that is used again, one log after the other.

    Playwright's driver is asked for messages once only.

    Args:
        page: Playwright's page, async or wrapped by `Awaitable`.

    Attributes:
        log: the log that is filled; None while nothing is captured.
    """

    def __init__(self, page: Any) -> None:
        self.log: PageLog | None = None
        self._unanswered: set[Any] = set()
        page.on("console", lambda message: self._note(_note_message, message))
        page.on("pageerror", lambda error: self._note(PageLog.add_error, str(error)))
        page.on("crash", lambda _: self._note(_note_crash, None))
        page.on("request", self._begin)
        page.on("requestfinished", lambda request: self._end(request, "answered"))
        page.on("requestfailed", lambda request: self._end(request, "failed"))
        page.on("websocket", lambda socket: self._note(PageLog.add_request, socket.url))

    @property
    def requests(self) -> int:
        """The number of requests of the page and its frames that have no answer yet."""
        return len(self._unanswered)

    def _begin(self, request: Any) -> None:
        # Sound and film are fetched as they are played.
        if request.resource_type not in _ENDLESS_REQUESTS:
            self._unanswered.add(request)
        if self.log is not None:
            self.log.add_request(request.url)
            self.log.trace.request(request, request.method, request.url)

    def _end(self, request: Any, status: str) -> None:
        self._unanswered.discard(request)
        if self.log is not None:
            self.log.trace.answered(request, status)

    def _note(self, note: Callable[[PageLog, Any], None], event: Any) -> None:
        if self.log is not None:
            note(self.log, event)


def _note_message(log: PageLog, message: Any) -> None:
    if message.type != "error":
        return
    text = str(message.text)
    # Chromium does not name what failed to load in the text, only in the place. Its text is the one thing that tells
    # such a message from others of type `error`.
    if text.startswith("Failed to load resource"):
        text = f"{text} {message.location.get('url', '')}"
    log.add_error(text)


def _note_crash(log: PageLog, _: None) -> None:
    log.crashed = True
