"""The engine: targets in, a stream of Results out. The only place where the rooms meet.

It works in a thread of its own, ahead of whoever asks for results: while one notebook is captured, another one
executes. Playwright lives in that thread, so it never meets another Playwright of the same program.
"""

import asyncio
import json
import shutil
import tempfile
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from time import perf_counter, time_ns
from types import TracebackType
from typing import Any, Self, TypeVar

from widgetshot import cost
from widgetshot.baselines.store import Store
from widgetshot.capture.browser import find_browser, identity
from widgetshot.capture.camera import Camera, CapturePage, PageSlot, fingerprint
from widgetshot.declare.notebook import PAGE_SHOT, Notebook
from widgetshot.errors import (
    BaselineError,
    CaptureError,
    ConfigError,
    ExitCode,
    NotebookError,
    ServerError,
    WidgetshotError,
)
from widgetshot.files import sha256
from widgetshot.frontends.widget_page import PageFrontend
from widgetshot.model import (
    Baseline,
    Box,
    Comparison,
    Failure,
    Pixels,
    Repeat,
    Result,
    ServedPage,
    Shot,
    Spent,
    Target,
    Tolerance,
    Verdict,
    boxes_of,
)
from widgetshot.project.dotenv import ENV_FILE
from widgetshot.project.settings import Settings
from widgetshot.redact import Redactor
from widgetshot.report.record import Recorder, shot_bytes, sidecar
from widgetshot.selection.changed import FinishedSession, InputSnapshot, PassCache, Session, refusal
from widgetshot.server.launcher import Server
from widgetshot.services.manager import Services
from widgetshot.services.notebook_services import Served
from widgetshot.verdict.compare import bare, compare, same
from widgetshot.verdict.judge import explain, flaky_sentence, judge, renderer_changes, trait_changes
from widgetshot.verdict.layout import changes as layout_changes

_STRICT = Tolerance(threshold=0.0)
_PATIENCE = 15.0  # seconds that a page may take to answer a plain question
T = TypeVar("T")


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
        recorder: Recorder | None = None,
        services: Services | None = None,
        server: Server | None = None,
    ) -> None:
        self.settings = settings
        self.recorder = recorder
        self.services = services or Services(settings.services, settings.redactor.values)
        self._ends_services = services is None
        self.store = Store(settings.baselines)
        self.passed = PassCache(settings, lambda: _renderer(settings), self.store.files)
        self.timings: dict[str, float] = {}
        self.spent: dict[str, Spent] = {}
        self.fingerprint: Mapping[str, Any] = {}
        self.order: list[str] = []
        self._today = datetime.now(UTC).date()
        self._futures: dict[str, Future[Result]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="widgetshot", daemon=True)
        self._folder: Path | None = None if server is None else server.folder.parent
        self._launched = server
        self._server: Server | None = None
        self._camera: Camera | None = None
        self._starting = {room: asyncio.Lock() for room in ("server", "camera")}
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
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

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
        return self._keep(self._broken(target, error, 0.0))

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
            told = _without_secrets(error, self.settings.redactor)
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
        async with self._starting["server"]:
            if self._looking is None:
                # Beside the start of the server, which is mostly waiting.
                self._looking = asyncio.ensure_future(asyncio.to_thread(self.passed.look))
            if self._server is None or not self._server.running:
                await self._start_server(self._private_folder())
        assert self._server is not None
        # Many libraries format text for the terminal's size, which differs, and which pytest-xdist sets.
        environment = {"TZ": self.settings.timezone, "COLUMNS": "80", "LINES": "24"}
        if self.passed.noting:
            environment["WIDGETSHOT_FILE_TRACE"] = "1"
        return PageFrontend(self._server, environment, self.settings.variables, self.settings.redactor.values)

    async def _started_camera(self) -> Camera:
        """The camera; its browser is started when first needed, and again when it has died.

        Raises:
            ServerError: it could not be had.
        """
        async with self._starting["camera"]:
            if self._camera is None or not self._camera.connected:
                await self._start_camera(self._private_folder())
        assert self._camera is not None
        return self._camera

    def _private_folder(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="widgetshot-"))
        return self._folder

    async def _start_server(self, folder: Path) -> None:
        begin = perf_counter()
        if self._server is not None:
            await self._server.stop()
        self._server = None
        settings = self.settings
        server = self._launched or Server(folder, settings.redactor, installed_fonts=settings.installed_fonts)
        self._launched = None
        await server.start()
        self._server = server
        self._time({"server": perf_counter() - begin})

    async def _start_camera(self, folder: Path) -> None:
        begin = perf_counter()
        if self._camera is not None:
            await self._camera.stop()
        self._camera = None
        camera = Camera(self.settings, folder)
        await camera.start()
        self._camera, self.fingerprint = camera, camera.fingerprint
        self._time({"browser": perf_counter() - begin})

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
            servers = [server.stop() for server in (self._server, self._launched) if server is not None]
            await asyncio.gather(asyncio.to_thread(self._note_passed), *servers)

        # No page is open any more, so that neither needs the other.
        await asyncio.gather(end_kernels(), *([self._camera.stop()] if self._camera is not None else []))
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
                        broken = self._broken(target, _lacks(notebook), 0.0)
                        await self._settle_result(broken, done)
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
                        future.set_exception(_without_secrets(error, self.settings.redactor))

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
        if self._camera is None:
            # Whoever has no browser, or mistyped its name, is not kept waiting for a server.
            find_browser(self.settings.browser, self.settings.browser_executable)
        # Kernels need no browser, so that they don't wait for one.
        camera_comes = self._loop.create_task(self._started_camera())
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
                return await (await camera_comes).slot(way[0], frontend.anchor_url)
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
            hung = isinstance(raised, _Hung)
            # Whatever a notebook manages to break, it must not sink the others.
            error = raised if isinstance(raised, WidgetshotError) else _unforeseen(raised)
            if isinstance(error, CaptureError) and not isinstance(error, _Hung) and not await camera.alive():
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
            await asyncio.wait_for(camera.release(slot, spoiled=spoiled), _PATIENCE)
        except (TimeoutError, WidgetshotError):
            await camera.stop()

    async def _end(
        self, frontend: PageFrontend, live_page: ServedPage | None, made_from: "_MadeFrom", served: Served
    ) -> None:
        try:
            if live_page is not None:
                made_from.answers.append(await frontend.close(live_page))
        except ServerError:
            if self._server is not None and self._server.running:
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
        unrest = await _in_time(stage.settle(max_settle=way[0].max_settle), stage.limit)
        front = stage

        async def turn_to(tab: str, target: Target) -> CapturePage:
            """The page of a tab, at rest: through the kernel, what was done in another one may have changed it."""
            nonlocal front, unrest
            turned = await _in_time(camera.tab(slot, stage, tab, target), stage.limit)
            if turned is not front:
                turned.moved()
                unrest = await _in_time(turned.settle(max_settle=target.max_settle), stage.limit)
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
                        unrest = await _in_time(acting.act(target, step, number, beside), limit)
                except WidgetshotError as error:
                    spoiled[target.cell_id] = error
                    raise
                if target.name not in pending:
                    continue
                shown = await turn_to(target.tab, target)
                following = [one for one in _of_one_state(target, way[index:]) if one.name in pending]
                result = await self._capture(shown, target, unrest, following)
            except Exception as raised:
                failure = raised if isinstance(raised, WidgetshotError) else _unforeseen(raised)
                if isinstance(failure, _Hung) or (isinstance(failure, CaptureError) and not await camera.alive()):
                    raise failure from None  # there is nobody to ask for the rest
                if target.name not in pending:
                    continue
                result = self._broken(target, await self._cause(frontend, stage, failure, target), 0.0)
            if result.verdict is Verdict.UNSTABLE and not await frontend.alive(stage.live_page):
                result = self._broken(target, _kernel_died(target), 0.0)
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
        if isinstance(error, CaptureError) and not await frontend.alive(stage.live_page):
            return _kernel_died(target)
        return error

    async def _capture(self, stage: CapturePage, target: Target, unrest: str, following: Sequence[Target]) -> Result:
        baseline = await asyncio.to_thread(self.baseline, target)
        limit = target.max_settle if target.max_settle is not None else stage.limit
        shot = await _in_time(stage.capture(target, self.expects(target, baseline), unrest, following), 2 * limit)
        begin = perf_counter()
        result = await asyncio.to_thread(self._judge, target, shot, baseline, self.fingerprint, stage)
        self._time({"compare": perf_counter() - begin}, target.notebook)
        return result

    def environment_of(self, notebook: Notebook) -> dict[str, str]:
        """Variables that only this notebook's kernels get."""
        return cost.environment(self.settings.root, notebook.path, self.settings.cost + notebook.cost)

    # Used here in order, and by whoever takes a shot without us (a Python test with a page of its own) ------

    def baseline(self, target: Target) -> Baseline | None:
        """The baseline of a target, or None.

        Raises:
            BaselineError: it is damaged, and this run may not replace it.
        """
        try:
            baseline = self.store.read(self.key(target))
            if baseline is not None and self.settings.redactor:
                self._refuse_secrets(baseline, target)
            return baseline
        except BaselineError:
            # Taking it anew is one of the two ways out, so under an update it counts as absent.
            if self.settings.update in ("none", "missing"):
                raise
            return None

    def _refuse_secrets(self, baseline: Baseline, target: Target) -> None:
        """Raise BaselineError where the picture must show a secret, since its sidecar does: a report would hold it."""
        told = json.dumps([baseline.widgets, list(map(str, baseline.layout or ()))], ensure_ascii=False)
        if self.settings.redactor.text(told) != told:
            raise BaselineError(
                "its baseline holds the value of a declared secret: it was approved before that was declared",
                where=target.nodeid,
                next_step=f"change that secret, which is in git's history, then: widgetshot run {target.notebook} "
                "--update-baselines=all",
            )

    def expects(
        self, target: Target, baseline: Baseline | None
    ) -> Callable[[Pixels, tuple[tuple[Box, ...], ...]], bool]:
        """Whether a picture is the baseline's, pixel by pixel outside of the masks; see `CapturePage.capture`."""

        def expected(pixels: Pixels, masks: tuple[tuple[Box, ...], ...]) -> bool:
            return baseline is not None and same(
                baseline.pixels, pixels, [*boxes_of(masks), *_masks_before(target, baseline)]
            )

        return expected

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
            result = self._judge(target, shot, baseline, fingerprint, stage)
        result = replace(result, console=tuple(stage.console), blocked=tuple(stage.blocked))
        if result.key not in self.order:
            self.order.append(result.key)
        return self._keep(result)

    def _judge(
        self, target: Target, shot: Shot, baseline: Baseline | None, fingerprint: Mapping[str, Any], stage: CapturePage
    ) -> Result:
        # Which front ends drew it is known only now that its widgets are.
        fingerprint = {**fingerprint, "widgets": dict(shot.modules)}
        comparison: Comparison | None = None
        renderer: tuple[str, ...] = ()
        if baseline is not None:
            renderer = renderer_changes(baseline.fingerprint, fingerprint)
            comparison = compare(
                baseline.pixels,
                shot.pixels,
                target.tolerance,
                boxes_of(shot.masks),
                _masks_before(target, baseline),
                same_renderer=not renderer,
            )
        verdict, sentence = judge(target, shot, baseline, comparison, renderer)
        traits: tuple[Any, ...] = ()
        if baseline is not None and verdict in (Verdict.CHANGED, Verdict.RESIZED):
            known = baseline.widgets is not None
            traits = trait_changes(baseline.widgets, shot.widgets) if known else ()
            moved = _layout_changes(baseline, shot, brief=bool(traits))
            why = explain(
                traits,
                moved,
                renderer,
                known=known,
                cut=baseline.layout_cut or shot.layout_cut,
                console=len(stage.console),
                blocked=len(stage.blocked),
            )
            sentence = f"{why}; {sentence}" if why else sentence
        return Result(
            target=target,
            key=self.key(target),
            verdict=verdict,
            sentence=sentence,
            shot=shot,
            baseline=baseline,
            comparison=comparison,
            traits=traits,
            fingerprint=fingerprint,
            renderer=renderer,
        )

    def _broken(self, target: Target, error: WidgetshotError, duration: float) -> Result:
        failure = Failure(type(error).__name__, _message(error, target), error.next_step, int(error.exit_code))
        return Result(
            target=target,
            key=self.key(target),
            verdict=Verdict.BROKEN,
            sentence=failure.message,
            failure=failure,
            fingerprint=self.fingerprint,
            duration=duration,
        )

    async def _settle_result(self, result: Result, done: Callable[[Result], None] | None) -> None:
        begin = perf_counter()
        result = await asyncio.to_thread(self._keep, result)
        self._time({"write": perf_counter() - begin}, result.target.notebook)
        if done is not None:
            done(result)
        self._futures[result.key].set_result(result)

    def _keep(self, result: Result) -> Result:
        """Write what is to be written; the pictures are on disk then and leave memory."""
        data: bytes | None = None
        result = _concealed(self._quarantine(result), self.settings.redactor)
        if self._should_update(result):
            result = replace(result, updated=True)
            data = shot_bytes(result)
            try:
                self.store.write(result.key, data, sidecar(result))
            except BaselineError as error:
                broken = self._broken(result.target, error, result.duration)
                result = replace(broken, fingerprint=result.fingerprint, repeat=result.repeat)
                data = None
        if self.recorder is not None:
            self.recorder.add(result, data)
        comparison = result.comparison and replace(result.comparison, diff=None)
        return replace(result, shot=None, baseline=None, comparison=comparison)

    def _quarantine(self, result: Result) -> Result:
        """The result under its target's quarantine, if there is one and the result needs it."""
        quarantine = result.target.quarantine
        infrastructure = result.failure is not None and result.failure.exit_code > ExitCode.DIFFERENCES
        if quarantine is None or result.passed or infrastructure:
            return result
        if quarantine.holds(self._today):
            return replace(result, quarantined=quarantine)
        ended = f"its quarantine ended on {quarantine.until.isoformat()} ({quarantine.reason})"
        return replace(result, sentence=f"{result.sentence}; {ended}")

    def _should_update(self, result: Result) -> bool:
        update = self.settings.update
        if result.shot is None or update == "none" or result.verdict is Verdict.UNSTABLE:
            return False
        return (
            update == "all"
            or result.verdict is Verdict.NEW
            or (update == "changed" and result.verdict in (Verdict.CHANGED, Verdict.RESIZED))
        )


@dataclass
class _MadeFrom:
    """A session, when it began (nanoseconds since the epoch), and what the server said at the end of each time."""

    session: Session
    begin: int
    answers: list[Mapping[str, Any]]


@dataclass
class _Lap:
    """When a session's time was last counted, and what its page had spent on each stage by then."""

    begin: float
    stages: Mapping[str, float] = field(default_factory=dict)


def _renderer(settings: Settings) -> dict[str, Any]:
    """What draws the pictures, without a browser that runs; see `camera.fingerprint`."""
    return fingerprint(settings, identity(find_browser(settings.browser, settings.browser_executable)))


class _Hung(CaptureError):
    """The page's own scripts never end: nothing more can be asked of it."""


async def _in_time(work: Coroutine[Any, Any, T], limit: float) -> T:
    """Await work on a page, whose scripts may never give the word back.

    Args:
        limit: seconds that the work itself allows; some are added for what it does besides waiting.
    """
    try:
        return await asyncio.wait_for(work, limit + _PATIENCE)
    except TimeoutError:
        raise _Hung(
            "the page's scripts do not end, so it does not answer",
            next_step="look for an endless loop in the notebook's JavaScript",
        ) from None


def _of_one_state(target: Target, following: Iterable[Target]) -> Iterator[Target]:
    """Those of the following targets that show what the page shows at the target."""
    return takewhile(lambda one: not one.steps and one.tab == target.tab, following)


def _crashed(stage: CapturePage) -> bool:
    """Whether its page has crashed, or one of its tabs."""
    return any(each.crashed for each in (stage, *stage.tabs.values()))


def _unforeseen(error: Exception) -> WidgetshotError:
    detail = str(error).strip().splitlines()
    return CaptureError(
        f"could not be captured: {type(error).__name__}: {detail[0] if detail else 'no details'}",
        next_step="open the notebook in Jupyter and look at the cell",
    )


def _message(error: WidgetshotError, target: Target) -> str:
    """The error in one sentence; its place only where it is not the target itself."""
    if error.where and error.where != target.nodeid and not target.nodeid.startswith(f"{error.where}::"):
        return f"{error.where}: {error.what}"
    return error.what


def browser_died() -> ServerError:
    """The error of a target whose browser went away."""
    return ServerError(
        "the browser died while its pages were open (out of memory, or somebody ended it)",
        next_step="run it again with fewer notebooks at a time (jobs = 1), and see: widgetshot doctor",
    )


def _without_secrets(error: Exception, redactor: Redactor) -> Exception:
    """The error, or one that says the same without secrets."""
    if not isinstance(error, WidgetshotError):
        text = str(error)
        return error if redactor.text(text) == text else RuntimeError(redactor.text(f"{type(error).__name__}: {text}"))
    what, next_step = redactor.text(error.what), redactor.text(error.next_step)
    if (what, next_step) == (error.what, error.next_step):
        return error
    return type(error)(what, where=error.where, next_step=next_step)


def _concealed(result: Result, redactor: Redactor) -> Result:
    """The result without secrets in all that it says; its shot has none by now."""
    if not redactor:
        return result
    text = redactor.text
    failure = result.failure and replace(
        result.failure, message=text(result.failure.message), next_step=text(result.failure.next_step)
    )
    return replace(
        result,
        target=replace(result.target, source=text(result.target.source)),
        sentence=text(result.sentence),
        failure=failure,
        traits=tuple(
            replace(trait, before=redactor.data(trait.before), after=redactor.data(trait.after))
            for trait in result.traits
        ),
        console=tuple(map(text, result.console)),
        blocked=tuple(map(text, result.blocked)),
    )


def _lacks(notebook: Notebook) -> ServerError:
    names = ", ".join(notebook.missing)
    are = "is" if len(notebook.missing) == 1 else "are"
    return ServerError(
        f"it needs {names}, which {are} not set, and --require-env makes that an error",
        where=notebook.path,
        next_step=f"export {notebook.missing[0]}=... or write it to {ENV_FILE}; without --require-env it is skipped",
    )


def _kernel_died(target: Target) -> NotebookError:
    return NotebookError(
        "the kernel died while its page was open",
        where=target.notebook,
        next_step=f"jupyter execute {target.notebook}",
    )


def _layout_changes(before: Baseline | Shot, after: Shot, *, brief: bool) -> tuple[str, ...] | None:
    """See `widgetshot.verdict.layout.changes`; None where it is not known what was there before."""
    if before.layout is None:
        return None
    return layout_changes(
        before.layout, after.layout, cut_before=before.layout_cut, cut_after=after.layout_cut, brief=brief
    )


def _masks_before(target: Target, baseline: Baseline) -> list[Box]:
    """What the target's masks covered in the baseline."""
    return boxes_of(baseline.masks.get(mask.place, ()) for mask in target.masks)


def _exit_code(result: Result) -> int:
    return result.failure.exit_code if result.failure is not None else ExitCode.DIFFERENCES


def _same_shots(one: Shot, other: Shot) -> bool:
    return same(one.pixels, other.pixels, boxes_of((*one.masks, *other.masks)))


@dataclass
class Repeated:
    """The results of one target under `--repeat`.

    The first two distinct pictures are kept, to show them; of further ones digests, because there may be many. So where
    a selector's masks lie elsewhere from run to run, two that differ under them alone are told apart from the third on.
    """

    result_one: Result | None = None
    shot_two: Shot | None = None
    digests: dict[str, int] = field(default_factory=dict)  # of each further distinct picture -> its place in `counts`
    counts: list[int] = field(default_factory=list)
    runs: int = 0
    first: int = 0
    failed: Result | None = None
    failures: int = 0
    duration: float = 0.0

    def add(self, result: Result) -> None:
        self.runs += 1
        self.duration += result.duration
        if result.shot is None or result.verdict is Verdict.UNSTABLE:
            self.failures += 1
            # What no notebook can be blamed for must not hide behind what one can.
            if self.failed is None or _exit_code(result) > _exit_code(self.failed):
                self.failed = replace(result, sentence=f"in run {self.runs}: {result.sentence}")
            return
        number = self._number(result, result.shot)
        if number == len(self.counts):
            self.counts.append(0)
        self.counts[number] += 1

    def _number(self, result: Result, shot: Shot) -> int:
        """Which of the distinct pictures this is, from 0; the number of those so far if it is another one."""
        if self.result_one is None:
            self.result_one = result
            return 0
        assert self.result_one.shot is not None
        if _same_shots(self.result_one.shot, shot):
            return 0
        if self.shot_two is None:
            self.shot_two, self.first = shot, self.runs
            return 1
        if _same_shots(self.shot_two, shot):
            return 1
        pixels = bare(shot.pixels, boxes_of(shot.masks))
        return self.digests.setdefault(sha256(repr(pixels.shape).encode() + pixels.tobytes()), len(self.counts))

    def result(self) -> Result:
        """What all runs together say."""
        repeat = Repeat(self.runs, tuple(self.counts), self.first)
        if self.failed is not None:
            part = "every run" if self.failures == self.runs else f"{self.failures} of {self.runs} runs"
            result = replace(self.failed, sentence=f"{self.failed.sentence} ({part} failed)")
            return replace(result, repeat=repeat, duration=self.duration)
        assert self.result_one is not None
        result, one, other = self.result_one, self.result_one.shot, self.shot_two
        assert one is not None
        if other is not None:
            comparison = compare(one.pixels, other.pixels, _STRICT, boxes_of(other.masks), boxes_of(one.masks))
            traits = trait_changes(one.widgets, other.widgets)
            moved = _layout_changes(one, other, brief=bool(traits))
            why = explain(traits, moved, (), known=True, cut=one.layout_cut or other.layout_cut)
            result = replace(
                result,
                verdict=Verdict.UNSTABLE,
                sentence=f"{flaky_sentence(repeat, comparison)}; {why}",
                shot=replace(one, settled=False, second=other.pixels),
                comparison=comparison,
                traits=traits,
            )
        else:
            result = replace(result, sentence=f"{result.sentence}; the same picture in {self.runs} runs")
        return replace(result, repeat=repeat, duration=self.duration)
