"""Processes that a notebook starts end with its kernel, however the kernel ends."""

import atexit
import subprocess
import sys

# Should the kernel be killed, the closed pipe tells the watcher to end the others.
_WATCHER = """
import os, signal, sys
sys.stdin.read()
for pid in map(int, sys.argv[1:]):
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        pass
"""
_watchers = []


def ends_with_kernel(*pids):
    """Let these processes get SIGTERM when this kernel ends, also when it is killed."""
    _watchers.append(
        subprocess.Popen(
            [sys.executable, "-I", "-c", _WATCHER, *map(str, pids)], stdin=subprocess.PIPE, start_new_session=True
        )
    )


@atexit.register
def _end():
    for watcher in _watchers:
        watcher.stdin.close()
        watcher.wait(10)
