"""Messages of kernels on their way to pages: sent at once, and without secrets, so that no page ever has them."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

from jupyter_client.session import DELIM
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

from widgetshot.redact import Redactor
from widgetshot.server.zygotes import forked

_WELCOME_TIMEOUT_S = 0.2  # that a kernel has to welcome who listens to it


class RedactingConnection(ZMQChannelsWebsocketConnection):
    """A page's connection to its kernel that loses no time and lets no declared secret through.

    Kernels that were forked here are alive and speak the current protocol: they were made ready. Others are
    asked first, as Jupyter Server does it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # (id of the request, name of the stream) -> the message that is held back, its content apart.
        self._held: dict[tuple[str, str], tuple[list[Any], dict[str, Any]]] = {}

    @property
    def _known(self) -> bool:
        return forked(self.kernel_manager) is not None

    async def prepare(self) -> None:
        """See `ZMQChannelsWebsocketConnection.prepare`."""
        if not self._known:
            await super().prepare()
            return
        await self._register_session()
        self.session.key = self.kernel_manager.session.key

    def nudge(self) -> asyncio.Future[None]:
        """Wait until the kernel's broadcasts arrive; see `ZMQChannelsWebsocketConnection.nudge`.

        Kernels welcome whoever subscribes to them (ipykernel 7, JEP 65): they need not be made to say something.
        """
        # What a kernel says in answer to one question are several small messages; none waits for the page's
        # confirmation of the one before it, which takes 40 ms.
        self.websocket_handler.set_nodelay(True)
        if not self._known:
            asked: asyncio.Future[None] = super().nudge()
            return asked
        iopub = self.channels["iopub"]
        welcomed = asyncio.get_running_loop().create_future()

        def first(_: list[Any]) -> None:
            iopub.stop_on_recv()
            welcomed.set_result(None)

        iopub.on_recv(first)

        async def arrives() -> None:
            done, _ = await asyncio.wait([welcomed], timeout=_WELCOME_TIMEOUT_S)
            if not done and not iopub.closed():
                await super(RedactingConnection, self).nudge()

        return asyncio.ensure_future(arrives())

    def handle_outgoing_message(self, stream: Any, outgoing_msg: list[Any]) -> None:
        """See `ZMQChannelsWebsocketConnection.handle_outgoing_message`; without secrets."""
        redactor: Redactor = self.websocket_handler.settings["widgetshot"].redactor
        if not redactor:
            self.forward(stream, outgoing_msg)
            return
        identities, parts = self.session.feed_identities(outgoing_msg)
        channel = stream if isinstance(stream, str) else getattr(stream, "channel", "")
        for message in self._without(redactor, channel, parts):
            # A page of the older protocol has messages checked for the kernel's signature.
            message[0] = self.session.sign(message[1:5])
            self.forward(stream, [*identities, DELIM, *message])

    def forward(self, stream: Any, outgoing_msg: list[Any]) -> None:
        """Send a message, which holds no secret any more, to the page."""
        super().handle_outgoing_message(stream, outgoing_msg)

    def _without(self, redactor: Redactor, channel: str, parts: list[Any]) -> Iterator[list[Any]]:
        """Return the messages to send in place of one: signature, header, parent, metadata, content, buffers."""
        parts = [bytes(part) for part in parts]
        if channel == "iopub":
            if json.loads(parts[1])["msg_type"] == "stream":
                yield from self._stream(redactor, parts)
                return
            # Nothing is added to these streams any more, or something is to stand behind them.
            held, self._held = self._held, {}
            for earlier, content in held.values():
                yield [*earlier[:4], json.dumps(content).encode()]
        yield [
            *parts[:3],
            redactor.data_of(parts[3]),
            redactor.data_of(parts[4]),
            *map(redactor.buffer, parts[5:]),
        ]

    def _stream(self, redactor: Redactor, parts: list[bytes]) -> Iterator[list[Any]]:
        """Yield a stream's message without secrets; text that may begin one waits for the next message."""
        content = json.loads(parts[4])
        key = (json.loads(parts[2]).get("msg_id", ""), content["name"])
        if key in self._held:
            content["text"] = self._held.pop(key)[1]["text"] + content["text"]
        text = redactor.text(content["text"])
        if count := redactor.open_end(text):
            self._held[key] = (parts, content | {"text": text[-count:]})
            text = text[:-count]
        if text:
            yield [*parts[:4], json.dumps(content | {"text": text}).encode()]
