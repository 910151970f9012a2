"""The workspace of one instance of a service: a private folder and free ports."""

import contextlib
import os
import secrets
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from widgetshot.services.failures import CommandFailed, ServiceError, tail
from widgetshot.services.programs import as_user

HOST = "127.0.0.1"
_MAX_BASE_BYTES = 60  # Unix sockets' paths end at 103 bytes, and daemons add theirs
_PORTS = range(20000, 32000)
_MAX_PORT_TRIES = 100


@dataclass(frozen=True)
class Workspace:
    """The folder and the ports of one instance of a service.

    Attributes:
        folder: private (0700), empty, with a short name, because Unix sockets' paths are; removed at the end.
        ports: of each name that the recipe asked for, a free TCP port of the loopback.
    """

    folder: Path
    ports: Mapping[str, int]

    @property
    def port(self) -> int:
        """The first port."""
        return next(iter(self.ports.values()))

    def run(self, *command: str, user: str = "", environment: Mapping[str, str] | None = None, stdin: str = "") -> str:
        """Run a program to its end in the folder, and return what it wrote to standard output.

        Args:
            user: who runs it when we are root; nobody else's rights can be had otherwise.

        Raises:
            ServiceError: it failed; the end of what it wrote is in the message.
        """
        done = subprocess.run(
            as_user(command, user),
            cwd=self.folder,
            env=os.environ | dict(environment or {}),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ServiceError(CommandFailed(" ".join(command), done.returncode, tail(done.stdout + done.stderr)))
        return done.stdout


def make_folder() -> Path:
    """Make a folder whose name is short."""
    base = tempfile.gettempdir()
    if os.name == "posix" and len(os.fsencode(base)) > _MAX_BASE_BYTES:
        base = "/tmp"
    folder = Path(tempfile.mkdtemp(prefix="ws-", dir=base))
    # Daemons of other users must get through to what is theirs inside.
    folder.chmod(0o711)
    return folder


def free_ports(names: tuple[str, ...]) -> dict[str, int]:
    """Return a free TCP port of the loopback for each name.

    They are looked for outside of the range that connections take theirs from where there is room, so that nobody gets
    one between now and the daemon's start.
    """
    ports: dict[str, int] = {}
    for name in names:
        for _ in range(_MAX_PORT_TRIES):
            port = _PORTS[secrets.randbelow(len(_PORTS))]
            with socket.socket() as probe, contextlib.suppress(OSError):
                probe.bind((HOST, port))
                if port not in ports.values():
                    ports[name] = port
                    break
        else:
            with socket.socket() as probe:
                probe.bind((HOST, 0))
                ports[name] = int(probe.getsockname()[1])
    return ports
