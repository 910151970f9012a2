"""The group of commands: each is found by its name, and none is imported before it is called."""

import subprocess
import sys

import click
import pytest

from widgetshot.cli.main import COMMANDS, commands

CONTEXT = click.Context(commands)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_the_help_is_the_first_sentence_of_the_command(name: str) -> None:
    command = commands.get_command(CONTEXT, name)
    assert command is not None
    assert command.name == name
    assert (command.help or "").partition("\n")[0] == COMMANDS[name]


def test_an_unknown_command_is_none() -> None:
    assert commands.get_command(CONTEXT, "nonsense") is None
    assert commands.list_commands(CONTEXT) == sorted(COMMANDS)


def test_the_help_imports_no_command() -> None:
    code = (
        "import sys\nfrom widgetshot.cli.main import main\nsys.argv = ['widgetshot', '--help']\n"
        "try:\n    main()\nfinally:\n"
        "    print(*(name for name in sys.modules if name.startswith('widgetshot.')), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(f"\n  {name}" in done.stdout for name in COMMANDS)
    assert {"widgetshot.cli.main"} == {name for name in done.stderr.split() if name.startswith("widgetshot.cli.")}
