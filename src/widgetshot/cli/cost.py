"""`widgetshot cost`: say what notebooks spent today on paid services."""

import json

import click

from widgetshot.cli.common import output_option, settings_from
from widgetshot.cost import today
from widgetshot.errors import one_line


@click.command()
@output_option
def cost(output: str) -> None:
    """Say what notebooks spent today (UTC) on paid services, as they counted it."""
    settings = settings_from()
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
