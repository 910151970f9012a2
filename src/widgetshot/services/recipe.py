"""Recipes of services: programs that must be there, files to be written, daemons to be started, an address.

A recipe is called in a process of its own, the supervisor, with a private folder and free ports. It writes what its
daemons read, runs what must be run once (such as `initdb`), and returns what is to be started, in order.
"""

import signal
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from widgetshot.services.endpoint import Endpoint
from widgetshot.services.programs import Requirement
from widgetshot.services.workspace import Workspace


@dataclass(frozen=True)
class Ready:
    """The condition by which a daemon is ready: exactly one of these.

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
    """The daemons of one instance, and the address by which it is reached.

    Attributes:
        daemons: started in order, each when the one before is ready; ended in the opposite order.
        url: where it listens; kernels and tests get it as `WIDGETSHOT_SERVICE_NAME_URL`.
        environment: further variables that kernels and tests get.
    """

    daemons: tuple[Daemon, ...]
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

    def plan(self, workspace: Workspace) -> Plan:
        """Write what the daemons read, and return what is to be started.

        Raises:
            ServerError: something that must be run first failed.
        """
        ...

    def isolate(self, endpoint: Endpoint, name: str) -> AbstractContextManager[Endpoint]:
        """Return a part of a running service that one test has for itself (a database, key prefix, bucket, folder).

        Args:
            name: lower-case letters, digits and `_`, unique among the tests of a run.
        """
        ...
