"""The time that goes into a run: counted by each session, summed up for the report."""

from collections.abc import Mapping
from time import perf_counter

from widgetshot.model import TimeSpent

# Stages that all sessions share: they belong to no notebook.
SHARED_STAGES = frozenset({"server", "browser"})


class TimeAccount:
    """The time of one session, in laps: each from the end of the one before it."""

    def __init__(self) -> None:
        self._spent = TimeSpent()
        self._since: float | None = None
        self._page: Mapping[str, float] = {}
        self._page_counted: dict[str, float] = {}

    def start(self) -> None:
        """Begin to count: the session is at work from now on."""
        self._since = perf_counter()

    def add(self, stages: Mapping[str, float]) -> None:
        """Count seconds that were spent on stages."""
        self._spent.add(stages)

    def follow(self, page: Mapping[str, float]) -> None:
        """Count what a page spends on stages.

        Args:
            page: its own sums, which grow.
        """
        self._page, self._page_counted = page, {}

    def stop(self) -> None:
        """Count no more until the next start."""
        self._count()
        self._since = None
        self.follow({})

    def lap(self) -> TimeSpent:
        """Return what was spent since this was last asked."""
        self._count()
        spent, self._spent = self._spent, TimeSpent()
        return spent

    def _count(self) -> None:
        now, page = perf_counter(), dict(self._page)
        more = {stage: seconds - self._page_counted.get(stage, 0.0) for stage, seconds in page.items()}
        self.add({stage: seconds for stage, seconds in more.items() if seconds})
        self._page_counted = page
        if self._since is not None:
            self._spent.add({}, now - self._since)
            self._since = now


class TimeSums:
    """The time of a whole run.

    Attributes:
        notebooks: path of each notebook -> the time that went into it.
    """

    def __init__(self) -> None:
        self._total = TimeSpent()
        self.notebooks: dict[str, TimeSpent] = {}

    @property
    def stages(self) -> Mapping[str, float]:
        """The seconds of each stage, over all notebooks."""
        return self._total.stages

    def add(self, stages: Mapping[str, float], notebook: str = "", seconds: float = 0.0) -> None:
        """Count seconds that were spent on stages.

        Args:
            notebook: the path of the notebook that they were spent on; "" for none of its own.
            seconds: what passed meanwhile.
        """
        self._total.add(stages)
        if notebook:
            own = {stage: spent for stage, spent in stages.items() if stage not in SHARED_STAGES}
            self.notebooks.setdefault(notebook, TimeSpent()).add(own, seconds)
