"""The reasons why a service can't be had: codes with parameters, and the sentences that are made of them.

A failure is data, because it crosses from the supervisor's process to ours; its sentence is made here alone.
"""

import re

from msgspec import structs

from widgetshot.documents import Document
from widgetshot.errors import ServerError, visible
from widgetshot.redact import Redactor

_LOG_TAIL_LINES = 15
_DOCTOR = "widgetshot doctor --services"
# Foreign text: programs say it in words of their own, and nothing else tells it. A port that was free a moment ago
# may have been taken since.
_ADDRESS_IN_USE = re.compile("in use", re.IGNORECASE)


class Failure(Document, frozen=True, tag_field="code", tag=True):
    """Base of all failures; the name of the class is the code."""

    @property
    def sentence(self) -> str:
        """The failure in words, without a full stop."""
        raise NotImplementedError

    @property
    def next_step(self) -> str:
        """The next command to type, or ""."""
        return ""

    @property
    def address_in_use(self) -> bool:
        """True if another port may do."""
        return False


class AddressInUse(Failure, frozen=True):
    """Something listens already where a daemon should."""

    daemon: str
    address: str

    @property
    def sentence(self) -> str:
        return f"{self.daemon} can't listen at {self.address}: the address is in use"

    @property
    def address_in_use(self) -> bool:
        return True


class GivenUp(Failure, frozen=True):
    """Nobody waits for a daemon any more."""

    daemon: str

    @property
    def sentence(self) -> str:
        return f"{self.daemon} was given up before it was ready"


class DaemonFailure(Failure, frozen=True):
    """Base of what is said with the end of a daemon's log."""

    daemon: str
    log: str

    @property
    def reason(self) -> str:
        """The failure without the log."""
        raise NotImplementedError

    @property
    def sentence(self) -> str:
        if not self.log.strip():
            return f"{self.reason}; its log is empty"
        return f"{self.reason}; the end of its log:\n{visible(self.log)}"

    @property
    def next_step(self) -> str:
        return _DOCTOR

    @property
    def address_in_use(self) -> bool:
        return bool(_ADDRESS_IN_USE.search(f"{self.reason}\n{self.log}"))


class NotReady(DaemonFailure, frozen=True):
    """A daemon was not ready in time."""

    seconds: float

    @property
    def reason(self) -> str:
        return f"{self.daemon} was not ready after {self.seconds:g} s"


class Exited(DaemonFailure, frozen=True):
    """A daemon ended before it was ready."""

    exit_code: int

    @property
    def reason(self) -> str:
        return f"{self.daemon} ended with exit code {self.exit_code} before it was ready"


class NotStarted(DaemonFailure, frozen=True):
    """The operating system did not start a daemon."""

    problem: str

    @property
    def reason(self) -> str:
        return f"{self.daemon} can't be started: {self.problem}"


class CommandFailed(Failure, frozen=True):
    """A command that prepares a service failed.

    Attributes:
        output: the end of what it wrote.
    """

    command: str
    exit_code: int
    output: str

    @property
    def sentence(self) -> str:
        return f"'{self.command}' ended with exit code {self.exit_code}:\n{self.output}"

    @property
    def address_in_use(self) -> bool:
        return bool(_ADDRESS_IN_USE.search(self.output))


class NotEnded(Failure, frozen=True):
    """Processes are there after SIGKILL."""

    daemons: tuple[str, ...]
    pids: tuple[int, ...]

    @property
    def sentence(self) -> str:
        pids = ", ".join(map(str, self.pids))
        return f"{len(self.pids)} of the processes of {', '.join(self.daemons)} can't be ended: {pids}"


class UnknownDaemon(Failure, frozen=True):
    """A service has no daemon of this name."""

    daemon: str
    known: tuple[str, ...]

    @property
    def sentence(self) -> str:
        return f"there is no daemon '{self.daemon}' here; there are: {', '.join(self.known)}"


class RecipeFailed(Failure, frozen=True):
    """A recipe says itself why it can't be followed."""

    what: str
    advice: str = ""

    @property
    def sentence(self) -> str:
        return self.what

    @property
    def next_step(self) -> str:
        return self.advice


class Unexpected(Failure, frozen=True):
    """The supervisor met an error that it does not know."""

    kind: str
    message: str

    @property
    def sentence(self) -> str:
        return f"{self.kind}: {self.message}"


AnyFailure = (
    AddressInUse
    | GivenUp
    | NotReady
    | Exited
    | NotStarted
    | CommandFailed
    | NotEnded
    | UnknownDaemon
    | RecipeFailed
    | Unexpected
)


class ServiceError(ServerError):
    """A service can't be had, or not be changed; `failure` says why."""

    def __init__(self, failure: AnyFailure, *, where: str = "", next_step: str = "") -> None:
        super().__init__(failure.sentence, where=where, next_step=failure.next_step or next_step)
        self.failure = failure


def redacted(failure: AnyFailure, redactor: Redactor) -> AnyFailure:
    """Return a failure without secrets."""
    members = structs.asdict(failure).items()
    return structs.replace(failure, **{name: redactor.text(one) for name, one in members if isinstance(one, str)})


def tail(output: str) -> str:
    """Return the last lines of what a program wrote, as messages quote them."""
    return "\n".join(output.splitlines()[-_LOG_TAIL_LINES:])
