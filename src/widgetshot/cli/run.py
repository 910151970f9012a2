"""`widgetshot run`: execute notebooks, capture them, compare with the baselines."""

import gc
import queue
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from widgetshot.cli.common import relative, settings_from
from widgetshot.cli.flags import run_flags
from widgetshot.declare.notebook import Notebook
from widgetshot.errors import ConfigError, ExitCode, ServerError, WidgetshotError, one_line
from widgetshot.model import Result, Target, Verdict
from widgetshot.project.notebooks import check_marker, find_notebooks, load_notebook
from widgetshot.project.settings import Settings
from widgetshot.redact import Redactor

if TYPE_CHECKING:
    from widgetshot.report.run_json import Run
    from widgetshot.server.launcher import Server
    from widgetshot.services.manager import Services

_MARKS = {
    Verdict.MATCH: "✓",
    Verdict.CHANGED: "≠",
    Verdict.RESIZED: "⤡",
    Verdict.NEW: "+",
    Verdict.BROKEN: "✗",
    Verdict.UNSTABLE: "~",
}


@click.command()
@click.argument("paths", nargs=-1, type=click.Path())
@run_flags
@click.pass_context
def run(
    context: click.Context,
    /,
    paths: tuple[str, ...],
    output: str,
    changed: bool,
    suite: str,
    without_services: bool,
    skip_missing_services: bool,
    **flags: Any,
) -> None:
    """Execute notebooks, capture them, compare with the baselines.

    PATHS are notebooks or folders; without any, those of the configuration.
    """
    leave = {"without": without_services, "skip_missing": skip_missing_services}
    context.exit(_run(settings_from(**flags), paths, output, changed, suite, leave))


def _run(
    settings: Settings, paths: tuple[str, ...], output: str, changed: bool, suite: str, leave: Mapping[str, bool]
) -> int:
    notebooks: list[Notebook] = []
    problems: dict[str, WidgetshotError] = {}
    for file in find_notebooks(settings, paths):
        try:
            notebooks.append(load_notebook(settings, file))
        except WidgetshotError as error:
            problems[file.relative_to(settings.root).as_posix()] = error
    # What is declared wrongly is told before minutes are spent; a file that can't be read sinks only itself.
    wrong = [error for error in problems.values() if isinstance(error, ConfigError)]
    if wrong:
        raise ConfigError("\n".join(str(error) for error in wrong))
    if not notebooks and not problems:
        raise ConfigError("no notebooks were found", next_step="widgetshot run PATH")
    skipped, asked_for = _of_suite(settings, notebooks, suite, leave)
    targets = [target for notebook, wanted in asked_for for target in wanted]
    # Nearly all that a run imports is needed later than the server, which takes as long to start.
    server = _launch(settings) if targets and not changed else None
    with _without_garbage():
        from widgetshot.report.gallery import write_gallery
        from widgetshot.report.history import History
        from widgetshot.report.text import failure_text
        from widgetshot.report.writer import RunWriter
        from widgetshot.review.approve import unused_if_known
        from widgetshot.run.engine import Engine, only_changed

    recorder = RunWriter(settings.report, root=settings.root, environment=settings.environment, repeat=settings.repeat)
    every = sum(len(notebook.targets) for notebook in notebooks if notebook.path not in skipped)
    recorder.selected(suite, every - len(targets), skipped)
    say = _Progress(quiet=output == "json", redactor=settings.redactor)
    for path, why in skipped.items():
        say.line(f"- {path}: skipped: {one_line(why)}")
    results: list[Result] = []
    finished: queue.SimpleQueue[Result] = queue.SimpleQueue()
    complete = False
    page: Path | None = None
    with Engine(settings, recorder, server=server) as engine, _stoppable():
        try:
            for path, problem in problems.items():
                results.append(engine.unreadable(path, problem))
                say.failure(str(problem))
            left_out = only_changed(engine, asked_for) if changed else {}
            targets = [target for target in targets if engine.key(target) not in left_out]
            say.total = len(targets)
            for notebook, wanted in asked_for:
                engine.submit(notebook, (one for one in wanted if engine.key(one) not in left_out), finished.put)
            for result in _stream(engine, targets, finished):
                results.append(result)
                say.result(result, failure_text(result, settings.report))
            complete = True
        finally:
            # Server and browser end while the report is written.
            engine.wind_down()
            left = unused_if_known(engine.baselines, settings.root, settings) if complete else None
            recorder.finish(
                engine.order,
                complete=complete,
                timings=engine.timings,
                spent=engine.spent,
                fingerprint=engine.hosts.renderer,
                unused=left,
                history=History(settings.root),
                services=engine.services.usage,
            )
            if recorder.failure is None:
                page = write_gallery(settings.report)
    if output == "json":
        from widgetshot.documents import to_ascii

        click.echo(to_ascii(recorder.run))
    if recorder.failure is not None:
        say.failure(str(recorder.failure))
    say.summary(recorder.run, left, settings, page)
    codes = [
        int(result.failure.exit_code) for result in results if result.failure is not None and result.status == "failed"
    ]
    codes += [int(recorder.failure.exit_code)] if recorder.failure else []
    if any(result.status == "failed" for result in results):
        codes.append(int(ExitCode.DIFFERENCES))
    return max(codes, default=0)


@contextmanager
def _without_garbage() -> Iterator[None]:
    """Imports make no garbage, and looking for it takes an eighth of their time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


def _launch(settings: Settings) -> "Server":
    from widgetshot.server.launcher import Server

    folder = Path(tempfile.mkdtemp(prefix="widgetshot-"))
    server = Server(folder, settings.redactor, installed_fonts=settings.installed_fonts)
    server.launch()
    return server


def _of_suite(
    settings: Settings, notebooks: list[Notebook], suite: str, leave: Mapping[str, bool]
) -> tuple[dict[str, str], list[tuple[Notebook, list[Target]]]]:
    """The notebooks that are left out, path -> why, and what is to be run of the others.

    Args:
        suite: a marker, or "" for everything.
        leave: what may be left out on account of services, see `notebook_services.left_out`.

    Raises:
        ConfigError: the marker is not registered, or nothing carries it.
        ServerError: programs that services need are missing, and nobody said that this is fine.
    """
    if suite:
        check_marker(settings, suite, "--suite")
    services: Services | None = None
    skipped: dict[str, str] = {}
    missing: list[ServerError] = []
    asked_for: list[tuple[Notebook, list[Target]]] = []
    for notebook in notebooks:
        targets = [target for target in notebook.targets if not suite or suite in target.markers]
        if not targets:
            continue
        why = notebook.skip
        try:
            if notebook.services and not why:
                from widgetshot.services import manager, notebook_services

                services = services or manager.Services(settings.services)
                why = notebook_services.left_out(notebook, services, **leave)
        except ServerError as error:
            missing.append(error)
        else:
            if why:
                skipped[notebook.path] = why
            else:
                asked_for.append((notebook, targets))
    if missing:
        raise ServerError("\n".join(str(error) for error in missing))
    if suite and not skipped and not asked_for and notebooks:
        raise ConfigError(
            f"no shot carries the marker '{suite}'",
            where="--suite",
            next_step=f"write '#| markers: [{suite}]' beside a shot, or without --suite: widgetshot run",
        )
    return skipped, asked_for


def _stream(engine: Any, targets: list[Target], finished: "queue.SimpleQueue[Result]") -> Any:
    """Results as they come; an engine that can't start raises here."""
    waiting = {engine.key(target): target for target in targets}
    while waiting:
        try:
            result = finished.get(timeout=0.2)
        except queue.Empty:
            for key, target in waiting.items():
                if engine.failed(key):
                    engine.result(target)
            continue
        del waiting[result.key]
        yield result


@contextmanager
def _stoppable() -> Any:
    """A termination signal ends a run as Ctrl-C does: in order."""

    def stop(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Progress:
    """What a person at a terminal sees while a run goes on. Everything goes to standard error when quiet."""

    def __init__(self, *, quiet: bool, redactor: Redactor) -> None:
        self.redactor = redactor
        self.total = 0
        self.count = 0
        self.err = quiet
        self.live = sys.stderr.isatty() if quiet else sys.stdout.isatty()

    def line(self, text: str) -> None:
        click.echo(("\r\x1b[2K" if self.live else "") + self.redactor.text(text), err=self.err)

    def failure(self, text: str) -> None:
        self.line(click.style("✗ ", fg="red") + text)

    def result(self, result: Result, details: str) -> None:
        self.count += 1
        mark = _MARKS[result.verdict]
        if result.updated:
            self.line(f"{mark} {result.target.nodeid}: baseline written")
        elif not result.passed:
            colour = "red" if result.status == "failed" else "yellow"
            self.line(f"{click.style(mark, fg=colour)} {details}")
        if self.live:
            click.echo(f"\r\x1b[2K[{self.count}/{self.total}] {result.target.nodeid}", nl=False, err=self.err)

    def summary(self, run: "Run", left: list[str] | None, settings: Settings, page: Path | None) -> None:
        from widgetshot.report.markdown import append_summary
        from widgetshot.report.text import next_lines, summary_lines, time_lines

        for line in [*summary_lines(run), *time_lines(run)]:
            self.line(one_line(line))
        if left:
            self.line(f"{len(left)} baselines are declared by no notebook; list them: widgetshot prune")
        if problem := append_summary(run, settings.report):
            self.line(problem)
        if page:
            self.line(f"gallery: {relative(page)}")
        for line in next_lines(run, settings.typed_report):
            self.line(line)
