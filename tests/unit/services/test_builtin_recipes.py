"""Recipes of built-in services, as far as they need no program: what they write, and where they say they listen."""

from pathlib import Path

import pytest

from widgetshot.services import builtin
from widgetshot.services.endpoint import Endpoint
from widgetshot.services.recipe import Plan, Ready
from widgetshot.services.workspace import Workspace


def plan_of(name: str, folder: Path) -> Plan:
    recipe = builtin.load(name)
    return recipe.plan(Workspace(folder, {port: 7000 + n for n, port in enumerate(recipe.ports)}))


@pytest.mark.parametrize("name", builtin.NAMES)
def test_each_says_what_it_is_called_and_needs(name: str) -> None:
    recipe = builtin.load(name)
    assert recipe.name == name
    assert recipe.ports
    assert recipe.timeout > 0
    assert all(one.name and one.install for one in recipe.requirements)


def test_redis_listens_with_a_password_of_its_own(tmp_path: Path) -> None:
    plan = plan_of("redis", tmp_path)
    (daemon,) = plan.daemons
    password = plan.url.removeprefix("redis://default:").partition("@")[0]
    assert plan.url == f"redis://default:{password}@127.0.0.1:7000/0"
    written = (tmp_path / "redis.conf").read_text().splitlines()
    assert {"bind 127.0.0.1", "port 7000", f"requirepass {password}", f"dir {tmp_path}"} <= set(written)
    assert daemon.ready == Ready(tcp=7000)
    assert daemon.command[-1] == str(tmp_path / "redis.conf")


def test_clickhouse_listens_on_both_of_its_ports(tmp_path: Path) -> None:
    plan = plan_of("clickhouse", tmp_path)
    (daemon,) = plan.daemons
    written = (tmp_path / "config.xml").read_text()
    assert "<http_port>7000</http_port>" in written
    assert "<tcp_port>7001</tcp_port>" in written
    assert daemon.ready == Ready(http="http://127.0.0.1:7000/ping")
    password = plan.environment["WIDGETSHOT_SERVICE_CLICKHOUSE_PASSWORD"]
    assert f"<password>{password}</password>" in (tmp_path / "users.xml").read_text()
    assert plan.environment["WIDGETSHOT_SERVICE_CLICKHOUSE_NATIVE_PORT"] == "7001"


def test_the_stores_of_s3_have_ports_of_their_own(tmp_path: Path) -> None:
    plan = plan_of("s3", tmp_path)
    ports = {name: (tmp_path / f"{name}.conf").read_text() for name in ("proxy", "account", "container", "object")}
    assert [f"bind_port = {7000 + n}" in written for n, written in enumerate(ports.values())] == [True] * 4
    assert plan.environment["AWS_ENDPOINT_URL_S3"] == plan.url == "http://127.0.0.1:7000"


def test_a_part_of_the_websocket_server_is_a_path() -> None:
    endpoint = Endpoint("websocket", "ws://127.0.0.1:7000/", {"A": "b"})
    with builtin.load("websocket").isolate(endpoint, "t_mine") as part:
        assert part == Endpoint("websocket", "ws://127.0.0.1:7000/t_mine", {"A": "b"})
    assert part.variables == {"WIDGETSHOT_SERVICE_WEBSOCKET_URL": "ws://127.0.0.1:7000/t_mine", "A": "b"}
