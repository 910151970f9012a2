"""The plugin's fixtures; what they need is imported when one is asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import pytest

from widgetshot.pytest_plugin.items import conclude
from widgetshot.pytest_plugin.state import state_of


@pytest.fixture
def widgetshot(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Open notebooks from a Python test and assert pictures by name, see `Widgetshot`."""
    from widgetshot.pytest_plugin.widgetshot_fixture import Widgetshot

    state = state_of(request.config)
    typed = state.settings.typed_report
    with Widgetshot(request, state.run, lambda item, result: conclude(item, result, state.report, typed)) as opened:
        yield opened


@pytest.fixture(scope="session")
def widgetshot_playwright(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Return a sync Playwright: pytest-playwright's own where it is installed, because one thread can have only one."""
    if request.config.pluginmanager.hasplugin("playwright"):
        yield request.getfixturevalue("playwright")
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def widgetshot_browser(
    request: pytest.FixtureRequest, widgetshot_playwright: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """Return the browser of the `widgetshot` fixture, launched as that of notebooks is, or that of the endpoint."""
    from widgetshot.capture.browser import find_browser
    from widgetshot.capture.determinism import launch_options
    from widgetshot.capture.renderer import refuse_other_platform
    from widgetshot.pytest_plugin.widgetshot_fixture import browser_errors, connected

    settings = state_of(request.config).settings
    kind = getattr(widgetshot_playwright, settings.browser)
    if settings.browser_endpoint:
        browser = connected(kind, settings)
        yield browser
        browser.close()
        return
    refuse_other_platform(settings)
    found = find_browser(settings.browser, settings.browser_executable)
    with browser_errors(f"{found.executable} did not start", settings.redactor):
        browser = kind.launch(**launch_options(settings, found, tmp_path_factory.mktemp("widgetshot")))
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def widgetshot_host(request: pytest.FixtureRequest, widgetshot_browser: Any) -> Iterator[Any]:
    """Return what gives the `widgetshot` fixture's pages, see `ports.BrowserHost`."""
    from widgetshot.capture.sync import run_now
    from widgetshot.pytest_plugin.widgetshot_fixture import handed

    host = handed(widgetshot_browser, state_of(request.config).settings)
    yield host
    run_now(host.stop())


@pytest.fixture
def performance_monitor(request: pytest.FixtureRequest) -> Any:
    """Record how long named parts of a test take, into `run.json` and the gallery.

    ::

        def test_insert(real_postgres, performance_monitor):
            with performance_monitor("insert 1000 rows"):
                ...
    """
    writer = state_of(request.config).run.writer

    @contextmanager
    def measure(name: str) -> Iterator[None]:
        begin = perf_counter()
        try:
            yield
        finally:
            writer.measured(request.node.nodeid, name, perf_counter() - begin)

    return measure


@pytest.fixture(scope="session")
def widgetshot_services(request: pytest.FixtureRequest) -> Any:
    """Return the services of this run, shared with its notebooks, see `widgetshot.services.manager.Services`."""
    return state_of(request.config).services


def _part(name: str) -> Any:
    """Return the fixture `real_NAME`."""

    def part(request: pytest.FixtureRequest) -> Iterator[Any]:
        from widgetshot.errors import ServerError
        from widgetshot.services.isolation import isolated
        from widgetshot.services.notebook_services import reason_to_skip

        services = state_of(request.config).services
        if request.config.option.skip_missing_services and (missing := services.missing(name)):
            pytest.skip(reason_to_skip(name, missing))
        try:
            with isolated(name, services, request.node.nodeid) as endpoint:
                yield endpoint
        except ServerError as error:
            pytest.fail(str(error), pytrace=False)

    part.__doc__ = (
        f"A part of the real {name} that this test has for itself: an `Endpoint` with `url` and `environment`."
    )
    return pytest.fixture(name=f"real_{name}")(part)


real_sshd = _part("sshd")
real_slurm = _part("slurm")
real_postgres = _part("postgres")
real_redis = _part("redis")
real_clickhouse = _part("clickhouse")
real_s3 = _part("s3")
real_websocket = _part("websocket")
real_inference = _part("inference")
