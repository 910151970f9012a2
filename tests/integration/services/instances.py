"""Instances of built-in services, each under a process of its own, as in a run; this file is also that process."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from widgetshot.services import builtin
from widgetshot.services.daemons import Daemons
from widgetshot.services.endpoint import Endpoint
from widgetshot.services.workspace import HOST, Workspace


@dataclass
class Instance:
    process: "subprocess.Popen[str]"
    endpoint: Endpoint
    folder: Path
    ports: dict[str, int]
    planned: float
    started: float

    def ask(self, *words: str) -> Any:
        """`start`, `stop`, `kill NAME` or `ended`."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(*words, file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    @property
    def processes(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def running(self, words: str) -> list[psutil.Process]:
        """The processes whose command line is these words."""
        return [each for each in self.processes if _command_line(each) == words]

    @property
    def open_ports(self) -> list[int]:
        return [port for port in self.ports.values() if _accepts(port)]


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """What the condition is once it is true."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.05)
    return found


def need(name: str) -> None:
    """Skip visibly, or fail where services are required, when a program is missing."""
    if missing := builtin.missing([name]):
        said = "; ".join(f"{need.name} is missing: {need.install}" for need in missing)
        if os.environ.get("WIDGETSHOT_REQUIRE_SERVICES"):
            pytest.fail(said)
        pytest.skip(said)


@contextmanager
def instance(name: str, *wrapper: str) -> Iterator[Instance]:
    """A running instance; all its processes and ports must have gone at the end.

    Args:
        wrapper: a command that runs the command which follows it.
    """
    need(name)
    folder = Path(tempfile.mkdtemp(prefix="ws-"))
    with ExitStack() as sockets:
        ports = {}
        for port in builtin.load(name).ports:
            free = sockets.enter_context(socket.create_server((HOST, 0)))
            ports[port] = free.getsockname()[1]
    process = subprocess.Popen(
        [*wrapper, sys.executable, __file__, name, str(folder), json.dumps(ports)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        assert said, f"{name} did not start; see the error above"
        fact = json.loads(said)
        endpoint = Endpoint(name, fact["url"], fact["environment"])
        found = Instance(process, endpoint, folder, ports, fact["planned"], fact["started"])
        yield found
        left = [] if process.poll() is not None else found.processes
        process.stdin.close()
        assert process.wait(60) in (0, -signal.SIGKILL)  # the latter is a test's own doing
        assert [each for each in left if each.is_running()] == []
        assert found.open_ports == []
    finally:
        with suppress(BrokenPipeError):
            process.stdin.close()
        process.wait(60)
        process.stdout.close()
        shutil.rmtree(folder)


def _command_line(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
        return " ".join(process.cmdline())
    return ""


def _accepts(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((HOST, port)) == 0


def main(name: str, folder: str, ports: str) -> None:
    recipe, workspace = builtin.load(name), Workspace(Path(folder), json.loads(ports))
    before = time.monotonic()
    plan = recipe.plan(workspace)
    planned = time.monotonic()
    running = Daemons(plan, workspace, recipe.timeout)
    running.start()
    fact = {
        "url": plan.url,
        "environment": dict(plan.environment),
        "planned": planned - before,
        "started": time.monotonic() - planned,
    }
    print(json.dumps(fact), flush=True)
    commands: dict[str, Callable[..., Any]] = {
        "start": running.start,
        "stop": running.stop,
        "kill": running.kill,
        "ended": lambda: running.ended,
    }
    try:
        for line in sys.stdin:
            word, *arguments = line.split()
            print(json.dumps(commands[word](*arguments)), flush=True)
    finally:
        running.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
