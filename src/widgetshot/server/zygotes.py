"""Processes that have loaded what kernels need, and fork them; see zygote.py for their side.

Only the standard library, so that the first can be started before anything else is imported.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

# macOS has fork, but its frameworks don't survive it.
CAN_FORK = sys.platform.startswith("linux")
_PROGRAM = Path(__file__).with_name("zygote.py")
# What an interpreter reads once, when it starts, and what decides which of two is needed.
_INTERPRETER = ("PYTHON", "LANG", "LC_", "LD_", "VIRTUAL_ENV", "PATH", "JUPYTER_WIDGETS_ECHO")
_LAUNCHER = ["-m", "ipykernel_launcher"]
_EXIT_GRACE_S = 5.0


class NoProcess(RuntimeError):
    """The system gives no more processes or threads."""


class ForkedKernel:
    """A kernel that is another process's child, with the interface of `subprocess.Popen`.

    Attributes:
        keeper: the process id of its parent, below which everything stays that it starts.
    """

    stdin = stdout = stderr = None

    def __init__(self, pid: int, keeper: int, zygote: "Zygote") -> None:
        self.pid = pid
        self.keeper = keeper
        self.zygote = zygote
        # Set to the exit code; thread-safe, and can be awaited by `asyncio.wrap_future`.
        self.end: Future[int] = Future()
        # Whoever waits no more must not take the end from the others.
        self.end.set_running_or_notify_cancel()

    @property
    def returncode(self) -> int | None:
        """The exit code, None while it runs."""
        return self.end.result() if self.end.done() else None

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the end; the exit code, None if it still runs after `timeout` seconds."""
        with contextlib.suppress(TimeoutError):
            self.end.result(timeout)
        return self.returncode

    def send_signal(self, signum: int) -> None:
        """Send a signal if it still runs."""
        if self.returncode is None:
            os.kill(self.pid, signum)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


def forked(km: Any) -> ForkedKernel | None:
    """Return the process of a kernel manager's kernel, if it was forked here."""
    process = getattr(km.provisioner, "process", None)
    return process if isinstance(process, ForkedKernel) else None


class Zygote:
    """A process that forks kernels of one interpreter. Usable from several threads.

    Args:
        command: the interpreter and its options.
        environment: what it is started in.

    Attributes:
        welcomes: whether a kernel of it was seen to welcome who listens to it.

    Raises:
        NoProcess: the system gives no more processes or threads.
    """

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.welcomes = False
        self._connection, theirs = socket.socketpair()
        self._lines = self._connection.makefile("rb")
        self._lock = threading.Lock()
        self._born = threading.Condition()
        self._newborn: list[ForkedKernel | str] = []  # or why there is none
        self._kernels: dict[int, ForkedKernel] = {}
        self._gone = False
        with theirs:
            try:
                # Before the process: nobody would end one that nobody listens to.
                threading.Thread(target=self._listen, daemon=True).start()
                self._process = subprocess.Popen(
                    [*command, str(_PROGRAM), str(theirs.fileno())],
                    env=environment,
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    # What kernels say before they have a client goes where this server's own log goes.
                    stdout=sys.stderr.fileno(),
                    start_new_session=True,
                )
            except (BlockingIOError, RuntimeError) as error:
                self._connection.close()
                raise NoProcess(str(error)) from error

    @property
    def alive(self) -> bool:
        """True until the process is gone."""
        return not self._gone

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def fork(self, argv: list[str], cwd: str, environment: dict[str, str]) -> ForkedKernel:
        """Fork a new kernel.

        Raises:
            NoProcess: the system gives no more processes.
            RuntimeError: the zygote is gone, or the kernel was killed at once.
        """
        request = json.dumps({"argv": argv, "cwd": cwd, "env": environment}).encode() + b"\n"
        with self._lock:
            try:
                self._connection.sendall(request)
            except OSError as error:
                raise RuntimeError(f"the process that forks kernels is gone: {error}") from error
            with self._born:
                self._born.wait_for(lambda: self._newborn or self._gone)
                if not self._newborn:
                    raise RuntimeError("the process that forks kernels is gone")
                born = self._newborn.pop()
                if isinstance(born, str):
                    raise NoProcess(born) if born else RuntimeError("it was killed at once")
                return born

    def _listen(self) -> None:
        # One that is killed before it has read all that was sent resets the connection.
        with contextlib.suppress(ConnectionError):
            self._take_messages()
        with self._born:
            self._gone = True
            self._born.notify_all()
            for kernel in self._kernels.values():
                # It kills its kernels before it goes; nobody can say how each of them ended.
                kernel.end.set_result(-signal.SIGKILL)

    def _take_messages(self) -> None:
        for line in self._lines:
            message = json.loads(line)
            with self._born:
                if "failed" in message:
                    self._newborn.append(message["failed"])
                    self._born.notify_all()
                elif "exit" not in message:
                    kernel = self._kernels[message["pid"]] = ForkedKernel(message["pid"], message["keeper"], self)
                    self._newborn.append(kernel)
                    self._born.notify_all()
                else:
                    kernel = self._kernels.pop(message["pid"])
                    kernel.end.set_result(message["exit"])

    def close(self) -> None:
        """End it, all of its kernels, and whatever they have started."""
        self._connection.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(_EXIT_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._connection.close()


class Zygotes:
    """The zygotes of this process, one for each interpreter (and its surroundings) that was asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: dict[tuple[Any, ...], Zygote] = {}

    def get(self, command: list[str], environment: dict[str, str]) -> Zygote:
        """Return the zygote of an interpreter; start it if there is none yet.

        Raises:
            NoProcess: the system gives no more processes or threads.
        """
        read_at_start = {name: value for name, value in environment.items() if name.startswith(_INTERPRETER)}
        key = (*command, *sorted(read_at_start.items()))
        with self._lock:
            zygote = self._all.get(key)
            if zygote is None or not zygote.alive:
                zygote = self._all[key] = Zygote(command, environment)
            return zygote

    def close(self) -> None:
        """End all of them, and their kernels."""
        with self._lock:
            for zygote in self._all.values():
                zygote.close()
            self._all.clear()


ZYGOTES = Zygotes()


def kernel_environment(home: Path) -> dict[str, str]:
    """Return what kernels run in, as far as it is the same for all of them.

    Args:
        home: a private folder.
    """
    # Nobody's settings may change a picture.
    private = ("JUPYTER_", "JPY_", "NBFORMAT_", "XDG_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(private)}
    return environment | {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "IPYTHONDIR": str(home / ".ipython"),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)]),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        # matplotlib writes its font list at its first import, which takes seconds: kept for the whole run.
        "MPLCONFIGDIR": str(Path(tempfile.gettempdir()) / "matplotlib"),
    }


def split(command: list[str]) -> tuple[list[str], list[str]] | None:
    """Return an IPython kernel's command, parted into the interpreter with its options and the program's arguments."""
    for index in range(1, len(command) - 1):
        if command[index : index + 2] == _LAUNCHER:
            options = command[1:index]
            # An option that has a value of its own, or runs something else, is beyond us.
            if all(option.startswith("-X") and len(option) > 2 for option in options):
                return command[:index], ["ipykernel_launcher", *command[index + 2 :]]
    return None


def warm() -> None:
    """Start the zygote of this environment's own IPython kernel, ahead of the first notebook."""
    if not CAN_FORK:
        return
    try:
        file = Path(sys.prefix) / "share" / "jupyter" / "kernels" / "python3" / "kernel.json"
        _, *arguments = json.loads(file.read_text(encoding="utf-8"))["argv"]
        parts = split([sys.executable, *arguments])
    except (OSError, ValueError, KeyError):
        return
    if parts:
        # Whoever opens a notebook tries again, and is told.
        with contextlib.suppress(NoProcess):
            ZYGOTES.get(parts[0], kernel_environment(Path(tempfile.gettempdir()) / "home"))
