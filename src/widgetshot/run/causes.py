"""The reasons why a target has no picture that can be trusted, as errors of ours."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from widgetshot.declare.notebook import Notebook
from widgetshot.errors import FEWER_AT_A_TIME, SOMEBODY, CaptureError, NotebookError, ServerError, WidgetshotError
from widgetshot.project.dotenv import ENV_FILE
from widgetshot.redact import Redactor
from widgetshot.shell import execute

PAGE_ANSWER_GRACE_S = 15.0  # that a page may take to answer a plain question

T = TypeVar("T")


class PageHangs(CaptureError):
    """The page's own scripts never end: nothing more can be asked of it."""


async def with_page_timeout(work: Coroutine[Any, Any, T], limit: float, spent: Callable[[], float] = lambda: 0.0) -> T:
    """Await work on a page, but not for ever: its scripts may never hand control back.

    Args:
        limit: seconds that the work itself allows; some are added for what it does besides waiting.
        spent: returns the seconds so far that do not count.

    Raises:
        PageHangs: the page did not answer in that time.
    """
    clock = asyncio.get_running_loop().time
    task = asyncio.ensure_future(work)
    end = clock() + limit + PAGE_ANSWER_GRACE_S - spent()
    try:
        while (left := end + spent() - clock()) > 0:
            await asyncio.wait({task}, timeout=left)
            if task.done():
                return task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    raise PageHangs(
        "the page's scripts do not end, so it does not answer",
        next_step="look for an endless loop in the notebook's JavaScript",
    )


def as_widgetshot_error(error: Exception) -> WidgetshotError:
    """Return the error itself if it is one of ours, else one that says what nobody foresaw."""
    if isinstance(error, WidgetshotError):
        return error
    detail = str(error).strip().splitlines()
    return CaptureError(
        f"could not be captured: {type(error).__name__}: {detail[0] if detail else 'no details'}",
        next_step="open the notebook in Jupyter and look at the cell",
    )


def browser_died() -> ServerError:
    """Return the error of a target whose browser went away."""
    return ServerError(
        f"the browser died while its pages were open {SOMEBODY}",
        next_step=f"{FEWER_AT_A_TIME}, and see: widgetshot doctor",
    )


def kernel_died(notebook: Notebook) -> NotebookError:
    """Return the error of the targets whose kernel ended while its page was open."""
    return NotebookError(
        "the kernel died while its page was open",
        where=notebook.path,
        next_step=execute(notebook.path, notebook.gateway_url),
    )


def variables_missing(notebook: Notebook) -> ServerError:
    """Return the error of a notebook whose `requires_env` is not met, under `--require-env`."""
    names = ", ".join(notebook.missing)
    are = "is" if len(notebook.missing) == 1 else "are"
    return ServerError(
        f"it needs {names}, which {are} not set, and --require-env makes that an error",
        where=notebook.path,
        next_step=f"export {notebook.missing[0]}=... or write it to {ENV_FILE}; without --require-env it is skipped",
    )


def redacted_error(error: Exception, redactor: Redactor) -> Exception:
    """Return the error itself, or one that says the same without secrets."""
    if not isinstance(error, WidgetshotError):
        text = str(error)
        return error if redactor.text(text) == text else RuntimeError(redactor.text(f"{type(error).__name__}: {text}"))
    what, next_step = redactor.text(error.what), redactor.text(error.next_step)
    if (what, next_step) == (error.what, error.next_step):
        return error
    return type(error)(what, where=error.where, next_step=next_step)
