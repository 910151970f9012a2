"""Calls of functions on workers by their names: the scheduler, which looks at what is called, need not have them."""

from collections.abc import Awaitable, Callable
from typing import Any

WORKER = "widgetshot.run.executors.dask.worker"
# How many workers' resources are called. Who declares it (dask worker --resources widgetshot=2) says how many sessions
# a worker may have at a time; a second one, named after the run, is had only by workers that were accepted for it.
RESOURCE = "widgetshot"


def calling(module: str, name: str) -> Callable[..., Awaitable[Any]]:
    """Return a function that calls another one on a worker, and returns `(True, what it returned)`.

    Of what it raises the error's kind, text and next step are returned: a worker logs what is raised, with arguments.

    Being made here, it travels as its code, which needs nothing but what comes with Python and Dask.
    """

    async def widgetshot(*args: Any, dask_worker: Any = None) -> tuple[bool, Any]:
        import importlib

        try:
            if dask_worker is None:
                dask_worker = importlib.import_module("distributed").get_worker()
            function = getattr(importlib.import_module(module), name)
            return True, await function(dask_worker, *args)
        except Exception as error:
            return False, (type(error).__name__, str(getattr(error, "what", error)), getattr(error, "next_step", ""))

    return widgetshot
