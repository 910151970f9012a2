"""Errors of ours for notebooks that have no live page."""

from widgetshot.conditions import OpenFailure
from widgetshot.declare.gateway import TOKEN_VARIABLE
from widgetshot.errors import MORE_PROCESSES, NotebookError, ServerError, WidgetshotError
from widgetshot.server.messages import FailedOpening
from widgetshot.shell import execute, quoted, typed

_INFRASTRUCTURE = (
    OpenFailure.KERNEL_UNKNOWN,
    OpenFailure.KERNEL_NOT_STARTED,
    OpenFailure.NO_PROCESS,
    OpenFailure.GATEWAY_ABSENT,
    OpenFailure.GATEWAY_REFUSES,
    OpenFailure.GATEWAY_LOST,
    OpenFailure.GATEWAY_DROPS,
    OpenFailure.KERNEL_UNKNOWN_THERE,
    OpenFailure.KERNEL_NOT_STARTED_THERE,
)


def open_error(
    failure: FailedOpening, path: str, file: str = "", kernel: str = "", gateway: str = ""
) -> WidgetshotError:
    """Return the error that says why a notebook has no page, or why that page did not execute it to its end.

    Args:
        path: the notebook as messages call it.
        file: the notebook's absolute path.
        kernel: the kernel spec that it was to run on; "" for its own.
        gateway: address of the gateway that starts its kernel; "" for one of this machine.
    """
    condition = failure.condition
    kind = ServerError if condition.code in _INFRASTRUCTURE else NotebookError
    where = f"{path}::{failure.cell}" if failure.cell else path
    next_step = failure.next_step or _next_step(failure, path, file, kernel, gateway)
    return kind(str(condition), where=where, next_step=next_step)


def _next_step(failure: FailedOpening, path: str, file: str, kernel: str, gateway: str) -> str:
    params = failure.condition.params
    match failure.condition.code:
        case OpenFailure.NOTEBOOK_UNREADABLE:
            return f"check the file {file}"
        case OpenFailure.NOTHING_SAVED:
            return f"save it with outputs, or: jupyter nbconvert --to notebook --execute --inplace {typed(path)}"
        case OpenFailure.KERNEL_UNKNOWN if not kernel:
            # Python notebooks run on another one where their own is missing.
            return (
                f"jupyter kernelspec list  (and install {quoted(params['kernel'])}; --kernel is for Python notebooks)"
            )
        case OpenFailure.KERNEL_UNKNOWN:
            return (
                f"widgetshot run --kernel python3 {typed(path)}  (or: python -m ipykernel install --sys-prefix --name "
                f"{typed(kernel)})"
            )
        case OpenFailure.KERNEL_NOT_STARTED:
            return f"jupyter console --kernel {typed(params['kernel'])}"
        case OpenFailure.KERNEL_UNKNOWN_THERE:
            return "name one of these in its first cell: '#| widgetshot: {kernel: NAME}'  (or: --kernel NAME)"
        case OpenFailure.GATEWAY_REFUSES:
            return f"export {TOKEN_VARIABLE}=...  (the gateway's KG_AUTH_TOKEN)"
        case OpenFailure.GATEWAY_ABSENT | OpenFailure.GATEWAY_LOST:
            return f"curl {quoted(params['gateway'] + '/api')}  (and look whether the gateway runs, or at its log)"
        case OpenFailure.GATEWAY_DROPS:
            return "start the gateway with --ZMQChannelsWebsocketConnection.limit_rate=False"
        case OpenFailure.KERNEL_NOT_STARTED_THERE:
            return f"look at the gateway's log, or: curl {quoted(params['gateway'] + '/api/kernelspecs')}"
        case OpenFailure.NO_PROCESS:
            return MORE_PROCESSES
        case OpenFailure.CLOCK_NOT_FROZEN:
            return (
                "pip install 'time-machine>=3' where the kernel runs (a Python kernel is needed), or set "
                "'freeze_clock: false'"
            )
        case OpenFailure.CELL_RAISED:
            return f"{execute(path, gateway)}  (or tag the cell 'raises-exception' if that is what it shows)"
        case OpenFailure.CELL_LATE:
            return "make it end, or set '#| widgetshot: {timeout: SECONDS}' in the first cell"
        case OpenFailure.CELL_NOT_RUN | OpenFailure.KERNEL_DIED:
            return execute(path, gateway)
