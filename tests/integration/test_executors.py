"""Whatever runs sessions keeps to `widgetshot.ports.SessionExecutor`: in this process, and each in one of its own."""

import asyncio
import pickle
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass

import pytest

from executors import ProcessExecutor
from projects import MARK, Project, button_cell, make_project, wait_until
from widgetshot.baselines.stores import open_baselines
from widgetshot.errors import ConfigError, WidgetshotError
from widgetshot.model import Result, Verdict
from widgetshot.ports import SessionExecutor
from widgetshot.project.cluster import Cluster
from widgetshot.project.loading import load_settings
from widgetshot.project.notebooks import load_notebook
from widgetshot.project.settings import Settings
from widgetshot.run.background import BackgroundLoop
from widgetshot.run.executors.dask.executor import DaskExecutor
from widgetshot.run.executors.local import LocalExecutor
from widgetshot.run.hosts import Hosts
from widgetshot.selection.session import Session, SessionReport, sessions_of
from widgetshot.services.manager import Services

STATES = button_cell(
    "#| shot:\n#|   - idle\n#|   - {name: clicked, steps: [{click: button}]}\n"
    "#|   - {name: again, steps: [{click: button}]}"
)
SLEEPS = "#| shot: first\nprint(1)", "#| shot: second\n#| steps: [{click: {selector: .nowhere, timeout: 60}}]\nprint(2)"

Executors = Callable[[Settings], AbstractAsyncContextManager[SessionExecutor]]


@asynccontextmanager
async def local(settings: Settings) -> AsyncIterator[SessionExecutor]:
    hosts = Hosts(settings)
    with Services(settings.services) as services:
        async with hosts, LocalExecutor(settings, hosts, services, open_baselines(settings)) as executor:
            yield executor
            executor.wind_down()


@asynccontextmanager
async def processes(settings: Settings) -> AsyncIterator[SessionExecutor]:
    async with ProcessExecutor(settings) as executor:
        yield executor
        executor.wind_down()


@asynccontextmanager
async def dask(settings: Settings) -> AsyncIterator[SessionExecutor]:
    with Services(settings.services) as services:
        async with DaskExecutor(settings, Cluster("local:2", local=2), open_baselines(settings), services) as executor:
            yield executor
            executor.wind_down()


@pytest.fixture(scope="module", params=[local, processes, dask])
def executors(request: pytest.FixtureRequest) -> Executors:
    found: Executors = request.param
    return found


@pytest.fixture(scope="module")
def loop() -> Iterator[BackgroundLoop]:
    with BackgroundLoop() as made:
        yield made


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, executors: Executors) -> Iterator[Project]:
    made = make_project(tmp_path_factory.mktemp(executors.__name__))
    made.notebook("notebooks/states.ipynb", STATES)
    made.notebook("notebooks/raises.ipynb", "#| shot: first\nprint('shown')", "#| shot: second\n1 / 0")
    made.notebook("notebooks/sleeps.ipynb", *SLEEPS)
    with pytest.MonkeyPatch.context() as environment:
        # By which the processes that it starts are known.
        environment.setenv(MARK, made.mark)
        yield made
    assert made.left_behind() == []


def settings_of(project: Project, **options: object) -> Settings:
    return load_settings(project.root, {"jobs": 2, **options})


def session_of(settings: Settings, name: str, *requested: str, repeat: int = 1) -> Session:
    notebook = load_notebook(settings, settings.root / "notebooks" / f"{name}.ipynb")
    targets = [target for target in notebook.targets if not requested or target.name in requested]
    (session,) = sessions_of(notebook, targets, repeat=repeat)
    return session


@dataclass
class Outcome:
    """What came of a session, in the order in which it came."""

    results: list[Result]
    reports: list[SessionReport]


async def outcomes(
    executors: Executors, settings: Settings, sessions: list[Session], closed: Session | None = None
) -> list[Outcome]:
    """What comes of sessions that run side by side, of which one is closed after its first result, and is the last."""

    async def outcome(executor: SessionExecutor, session: Session) -> Outcome:
        found = Outcome([], [])
        async with aclosing(executor.run(session)) as events:
            async for event in events:
                assert not found.reports
                if isinstance(event, Result):
                    found.results.append(event)
                else:
                    found.reports.append(event)
                if session is closed:
                    break
        return found

    async with executors(settings) as executor:
        all_ = [*sessions, *([closed] if closed else [])]
        return await asyncio.gather(*(outcome(executor, session) for session in all_))


@pytest.fixture(scope="module")
def ran(executors: Executors, project: Project, loop: BackgroundLoop) -> dict[str, Outcome]:
    """What came of several sessions that ran side by side, one of which was closed."""
    assert project.left_behind() == []
    settings = settings_of(project)
    sessions = {
        "all": session_of(settings, "states"),
        "one, twice": session_of(settings, "states", "clicked", repeat=2),
        "raises": session_of(settings, "raises"),
    }
    closed = session_of(settings, "sleeps")
    found = loop.start(outcomes(executors, settings, list(sessions.values()), closed)).result()
    return dict(zip([*sessions, "closed"], found, strict=True))


@pytest.fixture
def states(ran: dict[str, Outcome]) -> dict[str, Outcome]:
    """What came of the sessions that went on to their end."""
    return {name: outcome for name, outcome in ran.items() if name != "closed"}


def test_each_requested_target_has_one_result_with_its_picture_and_the_report_is_last(
    states: dict[str, Outcome],
) -> None:
    assert [result.target.name for result in states["all"].results] == ["idle", "clicked", "again"]
    assert [result.target.name for result in states["one, twice"].results] == ["clicked"]
    for outcome in states.values():
        assert len(outcome.reports) == 1
        assert all((result.shot is None) is (result.verdict is Verdict.BROKEN) for result in outcome.results)


def test_steps_of_targets_that_nobody_requested_are_performed(states: dict[str, Outcome]) -> None:
    idle, clicked, _ = (result.shot for result in states["all"].results)
    (alone,) = (result.shot for result in states["one, twice"].results)
    assert idle is not None
    assert clicked is not None
    assert alone is not None
    assert (alone.pixels == clicked.pixels).all()
    assert alone.widgets == clicked.widgets != idle.widgets


def test_a_session_is_repeated_as_often_as_it_says(states: dict[str, Outcome]) -> None:
    (result,) = states["one, twice"].results
    assert result.repeat is not None
    assert (result.repeat.runs, result.repeat.counts) == (2, (2,))
    assert len(states["one, twice"].reports[0].inputs) == 2


def test_what_a_notebook_breaks_is_a_result(states: dict[str, Outcome]) -> None:
    results = states["raises"].results
    assert [(result.target.name, result.verdict) for result in results] == [("first", "broken"), ("second", "broken")]
    assert all(result.failure is not None and "ZeroDivisionError" in result.failure.message for result in results)


def test_the_time_that_results_took_is_reported_once(states: dict[str, Outcome]) -> None:
    for outcome in states.values():
        times = [result.spent for result in outcome.results]
        assert all(spent is not None and spent.seconds > 0 for spent in times)
    spent = [result.spent.stages if result.spent else {} for result in states["all"].results]
    assert ["execute" in stages for stages in spent] == [True, False, False]


def test_nothing_is_written_by_whoever_runs_a_session(states: dict[str, Outcome], project: Project) -> None:
    assert states
    assert {path.name for path in project.root.iterdir()} == {"notebooks", "pyproject.toml"}


def test_without_a_browser_there_is_an_error_and_no_result(
    executors: Executors, project: Project, loop: BackgroundLoop
) -> None:
    settings = settings_of(project, browser_executable="/no/such/browser")
    with pytest.raises(WidgetshotError, match="/no/such/browser") as caught:
        loop.start(outcomes(executors, settings, [session_of(settings, "states")])).result()
    assert isinstance(caught.value, ConfigError)
    assert caught.value.next_step


def test_a_session_that_is_closed_ends_what_it_has_started(ran: dict[str, Outcome], project: Project) -> None:
    (result,) = ran["closed"].results
    assert result.target.name == "first"
    assert ran["closed"].reports == []
    wait_until(lambda: not project.left_behind())


def test_a_session_and_its_settings_are_plain_data(project: Project) -> None:
    settings = settings_of(project)
    session = session_of(settings, "states", "clicked", repeat=3)
    assert pickle.loads(pickle.dumps((settings, session))) == (settings, session)
