"""Threads that are there before they are needed."""

import subprocess
import sys
import threading

from few_processes import few_processes
from widgetshot.threads import ready_threads

# More than any limit here allows; it must end by itself all the same.
TOO_MANY = """
from widgetshot.errors import ServerError
from widgetshot.threads import ready_threads
try:
    ready_threads("many", 20_000)
except ServerError as error:
    print(error)
"""


def named(name: str) -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith(name)}


def test_all_threads_are_there_before_there_is_work_and_do_it() -> None:
    pool = ready_threads("early", 3)
    try:
        threads = named("early")
        assert len(threads) == 3
        assert pool.submit(threading.current_thread).result() in threads
        assert [*pool.map(abs, range(-9, 0))] == [*range(9, 0, -1)]
        assert named("early") == threads
    finally:
        pool.shutdown()
    assert named("early") == set()


def test_a_system_without_threads_is_told_with_what_to_look_at() -> None:
    limit = few_processes(0)
    words = [*limit.prefix, sys.executable, "-c", TOO_MANY]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    assert done.stdout.startswith("no thread can be started: can't start new thread\n  next: ulimit -u  (")
    assert limit.running() == []
