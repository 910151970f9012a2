"""A second place for results: a line of JSON for each, in a stream."""

import json
import threading
from typing import TextIO

from widgetshot.files import sha256
from widgetshot.model import Result, RunEnd


class LineSink:
    """See `widgetshot.ports.RunSink`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def add(self, result: Result, shot: bytes | None = None) -> None:
        pixels = None if result.shot is None else sha256(result.shot.pixels.tobytes())
        self._write({"key": result.key, "verdict": result.verdict, "status": result.status, "pixels": pixels})

    def finish(self, end: RunEnd) -> None:
        self._write({"complete": end.complete, "order": list(end.order)})

    def _write(self, line: object) -> None:
        with self._lock:
            self._stream.write(json.dumps(line) + "\n")
            self._stream.flush()
