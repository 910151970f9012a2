"""Redis with a password; what was written survives a stop, but not the run."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from urllib.parse import unquote, urlsplit

from widgetshot.errors import ServerError
from widgetshot.services.endpoint import Endpoint
from widgetshot.services.programs import Requirement, find_program
from widgetshot.services.recipe import Daemon, Plan, Ready
from widgetshot.services.workspace import HOST, Workspace

_INSTALL = "apt-get install -y --no-install-recommends redis-server redis-tools"
_CONFIG = """\
bind {host}
port {port}
dir {folder}
requirepass {password}
daemonize no
save ""
appendonly yes
"""


@dataclass(frozen=True)
class Redis:
    """The recipe of a Redis server. Satisfies `Recipe`."""

    name: str = "redis"
    ports: tuple[str, ...] = ("main",)
    requirements: tuple[Requirement, ...] = tuple(
        Requirement(program, _INSTALL) for program in ("redis-server", "redis-cli")
    )
    timeout: float = 10

    def plan(self, workspace: Workspace) -> Plan:
        """Write the configuration, and return what is to be started, see `Recipe.plan`."""
        password = secrets.token_hex(16)
        config = workspace.folder / "redis.conf"
        config.write_text(_CONFIG.format(host=HOST, port=workspace.port, folder=workspace.folder, password=password))
        command = (find_program("redis-server") or "redis-server", str(config))
        url = f"redis://default:{password}@{HOST}:{workspace.port}/0"
        prefix = {"WIDGETSHOT_SERVICE_REDIS_PREFIX": ""}
        return Plan((Daemon("redis", command, Ready(tcp=workspace.port)),), url, prefix)

    @contextmanager
    def isolate(self, endpoint: Endpoint, name: str) -> Iterator[Endpoint]:
        """Give a prefix of keys, as `WIDGETSHOT_SERVICE_REDIS_PREFIX`; its keys are deleted at the end."""
        prefix = f"{name}:"
        try:
            own = {"WIDGETSHOT_SERVICE_REDIS_PREFIX": prefix}
            yield replace(endpoint, environment={**endpoint.environment, **own})
        finally:
            if keys := _redis(endpoint.url, "--scan", "--pattern", f"{prefix}*").splitlines():
                _redis(endpoint.url, "unlink", *keys)


def _redis(url: str, *arguments: str) -> str:
    parts = urlsplit(url)
    command = [find_program("redis-cli") or "redis-cli", "-e", "-h", parts.hostname or HOST]
    command += ["-p", str(parts.port or 6379), "-n", parts.path.lstrip("/") or "0"]
    command += ["--user", unquote(parts.username)] if parts.username else []
    # Not on the command line, which is public.
    environment = os.environ | ({"REDISCLI_AUTH": unquote(parts.password)} if parts.password else {})
    done = subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServerError(f"'redis-cli {arguments[0]}' failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


RECIPE = Redis()
