"""`widgetshot doctor`: say what a run needs, what is there, and what mends what is missing."""

import json

import click

from widgetshot.cli.common import output_option, settings_from
from widgetshot.cli.flags import flag
from widgetshot.doctor import examine, install_missing
from widgetshot.errors import ExitCode


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
        click.echo(json.dumps([vars(check) for check in checks], indent=1, ensure_ascii=False))
    else:
        for check in checks:
            missing = click.style("✗", fg="red") if check.needed else click.style("-", fg="yellow")
            click.echo(f"{click.style('✓', fg='green') if check.ok else missing} {check.subject:18} {check.detail}")
            if not check.ok:
                click.echo(f"  next: {check.command}")
    ok = all(check.ok or not check.needed for check in checks)
    context.exit(0 if ok else int(ExitCode.INFRASTRUCTURE))
