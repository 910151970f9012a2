"""Messages between a service's supervisor and those that use the service: one JSON document each.

The manager writes a `StartOrder` to a new supervisor, which answers with `Started` or `Failed`. After that, requests
come over its control address, and each is answered with `DaemonStates` or `Failed`.
"""

from typing import Any

from widgetshot import documents
from widgetshot.documents import Document
from widgetshot.errors import ServerError, one_line
from widgetshot.services.declaration import ServiceDeclaration
from widgetshot.services.failures import AnyFailure

_MAX_LAST_LINE_CHARS = 300


class StartOrder(Document, frozen=True):
    """The service that a supervisor is to run.

    Attributes:
        declaration: the project's declaration of it; None if it says nothing of it.
        secrets: values that no log and no message may say.
    """

    name: str
    declaration: ServiceDeclaration | None
    secrets: tuple[str, ...]


class Started(Document, frozen=True, tag_field="type", tag="started"):
    """The service is ready.

    Attributes:
        environment: further variables that kernels and tests get.
        control: the supervisor's address, for requests.
        seconds: how long it took.
    """

    url: str
    environment: dict[str, str]
    control: str
    seconds: float


class Failed(Document, frozen=True, tag_field="type", tag="failed"):
    """The request could not be done."""

    failure: AnyFailure


class Stop(Document, frozen=True, tag_field="type", tag="stop"):
    """End all daemons in order."""


class Start(Document, frozen=True, tag_field="type", tag="start"):
    """Start the daemons that do not run."""


class Kill(Document, frozen=True, tag_field="type", tag="kill"):
    """Kill one daemon, as a crash would."""

    daemon: str


class GetStates(Document, frozen=True, tag_field="type", tag="get-states"):
    """Say which daemons have died."""


class ExitSummary(Document, frozen=True):
    """A daemon that ended although nobody asked for it.

    Attributes:
        last_line: of its log; "" if the log is empty.
    """

    daemon: str
    last_line: str

    @property
    def sentence(self) -> str:
        """The summary in words."""
        words = one_line(self.last_line)[:_MAX_LAST_LINE_CHARS]
        return f"{self.daemon} ended{f', its last words: {words}' if words else ''}"


class DaemonStates(Document, frozen=True, tag_field="type", tag="daemon-states"):
    """The answer to each request that was done."""

    died: tuple[ExitSummary, ...]


Request = Stop | Start | Kill | GetStates
encode = documents.encode


def decode_order(data: bytes) -> StartOrder:
    """Read what the manager writes to a supervisor."""
    order: StartOrder = _decode(StartOrder, data)
    return order


def decode_start(data: bytes) -> Started | Failed:
    """Read what a supervisor answers to its order."""
    answer: Started | Failed = _decode(Started | Failed, data)
    return answer


def decode_request(data: bytes) -> Request:
    """Read a request of a control address."""
    request: Request = _decode(Request, data)
    return request


def decode_answer(data: bytes) -> DaemonStates | Failed:
    """Read the answer to a request."""
    answer: DaemonStates | Failed = _decode(DaemonStates | Failed, data)
    return answer


def _decode(kind: Any, data: bytes) -> Any:
    return documents.decode(kind, data, "a message of a service", next_step="", error=ServerError)
