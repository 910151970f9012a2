"""The default front end: a thin live page, JupyterLab's look without its frame."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from widgetshot import errors
from widgetshot.frontends.page_script import PageScript
from widgetshot.model import ServedPage, Target
from widgetshot.server.launcher import Server

_API = "widgetshot/api/live-pages"


class PageFrontend:
    """LivePages of the `widgetshot.server` extension.

    Args:
        server: a running server.
        environment: variables that every kernel gets.
        variables: such that they get unless they have them already.
        secrets: values that no page may hold.
    """

    def __init__(
        self,
        server: Server,
        environment: dict[str, str],
        variables: Mapping[str, str] | None = None,
        secrets: Iterable[str] = (),
    ) -> None:
        self._server = server
        self._environment = environment
        self._variables = dict(variables or {})
        self._secrets = list(secrets)

    @property
    def anchor_url(self) -> str:
        """Address of a page that loads what the pages of all live pages need, and shows nothing."""
        return self._server.page_url(self._server.path("widgetshot/anchor"))

    async def open(
        self, file: Path, target: Target, kernel: str, environment: Mapping[str, str] | None = None
    ) -> ServedPage:
        """See `Frontend.open`."""
        answer: dict[str, Any] = await self._server.request(
            "POST",
            _API,
            {
                "file": str(file),
                "path": target.notebook,
                "theme": target.theme,
                "kernel": kernel,
                "timeout": target.timeout,
                "environment": {**self._environment, **(environment or {})},
                "variables": self._variables,
                "secrets": self._secrets,
                "frozen_at": datetime.fromisoformat(target.clock.start).timestamp() if target.clock.frozen else None,
            },
        )
        if "error" in answer:
            error = answer["error"]
            kind = getattr(errors, error["kind"])
            raise kind(error["what"], where=error["where"], next_step=error["next_step"])
        return ServedPage(
            id=answer["id"],
            url=self._server.page_url(answer["url"]),
            selectors={cell: f'[data-cell-id="{cell}"]' for cell in answer["cells"]},
            timings=answer["timings"],
        )

    def connect(self, page: Any) -> PageScript:
        """See `Frontend.connect`."""
        return PageScript(page)

    async def alive(self, served: ServedPage) -> bool:
        """See `Frontend.alive`."""
        return bool((await self._server.request("GET", f"{_API}/{served.id}"))["alive"])

    async def close(self, served: ServedPage) -> dict[str, Any]:
        """See `Frontend.close`."""
        answer: dict[str, Any] = await self._server.request("DELETE", f"{_API}/{served.id}")
        return answer
