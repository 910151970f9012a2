"""`widgetshot audit`: say where tests and notebooks use mocks."""

from pathlib import Path

import click

from widgetshot.audit.files import find_files
from widgetshot.audit.scan import audit as audit_files
from widgetshot.audit.table import table
from widgetshot.cli.common import output_option, relative
from widgetshot.errors import ExitCode, one_line
from widgetshot.printing import say, say_json
from widgetshot.project.loading import find_root


@click.command()
@click.argument("paths", nargs=-1, type=click.Path())
@output_option
@click.pass_context
def audit(context: click.Context, paths: tuple[str, ...], output: str) -> None:
    """Say where tests and notebooks use mocks, and how each could run for real.

    PATHS are files or folders; without any, the project's tests and notebooks. Exit code 1 if there are any.
    """
    files = find_files(find_root(Path.cwd()), paths)
    result = audit_files(files, lambda file: Path(relative(file)).as_posix())
    if output == "json":
        say_json(result.as_json())
    for place, message in result.unread:
        say(f"{one_line(place)}: {one_line(message)}", mark="✗ ", colour="red", err=True)
    if output == "text":
        for line in table(result):
            say(line)
    context.exit(int(ExitCode.MATCH if result.clean else ExitCode.DIFFERENCES))
