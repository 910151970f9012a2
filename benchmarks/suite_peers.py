"""What a user would write instead of using widgetshot; suite.py runs it with the peers' own Python.

    python suite_peers.py voila|jupyterlab|nbconvert|nbconvert-batch FOLDER [--jobs N] [--update]

FOLDER holds `plan.json` (see suite.py) and `notebooks/`. Pictures go to `<peer>/shots`, baselines (with `--update`) to
`<peer>/baselines`, pictures of differences to `<peer>/diffs`; `<peer>/outcome.json` names the shots that differ.

One server and one browser serve all notebooks. Nothing is waited for by time: a page is ready when every part of every
widget is drawn and its fonts are there. Addresses outside of this machine are unknown to the browser, so that what a
page would fetch from a CDN fails at once.
"""

import argparse
import asyncio
import functools
import http.server
import io
import json
import os
import re
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from PIL import Image, ImageChops
from playwright.async_api import Browser, Page, async_playwright

# The same for all peers: suite.py writes these into the conftest.py of pytest-ipywidgets, too.
FLAGS = [
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]",
]
VIEWPORT = {"width": 960, "height": 720}
# Whether all parts of all shots are drawn.
READY = """shots => shots.every(({ name, parts, text }) => {
  const root = document.querySelector(`.shot-${name}`);
  return root && root.getClientRects().length && root.querySelectorAll(".part").length === parts
    && root.textContent.includes(text);
})"""
# Executes all cells of JupyterLab's only document, as Galata's `notebook.run` does; what remained not executed.
RUN_ALL = """async () => {
  const notebook = window.jupyterapp.shell.currentWidget;
  await notebook.context.ready;
  await notebook.sessionContext.ready;
  await window.jupyterapp.commands.execute("notebook:run-all-cells");
  const cells = [...notebook.content.model.cells].filter((cell) => cell.type === "code");
  return cells.filter((cell) => cell.executionCount === null).length;
}"""
TIMEOUT = 120_000  # ms
Plan = dict[str, Any]
Shots = list[dict[str, Any]]
Open = Callable[[Page, Plan], Coroutine[Any, Any, None]]


class Album:
    """Pictures of one peer, compared with its own baselines."""

    def __init__(self, folder: Path, *, update: bool) -> None:
        self.changed: list[str] = []
        self._update = update
        self._baselines, self._shots, self._diffs = (folder / name for name in ("baselines", "shots", "diffs"))
        for made in (self._baselines, self._shots, self._diffs):
            made.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, picture: bytes) -> None:
        """Compare a picture with its baseline, or make it the baseline."""
        if self._update:
            (self._baselines / f"{name}.png").write_bytes(picture)
            return
        (self._shots / f"{name}.png").write_bytes(picture)
        with Image.open(self._baselines / f"{name}.png") as one, Image.open(io.BytesIO(picture)) as other:
            before, after = one.convert("RGB"), other.convert("RGB")
        if before.size != after.size:
            self.changed.append(name)
            return
        difference = ImageChops.difference(before, after)
        if difference.getbbox():
            self.changed.append(name)
            difference.save(self._diffs / f"{name}.png")


async def capture(page: Page, notebook: Plan, album: Album) -> None:
    """Wait until a notebook's widgets are drawn, then take each shot's element."""
    shots: Shots = notebook["shots"]
    await page.wait_for_function(READY, arg=shots, timeout=TIMEOUT)
    await page.evaluate("async () => { await document.fonts.ready; }")
    for shot in shots:
        element = page.locator(f".shot-{shot['name']}")
        album.add(f"{notebook['name']}-{shot['name']}", await element.screenshot(animations="disabled", caret="hide"))


async def capture_all(
    browser: Browser, plan: Plan, album: Album, jobs: int, open: Open, close: Callable[[Page], Any]
) -> None:
    """Capture all notebooks, each on a fresh page, `jobs` at a time."""
    turns = asyncio.Semaphore(jobs)

    async def one(notebook: Plan) -> None:
        async with turns:
            context = await browser.new_context(viewport=VIEWPORT, reduced_motion="reduce")  # type: ignore[arg-type]
            page = await context.new_page()
            await open(page, notebook)
            await capture(page, notebook, album)
            await close(page)
            await context.close()

    async with asyncio.TaskGroup() as group:
        for notebook in plan["notebooks"]:
            group.create_task(one(notebook))


@asynccontextmanager
async def server(*command: str) -> AsyncIterator[str]:
    """Start a Jupyter program, and return its address as soon as it says that it listens."""
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    said = []
    try:
        async for line in process.stderr:
            said.append(line.decode())
            if found := re.search(r"http://(?:127\.0\.0\.1|localhost):\d+", said[-1]):
                break
        else:
            raise RuntimeError(f"{command[0]} did not start:\n{''.join(said)}")
        rest = asyncio.create_task(process.stderr.read())
        yield found[0]
        process.terminate()
        await rest
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def free_port() -> int:
    """Return a port that nobody listened on a moment ago; Voila can't choose one by itself."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def voila(browser: Browser, folder: Path, plan: Plan, album: Album, jobs: int) -> None:
    """One Voila server over the folder, one page for each notebook."""
    command = ["voila", str(folder / "notebooks"), "--no-browser", f"--port={free_port()}", "--Voila.port_retries=0"]
    async with server(sys.executable, "-m", *command) as url:

        async def open(page: Page, notebook: Plan) -> None:
            await page.goto(f"{url}/voila/render/{quote(notebook['name'])}.ipynb", timeout=TIMEOUT)

        async def close(page: Page) -> None:
            # Leaving the page is what makes Voila shut its kernel down; closing it would leave that to the end.
            await page.goto("about:blank")

        await capture_all(browser, plan, album, jobs, open, close)


async def jupyterlab(browser: Browser, folder: Path, plan: Plan, album: Album, jobs: int) -> None:
    """As Galata does it: each document on a fresh page of one JupyterLab, all cells run, outputs captured."""
    settings = folder / "jupyterlab/settings/@jupyterlab"
    for name, values in {
        # Cells out of sight would have no outputs to capture.
        "notebook-extension/tracker": {"windowingMode": "none"},
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    }.items():
        file = settings / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values), encoding="utf-8")
    os.environ["JUPYTERLAB_SETTINGS_DIR"] = str(settings.parent)
    os.environ["JUPYTERLAB_WORKSPACES_DIR"] = str(settings.parents[1] / "workspaces")
    options = [
        "--no-browser", "--ip=127.0.0.1", f"--port={free_port()}", "--ServerApp.port_retries=0", "--allow-root",
        "--IdentityProvider.token=", "--ServerApp.root_dir=notebooks", "--LabApp.expose_app_in_browser=True",
        "--ServerApp.terminals_enabled=False",
    ]  # fmt: skip
    async with server(sys.executable, "-m", "jupyterlab", *options) as url:

        async def open(page: Page, notebook: Plan) -> None:
            await page.goto(f"{url}/doc/tree/{quote(notebook['name'])}.ipynb", timeout=TIMEOUT)
            await page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.sessionContext")
            if left := await page.evaluate(RUN_ALL):
                raise RuntimeError(f"{notebook['name']}: {left} cells were not executed")

        async def close(page: Page) -> None:
            await page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")

        await capture_all(browser, plan, album, jobs, open, close)


class Packages(http.server.SimpleHTTPRequestHandler):
    """Files of npm packages, for pages of any origin."""

    # Without it every file would need a connection of its own.
    protocol_version = "HTTP/1.1"

    def end_headers(self) -> None:
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


async def nbconvert(
    browser: Browser, folder: Path, plan: Plan, album: Album, jobs: int, *, batch: bool = False
) -> None:
    """`jupyter nbconvert --execute --to html`, then a page for each file."""
    handler = functools.partial(Packages, directory=os.environ["SUITE_PACKAGES"])
    packages = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=packages.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{packages.server_port}"
    command = [
        sys.executable, "-m", "nbconvert", "--execute", "--to", "html", "--log-level=ERROR",
        "--output-dir", str(folder / album_name(batch) / "html"),
        f"--HTMLExporter.require_js_url={url}/requirejs/require.js",
        f"--HTMLExporter.widget_renderer_url={url}/@jupyter-widgets/html-manager/dist/embed-amd.js",
    ]  # fmt: skip

    async def convert(*names: str) -> None:
        process = await asyncio.create_subprocess_exec(*command, *(f"notebooks/{name}.ipynb" for name in names))
        if await process.wait():
            raise RuntimeError(f"nbconvert ended with {process.returncode}")

    async def open(page: Page, notebook: Plan) -> None:
        if not batch:
            await convert(notebook["name"])
        await page.goto((folder / album_name(batch) / "html" / f"{notebook['name']}.html").as_uri(), timeout=TIMEOUT)

    async def close(page: Page) -> None:
        """Nothing is alive behind the page."""

    if batch:
        await convert(*(notebook["name"] for notebook in plan["notebooks"]))
    await capture_all(browser, plan, album, jobs, open, close)
    packages.shutdown()


def album_name(batch: bool) -> str:
    return "nbconvert-batch" if batch else "nbconvert"


PEERS: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
    "voila": voila,
    "jupyterlab": jupyterlab,
    "nbconvert": nbconvert,
    "nbconvert-batch": functools.partial(nbconvert, batch=True),
}


async def run(peer: str, folder: Path, jobs: int, update: bool) -> list[str]:
    plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    album = Album(folder / peer, update=update)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=os.environ["WIDGETSHOT_BROWSER"], args=FLAGS)
        await PEERS[peer](browser, folder, plan, album, jobs)
        await browser.close()
    return sorted(album.changed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--update", action="store_true")
    arguments = parser.parse_args()
    os.chdir(arguments.folder)
    folder = Path.cwd()
    changed = asyncio.run(run(arguments.peer, folder, arguments.jobs, arguments.update))
    (folder / arguments.peer / "outcome.json").write_text(json.dumps(changed), encoding="utf-8")


if __name__ == "__main__":
    main()
