"""A WebSocket server: what one client sends to a path, all that are connected there receive, itself included."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from urllib.parse import urlsplit

from widgetshot.services.endpoint import Endpoint
from widgetshot.services.programs import Requirement
from widgetshot.services.recipe import Daemon, Plan, Ready
from widgetshot.services.workspace import HOST, Workspace

_HEALTH = "/-/health"


@dataclass(frozen=True)
class Websocket:
    """The recipe of a WebSocket server. Satisfies `Recipe`."""

    name: str = "websocket"
    ports: tuple[str, ...] = ("main",)
    requirements: tuple[Requirement, ...] = (Requirement("websockets", "pip install websockets", module=True),)
    timeout: float = 15

    def plan(self, workspace: Workspace) -> Plan:
        """Write the configuration, and return what is to be started, see `Recipe.plan`."""
        command = (sys.executable, "-m", __name__, str(workspace.port))
        daemon = Daemon("websocket", command, Ready(http=f"http://{HOST}:{workspace.port}{_HEALTH}"))
        return Plan((daemon,), f"ws://{HOST}:{workspace.port}/")

    @contextmanager
    def isolate(self, endpoint: Endpoint, name: str) -> Iterator[Endpoint]:
        """Give a path of this name, where nobody else sends."""
        yield replace(endpoint, url=urlsplit(endpoint.url)._replace(path=f"/{name}").geturl())


async def serve(port: int) -> None:
    """Serve until SIGTERM."""
    import signal

    from websockets.asyncio.server import ServerConnection, broadcast
    from websockets.asyncio.server import serve as listen
    from websockets.exceptions import ConnectionClosed
    from websockets.http11 import Request, Response

    rooms: dict[str, set[ServerConnection]] = {}

    def health(connection: ServerConnection, request: Request) -> Response | None:
        return connection.respond(HTTPStatus.OK, "well\n") if request.path == _HEALTH else None

    async def attend(connection: ServerConnection) -> None:
        path = connection.request.path if connection.request else "/"
        room = rooms.setdefault(path, set())
        room.add(connection)
        try:
            with suppress(ConnectionClosed):
                async for message in connection:
                    broadcast(room, message)
        finally:
            room.discard(connection)

    async with listen(attend, HOST, port, process_request=health) as server:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.close)
        await server.wait_closed()


RECIPE = Websocket()

if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
