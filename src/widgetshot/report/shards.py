"""Whether runs are all the shards of one run."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from widgetshot.errors import RecordError
from widgetshot.report.limits import LAST_PLACE
from widgetshot.report.run_json import Run

_MOST_NAMED = 20


@dataclass
class _Plan:
    """The shards of one plan that there are.

    Attributes:
        folders: by number.
        keys: of their results, with the number of the shard that has it.
    """

    environment: str
    count: int
    folders: dict[int, Path] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)

    @property
    def incomplete(self) -> bool:
        return len(self.folders) < self.count

    @property
    def missing(self) -> list[int]:
        return [number for number in range(1, self.count + 1) if number not in self.folders]

    @property
    def first(self) -> tuple[str, Path]:
        number = min(self.folders)
        return f"{number}/{self.count}", self.folders[number]

    def add(self, folder: Path, number: int, run: Run) -> None:
        """Add a shard.

        Raises:
            RecordError: it is there already, or has a picture of another one.
        """
        if other := self.folders.get(number):
            raise RecordError(
                f"is shard {number}/{self.count}, as is {other}",
                where=str(folder),
                next_step="name one run folder for each shard",
            )
        self.folders[number] = folder
        for entry in run.tests:
            if entry.key in self.keys:
                raise RecordError(
                    f"has {entry.name}, as has {self.folders[self.keys[entry.key]]}, another shard",
                    where=str(folder),
                    next_step="let its test name the fixture 'widgetshot' among its arguments, then run all shards",
                )
            self.keys[entry.key] = number


def same_plan(one: Run, other: Run) -> bool:
    """Tell whether two runs are shards of one run."""
    return one.shard is not None and other.shard is not None and one.shard.plan == other.shard.plan


def refuse_incomplete(runs: Sequence[tuple[Path, Run]]) -> None:
    """Refuse shards that are not all those of their run. What is no shard may be anything.

    Shards of several environments are several runs, each with all of its shards.

    Raises:
        RecordError: one is missing, there twice, or of another run than the rest; or two have the same picture.
    """
    plans: dict[tuple[str, int], _Plan] = {}
    for folder, run in runs:
        if run.shard is not None:
            plan = plans.setdefault((run.shard.plan, run.shard.count), _Plan(run.environment.name, run.shard.count))
            plan.add(folder, run.shard.number, run)
    incomplete = [plan for plan in plans.values() if plan.incomplete]
    if not incomplete:
        return
    # Of those that don't belong together the fewest are foreign.
    odd = min(incomplete, key=lambda plan: len(plan.folders))
    number, folder = odd.first
    for plan in incomplete:
        if plan is not odd and plan.environment == odd.environment:
            other_number, other = plan.first
            raise RecordError(
                f"is shard {number} of another plan than {other}, which is shard {other_number}",
                where=str(folder),
                next_step="run all shards of the same files with the same paths, selection and --durations",
            )
    raise RecordError(
        f"{_several(odd)} missing; this is shard {number}",
        where=str(folder),
        next_step="name the run folders of all shards: widgetshot merge RUN... -o FOLDER",
    )


def places_in_whole(runs: Sequence[Run]) -> dict[str, int]:
    """Return the place of each key among those of all shards, one environment after the other.

    Nothing where a run is no shard.
    """
    if any(run.shard is None for run in runs):
        return {}
    environments = list(dict.fromkeys(run.environment.name for run in runs))
    places: dict[str, int] = {}
    for run in runs:
        assert run.shard is not None
        begin = environments.index(run.environment.name) * (LAST_PLACE + 1)
        # Of a run that was killed the last results have no place.
        order = [*run.shard.order, *([LAST_PLACE] * len(run.tests))]
        places |= {entry.key: begin + place for entry, place in zip(run.tests, order, strict=False)}
    return places


def _several(plan: _Plan) -> str:
    missing = plan.missing
    shown = [f"{number}/{plan.count}" for number in missing[:_MOST_NAMED]]
    shown += ["..."] if len(missing) > _MOST_NAMED else []
    return f"shard {shown[0]} is" if len(missing) == 1 else f"shards {', '.join(shown)} are"
