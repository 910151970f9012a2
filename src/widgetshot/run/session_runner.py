"""One session, from its execution to the last of its results; as often as is asked for."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from widgetshot.frontends import registry
from widgetshot.model import Result
from widgetshot.run.accounting import TimeAccount
from widgetshot.run.attempt import Attempt
from widgetshot.run.causes import variables_missing
from widgetshot.run.context import RunContext
from widgetshot.run.repeat import Repeated
from widgetshot.run.verdicts import broken
from widgetshot.selection.session import Session, SessionReport

if TYPE_CHECKING:
    from widgetshot.ports import SourcesSeen


class SessionRunner:
    """Runs one notebook in one variant; `report` is to follow the results, also when they were not taken to the end."""

    def __init__(self, session: Session, context: RunContext) -> None:
        self._session = session
        self._context = context
        self._account = TimeAccount()
        self._endings: list[asyncio.Task[SourcesSeen | None]] = []

    async def results(self) -> AsyncGenerator[Result, None]:
        """Yield exactly one result of each requested target, as soon as it is known.

        Raises:
            ServerError: the server or the browser could not be had.
        """
        session = self._session
        error = registry.missing(session.frontend, session.name)
        if error is None and session.notebook.missing:
            error = variables_missing(session.notebook)
        if error is not None:
            for target in session.targets:
                key = self._context.settings.key(target)
                yield broken(target, key, error, renderer=self._context.hosts.renderer)
        elif session.repeat == 1:
            async with aclosing(self._attempt()) as results:
                async for result in results:
                    yield self._counted(result)
        else:
            repeated = {target.name: Repeated() for target in session.targets}
            for _ in range(session.repeat):
                async with aclosing(self._attempt()) as results:
                    async for result in results:
                        await asyncio.to_thread(repeated[result.target.name].add, result)
            for target in session.targets:
                yield self._counted(repeated[target.name].result())

    async def report(self) -> SessionReport:
        """Wait until all kernels of the session have ended, and return what is known only then."""
        answers = await asyncio.gather(*self._endings)
        # Of a time that it was not executed it is not known what it would have read.
        absent = [None] * (self._session.repeat - len(answers))
        return SessionReport(self._account.lap(), (*answers, *absent))

    async def _attempt(self) -> AsyncGenerator[Result, None]:
        attempt = Attempt(self._session, self._context, self._account)
        try:
            async with aclosing(attempt.results()) as results:
                async for result in results:
                    yield result
        finally:
            self._endings.append(self._context.endings.create_task(attempt.end()))

    def _counted(self, result: Result) -> Result:
        """Return the result with the time that went into it."""
        spent = self._account.lap()
        spent.stages.update(self._context.hosts.take_timings())
        return replace(result, spent=spent)
