"""Playwright's server of browsers as a process of ours: one browser for each connection, and nothing else."""

import asyncio
import contextlib
import json
import secrets
from pathlib import Path

from playwright._impl._driver import compute_driver_executable

from widgetshot.capture.browser import Browser
from widgetshot.capture.browser_guard import GUARD, PATH_VARIABLE
from widgetshot.capture.determinism import served_launch_options
from widgetshot.capture.host import end_remains, node_cache
from widgetshot.capture.renderer import EXPOSED, SERVE
from widgetshot.errors import ServerError
from widgetshot.project.endpoint import ENDPOINT_VARIABLES
from widgetshot.project.settings import Settings

_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 10.0
_KEPT_CHARACTERS = 2_000
_CHUNK_BYTES = 2**16
_LISTENS = "Listening on ws://"


class RunServer:
    """The process, started when it is first needed, and again when it has died.

    Args:
        browser: what it launches.
        folder: an existing private folder, which is removed if this process is killed.
    """

    def __init__(self, settings: Settings, browser: Browser, folder: Path) -> None:
        self._browser = browser
        self._folder = folder
        self._options, self._environment = served_launch_options(settings, browser, folder)
        self._process: asyncio.subprocess.Process | None = None
        self._starting = asyncio.Lock()
        self._stopped = False
        self._url = ""
        self._said = ""
        self._reading: list[asyncio.Task[None]] = []

    @property
    def headers(self) -> dict[str, str]:
        """What a connection must say to get our browser, whatever its client would like to have."""
        return {
            "x-playwright-browser": self._browser.kind,
            "x-playwright-launch-options": json.dumps(self._options),
            "x-playwright-proxy": EXPOSED,
        }

    async def url(self) -> str:
        """Return the address at which the process listens; whoever knows it may launch programs.

        Raises:
            ServerError: it does not start.
        """
        async with self._starting:
            if self._stopped:
                raise ServerError("Playwright's server of browsers is being stopped", next_step=f"{SERVE}  (again)")
            if self._process is None or self._process.returncode is not None:
                await self._start()
            return self._url

    async def _start(self) -> None:
        guard, path = self._folder / "guard.cjs", f"/{secrets.token_urlsafe(32)}"
        guard.write_text(GUARD, encoding="utf-8")
        node, program = compute_driver_executable()
        environment = {name: value for name, value in self._environment.items() if name not in ENDPOINT_VARIABLES}
        pipe = asyncio.subprocess.PIPE
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(node, "--require", str(guard), program, "run-server"),
                *("--host", "127.0.0.1", "--port", "0", "--unsafe"),
                stdin=pipe,
                stdout=pipe,
                # Of its own: with one pipe for both, what `DEBUG` has it say would stand in the middle of other lines.
                stderr=pipe,
                env=environment | node_cache() | {"TMPDIR": str(self._folder), PATH_VARIABLE: path},
                # Ctrl-C at a terminal is for the command, which ends this in order.
                start_new_session=True,
            )
            self._reading.append(asyncio.create_task(self._read(self._process.stderr)))
            self._url = await asyncio.wait_for(self._listens(self._process), _START_TIMEOUT_S)
        except (OSError, TimeoutError, EOFError, ValueError) as error:
            await self._end()
            said = self._said.strip() or str(error) or f"not ready after {_START_TIMEOUT_S:g} s"
            raise ServerError(
                f"Playwright's server of browsers does not start: {said}", next_step="widgetshot doctor"
            ) from error
        self._reading.append(asyncio.create_task(self._read(self._process.stdout)))

    async def _listens(self, process: asyncio.subprocess.Process) -> str:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            said = line.decode(errors="replace").strip()
            if said.startswith(_LISTENS):
                return said.removeprefix("Listening on ")
        raise EOFError("it has ended at once")

    async def _read(self, pipe: asyncio.StreamReader | None) -> None:
        """Take what it says, so that it is never kept from saying more, and keep the last of it."""
        assert pipe is not None
        # Not by lines, of which one may be of any length.
        while more := await pipe.read(_CHUNK_BYTES):
            self._said = (self._said + more.decode(errors="replace"))[-_KEPT_CHARACTERS:]

    async def stop(self) -> None:
        """End the process and its browsers, and start no other one."""
        self._stopped = True
        async with self._starting:
            await self._end()

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _STOP_TIMEOUT_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        await asyncio.to_thread(end_remains, self._folder)
        # What it has left in its pipes is read to the end.
        await asyncio.gather(*self._reading)
        self._reading.clear()
