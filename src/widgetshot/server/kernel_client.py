"""A kernel is made ready for a notebook's first cell, which its page executes."""

from collections.abc import Mapping
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any

import zmq

from widgetshot.conditions import OpenFailure
from widgetshot.server.messages import NotOpened
from widgetshot.server.zygotes import forked

_HERE = Path(__file__).parent
_FILE_TRACE = (_HERE / "file_trace.py").read_text(encoding="utf-8")
_LINKED_FILES = (_HERE / "linked_files.py").read_text(encoding="utf-8")
_WORK = (_HERE / "kernel_work.py").read_text(encoding="utf-8")
_SEED = (_HERE / "prelude.py").read_text(encoding="utf-8")
# For kernels that are started; what forks kernels has it compiled (zygote.py). The others as texts: IPython takes ten
# milliseconds to look through a cell as long as those.
_PRELUDE = _SEED + "".join(f"exec({program!r}, {{}})\n" for program in (_LINKED_FILES, _FILE_TRACE, _WORK))
# For kernels elsewhere, which have no folder of ours. They inherit none of our variables, either.
_SET_VARIABLES = "import os, time; os.environ.update({variables!r}); getattr(time, 'tzset', int)()"
_HASHES_DIFFER = "__import__('os').environ.get('PYTHONHASHSEED', 'random') == 'random'"
# time-machine stops what tells the date and the time of day; clocks that measure durations go on, so that timers of
# the kernel and of libraries still fire. A time stamp, not a date with a zone: that would change the kernel's zone.
_FREEZE = "__import__('time_machine').travel({start!r}, tick=False).start()"
_REPLY_TIMEOUT_S = 30.0
_RECONNECT_INTERVAL_MS = 10
MOST_BROADCASTS = 50_000  # that wait to be taken, as in prelude.py
_ANSWER_TIMEOUT_S = 1.0  # then an answer is taken for lost


class KernelDied(RuntimeError):
    """A kernel ended before it could be listened to."""


async def make_ready(km: Any, *, frozen_at: float | None, elsewhere: Mapping[str, str] | None = None) -> bool:
    """Wait until a kernel listens, and prepare it; kernels of other languages are sent nothing but the cells.

    Args:
        frozen_at: seconds since the epoch at which the kernel's clock stands still; None to let it go.
        elsewhere: variables to set in a kernel that another machine has started; None for one of this machine.

    Returns:
        Whether such a kernel is known to order what it hashes anew each time.

    Raises:
        KernelDied: the kernel ended.
        RuntimeError: it did not answer in time.
        NotOpened: its clock can't be frozen.
    """
    kc = await connect(km)
    hashes_differ = False
    try:
        if forked(km) is None and km.kernel_spec.language == "python":
            if elsewhere is None:
                await _answer(kc, _PRELUDE)
            else:
                content = await _answer(kc, _prelude_elsewhere(elsewhere), {"differ": _HASHES_DIFFER})
                if content["status"] != "ok":
                    raise RuntimeError(f"{content['ename']}: {content['evalue']}")
                hashes_differ = content["user_expressions"]["differ"]["data"]["text/plain"] == "True"
        if frozen_at is not None:
            content = await _answer(kc, _FREEZE.format(start=frozen_at))
            if content["status"] != "ok":
                raise NotOpened(OpenFailure.CLOCK_NOT_FROZEN, cause=f"{content['ename']}: {content['evalue']}")
    finally:
        kc.stop_channels()
    return hashes_differ


def _prelude_elsewhere(variables: Mapping[str, str]) -> str:
    # What an interpreter has read when it started it can't be told any more, and says itself.
    settable = {name: value for name, value in variables.items() if name != "PYTHONHASHSEED"}
    program = _SET_VARIABLES.format(variables=settable)
    return f"exec({program!r}, {{}})\n{_SEED}exec({_WORK!r}, {{}})\n"


async def connect(km: Any, startup_timeout: float = 60) -> Any:
    """Return a client of a running kernel whose broadcasts arrive.

    Raises:
        KernelDied: the kernel ended.
        RuntimeError: it did not answer in time.
    """
    # Of its own it would have a context whose threads are started now; where there are none to be had, ZeroMQ aborts.
    kc = km.client(context=km.context)
    kc.allow_stdin = False
    # A kernel that is not listening yet is tried again after a tenth of a second otherwise.
    kc.context.setsockopt(zmq.RECONNECT_IVL, _RECONNECT_INTERVAL_MS)
    # Its page's connection, which comes later, has both from the context, too.
    kc.context.setsockopt(zmq.RCVHWM, MOST_BROADCASTS)
    kc.start_channels(hb=False)  # nobody asks its heartbeat, which is a thread
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
            raise KernelDied("Kernel died before it could be listened to")
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


async def _answer(kc: Any, code: str, asked: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Execute code of ours and return the content of the reply.

    Args:
        asked: expressions whose values are asked for as well, by names for them.
    """
    try:
        reply = await kc.execute(
            code, silent=True, store_history=False, user_expressions=asked, reply=True, timeout=_REPLY_TIMEOUT_S
        )
    except TimeoutError:
        return {"status": "error", "ename": "Timeout", "evalue": "the kernel does not answer"}
    return dict(reply["content"])
