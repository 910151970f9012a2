"""The `widgetshot` fixture: a notebook's live page in the hands of a Python test."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any, Self

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page

from widgetshot.capture.cdp import devtools_address
from widgetshot.capture.driver_errors import first_line
from widgetshot.capture.evidence import patiently, take_evidence
from widgetshot.capture.host import HandedBrowser, cdp_options, connect_options, not_connected
from widgetshot.capture.page import CapturePage
from widgetshot.capture.renderer import Renderer, read_renderer
from widgetshot.capture.sheet import kinds_shown
from widgetshot.capture.shot import take_shot
from widgetshot.capture.sync import Awaitable, run_now
from widgetshot.declare.options import SHOT
from widgetshot.declare.quarantine import quarantine_of
from widgetshot.declare.variants import variant_name
from widgetshot.errors import ConfigError, ServerError, WidgetshotError
from widgetshot.model import Clock, Result, Target, Viewport, is_key
from widgetshot.ports import BrowserHost
from widgetshot.project.endpoint import is_cdp
from widgetshot.project.notebooks import load_notebook
from widgetshot.project.settings import Settings
from widgetshot.pytest_plugin.items import path_of_test
from widgetshot.redact import Redactor
from widgetshot.run.causes import browser_died
from widgetshot.run.evidence import explained, with_evidence
from widgetshot.run.in_progress import RunInProgress
from widgetshot.run.recording import read_baseline
from widgetshot.run.verdicts import broken, expectation, judged, needs_uses


@contextlib.contextmanager
def browser_errors(what: str, redactor: Redactor) -> Iterator[None]:
    """Turn what Playwright raises into an error of ours.

    Args:
        what: what it means, for the message.
        redactor: of what the message may not hold.

    Raises:
        ServerError: Playwright raised something.
    """
    try:
        yield
    except PlaywrightError as error:
        raise ServerError(f"{what}: {first_line(error, redactor)}", next_step="widgetshot doctor") from error


def connected(kind: Any, settings: Settings) -> Any:
    """Return the browser at the project's endpoint; fail the test where it can't be had.

    Args:
        kind: Playwright's sync `BrowserType`.
    """
    address = ""
    try:
        if is_cdp(settings.browser_endpoint):
            address = devtools_address(settings)
            return kind.connect_over_cdp(address, **cdp_options())
        read_renderer(settings)  # says more than a connection that is refused
        return kind.connect(settings.browser_endpoint, **connect_options())
    except WidgetshotError as error:
        failure = str(error)
    except PlaywrightError as error:
        # Without the cause, whose text has the address.
        failure = str(not_connected(error, settings, address))
    pytest.fail(failure, pytrace=False)


def renderer_elsewhere(settings: Settings) -> Renderer | None:
    """Return what the browser at the project's endpoint is; None without one, and by CDP, where only itself can say.

    Fails the test where it can't be said, without a traceback: what it shows of variables may have the token.
    """
    try:
        asked = settings.browser_endpoint and not is_cdp(settings.browser_endpoint)
        return read_renderer(settings) if asked else None
    except WidgetshotError as error:
        failure = str(error)
    pytest.fail(failure, pytrace=False)


def handed(browser: Any, settings: Settings) -> HandedBrowser:
    """Return what gives pages of a browser that runs, looked at; fail the test where it can't be used.

    Args:
        browser: Playwright's, sync.
    """
    host = HandedBrowser(settings, Awaitable(browser), renderer_elsewhere(settings))
    try:
        run_now(host.start())
    except WidgetshotError as error:
        failure = str(error)
    else:
        return host
    pytest.fail(failure, pytrace=False)


class Widgetshot:
    """Opens notebooks and asserts pictures of them.

    ::

        def test_scaling(widgetshot):
            page = widgetshot.open("notebooks/cluster.ipynb")
            page.get_by_role("button", name="Scale").click()
            widgetshot.check("scaled", cell="cluster")
    """

    def __init__(
        self, request: pytest.FixtureRequest, run: RunInProgress, conclude: Callable[[pytest.Item, Result], None]
    ) -> None:
        self._request = request
        self._run = run
        self._settings = run.settings
        self._conclude = conclude
        self._opened = contextlib.ExitStack()
        self._page: CapturePage | None = None
        self._theme = "light"
        self._clock = Clock()
        self._viewport: Viewport | None = None
        self._host: BrowserHost | None = None
        self._notebook = ""
        self._timeout = 0.0
        self._checked: set[str] = set()
        self._since = perf_counter()  # of which the next picture takes the time

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def open(self, notebook: str | Path, *, theme: str = "light", viewport: str | None = None) -> Page:
        """Execute a notebook and open its live page.

        Args:
            notebook: its path, relative to the project's root.
            theme: `light` or `dark`.
            viewport: `WIDTHxHEIGHT` in CSS pixels; the project's default otherwise.

        Returns:
            Playwright's page, at rest.

        Raises:
            NotebookError, CaptureError, ServerError, ConfigError: there is no such page.
        """
        settings = self._settings
        file = (settings.root / notebook).resolve()
        if not file.is_relative_to(settings.root):
            raise ConfigError(f"{file} is outside of the project {settings.root}")
        parsed = load_notebook(settings, file)
        (self._theme,) = SHOT["theme"].read(theme, "widgetshot.open()")
        sizes = SHOT["viewport"].read(viewport, "widgetshot.open()") if viewport else settings.viewport
        self._viewport, self._notebook, self._timeout = sizes[0], parsed.path, parsed.timeout
        self._clock = parsed.targets[0].clock
        target = self._target("", cell=None)
        pages = self._run.live_pages()
        served, execution = pages.open(parsed, target)
        self._opened.callback(pages.close, execution)
        self._host = self._request.getfixturevalue("widgetshot_host")
        page, cdp = self._new_page(self._host, target)
        live_page = execution.connect(page)
        self._page = CapturePage(page, cdp, live_page, served, settings, parsed.settle_timeout)
        self._page.listen()
        run_now(self._page.load())
        while not run_now(self._page.execute()):
            pass
        run_now(self._page.settle())
        # What the test does to it nobody else sees.
        run_now(self._page.begin_acting())
        opened: Page = page.wrapped
        return opened

    def _new_page(self, host: BrowserHost, target: Target) -> tuple[Awaitable, Awaitable | None]:
        """Return a page for the variant of a target, with its CDP session where the browser is Chromium."""
        with browser_errors("the browser is gone", self._settings.redactor):
            context = run_now(host.new_context(target))
            self._opened.callback(_close, context)
            page = run_now(context.new_page())
            return page, run_now(context.new_cdp_session(page)) if host.kind == "chromium" else None

    def check(
        self,
        name: str,
        *,
        cell: str | None = None,
        mask: Sequence[dict[str, Any]] = (),
        tolerance: dict[str, Any] | None = None,
        allow_blank: bool = False,
    ) -> None:
        """Assert that the page (or one cell of it) looks as it was approved under this name.

        Args:
            name: names the picture within the test.
            cell: the nbformat id of a cell; the whole page otherwise.
            mask: `{"selector": CSS, "reason": TEXT}`, as in a notebook.
            tolerance: `{"pixels": N}`, `{"share": X}` or `{"threshold": X}`.
            allow_blank: a picture of one single colour is fine.

        Raises:
            AssertionError: it does not look so; the message has numbers, paths and the next command.
        """
        page = self._page
        if page is None:
            raise ConfigError("check() before open()", where=self._request.node.nodeid)
        if cell is not None and cell not in page.served.selectors:
            raise ConfigError(f"{self._notebook} has no cell with the id {cell!r}", where=self._request.node.nodeid)
        where = f"{self._request.node.nodeid} check({name!r})"
        allowed = SHOT["tolerance"].read(tolerance, where) if tolerance is not None else self._settings.tolerance
        masks = SHOT["mask"].read(list(mask), where)
        target = self._target(name, cell=cell, masks=masks, allow_blank=allow_blank, tolerance=allowed)
        if not is_key(self._settings.key(target)):
            raise ConfigError(
                "no part of a picture's name or of the test's path may be empty, begin with a dot or have a backslash",
                where=where,
                next_step="give it another name",
            )
        if target.path in self._checked:
            raise ConfigError(f"this test has checked a picture named {name!r} before", where=where)
        self._run.claim(target)
        self._checked.add(target.path)
        # Whatever the test has done to the page since the last picture, no older capture may stand for it.
        page.moved()
        result = self._result(page, target)
        if self._settings.debug or explained(result.verdict):
            picture = self._settings.debug or result.failure is not None
            result = with_evidence(result, run_now(take_evidence(page, page, target, patiently, picture=picture)))
        now = perf_counter()
        result = replace(result, duration=now - self._since, console=tuple(page.console), blocked=tuple(page.blocked))
        self._since = now
        kept = self._run.keep(result)
        self._conclude(self._request.node, kept)

    def _result(self, page: CapturePage, target: Target) -> Result:
        """Return the result of a target, from the page as it is."""
        assert self._host is not None
        key, renderer = self._settings.key(target), self._host.fingerprint
        try:
            baseline = read_baseline(target, self._run.baselines, self._settings)
            shot = run_now(take_shot(page, target, expectation(target, baseline), run_now(page.settle())))
            needed = needs_uses(baseline, renderer, self._host.sheet)
            uses = run_now(kinds_shown(page, target)) if needed else None
        except WidgetshotError as error:
            cause = error if run_now(self._host.alive()) else browser_died()
            return broken(target, key, cause, renderer=renderer)
        return judged(
            target,
            key,
            shot,
            baseline,
            renderer,
            sheet=self._host.sheet,
            uses=uses,
            console=page.console,
            blocked=page.blocked,
        )

    def _target(self, name: str, *, cell: str | None, **options: Any) -> Target:
        """Return the target of a Python test: its baseline lies under the test's file and name."""
        settings, node = self._settings, self._request.node
        if not node.path.is_relative_to(settings.root):
            raise ConfigError(
                f"{node.path} is outside of the project {settings.root}", next_step="run pytest from its project"
            )
        assert self._viewport is not None
        target = Target(
            notebook=path_of_test(settings.root, node) if name else self._notebook,
            shot=name,
            cell_id=cell,
            order=0,
            theme=self._theme,
            viewport=self._viewport,
            variant=variant_name(self._theme, self._viewport),
            timeout=self._timeout,
            clock=self._clock,
            **options,
        )
        return replace(target, quarantine=quarantine_of(target.nodeid, settings.quarantine))


def _close(context: Awaitable) -> None:
    with contextlib.suppress(Exception):  # the test may have closed it
        run_now(context.close())
