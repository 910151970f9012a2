"""Execute a notebook on a kernel that stays alive afterwards."""

import ast
import asyncio
import contextlib
import json
import re
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any

import zmq
from jupyter_client.channels import AsyncZMQSocketChannel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from widgetshot.conditions import OpenFailure
from widgetshot.server.messages import NotOpened
from widgetshot.server.zygotes import forked

_HERE = Path(__file__).parent
_FILE_TRACE = (_HERE / "file_trace.py").read_text(encoding="utf-8")
_WORK = (_HERE / "kernel_work.py").read_text(encoding="utf-8")
# For kernels that are started; what forks kernels has it compiled (zygote.py). The others as texts: IPython takes ten
# milliseconds to look through a cell as long as those.
_PRELUDE = (_HERE / "prelude.py").read_text(encoding="utf-8") + f"exec({_FILE_TRACE!r}, {{}})\nexec({_WORK!r}, {{}})\n"
# time-machine stops what tells the date and the time of day; clocks that measure durations go on, so that timers of
# the kernel and of libraries still fire. A time stamp, not a date with a zone: that would change the kernel's zone.
_FREEZE = "__import__('time_machine').travel({start!r}, tick=False).start()"
_KIND = re.compile(rb'"msg_type"\s*:\s*"(comm_open|comm_msg|comm_close|execute_input|status)"')
_BUSY = re.compile(rb'"execution_state"\s*:\s*"busy"')
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# Errors of ours that notebooks raise, and what their kernel is asked about the last of them.
_ADVISING_ERRORS = ("ConfigError", "CostExceeded", "CostUnknown")
_LAST_ERROR = (
    "(lambda error: __import__('json').dumps([error.headline, error.next_step]))(__import__('sys').last_value)"
)
_REPLY_TIMEOUT_S = 30.0
_RECONNECT_INTERVAL_MS = 10
_ANSWER_TIMEOUT_S = 1.0  # then an answer is taken for lost
# How long a reply may go unnoticed when a send swallowed its wake-up.
_POLL_SLICE_S = 0.05


class SlicedShellChannel(AsyncZMQSocketChannel):
    """A shell channel whose waiting survives sends on the same socket.

    nbclient's stand-in for `Output` widgets sends on the shell socket while a poll on it is pending. pyzmq's wake-up
    is edge-triggered, and such a send can consume the edge that announced the reply: the poll then sleeps although
    the reply is there, until the cell's timeout or for ever. Asking again in slices notices the reply.
    """

    async def get_msg(self, timeout: float | None = None) -> dict[str, Any]:
        """Return the next message; `timeout` in seconds, `queue.Empty` when there is none by then."""
        deadline = None if timeout is None else monotonic() + timeout
        while True:
            left = _POLL_SLICE_S if deadline is None else min(_POLL_SLICE_S, max(0.0, deadline - monotonic()))
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
        """Return the next message that matters; `timeout` in seconds, `queue.Empty` when there is none by then."""
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
    """Return a client of a running kernel whose broadcasts arrive.

    Raises:
        RuntimeError: the kernel died or did not answer in time.
    """
    kc = km.client()
    kc.shell_channel_class = SlicedShellChannel
    kc.iopub_channel_class = OutputsChannel
    kc.allow_stdin = False
    # A kernel that is not listening yet is tried again after a tenth of a second otherwise.
    kc.context.setsockopt(zmq.RECONNECT_IVL, _RECONNECT_INTERVAL_MS)
    kc.start_channels()
    try:
        await _listen(km, kc, monotonic() + startup_timeout)
    except BaseException:
        kc.stop_channels()
        raise
    return kc


async def _listen(km: Any, kc: Any, deadline: float) -> None:
    """Wait until the kernel's broadcasts arrive.

    Kernels of ipykernel 7 send `iopub_welcome` to whoever subscribes (JEP 65). If a kernel may not do so, it is also
    sent `kernel_info`, whose status it broadcasts; again and again, since a status from before the subscription is
    lost. jupyter_client's `wait_for_ready` waits for an answer, and then for a fifth of a second without any other.
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
    """Return what shows that a channel's messages arrive: a welcome or an answer; "" if neither came soon."""
    deadline = monotonic() + _ANSWER_TIMEOUT_S
    while (left := deadline - monotonic()) > 0:
        try:
            msg = await channel(timeout=left)
        except Empty:
            break
        kind = str(msg["msg_type"])
        if kind == "iopub_welcome" or (kind == "status" and asked and msg["parent_header"].get("msg_id") == asked):
            return kind
    return ""


async def execute(nb: Any, km: Any, kc: Any, *, timeout: float, frozen_at: float | None = None) -> None:
    """Run every cell in place; outputs go into `nb`.

    Args:
        nb: the notebook; cells carry `metadata.widgetshot_id`.
        timeout: seconds for each cell.
        frozen_at: seconds since the epoch at which the kernel's clock stands still; None to let it go.

    Raises:
        NotOpened: a cell raised, was over its time, or its kernel died; its clock can't be frozen.
    """
    client = _Client(nb, km=km, timeout=timeout, interrupt_on_timeout=False, record_timing=False)
    client.kc = kc
    running: list[Any] = [None]

    def note(cell: Any, **_: Any) -> None:
        running[0] = cell

    client.on_cell_execute = note
    kc.iopub_channel.outputs_only = True
    # Kernels of other languages are sent nothing but the cells.
    if forked(km) is None and km.kernel_spec.language == "python":
        kc.execute(_PRELUDE, silent=True, store_history=False)
    if frozen_at is not None:
        await _freeze(kc, frozen_at)
    try:
        await client.run_cells()
    except (CellExecutionError, CellTimeoutError, DeadKernelError, RuntimeError, asyncio.CancelledError) as error:
        cell = str(running[0].metadata["widgetshot_id"]) if running[0] is not None else ""
        if isinstance(error, asyncio.CancelledError):
            # nbclient cancels its own wait when the kernel is gone; any other cancellation is ours to pass on.
            if await km.is_alive():
                raise
            error = DeadKernelError("Kernel died")
        raise await _failure(error, kc, cell, timeout) from error


async def _freeze(kc: Any, start: float) -> None:
    try:
        reply = await kc.execute(
            _FREEZE.format(start=start), silent=True, store_history=False, reply=True, timeout=_REPLY_TIMEOUT_S
        )
    except TimeoutError:
        reply = {"content": {"status": "error", "ename": "Timeout", "evalue": "the kernel does not answer"}}
    content = reply["content"]
    if content["status"] != "ok":
        raise NotOpened(OpenFailure.CLOCK_NOT_FROZEN, cause=f"{content['ename']}: {content['evalue']}")


async def _failure(error: Exception, kc: Any, cell: str, timeout: float) -> NotOpened:
    """Return why the notebook did not run to its end."""
    if isinstance(error, CellExecutionError):
        raised, next_step = await _raised(error, kc)
        return NotOpened(OpenFailure.CELL_RAISED, cell=cell, next_step=next_step, error=raised)
    if isinstance(error, CellTimeoutError):
        return NotOpened(OpenFailure.CELL_LATE, cell=cell, seconds=f"{timeout:g}")
    if isinstance(error, DeadKernelError):
        return NotOpened(OpenFailure.KERNEL_DIED, cell=cell)
    return NotOpened(OpenFailure.CELL_NOT_RUN, cell=cell, cause=str(error))


async def _raised(error: CellExecutionError, kc: Any) -> tuple[str, str]:
    """Return the error that a cell raised, in words, and the next step that it advises, if any.

    Errors of ours (widgetshot.cost) know better than we what to do. They say it as data: the kernel is asked for it.
    """
    if error.ename in _ADVISING_ERRORS:
        with contextlib.suppress(TimeoutError, KeyError, ValueError, TypeError):
            reply = await kc.execute(
                "", silent=True, user_expressions={"error": _LAST_ERROR}, reply=True, timeout=_REPLY_TIMEOUT_S
            )
            text = reply["content"]["user_expressions"]["error"]["data"]["text/plain"]
            headline, next_step = json.loads(ast.literal_eval(text))
            return f"{error.ename}: {headline}", next_step
    return _ANSI.sub("", f"{error.ename}: {error.evalue}"), ""
