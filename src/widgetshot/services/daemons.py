"""The daemons of one plan: started in order, watched, killed; ended in the opposite order, with their descendants."""

import contextlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
from mirakuru.exceptions import AlreadyRunning, ExecutorError, ProcessExitedWithError, TimeoutExpired

from widgetshot.services.executors import READY_POLL_S, DaemonExecutor, GivenUpError, make_executor
from widgetshot.services.failures import (
    AddressInUse,
    AnyFailure,
    Exited,
    GivenUp,
    NotEnded,
    NotReady,
    NotStarted,
    ServiceError,
    UnknownDaemon,
    tail,
)
from widgetshot.services.process_tree import adopt_orphans, descendants_of, end_processes
from widgetshot.services.recipe import Plan
from widgetshot.services.workspace import Workspace

_DAEMON_EXIT_GRACE_S = 10.0  # that a daemon has to end itself before it is killed


class Daemons:
    """The daemons of one instance of a service.

    Needs a process that does nothing else. On Linux that process becomes the parent of every orphan below it, so that
    what a daemon leaves behind (a job's step, a login's shell) can be found and ended; and when it is killed itself,
    the kernel ends the daemons. May be used from several threads.

    Args:
        timeout: seconds that `start` may take for all daemons together.
    """

    def __init__(self, plan: Plan, workspace: Workspace, timeout: float) -> None:
        self._workspace = workspace
        self._timeout = timeout
        self._daemons = {daemon.name: daemon for daemon in plan.daemons}
        self._executors: dict[str, DaemonExecutor] = {}
        self._left: set[psutil.Process] = set()  # what a killed daemon left behind
        self._given_up = threading.Event()
        # The signal that a parent's death sends is sent by the end of the thread that started the child already; so all
        # are started by one thread, which lives as long as the process.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="daemons")
        adopt_orphans()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all daemons, in the plan's order."""
        return tuple(self._daemons)

    @property
    def ended(self) -> tuple[str, ...]:
        """The names of the daemons that do not run now, in the plan's order; waits for a start or stop under way."""
        return self._thread.submit(self._ended).result()

    def log(self, name: str) -> Path:
        """Return the file that gets a daemon's output; it grows over several starts."""
        return self._workspace.folder / f"{name}.log"

    def start(self) -> None:
        """Start, in order, each daemon that does not run, and wait until it is ready.

        Raises:
            ServiceError: one ended or was not ready in time; all that run have been ended then.
        """
        self._thread.submit(self._start).result()

    def stop(self) -> None:
        """End all daemons, the last first, and everything that descends from them.

        Raises:
            ServiceError: a process is there after SIGKILL.
        """
        self._given_up.set()  # a start in the same thread may still wait
        self._thread.submit(self._stop).result()

    def kill(self, name: str) -> None:
        """SIGKILL one daemon.

        Raises:
            ServiceError: there is no daemon of this name.
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
                    executor = self._executors[name] = make_executor(self._daemons[name], self._workspace, log)
                    executor.given_up = self._given_up
                    executor.set_timeout(max(until - time.monotonic(), READY_POLL_S))
                    executor.start()
            except (ExecutorError, OSError) as error:
                failure = self._failure(name, error)
                self._stop()
                raise ServiceError(failure) from error

    def _stop(self) -> None:
        left = self._left | set(self._descendants())
        for executor in reversed(self._executors.values()):
            executor.set_timeout(_DAEMON_EXIT_GRACE_S)
            # How it ended is of no interest: many exit with a code of their own at SIGTERM.
            with contextlib.suppress(ExecutorError):
                executor.stop()
        self._executors.clear()
        self._left.clear()
        left |= set(self._descendants())
        if alive := end_processes(left):
            raise ServiceError(NotEnded(self.names, tuple(process.pid for process in alive)))

    def _kill(self, name: str) -> None:
        if name not in self._daemons:
            raise ServiceError(UnknownDaemon(name, self.names))
        if executor := self._executors.get(name):
            self._left |= set(self._descendants())
            with contextlib.suppress(ProcessLookupError):  # it ended in this moment
                executor.kill()

    def _descendants(self) -> Iterator[psutil.Process]:
        pids = [executor.process.pid for executor in self._executors.values() if executor.process]
        return descendants_of(pids, self._workspace.folder)

    def _failure(self, name: str, error: Exception) -> AnyFailure:
        if isinstance(error, AlreadyRunning):
            ready = self._daemons[name].ready
            return AddressInUse(name, ready.http or str(ready.tcp))
        if isinstance(error, GivenUpError):
            return GivenUp(name)
        log = self.log(name)
        end = tail(log.read_text(errors="replace")) if log.is_file() else ""
        if isinstance(error, TimeoutExpired):
            return NotReady(name, end, self._timeout)
        if isinstance(error, ProcessExitedWithError):
            return Exited(name, end, error.exit_code)
        return NotStarted(name, end, str(error))
