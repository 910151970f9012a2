"""The recipe of a service: the built-in one, or one made of what a project declares."""

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

from widgetshot.services.builtin import load
from widgetshot.services.declaration import Command, ReadyDeclaration, ServiceDeclaration
from widgetshot.services.endpoint import Endpoint
from widgetshot.services.programs import Requirement, find_program
from widgetshot.services.recipe import Daemon, Plan, Ready, Recipe
from widgetshot.services.workspace import HOST, Workspace

_DEFAULT_TIMEOUT_S = 30.0


def find_recipe(declaration: ServiceDeclaration | None, name: str) -> Recipe:
    """Return the recipe of a service: its project's own, or the built-in one.

    Raises:
        ConfigError: there is neither.
    """
    return DeclaredRecipe(declaration) if declaration is not None and declaration.command else load(name)


class DeclaredRecipe:
    """A service that only its project knows. Satisfies `Recipe`."""

    def __init__(self, declaration: ServiceDeclaration) -> None:
        self._declaration = declaration
        self.name = declaration.name
        self.ports = declaration.ports
        self.timeout = declaration.timeout or _DEFAULT_TIMEOUT_S
        install = dict(declaration.requires)
        programs = [one[0] for one in (*declaration.setup, declaration.command) if "{" not in one[0]]
        self.requirements = tuple(
            Requirement(program, install.get(program, f"install {program}"))
            for program in dict.fromkeys([*programs, *install])
        )

    def plan(self, workspace: Workspace) -> Plan:
        """Run what must be run once, and return what is to be started, see `Recipe.plan`."""
        declaration = self._declaration
        words = _words(workspace, declaration.root)
        environment = {name: value.format(**words) for name, value in declaration.environment}
        for command in declaration.setup:
            workspace.run(*_filled_command(command, words), environment=environment)
        daemon = Daemon(
            self.name, _filled_command(declaration.command, words), _ready(declaration.ready, words), environment
        )
        return Plan((daemon,), declaration.url.format(**words), environment)

    def isolate(self, endpoint: Endpoint, name: str) -> AbstractContextManager[Endpoint]:  # noqa: ARG002
        """Return the whole service: only its project knows how it could be divided."""
        return nullcontext(endpoint)


def _ready(ready: ReadyDeclaration, words: Mapping[str, str]) -> Ready:
    match ready.kind:
        case "tcp":
            return Ready(tcp=int(_filled(ready.words, words)[0]))
        case "http":
            return Ready(http=_filled(ready.words, words)[0])
        case "command":
            return Ready(command=_filled_command(ready.words, words))


def _words(workspace: Workspace, root: str) -> dict[str, str]:
    """Return what fills the placeholders of a declaration."""
    ports = {name: str(port) for name, port in workspace.ports.items()}
    others = {"folder": str(workspace.folder), "host": HOST, "python": sys.executable, "root": root}
    return {"port": str(workspace.port)} | ports | others


def _filled(texts: tuple[str, ...], words: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(one.format(**words) for one in texts)


def _filled_command(command: Command, words: Mapping[str, str]) -> Command:
    program, *arguments = _filled(command, words)
    return (find_program(program) or program, *arguments)
