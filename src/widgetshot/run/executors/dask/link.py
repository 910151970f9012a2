"""The client's side of one worker of a Dask cluster: it is looked at, given the project, and asked what happens."""

import asyncio
import os
import pickle
import secrets
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distributed import Client

from widgetshot.errors import ConfigError, ServerError
from widgetshot.project.project_files import ProjectFiles
from widgetshot.run.executors.dask.calls import RESOURCE, WORKER, calling
from widgetshot.run.executors.dask.messages import Batch, Description
from widgetshot.run.executors.dask.shipment import chunks
from widgetshot.verdict.renderers import renderer_changes

_MAX_NAMED = 5  # front ends that differ
_ERRORS = ("ConfigError", "ServerError", "BaselineError")  # whose text says enough


class Refused(Exception):
    """A worker can't be used for a run; says why."""


class WorkerGone(Exception):
    """A worker does not answer."""


@dataclass(frozen=True)
class Shared:
    """What all workers of a run are given.

    Attributes:
        run: what tells it from other runs.
        root: the project's folder.
        order: packed.
        version: of widgetshot here.
        files: looks at the project's files, of which those that only shipped workers need come second; None where
            workers are on this machine.
        outside: a folder that workers need and that is not in the project's; "" for none.
    """

    run: str
    root: Path
    order: bytes
    version: str
    files: Callable[[], Awaitable[tuple[ProjectFiles, ProjectFiles]]] | None
    outside: str


class WorkerLink:
    """One worker.

    Args:
        address: by which the scheduler knows it.

    Attributes:
        same_place: whether it has the project where the client has it.
        description: what it draws with; None before it has begun the run.
        slots: sessions that it may have at a time.
    """

    def __init__(self, client: Client, address: str, shared: Shared) -> None:
        self._client = client
        self.address = address
        self._shared = shared
        self._next = 0  # number of the first event that has not arrived
        self.same_place = shared.files is None
        self.description: Description | None = None
        self.slots = 1
        self._anchor: Any = None

    async def call(self, name: str, *args: Any) -> Any:
        """Call a function of `worker`.

        Raises:
            WorkerGone: the worker does not answer.
            ServerError, ConfigError: the function raised.
        """
        done, value = await self._called(name, *args)
        if not done:
            kind, says, next_step = value
            error = ConfigError if kind == "ConfigError" else ServerError
            raise error(f"{says} (on the worker {self.address})", next_step=next_step)
        return value

    async def _called(self, name: str, *args: Any) -> tuple[bool, Any]:
        try:
            answers = await self._client.run(calling(WORKER, name), *args, workers=[self.address], on_error="return")
        except (OSError, ValueError) as error:
            raise WorkerGone(str(error)) from error
        answer = answers.get(self.address)
        if isinstance(answer, tuple):
            done, value = answer
            return bool(done), value
        # An OSError where it was cut off; None where the scheduler does not know it.
        raise WorkerGone(str(answer))

    async def begin(self) -> Description:
        """Have the worker begin the run, with the project.

        Raises:
            Refused: it can't be used.
            WorkerGone: it does not answer.
            ConfigError, ServerError: the project can't be brought to it.
        """
        await self._refuse_strangers()
        shared = self._shared
        # The scheduler has the worker forget it when nobody holds it any more, at the latest when this process ends.
        anchor = f"{RESOURCE}-{shared.run}-{secrets.randbelow(10**9)}"
        self._anchor = await self._client.scatter({anchor: b""}, workers=[self.address], hash=False)
        shipped = None
        if shared.files is not None:
            files, besides = await shared.files()
            differing = await self._first_call("differing", str(shared.root), pickle.dumps(files))
            # But for those that change here, too, such as logs that are being written.
            changing = await asyncio.to_thread(files.only(differing).differing, shared.root)
            self.same_place = set(differing) <= set(changing)
            if not self.same_place:
                shipped = await self._ship(ProjectFiles({**files.files, **besides.files}))
        self.description = pickle.loads(await self._first_call("begin", shared.order, shipped, anchor))
        return self.description

    async def _refuse_strangers(self) -> None:
        """Refuse a worker of another Python or widgetshot: it would understand nothing, or something else."""
        try:
            scheduler: Any = self._client.scheduler
            answers = await scheduler.broadcast(
                msg={"op": "versions", "packages": []}, workers=[self.address], on_error="return"
            )
            host = dict(answers[self.address]["host"])
            python, system = ".".join(host["python"].split(".")[:2]), host["OS"]
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise WorkerGone(str(error)) from error
        ours = ".".join(map(str, sys.version_info[:2]))
        if python != ours:
            raise Refused(f"its Python is {python}, and here it is {ours}")
        if (system == "Windows") != (os.name == "nt"):
            raise Refused(f"it runs on {system}, whose paths mean nothing here")
        version = await self._first_call("identify")
        if version != self._shared.version:
            raise Refused(f"its widgetshot is {version}, and here it is {self._shared.version}")

    async def _first_call(self, name: str, *args: Any) -> Any:
        done, value = await self._called(name, *args)
        if done:
            return value
        kind, says, next_step = value
        if kind in ("ModuleNotFoundError", "ImportError"):
            raise Refused(f"widgetshot can't be used there ({says}); pip install 'widgetshot[dask]'")
        reason = says if kind in _ERRORS else f"{kind}: {says}"
        raise Refused(f"{reason}; {next_step}" if next_step else reason)

    async def _ship(self, files: ProjectFiles) -> bytes:
        shared = self._shared
        if shared.outside:
            raise ConfigError(
                f"{shared.outside} must be in the project's folder to be sent to workers that don't share it, such as "
                f"{self.address}",
                where="pyproject.toml [tool.widgetshot]",
                next_step="move it into the project, or give all workers the project in the same place",
            )
        digests = sorted({file.sha256 for file in files.files.values()})
        sent = dict(files.files)
        for chunk in chunks(shared.root, files, await self._first_call("missing_files", digests)):
            await self._first_call("take_files", chunk.contents)
            sent |= chunk.changed
        return pickle.dumps(ProjectFiles(sent))

    async def enable(self) -> None:
        """Let the scheduler give sessions to the worker."""
        self.slots = int(await self.call("enable", self._shared.run))

    async def take(self) -> Batch:
        """Return what has happened since this was last asked; wait for something.

        Raises:
            WorkerGone: it does not answer, or knows nothing of the run any more.
        """
        batch = await self.call("take_events", self._shared.run, self._next)
        if batch is None:
            raise WorkerGone("it knows nothing of the run")
        assert isinstance(batch, Batch)
        # What was taken before, and came again because nobody had told the worker that it had arrived.
        known = max(0, self._next - batch.first)
        self._next = batch.first + len(batch.events)
        return Batch(batch.first, batch.events[known:], batch.usage, batch.notices, batch.ended)

    async def has_run(self) -> bool:
        """Tell whether the run goes on there.

        Raises:
            WorkerGone: it does not answer.
        """
        return bool(await self.call("has_run", self._shared.run))

    async def add_environment(self, variables: Mapping[str, str]) -> None:
        """Give kernels further variables."""
        await self.call("add_environment", self._shared.run, pickle.dumps(dict(variables)))

    async def stop_session(self, key: str) -> None:
        """End a session, if it runs there."""
        await self.call("stop_session", self._shared.run, key)

    async def end(self) -> str:
        """End the run there; return what its server has logged."""
        # Also a worker that only now begins: it finds that nobody holds this any more.
        self._anchor = None
        return str(await self.call("end", self._shared.run))


def unlike(reference: Description, description: Description, *, of: str) -> str:
    """Return how a worker would draw otherwise, in words; "" where it would draw the same.

    Args:
        of: whose the reference is.
    """
    if reference.platform != description.platform:
        return f"its platform is {description.platform}, that of {of} {reference.platform}"
    if changes := renderer_changes(reference.renderer, description.renderer):
        return f"its renderer is not that of {of}: {', '.join(changes)}"
    ours, theirs = reference.front_ends, description.front_ends
    different = [
        f"{name.partition('/')[2]} {ours.get(name, 'none')} → {theirs.get(name, 'none')}"
        for name in sorted(ours.keys() | theirs.keys())
        if ours.get(name) != theirs.get(name)
    ]
    if different:
        more = f" and {len(different) - _MAX_NAMED} more" if len(different) > _MAX_NAMED else ""
        return f"its widgets' front ends are not those of {of}: {', '.join(different[:_MAX_NAMED])}{more}"
    return ""
