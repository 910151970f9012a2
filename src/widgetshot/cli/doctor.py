"""`widgetshot doctor`: say what a run needs, what is there, and what mends what is missing."""

import json

import click

from widgetshot.capture.browser import install as install_browser
from widgetshot.cli.common import output_option, settings_from
from widgetshot.cli.flags import flag
from widgetshot.errors import ExitCode
from widgetshot.run.doctor import examine, missing_for_services
from widgetshot.services.install import install as install_programs


@click.command()
@click.option("--install", is_flag=True, help="Install a browser if there is none; with --services, those too.")
@click.option("--services", is_flag=True, help="Take the services of the project's notebooks for needed.")
@flag("browser")
@output_option
@click.pass_context
def doctor(context: click.Context, install: bool, services: bool, browser: str | None, output: str) -> None:
    """Say what a run needs, what is there, and the command that mends what is missing."""
    settings = settings_from(browser=browser)
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
