"""`widgetshot prune`: list or remove baselines that nothing declares."""

import json

import click

from widgetshot.cli.common import opened_baselines, output_option, settings_from
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
        click.echo(json.dumps({"unused": keys, "removed": remove}, indent=1, ensure_ascii=False))
        return
    for key in keys:
        click.echo(f"{'removed ' if remove else ''}{key}")
    if keys and not remove:
        click.echo(f"{len(keys)} unused; remove them: widgetshot prune --remove")
    elif not keys:
        click.echo("every baseline is declared")
