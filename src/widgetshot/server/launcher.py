"""Start the headless Jupyter Server in a process of its own, and talk to it."""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from widgetshot.errors import FEWER_AT_A_TIME, MORE_PROCESSES, SIGNALS_OF_OTHERS, SOMEBODY, DiedStarting, ServerError
from widgetshot.project.endpoint import ENDPOINT_VARIABLES
from widgetshot.redact import Redactor

if TYPE_CHECKING:
    from tornado.httpclient import AsyncHTTPClient

_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 20.0
_DEATH_GRACE_S = 1.0
_NO_ANSWER = 599  # how tornado's client calls a connection that was closed or refused
_LOG_TAIL_LINES = 15
_MAX_KEPT_LOG_BYTES = 20_000_000
_MAX_LOG_CHUNK_BYTES = 1 << 20  # of the log that are looked through together
# jsonschema, which Jupyter Server and nbformat import, would load these for checks of formats that nobody asks for;
# compiling the grammar of the first takes over a second. Without them jsonschema leaves those checks out.
# The process that forks kernels loads its modules meanwhile. What is imported is no garbage; extension.py has it looked
# for again.
_PROGRAM = """
import gc
import sys
gc.disable()
for name in ("rfc3987_syntax", "isoduration", "rfc3986_validator", "webcolors", "uri_template", "fqdn"):
    sys.modules[name] = None
from widgetshot.server.zygotes import warm
warm()
from jupyter_server.serverapp import main
main()
"""


_MAX_SOCKET_PATH_BYTES = 103  # on macOS; Linux takes four more
_KERNEL_SOCKET = f"kernel-{'0' * 36}-ipc-5"  # how jupyter_client names them


def _transport(runtime: Path) -> str:
    """Return how kernels are talked to: `ipc` or `tcp`.

    A TCP port that was found free may be taken by another program before the kernel binds it, and the kernel dies;
    a socket in a private folder belongs to nobody else.
    """
    fits = len(os.fsencode(runtime / _KERNEL_SOCKET)) <= _MAX_SOCKET_PATH_BYTES
    return "ipc" if os.name == "posix" and fits else "tcp"


class Server:
    """A headless Jupyter Server on a free loopback port.

    Args:
        folder: an existing private folder; the server removes it when its parent dies.
        redactor: of secrets that its log may not hold.
        installed_fonts: whether the browser has our own fonts, so that pages need not be served with them.

    Attributes:
        log_copy: a file that gets the log when the server has ended, behind what is there; None for none.
    """

    def __init__(self, folder: Path, redactor: Redactor | None = None, *, installed_fonts: bool = False) -> None:
        self._installed_fonts = installed_fonts
        self._redactor = redactor or Redactor()
        self._copying: threading.Thread | None = None
        self.log_copy: Path | None = None
        self.url = ""
        self.token = secrets.token_hex(24)
        self.folder = folder / f"s-{secrets.token_hex(2)}"
        self._parent = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._http: AsyncHTTPClient | None = None

    @property
    def pid(self) -> int:
        """The process id of the server."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """True while its process is there."""
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Start it and wait until it listens.

        Raises:
            DiedStarting: it was ended by a signal.
            ServerError: it does not come up; the tail of its log is in the message.
        """
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    def launch(self) -> None:
        """Start its process ahead of `start`, which waits for it and would launch it otherwise.

        Raises:
            ServerError: the system gives no more processes or threads.
        """
        try:
            self._launch()
        except (OSError, RuntimeError) as error:
            raise ServerError(f"the Jupyter server can't be started: {error}", next_step=MORE_PROCESSES) from error

    def _launch(self) -> None:
        # Short, because the names of kernels' sockets go on from here.
        runtime, root, work = self.folder / "r", self.folder / "root", self.folder / "work"
        for folder in (runtime, root, work, work / "matplotlib"):
            folder.mkdir(parents=True)
        # Neither it nor a kernel needs to know who draws its pages; of a gateway Jupyter Server would have all kernels.
        private = (*ENDPOINT_VARIABLES, "JUPYTER_GATEWAY_")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(private)}
        environment = inherited | {
            "JUPYTER_RUNTIME_DIR": str(runtime),
            # Nobody's personal or system-wide server settings may change a picture.
            "JUPYTER_CONFIG_DIR": str(self.folder / "config"),
            "JUPYTER_NO_CONFIG": "1",
            "JUPYTER_TOKEN": self.token,
            "JUPYTER_PLATFORM_DIRS": "1",
            "TMPDIR": str(work),
            "WIDGETSHOT_FOLDER": str(self._parent),
            "JUPYTER_DEFAULT_PROVISIONER_NAME": "widgetshot",
            # Of each output only a part of the schema is needed, and the other validator would compile all of it.
            "NBFORMAT_VALIDATOR": "jsonschema",
            "WIDGETSHOT_INSTALLED_FONTS": "1" if self._installed_fonts else "",
        }
        log = (self.folder / "server.log").open("wb")
        with log:
            # The token travels in the environment: arguments can be read by every user of the machine.
            self._process = subprocess.Popen(
                [
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
                    "--ServerApp.kernel_websocket_connection_class=widgetshot.server.page_connection.PageConnection",
                    "--ServerApp.kernel_manager_class=widgetshot.server.kernels.Kernels",
                    "--ServerApp.kernel_spec_manager_class=widgetshot.server.kernels.KernelSpecs",
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if self._redactor else log,
                stderr=subprocess.STDOUT if self._redactor else log,
                env=environment,
                start_new_session=True,
            )
        if self._redactor:
            self._copying = threading.Thread(target=self._copy_log, args=[self._process.stdout], daemon=True)
            self._copying.start()

    async def _start(self) -> None:
        if self._process is None:
            self.launch()
        assert self._process is not None
        # Its modules, as others that are needed later, are loaded beside the server's own.
        from tornado.simple_httpclient import SimpleAsyncHTTPClient

        self._http = SimpleAsyncHTTPClient(force_instance=True, max_clients=1000, max_body_size=2**30)
        await self._listens(self.folder / "r" / f"jpserver-{self._process.pid}.json")

    def _copy_log(self, stream: BinaryIO) -> None:
        """Write what the server says, and what kernels say past it, to the log without secrets, line by line."""
        with stream, (self.folder / "server.log").open("ab", buffering=0) as log:
            while line := stream.readline(_MAX_LOG_CHUNK_BYTES):
                log.write(self._redactor.text(line.decode(errors="replace")).encode(errors="replace"))

    async def _listens(self, file: Path) -> None:
        """Wait until the server has described itself in a file (it does so a moment too early) and answers."""
        from tornado.httpclient import HTTPClientError

        assert self._process is not None
        assert self._http is not None
        deadline = asyncio.get_running_loop().time() + _START_TIMEOUT_S
        while asyncio.get_running_loop().time() < deadline:
            if (code := self._process.poll()) is not None:
                if -code in SIGNALS_OF_OTHERS:
                    raise DiedStarting(
                        f"the Jupyter server died with exit code {code} while it started {SOMEBODY}",
                        next_step=f"{FEWER_AT_A_TIME}, and see: widgetshot doctor",
                    )
                if self._copying is not None:
                    # The last lines say why; a process that it left behind may keep them from ending.
                    await asyncio.to_thread(self._copying.join, 1)
                raise ServerError(
                    f"the Jupyter server ended at once with exit code {code}:\n{self.log_tail()}",
                    next_step="widgetshot doctor",
                )
            with contextlib.suppress(OSError, json.JSONDecodeError, HTTPClientError):
                self.url = json.loads(file.read_text(encoding="utf-8"))["url"].rstrip("/")
                await self._http.fetch(f"{self.url}/api")
                return
            await asyncio.sleep(0.02)
        raise ServerError(
            f"the Jupyter server was not ready after {_START_TIMEOUT_S:g} s:\n{self.log_tail()}",
            next_step="widgetshot doctor",
        )

    def log_tail(self) -> str:
        """Return the last lines that the server wrote."""
        try:
            lines = (self.folder / "server.log").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(lines[-_LOG_TAIL_LINES:])

    async def request(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Return what the server's API answers.

        Args:
            body: JSON; None for none.

        Raises:
            ServerError: no answer, or one that is not a success.
        """
        from tornado.httpclient import HTTPClientError

        assert self._http is not None
        if not self.running:
            raise self._died()
        try:
            response = await self._http.fetch(
                f"{self.url}/{path}",
                method=method,
                headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
                body=body,
                request_timeout=0,
                connect_timeout=_START_TIMEOUT_S,
                allow_nonstandard_methods=True,
            )
        except (HTTPClientError, OSError) as error:
            if await self._has_died(error):
                raise self._died() from error
            raise ServerError(
                f"the Jupyter server did not answer {method} {path}: {error}\n{self.log_tail()}",
                next_step="widgetshot doctor",
            ) from error
        return bytes(response.body)

    async def _has_died(self, error: Exception) -> bool:
        """Return whether the process is gone, which ends connections a moment before its parent can know it.

        Args:
            error: of a request.
        """
        assert self._process is not None
        if isinstance(error, OSError) or getattr(error, "code", None) == _NO_ANSWER:
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self._process.wait, _DEATH_GRACE_S)
        return not self.running

    def _died(self) -> ServerError:
        assert self._process is not None
        code = self._process.returncode
        # Whoever was ended by another had no time to say why.
        why = f" {SOMEBODY}" if -code in SIGNALS_OF_OTHERS else f":\n{self.log_tail()}"
        return ServerError(
            f"the Jupyter server died with exit code {code}{why}",
            next_step=f"{FEWER_AT_A_TIME}, and see: widgetshot doctor",
        )

    def path(self, path: str) -> str:
        """Path of an address of the server's, from its origin's root."""
        return "/" + "/".join([*self.url.split("/")[3:], path])

    def page_url(self, path: str) -> str:
        """Absolute address of a page, token included."""
        origin = "/".join(self.url.split("/")[:3])
        return f"{origin}{path}?token={self.token}"

    async def stop(self) -> None:
        """End the server, its kernels and its folder."""
        process = self._process
        # The server removes its folder when it ends.
        log = self._opened_log()
        if process is not None and process.poll() is None:
            assert process.stdin is not None
            if self._http is None:
                process.kill()  # nobody has asked it for anything
            process.stdin.close()  # it ends its kernels and then itself
            try:
                await asyncio.to_thread(process.wait, _STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                await asyncio.to_thread(process.wait)
        if self._http is not None:
            self._http.close()
        if self._copying is not None:
            await asyncio.to_thread(self._copying.join, 1)
        if self.log_copy is not None and log is not None:
            await asyncio.to_thread(self._keep_log, log, self.log_copy)
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)

    def _opened_log(self) -> BinaryIO | None:
        if self.log_copy is None:
            return None
        try:
            return (self.folder / "server.log").open("rb")
        except OSError:
            return None

    def _keep_log(self, log: BinaryIO, file: Path) -> None:
        # A log that can't be kept must not keep a run from ending.
        with contextlib.suppress(OSError), log, file.open("a", encoding="utf-8", errors="replace") as kept:
            text = log.read(_MAX_KEPT_LOG_BYTES).decode(errors="replace")
            kept.write(self._redactor.including(self.token).text(text))
