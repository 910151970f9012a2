"""The front end `static`: what nbconvert's HTML export shows, with the widgets' saved state and without a kernel."""

import json
from dataclasses import replace
from importlib.metadata import version
from time import perf_counter
from typing import Any

from widgetshot.conditions import Condition, Unrest
from widgetshot.errors import NotebookError
from widgetshot.files import STATIC
from widgetshot.frontends.page_script import PageScript
from widgetshot.frontends.widget_page import API, PageFrontend, make
from widgetshot.model import ServedPage, Target
from widgetshot.ports import PageTrace
from widgetshot.project.settings import Settings
from widgetshot.server.launcher import Server
from widgetshot.server.messages import Opened

EMPTY = "about:blank"
LOAD_TIMEOUT_MS = 30_000


class StaticPage(PageScript):
    """See `LivePage`: a page of nbconvert's.

    A notebook is executed in a live page beside it, which nobody captures. Whenever that has come to rest after further
    cells, what JupyterLab would save then is exported, and shown here.

    Args:
        page: Playwright's page, async or wrapped by `Awaitable`.
        server: makes the export.
    """

    def __init__(self, page: Any, server: Server) -> None:
        super().__init__(page)
        self._server = server
        self._beside: Any = None
        self._executing: PageScript | None = None
        self._served: ServedPage | None = None
        self._is_stale = False
        self._is_executed = False
        self._unrest: Condition[Unrest] | None = None
        self._trace, self._traced_at = PageTrace(), 0.0

    async def execute(self, served: ServedPage, within: float, until: str) -> bool:
        """See `LivePage.execute`."""
        self._served = served
        if not served.executing_url:
            return True
        if self._executing is None and not self._is_executed:
            self._beside = await self._open_beside(served.executing_url)
            self._executing = PageScript(self._beside)
        if self._executing is None:
            return True
        self._is_stale = True
        try:
            done = await self._executing.execute(served, within, until)
            self._is_executed = done and not until
            return done
        except NotebookError:
            # What there is so far is looked at by whoever wants to know why.
            await self._export()
            raise

    async def ready(self, limit: float, max_settle: float | None) -> Condition[Unrest] | None:
        """See `LivePage.ready`; what did not come to rest when the notebook was executed is no better when saved."""
        begin = perf_counter()
        if self._is_stale and self._executing is not None:
            self._unrest = await self._executing.ready(limit, max_settle)
            await self._export()
        left = max(0.0, limit - (perf_counter() - begin))
        return await super().ready(left, max_settle) or self._unrest

    async def trace(self) -> PageTrace:
        """See `LivePage.trace`."""
        if self._executing is not None:
            return await self._executing.trace()
        ago = perf_counter() - self._traced_at
        cells = tuple(replace(cell, began=cell.began + ago) for cell in self._trace.cells)
        messages = tuple(replace(message, at=message.at + ago) for message in self._trace.messages)
        return replace(self._trace, cells=cells, messages=messages)

    async def outputs(self) -> str:
        """See `LivePage.outputs`."""
        raise NotImplementedError("a static page has no tabs")

    async def enter(self, url: str) -> bool:  # noqa: ARG002 - its pages are always new ones
        """See `LivePage.enter`."""
        return False

    async def leave(self) -> bool:
        """See `LivePage.leave`."""
        return False

    async def _open_beside(self, url: str) -> Any:
        """Open another page, of the same size and colours."""
        page = await self._page.context.new_page()
        is_dark = await self._page.evaluate("() => matchMedia('(prefers-color-scheme: dark)').matches")
        await page.emulate_media(color_scheme="dark" if is_dark else "light", reduced_motion="reduce")
        await page.set_viewport_size(self._page.viewport_size)
        await page.goto(url, timeout=LOAD_TIMEOUT_MS, wait_until="domcontentloaded")
        return page

    @property
    def _executing_page(self) -> PageScript:
        assert self._executing is not None
        return self._executing

    async def _export(self) -> None:
        assert self._served is not None
        saved: str = await self._beside.evaluate("() => window.widgetshot.saved()")
        await self._server.request("POST", f"{API}/{self._served.id}/saved", saved.encode())
        if self._is_executed:
            # It has done its part, and two pages that are shown take each other's time.
            self._trace, self._traced_at = await self._executing_page.trace(), perf_counter()
            self._executing = None
            await self._beside.close()
        await self._page.goto(self._served.static_url, timeout=LOAD_TIMEOUT_MS, wait_until="domcontentloaded")
        self._is_stale = False


class StaticFrontend(PageFrontend):
    """Static pages, made by the `widgetshot.server` extension."""

    _page = "static"

    def _page_of(self, opened: Opened, target: Target, gateway: str) -> ServedPage:
        static = self._server.page_url(opened.static_url)
        if not target.execute:
            return self._served(opened, target, static, gateway)
        served = self._served(opened, target, EMPTY, gateway)
        return replace(served, executing_url=self._server.page_url(opened.url), static_url=static)

    def connect(self, page: Any) -> StaticPage:
        """See `Frontend.connect`."""
        return StaticPage(page, self._server)


def make_frontend(server: Server, environment: dict[str, str], settings: Settings) -> StaticFrontend:
    """See `registry.MakeFrontend`."""
    return make(StaticFrontend, server, environment, settings)


def versions() -> dict[str, str]:
    """Return the versions of what draws static pages; see `registry.Registered`."""
    return {"nbconvert": version("nbconvert"), **built("html-manager", "mathjax2")}


def built(*names: str) -> dict[str, str]:
    """Return the versions of what is built into widgetshot for pages that others make."""
    known: dict[str, str] = json.loads((STATIC / "notebook-pages.json").read_text(encoding="utf-8"))
    return {name: known[name] for name in names}
