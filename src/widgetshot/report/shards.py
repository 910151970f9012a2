"""Whether runs are all the shards of one run."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from widgetshot.errors import RecordError
from widgetshot.report.run_json import Run


@dataclass
class _Plan:
    environment: str
    count: int
    folders: dict[int, Path] = field(default_factory=dict)  # by number

    @property
    def missing(self) -> list[str]:
        return [f"{number}/{self.count}" for number in range(1, self.count + 1) if number not in self.folders]

    @property
    def first(self) -> tuple[str, Path]:
        number = min(self.folders)
        return f"{number}/{self.count}", self.folders[number]


def refuse_incomplete(runs: Sequence[tuple[Path, Run]]) -> None:
    """Refuse shards that are not all those of their run. What is no shard may be anything.

    Shards of several environments are several runs, each with all of its shards.

    Raises:
        RecordError: one is missing, there twice, or of another run than the rest.
    """
    plans: dict[tuple[str, int], _Plan] = {}
    for folder, run in runs:
        if run.shard is None:
            continue
        plan = plans.setdefault((run.shard.plan, run.shard.count), _Plan(run.environment.name, run.shard.count))
        if other := plan.folders.get(run.shard.number):
            raise RecordError(
                f"is shard {run.shard.number}/{run.shard.count}, as is {other}",
                where=str(folder),
                next_step="name one run folder for each shard",
            )
        plan.folders[run.shard.number] = folder
    incomplete = [plan for plan in plans.values() if plan.missing]
    if not incomplete:
        return
    # Of those that don't belong together the fewest are foreign.
    odd = min(incomplete, key=lambda plan: len(plan.folders))
    number, folder = odd.first
    for plan in plans.values():
        if plan is not odd and plan.environment == odd.environment:
            other_number, other = plan.first
            raise RecordError(
                f"is shard {number} of another plan than {other}, which is shard {other_number}",
                where=str(folder),
                next_step="run all shards of one commit with the same paths, options and --durations",
            )
    raise RecordError(
        f"{_several(odd.missing)} missing; this is shard {number}",
        where=str(folder),
        next_step="name the run folders of all shards: widgetshot merge RUN... -o FOLDER",
    )


def places_in_whole(runs: Sequence[tuple[Path, Run]]) -> dict[str, int]:
    """Return the place of each key among those of all shards; nothing where a run is no shard."""
    places: dict[str, int] = {}
    for _, run in runs:
        if run.shard is None:
            return {}
        places |= {entry.key: place for entry, place in zip(run.tests, run.shard.order, strict=False)}
    return places


def _several(shards: Sequence[str]) -> str:
    if len(shards) == 1:
        return f"shard {shards[0]} is"
    shown = [*shards[:20], *(["..."] if len(shards) > 20 else [])]
    return f"shards {', '.join(shown)} are"
