"""A Dask cluster: the one of an address, one on this machine, or one that a project declares."""

import asyncio
import contextlib
import inspect
import logging
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import resource_tracker
from typing import Any

from distributed import Client, LocalCluster

from widgetshot.capture.driver_errors import first_line
from widgetshot.errors import ConfigError, ServerError
from widgetshot.project.cluster import Cluster
from widgetshot.redact import Redactor

_CLOSE_TIMEOUT_S = 60.0
_GONE_TIMEOUT_S = 5.0  # without a scheduler there is hardly anything that could be ended in order
# Run by workers on this machine as they begin. A terminal sends Ctrl-C to them, too, which is for the command to obey.
# A handler that does nothing, unlike a signal that is ignored, is not handed down to kernels, which obey it.
_DEAF = """
import signal
signal.signal(signal.SIGINT, lambda *_: None)
if hasattr(signal, "pthread_sigmask"):
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
"""


@dataclass(frozen=True)
class Connection:
    """A cluster that can be used.

    Attributes:
        owned: what was started for it, and ends with it; None where others have.
        place: what it is called in messages.
        encrypted: whether what is sent is encrypted on its way.
        workers: number of workers that were asked for; 0 where nobody asked for any.
        folder: of workers on this machine, which ends with it; "" where there is none.
    """

    client: Client
    owned: Any
    place: str
    encrypted: bool
    workers: int = 0
    folder: str = ""

    @property
    def connected(self) -> bool:
        """Whether the scheduler is there, as far as is known."""
        return str(self.client.status) == "running"

    def scheduler_gone(self) -> ServerError:
        """Return the error of a scheduler that is there no more."""
        return ServerError(
            f"the scheduler of {self.place} is gone",
            next_step="look at its log; what was finished is in the run folder",
        )

    async def close(self, *, gone: bool = False) -> None:
        """End the connection, and what was started for it.

        Args:
            gone: whether the scheduler is.
        """
        for part in (self.client, self.owned):
            if part is not None:
                with contextlib.suppress(Exception):  # with the scheduler all may be gone that there is to end
                    async with asyncio.timeout(_GONE_TIMEOUT_S if gone else _CLOSE_TIMEOUT_S):
                        await part.close()
        if self.folder:
            await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)


def class_of(cluster: Cluster) -> Any:
    """Import the class of a declared cluster, in the main thread; None for another one.

    Raises:
        ConfigError: there is none.
    """
    if cluster.declaration is None:
        return None
    where = f"pyproject.toml [tool.widgetshot.dask.{cluster.text}]"
    module, _, kind = cluster.declaration.kind.rpartition(".")
    # dask-jobqueue takes Ctrl-C for itself when it is imported, and can be imported in no other thread.
    interrupt = signal.getsignal(signal.SIGINT)
    try:
        return getattr(import_module(module), kind)
    except Exception as error:
        package = module.partition(".")[0].replace("_", "-")
        raise ConfigError(
            f"there is no {cluster.declaration.kind}: {error}", where=where, next_step=f"pip install {package}"
        ) from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, interrupt)


async def connect(cluster: Cluster, kind: Any, redactor: Redactor) -> Connection:
    """Connect to a cluster; start it if need be.

    Args:
        kind: its class, see `class_of`.

    Raises:
        ServerError: it can't be had.
        ConfigError: its class does not take these arguments.
    """
    if cluster.address:
        client = await _client(cluster.address, cluster.address, redactor)
        return Connection(client, None, cluster.address, _is_encrypted(client))
    folder = ""
    if cluster.declaration is None:
        # As many threads as a worker may have sessions: one with a page, and one whose kernel starts meanwhile. What
        # takes memory are processes of their own, which no limit of a worker knows of.
        folder = tempfile.mkdtemp(prefix="widgetshot-dask-")
        owned: Any = LocalCluster(
            n_workers=cluster.local,
            threads_per_worker=2,
            processes=True,
            host="127.0.0.1",
            # Nobody else on this machine may have it run programs, or see what it is sent.
            protocol="tls",
            security=True,
            dashboard_address=None,
            memory_limit=0,
            local_directory=folder,
            # What a worker died of is told by us.
            silence_logs=logging.CRITICAL,
            preload=[_DEAF],
            asynchronous=True,
        )
        workers, place = cluster.local, cluster.text
    else:
        owned = _made(cluster.text, kind, cluster.declaration.arguments, redactor)
        workers, place = cluster.declaration.workers, f"the cluster '{cluster.text}'"
    try:
        with _interrupts_held(held=cluster.declaration is None):
            await owned
        if cluster.declaration is not None:
            scaled = owned.scale(workers)
            if inspect.isawaitable(scaled):
                await scaled
        client = await _client(owned, place, redactor)
        return Connection(client, owned, place, _is_encrypted(client), workers, folder)
    except BaseException as error:
        with contextlib.suppress(Exception):
            await owned.close()
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, ServerError | ConfigError) or not isinstance(error, Exception):
            raise
        raise ServerError(
            f"{place} did not start: {first_line(error, redactor)}",
            next_step="look at its logs, or try it in Python: "
            "from dask.distributed import Client, and a cluster of the same arguments",
        ) from None


@contextlib.contextmanager
def _interrupts_held(*, held: bool) -> Iterator[None]:
    """Keep Ctrl-C from processes that this thread starts; they get it once they have said what they do of it."""
    if not held or not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Python lets signals through again when it starts this process of its own, for the first one of others.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _made(name: str, kind: Any, arguments: Mapping[str, Any], redactor: Redactor) -> Any:
    try:
        return kind(asynchronous=True, **arguments)
    except Exception as error:
        raise ConfigError(
            f"{kind.__name__} can't be made of these arguments: {first_line(error, redactor)}",
            where=f"pyproject.toml [tool.widgetshot.dask.{name}]",
        ) from None


def _is_encrypted(client: Client) -> bool:
    scheduler: Any = client.scheduler
    return str(scheduler.address).startswith(("tls://", "wss://"))


async def _client(where: Any, place: str, redactor: Redactor) -> Client:
    # What it logs of a scheduler that is gone is told by us.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    client = Client(where, asynchronous=True, set_as_default=False)
    try:
        await client
    except (OSError, ValueError, ImportError) as error:
        with contextlib.suppress(Exception):
            await client.close()
        raise ServerError(
            f"no scheduler can be reached at {place}: {first_line(error, redactor)}",
            next_step="start one: dask scheduler, and workers for it: dask worker ADDRESS",
        ) from None
    return client
