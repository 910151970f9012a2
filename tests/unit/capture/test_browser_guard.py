"""What the guard of Playwright's server of browsers keeps a process of Node.js from."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright._impl._driver import compute_driver_executable

from projects import wait_until
from widgetshot.capture.browser_guard import GUARD, PATH_VARIABLE

# Opens connections as programs do, says what came of them, and answers requests as long as it lives.
PROGRAM = """
const http = require("http"), net = require("net"), tls = require("tls");
const [, , port, name] = process.argv;
const words = [[+port], [+port, "127.0.0.1"], [{ port: +port, host: "::1" }], [{ port: +port, host: name }], [port]];
const codes = [...words, [{ path: process.env.TMPDIR + "/socket" }]].map((one) =>
  new Promise((done) => net.connect(...one).on("connect", () => done("connected")).on("error", (e) => done(e.code))));
codes.push(new Promise((done) => tls.connect(+port, "127.0.0.1").on("error", (e) => done(e.code))));
codes.push(new Promise((done) => http.get(`http://127.0.0.1:${port}/`).on("error", (e) => done(e.code))));
codes.push(fetch(`http://127.0.0.1:${port}/`).then(() => "fetched", (e) => e.cause.code));
const orSilent = (code) => Promise.race([code, new Promise((done) => setTimeout(done, 5000, "silent"))]);
const server = http.createServer((_, answer) => answer.end("told"));
server.listen(0, "0.0.0.0", async () => {
  const open = net.createServer((socket) => socket.end("hello"));
  open.listen(0, undefined, async () => console.log(JSON.stringify({
    codes: await Promise.all(codes.map(orSilent)), args: process.argv.slice(-2),
    path: process.env.WIDGETSHOT_SERVER_PATH ?? "none",
    http: server.address(), open: open.address(),
  })));
});
"""


class Guarded(NamedTuple):
    """A process under guard.

    Attributes:
        said: what it has found.
        heard: a server on all addresses that it has tried to reach.
    """

    process: "subprocess.Popen[str]"
    said: dict[str, Any]
    heard: socket.socket
    folder: Path


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    (tmp_path / "program.cjs").write_text(PROGRAM, encoding="utf-8")
    folder = tmp_path / "private"
    folder.mkdir()
    guard = folder / "guard.cjs"
    guard.write_text(GUARD, encoding="utf-8")
    node, _ = compute_driver_executable()
    with socket.create_server(("0.0.0.0", 0)) as heard:
        port = heard.getsockname()[1]
        with subprocess.Popen(
            [node, "--require", str(guard), str(tmp_path / "program.cjs"), str(port), socket.gethostname()],
            env=os.environ | {PATH_VARIABLE: "/secret", "TMPDIR": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            yield Guarded(process, json.loads(process.stdout.readline()), heard, folder)
            process.stdin.close()


def test_it_opens_no_connection(guarded: Guarded) -> None:
    assert set(guarded.said["codes"]) == {"ERULESET"}
    guarded.heard.setblocking(False)
    with pytest.raises(BlockingIOError):
        guarded.heard.accept()


def test_it_listens_on_loopback_alone_and_answers_no_request(guarded: Guarded) -> None:
    assert {guarded.said[name]["address"] for name in ("http", "open")} == {"127.0.0.1"}
    connection = HTTPConnection("127.0.0.1", guarded.said["http"]["port"], timeout=20)
    connection.request("GET", "/json")
    assert connection.getresponse().status == 404
    connection.close()
    with socket.create_connection(("127.0.0.1", guarded.said["open"]["port"]), 20) as own:
        assert own.recv(100) == b"hello"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="who has opened a connection can be seen on Linux")
def test_another_user_of_the_machine_is_not_served(guarded: Guarded) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may be another user")
    program = (
        "import encodings.idna, os, socket, sys\nos.setuid(65534)\n"
        "print(socket.create_connection(('127.0.0.1', int(sys.argv[1])), 20).recv(100))"
    )
    port = str(guarded.said["open"]["port"])
    done = subprocess.run([sys.executable, "-c", program, port], capture_output=True, text=True, check=False)
    assert "hello" not in done.stdout
    assert done.stdout == "b''\n" or "ConnectionResetError" in done.stderr


def test_its_path_is_in_its_memory_alone(guarded: Guarded) -> None:
    assert guarded.said["args"] == ["--path", "/secret"]
    assert guarded.said["path"] == "none"
    if sys.platform.startswith("linux"):
        assert b"/secret" not in Path(f"/proc/{guarded.process.pid}/cmdline").read_bytes()


def test_it_ends_with_its_input_and_so_does_its_folder(guarded: Guarded) -> None:
    assert guarded.process.stdin is not None
    guarded.process.stdin.close()
    assert guarded.process.wait(30) == 0
    wait_until(lambda: not guarded.folder.exists())
