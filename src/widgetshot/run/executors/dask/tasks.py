"""The sessions of a run as tasks of Dask: submitted, followed, and submitted once more where their worker dies."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from distributed import Client, Future
from distributed.client import FutureCancelledError
from distributed.scheduler import KilledWorker

from widgetshot.errors import ServerError, WidgetshotError
from widgetshot.redact import Redactor
from widgetshot.run.executors.dask.calls import RESOURCE, WORKER, calling
from widgetshot.run.executors.dask.link import WorkerLink
from widgetshot.run.executors.dask.messages import Event, pack
from widgetshot.selection.session import Session

MAX_STARTS = 2  # of a session whose worker dies
# What cuts a task's name short on Dask's dashboard, and what looks like it.
_HYPHEN, _UNBREAKABLE_HYPHEN = "-", "\u2011"


@dataclass
class SessionTask:
    """A session that was submitted.

    Attributes:
        key: of the task that it is now.
        arrived: what came of it, packed; an error where it can't be run at all, None where its workers have died.
        workers: addresses of those where it has begun, in order.
        worker: of that where it runs; "" where it waits.
        deaths: how often its worker died.
        ended: whether nothing of it runs any more.
    """

    session: Session
    key: str = ""
    arrived: asyncio.Queue[bytes | WidgetshotError | None] = field(default_factory=asyncio.Queue)
    workers: list[str] = field(default_factory=list)
    worker: str = ""
    deaths: int = 0
    ended: bool = False
    future: Future[Any] | None = None
    following: asyncio.Task[None] | None = None


class SessionTasks:
    """The sessions that run.

    Dask is given no more of them than workers may have at a time, and one more for each: what is given to the only
    worker that there is stays with it when others come.

    Args:
        run: what tells the run from others.
        workers: address -> each worker that is given sessions.
        scheduler_gone: is called when there is no scheduler any more.

    Attributes:
        again: address of a worker that has died -> names of the sessions that were run once more therefore.
        failure: why none can be run any more; None as long as they can.
    """

    def __init__(
        self,
        client: Client,
        run: str,
        workers: dict[str, WorkerLink],
        redactor: Redactor,
        scheduler_gone: Callable[[], None],
    ) -> None:
        self._client = client
        self._run = run
        self._workers = workers
        self._redactor = redactor
        self._scheduler_gone = scheduler_gone
        self._count = 0
        self._tasks: dict[str, SessionTask] = {}
        self._given = 0  # sessions that Dask has
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._beside: set[asyncio.Task[Any]] = set()
        self.again: dict[str, list[str]] = {}
        self.failure: WidgetshotError | None = None

    async def submit(self, session: Session) -> SessionTask:
        """Begin to run a session when it is its turn; `close` is to follow.

        Raises:
            ServerError: nothing can be run any more.
        """
        if self.failure is not None:
            raise self.failure
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self.let_in()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._given -= 1
                self.let_in()
            raise
        task = SessionTask(session)
        self._start(task)
        return task

    def _most(self) -> int:
        return max(1, sum(link.slots + 1 for link in self._workers.values()))

    def let_in(self) -> None:
        """Give Dask as many of the sessions that wait as it may have now."""
        while self._waiting and (self.failure is not None or self._given < self._most()):
            turn = self._waiting.popleft()
            if turn.done():
                continue  # it was given up
            if self.failure is not None:
                turn.set_exception(self.failure)
            else:
                self._given += 1
                turn.set_result(None)

    def _start(self, task: SessionTask) -> None:
        self._count += 1
        task.worker = ""
        # Of what stands before the last hyphen the dashboard makes the task's name.
        name = task.session.name.replace(_HYPHEN, _UNBREAKABLE_HYPHEN)
        task.key = f"{name}-{self._run}{self._count:06}"
        task.future = self._client.submit(
            calling(WORKER, "execute"),
            self._run,
            task.key,
            pack(task.session),
            # What a worker has died of is alone on the next one, and nobody else dies with it.
            task.deaths > 0,
            key=task.key,
            resources={RESOURCE: 1, f"{RESOURCE}-{self._run}": 1},
            priority=task.deaths,
            retries=0,
            pure=False,
        )
        self._tasks[task.key] = task
        task.following = asyncio.create_task(self._follow(task, task.future))

    async def _follow(self, task: SessionTask, future: Future[Any]) -> None:
        """Learn what becomes of a task, as far as its worker does not tell it."""
        try:
            done, value = await future
        except FutureCancelledError as error:
            if "connection" in error.reason:
                self._scheduler_gone()
            else:
                self._again(task, future, died=False)
            return
        except KilledWorker:
            # A scheduler may be told to give up at once, also tasks that had not begun.
            self._again(task, future, died=bool(task.worker))
            return
        except Exception as error:
            done, value = False, (type(error).__name__, str(error), "")
        if not done:
            kind, says, next_step = value
            what = self._redactor.text(f"Dask could not run it: {kind}: {says}")
            task.arrived.put_nowait(ServerError(what, where=task.session.name, next_step=next_step))
        elif not value:
            # Its worker had no such run any more, or could not say what came of it.
            self._again(task, future, died=True)

    def _again(self, task: SessionTask, future: Future[Any] | None, *, died: bool) -> None:
        """Submit a session once more, unless two workers have died of it.

        Args:
            future: of the task that came to nothing; another one may have taken its place.
            died: whether its worker has, which may be its fault; else it has left.
        """
        if task.future is not future or task.ended:
            return
        self._tasks.pop(task.key, None)
        task.deaths += died
        following = task.following
        if task.deaths >= MAX_STARTS:
            task.ended = True
            task.arrived.put_nowait(None)
        else:
            self.again.setdefault(task.worker, []).append(task.session.name)
            self._start(task)
        # Dask may have begun to run the old one elsewhere.
        self._do(self._forget(future, following))

    async def _forget(self, future: Future[Any] | None, following: asyncio.Task[None] | None) -> None:
        if following is not None and following is not asyncio.current_task():
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        if future is not None:
            with contextlib.suppress(Exception):  # there may be no scheduler any more
                await self._client.cancel([future])

    def arrived(self, link: WorkerLink, event: Event) -> None:
        """Take something that has happened on a worker."""
        task = self._tasks.get(event.session)
        if event.data is not None:
            if task is not None and task.worker == link.address:
                task.arrived.put_nowait(event.data)
        elif task is not None and not task.worker:
            task.worker = link.address
            task.workers.append(link.address)
        else:
            # It was given up, or Dask knows before us that its worker has died.
            self._do(self._stop(link, event.session))
            if task is not None:
                self._again(task, task.future, died=True)

    async def _stop(self, link: WorkerLink, key: str) -> None:
        with contextlib.suppress(Exception):  # whoever is gone runs nothing
            await link.stop_session(key)

    def lost(self, address: str, *, died: bool) -> None:
        """Take it that a worker is not there any more: what it had begun is run once more.

        Args:
            died: whether it has; else it has left in order.
        """
        for task in [task for task in self._tasks.values() if task.worker == address]:
            self._again(task, task.future, died=died)

    def once_more(self, task: SessionTask) -> bool:
        """Tell whether a session may run once more, whose worker can't run it and will be given up."""
        if task.deaths + 1 >= MAX_STARTS or not self._workers.keys() - {task.worker}:
            return False
        task.deaths += 1
        return True

    def fail(self, failure: WidgetshotError) -> None:
        """Give up all sessions: they can't be run any more."""
        if self.failure is None:
            self.failure = failure
            for task in self._tasks.values():
                task.arrived.put_nowait(failure)
            self.let_in()

    async def close(self, task: SessionTask) -> None:
        """Forget a session; where it still runs it is ended, and that is waited for."""
        self._tasks.pop(task.key, None)
        stops, task.ended = not task.ended, True
        try:
            if self.failure is None:
                await self._forget(task.future, task.following)
                if stops and (link := self._workers.get(task.worker)) is not None:
                    await self._stop(link, task.key)
            elif task.following is not None:
                task.following.cancel()
        finally:
            self._given -= 1
            self.let_in()

    async def end(self) -> None:
        """End what was begun beside."""
        for work in self._beside:
            work.cancel()
        await asyncio.gather(*self._beside, return_exceptions=True)

    def _do(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)
