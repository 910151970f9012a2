"""The browser executable that is used, and what to type when there is none."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from widgetshot.errors import ConfigError, ServerError

VARIABLE = "WIDGETSHOT_BROWSER"
_VERSION_TIMEOUT_S = 20.0
# Folder in Playwright's registry (without revision), and globs of the executable in it.
_PLAYWRIGHT_BUILDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "chromium-headless-shell": ("chromium_headless_shell", ("*/*headless*shell", "*/*headless*shell.exe")),
    "chromium": ("chromium", ("*/chrome", "*/chrome.exe", "*/*.app/Contents/MacOS/*")),
    "firefox": ("firefox", ("firefox/firefox", "firefox/firefox.exe", "firefox/*.app/Contents/MacOS/firefox")),
    "webkit": ("webkit", ("pw_run.sh", "Playwright.exe")),
}
_SYSTEM_PROGRAMS = {
    "chromium": ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    # Playwright drives patched builds of these two; a system's own can't stand in.
    "firefox": (),
    "webkit": (),
}


@dataclass(frozen=True)
class Browser:
    """A browser that can be launched.

    Attributes:
        executable: its path.
        origin: where it was found, in words.
    """

    kind: str
    executable: str
    origin: str


def registry() -> Path:
    """Return the folder into which `playwright install` puts browsers."""
    own = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    if own and own != "0":
        return Path(own)
    if own == "0":
        return driver_package() / ".local-browsers"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "ms-playwright"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "ms-playwright"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ms-playwright"


def driver_package() -> Path:
    """Return the folder of Playwright's driver inside its Python package."""
    import playwright

    return Path(playwright.__file__).parent / "driver" / "package"


def candidates(kind: str) -> Iterator[Browser]:
    """Usable executables of `kind`, the preferred one first."""
    names = ("chromium-headless-shell", "chromium") if kind == "chromium" else (kind,)
    own = {name: found for name in names if (found := _playwrights_own(name))}
    for name in names:
        if name in own:
            yield Browser(kind, own[name], "installed by Playwright")
        if name == "chromium-headless-shell" and (path := shutil.which(name)):
            yield Browser(kind, path, "on the PATH")
    for name in _SYSTEM_PROGRAMS[kind]:
        if name != "chromium-headless-shell" and (path := shutil.which(name)):
            yield Browser(kind, path, "on the PATH")


def _playwrights_own(name: str) -> str | None:
    """Return the build that belongs to the installed Playwright; another revision may not understand it."""
    try:
        known = json.loads((driver_package() / "browsers.json").read_text(encoding="utf-8"))["browsers"]
    except (OSError, ValueError, KeyError, ImportError):
        return None
    prefix, patterns = _PLAYWRIGHT_BUILDS[name]
    for entry in known:
        folder = registry() / f"{prefix}-{entry['revision']}"
        for path in (path for pattern in patterns for path in sorted(folder.glob(pattern))):
            if entry["name"] == name and path.is_file() and os.access(path, os.X_OK):
                return str(path)
    return None


def find_browser(kind: str, executable: str = "") -> Browser:
    """Return the browser to use: the configured one, `$WIDGETSHOT_BROWSER`, or the best that is installed.

    Raises:
        ConfigError: the configured one does not exist.
        ServerError: there is none; the command that installs one is in the message.
    """
    for path, origin in ((executable, "configured"), (os.environ.get(VARIABLE, ""), f"${VARIABLE}")):
        if path:
            found = shutil.which(path)
            if not found:
                raise ConfigError(
                    f"browser executable {path!r} ({origin}) is no program that can be run",
                    next_step="widgetshot doctor",
                )
            return Browser(kind, found, origin)
    for browser in candidates(kind):
        return browser
    raise ServerError(f"no {kind} browser was found", next_step=install_commands(kind)[0])


def identity(browser: Browser) -> str:
    """Return what tells one build of a browser from another without launching it.

    Raises:
        ServerError: it can't be asked.
    """
    file = Path(browser.executable).resolve()
    try:
        stat = file.stat()
        said = ""
        if browser.kind == "chromium":
            # The executable may be a script that runs another file. Playwright's builds of the other two, which don't
            # all answer, lie in a folder with their revision.
            done = subprocess.run(
                [browser.executable, "--version"],
                capture_output=True,
                text=True,
                timeout=_VERSION_TIMEOUT_S,
                check=True,
            )
            said = done.stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        raise ServerError(f"{browser.executable} does not tell its version: {error}") from error
    return f"{browser.kind} {said} {file} {stat.st_size} {stat.st_mtime_ns}"


def install_commands(kind: str) -> list[str]:
    """Commands that would install a browser of `kind` here, the usual one first."""
    name = "chromium-headless-shell" if kind == "chromium" else kind
    commands = [f"{Path(sys.executable).name} -m playwright install --with-deps {name}"]
    if kind == "chromium" and shutil.which("apt-get"):
        commands.append("apt-get install chromium-headless-shell")
    return commands


def install_commands_of(name: str) -> list[str]:
    """Commands that would install one build of Chromium here, as far as this machine knows where it is to be had.

    Args:
        name: as fingerprints have it, e.g. `chromium 156.0.8078.79 HeadlessChrome`.
    """
    kind, _, rest = name.partition(" ")
    build, _, product = rest.partition(" ")
    package = "chromium-headless-shell" if product.startswith("Headless") else "chromium"
    if kind != "chromium" or not build:
        return []
    commands = []
    if _playwrights_version(package) == build:
        commands.append(f"{Path(sys.executable).name} -m playwright install --with-deps {package}")
    commands += [f"apt-get install {package}={version}" for version in _debian_versions(package, build)]
    return commands


def _playwrights_version(name: str) -> str:
    """Return the version of the build that belongs to the installed Playwright; "" where that is not known."""
    try:
        known = json.loads((driver_package() / "browsers.json").read_text(encoding="utf-8"))["browsers"]
        return next(str(entry["browserVersion"]) for entry in known if entry["name"] == name)
    except (OSError, ValueError, LookupError, StopIteration, ImportError):
        return ""


def _debian_versions(package: str, build: str) -> list[str]:
    """Return the versions of a package that apt knows and that are of a build of the browser."""
    try:
        done = subprocess.run(
            ["apt-cache", "madison", package],
            capture_output=True,
            text=True,
            timeout=_VERSION_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    columns = (line.split("|") for line in done.stdout.splitlines())
    versions = dict.fromkeys(column[1].strip() for column in columns if len(column) > 1)
    return [version for version in versions if version.startswith((f"{build}-", f"{build}+"))]


def install(kind: str) -> Browser:
    """Install a browser unless there is one: by Playwright, else from the system's packages.

    Raises:
        ServerError: neither way worked; both outputs are in the message.
    """
    for browser in candidates(kind):
        return browser
    name = "chromium-headless-shell" if kind == "chromium" else kind
    attempts: list[list[str]] = [[sys.executable, "-m", "playwright", "install", name]]
    if kind == "chromium" and shutil.which("apt-get"):
        root = [] if not hasattr(os, "geteuid") or os.geteuid() == 0 else ["sudo", "-n"]
        attempts += [
            [*root, "apt-get", "update"],
            [*root, "apt-get", "install", "--yes", "--no-install-recommends", "chromium-headless-shell"],
        ]
    said = []
    for command in attempts:
        print("+", *command, file=sys.stderr, flush=True)
        try:
            done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        except OSError as error:
            said.append(f"$ {' '.join(command)}\n{error}")
            continue
        said.append(f"$ {' '.join(command)}\n{(done.stdout + done.stderr)[-600:]}")
        if done.returncode == 0:
            for browser in candidates(kind):
                return browser
    raise ServerError(
        f"no {kind} browser could be installed:\n" + "\n".join(said), next_step=install_commands(kind)[-1]
    )
