"""Executors that start one daemon and wait until it is ready: mirakuru's, made to give up and to see each end."""

import contextlib
import signal
import subprocess
import sys
import threading
from typing import IO, Any

from mirakuru import HTTPExecutor, TCPExecutor
from mirakuru.base import Executor
from mirakuru.exceptions import ExecutorError, ProcessExitedWithError

from widgetshot.services.programs import as_user, find_program
from widgetshot.services.recipe import Daemon
from widgetshot.services.workspace import HOST, Workspace

READY_POLL_S = 0.02
_HTTP_TIMEOUT_S = 5


class GivenUpError(ExecutorError):
    """Nobody waits for the daemon any more."""


class DaemonExecutor(Executor):
    """Base of our executors; comes before mirakuru's own in their bases.

    Attributes:
        given_up: set once nobody waits any more.
    """

    given_up: threading.Event

    def check_subprocess(self) -> bool:
        """Return True while the daemon runs.

        Raises:
            GivenUpError: nobody waits for it any more.
            ProcessExitedWithError: it has ended.
        """
        if self.given_up.is_set():
            raise GivenUpError(self)
        # mirakuru takes exit code 0 for a process that went to the background; ours stay in the foreground.
        if self.process is not None and self.process.poll() == 0:
            self.kill()
            raise ProcessExitedWithError(self, 0)
        return super().check_subprocess()

    def set_timeout(self, seconds: float) -> None:
        """Set the time that the next start or stop may take."""
        self._timeout = seconds


class _TcpExecutor(DaemonExecutor, TCPExecutor):
    pass


class _HttpExecutor(DaemonExecutor, HTTPExecutor):
    pass


class _CommandExecutor(DaemonExecutor):
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
                timeout=max(self._remaining_timeout, READY_POLL_S),
                check=False,
            ).returncode
        return False


def make_executor(daemon: Daemon, workspace: Workspace, log: IO[bytes]) -> DaemonExecutor:
    """Return the executor that fits a daemon's condition of being ready.

    Args:
        log: gets what the daemon writes.
    """
    command = daemon.command
    if sys.platform == "linux" and (setpriv := find_program("setpriv")):
        command = (setpriv, "--pdeathsig", signal.Signals(daemon.stop_signal).name.removeprefix("SIG"), *command)
    options: dict[str, Any] = {
        "cwd": str(workspace.folder),
        "sleep": READY_POLL_S,
        "stop_signal": daemon.stop_signal,
        "envvars": dict(daemon.environment),
        "stdin": subprocess.DEVNULL,
        "stdout": log,
        "stderr": subprocess.STDOUT,
    }
    command = as_user(command, daemon.user)
    ready = daemon.ready
    if ready.http:
        return _HttpExecutor(command, ready.http, status=200, method="GET", request_timeout=_HTTP_TIMEOUT_S, **options)
    if ready.command:
        return _CommandExecutor(command, ready.command, **options)
    return _TcpExecutor(command, HOST, ready.tcp, **options)
