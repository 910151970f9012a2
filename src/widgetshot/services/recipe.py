"""What a service is made of: programs that must be there, files to be written, daemons to be started, an address.

A recipe is called in a process of its own, the supervisor, with a private folder and free ports. It writes what its
daemons read, runs what must be run once (such as `initdb`), and says what is to be started, in order.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from widgetshot.errors import ServerError

HOST = "127.0.0.1"
# Debian keeps daemons where the PATH of a plain user does not look.
_SEARCH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin", "/usr/local/sbin"])
_TAIL = 15  # lines of a log that a message quotes


def find_program(name: str, folder: str = "") -> str | None:
    """Absolute path of a program, or None.

    Args:
        folder: looked in first, for what is installed off the PATH (`/usr/lib/postgresql/15/bin`).
    """
    return (shutil.which(name, path=folder) if folder else None) or shutil.which(name, path=_SEARCH)


@dataclass(frozen=True)
class Requirement:
    """A program or an importable Python module that a service needs, and the command that installs it."""

    name: str
    install: str
    module: bool = False
    folder: str = ""

    @property
    def met(self) -> bool:
        return find_spec(self.name) is not None if self.module else find_program(self.name, self.folder) is not None


@dataclass(frozen=True)
class Place:
    """Where one instance of a service lives.

    Attributes:
        folder: private (0700), empty, with a short name, because Unix sockets' paths are; removed at the end.
        ports: of each name that the recipe asked for, a free TCP port of the loopback.
    """

    folder: Path
    ports: Mapping[str, int]

    @property
    def port(self) -> int:
        """The first port."""
        return next(iter(self.ports.values()))

    def run(self, *command: str, user: str = "", environment: Mapping[str, str] | None = None, stdin: str = "") -> str:
        """Run a program to its end in the folder; what it wrote to standard output.

        Args:
            user: who runs it when we are root; nobody else's rights can be had otherwise.

        Raises:
            ServerError: it failed; the end of what it wrote is in the message.
        """
        done = subprocess.run(
            as_user(command, user),
            cwd=self.folder,
            env=os.environ | dict(environment or {}),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            tail = "\n".join((done.stdout + done.stderr).splitlines()[-_TAIL:])
            raise ServerError(f"'{' '.join(command)}' ended with exit code {done.returncode}:\n{tail}")
        return done.stdout


def as_user(command: tuple[str, ...], user: str) -> tuple[str, ...]:
    """A command as another user runs it, where that can be had and is needed."""
    if not user or os.name != "posix" or os.getuid() != 0:
        return command
    setpriv = find_program("setpriv") or "setpriv"
    return (setpriv, "--reuid", user, "--regid", user, "--init-groups", *command)


@dataclass(frozen=True)
class Ready:
    """When a daemon is ready: exactly one of these holds.

    Attributes:
        tcp: a port of the loopback accepts connections.
        http: GET of this address answers 200.
        command: this program ends with exit code 0.
    """

    tcp: int = 0
    http: str = ""
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class Daemon:
    """A process that stays in the foreground until a signal ends it.

    Attributes:
        name: its log is `NAME.log` in the folder.
        command: absolute path of the program and its arguments.
        user: who runs it when we are root.
        stop_signal: what ends it; PostgreSQL waits at SIGTERM until the last client has gone.
    """

    name: str
    command: tuple[str, ...]
    ready: Ready
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    stop_signal: int = signal.SIGTERM


@dataclass(frozen=True)
class Plan:
    """How one instance is started, and how it is reached.

    Attributes:
        daemons: started in order, each when the one before is ready; ended in the opposite order.
        url: where it listens; kernels and tests get it as `WIDGETSHOT_SERVICE_NAME_URL`.
        environment: further variables that kernels and tests get.
    """

    daemons: tuple[Daemon, ...]
    url: str
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Endpoint:
    """A running service as kernels and tests see it."""

    name: str
    url: str
    environment: Mapping[str, str] = field(default_factory=dict)


class Recipe(Protocol):
    """A service that can be started; each module of `builtin` has one as `RECIPE`.

    Attributes:
        ports: names of the TCP ports it needs, the main one first.
        timeout: seconds until it must be ready.
    """

    name: str
    ports: tuple[str, ...]
    requirements: tuple[Requirement, ...]
    timeout: float

    def plan(self, place: Place) -> Plan:
        """Write what the daemons read, and say what is to be started.

        Raises:
            ServerError: something that must be run first failed.
        """
        ...

    def isolate(self, endpoint: Endpoint, name: str) -> AbstractContextManager[Endpoint]:
        """A part of a running service that one test has for itself (a database, key prefix, bucket, folder).

        Args:
            name: lower-case letters, digits and `_`, unique among the tests of a run.
        """
        ...
