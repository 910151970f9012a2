"""How a notebook becomes a live page. One module each; all answer to `Frontend`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from widgetshot.model import ServedPage, Target


class Frontend(Protocol):
    """Turns notebooks into live pages."""

    @property
    def anchor_url(self) -> str:
        """Address of a page that loads what the pages of all live pages need, and shows nothing."""

    async def open(
        self, file: Path, target: Target, kernel: str, environment: Mapping[str, str] | None = None
    ) -> ServedPage:
        """Execute the notebook of `target` and serve it.

        Args:
            kernel: name of the kernel spec; "" leaves it to the notebook.
            environment: variables that this kernel gets besides those of all.

        Raises:
            NotebookError: it did not run to its end.
            ServerError: no server or kernel could be had.
        """

    async def alive(self, live_page: ServedPage) -> bool:
        """Whether the live page's kernel still lives."""

    async def close(self, live_page: ServedPage) -> dict[str, Any]:
        """End the live page's kernel and page.

        Returns:
            What it was seen to read, for `changed.InputSnapshot`.
        """
