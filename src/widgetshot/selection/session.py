"""Sessions: what of a notebook is executed and captured together. Plain data, for this process or another one."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from widgetshot.declare.notebook import Notebook
from widgetshot.model import Target, TimeSpent

if TYPE_CHECKING:
    from widgetshot.ports import SourcesSeen


@dataclass(frozen=True)
class Session:
    """A notebook in one front end and one variant: its targets share a kernel and a page.

    Attributes:
        sequence: the targets whose steps are performed, in the order in which they are taken. The steps of those that
            nobody has requested run too, and the page comes to rest where they are taken, so that a shot looks the same
            whatever was selected.
        requested: names of the targets that are to have a result.
        repeat: how often everything is executed and captured.
        traces_files: whether the kernel notes what it reads.
    """

    notebook: Notebook
    sequence: tuple[Target, ...]
    requested: frozenset[str]
    repeat: int = 1
    traces_files: bool = False

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """The targets that are to have a result, in the order in which they are taken."""
        return tuple(target for target in self.sequence if target.name in self.requested)

    @property
    def name(self) -> str:
        """`notebooks/x.ipynb[label]`, see `Target.label`."""
        label = self.sequence[0].label
        return f"{self.notebook.path}[{label}]" if label else self.notebook.path

    @property
    def frontend(self) -> str:
        """The front end that all of it is shown in."""
        return self.sequence[0].frontend


@dataclass(frozen=True)
class SessionReport:
    """The report of a session besides its results, when its kernels have ended.

    Attributes:
        spent: the time since its last result.
        inputs: for each time that it was executed, what it was seen to read; None where the server did not tell.
    """

    spent: TimeSpent
    inputs: "tuple[SourcesSeen | None, ...]"


def sessions_of(
    notebook: Notebook, targets: Iterable[Target], *, repeat: int = 1, traces_files: bool = False
) -> list[Session]:
    """Return the sessions that some targets of a notebook need, in the order in which they first appear."""
    requested: dict[tuple[str, str], set[str]] = {}
    for target in targets:
        requested.setdefault(target.session, set()).add(target.name)
    sessions = []
    for identity, names in requested.items():
        sequence = [target for target in notebook.targets if target.session == identity]
        last = max(index for index, target in enumerate(sequence) if target.name in names)
        sessions.append(Session(notebook, tuple(sequence[: last + 1]), frozenset(names), repeat, traces_files))
    return sessions
