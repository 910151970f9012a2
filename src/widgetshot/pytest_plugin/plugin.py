"""The pytest front door: thin hooks, one item per target.

Nothing heavy is imported until a notebook is collected: the plugin is loaded in every pytest run of its environment.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from widgetshot.project.markers import MARKERS, marker_names
from widgetshot.project.options import with_bare_values
from widgetshot.pytest_plugin.flags import add_flags, settings_given

if TYPE_CHECKING:
    from widgetshot.declare.notebook import Notebook
    from widgetshot.model import Result, Target
    from widgetshot.project.settings import Settings
    from widgetshot.report.writer import RunWriter
    from widgetshot.run.engine import Engine
    from widgetshot.services.manager import Services

pytest_plugins = ["widgetshot.pytest_plugin.fixtures"]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("widgetshot", "widgetshot: pictures of notebooks")
    add_flags(group)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(args: list[str]) -> None:
    args[:] = with_bare_values(args)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "widgetshot: pictures of notebooks (added to each of them)")
    registered = {line.partition(":")[0] for line in config.getini("markers")}
    for name, meaning in MARKERS.items():
        # A project's own words for the same come first.
        if name not in registered:
            config.addinivalue_line("markers", f"{name}: {meaning}")
    own = config.stash[_STATE] = PluginState(config)
    config.pluginmanager.register(own, "widgetshot-door")
    if settings_given(config):
        _ = own.settings  # a wrong option is told before anything is collected


class PluginState:
    """What one pytest process knows of widgetshot; everything in it is made when first needed."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.worker = os.environ.get("PYTEST_XDIST_WORKER") if hasattr(config, "workerinput") else None
        self.items: list[TargetItem] = []
        self.results: list[tuple[Result, str]] = []
        self._settings: Settings | None = None
        self.merged = False
        self.infrastructure = False
        self._engine: Engine | None = None
        self._recorder: RunWriter | None = None
        self._services: Services | None = None

    @property
    def settings(self) -> "Settings":
        from widgetshot.project.loading import load_settings

        if self._settings is None:
            given = settings_given(self.config)
            if self.worker:
                # Each worker has a server and a browser of its own, and there are as many workers as wished for.
                given.setdefault("jobs", 1)
            if "report" in given:
                given["report"] = self.config.invocation_params.dir / given["report"]
            with _told():
                found = load_settings(self._root(), given)
            # Plugins and conftest.py register some, too.
            self._settings = replace(found, markers=found.markers | marker_names(self.config.getini("markers")))
        return self._settings

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # With pytest-xdist the controller knows of a worker's results only so.
        self.infrastructure |= ("exit_code", 2) in report.user_properties

    def _root(self) -> Path:
        """The project's folder: the one that the command line would take, unless --rootdir says another.

        pytest's own rootdir is where its configuration is, which may be a folder around several projects.
        """
        from widgetshot.project.loading import find_root

        around, here = self.config.rootpath, self.config.invocation_params.dir
        if self.config.option.rootdir is not None:
            return around
        return find_root(here if here.is_relative_to(around) else around)

    @property
    def controls_workers(self) -> bool:
        return self.worker is None and bool(getattr(self.config.option, "numprocesses", None))

    @property
    def report(self) -> Path:
        from widgetshot.report.folder import WORKERS

        return self.settings.report / WORKERS / self.worker if self.worker else self.settings.report

    @property
    def engine(self) -> "Engine":
        if self._engine is None:
            from widgetshot.run.engine import Engine

            self._engine = Engine(self.settings, self.recorder, self.services)
            self._engine.__enter__()
        return self._engine

    @property
    def recorder(self) -> "RunWriter":
        if self._recorder is None:
            from widgetshot.report.writer import RunWriter

            settings = self.settings
            with _told():
                self._recorder = RunWriter(
                    self.report, root=settings.root, environment=settings.environment, repeat=settings.repeat
                )
        return self._recorder

    @property
    def services(self) -> "Services":
        if self._services is None:
            from widgetshot.services.manager import Services

            self._services = Services(self.settings.services, self.settings.redactor.values)
        return self._services

    def submit(self, items: "list[TargetItem]") -> None:
        """Put targets to work; those of one notebook together."""
        for notebook, targets in _by_notebook(items):
            self.engine.submit(notebook, targets)

    def leave_out(self, items: "list[TargetItem]") -> "list[TargetItem]":
        """Skip what has not changed since it passed; the others."""
        from widgetshot.run.engine import only_changed

        with _told():
            left_out = only_changed(self.engine, _by_notebook(items))
        for item in items:
            if passed := left_out.get(self.engine.key(item.target)):
                item.add_marker(pytest.mark.skip(reason=f"not run: nothing changed since it passed at {passed}"))
        return [item for item in items if self.engine.key(item.target) not in left_out]

    def servable(self, items: "list[TargetItem]") -> "list[TargetItem]":
        """Skip what needs a service that can't be had here; the others."""
        from widgetshot.services.notebook_services import left_out

        reasons: dict[str, str] = {}
        for item in items:
            path = item.notebook.path
            if path not in reasons:
                reasons[path] = left_out(item.notebook, self.services, skip_missing=True)
            if reasons[path]:
                item.add_marker(pytest.mark.skip(reason=reasons[path]))
        return [item for item in items if not reasons[item.notebook.path]]

    def result(self, item: "TargetItem") -> "Result":
        if self.worker:
            # The controller hands out items one by one. Those of one page are worth taking together: whichever of
            # them come to this worker as well are ready then.
            self.submit([other for other in self.items if other.target.session == item.target.session])
        return self.engine.result(item.target)

    def finish(self, *, complete: bool) -> None:
        """End the engine and the services, and make the run folder whole."""
        engine, recorder, services = self._engine, self._recorder, self._services
        self._engine = self._services = None
        if engine is not None:
            engine.__exit__(None, None, None)
        if services is not None:
            services.close()
        if recorder is None:
            return
        left = history = None
        if not self.worker:
            from widgetshot.report.history import History

            history = History(self.settings.root)
        if complete and engine is not None and not self.worker:
            from widgetshot.review.approve import unused_if_known

            left = unused_if_known(engine.baselines, self.settings.root, self.settings)
        recorder.finish(
            () if engine is None else engine.order,
            complete=complete,
            unused=left,
            history=history,
            services=None if services is None else services.usage,
            **_spent(engine),
        )

    @property
    def failure(self) -> str:
        return str(self._recorder.failure) if self._recorder is not None and self._recorder.failure else ""


def _spent(engine: "Engine | None") -> dict[str, Any]:
    """What `RunWriter.finish` records of the engine's work; nothing of one that was not needed."""
    if engine is None:
        return {"timings": {}, "fingerprint": {}}
    return {"timings": engine.timings, "spent": engine.spent, "fingerprint": engine.hosts.renderer}


def _by_notebook(items: "list[TargetItem]") -> "list[tuple[Notebook, list[Target]]]":
    notebooks: dict[str, tuple[Notebook, list[Target]]] = {}
    for item in items:
        notebooks.setdefault(item.notebook.path, (item.notebook, []))[1].append(item.target)
    return list(notebooks.values())


@contextmanager
def _told() -> Iterator[None]:
    """Wrong settings are the user's business: pytest tells them without a traceback."""
    from widgetshot.errors import WidgetshotError

    try:
        yield
    except WidgetshotError as error:
        raise pytest.UsageError(f"widgetshot: {error}") from None


_STATE: pytest.StashKey[PluginState] = pytest.StashKey()


def door(config: pytest.Config) -> PluginState:
    """The one of this process."""
    return config.stash[_STATE]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "NotebookFile | None":
    if file_path.suffix != ".ipynb" or ".ipynb_checkpoints" in file_path.parts:
        return None
    from widgetshot.project.notebooks import excluded

    try:
        settings = door(parent.config).settings
    except pytest.UsageError as error:
        raise parent.CollectError(str(error)) from None
    if file_path.is_relative_to(settings.root) and excluded(settings, file_path):
        return None
    return NotebookFile.from_parent(parent, path=file_path)


class NotebookFile(pytest.File):
    """One notebook."""

    def collect(self) -> Iterator["TargetItem"]:
        from widgetshot.errors import ConfigError, WidgetshotError
        from widgetshot.project.notebooks import load_notebook

        settings = door(self.config).settings
        try:
            if not self.path.is_relative_to(settings.root):
                raise ConfigError(
                    f"{self.path} is outside of the project {settings.root}",
                    next_step=f"run pytest from {self.path.parent}, or: pytest --rootdir=FOLDER",
                )
            notebook = load_notebook(settings, self.path)
        except WidgetshotError as error:
            raise self.CollectError(str(error)) from error
        for target in notebook.targets:
            yield TargetItem.from_parent(self, name=target.name, notebook=notebook, target=target)


class TargetItem(pytest.Item):
    """One target."""

    def __init__(self, *, notebook: "Notebook", target: "Target", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.notebook = notebook
        self.target = target
        self.add_marker("widgetshot")
        if self.config.pluginmanager.hasplugin("xdist"):
            # With --dist loadgroup, a page's targets go to one worker.
            self.add_marker(pytest.mark.xdist_group("::".join(target.session)))
        if notebook.services:
            self.add_marker("services")
        if notebook.skip:
            self.add_marker(pytest.mark.skip(reason=notebook.skip))
        for name in target.markers:
            self.add_marker(name)

    def runtest(self) -> None:
        from widgetshot.errors import ServerError

        try:
            result = door(self.config).result(self)
        except ServerError as error:
            # Without a server or a browser every other target would fail in the same way.
            self.session.shouldstop = f"widgetshot: {error}"
            raise
        conclude(self, result, door(self.config).report)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from widgetshot.errors import WidgetshotError

        if isinstance(excinfo.value, WidgetshotError | PictureError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.target.nodeid


class PictureError(AssertionError):
    """A picture is not as it was approved; the message has numbers, paths and the next command."""


def conclude(item: pytest.Item, result: "Result", report: Path) -> None:
    """Note a result with pytest, and fail where it fails.

    Raises:
        PictureError: it is not as it was approved.
    """
    from widgetshot.report.text import failure_text

    item.user_properties.append(("verdict", result.verdict.value))
    if result.failure is not None:
        item.user_properties.append(("exit_code", result.failure.exit_code))
    if result.comparison is not None:
        item.user_properties.append(("changed_pixels", result.comparison.changed))
    if result.updated:
        item.user_properties.append(("baseline", "written"))
    if result.repeat is not None:
        item.user_properties.append(("distinct_pictures", result.repeat.distinct))
    if result.status == "quarantined":
        item.user_properties.append(("quarantined", str(result.quarantined)))
        if isinstance(item, TargetItem):
            pytest.xfail(f"in quarantine: {result.quarantined}: {result.sentence}")
        # Of a Python test's several pictures one must not end it; the terminal's summary names it.
        if item.config.option.runxfail:
            raise PictureError(failure_text(result, report))
    elif not result.passed:
        raise PictureError(failure_text(result, report))


def pytest_sessionstart(session: pytest.Session) -> None:
    own = door(session.config)
    if own.controls_workers and not session.config.option.collectonly:
        from widgetshot.report.folder import WORKERS

        # Left by a run that was killed; workers write theirs anew.
        shutil.rmtree(own.settings.report / WORKERS, ignore_errors=True)


def pytest_collection_finish(session: pytest.Session) -> None:
    own = door(session.config)
    own.items = [item for item in session.items if isinstance(item, TargetItem) and not item.notebook.skip]
    if session.config.option.skip_missing_services:
        own.items = own.servable(own.items)
    if own.items and session.config.option.widgetshot_changed and not session.config.option.collectonly:
        own.items = own.leave_out(own.items)
    if own.items and not own.worker and not own.controls_workers and not session.config.option.collectonly:
        # The work begins before pytest asks for the first result, and goes on while it runs other tests.
        own.submit(own.items)


def pytest_sessionfinish(session: pytest.Session) -> None:
    own = door(session.config)
    own.finish(complete=not session.shouldstop and not session.shouldfail)
    if own.infrastructure and session.exitstatus == pytest.ExitCode.TESTS_FAILED:
        # As the command line has it: no picture can be blamed for that.
        session.exitstatus = 2
    if own.controls_workers:
        from widgetshot.report.folder import WORKERS
        from widgetshot.report.history import History
        from widgetshot.report.merge import merge

        workers = own.settings.report / WORKERS
        folders = sorted(folder for folder in workers.glob("*") if (folder / "run.json").is_file())
        if folders:
            kept = own.settings.report.with_name(own.settings.report.name + ".workers")
            shutil.rmtree(kept, ignore_errors=True)
            workers.rename(kept)
            try:
                merge(
                    [kept / folder.name for folder in folders],
                    own.settings.report,
                    workers=True,
                    history=History(own.settings.root),
                )
                own.merged = True
            finally:
                shutil.rmtree(kept, ignore_errors=True)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    own = door(config)
    if own.worker or own._settings is None or config.option.collectonly:
        return
    from widgetshot.errors import WidgetshotError
    from widgetshot.report.gallery import write_gallery
    from widgetshot.report.markdown import append_summary
    from widgetshot.report.reader import read_run
    from widgetshot.report.text import next_lines, summary_lines, time_lines

    if own.failure:
        terminalreporter.section("widgetshot", red=True)
        terminalreporter.write_line(own.failure)
        return
    if own._recorder is None and not own.merged:
        return
    try:
        page = write_gallery(own.settings.report)
        run = read_run(own.settings.report)
    except WidgetshotError as error:
        if own._recorder is not None:
            terminalreporter.write_line(f"widgetshot: {error}")
        return
    first, *more = summary_lines(run)
    problem = append_summary(run, own.settings.report)
    for line in (
        f"widgetshot: {first}; gallery: {page}",
        *more,
        *time_lines(run),
        *([problem] if problem else []),
        *next_lines(run, own.settings.typed_report),
    ):
        terminalreporter.write_line(line)
