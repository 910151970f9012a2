"""SLURM on one node, run by whoever runs the tests.

Its daemons bind either to all addresses or to that which the machine's own name resolves to; no setting names another.
So where that is not 127.0.0.1, root gives the daemons an `/etc/hosts` of their own.
"""

import os
import secrets
import shlex
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from widgetshot.errors import ServerError
from widgetshot.services.endpoint import Endpoint
from widgetshot.services.programs import Requirement, find_program
from widgetshot.services.recipe import Daemon, Plan, Ready
from widgetshot.services.workspace import HOST, Workspace

_INSTALL = "apt-get install -y --no-install-recommends munge slurmctld slurmd slurm-client"
_NODE = "node1"
_SHELL = find_program("sh") or "/bin/sh"
# What the node says of itself is the same on every machine, and so is what `sinfo` shows.
_CONFIG = """\
ClusterName=widgetshot
SlurmctldHost={host_name}({host})
SlurmctldPort={controller}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=10
KillWait=2
MessageTimeout=10
NodeName={node} NodeHostname={host_name} NodeAddr={host} CPUs=4 RealMemory=8192 State=UNKNOWN
PartitionName=main Nodes={node} Default=YES MaxTime=INFINITE State=UP
"""
_CGROUP = """\
CgroupPlugin=cgroup/v1
CgroupAutomount=no
"""


@dataclass(frozen=True)
class Slurm:
    """The recipe of a SLURM cluster of one node. Satisfies `Recipe`."""

    name: str = "slurm"
    ports: tuple[str, ...] = ("controller", "node")
    requirements: tuple[Requirement, ...] = tuple(
        Requirement(program, _INSTALL) for program in ("munged", "slurmctld", "slurmd", "sbatch")
    )
    timeout: float = 30

    def plan(self, workspace: Workspace) -> Plan:
        """Write the configuration, and return what is to be started, see `Recipe.plan`."""
        folder, config = workspace.folder, workspace.folder / "slurm.conf"
        host_name = socket.gethostname().partition(".")[0]
        host, wrapper = _where(workspace)
        key = folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        for name in ("state", "spool"):
            (folder / name).mkdir()
        config.write_text(
            _CONFIG.format(
                host=host,
                host_name=host_name,
                controller=workspace.ports["controller"],
                node_port=workspace.ports["node"],
                user=psutil.Process().username(),
                folder=folder,
                node=_NODE,
            )
        )
        (folder / "cgroup.conf").write_text(_CGROUP)
        environment = {"SLURM_CONF": str(config)}
        munged = (
            find_program("munged") or "munged",
            "--foreground",
            "--force",  # takes warnings for warnings: the folder is private, where a system's socket is for all
            f"--key-file={key}",
            f"--socket={folder / 'munge.socket'}",
            f"--pid-file={folder / 'munged.pid'}",
            f"--log-file={folder / 'munge.log'}",
            f"--seed-file={folder / 'munge.seed'}",
            f"--origin={HOST}",
            "--num-threads=2",
        )
        socket_option = f"--socket={folder / 'munge.socket'}"
        daemons = (
            Daemon("munged", munged, Ready(command=(find_program("munge") or "munge", socket_option, "--no-input"))),
            Daemon(
                "slurmctld",
                (*wrapper, find_program("slurmctld") or "slurmctld", "-D", "-f", str(config)),
                Ready(command=(find_program("scontrol") or "scontrol", "ping")),
                environment,
            ),
            Daemon(
                "slurmd",
                (*wrapper, find_program("slurmd") or "slurmd", "-D", "-N", _NODE, "-f", str(config)),
                # The node has registered, and takes jobs.
                Ready(command=(_SHELL, "-c", "sinfo --noheader --states=idle,alloc,mix --format=%n | grep -q .")),
                environment,
            ),
        )
        return Plan(daemons, f"slurm://{host}:{workspace.port}", environment)

    @contextmanager
    def isolate(self, endpoint: Endpoint, name: str) -> Iterator[Endpoint]:
        """Make a working folder, as `WIDGETSHOT_SERVICE_SLURM_FOLDER`; jobs that are in it are cancelled at the end."""
        with tempfile.TemporaryDirectory(prefix=f"{name}-", ignore_cleanup_errors=True) as folder:
            try:
                own = {"WIDGETSHOT_SERVICE_SLURM_FOLDER": folder}
                yield replace(endpoint, environment={**endpoint.environment, **own})
            finally:
                listed = _slurm(endpoint, "squeue", "--noheader", "--format=%A %Z").splitlines()
                jobs = [job for job, _, at in (line.partition(" ") for line in listed) if _within(at, folder)]
                if jobs:
                    _slurm(endpoint, "scancel", *jobs)


def _where(workspace: Workspace) -> tuple[str, tuple[str, ...]]:
    """Return the address that the daemons bind to, and the command that runs them so that they do.

    Raises:
        ServerError: it would be outside the loopback.
    """
    address = ""
    with suppress(OSError):
        address = socket.gethostbyname(socket.gethostname())
    if address == HOST:
        return HOST, ()
    try:
        return HOST, _private_hosts(workspace)
    except ServerError:
        # Debian's 127.0.1.1: jobs run, only `srun` is not found by the node, which calls back 127.0.0.1.
        if address.startswith("127."):
            return address, ()
        raise


def _private_hosts(workspace: Workspace) -> tuple[str, ...]:
    """Return a command that runs another where the machine's name is an address of the loopback.

    Raises:
        ServerError: we have no right to do so.
    """
    name = socket.gethostname()
    hosts = workspace.folder / "hosts"
    hosts.write_text(f"{HOST} localhost {name} {name.partition('.')[0]}\n")
    script = f'mount --bind {shlex.quote(str(hosts))} /etc/hosts && exec "$@"'
    wrapper = (find_program("unshare") or "unshare", "--mount", _SHELL, "-c", script, "sh")
    try:
        workspace.run(*wrapper, find_program("true") or "true")
    except (ServerError, OSError) as error:
        raise ServerError(
            f"SLURM would listen outside the loopback: '{name}', this machine's name, does not resolve to 127.0.0.1",
            next_step=f"echo {shlex.quote(f'{HOST} {name}')} | sudo tee -a /etc/hosts",
        ) from error
    return wrapper


def _within(path: str, folder: str) -> bool:
    return Path(path.strip()).resolve().is_relative_to(Path(folder).resolve())


def _slurm(endpoint: Endpoint, program: str, *arguments: str) -> str:
    environment = os.environ | dict(endpoint.environment)
    command = [find_program(program) or program, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServerError(f"'{program} {' '.join(arguments)}' failed: {done.stderr.strip()}")
    return done.stdout


RECIPE = Slurm()
