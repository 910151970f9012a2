"""The process that runs one instance of a service, and ends it with its parent.

It reads one line of JSON from standard input, what is to be run, and answers with one line of JSON when the service is
ready or has failed. It goes on until standard input ends, its parent is gone or SIGTERM comes; daemons and folder end
with it. Meanwhile it answers on its control address, see `control`.
"""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Mapping
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from time import perf_counter
from typing import Any, NoReturn

import psutil

from widgetshot.errors import ServerError, WidgetshotError, one_line
from widgetshot.redact import Redactor
from widgetshot.services.daemons import Running, adopt_orphans
from widgetshot.services.declared import Declared, recipe_of
from widgetshot.services.recipe import HOST, Place, Plan

_LONGEST_FOLDER = 60  # bytes: Unix sockets' paths end at 103, and daemons add theirs
_TRIES = 3
_WORDS = 300  # characters of a log's last line that are told


class _End(BaseException):
    """Whoever wanted the service is gone, or said that it is over."""


def free_ports(names: tuple[str, ...]) -> dict[str, int]:
    """A free TCP port of the loopback for each name.

    They are looked for outside of the range that connections take theirs from where there is room, so that nobody gets
    one between now and the daemon's start.
    """
    ports: dict[str, int] = {}
    for name in names:
        for _ in range(100):
            port = 20000 + secrets.randbelow(12000)
            with socket.socket() as probe, contextlib.suppress(OSError):
                probe.bind((HOST, port))
                if port not in ports.values():
                    ports[name] = port
                    break
        else:
            with socket.socket() as probe:
                probe.bind((HOST, 0))
                ports[name] = int(probe.getsockname()[1])
    return ports


def _folder() -> Path:
    base = tempfile.gettempdir()
    if os.name == "posix" and len(os.fsencode(base)) > _LONGEST_FOLDER:
        base = "/tmp"
    folder = Path(tempfile.mkdtemp(prefix="ws-", dir=base))
    # Daemons of other users must get through to what is theirs inside.
    folder.chmod(0o711)
    return folder


class Supervisor:
    """One instance: its folder, its daemons, and what is asked of them from elsewhere."""

    def __init__(self, order: Mapping[str, Any]) -> None:
        raw = order["declared"]
        self._declared = Declared.of_json(raw) if raw is not None else None
        self._recipe = recipe_of(self._declared, order["name"])
        self.redactor = Redactor(order["secrets"])
        self._base = _folder()
        adopt_orphans()  # of what prepares a service, too
        self._running: Running | None = None
        self._meant: set[str] = set()  # daemons that are down because somebody said so
        self._daemons: tuple[str, ...] = ()
        self._listener: Listener | None = None
        self._lock = threading.Lock()

    def run(self) -> dict[str, Any]:
        """Start everything; the answer to whoever ordered it.

        Raises:
            WidgetshotError: it did not start.
        """
        begin = perf_counter()
        for tries in range(1, _TRIES + 1):
            try:
                plan = self._start(self._base / f"d{tries}")
                break
            except ServerError as error:
                # Somebody else may have taken a port that was free a moment ago.
                if tries == _TRIES or "in use" not in str(error).casefold():
                    raise
        address = self._listen()
        extra = dict(self._declared.environment) if self._declared and not self._declared.command else {}
        return {
            "url": plan.url,
            "environment": dict(plan.environment) | extra,
            "control": address,
            "seconds": round(perf_counter() - begin, 4),
        }

    def _start(self, folder: Path) -> Plan:
        if self._running is not None:
            self._running.stop()
        folder.mkdir(mode=0o700)
        place = Place(folder, free_ports(self._recipe.ports))
        plan = self._recipe.plan(place)
        timeout = self._declared.timeout if self._declared and self._declared.timeout else self._recipe.timeout
        self._running = Running(plan, place, timeout)
        self._daemons = tuple(daemon.name for daemon in plan.daemons)
        self._running.start()
        return plan

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
        with connection, contextlib.suppress(EOFError, OSError, ValueError):
            while True:
                question = json.loads(connection.recv_bytes())
                connection.send_bytes(json.dumps(self._answer(question)).encode())

    def _answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        running = self._running
        assert running is not None
        try:
            with self._lock:
                match question["do"]:
                    case "stop":
                        running.stop()
                        self._meant |= set(self._daemons)
                    case "start":
                        running.start()
                        self._meant.clear()
                    case "kill":
                        running.kill(question["daemon"])
                        self._meant.add(question["daemon"])
                return {"died": [self._epitaph(running, name) for name in running.ended if name not in self._meant]}
        except WidgetshotError as error:
            return {"error": self.redactor.text(error.what), "next": self.redactor.text(error.next_step)}

    def _epitaph(self, running: Running, name: str) -> str:
        try:
            last = [line for line in running.log(name).read_text(errors="replace").splitlines() if line.strip()][-1:]
        except OSError:
            last = []
        words = one_line(self.redactor.text(last[0]))[:_WORDS] if last else ""
        return f"{name} ended{f', its last words: {words}' if words else ''}"

    def end(self) -> None:
        """End the daemons; keep the log if that is wished for; remove the folder."""
        try:
            if self._running is not None:
                self._running.stop()
        finally:
            if self._listener is not None:
                self._listener.close()
            self._keep_log()
            shutil.rmtree(self._base, ignore_errors=True)

    def _keep_log(self) -> None:
        if self._declared is None or not self._declared.log:
            return
        log = Path(self._declared.root) / self._declared.log
        parts = sorted(self._base.glob("d*/*.log"))
        with contextlib.suppress(OSError):
            log.parent.mkdir(parents=True, exist_ok=True)
            text = "".join(part.read_text(errors="replace") for part in parts)
            log.write_text(self.redactor.text(text), encoding="utf-8")


def _watch(parent: psutil.Process | None) -> None:
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
    """Entry point of `python -m widgetshot.services.supervisor`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which tells us in order
    try:
        parent = psutil.Process(os.getppid())
    except psutil.Error:
        parent = None
    line = sys.stdin.buffer.readline()
    if not line:
        return
    supervisor = Supervisor(json.loads(line))
    try:
        signal.signal(signal.SIGTERM, _stop)
        _watch(parent)
        try:
            answer = supervisor.run()
        except WidgetshotError as error:
            answer = {"error": supervisor.redactor.text(error.what), "next": supervisor.redactor.text(error.next_step)}
        except Exception as error:
            answer = {"error": supervisor.redactor.text(f"{type(error).__name__}: {error}"), "next": ""}
        with contextlib.suppress(OSError):
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
        if "error" not in answer:
            threading.Event().wait()
    except _End:
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        supervisor.end()


if __name__ == "__main__":
    main()
