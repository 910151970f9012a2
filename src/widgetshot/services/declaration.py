"""`[tool.widgetshot.services.NAME]` of pyproject.toml -> what a project declares of a service. Nothing is started."""

import re
import shlex
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from widgetshot.errors import ConfigError, nearest
from widgetshot.values import checked, parse_positive, parse_text

Command = tuple[str, ...]
ReadyKind = Literal["tcp", "http", "command"]
# What a text of a declaration may hold in braces, besides the names of the ports and `port`, the first of them.
PLACEHOLDERS = ("folder", "host", "python", "root")
_OPTIONS = {"command", "setup", "ready", "ports", "url", "environment", "timeout", "log", "requires"}
_BUILTIN_OPTIONS = {"environment", "timeout", "log"}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_TCP_PORT = re.compile(r"\{[a-z0-9_]+\}|[0-9]{1,5}")


@dataclass(frozen=True)
class ReadyDeclaration:
    """The condition by which a service is ready.

    Attributes:
        words: one text, or the words of a command.
    """

    kind: ReadyKind = "tcp"
    words: Command = ("{port}",)


@dataclass(frozen=True)
class ServiceDeclaration:
    """A project's own service as a whole, or what is to be different of a built-in one. Texts hold placeholders.

    Attributes:
        command: the daemon, in the foreground; empty for a built-in service.
        setup: commands that are run once, in order, before it.
        timeout: seconds until it must be ready; 0 leaves it to the recipe.
        log: file, relative to the project's root, that gets what the daemon writes; or "".
        requires: programs that must be there, each with the command that installs it.
        root: of the project.
    """

    name: str
    command: Command = ()
    setup: tuple[Command, ...] = ()
    ready: ReadyDeclaration = field(default_factory=ReadyDeclaration)
    ports: tuple[str, ...] = ("port",)
    url: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    timeout: float = 0.0
    log: str = ""
    requires: tuple[tuple[str, str], ...] = ()
    root: str = ""


def parse_declarations(value: Any, root: Path, builtin: frozenset[str], where: str) -> dict[str, ServiceDeclaration]:
    """Parse the table of services.

    Args:
        builtin: names that need no command.

    Raises:
        ConfigError: an unknown option, a value of the wrong kind, a placeholder that nothing fills.
    """
    if not isinstance(value, Mapping):
        raise ConfigError("must be tables: [tool.widgetshot.services.NAME] with a command", where=where)
    return {name: _declaration(name, table, root, builtin, f"{where}.{name}") for name, table in value.items()}


def _declaration(name: str, table: Any, root: Path, builtin: frozenset[str], where: str) -> ServiceDeclaration:
    _check_options(name, table, builtin, where)
    setup = table.get("setup", [])
    declaration = ServiceDeclaration(
        name=name,
        command=_command(table["command"], f"{where} command") if "command" in table else (),
        setup=tuple(
            _command(one, f"{where} setup") for one in ([setup] if isinstance(setup, str) else _list(setup, where))
        ),
        ready=_ready(table.get("ready", {"tcp": "{port}"}), f"{where} ready"),
        ports=_ports(table.get("ports", ["port"]), f"{where} ports"),
        url=checked(parse_text, table.get("url", "tcp://{host}:{port}"), f"{where} url"),
        environment=_texts_by_name(table.get("environment", {}), f"{where} environment"),
        timeout=checked(parse_positive, table["timeout"], f"{where} timeout") if "timeout" in table else 0.0,
        log=_log(table.get("log", ""), f"{where} log"),
        requires=_texts_by_name(table.get("requires", {}), f"{where} requires"),
        root=str(root),
    )
    _check_placeholders(declaration, where)
    return declaration


def _check_options(name: str, table: Any, builtin: frozenset[str], where: str) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError("a service's name is lower-case letters, digits and '_'", where=where)
    if not isinstance(table, Mapping):
        raise ConfigError(f"must be a table with a command, not {table!r}", where=where)
    valid = _OPTIONS if "command" in table or name not in builtin else _BUILTIN_OPTIONS
    for key in table:
        if key not in valid:
            also = "" if valid is _OPTIONS else " of a built-in service (with a 'command' it would be your own)"
            raise ConfigError(f"unknown option '{key}'{also}{nearest(key, valid)}", where=where)
    if "command" not in table and name not in builtin:
        raise ConfigError(f"lacks 'command'; '{name}' is no built-in service{nearest(name, builtin)}", where=where)


def _check_placeholders(declaration: ServiceDeclaration, where: str) -> None:
    """Refuse a placeholder that nothing fills, before anything is started."""
    known = {"port", *declaration.ports, *PLACEHOLDERS}
    ready = declaration.ready
    texts = [*declaration.command, *(part for one in declaration.setup for part in one), *ready.words, declaration.url]
    for word in [*texts, *(value for _, value in declaration.environment)]:
        try:
            fields = [name for _, name, _, _ in string.Formatter().parse(word) if name is not None]
        except ValueError as error:
            raise ConfigError(f"{word!r}: {error}; a brace that stays is doubled: {{{{", where=where) from error
        for name in fields:
            if name not in known:
                raise ConfigError(f"{word!r}: nothing fills '{{{name}}}'{nearest(name, known)}", where=where)
    if ready.kind == "tcp" and not _TCP_PORT.fullmatch(ready.words[0]):
        raise ConfigError(f"ready: tcp is a port, such as '{{port}}', not {ready.words[0]!r}", where=where)


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise ConfigError(f"must be a list, not {value!r}", where=where)
    return value


def _command(value: Any, where: str) -> Command:
    try:
        words = (
            shlex.split(value)
            if isinstance(value, str)
            else [checked(parse_text, word, where) for word in _list(value, where)]
        )
    except ValueError as error:
        raise ConfigError(f"{value!r}: {error}", where=where) from error
    if not words:
        raise ConfigError("is empty", where=where)
    return tuple(words)


def _ready(value: Any, where: str) -> ReadyDeclaration:
    if not isinstance(value, Mapping) or len(value) != 1 or not value.keys() <= set(get_args(ReadyKind)):
        raise ConfigError(
            f"is one of {{tcp = '{{port}}'}}, {{http = 'http://...'}} and {{command = [...]}}, not {value!r}",
            where=where,
        )
    ((kind, what),) = value.items()
    if kind == "command":
        return ReadyDeclaration(kind, _command(what, where))
    if kind == "tcp" and type(what) is int:
        what = str(what)
    return ReadyDeclaration(kind, (checked(parse_text, what, where),))


def _ports(value: Any, where: str) -> tuple[str, ...]:
    names = _list(value, where)
    for name in names:
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name in PLACEHOLDERS or names.count(name) > 1:
            raise ConfigError(f"are names of lower-case letters, each once, not {name!r}", where=where)
    if not names:
        raise ConfigError("is empty", where=where)
    return tuple(names)


def _texts_by_name(value: Any, where: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"must be a table of texts, not {value!r}", where=where)
    return tuple((name, checked(parse_text, content, f"{where} {name}")) for name, content in value.items())


def _log(value: Any, where: str) -> str:
    path = checked(parse_text, value, where)
    if path.startswith(("/", "~")) or Path(path).is_absolute() or ".." in Path(path).parts:
        raise ConfigError(f"{path!r} must be relative to the project's root, and in it", where=where)
    return path
