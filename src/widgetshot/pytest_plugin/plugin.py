"""The pytest front door: hooks, which hand on to the state of this process.

Nothing heavy is imported until a notebook is collected: the plugin is loaded in every pytest run of its environment.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from widgetshot.project.markers import MARKERS
from widgetshot.project.options import with_bare_values
from widgetshot.pytest_plugin import fixtures
from widgetshot.pytest_plugin.flags import add_flags, settings_given
from widgetshot.pytest_plugin.state import begin_state, state_of

if TYPE_CHECKING:
    from widgetshot.pytest_plugin.items import NotebookFile


# After which not all that was asked for has run, whatever has.
_STOPPED = (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR)


def pytest_addoption(parser: pytest.Parser) -> None:
    add_flags(parser.getgroup("widgetshot", "widgetshot: pictures of notebooks"))


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(args: list[str]) -> None:
    args[:] = with_bare_values(args)


def pytest_configure(config: pytest.Config) -> None:
    # Named in `pytest_plugins`, they would cost a look at the metadata of every installed package.
    config.pluginmanager.register(fixtures, "widgetshot-fixtures")
    config.addinivalue_line("markers", "widgetshot: pictures of notebooks (added to each of them)")
    registered = {line.partition(":")[0] for line in config.getini("markers")}
    for name, meaning in MARKERS.items():
        # A project's own words for the same come first.
        if name not in registered:
            config.addinivalue_line("markers", f"{name}: {meaning}")
    state = begin_state(config)
    if settings_given(config):
        _ = state.settings  # a wrong option is an error before anything is collected
    if (config.option.widgetshot_shard, config.option.widgetshot_durations) != (None, None):
        state.read_dealing()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "NotebookFile | None":
    if file_path.suffix != ".ipynb" or ".ipynb_checkpoints" in file_path.parts:
        return None
    from widgetshot.project.notebooks import excluded
    from widgetshot.pytest_plugin.items import NotebookFile

    try:
        settings = state_of(parent.config).settings
    except pytest.UsageError as error:
        raise parent.CollectError(str(error)) from None
    if file_path.is_relative_to(settings.root) and excluded(settings, file_path):
        return None
    return NotebookFile.from_parent(parent, path=file_path)


def pytest_sessionstart(session: pytest.Session) -> None:
    state = state_of(session.config)
    if state.controls_workers and not session.config.option.collectonly:
        state.clear_workers()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # After `-k` and `-m`, so that shards are dealt of what is asked for; before `--lf`, which no other machine knows.
    state_of(config).deal(items)


def pytest_collection_finish(session: pytest.Session) -> None:
    from widgetshot.pytest_plugin.items import TargetItem

    items = [item for item in session.items if isinstance(item, TargetItem) and not item.notebook.skip]
    state_of(session.config).collected(items)


def pytest_sessionfinish(session: pytest.Session) -> None:
    state = state_of(session.config)
    stopped = session.shouldstop or session.shouldfail or session.exitstatus in _STOPPED
    state.finish(complete=not stopped)
    if state.infrastructure and session.exitstatus == pytest.ExitCode.TESTS_FAILED:
        # As the command line has it: no picture can be blamed for that.
        session.exitstatus = 2
    if state.controls_workers:
        state.merge_workers()
    if session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and state.has_empty_shard:
        session.exitstatus = pytest.ExitCode.OK


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    state = state_of(config)
    if state.worker or not state.was_needed or config.option.collectonly:
        return
    from widgetshot.errors import WidgetshotError, visible

    try:
        lines = state.summary()
    except WidgetshotError as error:
        terminalreporter.section("widgetshot", red=True)
        lines = [str(error)]
    for line in lines:
        terminalreporter.write_line(visible(line))
