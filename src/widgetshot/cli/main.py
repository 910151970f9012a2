"""The command line: a group whose commands are imported when they are called."""

import importlib
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

import click

from widgetshot.errors import ConfigError, ExitCode, WidgetshotError
from widgetshot.printing import say, say_json
from widgetshot.project.options import with_bare_values

_HELP = """Visual regression tests for Jupyter widgets.

Exit codes: 0 all match, 1 differences or broken notebooks, 2 infrastructure (server, browser, kernel, disk),
3 configuration.
"""

# Each command is the function of its name in the module of its name. Its first sentence stands here too, so that
# `widgetshot --help` imports none of them.
COMMANDS = {
    "approve": "Make shots of the last run the new baselines, byte for byte.",
    "audit": "Say where tests and notebooks use mocks, and how each could run for real.",
    "browser": "Start the project's browser for other machines, whose pages it draws.",
    "cost": "Say what notebooks spent today (UTC) on paid services, as they counted it.",
    "doctor": "Say what a run needs, what is there, and the command that mends what is missing.",
    "merge": "Make one run folder with one gallery of several, such as those of CI's shards.",
    "prune": "List (or remove) baselines that no notebook and no test declares.",
    "review": "Look at what differs and decide; accepting writes the baseline at once, and can be undone.",
    "run": "Execute notebooks, capture them, compare with the baselines.",
}


class CommandGroup(click.Group):
    """The commands of `COMMANDS`, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command; None if there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(f"widgetshot.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands of `widgetshot --help`, without importing them."""
        limit = formatter.width - 6 - max(map(len, COMMANDS))
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, click.Command(name, help=line).get_short_help_str(limit)) for name, line in COMMANDS.items()]
            )


commands = CommandGroup(help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
click.version_option(package_name="widgetshot", prog_name="widgetshot")(commands)


def _exits(function: Callable[[], Any]) -> Callable[[], NoReturn]:
    """Make an entry point of a function: it exits with the code that is returned, or with that of an error."""

    @wraps(function)
    def main() -> NoReturn:
        try:
            sys.exit(function())
        except WidgetshotError as error:
            _print_error(str(error), type(error).__name__)
            sys.exit(int(error.exit_code))
        except click.ClickException as error:
            _print_error(error.format_message(), ConfigError.__name__)
            sys.exit(int(ExitCode.CONFIGURATION))
        except (KeyboardInterrupt, click.Abort):
            say("\nstopped; what was finished is in the run folder", err=True)
            sys.exit(130)

    return main


def _print_error(text: str, kind: str) -> None:
    say(text, mark="error: ", colour="red", err=True)
    # The arguments may be what is wrong, therefore the flag is looked for here.
    if "json" in sys.argv or "--output=json" in sys.argv:
        say_json({"error": {"type": kind, "message": text}})


@_exits
def main() -> Any:
    """Entry point of the `widgetshot` command."""
    return commands.main(args=with_bare_values(sys.argv[1:]), prog_name="widgetshot", standalone_mode=False)
