"""Playwright's sync API, driven by the coroutines that are written for its async one."""

from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

# Attributes that are objects with coroutines of their own.
_PARTS = ("mouse", "keyboard", "clock", "context")
# Methods that are no coroutines in the async API either; the first of them give such objects.
_LOCATORS = ("locator", "filter", "nth", "get_by_text")
_PLAIN = ("on", "is_connected")
# Coroutines that give such objects.
_MAKERS = ("new_context", "new_page", "new_cdp_session", "new_browser_cdp_session")


class Awaitable:
    """A sync Playwright object with the interface of an async one.

    Every method becomes a coroutine that does its work at once and never suspends, so `run_now` can finish a
    coroutine written for the async API without an event loop.

    Attributes:
        wrapped: the sync object.
    """

    def __init__(self, wrapped: Any) -> None:
        self.wrapped = wrapped

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.wrapped, name)
        if name in _PARTS:
            return Awaitable(value)
        if not callable(value) or name in _PLAIN:
            return value
        if name in _LOCATORS:
            return lambda *args, **kwargs: Awaitable(value(*args, **kwargs))

        async def call(*args: Any, **kwargs: Any) -> Any:
            plain = [arg.wrapped if isinstance(arg, Awaitable) else arg for arg in args]
            result = value(*plain, **kwargs)
            return Awaitable(result) if name in _MAKERS else result

        return call


def run_now(coroutine: Coroutine[Any, Any, T]) -> T:
    """Finish a coroutine that never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    raise RuntimeError("the coroutine waited for an event loop")
