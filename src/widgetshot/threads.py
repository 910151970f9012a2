"""Threads that are there before they are needed."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

from widgetshot.errors import MORE_PROCESSES, ServerError


def ready_threads(name: str, count: int = 0) -> ThreadPoolExecutor:
    """Return a pool whose threads all run already.

    An ordinary pool starts each of them when there is work for it. A limit on processes counts threads, too: where a
    notebook has used it up, that fails, and what ends the notebook's processes would be the work that is not done.

    Args:
        name: of the threads, followed by a number.
        count: how many; 0 for as many as an event loop has by default.

    Raises:
        ServerError: the system gives no more threads.
    """
    count = count or min(32, (os.cpu_count() or 1) + 4)
    pool = ThreadPoolExecutor(count, name)
    all_run = threading.Barrier(count + 1)
    try:
        for _ in range(count):
            pool.submit(all_run.wait)
    except RuntimeError as error:
        all_run.abort()
        pool.shutdown(cancel_futures=True)
        raise ServerError(f"no thread can be started: {error}", next_step=MORE_PROCESSES) from error
    all_run.wait()
    return pool
