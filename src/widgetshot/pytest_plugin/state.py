"""The state of widgetshot in one pytest process. Everything in it is made when it is first needed."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from widgetshot.project.markers import marker_names
from widgetshot.pytest_plugin.flags import settings_given

if TYPE_CHECKING:
    from widgetshot.declare.notebook import Notebook
    from widgetshot.model import Result, Target
    from widgetshot.project.settings import Settings
    from widgetshot.pytest_plugin.items import TargetItem
    from widgetshot.run.in_progress import RunInProgress
    from widgetshot.selection.shards import Dealing, ShardPlan
    from widgetshot.services.manager import Services


_EMPTY_SHARD = "widgetshot_empty_shard"  # what a worker of pytest-xdist tells


class PluginState:
    """The settings, the run and the services of one pytest process.

    Attributes:
        worker: the name of this worker of pytest-xdist; "" elsewhere.
        infrastructure: whether something failed that no picture can be blamed for.
        merged: whether the run folders of workers were merged.
        has_empty_shard: whether all that was asked for is in other shards.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.worker = os.environ.get("PYTEST_XDIST_WORKER", "") if hasattr(config, "workerinput") else ""
        self.infrastructure = False
        self.merged = False
        self.has_empty_shard = False
        self._items: list[TargetItem] = []
        self._settings: Settings | None = None
        self._run: RunInProgress | None = None
        self._services: Services | None = None
        self._notices: list[str] = []
        self._dealing: Dealing | None = None
        self._shards: ShardPlan | None = None
        self._order: list[str] = []

    # What is known before anything runs -----------------------------------------------------------------------------

    @property
    def settings(self) -> "Settings":
        """The project's settings.

        Raises:
            pytest.UsageError: they are wrong.
        """
        from widgetshot.project.loading import load_settings

        if self._settings is None:
            given = settings_given(self.config)
            if self.worker:
                # Each worker has a server and a browser of its own, and there are as many workers as wished for.
                given.setdefault("jobs", 1)
            if "report" in given:
                given["report"] = self.config.invocation_params.dir / given["report"]
            with usage_errors():
                found = load_settings(_project_root(self.config), given)
            if found.cluster and (self.worker or self.controls_workers):
                raise pytest.UsageError(
                    f"widgetshot: notebooks run on {found.cluster} or in workers of pytest-xdist, not both\n"
                    "  next: leave out -n, or --widgetshot-dask= for this machine alone"
                )
            # Plugins and conftest.py register some, too.
            self._settings = replace(found, markers=found.markers | marker_names(self.config.getini("markers")))
        return self._settings

    @property
    def was_needed(self) -> bool:
        """True once anything of pytest's has asked for the settings."""
        return self._settings is not None

    @property
    def controls_workers(self) -> bool:
        """True where workers of pytest-xdist do the work, and this process only hands it out."""
        return not self.worker and bool(getattr(self.config.option, "numprocesses", None))

    @property
    def report(self) -> Path:
        """The run folder of this process."""
        from widgetshot.report.workers import worker_folder

        report = self.settings.report
        return worker_folder(report, self.worker) if self.worker else report

    # The run --------------------------------------------------------------------------------------------------------

    @property
    def run(self) -> "RunInProgress":
        """The run.

        Raises:
            pytest.UsageError: there is no place for its folder.
        """
        if self._run is None:
            from widgetshot.run.in_progress import RunInProgress

            with usage_errors():
                self._run = RunInProgress(
                    self.settings, services=self.services, folder=self.report, is_part=bool(self.worker)
                )
        return self._run

    @property
    def services(self) -> "Services":
        """The services, which notebooks and Python tests share."""
        if self._services is None:
            from widgetshot.services.manager import Services

            self._services = Services(self.settings.services, self.settings.redactor.values)
        return self._services

    def read_dealing(self) -> None:
        """Take which shard is asked for, before anything is collected.

        Raises:
            pytest.UsageError: there is no such shard, or no such run to take durations from.
        """
        from widgetshot.project.options import PYTEST
        from widgetshot.selection.durations import read_dealing

        option, folder = self.config.option, self.config.invocation_params.dir
        flags = {name: PYTEST[name].pytest for name in ("shard", "durations")}
        with usage_errors():
            self._dealing = read_dealing(
                self.settings, option.widgetshot_shard, option.widgetshot_durations, folder, flags
            )

    def deal(self, items: list[pytest.Item]) -> None:
        """Leave those of the shard that is asked for, and what takes no pictures."""
        if self._dealing is None:
            return
        from widgetshot.pytest_plugin.sharding import deal_items, order_of, sessions_of

        sessions = sessions_of(items, self.settings.root)
        self._shards = plan = deal_items(sessions, self._dealing, self.settings)
        self._order = order_of(sessions, self.settings)
        self.has_empty_shard = bool(plan.parts) and not plan.own
        if self.worker:
            self.config.workeroutput[_EMPTY_SHARD] = self.has_empty_shard  # type: ignore[attr-defined]  # of xdist
        if elsewhere := [item for item, session in sessions.items() if session not in plan.own]:
            self.config.hook.pytest_deselected(items=elsewhere)
            left = set(elsewhere)
            items[:] = [item for item in items if item not in left]

    def collected(self, items: "list[TargetItem]") -> None:
        """Take what is to be run, of which some is skipped here; the work begins, if it is this process's."""
        option = self.config.option
        if option.skip_missing_services:
            items = self._servable(items)
        if items and option.widgetshot_changed and not option.collectonly:
            items = self._changed(items)
        self._items = items
        if self._shards is not None and self._shards.parts and not option.collectonly:
            # Also where it has nothing: all shards make the whole.
            shard = self._shards.shard
            self.run.writer.dealt(shard.number, shard.count, self._shards.digest, self._order)
        if items and not self.worker and not self.controls_workers and not option.collectonly:
            # It goes on while pytest runs other tests.
            self._submit(items)

    def result(self, item: "TargetItem") -> "Result":
        """Wait for the result of a target.

        Raises:
            ServerError: the server or the browser could not be had.
        """
        if self.worker:
            # The controller hands out items one by one. Those of one page are worth taking together: whichever of
            # them come to this worker as well are ready then.
            self._submit([other for other in self._items if other.target.session == item.target.session])
        return self.run.result(item.target)

    def _submit(self, items: "list[TargetItem]") -> None:
        """Put targets to work; those of one notebook together."""
        for notebook, targets in _by_notebook(items):
            self.run.submit(notebook, targets)

    def _changed(self, items: "list[TargetItem]") -> "list[TargetItem]":
        """Skip what has not changed since it passed; the others."""
        with usage_errors():
            left_out = self.run.leave_out_unchanged(_by_notebook(items))
        rest = []
        for item in items:
            if passed := left_out.get(self.settings.key(item.target)):
                item.add_marker(pytest.mark.skip(reason=f"not run: nothing changed since it passed at {passed}"))
            else:
                rest.append(item)
        return rest

    def _servable(self, items: "list[TargetItem]") -> "list[TargetItem]":
        """Skip what needs a service that can't be had here; the others."""
        from widgetshot.errors import one_line
        from widgetshot.services.notebook_services import left_out

        reasons: dict[str, str] = {}
        for item in items:
            path = item.notebook.path
            if path not in reasons:
                reasons[path] = left_out(item.notebook, self.services, skip_missing=True)
            if reasons[path]:
                item.add_marker(pytest.mark.skip(reason=one_line(reasons[path])))
        return [item for item in items if not reasons[item.notebook.path]]

    # The end --------------------------------------------------------------------------------------------------------

    def finish(self, *, complete: bool) -> None:
        """Make the run folder whole, and end what runs."""
        try:
            if self._run is not None:
                with self._run as run:
                    run.finish(complete=complete)
        finally:
            if self._services is not None:
                self._services.close()

    def clear_workers(self) -> None:
        """Remove what workers have left that were killed; those of this run write their folders anew."""
        from widgetshot.report.workers import clear_workers

        with usage_errors():
            clear_workers(self.settings.report)

    def merge_workers(self) -> None:
        """Make one run folder of those of the workers, if they have any."""
        from widgetshot.report.history import History
        from widgetshot.report.workers import merge_workers

        history = History(self.settings.root)
        self.merged = merge_workers(self.settings.report, history, self.settings.compare_frontends)
        self._notices += history.notices

    def summary(self) -> list[str]:
        """Return the lines of the terminal's summary; none where nothing was recorded.

        Raises:
            RecordError: the run folder is not whole.
        """
        if self._run is None and not self.merged:
            return []
        from widgetshot.errors import WidgetshotError, one_line
        from widgetshot.report.gallery import write_gallery
        from widgetshot.report.reader import read_run
        from widgetshot.run.summary import summary_of

        if self._run is not None and self._run.writer.failure is not None:
            raise self._run.writer.failure
        try:
            gallery = write_gallery(self.settings.report)
            run = read_run(self.settings.report)
            summary = summary_of(run, self.settings)
        except WidgetshotError as error:
            return [f"widgetshot: {error}"] if self._run is not None else []
        problem = [summary.problem] if summary.problem else []
        # Of what its workers have dealt this process knows what they have told.
        told_shard = "" if run.shard is None else f"shard {run.shard.number}/{run.shard.count}"
        shard = f"{self._shards or told_shard}; " if told_shard else ""
        first = f"widgetshot: {shard}{summary.counts}; gallery: {gallery}"
        notices = [*self._notices, *(self._run.notices if self._run is not None else [])]
        told = [f"note: {one_line(notice)}" for notice in notices]
        return [first, *told, *summary.details, *summary.times, *problem, *summary.next]

    # A hook, of the plugin that this object is ----------------------------------------------------------------------

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """With pytest-xdist the controller knows of a worker's results only so."""
        self.infrastructure |= ("exit_code", 2) in report.user_properties

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker of pytest-xdist has dealt."""
        self.has_empty_shard |= bool(getattr(node, "workeroutput", {}).get(_EMPTY_SHARD))


def _project_root(config: pytest.Config) -> Path:
    """Return the project's folder: the one that the command line would take, unless --rootdir says another.

    pytest's own rootdir is where its configuration is, which may be a folder around several projects.
    """
    from widgetshot.project.loading import find_root

    around, here = config.rootpath, config.invocation_params.dir
    if config.option.rootdir is not None:
        return around
    return find_root(here if here.is_relative_to(around) else around)


@contextmanager
def usage_errors() -> Iterator[None]:
    """Have pytest report wrong settings without a traceback, since they are the user's business."""
    from widgetshot.errors import WidgetshotError

    try:
        yield
    except WidgetshotError as error:
        raise pytest.UsageError(f"widgetshot: {error}") from None


def _by_notebook(items: "Sequence[TargetItem]") -> "list[tuple[Notebook, list[Target]]]":
    notebooks: dict[str, tuple[Notebook, list[Target]]] = {}
    for item in items:
        notebooks.setdefault(item.notebook.path, (item.notebook, []))[1].append(item.target)
    return list(notebooks.values())


_STATE: pytest.StashKey[PluginState] = pytest.StashKey()


def begin_state(config: pytest.Config) -> PluginState:
    """Make the state of this process."""
    state = config.stash[_STATE] = PluginState(config)
    config.pluginmanager.register(state, "widgetshot-state")
    return state


def state_of(config: pytest.Config) -> PluginState:
    """Return the state of this process."""
    return config.stash[_STATE]
