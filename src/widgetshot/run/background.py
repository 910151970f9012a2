"""An event loop in a thread of its own, for callers that have none.

Playwright's async API lives in that thread, so that it never meets another Playwright of the same program.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self, TypeVar

from widgetshot.capture.driver_errors import without_driver
from widgetshot.threads import ready_threads

T = TypeVar("T")


class BackgroundLoop:
    """A context manager; leaving it ends the thread."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(without_driver)
        self._loop.set_default_executor(ready_threads("widgetshot-beside"))
        self._thread = threading.Thread(target=self._loop.run_forever, name="widgetshot", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin some work in the loop's thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call(self, function: Callable[..., Any], *args: Any) -> None:
        """Call a function in the loop's thread, soon."""
        self._loop.call_soon_threadsafe(function, *args)
