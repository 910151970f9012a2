"""What is refused of a browser by CDP before there is a page: its address, and how it was started."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from widgetshot.capture.browser import Browser
from widgetshot.capture.cdp import (
    devtools_address,
    flags_to_launch_with,
    machine_name,
    missing_flags,
    other_flags,
    refuse_flags,
    split_command_line,
)
from widgetshot.capture.determinism import launch_options, required_flags
from widgetshot.capture.fingerprint import fingerprint
from widgetshot.capture.renderer import Renderer
from widgetshot.errors import ConfigError, ServerError
from widgetshot.project.settings import Settings
from widgetshot.run.hosts import Hosts

SECRET = "nobody-may-read-this"
Answer = Callable[..., Settings]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(root=tmp_path, scale=2)


@pytest.fixture
def answer(tmp_path: Path) -> Iterator[Answer]:
    """Answers with what is given, and returns the settings of a project whose endpoint that is."""
    servers: list[ThreadingHTTPServer] = []

    def answer(body: str, code: int = 200) -> Settings:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                assert self.path == f"/json/version?token={SECRET}"
                self.send_response(code)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return Settings(root=tmp_path, browser_endpoint=f"http://127.0.0.1:{server.server_port}?token={SECRET}")

    yield answer
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("said", "path"),
    [("ws://0.0.0.0:3000/devtools/browser/a-b-1", "/devtools/browser/a-b-1"), ("ws://inside:1", "/")],
)
def test_a_browser_is_called_by_the_address_that_it_has_here(answer: Answer, said: str, path: str) -> None:
    settings = answer(f'{{"Browser": "Chrome/1", "webSocketDebuggerUrl": "{said}"}}')
    place = settings.browser_endpoint.split("/")[2].split("?")[0]
    assert devtools_address(settings) == f"ws://{place}{path}?token={SECRET}"


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ("<h1>It works!</h1>", 200, "is no Chromium with remote debugging"),
        ("{}", 200, "is no Chromium with remote debugging"),
        ('{"webSocketDebuggerUrl": "ws://h/a b"}', 200, "is no Chromium with remote debugging"),
        ("", 401, r"is no Chromium with remote debugging \(HTTP 401\)"),
        ("Host header is specified and is not an IP address or localhost.", 500, "is to be called by an IP address"),
    ],
)
def test_what_is_no_browser_is_told(answer: Answer, body: str, code: int, says: str) -> None:
    with pytest.raises(ServerError, match=says) as raised:
        devtools_address(answer(body, code))
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None


def test_only_chromium_is_had_by_cdp(settings: Settings) -> None:
    other = replace(settings, browser="firefox", browser_endpoint="http://127.0.0.1:1")
    for draws in (lambda: devtools_address(other), Hosts(other).find_browser, lambda: flags_to_launch_with(other)):
        with pytest.raises(ConfigError, match="only Chromium can be had, and this project captures with firefox"):
            draws()


def test_the_flags_are_those_of_a_browser_that_is_launched_here(settings: Settings, tmp_path: Path) -> None:
    launched = launch_options(settings, Browser("chromium", "/b", "here"), tmp_path)["args"]
    flags = required_flags(settings)
    assert "--force-device-scale-factor=2" in flags
    assert set(flags) - set(launched) == {"--headless", "--enable-features=CDPScreenshotNewSurface"}
    assert set(launched) - set(flags) == {"--no-first-run", "--js-flags=--no-enable-lazy-source-positions"}


def test_a_line_without_quotes_is_split_at_its_flags(settings: Settings) -> None:
    flags = required_flags(settings)
    for last in flags:
        words = ["/opt/a b/chrome", *(flag for flag in flags if flag != last), last, "about:blank", "x"]
        assert split_command_line(" ".join(words), flags) == words
    # As Windows does it.
    quoted = [f'{name}="{value}"' if value else name for name, _, value in (flag.partition("=") for flag in flags)]
    assert split_command_line(" ".join(["chrome.exe", *quoted, "--x"]), flags) == ["chrome.exe", *flags, "--x"]


def test_flags_that_are_missing_or_that_count_no_more_are_named(settings: Settings) -> None:
    flags = list(required_flags(settings))
    assert missing_flags(["chrome", *flags, "about:blank"], settings) == []
    assert missing_flags(["chrome", *flags[1:]], settings) == ["--headless"]
    again = [*flags, "--headless=new", "--force-device-scale-factor=1"]
    assert missing_flags(again, settings) == ["--force-device-scale-factor=2"]
    more = [flag for flag in flags if "=CDP" not in flag]
    assert missing_flags([*more, "--enable-features=A,CDPScreenshotNewSurface"], settings) == []
    assert missing_flags([*more, "--enable-features=A"], settings) == ["--enable-features=CDPScreenshotNewSurface"]


def test_a_proxy_undoes_them(settings: Settings) -> None:
    flags = [*required_flags(settings), "--proxy-server=http://h:1"]
    with pytest.raises(ServerError, match="was started with --proxy-server: its pages would reach a network"):
        refuse_flags(flags, settings, "h:1")


def test_other_flags_make_another_renderer(settings: Settings) -> None:
    ours = [*required_flags(settings), "--no-sandbox", "--remote-debugging-port=9222", "--use-gl=angle"]
    assert other_flags(ours) == ""
    found = other_flags([*ours, "--use-gl=egl", "--enable-lcd-text"])
    assert found.startswith("with --enable-lcd-text --use-gl (")
    assert found != other_flags([*ours, "--use-gl=desktop", "--enable-lcd-text"])
    renderer = Renderer(
        widgetshot="1", playwright="1", browser="chromium", identity="", platform="linux", machine="m", fonts="f",
        scale=2, flags=found,
    )  # fmt: skip
    assert fingerprint(settings, "chromium 1 Chrome", renderer)["browser"] == f"chromium 1 Chrome {found}"


def graphics(renderer: str, compositing: str) -> dict[str, Any]:
    status = {"gpu_compositing": compositing, "rasterization": "disabled_software"}
    return {"gpu": {"auxAttributes": {"glRenderer": renderer}, "featureStatus": status}}


@pytest.mark.parametrize(
    ("processor", "system", "name"),
    [
        ("x86_64", graphics("ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device))", "disabled_software"), "x86_64"),
        ("x86_64", graphics("", "disabled_software"), "x86_64"),
        ("x86_64", graphics("SwiftShader", "enabled_readback"), "x86_64 with SwiftShader"),
        ("aarch64", graphics("ANGLE (Apple)", "disabled_software"), "aarch64 with ANGLE (Apple)"),
        ("x86_64", {}, "unknown"),
        ("x86_64", {"gpu": {"auxAttributes": {}, "featureStatus": {}}}, "unknown"),
        ("unknown", graphics("", "disabled_software"), "unknown"),
    ],
)
def test_a_machine_is_its_processor_and_what_graphics_it_draws_with(
    processor: str, system: dict[str, Any], name: str
) -> None:
    assert machine_name(processor, system) == name
