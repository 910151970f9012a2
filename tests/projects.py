"""A project on disk that tests run the real commands in."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

MARK = "WIDGETSHOT_TEST_MARK"
# Of pytest: Hypothesis takes most of a second to load, anyio a fifth of one, and neither has anything to do here.
LIGHT = ("-p", "no:hypothesispytest", "-p", "no:anyio")
MEASURING = ("COVERAGE_PROCESS_START", "COVERAGE_FILE", "PYTHONPATH")


@dataclass
class Project:
    """A project folder, and the commands a person would type in it."""

    root: Path
    measured: bool = False
    mark: str = field(default_factory=lambda: secrets.token_hex(8))
    environment: dict[str, str] = field(default_factory=dict)

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def notebook(self, path: str, *sources: str, tags: dict[int, list[str]] | None = None, **metadata: Any) -> Path:
        """Write a notebook of code cells whose ids are cell-0, cell-1..."""
        # Here, so that conftest.py comes first, see there.
        import nbformat

        nb = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
        nb.metadata.update(metadata)
        for index, source in enumerate(sources):
            cell = nbformat.v4.new_code_cell(source, id=f"cell-{index}")
            if tags and index in tags:
                cell.metadata["tags"] = tags[index]
            nb.cells.append(cell)
        return self.write(path, nbformat.writes(nb))

    def command(
        self, *words: str, timeout: float = 300, environment: dict[str, str] | None = None, input: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            cwd=self.root,
            env=self._environment(environment),
            input=input,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def begin(self, *words: str) -> "subprocess.Popen[str]":
        """Start a command whose input, output and errors are pipes."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            words, cwd=self.root, env=self._environment(), stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )

    def _environment(self, more: dict[str, str] | None = None) -> dict[str, str]:
        # Settings of the outer pytest, of xdist and of CI are not for the commands inside: they do the same everywhere.
        others = ("PYTEST_", "COV_", "GITHUB_") if self.measured else ("PYTEST_", "COV_", "GITHUB_", *MEASURING)
        own = {key: value for key, value in os.environ.items() if not key.startswith(others) and key != "CI"}
        return own | {MARK: self.mark} | self.environment | (more or {})

    def widgetshot(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        return self.command(sys.executable, "-m", "widgetshot", *words, **options)

    def pytest(self, *words: str, cache: bool = False, **options: Any) -> subprocess.CompletedProcess[str]:
        plugins = [*LIGHT, *(["-p", "no:cacheprovider"] if not cache else [])]
        return self.command(sys.executable, "-m", "pytest", *plugins, *words, **options)

    def report(self, folder: str = "widgetshot-report") -> dict[str, Any]:
        run: dict[str, Any] = json.loads((self.root / folder / "run.json").read_text(encoding="utf-8"))
        return run

    def verdicts(self, folder: str = "widgetshot-report") -> dict[str, str]:
        """Verdict of each target of the last run, by name."""
        return {test["name"]: test["verdict"] for test in self.report(folder)["tests"]}

    def entry(self, name: str) -> dict[str, Any]:
        """The last run's entry of one target."""
        (found,) = [test for test in self.report()["tests"] if test["name"] == name]
        return dict(found)

    def files(self, folder: str) -> dict[str, bytes]:
        """Every file under a folder with its bytes."""
        base = self.root / folder
        return {str(file.relative_to(base)): file.read_bytes() for file in sorted(base.rglob("*")) if file.is_file()}

    def left_behind(self) -> list[str]:
        """Processes that this project's commands started and that still live."""
        found = []
        for process in psutil.process_iter():
            try:
                command = " ".join(process.cmdline())
                # Python's own, of processes that this one has started; it ends with this one.
                own = process.ppid() == os.getpid() and "multiprocessing.resource_tracker" in command
                if process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE and not own:
                    found.append(command)
            except psutil.Error:
                continue
        return found


def make_project(root: Path, *, measured: bool = False) -> Project:
    project = Project(root, measured)
    project.write(
        "pyproject.toml", '[project]\nname = "sample"\nversion = "0"\n\n[tool.widgetshot]\nsettle_timeout = 5\n'
    )
    return project


def start(project: Project, *words: str, module: str = "widgetshot") -> "subprocess.Popen[str]":
    """Begin a command that a person would type in the project."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *words],
        cwd=project.root,
        env=os.environ | {MARK: project.mark},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A shell that starts things in the background has them ignore Ctrl-C, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_until(true: Callable[[], Any], seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A disk of its own of so many bytes (`4k`) in place of an empty folder; skips the test where none can be had."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


BUTTON = """
import ipywidgets as widgets
button = widgets.Button(description="Run", button_style="{style}")
label = widgets.Label("not run")
button.on_click(lambda _: setattr(label, "value", "ran"))
widgets.HBox([button, label])
"""


def button_cell(options: str = "#| shot: button", style: str = "info") -> str:
    """A cell with a button whose click reaches Python."""
    return options + BUTTON.format(style=style)


def pictures(project: Project, folder: str) -> dict[str, bytes]:
    # Sidecars are of what may be approved.
    return {name: data for name, data in project.files(f"{folder}/pictures").items() if name.endswith(".png")}


# What differs between two runs of the same: when they were, what they took, and what they are called.
OF_THE_RUN = ("id", "started", "timings", "notebooks", "services", "durations", "merged")


def without_times(run: dict[str, Any]) -> dict[str, Any]:
    """A run without what differs between two runs of the same."""
    run = {name: value for name, value in run.items() if name not in OF_THE_RUN}
    summary = run["summary"] | {"duration_seconds": 0}
    nothing: dict[str, Any] = {"duration": 0, "history": []}
    tests = [one | nothing | {"metrics": one["metrics"] | {"timings": {}}} for one in run["tests"]]
    return run | {"summary": summary, "tests": tests}
