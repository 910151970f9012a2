"""Live pages for Python tests, which capture them by themselves."""

from widgetshot.declare.notebook import Notebook
from widgetshot.model import ServedPage, Target
from widgetshot.project.settings import Settings
from widgetshot.run.background import BackgroundLoop
from widgetshot.run.causes import redacted_error
from widgetshot.run.execution import Execution
from widgetshot.run.hosts import Hosts
from widgetshot.services.manager import Services


class LivePages:
    """Executes notebooks in a background loop, for callers in other threads.

    Args:
        traces_files: whether kernels note what they read.
    """

    def __init__(
        self, settings: Settings, loop: BackgroundLoop, hosts: Hosts, services: Services, *, traces_files: bool
    ) -> None:
        self._settings = settings
        self._loop = loop
        self._hosts = hosts
        self._services = services
        self._traces_files = traces_files

    def open(self, notebook: Notebook, target: Target) -> tuple[ServedPage, Execution]:
        """Execute a notebook in the variant of a target; `close` is to follow.

        Raises:
            NotebookError, ServerError: there is no such page.
        """
        try:
            return self._loop.start(self._open(notebook, target)).result()
        except Exception as error:
            redacted = redacted_error(error, self._settings.redactor)
            if redacted is error:
                raise
            raise redacted from None

    def close(self, execution: Execution) -> None:
        """End what `open` gave.

        Raises:
            ServerError: the server did not answer.
        """
        self._loop.start(execution.end()).result()

    async def _open(self, notebook: Notebook, target: Target) -> tuple[ServedPage, Execution]:
        frontend = await self._hosts.frontend(target.frontend, traces_files=self._traces_files)
        execution = Execution(notebook, self._settings, frontend, self._services)
        try:
            return await execution.open(target), execution
        except BaseException:
            await execution.end()
            raise
