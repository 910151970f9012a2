"""The services that need no declaration: each module has its `RECIPE`, and is named as the service is."""

import os
import pkgutil
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module, invalidate_caches
from pathlib import Path
from typing import cast

from widgetshot.errors import ConfigError, ServerError, nearest
from widgetshot.services.recipe import Recipe, Requirement, find_program

NAMES = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))
_POLICY = Path("/usr/sbin/policy-rc.d")  # asked by Debian's packages before they start a daemon


def load(name: str) -> Recipe:
    """The recipe of a built-in service.

    Raises:
        ConfigError: there is no such service.
    """
    if name not in NAMES:
        raise ConfigError(f"no built-in service '{name}'{nearest(name, NAMES)}")
    return cast(Recipe, import_module(f"{__name__}.{name}").RECIPE)


def missing(names: Iterable[str] = NAMES) -> list[Requirement]:
    """What the services lack on this machine, each program or module once."""
    found = {need.name: need for name in names for need in load(name).requirements if not need.met}
    return list(found.values())


def install_missing(names: Iterable[str] = NAMES) -> None:
    """Run the command that installs it for each program or module that is missing.

    No daemon is left running by a Debian package.

    Raises:
        ServerError: a command failed, or what it installs is not there after it.
    """
    names = tuple(names)
    commands = dict.fromkeys(need.install for need in missing(names))
    if any(command.startswith("apt-get ") for command in commands):
        commands = {"apt-get update": None} | commands
    with _no_autostart():
        for command in commands:
            done = subprocess.run(_argv(command), check=False, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"})
            if done.returncode:
                raise ServerError(f"'{command}' ended with exit code {done.returncode}", next_step=command)
    invalidate_caches()
    if left := missing(names):
        raise ServerError(
            f"still missing: {', '.join(need.name for need in left)}",
            next_step="; ".join(dict.fromkeys(need.install for need in left)),
        )


def _argv(command: str) -> list[str]:
    program, *rest = shlex.split(command)
    if program == "pip":
        return [sys.executable, "-m", "pip", *rest]
    if program == "apt-get" and os.getuid() != 0 and (sudo := find_program("sudo")):
        # sudo drops the environment.
        return [sudo, "env", "DEBIAN_FRONTEND=noninteractive", program, *rest]
    return [program, *rest]


@contextmanager
def _no_autostart() -> Iterator[None]:
    """A Debian package starts its daemon once it is installed, unless this file forbids it; an existing one rules."""
    if sys.platform != "linux" or os.getuid() != 0 or _POLICY.exists() or find_program("apt-get") is None:
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()
