"""The services of one execution of one notebook."""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from widgetshot.errors import ServerError
from widgetshot.services.instance import Instance
from widgetshot.services.manager import Services
from widgetshot.services.programs import Requirement, install_commands, names

if TYPE_CHECKING:
    from widgetshot.declare.notebook import Notebook


def reason_to_skip(name: str, missing: Iterable[Requirement]) -> str:
    """Return why what needs a service is left out here, and what would change that."""
    missing = tuple(missing)
    return f"the service '{name}' can't be had here: {names(missing)} not found; {install_commands(missing)}"


def left_out(notebook: "Notebook", services: Services, *, without: bool = False, skip_missing: bool = False) -> str:
    """Return why a notebook is not run on account of its services, or "".

    Args:
        without: none that needs a service is to be run.
        skip_missing: one whose services can't be had here may be left out.

    Raises:
        ServerError: something is missing, and nobody said that this is fine.
    """
    if without and notebook.services:
        return f"needs services, which were not asked for: {', '.join(need.name for need in notebook.services)}"
    for need in notebook.services:
        if missing := services.missing(need.name, exclusive=need.exclusive):
            if skip_missing:
                return reason_to_skip(need.name, missing)
            raise ServerError(
                f"the service '{need.name}' can't be had: {names(missing)} not found",
                where=notebook.path,
                next_step=f"{install_commands(missing)}  (or leave it out: --skip-missing-services)",
            )
    return ""


class NotebookServices:
    """The services that a notebook needs while it executes and is captured.

    Args:
        services: where they come from.
    """

    def __init__(self, notebook: "Notebook", services: Services) -> None:
        self._notebook = notebook
        self._services = services
        self._instances: list[Instance] = []
        self.exclusive: list[asyncio.Future[Instance]] = []

    async def begin(self) -> dict[str, str]:
        """Wait until all are ready.

        Returns:
            The variables that the kernel gets.

        Raises:
            ServerError: one can't be had.
        """
        futures: list[asyncio.Future[Instance]] = []
        for need in self._notebook.services:
            start = self._services.start_exclusive if need.exclusive else self._services.start
            future = asyncio.wrap_future(start(need.name))
            futures.append(future)
            if need.exclusive:
                self.exclusive.append(future)
        # Of several that fail the first is reported; the others must have ended all the same.
        outcomes = await asyncio.gather(*futures, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
            self._instances.append(outcome)
        environment: dict[str, str] = {}
        for instance in self._instances:
            environment |= instance.endpoint.variables
        return environment

    async def cause(self) -> ServerError | None:
        """Return the error that a service ended by itself, or None."""
        for instance in self._instances:
            if died := await asyncio.to_thread(instance.died):
                return ServerError(
                    f"the service '{instance.endpoint.name}' died while the notebook used it: {'; '.join(died)}",
                    where=self._notebook.path,
                    next_step="widgetshot doctor --services",
                )
        return None

    async def end(self) -> None:
        """End those that nobody else uses."""
        for outcome in await asyncio.gather(*self.exclusive, return_exceptions=True):
            if isinstance(outcome, Instance):
                await asyncio.to_thread(self._services.end, outcome)
