"""`widgetshot run`: execute notebooks, capture them, compare with the baselines."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from widgetshot.cli.common import settings_from
from widgetshot.cli.flags import run_flags
from widgetshot.cli.progress import Progress
from widgetshot.printing import say_json
from widgetshot.project.options import RUN
from widgetshot.run.app import run_notebooks
from widgetshot.run.plan import RunRequest


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
    shard: str | None,
    durations: str | None,
    **flags: Any,
) -> None:
    """Execute notebooks, capture them, compare with the baselines.

    PATHS are notebooks or folders; without any, those of the configuration.
    """
    settings = settings_from(**flags)
    dealing = None
    if (shard, durations) != (None, None):
        from widgetshot.selection.durations import read_dealing

        flags = {name: RUN[name].run for name in ("shard", "durations")}
        dealing = read_dealing(settings, shard, durations, Path.cwd(), flags)
    request = RunRequest(paths, suite, changed, without_services, skip_missing_services, dealing)
    progress = Progress(settings, quiet=output == "json")
    with _sigterm_interrupts(), run_notebooks(settings, request, announce=progress.announce) as running:
        progress.begin(running)
        for result in running.results():
            progress.result(result)
    outcome = running.outcome
    if output == "json":
        say_json(outcome.run)
    progress.end(outcome)
    context.exit(outcome.exit_code)


@contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    """Let a termination signal end a run as Ctrl-C does: in order."""

    def stop(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
