"""The requests that the extension answers: its API, pages, and files of its project."""

import asyncio
import os
from pathlib import Path
from urllib.parse import quote

from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web  # type: ignore[attr-defined]

from widgetshot.server.applications import Applications
from widgetshot.server.labextensions import extensions_that_name
from widgetshot.server.messages import FailedOpening, NotOpened, Opened, decode_request, encode


class LivePagesApiHandler(APIHandler):
    """Opens live pages."""

    @web.authenticated
    async def post(self) -> None:
        request = decode_request(self.request.body)
        answer: Opened | FailedOpening
        try:
            answer = await self.settings["widgetshot"].open(request)
        except NotOpened as error:
            answer = error.failure
        self.finish(encode(answer))


class NewApplicationPageHandler(JupyterHandler):
    """Sends the browser to a new page of an application."""

    @web.authenticated
    def get(self, frontend: str, live_page: str = "") -> None:
        applications: Applications = self.settings["widgetshot"].applications
        try:
            page = applications.new_page(frontend, live_page)
        except KeyError:
            raise web.HTTPError(404) from None
        path = "lab" if frontend == "lab" or page.shown is None else f"notebooks/{quote(page.shown.path)}"
        self.redirect(f"{applications.address(page, path)}?token={self.token}")


class LivePageApiHandler(APIHandler):
    """Tells whether the kernel of a live page lives, and ends the page."""

    @web.authenticated
    async def get(self, id: str) -> None:
        try:
            self.finish(encode(await self.settings["widgetshot"].state(id)))
        except KeyError:
            raise web.HTTPError(404) from None

    @web.authenticated
    async def delete(self, id: str) -> None:
        try:
            self.finish(encode(await self.settings["widgetshot"].close(id)))
        except KeyError:
            raise web.HTTPError(404) from None


class LabExtensionsApiHandler(APIHandler):
    """Finds installed extensions by what they name."""

    @web.authenticated
    async def get(self) -> None:
        text = self.get_query_argument("naming")
        # Tens of megabytes may have to be read.
        self.finish({"names": await asyncio.to_thread(extensions_that_name, text)})


class _WatchedPageHandler(JupyterHandler):
    """Pages that tell when anything but their own two scripts runs in them, or may: such a page is not used again.

    The browser tells it, by an event, as it would to whoever tries a policy out: nothing is blocked. Expressions may be
    evaluated, because Playwright does so; whoever else does it is a script.
    """

    def set_default_headers(self) -> None:
        super().set_default_headers()
        static = f"{self.request.protocol}://{self.request.host}{url_path_join(self.base_url, 'widgetshot/static')}"
        self.set_header(
            "Content-Security-Policy-Report-Only",
            f"script-src {static}/require.js {static}/live.js 'unsafe-eval'; worker-src 'none'; frame-src 'none'; "
            "object-src 'none'",
        )


class PageHandler(_WatchedPageHandler):
    """The live pages."""

    @web.authenticated
    def get(self, id: str, place: str) -> None:
        try:
            opened = self.settings["widgetshot"][id]
        except KeyError:
            raise web.HTTPError(404) from None
        if place.rstrip("/") != opened.place:
            raise web.HTTPError(404)
        self.finish(opened.html)


class AnchorHandler(_WatchedPageHandler):
    """The page that stays open, see `capture.pool.PageSlot`."""

    @web.authenticated
    def get(self) -> None:
        self.finish(self.settings["widgetshot"].anchor())


class ProjectFileHandler(web.StaticFileHandler):
    """Files of a notebook's copy of the project, under the address that relative links of its page lead to."""

    def initialize(self) -> None:
        super().initialize(os.devnull)

    async def get(self, id: str, path: str, include_body: bool = True) -> None:
        try:
            opened = self.settings["widgetshot"][id]
            self.root = str(opened.work)
            opened.requested.add(path)
        except KeyError:
            raise web.HTTPError(404) from None
        if not self.settings["widgetshot"].redactor:
            await super().get(path, include_body)
            return
        self.path = self.parse_url_path(path)
        absolute = self.validate_absolute_path(self.root, self.get_absolute_path(self.root, self.path))
        if absolute is None:
            return
        self.absolute_path = absolute
        self.set_header("Content-Type", self.get_content_type())
        data = await asyncio.to_thread(Path(absolute).read_bytes)
        self.finish(self.settings["widgetshot"].redactor.buffer(data))
