"""One execution of a session's notebook, captured on a page of its own."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING

from widgetshot.capture.page import EXECUTION_SLICE_S, CapturePage
from widgetshot.capture.pool import PagePool, PageSlot
from widgetshot.errors import CaptureError, NotebookError, ServerError, WidgetshotError
from widgetshot.model import Result
from widgetshot.run.accounting import TimeAccount
from widgetshot.run.causes import (
    PAGE_ANSWER_GRACE_S,
    PageHangs,
    as_widgetshot_error,
    browser_died,
    kernel_died,
    with_page_timeout,
)
from widgetshot.run.context import RunContext, background_task
from widgetshot.run.evidence import evidence_of_page, with_evidence
from widgetshot.run.execution import Execution
from widgetshot.run.shot_sequence import ShotSequence
from widgetshot.run.verdicts import broken
from widgetshot.selection.session import Session

if TYPE_CHECKING:
    from widgetshot.ports import Frontend, SourcesSeen


class Attempt:
    """Executes and captures with a fresh kernel and a fresh page; `end` is to follow, whatever comes of it.

    Args:
        account: counts the time.
    """

    def __init__(self, session: Session, context: RunContext, account: TimeAccount) -> None:
        self._session = session
        self._context = context
        self._account = account
        self._execution: Execution | None = None
        self._page: CapturePage | None = None
        self._pool: PagePool | None = None
        self._no_browser: ServerError | None = None
        self._hangs = False
        self._has_turn = asyncio.Event()
        self._waited = 0.0  # seconds until there was a page to have, in which nothing was done

    async def results(self) -> AsyncGenerator[Result, None]:
        """Yield exactly one result of each requested target, in order. Whatever a notebook breaks is one, too.

        Raises:
            ServerError: the server or the browser could not be had.
        """
        hosts = self._context.hosts
        begin = perf_counter()
        # Whoever has no browser, or mistyped its name, is not kept waiting for a server.
        hosts.find_browser()
        # Kernels need no browser, so that they don't wait for one.
        async with background_task(hosts.browser()) as browser:
            frontend = await hosts.frontend(self._session.frontend, traces_files=self._session.traces_files)
            self._execution = Execution(
                self._session.notebook, self._context.settings, frontend, self._context.services
            )
            self._account.start()
            pending = {target.name: target for target in self._session.targets}
            last = begin
            try:
                # The page is opened while the kernel starts.
                async with self._slot(frontend) as opening:
                    try:
                        shots = await self._shown(self._execution, opening, browser)
                        last += self._waited
                        for index, target in enumerate(self._session.sequence):
                            if target.after != shots.executed:
                                await self._execute(target.after)
                                await shots.settle(target)
                            if (result := await shots.result(index)) is not None:
                                del pending[target.name]
                                now = perf_counter()
                                yield replace(result, duration=now - last)
                                last = now
                    except Exception as raised:
                        if (no_browser := browser.exception() or self._no_browser) is not None:
                            raise no_browser from None  # no notebook can be captured
                        pool = self._pool or browser.result()
                        error = await self._cause(as_widgetshot_error(raised), pool)
                        answers = not self._hangs and pool.connected
                        evidence = await evidence_of_page(self._page, answers=answers)
                        for target in pending.values():
                            key = self._context.settings.key(target)
                            duration = perf_counter() - begin - self._waited
                            result = broken(
                                target, key, error, renderer=hosts.renderer_of(target.frontend), duration=duration
                            )
                            yield with_evidence(result, evidence)
            finally:
                self._account.stop()

    async def end(self) -> "SourcesSeen | None":
        """End the kernel.

        Returns:
            What the notebook was seen to read; None where the server did not say.
        """
        try:
            return await self._execution.end() if self._execution is not None else None
        except Exception:
            # A server that has died, or a service that does not end. All of its results are there.
            return None

    async def _shown(
        self, execution: Execution, opening: asyncio.Task[PageSlot], browser: asyncio.Task[PagePool]
    ) -> ShotSequence:
        """Open the notebook and show it in the page that opens meanwhile."""
        session = self._session
        try:
            page = await execution.open(session.sequence[0])
        finally:
            # Of two errors that of the notebook is told, unless there is no browser for any.
            await asyncio.wait({browser})
            self._account.add(execution.timings)
        await self._wait_for_turn()
        await asyncio.wait({opening})
        slot = opening.result()
        assert self._pool is not None
        self._page = await self._pool.show(slot, page, session.notebook.settle_timeout)
        self._account.follow(self._page.timings)
        return ShotSequence(session, execution, self._page, slot, self._pool, self._context, self._account)

    async def _wait_for_turn(self) -> None:
        """Wait until the notebook may have a page, which is none of its time."""
        if self._has_turn.is_set():
            return
        self._account.stop()
        begin = perf_counter()
        await self._has_turn.wait()
        self._waited = perf_counter() - begin
        self._account.start()

    async def _execute(self, until: str) -> None:
        """Execute the notebook in its page.

        Args:
            until: name of the last cell that is to run; "" for all cells.

        Raises:
            NotebookError: it did not get there.
            ServerError: the server has died.
            PageHangs: the page's scripts never end.
        """
        assert self._execution is not None
        assert self._page is not None
        try:
            limit = EXECUTION_SLICE_S + self._page.served.cell_timeout
            while not await with_page_timeout(self._page.execute(until), limit):
                pass
        except NotebookError:
            # A page that lost its kernel can't tell whether that has died or the server.
            await self._execution.kernel_lives()
            raise

    async def _cause(self, error: WidgetshotError, pool: PagePool) -> WidgetshotError:
        """Return the error of all targets that have no result yet: what died, if anything did, is the cause."""
        assert self._execution is not None
        self._hangs = isinstance(error, PageHangs)
        if isinstance(error, CaptureError | ServerError):
            if not self._hangs and not await pool.alive():
                error = browser_died()
            elif self._execution.page is not None:
                # A page that has lost its kernel, or its server, shows that in many ways; the death is the cause.
                try:
                    if not await self._execution.kernel_lives():
                        error = kernel_died(self._session.notebook)
                except ServerError as died:
                    error = died
        return await self._execution.service_error() or error

    @asynccontextmanager
    async def _slot(self, frontend: "Frontend") -> AsyncIterator[asyncio.Task[PageSlot]]:
        """Open a page of its own meanwhile, when it is its turn to have one; leaving takes it down."""
        pages = self._context.pages

        async def open_page() -> PageSlot:
            await pages.acquire()
            self._has_turn.set()
            try:
                # Another one than when the session began if that has died since.
                self._pool = await self._context.hosts.browser()
            except ServerError as error:
                self._no_browser = error
                raise
            return await self._pool.slot(self._session.sequence[0], frontend)

        opening = asyncio.create_task(open_page())
        try:
            yield opening
        finally:
            if not self._has_turn.is_set():
                opening.cancel()
            (slot,) = await asyncio.gather(opening, return_exceptions=True)
            try:
                if isinstance(slot, PageSlot) and self._pool is not None:
                    await self._release(slot, self._pool)
            finally:
                if self._has_turn.is_set():
                    pages.release()

    async def _release(self, slot: PageSlot, pool: PagePool) -> None:
        """Take the page down; one that does not let itself be closed takes the browser with it."""
        if self._page is not None:
            spoiled = self._hangs or any(page.crashed for page in (self._page, *self._page.tabs.values()))
        else:
            # Of a page that did not even load nobody knows whether it hangs.
            spoiled = self._hangs or (self._execution is not None and self._execution.page is not None)
        try:
            await asyncio.wait_for(pool.release(slot, spoiled=spoiled), PAGE_ANSWER_GRACE_S)
        except (TimeoutError, WidgetshotError):
            await pool.stop()
