"""The `widgetshot` fixture: a notebook's live page in the hands of a Python test."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as PlaywrightError

from widgetshot.capture.determinism import context_options, is_outside, prepare
from widgetshot.capture.driver_errors import first_line
from widgetshot.capture.page import CapturePage
from widgetshot.capture.sync import Awaitable, run_now
from widgetshot.declare.options import SHOT
from widgetshot.declare.quarantine import quarantine_of
from widgetshot.declare.variants import variant_name
from widgetshot.errors import ConfigError, ServerError, WidgetshotError
from widgetshot.frontends.page_script import PageScript
from widgetshot.model import Clock, Result, Shot, Target, Viewport
from widgetshot.project.notebooks import load_notebook
from widgetshot.run.causes import browser_died
from widgetshot.run.engine import Engine
from widgetshot.run.recording import read_baseline
from widgetshot.run.verdicts import expectation
from widgetshot.services.notebook_services import Served


@contextlib.contextmanager
def browser_errors(what: str) -> Iterator[None]:
    """Turn what Playwright raises into an error of ours.

    Args:
        what: what it means, for the message.

    Raises:
        ServerError: Playwright raised something.
    """
    try:
        yield
    except PlaywrightError as error:
        raise ServerError(f"{what}: {first_line(error)}", next_step="widgetshot doctor") from error


class Widgetshot:
    """Opens notebooks and asserts pictures of them.

    ::

        def test_scaling(widgetshot):
            page = widgetshot.open("notebooks/cluster.ipynb")
            page.get_by_role("button", name="Scale").click()
            widgetshot.check("scaled", cell="cluster")
    """

    def __init__(
        self, request: pytest.FixtureRequest, engine: Engine, conclude: Callable[[pytest.Item, Result], None]
    ) -> None:
        self._request = request
        self._engine = engine
        self._conclude = conclude
        self._stages: list[tuple[CapturePage, Any, Served]] = []
        self._now: CapturePage | None = None
        self._theme = "light"
        self._clock = Clock()
        self._viewport: Viewport | None = None
        self._browser: Browser | None = None
        self._fingerprint: Mapping[str, Any] = {}
        self._notebook = ""
        self._timeout = 0.0
        self._checked: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stage, context, served in self._stages:
            with contextlib.suppress(Exception):  # the test may have closed it
                context.close()
            self._engine.close(stage.served, served)

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
        settings = self._engine.settings
        file = (settings.root / notebook).resolve()
        if not file.is_relative_to(settings.root):
            raise ConfigError(f"{file} is outside of the project {settings.root}")
        parsed = load_notebook(settings, file)
        (self._theme,) = SHOT["theme"].read(theme, "widgetshot.open()")
        sizes = SHOT["viewport"].read(viewport, "widgetshot.open()") if viewport else settings.viewport
        self._viewport, self._notebook, self._timeout = sizes[0], parsed.path, parsed.timeout
        self._clock = parsed.targets[0].clock
        target = self._target("", cell=None)
        live_page, served = self._engine.open(parsed, target)
        browser = self._browser = self._request.getfixturevalue("widgetshot_browser")
        self._fingerprint = self._request.getfixturevalue("widgetshot_fingerprint")
        with browser_errors("the browser is gone"):
            context = browser.new_context(**context_options(settings, target))
            run_now(prepare(Awaitable(context), target.clock))
            page: Page = context.new_page()
            cdp = context.new_cdp_session(page) if settings.browser == "chromium" else None
            if cdp is None:
                context.route(is_outside, lambda route: route.abort())
        driven = Awaitable(page)
        live = PageScript(driven)
        stage = CapturePage(driven, cdp and Awaitable(cdp), live, live_page, settings, parsed.settle_timeout)
        stage.listen(page)
        self._stages.append((stage, context, served))
        self._now = stage
        run_now(stage.load())
        run_now(stage.settle())
        return page

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
        stage = self._now
        if stage is None:
            raise ConfigError("check() before open()", where=self._request.node.nodeid)
        if cell is not None and cell not in stage.served.selectors:
            raise ConfigError(f"{self._notebook} has no cell with the id {cell!r}", where=self._request.node.nodeid)
        where = f"{self._request.node.nodeid} check({name!r})"
        allowed = SHOT["tolerance"].read(tolerance, where) if tolerance is not None else self._engine.settings.tolerance
        masks = SHOT["mask"].read(list(mask), where)
        target = self._target(name, cell=cell, masks=masks, allow_blank=allow_blank, tolerance=allowed)
        if target.path in self._checked:
            raise ConfigError(f"this test has checked a picture named {name!r} before", where=where)
        self._checked.add(target.path)
        # Whatever the test has done to the page since the last picture, no older capture may stand for it.
        stage.moved()
        baseline = None
        outcome: Shot | WidgetshotError
        try:
            baseline = read_baseline(target, self._engine.baselines, self._engine.settings)
            outcome = run_now(stage.capture(target, expectation(target, baseline), run_now(stage.settle())))
        except WidgetshotError as error:
            outcome = error if self._browser_lives() else browser_died()
        result = self._engine.conclude(target, outcome, baseline, self._fingerprint, stage)
        self._conclude(self._request.node, result)

    def _browser_lives(self) -> bool:
        assert self._browser is not None
        try:
            self._browser.new_context().close()
        except PlaywrightError:
            return False
        return True

    def _target(self, name: str, *, cell: str | None, **options: Any) -> Target:
        """The target of a Python test: its baseline lies under the test's file and name."""
        settings, node = self._engine.settings, self._request.node
        if not node.path.is_relative_to(settings.root):
            raise ConfigError(
                f"{node.path} is outside of the project {settings.root}", next_step="run pytest from its project"
            )
        # Not the file of the node's id, which is relative to pytest's rootdir.
        file, test = node.path.relative_to(settings.root).as_posix(), node.nodeid.partition("::")[2]
        assert self._viewport is not None
        target = Target(
            notebook=f"{file}/{test.replace('::', '/').replace('/', '.')}" if name else self._notebook,
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
