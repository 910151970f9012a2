"""Stop, kill and start the service that a notebook has for itself (`services: [{name: redis, exclusive: true}]`).

Used in notebooks, whose kernels know the address from their environment.
"""

import os

from widgetshot.errors import ServerError
from widgetshot.services.client import ask
from widgetshot.services.endpoint import variable
from widgetshot.services.failures import ServiceError
from widgetshot.services.messages import Failed, Kill, Request, Start, Stop


def stop(name: str) -> None:
    """End the service's daemons in order; its data and ports stay.

    Raises:
        ServerError: it is not this notebook's own, or its supervisor is gone.
    """
    _send(name, Stop())


def start(name: str) -> None:
    """Start the daemons that were ended, and wait until they are ready.

    Raises:
        ServerError: it is not this notebook's own, or it does not get ready.
    """
    _send(name, Start())


def kill(name: str, daemon: str = "") -> None:
    """Kill one daemon of the service, as a crash would (SIGKILL).

    Args:
        daemon: its name, such as `slurmd`; that of the service where it has one daemon.

    Raises:
        ServerError: it is not this notebook's own, or it has no such daemon.
    """
    _send(name, Kill(daemon or name))


def _send(name: str, request: Request) -> None:
    address = os.environ.get(variable(name, "CONTROL"))
    if not address:
        raise ServerError(
            f"the service '{name}' is not this notebook's own, so it can't be stopped for others",
            next_step=f"say in the first cell: #| widgetshot: {{services: [{{name: {name}, exclusive: true}}]}}",
        )
    try:
        answer = ask(address, request)
    except (OSError, EOFError) as error:
        raise ServerError(f"the supervisor of the service '{name}' is gone: {error}") from error
    if isinstance(answer, Failed):
        raise ServiceError(answer.failure, where=f"service {name}")
