"""Commands under a limit on processes, which also holds where the tests run as root."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

# A run takes some 130 threads on two processors, which a limit on processes counts, too.
_RUN = 160
_RUN_PER_PROCESSOR = 8
# Root is above such a limit, and who is not root may not read root's interpreter: somebody who may read all files, but
# has no other right. None of them is the user of anything else.
_RIGHTS = "-all,+dac_override,+dac_read_search"
_FIRST_UID = 61_000
# The beginning of a program that takes all processes that it may have, or so many, and gives them back.
TAKE_ALL = """
import os

def take_all(most=10**9):
    ready, go = os.pipe()
    children = []
    while len(children) < most:
        try:
            child = os.fork()
        except BlockingIOError:
            break
        if not child:
            os.close(go)
            os.read(ready, 1)
            os._exit(0)
        children.append(child)
    os.close(ready)
    return go, children

def give_back(go, children):
    os.close(go)
    for child in children:
        os.waitpid(child, 0)
"""
# Says how many processes it could have, at most so many as it is told.
_PROBE = f"""{TAKE_ALL}
import sys
taken = take_all(int(sys.argv[1]))
give_back(*taken)
print(len(taken[1]))
"""


@dataclass(frozen=True)
class FewProcesses:
    """A limit on processes.

    Attributes:
        uid: whose processes it is about.
        prefix: words before a command that runs under it.
    """

    uid: int
    prefix: tuple[str, ...]

    def give(self, folder: Path) -> None:
        """Let a folder, and all in it, belong to who runs the commands."""
        for path in (folder, *folder.rglob("*")):
            os.chown(path, self.uid, -1)

    def running(self) -> list[str]:
        """The command lines of what runs under it; where it is about the user of the tests, of nothing."""
        return [] if self.uid == os.getuid() else _of_user(self.uid)


def few_processes(spare: int) -> FewProcesses:
    """A limit of so many processes more than a run needs; skips the test where none can be set that holds."""
    if not sys.platform.startswith("linux"):
        pytest.skip("setpriv and prlimit, which set a limit on processes, are on Linux only")
    if missing := [name for name in ("setpriv", "prlimit") if shutil.which(name) is None]:
        pytest.skip(f"{' and '.join(missing)} of util-linux is not installed")
    uid, number = os.getuid(), _RUN + _RUN_PER_PROCESSOR * (os.cpu_count() or 1) + spare
    words: tuple[str, ...] = ()
    if uid == 0:
        uid = next(uid for uid in range(_FIRST_UID + os.getpid() % 1000, 65_000) if not _of_user(uid))
        rights = (f"--inh-caps={_RIGHTS}", f"--ambient-caps={_RIGHTS}", f"--bounding-set={_RIGHTS}")
        words = ("setpriv", f"--reuid={uid}", "--regid=65534", "--clear-groups", *rights)
    else:
        number += _threads_of_user(uid)
    limit = FewProcesses(uid, (*words, "prlimit", f"--nproc={number}:{number}"))
    # Nothing may fork without end before it is seen that this has an end.
    probe = subprocess.run(
        [*limit.prefix, sys.executable, "-S", "-c", _PROBE, str(number + 50)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if probe.returncode:
        pytest.skip(f"no limit on processes can be set: {probe.stderr.strip()}")
    if int(probe.stdout) > number:
        pytest.skip("a limit on processes does not hold for this user (CAP_SYS_RESOURCE or CAP_SYS_ADMIN)")
    return limit


def _of_user(uid: int) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.uids().real == uid and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def _threads_of_user(uid: int) -> int:
    found = 0
    for process in psutil.process_iter():
        try:
            if process.uids().real == uid:
                found += process.num_threads()
        except psutil.Error:
            continue
    return found
