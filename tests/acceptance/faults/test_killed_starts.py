"""The server and the browser, killed while they start: they are started once more, and that is told."""

import os
import signal

import psutil

from projects import Project, button_cell, start, wait_until
from widgetshot.capture.browser import find_browser

# A browser that is killed when it is started to be driven, where a command says so.
BROWSER = """#!/bin/sh
case "$*" in
  *--remote-debugging-pipe*) {dies} && kill -9 $$ ;;
esac
exec {browser} "$@"
"""


def mortal_browser(project: Project, dies: str) -> None:
    """Let the project use a browser that is killed while it starts.

    Args:
        dies: the command whose exit code 0 says so.
    """
    browser = find_browser("chromium").executable
    script = project.write("browser.sh", BROWSER.format(dies=dies, browser=browser))
    script.chmod(0o755)
    settings = (project.root / "pyproject.toml").read_text(encoding="utf-8")
    project.write("pyproject.toml", f'{settings}browser_executable = "{script}"\n')


def servers(run: int) -> list[psutil.Process]:
    """The headless servers of a run."""
    found = psutil.Process(run).children()
    return [process for process in found if any("jupyter_server" in word for word in process.cmdline())]


def test_server_and_browser_that_are_killed_while_they_start_are_started_once_more(project: Project) -> None:
    mortal_browser(project, "mkdir once 2> /dev/null")
    project.notebook("notebooks/a.ipynb", button_cell())
    run = start(project, "run")
    wait_until(lambda: servers(run.pid))
    os.kill(servers(run.pid)[0].pid, signal.SIGKILL)
    output, _ = run.communicate(timeout=100)
    assert run.returncode == 1, output  # a picture without a baseline
    assert project.verdicts() == {"notebooks/a.ipynb::button": "new"}
    notes = [line for line in output.splitlines() if "was started once more" in line]
    assert len(notes) == 2, output
    assert any("the Jupyter server died with exit code -9 while it started" in note for note in notes)
    assert any("browser.sh died while it started" in note for note in notes)


def test_browser_that_is_killed_each_time_it_starts_is_exit_2(project: Project) -> None:
    mortal_browser(project, "true")
    project.notebook("notebooks/a.ipynb", button_cell())
    done = project.widgetshot("run")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "died while it started (out of memory, or somebody ended it), twice" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
