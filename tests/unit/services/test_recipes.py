"""A declared service becomes a recipe: placeholders are filled, and what is missing is named."""

import sys
from pathlib import Path

import pytest

from widgetshot.errors import ConfigError
from widgetshot.services import builtin
from widgetshot.services.declaration import ServiceDeclaration, parse_declarations
from widgetshot.services.failures import CommandFailed, ServiceError
from widgetshot.services.recipe import Ready
from widgetshot.services.recipes import find_recipe
from widgetshot.services.workspace import Workspace, free_ports

WHERE = "pyproject.toml: services"


def declared(root: Path, **table: object) -> ServiceDeclaration:
    (found,) = parse_declarations({"pages": table}, root, frozenset(builtin.NAMES), WHERE).values()
    return found


def test_placeholders_are_filled_with_what_the_instance_has(tmp_path: Path) -> None:
    declaration = declared(
        tmp_path,
        command="{python} -m http.server --directory {folder} {admin}",
        setup=["{python} -c \"open('{folder}/made', 'w').close()\""],
        ready={"http": "http://{host}:{port}/{{x}}"},
        ports=["main", "admin"],
        environment={"ROOT": "{root}"},
    )
    folder = tmp_path / "work"
    folder.mkdir()
    plan = find_recipe(declaration, "pages").plan(Workspace(folder, {"main": 7, "admin": 8}))
    (daemon,) = plan.daemons
    assert daemon.command == (sys.executable, "-m", "http.server", "--directory", str(folder), "8")
    assert daemon.ready == Ready(http="http://127.0.0.1:7/{x}")
    assert plan.url == "tcp://127.0.0.1:7"
    assert plan.environment == daemon.environment == {"ROOT": str(tmp_path)}
    assert (folder / "made").is_file()


@pytest.mark.parametrize(
    ("ready", "expected"),
    [({"tcp": 5432}, Ready(tcp=5432)), ({"command": ["{python}", "{port}"]}, Ready(command=(sys.executable, "7")))],
)
def test_ready_by_a_port_or_a_command(tmp_path: Path, ready: object, expected: Ready) -> None:
    declaration = declared(tmp_path, command="{python} x", ready=ready)
    (daemon,) = find_recipe(declaration, "pages").plan(Workspace(tmp_path, {"port": 7})).daemons
    assert daemon.ready == expected


def test_a_setup_that_fails_says_what_it_wrote(tmp_path: Path) -> None:
    declaration = declared(tmp_path, command="x", setup=[["{python}", "-c", "raise SystemExit('no room')"]])
    with pytest.raises(ServiceError) as error:
        find_recipe(declaration, "pages").plan(Workspace(tmp_path, {"port": 7}))
    assert isinstance(error.value.failure, CommandFailed)
    assert (error.value.failure.exit_code, error.value.failure.output) == (1, "no room")


def test_programs_are_required_with_the_command_that_installs_them(tmp_path: Path) -> None:
    declaration = declared(
        tmp_path,
        command="no-such-daemon {port}",
        setup=["sh -c true", "{python} x"],
        requires={"no-such-daemon": "pip install no-such", "no-such-tool": "apt-get install no-such-tool"},
    )
    recipe = find_recipe(declaration, "pages")
    assert [(one.name, one.install, one.met) for one in recipe.requirements] == [
        ("sh", "install sh", True),
        ("no-such-daemon", "pip install no-such", False),
        ("no-such-tool", "apt-get install no-such-tool", False),
    ]


def test_what_is_declared_of_a_built_in_service_leaves_its_recipe(tmp_path: Path) -> None:
    declaration = parse_declarations({"redis": {"timeout": 3}}, tmp_path, frozenset(builtin.NAMES), WHERE)["redis"]
    assert find_recipe(declaration, "redis") is builtin.load("redis")
    with pytest.raises(ConfigError, match="no built-in service 'reddis'; did you mean 'redis'"):
        find_recipe(None, "reddis")


def test_free_ports_differ() -> None:
    ports = free_ports(tuple("abcdefgh"))
    assert len(set(ports.values())) == 8
    assert all(1024 < port < 65536 for port in ports.values())
