"""Requests to a running supervisor, over its control address."""

from multiprocessing.connection import Client

from widgetshot.services.messages import DaemonStates, Failed, Request, decode_answer, encode


def ask(address: str, request: Request) -> DaemonStates | Failed:
    """Send one request to a supervisor, and return its answer.

    Raises:
        OSError, EOFError: there is no supervisor.
        ServerError: what answers is none.
    """
    with Client(address) as connection:
        connection.send_bytes(encode(request))
        return decode_answer(connection.recv_bytes())
