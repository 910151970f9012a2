"""What is refused of a browser elsewhere by its description, and what is said of it."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from widgetshot.capture.fingerprint import fingerprint
from widgetshot.capture.renderer import HEADER, read_renderer
from widgetshot.errors import ConfigError, ServerError
from widgetshot.project.settings import THIS_PLATFORM, Settings
from widgetshot.run.hosts import expected_renderer

TOKEN = "a-token-of-some-length"
FITS = {
    "widgetshot": "0.1.0", "playwright": version("playwright"), "browser": "chromium", "identity": "chromium 1.2 /x",
    "platform": THIS_PLATFORM, "machine": "aarch64", "fonts": "0123456789abcdef", "scale": 1.0,
}  # fmt: skip
Serve = Callable[..., Settings]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Answers with what is given, and returns the settings of a project whose endpoint that is."""
    servers: list[ThreadingHTTPServer] = []

    def serve(document: Any, code: int = 200, *, ours: bool = True) -> Settings:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = self.path == f"/{TOKEN}/renderer"
                self.send_response(code if asked else 200)
                if code == 302:
                    self.send_header("Location", "/elsewhere")
                if ours:
                    self.send_header(HEADER, "0.1.0")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return Settings(root=tmp_path, browser_endpoint=f"ws://127.0.0.1:{server.server_port}/{TOKEN}")

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_the_fingerprint_is_that_of_the_machine_that_draws(serve: Serve) -> None:
    settings = serve(FITS | {"something": "that a later version says"})
    renderer = read_renderer(settings)
    made = fingerprint(settings, "chromium 1.2 HeadlessChrome", renderer)
    here = fingerprint(settings, "chromium 1.2 HeadlessChrome")
    assert {name for name in here if here[name] != made[name]} == {"machine", "fonts"}
    assert (made["machine"], made["fonts"]) == ("aarch64", "0123456789abcdef")
    assert expected_renderer(settings) == made | {"browser": "chromium 1.2 /x"}


@pytest.mark.parametrize(
    ("other", "kind", "says", "advises"),
    [
        ({"browser": "firefox"}, ConfigError, "is firefox, and this project captures with chromium", "browser serve"),
        ({"scale": 2}, ConfigError, "was started for scale = 2, and this project has scale = 1", "browser serve"),
        ({"platform": "beos"}, ConfigError, "runs on beos, and these baselines are for", 'platform = "beos"'),
        (
            {"playwright": "1.2.3"},
            ServerError,
            "is driven by Playwright 1.2.3, and here is",
            "pip install 'playwright==",
        ),
        ({"fonts": 3}, ServerError, "answers in a way that this widgetshot does not know", "pip install widgetshot=="),
    ],
)
def test_a_browser_that_does_not_fit_is_refused(
    serve: Serve, other: dict[str, Any], kind: type[Exception], says: str, advises: str
) -> None:
    with pytest.raises(kind) as raised:
        read_renderer(serve(FITS | other))
    assert says in str(raised.value)
    assert advises in str(raised.value)
    assert TOKEN not in str(raised.value)


def test_another_version_of_the_same_playwright_fits(serve: Serve) -> None:
    major, minor = version("playwright").split(".")[:2]
    assert read_renderer(serve(FITS | {"playwright": f"{major}.{minor}.999"})).machine == "aarch64"


@pytest.mark.parametrize(
    ("document", "code", "ours", "says"),
    [
        (b"<h1>It works!</h1>", 200, False, "is not `widgetshot browser serve`"),
        (b"", 404, False, "is not `widgetshot browser serve` (HTTP 404)"),
        (b"", 502, False, "is not `widgetshot browser serve` (HTTP 502)"),
        (b"\xff\xfe", 200, True, "answers in a way that this widgetshot does not know"),
        (b"", 404, True, "does not know the token of this address"),
    ],
)
def test_what_is_no_server_of_browsers_is_told(serve: Serve, document: bytes, code: int, ours: bool, says: str) -> None:
    settings = serve(document, code, ours=ours)
    with pytest.raises(ServerError) as raised:
        read_renderer(settings)
    assert says in str(raised.value)
    assert TOKEN not in str(raised.value)
    assert raised.value.__cause__ is None


def test_no_other_address_is_asked(serve: Serve) -> None:
    settings = serve(FITS, 302)
    with pytest.raises(ServerError, match=r"does not know \(HTTP 302\)"):
        read_renderer(settings)


def test_what_can_not_be_reached_is_told_by_its_host_and_port(serve: Serve) -> None:
    settings = replace(serve(FITS), browser_endpoint=f"ws://127.0.0.1:1/{TOKEN}")
    with pytest.raises(ServerError, match=r"no browser can be reached at 127.0.0.1:1: .*[Rr]efused") as raised:
        read_renderer(settings)
    assert TOKEN not in str(raised.value)
