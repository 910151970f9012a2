"""Processes below this one: orphans become its own, and what daemons leave behind can be found and ended."""

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_TERMINATE_GRACE_S = 2.0
_KILL_GRACE_S = 10.0


def adopt_orphans() -> None:
    """Make this process, on Linux, the parent of every orphan below it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants_of(pids: Iterable[int], folder: Path) -> Iterator[psutil.Process]:
    """Yield what some children of ours started; not these children, nor what else this process may have started.

    Args:
        folder: of the children; an orphan has lost its tie to them, but hardly all trace of the folder.
    """
    pids = set(pids)
    roots = [process for pid in pids if (process := _process(pid))]
    roots += [
        process
        for process in psutil.Process().children()
        if process.pid not in pids and _mentions(process, str(folder))
    ]
    for root in roots:
        if root.pid not in pids:
            yield root
        with contextlib.suppress(psutil.Error):
            yield from root.children(recursive=True)


def end_processes(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """End processes, by SIGKILL if need be; returns those that are there still."""
    processes = list(processes)
    for process in processes:
        _send(process, signal.SIGTERM)
    _, alive = psutil.wait_procs(processes, timeout=_TERMINATE_GRACE_S)
    for process in alive:
        _send(process, signal.SIGKILL)
    _, alive = psutil.wait_procs(alive, timeout=_KILL_GRACE_S)
    _reap()
    return list(alive)


def _reap() -> None:
    """Take note of the end of the orphans, as their parent has to."""
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error, ChildProcessError):
            if child.status() == psutil.STATUS_ZOMBIE:
                os.waitpid(child.pid, os.WNOHANG)


def _process(pid: int) -> psutil.Process | None:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid)
    return None


def _mentions(process: psutil.Process, text: str) -> bool:
    for look in (process.cwd, process.cmdline, process.environ):
        with contextlib.suppress(psutil.Error, OSError):
            if text in str(look()):
                return True
    return False


def _send(process: psutil.Process, number: int) -> None:
    with contextlib.suppress(psutil.Error, OSError):
        process.send_signal(number)
