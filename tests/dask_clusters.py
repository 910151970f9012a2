"""Real Dask clusters for tests: a scheduler and workers, each in a process of its own on the loopback."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from projects import MARK, Project, wait_until


class DaskCluster:
    """A scheduler and its workers.

    Attributes:
        address: of the scheduler.
        logs: a file for each process.
    """

    def __init__(self, project: Project, folder: Path) -> None:
        self._project = project
        self._folder = folder
        folder.mkdir()
        self._files: list[IO[bytes]] = []
        self.scheduler = self._begin("scheduler", "--port", "0", "--scheduler-file", str(folder / "scheduler.json"))
        wait_until(self._listens)
        self.address = self._listens()
        self.workers: list[subprocess.Popen[bytes]] = []

    def _listens(self) -> str:
        for line in self.log("scheduler").splitlines():
            if "Scheduler at:" in line:
                return line.split("Scheduler at:")[1].strip()
        return ""

    def _begin(
        self, kind: str, *words: str, name: str = "", apart: Path | None = None, **variables: str
    ) -> "subprocess.Popen[bytes]":
        name = name or kind
        command = [
            sys.executable,
            "-m",
            f"distributed.cli.dask_{kind}",
            "--host",
            "127.0.0.1",
            "--no-dashboard",
            *words,
        ]
        if apart is not None:
            command = [*_without(apart), *command]
        file = (self._folder / f"{name}.log").open("wb")
        self._files.append(file)
        return subprocess.Popen(
            command,
            cwd=self._folder,
            stdout=file,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=os.environ | {MARK: self._project.mark} | variables,
            start_new_session=True,
        )

    def worker(
        self, *words: str, threads: int = 1, nanny: bool = False, apart: Path | None = None, **variables: str
    ) -> "subprocess.Popen[bytes]":
        """Start a worker.

        Args:
            apart: a folder that it does not see.
            variables: of its environment.
        """
        name = f"worker-{len(self.workers) + 1}"
        process = self._begin(
            "worker",
            self.address,
            f"--nthreads={threads}",
            "--nanny" if nanny else "--no-nanny",
            f"--local-directory={self._folder / name}",
            *words,
            name=name,
            apart=apart,
            **variables,
        )
        self.workers.append(process)
        return process

    def log(self, name: str) -> str:
        """Return what a process has written: `scheduler`, `worker-1`, ..."""
        return (self._folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def logs(self) -> str:
        """Return what all have written."""
        return "\n".join(file.read_text(errors="replace") for file in sorted(self._folder.glob("*.log")))

    def close(self) -> None:
        """End all, workers first: one without a scheduler takes its time."""
        for group in (self.workers, [self.scheduler]):
            for process in group:
                process.send_signal(signal.SIGTERM)
            for process in group:
                process.wait(30)
        for file in self._files:
            file.close()


def _without(folder: Path) -> list[str]:
    """Return a command that runs another which finds a folder empty, as on a machine that does not share it."""
    rights = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    script = f"mount -t tmpfs none '{folder}' && exec \"$@\""
    return ["unshare", *rights, "--mount", "sh", "-c", script, "sh"]


@contextmanager
def dask_cluster(project: Project, folder: Path) -> Iterator[DaskCluster]:
    """A scheduler; workers are for who uses it."""
    made = DaskCluster(project, folder)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def slow_line(address: str, seconds: float) -> Iterator[str]:
    """A line to a Dask scheduler on which all takes so long, each way.

    Yields:
        The address of its near end.
    """
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    loop = asyncio.new_event_loop()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                loop.call_later(seconds, writer.write, data)
        loop.call_later(seconds, writer.close)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))

    server = loop.run_until_complete(asyncio.start_server(connected, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
