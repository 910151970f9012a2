"""The things that all sessions in one event loop share."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from widgetshot.baselines.access import Baselines
from widgetshot.project.settings import Settings
from widgetshot.run.hosts import Hosts
from widgetshot.services.manager import Services

T = TypeVar("T")


@dataclass(frozen=True)
class RunContext:
    """The things that all sessions of a run share.

    Attributes:
        baselines: where baselines are read from.
        endings: where kernels end, which takes its time; the next notebook need not wait for it.
        pages: is held by whoever has a page.
    """

    settings: Settings
    hosts: Hosts
    services: Services
    baselines: Baselines
    endings: asyncio.TaskGroup
    pages: asyncio.Semaphore


@asynccontextmanager
async def background_task(work: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """Run work beside what is done inside; leaving waits for its end, and raises nothing of what it raised."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        await asyncio.gather(task, return_exceptions=True)
