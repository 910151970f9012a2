"""JupyterLab's prebuilt extensions that are installed here, as their package.json files describe them."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_path
from jupyter_server.utils import url_path_join


def lab_extensions(base_url: str) -> list[dict[str, Any]]:
    """Describe the installed extensions, see `LabExtension` in js/src/live/config.ts.

    Where one is installed twice, the one that JupyterLab finds first counts.
    """
    found: dict[str, dict[str, Any]] = {}
    shared: dict[str, list[str]] = {}
    for folder in map(Path, jupyter_path("labextensions")):
        for file in _descriptions(folder):
            name = file.parent.relative_to(folder).as_posix()
            if name in found:
                continue
            try:
                about = json.loads(file.read_text(encoding="utf-8"))["jupyterlab"]
                build = about["_build"]
                # Packages that were built on Windows have its separators.
                load = url_path_join(base_url, "widgetshot/labextensions", name, build["load"].replace("\\", "/"))
                modules = {key: build[key] for key in ("extension", "mimeExtension", "style") if key in build}
                packages = (about.get("sharedPackages") or {}).items()
                shared[name] = [package for package, how in packages if how and how.get("bundled") is False]
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                continue  # JupyterLab goes without it, too
            found[name] = {"name": name, "load": load, **modules}
    return [{**one, "needs": [need for need in shared[name] if need in found]} for name, one in found.items()]


@cache
def extensions_that_name(text: str) -> list[str]:
    """Return the names of the installed extensions whose scripts have a text in quotes, sorted.

    What a plugin registers when it is activated, a MIME type for one, stands in none of its other files.
    """
    quoted = tuple(f"{quote}{text}{quote}".encode() for quote in "\"'")
    found = set()
    for folder in map(Path, jupyter_path("labextensions")):
        for file in _descriptions(folder):
            for script in sorted((file.parent / "static").rglob("*.js")):
                source = script.read_bytes()
                if any(one in source for one in quoted):
                    found.add(file.parent.relative_to(folder).as_posix())
                    break
    return sorted(found)


def _descriptions(folder: Path) -> Iterator[Path]:
    # Scoped names, `@scope/name`, lie one level deeper.
    yield from sorted(folder.glob("*/package.json"))
    yield from sorted(folder.glob("@*/*/package.json"))
