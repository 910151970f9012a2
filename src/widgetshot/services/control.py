"""Stop, kill and start the service that a notebook has for itself (`services: [{name: redis, exclusive: true}]`).

Used in notebooks, whose kernels know the address from their environment.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Client, Connection

from widgetshot.errors import ServerError


def variable(name: str, what: str) -> str:
    """Name of the environment variable that says something of a service: `WIDGETSHOT_SERVICE_REDIS_URL`."""
    return f"WIDGETSHOT_SERVICE_{name.upper()}_{what}"


def stop(name: str) -> None:
    """End the service's daemons in order; its data and ports stay.

    Raises:
        ServerError: it is not this notebook's own, or its supervisor is gone.
    """
    _ask(name, {"do": "stop"})


def start(name: str) -> None:
    """Start the daemons that were ended, and wait until they are ready.

    Raises:
        ServerError: it is not this notebook's own, or it does not get ready.
    """
    _ask(name, {"do": "start"})


def kill(name: str, daemon: str = "") -> None:
    """Kill one daemon of the service, as a crash would (SIGKILL).

    Args:
        daemon: its name, such as `slurmd`; that of the service where it has one daemon.

    Raises:
        ServerError: it is not this notebook's own, or it has no such daemon.
    """
    _ask(name, {"do": "kill", "daemon": daemon or name})


def died(address: str) -> list[str]:
    """What a supervisor knows of daemons that ended although nobody asked for it: a sentence for each.

    Raises:
        OSError, EOFError: there is no supervisor.
    """
    with _connected(address) as connection:
        connection.send_bytes(b'{"do": "state"}')
        return list(json.loads(connection.recv_bytes())["died"])


@contextmanager
def _connected(address: str) -> Iterator[Connection]:
    with Client(address) as connection:
        yield connection


def _ask(name: str, question: dict[str, str]) -> None:
    address = os.environ.get(variable(name, "CONTROL"))
    if not address:
        raise ServerError(
            f"the service '{name}' is not this notebook's own, so it can't be stopped for others",
            next_step=f"say in the first cell: #| widgetshot: {{services: [{{name: {name}, exclusive: true}}]}}",
        )
    try:
        with _connected(address) as connection:
            connection.send_bytes(json.dumps(question).encode())
            answer = json.loads(connection.recv_bytes())
    except (OSError, EOFError) as error:
        raise ServerError(f"the supervisor of the service '{name}' is gone: {error}") from error
    if "error" in answer:
        raise ServerError(answer["error"], where=f"service {name}", next_step=answer["next"])
