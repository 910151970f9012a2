"""A running service as the process sees it that started it: a supervisor's process, and where the service listens."""

import contextlib
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from widgetshot.errors import ServerError
from widgetshot.services.client import ask
from widgetshot.services.endpoint import Endpoint
from widgetshot.services.failures import ServiceError
from widgetshot.services.messages import Failed, GetStates, Started, StartOrder, decode_start, encode

_SUPERVISOR_EXIT_GRACE_S = 30.0
_DOCTOR = "widgetshot doctor --services"


@dataclass(frozen=True)
class Instance:
    """A running service.

    Attributes:
        seconds: how long it took to be ready; 0 where it runs elsewhere.
        control: the address of its supervisor; "" where it runs elsewhere.
        process: the supervisor; None where it runs elsewhere.
    """

    endpoint: Endpoint
    seconds: float = 0.0
    control: str = ""
    process: "SupervisorProcess | None" = None

    def died(self) -> list[str]:
        """Return a sentence for each daemon that ended although nobody asked for it."""
        if self.process is None:
            return []
        try:
            answer = ask(self.control, GetStates())
        except (OSError, EOFError):
            return ["its supervisor is gone"]
        return [answer.failure.sentence] if isinstance(answer, Failed) else [one.sentence for one in answer.died]

    def stop(self) -> None:
        """End it; returns when nothing of it is left."""
        if self.process is not None:
            self.process.end()


class SupervisorProcess:
    """The process that runs one instance; see `supervisor` for the other side."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            # $TMPDIR may be that of a browser's driver which is being started in this moment, and removed before us.
            [sys.executable, "-m", "widgetshot.services.supervisor", tempfile.gettempdir()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    def start(self, order: StartOrder) -> Started:
        """Give the supervisor its order, and wait until the service is ready.

        Raises:
            ServerError: it can't be had; nothing of it is left then.
        """
        process, where = self._process, f"service {order.name}"
        assert process.stdin is not None
        assert process.stdout is not None
        started = False
        try:
            process.stdin.write(encode(order) + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
            if not line:
                raise ServerError("its supervisor ended at once", where=where, next_step=_DOCTOR)
            answer = decode_start(line)
            if isinstance(answer, Failed):
                raise ServiceError(answer.failure, where=where, next_step=_DOCTOR)
            started = True
            return answer
        except (OSError, ValueError) as error:  # its input may have been closed meanwhile
            raise ServerError(f"its supervisor failed: {error}", where=where, next_step=_DOCTOR) from error
        finally:
            process.stdout.close()
            if not started:
                self.end()

    def give_up(self) -> None:
        """Let the supervisor end itself, however far it has come."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def end(self) -> None:
        """End the supervisor and its daemons; returns when nothing of them is left."""
        process = self._process
        self.give_up()
        try:
            process.wait(_SUPERVISOR_EXIT_GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _end_orphans(process.pid)


def _end_orphans(pid: int) -> None:
    """End what a supervisor leaves that was killed itself."""
    from mirakuru.base import ENV_UUID
    from mirakuru.base_env import processes_with_env
    from mirakuru.compat import SIGKILL

    for orphan in processes_with_env(ENV_UUID, str(pid)):
        with contextlib.suppress(OSError):
            os.kill(orphan, SIGKILL)
