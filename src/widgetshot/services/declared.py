"""`[tool.widgetshot.services.NAME]` of pyproject.toml -> a recipe."""

import re
import shlex
import string
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from widgetshot.errors import ConfigError, nearest
from widgetshot.services.builtin import load
from widgetshot.services.recipe import HOST, Daemon, Endpoint, Place, Plan, Ready, Recipe, Requirement, find_program
from widgetshot.values import checked, parse_positive, parse_text

_OPTIONS = {"command", "setup", "ready", "ports", "url", "environment", "timeout", "log", "requires"}
_OF_BUILTIN = {"environment", "timeout", "log"}
_READY = {"tcp", "http", "command"}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_PORT = re.compile(r"[a-z][a-z0-9_]{0,39}")
_WORDS = ("folder", "host", "python", "root")
_TIMEOUT = 30.0  # seconds
Command = tuple[str, ...]


@dataclass(frozen=True)
class Declared:
    """What a project says of a service: all of one of its own, or what is to be otherwise in a built-in one.

    Attributes:
        command: the daemon, in the foreground; empty for a built-in service.
        setup: commands that are run once, in order, before it.
        ready: kind of readiness (tcp, http or command) and what it takes.
        timeout: seconds until it must be ready; 0 leaves it to the recipe.
        log: file, relative to the project's root, that gets what the daemon writes; or "".
    """

    name: str
    command: Command = ()
    setup: tuple[Command, ...] = ()
    ready: tuple[str, Command] = ("tcp", ("{port}",))
    ports: tuple[str, ...] = ("port",)
    url: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    timeout: float = 0.0
    log: str = ""
    requires: tuple[tuple[str, str], ...] = ()
    root: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_json(cls, raw: Mapping[str, Any]) -> "Declared":
        """The inverse of `as_json`."""
        kind, words = raw["ready"]
        return cls(
            name=raw["name"],
            command=tuple(raw["command"]),
            setup=tuple(map(tuple, raw["setup"])),
            ready=(kind, tuple(words)),
            ports=tuple(raw["ports"]),
            url=raw["url"],
            environment=tuple((name, value) for name, value in raw["environment"]),
            timeout=raw["timeout"],
            log=raw["log"],
            requires=tuple((name, install) for name, install in raw["requires"]),
            root=raw["root"],
        )


class DeclaredRecipe:
    """A service that only its project knows. Satisfies `Recipe`."""

    def __init__(self, declared: Declared) -> None:
        self._declared = declared
        self.name = declared.name
        self.ports = declared.ports
        self.timeout = declared.timeout or _TIMEOUT
        named = dict(declared.requires)
        programs = [command[0] for command in (*declared.setup, declared.command) if "{" not in command[0]]
        self.requirements = tuple(
            Requirement(program, named.get(program, f"install {program}"))
            for program in dict.fromkeys([*programs, *named])
        )

    def plan(self, place: Place) -> Plan:
        """See `Recipe.plan`."""
        declared = self._declared
        words = _words(place.ports, str(place.folder), declared.root)
        environment = {name: value.format(**words) for name, value in declared.environment}
        for command in declared.setup:
            place.run(*_filled(command, words), environment=environment)
        kind, raw = declared.ready
        given = _filled(raw, words, program=kind == "command")
        match kind:
            case "tcp":
                ready = Ready(tcp=int(given[0]))
            case "http":
                ready = Ready(http=given[0])
            case _:
                ready = Ready(command=given)
        daemon = Daemon(self.name, _filled(declared.command, words), ready, environment)
        return Plan((daemon,), declared.url.format(**words), environment)

    def isolate(self, endpoint: Endpoint, name: str) -> AbstractContextManager[Endpoint]:  # noqa: ARG002
        """The whole service: how it is divided nobody but its project knows."""
        return nullcontext(endpoint)


def recipe_of(declared: Declared | None, name: str) -> Recipe:
    """The recipe of a service: its project's own, or the built-in one."""
    return DeclaredRecipe(declared) if declared is not None and declared.command else load(name)


def _words(ports: Mapping[str, int], folder: str, root: str) -> dict[str, str]:
    numbers = {name: str(port) for name, port in ports.items()}
    first = next(iter(numbers.values()), "")
    return {"port": first} | numbers | {"folder": folder, "host": HOST, "python": sys.executable, "root": root}


def _filled(command: Command, words: Mapping[str, str], *, program: bool = True) -> Command:
    filled = tuple(word.format(**words) for word in command)
    return (find_program(filled[0]) or filled[0], *filled[1:]) if program else filled


def declared_from(value: Any, root: Path, builtin: frozenset[str], where: str) -> dict[str, Declared]:
    """Parse the table of services.

    Args:
        builtin: names that need no command.

    Raises:
        ConfigError: an unknown option, a value of the wrong kind, a placeholder that means nothing.
    """
    if not isinstance(value, Mapping):
        raise ConfigError("must be tables: [tool.widgetshot.services.NAME] with a command", where=where)
    return {name: _declared(name, table, root, builtin, f"{where}.{name}") for name, table in value.items()}


def _declared(name: str, table: Any, root: Path, builtin: frozenset[str], where: str) -> Declared:
    if not _NAME.fullmatch(name):
        raise ConfigError("a service's name is lower-case letters, digits and '_'", where=where)
    if not isinstance(table, Mapping):
        raise ConfigError(f"must be a table with a command, not {table!r}", where=where)
    valid = _OPTIONS if "command" in table or name not in builtin else _OF_BUILTIN
    for key in table:
        if key not in valid:
            also = "" if valid is _OPTIONS else " of a built-in service (with a 'command' it would be your own)"
            raise ConfigError(f"unknown option '{key}'{also}{nearest(key, valid)}", where=where)
    if "command" not in table and name not in builtin:
        raise ConfigError(f"lacks 'command'; '{name}' is no built-in service{nearest(name, builtin)}", where=where)
    ports = _ports(table.get("ports", ["port"]), f"{where} ports")
    environment = _texts_by_name(table.get("environment", {}), f"{where} environment")
    setup = table.get("setup", [])
    declared = Declared(
        name=name,
        command=_command(table["command"], f"{where} command") if "command" in table else (),
        setup=tuple(
            _command(one, f"{where} setup") for one in ([setup] if isinstance(setup, str) else _list(setup, where))
        ),
        ready=_ready(table.get("ready", {"tcp": "{port}"}), f"{where} ready"),
        ports=ports,
        url=checked(parse_text, table.get("url", f"tcp://{HOST}:{{port}}"), f"{where} url"),
        environment=environment,
        timeout=checked(parse_positive, table["timeout"], f"{where} timeout") if "timeout" in table else 0.0,
        log=_log(table.get("log", ""), f"{where} log"),
        requires=_texts_by_name(table.get("requires", {}), f"{where} requires"),
        root=str(root),
    )
    _check_words(declared, where)
    return declared


def _check_words(declared: Declared, where: str) -> None:
    """Refuse a placeholder that nothing fills, before anything is started."""
    known = _words(dict.fromkeys(declared.ports, 1), "", "")
    texts = [*declared.command, *(part for one in declared.setup for part in one), *declared.ready[1], declared.url]
    for word in [*texts, *(value for _, value in declared.environment)]:
        try:
            fields = [name for _, name, _, _ in string.Formatter().parse(word) if name is not None]
        except ValueError as error:
            raise ConfigError(f"{word!r}: {error}; a brace that stays is doubled: {{{{", where=where) from error
        for name in fields:
            if name not in known:
                raise ConfigError(f"{word!r}: nothing fills '{{{name}}}'{nearest(name, known)}", where=where)
    if declared.ready[0] == "tcp" and not re.fullmatch(r"\{[a-z0-9_]+\}|[0-9]{1,5}", declared.ready[1][0]):
        raise ConfigError(f"ready: tcp is a port, such as '{{port}}', not {declared.ready[1][0]!r}", where=where)


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


def _ready(value: Any, where: str) -> tuple[str, Command]:
    if not isinstance(value, Mapping) or len(value) != 1 or not value.keys() <= _READY:
        raise ConfigError(
            f"is one of {{tcp = '{{port}}'}}, {{http = 'http://...'}} and {{command = [...]}}, not {value!r}",
            where=where,
        )
    ((kind, what),) = value.items()
    if kind == "command":
        return kind, _command(what, where)
    if kind == "tcp" and type(what) is int:
        what = str(what)
    return kind, (checked(parse_text, what, where),)


def _ports(value: Any, where: str) -> tuple[str, ...]:
    names = _list(value, where)
    for name in names:
        if not isinstance(name, str) or not _PORT.fullmatch(name) or name in _WORDS or names.count(name) > 1:
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
