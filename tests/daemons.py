"""Daemons that a notebook starts, which do what they can to get away from it."""

import secrets

import psutil

DAEMONS = """#| shot: s
import os, subprocess
if not os.fork():
    os.setsid()
    if not os.fork():
        os.chdir("/")
        os.execve("/bin/sleep", ["sleep", "{seconds}.1"], {{}})
    os._exit(0)
os.wait()
silent = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
subprocess.Popen(["env", "-i", "setsid", "sleep", "{seconds}.2"], cwd="/", **silent)
subprocess.run("(env -i setsid sleep {seconds}.3 &)", shell=True, cwd="/")
subprocess.Popen(["sleep", "{seconds}.4"], **silent)
print("started")
"""


def daemons(seconds: str) -> list[list[str]]:
    """The command lines of what the notebook started and still runs; its environment may be gone."""
    found = []
    for process in psutil.process_iter():
        try:
            command = process.cmdline()
            if process.status() != psutil.STATUS_ZOMBIE and any(word.startswith(f"{seconds}.") for word in command):
                found.append(command)
        except psutil.Error:
            continue
    return found


def number() -> str:
    """How long the daemons of one notebook sleep: a number that no other has."""
    return str(10**8 + secrets.randbelow(10**8))
