"""The HTML of live pages."""

import contextlib
import html
import json
import os
import threading
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from bs4 import BeautifulSoup
from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader
from jupyter_core.paths import jupyter_path
from jupyter_server.utils import url_path_join
from markupsafe import Markup
from nbconvert.exporters.html import HTMLExporter
from nbconvert.exporters.templateexporter import TemplateExporter
from platformdirs import user_cache_path

from widgetshot.files import PACKAGE

_TEMPLATES = PACKAGE / "server" / "templates"
# nbconvert's exporters are not made for threads; rendering is short, so they take turns.
_render_lock = threading.Lock()


def page_config(
    base_url: str, token: str, *, kernel_id: str = "", kernel_name: str = "", asks_kernel: bool = False
) -> dict[str, Any]:
    """Return what the script of a page is told, see js/src/live/config.ts.

    Args:
        kernel_id, kernel_name: "" for a page without a kernel.
        asks_kernel: whether the kernel can tell what the notebook has set going in it.
    """
    return {
        "baseUrl": base_url,
        "token": token,
        "kernelId": kernel_id,
        "kernelName": kernel_name,
        "asksKernel": asks_kernel,
        "frontEnds": _front_ends(base_url),
        "amdUrl": url_path_join(base_url, "widgetshot/amd"),
        "mathUrl": url_path_join(base_url, "widgetshot/static/tex-svg.js"),
    }


def render(nb: Any, path: str, theme: str, config: dict[str, Any]) -> str:
    """Return the HTML of a notebook's live page.

    Args:
        nb: the executed notebook; cells carry `metadata.widgetshot_id`.
        path: the page's title.
    """
    with _render_lock:
        page, _ = _exporter().from_notebook_node(nb, resources={"widgetshot": _head(path, theme, config)})
    return str(page)


def render_anchor(config: dict[str, Any]) -> str:
    """Return the HTML of a page without notebook and kernel, which loads what live pages need; see `PageSlot`."""
    # Without nbconvert, whose first page takes a while.
    environment = Environment(loader=FileSystemLoader(_TEMPLATES / "widgetshot"), autoescape=True)
    environment.filters["config_json"] = _in_script
    return environment.get_template("head.html.j2").render(page=_head("", "light", config))


def warm() -> None:
    """Load the templates ahead, in a thread of their own."""
    threading.Thread(target=_exporter, daemon=True).start()


class _Exporter(HTMLExporter):
    """Makes the body of a live page, which has its own head, shows no input and takes its widgets from their kernel."""

    def from_notebook_node(
        self, nb: nbformat.NotebookNode, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        page, resources = TemplateExporter.from_notebook_node(self, nb, resources, **options)
        # What HTMLExporter does to the finished page, but without CSS selectors, which take a fifth of a second to be
        # ready. Parsing closes what an output has left open.
        soup = BeautifulSoup(page, "html.parser")
        for image in soup.find_all("img", alt=False):
            image["alt"] = "No description has been provided for this image"
        for output in soup.find_all("div", class_="jp-OutputArea-output"):
            output["tabindex"] = "0"
        return str(soup), resources


def _in_script(value: Any) -> Markup:
    """Return JSON that no `</script>` in it can end."""
    return Markup(json.dumps(value).replace("/", "\\/"))


@cache
def _exporter() -> _Exporter:
    exporter = _Exporter(
        template_name="widgetshot",
        extra_template_basedirs=[str(_TEMPLATES)],
        exclude_input=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
        # They look for cells that are to be left out, and colour the input.
        default_preprocessors=[],
    )
    with contextlib.suppress(OSError):
        # Templates, translated to Python, as Python itself keeps what it has compiled.
        compiled = user_cache_path("widgetshot") / "templates"
        compiled.mkdir(parents=True, exist_ok=True)
        exporter.environment.bytecode_cache = FileSystemBytecodeCache(str(compiled))
    exporter.register_filter("title", str.title)
    exporter.register_filter("config_json", _in_script)
    exporter.register_filter("highlight_code", html.escape)
    return exporter


def _head(path: str, theme: str, config: dict[str, Any]) -> dict[str, Any]:
    """Return what the template of a page's head is told."""
    return {
        "title": path,
        "theme": theme,
        "config": config,
        "static_url": url_path_join(config["baseUrl"], "widgetshot/static"),
        "style": "page-installed" if os.environ.get("WIDGETSHOT_INSTALLED_FONTS") else "page",
        "lab_url": url_path_join(config["baseUrl"], "widgetshot/lab"),
    }


def _front_ends(base_url: str) -> dict[str, str]:
    """Map the AMD name of each installed widget front end to its address, without `.js`."""
    found: dict[str, str] = {}
    for folder in map(Path, jupyter_path("nbextensions")):
        # Scoped names, `@scope/name`, lie one level deeper.
        for index in [*folder.glob("*/index.js"), *folder.glob("@*/*/index.js")]:
            name = index.parent.relative_to(folder).as_posix()
            found.setdefault(name, url_path_join(base_url, "nbextensions", name, "index"))
    return found
