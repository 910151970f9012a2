"""JupyterLab and Notebook 7 themselves, on our headless server; a script of ours runs inside of them (js/src/lab)."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_path

from widgetshot.frontends.page_script import PageScript
from widgetshot.frontends.widget_page import PageFrontend, make
from widgetshot.project.settings import Settings
from widgetshot.server.launcher import Server

_PACKAGES = {"lab": "jupyterlab", "notebook": "notebook"}


class ApplicationScript(PageScript):
    """See `LivePage`."""

    async def arrange(self, capture: str) -> bool:
        """See `LivePage.arrange`."""
        return bool(await self._page.evaluate("capture => window.widgetshot.arrange(capture)", capture))


class NotebookFrontend(PageFrontend):
    """Live pages that Notebook 7 shows; see `PageFrontend` for the arguments."""

    _page = "notebook"

    @property
    def anchor_url(self) -> str:
        """See `Frontend.anchor_url`: a page of Notebook 7 has one notebook only."""
        return ""

    def connect(self, page: Any) -> ApplicationScript:
        """See `Frontend.connect`."""
        return ApplicationScript(page)


class LabFrontend(NotebookFrontend):
    """Live pages that JupyterLab shows; see `PageFrontend` for the arguments."""

    _page = "lab"

    @property
    def anchor_url(self) -> str:
        """See `Frontend.anchor_url`: JupyterLab shows one notebook after another."""
        return self._server.page_url(self._server.path("widgetshot/new/lab"))


def make_lab(server: Server, environment: dict[str, str], settings: Settings) -> LabFrontend:
    """See `registry.MakeFrontend`."""
    return make(LabFrontend, server, environment, settings)


def make_notebook(server: Server, environment: dict[str, str], settings: Settings) -> NotebookFrontend:
    """See `registry.MakeFrontend`."""
    return make(NotebookFrontend, server, environment, settings)


def lab_versions() -> dict[str, str]:
    """Return the versions of JupyterLab and of the extensions that it loads."""
    return _versions("lab")


def notebook_versions() -> dict[str, str]:
    """Return the versions of Notebook and of the extensions that it loads."""
    return _versions("notebook")


def _versions(frontend: str) -> dict[str, str]:
    package = _PACKAGES[frontend]
    return {package: version(package), "extensions": ", ".join(_extensions())}


def _extensions() -> list[str]:
    """Return the installed extensions, which are all loaded and whose styles mix, as `NAME VERSION`, sorted."""
    found: dict[str, str] = {}
    for folder in map(Path, jupyter_path("labextensions")):
        for file in [*folder.glob("*/package.json"), *folder.glob("@*/*/package.json")]:
            name = file.parent.relative_to(folder).as_posix()
            found.setdefault(name, str(json.loads(file.read_text(encoding="utf-8")).get("version", "")))
    return [f"{name} {number}" for name, number in sorted(found.items())]
