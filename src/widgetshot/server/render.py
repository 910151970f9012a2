"""The HTML of live pages, which is empty but for what their script is told."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, Template
from jupyter_core.paths import jupyter_path
from jupyter_server.utils import url_path_join
from markupsafe import Markup

from widgetshot.files import PACKAGE
from widgetshot.server.labextensions import lab_extensions

_TEMPLATES = PACKAGE / "server" / "templates"


def page_config(
    base_url: str,
    token: str,
    *,
    kernel_id: str = "",
    kernel_name: str = "",
    asks_kernel: bool = False,
    cells: list[dict[str, Any]] | None = None,
    saved: dict[str, Any] | None = None,
    timeout: float = 0.0,
) -> dict[str, Any]:
    """Return what the script of a page is told, see js/src/live/config.ts.

    Args:
        kernel_id, kernel_name: "" for a page without a kernel.
        asks_kernel: whether the kernel can tell what the notebook has set going in it.
        cells: of the notebook, as `Cell` is there.
        saved: outputs and widgets as they were saved, as `SavedState` is there; None to execute the notebook.
        timeout: seconds for each cell.
    """
    return {
        "baseUrl": base_url,
        "token": token,
        "kernelId": kernel_id,
        "kernelName": kernel_name,
        "asksKernel": asks_kernel,
        "cells": cells or [],
        "saved": saved,
        "timeout": timeout * 1000,
        "frontEnds": _front_ends(base_url),
        "labExtensions": _lab_extensions(base_url),
        "amdUrl": url_path_join(base_url, "widgetshot/amd"),
        "staticUrl": url_path_join(base_url, "widgetshot/static"),
    }


def render(path: str, theme: str, config: dict[str, Any]) -> str:
    """Return the HTML of a live page.

    Args:
        path: the page's title.
    """
    style = "page-installed" if os.environ.get("WIDGETSHOT_INSTALLED_FONTS") else "page"
    return _template().render(title=path, theme=theme, config=config, static_url=config["staticUrl"], style=style)


def render_anchor(config: dict[str, Any]) -> str:
    """Return the HTML of a page without notebook and kernel, which loads what live pages need; see `PageSlot`."""
    return render("", "light", config)


@cache
def _template() -> Template:
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True)
    environment.filters["in_script"] = _in_script
    return environment.get_template("page.html.j2")


def _in_script(value: Any) -> Markup:
    """Return JSON that no `</script>` in it can end."""
    return Markup(json.dumps(value).replace("/", "\\/"))


_lab_extensions = cache(lab_extensions)


# What is installed is looked for once: every page would look through the same folders.
@cache
def _front_ends(base_url: str) -> dict[str, str]:
    """Map the AMD name of each installed widget front end to its address, without `.js`."""
    found: dict[str, str] = {}
    for folder in map(Path, jupyter_path("nbextensions")):
        # Scoped names, `@scope/name`, lie one level deeper.
        for index in [*folder.glob("*/index.js"), *folder.glob("@*/*/index.js")]:
            name = index.parent.relative_to(folder).as_posix()
            found.setdefault(name, url_path_join(base_url, "nbextensions", name, "index"))
    return found
