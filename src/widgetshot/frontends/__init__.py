"""How a notebook becomes an Exhibit. One module each; all answer to `Frontend`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from widgetshot.model import Exhibit, Target


class Frontend(Protocol):
    """Turns notebooks into live pages."""

    @property
    def anchor_url(self) -> str:
        """Address of a page that loads what the pages of all exhibits need, and shows nothing."""

    async def open(
        self, file: Path, target: Target, kernel: str, environment: Mapping[str, str] | None = None
    ) -> Exhibit:
        """Execute the notebook of `target` and serve it.

        Args:
            kernel: name of the kernel spec; "" leaves it to the notebook.
            environment: variables that this kernel gets besides those of all.

        Raises:
            NotebookError: it did not run to its end.
            ServerError: no server or kernel could be had.
        """

    async def alive(self, exhibit: Exhibit) -> bool:
        """Whether the exhibit's kernel still lives."""

    async def close(self, exhibit: Exhibit) -> dict[str, Any]:
        """End the exhibit's kernel and page.

        Returns:
            What it was seen to read, for `changed.Reads`.
        """
