"""The files and items that pytest collects of notebooks."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from widgetshot.pytest_plugin.state import state_of

if TYPE_CHECKING:
    from widgetshot.declare.notebook import Notebook
    from widgetshot.model import Result, Target


class NotebookFile(pytest.File):
    """One notebook."""

    def collect(self) -> Iterator["TargetItem"]:
        from widgetshot.errors import ConfigError, WidgetshotError
        from widgetshot.project.notebooks import load_notebook
        from widgetshot.shell import typed

        settings = state_of(self.config).settings
        try:
            if not self.path.is_relative_to(settings.root):
                raise ConfigError(
                    f"{self.path} is outside of the project {settings.root}",
                    next_step=f"run pytest from {typed(self.path.parent)}, or: pytest --rootdir=FOLDER",
                )
            notebook = load_notebook(settings, self.path)
        except WidgetshotError as error:
            raise self.CollectError(str(error)) from error
        for target in notebook.targets:
            yield TargetItem.from_parent(self, name=target.name, notebook=notebook, target=target)


def path_of_test(root: Path, node: pytest.Item) -> str:
    """Return `tests/test_x.py/test_name`, under which the pictures of a Python test are kept.

    Args:
        root: the project's folder; a test elsewhere goes by its id.
    """
    # Not the file of the node's id, which is relative to pytest's rootdir.
    file, _, test = node.nodeid.partition("::")
    if node.path.is_relative_to(root):
        file = node.path.relative_to(root).as_posix()
    return f"{file}/{test.replace('::', '/').replace('/', '.')}"


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
            from widgetshot.errors import one_line

            self.add_marker(pytest.mark.skip(reason=one_line(notebook.skip)))
        for name in (*target.markers, target.frontend):
            self.add_marker(name)

    def runtest(self) -> None:
        from widgetshot.errors import ConfigError, ServerError

        state = state_of(self.config)
        try:
            result = state.result(self)
        except (ServerError, ConfigError) as error:
            # Without a server or a browser every other target would fail in the same way.
            self.session.shouldstop = f"widgetshot: {error}"
            raise
        conclude(self, result, state.report, state.settings.typed_report)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from widgetshot.errors import WidgetshotError

        if isinstance(excinfo.value, WidgetshotError | PictureError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.target.nodeid


class PictureError(AssertionError):
    """A picture is not as it was approved; the message has numbers, paths and the next command."""


def conclude(item: pytest.Item, result: "Result", report: Path, typed_report: str) -> None:
    """Note a result with pytest, and fail where it fails.

    Args:
        report: where its pictures are.
        typed_report: the run folder as it is to be typed; nothing where it is the project's own.

    Raises:
        PictureError: it is not as it was approved.
    """
    from widgetshot.errors import one_line, visible
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
            pytest.xfail(f"in quarantine: {one_line(result.quarantined)}: {one_line(result.sentence)}")
        # Of a Python test's several pictures one must not end it; the terminal's summary names it.
        if item.config.option.runxfail:
            raise PictureError(visible(failure_text(result, report, typed_report)))
    elif not result.passed:
        raise PictureError(visible(failure_text(result, report, typed_report)))
