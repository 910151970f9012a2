"""Sessions on a Dask cluster, whose scheduler decides which worker executes which."""

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from widgetshot.baselines.access import Baselines
from widgetshot.errors import ServerError, WidgetshotError
from widgetshot.model import Result, ServiceUsage, TimeSpent
from widgetshot.project.cluster import Cluster, DaskOptions
from widgetshot.project.project_files import ProjectFile, ProjectFiles, folder_files, project_files
from widgetshot.project.settings import THIS_PLATFORM, Settings
from widgetshot.run.executors.dask.calls import RESOURCE
from widgetshot.run.executors.dask.connection import Connection, class_of, connect
from widgetshot.run.executors.dask.environment import code_version, installed_front_ends, machine
from widgetshot.run.executors.dask.link import Shared, WorkerLink
from widgetshot.run.executors.dask.messages import Description, Order, pack, unpack_outcome
from widgetshot.run.executors.dask.tasks import SessionTask, SessionTasks
from widgetshot.run.executors.dask.workers import Workers
from widgetshot.run.hosts import Hosts
from widgetshot.run.verdicts import broken
from widgetshot.selection.session import Session, SessionReport
from widgetshot.services.manager import Services

_END_TIMEOUT_S = 60.0
_START_GRACE_S = 15.0
_SERVICE_ADDRESS = "WIDGETSHOT_SERVICE_*_URL"


@dataclass(frozen=True)
class _Connected:
    """A cluster that is used.

    Attributes:
        here: what tells this machine from others; "" where what is read elsewhere says nothing of this one.
    """

    connection: Connection
    workers: Workers
    tasks: SessionTasks
    here: str


class DaskExecutor:
    """Runs sessions on workers of a Dask cluster; see `widgetshot.ports.SessionExecutor`.

    The cluster is connected to, or started, when the first session is run. A worker is given sessions once it has shown
    that it draws as it should and has the project. A session whose worker dies is run once more, on another one.

    Args:
        baselines: the client's, where pictures are that need not travel.
        services: whose account gets what workers have used.
        server_log: a file that gets what servers have logged, when they have ended; None for none.
        announce: tells whoever waits something at once.

    Raises:
        ConfigError: there is no such class of clusters. To be made in the main thread.
    """

    def __init__(
        self,
        settings: Settings,
        cluster: Cluster,
        baselines: Baselines,
        services: Services,
        *,
        server_log: Path | None = None,
        announce: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._cluster = cluster
        self._kind = class_of(cluster)
        self._baselines = baselines
        self._services = services
        self._server_log = server_log
        self._announce = announce
        self._run = str(secrets.randbelow(10**12))
        self._connecting: asyncio.Task[_Connected] | None = None
        self._connected: _Connected | None = None

    @property
    def notices(self) -> list[str]:
        """What is to be known besides the results, in sentences."""
        if (connected := self._connected) is None:
            return []
        connection, workers = connected.connection, connected.workers
        found = workers.notices
        if workers.variables and not connection.encrypted:
            found.append(
                f"the connection to {connection.place} is not encrypted, and the values of {len(workers.variables)} "
                "variables (.env.test, 'secrets', requires_env) went over it"
            )
        return [self._settings.redactor.text(notice) for notice in found]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connecting is None:
            return
        if not self._cluster.address:
            # What is interrupted while it starts leaves behind what it had begun.
            await asyncio.wait({self._connecting}, timeout=_START_GRACE_S)
        self._connecting.cancel()
        await asyncio.gather(self._connecting, return_exceptions=True)
        if (connected := self._connected) is None:
            return
        await connected.workers.stop()
        await connected.tasks.end()
        # Workers without a scheduler end by themselves.
        gone = not connected.connection.connected
        if not gone:
            await self._end_everywhere(connected)
        await connected.connection.close(gone=gone)

    def wind_down(self) -> None:
        """See `SessionExecutor.wind_down`."""

    async def run(self, session: Session) -> AsyncGenerator[Result | SessionReport, None]:
        """See `SessionExecutor.run`. What two workers in turn have died of is `broken`."""
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect())
        connected = await asyncio.shield(self._connecting)
        needed = {name: os.environ[name] for name in session.notebook.requires_env if name in os.environ}
        if more := {name: value for name, value in needed.items() if name not in connected.workers.variables}:
            await connected.workers.add_variables(more)
        task = await connected.tasks.submit(session)
        try:
            missing = {target.name: target for target in session.targets}
            while (arrived := await task.arrived.get()) is not None:
                if isinstance(arrived, WidgetshotError):
                    raise arrived
                outcome = await asyncio.to_thread(unpack_outcome, arrived, self._baselines)
                if isinstance(outcome, Exception):
                    if not isinstance(outcome, ServerError) or not connected.tasks.once_more(task):
                        raise outcome
                    await connected.workers.give_up(task.worker, outcome.what)
                elif isinstance(outcome, SessionReport):
                    task.ended = True
                    self._account(connected.workers.usage)
                    yield _seen_here(outcome, connected.workers.links.get(task.worker), connected.here)
                    return
                # One that came from a worker that has died since comes once more.
                elif missing.pop(outcome.target.name, None) is not None:
                    yield outcome
            for target in missing.values():
                yield broken(target, self._settings.key(target), _died(task))
            yield SessionReport(TimeSpent(), (None,) * session.repeat)
        finally:
            await connected.tasks.close(task)

    def _account(self, usage: Mapping[str, Mapping[str, ServiceUsage]]) -> None:
        """Put the use of services by all workers on the account of the run."""
        total: dict[str, ServiceUsage] = {}
        for used in usage.values():
            for name, part in used.items():
                whole = total.setdefault(name, ServiceUsage())
                whole.seconds += part.seconds
                whole.instances += part.instances
                whole.elsewhere |= part.elsewhere
        self._services.usage |= total

    # The cluster ----------------------------------------------------------------------------------------------------

    async def _connect(self) -> _Connected:
        settings = self._settings
        local, this = bool(self._cluster.local), None
        if local:
            # Workers are made of this process, and draw as it would; who has no browser is told so at once.
            Hosts(settings).find_browser()
        elif settings.dask.like == "this":
            this = await _described_here(settings)
        shared = await self._shared()
        connection = await connect(self._cluster, self._kind, settings.redactor)
        links: dict[str, WorkerLink] = {}
        tasks = SessionTasks(
            connection.client,
            self._run,
            links,
            settings.redactor,
            lambda: tasks.fail(connection.scheduler_gone()),
        )
        workers = Workers(
            connection,
            shared,
            links,
            tasks,
            this,
            self._variables(),
            timeout=settings.dask.timeout,
            announce=self._announce,
        )
        self._connected = _Connected(connection, workers, tasks, machine() if local or this else "")
        return self._connected

    def _variables(self) -> dict[str, str]:
        """Return the variables that kernels on workers get from here."""
        return {**self._settings.variables, **_of_environment(self._settings.secrets, os.environ)}

    async def _shared(self) -> Shared:
        settings, local = self._settings, bool(self._cluster.local)
        order = Order(
            run=self._run,
            # What is the client's alone stays there.
            settings=replace(settings, dask=DaskOptions(), cluster=""),
            environment=self._variables(),
            services=_of_environment((_SERVICE_ADDRESS,), os.environ),
            one_page=local,
        )
        # Before the cluster starts, whose jobs may write their logs into the project.
        known = () if local else await asyncio.to_thread(_files, settings)

        async def files() -> tuple[ProjectFiles, ProjectFiles]:
            one, other = await asyncio.to_thread(lambda: [part.again(settings.root) for part in known])
            return one, other

        outside = [path for path in (settings.baselines, *settings.fonts) if not path.is_relative_to(settings.root)]
        return Shared(
            run=self._run,
            root=settings.root,
            order=await asyncio.to_thread(pack, order),
            version=await asyncio.to_thread(code_version),
            files=None if local else files,
            outside=str(outside[0]) if outside else "",
        )

    async def _end_everywhere(self, connected: _Connected) -> None:
        """End the run on all workers, as far as they answer."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_END_TIMEOUT_S):
                logs = await connected.workers.end()
                if self._server_log is not None:
                    with self._server_log.open("a", encoding="utf-8") as file:
                        for address, log in logs.items():
                            file.write(self._settings.redactor.text(f"# {address}\n{log}\n"))
                await connected.connection.client.run_on_scheduler(_forgetting(RESOURCE))


def _files(settings: Settings) -> tuple[ProjectFiles, ProjectFiles]:
    """Look at the files of a project: those that say whether it is the same, and those that workers need besides.

    Baselines say nothing: a run writes them, and each that was compared is looked at with its result. Git may ignore
    them, and fonts.
    """
    root = settings.root
    files = project_files(root, (settings.report, settings.baselines))
    besides: dict[str, ProjectFile] = {}
    for folder in (settings.baselines, *settings.fonts):
        if folder.is_relative_to(root) and folder != root:
            besides |= folder_files(root, folder).files
    return files, ProjectFiles(besides)


async def _described_here(settings: Settings) -> Description:
    """Describe what draws on this machine: only a browser that runs says what it is.

    Raises:
        ServerError: there is no browser.
    """
    try:
        async with Hosts(settings) as hosts:
            hosts.find_browser()
            renderer = dict((await hosts.browser()).fingerprint)
    except ServerError as error:
        raise ServerError(
            f"workers must draw like this machine, which can't: {error.what}",
            next_step="[tool.widgetshot.dask] like = 'each-other' takes the workers' own renderer; or "
            f"{error.next_step}",
        ) from error
    return Description(renderer, installed_front_ends(), THIS_PLATFORM, machine())


def _seen_here(report: SessionReport, link: WorkerLink | None, here: str) -> SessionReport:
    """Return a report with the files that were read only where they are those of this machine, too."""
    there = link.description if link is not None and link.same_place else None
    same = there is not None and there.machine == here != ""
    return report if same else replace(report, inputs=(None,) * len(report.inputs))


def _died(task: SessionTask) -> ServerError:
    return ServerError(
        f"the workers that ran it died, one after the other: {', '.join(task.workers)}",
        next_step=f"widgetshot run {task.session.notebook.path}, and look at the workers' logs",
    )


def _of_environment(patterns: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    patterns = tuple(patterns)
    return {
        name: value for name, value in environment.items() if any(fnmatchcase(name, pattern) for pattern in patterns)
    }


def _forgetting(prefix: str) -> Callable[..., None]:
    """Return a function that has a scheduler forget resources of which workers have none left.

    It travels as its code, see `calls.calling`.
    """

    def forget(dask_scheduler: Any = None) -> None:
        for worker in dask_scheduler.workers.values():
            for name in [name for name, count in worker.resources.items() if name.startswith(prefix) and not count]:
                del worker.resources[name]
                worker.used_resources.pop(name, None)
                dask_scheduler.resources.get(name, {}).pop(worker.address, None)
        for name in [name for name, held in dask_scheduler.resources.items() if name.startswith(prefix) and not held]:
            del dask_scheduler.resources[name]

    return forget
