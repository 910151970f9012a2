"""Start the headless Jupyter Server in a process of its own, and talk to it."""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import sys
from pathlib import Path
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from widgetshot.errors import ServerError
from widgetshot.redact import Redactor

_START_TIMEOUT = 60.0
_STOP_TIMEOUT = 20.0
_LOG_TAIL = 15
_LONGEST_LINE = 1 << 20  # bytes of the log that are looked through together
# jsonschema, which Jupyter Server and nbformat import, would load rfc3987_syntax for a check of URLs that nobody asks
# for; compiling that package's grammar takes over a second. Without it jsonschema leaves the check out.
# The process that forks kernels loads its modules meanwhile.
_PROGRAM = """
import sys
sys.modules["rfc3987_syntax"] = None
from widgetshot.server.zygotes import warm
warm()
from jupyter_server.serverapp import main
main()
"""


_LONGEST_SOCKET = 103  # bytes of a Unix socket's path on macOS; Linux takes four more
_KERNEL_SOCKET = f"kernel-{'0' * 36}-ipc-5"  # how jupyter_client names them


def _transport(runtime: Path) -> str:
    """How kernels are talked to.

    A TCP port that was found free may be taken by another program before the kernel binds it, and the kernel dies;
    a socket in a private folder belongs to nobody else.
    """
    fits = len(os.fsencode(runtime / _KERNEL_SOCKET)) <= _LONGEST_SOCKET
    return "ipc" if os.name == "posix" and fits else "tcp"


class Server:
    """A headless Jupyter Server on a free loopback port.

    Args:
        folder: an existing private folder; the server removes it when its parent dies.
        redactor: of secrets that its log may not hold.
    """

    def __init__(self, folder: Path, redactor: Redactor | None = None) -> None:
        self._redactor = redactor or Redactor()
        self._copying: asyncio.Task[None] | None = None
        self.url = ""
        self.token = secrets.token_hex(24)
        self.folder = folder / f"server-{secrets.token_hex(4)}"
        self._parent = folder
        self._process: asyncio.subprocess.Process | None = None
        self._http: AsyncHTTPClient | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it and wait until it listens.

        Raises:
            ServerError: it does not come up; the tail of its log is in the message.
        """
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        # Short, because the names of kernels' sockets go on from here.
        runtime, root, work = self.folder / "r", self.folder / "root", self.folder / "work"
        for folder in (runtime, root, work, work / "matplotlib"):
            folder.mkdir(parents=True)
        environment = os.environ | {
            "JUPYTER_RUNTIME_DIR": str(runtime),
            # Nobody's personal or system-wide server settings may change a picture.
            "JUPYTER_CONFIG_DIR": str(self.folder / "config"),
            "JUPYTER_NO_CONFIG": "1",
            "JUPYTER_TOKEN": self.token,
            "JUPYTER_PLATFORM_DIRS": "1",
            "TMPDIR": str(work),
            "WIDGETSHOT_FOLDER": str(self._parent),
            "JUPYTER_DEFAULT_PROVISIONER_NAME": "widgetshot",
        }
        log = (self.folder / "server.log").open("wb")
        with log:
            # The token travels in the environment: arguments can be read by every user of the machine.
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                _PROGRAM,
                "--ServerApp.ip=127.0.0.1",
                "--ServerApp.port=0",
                "--ServerApp.open_browser=False",
                "--ServerApp.allow_root=True",
                "--ServerApp.terminals_enabled=False",
                f"--ServerApp.root_dir={root}",
                "--ServerApp.jpserver_extensions={'widgetshot.server': True}",
                "--ServerApp.log_level=WARN",
                # A kernel that died must stay dead to be reported, and big messages are no attack here.
                "--KernelManager.autorestart=False",
                f"--KernelManager.transport={_transport(runtime)}",
                "--ZMQChannelsWebsocketConnection.limit_rate=False",
                "--ServerApp.kernel_websocket_connection_class=widgetshot.server.shield.Connection",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE if self._redactor else log,
                stderr=asyncio.subprocess.STDOUT if self._redactor else log,
                limit=_LONGEST_LINE,
                env=environment,
                start_new_session=True,
            )
        if self._redactor:
            self._copying = asyncio.create_task(self._copy_log(self._process.stdout))
        self._http = SimpleAsyncHTTPClient(force_instance=True, max_clients=1000, max_body_size=2**30)
        await self._listens(runtime / f"jpserver-{self._process.pid}.json")

    async def _copy_log(self, stream: Any) -> None:
        """Write what the server says, and what kernels say past it, to the log without secrets, line by line."""
        with (self.folder / "server.log").open("ab", buffering=0) as log:
            while True:
                try:
                    line = await stream.readuntil()
                except asyncio.IncompleteReadError as end:
                    line = end.partial
                except asyncio.LimitOverrunError as error:
                    line = await stream.readexactly(error.consumed)
                if not line:
                    return
                log.write(self._redactor.text(line.decode(errors="replace")).encode(errors="replace"))

    async def _listens(self, file: Path) -> None:
        """Wait until the server has described itself in a file (it does so a moment too early) and answers."""
        assert self._process is not None
        assert self._http is not None
        deadline = asyncio.get_running_loop().time() + _START_TIMEOUT
        while asyncio.get_running_loop().time() < deadline:
            if self._process.returncode is not None:
                if self._copying is not None:
                    # The last lines say why; a process that it left behind may keep them from ending.
                    await asyncio.wait([self._copying], timeout=1)
                raise ServerError(
                    f"the Jupyter server ended at once with exit code {self._process.returncode}:\n{self.log_tail()}",
                    next_step="widgetshot doctor",
                )
            with contextlib.suppress(OSError, json.JSONDecodeError, HTTPClientError):
                self.url = json.loads(file.read_text(encoding="utf-8"))["url"].rstrip("/")
                await self._http.fetch(f"{self.url}/api")
                return
            await asyncio.sleep(0.02)
        raise ServerError(
            f"the Jupyter server was not ready after {_START_TIMEOUT:g} s:\n{self.log_tail()}",
            next_step="widgetshot doctor",
        )

    def log_tail(self) -> str:
        """The last lines that the server wrote."""
        try:
            lines = (self.folder / "server.log").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(lines[-_LOG_TAIL:])

    async def request(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the server's API; the answer's JSON, or None.

        Raises:
            ServerError: no answer, or one that is not a success.
        """
        assert self._http is not None
        try:
            response = await self._http.fetch(
                f"{self.url}/{path}",
                method=method,
                headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
                body=None if body is None else json.dumps(body),
                request_timeout=0,
                connect_timeout=_START_TIMEOUT,
                allow_nonstandard_methods=True,
            )
        except (HTTPClientError, OSError) as error:
            raise ServerError(
                f"the Jupyter server did not answer {method} {path}: {error}\n{self.log_tail()}",
                next_step="widgetshot doctor",
            ) from error
        return json.loads(response.body) if response.body else None

    def path(self, path: str) -> str:
        """Path of an address of the server's, from its origin's root."""
        return "/" + "/".join([*self.url.split("/")[3:], path])

    def page_url(self, path: str) -> str:
        """Absolute address of a page, token included."""
        origin = "/".join(self.url.split("/")[:3])
        return f"{origin}{path}?token={self.token}"

    async def stop(self) -> None:
        """End the server, its kernels and its folder."""
        if self._http is not None:
            self._http.close()
        process = self._process
        if process is not None and process.returncode is None:
            assert process.stdin is not None
            process.stdin.close()  # it ends its kernels and then itself
            try:
                await asyncio.wait_for(process.wait(), _STOP_TIMEOUT)
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._copying is not None:
            self._copying.cancel()
            await asyncio.wait([self._copying])
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)
