"""A notebook executed in a kernel, with the services that it needs."""

import os
from time import perf_counter
from typing import TYPE_CHECKING, Any

from widgetshot import cost
from widgetshot.declare.notebook import Notebook
from widgetshot.errors import ServerError
from widgetshot.model import ServedPage, Target
from widgetshot.project.endpoint import ENDPOINT_VARIABLES
from widgetshot.project.settings import Settings
from widgetshot.services.manager import Services
from widgetshot.services.notebook_services import NotebookServices

if TYPE_CHECKING:
    from widgetshot.ports import Frontend, LivePage, SourcesSeen


class Execution:
    """One execution of a notebook; `end` is to follow, whatever comes of it.

    Attributes:
        page: the served page of the executed notebook; None before it was executed, and where that failed.
        timings: seconds of each stage so far.
    """

    def __init__(self, notebook: Notebook, settings: Settings, frontend: "Frontend", services: Services) -> None:
        self._notebook = notebook
        self._settings = settings
        self._frontend = frontend
        self._services = NotebookServices(notebook, services)
        self.page: ServedPage | None = None
        self.timings: dict[str, float] = {}

    async def open(self, target: Target) -> ServedPage:
        """Execute the notebook in the variant of a target.

        Raises:
            NotebookError: it did not execute to its end.
            ServerError: the kernel, the server or a service could not be had.
        """
        notebook, settings = self._notebook, self._settings
        begin = perf_counter()
        environment = cost.environment(settings.root, notebook.path, settings.cost + notebook.cost)
        environment |= await self._services.begin()
        if notebook.services:
            self.timings["services"] = perf_counter() - begin
        if notebook.gateway_url:
            # Elsewhere a kernel inherits nothing of what is set here.
            named = [name for name in notebook.requires_env if name not in ENDPOINT_VARIABLES]
            environment |= {name: os.environ[name] for name in named if name in os.environ}
        file = settings.root / notebook.path
        self.page = await self._frontend.open(file, target, notebook.kernel, environment, gateway=notebook.gateway_url)
        self.timings |= self.page.timings
        return self.page

    def connect(self, page: Any) -> "LivePage":
        """Return what answers for a browser's page that shows, or will show, the notebook.

        Args:
            page: Playwright's, async or wrapped by `capture.sync.Awaitable`.
        """
        return self._frontend.connect(page)

    async def kernel_lives(self) -> bool:
        """Ask whether the kernel of the page is alive."""
        assert self.page is not None
        return await self._frontend.alive(self.page)

    async def service_error(self) -> ServerError | None:
        """Return the error that a service ended by itself, or None."""
        return await self._services.cause()

    async def end(self) -> "SourcesSeen | None":
        """End the kernel, and the services that nobody else uses.

        Returns:
            What the server saw the notebook read; None where it was not executed.

        Raises:
            ServerError: the server did not answer.
        """
        try:
            return await self._frontend.close(self.page) if self.page is not None else None
        finally:
            # After the kernel, which may say goodbye to them.
            await self._services.end()
