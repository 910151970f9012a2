"""The live review's page and API in a Jupyter Server.

- ``GET /widgetshot/review?run=PATH`` is the page
- ``GET /widgetshot/api/review?run=PATH`` gives the state; with ``&since=VERSION`` it waits for news
- ``POST /widgetshot/api/review?run=PATH`` takes ``{"decisions": [...]}`` or ``{"undo": [...]}``

The format is described in docs/reference/review-api.md.
"""

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import msgspec
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.utils import url_path_join
from msgspec.structs import asdict
from tornado import web  # type: ignore[attr-defined]

from widgetshot.documents import Document
from widgetshot.errors import ConfigError, RecordError, StaleDecision, WidgetshotError, visible
from widgetshot.review.documents import NamedState, Refusal, RefusalAnswer, ReviewState
from widgetshot.review.requests import MalformedDecision, UnknownResult, parse_request
from widgetshot.review.sessions import ReviewSessions

if TYPE_CHECKING:
    from widgetshot.review.session import ReviewSession

# What Jupyter's Authorizer is asked for: pictures and baselines are files of the server. GET reads, POST writes.
_RESOURCE = "contents"
_MAX_WAIT_S = 25.0
# Decisions may come from another process, and its file is the only message there is.
_POLL_S = 0.2
_SESSIONS = "widgetshot_review_sessions"
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
}
# The first kind of an error that fits gives the status; 500 where none does.
_STATUSES: dict[type[WidgetshotError], int] = {
    MalformedDecision: 400,
    UnknownResult: 404,
    ConfigError: 422,
    StaleDecision: 409,
}


def add_routes(serverapp: Any, sessions: ReviewSessions) -> None:
    """Offer review sessions in a Jupyter Server."""
    serverapp.web_app.settings[_SESSIONS] = sessions
    routes = (("widgetshot/review", _PageHandler), ("widgetshot/api/review", _ApiHandler))
    serverapp.web_app.add_handlers(
        ".*$", [(url_path_join(serverapp.base_url, path), handler) for path, handler in routes]
    )


class _PageHandler(JupyterHandler):
    auth_resource = _RESOURCE

    def set_default_headers(self) -> None:
        super().set_default_headers()
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    @web.authenticated
    @authorized
    async def get(self) -> None:
        from widgetshot.report.gallery import page

        path = self.get_query_argument("run", "")
        try:
            session = await asyncio.to_thread(self.settings[_SESSIONS].open, path)
            live = {"api": url_path_join(self.base_url, "widgetshot/api/review"), "run": path}
            html = await asyncio.to_thread(page, session.folder, live)
        except WidgetshotError as error:
            # Jupyter's own page for this would not say why.
            self.set_status(404)
            self.set_header("Content-Type", "text/plain; charset=utf-8")
            self.finish(visible(str(error)).encode(errors="replace"))
            return
        self.xsrf_token  # noqa: B018  asking for it sets the cookie that the page sends back
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(html)


class _ApiHandler(APIHandler):
    auth_resource = _RESOURCE

    def set_default_headers(self) -> None:
        super().set_default_headers()
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    def on_connection_close(self) -> None:
        self._gone = True
        super().on_connection_close()

    @web.authenticated
    @authorized
    async def get(self) -> None:
        try:
            session = await self._session()
            since = self._since()
            until = asyncio.get_running_loop().time() + _MAX_WAIT_S
            state = await asyncio.to_thread(session.state)
            run = state.run
            # Another run begins with version 0, which may be what the page has seen.
            while (state.version, state.run) == (since, run) and asyncio.get_running_loop().time() < until:
                await asyncio.sleep(_POLL_S)
                if getattr(self, "_gone", False):
                    return
                # Another run may be in the folder by now.
                session = await self._session()
                state = await asyncio.to_thread(session.state)
        except WidgetshotError as error:
            self._refuse(error, None)
        else:
            self._answer(self._named(state))

    @web.authenticated
    @authorized
    async def post(self) -> None:
        session: ReviewSession | None = None
        try:
            session = await self._session()
            self._answer(self._named(await asyncio.to_thread(_apply, session, self.request.body)))
        except WidgetshotError as error:
            now = None
            if session is not None:
                with contextlib.suppress(WidgetshotError):
                    now = await asyncio.to_thread(session.state)
            self._refuse(error, now)

    async def _session(self) -> "ReviewSession":
        path = self.get_query_argument("run", "")
        try:
            session: ReviewSession = await asyncio.to_thread(self.settings[_SESSIONS].open, path)
        except RecordError:
            self.set_status(404)
            raise
        return session

    def _since(self) -> int | None:
        text = self.get_query_argument("since", None)
        try:
            return None if text is None else int(text)
        except ValueError:
            self.set_status(400)
            raise ConfigError(f"must be a version, not {text!r:.80}", where="since") from None

    def _refuse(self, error: WidgetshotError, state: ReviewState | None) -> None:
        if self.get_status() == 200:
            self.set_status(next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), 500))
        refusal = Refusal(what=error.what, where=error.where, next_step=error.next_step)
        self._answer(RefusalAnswer(error=refusal, state=None if state is None else self._named(state)))

    def _named(self, state: ReviewState) -> NamedState:
        return NamedState(**asdict(state), reviewer=self.settings[_SESSIONS].reviewer)

    def _answer(self, answer: Document) -> None:
        # Not `documents.encode`: a comment may hold half a surrogate pair, and comes back as it was sent.
        self.finish(json.dumps(msgspec.to_builtins(answer)))


def _apply(session: "ReviewSession", body: bytes) -> ReviewState:
    """Do what a POST asks for.

    Raises:
        MalformedDecision: it asks for nothing that can be understood.
        WidgetshotError: as `ReviewSession.decide` and `ReviewSession.undo`.
    """
    request = parse_request(body)
    return session.undo(request.undo) if request.undo else session.decide(request.decisions or [])
