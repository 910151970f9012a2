"""Flags of commands, made of the options that `widgetshot.project.options` declares."""

from collections.abc import Callable
from typing import Any

import click

from widgetshot.option import Option
from widgetshot.project.options import RUN

Command = Callable[..., Any]


def flag(name: str) -> Callable[[Command], Command]:
    """Return the decorator that gives a command one flag; its value comes under the option's name."""
    option = RUN[name]
    return click.option(option.run, option.name, help=f"{option.help[0].upper()}{option.help[1:]}.", **_kind(option))


def run_flags(command: Command) -> Command:
    """Give a command every flag of `widgetshot run`, in the order in which they are declared."""
    for name in reversed(RUN):
        command = flag(name)(command)
    return command


def _kind(option: Option) -> dict[str, Any]:
    if option.flag_type is bool:
        return {"is_flag": True, "default": option.flag_default}
    kind = click.Choice(option.flag_choices) if option.choices else option.flag_type
    return {"type": kind, "metavar": option.metavar, "default": option.flag_default}
