"""The end of programs that start anew wherever some of them ends. Both processors are theirs meanwhile."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from projects import wait_until

# With 40 the kill is over before any of them has forked, whether or not they are stopped first.
_LIVES = 150
# Each of it forks wherever one is missing. A process's life is a lock on a file: its death gives it back.
_HYDRA = """
import fcntl, os, sys

folder, lives = sys.argv[1], int(sys.argv[2])
while True:
    for number in range(lives):
        slot = os.open(f"{folder}/{number}", os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(slot)
            continue
        if os.fork():
            os.close(slot)
"""
# Both ends: that of a headless server, and that of a kernel's keeper, which has the standard library alone.
_ENDS = {
    "server": "from widgetshot.server.processes import adopt_orphans as adopt, end_descendants as end",
    "keeper": "from widgetshot.server.zygote import adopt_orphans as adopt, end_all as end",
}
_KEEPER = """
import subprocess, sys
{load}
adopt()
subprocess.Popen([sys.executable, "-c", *sys.argv[1:]])
input()
end()
"""


def alive(folder: Path) -> int:
    """Return how many lives are taken."""
    count = 0
    for file in folder.iterdir():
        slot = os.open(file, os.O_RDWR)
        try:
            fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            count += 1
        finally:
            os.close(slot)
    return count


@pytest.mark.expensive
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process adopts no orphans")
@pytest.mark.parametrize("who", _ENDS)
def test_what_starts_anew_wherever_some_of_it_ends_is_ended(who: str, tmp_path: Path) -> None:
    code = _KEEPER.format(load=_ENDS[who])
    keeper = subprocess.Popen(
        [sys.executable, "-c", code, _HYDRA, str(tmp_path), str(_LIVES)], stdin=subprocess.PIPE, text=True
    )
    try:
        wait_until(lambda: alive(tmp_path) == _LIVES)
        keeper.communicate("\n", timeout=30)
        left = alive(tmp_path)
    finally:
        keeper.kill()
        keeper.wait()
        while mine := [one for one in psutil.process_iter(["cmdline"]) if str(tmp_path) in (one.info["cmdline"] or ())]:
            for sent in (signal.SIGSTOP, signal.SIGKILL):
                for one in mine:
                    with contextlib.suppress(psutil.Error):
                        one.send_signal(sent)
            psutil.wait_procs(mine)
    assert (keeper.returncode, left) == (0, 0)
