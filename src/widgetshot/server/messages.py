"""The messages between the extension and the process that asks it for live pages: one JSON document each.

An `OpenRequest` is answered with `Opened` or `FailedOpening`, the question whether a kernel lives with `KernelState`,
and the end of a page with `ports.SourcesSeen`.
"""

from typing import Any

from widgetshot import documents
from widgetshot.conditions import Condition, OpenFailure
from widgetshot.documents import Document
from widgetshot.errors import ServerError
from widgetshot.ports import SourcesSeen

_WHERE = "a message of the Jupyter server"
_NEXT_STEP = "widgetshot doctor"


class OpenRequest(Document, frozen=True):
    """A request for the live page of a notebook.

    Attributes:
        file: absolute path of the notebook.
        path: the notebook as messages call it; the page's title.
        gateway: address of the gateway that starts the kernel; "" for one of this machine.
        gateway_token: what the gateway is told; "" for nothing.
        root: absolute path of the project's folder; "" for that of the notebook.
        left_out: absolute paths of what no kernel gets to see of it.
        theme: `light` or `dark`, or of an application the name of one of its themes.
        kernel: name of a kernel spec; "" leaves it to the notebook.
        timeout: seconds for each cell.
        environment: variables of the kernel.
        variables: those that the kernel gets unless it has them otherwise.
        secrets: values that nothing of the page may hold; the same for all of a server.
        frozen_at: seconds since the epoch at which the kernel's clock stands still; None to let it go.
        page: who draws it: `live`, `static`, `voila`, or an application, `lab` or `notebook`.
        executes: whether the notebook is executed; else it is shown as it was saved, without a kernel.
    """

    file: str
    path: str
    theme: str
    kernel: str
    timeout: float
    environment: dict[str, str]
    variables: dict[str, str]
    secrets: list[str]
    frozen_at: float | None = None
    gateway: str = ""
    gateway_token: str = ""
    root: str = ""
    left_out: tuple[str, ...] = ()
    page: str = "live"
    executes: bool = True


class SavedCell(Document, frozen=True):
    """What is saved of a code cell that was executed.

    Attributes:
        outputs: as nbformat has them.
        count: the kernel's count of what it has executed.
    """

    outputs: list[dict[str, Any]]
    count: int | None


class SavedNotebook(Document, frozen=True):
    """What JupyterLab would save of an executed notebook; see `SavedNotebook` in js/src/live/protocol.ts.

    Attributes:
        cells: those that were executed, by their names.
        widgets: the state of all widgets; None where there are none.
    """

    cells: dict[str, SavedCell]
    widgets: dict[str, Any] | None


class Opened(Document, frozen=True, tag_field="type", tag="opened"):
    """A notebook was executed and has a live page.

    Attributes:
        url: path of the page on the server.
        static_url: the same of the static page, see `static_page`.
        cells: names of the cells, in order.
        notices: what whoever looks at the page is to know of how it was made.
        timings: seconds that each stage took.
    """

    id: str
    url: str
    static_url: str
    cells: list[str]
    notices: list[str]
    timings: dict[str, float]


class FailedOpening(Document, frozen=True, tag_field="type", tag="failed"):
    """The reason why a notebook has no live page.

    Attributes:
        cell: the name of the cell that is to blame, if one is.
        next_step: the advice of the error that the notebook itself raised, if that gave any.
    """

    condition: Condition[OpenFailure]
    cell: str = ""
    next_step: str = ""


class KernelState(Document, frozen=True):
    """Whether the kernel of a live page lives.

    Attributes:
        failure: why it does not, where that is no death of its own, or why it has not executed its notebook.
        cell: the name of the cell that is to blame, if one is.
    """

    alive: bool
    failure: Condition[OpenFailure] | None = None
    cell: str = ""


class NotOpened(Exception):
    """A notebook has no live page.

    Args:
        code, params: see `Condition`.
        cell, next_step: see `FailedOpening`.
    """

    def __init__(self, code: OpenFailure, *, cell: str = "", next_step: str = "", **params: str) -> None:
        self.failure = FailedOpening(Condition(code, params), cell, next_step)
        super().__init__(str(self.failure.condition))


def encode(message: object) -> bytes:
    """Return a message as JSON in ASCII.

    A path or a secret may hold half a surrogate pair, which must arrive as it is.
    """
    return documents.to_ascii(message).encode()


def decode_request(data: bytes) -> OpenRequest:
    """Read a request for a live page.

    Raises:
        ServerError: it is none.
    """
    request: OpenRequest = _decode(OpenRequest, data)
    return request


def decode_saved(data: bytes) -> SavedNotebook:
    """Read what was saved of a notebook.

    Raises:
        ServerError: it is nothing of that form.
    """
    saved: SavedNotebook = _decode(SavedNotebook, data)
    return saved


def decode_opening(data: bytes) -> Opened | FailedOpening:
    """Read the answer to a request for a live page.

    Raises:
        ServerError: it is none.
    """
    answer: Opened | FailedOpening = _decode(Opened | FailedOpening, data)
    return answer


def decode_state(data: bytes) -> KernelState:
    """Read what is said of a live page's kernel.

    Raises:
        ServerError: it is no such answer.
    """
    state: KernelState = _decode(KernelState, data)
    return state


def decode_sources(data: bytes) -> SourcesSeen:
    """Read what a live page that has ended was made from.

    Raises:
        ServerError: it is no such answer.
    """
    sources: SourcesSeen = _decode(SourcesSeen, data)
    return sources


def _decode(kind: Any, data: bytes) -> Any:
    try:
        value = documents.parse_json(data)
    except ValueError as error:
        raise documents.invalid(_WHERE, "", f"is not JSON: {error}", next_step=_NEXT_STEP, error=ServerError) from error
    return documents.convert(kind, value, _WHERE, next_step=_NEXT_STEP, error=ServerError)
