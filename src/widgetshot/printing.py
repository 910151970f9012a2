"""All that commands print. Text from elsewhere can't command a terminal, nor the CI job whose log it is in."""

import json
from typing import Any

import click

from widgetshot.errors import JOB_COMMANDS, visible


def say(text: str = "", *, mark: str = "", colour: str = "", over: bool = False, err: bool = False) -> None:
    """Print text for a person, see `visible`.

    Args:
        mark: a word of ours that stands before it, in colour.
        colour: a name that click knows.
        over: it replaces `show_progress`.
        err: print to standard error.
    """
    # Both together: the mark may be what keeps a text from the begin of a line.
    shown = visible(mark + text)
    styled = click.style(mark, fg=colour or None) if mark else ""
    click.echo(("\r\x1b[2K" if over else "") + styled + shown[len(mark) :], err=err)


def show_progress(text: str, *, err: bool = False) -> None:
    """Show a line at a terminal that the next one replaces."""
    click.echo(f"\r\x1b[2K{visible(' '.join(text.split()))}", nl=False, err=err)


def ask(prompt: str) -> None:
    """Print a prompt; the answer comes behind it."""
    click.echo(visible(prompt), nl=False)


def say_json(document: Any, *, indent: int | None = 1) -> None:
    """Print a document for machines: JSON in ASCII, which can be written whatever a terminal's encoding is."""
    import msgspec

    text = json.dumps(msgspec.to_builtins(document), indent=indent)
    # In JSON these characters stand in strings alone, where an escape says the same.
    click.echo(JOB_COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text))
