"""Installs what services need, by the commands that their requirements name."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import invalidate_caches
from pathlib import Path

from widgetshot.errors import ServerError
from widgetshot.services.programs import Requirement, find_program

_DEBIAN_POLICY = Path("/usr/sbin/policy-rc.d")  # asked by Debian's packages before they start a daemon


def install(missing: Iterable[Requirement]) -> None:
    """Run the command that installs it for each program or module that is missing.

    As root, no daemon is left running by a Debian package.

    Raises:
        ServerError: a command failed, or what it installs is not there after it.
    """
    missing = tuple(missing)
    commands = dict.fromkeys(need.install for need in missing)
    if any(command.startswith("apt-get ") for command in commands):
        commands = {"apt-get update": None} | commands
    with _no_autostart():
        for command in commands:
            # Standard output may be a document for machines.
            done = subprocess.run(
                _argv(command),
                check=False,
                stdout=sys.stderr.fileno(),
                env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            )
            if done.returncode:
                raise ServerError(f"'{command}' ended with exit code {done.returncode}", next_step=command)
    invalidate_caches()
    if left := [need for need in missing if not need.met]:
        raise ServerError(
            f"still missing: {', '.join(need.name for need in left)}",
            next_step="; ".join(dict.fromkeys(need.install for need in left)),
        )


def _argv(command: str) -> list[str]:
    program, *rest = shlex.split(command)
    if program == "pip":
        return [sys.executable, "-m", "pip", *rest]
    if program == "apt-get" and os.name == "posix" and os.getuid() != 0 and (sudo := find_program("sudo")):
        # sudo drops the environment.
        return [sudo, "env", "DEBIAN_FRONTEND=noninteractive", program, *rest]
    return [program, *rest]


@contextmanager
def _no_autostart() -> Iterator[None]:
    """Forbid Debian packages to start their daemons when they are installed; a policy that exists already stays."""
    if sys.platform != "linux" or os.getuid() != 0 or _DEBIAN_POLICY.exists() or find_program("apt-get") is None:
        yield
        return
    _DEBIAN_POLICY.write_text("#!/bin/sh\nexit 101\n")
    _DEBIAN_POLICY.chmod(0o755)
    try:
        yield
    finally:
        _DEBIAN_POLICY.unlink()
