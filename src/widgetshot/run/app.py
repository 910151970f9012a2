"""The use cases of a run, which the front doors call: they only parse, call one and print.

Nothing heavy is imported before the server is launched, which takes as long to start.
"""

import gc
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from widgetshot.errors import ExitCode, RecordError
from widgetshot.project.settings import Settings
from widgetshot.run.plan import RunPlan, RunRequest, plan_run

if TYPE_CHECKING:
    from widgetshot.model import Result
    from widgetshot.ports import RunSink, SessionExecutor
    from widgetshot.report.run_json import Run
    from widgetshot.run.in_progress import RunInProgress
    from widgetshot.server.launcher import Server


class NotebookRun:
    """A run of notebooks while it goes on, see `run_notebooks`.

    Attributes:
        plan: what it consists of.
        total: the number of results that are to come.
    """

    def __init__(self, plan: RunPlan, progress: "RunInProgress") -> None:
        self.plan = plan
        self.total = plan.targets
        self._progress = progress
        self._results: list[Result] = []
        self._outcome: RunOutcome | None = None

    @property
    def outcome(self) -> "RunOutcome":
        """The outcome of the run; known once its context was left."""
        assert self._outcome is not None, "the run goes on"
        return self._outcome

    def submit(self, *, only_changed: bool) -> None:
        """Begin to run everything; called once."""
        progress, settings = self._progress, self._progress.settings
        for path, error in self.plan.unreadable.items():
            self._results.append(progress.keep_unreadable(path, error))
        left_out = progress.leave_out_unchanged(self.plan.selected) if only_changed else {}
        self.total -= len(left_out)
        for notebook, targets in self.plan.selected:
            progress.submit(notebook, [target for target in targets if settings.key(target) not in left_out])

    def results(self) -> Iterator["Result"]:
        """Yield results as they complete, without those of notebooks that could not be read.

        Raises:
            ServerError: the server or the browser could not be had.
        """
        for result in self._progress.results():
            self._results.append(result)
            yield result

    def finish(self, *, complete: bool) -> None:
        """Write the report; called once."""
        from widgetshot.report.gallery import write_gallery

        writer = self._progress.writer
        unused = self._progress.finish(complete=complete)
        gallery = write_gallery(self._progress.folder) if writer.failure is None else None
        code = exit_code(self._results, writer.failure)
        self._outcome = RunOutcome(writer.run, code, gallery, unused, writer.failure, self._progress)


@dataclass(frozen=True)
class RunOutcome:
    """The outcome of a run.

    Attributes:
        run: what `run.json` says.
        gallery: its page; None where it could not be written.
        unused: keys of baselines that no notebook declares; None where that is not known.
        failure: why the run folder is not whole; None if it is.
        progress: knows what else is to be told, when all has ended.
    """

    run: "Run"
    exit_code: int
    gallery: Path | None
    unused: list[str] | None
    failure: RecordError | None
    progress: "RunInProgress"

    @property
    def notices(self) -> list[str]:
        """What is to be known besides the results, in sentences."""
        return self.progress.notices


def exit_code(results: Sequence["Result"], failure: RecordError | None = None) -> int:
    """Return the exit code of a run: the worst of its results, and of what kept it from being recorded."""
    failed = [result for result in results if result.status == "failed"]
    codes = [int(ExitCode.DIFFERENCES) for _ in failed[:1]]
    codes += [int(result.failure.exit_code) for result in failed if result.failure is not None]
    codes += [int(failure.exit_code)] if failure is not None else []
    return max(codes, default=int(ExitCode.MATCH))


@contextmanager
def run_notebooks(
    settings: Settings,
    request: RunRequest,
    *,
    executor: "SessionExecutor | None" = None,
    sinks: Sequence["RunSink"] = (),
    announce: Callable[[str], None] = lambda _: None,
) -> Iterator[NotebookRun]:
    """Execute notebooks, capture them, compare with the baselines; write these where the settings say so.

    The results are taken inside of the context. Leaving it writes the report, whatever has happened, and ends
    everything.

    Args:
        executor: runs the sessions; in this process by default, or on the cluster that the settings name.
        sinks: take the results besides the run folder.
        announce: tells whoever waits something at once.

    Raises:
        ConfigError: something is declared wrongly, or there is nothing to run.
        ServerError: the server, the browser, or a service's program is missing.
        RecordError: the run folder can't be made.
    """
    plan = plan_run(settings, request)
    launches = plan.targets > 0 and not request.only_changed and executor is None and not settings.cluster
    server = _launch(settings) if launches else None
    with _without_garbage():
        from widgetshot.run.in_progress import RunInProgress
        from widgetshot.services.manager import Services

    with (
        Services(settings.services, settings.redactor.values) as services,
        RunInProgress(
            settings, services=services, server=server, executor=executor, sinks=sinks, announce=announce
        ) as progress,
    ):
        progress.writer.selected(request.suite, plan.outside_suite, plan.skipped)
        if plan.shards is not None:
            shard = plan.shards.shard
            progress.writer.dealt(shard.number, shard.count, plan.shards.digest, plan.order)
        progress.begin()
        running, complete = NotebookRun(plan, progress), False
        try:
            running.submit(only_changed=request.only_changed)
            yield running
            complete = True
        finally:
            # Server and browser end while the report is written.
            running.finish(complete=complete)


@contextmanager
def _without_garbage() -> Iterator[None]:
    """Keep the garbage collector from looking at imports: they make none, and it takes an eighth of their time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


def _launch(settings: Settings) -> "Server":
    from widgetshot.server.launcher import Server

    folder = Path(tempfile.mkdtemp(prefix="widgetshot-"))
    server = Server(folder, settings.redactor, installed_fonts=settings.installed_fonts)
    try:
        server.launch()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return server
