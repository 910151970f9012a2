"""Projects with a run of every verdict, and the commands of a review in them."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from builders import ENVIRONMENT, VERDICTS, result_called
from projects import MARK, Project
from stores import in_folder
from widgetshot.model import RunEnd
from widgetshot.report.writer import RunWriter

RESULTS = {verdict: result_called(verdict) for verdict in VERDICTS}


def record(root: Path, folder: str = "widgetshot-report") -> Path:
    writer = RunWriter(root / folder, root=root, environment=ENVIRONMENT)
    for result in RESULTS.values():
        writer.add(result)
    writer.finish(RunEnd(complete=True))
    return writer.folder


def prepare(project: Project) -> Project:
    baselines = in_folder(project.root / "baselines")
    for result in RESULTS.values():
        if result.baseline is not None:
            baselines.write(result.key, result.baseline.data)
    record(project.root)
    return project


@contextmanager
def started(project: Project, *words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A command in the project that is ended as Ctrl-C ends it, if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=project.root,
        env=os.environ | {MARK: project.mark} | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            # The test fails, and leaves nothing behind all the same.
            process.kill()
            process.communicate()
            raise


@contextmanager
def reviewing(project: Project, *words: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`widgetshot review` and the address it prints."""
    with started(project, "widgetshot", "review", "--no-browser", *words, **environment) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        assert line, process.stderr.read()
        found = re.search(r"http://[^\s\"]+", line)
        assert found is not None
        yield process, found[0]
