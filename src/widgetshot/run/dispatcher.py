"""Sessions in, recorded results out: hands sessions to an executor and keeps what comes of them."""

import asyncio
import contextlib
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractAsyncContextManager, aclosing
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from widgetshot.files import start_encoder
from widgetshot.model import Result, TimeSpent
from widgetshot.project.settings import Settings
from widgetshot.run.accounting import TimeSums
from widgetshot.run.background import BackgroundLoop
from widgetshot.run.causes import redacted_error
from widgetshot.run.changed import PassNotes
from widgetshot.run.recording import Recording
from widgetshot.selection.session import Session, SessionReport
from widgetshot.threads import ready_threads

if TYPE_CHECKING:
    from widgetshot.ports import SessionExecutor

Futures = Mapping[str, Future[Result]]


class Dispatcher:
    """Runs sessions in a background loop. A context manager; leaving it waits until everything has ended.

    An error of a session that comes when all of its results are known has no future to be told by. Leaving the context
    raises the first such error, or adds it as a note to the error with which the context is left.

    Args:
        executor: runs the sessions. It begins and ends with the dispatcher.
        hosts: begins before the executor, and ends after it.
        recording: keeps each result before its future has it.
        notes: learns of each session that has given all of its results.

    Attributes:
        sums: the time that was spent so far.
        renderers: environment -> the fingerprint of what drew its pictures.
    """

    def __init__(
        self,
        settings: Settings,
        loop: BackgroundLoop,
        executor: "SessionExecutor",
        hosts: AbstractAsyncContextManager[Any],
        recording: Recording,
        notes: PassNotes,
    ) -> None:
        self._settings = settings
        self._loop = loop
        self._executor = executor
        self._hosts = hosts
        self._recording = recording
        self._notes = notes
        self.sums = TimeSums()
        self.renderers: dict[str, Mapping[str, Any]] = {}
        # As many as there are sessions whose results may come at the same time.
        self._writers = ready_threads("widgetshot-write", settings.jobs + 1)
        self._submitted: list[tuple[asyncio.Task[None], Futures]] = []
        self._ready = asyncio.Event()
        self._stopped = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._late_errors: list[Exception] = []

    def __enter__(self) -> Self:
        self._ended = self._loop.start(self._main())
        begun: list[Future[Any]] = [self._loop.start(self._ready.wait()), self._ended]
        wait(begun, return_when=FIRST_COMPLETED)
        if self._ended.done():
            self._wait_for_end()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wind_down()
        self._wait_for_end()
        for late in self._late_errors:
            if error is None:
                raise late
            error.add_note(f"besides, a session did not end as it should: {late}")

    def submit(self, session: Session) -> dict[str, Future[Result]]:
        """Begin to run a session.

        Returns:
            The key of each requested target -> its result once that is recorded. A future raises ServerError where the
            server or the browser could not be had, and is cancelled where the run was stopped.
        """
        futures: dict[str, Future[Result]] = {self._settings.key(target): Future() for target in session.targets}
        self._loop.call(self._spawn, session, futures)
        return futures

    def wind_down(self) -> None:
        """Begin to end, as nothing more will be submitted: cancel what has no result yet.

        Nothing is recorded from then on.
        """
        self._loop.start(self._stop()).result()
        self._writers.shutdown()

    def _wait_for_end(self) -> None:
        try:
            self._ended.result()
        except BaseExceptionGroup as group:
            error: BaseException = group
            while isinstance(error, BaseExceptionGroup):
                error = error.exceptions[0]
            raise error from None  # whoever calls knows nothing of task groups

    # What happens in the loop's thread ----------------------------------------------------------------------------

    async def _main(self) -> None:
        async with asyncio.TaskGroup() as self._beside, self._hosts:
            async with self._executor, asyncio.TaskGroup() as self._sessions:
                self._ready.set()
                await self._stopped.wait()
                self._executor.wind_down()
            for _, futures in self._submitted:
                for future in futures.values():
                    future.cancel()
            # Beside the end of the server.
            self._beside.create_task(self._write_notes())

    async def _stop(self) -> None:
        if self._stopped.is_set():
            return  # to cancel a second time would keep sessions from taking their pages down
        for task, futures in self._submitted:
            # One that has given all its results is about to learn what they were made from.
            if not all(future.done() for future in futures.values()):
                task.cancel()
        self._stopped.set()

    async def _write_notes(self) -> None:
        if self._looking is not None:
            await self._looking
        await asyncio.to_thread(self._notes.write)

    def _spawn(self, session: Session, futures: Futures) -> None:
        if self._looking is None:
            # Beside the start of the server, which is mostly waiting.
            self._looking = self._beside.create_task(asyncio.to_thread(self._notes.look))
            self._beside.create_task(asyncio.to_thread(_start_encoder))
        self._submitted.append((self._sessions.create_task(self._run(session, futures)), futures))

    async def _run(self, session: Session, futures: Futures) -> None:
        begin = self._notes.begin(session)
        try:
            async with aclosing(self._executor.run(session)) as events:
                async for event in events:
                    if isinstance(event, Result):
                        await self._record(event, futures)
                    else:
                        self._finish(session, begin, event, futures)
        except asyncio.CancelledError:
            raise
        except BaseException as raised:
            # Whatever it is, nobody may wait for a result for ever: a panic of a library in Rust is no Exception.
            error = raised if isinstance(raised, Exception) else RuntimeError(f"{type(raised).__name__}: {raised}")
            shown = redacted_error(error, self._settings.redactor)
            waiting = [future for future in futures.values() if not future.done()]
            if not waiting:
                self._late_errors.append(shown)
            # Without server or browser no target can have a result: whoever asks for one gets the error.
            for future in waiting:
                future.set_exception(shown)

    async def _record(self, result: Result, futures: Futures) -> None:
        path, spent = result.target.notebook, result.spent or TimeSpent()
        self.sums.add(spent.stages, path, spent.seconds)
        if result.fingerprint:
            renderer = {part: value for part, value in result.fingerprint.items() if part != "widgets"}
            self.renderers[result.key.partition("/")[0]] = renderer
        begin = perf_counter()
        kept = await asyncio.get_running_loop().run_in_executor(self._writers, self._recording.keep, result)
        # Before the result is handed on: whoever has the last one may look at the sums.
        self.sums.add({"write": perf_counter() - begin}, path)
        futures[result.key].set_result(kept)

    def _finish(self, session: Session, begin: int, report: SessionReport, futures: Futures) -> None:
        self.sums.add(report.spent.stages, session.notebook.path, report.spent.seconds)
        if absent := [key for key, future in futures.items() if not future.done()]:
            raise RuntimeError(f"the executor has ended {session.name} without a result of {', '.join(absent)}")
        self._notes.end(session, begin, [future.result() for future in futures.values()], report)


def _start_encoder() -> None:
    # The first picture tells what is wrong.
    with contextlib.suppress(RuntimeError):
        start_encoder()
