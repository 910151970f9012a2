"""The worker's side of scale.py: what `widgetshot.run.executors.dask.worker` does, with sessions that only sleep.

The client calls these functions by their names. All of them are that module's own but `begin`: it makes a run without
server and browser, whose sessions wait as long as they once took, and give what came of them then. Events, what they
wait for, batches and resources are the real ones.
"""

import asyncio
import os
import pickle
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from distributed import Worker

from widgetshot.model import Result
from widgetshot.project.settings import THIS_PLATFORM
from widgetshot.run.executors.dask.calls import RESOURCE
from widgetshot.run.executors.dask.environment import installed_front_ends, machine
from widgetshot.run.executors.dask.messages import Description, Event, Order, pack_outcome, unpack
from widgetshot.run.executors.dask.worker import (
    WorkerRun,
    add_environment,
    differing,
    enable,
    end,
    execute,
    has_run,
    identify,
    missing_files,
    stop_session,
    take_events,
    take_files,
)
from widgetshot.run.hosts import expected_renderer
from widgetshot.selection.session import Session, SessionReport

__all__ = [
    "add_environment",
    "begin",
    "differing",
    "enable",
    "end",
    "execute",
    "has_run",
    "identify",
    "missing_files",
    "stop_session",
    "take_events",
    "take_files",
]

VARIABLE = "WIDGETSHOT_SCALE_RECORDED"  # names the file of `recorded`


@dataclass(frozen=True)
class Recorded:
    """A session that was run once, with what came of it.

    Attributes:
        seconds: how long it took.
        results: all of them matches; what is left of their pictures is one pixel, as they would not travel.
    """

    session: Session
    seconds: float
    results: tuple[Result, ...]
    report: SessionReport


@dataclass(frozen=True)
class ReplayedSession(Session):
    """A session that sleeps.

    Attributes:
        number: of that which was recorded.
        seconds: how long it is to take.
    """

    number: int = 0
    seconds: float = 0.0


@cache
def recorded() -> list[Recorded]:
    """Return what was recorded, the same file for client and workers."""
    found: list[Recorded] = pickle.loads(Path(os.environ[VARIABLE]).read_bytes())
    return found


@cache
def packed(number: int) -> tuple[bytes, ...]:
    """Return what came of a recorded session, as it travels."""
    once = recorded()[number]
    return *map(pack_outcome, once.results), pack_outcome(once.report)


class SleepingRun(WorkerRun):
    """A run on a worker without server and browser: its sessions take as long as they are to.

    What comes of them is packed once and for all, so that this machine's few processors do not do the work of many.
    """

    async def _main(self) -> None:
        self._ready.set_result(None)
        await self._ending.wait()
        await self._told()
        for session in self._sessions.values():
            session.cancel()
        await asyncio.gather(*self._sessions.values(), return_exceptions=True)

    async def ready(self) -> Description:
        """Return what the client can't refuse: nothing is drawn."""
        renderer = await asyncio.to_thread(expected_renderer, self.settings)
        return Description(renderer, installed_front_ends(), THIS_PLATFORM, machine())

    async def _execute(self, key: str, session: Session, *, alone: bool) -> bool:  # noqa: ARG002
        """Give results in equal distances, the last one and the report at the end."""
        assert isinstance(session, ReplayedSession)
        loop = asyncio.get_running_loop()
        begin, outcomes = loop.time(), packed(session.number)
        await self._put(Event(key))
        for index, data in enumerate(outcomes, 1):
            due = begin + session.seconds * min(1.0, index / (len(outcomes) - 1))
            if (rest := due - loop.time()) > 0:
                await asyncio.sleep(rest)
            await self._put(Event(key, data))
        return True


async def begin(worker: Worker, packed: bytes, shipped: bytes | None, anchor: str) -> bytes:
    """Begin a run, see `worker.begin`; the project must be where the client has it."""
    assert shipped is None
    order = unpack(packed, Order)
    await asyncio.to_thread(recorded)
    here = replace(order, settings=replace(order.settings, jobs=worker.state.nthreads))
    run = await asyncio.to_thread(lambda: SleepingRun(worker, here, anchor, shipped=False))
    await worker.plugin_add(plugin=run, name=f"{RESOURCE}-{order.run}")
    return pickle.dumps(await run.ready())
