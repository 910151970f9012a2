"""Processes forked from one that has imported everything: many can be killed in the time that one takes to begin."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Reads a line of words, lets a child of its own do `step(*words)`, and answers with how that ended.
_PROGRAM = """
import os, sys
{setup}
for line in sys.stdin:
    child = os.fork()
    if not child:
        code = 1
        try:
            step(*line.split())
            code = 0
        except SystemExit as end:
            code = end.code or 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stderr.flush()
            os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@contextmanager
def forking(setup: str, *arguments: str) -> Iterator[Callable[..., int]]:
    """A function that does `step` with some words, without spaces, in a process of its own, and returns its exit code.

    Args:
        setup: Python that defines `step`, executed once; arguments are in `sys.argv`.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM.format(setup=setup), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    asks, answers = process.stdin, process.stdout

    def ended(*words: object) -> int:
        print(*words, file=asks, flush=True)
        return int(answers.readline())

    try:
        yield ended
    finally:
        asks.close()
        process.wait(timeout=60)
        answers.close()
