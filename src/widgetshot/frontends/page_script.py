"""The script of a live widget page (js/src/live), asked through the browser."""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from widgetshot.conditions import Condition, OpenFailure, Unrest
from widgetshot.errors import CaptureError, one_line
from widgetshot.frontends.failures import open_error
from widgetshot.model import ServedPage
from widgetshot.ports import Extent, Look, PageTrace, Rect, Scope
from widgetshot.server.messages import FailedOpening

T = TypeVar("T")


class _Failure(Struct, rename="camel"):
    """See `ExecutionFailure` in js/src/live/protocol.ts."""

    code: OpenFailure
    params: dict[str, str]
    cell: str
    next_step: str


class PageScript:
    """See `LivePage`. The same questions are in js/src/live/protocol.ts.

    Args:
        page: Playwright's page, async or wrapped by `Awaitable`.
    """

    def __init__(self, page: Any) -> None:
        self._page = page

    async def execute(self, served: ServedPage, within: float, until: str) -> bool:
        """See `LivePage.execute`."""
        text: str = await self._page.evaluate(
            "([within, until]) => window.widgetshot.execute(within, until)", [within * 1000, until]
        )
        answer: bool | _Failure = _decoded(text, bool | _Failure)
        if isinstance(answer, bool):
            return answer
        failure = FailedOpening(Condition(answer.code, answer.params), answer.cell, answer.next_step)
        raise open_error(failure, served.notebook, gateway=served.gateway)

    async def arrange(self, capture: str) -> bool:  # noqa: ARG002
        """See `LivePage.arrange`: our own page shows a notebook in one way."""
        return False

    async def outputs(self) -> str:
        """See `LivePage.outputs`."""
        outputs: str = await self._page.evaluate("() => window.widgetshot.outputs()")
        return outputs

    async def follow(self, outputs: str) -> None:
        """See `LivePage.follow`."""
        await self._page.evaluate("outputs => window.widgetshot.follow(outputs)", outputs)

    async def ready(self, limit: float, max_settle: float | None) -> Condition[Unrest] | None:
        """See `LivePage.ready`."""
        text: str = await self._page.evaluate(
            "([limit, maxSettle]) => window.widgetshot.ready(limit, maxSettle)",
            [limit * 1000, None if max_settle is None else max_settle * 1000],
        )
        unrest: Condition[Unrest] | None = _decoded(text, Condition[Unrest] | None)
        return unrest

    async def look(self, scopes: Sequence[Scope], *, styled: bool = False) -> list[Look | None]:
        """See `LivePage.look`."""
        asked = [[selector, list(masks)] for selector, masks in scopes]
        text: str = await self._page.evaluate(
            "([scopes, styled]) => window.widgetshot.look(scopes, styled)", [asked, styled]
        )
        looks: list[Look | None] = _decoded(text, list[Look | None])
        return looks

    async def acting(self) -> None:
        """See `LivePage.acting`."""
        await self._page.evaluate("() => window.widgetshot.acting()")

    async def extent(self) -> Extent:
        """See `LivePage.extent`."""
        return _converted(await self._page.evaluate("() => window.widgetshot.extent()"), Extent)

    async def secret_places(self, forms: Sequence[str]) -> list[Rect]:
        """See `LivePage.secret_places`."""
        places = await self._page.evaluate("forms => window.widgetshot.secretPlaces(forms)", list(forms))
        return _converted(places, list[Rect])

    async def trace(self) -> PageTrace:
        """See `LivePage.trace`."""
        trace: PageTrace = _decoded(await self._page.evaluate("() => window.widgetshot.trace()"), PageTrace)
        return trace

    async def enter(self, url: str) -> bool:
        """See `LivePage.enter`."""
        return _converted(await self._page.evaluate("url => window.widgetshot.enter(url)", url), bool)

    async def leave(self) -> bool:
        """See `LivePage.leave`."""
        return _converted(await self._page.evaluate("() => window.widgetshot.leave()"), bool)


def _decoded(text: str, kind: Any) -> Any:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError as error:
        raise _not_understood(error) from error


def _converted(value: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.MsgspecError as error:
        raise _not_understood(error) from error


def _not_understood(error: Exception) -> CaptureError:
    return CaptureError(
        f"the page's script answers in a form that is not known: {one_line(error)}",
        next_step="install widgetshot anew: its page and its Python code are not of one version",
    )
