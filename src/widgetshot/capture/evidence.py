"""What was there when a result became broken or unstable: the trace of its page, and a picture of that."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, NamedTuple

from widgetshot.model import Pixels, Target, Trace
from widgetshot.ports import PageTrace

if TYPE_CHECKING:
    from widgetshot.capture.page import CapturePage

# Awaits a question to the page as long as it may take; raises anything where there is no answer.
Ask = Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]]


class Evidence(NamedTuple):
    """The trace of a page, and a picture of it; None for one that nobody asked for, or that could not be taken."""

    trace: Trace | None = None
    seen: Pixels | None = None


async def patiently(question: Coroutine[Any, Any, Any]) -> Any:
    """Await a question to the page, however long it takes: for a page that is driven without an event loop."""
    return await question


async def take_evidence(
    main: "CapturePage", front: "CapturePage", target: Target | None, ask: Ask, *, picture: bool, answers: bool = True
) -> Evidence:
    """Return what was there. Nothing is raised: whatever may be wrong with the page, the result is known already.

    Args:
        main: the page that has executed the notebook.
        front: the page that is to be seen, the same one or a further tab.
        target: whose cell is to be seen; None for the whole page.
        picture: whether a picture is wanted.
        answers: whether the page can be asked; otherwise what the camera has noted is all there is.
    """
    noted: PageTrace = PageTrace()
    if answers and not main.crashed:
        try:
            noted = await ask(main.live.trace())
        except Exception:
            # Nobody who does not answer a plain question need be asked for a picture.
            answers = False
    trace = main.log.trace.taken(noted, main.log.redactor)
    seen: Pixels | None = None
    if picture and answers and not front.crashed:
        try:
            seen = await ask(front.seen(target))
        except Exception:
            seen = None
    return Evidence(trace, seen)
