"""Playwright's sync API, driven by the coroutines that are written for its async one."""

from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Awaitable:
    """A sync Playwright object in the dress of an async one.

    Every method becomes a coroutine that does its work at once and never suspends, so `run_now` can finish a
    coroutine written for the async API without an event loop.
    """

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._wrapped, name)
        if name in ("mouse", "keyboard", "clock"):
            return Awaitable(value)
        if not callable(value):
            return value
        if name in ("locator", "filter", "nth", "get_by_text"):
            return lambda *args, **kwargs: Awaitable(value(*args, **kwargs))
        if name == "new_browser_cdp_session":

            async def session() -> Any:
                return Awaitable(value())

            return session

        async def call(*args: Any, **kwargs: Any) -> Any:
            return value(*args, **kwargs)

        return call


def run_now(coroutine: Coroutine[Any, Any, T]) -> T:
    """Finish a coroutine that never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    raise RuntimeError("the coroutine waited for an event loop")
