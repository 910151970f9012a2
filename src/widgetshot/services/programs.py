"""The programs behind services: where they are, who runs them, and how missing ones are installed."""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec

# Debian keeps daemons where the PATH of a plain user does not look.
_SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin", "/usr/local/sbin"])


def find_program(name: str, folder: str = "") -> str | None:
    """Return the absolute path of a program, or None.

    Args:
        folder: looked in first, for what is installed off the PATH (`/usr/lib/postgresql/15/bin`).
    """
    return (shutil.which(name, path=folder) if folder else None) or shutil.which(name, path=_SEARCH_PATH)


def as_user(command: tuple[str, ...], user: str) -> tuple[str, ...]:
    """Return a command as another user runs it, if we are root; nobody else's rights can be had otherwise."""
    if not user or os.name != "posix" or os.getuid() != 0:
        return command
    setpriv = find_program("setpriv") or "setpriv"
    return (setpriv, "--reuid", user, "--regid", user, "--init-groups", *command)


@dataclass(frozen=True)
class Requirement:
    """A program or an importable Python module that a service needs, and the command that installs it.

    Attributes:
        module: True for a Python module.
        folder: where a program is looked for first.
    """

    name: str
    install: str
    module: bool = False
    folder: str = ""

    @property
    def met(self) -> bool:
        """True if it is there."""
        return find_spec(self.name) is not None if self.module else find_program(self.name, self.folder) is not None


def names(missing: Iterable[Requirement]) -> str:
    """Return what is missing, in words."""
    return " and ".join(one.name for one in missing)


def install_commands(missing: Iterable[Requirement]) -> str:
    """Return the commands that install what is missing, in one line."""
    return " && ".join(dict.fromkeys(one.install for one in missing))
