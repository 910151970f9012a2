"""Sessions side by side in the event loop of this process."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from types import TracebackType
from typing import Self

from widgetshot.baselines.access import Baselines
from widgetshot.model import Result
from widgetshot.project.settings import Settings
from widgetshot.run.context import RunContext
from widgetshot.run.hosts import Hosts
from widgetshot.run.session_runner import SessionRunner
from widgetshot.selection.session import Session, SessionReport
from widgetshot.services.manager import Services


class LocalExecutor:
    """Runs sessions with one server and one browser; see `widgetshot.ports.SessionExecutor`.

    `jobs` sessions have a page at a time; one more has its kernel started.

    Args:
        hosts: whoever made them ends them.
        services: where notebooks get theirs from; whoever made them ends them.
        baselines: where baselines are read from.
        ahead: whether the kernel of one more session is started, too, where there is one page at a time.
    """

    def __init__(
        self, settings: Settings, hosts: Hosts, services: Services, baselines: Baselines, *, ahead: bool = False
    ) -> None:
        self._settings = settings
        self._hosts = hosts
        self._services = services
        self._baselines = baselines
        # One starts its kernel ahead of those that have a page, so that these never wait for a kernel. A further page
        # for it would be a further process of the browser, whose start costs more than is gained.
        self._permits = settings.jobs + (ahead or settings.jobs > 1)
        self._open = asyncio.Semaphore(self._permits)
        self._resources = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._tasks = await self._resources.enter_async_context(asyncio.TaskGroup())
        pages = asyncio.Semaphore(self._settings.jobs)
        self._context = RunContext(self._settings, self._hosts, self._services, self._baselines, self._tasks, pages)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The error is not for the group of tasks: it would cancel the endings of kernels, and wrap the error.
        await self._resources.aclose()

    async def run(self, session: Session) -> AsyncGenerator[Result | SessionReport, None]:
        """See `SessionExecutor.run`."""
        # Beside the start of server and browser, and the sessions before it.
        for need in session.notebook.services:
            if not need.exclusive:
                self._services.start(need.name)
        runner = SessionRunner(session, self._context)
        try:
            async with self._open, aclosing(runner.results()) as results:
                async for result in results:
                    yield result
        finally:
            report = await runner.report()
        yield report

    def wind_down(self) -> None:
        """See `SessionExecutor.wind_down`: the browser ends while the last kernels do."""
        self._tasks.create_task(self._stop_browser())

    async def _stop_browser(self) -> None:
        for _ in range(self._permits):
            await self._open.acquire()
        await self._hosts.stop_browser()
