"""Kernels of a Jupyter Kernel Gateway, which are talked to as if they listened on this machine.

A kernel provisioner of jupyter_client that starts a kernel by the gateway's REST API and passes messages on between the
gateway's WebSocket and the sockets that a local kernel would have bound. So all else, such as redaction, is as it is
with local kernels. Jupyter Server's own client knows one gateway for all kernels, and takes buffers for text.
"""

import asyncio
import contextlib
import hmac
import json
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import EntryPoint
from typing import Any

import zmq
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.provisioning import KernelProvisionerBase, KernelProvisionerFactory
from jupyter_client.session import DELIM
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1, serialize_msg_to_ws_v1
from jupyter_server.utils import url_escape
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect
from traitlets import Instance, Unicode
from zmq.eventloop.zmqstream import ZMQStream

from widgetshot.conditions import Condition, OpenFailure
from widgetshot.server.kernel_client import MOST_BROADCASTS
from widgetshot.server.messages import NotOpened

_NAME = "widgetshot-gateway"
_PROTOCOL = "v1.kernel.websocket.jupyter.org"
_ASKING = ("shell", "control", "stdin")  # the channels on which each answer is for one client
_ANSWER_TIMEOUT_S = 10.0
_INTERRUPT_TIMEOUT_S = 5.0
_LOST_TIMEOUT_S = 2.0
_START_TIMEOUT_S = 120.0  # a cluster may have to fetch the kernel's image first
_PING_INTERVAL_S = 30.0
_MAX_MESSAGE_BYTES = 2**30
_WAITS_S = (0.2, 0.5, 1.0, 2.0)  # between attempts to end a kernel
_NOT_FOUND, _SERVER_ERRORS = 404, 500
_LIMITED, _LIMITED_WITHIN_BYTES = b"IOPub ", 80  # how Jupyter Server begins to say so, and where in the content
_NO_ANSWER = 599  # how tornado's client calls a connection that was closed or is late
_MAX_CAUSE_CHARACTERS = 300
# As kernels of this machine have it, so that the same comes out of the same notebook; see `kernel_environment`.
_ENVIRONMENT = {"PYTHONHASHSEED": "0", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}


class Refused(NotOpened):
    """A gateway does not do what it is asked.

    Attributes:
        status: of its answer.
    """

    def __init__(self, status: int, **params: str) -> None:
        super().__init__(OpenFailure.GATEWAY_REFUSES, **params)
        self.status = status


@dataclass(frozen=True)
class Gateway:
    """A Jupyter Kernel Gateway, Enterprise Gateway or Jupyter Server.

    Attributes:
        url: its address, without a slash at the end.
        token: what it is told; "" for nothing.
    """

    url: str
    token: str = field(default="", repr=False)

    async def request(self, method: str, path: str, body: object = None, timeout: float = _ANSWER_TIMEOUT_S) -> Any:
        """Return what its API answers.

        Raises:
            NotOpened: it is not there, or does not answer in time.
            Refused: it answers that it does not.
        """
        try:
            answer = await AsyncHTTPClient().fetch(
                f"{self.url}/api/{path}",
                method=method,
                headers={**self._headers, "Content-Type": "application/json"},
                body=None if body is None else json.dumps(body),
                connect_timeout=_ANSWER_TIMEOUT_S,
                request_timeout=timeout,
                allow_nonstandard_methods=True,
                follow_redirects=False,  # the token is for nobody else
            )
            return json.loads(answer.body or b"null")
        except HTTPClientError as error:
            if error.code == _NO_ANSWER:
                raise NotOpened(OpenFailure.GATEWAY_ABSENT, gateway=self.url, cause=error.message) from error
            raise Refused(error.code, gateway=self.url, cause=_cause(error)) from error
        except (OSError, ValueError) as error:
            raise NotOpened(OpenFailure.GATEWAY_ABSENT, gateway=self.url, cause=str(error)) from error

    async def spec(self, kernel: str) -> KernelSpec:
        """Return the spec of one of its kernels, by which our server starts it there.

        Args:
            kernel: its name; "" for the gateway's default.

        Raises:
            NotOpened: the gateway is not there, refuses, or has no such kernel.
        """
        answer = await self.request("GET", "kernelspecs")
        try:
            specs = {str(name): dict(one["spec"]) for name, one in answer["kernelspecs"].items()}
            name = kernel or str(answer["default"])
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            cause = "what answers there is no kernel gateway"
            raise NotOpened(OpenFailure.GATEWAY_ABSENT, gateway=self.url, cause=cause) from error
        if name not in specs:
            names = ", ".join(sorted(specs)) or "none"
            raise NotOpened(OpenFailure.KERNEL_UNKNOWN_THERE, gateway=self.url, kernel=name, names=names)
        register()
        there = {"provisioner_name": _NAME, "config": {"gateway": self, "name": name}}
        language = str(specs[name].get("language", ""))
        return KernelSpec(display_name=name, language=language, metadata={"kernel_provisioner": there})

    async def delete(self, kernel_id: str, timeout: float) -> None:
        """End a kernel. While a gateway starts one again that has died, it fails to end it.

        Raises:
            NotOpened: it did not end it.
        """
        for wait in (*_WAITS_S, 0):
            try:
                await self.request("DELETE", f"kernels/{url_escape(kernel_id)}", timeout=timeout)
                return
            except Refused as error:
                if error.status == _NOT_FOUND:
                    return
                if not wait or error.status < _SERVER_ERRORS:
                    raise
            await asyncio.sleep(wait)

    async def connect(self, kernel_id: str) -> WebSocketClientConnection:
        """Return a connection to the channels of a kernel.

        Raises:
            NotOpened: there is none to be had.
        """
        address = f"ws{self.url.removeprefix('http')}/api/kernels/{url_escape(kernel_id)}/channels"
        request = HTTPRequest(
            address, headers=self._headers, connect_timeout=_ANSWER_TIMEOUT_S, request_timeout=_ANSWER_TIMEOUT_S
        )
        try:
            connection = await websocket_connect(
                request,
                ping_interval=_PING_INTERVAL_S,
                max_message_size=_MAX_MESSAGE_BYTES,
                subprotocols=[_PROTOCOL],
            )
        except (HTTPClientError, OSError) as error:
            raise NotOpened(OpenFailure.GATEWAY_REFUSES, gateway=self.url, cause=_cause(error)) from error
        if connection.selected_subprotocol != _PROTOCOL:
            connection.close()
            cause = f"it does not speak {_PROTOCOL}, as Jupyter Server 2 and Kernel Gateway 3 do"
            raise NotOpened(OpenFailure.GATEWAY_REFUSES, gateway=self.url, cause=cause)
        return connection

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"token {self.token}"} if self.token else {}


def variables_there(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a kernel elsewhere: those given, what makes it like ours, what Jupyter tells gateways.

    Args:
        variables: what it is to have besides.
    """
    told = {name: value for name, value in os.environ.items() if name.startswith("KERNEL_")}
    return told | _ENVIRONMENT | dict(variables)


class GatewayProvisioner(KernelProvisionerBase):
    """A kernel of a gateway.

    Attributes:
        failure: why it has ended, where that is no death of its own; None while it lives.
    """

    gateway = Instance(Gateway)
    name = Unicode()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.failure: Condition[OpenFailure] | None = None
        self._id = ""
        self._starting: asyncio.Future[None] | None = None
        self._ending: asyncio.Future[None] | None = None
        self._ended = asyncio.Event()
        self._connection: WebSocketClientConnection | None = None
        self._streams: dict[str, ZMQStream] = {}
        self._session = ""  # of the kernel's messages, whoever asks
        self._askers: dict[str, list[bytes]] = {}  # by the ids of their requests

    @property
    def has_process(self) -> bool:
        """See `KernelProvisionerBase.has_process`."""
        return bool(self._id)

    async def poll(self) -> int | None:
        """See `KernelProvisionerBase.poll`."""
        return 1 if self._ended.is_set() else None

    async def wait(self) -> int | None:
        """See `KernelProvisionerBase.wait`."""
        await self._ended.wait()
        return 1

    async def send_signal(self, signum: int) -> None:
        """See `KernelProvisionerBase.send_signal`; an interrupt is one, all others are its end."""
        if signum != signal.SIGINT:
            await self.end()
        elif not self._ended.is_set():
            try:
                path = f"kernels/{url_escape(self._id)}/interrupt"
                await self.gateway.request("POST", path, {}, _INTERRUPT_TIMEOUT_S)
            except Refused as error:
                self.log.warning(f"a kernel is not interrupted: {error}")
            except NotOpened:
                self._is_gone(OpenFailure.GATEWAY_LOST)

    async def kill(self, restart: bool = False) -> None:  # noqa: ARG002
        """See `KernelProvisionerBase.kill`."""
        await self.end()

    async def terminate(self, restart: bool = False) -> None:  # noqa: ARG002
        """See `KernelProvisionerBase.terminate`."""
        await self.end()

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """See `KernelProvisionerBase.pre_launch`."""
        self.parent.write_connection_file()
        self.connection_info = self.parent.get_connection_info()
        prepared: dict[str, Any] = await super().pre_launch(cmd=[], **kwargs)
        return prepared

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:  # noqa: ARG002
        """Start it at the gateway, with the variables `env` as far as the gateway lets them through.

        Raises:
            NotOpened: that did not come about.
        """
        RUNNING.add(self)
        self._starting = asyncio.ensure_future(self._start(kwargs["env"]))
        try:
            await self._starting
        except BaseException:
            await self.end()
            raise
        return self.connection_info

    async def _start(self, environment: Mapping[str, str]) -> None:
        request = {"name": self.name, "env": dict(environment)}
        try:
            model = await self.gateway.request("POST", "kernels", request, _START_TIMEOUT_S)
            self._id = str(model["id"])
        except (NotOpened, LookupError, TypeError) as error:
            known = error.failure.condition.params if isinstance(error, NotOpened) else {}
            cause = known.get("cause", "it does not say how the kernel is called")
            there = {"gateway": self.gateway.url, "kernel": self.name}
            raise NotOpened(OpenFailure.KERNEL_NOT_STARTED_THERE, **there, cause=cause) from error
        self._connection = await self.gateway.connect(self._id)
        # Of its own, a kernel manager's context makes sockets that are awaited.
        context: zmq.Context[Any] = zmq.Context(self.parent.context)
        for channel in (*_ASKING, "iopub"):
            socket = context.socket(zmq.PUB if channel == "iopub" else zmq.ROUTER)
            socket.linger = 0
            socket.setsockopt(zmq.SNDHWM, MOST_BROADCASTS)
            socket.bind(self.parent._make_url(channel))
            stream = self._streams[channel] = ZMQStream(socket)
            if channel != "iopub":
                stream.on_recv(partial(self._pass_to_kernel, channel))
        self._reading = asyncio.ensure_future(self._read(self._connection))

    def _pass_to_kernel(self, channel: str, frames: list[bytes]) -> None:
        """Take a message of one of our clients."""
        session = self.parent.session
        identities, parts = session.feed_identities(frames)
        if len(parts) < 5 or not hmac.compare_digest(session.sign(parts[1:5]), parts[0]):
            return
        header = json.loads(parts[1])
        if header["msg_type"] == "shutdown_request":
            # A gateway starts a kernel again that ends without having been told so by itself.
            self._end_soon()
            return
        if header["msg_type"].endswith("_request"):
            self._askers[header["msg_id"]] = identities
        assert self._connection is not None
        with contextlib.suppress(WebSocketClosedError):
            self._connection.write_message(serialize_msg_to_ws_v1(parts[1:], channel), binary=True)

    async def _read(self, connection: WebSocketClientConnection) -> None:
        """Take messages of the kernel until it has ended or the gateway is gone."""
        cause: OpenFailure | None = OpenFailure.GATEWAY_LOST
        try:
            while isinstance(message := await connection.read_message(), bytes):
                channel, parts = deserialize_msg_from_ws_v1(message)
                if channel == "iopub" and _tells_death(parts):
                    cause = None
                    break
                if channel == "iopub" and self._tells_loss(parts):
                    cause = OpenFailure.GATEWAY_DROPS
                    break
                self._pass_to_clients(channel, parts)
        finally:
            # Also where the gateway says what nobody understands.
            self._is_gone(cause)

    def _is_gone(self, cause: OpenFailure | None) -> None:
        if cause is not None and self._ending is None:
            self.failure = Condition(cause, {"gateway": self.gateway.url})
        self._ended.set()
        self._end_soon()

    def _tells_loss(self, parts: list[bytes]) -> bool:
        """Tell whether a broadcast is the gateway's word that it keeps others back, as too many come at once.

        What such an output belongs to may be shown nowhere, and the picture would be wrong.
        """
        session = json.loads(parts[0])["session"]
        self._session = self._session or session
        return session != self._session and parts[3].find(_LIMITED, 0, _LIMITED_WITHIN_BYTES) >= 0

    def _pass_to_clients(self, channel: str, parts: list[bytes]) -> None:
        identities: list[bytes] = []
        if channel != "iopub":
            asked = json.loads(parts[1]).get("msg_id", "")
            # What it wants to know before it answers goes the same way.
            take = self._askers.get if channel == "stdin" else self._askers.pop
            found = take(asked, None)
            if found is None:
                return
            identities = found
        signature = self.parent.session.sign(parts[:4])
        self._streams[channel].send_multipart([*identities, DELIM, signature, *parts])

    def _end_soon(self) -> None:
        if self._ending is None:
            self._ending = asyncio.ensure_future(self._end())

    async def end(self) -> None:
        """End it at the gateway; also one that is only about to start there."""
        self._end_soon()
        assert self._ending is not None
        await asyncio.shield(self._ending)

    async def _end(self) -> None:
        if self._starting is not None:
            await asyncio.wait({self._starting})
        if self._id:
            try:
                # One that is lost may be there again, but nobody waits for it.
                lost = self.failure is not None and self.failure.code == OpenFailure.GATEWAY_LOST
                await self.gateway.delete(self._id, _LOST_TIMEOUT_S if lost else _ANSWER_TIMEOUT_S)
            except NotOpened as error:
                self.log.warning(f"a kernel may be left: {error}")
        if self._connection is not None:
            self._connection.close()
        self._ended.set()
        RUNNING.discard(self)

    async def cleanup(self, restart: bool = False) -> None:  # noqa: ARG002
        """See `KernelProvisionerBase.cleanup`."""
        for stream in self._streams.values():
            stream.close()
        self._streams.clear()


# All that have not ended, also those that nobody else knows of yet.
RUNNING: set[GatewayProvisioner] = set()


async def end_all() -> None:
    """End all kernels of gateways."""
    await asyncio.gather(*(one.end() for one in list(RUNNING)))


def register() -> None:
    """Let jupyter_client know how kernels of gateways are started."""
    entry = EntryPoint(_NAME, f"{__name__}:{GatewayProvisioner.__name__}", KernelProvisionerFactory.GROUP_NAME)
    KernelProvisionerFactory.instance().provisioners[_NAME] = entry


def _tells_death(parts: list[bytes]) -> bool:
    """Tell whether a broadcast is the gateway's word that the kernel has died."""
    if json.loads(parts[0])["msg_type"] != "status":
        return False
    return json.loads(parts[3]).get("execution_state") in ("restarting", "autorestarting", "dead")


def _cause(error: Exception) -> str:
    """Return what a gateway says of a request that failed."""
    if not isinstance(error, HTTPClientError):
        return str(error)
    said = ""
    if error.response is not None:
        with contextlib.suppress(ValueError, AttributeError):
            answer = json.loads(error.response.body)
            said = str(answer.get("message") or answer.get("reason") or "")
    return f"HTTP {error.code}: {said or error.message}"[:_MAX_CAUSE_CHARACTERS]
