"""`widgetshot browser serve`: the project's browser, with our flags and fonts, for whoever knows a token.

What a client says is forwarded to Playwright's server, which listens on loopback. How the browser is launched is not
for the client to say.
"""

import asyncio
import contextlib
import hmac
import os
import re
import secrets
import socket
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
from tornado.httpclient import HTTPError as ClientError
from tornado.httpclient import HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError, RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler, websocket_connect

from widgetshot import __version__
from widgetshot.capture.browser import Browser, find_browser
from widgetshot.capture.renderer import HEADER, PAGE, SERVE, Renderer, minor, renderer_here
from widgetshot.capture.run_server import RunServer
from widgetshot.errors import ConfigError, ServerError, WidgetshotError, one_line
from widgetshot.printing import say
from widgetshot.project.endpoint import MIN_TOKEN_CHARACTERS, TOKEN_VARIABLE, is_token
from widgetshot.project.settings import Settings
from widgetshot.signals import told_to_stop

_MAX_MESSAGE_BYTES = 100 * 2**20  # of a picture, for one; tornado keeps no more
# A client that does not answer until the next one is gone. The answer may wait behind a picture on a slow line; the
# client, too, has patience then (`ConnectedBrowser`), which is less.
_PING_INTERVAL_S = 150.0
# Of who has not shown a token yet.
_REQUEST_TIMEOUT_S = 20.0
_CLIENT = re.compile(r"Playwright/(\d+\.\d+)")
_FAILED = 1011  # the code of a websocket that the server ends because of itself


class Served:
    """What all connections share.

    Args:
        browser: what is launched for each of them.
        process: launches it.
    """

    def __init__(self, settings: Settings, browser: Browser, process: RunServer, token: str) -> None:
        self.kind = browser.kind
        self._settings = settings
        self._browser = browser
        self._process = process
        self._token = token

    def renderer(self) -> Renderer:
        """Describe the browser that would be launched now: it, or fonts, may be others than at the start.

        Raises:
            ServerError: it can't be asked.
        """
        return renderer_here(self._settings, self._browser)

    def knows(self, token: str) -> bool:
        """Tell whether a token is right, in a time that says nothing of it."""
        return hmac.compare_digest(token.encode(), self._token.encode())

    async def connect(self, user_agent: str) -> Any:
        """Return the other end of a new connection: a browser of its own.

        Raises:
            ServerError, OSError, tornado.httpclient.HTTPError: it can't be had.
        """
        headers = {**self._process.headers, "User-Agent": user_agent}
        request = HTTPRequest(await self._process.url(), headers=headers)
        return await websocket_connect(request, max_message_size=_MAX_MESSAGE_BYTES)


class _Page(RequestHandler):
    """The description of the browser."""

    def initialize(self, served: Served) -> None:
        self._served = served

    def set_default_headers(self) -> None:
        self.set_header(HEADER, __version__)

    async def get(self, token: str) -> None:
        if not self._served.knows(token):
            raise HTTPError(404)
        try:
            renderer = await asyncio.to_thread(self._served.renderer)
        except WidgetshotError as error:
            _tell(error)
            raise HTTPError(503) from None
        self.set_header("Content-Type", "application/json")
        self.finish(msgspec.json.encode(renderer))

    def log_exception(self, *_: Any) -> None:
        """Keep addresses, in which there may be a token, out of logs."""


class _Nothing(_Page):
    """Every other address."""

    async def get(self, *_: str) -> None:
        raise HTTPError(404)


class _Connection(WebSocketHandler):
    """A client's connection, and the browser behind it."""

    def initialize(self, served: Served) -> None:
        self._served = served
        self._browser: Any = None
        self._answering: asyncio.Task[None] | None = None

    def set_default_headers(self) -> None:
        self.set_header(HEADER, __version__)

    async def get(self, token: str) -> None:
        kind, ours = self._served.kind, minor(version("playwright"))
        if not self._served.knows(token):
            raise HTTPError(404)
        if self.request.headers.get("x-playwright-browser") != kind:
            raise HTTPError(400, reason=f"The browser here is {kind}")
        client = _CLIENT.match(self.request.headers.get("User-Agent", ""))
        if client is None or client[1] != ours:
            raise HTTPError(428, reason=f"Playwright {ours} is needed")
        await super().get(token)

    async def open(self, *_: str) -> None:
        try:
            self._browser = await self._served.connect(self.request.headers["User-Agent"])
        except (WidgetshotError, OSError, ClientError) as error:
            _tell(error)
            self.close(_FAILED, "no browser can be started here")
            return
        if self.ws_connection is None or self.ws_connection.is_closing():
            self._browser.close()
            return
        self._answering = asyncio.create_task(self._forward_answers())

    async def on_message(self, message: str | bytes) -> None:
        if self._browser is not None:
            with contextlib.suppress(WebSocketClosedError):
                await self._browser.write_message(message, binary=isinstance(message, bytes))

    async def _forward_answers(self) -> None:
        with contextlib.suppress(WebSocketClosedError):
            while (message := await self._browser.read_message()) is not None:
                await self.write_message(message, binary=isinstance(message, bytes))
        self.close(self._browser.close_code, self._browser.close_reason)

    def on_close(self) -> None:
        if self._browser is not None:
            # What was started for it ends with its connection.
            self._browser.close()

    def log_exception(self, *_: Any) -> None:
        """Keep addresses, in which there may be a token, out of logs."""


def _tell(error: Exception) -> None:
    """Say, to who serves, why a client gets no browser."""
    say(f"a client gets no browser: {one_line(str(error) or type(error).__name__)}", mark="warning: ", err=True)


def new_token() -> str:
    """Return the token that the environment says, else a new one.

    Raises:
        ConfigError: that of the environment could be guessed, or can't stand in an address.
    """
    given = os.environ.get(TOKEN_VARIABLE, "")
    if given and not is_token(given):
        raise ConfigError(
            f"must be a token of at least {MIN_TOKEN_CHARACTERS} letters, digits or signs of -._~: whoever guesses it "
            "can run pages on this machine",
            where=TOKEN_VARIABLE,
            next_step=f"unset {TOKEN_VARIABLE}  (a token is made then)",
        )
    return given or secrets.token_urlsafe(32)


def serve(settings: Settings, *, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve the project's browser until the process is told to stop (Ctrl-C, SIGTERM, the terminal closes).

    Args:
        host: the address to listen on.
        port: 0 for a free one.
        ready: called as soon as a client can connect, with the address for it, token included.

    Raises:
        ConfigError: the token of the environment is none.
        ServerError: there is no browser, or the port can't be had.
    """
    token = new_token()
    found = find_browser(settings.browser, settings.browser_executable)
    renderer_here(settings, found)  # what can't be asked is told here, not to the first client
    with tempfile.TemporaryDirectory(prefix="widgetshot-browser-", ignore_cleanup_errors=True) as folder:
        process = RunServer(settings, found, Path(folder))
        asyncio.run(_serve(Served(settings, found, process, token), process, token, host, port, ready))


async def _serve(
    served: Served, process: RunServer, token: str, host: str, port: int, ready: Callable[[str], None]
) -> None:
    stop = told_to_stop()
    try:
        sockets = bind_sockets(port, host)
    except (OSError, OverflowError, UnicodeError) as error:
        raise ServerError(
            f"port {port} of {host} can't be had: {error}", next_step=f"{SERVE}  (takes a free port of 127.0.0.1)"
        ) from error
    server = HTTPServer(
        _application(served),
        # Nobody has anything to send by a request, and who has no token gets no memory and no time.
        max_body_size=1,
        body_timeout=_REQUEST_TIMEOUT_S,
        idle_connection_timeout=_REQUEST_TIMEOUT_S,
    )
    try:
        stopped, starting = asyncio.create_task(stop.wait()), asyncio.create_task(process.url())
        await asyncio.wait({stopped, starting}, return_when=asyncio.FIRST_COMPLETED)
        if stopped.done():
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            return
        starting.result()
        server.add_sockets(sockets)
        ready(f"ws://{_name(host)}:{sockets[0].getsockname()[1]}/{token}")
        await stopped
    finally:
        server.stop()
        await process.stop()
        await server.close_all_connections()


def _application(served: Served) -> Application:
    given = {"served": served}
    return Application(
        [(rf"/([^/]+)/{PAGE}", _Page, given), (r"/([^/]+)", _Connection, given)],
        default_handler_class=_Nothing,
        default_handler_args=given,
        websocket_max_message_size=_MAX_MESSAGE_BYTES,
        websocket_ping_interval=_PING_INTERVAL_S,
        websocket_ping_timeout=_PING_INTERVAL_S,
        # Nobody's log gets an address, in which there may be a token.
        log_function=lambda _: None,
    )


def _name(host: str) -> str:
    """Return a host as it stands in an address for others; one that means all addresses goes by the machine's name."""
    if host in ("", "0.0.0.0", "::"):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
