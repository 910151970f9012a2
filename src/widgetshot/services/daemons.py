"""The daemons of one plan: started in order, watched, killed; ended in the opposite order, with their descendants."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
from mirakuru import HTTPExecutor, TCPExecutor
from mirakuru.base import Executor
from mirakuru.exceptions import AlreadyRunning, ExecutorError, ProcessExitedWithError, TimeoutExpired

from widgetshot.errors import ServerError, visible
from widgetshot.services.recipe import HOST, Daemon, Place, Plan, as_user, find_program

_TAIL = 15  # lines of a log that a message quotes
_POLL = 0.02  # seconds between two looks at whether a daemon is ready
_PATIENCE = 10.0  # seconds that a daemon has to end itself before it is killed
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


class _GivenUp(ExecutorError):
    """Nobody waits for the daemon any more."""


class _Watched(Executor):
    """What our executors share; comes before mirakuru's own in their bases."""

    given_up: threading.Event

    def check_subprocess(self) -> bool:
        if self.given_up.is_set():
            raise _GivenUp(self)
        # mirakuru takes exit code 0 for a process that went to the background; ours stay in the foreground.
        if self.process is not None and self.process.poll() == 0:
            self.kill()
            raise ProcessExitedWithError(self, 0)
        return super().check_subprocess()

    def give(self, seconds: float) -> None:
        """Set the time that the next start or stop may take."""
        self._timeout = seconds


class _Tcp(_Watched, TCPExecutor):
    pass


class _Http(_Watched, HTTPExecutor):
    pass


class _Command(_Watched):
    """Ready as soon as another program ends with exit code 0."""

    def __init__(self, command: tuple[str, ...], ready: tuple[str, ...], **options: Any) -> None:
        super().__init__(command, **options)
        self._ready = ready

    def pre_start_check(self) -> bool:
        return False

    def after_start_check(self) -> bool:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return not subprocess.run(
                self._ready,
                cwd=self._cwd,
                env=self.envvars,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=max(self._remaining_timeout, _POLL),
                check=False,
            ).returncode
        return False


def adopt_orphans() -> None:
    """Make this process, on Linux, the parent of every orphan below it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Running:
    """The daemons of one instance of a service.

    Needs a process that does nothing else. On Linux that process becomes the parent of every orphan below it, so that
    what a daemon leaves behind (a job's step, a login's shell) can be found and ended; and when it is killed itself,
    the kernel ends the daemons. May be used from several threads.

    Args:
        timeout: seconds that `start` may take for all daemons together.
    """

    def __init__(self, plan: Plan, place: Place, timeout: float) -> None:
        self._place = place
        self._timeout = timeout
        self._daemons = {daemon.name: daemon for daemon in plan.daemons}
        self._executors: dict[str, _Watched] = {}
        self._left: set[psutil.Process] = set()  # what a killed daemon left behind
        self._given_up = threading.Event()
        # The signal that a parent's death sends is sent by the end of the thread that started the child already; so all
        # are started by one thread, which lives as long as the process.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="daemons")
        adopt_orphans()

    @property
    def ended(self) -> tuple[str, ...]:
        """Names of the daemons that do not run now, in the plan's order; waits for a start or stop under way."""
        return self._thread.submit(self._ended).result()

    def log(self, name: str) -> Path:
        """Where a daemon's output goes; it grows over several starts."""
        return self._place.folder / f"{name}.log"

    def start(self) -> None:
        """Start, in order, each daemon that does not run, and wait until it is ready.

        Raises:
            ServerError: one ended or was not ready in time; all that run have been ended then.
        """
        self._thread.submit(self._start).result()

    def stop(self) -> None:
        """End all daemons, the last first, and everything that descends from them.

        Raises:
            ServerError: a process is there after SIGKILL.
        """
        self._given_up.set()  # a start in the same thread may still wait
        self._thread.submit(self._stop).result()

    def kill(self, name: str) -> None:
        """SIGKILL one daemon.

        Raises:
            ServerError: there is no daemon of this name.
        """
        self._thread.submit(self._kill, name).result()

    def _ended(self) -> tuple[str, ...]:
        running = {name for name, executor in self._executors.items() if executor.running()}
        return tuple(name for name in self._daemons if name not in running)

    def _start(self) -> None:
        self._given_up.clear()
        until = time.monotonic() + self._timeout
        for name in self._ended():
            if old := self._executors.pop(name, None):
                old.kill()  # what is left of a daemon that ended by itself
            try:
                with self.log(name).open("ab") as log:
                    executor = self._executors[name] = _executor(self._daemons[name], self._place, log)
                    executor.given_up = self._given_up
                    executor.give(max(until - time.monotonic(), _POLL))
                    executor.start()
            except (ExecutorError, OSError) as error:
                failure = self._failure(name, error)
                self._stop()
                raise failure from error

    def _stop(self) -> None:
        left = self._left | set(self._descendants())
        for executor in reversed(self._executors.values()):
            executor.give(_PATIENCE)
            # How it ended is of no interest: many exit with a code of their own at SIGTERM.
            with contextlib.suppress(ExecutorError):
                executor.stop()
        self._executors.clear()
        self._left.clear()
        left |= set(self._descendants())
        for process in left:
            _send(process, signal.SIGTERM)
        _, alive = psutil.wait_procs(left, timeout=2)
        for process in alive:
            _send(process, signal.SIGKILL)
        _, alive = psutil.wait_procs(alive, timeout=_PATIENCE)
        self._reap()
        if alive:
            raise ServerError(
                f"{len(alive)} of the processes of {', '.join(self._daemons)} can't be ended: "
                + ", ".join(str(process.pid) for process in alive)
            )

    def _kill(self, name: str) -> None:
        if name not in self._daemons:
            raise ServerError(f"there is no daemon '{name}' here; there are: {', '.join(self._daemons)}")
        if executor := self._executors.get(name):
            self._left |= set(self._descendants())
            with contextlib.suppress(ProcessLookupError):  # it ended in this moment
                executor.kill()

    def _descendants(self) -> Iterator[psutil.Process]:
        """What the daemons started; not the daemons, nor what else this process may have started."""
        daemons = [executor.process.pid for executor in self._executors.values() if executor.process]
        roots = [process for pid in daemons if (process := _process(pid))]
        # An orphan has lost its tie to the daemon, but hardly all trace of the folder.
        roots += [
            process
            for process in psutil.Process().children()
            if process.pid not in daemons and _mentions(process, str(self._place.folder))
        ]
        for root in roots:
            if root.pid not in daemons:
                yield root
            with contextlib.suppress(psutil.Error):
                yield from root.children(recursive=True)

    def _reap(self) -> None:
        """Take note of the end of the orphans, as whoever is their parent has to."""
        for child in psutil.Process().children():
            with contextlib.suppress(psutil.Error, ChildProcessError):
                if child.status() == psutil.STATUS_ZOMBIE:
                    os.waitpid(child.pid, os.WNOHANG)

    def _failure(self, name: str, error: Exception) -> ServerError:
        log = self.log(name)
        if isinstance(error, AlreadyRunning):
            ready = self._daemons[name].ready
            return ServerError(f"{name} can't listen at {ready.http or ready.tcp}: the address is in use")
        if isinstance(error, _GivenUp):
            return ServerError(f"{name} was given up before it was ready")
        if isinstance(error, TimeoutExpired):
            what = f"{name} was not ready after {self._timeout:g} s"
        elif isinstance(error, ProcessExitedWithError):
            what = f"{name} ended with exit code {error.exit_code} before it was ready"
        else:
            what = f"{name} can't be started: {error}"
        end = "\n".join(log.read_text(errors="replace").splitlines()[-_TAIL:]) if log.is_file() else ""
        what += f"; the end of its log:\n{visible(end)}" if end.strip() else "; its log is empty"
        return ServerError(what, next_step="widgetshot doctor --services")


def _executor(daemon: Daemon, place: Place, log: Any) -> _Watched:
    command = daemon.command
    if sys.platform == "linux" and (setpriv := find_program("setpriv")):
        command = (setpriv, "--pdeathsig", signal.Signals(daemon.stop_signal).name.removeprefix("SIG"), *command)
    options = {
        "cwd": str(place.folder),
        "sleep": _POLL,
        "stop_signal": daemon.stop_signal,
        "envvars": dict(daemon.environment),
        "stdin": subprocess.DEVNULL,
        "stdout": log,
        "stderr": subprocess.STDOUT,
    }
    command = as_user(command, daemon.user)
    ready = daemon.ready
    if ready.http:
        return _Http(command, ready.http, status=200, method="GET", request_timeout=5, **options)
    if ready.command:
        return _Command(command, ready.command, **options)
    return _Tcp(command, HOST, ready.tcp, **options)


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
