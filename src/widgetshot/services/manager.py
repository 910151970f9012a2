"""Starts the services that selected notebooks and tests need, and ends them.

A service that several share starts once per process; one that a notebook has for itself, once per execution. Usable
from any thread.
"""

import contextlib
import os
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future

from widgetshot.errors import ServerError
from widgetshot.model import ServiceUsage
from widgetshot.services.declaration import ServiceDeclaration
from widgetshot.services.endpoint import Endpoint, variable
from widgetshot.services.instance import Instance, SupervisorProcess
from widgetshot.services.messages import StartOrder
from widgetshot.services.programs import Requirement, install_commands, names
from widgetshot.services.recipe import Recipe
from widgetshot.services.recipes import find_recipe

_SUPERVISOR = Requirement("mirakuru", "pip install 'widgetshot[services]'", module=True)


class Services:
    """The services of one run; a context manager.

    Args:
        declarations: those of pyproject.toml, by name.
        secrets: what no log and no message may say.
        addresses: of services that run elsewhere, by the names of their variables; the environment's come after them.

    Attributes:
        usage: what was started, by name, for the report.
    """

    def __init__(
        self,
        declarations: Mapping[str, ServiceDeclaration],
        secrets: Iterable[str] = (),
        addresses: Mapping[str, str] | None = None,
    ) -> None:
        self._declarations = declarations
        self._addresses = addresses or {}
        self._secrets = tuple(secrets)
        self._lock = threading.Lock()
        self._shared: dict[str, Future[Instance]] = {}
        self._running: list[Instance] = []
        self._starting: set[threading.Thread] = set()
        self._unready: set[SupervisorProcess] = set()
        self._closed = False
        self.usage: dict[str, ServiceUsage] = {}

    def __enter__(self) -> "Services":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def recipe(self, name: str) -> Recipe:
        """Return what a service is made of."""
        return find_recipe(self._declarations.get(name), name)

    def missing(self, name: str, *, exclusive: bool = False) -> list[Requirement]:
        """Return what would have to be installed first; nothing where the service runs elsewhere."""
        if not exclusive and self._address(name) is not None:
            return []
        return [one for one in (_SUPERVISOR, *self.recipe(name).requirements) if not one.met]

    def start(self, name: str) -> "Future[Instance]":
        """Return the service that all share; begin to start it when it is asked for first."""
        with self._lock:
            if name not in self._shared:
                self._shared[name] = self._begin(name, exclusive=False)
            return self._shared[name]

    def start_exclusive(self, name: str) -> "Future[Instance]":
        """Begin to start an instance that nobody else uses."""
        with self._lock:
            return self._begin(name, exclusive=True)

    def endpoint(self, name: str) -> Endpoint:
        """Return where the shared service is; wait until it is ready.

        Raises:
            ServerError: it can't be had.
        """
        return self.start(name).result().endpoint

    def close(self) -> None:
        """End all that runs."""
        with self._lock:
            self._closed = True
            starting = list(self._starting)
            for process in self._unready:
                process.give_up()
        for thread in starting:
            thread.join()
        stops = [threading.Thread(target=one.stop) for one in self._running]
        for stop in stops:
            stop.start()
        for stop in stops:
            stop.join()
        self._running.clear()

    def end(self, instance: Instance) -> None:
        """End one instance before the rest."""
        instance.stop()
        with self._lock, contextlib.suppress(ValueError):
            self._running.remove(instance)

    def _address(self, name: str) -> str | None:
        url = variable(name, "URL")
        return self._addresses.get(url, os.environ.get(url))

    def _begin(self, name: str, *, exclusive: bool) -> "Future[Instance]":
        future: Future[Instance] = Future()

        def work() -> None:
            try:
                instance = self._start(name, exclusive=exclusive)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(instance)
            finally:
                with self._lock:
                    self._starting.discard(threading.current_thread())

        thread = threading.Thread(target=work, name=f"widgetshot service {name}", daemon=True)
        self._starting.add(thread)
        thread.start()
        return future

    def _start(self, name: str, *, exclusive: bool) -> Instance:
        where = f"service {name}"
        url = self._address(name)
        if url and not exclusive:
            self._count(name, 0.0, elsewhere=True)
            return Instance(Endpoint(name, url))
        if missing := self.missing(name, exclusive=exclusive):
            raise ServerError(f"{names(missing)} not found", where=where, next_step=install_commands(missing))
        instance = self._supervised(name, where, exclusive=exclusive)
        self._count(name, instance.seconds)
        with self._lock:
            if not self._closed:
                self._running.append(instance)
                return instance
        instance.stop()
        raise ServerError("the run was stopped", where=where)

    def _supervised(self, name: str, where: str, *, exclusive: bool) -> Instance:
        with self._lock:
            # Once closing has begun, nobody would tell it to give up.
            if self._closed:
                raise ServerError("the run was stopped", where=where)
            process = SupervisorProcess()
            self._unready.add(process)
        try:
            started = process.start(StartOrder(name, self._declarations.get(name), self._secrets))
        finally:
            with self._lock:
                self._unready.discard(process)
        environment = started.environment
        if exclusive:
            environment = environment | {variable(name, "CONTROL"): started.control}
        return Instance(Endpoint(name, started.url, environment), started.seconds, started.control, process)

    def _count(self, name: str, seconds: float, *, elsewhere: bool = False) -> None:
        with self._lock:
            usage = self.usage.setdefault(name, ServiceUsage())
            usage.seconds += seconds
            usage.instances += 1
            usage.elsewhere |= elsewhere
