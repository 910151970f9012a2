"""OpenSSH on the loopback, for whoever runs the tests, with host and client keys of its own."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from widgetshot.errors import ServerError
from widgetshot.services.endpoint import Endpoint
from widgetshot.services.programs import Requirement, find_program
from widgetshot.services.recipe import Daemon, Plan, Ready
from widgetshot.services.workspace import HOST, Workspace

_INSTALL = "apt-get install -y --no-install-recommends openssh-server openssh-client"
# The default key exchange withstands quantum computers, and takes half a second of each login.
_CONFIG = """\
ListenAddress {host}:{port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/client_key.pub
AllowUsers {user}
KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PidFile none
PrintMotd no
Subsystem sftp internal-sftp -d {home}
SetEnv HOME={home} PATH="{path}"
"""
_CLIENT = """\
Host sshd {host}
  HostName {host}
  Port {port}
  User {user}
  IdentityFile {folder}/client_key
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known_hosts
"""


@dataclass(frozen=True)
class Sshd:
    """The recipe of an OpenSSH server. Satisfies `Recipe`."""

    name: str = "sshd"
    ports: tuple[str, ...] = ("main",)
    requirements: tuple[Requirement, ...] = tuple(
        Requirement(program, _INSTALL) for program in ("sshd", "ssh-keygen", "ssh")
    )
    timeout: float = 10

    def plan(self, workspace: Workspace) -> Plan:
        """Write the configuration, and return what is to be started, see `Recipe.plan`."""
        folder, user = workspace.folder, psutil.Process().username()
        home = folder / "home"
        home.mkdir()
        keygen = find_program("ssh-keygen") or "ssh-keygen"
        for key in ("host_key", "client_key"):
            workspace.run(keygen, "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", str(folder / key))
        # Commands of a login find the Python that runs the tests first.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        words = {"host": HOST, "port": workspace.port, "folder": folder, "user": user, "home": home, "path": path}
        (folder / "sshd_config").write_text(_CONFIG.format(**words))
        (folder / "ssh_config").write_text(_CLIENT.format(**words))
        kind, key = (folder / "host_key.pub").read_text().split()[:2]
        (folder / "known_hosts").write_text(f"[{HOST}]:{workspace.port} {kind} {key}\n")
        if os.getuid() == 0:
            # Compiled in, and made at boot on machines that run it: where sshd locks itself in before a login.
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        # It starts itself anew for each connection, and therefore insists on an absolute path.
        command = (find_program("sshd") or "sshd", "-D", "-e", "-f", str(folder / "sshd_config"))
        environment = {
            "WIDGETSHOT_SERVICE_SSHD_USER": user,
            "WIDGETSHOT_SERVICE_SSHD_PORT": str(workspace.port),
            "WIDGETSHOT_SERVICE_SSHD_KEY": str(folder / "client_key"),
            "WIDGETSHOT_SERVICE_SSHD_KNOWN_HOSTS": str(folder / "known_hosts"),
            "WIDGETSHOT_SERVICE_SSHD_CONFIG": str(folder / "ssh_config"),
            "WIDGETSHOT_SERVICE_SSHD_FOLDER": str(home),
        }
        daemon = Daemon("sshd", command, Ready(tcp=workspace.port))
        return Plan((daemon,), f"ssh://{user}@{HOST}:{workspace.port}", environment)

    @contextmanager
    def isolate(self, endpoint: Endpoint, name: str) -> Iterator[Endpoint]:
        """Make a folder below the login's home, as `WIDGETSHOT_SERVICE_SSHD_FOLDER`."""
        folder = _login(endpoint, f"mkdir {name} && cd {name} && pwd").strip()
        try:
            own = {"WIDGETSHOT_SERVICE_SSHD_FOLDER": folder}
            yield replace(endpoint, environment={**endpoint.environment, **own})
        finally:
            _login(endpoint, f"rm -rf {shlex.quote(folder)}")


def _login(endpoint: Endpoint, command: str) -> str:
    ssh, config = find_program("ssh") or "ssh", endpoint.environment.get("WIDGETSHOT_SERVICE_SSHD_CONFIG")
    options = ["-F", config] if config else []
    # A login starts in the home that the user database knows.
    done = subprocess.run(
        [ssh, "-o", "BatchMode=yes", *options, endpoint.url, f"cd && {command}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ServerError(f"'{command}' at {endpoint.url} failed: {done.stderr.strip()}")
    return done.stdout


RECIPE = Sshd()
