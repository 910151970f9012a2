"""Which results get a trace and a picture of what was there, and how long the page may take to tell."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from widgetshot.capture.evidence import Evidence, take_evidence
from widgetshot.capture.page import CapturePage
from widgetshot.model import Result, Verdict
from widgetshot.project.settings import Settings

_ANSWER_S = 5.0  # that a page may take for each of the questions; one that hangs has no picture
NO_EVIDENCE = Evidence()


def explained(verdict: Verdict) -> bool:
    """Tell whether results of this verdict are kept with what was there: there is no picture that can be trusted."""
    return verdict in (Verdict.BROKEN, Verdict.UNSTABLE)


async def evidence_of(
    result: Result, main: CapturePage, front: CapturePage, settings: Settings, *, repeated: bool = False
) -> Evidence:
    """Return what a result is to be kept with.

    Args:
        main, front: see `take_evidence`.
        repeated: whether it is one of several, which may turn out to vary.
    """
    if not (explained(result.verdict) or settings.debug or repeated):
        return NO_EVIDENCE
    # What is unstable has two pictures already.
    picture = settings.debug or result.verdict is Verdict.BROKEN
    return await take_evidence(main, front, result.target, in_time, picture=picture)


async def in_time(question: Coroutine[Any, Any, Any]) -> Any:
    """Await a question to a page, but not for long.

    Raises:
        TimeoutError: there was no answer.
    """
    return await asyncio.wait_for(question, _ANSWER_S)


def with_evidence(result: Result, evidence: Evidence) -> Result:
    """Return a result with what was there."""
    return replace(result, trace=evidence.trace, seen=evidence.seen)


def without_needless(result: Result, settings: Settings) -> Result:
    """Return a result as it is recorded: with what was there only if that explains anything, or was asked for."""
    return result if settings.debug or explained(result.verdict) else with_evidence(result, NO_EVIDENCE)


async def evidence_of_page(page: CapturePage | None, *, answers: bool) -> Evidence:
    """Return what was there when a whole page came to nothing.

    Args:
        page: None where there was none.
        answers: whether it can be asked.
    """
    if page is None:
        return NO_EVIDENCE
    return await take_evidence(page, page, None, in_time, picture=True, answers=answers)
