"""The front end `voila`: a notebook as Voila shows it, executed by Voila while its page is sent."""

from dataclasses import replace
from importlib.metadata import version
from time import perf_counter
from typing import Any

from widgetshot.frontends.page_script import PageScript
from widgetshot.frontends.static_page import EMPTY, LOAD_TIMEOUT_MS, built
from widgetshot.frontends.widget_page import API, PageFrontend, make, raise_failure
from widgetshot.model import ServedPage, Target
from widgetshot.project.settings import Settings
from widgetshot.server.launcher import Server
from widgetshot.server.messages import Opened, decode_state


class VoilaPage(PageScript):
    """See `LivePage`: a page of Voila's.

    Args:
        page: Playwright's page, async or wrapped by `Awaitable`.
        server: renders it.
    """

    def __init__(self, page: Any, server: Server) -> None:
        super().__init__(page)
        self._server = server
        self._is_open = False

    async def execute(self, served: ServedPage, within: float, until: str) -> bool:
        """See `LivePage.execute`; all cells are, in one go."""
        begin = perf_counter()
        if not self._is_open:
            # The rest of it comes as cells are executed.
            await self._page.goto(served.executing_url, timeout=LOAD_TIMEOUT_MS, wait_until="commit")
            await self._page.wait_for_function("() => window.widgetshot", timeout=LOAD_TIMEOUT_MS)
            self._is_open = True
        done = await super().execute(served, max(0.0, within - (perf_counter() - begin)), until)
        if done:
            raise_failure(decode_state(await self._server.request("GET", f"{API}/{served.id}")), served)
        return done

    async def enter(self, url: str) -> bool:  # noqa: ARG002 - its pages are always new ones
        """See `LivePage.enter`."""
        return False

    async def leave(self) -> bool:
        """See `LivePage.leave`."""
        return False


class VoilaFrontend(PageFrontend):
    """Pages of Voila, rendered in the headless server by `widgetshot.server.voila_page`."""

    _page = "voila"

    def _page_of(self, opened: Opened, target: Target, gateway: str) -> ServedPage:
        served = self._served(opened, target, EMPTY, gateway)
        return replace(served, executing_url=self._server.page_url(opened.url))

    def connect(self, page: Any) -> VoilaPage:
        """See `Frontend.connect`."""
        return VoilaPage(page, self._server)


def make_frontend(server: Server, environment: dict[str, str], settings: Settings) -> VoilaFrontend:
    """See `registry.MakeFrontend`."""
    return make(VoilaFrontend, server, environment, settings)


def versions() -> dict[str, str]:
    """Return the versions of what draws Voila's pages; see `registry.Registered`."""
    return {"voila": version("voila"), **built("fontawesome")}
