"""The processes that a kernel started, and their end."""

import asyncio
import contextlib
import ctypes
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import psutil

from widgetshot.server.zygotes import forked

# Each process that a kernel starts inherits it.
LIVE_PAGE_VARIABLE = "WIDGETSHOT_LIVE_PAGE"
KERNEL_EXIT_GRACE_S = 1.0  # most need much less
PROCESS_EXIT_GRACE_S = 3.0
_POLL_INTERVAL_S = 0.01
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


async def request_exit(km: Any) -> None:
    """Tell a forked kernel to end, and see at once that it has; `shutdown_kernel` looks only each tenth of a second."""
    process = forked(km)
    if process is not None:
        await km.request_shutdown()
        deadline = perf_counter() + KERNEL_EXIT_GRACE_S
        while process.poll() is None and perf_counter() < deadline:
            await asyncio.sleep(_POLL_INTERVAL_S)


@dataclass
class Started:
    """What a kernel has started, by which it is found.

    Attributes:
        id: of the live page.
        folder: private to it.
        kernel: the kernel's process id.
        keeper: the process below which all of it is; None where the kernel was not forked, or has none any more.
        children: what was below a kernel that has no keeper before it was ended.
    """

    id: str
    folder: Path
    kernel: int | None = None
    keeper: psutil.Process | None = None
    children: list[psutil.Process] = field(default_factory=list)

    def begin(self, km: Any) -> None:
        """Note the kernel, which has begun."""
        self.kernel = getattr(km.provisioner, "pid", None)
        process = forked(km)
        with contextlib.suppress(psutil.Error):
            self.keeper = psutil.Process(process.keeper) if process is not None else None

    def look(self) -> None:
        """Note what is below the kernel, while it can be told from what is below others."""
        if self.keeper is None and self.kernel is not None:
            with contextlib.suppress(psutil.Error):
                self.children = psutil.Process(self.kernel).children(recursive=True)

    def processes(self) -> Iterator[psutil.Process]:
        """Yield the kernel and what it has started, as far as it runs."""
        found: Iterable[psutil.Process]
        if self.keeper is not None:
            try:
                found = self.keeper.children(recursive=True)
            except psutil.Error:
                found = ()  # the keeper goes last of all
        else:
            found = (one for one in psutil.process_iter() if one in self.children or self._is_known(one))
        for process in found:
            with contextlib.suppress(psutil.Error):
                if process.status() != psutil.STATUS_ZOMBIE:
                    yield process

    def _is_known(self, process: psutil.Process) -> bool:
        """Tell whether a process is in the kernel's session, has inherited its environment, or works in its folder."""
        with contextlib.suppress(psutil.Error, OSError):
            if self.kernel is not None and os.name == "posix" and os.getsid(process.pid) == self.kernel:
                return True
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(LIVE_PAGE_VARIABLE) == self.id:
                return True
        with contextlib.suppress(psutil.Error, OSError):
            return Path(process.cwd()).is_relative_to(self.folder)
        return False


def end_processes(started: Started) -> None:
    """End what outlived its kernel; processes that are about to end by themselves get a moment to do it."""
    left = list(started.processes())
    if left:
        psutil.wait_procs(left, timeout=PROCESS_EXIT_GRACE_S)
    _kill_all(started.processes)


def adopt_orphans() -> None:
    """Make this process, on Linux, the parent of every orphan below it, so that `end_descendants` finds it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_descendants() -> None:
    """Kill everything below this process."""
    own = psutil.Process()
    _kill_all(lambda: [one for one in own.children(recursive=True) if one.status() != psutil.STATUS_ZOMBIE])


def _kill_all(find: Callable[[], Iterable[psutil.Process]]) -> None:
    """Kill what is found until nothing is: it may start more before it is dead.

    All of it is stopped before any of it is killed. What is killed while others run makes room for more, where there is
    a limit on processes, and where there is none it may be fewer than what they start meanwhile.
    """
    deadline = perf_counter() + PROCESS_EXIT_GRACE_S
    while (left := _found(find)) and perf_counter() < deadline:
        stopped: set[psutil.Process] = set()
        while (running := set(left) - stopped) and perf_counter() < deadline:
            for process in running:
                with contextlib.suppress(psutil.Error):
                    process.suspend()
            stopped |= running
            left = _found(find)
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=max(0.0, deadline - perf_counter()))


def _found(find: Callable[[], Iterable[psutil.Process]]) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return list(find())
    return []
