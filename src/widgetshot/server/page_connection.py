"""The connection of a live page to its kernel."""

import asyncio
import contextlib
import json
import re
from collections.abc import Awaitable
from typing import Any

from jupyter_client.session import DELIM
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1, serialize_msg_to_ws_v1

from widgetshot.server.applications import shown_by
from widgetshot.server.flood import Flood
from widgetshot.server.redacting_connection import RedactingConnection
from widgetshot.server.text_pace import TextPace
from widgetshot.server.zygotes import forked

_SOURCE_OF = "%widgetshot-cell "  # as in js/src/live/cells.ts
_KIND = re.compile(rb'"msg_type"\s*:\s*"execute_input"')
_WITHOUT_SIGNATURES = "v1.kernel.websocket.jupyter.org"
_LOOK_INTERVAL_S = 0.1  # at kernels that tell nobody of their end


class PageConnection(RedactingConnection):
    """Puts the source of a cell into the request that names it, and tells the page when its kernel has died.

    So no page of ours ever has a source. It is not told of what a kernel is executing, either. Of a flood of text it
    gets the beginning and the end, and what is printed in quick succession it gets in fewer messages.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._watching: asyncio.Task[None] | None = None
        self._flood = Flood()
        self._pace = TextPace(self._broadcast)

    async def prepare(self) -> None:
        """See `ZMQChannelsWebsocketConnection.prepare`; a kernel that is gone is not waited for."""
        await self._while_alive(super().prepare())
        # The page is connected all the same: so it can be told.
        self.session.key = self.kernel_manager.session.key

    def nudge(self) -> asyncio.Future[None]:
        """See `RedactingConnection.nudge`; a kernel that is gone is not waited for."""
        return asyncio.ensure_future(self._while_alive(super().nudge()))

    def connect(self) -> asyncio.Future[None] | None:
        """See `ZMQChannelsWebsocketConnection.connect`."""
        connected: asyncio.Future[None] | None = super().connect()
        self._watching = asyncio.ensure_future(self._watch())
        return connected

    def disconnect(self) -> None:
        """See `ZMQChannelsWebsocketConnection.disconnect`."""
        if self._watching is not None:
            self._watching.cancel()
        self._pace.stop()
        super().disconnect()

    def handle_incoming_message(self, incoming_msg: Any) -> None:
        """See `ZMQChannelsWebsocketConnection.handle_incoming_message`."""
        if isinstance(incoming_msg, bytes) and _SOURCE_OF.encode() in incoming_msg:
            channel, parts = deserialize_msg_from_ws_v1(incoming_msg)
            content = json.loads(bytes(parts[3]))
            code = content.get("code", "")
            if channel == "shell" and code.startswith(_SOURCE_OF):
                sources = self.websocket_handler.settings["widgetshot"].sources(self.kernel_id)
                content["code"] = sources[code.removeprefix(_SOURCE_OF)]
                parts[3] = json.dumps(content).encode()
                self.session.send_raw(self.channels[channel], parts)
                return
        if shown_by(self.websocket_handler.request) is not None and isinstance(incoming_msg, bytes):
            incoming_msg = self._with_source(incoming_msg)
        super().handle_incoming_message(incoming_msg)

    def _with_source(self, incoming_msg: bytes) -> bytes:
        """Return a request of an application with the source of the cell that it names: the page has no secrets."""
        live_pages = self.websocket_handler.settings["widgetshot"]
        if not live_pages.redactor or b"execute_request" not in incoming_msg:
            return incoming_msg
        channel, parts = deserialize_msg_from_ws_v1(incoming_msg)
        source = live_pages.sources(self.kernel_id).get(json.loads(bytes(parts[2])).get("cellId"))
        content = json.loads(bytes(parts[3]))
        if source is None or content.get("code") != live_pages.redactor.text(source):
            return incoming_msg
        parts[3] = json.dumps(content | {"code": source}).encode()
        return b"".join(serialize_msg_to_ws_v1(parts, channel))

    def handle_outgoing_message(self, stream: Any, outgoing_msg: list[Any]) -> None:
        """See `ZMQChannelsWebsocketConnection.handle_outgoing_message`."""
        channel = stream if isinstance(stream, str) else getattr(stream, "channel", "")
        is_ours = shown_by(self.websocket_handler.request) is None
        if is_ours and channel == "iopub" and any(_KIND.search(bytes(part)) for part in outgoing_msg[:4]):
            return
        super().handle_outgoing_message(stream, outgoing_msg)

    def forward(self, stream: Any, outgoing_msg: list[Any]) -> None:
        """See `RedactingConnection.forward`."""
        channel = stream if isinstance(stream, str) else getattr(stream, "channel", "")
        if channel != "iopub":
            self._pace.flush()
            super().forward(stream, outgoing_msg)
            return
        # Behind the redactor: a secret that is cut in two would not be known any more.
        _, parts = self.session.feed_identities(outgoing_msg)
        for message in self._flood.bound(parts):
            self._pace.take(message)

    def _broadcast(self, message: list[Any]) -> None:
        """Send a broadcast message, which may not be the kernel's own any more, to the page."""
        if self.subprotocol != _WITHOUT_SIGNATURES:
            message[0] = self.session.sign(message[1:5])
        super().forward(self.channels["iopub"], [DELIM, *message])

    async def _watch(self) -> None:
        """Tell the page as soon as its kernel is gone; it would wait for ever."""
        await self._gone()
        with contextlib.suppress(Exception):  # the page may be gone as well
            self._pace.flush()
            self._send_status_message("dead")

    async def _gone(self) -> None:
        """Wait for the kernel's end."""
        process = forked(self.kernel_manager)
        if process is not None:
            await asyncio.wrap_future(process.end)
        else:
            while await self.kernel_manager.is_alive():
                await asyncio.sleep(_LOOK_INTERVAL_S)

    async def _while_alive(self, work: Awaitable[None]) -> None:
        """Await what waits for answers of the kernel, but no longer than that lives."""
        task, gone = asyncio.ensure_future(work), asyncio.ensure_future(self._gone())
        try:
            await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
        finally:
            task.cancel()
            gone.cancel()
