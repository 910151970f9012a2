"""Parts of several commands: options, settings made of flags, paths as they are printed."""

from pathlib import Path
from typing import Any

import click

from widgetshot.baselines.access import Baselines
from widgetshot.baselines.stores import open_baselines
from widgetshot.cli.flags import flag
from widgetshot.errors import one_line
from widgetshot.printing import say
from widgetshot.project.loading import find_root, load_settings
from widgetshot.project.settings import Settings

report_option = flag("report")
output_option = click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)


def settings_from(**flags: Any) -> Settings:
    """Return the project's settings, with those flags that were given (those that are not None)."""
    given = {name: value for name, value in flags.items() if value is not None}
    if "report" in given:
        # A typed path is relative to the current folder, not to the project.
        given["report"] = Path.cwd() / given["report"]
    return load_settings(find_root(Path.cwd()), given)


def opened_baselines(settings: Settings) -> Baselines:
    """Return the project's baselines; what was left half written is finished, and told.

    Raises:
        ConfigError, BaselineError: see `open_baselines`.
    """
    baselines = open_baselines(settings)
    for notice in baselines.notices:
        say(f"note: {one_line(notice)}", err=True)
    return baselines


def relative(path: Path) -> str:
    """Return a path as it is printed: relative to the current folder if it lies in it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
