"""The processes that a kernel started, and their end."""

import asyncio
import os
from collections.abc import Iterator
from time import perf_counter
from typing import Any

import psutil

from widgetshot.server.zygotes import forked

# Each process that a kernel starts inherits it.
LIVE_PAGE_VARIABLE = "WIDGETSHOT_LIVE_PAGE"
KERNEL_EXIT_GRACE_S = 1.0  # most need much less
PROCESS_EXIT_GRACE_S = 3.0
_POLL_INTERVAL_S = 0.01


async def request_exit(km: Any) -> None:
    """Tell a forked kernel to end, and see at once that it has; `shutdown_kernel` looks only each tenth of a second."""
    process = forked(km)
    if process is not None:
        await km.request_shutdown()
        deadline = perf_counter() + KERNEL_EXIT_GRACE_S
        while process.poll() is None and perf_counter() < deadline:
            await asyncio.sleep(_POLL_INTERVAL_S)


def end_processes(id: str, kernel: int | None) -> None:
    """End what outlived its kernel; processes that are about to end by themselves get a moment to do it.

    Args:
        id: of the live page.
        kernel: the kernel's process id.
    """
    left = list(_processes_of(id, kernel))
    _, left = psutil.wait_procs(left, timeout=PROCESS_EXIT_GRACE_S)
    for process in left:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(left, timeout=PROCESS_EXIT_GRACE_S)


def _processes_of(id: str, kernel: int | None) -> Iterator[psutil.Process]:
    """Find the processes that a live page's kernel started, however deep and in whatever session they are.

    A kernel that was forked shows the environment of what it was forked from, and so does what it forks in turn; such a
    child is in its session.
    """
    for process in psutil.process_iter():
        try:
            in_session = kernel is not None and os.name == "posix" and os.getsid(process.pid) == kernel
            if in_session or process.environ().get(LIVE_PAGE_VARIABLE) == id:
                yield process
        except (psutil.Error, OSError):
            continue
