"""`--changed`: what a run may leave out, and what it notes for later runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import time_ns

from widgetshot.baselines.access import Baselines
from widgetshot.errors import ConfigError
from widgetshot.model import Result
from widgetshot.project.settings import Settings
from widgetshot.run.hosts import expected_renderer
from widgetshot.selection.notes import FinishedSession
from widgetshot.selection.pass_cache import PassCache, refusal
from widgetshot.selection.session import Session, SessionReport
from widgetshot.selection.snapshot import InputSnapshot


@dataclass(frozen=True)
class ChangedSelection:
    """The outcome of `--changed`.

    Attributes:
        left_out: key of each target that need not be run -> when it passed, ISO 8601.
        reasons: name of each session that is to be run -> why.
        refused: why everything is run, or "".
    """

    left_out: Mapping[str, str]
    reasons: Mapping[str, str]
    refused: str = ""


def pass_cache(settings: Settings, baselines: Baselines) -> PassCache:
    """Return the sessions of this checkout that passed in earlier runs."""
    return PassCache(settings, lambda: expected_renderer(settings), baselines)


def unchanged(sessions: Iterable[Session], cache: PassCache, settings: Settings) -> ChangedSelection:
    """Find the sessions that passed and are made from nothing that has changed since."""
    left_out: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for session in sessions:
        why, passed = cache.why(session)
        if why:
            reasons[session.name] = why
        else:
            left_out |= {settings.key(target): passed for target in session.targets}
    return ChangedSelection(left_out, reasons)


def only_changed(sessions: Iterable[Session], cache: PassCache, settings: Settings) -> ChangedSelection:
    """As `unchanged`, where `--changed` is followed; from now on what passes is noted in this checkout.

    Raises:
        ConfigError: the run is to write all baselines.
    """
    if settings.update == "all":
        raise ConfigError(
            "'changed' leaves pictures out, and all baselines can't be written without them",
            next_step="leave one of the two out",
        )
    if refused := refusal():
        return ChangedSelection({}, {}, refused)
    cache.begin()
    return unchanged(sessions, cache, settings)


class PassNotes:
    """Notes what the sessions of a run that pass are made from."""

    def __init__(self, settings: Settings, cache: PassCache) -> None:
        self._settings = settings
        self._cache = cache
        self._finished: list[FinishedSession] = []

    def look(self) -> None:
        """Look at what all notebooks share, before any of them is executed. Takes its time."""
        self._cache.look()

    def begin(self, session: Session) -> int:
        """Look at what lies beside a session's notebook, before that is executed.

        Returns:
            The time, in nanoseconds since the epoch.
        """
        self._cache.look_beside(session.notebook)
        return time_ns()

    def end(self, session: Session, begin: int, results: Sequence[Result], report: SessionReport) -> None:
        """Take a session that has given all of its results."""
        if not self._cache.noting:
            return
        reads: InputSnapshot | None = None
        if all(result.passed for result in results):
            reads = InputSnapshot()
            for answer in report.inputs:
                reads |= InputSnapshot.of(answer, self._settings.root)
        written = frozenset(result.target.name for result in results if result.updated)
        self._finished.append(FinishedSession(session, reads, begin, written))

    def write(self) -> None:
        """Keep what was noted for later runs. Takes its time."""
        if self._cache.noting:
            self._cache.note(self._finished)
