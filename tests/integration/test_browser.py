"""Which browser is found: real files in real folders."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from widgetshot.capture.browser import (
    Browser,
    candidates,
    driver_package,
    find_browser,
    install,
    install_commands,
    registry,
)
from widgetshot.errors import ConfigError, ExitCode, ServerError

REVISIONS = {
    entry["name"]: entry["revision"]
    for entry in json.loads((driver_package() / "browsers.json").read_text(encoding="utf-8"))["browsers"]
}
OWN = {
    "chromium-headless-shell": f"chromium_headless_shell-{REVISIONS['chromium-headless-shell']}/linux/headless_shell",
    "chromium": f"chromium-{REVISIONS['chromium']}/chrome-linux64/chrome",
    "firefox": f"firefox-{REVISIONS['firefox']}/firefox/firefox",
    "webkit": f"webkit-{REVISIONS['webkit']}/pw_run.sh",
}  # fmt: skip


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any browser; `bin` is its PATH, `own` Playwright's registry."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "own"))
    monkeypatch.delenv("WIDGETSHOT_BROWSER", raising=False)
    return tmp_path


def put(file: Path, mode: int = 0o755) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("#!/bin/sh\n")
    file.chmod(mode)
    return str(file)


@pytest.mark.parametrize(
    ("kind", "own", "path", "expected"),
    [
        ("chromium", ["chromium-headless-shell", "chromium"], ["chromium"], "own/chromium-headless-shell"),
        ("chromium", ["chromium"], ["chromium-headless-shell", "chromium"], "bin/chromium-headless-shell"),
        ("chromium", ["chromium"], ["google-chrome"], "own/chromium"),
        ("chromium", ["firefox"], ["google-chrome", "chromium-browser"], "bin/chromium-browser"),
        ("firefox", ["chromium", "firefox"], ["firefox"], "own/firefox"),
        ("webkit", ["webkit"], [], "own/webkit"),
    ],
)
def test_the_preferred_browser_is_taken(
    machine: Path, kind: str, own: list[str], path: list[str], expected: str
) -> None:
    made = {f"own/{name}": put(machine / "own" / OWN[name]) for name in own}
    made |= {f"bin/{name}": put(machine / "bin" / name) for name in path}
    origin = "installed by Playwright" if expected.startswith("own") else "on the PATH"
    assert find_browser(kind) == install(kind) == Browser(kind, made[expected], origin)


def test_what_stands_beside_the_executable_is_not_taken_for_it(machine: Path) -> None:
    folder = (machine / "own" / OWN["chromium"]).parent
    for name in ("chrome_crashpad_handler", "chrome-wrapper", "chrome"):
        put(folder / name)
    assert find_browser("chromium").executable == str(folder / "chrome")


@pytest.mark.parametrize("file", ["own/chromium-1/chrome-linux64/chrome", "bin/firefox", "bin/chromium.txt"])
def test_other_revisions_and_other_programs_do_not_count(machine: Path, file: str) -> None:
    put(machine / file)
    assert list(candidates("chromium")) == list(candidates("firefox")) == []


def test_a_file_without_execute_permission_does_not_count(machine: Path) -> None:
    put(machine / "own" / OWN["firefox"], 0o644)
    put(machine / "bin" / "chromium", 0o644)
    assert [*candidates("firefox"), *candidates("chromium")] == []


def test_the_configured_one_wins_then_the_variable(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(machine / "bin" / "chromium")
    one, other = put(machine / "x" / "my browser"), put(machine / "bin" / "brave")
    monkeypatch.setenv("WIDGETSHOT_BROWSER", "brave")
    assert find_browser("chromium", one) == Browser("chromium", one, "configured")
    assert find_browser("chromium") == Browser("chromium", other, "$WIDGETSHOT_BROWSER")


def test_a_configured_one_that_is_absent_is_never_replaced(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(machine / "bin" / "chromium")
    with pytest.raises(ConfigError, match=r"'/nowhere/chrome' \(configured\) is no program that can be run"):
        find_browser("chromium", "/nowhere/chrome")
    monkeypatch.setenv("WIDGETSHOT_BROWSER", "nothing-of-this-name")
    with pytest.raises(ConfigError, match="WIDGETSHOT_BROWSER"):
        find_browser("chromium")


@pytest.mark.parametrize("kind", ["chromium", "firefox", "webkit"])
def test_without_a_browser_the_command_that_installs_one_is_shown(machine: Path, kind: str) -> None:
    with pytest.raises(ServerError, match=f"no {kind} browser") as caught:
        find_browser(kind)
    assert f"-m playwright install --with-deps {kind}" in str(caught.value)
    assert caught.value.exit_code == ExitCode.INFRASTRUCTURE
    assert len(install_commands(kind)) == 1
    put(machine / "bin" / "apt-get")
    assert len(install_commands(kind)) == (2 if kind == "chromium" else 1)


@pytest.mark.skipif(sys.platform != "linux", reason="each platform has a folder of its own")
def test_the_registry_is_where_playwright_looks(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from playwright.sync_api import sync_playwright as p\nwith p() as a: print(a.firefox.executable_path)"
    for value in (str(machine / "own"), "0", None):
        if value is None:
            monkeypatch.delenv("PLAYWRIGHT_BROWSERS_PATH")
            monkeypatch.setenv("XDG_CACHE_HOME", str(machine / "cache"))
        else:
            monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", value)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert Path(done.stdout.strip()).is_relative_to(registry())
        assert registry() / OWN["firefox"] == Path(done.stdout.strip())
