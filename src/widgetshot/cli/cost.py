"""`widgetshot cost`: say what notebooks spent today on paid services."""

from typing import Any

import click

from widgetshot.cli.common import output_option, settings_from
from widgetshot.cost import Spent, today
from widgetshot.errors import one_line
from widgetshot.printing import say, say_json


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
        say_json(_document(day.total) | {"services": services, "notebooks": notebooks})
        return
    say(f"today (UTC): {day.total.calls} calls, {day.total.usd} USD")
    for name, one in [*day.services.items(), *day.notebooks.items()]:
        say(f"  {one_line(name)}: {one.calls} calls, {one.usd} USD")
    for limit in settings.cost:
        words = [f"{limit.calls} calls"] if limit.calls is not None else []
        words += [f"{limit.usd} USD"] if limit.usd is not None else []
        say(f"limit of the project: {', '.join(words)} a day")


def _document(spent: Spent) -> dict[str, Any]:
    return {"calls": spent.calls, "usd": str(spent.usd)}
