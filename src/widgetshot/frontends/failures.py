"""Errors of ours for notebooks that have no live page."""

from widgetshot.conditions import OpenFailure
from widgetshot.errors import NotebookError, ServerError, WidgetshotError
from widgetshot.server.messages import FailedOpening, OpenRequest


def open_error(failure: FailedOpening, request: OpenRequest) -> WidgetshotError:
    """Return the error that says why the request was not met."""
    condition = failure.condition
    infrastructure = condition.code in (OpenFailure.KERNEL_UNKNOWN, OpenFailure.KERNEL_NOT_STARTED)
    kind = ServerError if infrastructure else NotebookError
    where = f"{request.path}::{failure.cell}" if failure.cell else request.path
    return kind(str(condition), where=where, next_step=failure.next_step or _next_step(failure, request))


def _next_step(failure: FailedOpening, request: OpenRequest) -> str:
    params = failure.condition.params
    match failure.condition.code:
        case OpenFailure.NOTEBOOK_UNREADABLE:
            return f"check the file {request.file}"
        case OpenFailure.KERNEL_UNKNOWN:
            return (
                f"python -m ipykernel install --sys-prefix --name {params['kernel']}  (or set '#| widgetshot: "
                "{kernel: python3}' in its first cell)"
            )
        case OpenFailure.KERNEL_NOT_STARTED:
            return f"jupyter console --kernel {params['kernel']}"
        case OpenFailure.CLOCK_NOT_FROZEN:
            return (
                "pip install 'time-machine>=3' where the kernel runs (a Python kernel is needed), or set "
                "'freeze_clock: false'"
            )
        case OpenFailure.CELL_RAISED:
            return f"jupyter execute {request.path}  (or tag the cell 'raises-exception' if that is what it shows)"
        case OpenFailure.CELL_LATE:
            return "make it end, or set '#| widgetshot: {timeout: SECONDS}' in the first cell"
        case OpenFailure.CELL_NOT_RUN | OpenFailure.KERNEL_DIED:
            return f"jupyter execute {request.path}"
