"""A run while it goes on: what both front doors put targets into and get results out of."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, as_completed
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from widgetshot.baselines.stores import open_baselines
from widgetshot.declare.notebook import Notebook
from widgetshot.declare.shots import PAGE_SHOT
from widgetshot.errors import ConfigError, ServerError, WidgetshotError
from widgetshot.file_names import WHY, folded, side_by_side
from widgetshot.model import Result, RunEnd, Target
from widgetshot.project.settings import Settings
from widgetshot.report.folder import SERVER_LOG, held
from widgetshot.report.history import History
from widgetshot.report.writer import RunWriter
from widgetshot.run.accounting import TimeSums
from widgetshot.run.background import BackgroundLoop
from widgetshot.run.changed import PassNotes, only_changed, pass_cache
from widgetshot.run.dispatcher import Dispatcher
from widgetshot.run.executors.local import LocalExecutor
from widgetshot.run.hosts import Hosts
from widgetshot.run.live_pages import LivePages
from widgetshot.run.recording import Recording
from widgetshot.run.verdicts import broken
from widgetshot.selection.session import Session, sessions_of
from widgetshot.selection.unused import unused_if_known
from widgetshot.server.launcher import Server
from widgetshot.services.manager import Services

if TYPE_CHECKING:
    from widgetshot.ports import RunSink, SessionExecutor


class RunInProgress:
    """Runs targets in the background and records what comes of them; a context manager.

    `finish` makes the run folder whole. Usable from the thread that made it.

    Args:
        folder: the run folder, made anew; that of the settings by default.
        services: where notebooks get theirs from; whoever made them ends them.
        server: one that was launched ahead.
        executor: runs the sessions; by default those workers do that the settings name, or this process.
        sinks: take the results besides the run folder.
        is_part: whether this is a part of a run, as that of a worker of pytest-xdist, which will be merged.
        announce: tells whoever waits something at once.

    Raises:
        ConfigError: the folder holds other things than a run.
        RecordError: it can't be made, or another run writes to it.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        services: Services,
        folder: Path | None = None,
        server: Server | None = None,
        executor: "SessionExecutor | None" = None,
        sinks: Sequence["RunSink"] = (),
        is_part: bool = False,
        announce: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.settings = settings
        self.folder = folder or settings.report
        self.services = services
        self._resources = ExitStack()
        # A process whose run could not begin ends, or holds it until it does.
        self._resources.enter_context(held(self.folder, is_part=is_part))
        self._history = History(settings.root)
        self.writer = RunWriter(
            self.folder,
            root=settings.root,
            environment=settings.environment(),
            repeat=settings.repeat,
            history=None if is_part else self._history,
            # Of parts one front end may be in another part.
            compare_frontends=() if is_part else settings.compare_frontends,
        )
        self._sinks: list[RunSink] = [self.writer, *sinks]
        self.baselines = open_baselines(settings)
        self._is_part = is_part
        self._recording = Recording(settings, self.baselines, self._sinks)
        self._passed = pass_cache(settings, self.baselines)
        self._log = self.folder / SERVER_LOG if settings.debug else None
        self._hosts = Hosts(settings, server, server_log=self._log)
        self._notices_elsewhere: Callable[[], list[str]] = list
        self._executor = executor or self._own_executor(announce)
        self._futures: dict[str, Future[Result]] = {}
        self._order: dict[str, None] = {}
        self._claimed: dict[str, Target] = {}
        self._loop = BackgroundLoop()
        self._dispatcher: Dispatcher | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.__exit__(kind, error, trace)

    @property
    def notices(self) -> list[str]:
        """What whoever typed the command is to know besides the results, in sentences; all of it after `finish`."""
        elsewhere = self._notices_elsewhere()
        return [
            *self._hosts.notices,
            *elsewhere,
            *self.baselines.notices,
            *self._recording.notices,
            *self._history.notices,
            *self._passed.notices,
        ]

    def _own_executor(self, announce: Callable[[str], None]) -> "SessionExecutor":
        cluster = self.settings.dask_cluster
        if cluster is None:
            return LocalExecutor(self.settings, self._hosts, self.services, self.baselines)
        # Only where it is asked for: it takes a second to load.
        try:
            from widgetshot.run.executors.dask.executor import DaskExecutor
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"{cluster.text} needs Dask: {error}", where="--dask", next_step="pip install 'widgetshot[dask]'"
            ) from error
        executor = DaskExecutor(
            self.settings, cluster, self.baselines, self.services, server_log=self._log, announce=announce
        )
        self._notices_elsewhere = lambda: executor.notices
        return executor

    # Targets in, results out ----------------------------------------------------------------------------------------

    def submit(self, notebook: Notebook, targets: Iterable[Target]) -> None:
        """Begin to run some targets of one notebook; those that were submitted before go on."""
        new = [target for target in targets if self._key(target) not in self._futures]
        for target in new:
            self._order[self._key(target)] = None
        for session in self._sessions(notebook, new):
            self._futures |= self.begin().submit(session)

    def result(self, target: Target) -> Result:
        """Wait for a submitted target's result.

        Raises:
            ServerError: the server or the browser could not be had, or the run was stopped.
        """
        try:
            return self._futures[self._key(target)].result()
        except CancelledError:
            raise ServerError("the run was stopped", where=target.nodeid) from None

    def results(self) -> Iterator[Result]:
        """Yield the results of all submitted targets as they complete.

        Raises:
            ServerError: the server or the browser could not be had.
        """
        for future in as_completed(self._futures.values()):
            yield future.result()

    def claim(self, target: Target) -> None:
        """Take the name of a picture that is taken elsewhere.

        Raises:
            ConfigError: another picture's name can't be told from it on some file systems.
        """
        other = self._claimed.setdefault(folded(target.path), target)
        if other.path != target.path:
            names = side_by_side(*sorted((other.nodeid, target.nodeid)))
            raise ConfigError(
                f"the pictures {names} {WHY}",
                where=target.nodeid,
                next_step="give the test or the picture another name",
            )

    def keep(self, result: Result) -> Result:
        """Record a result that came about elsewhere.

        Returns:
            The result as it was recorded.
        """
        self._order[result.key] = None
        return self._recording.keep(result)

    def keep_unreadable(self, path: str, error: WidgetshotError) -> Result:
        """Record that a notebook could not be read; it has no targets, so its page stands for it."""
        target = Target(notebook=path, shot=PAGE_SHOT, cell_id=None, order=0)
        return self.keep(broken(target, self._key(target), error))

    def leave_out_unchanged(self, selected: Iterable[tuple[Notebook, Iterable[Target]]]) -> Mapping[str, str]:
        """Find what need not be run, as `--changed` asks for; that and the reasons for the rest are recorded.

        Returns:
            Key of each target that need not be run -> when it passed, ISO 8601.

        Raises:
            ConfigError: the run is to write all baselines.
        """
        sessions = [session for notebook, targets in selected for session in self._sessions(notebook, targets)]
        found = only_changed(sessions, self._passed, self.settings)
        self.writer.only_changed(found.left_out, found.reasons, found.refused)
        return found.left_out

    def _sessions(self, notebook: Notebook, targets: Iterable[Target]) -> list[Session]:
        return sessions_of(notebook, targets, repeat=self.settings.repeat, traces_files=self._passed.noting)

    def _key(self, target: Target) -> str:
        return self.settings.key(target)

    # What works in the background -----------------------------------------------------------------------------------

    def begin(self) -> Dispatcher:
        """Return what runs sessions. It begins to work here, if it has not; server and browser are not started yet."""
        if self._dispatcher is None:
            loop = self._resources.enter_context(self._loop)
            notes = PassNotes(self.settings, self._passed)
            dispatcher = Dispatcher(self.settings, loop, self._executor, self._hosts, self._recording, notes)
            self._dispatcher = self._resources.enter_context(dispatcher)
        return self._dispatcher

    def live_pages(self) -> LivePages:
        """Return live pages for Python tests, which are of the same server."""
        self.begin()
        return LivePages(self.settings, self._loop, self._hosts, self.services, traces_files=self._passed.noting)

    # The end --------------------------------------------------------------------------------------------------------

    def finish(self, *, complete: bool) -> list[str] | None:
        """Make the run folder whole. Server and browser end meanwhile, and targets without a result are given up.

        Args:
            complete: false where the run was stopped.

        Returns:
            Keys of baselines that no notebook declares; None where that is not known.
        """
        dispatcher, settings = self._dispatcher, self.settings
        sums, unused = TimeSums(), None
        if dispatcher is not None:
            dispatcher.wind_down()
            sums = dispatcher.sums
            sums.add(self._hosts.take_timings())
            if complete and not self._is_part:
                unused = unused_if_known(self.baselines.keys(), settings.root, settings)
        end = RunEnd(
            complete=complete,
            order=list(self._order),
            timings=sums.stages,
            notebooks=sums.notebooks,
            fingerprints={} if dispatcher is None else dispatcher.renderers,
            unused=unused,
            services=self.services.usage,
        )
        for sink in self._sinks:
            sink.finish(end)
        return unused
