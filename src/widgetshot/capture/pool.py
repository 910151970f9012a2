"""Pages to capture live pages in: opened when they are needed, used again where nothing is left in them."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Error as PlaywrightError

from widgetshot.capture.determinism import WITHOUT_OPENER
from widgetshot.capture.driver_errors import capture_errors, first_line
from widgetshot.capture.events import PageEvents
from widgetshot.capture.page import CapturePage, go_to
from widgetshot.errors import CaptureError, ServerError, WidgetshotError
from widgetshot.model import Clock, ServedPage, Target
from widgetshot.ports import BrowserHost, Frontend
from widgetshot.project.settings import Settings

_LEAVE_TIMEOUT_S = 2.0
_CRASH_TIMEOUT_S = 1.0
# After so many pages, what they may have left behind is thrown away.
_PAGES_PER_SLOT = 50


@dataclass
class PageSlot:
    """A fresh page to capture, and what keeps the next one from starting from nothing.

    In Chromium all pages of a slot share a process, one after the other, because a page that stays open (the
    anchor) opens them; so scripts that the anchor has compiled and fonts that it has decoded are there already. A page
    has its own globals all the same, and what it stores in the browser is removed after it.

    A page in which no script but our own has run and no step was performed is emptied and used again; at first that is
    the anchor itself.

    Attributes:
        context, page, cdp: Playwright's; `cdp` is None but with Chromium.
        made_for: a target of the variant that the context has.
        variant: a target of the variant that the page has.
        frontend: whose pages are shown.
        anchor, anchor_cdp: the page that stays open; None but with Chromium.
        used: number of pages opened so far.
        shown: what is shown in the page, if anything is.
        events: of the page, if it has been listened to.
        kept: whether the page is loaded, and as good as a new one.
    """

    context: Any
    page: Any
    cdp: Any
    made_for: Target
    variant: Target
    frontend: Frontend
    anchor: Any = None
    anchor_cdp: Any = None
    used: int = 0
    shown: CapturePage | None = None
    events: PageEvents | None = None
    kept: bool = False

    async def renew(self, target: Target) -> None:
        """Make the next page ready, with the variant of `target`."""
        if self.kept:
            self.used += 1
            # Its process may have died since, for which the next live page can't be blamed.
            await self.page.evaluate("() => 0")
            await _vary(self.page, self.variant, target)
        else:
            self.page, self.cdp = await self.another(target)
            self.events = None
        self.variant = target

    async def another(self, target: Target) -> tuple[Any, Any]:
        """Open one more page for the variant of `target`, beside those that are open; the page and its CDP session."""
        if self.anchor is None:
            page = await self.context.new_page()
            return page, None if self.cdp is None else await self.context.new_cdp_session(page)
        async with self.anchor.expect_popup() as opened:
            await self.anchor.evaluate("() => void window.open('about:blank')")
        page = await opened.value
        self.used += 1
        await _vary(page, self.made_for, target)
        return page, await self.context.new_cdp_session(page)

    async def clear(self) -> None:
        """Empty the page for the next live page, or close it and remove what it has stored; close those it has opened.

        An anchor in which somebody else's script has run is none any more: then the context is closed.
        """
        shown, self.shown = self.shown, None
        pure = self.kept if shown is None else await self._leave(shown)
        # Who has clicked and typed leaves more behind than can be seen, as whether a focus is to be shown.
        self.kept = pure and not (shown is not None and shown.acted)
        if self.page is self.anchor and not pure:
            self.anchor = None
            await self.context.close()
            return
        for page in self.context.pages:
            if page is not self.anchor and not (self.kept and page is self.page):
                await page.close()
        if not pure:
            await self.anchor_cdp.send(
                "Storage.clearDataForOrigin",
                {"origin": "/".join(self.anchor.url.split("/")[:3]), "storageTypes": "all"},
            )

    async def _leave(self, shown: CapturePage) -> bool:
        """Empty the page; whether that was possible, and only our own scripts have run in it."""
        shown.detach()
        try:
            return await asyncio.wait_for(shown.live.leave(), _LEAVE_TIMEOUT_S)
        except (PlaywrightError, TimeoutError):
            # It went to another address, or waits for a widget that never came.
            return False


async def _vary(page: Any, before: Target, target: Target) -> None:
    """Give a page, which has the variant of another target, that of this one."""
    if target.theme != before.theme:
        await page.emulate_media(color_scheme=target.color_scheme, reduced_motion="reduce")
    if target.viewport != before.viewport:
        await page.set_viewport_size({"width": target.viewport.width, "height": target.viewport.height})


class PagePool:
    """A browser, and the slots in which its pages are."""

    def __init__(self, settings: Settings, host: BrowserHost) -> None:
        self.settings = settings
        self.host = host
        self._idle: dict[tuple[Clock, str], list[PageSlot]] = {}
        self._scripts_seen: set[str] = set()  # of front ends, by their anchors

    async def start(self) -> None:
        """Start the browser.

        Raises:
            ServerError: there is none, or it does not start.
        """
        await self.host.start()

    async def stop(self) -> None:
        """End the browser."""
        self._idle.clear()
        await self.host.stop()

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        """The renderer; empty before the browser has started."""
        return self.host.fingerprint

    @property
    def sheet(self) -> Mapping[str, str]:
        """See `BrowserHost.sheet`."""
        return self.host.sheet

    async def alive(self) -> bool:
        """Ask the browser whether it still works."""
        return await self.host.alive()

    @property
    def connected(self) -> bool:
        """True while the browser is there, as far as is known."""
        return self.host.connected

    async def slot(self, target: Target, frontend: Frontend) -> PageSlot:
        """Return a slot with a fresh page for the variant of `target`, which shows nothing so far.

        Args:
            frontend: whose page it is to show.

        Raises:
            ServerError: the browser is gone, or the server of the front end.
        """
        idle = self._idle.get((target.clock, frontend.anchor_url), [])
        while idle:
            slot = idle.pop()
            # Several front ends may share an anchor.
            slot.frontend = frontend
            try:
                await slot.renew(target)
                return slot
            except PlaywrightError:
                # Its process has died since: nobody but the page before can be blamed for that.
                with contextlib.suppress(PlaywrightError):
                    await slot.context.close()
        try:
            slot = await self._build(target, frontend)
            if slot.anchor is not None and not slot.kept:
                await slot.renew(target)
        except PlaywrightError as error:
            what = "no page could be opened" if await self.alive() else "the browser is gone"
            said = first_line(error, self.settings.redactor.including(frontend.token))
            raise ServerError(f"{what}: {said}", next_step="widgetshot doctor") from error
        return slot

    async def _build(self, target: Target, frontend: Frontend) -> PageSlot:
        context = await self.host.new_context(target)
        page = await context.new_page()
        if self.host.kind != "chromium":
            return PageSlot(context, page, None, target, target, frontend)
        cdp = await context.new_cdp_session(page)
        if not frontend.anchor_url:
            return PageSlot(context, page, cdp, target, target, frontend)
        await context.add_init_script(WITHOUT_OPENER)
        await go_to(page, frontend.anchor_url)
        await page.mouse.move(0, 0)
        # Where notebooks bring scripts, one would spoil the anchor, and it takes longer to load than other pages.
        return PageSlot(
            context, page, cdp, target, target, frontend, page, cdp, kept=frontend.anchor_url not in self._scripts_seen
        )

    async def show(self, slot: PageSlot, served: ServedPage, limit: float) -> CapturePage:
        """Show a live page in a slot's page, ready for steps and pictures.

        Args:
            limit: seconds that the page may take to come to rest.

        Raises:
            CaptureError: the page did not load.
        """
        live = slot.frontend.connect(slot.page)
        shown = slot.shown = CapturePage(slot.page, slot.cdp, live, served, self.settings, limit)
        slot.events = shown.listen(slot.events)
        for notice in served.notices:
            shown.log.add_error(notice)
        if not slot.kept:
            await shown.load()
        elif not await shown.take_over():
            # It has scripts of its own, or what only a page that loads can show. Nothing has come of it so far.
            slot.kept = False
            shown.detach()
            if slot.page is not slot.anchor:
                await slot.page.close()
            await slot.renew(slot.variant)
            return await self.show(slot, served, limit)
        return shown

    async def tab(self, slot: PageSlot, main: CapturePage, name: str, target: Target) -> CapturePage:
        """Return a tab of a live page, opened when it is first named and kept as long as its main page.

        Args:
            name: "" is the main page itself.
            target: of the variant that the slot is used for.

        Raises:
            CaptureError: the page could not be opened, or did not load.
        """
        if not name:
            return main
        tab = main.tabs.get(name)
        if tab is not None and tab.executed == main.executed:
            return tab
        if tab is None:
            try:
                page, cdp = await slot.another(target)
            except PlaywrightError as error:
                said = first_line(error, main.log.redactor)
                raise CaptureError(f"the tab '{name}' could not be opened: {said}") from error
            live = slot.frontend.connect(page)
            tab = CapturePage(page, cdp, live, main.served, self.settings, main.limit, main=main)
            tab.listen()
            await tab.load()
        with capture_errors(f"the tab '{name}' could not be drawn", tab.log):
            await tab.live.follow(await main.live.outputs())
        tab.executed = main.executed
        main.tabs[name] = tab
        if main.acted:
            await main.begin_acting()
        return tab

    async def release(self, slot: PageSlot, *, spoiled: bool) -> None:
        """Take a page down; its slot is kept for the next one.

        Args:
            spoiled: whether its page has crashed or hangs, and everything that shares its process with it.

        Raises:
            WidgetshotError: the browser is there, but did not close the page.
        """
        try:
            if spoiled and slot.cdp is not None:
                # A hanging page can't be closed, but the browser can end its process. It gives no answer to that.
                with contextlib.suppress(PlaywrightError, TimeoutError):
                    await asyncio.wait_for(slot.cdp.send("Page.crash"), _CRASH_TIMEOUT_S)
            if slot.anchor is None or spoiled or slot.used >= _PAGES_PER_SLOT:
                await slot.context.close()
                return
            await slot.clear()
            if slot.anchor is None:
                self._scripts_seen.add(slot.frontend.anchor_url)
                return
        except PlaywrightError as error:
            if self.connected:
                said = first_line(error, self.settings.redactor.including(slot.frontend.token))
                raise WidgetshotError(f"a page could not be closed: {said}") from error
            return
        self._idle.setdefault((slot.made_for.clock, slot.frontend.anchor_url), []).append(slot)
