"""Checks of everything that a run needs, with the command that mends what is missing."""

import asyncio
import contextlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from widgetshot.baselines.renderers import drawn_by
from widgetshot.baselines.stores import open_baselines
from widgetshot.capture.browser import find_browser, install, install_commands, install_commands_of
from widgetshot.capture.host import described
from widgetshot.capture.renderer import refuse_other_platform
from widgetshot.declare.front_ends import TABLE
from widgetshot.declare.notebook import Notebook
from widgetshot.errors import WidgetshotError
from widgetshot.files import STATIC
from widgetshot.frontends import registry
from widgetshot.project.endpoint import VARIABLE, place_of
from widgetshot.project.notebooks import find_notebooks, load_notebook
from widgetshot.project.settings import Settings
from widgetshot.services import programs
from widgetshot.services.endpoint import variable
from widgetshot.services.install import install as install_programs
from widgetshot.services.manager import Services
from widgetshot.verdict.renderers import SHEET, differing_kinds, edition_of, words_of
from widgetshot.verdict.words import MAX_NAMED, listed

_PACKAGES = ("jupyter_server", "jupyter_client", "nbformat", "ipykernel", "ipywidgets", "playwright", "numpy", "pillow")

_MOST_RENDERERS = 3  # of the baselines that are told


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        command: mends it when it is not `ok`.
        needed: True if a run can't do without it.
    """

    subject: str
    ok: bool
    detail: str
    command: str = ""
    needed: bool = True


def install_missing(settings: Settings, *, services: bool = False) -> None:
    """Install a browser if there is none.

    Args:
        services: also install what the services of the project's notebooks need.

    Raises:
        ServerError: a command failed.
    """
    if not settings.browser_executable and not settings.browser_endpoint:
        install(settings.browser)
    if services:
        install_programs(missing_for_services(settings))


def examine(settings: Settings, *, services: bool = False) -> Iterator[Check]:
    """Look at everything, the basic things first.

    Args:
        services: what the project's notebooks need of services is needed; it is reported without this too.
    """
    python = f"{platform.python_version()} ({sys.executable})"
    yield Check("Python", sys.version_info >= (3, 11), python, "install Python 3.11 or later")
    for package in _PACKAGES:
        try:
            yield Check(package, True, version(package))
        except PackageNotFoundError:
            yield Check(package, False, "not installed", f"pip install {package}")
    yield _assets()
    yield _kernel(settings.kernel or "python3")
    browser = _browser(settings)
    yield browser
    if browser.ok:
        yield from _renderer(settings)
    yield _widget_front_ends()
    yield from _front_ends(settings)
    known = Services(settings.services)
    for name, expensive in needed_services(settings).items():
        yield _service(known, name, needed=services and not expensive)


def needed_services(settings: Settings) -> dict[str, bool]:
    """Return the services that the project or its notebooks name, sorted, with True if only `expensive` ones do."""
    names = dict.fromkeys(settings.services, False)
    for notebook in _notebooks(settings):
        expensive = all("expensive" in target.markers for target in notebook.targets)
        for need in notebook.services:
            names[need.name] = names.get(need.name, True) and expensive
    return dict(sorted(names.items()))


def _notebooks(settings: Settings) -> Iterator[Notebook]:
    """Yield the project's notebooks, but for those that can't be read: a run says what is wrong with them."""
    for file in find_notebooks(settings) if all((settings.root / one).exists() for one in settings.notebooks) else ():
        with contextlib.suppress(WidgetshotError):
            yield load_notebook(settings, file)


def missing_for_services(settings: Settings) -> list[programs.Requirement]:
    """Return what the project's services need and is missing, each once; not for `expensive` notebooks alone."""
    services = Services(settings.services)
    needed = [name for name, expensive in needed_services(settings).items() if not expensive]
    return list({one.name: one for name in needed for one in services.missing(name)}.values())


def _service(services: Services, name: str, *, needed: bool) -> Check:
    subject = f"service {name}"
    if variable(name, "URL") in os.environ:
        return Check(subject, True, f"runs elsewhere ({variable(name, 'URL')})")
    if missing := services.missing(name):
        names = ", ".join(one.name for one in missing)
        return Check(subject, False, f"{names} not found", programs.install_commands(missing), needed)
    return Check(subject, True, ", ".join(one.name for one in services.recipe(name).requirements) or "nothing needed")


def _assets() -> Check:
    missing = [
        name for name in ("live.js", "page.css", "gallery.html", "frontend.json") if not (STATIC / name).is_file()
    ]
    if missing:
        return Check(
            "page assets", False, f"{', '.join(missing)} not built", "pip install --force-reinstall widgetshot"
        )
    built = json.loads((STATIC / "frontend.json").read_text(encoding="utf-8"))
    return Check("page assets", True, f"JupyterLab {built['jupyterlab']}, fonts {built['fonts']}")


def _kernel(name: str) -> Check:
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    command = f"{Path(sys.executable).name} -m ipykernel install --sys-prefix --name {name}"
    try:
        spec = KernelSpecManager().get_kernel_spec(name)
    except NoSuchKernel:
        return Check(f"kernel {name}", False, "no such kernel spec", command)
    return Check(f"kernel {name}", True, f"{spec.display_name} ({spec.resource_dir})")


def _browser_elsewhere(settings: Settings) -> Check:
    """Say whether a browser at the project's endpoint can be used, by using it."""
    try:
        seen, _ = asyncio.run(described(settings))
    except WidgetshotError as error:
        return Check(settings.browser, False, error.what, error.next_step)
    said = f"{seen['browser']}, {settings.platform} {seen['machine']}"
    return Check(settings.browser, True, f"{said} (at {place_of(settings.browser_endpoint)})")


def _browser(settings: Settings) -> Check:
    if settings.browser_endpoint:
        return _browser_elsewhere(settings)
    commands = "  or  ".join(install_commands(settings.browser))
    try:
        refuse_other_platform(settings)
        found = find_browser(settings.browser, settings.browser_executable)
    except WidgetshotError as error:
        return Check(settings.browser, False, error.what, commands)
    # That a file is there does not mean that it runs: system libraries may be missing.
    script = (
        "import sys; from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as p:\n"
        "    b = getattr(p, sys.argv[1]).launch(executable_path=sys.argv[2]); print(b.version); b.close()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, found.kind, found.executable], capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = [line for line in done.stderr.splitlines() if line.strip()][-1:]
        return Check(settings.browser, False, f"{found.executable} does not start: {' '.join(last)}", commands)
    return Check(settings.browser, True, f"{done.stdout.strip()} ({found.executable}, {found.origin})")


def _renderer(settings: Settings) -> Iterator[Check]:
    """Compare what this project's browser draws with what drew the baselines."""
    subject = "renderer"
    try:
        baselines = open_baselines(settings, finish=False)
        counts = drawn_by(baselines, settings.renderer)
        if not counts:
            return
        fingerprint, primitives = asyncio.run(described(settings))
        sheets = {one.sheet: baselines.sheet(one.sheet) for one in counts}
    except WidgetshotError as error:
        yield Check(subject, False, error.what, error.next_step, needed=False)
        return
    here, total = fingerprint[SHEET], counts.total()
    for drawn, count in counts.most_common(_MOST_RENDERERS):
        many = f"{count} of {total} baselines"
        name = f"{many}: {drawn.browser or 'drawn by nobody knows what'}, sheet {drawn.sheet or 'not noted'}"
        if drawn.sheet == here:
            yield Check(subject, True, f"{name}: drawn as here")
        elif drawn.sheet and edition_of(drawn.sheet) == edition_of(here) and sheets[drawn.sheet]:
            words = words_of(differing_kinds(sheets[drawn.sheet], primitives))
            said = listed(words[:MAX_NAMED], len(words))
            yield Check(subject, False, f"{name}: {said}", _ways_to(drawn.browser), needed=False)
        elif drawn.browser == fingerprint["browser"]:
            yield Check(subject, True, f"{name}: the same browser as here")
        else:
            command = "widgetshot run --update-baselines=sheets  (notes this renderer where it draws the same pictures)"
            yield Check(subject, False, name, f"{command}  or  {_ways_to(drawn.browser)}", needed=False)


def _ways_to(browser: str) -> str:
    """Return what one may type to have the browser with a name of a fingerprint."""
    ways = install_commands_of(browser)
    ways.append(f"widgetshot browser serve  (where it is installed), then here: export {VARIABLE}=ADDRESS")
    return "  or  ".join(ways)


def _front_ends(settings: Settings) -> Iterator[Check]:
    """Look at the applications that notebooks can be shown in."""
    needed = {target.frontend for notebook in _notebooks(settings) for target in notebook.targets}
    for name, frontend in TABLE.items():
        if not frontend.package:
            continue
        missing = registry.missing(name, "")
        subject = f"front end {name}"
        if missing is None:
            yield Check(subject, True, f"{frontend.title} {version(frontend.package)}")
        else:
            yield Check(subject, False, f"{frontend.title} is not installed", missing.next_step, name in needed)


def _widget_front_ends() -> Check:
    from jupyter_core.paths import jupyter_path

    names = {
        entry.name
        for folder in jupyter_path("nbextensions")
        if Path(folder).is_dir()
        for entry in Path(folder).iterdir()
        if (entry / "index.js").is_file()
    }
    return Check("widget front ends", True, ", ".join(sorted(names)) or "none but ipywidgets' own")
