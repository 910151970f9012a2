"""The steps and shots of one session, on its page."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import takewhile
from time import perf_counter

from widgetshot.capture.page import CapturePage
from widgetshot.capture.pool import PagePool, PageSlot
from widgetshot.capture.sheet import kinds_shown
from widgetshot.capture.shot import take_shot
from widgetshot.conditions import Condition, Unrest
from widgetshot.declare.front_ends import TABLE
from widgetshot.errors import CaptureError, WidgetshotError
from widgetshot.model import Result, Target, Verdict
from widgetshot.run.accounting import TimeAccount
from widgetshot.run.causes import PageHangs, as_widgetshot_error, kernel_died, with_page_timeout
from widgetshot.run.context import RunContext
from widgetshot.run.evidence import evidence_of, with_evidence
from widgetshot.run.execution import Execution
from widgetshot.run.recording import read_baseline
from widgetshot.run.verdicts import broken, expectation, judged, needs_uses
from widgetshot.selection.session import Session


class ShotSequence:
    """Goes through the targets of a session in order: performs their steps, takes their shots, judges these.

    Args:
        page: shows the notebook, executed as far as the target whose turn it is needs.
        slot: the one that the page is in.
    """

    def __init__(
        self,
        session: Session,
        execution: Execution,
        page: CapturePage,
        slot: PageSlot,
        pool: PagePool,
        context: RunContext,
        account: TimeAccount,
    ) -> None:
        self._session = session
        self._execution = execution
        self._page = page
        self._slot = slot
        self._pool = pool
        self._context = context
        self._account = account
        self._front = page
        self._unrest: Condition[Unrest] | None = None
        self._failed_steps: dict[str | None, WidgetshotError] = {}  # by the id of their cell

    @property
    def executed(self) -> str | None:
        """See `CapturePage.executed`."""
        return self._page.executed

    async def settle(self, target: Target) -> None:
        """Wait until the page has come to rest after cells were executed.

        Args:
            target: the next one.

        Raises:
            CaptureError: it does not answer.
        """
        self._page.moved()
        # A tab comes to rest when it is turned to, with what these cells show.
        self._front = self._page
        limit = self._page.limit_for(target.max_settle)
        self._unrest = await with_page_timeout(self._page.settle(max_settle=target.max_settle), limit)

    async def result(self, index: int) -> Result | None:
        """Perform the steps of a target, and take and judge its shot if that is requested; the next one's turn is next.

        Args:
            index: of the target in the sequence.

        Returns:
            The result, without its duration; None where only its steps are needed.

        Raises:
            CaptureError: the page hangs, or the browser is gone: there is nobody to ask for the rest.
        """
        target = self._session.sequence[index]
        requested = target.name in self._session.requested
        try:
            if TABLE[target.frontend].arranges and await self._page.arrange(target):
                await self.settle(target)
            await self._perform_steps(target)
            if not requested:
                return None
            with self._page.log.trace.shot(target.name):
                result = await self._judged(target, self._session.sequence[index + 1 :])
        except Exception as raised:
            error = as_widgetshot_error(raised)
            hopeless = isinstance(error, PageHangs)
            if hopeless or (isinstance(error, CaptureError) and not await self._pool.alive()):
                raise error from None
            if not requested:
                return None
            result = self._broken(target, error)
            # A dead kernel shows itself in many ways; the death is the cause.
            if isinstance(error, CaptureError) and not await self._execution.kernel_lives():
                result = self._broken(target, kernel_died(self._session.notebook))
        if result.verdict is Verdict.UNSTABLE and not await self._execution.kernel_lives():
            result = self._broken(target, kernel_died(self._session.notebook))
        if died := await self._execution.service_error():
            # Whatever the picture shows, it does not show what the notebook is about.
            result = self._broken(target, died)
        result = replace(result, console=tuple(self._page.console), blocked=tuple(self._page.blocked))
        repeated = self._session.repeat > 1
        evidence = await evidence_of(result, self._page, self._front, self._context.settings, repeated=repeated)
        return with_evidence(result, evidence)

    async def _perform_steps(self, target: Target) -> None:
        """Perform the steps before a shot.

        Raises:
            CaptureError: one failed, or an earlier one of the same cell did.
        """
        if failed := self._failed_steps.get(target.cell_id):
            raise CaptureError(f"an earlier step of its cell failed: {failed.what}")
        beside = (self._context.settings.root / target.notebook).parent
        try:
            for number, step in enumerate(target.steps, 1):
                limit = self._page.limit_for(target.max_settle) + float(step.arguments.get("timeout", self._page.limit))
                page = await self._turn_to(step.tab, target)
                self._unrest = await with_page_timeout(page.act(target, step, number, beside), limit)
        except WidgetshotError as error:
            self._failed_steps[target.cell_id] = error
            raise

    async def _turn_to(self, tab: str, target: Target) -> CapturePage:
        """Return the page of a tab, at rest: through the kernel, what was done in another one may have changed it."""
        page = await with_page_timeout(self._pool.tab(self._slot, self._page, tab, target), self._page.limit)
        if page is not self._front:
            page.moved()
            limit = self._page.limit_for(target.max_settle)
            self._unrest = await with_page_timeout(page.settle(max_settle=target.max_settle), limit)
            self._front = page
        return page

    async def _judged(self, target: Target, rest: Iterable[Target]) -> Result:
        """Take the shot of a target and judge it.

        Args:
            rest: the targets after it.
        """
        context = self._context
        page = await self._turn_to(target.tab, target)
        following = [one for one in _of_the_same_state(target, rest) if one.name in self._session.requested]
        baseline = await asyncio.to_thread(read_baseline, target, context.baselines, context.settings)
        limit = target.max_settle if target.max_settle is not None else page.limit
        capture = take_shot(page, target, expectation(target, baseline), self._unrest, following)
        shot = await with_page_timeout(capture, 2 * limit, lambda: page.pictures.seconds)
        uses = None
        if needs_uses(baseline, context.hosts.renderer_of(target.frontend), context.hosts.sheet):
            uses = await with_page_timeout(kinds_shown(page, target), page.limit)
        begin = perf_counter()
        result = await asyncio.to_thread(
            judged,
            target,
            context.settings.key(target),
            shot,
            baseline,
            context.hosts.renderer_of(target.frontend),
            sheet=context.hosts.sheet,
            uses=uses,
            console=page.console,
            blocked=page.blocked,
        )
        self._account.add({"compare": perf_counter() - begin})
        return result

    def _broken(self, target: Target, error: WidgetshotError) -> Result:
        settings, hosts = self._context.settings, self._context.hosts
        return broken(target, settings.key(target), error, renderer=hosts.renderer_of(target.frontend))


def _of_the_same_state(target: Target, following: Iterable[Target]) -> Iterator[Target]:
    """Return those of the following targets that show what the page shows at the target."""
    arranges = TABLE[target.frontend].arranges
    return takewhile(
        lambda one: (
            not one.steps
            and (one.tab, one.after) == (target.tab, target.after)
            and (not arranges or one.capture == target.capture)
        ),
        following,
    )
