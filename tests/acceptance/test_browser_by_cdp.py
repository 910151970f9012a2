"""Pages drawn by a browser that somebody else has launched, by CDP: the same pictures, what is refused, what dies."""

import asyncio
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
from playwright.sync_api import sync_playwright

from projects import Project, button_cell, make_project, wait_until
from widgetshot.capture.browser import find_browser
from widgetshot.capture.cdp import refuse_proxy
from widgetshot.capture.determinism import launch_options
from widgetshot.capture.driver_errors import without_driver
from widgetshot.capture.host import CdpBrowser, described
from widgetshot.capture.sync import Awaitable, run_now
from widgetshot.doctor import examine
from widgetshot.errors import ServerError
from widgetshot.model import UNKNOWN, Target
from widgetshot.project.loading import load_settings
from widgetshot.project.settings import Settings
from widgetshot.pytest_plugin.widgetshot_fixture import connected, handed
from widgetshot.run.hosts import expected_renderer

VARIABLE = "WIDGETSHOT_BROWSER_ENDPOINT"
SECRET = "nobody-may-read-this"
CLICKED = button_cell("#| shot:\n#|   - idle\n#|   - {name: clicked, steps: [click: button]}")
PLOT = """#| shot: plot
from IPython.display import HTML
HTML('''<svg width="300" height="120"><polyline points="0,100 90,20 180,80 270,5" fill="none" stroke="teal"/>
<text x="9" y="40" font-family="Arial">sans</text><text x="9" y="70" font-family="Georgia" font-size="19">serif</text>
<text x="9" y="99" font-family="Menlo">mono</text></svg>
<p style="height: 2000px; background: linear-gradient(teal, tan)">
''')
"""
PYTHON_TEST = """
def test_button(widgetshot):
    page = widgetshot.open("notebooks/clicked.ipynb")
    page.get_by_role("button", name="Run").click()
    page.get_by_text("ran", exact=True).wait_for()
    widgetshot.check("ran", cell="cell-0")
"""
# Ends the browser that shows it.
KILLER = """#| shot: s
import os, threading, psutil
psutil.Process(int(os.environ["WIDGETSHOT_TEST_BROWSER"])).kill()
threading.Event().wait(60)
"""
# Moves into a network of its own, starts a browser there, and forwards what is connected to a socket from outside.
OTHER_NETWORK = """
import ctypes, fcntl, re, socket, struct, subprocess, sys, threading
outside = socket.socket(fileno=int(sys.argv[1]))
if ctypes.CDLL(None, use_errno=True).unshare(0x40000000):  # CLONE_NEWNET, linux/sched.h
    sys.exit("no network of its own")
with socket.socket() as one:
    fcntl.ioctl(one, 0x8914, struct.pack("16sh14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
browser = subprocess.Popen(sys.argv[2:], stderr=subprocess.PIPE, text=True)
address = next(found[1] for line in browser.stderr if (found := re.search(r"listening on (ws:.+)", line)))
print(address, flush=True)
port = int(address.split(":")[2].split("/")[0])
def pump(source, sink):
    try:
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
while True:
    accepted = outside.accept()[0]
    inside = socket.create_connection(("127.0.0.1", port))
    for pair in ((accepted, inside), (inside, accepted)):
        threading.Thread(target=pump, args=pair, daemon=True).start()
"""


class Launched(NamedTuple):
    """A browser with remote debugging.

    Attributes:
        process: the browser itself, which a script of the system may have started.
        address: of its DevTools, by WebSocket.
    """

    process: psutil.Process
    address: str

    @property
    def place(self) -> str:
        return self.address.split("/")[2]

    @property
    def environment(self) -> dict[str, str]:
        return {VARIABLE: f"http://{self.place}/?token={SECRET}", "WIDGETSHOT_TEST_BROWSER": str(self.process.pid)}


@contextmanager
def something_else() -> Iterator[str]:
    """The address of a server that is no browser."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def settings_here(project: Project) -> Settings:
    return load_settings(project.root, {"browser_endpoint": ""})


def words(project: Project, folder: str, *flags: str) -> list[str]:
    """The command line of a browser that nobody but this test uses."""
    program = find_browser("chromium", settings_here(project).browser_executable).executable
    return [program, "--remote-debugging-port=0", f"--user-data-dir={folder}/profile", "--no-sandbox", *flags]


@contextmanager
def ending(process: "subprocess.Popen[str]") -> Iterator[psutil.Process]:
    """What a command has started, and the command itself, are killed at the end."""
    top = psutil.Process(process.pid)
    try:
        yield top
    finally:
        for one in [*reversed(top.children(recursive=True)), top]:
            try:
                one.kill()
            except psutil.NoSuchProcess:
                continue
        process.communicate(timeout=30)


@contextmanager
def launched(project: Project, *flags: str, ours: bool = True) -> Iterator[Launched]:
    """Launch a browser.

    Args:
        ours: with the fonts of a browser that widgetshot launches.
    """
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_here(project)
        options = launch_options(settings, find_browser("chromium", settings.browser_executable), Path(folder))
        process = subprocess.Popen(
            words(project, folder, *flags, "about:blank"),
            stderr=subprocess.PIPE,
            text=True,
            env=options["env"] if ours else None,
        )
        with ending(process) as top:
            assert process.stderr is not None
            said = (re.search(r"listening on (ws://\S+)", line) for line in process.stderr)
            address = next(found[1] for found in said if found)
            # A shell may have started it, and it may be about to start others, which are like itself for a moment.
            mine = [one for one in [top, *top.children(recursive=True)] if one.cmdline()[:1] != ["/bin/sh"]]
            browser = min(mine, key=lambda one: one.create_time())
            yield Launched(browser, address)


@pytest.fixture(scope="module")
def flags(shared_project: Project) -> list[str]:
    """What `widgetshot browser flags` prints."""
    done = shared_project.widgetshot("browser", "flags", environment={VARIABLE: ""})
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    return shlex.split(done.stdout)


@pytest.fixture(scope="module")
def running(shared_project: Project, flags: list[str]) -> Iterator[Launched]:
    with launched(shared_project, *flags) as made:
        yield made
        assert made.process.is_running()


@pytest.fixture(scope="module")
def approved(shared_project: Project) -> Project:
    """A project whose pictures were approved as a browser of widgetshot's own has drawn them."""
    project = shared_project
    project.notebook("notebooks/clicked.ipynb", CLICKED)
    project.notebook("notebooks/plot.ipynb", PLOT)
    project.write("tests/test_button.py", PYTHON_TEST)
    done = project.pytest("notebooks", "tests", "--update-baselines=missing", environment={VARIABLE: ""})
    assert done.returncode == 0, done.stdout + done.stderr
    return project


def pictures(project: Project) -> dict[str, str]:
    return {entry["name"]: entry["pictures"]["shot"]["sha256"] for entry in project.report()["tests"]}


def says_no_secret(project: Project, done: "subprocess.CompletedProcess[str]") -> None:
    assert SECRET not in done.stdout + done.stderr
    files = project.files("widgetshot-report")
    assert [name for name, data in files.items() if SECRET.encode() in data] == []


def left_open(browser: Launched) -> int:
    """How many contexts others have left in a browser."""
    with sync_playwright() as playwright:
        connection = playwright.chromium.connect_over_cdp(browser.address)
        session = connection.new_browser_cdp_session()
        found = session.send("Target.getBrowserContexts")["browserContextIds"]
        connection.close()
    return len(found)


def test_pictures_are_those_of_a_browser_of_ours_byte_for_byte(approved: Project, running: Launched) -> None:
    here = pictures(approved)
    shown = ("--widgetshot-debug", "--widgetshot-changed")
    done = approved.pytest("notebooks", "tests", *shown, environment=running.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    entries = approved.report()["tests"]
    assert [entry["verdict"] for entry in entries] == ["match"] * 4
    assert {entry["metrics"]["rule"] for entry in entries} == {"strict"}
    assert all(entry["fingerprint"] == entry["baseline_fingerprint"] for entry in entries)
    assert pictures(approved) == here
    says_no_secret(approved, done)
    assert left_open(running) == 0
    # The same browser, by its other address.
    again = approved.widgetshot("run", "--changed", environment=running.environment | {VARIABLE: running.address})
    assert again.returncode == 0, again.stdout + again.stderr
    assert approved.report()["tests"] == []
    assert running.process.is_running()


def test_other_fonts_and_flags_are_another_renderer(approved: Project, flags: list[str]) -> None:
    with launched(approved, *flags, "--use-angle=swiftshader", "--enable-automation", ours=False) as other:
        done = approved.widgetshot("run", "notebooks/clicked.ipynb", environment=other.environment)
        settings = load_settings(approved.root, {"browser_endpoint": other.environment[VARIABLE]})
        (told,) = [check for check in examine(settings) if check.subject == "chromium"]
    assert done.returncode == 0, done.stdout + done.stderr
    entry = approved.entry("notebooks/clicked.ipynb::idle")
    assert entry["metrics"]["rule"] == "perceptual"
    before, after = entry["baseline_fingerprint"], entry["fingerprint"]
    assert {name for name in before if before[name] != after[name]} == {"browser", "machine", "fonts", "sheet"}
    assert re.fullmatch(re.escape(before["browser"]) + r" with --use-angle \([0-9a-f]{8}\)", after["browser"])
    # It composes pages by graphics then, if only by such as are software.
    assert re.fullmatch(f"{before['machine']} with ANGLE .*SwiftShader.*", after["machine"])
    assert re.fullmatch("[0-9a-f]{16}", after["fonts"])
    assert told.ok
    assert told.detail == f"{after['browser']}, linux {after['machine']} (at {other.place})"


def test_fonts_that_are_not_told_are_unknown_and_leave_nothing_out(approved: Project, flags: list[str]) -> None:
    with launched(approved, *flags, "--disable-features=FontAccess") as silent:
        settings = load_settings(approved.root, {"browser_endpoint": silent.address})
        assert asyncio.run(described(settings))[0]["fonts"] == UNKNOWN
        with pytest.raises(ServerError, match=f"the browser at {silent.place} does not tell its fonts"):
            expected_renderer(settings)


def test_a_browser_without_the_flags_is_refused_by_their_names(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    project.notebook("notebooks/a.ipynb", "#| shot: s\nopen('executed', 'w')")
    with launched(project, "--hide-scrollbars") as bare:
        done = project.widgetshot("run", environment=bare.environment)
        settings = load_settings(project.root, {"browser_endpoint": bare.environment[VARIABLE]})
        with sync_playwright() as playwright, pytest.raises(pytest.fail.Exception) as of_a_test:
            handed(connected(playwright.chromium, settings), settings)
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"the browser at {bare.place} was started without" in done.stderr
    assert "'--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost" in done.stderr
    assert "--force-device-scale-factor=1" in done.stderr
    assert "--hide-scrollbars" not in done.stderr
    assert "next: start it with what this prints: widgetshot browser flags" in done.stderr
    says_no_secret(project, done)
    assert not [*tmp_path.rglob("executed")]
    assert f"the browser at {bare.place} was started without" in str(of_a_test.value)
    assert SECRET not in str(of_a_test.value)


def test_a_proxy_that_no_flag_tells_of_is_found_out(running: Launched) -> None:
    with something_else() as proxy, sync_playwright() as playwright:
        browser = playwright.chromium.connect_over_cdp(running.address)
        page = browser.new_context().new_page()
        run_now(refuse_proxy(Awaitable(browser), Awaitable(page), "h"))
        page = browser.new_context(proxy={"server": proxy}).new_page()
        with pytest.raises(ServerError, match="at h reach more than loopback: a name that nobody has was asked for"):
            run_now(refuse_proxy(Awaitable(browser), Awaitable(page), "h"))
        browser.close()


def test_a_browser_on_another_loopback_is_refused(approved: Project, flags: list[str], tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as outside:
        process = subprocess.Popen(
            [sys.executable, "-c", OTHER_NETWORK, str(outside.fileno()), *words(approved, folder, *flags)],
            pass_fds=[outside.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with ending(process):
            assert process.stdout is not None
            if not process.stdout.readline():
                pytest.skip("only root may make a network")
            place = f"127.0.0.1:{outside.getsockname()[1]}"
            settings = load_settings(approved.root, {"browser_endpoint": f"http://{place}"})
            with pytest.raises(ServerError) as raised:
                asyncio.run(CdpBrowser(settings, tmp_path).start())
    assert f"the browser at {place} does not reach 127.0.0.1 of this machine" in str(raised.value)
    assert "widgetshot browser serve" in str(raised.value)


def test_what_is_no_browser_is_told_by_its_place(approved: Project, tmp_path: Path) -> None:
    gone = f"http://127.0.0.1:1/?token={SECRET}"
    done = approved.widgetshot("run", environment={VARIABLE: gone})
    assert done.returncode == 2, done.stdout + done.stderr
    assert "no browser can be reached at 127.0.0.1:1" in done.stderr
    assert "--remote-debugging-port=9222" in done.stderr
    says_no_secret(approved, done)
    with something_else() as other:
        for address, says in (
            (f"http://{other}?token={SECRET}", f"what answers at {other} is no Chromium with remote debugging"),
            (f"ws://{other}/devtools/browser/{SECRET}", f"the browser at {other} can't be used: "),
            (f"ws://127.0.0.1:1/devtools/browser/{SECRET}", "the browser at 127.0.0.1:1 can't be used: "),
        ):
            settings = load_settings(approved.root, {"browser_endpoint": address})
            with pytest.raises(ServerError) as raised:
                asyncio.run(CdpBrowser(settings, tmp_path).start())
            assert says in str(raised.value)
            assert SECRET not in str(raised.value)


def test_a_browser_that_dies_is_the_cause(approved: Project, flags: list[str]) -> None:
    approved.notebook("others/a.ipynb", KILLER)
    with launched(approved, *flags) as made:
        done = approved.widgetshot("run", "--jobs", "1", "others", environment=made.environment)
        wait_until(lambda: not made.process.is_running() or made.process.status() == psutil.STATUS_ZOMBIE)
    assert done.returncode == 2, done.stdout + done.stderr
    entry = approved.entry("others/a.ipynb::s")
    assert (entry["verdict"], entry["error"]["type"]) == ("broken", "ServerError")
    assert "the browser died while its pages were open" in entry["error"]["message"]
    says_no_secret(approved, done)


def test_a_browser_that_falls_silent_is_given_up(running: Launched, approved: Project, tmp_path: Path) -> None:
    settings = load_settings(approved.root, {"browser_endpoint": running.address})
    target = Target("n.ipynb", "s", None, 0)

    async def work() -> bool:
        asyncio.get_running_loop().set_exception_handler(without_driver)
        host = CdpBrowser(settings, tmp_path, every=0.2, silence=1)
        await host.start()
        running.process.suspend()
        try:
            # The first may be on its way already.
            await host.new_context(target)
            await host.new_context(target)
        except Exception:  # of a driver that was ended it is none of Playwright's own
            return host.connected
        else:
            return True
        finally:
            running.process.resume()
            await host.stop()

    assert asyncio.run(work()) is False
    wait_until(lambda: left_open(running) == 0)
