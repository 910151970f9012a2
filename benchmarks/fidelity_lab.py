"""The pictures of cells' outputs that JupyterLab itself shows; fidelity.py compares ours with them.

A real JupyterLab server on loopback, the browser that our camera uses and its flags, fonts, clock and viewport. Each
notebook is opened in a page of its own and all of its cells are run. What is not output (menus, panels, input cells,
prompts) is taken away by style sheets, so that outputs are as wide as on our page and begin in the same columns of
pixels; see FRAME. JupyterLab has the extensions of the packages that a notebook uses, see `Extensions`.
"""

import asyncio
import base64
import contextlib
import json
import re
import subprocess
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import distributions
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from urllib.parse import quote

import numpy as np
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from playwright.async_api import Error as PlaywrightError

from suite_peers import free_port
from widgetshot.capture.host import LaunchedBrowser
from widgetshot.capture.shot import cut_out
from widgetshot.files import PACKAGE, STATIC, read_png
from widgetshot.model import Pixels, Target
from widgetshot.ports import Rect
from widgetshot.project.settings import Settings
from widgetshot.server.zygotes import kernel_environment

TIMEOUT = 120_000  # ms, for the page to load and for all cells to run
# Seconds that a notebook's page has to come to rest once its cells have run; what still moves then is said to.
REST = 40.0
# So many pictures in a row have to be equal.
EQUAL = 3

# What our page leaves away of JupyterLab's frame, on purpose. Nothing here says how an output looks inside. The
# notebook's ancestors are put into the page's flow, because JupyterLab lays its panels out by the window and scrolls
# them, and a picture shows what is scrolled away only where the whole page is that high. What else hangs on the body is
# out of sight, but laid out: front ends measure their texts there. Specificity and order are those of page.css, so that
# an output's own style wins here where it wins there.
FRAME = """
html, body.fidelity { overflow: visible !important; height: auto !important; position: static !important }
body.fidelity { min-height: 0 }
body.fidelity { margin: 0; padding: 16px; background: var(--jp-layout-color0) }
body.fidelity .fidelity-open {
  display: block !important; position: static !important; width: auto !important; height: auto !important;
  min-width: 0 !important; min-height: 0 !important; max-width: none !important; max-height: none !important;
  margin: 0 !important; padding: 0 !important; border: 0 !important; overflow: visible !important;
  contain: none !important; transform: none !important; background: transparent !important;
}
.fidelity-open:not(.fidelity-cells) > :not(.fidelity-open) { display: none !important }
body.fidelity > :not(.fidelity-open) { position: fixed !important; visibility: hidden !important }
.fidelity-open::before, .fidelity-open::after { display: none !important }
.fidelity * { caret-color: transparent !important; scroll-behavior: auto !important }
.fidelity .jp-Cell { display: flow-root; padding: 0 0 8px !important; margin: 0 !important }
.fidelity .jp-Cell.jp-mod-noOutputs { display: none }
.fidelity .jp-Cell-inputWrapper, .fidelity .jp-Collapser, .fidelity .jp-OutputArea-prompt, .fidelity .jp-OutputPrompt,
.fidelity .jp-OutputArea-promptOverlay, .fidelity .jp-CellHeader, .fidelity .jp-CellFooter, .fidelity .jp-cell-toolbar,
.fidelity .jp-CellResizeHandle { display: none !important }
.jp-Cell, .jp-Cell .jp-OutputArea, .jp-Cell .jp-OutputArea-child,
.jp-Cell .jp-OutputArea-output.jp-OutputArea-output:not(.leaflet-container) {
  overflow: visible;
}
.jp-Cell .jp-OutputArea-output { padding: 0; max-height: none }
"""

# Puts the notebook into the page's flow; whatever is not above it or in it is hidden.
OPEN = """() => {
  const cells = window.jupyterapp.shell.currentWidget.content.widgets[0].node.parentElement;
  cells.classList.add("fidelity-cells");
  for (let node = cells; node !== document.body; node = node.parentElement) node.classList.add("fidelity-open");
  document.body.classList.add("fidelity");
}"""

# The pinned fonts stand for a system's, which are there from the start. A font that is still to be fetched when a front
# end measures a text, or draws it on a canvas, is replaced by another one.
FONTS = "() => Promise.all([...document.fonts].map((font) => font.load())).then(() => {})"

# As Galata's `notebook.run` does it. The cells that were not executed, of those that have something to execute. The
# command ends with the first error, also of a cell that may raise; the others are executed all the same.
RUN_ALL = """async () => {
  const notebook = window.jupyterapp.shell.currentWidget;
  await window.jupyterapp.commands.execute("notebook:run-all-cells");
  await notebook.sessionContext.session?.kernel?.requestKernelInfo();
  const cells = [...notebook.content.model.cells].filter((cell) => cell.type === "code");
  return cells.filter((cell) => cell.executionCount === null && cell.sharedModel.source.trim()).map((cell) => cell.id);
}"""

# Waits until the kernel has answered after all that it had sent before, the fonts and pictures are there, and two
# frames are drawn; returns what the page then has. What is below each cell brings the next one to a whole pixel, as on
# our page (`alignCells` of js/src/live/ready.ts): where letters and borders are drawn depends on the fraction at which
# a cell begins, and that on the height of what JupyterLab happens to show above it.
LOOK = """async () => {
  const notebook = window.jupyterapp.shell.currentWidget;
  const kernel = notebook.sessionContext.session?.kernel;
  if (kernel) await kernel.requestKernelInfo();
  await document.fonts.ready;
  const images = [...document.images].filter((image) => !image.complete);
  await Promise.all(images.map((image) => image.decode().catch(() => {})));
  scrollTo(0, 0);
  const nodes = notebook.content.widgets.map(({ node }) => node);
  const rest = nodes.map((node) => 1 - (node.getBoundingClientRect().height % 1 || 1));
  nodes.forEach((node, k) => node.style.setProperty("margin-bottom", `${rest[k]}px`, "important"));
  for (let k = 0; k < 2; k++) await new Promise(requestAnimationFrame);
  const cells = [];
  for (const cell of notebook.content.widgets) {
    if (cell.model.type !== "code") continue;
    const box = cell.node.getBoundingClientRect();
    cells.push([cell.model.id, {
      x: box.x + scrollX, y: box.y + scrollY,
      width: Math.max(box.width, cell.node.scrollWidth), height: Math.max(box.height, cell.node.scrollHeight),
    }]);
  }
  const root = document.documentElement;
  const width = Math.max(root.clientWidth, root.scrollWidth), height = Math.max(root.clientHeight, root.scrollHeight);
  return {
    idle: !kernel || kernel.status === "idle",
    loading: /^\\s*Loading widget\\.\\.\\./m.test(document.body.innerText),
    cells, width, height,
  };
}"""


@dataclass
class Seen:
    """What JupyterLab shows of one notebook.

    Attributes:
        pictures: cell -> its output; none of cells without output.
        moving: cells whose pictures went on changing.
        trouble: why there are no pictures, in words; "" if there are.
    """

    pictures: dict[str, Pixels] = field(default_factory=dict)
    moving: set[str] = field(default_factory=set)
    trouble: str = ""


def pinned_fonts(url: str) -> str:
    """Return the fonts of our page as a style sheet: the faces, and the variables that name them.

    Args:
        url: the address at which the fonts' folder is given to the browser.
    """
    page = (STATIC / "page.css").read_text(encoding="utf-8")
    faces = re.findall(r"@font-face\s*\{[^}]*\}", page)
    variables = re.findall(r"--jp-[\w-]+:[^;]+;", page)
    return "\n".join(faces).replace("url(", f"url({url}/") + "\nbody {" + " ".join(variables) + "}"


class Extensions:
    """JupyterLab's prebuilt extensions of an environment, by the packages that bring them.

    JupyterLab loads all that are installed, whether a notebook uses them or not, and their styles mix: once
    ipyvuetify is installed, its Roboto is the font of each audio player, and of two packages that bring Leaflet each
    is drawn with what the other has. Our page loads what a notebook uses, so that its pictures do not depend on what
    else is there. So each notebook of the zoo, whose packages share one environment, is shown by a JupyterLab that has
    what an environment of its own would have: the extensions of what it imports, of what that needs, and of what its
    metadata names (`fidelity: {packages: [...]}`), for renderers that nothing imports.
    """

    ALWAYS = ("jupyterlab", "ipywidgets")

    def __init__(self, environment: Path) -> None:
        self._folder = environment / "share" / "jupyter" / "labextensions"
        self._brought: dict[str, set[str]] = {}
        self._needed: dict[str, set[str]] = {}
        self._providers: dict[str, set[str]] = {}
        for one in distributions(path=[str(path) for path in environment.glob("lib/python*/site-packages")]):
            package = canonicalize_name(one.metadata["Name"])
            needs = map(Requirement, one.requires or ())
            self._needed[package] = {
                canonicalize_name(need.name) for need in needs if not need.marker or need.marker.evaluate({"extra": ""})
            }
            for file in one.files or ():
                self._providers.setdefault(Path(file.parts[0]).stem, set()).add(package)
                path = file.as_posix()
                if "/labextensions/" in path and path.endswith("/package.json"):
                    name = path.partition("/labextensions/")[2].removesuffix("/package.json")
                    self._brought.setdefault(package, set()).add(name)

    def used_by(self, notebook: Path) -> set[str]:
        """Return the names of the extensions that a notebook's environment would have."""
        content = json.loads(notebook.read_text(encoding="utf-8"))
        packages = {*self.ALWAYS, *content["metadata"].get("fidelity", {}).get("packages", ())}
        for cell in content["cells"]:
            for names in re.findall(r"^[ \t]*(?:import|from)[ \t]+(\w[\w., ]*)", "".join(cell["source"]), re.MULTILINE):
                for name in names.split(" import ")[0].split(","):
                    packages |= self._providers.get(name.split(".")[0].split()[0], set())
        found: set[str] = set()
        while packages - found:
            found |= packages
            packages = {need for package in found for need in self._needed.get(package, ())}
        return {name for package in found for name in self._brought.get(package, ())}

    def lay_out(self, folder: Path, names: Iterable[str]) -> None:
        """Make a folder of extensions: links to where they are installed."""
        for name in names:
            link = folder / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(self._folder / name, target_is_directory=True)


def write_settings(folder: Path, theme: str) -> None:
    """Write JupyterLab's user settings: its theme, all cells attached, no news."""
    for name, values in {
        # Cells out of sight would have no outputs to capture.
        "notebook-extension/tracker": {"windowingMode": "none", "scrollPastEnd": False},
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
        "apputils-extension/themes": {"theme": f"JupyterLab {theme.title()}", "adaptive-theme": False},
    }.items():
        file = folder / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values), encoding="utf-8")


@asynccontextmanager
async def lab_server(python: Path, notebooks: Path, work: Path, theme: str) -> AsyncIterator[str]:
    """Start JupyterLab over a folder of notebooks; return its address once it listens, and end it afterwards.

    Args:
        work: a private folder.
    """
    home = work / "home"
    startup = home / ".ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    # What our kernels run before a notebook's first cell.
    (startup / "00-prelude.py").write_text(
        (PACKAGE / "server" / "prelude.py").read_text(encoding="utf-8"), encoding="utf-8"
    )
    write_settings(work / "settings", theme)
    environment = kernel_environment(home) | {
        "TZ": "UTC",
        "JUPYTERLAB_SETTINGS_DIR": str(work / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(work / "workspaces"),
    }
    environment["PATH"] = f"{python.parent}:{environment['PATH']}"
    port = free_port()
    options = [
        "--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0", "--allow-root",
        "--IdentityProvider.token=", f"--ServerApp.root_dir={notebooks}", "--LabApp.expose_app_in_browser=True",
        "--ServerApp.terminals_enabled=False", f"--LabApp.labextensions_path={work / 'labextensions'}",
    ]  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        str(python), "-m", "jupyterlab", *options,
        cwd=work, env=environment, stdout=subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    said: list[str] = []
    rest: asyncio.Task[bytes] | None = None
    try:
        async for line in process.stderr:
            said.append(line.decode(errors="replace"))
            if f"http://127.0.0.1:{port}" in said[-1]:
                break
        else:
            raise RuntimeError(f"JupyterLab did not start:\n{''.join(said)}")
        rest = asyncio.create_task(process.stderr.read())
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        if rest is not None:
            await rest


class LabPage:
    """A notebook in JupyterLab, in a page of its own."""

    def __init__(self, page: Any, cdp: Any) -> None:
        self._page = page
        self._cdp = cdp
        self._pending: set[Any] = set()
        # Playwright takes functions, no methods of built-in types.
        page.on("request", lambda request: self._pending.add(request))
        page.on("requestfinished", lambda request: self._pending.discard(request))
        page.on("requestfailed", lambda request: self._pending.discard(request))

    async def run(self, url: str, name: str, style: str) -> str:
        """Open a notebook and run all of its cells; what went wrong, in words, or ""."""
        await self._page.goto(f"{url}/doc/tree/{quote(name)}", timeout=TIMEOUT)
        await self._page.wait_for_function(
            "() => window.jupyterapp?.shell.currentWidget?.content?.widgets?.length", timeout=TIMEOUT, polling=100
        )
        await self._page.evaluate(
            """async () => {
              const notebook = window.jupyterapp.shell.currentWidget;
              await window.jupyterapp.restored;
              await notebook.context.ready;
              await notebook.sessionContext.ready;
              await notebook.revealed;
            }"""
        )
        # Behind all of JupyterLab's own, also what extensions bring later into the head.
        await self._page.evaluate(
            "text => document.body.append(Object.assign(document.createElement('style'), { textContent: text }))", style
        )
        await self._page.evaluate(FONTS)
        await self._page.evaluate(OPEN)
        await self._page.mouse.move(0, 0)
        left = await asyncio.wait_for(self._page.evaluate(RUN_ALL), TIMEOUT / 1000)
        return f"not executed: {', '.join(left)}" if left else ""

    async def rest(self) -> Seen:
        """Take pictures until they are equal; the last ones, and which cells still moved."""
        seen = Seen()
        earlier: list[dict[str, Pixels]] = []
        deadline = perf_counter() + REST
        while True:
            look = await asyncio.wait_for(self._page.evaluate(LOOK), TIMEOUT / 1000)
            late = perf_counter() > deadline
            busy = look["loading"] or not look["idle"] or self._fetching() or await self._frames_load()
            if not late and busy:
                earlier.clear()
                continue
            pictures = await self._pictures(look)
            earlier = [*earlier[1 - EQUAL :], pictures]
            moving = {cell for cell in pictures if not _steady(cell, earlier)}
            if (len(earlier) == EQUAL and not moving) or late:
                seen.pictures, seen.moving = pictures, moving
                if look["loading"]:
                    seen.trouble = "a widget never came"
                return seen

    async def _pictures(self, look: Mapping[str, Any]) -> dict[str, Pixels]:
        """Return the picture of each cell that shows something."""
        whole = await self._picture(look)
        return {
            cell: cut_out(whole, Rect(**box), 1)[0] for cell, box in look["cells"] if box["width"] and box["height"]
        }

    async def _frames_load(self) -> bool:
        """Tell whether a frame is being loaded, into which a script of the page may not look: it is in a sandbox."""
        for frame in self._page.frames[1:]:
            with contextlib.suppress(PlaywrightError):  # it is gone
                if await asyncio.wait_for(frame.evaluate("document.readyState"), TIMEOUT / 1000) != "complete":
                    return True
        return False

    def _fetching(self) -> bool:
        """Tell whether a request is under way that will end: sockets and what polls the server don't count."""
        return any(
            request.resource_type not in ("websocket", "eventsource", "media") and "/api/" not in request.url
            for request in self._pending
        )

    async def _picture(self, look: Mapping[str, Any]) -> Pixels:
        """Capture the whole page as our camera does."""
        answer = await self._cdp.send(
            "Page.captureScreenshot",
            {
                "format": "png",
                "optimizeForSpeed": True,
                "captureBeyondViewport": False,
                "clip": {"x": 0, "y": 0, "width": look["width"], "height": look["height"], "scale": 1},
            },
        )
        return read_png(base64.b64decode(answer["data"]))

    async def leave(self) -> None:
        """End the kernel."""
        await self._page.evaluate("() => window.jupyterapp.shell.currentWidget?.sessionContext.shutdown()")


def _steady(cell: str, pictures: Sequence[Mapping[str, Pixels]]) -> bool:
    last = pictures[-1][cell]
    return len(pictures) == EQUAL and all(
        cell in one and one[cell].shape == last.shape and np.array_equal(one[cell], last) for one in pictures
    )


async def _photograph(browser: LaunchedBrowser, url: str, name: str, theme: str) -> Seen:
    """Photograph the outputs of one notebook."""
    context = await browser.new_context(Target(name, "page", None, 0, theme=theme))
    try:
        fonts = f"{url}/fidelity"
        await context.route(
            f"{fonts}/fonts/*",
            lambda route: route.fulfill(path=STATIC / "fonts" / Path(route.request.url).name),
        )
        # JupyterLab would ask whether it shall be built with the extensions that are left out.
        await context.route("**/lab/api/build*", lambda route: route.fulfill(json={"status": "stable", "message": ""}))
        page = await context.new_page()
        lab = LabPage(page, await context.new_cdp_session(page))
        trouble = await lab.run(url, name, pinned_fonts(fonts) + FRAME)
        seen = await lab.rest()
        seen.trouble = "; ".join(filter(None, (trouble, seen.trouble)))
        await lab.leave()
        return seen
    finally:
        await context.close()


async def photograph_all(
    python: Path, notebooks: Path, names: Sequence[str], theme: str
) -> AsyncIterator[tuple[str, Seen]]:
    """Yield each notebook's name, and what JupyterLab shows of it; notebooks that use the same extensions together.

    Args:
        python: of the environment that has JupyterLab and the front ends.
        notebooks: the folder that JupyterLab serves.
        names: of notebooks in it, with their suffix.
    """
    extensions = Extensions(python.parent.parent)
    groups: dict[frozenset[str], list[str]] = {}
    for name in names:
        groups.setdefault(frozenset(extensions.used_by(notebooks / name)), []).append(name)
    with TemporaryDirectory(prefix="fidelity-") as folder:
        private = Path(folder) / "browser"
        private.mkdir()
        browser = LaunchedBrowser(Settings(root=notebooks), private)
        await browser.start()
        try:
            for number, (used, group) in enumerate(groups.items()):
                work = Path(folder) / str(number)
                extensions.lay_out(work / "labextensions", used)
                async with lab_server(python, notebooks, work, theme) as url:
                    for name in group:
                        try:
                            seen = await _photograph(browser, url, name, theme)
                        except Exception as error:
                            # One notebook that JupyterLab can't show does not end the measure.
                            cause = str(error).splitlines()[0] if str(error) else ""
                            seen = Seen(trouble=f"{type(error).__name__}: {cause}")
                        yield name, seen
        finally:
            await browser.stop()
