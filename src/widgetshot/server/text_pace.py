"""Texts that a kernel prints in quick succession reach the page as fewer, longer ones."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# JupyterLab looks through and draws all text of a cell at each message that adds to it, in a time that grows with both.
INTERVAL_S = 0.02
# At these the front end goes back in what is there, which may depend on where a message ends.
_MOVES = ("\r", "\b")


@dataclass
class _Waiting:
    """Text that has not been sent: of the first message all but the text, and the texts of all."""

    message: list[Any]
    content: dict[str, Any]
    texts: list[str]


class TextPace:
    """The broadcasts of a kernel on their way to one page, in their order.

    A text that follows another one of the same stream and request within 20 ms waits for those after it: until then, or
    until anything else is sent. What is shown in the end is the same.

    Args:
        send: a message: signature, header, parent, metadata, content, buffers; as bytes.
    """

    def __init__(self, send: Callable[[list[Any]], None]) -> None:
        self._send = send
        self._last: tuple[bytes, ...] = ()
        self._waiting: _Waiting | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waits(self) -> bool:
        """Whether there is text that has not been sent."""
        return self._waiting is not None

    def take(self, message: list[Any]) -> None:
        """Send a broadcast message, now or soon."""
        if json.loads(bytes(message[1]))["msg_type"] != "stream" or len(message) > 5:
            self.flush()
            self._send(message)
            return
        content = json.loads(bytes(message[4]))
        kind = (bytes(message[2]), bytes(message[3]), content["name"].encode())
        if kind != self._last or any(move in content["text"] for move in _MOVES):
            self.flush()
            self._last = kind
            self._send(message)
            return
        if self._waiting is not None:
            self._waiting.texts.append(content["text"])
        elif self._timer is not None:
            self._waiting = _Waiting(message, content, [content["text"]])
        else:
            self._send(message)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(INTERVAL_S, self._due)

    def flush(self) -> None:
        """Send what waits, since something else is about to be sent."""
        self._last = ()
        self._empty()

    def stop(self) -> None:
        """Send nothing any more; the page is gone."""
        self._waiting = None
        if self._timer is not None:
            self._timer.cancel()

    def _due(self) -> None:
        self._timer = None
        if self._waiting is not None:
            self._empty()
            self._timer = asyncio.get_running_loop().call_later(INTERVAL_S, self._due)

    def _empty(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            content = waiting.content | {"text": "".join(waiting.texts)}
            self._send([*waiting.message[:4], json.dumps(content).encode()])
