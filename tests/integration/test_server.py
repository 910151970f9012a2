"""The headless server: execution that never hangs, kernels that share nothing, and nothing left behind."""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import pytest

from executed_pages import browser, executed
from projects import Project
from widgetshot.capture.host import LaunchedBrowser
from widgetshot.declare.notebook import read_notebook
from widgetshot.errors import NotebookError, ServerError
from widgetshot.frontends.widget_page import PageFrontend
from widgetshot.model import ServedPage
from widgetshot.project.loading import load_settings
from widgetshot.project.settings import Settings
from widgetshot.server.launcher import Server

# Where the modules of this folder and their helpers are.
TESTS = os.pathsep.join(str(Path(__file__).parents[level]) for level in (0, 1))


@asynccontextmanager
async def running(own: Path) -> AsyncIterator[Server]:
    """A server whose own folder is `own`, which is gone after it."""
    own.mkdir()
    server = Server(own)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
    assert not own.exists()


@dataclass
class Rig:
    """A server and a browser for all tests, and the loop in which they run."""

    runner: asyncio.Runner
    server: Server
    frontend: PageFrontend
    browser: tuple[LaunchedBrowser, Settings]

    def run(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        return self.runner.run(work())

    async def text(self, served: ServedPage) -> str:
        """What the page of a notebook shows that was executed in it."""
        async with executed(self.frontend, served, *self.browser) as shown:
            return str(await shown.page.inner_text("main"))


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    # Short, because of the names of kernels' sockets.
    with asyncio.Runner() as runner, TemporaryDirectory(prefix="server-") as name:
        held = AsyncExitStack()
        try:
            server = runner.run(held.enter_async_context(running(Path(name) / "run")))
            host = runner.run(held.enter_async_context(browser()))
            yield Rig(runner, server, PageFrontend(server, {"TZ": "UTC"}), host)
        finally:
            runner.run(held.aclose())


async def opened(frontend: PageFrontend, project: Project, path: str) -> ServedPage:
    notebook = read_notebook(project.root / path, path, load_settings(project.root))
    return await frontend.open(project.root / path, notebook.targets[0], notebook.kernel)


PROBE = """
import json, os, random, sys, time
from pathlib import Path
import numpy
print(json.dumps({
    "cwd": os.getcwd(), "home": str(Path.home()), "beside": Path("data.csv").read_text(),
    "listing": sorted(os.listdir()),
    "random": random.random(), "numpy": numpy.random.random(), "order": list({"a", "b", "c", "d", "e"}),
    "path": os.environ["PATH"].split(os.pathsep)[0], "zone": time.tzname[0], "helper": __import__("helper").ANSWER,
    "left": os.path.exists("left-behind"), "loader": type(numpy.__spec__.loader).__name__,
    "cell": sys._getframe().f_code.co_filename,
}))
Path("left-behind").write_text("x"); Path("data.csv").write_text("overwritten")
(Path.home() / ".settings").write_text("x")
"""


def test_kernels_are_private_seeded_and_alike(rig: Rig, project: Project) -> None:
    project.write("notebooks/data.csv", "1,2,3")
    project.write("notebooks/helper.py", "ANSWER = 42")
    project.notebook("notebooks/probe.ipynb", PROBE)
    project.notebook("notebooks/other.ipynb", "1")

    async def work() -> list[dict[str, Any]]:
        seen = []
        for _ in range(2):
            live_page = await opened(rig.frontend, project, "notebooks/probe.ipynb")
            seen.append(json.loads((await rig.text(live_page)).splitlines()[0]))
            await rig.frontend.close(live_page)
        return seen

    first, second = rig.run(work)
    assert first["cwd"] != second["cwd"]
    assert first["home"] != second["home"] != os.environ["HOME"]
    for key in ("random", "numpy", "order", "beside", "cell"):
        assert first[key] == second[key]
    assert second["beside"] == "1,2,3"
    assert second["listing"] == ["data.csv", "helper.py"]
    assert second["helper"] == 42
    assert not second["left"]
    # As Jupyter's kernel calls it, but for the process.
    assert re.search(r"[/\\]ipykernel_1[/\\]\d+\.py$", second["cell"])
    assert second["zone"] == "UTC"
    assert second["path"] == str(Path(sys.executable).parent)
    assert second["loader"] == "SourceFileLoader"
    assert (project.root / "notebooks" / "data.csv").read_text() == "1,2,3"


def fetch(url: str) -> str:
    from urllib.request import urlopen

    with urlopen(url) as answer:
        return str(answer.read().decode())


def test_server_asks_for_its_token_and_listens_on_loopback_only(rig: Rig, project: Project) -> None:
    from urllib.error import HTTPError

    project.notebook("notebooks/n.ipynb", "print('secret')")

    server = rig.server

    async def work() -> None:
        live_page = await opened(rig.frontend, project, "notebooks/n.ipynb")
        bare = live_page.url.partition("?")[0]
        with pytest.raises(HTTPError) as refused:
            await asyncio.to_thread(fetch, bare.replace("/live-pages/", "/api/live-pages/"))
        assert refused.value.code == 403
        assert "kernelId" not in await asyncio.to_thread(fetch, bare)
        assert "kernelId" in await asyncio.to_thread(fetch, live_page.url)
        assert "secret" in await rig.text(live_page)
        for path in ("static/../server/prelude.py", "labextensions/../../kernels/python3/kernel.json"):
            with pytest.raises(HTTPError):
                await asyncio.to_thread(fetch, f"{server.url}/widgetshot/{path.replace('..', '%2e%2e')}")
        sockets = {
            connection.laddr.ip
            for process in [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
            for connection in process.net_connections()
            if connection.status == psutil.CONN_LISTEN
        }
        assert sockets == {"127.0.0.1"}
        assert server.token not in " ".join(psutil.Process(server.pid).cmdline())

    rig.run(work)


OUTPUT = """
import ipywidgets as widgets
out = widgets.Output()
with out:
    for number in range(25):
        print(number)
        if number % 5 == 0:
            out.clear_output(wait=True)
out
"""


def test_output_widgets_hold_what_was_printed_last(rig: Rig, project: Project) -> None:
    project.notebook("notebooks/n.ipynb", *[OUTPUT, "print(out.outputs)"] * 3)

    async def work() -> str:
        return await rig.text(await opened(rig.frontend, project, "notebooks/n.ipynb"))

    assert rig.run(work).count("21\\n22\\n23\\n24\\n") == 3


def test_what_a_notebook_started_ends_with_its_exhibit(rig: Rig, project: Project) -> None:
    project.notebook(
        "notebooks/n.ipynb",
        "import subprocess, sys\n"
        "silent = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "child = subprocess.Popen(['sleep', '300'], start_new_session=True, **silent)\n"
        "print('PID', child.pid, 'END')",
    )

    frontend = rig.frontend

    async def work() -> None:
        live_page = await opened(frontend, project, "notebooks/n.ipynb")
        pid = int((await rig.text(live_page)).split("PID ")[1].split(" END")[0])
        assert psutil.pid_exists(pid)
        assert await frontend.alive(live_page)
        await frontend.close(live_page)
        assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        with pytest.raises(ServerError):
            await frontend.alive(live_page)

    rig.run(work)


def test_server_and_kernels_end_when_their_parent_is_killed(project: Project, tmp_path: Path) -> None:
    project.notebook("notebooks/n.ipynb", "print(1)")
    script = f"""
import asyncio, os, signal
from pathlib import Path
import test_server
from projects import Project
project = Project(Path({str(project.root)!r}))
async def work():
    async with test_server.running(Path({str(tmp_path / "run")!r})) as server:
        await test_server.opened(test_server.PageFrontend(server, {{}}), project, "notebooks/n.ipynb")
        print("up", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(work())
"""
    done = project.command(sys.executable, "-c", script, environment={"PYTHONPATH": TESTS})
    assert done.returncode == -9
    assert "up" in done.stdout, done.stderr
    deadline = time.monotonic() + 20
    while (project.left_behind() or (tmp_path / "run").exists()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert project.left_behind() == []
    assert not (tmp_path / "run").exists()


def test_missing_notebook_file_is_a_notebook_error(rig: Rig, project: Project) -> None:
    file = project.notebook("notebooks/n.ipynb", "1")

    async def work() -> None:
        notebook = read_notebook(file, "notebooks/n.ipynb")
        file.unlink()
        with pytest.raises(NotebookError, match="can't be read"):
            await rig.frontend.open(file, notebook.targets[0], "")

    rig.run(work)


def test_extension_can_be_enabled_in_any_jupyter_server(tmp_path: Path) -> None:
    environment = os.environ | {"JUPYTER_CONFIG_DIR": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "jupyter", "server", "extension", "enable", "--user", "widgetshot.server"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "widgetshot.server" in done.stdout + done.stderr
