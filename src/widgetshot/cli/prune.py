"""`widgetshot prune`: list or remove baselines that nothing declares."""

import click

from widgetshot.cli.common import opened_baselines, output_option, settings_from
from widgetshot.errors import one_line
from widgetshot.printing import say, say_json
from widgetshot.selection.unused import unused


@click.command()
@click.option("--remove", is_flag=True, help="Remove them; without this they are only listed.")
@output_option
def prune(remove: bool, output: str) -> None:
    """List (or remove) baselines that no notebook and no test declares."""
    settings = settings_from()
    baselines = opened_baselines(settings)
    keys = unused(baselines.keys(), settings.root, settings)
    if remove:
        baselines.remove(keys)
    if output == "json":
        say_json({"unused": keys, "removed": remove})
        return
    for key in keys:
        say(f"{'removed ' if remove else ''}{one_line(key)}")
    if keys and not remove:
        say(f"{len(keys)} unused; remove them: widgetshot prune --remove")
    elif not keys:
        say("every baseline is declared")
