"""A second front end, of real executions and real pages: a notebook is executed and exported to plain pages.

There is one for each of its code cells, which shows what there was when that had run. They have no kernel and no script
of ours. What the camera asks is answered from outside, by looking at the page.
"""

import asyncio
import contextlib
import html
import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import msgspec
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from widgetshot.conditions import Condition, Unrest
from widgetshot.declare.cells import cell_names
from widgetshot.errors import NotebookError
from widgetshot.model import ServedPage, Target
from widgetshot.ports import Extent, Look, PageTrace, Rect, Scope, SourcesSeen

STYLE = "body { margin: 8px; font: 14px 'Noto Sans' } [data-cell-id] { margin-bottom: 8px; overflow: hidden }"

# Resolves with null once the page was still for a moment, or with what moved when the time is over.
READY = """([limit, maxSettle]) => new Promise(resolve => {
  const STILL_MS = 60, begin = performance.now();
  let moved = begin;
  const observer = new MutationObserver(() => { moved = performance.now(); });
  observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  const loaded = () => document.readyState === "complete" && document.fonts.status === "loaded"
    && [...document.images].every(image => image.complete);
  const look = () => {
    const now = performance.now(), over = now - begin > limit;
    const still = loaded() && now - moved > STILL_MS;
    if (!still && !over && !(maxSettle !== null && loaded() && now - begin > maxSettle)) {
      requestAnimationFrame(look);
      return;
    }
    observer.disconnect();
    resolve(still ? null : { code: loaded() ? "elements-changing" : "assets-loading", params: {} });
  };
  requestAnimationFrame(look);
})"""
LOOK = """([selector, masks]) => {
  const rectOf = element => {
    const box = element.getBoundingClientRect();
    return { x: box.x + scrollX, y: box.y + scrollY, width: box.width, height: box.height };
  };
  const scope = selector === null ? document.body : document.querySelector(selector);
  const missing = [...scope.querySelectorAll("img")].filter(image => image.complete && !image.naturalWidth);
  const problems = missing.map(image => ({ code: "image-missing", params: { url: image.src } }));
  const rect = selector === null ? null : rectOf(scope);
  let found = [], invalid = null;
  try {
    found = masks.map(mask => [...scope.querySelectorAll(mask)].map(rectOf).filter(box => box.width && box.height));
  } catch (error) {
    invalid = error.message;
  }
  const named = [...scope.querySelectorAll("button, p, h1")].map(element => {
    const { x, y, width, height } = rectOf(element);
    return { name: `${element.localName} '${element.textContent}'`, depth: 0, box: [x, y, width, height] };
  });
  const shown = { tree: [], modules: {}, layout: { elements: named, cut: false } };
  return { problems, rect, masks: found, invalid, shown: problems.length ? null : shown };
}"""
EXTENT = """() => {
  const { scrollWidth: width, scrollHeight: height } = document.documentElement;
  return { width, height: Math.max(height, innerHeight) };
}"""
SECRETS = """forms => [...document.querySelectorAll("body *")]
  .filter(element => !element.children.length && forms.some(form => element.textContent.includes(form)))
  .map(element => {
    const box = element.getBoundingClientRect();
    return { x: box.x + scrollX, y: box.y + scrollY, width: box.width, height: box.height };
  })"""


class StaticPage:
    """See `LivePage`: a page that is looked at from outside."""

    def __init__(self, page: Any, executions: Mapping[str, "Execution"]) -> None:
        self._page = page
        self._executions = executions

    async def execute(self, served: ServedPage, within: float, until: str) -> bool:
        execution = self._executions[served.id]
        if until not in execution.pages:
            assert execution.failure is not None
            raise execution.failure
        await self._page.goto(execution.pages[until])
        return True

    async def arrange(self, capture: str) -> bool:
        return False

    async def outputs(self) -> str:
        return ""

    async def follow(self, outputs: str) -> None:
        """Nothing to do: all pages of a notebook show the same file."""

    async def ready(self, limit: float, max_settle: float | None) -> Condition[Unrest] | None:
        answer = await self._page.evaluate(READY, [limit * 1000, max_settle and max_settle * 1000])
        return None if answer is None else msgspec.convert(answer, Condition[Unrest])

    async def look(self, scopes: Sequence[Scope], *, styled: bool = False) -> list[Look | None]:
        return [
            msgspec.convert(await self._page.evaluate(LOOK, [selector, list(masks)]), Look)
            for selector, masks in scopes
        ]

    async def acting(self) -> None:
        """Nothing to do: it has no kernel, and so no callbacks."""

    async def extent(self) -> Extent:
        return msgspec.convert(await self._page.evaluate(EXTENT), Extent)

    async def secret_places(self, forms: Sequence[str]) -> list[Rect]:
        return msgspec.convert(await self._page.evaluate(SECRETS, list(forms)), list[Rect])

    async def trace(self) -> PageTrace:
        return PageTrace()  # it has no kernel, and no script that could note anything

    async def enter(self, url: str) -> bool:
        return False

    async def leave(self) -> bool:
        return False


@dataclass
class Execution:
    """What came of executing a notebook.

    Attributes:
        pages: name of each code cell that ran, and "" if all did -> address of the page that was made then.
        failure: why the others did not run.
    """

    pages: dict[str, str] = field(default_factory=dict)
    failure: NotebookError | None = None


class StaticFrontend:
    """See `Frontend`: executes notebooks with nbclient and serves what they show as plain pages; a context manager."""

    anchor_url = token = ""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._executions: dict[str, Execution] = {}
        handler = partial(_QuietHandler, directory=str(folder))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    async def open(
        self,
        file: Path,
        target: Target,
        kernel: str,
        environment: Mapping[str, str] | None = None,
        *,
        gateway: str = "",
    ) -> ServedPage:
        assert not gateway, "its kernels are those of this machine"
        nb = nbformat.read(file, as_version=4)
        names = cell_names(file, target.notebook)
        id = secrets.token_hex(8)
        execution = self._executions[id] = Execution()
        first = last = await self._write(f"{id}.html", _page(nb, names, target.theme))
        client = NotebookClient(nb, timeout=target.timeout, kernel_name=kernel or "python3")
        try:
            home = {"HOME": str(self._folder)}
            async with client.async_setup_kernel(cwd=str(file.parent), env=home | dict(environment or {})):
                for index, (name, cell) in enumerate(zip(names, nb.cells, strict=True)):
                    if cell.cell_type == "code":
                        await client.async_execute_cell(cell, index)
                        last = await self._write(f"{id}-{index}.html", _page(nb, names, target.theme))
                        execution.pages[name] = last
            execution.pages[""] = last
        except CellExecutionError as error:
            execution.failure = NotebookError(
                f"the cell raised {error.ename}: {error.evalue}", where=f"{target.notebook}::{name}"
            )
        return ServedPage(id, first, {name: f'[data-cell-id="{name}"]' for name in names})

    async def _write(self, name: str, text: str) -> str:
        await asyncio.to_thread((self._folder / name).write_text, text, encoding="utf-8")
        return f"http://127.0.0.1:{self._server.server_port}/{name}"

    def connect(self, page: Any) -> StaticPage:
        return StaticPage(page, self._executions)

    async def alive(self, served: ServedPage) -> bool:
        return served.id in self._executions

    async def close(self, served: ServedPage) -> SourcesSeen:
        del self._executions[served.id]
        for file in self._folder.glob(f"{served.id}*.html"):
            file.unlink()
        return SourcesSeen(reads="", work=str(self._folder))


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of each request."""


def _page(nb: Any, names: Sequence[str], theme: str) -> str:
    cells = "\n".join(
        f'<div data-cell-id="{name}">{"".join(map(_shown, cell.get("outputs", [])))}</div>'
        for name, cell in zip(names, nb.cells, strict=True)
    )
    return (
        f'<!DOCTYPE html><html><meta charset="utf-8"><style>{STYLE}</style><body class="{theme}">{cells}</body></html>'
    )


def _shown(output: Any) -> str:
    if output.output_type == "stream":
        return f"<pre>{html.escape(output.text)}</pre>"
    data = output.get("data", {})
    with contextlib.suppress(KeyError):
        return str(data["text/html"])
    with contextlib.suppress(KeyError):
        return f'<img alt="" src="data:image/png;base64,{data["image/png"]}">'
    return f"<pre>{html.escape(data.get('text/plain', ''))}</pre>"
