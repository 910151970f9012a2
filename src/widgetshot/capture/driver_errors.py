"""Playwright's errors as errors of ours."""

import contextlib
import re
from collections.abc import Iterator

from playwright.async_api import Error as PlaywrightError

from widgetshot.capture.events import PageLog
from widgetshot.errors import FEWER_AT_A_TIME, CaptureError

_TOKEN = re.compile(r"\?token=\w+")


def first_line(error: Exception) -> str:
    """Return the message of a Playwright error without its call log, and without the token in an address of it."""
    text = str(error).strip()
    return _TOKEN.sub("", text.splitlines()[0]) if text else type(error).__name__


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
        if (log is not None and log.crashed) or "crashed" in first_line(error):
            next_step = f"{FEWER_AT_A_TIME}, and open the notebook in Jupyter"
            raise CaptureError(f"{what}: the page crashed", next_step=next_step) from error
        raise CaptureError(f"{what}: {first_line(error)}") from error
