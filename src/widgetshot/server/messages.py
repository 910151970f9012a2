"""The messages between the extension and the process that asks it for live pages, as JSON."""

from dataclasses import dataclass

from widgetshot.conditions import Condition, OpenFailure


@dataclass(frozen=True)
class OpenRequest:
    """A request for the live page of a notebook.

    Attributes:
        file: absolute path of the notebook.
        path: the notebook as messages call it; the page's title.
        theme: `light` or `dark`.
        kernel: name of a kernel spec; "" leaves it to the notebook.
        timeout: seconds for each cell.
        environment: variables of the kernel.
        variables: those that the kernel gets unless it has them otherwise.
        secrets: values that nothing of the page may hold; the same for all of a server.
        frozen_at: seconds since the epoch at which the kernel's clock stands still; None to let it go.
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


@dataclass(frozen=True)
class Opened:
    """A notebook was executed and has a live page.

    Attributes:
        url: path of the page on the server.
        cells: names of the cells, in order.
        timings: seconds that each stage took.
    """

    id: str
    url: str
    cells: list[str]
    timings: dict[str, float]


@dataclass(frozen=True)
class FailedOpening:
    """The reason why a notebook has no live page.

    Attributes:
        cell: the name of the cell that is to blame, if one is.
        next_step: the advice of the error that the notebook itself raised, if that gave any.
    """

    condition: Condition[OpenFailure]
    cell: str = ""
    next_step: str = ""


class NotOpened(Exception):
    """A notebook has no live page.

    Args:
        code, params: see `Condition`.
        cell, next_step: see `FailedOpening`.
    """

    def __init__(self, code: OpenFailure, *, cell: str = "", next_step: str = "", **params: str) -> None:
        self.failure = FailedOpening(Condition(code, params), cell, next_step)
        super().__init__(str(self.failure.condition))
