"""ClickHouse with a password, over HTTP and its native protocol."""

import secrets
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from widgetshot.errors import ServerError
from widgetshot.services.endpoint import Endpoint
from widgetshot.services.programs import Requirement, find_program
from widgetshot.services.recipe import Daemon, Plan, Ready
from widgetshot.services.workspace import HOST, Workspace

_USER = "widgetshot"
_INSTALL = "apt-get install -y --no-install-recommends clickhouse-server"
_CONFIG = """\
<yandex>
  <logger><level>information</level><console>true</console></logger>
  <listen_host>{host}</listen_host>
  <http_port>{http}</http_port>
  <tcp_port>{native}</tcp_port>
  <path>{folder}/data/</path>
  <tmp_path>{folder}/tmp/</tmp_path>
  <user_files_path>{folder}/files/</user_files_path>
  <format_schema_path>{folder}/schemas/</format_schema_path>
  <users_config>{folder}/users.xml</users_config>
  <default_profile>default</default_profile>
  <default_database>default</default_database>
  <mark_cache_size>16777216</mark_cache_size>
  <timezone>UTC</timezone>
</yandex>
"""
_USERS = """\
<yandex>
  <profiles><default></default></profiles>
  <quotas><default></default></quotas>
  <users>
    <{user}>
      <password>{password}</password>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
    </{user}>
  </users>
</yandex>
"""


@dataclass(frozen=True)
class Clickhouse:
    """The recipe of a ClickHouse server. Satisfies `Recipe`."""

    name: str = "clickhouse"
    ports: tuple[str, ...] = ("http", "native")
    requirements: tuple[Requirement, ...] = (Requirement("clickhouse-server", _INSTALL),)
    timeout: float = 30

    def plan(self, workspace: Workspace) -> Plan:
        """Write the configuration, and return what is to be started, see `Recipe.plan`."""
        folder, password = workspace.folder, secrets.token_hex(16)
        (folder / "config.xml").write_text(_CONFIG.format(host=HOST, folder=folder, **workspace.ports))
        (folder / "users.xml").write_text(_USERS.format(user=_USER, password=password))
        for name in ("data", "tmp", "files", "schemas"):
            (folder / name).mkdir()
        program = find_program("clickhouse-server") or "clickhouse-server"
        command = (program, f"--config-file={folder / 'config.xml'}")
        ready = Ready(http=f"http://{HOST}:{workspace.port}/ping")
        url = f"http://{_USER}:{password}@{HOST}:{workspace.port}/?database=default"
        environment = {
            "WIDGETSHOT_SERVICE_CLICKHOUSE_USER": _USER,
            "WIDGETSHOT_SERVICE_CLICKHOUSE_PASSWORD": password,
            "WIDGETSHOT_SERVICE_CLICKHOUSE_DATABASE": "default",
            "WIDGETSHOT_SERVICE_CLICKHOUSE_NATIVE_PORT": str(workspace.ports["native"]),
        }
        return Plan((Daemon("clickhouse", command, ready),), url, environment)

    @contextmanager
    def isolate(self, endpoint: Endpoint, name: str) -> Iterator[Endpoint]:
        """Make a database of this name, which the URL names as `database`."""
        _query(endpoint.url, f"CREATE DATABASE {name}")
        try:
            parts = urlsplit(endpoint.url)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()} | {"database": name}
            own = {"WIDGETSHOT_SERVICE_CLICKHOUSE_DATABASE": name}
            yield replace(
                endpoint,
                url=parts._replace(query=urlencode(query)).geturl(),
                environment={**endpoint.environment, **own},
            )
        finally:
            _query(endpoint.url, f"DROP DATABASE {name}")


def _query(url: str, statement: str) -> None:
    parts = urlsplit(url)
    login = b64encode(f"{unquote(parts.username or '')}:{unquote(parts.password or '')}".encode()).decode()
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    request = urllib.request.Request(bare, statement.encode(), {"Authorization": f"Basic {login}"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()
    except OSError as error:
        reason = error.read().decode(errors="replace").strip() if isinstance(error, urllib.error.HTTPError) else error
        raise ServerError(f"'{statement}' failed: {reason}") from error


RECIPE = Clickhouse()
