"""Static pages: what nbconvert's HTML export shows of a notebook, its widgets drawn from their saved state.

All that such a page would fetch from elsewhere is served here: require.js, html-manager, MathJax, and the front ends of
widgets as far as they are installed.
"""

import copy
import html
import json
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from jupyter_core.paths import jupyter_path
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web  # type: ignore[attr-defined]

from widgetshot.files import STATIC
from widgetshot.redact import Redactor
from widgetshot.server.messages import SavedNotebook, decode_saved
from widgetshot.server.static_files import SearchHandler

PAGE = "widgetshot-static.html"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
_PACKAGES = "widgetshot/widget-packages/"
_MATHJAX = "mathjax2/MathJax.js?config=TeX-AMS_CHTML-full,Safe"
_MAX_NAME = 100  # characters of what stands for a widget as text
# Types that need a renderer of their own.
_SPECIAL = re.compile(r"(application|text)/(vnd\.|geo\+json$|pdf$)")
_exporting = threading.Lock()  # an exporter serves one notebook at a time


def routes(page_id: str) -> list[Any]:
    """Return the path below the base URL, the handler and its arguments for each kind of address.

    Args:
        page_id: pattern of the id of a live page.
    """
    nbextensions = tuple(jupyter_path("nbextensions"))
    return [
        (rf"widgetshot/api/live-pages/{page_id}/saved", _SavedHandler),
        (rf"widgetshot/live-pages/{page_id}/(?:.+/)?{re.escape(PAGE)}", _PageHandler),
        (r"widgetshot/amd/embed-amd\.js", _RendererHandler),
        (rf"{_PACKAGES}((?:@[^/@]+/)?[^/@]+)@[^/]*/dist/(.+)", _PackageHandler, {"roots": nbextensions}),
    ]


def apply_saved(nb: Any, names: Sequence[str], saved: SavedNotebook) -> Any:
    """Return a notebook with outputs and widgets as JupyterLab would have saved them.

    Args:
        names: of its cells, in order.
    """
    nb = copy.deepcopy(nb)
    for name, cell in zip(names, nb.cells, strict=True):
        if cell.cell_type != "code":
            continue
        executed = saved.cells.get(name)
        cell.outputs = _nodes(executed.outputs) if executed else []
        # JupyterLab does not execute an empty cell.
        cell.execution_count = executed.count if executed and cell.source.strip() else None
    nb.metadata.pop("widgets", None)
    if saved.widgets is not None:
        nb.metadata["widgets"] = {WIDGET_STATE: saved.widgets}
    return nb


def widget_state(nb: Any) -> Mapping[str, Any]:
    """Return the saved state of a notebook's widgets, by their ids."""
    saved = nb.metadata.get("widgets", {}).get(WIDGET_STATE, {})
    return dict(saved.get("state", {}))


def saved_state(nb: Any, names: Sequence[str], redactor: Redactor) -> dict[str, Any]:
    """Return what a live page shows of a notebook as it was saved, see `SavedState` in js/src/live/config.ts."""
    saved = {name: cell.outputs for name, cell in zip(names, nb.cells, strict=True) if cell.cell_type == "code"}
    state = {"outputs": saved, "widgets": nb.metadata.get("widgets", {}).get(WIDGET_STATE)}
    return dict(redactor.data(state)) if redactor else state


def static_html(
    nb: Any,
    names: Sequence[str],
    *,
    title: str,
    theme: str,
    base_url: str,
    redactor: Redactor,
    state: Mapping[str, Any],
) -> str:
    """Return the static page of a notebook.

    Args:
        nb: of version 4 of its format.
        names: of its cells, in order.
        theme: `light`, `dark`, or the name of an installed theme of JupyterLab.
        state: see `widget_state`; of the notebook as it was before secrets were taken out.
    """
    static = url_path_join(base_url, "widgetshot/static")
    nb = redactor.data(_with_ids(nb, names)) if redactor else _with_ids(nb, names)
    with _exporting:
        text, _ = _exporter(base_url, theme).from_notebook_node(_nodes(nb), {"metadata": {"name": title}})
    told = {
        "kind": "static",
        "cells": list(names),
        "missing": _without_state(nb, names, state),
        "notices": list(_as_text(nb, names)),
    }
    return redactor.text(with_camera(text, static, told, packages=url_path_join(base_url, _PACKAGES)))


def with_camera(text: str, static_url: str, told: Mapping[str, Any], *, packages: str = "") -> str:
    """Return a page, or its beginning, with the camera's script before all others, and our fonts.

    Args:
        told: what the script is told, see js/src/camera/index.ts.
        packages: address at which html-manager finds the packages of widgets; "" for none.
    """
    cdn = f' data-jupyter-widgets-cdn="{packages}" data-jupyter-widgets-cdn-only' if packages else ""
    script = f'<script src="{static_url}/camera.js" data-told="{html.escape(json.dumps(told))}"{cdn}></script>'
    if not os.environ.get("WIDGETSHOT_INSTALLED_FONTS"):
        script += f'<link rel="stylesheet" href="{static_url}/fonts.css">'
    return text.replace("<head>", f"<head>{script}", 1)


@cache
def _exporter(base_url: str, theme: str) -> Any:
    # Only those who export wait for its import.
    from nbconvert import HTMLExporter

    static = url_path_join(base_url, "widgetshot/static")
    exporter: Any = HTMLExporter
    return exporter(
        template_name="lab",
        theme=theme,
        require_js_url=f"{static}/require.js",
        mathjax_url=f"{static}/{_MATHJAX}",
        widget_renderer_url=url_path_join(base_url, "widgetshot/amd/embed-amd.js"),
    )


def _nodes(value: Any) -> Any:
    import nbformat

    return nbformat.from_dict(value)


def _with_ids(nb: Any, names: Sequence[str]) -> Any:
    """Return a notebook whose cells have the ids by which targets call them."""
    nb = copy.copy(nb)
    nb["cells"] = [{**cell, "id": name} for name, cell in zip(names, nb["cells"], strict=True)]
    return nb


def _bundles(nb: Any, names: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, cell in zip(names, nb["cells"], strict=True):
        for output in cell.get("outputs", []):
            yield name, output.get("data", {})


def _without_state(nb: Any, names: Sequence[str], state: Mapping[str, Any]) -> dict[str, list[str]]:
    """Name the widgets of each cell for which nbconvert shows text, because their state was not saved."""
    missing: dict[str, list[str]] = {}
    for name, data in _bundles(nb, names):
        if WIDGET_VIEW in data and data[WIDGET_VIEW].get("model_id") not in state:
            said = str(data.get("text/plain") or data[WIDGET_VIEW].get("model_id"))
            missing.setdefault(name, []).append(said[:_MAX_NAME])
    return missing


def _as_text(nb: Any, names: Sequence[str]) -> Iterator[str]:
    """Say which outputs nbconvert shows as text, because it draws none of their other forms."""
    for name, data in _bundles(nb, names):
        special = [kind for kind in data if _SPECIAL.match(kind) and kind != WIDGET_VIEW]
        if special and set(data) <= {*special, "text/plain"}:
            yield f"nbconvert draws no '{special[0]}': the text of the output stands there (cell {name})"


class _PageHandler(JupyterHandler):
    """The static pages."""

    @web.authenticated
    def get(self, id: str) -> None:
        try:
            opened = self.settings["widgetshot"][id]
        except KeyError:
            raise web.HTTPError(404) from None
        self.finish(opened.static)


class _SavedHandler(APIHandler):
    """Takes what was saved of an executed notebook, and makes its static page."""

    @web.authenticated
    async def post(self, id: str) -> None:
        try:
            await self.settings["widgetshot"].save(id, decode_saved(self.request.body))
        except KeyError:
            raise web.HTTPError(404) from None
        self.set_status(204)


class _RendererHandler(web.RequestHandler):
    """html-manager's `embed-amd.js`, from the two parts in which it is kept; see js/build-notebook-pages.mjs."""

    def get(self) -> None:
        self.set_header("Content-Type", "text/javascript; charset=utf-8")
        self.set_header("Cache-Control", "max-age=86400")
        self.finish(_renderer())


@cache
def _renderer() -> bytes:
    return b"\n".join((STATIC / "amd" / name).read_bytes() for name in ("libembed-amd.js", "embed-amd-render.js"))


class _PackageHandler(SearchHandler):
    """Packages of widgets at the addresses of a CDN, as far as they are installed for the classic notebook."""

    async def get(self, name: str, file: str, include_body: bool = True) -> None:
        """See `StaticFileHandler.get`."""
        await super().get(f"{name}/{file}", include_body)
