"""Why a browser did not start: what is ended by a signal is told from what ends by itself."""

import asyncio
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from widgetshot.capture.browser import find_browser
from widgetshot.capture.host import LaunchedBrowser
from widgetshot.errors import DiedStarting, ServerError
from widgetshot.project.loading import load_settings

KILLED = "kill -9 $$"


def why_not(tmp_path: Path, command: str) -> ServerError:
    """The error of a browser in whose place a command is executed."""
    script = tmp_path / "browser.sh"
    script.write_text(f"#!/bin/sh\n{command}\n", encoding="utf-8")
    script.chmod(0o755)

    async def start() -> None:
        with TemporaryDirectory() as folder:
            host = LaunchedBrowser(replace(load_settings(tmp_path), browser_executable=str(script)), Path(folder))
            await host.start()

    with pytest.raises(ServerError) as raised:
        asyncio.run(start())
    return raised.value


@pytest.mark.parametrize(
    "command",
    [
        KILLED,
        # What Debian's script has started is killed.
        f"sh -c '{KILLED}'; exit $?",
        # The driver is.
        "kill -9 $PPID",
    ],
)
def test_browser_that_a_signal_has_ended_died(tmp_path: Path, command: str) -> None:
    error = why_not(tmp_path, command)
    assert isinstance(error, DiedStarting)
    assert "browser.sh died while it started (out of memory, or somebody ended it)" in str(error)


def test_driver_that_a_signal_has_ended_before_it_was_ready_died(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = tmp_path / "node.sh"
    node.write_text(f"#!/bin/sh\n{KILLED}\n", encoding="utf-8")
    node.chmod(0o755)
    monkeypatch.setenv("PLAYWRIGHT_NODEJS_PATH", str(node))
    assert isinstance(why_not(tmp_path, f'exec {find_browser("chromium").executable} "$@"'), DiedStarting)


@pytest.mark.parametrize("command", ["exit 3", "kill -ABRT $$"], ids=["code", "own signal"])
def test_browser_that_ends_by_itself_did_not_start(tmp_path: Path, command: str) -> None:
    error = why_not(tmp_path, command)
    assert not isinstance(error, DiedStarting)
    assert "browser.sh did not start" in str(error)
