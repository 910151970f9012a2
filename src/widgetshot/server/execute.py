"""Execute a notebook on a kernel that stays alive afterwards."""

import asyncio
import re
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any

import zmq
from jupyter_client.channels import AsyncZMQSocketChannel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from widgetshot.errors import NEXT, NotebookError
from widgetshot.server.zygotes import forked

_HERE = Path(__file__).parent
_FILE_TRACE = (_HERE / "file_trace.py").read_text(encoding="utf-8")
# For kernels that are started; what forks kernels has it compiled (zygote.py). The second as a text: IPython takes ten
# milliseconds to look through a cell as long as that.
_PRELUDE = (_HERE / "prelude.py").read_text(encoding="utf-8") + f"exec({_FILE_TRACE!r}, {{}})\n"
# time-machine stops what tells the date and the time of day; clocks that measure durations go on, so that timers of
# the kernel and of libraries still fire. A time stamp, not a date with a zone: that would change the kernel's zone.
_FREEZE = "__import__('time_machine').travel({start!r}, tick=False).start()"
_KIND = re.compile(rb'"msg_type"\s*:\s*"(comm_open|comm_msg|comm_close|execute_input|status)"')
_BUSY = re.compile(rb'"execution_state"\s*:\s*"busy"')
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_FREEZE_TIMEOUT = 30.0  # seconds
_RECONNECT = 10  # milliseconds
_ASK_AGAIN = 1.0  # seconds after which an answer is taken for lost
# How long a reply may go unnoticed when a send swallowed its wake-up, in seconds.
_SLICE = 0.05


class SlicedShellChannel(AsyncZMQSocketChannel):
    """A shell channel whose waiting survives sends on the same socket.

    nbclient's stand-in for `Output` widgets sends on the shell socket while a poll on it is pending. pyzmq's wake-up
    is edge-triggered, and such a send can consume the edge that announced the reply: the poll then sleeps although
    the reply is there, until the cell's timeout or for ever. Asking again in slices notices the reply.
    """

    async def get_msg(self, timeout: float | None = None) -> dict[str, Any]:
        """The next message; `timeout` in seconds, `queue.Empty` when there is none by then."""
        deadline = None if timeout is None else monotonic() + timeout
        while True:
            left = _SLICE if deadline is None else min(_SLICE, max(0.0, deadline - monotonic()))
            try:
                return dict(await super().get_msg(timeout=left))
            except Empty:
                if deadline is not None and monotonic() >= deadline:
                    raise


class OutputsChannel(AsyncZMQSocketChannel):
    """A channel of a kernel's broadcasts that can pass over what executing a notebook does nothing with.

    Most of what a notebook of widgets says is the state of its widgets, which its page asks the kernel for itself.
    nbclient stands in for `Output` widgets alone; of all others the messages are not even taken apart, nor is that a
    cell has begun.

    Attributes:
        outputs_only: whether it passes over them.
    """

    outputs_only = False
    _stands_in = False  # for any widget so far

    async def get_msg(self, timeout: float | None = None) -> dict[str, Any]:
        """The next message that matters; `timeout` in seconds, `queue.Empty` when there is none by then."""
        assert self.socket is not None
        deadline = None if timeout is None else monotonic() + timeout
        while True:
            if deadline is not None and not await self.socket.poll(max(0, int((deadline - monotonic()) * 1000))):
                raise Empty
            _, parts = self.session.feed_identities(await self.socket.recv_multipart())
            if not self.outputs_only or self._matters(parts[1], parts[4]):
                return dict(self.session.deserialize(parts))

    def _matters(self, header: bytes, content: bytes) -> bool:
        found = _KIND.search(header)
        kind = found[1] if found else b""
        if kind == b"execute_input":
            return False
        if kind == b"status":
            return not _BUSY.search(content)
        if kind.startswith(b"comm"):
            if kind == b"comm_open" and b"OutputModel" in content:
                self._stands_in = True
            return self._stands_in
        return True


class _Client(NotebookClient):
    """A NotebookClient that keeps its hands off signals and the kernel's life."""

    async def run_cells(self) -> None:
        self.reset_execution_trackers()
        for index, cell in enumerate(self.nb.cells):
            await self.async_execute_cell(cell, index, execution_count=self.code_cells_executed + 1)


async def connect(km: Any, startup_timeout: float = 60) -> Any:
    """A client of a running kernel whose broadcasts arrive.

    Raises:
        RuntimeError: the kernel died or did not answer in time.
    """
    kc = km.client()
    kc.shell_channel_class = SlicedShellChannel
    kc.iopub_channel_class = OutputsChannel
    kc.allow_stdin = False
    # A kernel that is not listening yet is tried again after a tenth of a second otherwise.
    kc.context.setsockopt(zmq.RECONNECT_IVL, _RECONNECT)
    kc.start_channels()
    try:
        await _listen(km, kc, monotonic() + startup_timeout)
    except BaseException:
        kc.stop_channels()
        raise
    return kc


async def _listen(km: Any, kc: Any, deadline: float) -> None:
    """Wait until the kernel's broadcasts arrive.

    Kernels of ipykernel 7 welcome whoever listens to them (JEP 65), as soon as he does. Those of which that is not
    known are asked something as well, which they broadcast: an answer from before they were listened to is lost.
    `wait_for_ready` waits for an answer, and then for a fifth of a second that there is no other.
    """
    kernel = forked(km)
    zygote = kernel.zygote if kernel is not None else None
    asks = zygote is None or not zygote.welcomes
    while monotonic() < deadline:
        heard = await _heard(kc.get_iopub_msg, kc.kernel_info() if asks else "")
        if heard:
            if zygote is not None:
                zygote.welcomes = heard == "iopub_welcome"
            return
        asks = True
        if not await km.is_alive():
            raise RuntimeError("Kernel died before it could be listened to")
    raise RuntimeError("Kernel didn't respond in time")


async def _heard(channel: Any, asked: str) -> str:
    """What shows that a channel's messages arrive: a welcome or the answer to a question; "" if neither came soon."""
    deadline = monotonic() + _ASK_AGAIN
    while (left := deadline - monotonic()) > 0:
        try:
            msg = await channel(timeout=left)
        except Empty:
            break
        kind = str(msg["msg_type"])
        if kind == "iopub_welcome" or (kind == "status" and asked and msg["parent_header"].get("msg_id") == asked):
            return kind
    return ""


async def execute(nb: Any, km: Any, kc: Any, *, path: str, timeout: float, frozen_at: float | None = None) -> None:
    """Run every cell in place; outputs go into `nb`.

    Args:
        nb: the notebook; cells carry `metadata.widgetshot_id`.
        timeout: seconds for each cell.
        frozen_at: seconds since the epoch at which the kernel's clock stands still; None to let it go.

    Raises:
        NotebookError: a cell raised, was over its time, or its kernel died; its clock can't be frozen.
    """
    client = _Client(nb, km=km, timeout=timeout, interrupt_on_timeout=False, record_timing=False)
    client.kc = kc
    running: list[Any] = [None]

    def note(cell: Any, **_: Any) -> None:
        running[0] = cell

    client.on_cell_execute = note
    kc.iopub_channel.outputs_only = True
    if forked(km) is None:
        kc.execute(_PRELUDE, silent=True, store_history=False)
    if frozen_at is not None:
        await _freeze(kc, frozen_at, path)
    try:
        await client.run_cells()
    except (CellExecutionError, CellTimeoutError, DeadKernelError, RuntimeError, asyncio.CancelledError) as error:
        where = f"{path}::{running[0].metadata.get('widgetshot_id')}" if running[0] is not None else path
        if isinstance(error, asyncio.CancelledError):
            # nbclient cancels its own wait when the kernel is gone; any other cancellation is ours to pass on.
            if await km.is_alive():
                raise
            error = DeadKernelError("Kernel died")
        raise _translate(error, where, timeout) from error


async def _freeze(kc: Any, start: float, path: str) -> None:
    try:
        reply = await kc.execute(
            _FREEZE.format(start=start), silent=True, store_history=False, reply=True, timeout=_FREEZE_TIMEOUT
        )
    except TimeoutError:
        reply = {"content": {"status": "error", "ename": "Timeout", "evalue": "the kernel does not answer"}}
    content = reply["content"]
    if content["status"] != "ok":
        raise NotebookError(
            f"its kernel's clock can't be frozen: {content['ename']}: {content['evalue']}",
            where=path,
            next_step="pip install 'time-machine>=3' where the kernel runs (a Python kernel is needed), or set "
            "'freeze_clock: false'",
        )


def _translate(error: Exception, where: str, timeout: float) -> NotebookError:
    file = where.partition("::")[0]
    if isinstance(error, CellExecutionError):
        # Errors of ours (widgetshot.cost) know better what to do.
        detail, _, advice = _ANSI.sub("", f"{error.ename}: {error.evalue}").partition(NEXT)
        return NotebookError(
            f"the cell raised {detail}",
            where=where,
            next_step=advice
            or f"jupyter execute {file}  (or tag the cell 'raises-exception' if that is what it shows)",
        )
    if isinstance(error, CellTimeoutError):
        return NotebookError(
            f"the cell was not finished after {timeout:g} s",
            where=where,
            next_step="make it end, or set '#| widgetshot: {timeout: SECONDS}' in the first cell",
        )
    if isinstance(error, DeadKernelError):
        return NotebookError(
            "the kernel died while the cell ran (out of memory, a crash in native code, or it killed itself)",
            where=where,
            next_step=f"jupyter execute {file}",
        )
    return NotebookError(f"the cell could not be run: {error}", where=where, next_step=f"jupyter execute {file}")
