"""The part of a run that a worker of a Dask cluster does: one server and one browser for all sessions that it is given.

The client calls the functions at the end by their names, see `calls`. None of them raises: what a function of a worker
raises is logged there with its arguments, among which there are secrets.
"""

import asyncio
import contextlib
import os
import pickle
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from distributed import Worker, WorkerPlugin
from distributed.core import Status

from widgetshot.baselines.stores import open_baselines
from widgetshot.errors import BaselineError, ConfigError, ServerError
from widgetshot.files import LOCAL_FOLDER
from widgetshot.model import Result
from widgetshot.project.loading import load_settings
from widgetshot.project.settings import THIS_PLATFORM, Settings
from widgetshot.redact import Redactor, secret_values
from widgetshot.report.folder import SERVER_LOG
from widgetshot.run.background import BackgroundLoop
from widgetshot.run.executors.dask.calls import RESOURCE
from widgetshot.run.executors.dask.environment import code_version, installed_front_ends, machine
from widgetshot.run.executors.dask.messages import (
    Batch,
    Description,
    Event,
    Order,
    pack_outcome,
    unpack,
)
from widgetshot.run.executors.dask.shipment import FileStore
from widgetshot.run.executors.local import LocalExecutor
from widgetshot.run.hosts import Hosts
from widgetshot.run.verdicts import redacted
from widgetshot.selection.session import Session
from widgetshot.services.manager import Services

_MIN_WAITING, _WAITING_EACH = 16, 4  # events that nobody has taken, in all and for each session; then sessions wait
# Whether a worker's own command line says how many sessions it may have.
_DECLARED: WeakKeyDictionary[Worker, bool] = WeakKeyDictionary()
_ANSWER_S = 15.0  # after which the client is told that nothing has happened


class WorkerRun(WorkerPlugin):
    """A run on a worker, which ends with it. Its methods are called in the worker's event loop.

    Args:
        worker: where it is.
        order: with the paths of this machine.
        anchor: key of a datum that the worker holds as long as the client does.
        shipped: whether the project is a copy that was made for the run.
    """

    def __init__(self, worker: Worker, order: Order, anchor: str, *, shipped: bool) -> None:
        self._worker = worker
        self._order = order
        self._anchor = anchor
        self._shipped = shipped
        # Removed with the worker's own, also where that is killed.
        self._folder = Path(tempfile.mkdtemp(prefix="widgetshot-", dir=worker.local_directory))
        self._log = self._folder / SERVER_LOG
        settings = order.settings
        self._services = Services(settings.services, settings.redactor.values, order.services)
        self._environment = dict(order.environment)
        self._hosts = Hosts(
            settings, server_log=self._log if settings.debug else None, kernel_environment=self._environment
        )
        self._loop = BackgroundLoop()
        self._loop.__enter__()
        self._sessions: dict[str, asyncio.Task[bool]] = {}
        self._alone = asyncio.Lock()
        self._side_by_side = asyncio.Condition()
        self._beginners = 0  # sessions that run side by side
        self._first = 0
        self._events: list[Event] = []
        self._most = max(_MIN_WAITING, _WAITING_EACH * _slots(worker))
        self._changed = asyncio.Condition()
        self._ending = asyncio.Event()
        self._ready: Future[None] = Future()
        self._ended: Future[None] = self._loop.start(self._main())
        self._closed: Future[str] | None = None
        self._forgotten: asyncio.Future[str] | None = None

    @property
    def settings(self) -> Settings:
        """The settings of the run on this machine."""
        return self._order.settings

    @property
    def ending(self) -> bool:
        """Whether it ends, or has ended."""
        return self._ending.is_set()

    @property
    def log(self) -> str:
        """What the server has logged, once the run has ended; "" unless that was asked for."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.is_file() else ""

    # In the worker's loop -------------------------------------------------------------------------------------------

    async def teardown(self, worker: Worker) -> None:  # noqa: ARG002
        """End everything: the worker closes, or the run has ended."""
        await self.close()

    def transition(self, key: Any, start: Any, finish: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """End the run when its client has gone without a word: nobody holds what the client has left here."""
        if key == self._anchor and finish in ("released", "forgotten") and self._forgotten is None:
            self._forgotten = asyncio.ensure_future(end(self._worker, self._order.run))

    async def ready(self) -> Description:
        """Wait until sessions can be run; describe what draws them.

        Raises:
            ServerError, ConfigError, BaselineError: they can't be.
        """
        await asyncio.wait(
            [asyncio.wrap_future(self._ready), asyncio.wrap_future(self._ended)], return_when=asyncio.FIRST_COMPLETED
        )
        if not self._ready.done():
            self._ended.result()
        # Only a browser that runs says what it is.
        pool = await self.call(self._hosts.browser())
        front_ends = await asyncio.to_thread(installed_front_ends)
        return Description(dict(pool.fingerprint), front_ends, THIS_PLATFORM, machine())

    async def close(self) -> str:
        """End everything.

        Returns:
            What the server has logged.
        """
        if self._closed is None:
            self._closed = Future()
            self._loop.call(self._ending.set)
            await asyncio.wait([asyncio.wrap_future(self._ended)])
            self._closed.set_result(await asyncio.to_thread(self._clean))
        return await asyncio.wrap_future(self._closed)

    def _clean(self) -> str:
        self._services.close()
        self._loop.__exit__(None, None, None)
        log = self.log
        shutil.rmtree(self._folder, ignore_errors=True)
        return log

    async def call(self, work: Any) -> Any:
        """Run a coroutine in the loop of the run."""
        return await asyncio.wrap_future(self._loop.start(work))

    def add_environment(self, variables: Mapping[str, str]) -> None:
        """Have kernels that start from now on get further variables."""
        self._environment.update(variables)

    # In the run's loop ----------------------------------------------------------------------------------------------

    async def _main(self) -> None:
        settings = self.settings
        baselines = open_baselines(settings, finish=False)
        # While the client still looks whether this worker will do.
        starting = [asyncio.create_task(start) for start in (self._hosts.frontend(), self._hosts.browser())]
        try:
            async with (
                self._hosts,
                LocalExecutor(settings, self._hosts, self._services, baselines, ahead=True) as executor,
            ):
                self._executor = executor
                self._ready.set_result(None)
                await self._ending.wait()
                await self._told()
                for session in self._sessions.values():
                    session.cancel()
                await asyncio.gather(*self._sessions.values(), *starting, return_exceptions=True)
                executor.wind_down()
        finally:
            # Nobody reads what they raise: sessions ask for the same, and tell.
            await asyncio.gather(*starting, return_exceptions=True)

    async def _told(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def execute(self, key: str, session: Session, *, alone: bool) -> bool:
        """Run a session; what comes of it is for `take`.

        Args:
            alone: whether no other session is to run here meanwhile.

        Returns:
            Whether all that came of it is, or was, there to be taken.
        """
        task = self._sessions[key] = asyncio.create_task(self._execute(key, session, alone=alone))
        try:
            await asyncio.wait({task})
            return not task.cancelled() and task.exception() is None and task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            del self._sessions[key]

    async def _execute(self, key: str, session: Session, *, alone: bool) -> bool:
        async with self._place(alone=alone):
            await self._put(Event(key))
            try:
                if self._shipped and (self.settings.cost or session.notebook.cost):
                    self._refuse_costs()
                async with aclosing(self._executor.run(session)) as outcomes:
                    async for outcome in outcomes:
                        clean = redacted(outcome, self.settings.redactor) if isinstance(outcome, Result) else outcome
                        await self._put(Event(key, await asyncio.to_thread(pack_outcome, clean)))
            except Exception as error:
                await self._put(Event(key, pack_outcome(self._of_this_worker(error))))
        return True

    @asynccontextmanager
    async def _place(self, *, alone: bool) -> AsyncIterator[None]:
        """Hold a place for a session: beside others, or alone."""
        async with self._alone:
            if alone:
                async with self._side_by_side:
                    await self._side_by_side.wait_for(lambda: self._beginners == 0)
                yield
                return
            self._beginners += 1
        try:
            yield
        finally:
            async with self._side_by_side:
                self._beginners -= 1
                self._side_by_side.notify_all()

    def _of_this_worker(self, error: Exception) -> Exception:
        """Return an error as the client may have it: it can travel, holds no secret, and says where it comes from."""
        text = self.settings.redactor.text
        if isinstance(error, ServerError | ConfigError | BaselineError):
            what = text(f"{error.what} (on the worker {self._worker.address})")
            return type(error)(what, where=error.where, next_step=text(error.next_step))
        return ServerError(text(f"{type(error).__name__}: {error} (on the worker {self._worker.address})"))

    def _refuse_costs(self) -> None:
        """Let kernels spend nothing: sums that are kept in a copy of the project are nobody's."""
        folder = self.settings.root / LOCAL_FOLDER
        folder.mkdir(exist_ok=True)
        (folder / "cost.json").write_text("counted where the project is, and not in this copy of it", encoding="utf-8")

    async def _put(self, event: Event) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._events) < self._most or self._ending.is_set())
            self._events.append(event)
            self._changed.notify_all()

    async def take(self, after: int) -> Batch:
        """Return the events from a number on; wait for one. Those before it are known to have arrived."""
        async with self._changed:
            arrived = min(max(0, after - self._first), len(self._events))
            del self._events[:arrived]
            self._first += arrived
            self._changed.notify_all()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ANSWER_S):
                    await self._changed.wait_for(lambda: self._events or self._ending.is_set())
            usage = {name: replace(used) for name, used in self._services.usage.items()}
            notices = tuple(f"{notice} (on the worker {self._worker.address})" for notice in self._hosts.notices)
            return Batch(self._first, tuple(self._events), usage, notices, self._ending.is_set())

    async def stop(self, key: str) -> None:
        """End a session, if it runs here."""
        if (task := self._sessions.get(key)) is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _name(run: str) -> str:
    return f"{RESOURCE}-{run}"


def _run(worker: Worker, run: str) -> WorkerRun | None:
    found = worker.plugins.get(_name(run))
    return found if isinstance(found, WorkerRun) else None


def _files(worker: Worker) -> FileStore:
    return FileStore(Path(worker.local_directory) / "widgetshot")


# What the client calls ----------------------------------------------------------------------------------------------


async def identify(worker: Worker) -> str:  # noqa: ARG001
    """Return the version of widgetshot that is here."""
    return await asyncio.to_thread(code_version)


async def differing(worker: Worker, root: str, packed: bytes) -> list[str]:  # noqa: ARG001
    """Return the paths of those files of a project that are not the same in a folder here."""
    files = pickle.loads(packed)
    return list(await asyncio.to_thread(files.differing, Path(root)))


async def missing_files(worker: Worker, digests: Sequence[str]) -> list[str]:
    """Return those of some files, by their sha256, that this worker was never given."""
    return await asyncio.to_thread(_files(worker).missing, digests)


async def take_files(worker: Worker, files: Mapping[str, bytes]) -> None:
    """Keep files, by their sha256."""
    await asyncio.to_thread(_files(worker).add, files)


async def begin(worker: Worker, packed: bytes, shipped: bytes | None, anchor: str) -> bytes:
    """Begin a run: server and browser start.

    Args:
        packed: the `Order`.
        shipped: the project's files, where it is to be made of those that were given; None where it is in its place.
        anchor: key of a datum that the worker holds as long as the client does.

    Returns:
        The `Description` of the worker, pickled.
    """
    order = await asyncio.to_thread(unpack, packed, Order)
    settings = await asyncio.to_thread(_settings_here, worker, order, shipped)
    here = replace(order, settings=settings)
    made = await asyncio.to_thread(lambda: WorkerRun(worker, here, anchor, shipped=shipped is not None))
    await worker.plugin_add(plugin=made, name=_name(order.run))
    try:
        description = await made.ready()
        if anchor not in worker.state.tasks:
            raise ServerError("the run has ended")
    except BaseException:
        await end(worker, order.run)
        raise
    return pickle.dumps(description)


def _settings_here(worker: Worker, order: Order, shipped: bytes | None) -> Settings:
    """Return the settings with the paths of this machine, made where the project is shipped."""
    settings = order.settings
    if shipped is not None:
        root = _files(worker).make(order.run, pickle.loads(shipped))
        there = settings.root

        def moved(path: Path) -> Path:
            return root / path.relative_to(there) if path.is_relative_to(there) else path

        settings = replace(
            settings,
            root=root,
            baselines=moved(settings.baselines),
            report=moved(settings.report),
            fonts=tuple(map(moved, settings.fonts)),
            # They may name files of the project.
            services=load_settings(root).services,
        )
    # What a worker's own variables hold is as secret as what the client's do.
    own = secret_values(settings.secrets, os.environ, "the worker's environment")
    redactor = Redactor((*settings.redactor.values, *own))
    return replace(settings, redactor=redactor, jobs=1 if order.one_page else _slots(worker))


def _slots(worker: Worker) -> int:
    """Return how many sessions a worker may have at a time: Dask gives it no more than it has threads."""
    declared = worker.state.total_resources.get(RESOURCE, 0)
    return max(1, min(int(declared or worker.state.nthreads), worker.state.nthreads))


async def enable(worker: Worker, run: str) -> int:
    """Let the scheduler give sessions of a run to this worker; return how many at a time."""
    slots = _slots(worker)
    _DECLARED.setdefault(worker, RESOURCE in worker.state.total_resources)
    own = {} if _DECLARED[worker] else {RESOURCE: slots}
    await worker.set_resources(**own, **{_name(run): slots})
    if worker.status == Status.running:
        # The scheduler looks at sessions that no worker could take when one begins to run, and not when it has more
        # resources than before.
        worker.status = Status.paused
        worker.status = Status.running
    return slots


async def execute(worker: Worker, run: str, key: str, packed: bytes, alone: bool) -> bool:
    """Run a session: the task that Dask schedules; see `WorkerRun.execute`. False where there is no such run."""
    found = _run(worker, run)
    if found is None:
        return False
    session = await asyncio.to_thread(unpack, packed, Session)
    return bool(await found.call(found.execute(key, session, alone=alone)))


async def has_run(worker: Worker, run: str) -> bool:
    """Tell whether a run goes on here."""
    found = _run(worker, run)
    return found is not None and not found.ending


async def take_events(worker: Worker, run: str, after: int) -> Batch | None:
    """Return what has happened since; see `WorkerRun.take`. None where there is no such run."""
    found = _run(worker, run)
    if found is None:
        return None
    batch = await found.call(found.take(after))
    assert isinstance(batch, Batch)
    return batch


async def add_environment(worker: Worker, run: str, packed: bytes) -> None:
    """Give kernels further variables."""
    if (found := _run(worker, run)) is not None:
        found.add_environment(pickle.loads(packed))


async def stop_session(worker: Worker, run: str, key: str) -> None:
    """End a session, if it runs here, and wait for that."""
    if (found := _run(worker, run)) is not None:
        await found.call(found.stop(key))


async def end(worker: Worker, run: str) -> str:
    """End a run.

    Returns:
        What its server has logged.
    """
    found, name = _run(worker, run), _name(run)
    try:
        return await found.close() if found is not None else ""
    finally:
        if worker.plugins.get(name) is found:
            worker.plugins.pop(name, None)
        await _disable(worker, name)
        await asyncio.to_thread(_files(worker).remove, run)


async def _disable(worker: Worker, name: str) -> None:
    """Take a run's resource from a worker, and after the last run also the one that nobody has declared."""
    others = any(isinstance(plugin, WorkerRun) for plugin in worker.plugins.values())
    gone = [name] if others or _DECLARED.get(worker, True) else [name, RESOURCE]
    gone = [one for one in gone if one in worker.state.total_resources]
    with contextlib.suppress(Exception):  # there may be no scheduler any more
        await worker.set_resources(**dict.fromkeys(gone, 0))
    for one in gone:
        worker.state.total_resources.pop(one, None)
        worker.state.available_resources.pop(one, None)
