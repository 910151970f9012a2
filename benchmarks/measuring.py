"""Run a program to its end and tell what it took, with all the processes it started. Linux only."""

import compileall
import ctypes
import os
import select
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import NoReturn

import psutil

import widgetshot

GRACE = 5.0  # seconds after its main process ended in which a program's other processes may end, too


class BenchmarkError(Exception):
    """The benchmark itself is wrong, so it has no result."""


def finish(main: Callable[[], int]) -> NoReturn:
    """Run a benchmark and end the program with its exit code.

    Our package is compiled first: pip did so with everything else that is measured, but not with what is installed
    from its sources in place, which some environments (PYTHONDONTWRITEBYTECODE) would compile anew at each start.
    """
    compileall.compile_dir(Path(widgetshot.__file__).parent, quiet=1)
    try:
        sys.exit(main())
    except BenchmarkError as error:
        sys.exit(f"benchmark: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


@dataclass
class Sample:
    """What one run of a program took.

    Attributes:
        wall: seconds from the start of its main process to that one's end.
        cpu: seconds, user and system, of all its processes.
        memory: bytes, the largest sum of the processes' proportional set sizes; 0 when it was not sampled.
        left: processes that were there 5 s after the main one had ended.
        files: entries left in its folder for temporary files.
        code: what its main process ended with.
        stages: seconds of its stages, where it tells them.
    """

    wall: float
    cpu: float
    memory: int
    left: list[str]
    files: list[str]
    code: int
    stages: dict[str, float] = field(default_factory=dict)


def adopt_orphans() -> None:
    """Let processes whose parent has died become children of this one, so that none is missed."""
    subreaper = 36  # PR_SET_CHILD_SUBREAPER
    if ctypes.CDLL(None, use_errno=True).prctl(subreaper, 1, 0, 0, 0):
        raise BenchmarkError("this process can't adopt orphans: " + os.strerror(ctypes.get_errno()))


def measure(command: Sequence[str], folder: Path, environment: Mapping[str, str], *, memory: bool) -> Sample:
    """Run a program to its end.

    CPU time is the kernel's own account: that of a process, with its children that it waited for, is told when it is
    waited for. What nobody else waits for is adopted by this process (see `adopt_orphans`) and waited for here; what
    has not ended by then is ended, and counted, too. Nothing is sampled for it.

    Args:
        folder: where it runs; gets `log.txt`, and `tmp` for temporary files.
        memory: sample the memory of all processes while they run, which slows them a little.

    Raises:
        BenchmarkError: a process of it can't be ended.
    """
    temporary = folder / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    peak = Peak() if memory else None
    with (folder / "log.txt").open("wb") as log:
        began = perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**environment, "TMPDIR": str(temporary)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            with peak or _nothing():
                _, status, usage = os.wait4(process.pid, 0)
            wall = perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            cpu = usage.ru_utime + usage.ru_stime
            left = wait_for_descendants(GRACE)
        finally:
            cpu_of_orphans = end_descendants()
    files = sorted(entry.name for entry in temporary.iterdir())
    return Sample(wall, cpu + cpu_of_orphans, peak.bytes if peak else 0, left, files, process.returncode)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


class Peak:
    """The largest memory of all descendants of this process together, sampled; a context manager."""

    def __init__(self) -> None:
        self.bytes = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.1):
            total = 0
            for process in psutil.Process().children(recursive=True):
                try:
                    total += process.memory_full_info().pss
                except psutil.Error:
                    continue
            self.bytes = max(self.bytes, total)


def descendants() -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def wait_for_descendants(seconds: float) -> list[str]:
    """Wait until all descendants have ended, at most so long; those that have not, as command lines."""
    deadline = perf_counter() + seconds
    for process in descendants():
        try:
            handle = os.pidfd_open(process.pid)
        except ProcessLookupError:
            continue
        try:
            select.select([handle], [], [], max(0.0, deadline - perf_counter()))
        finally:
            os.close(handle)
    left = []
    for process in descendants():
        try:
            left.append(shlex.join(process.cmdline())[:200])
        except psutil.Error:
            continue
    return left


def end_descendants() -> float:
    """End and wait for all descendants; the CPU seconds of those that nobody else had waited for."""
    cpu = 0.0
    deadline = perf_counter() + 20
    while True:
        for process in descendants():
            try:
                process.kill()
            except psutil.Error:
                continue
        try:
            # One whose parent was killed becomes a child of this process, so this goes on until there are none.
            _, _, usage = os.wait4(-1, 0)
        except ChildProcessError:
            return cpu
        cpu += usage.ru_utime + usage.ru_stime
        if perf_counter() > deadline:
            raise BenchmarkError("processes can't be ended")
