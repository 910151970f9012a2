"""The workers of a Dask cluster: each that there is, or comes, is looked at, and used if it draws as it should."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from widgetshot.errors import ServerError, WidgetshotError
from widgetshot.model import ServiceUsage
from widgetshot.run.executors.dask.connection import Connection
from widgetshot.run.executors.dask.link import Refused, Shared, WorkerGone, WorkerLink, unlike
from widgetshot.run.executors.dask.messages import Description
from widgetshot.run.executors.dask.tasks import SessionTasks

_LOOK_S = 1.0  # between two looks at which workers there are
_PATIENCE_S = 5.0  # after which it is told that there is no worker


class Workers:
    """The workers of a run.

    Args:
        links: address -> each worker that is given sessions; this adds and removes them.
        tasks: what runs on them.
        this: how this machine would draw; None where workers only have to draw alike.
        timeout: seconds for which there may be no worker.
        announce: tells whoever waits something at once.

    Attributes:
        variables: those that kernels get from the client.
        notices: what is to be known of workers, in sentences.
        usage: of services, by worker.
    """

    def __init__(
        self,
        connection: Connection,
        shared: Shared,
        links: dict[str, WorkerLink],
        tasks: SessionTasks,
        this: Description | None,
        variables: Mapping[str, str],
        *,
        timeout: float,
        announce: Callable[[str], None],
    ) -> None:
        self._connection = connection
        self._shared = shared
        self.links = links
        self._sessions = tasks
        self._reference = this
        self._reference_of = "this machine"
        self.variables = dict(variables)
        self._timeout = timeout
        self._announce = announce
        self._known: set[str] = set()
        self._begun: dict[str, WorkerLink] = {}  # where the run may have begun
        self._looking: set[str] = set()
        self._refused: dict[str, str] = {}
        self._told: dict[str, tuple[str, ...]] = {}
        self._gone: dict[str, str] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._changed = asyncio.Event()
        self.usage: dict[str, Mapping[str, ServiceUsage]] = {}
        self._start(self._look())
        self._start(self._miss())

    @property
    def notices(self) -> list[str]:
        """What is to be known of them, in sentences."""
        found = []
        for address, how in self._gone.items():
            names = ", ".join(self._sessions.again.get(address, ()))
            if names or how != "left":
                found.append(
                    f"the worker {address} {how}" + (f"; run once more on another one: {names}" if names else "")
                )
        found += [f"the worker {address} was not used: {why}" for address, why in sorted(self._refused.items())]
        return [*found, *(notice for told in self._told.values() for notice in told)]

    async def add_variables(self, variables: Mapping[str, str]) -> None:
        """Have kernels get further variables."""
        self.variables.update(variables)
        for link in list(self.links.values()):
            with contextlib.suppress(WorkerGone, WidgetshotError):
                await link.add_environment(variables)

    async def stop(self) -> None:
        """Look at no worker any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def end(self) -> dict[str, str]:
        """End the run wherever it may have begun.

        Returns:
            Address -> what its server has logged.
        """
        there = await self._connection.client.nthreads()
        links = [link for address, link in self._begun.items() if address in there]
        logs = await asyncio.gather(*(link.end() for link in links), return_exceptions=True)
        return {link.address: log for link, log in zip(links, logs, strict=True) if isinstance(log, str) and log}

    async def give_up(self, address: str, reason: str) -> None:
        """Use a worker no more that can't run anything."""
        link = self.links.pop(address, None)
        if link is not None:
            self._refused[address] = reason
            await self._end(link)
        self._sessions.lost(address, died=False)

    async def _end(self, link: WorkerLink) -> None:
        with contextlib.suppress(WorkerGone, WidgetshotError):
            await link.end()

    # Which there are ------------------------------------------------------------------------------------------------

    async def _miss(self) -> None:
        """Tell when there is no worker, and give up when there is none for too long."""
        loop = asyncio.get_running_loop()
        while True:
            begin, told = loop.time(), False
            while not self.links:
                self._changed.clear()
                waited = loop.time() - begin
                if (reason := self._all_refused()) or waited >= self._timeout:
                    self._sessions.fail(reason or self._none_came())
                    return
                if not told and waited >= _PATIENCE_S:
                    told = True
                    self._announce(f"waiting for a worker of {self._connection.place}")
                await self._change((self._timeout if told else min(self._timeout, _PATIENCE_S)) - waited)
            self._changed.clear()
            await self._change(None)

    async def _change(self, seconds: float | None) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    def _all_refused(self) -> ServerError | None:
        refused = {address: why for address, why in self._refused.items() if address in self._known}
        if not refused or self._looking or len(refused) < self._connection.workers:
            return None
        listed = "".join(f"\n  {address}: {why}" for address, why in sorted(refused.items()))
        return ServerError(
            f"no worker of {self._connection.place} can be used:{listed}",
            next_step="install there what is here: the same Python, packages and browser",
        )

    def _none_came(self) -> ServerError:
        return ServerError(
            f"{self._connection.place} had no worker for {self._timeout:g} s",
            next_step="look at its logs; [tool.widgetshot.dask] timeout says how long to wait",
        )

    async def _look(self) -> None:
        client = self._connection.client
        while True:
            try:
                there = await client.nthreads()
            except (OSError, ValueError):
                self._sessions.fail(self._connection.scheduler_gone())
                return
            for address in there.keys() - self._known:
                self._known.add(address)
                self._looking.add(address)
                self._start(self._prepare(WorkerLink(client, address, self._shared)))
            # Another one may come with its address.
            self._known -= self._refused.keys() - there.keys()
            await asyncio.sleep(_LOOK_S)

    async def _prepare(self, link: WorkerLink) -> None:
        """Give a worker the project, and sessions if it draws as it should."""
        try:
            self._begun[link.address] = link
            description = await link.begin()
            if reason := self._unlike(link, description):
                raise Refused(reason)
            # From now on it is told of further variables, too.
            self.links[link.address] = link
            await link.add_environment(self.variables)
            await link.enable()
            self._refused.pop(link.address, None)
            self._start(self._pump(link))
            self._sessions.let_in()
        except WorkerGone:
            self.links.pop(link.address, None)
            self._known.discard(link.address)
        except Exception as error:  # whatever it is, it must not be lost without a word
            self.links.pop(link.address, None)
            ours = isinstance(error, Refused | WidgetshotError)
            self._refused[link.address] = str(error) if ours else f"{type(error).__name__}: {error}"
            await self._end(link)
        finally:
            self._looking.discard(link.address)
            self._changed.set()

    def _unlike(self, link: WorkerLink, description: Description) -> str:
        if self._reference is None:
            self._reference, self._reference_of = description, f"the worker {link.address}"
        return unlike(self._reference, description, of=self._reference_of)

    # What happens on them -------------------------------------------------------------------------------------------

    async def _pump(self, link: WorkerLink) -> None:
        """Take what happens on a worker, until it ends."""
        how = "died"
        while True:
            try:
                batch = await link.take()
            except (WorkerGone, WidgetshotError):
                if await self._goes_on(link):
                    continue
                break
            self.usage[link.address] = batch.usage
            self._told[link.address] = batch.notices
            for event in batch.events:
                self._sessions.arrived(link, event)
            if batch.ended:
                how = "left"
                break
        self.links.pop(link.address, None)
        self._known.discard(link.address)
        if link.address not in self._refused:
            self._gone[link.address] = how
        self._sessions.lost(link.address, died=how == "died")
        self._changed.set()

    async def _goes_on(self, link: WorkerLink) -> bool:
        """Tell whether a worker that did not answer goes on with the run."""
        asking = asyncio.create_task(link.has_run())
        try:
            # To one that is gone the scheduler tries to connect for long, but it knows soon that it has lost it.
            while link.address in await self._connection.client.nthreads():
                if (await asyncio.wait({asking}, timeout=_LOOK_S))[0]:
                    return asking.result()
            return False
        except (OSError, ValueError, WorkerGone, WidgetshotError):
            return False
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
