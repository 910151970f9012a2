"""`widgetshot cost`: say what notebooks spent today on paid services."""

import json
from typing import Any

import click

from widgetshot.cli.common import output_option, settings_from
from widgetshot.cost import Spent, today
from widgetshot.errors import one_line


@click.command()
@output_option
def cost(output: str) -> None:
    """Say what notebooks spent today (UTC) on paid services, as they counted it."""
    settings = settings_from()
    day = today(settings.root)
    if output == "json":
        services, notebooks = (
            {name: _document(one) for name, one in part.items()} for part in (day.services, day.notebooks)
        )
        click.echo(json.dumps(_document(day.total) | {"services": services, "notebooks": notebooks}, indent=1))
        return
    click.echo(f"today (UTC): {day.total.calls} calls, {day.total.usd} USD")
    for name, one in [*day.services.items(), *day.notebooks.items()]:
        click.echo(f"  {one_line(name)}: {one.calls} calls, {one.usd} USD")
    for limit in settings.cost:
        words = [f"{limit.calls} calls"] if limit.calls is not None else []
        words += [f"{limit.usd} USD"] if limit.usd is not None else []
        click.echo(f"limit of the project: {', '.join(words)} a day")


def _document(spent: Spent) -> dict[str, Any]:
    return {"calls": spent.calls, "usd": str(spent.usd)}
