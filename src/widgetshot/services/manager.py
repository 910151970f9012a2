"""Starts the services that selected notebooks and tests need, and ends them.

A service that several share starts once per process; one that a notebook has for itself, once per execution. Usable
from any thread.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from widgetshot.errors import ServerError
from widgetshot.model import ServiceUsage
from widgetshot.services import control
from widgetshot.services.control import variable
from widgetshot.services.declared import Declared, recipe_of
from widgetshot.services.recipe import Endpoint, Recipe, Requirement

_STOP_TIMEOUT = 30.0  # seconds
_SUPERVISOR = Requirement("mirakuru", "pip install 'widgetshot[services]'", module=True)


@dataclass
class Instance:
    """A running service.

    Attributes:
        seconds: how long it took to be ready; 0 where it runs elsewhere.
    """

    endpoint: Endpoint
    seconds: float = 0.0
    address: str = ""
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def environment(self) -> dict[str, str]:
        """The variables that kernels and tests get."""
        return {variable(self.endpoint.name, "URL"): self.endpoint.url} | dict(self.endpoint.environment)

    def died(self) -> list[str]:
        """A sentence for each daemon that ended although nobody asked for it."""
        if self.process is None:
            return []
        try:
            return control.died(self.address)
        except (OSError, EOFError):
            return ["its supervisor is gone"]

    def stop(self) -> None:
        """End it; returns when nothing of it is left."""
        process = self.process
        if process is None:
            return
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(_STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        from mirakuru.base import ENV_UUID
        from mirakuru.base_env import processes_with_env
        from mirakuru.compat import SIGKILL

        # What a supervisor leaves that was killed itself.
        for pid in processes_with_env(ENV_UUID, str(process.pid)):
            with contextlib.suppress(OSError):
                os.kill(pid, SIGKILL)


class Services:
    """The services of one run; a context manager.

    Args:
        declared: those of pyproject.toml, by name.
        secrets: what no log and no message may say.
    """

    def __init__(self, declared: Mapping[str, Declared], secrets: Iterable[str] = ()) -> None:
        self._declared = declared
        self._secrets = list(secrets)
        self._lock = threading.Lock()
        self._shared: dict[str, Future[Instance]] = {}
        self._running: list[Instance] = []
        self._starting: set[threading.Thread] = set()
        self._unready: set[subprocess.Popen[bytes]] = set()
        self._closed = False
        self.told: dict[str, ServiceUsage] = {}

    def __enter__(self) -> "Services":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def recipe(self, name: str) -> Recipe:
        """What a service is made of."""
        return recipe_of(self._declared.get(name), name)

    def missing(self, name: str, *, exclusive: bool = False) -> list[Requirement]:
        """What would have to be installed first; nothing where the service runs elsewhere."""
        if not exclusive and variable(name, "URL") in os.environ:
            return []
        return [one for one in (_SUPERVISOR, *self.recipe(name).requirements) if not one.met]

    def start(self, name: str) -> "Future[Instance]":
        """The service that all share; begins to start it when it is asked for first."""
        with self._lock:
            if name not in self._shared:
                self._shared[name] = self._begin(name, exclusive=False)
            return self._shared[name]

    def start_exclusive(self, name: str) -> "Future[Instance]":
        """Begin to start an instance that nobody else uses."""
        with self._lock:
            return self._begin(name, exclusive=True)

    def endpoint(self, name: str) -> Endpoint:
        """Where the shared service is; waits until it is ready.

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
                # Its supervisor gives up, however far it has come.
                assert process.stdin is not None
                with contextlib.suppress(OSError):
                    process.stdin.close()
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
        url = os.environ.get(variable(name, "URL"))
        if url and not exclusive:
            self._tell(name, 0.0, elsewhere=True)
            return Instance(Endpoint(name, url))
        if missing := self.missing(name, exclusive=exclusive):
            raise ServerError(f"{named(missing)} not found", where=where, next_step=commands(missing))
        instance = self._supervised(name, where, exclusive=exclusive)
        self._tell(name, instance.seconds)
        with self._lock:
            if not self._closed:
                self._running.append(instance)
                return instance
        instance.stop()
        raise ServerError("the run was stopped", where=where)

    def _supervised(self, name: str, where: str, *, exclusive: bool) -> Instance:
        declared = self._declared.get(name)
        order = {
            "name": name,
            "declared": declared.as_json() if declared is not None else None,
            "secrets": self._secrets,
        }
        with self._lock:
            # Once closing has begun, nobody would tell it to give up.
            if self._closed:
                raise ServerError("the run was stopped", where=where)
            process = subprocess.Popen(
                [sys.executable, "-m", "widgetshot.services.supervisor"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
            self._unready.add(process)
        assert process.stdin is not None
        assert process.stdout is not None
        instance = Instance(Endpoint(name, ""), process=process)
        answer: dict[str, Any] = {}
        try:
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline() or b"null") or {
                "error": "its supervisor ended at once",
                "next": "",
            }
        except (OSError, ValueError) as error:
            answer = {"error": f"its supervisor failed: {error}", "next": ""}
        finally:
            process.stdout.close()
            with self._lock:
                self._unready.discard(process)
            if "url" not in answer:
                instance.stop()
        if "error" in answer:
            raise ServerError(answer["error"], where=where, next_step=answer["next"] or "widgetshot doctor --services")
        environment = dict(answer["environment"])
        if exclusive:
            environment[variable(name, "CONTROL")] = answer["control"]
        instance.endpoint = Endpoint(name, answer["url"], environment)
        instance.seconds, instance.address = answer["seconds"], answer["control"]
        return instance

    def _tell(self, name: str, seconds: float, *, elsewhere: bool = False) -> None:
        with self._lock:
            told = self.told.setdefault(name, ServiceUsage())
            told.seconds += seconds
            told.instances += 1
            told.elsewhere |= elsewhere


def named(missing: Iterable[Requirement]) -> str:
    """What is missing, in words."""
    return " and ".join(one.name for one in missing)


def reason_to_skip(name: str, missing: Iterable[Requirement]) -> str:
    """Why what needs a service is left out here, and what would change that."""
    return f"the service '{name}' can't be had here: {named(missing)} not found; {commands(missing)}"


def commands(missing: Iterable[Requirement]) -> str:
    """The commands that install what is missing, in one line."""
    return " && ".join(dict.fromkeys(one.install for one in missing))
