"""Playwright's errors as errors of ours."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

from playwright.async_api import Error as PlaywrightError

from widgetshot.capture.events import PageLog
from widgetshot.errors import FEWER_AT_A_TIME, CaptureError
from widgetshot.redact import Redactor

_DRIVER_GONE = "Connection closed while reading from the driver"


def without_driver(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Handle what nobody awaits in an event loop, as the loop itself does; of a driver that has ended nothing is said.

    Playwright notes that end in a future that it looks at only while the driver starts, and asyncio would print it.
    Whoever uses the driver is told of its end by an error.

    Args:
        context: see `asyncio.loop.call_exception_handler`.
    """
    if not is_end_of_driver(context.get("exception")):
        loop.default_exception_handler(context)


def is_end_of_driver(error: BaseException | None) -> bool:
    """Return whether an error is the one that Playwright notes when its driver has ended."""
    return str(error) == _DRIVER_GONE


def first_line(error: Exception, redactor: Redactor) -> str:
    """Return the message of a Playwright error without its call log, and without secrets.

    Args:
        redactor: of the secrets, the token in addresses of the server included.
    """
    text = str(error).strip()
    return redactor.text(text.splitlines()[0]) if text else type(error).__name__


@contextlib.contextmanager
def capture_errors(what: str, log: PageLog) -> Iterator[None]:
    """Turn what Playwright raises into an error of ours.

    Args:
        what: the sentence that the cause is added to.
        log: of the page, which knows of a crash, and of secrets.

    Raises:
        CaptureError: Playwright raised something.
    """
    try:
        yield
    except PlaywrightError as error:
        said = first_line(error, log.redactor)
        if log.crashed or "crashed" in said:
            next_step = f"{FEWER_AT_A_TIME}, and open the notebook in Jupyter"
            raise CaptureError(f"{what}: the page crashed", next_step=next_step) from error
        raise CaptureError(f"{what}: {said}") from error
