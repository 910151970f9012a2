"""Playwright's errors as errors of ours."""

import contextlib
from collections.abc import Iterator

from playwright.async_api import Error as PlaywrightError

from widgetshot.capture.events import PageLog
from widgetshot.errors import CaptureError


def first_line(error: Exception) -> str:
    """Return the message of a Playwright error without its call log."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


@contextlib.contextmanager
def capture_errors(what: str, log: PageLog | None = None) -> Iterator[None]:
    """Turn what Playwright raises into an error of ours.

    Args:
        what: the sentence that the cause is added to.
        log: of the page, which knows of a crash.

    Raises:
        CaptureError: Playwright raised something.
    """
    try:
        yield
    except PlaywrightError as error:
        cause = "the page crashed" if log is not None and log.crashed else first_line(error)
        raise CaptureError(f"{what}: {cause}") from error
