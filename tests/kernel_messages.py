"""Broadcasts of a kernel, as they reach the server."""

import json
from typing import Any


def message(kind: str, content: dict[str, Any], request: str = "r", **metadata: Any) -> list[Any]:
    """Return signature, header, parent, metadata and content."""
    header, parent = {"msg_type": kind}, {"msg_id": request}
    return [b"signature", *(json.dumps(part).encode() for part in (header, parent, metadata, content))]


def printed(text: str, name: str = "stdout", request: str = "r", **metadata: Any) -> list[Any]:
    """Return what a request has printed on a stream."""
    return message("stream", {"name": name, "text": text}, request, **metadata)
