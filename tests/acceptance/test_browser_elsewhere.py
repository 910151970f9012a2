"""Pages drawn by `widgetshot browser serve`: the same pictures, nothing besides reached, what dies, what is refused."""

import asyncio
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
from playwright.async_api import Error as AsyncPlaywrightError
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import sync_playwright

from networks import GATHERED, address_of_this_machine
from projects import Project, button_cell, make_project, wait_until
from widgetshot.capture.host import ConnectedBrowser, connect_options
from widgetshot.model import Target
from widgetshot.project.loading import load_settings

VARIABLE = "WIDGETSHOT_BROWSER_ENDPOINT"
CLICKED = button_cell("#| shot:\n#|   - idle\n#|   - {name: clicked, steps: [click: button]}")
# Kernels don't know who draws their pages.
TEXT = '#| shot: text\nimport os\nprint("text", chr(228), 1 / 3, os.environ.get("WIDGETSHOT_BROWSER_ENDPOINT"))'
PLOT = """#| shot: plot
from IPython.display import HTML
HTML('''<svg width="300" height="120"><polyline points="0,100 90,20 180,80 270,5" fill="none" stroke="teal"/>
<text x="9" y="40" font-family="Arial">sans</text><text x="9" y="70" font-family="Georgia" font-size="19">serif</text>
<text x="9" y="99" font-family="Menlo">mono</text></svg>''')
"""
PYTHON_TEST = """
def test_button(widgetshot):
    page = widgetshot.open("notebooks/clicked.ipynb")
    page.get_by_role("button", name="Run").click()
    page.get_by_text("ran", exact=True).wait_for()
    widgetshot.check("ran", cell="cell-0")
"""
# Ends the browser that shows it, or the program that has started that browser.
KILLER = """#| shot: s
import os, threading, psutil
mark = os.environ["WIDGETSHOT_TEST_MARK"]
for process in psutil.process_iter():
    try:
        words, own = process.cmdline(), process.environ().get("WIDGETSHOT_TEST_MARK") == mark
    except psutil.Error:
        continue
    if own and "{word}" in words and words[0] != "/bin/sh" and not any("--type=" in word for word in words):
        process.kill()
threading.Event().wait(60)
"""


class Served(NamedTuple):
    """A served browser.

    Attributes:
        address: the line that the command has printed.
        environment: variables of a command that is to use it.
    """

    process: "subprocess.Popen[str]"
    address: str

    @property
    def token(self) -> str:
        return self.address.rpartition("/")[2]

    @property
    def environment(self) -> dict[str, str]:
        return {VARIABLE: self.address}


@contextmanager
def serving(project: Project, *words: str) -> Iterator[Served]:
    process = project.begin(sys.executable, "-m", "widgetshot", "browser", "serve", *words)
    assert process.stdout is not None
    try:
        address = process.stdout.readline().strip()
        assert address.startswith("ws://"), process.communicate(timeout=30)
        yield Served(process, address)
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    finally:
        process.communicate(timeout=60)


@pytest.fixture(scope="module")
def served(shared_project: Project) -> Iterator[Served]:
    with serving(shared_project) as made:
        yield made
    assert made.process.returncode == 0


@pytest.fixture(scope="module")
def approved(shared_project: Project) -> Project:
    """A project whose pictures were approved as a browser here has drawn them."""
    project = shared_project
    project.notebook("notebooks/clicked.ipynb", CLICKED)
    project.notebook("notebooks/plot.ipynb", TEXT, PLOT)
    project.write("tests/test_button.py", PYTHON_TEST)
    done = project.pytest("notebooks", "tests", "--update-baselines=missing")
    assert done.returncode == 0, done.stdout + done.stderr
    return project


def pictures(project: Project) -> dict[str, str]:
    return {entry["name"]: entry["pictures"]["shot"]["sha256"] for entry in project.report()["tests"]}


def says_no_secret(project: Project, served: Served, done: "subprocess.CompletedProcess[str]") -> None:
    """Neither output nor run folder have the token."""
    assert served.token not in done.stdout + done.stderr
    files = project.files("widgetshot-report")
    assert "run.json" in files
    assert [name for name, data in files.items() if served.token.encode() in data] == []


def browsers(project: Project) -> list[psutil.Process]:
    """The browsers that the project's commands have started, without their helpers."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            if (
                process.environ().get("WIDGETSHOT_TEST_MARK") == project.mark
                and "--remote-debugging-pipe" in words
                and not any("--type=" in word for word in words)
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_pictures_are_those_of_a_browser_here_byte_for_byte(approved: Project, served: Served) -> None:
    here = pictures(approved)
    done = approved.widgetshot("run", "--debug", environment=served.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    entries = approved.report()["tests"]
    assert [entry["verdict"] for entry in entries] == ["match"] * 4
    assert {entry["metrics"]["rule"] for entry in entries} == {"strict"}
    assert all(entry["fingerprint"] == entry["baseline_fingerprint"] for entry in entries)
    assert pictures(approved) == {name: digest for name, digest in here.items() if name.startswith("notebooks/")}
    says_no_secret(approved, served, done)
    wait_until(lambda: not browsers(approved))


def test_a_python_test_is_drawn_elsewhere_too(approved: Project, served: Served) -> None:
    # The flag comes before the variable.
    elsewhere = {VARIABLE: "ws://127.0.0.1:1/this-is-not-the-token"}
    done = approved.pytest("tests", "--widgetshot-browser-endpoint", served.address, environment=elsewhere)
    assert done.returncode == 0, done.stdout + done.stderr
    (entry,) = approved.report()["tests"]
    assert (entry["verdict"], entry["metrics"]["rule"]) == ("match", "strict")
    says_no_secret(approved, served, done)
    wait_until(lambda: not browsers(approved))


def test_no_traceback_of_a_python_test_has_the_token(approved: Project) -> None:
    token = "a-token-that-nobody-knows"
    done = approved.pytest("tests", "--showlocals", environment={VARIABLE: f"ws://127.0.0.1:1/{token}"})
    assert done.returncode == 1
    assert "no browser can be reached at 127.0.0.1:1" in done.stdout
    assert token not in done.stdout + done.stderr


class Hits(ThreadingHTTPServer):
    """A server on all addresses of this machine, which notes what it is asked for."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        both = socket.has_dualstack_ipv6()
        self.address_family = socket.AF_INET6 if both else socket.AF_INET
        super().__init__(("::" if both else "0.0.0.0", 0), Hit)

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


class Hit(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Hits)
        self.server.paths.append(self.path)
        self.send_response(200)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()
        self.wfile.write(b"<p>reached</p>")

    def log_message(self, *_: Any) -> None:
        pass


FETCHED = """async ([addresses, port]) => {
    const said = [];
    for (const address of addresses) {
        try { await fetch(`http://${address}:${port}/fetched`); said.push("fetched"); } catch { said.push("no"); }
        const socket = new WebSocket(`ws://${address}:${port}/socket`);
        await new Promise((done) => { socket.onopen = socket.onerror = done; });
    }
    return said;
}"""


def test_pages_reach_loopback_here_and_nothing_else(shared_project: Project, served: Served) -> None:
    # 127.0.0.2 and ::1 are loopback of the browser's machine, should it be forwarded by nobody.
    outside = [address_of_this_machine(), socket.gethostname(), "127.0.0.2", "[::1]"]
    hits = Hits()
    threading.Thread(target=hits.serve_forever, daemon=True).start()
    port = hits.server_port
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("0.0.0.0", 0))
    datagrams.setblocking(False)
    try:
        urllib.request.urlopen(f"http://{outside[0]}:{port}/by-network", timeout=20).close()
        with sync_playwright() as playwright:
            browser = playwright.chromium.connect(served.address, **connect_options())
            for name in ("127.0.0.1", "localhost"):
                page = browser.new_page()
                answer = page.goto(f"http://{name}:{port}/{name}")
                assert answer is not None
                assert answer.status == 200
            for name in outside:
                with pytest.raises(PlaywrightError):
                    browser.new_page().goto(f"http://{name}:{port}/navigated")
            assert page.evaluate(FETCHED, [outside, port]) == ["no"] * len(outside)
            page.evaluate(GATHERED, f"{outside[0]}:{datagrams.getsockname()[1]}")
            with pytest.raises(BlockingIOError):
                datagrams.recv(100)
            # Not by a page, but by the program that has launched the browser.
            with pytest.raises(PlaywrightError):
                page.request.get(f"http://127.0.0.1:{port}/requested")
            browser.close()
    finally:
        datagrams.close()
        hits.shutdown()
        hits.server_close()
    arrived = [path for path in hits.paths if path != "/favicon.ico"]
    assert arrived == ["/by-network", "/127.0.0.1", "/localhost"]
    wait_until(lambda: not browsers(shared_project))


def listening(process: psutil.Process) -> list[Any]:
    return [one.laddr for one in process.net_connections("tcp") if one.status == psutil.CONN_LISTEN]


def test_whoever_has_launched_the_browser_tells_nobody_else_how(shared_project: Project, served: Served) -> None:
    (node,) = psutil.Process(served.process.pid).children()
    with sync_playwright() as playwright:
        browser = playwright.chromium.connect(served.address, **connect_options())
        ports = listening(node)
        assert {one.ip for one in ports} == {"127.0.0.1"}
        assert len(ports) == 2  # for connections, and the proxy of the browser's pages
        assert not any("--path" in word for word in node.cmdline())
        statuses = []
        for one in listening(node):
            connection = HTTPConnection("127.0.0.1", one.port, timeout=20)
            try:
                connection.request("GET", "/json")
                statuses.append(connection.getresponse().status)
            except (OSError, HTTPException):  # the proxy speaks something else
                statuses.append(0)
            finally:
                connection.close()
        assert sorted(statuses) == [0, 404]
        # Where others say how it is to be launched, that counts for nothing.
        other = playwright.chromium.connect(
            served.address,
            headers={"x-playwright-launch-options": '{"executablePath": "/bin/false", "args": ["--lang=de"]}'},
        )
        assert len(browsers(shared_project)) >= 2
        other.close()
        with pytest.raises(PlaywrightError, match="400"):
            playwright.chromium.connect(served.address, headers={"x-playwright-browser": "firefox"})
        browser.close()
    wait_until(lambda: not browsers(shared_project))


@pytest.mark.parametrize(
    ("option", "wrong", "code", "says", "advises"),
    [
        ("", True, 2, "does not know the token of this address", "export WIDGETSHOT_BROWSER_ENDPOINT="),
        ("scale = 2", False, 3, "was started for scale = 1, and this project has scale = 2", "browser serve"),
    ],
    ids=["token", "scale"],
)
def test_another_browser_than_the_projects_is_refused(
    served: Served, tmp_path: Path, option: str, wrong: bool, code: int, says: str, advises: str
) -> None:
    project = make_project(tmp_path)
    project.write("pyproject.toml", f"[tool.widgetshot]\n{option}\n")
    project.notebook("notebooks/a.ipynb", "#| shot: s\nprint(1)")
    address = f"{served.address}x" if wrong else served.address
    done = project.widgetshot("run", environment={VARIABLE: address})
    assert done.returncode == code, done.stdout + done.stderr
    assert says in done.stderr
    assert advises in done.stderr
    says_no_secret(project, served, done)
    assert project.left_behind() == []


def test_what_dies_elsewhere_is_the_cause_and_the_next_notebook_gets_another(approved: Project, served: Served) -> None:
    (node,) = psutil.Process(served.process.pid).children()
    approved.notebook("others/a.ipynb", KILLER.format(word="--remote-debugging-pipe"))
    approved.notebook("others/b.ipynb", KILLER.format(word="run-server"))
    approved.notebook("others/c.ipynb", "#| shot: s\nprint('there')")
    done = approved.widgetshot("run", "--jobs", "1", "others", environment=served.environment)
    assert done.returncode == 2, done.stdout + done.stderr
    for name in ("a", "b"):
        entry = approved.entry(f"others/{name}.ipynb::s")
        assert (entry["verdict"], entry["error"]["type"]) == ("broken", "ServerError")
        assert "the browser died while its pages were open" in entry["error"]["message"]
    assert approved.verdicts()["others/c.ipynb::s"] == "new"
    assert not node.is_running()
    says_no_secret(approved, served, done)


CLIENT = """
import sys
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    browser = playwright.chromium.connect(sys.argv[1])
    print("connected", flush=True)
    sys.stdin.read()
"""


def test_a_client_that_vanishes_leaves_no_browser_behind(shared_project: Project, served: Served) -> None:
    client = shared_project.begin(sys.executable, "-c", CLIENT, served.address)
    assert client.stdout is not None
    assert client.stdout.readline() == "connected\n"
    assert browsers(shared_project)
    python = psutil.Process(client.pid)
    for process in [*python.children(recursive=True), python]:
        process.kill()
    client.communicate(timeout=60)
    wait_until(lambda: not browsers(shared_project))


def test_a_server_that_falls_silent_is_given_up(shared_project: Project, served: Served, tmp_path: Path) -> None:
    settings = load_settings(shared_project.root, {"browser_endpoint": served.address})
    target = Target("n.ipynb", "s", None, 0)

    async def work() -> bool:
        host = ConnectedBrowser(settings, tmp_path, every=0.2, silence=1)
        await host.start()
        served.process.send_signal(signal.SIGSTOP)
        try:
            # The first may be on its way already.
            await host.new_context(target)
            await host.new_context(target)
        except AsyncPlaywrightError:
            return host.connected
        else:
            return True
        finally:
            served.process.send_signal(signal.SIGCONT)
            await host.stop()

    assert asyncio.run(work()) is False
    wait_until(lambda: not browsers(shared_project))


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_a_server_that_ends_leaves_nothing(project: Project, tmp_path: Path, name: str) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    # Of whoever looks into Playwright: its server says much then, in long lines.
    project.environment |= {"DEBUG": "pw:*"}
    project.environment |= {"TMPDIR": str(temporary), "WIDGETSHOT_BROWSER_TOKEN": "chosen-by-somebody"}
    with serving(project) as served, sync_playwright() as playwright:
        assert served.token == "chosen-by-somebody"
        browser = playwright.chromium.connect(served.address, **connect_options())
        assert browsers(project)
        served.process.send_signal(signal.Signals[name])
        code = served.process.wait(60)
        with pytest.raises(PlaywrightError):
            browser.new_page()
    assert code == (-signal.SIGKILL if name == "SIGKILL" else 0)
    wait_until(lambda: not project.left_behind())
    wait_until(lambda: not [*temporary.iterdir()])


def test_all_addresses_come_with_a_warning_and_a_token_that_could_be_guessed_is_refused(project: Project) -> None:
    with serving(project, "--host", "0.0.0.0") as served:
        assert served.address.startswith(f"ws://{socket.gethostname()}:")
        served.process.send_signal(signal.SIGINT)
        _, errors = served.process.communicate(timeout=60)
    assert "not encrypted" in errors
    assert "whoever has the token can run pages on this machine" in errors
    done = project.widgetshot("browser", "serve", environment={"WIDGETSHOT_BROWSER_TOKEN": "short"})
    assert done.returncode == 3
    assert "WIDGETSHOT_BROWSER_TOKEN: must be a token of at least 16" in done.stderr
