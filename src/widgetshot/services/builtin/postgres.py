"""PostgreSQL, reached over TCP with a password; durability is off, since its data ends with the run."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from signal import SIGINT
from urllib.parse import unquote, urlsplit

from widgetshot.errors import ServerError
from widgetshot.services.endpoint import Endpoint
from widgetshot.services.programs import Requirement, find_program
from widgetshot.services.recipe import Daemon, Plan, Ready
from widgetshot.services.workspace import HOST, Workspace

_USER = "widgetshot"
_INSTALL = "apt-get install -y --no-install-recommends postgresql"


def _programs() -> str:
    """Debian's folder of the newest version's programs, which are not on the PATH; or nothing."""
    folders = Path("/usr/lib/postgresql").glob("*/bin")
    return str(max(folders, key=lambda folder: float(folder.parent.name), default=""))


_FOLDER = _programs()


@dataclass(frozen=True)
class Postgres:
    """The recipe of a PostgreSQL server. Satisfies `Recipe`."""

    name: str = "postgres"
    ports: tuple[str, ...] = ("main",)
    requirements: tuple[Requirement, ...] = tuple(
        Requirement(program, _INSTALL, folder=_FOLDER) for program in ("initdb", "postgres", "psql")
    )
    timeout: float = 30

    def plan(self, workspace: Workspace) -> Plan:
        """Write the configuration, and return what is to be started, see `Recipe.plan`."""
        user = "postgres"  # it refuses to run as root
        data, password = workspace.folder / "data", secrets.token_hex(16)
        data.mkdir()
        secret = workspace.folder / "password"
        secret.write_text(password)
        if os.getuid() == 0:
            for path in (workspace.folder, data, secret):
                shutil.chown(path, user, user)
        workspace.run(
            find_program("initdb", _FOLDER) or "initdb",
            f"--pgdata={data}",
            f"--username={_USER}",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "--no-instructions",
            user=user,
        )
        settings = {
            "listen_addresses": HOST,
            "port": workspace.port,
            "unix_socket_directories": "",
            # Shared memory that the folder's removal takes along, even after a SIGKILL.
            "dynamic_shared_memory_type": "mmap",
            "shared_buffers": "16MB",
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
            "timezone": "UTC",
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        command = (find_program("postgres", _FOLDER) or "postgres", "-D", str(data), *options)
        # A port that accepts is not yet a database that does.
        ready = Ready(
            command=(find_program("pg_isready", _FOLDER) or "pg_isready", "-h", HOST, "-p", str(workspace.port))
        )
        # SIGTERM would wait until the last client has gone.
        daemon = Daemon("postgres", command, ready, user=user, stop_signal=SIGINT)
        url = f"postgresql://{_USER}:{password}@{HOST}:{workspace.port}/postgres"
        return Plan((daemon,), url, _libpq(url))

    @contextmanager
    def isolate(self, endpoint: Endpoint, name: str) -> Iterator[Endpoint]:
        """Make a database of this name."""
        _psql(endpoint.url, f'CREATE DATABASE "{name}"')
        try:
            url = urlsplit(endpoint.url)._replace(path=f"/{name}").geturl()
            yield replace(endpoint, url=url, environment={**endpoint.environment, **_libpq(url)})
        finally:
            _psql(endpoint.url, f'DROP DATABASE "{name}" WITH (FORCE)')


def _libpq(url: str) -> dict[str, str]:
    """Return the variables from which every client over libpq learns where its server is."""
    parts = urlsplit(url)
    return {
        "PGHOST": parts.hostname or HOST,
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.lstrip("/")) or "postgres",
    }


def _psql(url: str, statement: str) -> None:
    psql = find_program("psql", _FOLDER) or "psql"
    # Not the URL: command lines are public.
    done = subprocess.run(
        [psql, "-X", "-q", "-c", statement], env=_libpq(url), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ServerError(f"'{statement}' failed: {done.stderr.strip()}")


RECIPE = Postgres()
