"""The default front end: a thin live page, JupyterLab's look without its frame."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from widgetshot.frontends.failures import open_error
from widgetshot.frontends.page_script import PageScript
from widgetshot.model import ServedPage, Target
from widgetshot.ports import SourcesSeen
from widgetshot.project.settings import Settings
from widgetshot.server.launcher import Server
from widgetshot.server.messages import (
    FailedOpening,
    KernelState,
    Opened,
    OpenRequest,
    decode_opening,
    decode_sources,
    decode_state,
    encode,
)

API = "widgetshot/api/live-pages"
F = TypeVar("F", bound="PageFrontend")


class PageFrontend:
    """Live pages of the `widgetshot.server` extension.

    Args:
        server: a running server.
        environment: variables that every kernel gets.
        variables: such that they get unless they have them already.
        secrets: values that no page may hold.
        root: the project's folder; None for that of each notebook.
        left_out: absolute paths of what no kernel gets to see of it.
        gateway_token: what gateways of kernels are told; "" for nothing.
    """

    _page = "live"  # see `OpenRequest.page`

    def __init__(
        self,
        server: Server,
        environment: dict[str, str],
        variables: Mapping[str, str] | None = None,
        secrets: Iterable[str] = (),
        root: Path | None = None,
        left_out: Iterable[Path] = (),
        gateway_token: str = "",
    ) -> None:
        self._server = server
        self._environment = environment
        self._variables = dict(variables or {})
        self._secrets = list(secrets)
        self._root = root
        self._gateway_token = gateway_token
        self._left_out = tuple(str(path) for path in (*left_out, server.folder))

    @property
    def anchor_url(self) -> str:
        """See `Frontend.anchor_url`."""
        return self._server.page_url(self._server.path("widgetshot/anchor"))

    @property
    def token(self) -> str:
        """See `Frontend.token`."""
        return self._server.token

    async def open(
        self,
        file: Path,
        target: Target,
        kernel: str,
        environment: Mapping[str, str] | None = None,
        *,
        gateway: str = "",
    ) -> ServedPage:
        """See `Frontend.open`."""
        opened = await self._opened(self._request(file, target, kernel, environment, gateway))
        return self._page_of(opened, target, gateway)

    def _page_of(self, opened: Opened, target: Target, gateway: str) -> ServedPage:
        """Return the page of a notebook that the server has opened."""
        return self._served(opened, target, self._server.page_url(opened.url), gateway)

    def _request(
        self, file: Path, target: Target, kernel: str, environment: Mapping[str, str] | None, gateway: str
    ) -> OpenRequest:
        return OpenRequest(
            file=str(file),
            path=target.notebook,
            theme=target.theme,
            kernel=kernel,
            timeout=target.timeout,
            environment={**self._environment, **(environment or {})},
            variables=self._variables,
            secrets=self._secrets,
            frozen_at=datetime.fromisoformat(target.clock.start).timestamp() if target.clock.frozen else None,
            gateway=gateway,
            gateway_token=self._gateway_token if gateway else "",
            root="" if self._root is None else str(self._root),
            left_out=self._left_out,
            page=self._page,
            executes=target.execute,
        )

    async def _opened(self, request: OpenRequest) -> Opened:
        """Have the server open a notebook.

        Raises:
            NotebookError, ServerError: there is no such page.
        """
        opened = decode_opening(await self._server.request("POST", API, encode(request)))
        if isinstance(opened, FailedOpening):
            raise open_error(opened, request.path, request.file, request.kernel, request.gateway)
        return opened

    def _served(self, opened: Opened, target: Target, url: str, gateway: str) -> ServedPage:
        return ServedPage(
            id=opened.id,
            url=url,
            selectors={cell: f'[data-cell-id="{cell}"]' for cell in opened.cells},
            timings=opened.timings,
            notices=tuple(opened.notices),
            token=self.token,
            notebook=target.notebook,
            gateway=gateway,
            cell_timeout=target.timeout,
        )

    def connect(self, page: Any) -> PageScript:
        """See `Frontend.connect`."""
        return PageScript(page)

    async def alive(self, served: ServedPage) -> bool:
        """See `Frontend.alive`."""
        state = decode_state(await self._server.request("GET", f"{API}/{served.id}"))
        raise_failure(state, served)
        return state.alive

    async def close(self, served: ServedPage) -> SourcesSeen:
        """See `Frontend.close`."""
        return decode_sources(await self._server.request("DELETE", f"{API}/{served.id}"))


def raise_failure(state: KernelState, served: ServedPage) -> None:
    """Raise the error of a kernel that does not live any more, or has not executed its notebook, if that is known.

    Raises:
        NotebookError, ServerError: why.
    """
    if state.failure is not None:
        raise open_error(FailedOpening(state.failure, state.cell), served.notebook, gateway=served.gateway)


def make_frontend(server: Server, environment: dict[str, str], settings: Settings) -> PageFrontend:
    """See `registry.MakeFrontend`."""
    return make(PageFrontend, server, environment, settings)


def make(kind: type[F], server: Server, environment: dict[str, str], settings: Settings) -> F:
    """Return a front end whose pages the headless server makes, for a project."""
    return kind(
        server,
        environment,
        settings.variables,
        settings.redactor.values,
        settings.root,
        (settings.report, settings.baselines),
        settings.gateway_token,
    )
