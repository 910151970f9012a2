"""Text that a kernel floods its page with is cut to its beginning and its end, which says so."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

# Characters of what one request prints. More of it is in no picture: in lines of 80 characters it is six times as high
# as the largest one of the usual width.
HEAD = 500_000
TAIL = 100_000
LEFT_OUT = "widgetshot_left_out"  # in the metadata of a message, for the page's console; as in js/src/live/page.ts
_TEXTS = ("execute_result", "display_data", "update_display_data")


@dataclass
class _Printed:
    """What a request has printed.

    Attributes:
        sent: number of characters that the page has.
        last: the message of each stream that was printed to last, without its text.
        tail: the texts that the page has not, with the names of their streams; no more than are to be shown.
        kept: number of characters in `tail`.
        left_out: number of characters that nobody gets.
    """

    sent: int = 0
    last: dict[str, tuple[list[Any], dict[str, Any]]] = field(default_factory=dict)
    tail: list[tuple[str, str]] = field(default_factory=list)
    kept: int = 0
    left_out: int = 0


class Flood:
    """The messages of a kernel on their way to one page; what is no flood goes through as it is."""

    def __init__(self) -> None:
        self._printed: dict[str, _Printed] = {}

    def bound(self, message: list[Any]) -> Iterator[list[Any]]:
        """Yield what to send in place of a broadcast message.

        Args:
            message: signature, header, parent, metadata, content, buffers; as bytes.
        """
        kind = json.loads(bytes(message[1]))["msg_type"]
        if kind == "stream":
            yield from self._stream(message)
            return
        if kind == "clear_output":
            self._printed.pop(_request_of(message), None)
        elif kind == "status" and b"idle" in bytes(message[4]):
            yield from self._tails()
        elif len(message[4]) > HEAD:
            message = _shortened(kind, message)
        yield message

    def _stream(self, message: list[Any]) -> Iterator[list[Any]]:
        printed = self._printed.setdefault(_request_of(message), _Printed())
        # A character takes one byte at least, so that most are not looked into.
        if printed.sent + len(message[4]) <= HEAD and not printed.tail:
            printed.sent += len(message[4])
            yield message
            return
        content = json.loads(bytes(message[4]))
        name, text = content["name"], content["text"]
        head = text[: max(0, HEAD - printed.sent)] if not printed.tail else ""
        if head:
            printed.sent += len(head)
            yield [*message[:4], json.dumps(content | {"text": head}).encode(), *message[5:]]
        if rest := text[len(head) :]:
            printed.last[name] = ([*message[:4]], {key: value for key, value in content.items() if key != "text"})
            printed.tail.append((name, rest))
            printed.kept += len(rest)
            _drop_beginning(printed)

    def _tails(self) -> Iterator[list[Any]]:
        """Yield the ends of what was printed; the kernel has dealt with a request."""
        for printed in self._printed.values():
            for name, text in printed.tail:
                parts, content = printed.last[name]
                metadata = json.loads(bytes(parts[3]))
                if printed.left_out:
                    text = f"\n{_note(printed.left_out)}\n{text}"
                    metadata[LEFT_OUT] = printed.left_out
                    printed.left_out = 0
                yield [*parts[:3], json.dumps(metadata).encode(), json.dumps(content | {"text": text}).encode()]
            printed.tail, printed.kept = [], 0


def _drop_beginning(printed: _Printed) -> None:
    """Drop what is before the last characters that are to be shown."""
    over = printed.kept - TAIL
    while over > 0:
        name, text = printed.tail[0]
        if len(text) > over:
            printed.tail[0] = (name, text[over:])
        else:
            del printed.tail[0]
        dropped = min(over, len(text))
        printed.kept -= dropped
        printed.left_out += dropped
        over -= dropped


def _shortened(kind: str, message: list[Any]) -> list[Any]:
    """Return a message whose plain text, or whose traceback, is a flood with less of it."""
    content = json.loads(bytes(message[4]))
    left_out = 0

    def cut(text: Any) -> Any:
        nonlocal left_out
        if not isinstance(text, str) or len(text) <= HEAD + TAIL:
            return text
        left_out += len(text) - HEAD - TAIL
        return f"{text[:HEAD]}\n{_note(len(text) - HEAD - TAIL)}\n{text[-TAIL:]}"

    if kind in _TEXTS and "text/plain" in content.get("data", {}):
        content["data"]["text/plain"] = cut(content["data"]["text/plain"])
    elif kind == "error":
        content["evalue"] = cut(content.get("evalue", ""))
        content["traceback"] = [cut(line) for line in content.get("traceback", [])]
    if not left_out:
        return message
    metadata = json.loads(bytes(message[3])) | {LEFT_OUT: left_out}
    return [*message[:3], json.dumps(metadata).encode(), json.dumps(content).encode(), *message[5:]]


def _note(count: int) -> str:
    return f"[... {count:,} characters are left out here by widgetshot ...]"


def _request_of(message: list[Any]) -> str:
    return str(json.loads(bytes(message[2])).get("msg_id", ""))
