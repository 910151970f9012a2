"""What kernels send to pages, without secrets: on its way, so that no page ever has them."""

import json
from collections.abc import Iterator
from typing import Any

import nbformat
from jupyter_client.session import DELIM
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

from widgetshot.redact import Redactor


class Connection(ZMQChannelsWebsocketConnection):
    """A page's connection to its kernel that lets no declared secret through."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # (id of the request, name of the stream) -> the message that is held back, its content apart.
        self._held: dict[tuple[str, str], tuple[list[Any], dict[str, Any]]] = {}

    def handle_outgoing_message(self, stream: Any, outgoing_msg: list[Any]) -> None:
        redactor: Redactor = self.websocket_handler.settings["widgetshot"].redactor
        if not redactor:
            super().handle_outgoing_message(stream, outgoing_msg)
            return
        identities, parts = self.session.feed_identities(outgoing_msg)
        channel = stream if isinstance(stream, str) else getattr(stream, "channel", "")
        for message in self._without(redactor, channel, parts):
            # A page of the older protocol has messages checked for the kernel's signature.
            message[0] = self.session.sign(message[1:5])
            super().handle_outgoing_message(stream, [*identities, DELIM, *message])

    def _without(self, redactor: Redactor, channel: str, parts: list[Any]) -> Iterator[list[Any]]:
        """The messages to send in place of one: signature, header, parent, metadata, content, buffers."""
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
        """A secret may come in pieces; what may be the first of them waits for what follows."""
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


def redact_notebook(nb: Any, redactor: Redactor) -> None:
    """Take secrets out of what a notebook's page is made of, in place."""
    for cell in nb.cells if redactor else ():
        if cell.cell_type == "code":
            cell.outputs = nbformat.from_dict(redactor.data(cell.outputs))
        else:
            cell.source = redactor.text(cell.source)
