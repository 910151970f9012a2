"""What becomes of results on their way from an executor to whoever has submitted their session."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import CancelledError, as_completed
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Self

import pytest

from builders import notebook_json
from widgetshot.baselines.stores import open_baselines
from widgetshot.errors import NotebookError, ServerError
from widgetshot.model import Result, RunEnd, TimeSpent
from widgetshot.project.loading import load_settings
from widgetshot.project.notebooks import load_notebook
from widgetshot.project.settings import Settings
from widgetshot.run.background import BackgroundLoop
from widgetshot.run.changed import PassNotes, pass_cache
from widgetshot.run.dispatcher import Dispatcher
from widgetshot.run.recording import Recording
from widgetshot.run.verdicts import broken
from widgetshot.selection.session import Session, SessionReport, sessions_of

Events = AsyncGenerator[Result | SessionReport, None]


class FunctionExecutor:
    """Runs a session by a function."""

    def __init__(self, run: Callable[[Session], Events]) -> None:
        self._run = run
        self.states: list[str] = []

    async def __aenter__(self) -> Self:
        self.states.append("begun")
        return self

    async def __aexit__(self, *error: Any) -> None:
        self.states.append("ended")

    def run(self, session: Session) -> Events:
        return self._run(session)

    def wind_down(self) -> None:
        self.states.append("winding down")


class Keys:
    """Takes the keys of results."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def add(self, result: Result, shot: bytes | None = None) -> None:
        self.keys.append(result.key)

    def finish(self, end: RunEnd) -> None:
        pass


def result_of(session: Session, number: int) -> Result:
    target = session.targets[number]
    return broken(target, target.key("page-chromium-linux"), NotebookError("raised"))


REPORT = SessionReport(TimeSpent(), (None,))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "notebooks").mkdir()
    text = notebook_json("#| shot: a\n1", "#| shot: b\n2")
    for name in "xy":
        (tmp_path / "notebooks" / f"{name}.ipynb").write_text(text)
    return load_settings(tmp_path)


def session_of(settings: Settings, name: str = "x") -> Session:
    notebook = load_notebook(settings, settings.root / "notebooks" / f"{name}.ipynb")
    (session,) = sessions_of(notebook, notebook.targets)
    return session


@contextmanager
def dispatching(settings: Settings, executor: FunctionExecutor, sink: Keys) -> Iterator[Dispatcher]:
    baselines = open_baselines(settings)
    with ExitStack() as stack:
        loop = stack.enter_context(BackgroundLoop())
        notes = PassNotes(settings, pass_cache(settings, baselines))
        recording = Recording(settings, baselines, [sink])
        yield stack.enter_context(Dispatcher(settings, loop, executor, nullcontext(), recording, notes))


def test_results_are_recorded_before_they_are_handed_on_and_come_as_they_complete(settings: Settings) -> None:
    second_is_done = asyncio.Event()

    async def run(session: Session) -> Events:
        if session.notebook.path.endswith("x.ipynb"):
            await second_is_done.wait()
        yield result_of(session, 0)
        yield result_of(session, 1)
        yield REPORT
        second_is_done.set()

    executor, sink = FunctionExecutor(run), Keys()
    with dispatching(settings, executor, sink) as dispatcher:
        futures = dispatcher.submit(session_of(settings, "x")) | dispatcher.submit(session_of(settings, "y"))
        # Of what has ended before somebody asks, `as_completed` keeps no order.
        for future in as_completed(futures.values()):
            assert future.result().key in sink.keys
    assert [key.removeprefix("page-chromium-linux/notebooks/") for key in sink.keys] == ["y/a", "y/b", "x/a", "x/b"]
    assert executor.states == ["begun", "winding down", "ended"]


def test_a_session_goes_on_only_when_its_last_result_is_recorded(settings: Settings) -> None:
    sink = Keys()

    async def run(session: Session) -> Events:
        yield result_of(session, 0)
        assert len(sink.keys) == 1
        yield result_of(session, 1)
        yield REPORT

    with dispatching(settings, FunctionExecutor(run), sink) as dispatcher:
        assert len([future.result() for future in dispatcher.submit(session_of(settings)).values()]) == 2


def test_without_a_server_whoever_asks_gets_the_error_and_what_came_before_is_kept(settings: Settings) -> None:
    async def run(session: Session) -> Events:
        yield result_of(session, 0)
        raise ServerError("the server is gone")

    sink = Keys()
    with dispatching(settings, FunctionExecutor(run), sink) as dispatcher:
        first, second = dispatcher.submit(session_of(settings)).values()
        assert first.result().verdict == "broken"
        with pytest.raises(ServerError, match="the server is gone"):
            second.result()
    assert len(sink.keys) == 1


def test_an_executor_that_forgets_a_target_leaves_nobody_waiting(settings: Settings) -> None:
    async def run(session: Session) -> Events:
        yield result_of(session, 0)
        yield REPORT

    with dispatching(settings, FunctionExecutor(run), Keys()) as dispatcher:
        _, second = dispatcher.submit(session_of(settings)).values()
        with pytest.raises(RuntimeError, match=r"x.ipynb without a result of page-chromium-linux/notebooks/x/b"):
            second.result()


def test_what_has_no_result_when_a_run_winds_down_is_cancelled_and_closed(settings: Settings) -> None:
    closed = []

    async def run(session: Session) -> Events:
        try:
            yield result_of(session, 0)
            await asyncio.Event().wait()
        finally:
            # It may still take its page down, which needs the loop.
            await asyncio.sleep(0)
            closed.append(session.name)

    sink = Keys()
    with dispatching(settings, FunctionExecutor(run), sink) as dispatcher:
        first, second = dispatcher.submit(session_of(settings)).values()
        assert first.result().key.endswith("/a")
        dispatcher.wind_down()
        recorded = list(sink.keys)
    with pytest.raises(CancelledError):
        second.result()
    assert closed == ["notebooks/x.ipynb"]
    assert sink.keys == recorded
    assert len(recorded) == 1


def test_an_executor_that_does_not_begin_ends_the_run_with_its_error(settings: Settings) -> None:
    class Absent(FunctionExecutor):
        async def __aenter__(self) -> Self:
            raise ServerError("no cluster")

    async def run(session: Session) -> Events:
        yield REPORT

    with pytest.raises(ServerError, match="no cluster"), dispatching(settings, Absent(run), Keys()):
        pass
