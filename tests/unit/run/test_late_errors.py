"""An executor that fails when all of a session's results are known: no future can tell it."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Self

import nbformat
import pytest

from widgetshot.errors import NotebookError, ServerError
from widgetshot.model import Result, TimeSpent
from widgetshot.project.loading import load_settings
from widgetshot.project.settings import Settings
from widgetshot.run.app import NotebookRun, run_notebooks
from widgetshot.run.plan import RunRequest
from widgetshot.run.verdicts import broken
from widgetshot.selection.session import Session, SessionReport

LATE = ServerError("the server can't be asked any more", next_step="widgetshot doctor")


class LateExecutor:
    """See `widgetshot.ports.SessionExecutor`; what it is asked for is broken, and then it fails itself."""

    def __init__(self, settings: Settings) -> None:
        self._environment = settings.environment()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: Any) -> None:
        pass

    async def run(self, session: Session) -> AsyncGenerator[Result | SessionReport, None]:
        for target in session.targets:
            yield broken(target, target.key(self._environment), NotebookError("the kernel died"))
        yield SessionReport(TimeSpent(), (None,))
        raise LATE

    def wind_down(self) -> None:
        pass


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "pyproject.toml").write_text("[tool.widgetshot]\n")
    (tmp_path / "notebooks").mkdir()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("#| shot: first\nprint(1)")])
    nbformat.write(notebook, tmp_path / "notebooks" / "x.ipynb")
    return load_settings(tmp_path, {})


def taken(running: NotebookRun) -> list[str]:
    return [result.target.name for result in running.results()]


def test_an_error_after_the_last_result_is_raised_when_everything_has_ended(settings: Settings) -> None:
    with (
        pytest.raises(ServerError, match="can't be asked any more") as caught,
        run_notebooks(settings, RunRequest(), executor=LateExecutor(settings)) as running,
    ):
        assert taken(running) == ["first"]
    assert caught.value is LATE
    run = json.loads((settings.report / "run.json").read_text())
    assert run["complete"] is True
    assert [test["verdict"] for test in run["tests"]] == ["broken"]


def interrupted(settings: Settings) -> None:
    with run_notebooks(settings, RunRequest(), executor=LateExecutor(settings)) as running:
        assert taken(running) == ["first"]
        raise KeyboardInterrupt


def test_it_is_a_note_of_the_error_that_ends_a_run(settings: Settings) -> None:
    with pytest.raises(KeyboardInterrupt) as caught:
        interrupted(settings)
    (note,) = caught.value.__notes__
    assert "the server can't be asked any more" in note
