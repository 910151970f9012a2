"""A second way to run sessions: each in a process of its own, with a server and a browser of its own.

That process is this module: it reads its settings and its session from standard input, and writes what comes of it to
standard output, each thing pickled behind its length.
"""

import asyncio
import os
import pickle
import struct
import sys
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any, BinaryIO, Self

from widgetshot.baselines.stores import open_baselines
from widgetshot.model import Result
from widgetshot.project.settings import Settings
from widgetshot.run.executors.local import LocalExecutor
from widgetshot.run.hosts import Hosts
from widgetshot.selection.session import Session, SessionReport
from widgetshot.services.manager import Services

LENGTH = struct.Struct(">Q")


class ProcessExecutor:
    """See `widgetshot.ports.SessionExecutor`; `jobs` processes at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turns = asyncio.Semaphore(settings.jobs)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: Any) -> None:
        pass

    async def run(self, session: Session) -> AsyncGenerator[Result | SessionReport, None]:
        async with self._turns:
            paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "executors",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
            )
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(packed((self._settings, session)))
                await process.stdin.drain()
                while True:
                    (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
                    event = pickle.loads(await process.stdout.readexactly(length))
                    if isinstance(event, Exception):
                        raise event
                    yield event
                    if isinstance(event, SessionReport):
                        return
            finally:
                # It ends its server and its browser, and then itself.
                process.stdin.close()
                await process.wait()

    def wind_down(self) -> None:
        pass


def packed(value: object) -> bytes:
    data = pickle.dumps(value)
    return LENGTH.pack(len(data)) + data


def received(stream: BinaryIO) -> Any:
    (length,) = LENGTH.unpack(stream.read(LENGTH.size))
    return pickle.loads(stream.read(length))


async def work(settings: Settings, session: Session, output: BinaryIO) -> None:
    """Run a session, and send what comes of it; gives up when standard input ends before it has."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    sent_all = threading.Event()

    def watch() -> None:
        sys.stdin.buffer.read()
        if not sent_all.is_set():
            loop.call_soon_threadsafe(task.cancel)

    threading.Thread(target=watch, daemon=True).start()

    def send(event: object) -> None:
        if not isinstance(event, Result):
            sent_all.set()
        output.write(packed(event))
        output.flush()

    with Services(settings.services, settings.redactor.values) as services:
        hosts = Hosts(settings)
        try:
            async with hosts, LocalExecutor(settings, hosts, services, open_baselines(settings)) as executor:
                async with aclosing(executor.run(session)) as events:
                    async for event in events:
                        # Whoever reads decides when the session goes on.
                        await asyncio.to_thread(send, event)
                executor.wind_down()
        except Exception as error:
            send(error)


def main() -> None:
    # What is printed here is nothing that was asked for.
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    settings, session = received(sys.stdin.buffer)
    try:
        asyncio.run(work(settings, session, output))
    except (asyncio.CancelledError, BrokenPipeError):
        sys.exit(1)


if __name__ == "__main__":
    main()
