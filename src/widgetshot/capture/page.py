"""A live page in a browser: it is loaded, comes to rest, is acted on and looked at."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import TimeoutError as PlaywrightTimeout

from widgetshot.capture.driver_errors import capture_errors, first_line
from widgetshot.capture.events import PageEvents, PageLog
from widgetshot.capture.pictures import PagePictures, Picture
from widgetshot.capture.steps import perform, timeout_ms
from widgetshot.conditions import Condition, Unrest
from widgetshot.errors import CaptureError
from widgetshot.model import Pixels, ServedPage, Step, Target
from widgetshot.ports import LivePage, Look, Scope
from widgetshot.project.settings import Settings

LOAD_TIMEOUT_MS = 30_000
# A page that executes says so often that it still does; a single cell may take longer.
EXECUTION_SLICE_S = 2.0


async def go_to(page: Any, url: str, **options: Any) -> None:
    """Let a page go to an address.

    Args:
        page: Playwright's page, async or wrapped by `Awaitable`.
        options: Playwright's, besides the time limit.

    Raises:
        PlaywrightError: it did not get there; it says so where the page crashed.
    """
    try:
        await page.goto(url, timeout=LOAD_TIMEOUT_MS, **options)
    except PlaywrightTimeout:
        raise
    except PlaywrightError:
        # Of a process that has ended the navigation tells as "aborted", a moment before the browser tells of the end:
        # whatever is asked then is answered by that.
        await page.evaluate("() => 0")
        raise


class CapturePage:
    """A page of the browser that shows a live page.

    All of the capturing is written once, as coroutines. Besides Playwright's async page they accept a sync one wrapped
    by `Awaitable` (see there), which is how a Python test drives the page by itself.

    Args:
        page: Playwright's page, async or wrapped by `Awaitable`.
        cdp: its CDP session with Chromium, else None.
        live: answers for what it shows.
        served: what it is to show.
        limit: seconds that the page may take to come to rest.
        main: the page of the same kernel that this one is a further tab of; errors, requests and seconds are counted
            with those of that one.

    Attributes:
        timings: seconds that each stage has taken so far.
        acted: whether somebody acts on it, or on another tab of it.
        executed: name of the cell up to which the notebook that it shows was executed, "" for all cells; None before.
        tabs: of a main page its further tabs, by name.
    """

    def __init__(
        self,
        page: Any,
        cdp: Any,
        live: LivePage,
        served: ServedPage,
        settings: Settings,
        limit: float,
        *,
        main: "CapturePage | None" = None,
    ) -> None:
        self.page = page
        self.cdp = cdp
        self.live = live
        self.served = served
        self.settings = settings
        self.limit = limit
        self.log: PageLog = main.log.of_tab() if main else PageLog(settings.redactor.including(served.token))
        self.timings: dict[str, float] = main.timings if main else {}
        self.acted = False
        self.executed: str | None = None
        self.tabs: dict[str, CapturePage] = {}
        self.pictures = PagePictures(page, cdp, live, settings.redactor, settings.scale)
        self._main = main or self
        self._events: PageEvents | None = None
        # The answers that were asked ahead, by the target's name.
        self._looks: dict[str, Look] = {}

    @property
    def console(self) -> list[str]:
        """The errors that the page has written to its console."""
        return self.log.console

    @property
    def blocked(self) -> list[str]:
        """The addresses outside of this machine that the page has asked for."""
        return self.log.blocked

    @property
    def crashed(self) -> bool:
        """True once the page's process is gone."""
        return self.log.crashed

    def listen(self, events: PageEvents | None = None) -> PageEvents:
        """Begin to note the page's errors and its requests to elsewhere.

        Args:
            events: of the page, if it has been listened to before.
        """
        self._events = events or PageEvents(self.page)
        self._events.log = self.log
        return self._events

    def detach(self) -> None:
        """Note nothing more of the page, which is about to show something else."""
        if self._events is not None:
            self._events.log = None

    async def load(self) -> None:
        """Go to the live page and wait until its scripts run.

        Raises:
            CaptureError: the page did not load.
        """
        with self._timed("load"), capture_errors("the page did not load", self.log):
            await go_to(self.page, self.served.url, wait_until="domcontentloaded")
            await self.page.mouse.move(0, 0)

    async def execute(self, until: str = "") -> bool:
        """Execute cells of the notebook for a while; whether all up to `until` have run.

        Args:
            until: name of a cell; "" for all cells.

        Raises:
            NotebookError: it did not get there.
            CaptureError: the page does not answer.
        """
        with self._timed("execute"), capture_errors("the notebook could not be executed", self.log):
            done = await self.live.execute(self.served, EXECUTION_SLICE_S, until)
        if done:
            self.executed = until
        return done

    async def take_over(self) -> bool:
        """Show the live page in a page that is loaded; whether that is possible.

        Raises:
            CaptureError: the page did not take it.
        """
        with self._timed("load"), capture_errors("the page did not load", self.log):
            return await self.live.enter(self.served.url)

    async def settle(self, limit: float | None = None, *, max_settle: float | None = None) -> Condition[Unrest] | None:
        """Wait until the page is ready; what still moves after `limit` seconds, or None.

        Args:
            limit: None for that of the page, or `max_settle` where that is longer.
            max_settle: seconds after which a page that is drawn, but goes on moving, is good enough.

        Raises:
            CaptureError: the page does not answer.
        """
        with self._timed("settle"), capture_errors("the page could not be made ready", self.log):
            return await self._at_rest(self.limit_for(max_settle) if limit is None else limit, max_settle)

    def limit_for(self, max_settle: float | None) -> float:
        """Return the seconds that a page may take which is captured after `max_settle` of them in any case."""
        return max(self.limit, max_settle or 0.0)

    async def _at_rest(self, limit: float, max_settle: float | None) -> Condition[Unrest] | None:
        begin = perf_counter()
        while True:
            past = perf_counter() - begin
            unrest = await self.live.ready(max(0.0, limit - past), max_settle)
            # Of modules and frames that are being loaded the page's script knows nothing.
            if unrest is not None or self._events is None or not self._events.requests:
                return unrest
            if past > (limit if max_settle is None else min(limit, max_settle)):
                return Condition(Unrest.REQUESTS_PENDING)

    async def act(self, target: Target, step: Step, number: int, beside: Path) -> Condition[Unrest] | None:
        """Perform one step and wait until its effect is there; what still moves then, or None.

        Args:
            number: of the step, counted from 1, for messages.
            beside: the notebook's folder, for uploads.

        Raises:
            CaptureError: the step's element is absent, or never became usable.
        """
        self.moved()
        await self.begin_acting()
        where = f"{target.nodeid} step {number}"
        whole_page = step.arguments.get("page") or target.cell_id is None
        root = self.page.locator("body" if whole_page else self.served.selectors[str(target.cell_id)])
        try:
            with self.log.trace.step(f"step {number}: {step}"):
                await perform(self.page, root, step.action, step.arguments, beside)
        except PlaywrightTimeout as error:
            element = step.arguments.get("selector") or step.arguments.get("text")
            seconds = timeout_ms(step.arguments) / 1000
            found = f"step '{step.action}' found nothing usable for {element!r} in {seconds:g} s"
            # A callback that raised is the likely cause.
            problems = (await self.look(target)).problems
            raise CaptureError(
                "; ".join([found, *map(str, problems)]),
                where=where,
                next_step="correct the selector in the notebook, or give the step a longer 'timeout'",
            ) from error
        except PlaywrightError as error:
            raise CaptureError(
                f"step '{step}' failed: {first_line(error, self.log.redactor)}",
                where=where,
                next_step="correct the step in the notebook",
            ) from error
        # Callbacks answer in order only if each step's effect is there before the next step begins.
        return await self.settle(max_settle=target.max_settle)

    async def arrange(self, target: Target) -> bool:
        """Show what the target's picture shows; whether anything is shown otherwise than before.

        Raises:
            CaptureError: the page does not answer.
        """
        with capture_errors("the page does not answer", self.log):
            moved = await self.live.arrange(target.capture)
        if moved:
            self.moved()
        return moved

    async def begin_acting(self) -> None:
        """Let the page and its tabs know that somebody acts on one of them from now on.

        A callback that raises then is why a picture does not show what was asked for; before, JupyterLab only logs it.

        Raises:
            CaptureError: a page does not answer.
        """
        for page in (self._main, *self._main.tabs.values()):
            if not page.acted:
                page.acted = True
                with capture_errors("the page does not answer", page.log):
                    await page.live.acting()

    def moved(self) -> None:
        """Forget pictures and answers: somebody has acted on the page."""
        self.pictures.forget()
        self._looks.clear()

    async def picture(self, attempt: int = 0) -> Pixels:
        """Return a picture of the whole page; the first two since the last step are kept and returned again.

        Raises:
            CaptureError: none could be taken, or it is too large.
        """
        return (await self._picture(attempt, None)).pixels

    async def picture_of(self, target: Target, attempt: int = 0) -> Picture:
        """Return a picture of the whole page, or of what the target shows where that would be too large.

        Raises:
            CaptureError: none could be taken, or it is too large, too.
        """
        return await self._picture(attempt, self._selector(target))

    async def _picture(self, attempt: int, selector: str | None) -> Picture:
        if attempt < self.pictures.kept:
            return await self.pictures.get(attempt)
        with self._timed("capture"), capture_errors("no picture could be taken", self.log):
            return await self.pictures.get(attempt, Scope(selector))

    async def look(self, target: Target, following: Sequence[Target] = ()) -> Look:
        """Ask the page, at once, for all that a picture of the target depends on.

        Args:
            following: targets that show the same state of the page; they are asked about together, which is kept for
                them until somebody acts on the page.

        Returns:
            The answer; its `masks` are those that have a selector.
        """
        if target.name in self._looks:
            return self._looks.pop(target.name)
        first, *ahead = await self.live.look(
            [
                Scope(self._selector(one), tuple(mask.selector for mask in one.masks if mask.selector))
                for one in (target, *following)
            ],
            styled=bool(self.settings.compare_frontends),
        )
        self._looks = {one.name: look for one, look in zip(following, ahead, strict=True) if look is not None}
        assert first is not None
        return first

    async def seen(self, target: Target | None) -> Pixels:
        """Return a picture of the page as it is, for people to look at: of the target's cell, if that shows anything.

        Args:
            target: None for the whole page.

        Raises:
            CaptureError: none could be taken.
        """
        selector = None if target is None else self._selector(target)
        with capture_errors("no picture could be taken", self.log):
            (look,) = await self.live.look([Scope(selector)]) if selector is not None else [None]
            return await self.pictures.seen(None if look is None else look.rect)

    def forget_looks(self) -> None:
        """Forget the answers that were asked ahead: the page may have moved by itself."""
        self._looks.clear()

    def _selector(self, target: Target) -> str | None:
        """Return the selector of what the target's picture shows; None for the whole page."""
        if target.cell_id is None or target.capture in ("page", "window"):
            return None
        return self.served.selectors[target.cell_id]

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        begin = perf_counter()
        with self.log.trace.stage(stage):
            yield
        self.timings[stage] = self.timings.get(stage, 0.0) + perf_counter() - begin
