"""`widgetshot doctor`: say what a run needs, what is there, and what mends what is missing."""

import click

from widgetshot.cli.common import output_option, settings_from
from widgetshot.cli.flags import flag
from widgetshot.doctor import examine, install_missing
from widgetshot.errors import ExitCode
from widgetshot.printing import say, say_json


@click.command()
@click.option("--install", is_flag=True, help="Install a browser if there is none; with --services, those too.")
@click.option("--services", is_flag=True, help="Take the services of the project's notebooks for needed.")
@flag("browser")
@output_option
@click.pass_context
def doctor(context: click.Context, install: bool, services: bool, browser: str | None, output: str) -> None:
    """Say what a run needs, what is there, and the command that mends what is missing."""
    settings = settings_from(browser=browser)
    if install:
        install_missing(settings, services=services)
    checks = list(examine(settings, services=services))
    if output == "json":
        say_json([vars(check) for check in checks])
    else:
        for check in checks:
            mark, colour = ("✓ ", "green") if check.ok else ("✗ ", "red") if check.needed else ("- ", "yellow")
            say(f"{check.subject:18} {check.detail}", mark=mark, colour=colour)
            if not check.ok:
                say(f"  next: {check.command}")
    ok = all(check.ok or not check.needed for check in checks)
    context.exit(0 if ok else int(ExitCode.INFRASTRUCTURE))
