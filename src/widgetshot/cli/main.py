"""The command line: parse, call one function, print."""

import gc
import json
import queue
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from widgetshot.declare.notebook import Notebook
from widgetshot.errors import ConfigError, ExitCode, ServerError, WidgetshotError, one_line
from widgetshot.model import Result, Target, Verdict
from widgetshot.project.settings import (
    BROWSERS,
    UPDATES,
    Settings,
    check_marker,
    find_notebooks,
    find_root,
    load_notebook,
    load_settings,
)
from widgetshot.redact import Redactor

if TYPE_CHECKING:
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


def _settings(**flags: Any) -> Settings:
    given = {name: value for name, value in flags.items() if value is not None}
    if "report" in given:
        # What is typed is meant from where one stands.
        given["report"] = Path.cwd() / given["report"]
    return load_settings(find_root(Path.cwd()), given)


def _relative(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="widgetshot", prog_name="widgetshot")
def commands() -> None:
    """Visual regression tests for Jupyter widgets.

    Exit codes: 0 all match, 1 differences or broken notebooks, 2 infrastructure (server, browser, kernel, disk),
    3 configuration.
    """


_update = click.option(
    "--update-baselines",
    "update",
    type=click.Choice(UPDATES[1:]),
    help="Write baselines: 'missing' ones, 'changed' and missing ones (the default), or 'all'.",
)
_report = click.option("--report", type=click.Path(path_type=Path), help="The run folder.")


@commands.command()
@click.argument("paths", nargs=-1, type=click.Path())
@_update
@click.option("--jobs", type=int, help="Notebooks in work at the same time.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@_report
@click.option("--browser", type=click.Choice(BROWSERS), help="The browser to capture with.")
@click.option(
    "--repeat", type=int, metavar="N", help="Execute and capture everything N times, and tell which pictures vary."
)
@click.option("--suite", default="", metavar="NAME", help="Run only the shots that carry this marker.")
@click.option(
    "--require-env",
    is_flag=True,
    default=None,
    help="Fail notebooks whose requires_env is not met; else they are skipped.",
)
@click.option("--changed", is_flag=True, help="Leave out what passed before and is made from nothing that changed.")
@click.option("--without-services", is_flag=True, help="Leave out what needs services.")
@click.option(
    "--skip-missing-services", is_flag=True, help="Leave out what needs services whose programs are not installed."
)
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
    context.exit(_run(_settings(**flags), paths, output, changed, suite, leave))


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
        from widgetshot.report.record import Recorder, failure_text
        from widgetshot.review.approve import unused_if_known
        from widgetshot.run.engine import Engine, only_changed

    recorder = Recorder(settings.report, root=settings.root, environment=settings.environment, repeat=settings.repeat)
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
            left = unused_if_known(engine.store, settings.root, settings.defaults) if complete else None
            recorder.finish(
                engine.order,
                complete=complete,
                timings=engine.timings,
                spent=engine.spent,
                fingerprint=engine.fingerprint,
                unused=left,
                history=History(settings.root),
                services=engine.services.told,
            )
            if recorder.failure is None:
                page = write_gallery(settings.report)
    if output == "json":
        # ASCII only, so that it can be written whatever the terminal's encoding is.
        click.echo(json.dumps(recorder.run, indent=1))
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

    def summary(self, run: dict[str, Any], left: list[str] | None, settings: Settings, page: Path | None) -> None:
        from widgetshot.report.record import append_summary, next_lines, summary_lines, time_lines

        for line in [*summary_lines(run), *time_lines(run)]:
            self.line(one_line(line))
        if left:
            self.line(f"{len(left)} baselines are declared by no notebook; list them: widgetshot prune")
        if problem := append_summary(run, settings.report):
            self.line(problem)
        if page:
            self.line(f"gallery: {_relative(page)}")
        for line in next_lines(run, settings.typed_report):
            self.line(line)


@commands.command()
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Accept everything that can be accepted.")
@click.option("--decisions", metavar="FILE", help="Apply decisions.json of the gallery; - reads standard input.")
@click.option("--dry-run", is_flag=True, help="Check everything, say what would be written, and write nothing.")
@_report
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def approve(
    names: tuple[str, ...], everything: bool, decisions: str | None, dry_run: bool, report: Path | None, output: str
) -> None:
    """Make shots of the last run the new baselines, byte for byte.

    NAMES are names (notebooks/x.ipynb::shot[dark]) or keys of results; with --decisions, the run folder.
    """
    from widgetshot.baselines.store import Store
    from widgetshot.review.approve import Outcome
    from widgetshot.review.approve import approve as approve_results

    if decisions is None and bool(names) == everything:
        raise ConfigError("name the results to approve, or say --all", next_step="widgetshot approve --all")
    if decisions is not None and (everything or len(names) + (report is not None) > 1):
        raise ConfigError(
            "with --decisions there is only the run folder to name",
            next_step="widgetshot approve RUN --decisions FILE",
        )
    settings = _settings(report=Path(names[0]) if decisions is not None and names else report)
    store = Store(settings.baselines)
    if decisions is None:
        approved = approve_results(settings.report, store, names, everything=everything, dry_run=dry_run)
        outcome, reviewer = Outcome(tuple(approved), ()), ""
    else:
        outcome, reviewer = _decide(settings.report, store, decisions, dry_run)
    if output == "json":
        told: dict[str, Any] = {"approved": outcome.accepted, "dry_run": dry_run}
        if decisions is not None:
            fields = ("key", "name", "comment")
            told |= {
                "reviewer": reviewer,
                "rejected": [dict(zip(fields, one, strict=True)) for one in outcome.rejected],
            }
        click.echo(json.dumps(told, indent=1))
        return
    for key in outcome.accepted:
        click.echo(f"✓ {one_line(key)}{': would be written' if dry_run else ''}")
    for _, name, comment in outcome.rejected:
        click.echo(f"✗ {one_line(name)}: rejected{f': {one_line(comment)}' if comment.strip() else ''}")
    count = len(outcome.accepted)
    baselines = f"{count} baseline{'' if count == 1 else 's'} {'would be written' if dry_run else 'written'}"
    rejected = f", {len(outcome.rejected)} rejected" if outcome.rejected else ""
    by = f" (reviewer: {one_line(reviewer)})" if reviewer.strip() else ""
    click.echo(f"{baselines}{rejected}{by}" if count or rejected else "nothing to approve")


def _decide(run_folder: Path, store: Any, file: str, dry_run: bool) -> Any:
    """The outcome of a decisions file, and who decided."""
    from widgetshot.review.approve import decide
    from widgetshot.review.decisions import MOST_BYTES, read_decisions

    where = "standard input" if file == "-" else one_line(file)
    try:
        with sys.stdin.buffer if file == "-" else Path(file).open("rb") as source:
            # One byte more than is allowed, so that an endless file ends.
            data = source.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"can't be read: {error.strerror}", where=where, next_step="download the decisions from the gallery again"
        ) from error
    decisions = read_decisions(data, where)
    return decide(run_folder, store, decisions, where, dry_run=dry_run), decisions.reviewer


@commands.command()
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path))
@click.option("-o", "--into", type=click.Path(path_type=Path), help="The new run folder.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def merge(runs: tuple[Path, ...], into: Path | None, output: str) -> None:
    """Make one run folder with one gallery of several, such as those of CI's shards.

    RUNS are run folders of one commit. Of a picture in several, the result that failed is kept.
    """
    from widgetshot.report.gallery import write_gallery
    from widgetshot.report.record import append_summary, next_lines, summary_lines, time_lines
    from widgetshot.report.record import merge as merge_runs

    if not runs or into is None:
        raise ConfigError("name the run folders and the new one", next_step="widgetshot merge RUN... -o FOLDER")
    run = merge_runs(runs, into)
    page = write_gallery(into)
    problem = append_summary(run, into)
    if output == "json":
        click.echo(json.dumps(run, indent=1))
    ended = "" if run["complete"] else ", which was stopped before its end"
    lines = [f"{len(runs)} run{'' if len(runs) == 1 else 's'} merged into run {run['id']}{ended}"]
    lines += [
        *summary_lines(run),
        *time_lines(run),
        *([problem] if problem else []),
        f"gallery: {page}",
        *next_lines(run, str(into)),
    ]
    for line in lines:
        click.echo(one_line(line), err=output == "json")


@commands.command()
@click.argument("report", metavar="[RUN]", required=False, type=click.Path(path_type=Path))
@click.option("--terminal", is_flag=True, help="Ask here, one picture after the other, without a browser.")
@click.option("--no-browser", is_flag=True, help="Only print the page's address.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of the page; a free one by default.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def review(report: Path | None, terminal: bool, no_browser: bool, port: int, output: str) -> None:
    """Look at what differs and decide; accepting writes the baseline at once, and can be undone.

    RUN is a run folder; without it, that of the configuration. The page is served to this machine only, until Ctrl-C.
    """
    from widgetshot.baselines.store import Store
    from widgetshot.review.session import Review, default_reviewer

    if terminal and (no_browser or port or output == "json"):
        raise ConfigError("--terminal goes without the options of the page", next_step="widgetshot review --terminal")
    settings = _settings(report=report)
    session = Review(settings.report, Store(settings.baselines))
    session.state()
    if terminal:
        from widgetshot.review.terminal import Walk

        Walk(session, default_reviewer(settings.root)).run()
    else:
        from widgetshot.review.server import serve

        serve(session, settings.root, port=port, ready=lambda url: _announce(url, not no_browser, output))
    accepted, rejected, left = session.counts()
    if output == "json":
        click.echo(json.dumps({"accepted": accepted, "rejected": rejected, "left": left}))
        return
    click.echo(f"\n{accepted} accepted, {rejected} rejected, {left} left")
    if accepted:
        click.echo(f"keep what is accepted: git add '{_relative(settings.baselines)}'")


def _announce(url: str, browse: bool, output: str) -> None:
    import threading
    import webbrowser

    click.echo(json.dumps({"url": url}) if output == "json" else f"review: {url}\nCtrl-C ends it")
    sys.stdout.flush()
    if not browse:
        return
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return
    # One that runs inside the terminal would take it over.
    if type(browser) is not webbrowser.GenericBrowser:
        threading.Thread(target=browser.open, args=(url,), daemon=True).start()


@commands.command()
@click.option("--remove", is_flag=True, help="Remove them; without this they are only listed.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def prune(remove: bool, output: str) -> None:
    """List (or remove) baselines that no notebook and no test declares."""
    from widgetshot.baselines.store import Store
    from widgetshot.review.approve import prune as prune_keys
    from widgetshot.review.approve import unused

    settings = _settings()
    store = Store(settings.baselines)
    keys = unused(store, settings.root, settings.defaults)
    if remove:
        prune_keys(store, keys)
    if output == "json":
        click.echo(json.dumps({"unused": keys, "removed": remove}, indent=1, ensure_ascii=False))
        return
    for key in keys:
        click.echo(f"{'removed ' if remove else ''}{key}")
    if keys and not remove:
        click.echo(f"{len(keys)} unused; remove them: widgetshot prune --remove")
    elif not keys:
        click.echo("every baseline is declared")


@commands.command()
@click.option("--install", is_flag=True, help="Install a browser if there is none; with --services, those too.")
@click.option("--services", is_flag=True, help="Take the services of the project's notebooks for needed.")
@click.option("--browser", type=click.Choice(BROWSERS))
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def doctor(context: click.Context, install: bool, services: bool, browser: str | None, output: str) -> None:
    """Say what a run needs, what is there, and the command that mends what is missing."""
    from widgetshot.capture.browser import install as install_browser
    from widgetshot.run.doctor import examine, missing_for_services
    from widgetshot.services.install import install as install_programs

    settings = _settings(browser=browser)
    if install and not settings.browser_executable:
        install_browser(settings.browser)
    if install and services:
        install_programs(missing_for_services(settings))
    findings = list(examine(settings, services=services))
    if output == "json":
        click.echo(json.dumps([vars(finding) for finding in findings], indent=1, ensure_ascii=False))
    else:
        for finding in findings:
            missing = click.style("✗", fg="red") if finding.needed else click.style("-", fg="yellow")
            mark = click.style("✓", fg="green") if finding.ok else missing
            click.echo(f"{mark} {finding.subject:18} {finding.detail}")
            if not finding.ok:
                click.echo(f"  next: {finding.command}")
    ok = all(finding.ok or not finding.needed for finding in findings)
    context.exit(0 if ok else int(ExitCode.INFRASTRUCTURE))


@commands.command()
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def audit(context: click.Context, paths: tuple[str, ...], output: str) -> None:
    """Say where tests and notebooks use mocks, and how each could run for real.

    PATHS are files or folders; without any, the project's tests and notebooks. Exit code 1 if there are any.
    """
    from widgetshot.audit.scan import audit as audit_files
    from widgetshot.audit.scan import find_files, table

    files = find_files(find_root(Path.cwd()), paths)
    result = audit_files(files, lambda file: Path(_relative(file)).as_posix())
    if output == "json":
        click.echo(json.dumps(result.as_json(), indent=1))
    for place, message in result.unread:
        click.echo(f"{click.style('✗ ', fg='red')}{one_line(place)}: {one_line(message)}", err=True)
    if output == "text":
        for line in table(result):
            click.echo(line)
    context.exit(int(ExitCode.MATCH if result.clean else ExitCode.DIFFERENCES))


@commands.command()
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def cost(output: str) -> None:
    """Say what notebooks spent today (UTC) on paid services, as they counted it."""
    from widgetshot.cost import today

    settings = _settings()
    spent, *parts = today(settings.root)
    if output == "json":
        plain = [{name: {"calls": one.calls, "usd": str(one.usd)} for name, one in part.items()} for part in parts]
        told = {"calls": spent.calls, "usd": str(spent.usd), "services": plain[0], "notebooks": plain[1]}
        click.echo(json.dumps(told, indent=1))
        return
    click.echo(f"today (UTC): {spent.calls} calls, {spent.usd} USD")
    for name, one in [*parts[0].items(), *parts[1].items()]:
        click.echo(f"  {one_line(name)}: {one.calls} calls, {one.usd} USD")
    for limit in settings.cost:
        words = [f"{limit.calls} calls"] if limit.calls is not None else []
        words += [f"{limit.usd} USD"] if limit.usd is not None else []
        click.echo(f"limit of the project: {', '.join(words)} a day")


def _clean(function: Callable[[], Any]) -> Callable[[], NoReturn]:
    """Turn our errors into a message and an exit code."""

    @wraps(function)
    def main() -> NoReturn:
        try:
            sys.exit(function())
        except WidgetshotError as error:
            _complain(str(error), error)
            sys.exit(int(error.exit_code))
        except click.ClickException as error:
            _complain(error.format_message(), None)
            sys.exit(int(ExitCode.CONFIGURATION))
        except (KeyboardInterrupt, click.Abort):
            click.echo("\nstopped; what was finished is in the run folder", err=True)
            sys.exit(130)

    return main


def _complain(text: str, error: WidgetshotError | None) -> None:
    click.echo(click.style("error: ", fg="red") + text, err=True)
    if "json" in sys.argv or "--output=json" in sys.argv:
        kind = type(error).__name__ if error else "ConfigError"
        click.echo(json.dumps({"error": {"type": kind, "message": text}}, indent=1, ensure_ascii=False))


@_clean
def main() -> Any:
    """Entry point of the `widgetshot` command."""
    # A bare flag must not take the path behind it for its value.
    arguments = ["--update-baselines=changed" if word == "--update-baselines" else word for word in sys.argv[1:]]
    return commands.main(args=arguments, prog_name="widgetshot", standalone_mode=False)
