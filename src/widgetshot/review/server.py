"""The live review: the gallery behind a Jupyter Server that applies decisions as they are taken.

- ``GET /widgetshot/review?run=PATH`` is the page
- ``GET /widgetshot/api/review?run=PATH`` tells what is decided; with ``&since=VERSION`` it waits for news
- ``POST /widgetshot/api/review?run=PATH`` takes ``{"decisions": [...]}`` or ``{"undo": [...]}``

`widgetshot review` serves just this; `jupyter server extension enable widgetshot` adds it to any Jupyter Server. The
format is described in docs/reference/review-api.md.
"""

import asyncio
import contextlib
import json
import secrets
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web  # type: ignore[attr-defined]
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from widgetshot.errors import ConfigError, RecordError, ServerError, StaleDecision, WidgetshotError, visible
from widgetshot.project.loading import find_root, load_settings

if TYPE_CHECKING:
    # Pictures take long to import, and a Jupyter Server that nobody reviews on should not wait for that.
    from widgetshot.review.session import Review

_LONGEST_WAIT = 25.0
# Decisions may come from another process, and its file is the only message there is.
_LOOK_AGAIN = 0.2
_HOST = "127.0.0.1"
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
}


class Reviews:
    """The reviews that one server offers.

    Args:
        root: what a request names is in this folder.
        default: the one meant by a request that names none; without it, the run folder of the project in `root`.
    """

    def __init__(self, root: Path, default: "Review | None" = None) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._open: dict[str, Review] = {"": default} if default else {}
        self.reviewer = ""

    def open(self, path: str) -> "Review":
        """The review of a run folder, or of the run that has replaced the one there was.

        Args:
            path: relative to the server's folder; "" for the default.

        Raises:
            RecordError: there is no run, or the path leads out of the server's folder.
            ConfigError: the project's settings are wrong.
        """
        from widgetshot.baselines.stores import open_baselines
        from widgetshot.review.session import Review, default_reviewer

        with self._lock:
            review = self._open.get(path)
            if review is None:
                folder = self._inside(path) if path else None
                settings = load_settings(find_root(folder.parent if folder else self._root))
                review = Review(folder or settings.report, open_baselines(settings), settings.root)
            elif review.run.id != review.id:
                review = Review(review.folder, review.baselines, review.root)
            self._open[path] = review
            self.reviewer = self.reviewer or default_reviewer(self._root)
            return review

    def _inside(self, path: str) -> Path:
        root = self._root.resolve()
        with contextlib.suppress(OSError, ValueError, RuntimeError):  # a loop of links, a null character
            folder = (root / path).resolve()
            if not PurePath(path).is_absolute() and folder.is_relative_to(root) and folder != root:
                return folder
        raise RecordError(
            "is no run folder under the server's folder", where=path[:200], next_step="widgetshot review RUN"
        )


class _PageHandler(JupyterHandler):
    def set_default_headers(self) -> None:
        super().set_default_headers()
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    @web.authenticated
    async def get(self) -> None:
        from widgetshot.report.gallery import page

        path = self.get_query_argument("run", "")
        try:
            review = await asyncio.to_thread(self.settings["widgetshot_reviews"].open, path)
            live = {"api": url_path_join(self.base_url, "widgetshot/api/review"), "run": path}
            html = await asyncio.to_thread(page, review.folder, live)
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
    def set_default_headers(self) -> None:
        super().set_default_headers()
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    def on_connection_close(self) -> None:
        self._gone = True
        super().on_connection_close()

    @web.authenticated
    async def get(self) -> None:
        try:
            review = await self._review()
            since = self._since()
            until = asyncio.get_running_loop().time() + _LONGEST_WAIT
            state = await asyncio.to_thread(review.state)
            run = state["run"]
            # Another run begins with version 0, which may be what the page has seen.
            while (state["version"], state["run"]) == (since, run) and asyncio.get_running_loop().time() < until:
                await asyncio.sleep(_LOOK_AGAIN)
                if getattr(self, "_gone", False):
                    return
                # Another run may be in the folder by now.
                review = await self._review()
                state = await asyncio.to_thread(review.state)
        except WidgetshotError as error:
            self._refuse(error, None)
        else:
            self._answer(state)

    @web.authenticated
    async def post(self) -> None:
        review: Review | None = None
        try:
            review = await self._review()
            self._answer(await asyncio.to_thread(_apply, review, self.request.body))
        except WidgetshotError as error:
            now = None
            if review is not None:
                with contextlib.suppress(WidgetshotError):
                    now = await asyncio.to_thread(review.state)
            self._refuse(error, now)

    async def _review(self) -> "Review":
        path = self.get_query_argument("run", "")
        try:
            review: Review = await asyncio.to_thread(self.settings["widgetshot_reviews"].open, path)
        except RecordError as error:
            self.set_status(404)
            raise error
        return review

    def _since(self) -> int | None:
        text = self.get_query_argument("since", None)
        try:
            return None if text is None else int(text)
        except ValueError:
            self.set_status(400)
            raise ConfigError(f"must be a version, not {text!r:.80}", where="since") from None

    def _answer(self, state: dict[str, Any]) -> None:
        self.finish(json.dumps(self._named(state)))

    def _refuse(self, error: WidgetshotError, state: dict[str, Any] | None) -> None:
        from widgetshot.review.session import MalformedDecision, UnknownResult

        statuses: dict[type[WidgetshotError], int] = {
            MalformedDecision: 400, UnknownResult: 404, ConfigError: 422, StaleDecision: 409,
        }  # fmt: skip
        if self.get_status() == 200:
            self.set_status(next((status for kind, status in statuses.items() if isinstance(error, kind)), 500))
        told = {"what": error.what, "where": error.where, "next_step": error.next_step}
        self.finish(json.dumps({"error": told, "state": self._named(state) if state else None}))

    def _named(self, state: dict[str, Any]) -> dict[str, Any]:
        return state | {"reviewer": self.settings["widgetshot_reviews"].reviewer}


def _apply(review: "Review", body: bytes) -> dict[str, Any]:
    """Do what a POST asks for.

    Raises:
        MalformedDecision: it asks for nothing that can be understood.
        WidgetshotError: as `Review.decide` and `Review.undo`.
    """
    from widgetshot.review.session import Decision, MalformedDecision, Undo

    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedDecision(f"is no JSON: {error}", where="the request") from error
    kind, many = next(iter(asked.items())) if isinstance(asked, dict) and len(asked) == 1 else ("", None)
    if kind not in ("decisions", "undo") or not isinstance(many, list) or not many:
        raise MalformedDecision('must be {"decisions": [...]} or {"undo": [...]}', where="the request")
    if kind == "undo":
        return review.undo([Undo.parse(one) for one in many])
    return review.decide([Decision.parse(one) for one in many])


def _load_jupyter_server_extension(serverapp: Any) -> None:
    _add_routes(serverapp, Reviews(Path(serverapp.root_dir)))


def _add_routes(serverapp: Any, reviews: Reviews) -> None:
    serverapp.web_app.settings["widgetshot_reviews"] = reviews
    routes = (("widgetshot/review", _PageHandler), ("widgetshot/api/review", _ApiHandler))
    serverapp.web_app.add_handlers(
        ".*$", [(url_path_join(serverapp.base_url, path), handler) for path, handler in routes]
    )


def serve(review: "Review", root: Path, *, port: int, ready: Callable[[str], None]) -> None:
    """Serve one review on loopback until the process is told to stop (Ctrl-C, SIGTERM, the terminal closes).

    Args:
        root: the project's folder.
        port: 0 for a free one.
        ready: called with the page's address, token included, as soon as it can be opened.

    Raises:
        ServerError: the port can't be had.
    """
    with tempfile.TemporaryDirectory(prefix="widgetshot-review-") as folder:
        asyncio.run(_serve(review, root, port, ready, Path(folder)))


async def _serve(review: "Review", root: Path, port: int, ready: Callable[[str], None], folder: Path) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            try:
                loop.add_signal_handler(getattr(signal, name), stop.set)
            except NotImplementedError:  # Windows
                signal.signal(getattr(signal, name), lambda *_: loop.call_soon_threadsafe(stop.set))
    try:
        sockets = bind_sockets(port, _HOST)
    except (OSError, OverflowError) as error:
        raise ServerError(
            f"port {port} can't be had: {error}", next_step="widgetshot review  (takes a free port)"
        ) from error
    port = sockets[0].getsockname()[1]
    token = secrets.token_urlsafe(24)
    app = _application(folder, root, port, token)
    _add_routes(app, Reviews(root, review))
    server = HTTPServer(app.web_app)
    server.add_sockets(sockets)
    ready(f"http://{_HOST}:{port}/widgetshot/review?token={token}")
    await stop.wait()
    server.stop()
    # Whoever waits for news is cut off, which is no error. A decision in work is finished by its thread all the same.
    app.log.setLevel("CRITICAL")
    await server.close_all_connections()


def _application(folder: Path, root: Path, port: int, token: str) -> Any:
    """A Jupyter Server with its authentication and nothing else: no kernels, no files, nobody's configuration.

    Args:
        folder: private, for what it writes.
    """
    # jsonschema, which Jupyter Server imports, would compile a grammar for a check of URLs that nobody asks for.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from jupyter_server.serverapp import ServerApp
    from traitlets.config import Config

    class ReviewApp(ServerApp):
        name = "widgetshot-review"
        default_services = ("security",)

        def migrate_config(self) -> None:
            """Nobody's old configuration either."""

        def load_config_file(self, *_: Any, **__: Any) -> None:
            """A person's own server settings can't break a review."""

        def init_signal(self) -> None:
            """Signals end a review without a question."""

    config = Config()
    config.IdentityProvider.token = token
    config.ContentsManager.files_handler_class = None
    app = ReviewApp.instance(
        config=config,
        ip=_HOST,
        port=port,
        base_url="/",
        default_url="/widgetshot/review",
        root_dir=str(root),
        config_dir=str(folder),
        data_dir=str(folder),
        runtime_dir=str(folder),
        open_browser=False,
        allow_root=True,
        terminals_enabled=False,
        jpserver_extensions={},
        log_level="ERROR",
    )
    app.initialize(argv=[], find_extensions=False, new_httpserver=False)
    return app
