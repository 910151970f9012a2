"""The questions to the script of a live page (js/src/live)."""

import json
from collections.abc import Sequence
from typing import Any

# Selector of what a picture shows (None for the whole page), and selectors of its masks.
Scope = tuple[str | None, Sequence[str]]


class PageScript:
    """The script of a page that is open in a browser.

    Args:
        page: Playwright's page, async or wrapped by `Awaitable`.
    """

    def __init__(self, page: Any) -> None:
        self._page = page

    async def ready(self, limit: float, max_settle: float | None) -> str:
        """Wait until the page is ready; what still moves after `limit` seconds, or "".

        Args:
            max_settle: seconds after which a page that is drawn, but goes on moving, is good enough.
        """
        unrest: str = await self._page.evaluate(
            "([limit, maxSettle]) => window.widgetshot.ready(limit, maxSettle)",
            [limit * 1000, None if max_settle is None else max_settle * 1000],
        )
        return unrest

    async def look(self, scopes: Sequence[Scope]) -> list[dict[str, Any] | None]:
        """Ask for all that pictures of the scopes depend on; None for one but the first that can't be told."""
        text: str = await self._page.evaluate("asked => window.widgetshot.look(asked)", [list(one) for one in scopes])
        looks: list[dict[str, Any] | None] = json.loads(text)
        return looks

    async def extent(self) -> dict[str, Any]:
        """Ask for the size of the whole page (`width`, `height`), and whether the viewport is smaller (`beyond`)."""
        extent: dict[str, Any] = await self._page.evaluate("() => window.widgetshot.extent()")
        return extent

    async def secret_places(self, forms: Sequence[str]) -> list[dict[str, float]]:
        """Ask where the page shows one of some texts."""
        places: list[dict[str, float]] = await self._page.evaluate(
            "forms => window.widgetshot.secretPlaces(forms)", list(forms)
        )
        return places

    async def enter(self, url: str) -> bool:
        """Let the page show another live page; whether that is possible."""
        return bool(await self._page.evaluate("url => window.widgetshot.enter(url)", url))

    async def leave(self) -> bool:
        """Let the page take down what it shows; whether it is as good as a new one then."""
        return bool(await self._page.evaluate("() => window.widgetshot.leave()"))
