"""The process that runs one instance of a service, and ends it with its parent.

It reads its order from standard input, one line, and answers with one line when the service is ready or has failed,
see `messages`. It goes on until standard input ends, its parent is gone or SIGTERM comes; daemons and folder end with
it. Meanwhile it answers requests on its control address, see `client`.
"""

import contextlib
import os
import shutil
import signal
import sys
import threading
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from time import perf_counter
from typing import NoReturn

import psutil

from widgetshot.errors import WidgetshotError
from widgetshot.redact import Redactor
from widgetshot.services.daemons import Daemons
from widgetshot.services.failures import AnyFailure, RecipeFailed, ServiceError, Unexpected, redacted
from widgetshot.services.messages import (
    DaemonStates,
    ExitSummary,
    Failed,
    Kill,
    Request,
    Start,
    Started,
    StartOrder,
    Stop,
    decode_order,
    decode_request,
    encode,
)
from widgetshot.services.process_tree import adopt_orphans
from widgetshot.services.recipe import Plan
from widgetshot.services.recipes import find_recipe
from widgetshot.services.workspace import Workspace, free_ports, make_folder

_MAX_START_ATTEMPTS = 3


class _End(BaseException):
    """Nobody needs the service any more."""


class Supervisor:
    """One instance: its folder, its daemons, and what is asked of them from elsewhere."""

    def __init__(self, order: StartOrder) -> None:
        self._declaration = order.declaration
        self._recipe = find_recipe(order.declaration, order.name)
        self._redactor = Redactor(order.secrets)
        self._base = make_folder()
        adopt_orphans()  # of what prepares a service, too
        self._daemons: Daemons | None = None
        self._ended_on_request: set[str] = set()  # names of daemons
        self._listener: Listener | None = None
        self._lock = threading.Lock()

    def run(self) -> Started | Failed:
        """Start everything, and return the answer to the order."""
        begin = perf_counter()
        try:
            plan = self._start_with_free_ports()
        except Exception as error:
            return self._failed(error)
        declaration = self._declaration
        extra = dict(declaration.environment) if declaration and not declaration.command else {}
        control = self._listen()
        return Started(plan.url, dict(plan.environment) | extra, control, round(perf_counter() - begin, 4))

    def _start_with_free_ports(self) -> Plan:
        """Start everything; with other ports if one that was free a moment ago has been taken since."""
        for attempt in range(1, _MAX_START_ATTEMPTS):
            try:
                return self._start(self._base / f"d{attempt}")
            except ServiceError as error:
                if not error.failure.address_in_use:
                    raise
        return self._start(self._base / f"d{_MAX_START_ATTEMPTS}")

    def _start(self, folder: Path) -> Plan:
        if self._daemons is not None:
            self._daemons.stop()
        folder.mkdir(mode=0o700)
        workspace = Workspace(folder, free_ports(self._recipe.ports))
        plan = self._recipe.plan(workspace)
        timeout = (self._declaration.timeout if self._declaration else 0) or self._recipe.timeout
        self._daemons = Daemons(plan, workspace, timeout)
        self._daemons.start()
        return plan

    def _failed(self, error: Exception) -> Failed:
        failure: AnyFailure
        match error:
            case ServiceError():
                failure = error.failure
            case WidgetshotError():
                failure = RecipeFailed(error.what, error.next_step)
            case _:
                failure = Unexpected(type(error).__name__, str(error))
        return Failed(redacted(failure, self._redactor))

    def _listen(self) -> str:
        folder = self._base / "c"
        folder.mkdir(mode=0o700)
        if os.name == "posix":
            listener = Listener(str(folder / "control"), family="AF_UNIX")
        else:
            listener = Listener(None, family="AF_PIPE")
        self._listener = listener
        threading.Thread(target=self._serve, args=(listener,), daemon=True).start()
        return str(listener.address)

    def _serve(self, listener: Listener) -> None:
        while True:
            try:
                connection = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: Connection) -> None:
        with connection, contextlib.suppress(EOFError, OSError, WidgetshotError):
            while True:
                request = decode_request(connection.recv_bytes())
                connection.send_bytes(encode(self._answer(request)))

    def _answer(self, request: Request) -> DaemonStates | Failed:
        daemons = self._daemons
        assert daemons is not None
        try:
            with self._lock:
                match request:
                    case Stop():
                        daemons.stop()
                        self._ended_on_request |= set(daemons.names)
                    case Start():
                        daemons.start()
                        self._ended_on_request.clear()
                    case Kill():
                        daemons.kill(request.daemon)
                        self._ended_on_request.add(request.daemon)
                died = (name for name in daemons.ended if name not in self._ended_on_request)
                return DaemonStates(tuple(self._exit_summary(daemons, name) for name in died))
        except WidgetshotError as error:
            return self._failed(error)

    def _exit_summary(self, daemons: Daemons, name: str) -> ExitSummary:
        try:
            lines = daemons.log(name).read_text(errors="replace").splitlines()
        except OSError:
            lines = []
        last = next((line for line in reversed(lines) if line.strip()), "")
        return ExitSummary(name, self._redactor.text(last))

    def end(self) -> None:
        """End the daemons; keep the log if that is wished for; remove the folder."""
        try:
            if self._daemons is not None:
                self._daemons.stop()
        finally:
            if self._listener is not None:
                self._listener.close()
            self._keep_log()
            shutil.rmtree(self._base, ignore_errors=True)

    def _keep_log(self) -> None:
        if self._declaration is None or not self._declaration.log:
            return
        log = Path(self._declaration.root) / self._declaration.log
        parts = sorted(self._base.glob("d*/*.log"))
        with contextlib.suppress(OSError):
            log.parent.mkdir(parents=True, exist_ok=True)
            text = "".join(part.read_text(errors="replace") for part in parts)
            log.write_text(self._redactor.text(text), encoding="utf-8")


def _watch(parent: psutil.Process | None) -> None:
    """End this process when standard input or the parent ends."""

    def end() -> None:
        # In the main thread, wherever that is: it may be waiting for a daemon that never gets ready.
        os.kill(os.getpid(), signal.SIGTERM)

    def ends_with_input() -> None:
        while sys.stdin.buffer.read(1):
            pass
        end()

    def ends_with_parent() -> None:
        # A process that the parent forked may hold the other end of our standard input open.
        if parent is not None:
            with contextlib.suppress(psutil.Error):
                parent.wait()
        end()

    for watch in (ends_with_input, ends_with_parent):
        threading.Thread(target=watch, daemon=True).start()


def _stop(*_: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _End


def main() -> None:
    """Entry point of `python -m widgetshot.services.supervisor FOLDER`, which keeps what is temporary in the folder."""
    os.environ["TMPDIR"] = sys.argv[1]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us in order
    try:
        parent = psutil.Process(os.getppid())
    except psutil.Error:
        parent = None
    line = sys.stdin.buffer.readline()
    if not line:
        return
    supervisor = Supervisor(decode_order(line))
    try:
        signal.signal(signal.SIGTERM, _stop)
        _watch(parent)
        answer = supervisor.run()
        with contextlib.suppress(OSError):
            sys.stdout.buffer.write(encode(answer) + b"\n")
            sys.stdout.flush()
        if isinstance(answer, Started):
            threading.Event().wait()
    except _End:
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        supervisor.end()


if __name__ == "__main__":
    main()
