"""The engine: targets in, a stream of Results out. The only place where the rooms meet.

It works in a thread of its own, ahead of whoever asks for results: while one notebook is captured, another one
executes. Playwright lives in that thread, so it never meets another Playwright of the same program.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field, replace
from itertools import takewhile
from time import perf_counter, time_ns
from types import TracebackType
from typing import Any, Self

from widgetshot import cost
from widgetshot.baselines.stores import open_baselines
from widgetshot.capture.page import CapturePage
from widgetshot.capture.pool import Camera, PageSlot
from widgetshot.conditions import Condition, Unrest
from widgetshot.declare.notebook import Notebook
from widgetshot.declare.shots import PAGE_SHOT
from widgetshot.errors import CaptureError, ConfigError, ServerError, WidgetshotError
from widgetshot.frontends.widget_page import PageFrontend
from widgetshot.model import Baseline, Result, ServedPage, Shot, Spent, Target, Verdict
from widgetshot.ports import SourcesSeen
from widgetshot.project.settings import Settings
from widgetshot.report.writer import RunWriter
from widgetshot.run.causes import (
    PAGE_ANSWER_GRACE_S,
    PageHangs,
    answered,
    as_ours,
    browser_died,
    kernel_died,
    redacted_error,
    variables_missing,
)
from widgetshot.run.hosts import Hosts, expected_renderer
from widgetshot.run.recording import Recording, read_baseline
from widgetshot.run.repeat import Repeated
from widgetshot.run.verdicts import broken, expectation, judged
from widgetshot.selection.notes import FinishedSession
from widgetshot.selection.pass_cache import PassCache, refusal
from widgetshot.selection.session import Session
from widgetshot.selection.snapshot import InputSnapshot
from widgetshot.server.launcher import Server
from widgetshot.services.manager import Services
from widgetshot.services.notebook_services import Served


def only_changed(engine: "Engine", notebooks: Iterable[tuple[Notebook, Iterable[Target]]]) -> dict[str, str]:
    """What need not be run, as `--changed` asks for; recorded with the reasons for the rest.

    Returns:
        Key of each target that need not be run -> when it passed, ISO 8601.

    Raises:
        ConfigError: the run is to write all baselines.
    """
    if engine.settings.update == "all":
        raise ConfigError(
            "'changed' leaves pictures out, and all baselines can't be written without them",
            next_step="leave one of the two out",
        )
    refused = refusal()
    if not refused:
        engine.passed.begin()
    left_out: dict[str, str] = {}
    ran: dict[str, str] = {}
    for notebook, targets in notebooks if not refused else ():
        known, reasons = engine.unchanged(notebook, targets)
        left_out |= known
        ran |= reasons
    if engine.recorder is not None:
        engine.recorder.only_changed(left_out, ran, refused)
    return left_out


class Engine:
    """Executes, captures, compares and records targets in the background; a context manager.

    `submit` returns at once; `result` waits for one target. Usable from the thread that made it.

    Args:
        services: where notebooks get theirs from; whoever made it ends it. The engine's own without it.
        server: one that was launched ahead, in a folder of its own; the engine ends it and removes the folder.
    """

    def __init__(
        self,
        settings: Settings,
        recorder: RunWriter | None = None,
        services: Services | None = None,
        server: Server | None = None,
    ) -> None:
        self.settings = settings
        self.recorder = recorder
        self.services = services or Services(settings.services, settings.redactor.values)
        self._ends_services = services is None
        self.baselines = open_baselines(settings)
        self.passed = PassCache(settings, lambda: expected_renderer(settings), self.baselines)
        self.timings: dict[str, float] = {}
        self.spent: dict[str, Spent] = {}
        self.order: list[str] = []
        self.hosts = Hosts(settings, server)
        self._recording = Recording(settings, self.baselines, [] if recorder is None else [recorder])
        self._futures: dict[str, Future[Result]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="widgetshot", daemon=True)
        # One executes ahead of those that have a page, so that these never wait for a kernel.
        self._sessions = asyncio.Semaphore(settings.jobs + (settings.jobs > 1))
        self._slots = asyncio.Semaphore(settings.jobs)
        self._tasks: dict[asyncio.Task[None], list[Future[Result]]] = {}
        self._endings: set[asyncio.Task[None]] = set()
        self._made_from: dict[tuple[str, str], _MadeFrom] = {}
        self._looking: asyncio.Future[None] | None = None
        self._closing: Future[None] | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wind_down()
        assert self._closing is not None
        self._closing.result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # What callers use, from their thread ------------------------------------------------------------------

    def submit(
        self, notebook: Notebook, targets: Iterable[Target], done: Callable[[Result], None] | None = None
    ) -> None:
        """Begin to work on some targets of one notebook.

        Args:
            done: called with each result, in the engine's thread.
        """
        wanted = [target for target in targets if self.key(target) not in self._futures]
        # Beside the start of server and browser, and the notebooks before it.
        for need in notebook.services if wanted else ():
            if not need.exclusive:
                self.services.start(need.name)
        sessions: dict[tuple[str, str], set[str]] = {}
        for target in wanted:
            self._futures[self.key(target)] = Future()
            self.order.append(self.key(target))
            sessions.setdefault(target.session, set()).add(target.name)
        for session, names in sessions.items():
            # Steps of earlier shots run too, so that a shot looks the same whatever was selected.
            way = [target for target in notebook.targets if target.session == session]
            last = max(index for index, target in enumerate(way) if target.name in names)
            self._loop.call_soon_threadsafe(self._spawn, notebook, way[: last + 1], names, done)

    def wind_down(self) -> None:
        """Begin to end everything, as nothing more will be submitted; leaving the context waits for the end."""
        if self._closing is None:
            self._closing = asyncio.run_coroutine_threadsafe(self._close(), self._loop)

    def result(self, target: Target) -> Result:
        """Wait for a submitted target's result.

        Raises:
            ServerError: the server or the browser could not be had.
        """
        try:
            return self._futures[self.key(target)].result()
        except CancelledError:
            raise ServerError("the run was stopped", where=target.nodeid) from None

    def unreadable(self, path: str, error: WidgetshotError) -> Result:
        """Record that a notebook could not be read; it has no targets, so its page stands for it."""
        target = Target(notebook=path, shot=PAGE_SHOT, cell_id=None, order=0)
        self.order.append(self.key(target))
        return self._recording.keep(self._broken(target, error, 0.0))

    def failed(self, key: str) -> bool:
        """Whether a target has ended without any result; `result` raises the cause."""
        future = self._futures[key]
        return future.done() and future.exception() is not None

    def open(self, notebook: Notebook, target: Target) -> tuple[ServedPage, Served]:
        """Execute a notebook for whoever captures its page; `close` is to follow.

        Raises:
            NotebookError, ServerError: there is no such page.
        """

        async def go() -> tuple[ServedPage, Served]:
            served = Served(notebook, self.services)
            try:
                frontend = await self._frontend()
                file = self.settings.root / notebook.path
                environment = self.environment_of(notebook) | await served.begin()
                return await frontend.open(file, target, notebook.kernel, environment), served
            except BaseException:
                await served.end()
                raise

        try:
            return asyncio.run_coroutine_threadsafe(go(), self._loop).result()
        except Exception as error:
            told = redacted_error(error, self.settings.redactor)
            if told is error:
                raise
            raise told from None

    def close(self, live_page: ServedPage, served: Served) -> None:
        """End what `open` gave."""

        async def go() -> None:
            frontend = await self._frontend()
            await frontend.close(live_page)
            await served.end()

        asyncio.run_coroutine_threadsafe(go(), self._loop).result()

    def unchanged(self, notebook: Notebook, targets: Iterable[Target]) -> tuple[dict[str, str], dict[str, str]]:
        """What of a notebook need not be run, because it passed and nothing that it is made from has changed since.

        Returns:
            Key of each target that need not be run -> when it passed, ISO 8601; and name of each session that is to be
            run, `notebooks/x.ipynb[dark]` -> why.
        """
        sessions: dict[tuple[str, str], list[Target]] = {}
        for target in targets:
            sessions.setdefault(target.session, []).append(target)
        known: dict[str, str] = {}
        reasons: dict[str, str] = {}
        for wanted in sessions.values():
            session = Session(notebook, tuple(wanted))
            why, passed = self.passed.why(session)
            if why:
                reasons[session.name] = why
            else:
                known |= dict.fromkeys(map(self.key, wanted), passed)
        return known, reasons

    def _note_passed(self) -> None:
        """Keep what each notebook that passed was made from."""
        if not self.passed.noting:
            return
        ended: list[FinishedSession] = []
        for made_from in self._made_from.values():
            futures = [self._futures[self.key(target)] for target in made_from.session.targets]
            if not all(future.done() and not future.cancelled() and future.exception() is None for future in futures):
                continue
            results = [future.result() for future in futures]
            reads = self._reads(made_from) if all(result.passed for result in results) else None
            written = frozenset(result.target.name for result in results if result.updated)
            ended.append(FinishedSession(made_from.session, reads, made_from.begin, written))
        self.passed.note(ended)

    def _reads(self, made_from: "_MadeFrom") -> InputSnapshot:
        folder = (self.settings.root / made_from.session.notebook.path).parent
        answers = [*made_from.answers, *[None] * (self.settings.repeat - len(made_from.answers))]
        reads = InputSnapshot()
        for answer in answers:
            reads |= InputSnapshot.of(answer, folder)
        return reads

    def key(self, target: Target) -> str:
        return target.key(self.settings.environment)

    # What happens in the engine's thread --------------------------------------------------------------------

    def _spawn(
        self, notebook: Notebook, way: list[Target], wanted: set[str], done: Callable[[Result], None] | None
    ) -> None:
        task = self._loop.create_task(self._session(notebook, way, wanted, done))
        self._tasks[task] = [self._futures[self.key(target)] for target in way if target.name in wanted]
        task.add_done_callback(self._tasks.pop)

    async def _frontend(self) -> PageFrontend:
        """What serves notebooks; its server is started when first needed, and again when it has died.

        Raises:
            ServerError: it could not be had.
        """
        if self._looking is None:
            # Beside the start of the server, which is mostly waiting.
            self._looking = asyncio.ensure_future(asyncio.to_thread(self.passed.look))
        frontend = await self.hosts.frontend(traces_files=self.passed.noting)
        self._time(self.hosts.take_timings())
        return frontend

    async def _browser(self) -> Camera:
        browser = await self.hosts.browser()
        self._time(self.hosts.take_timings())
        return browser

    async def _close(self) -> None:
        for task, futures in list(self._tasks.items()):
            # One that has given all its results is about to learn what they were made from.
            if not all(future.done() for future in futures):
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._looking is not None:
            await self._looking

        async def end_kernels() -> None:
            await asyncio.gather(*self._endings, return_exceptions=True)
            for future in self._futures.values():
                future.cancel()
            await asyncio.gather(asyncio.to_thread(self._note_passed), self.hosts.stop_server())

        # No page is open any more, so that neither needs the other.
        await asyncio.gather(end_kernels(), self.hosts.stop_browser())
        await self.hosts.close()
        if self._ends_services:
            await asyncio.to_thread(self.services.close)

    def _time(self, timings: Mapping[str, float], notebook: str = "") -> None:
        """Count seconds that were spent on stages, for a notebook or for all of them."""
        of_notebook = self.spent.setdefault(notebook, Spent()).stages if notebook else {}
        for stage, seconds in timings.items():
            self.timings[stage] = self.timings.get(stage, 0.0) + seconds
            of_notebook[stage] = of_notebook.get(stage, 0.0) + seconds

    async def _session(
        self, notebook: Notebook, way: list[Target], wanted: set[str], done: Callable[[Result], None] | None
    ) -> None:
        """One notebook in one variant, from its execution to the last of its results; as often as is asked for."""
        repeated = {name: Repeated() for name in wanted}
        made_from = self._made_from[way[0].session] = _MadeFrom(
            Session(notebook, tuple(target for target in way if target.name in wanted)), time_ns(), []
        )

        async def keep(result: Result) -> None:
            if self.settings.repeat == 1:
                await self._settle_result(result, done)
            else:
                await asyncio.to_thread(repeated[result.target.name].add, result)

        async with self._sessions:
            try:
                if notebook.missing:
                    for target in made_from.session.targets:
                        await self._settle_result(self._broken(target, variables_missing(notebook), 0.0), done)
                    return
                self.passed.look_beside(notebook)
                for _ in range(self.settings.repeat):
                    await self._once(notebook, way, wanted, keep, made_from)
                for target in way if self.settings.repeat > 1 else ():
                    if target.name in wanted:
                        await self._settle_result(repeated[target.name].result(), done)
            except Exception as error:
                # Without server or browser no target can have a result: whoever asks is told so.
                for target in way:
                    future = self._futures.get(self.key(target))
                    if target.name in wanted and future is not None and not future.done():
                        future.set_exception(redacted_error(error, self.settings.redactor))

    async def _once(
        self,
        notebook: Notebook,
        way: list[Target],
        wanted: set[str],
        keep: Callable[[Result], Awaitable[None]],
        made_from: "_MadeFrom",
    ) -> None:
        """Execute and capture with a fresh kernel and a fresh page.

        Args:
            keep: given exactly one result of each wanted target.

        Raises:
            ServerError: the server or the browser could not be had.
        """
        pending = {target.name: target for target in way if target.name in wanted}
        begin = perf_counter()
        live_page: ServedPage | None = None
        slot: PageSlot | None = None
        stage: CapturePage | None = None
        served = Served(notebook, self.services)
        self.hosts.find_browser()
        # Kernels need no browser, so that they don't wait for one.
        camera_comes = self._loop.create_task(self._browser())
        try:
            frontend = await self._frontend()
        except BaseException:
            await asyncio.gather(camera_comes, return_exceptions=True)
            raise
        lap = _Lap(perf_counter())

        async def keep_counted(result: Result) -> None:
            # Before it is handed on: whoever has the last one may look at the sums.
            self._count(notebook.path, lap, stage)
            await keep(result)

        async def page() -> PageSlot:
            await self._slots.acquire()
            try:
                return await (await camera_comes).slot(way[0], frontend)
            except BaseException:
                self._slots.release()
                raise

        hung = False
        # The page is opened while the kernel executes.
        opening = self._loop.create_task(page())
        try:
            try:
                waiting = perf_counter()
                environment = self.environment_of(notebook) | await served.begin()
                if notebook.services:
                    self._time({"services": perf_counter() - waiting}, notebook.path)
                live_page = await frontend.open(
                    self.settings.root / notebook.path, way[0], notebook.kernel, environment
                )
            finally:
                slot = await opening
            self._time(live_page.timings, notebook.path)
            camera = camera_comes.result()
            stage = await camera.show(slot, live_page, notebook.settle_timeout)
            await self._shoot(stage, slot, camera, frontend, served, way, pending, begin, keep_counted)
        except Exception as raised:
            if camera_comes.exception() is not None:
                raise  # no notebook can be captured
            camera = camera_comes.result()
            hung = isinstance(raised, PageHangs)
            # Whatever a notebook manages to break, it must not sink the others.
            error = as_ours(raised)
            if isinstance(error, CaptureError) and not isinstance(error, PageHangs) and not await camera.alive():
                error = browser_died()
            error = await served.cause() or error
            for target in list(pending.values()):
                del pending[target.name]
                await keep_counted(self._broken(target, error, perf_counter() - begin))
        finally:
            if slot is not None:
                # Of a page that did not even load nobody knows whether it hangs.
                spoiled = hung or (live_page is not None if stage is None else _crashed(stage))
                try:
                    await self._release(camera_comes.result(), slot, spoiled=spoiled)
                finally:
                    self._slots.release()
            self._count(notebook.path, lap, stage)
            if live_page is not None or served.exclusive:
                # A kernel takes its time to end; the next notebook need not wait for it.
                closing = self._loop.create_task(self._end(frontend, live_page, made_from, served))
                self._endings.add(closing)
                closing.add_done_callback(self._endings.discard)

    def _count(self, notebook: str, lap: "_Lap", stage: CapturePage | None) -> None:
        """Count what a notebook has spent since the lap began."""
        now = perf_counter()
        timings = dict(stage.timings) if stage is not None else {}
        self._time({name: seconds - lap.stages.get(name, 0.0) for name, seconds in timings.items()}, notebook)
        self.spent.setdefault(notebook, Spent()).seconds += now - lap.begin
        lap.begin, lap.stages = now, timings

    async def _release(self, camera: Camera, slot: PageSlot, *, spoiled: bool) -> None:
        """Take a page down; one that does not let itself be closed takes the browser with it."""
        try:
            await asyncio.wait_for(camera.release(slot, spoiled=spoiled), PAGE_ANSWER_GRACE_S)
        except (TimeoutError, WidgetshotError):
            await camera.stop()

    async def _end(
        self, frontend: PageFrontend, live_page: ServedPage | None, made_from: "_MadeFrom", served: Served
    ) -> None:
        try:
            if live_page is not None:
                made_from.answers.append(await frontend.close(live_page))
        except ServerError:
            if self.hosts.server_runs:
                raise
        finally:
            # After the kernel, which may say goodbye to it.
            await served.end()

    async def _shoot(
        self,
        stage: CapturePage,
        slot: PageSlot,
        camera: Camera,
        frontend: PageFrontend,
        served: Served,
        way: Sequence[Target],
        pending: dict[str, Target],
        begin: float,
        keep: Callable[[Result], Awaitable[None]],
    ) -> None:
        """Go the notebook's way: steps, shots, results."""
        unrest = await answered(stage.settle(max_settle=way[0].max_settle), stage.limit)
        front = stage

        async def turn_to(tab: str, target: Target) -> CapturePage:
            """The page of a tab, at rest: through the kernel, what was done in another one may have changed it."""
            nonlocal front, unrest
            turned = await answered(camera.tab(slot, stage, tab, target), stage.limit)
            if turned is not front:
                turned.moved()
                unrest = await answered(turned.settle(max_settle=target.max_settle), stage.limit)
                front = turned
            return front

        spoiled: dict[str | None, WidgetshotError] = {}
        for index, target in enumerate(way, 1):
            try:
                if target.cell_id in spoiled:
                    raise CaptureError(f"an earlier step of its cell failed: {spoiled[target.cell_id].what}")
                beside = (self.settings.root / target.notebook).parent
                try:
                    for number, step in enumerate(target.steps, 1):
                        limit = stage.limit + float(step.arguments.get("timeout", stage.limit))
                        acting = await turn_to(step.tab, target)
                        unrest = await answered(acting.act(target, step, number, beside), limit)
                except WidgetshotError as error:
                    spoiled[target.cell_id] = error
                    raise
                if target.name not in pending:
                    continue
                shown = await turn_to(target.tab, target)
                following = [one for one in _of_one_state(target, way[index:]) if one.name in pending]
                result = await self._capture(shown, target, unrest, following)
            except Exception as raised:
                failure = as_ours(raised)
                if isinstance(failure, PageHangs) or (isinstance(failure, CaptureError) and not await camera.alive()):
                    raise failure from None  # there is nobody to ask for the rest
                if target.name not in pending:
                    continue
                result = self._broken(target, await self._cause(frontend, stage, failure, target), 0.0)
            if result.verdict is Verdict.UNSTABLE and not await frontend.alive(stage.served):
                result = self._broken(target, kernel_died(target), 0.0)
            if died := await served.cause():
                # Whatever the picture shows, it does not show what the notebook is about.
                result = self._broken(target, died, 0.0)
            now = perf_counter()
            result = replace(result, duration=now - begin, console=tuple(stage.console), blocked=tuple(stage.blocked))
            del pending[target.name]
            await keep(result)
            begin = now

    async def _cause(
        self, frontend: PageFrontend, stage: CapturePage, error: WidgetshotError, target: Target
    ) -> WidgetshotError:
        """A dead kernel shows itself in many ways; the death is the cause."""
        if isinstance(error, CaptureError) and not await frontend.alive(stage.served):
            return kernel_died(target)
        return error

    async def _capture(
        self, stage: CapturePage, target: Target, unrest: Condition[Unrest] | None, following: Sequence[Target]
    ) -> Result:
        baseline = await asyncio.to_thread(read_baseline, target, self.baselines, self.settings)
        limit = target.max_settle if target.max_settle is not None else stage.limit
        shot = await answered(stage.capture(target, expectation(target, baseline), unrest, following), 2 * limit)
        begin = perf_counter()
        result = await asyncio.to_thread(self._judged, target, shot, baseline, self.hosts.renderer, stage)
        self._time({"compare": perf_counter() - begin}, target.notebook)
        return result

    def environment_of(self, notebook: Notebook) -> dict[str, str]:
        """Variables that only this notebook's kernels get."""
        return cost.environment(self.settings.root, notebook.path, self.settings.cost + notebook.cost)

    # Used here in order, and by whoever takes a shot without us (a Python test with a page of its own) ------

    def conclude(
        self,
        target: Target,
        shot: Shot | WidgetshotError,
        baseline: Baseline | None,
        fingerprint: Mapping[str, Any],
        stage: CapturePage,
    ) -> Result:
        """Judge and record a shot that was taken elsewhere (or the error that came instead)."""
        if isinstance(shot, WidgetshotError):
            result = self._broken(target, shot, 0.0)
        else:
            result = self._judged(target, shot, baseline, fingerprint, stage)
        result = replace(result, console=tuple(stage.console), blocked=tuple(stage.blocked))
        if result.key not in self.order:
            self.order.append(result.key)
        return self._recording.keep(result)

    def _judged(
        self, target: Target, shot: Shot, baseline: Baseline | None, renderer: Mapping[str, Any], stage: CapturePage
    ) -> Result:
        return judged(target, self.key(target), shot, baseline, renderer, console=stage.console, blocked=stage.blocked)

    def _broken(self, target: Target, error: WidgetshotError, duration: float) -> Result:
        return broken(target, self.key(target), error, renderer=self.hosts.renderer, duration=duration)

    async def _settle_result(self, result: Result, done: Callable[[Result], None] | None) -> None:
        begin = perf_counter()
        result = await asyncio.to_thread(self._recording.keep, result)
        self._time({"write": perf_counter() - begin}, result.target.notebook)
        if done is not None:
            done(result)
        self._futures[result.key].set_result(result)


@dataclass
class _MadeFrom:
    """A session, when it began (nanoseconds since the epoch), and what the server said at the end of each time."""

    session: Session
    begin: int
    answers: list[SourcesSeen]


@dataclass
class _Lap:
    """When a session's time was last counted, and what its page had spent on each stage by then."""

    begin: float
    stages: Mapping[str, float] = field(default_factory=dict)


def _of_one_state(target: Target, following: Iterable[Target]) -> Iterator[Target]:
    """Those of the following targets that show what the page shows at the target."""
    return takewhile(lambda one: not one.steps and one.tab == target.tab, following)


def _crashed(stage: CapturePage) -> bool:
    """Whether its page has crashed, or one of its tabs."""
    return any(each.crashed for each in (stage, *stage.tabs.values()))
