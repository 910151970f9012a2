"""`widgetshot review`: the gallery behind a Jupyter Server of its own, which applies decisions as they are taken.

`jupyter server extension enable widgetshot` adds the same to any Jupyter Server.
"""

import asyncio
import html
import secrets
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from widgetshot.errors import ServerError
from widgetshot.review.handlers import add_routes
from widgetshot.review.sessions import ReviewSessions
from widgetshot.signals import told_to_stop

if TYPE_CHECKING:
    from widgetshot.review.session import ReviewSession

_HOST = "127.0.0.1"


def _load_jupyter_server_extension(serverapp: Any) -> None:
    add_routes(serverapp, ReviewSessions(Path(serverapp.root_dir)))


def serve(session: "ReviewSession", root: Path, *, port: int, ready: Callable[[str, Path], None]) -> None:
    """Serve one review session on loopback until the process is told to stop (Ctrl-C, SIGTERM, the terminal closes).

    Args:
        root: the project's folder.
        port: 0 for a free one.
        ready: called as soon as the page can be opened, with its address, token included, and a folder that nobody
            else may read and that is there as long as the server.

    Raises:
        ServerError: the port can't be had.
    """
    with tempfile.TemporaryDirectory(prefix="widgetshot-review-") as folder:
        asyncio.run(_serve(session, root, port, ready, Path(folder)))


async def _serve(
    session: "ReviewSession", root: Path, port: int, ready: Callable[[str, Path], None], folder: Path
) -> None:
    stop = told_to_stop()
    try:
        sockets = bind_sockets(port, _HOST)
    except (OSError, OverflowError) as error:
        raise ServerError(
            f"port {port} can't be had: {error}", next_step="widgetshot review  (takes a free port)"
        ) from error
    port = sockets[0].getsockname()[1]
    token = secrets.token_urlsafe(24)
    app = _application(folder, root, port, token)
    add_routes(app, ReviewSessions(root, session))
    server = HTTPServer(app.web_app)
    server.add_sockets(sockets)
    ready(f"http://{_HOST}:{port}/widgetshot/review?token={token}", folder)
    await stop.wait()
    server.stop()
    # Whoever waits for news is cut off, which is no error. A decision in work is finished by its thread all the same.
    app.log.setLevel("CRITICAL")
    await server.close_all_connections()


def write_redirect(folder: Path, address: str) -> Path:
    """Write a page that leads to an address, and that only this user may read, as Jupyter Server does.

    A browser is told this file: each user of the machine can read the arguments of all programs, and with them a token.

    Raises:
        ServerError: the file can't be written so that nobody else may read it.
    """
    from jupyter_core.paths import secure_write

    file, to = folder / "open.html", html.escape(address)
    try:
        with secure_write(str(file)) as page:
            page.write(
                f'<!doctype html>\n<meta charset="utf-8">\n<meta name="referrer" content="no-referrer">\n'
                f'<meta http-equiv="refresh" content="0; url={to}">\n<title>widgetshot</title>\n'
                f'<a href="{to}">The review</a>\n'
            )
    except (OSError, RuntimeError) as error:
        raise ServerError(
            f"can't be written for this user alone: {error}",
            where=str(file),
            next_step="widgetshot review --no-browser",
        ) from error
    return file


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
