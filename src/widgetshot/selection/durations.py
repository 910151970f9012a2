"""What took how long in an earlier run, and the shard that is wished for."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from widgetshot.documents import read
from widgetshot.errors import ConfigError
from widgetshot.model import front_end_of, label_of
from widgetshot.project.settings import Settings
from widgetshot.report.folder import MAX_RUN_BYTES, RUN_FILE
from widgetshot.report.history import History
from widgetshot.report.limits import MAX_ITEMS, Count, Key, Name, Seconds
from widgetshot.selection.shards import Dealing, Durations, Identity, parse_shard
from widgetshot.values import checked

HISTORY = "history"


# Of a run.json what is needed here: one that another version wrote, or that somebody made smaller, does as well.
class _Test(msgspec.Struct, frozen=True):
    key: Key
    notebook: Name
    variant: Name
    duration: Seconds


class _Service(msgspec.Struct, frozen=True):
    name: Name
    seconds: Seconds
    instances: Count


class _Skipped(msgspec.Struct, frozen=True):
    notebook: Name


class _Run(msgspec.Struct, frozen=True):
    tests: Annotated[list[_Test], Meta(max_length=MAX_ITEMS)]
    services: Annotated[list[_Service], Meta(max_length=MAX_ITEMS)] = []
    skipped: Annotated[list[_Skipped], Meta(max_length=MAX_ITEMS)] = []


def read_dealing(
    settings: Settings, shard: str | None, durations: str | None, folder: Path, flags: Mapping[str, str]
) -> Dealing | None:
    """Read what was given for two flags; None where neither was.

    Args:
        shard: `2/5`.
        durations: see `read_durations`.
        folder: where a relative path begins.
        flags: the flags' names, for messages: that of `shard` and that of `durations`.

    Raises:
        ConfigError: there is no such shard or file, or nothing is dealt.
        RecordError: the durations are those of no run.
    """
    if shard is None and durations is None:
        return None
    if shard is None:
        raise ConfigError(
            "says how shards are dealt, and no shard is asked for",
            where=flags["durations"],
            next_step=f"add {flags['shard']}=1/2, or leave it out",
        )
    found = checked(parse_shard, shard, flags["shard"])
    if durations is None:
        return Dealing(found)
    return Dealing(found, read_durations(settings, durations, folder, where=flags["durations"]))


def read_durations(settings: Settings, source: str, folder: Path, where: str = "") -> Durations:
    """Return what took how long in an earlier run.

    Args:
        source: a run folder or its run.json; `history` for what the project remembers of its runs here, with the same
            browser and platform.
        folder: where a relative path begins.
        where: the flag that names the source.

    Raises:
        ConfigError: there is no such file.
        RecordError: it is no run.
    """
    if source == HISTORY:
        seconds = History(settings.root).seconds()
        here = {key: one for key, one in seconds.items() if _drawn_by(key, settings)}
        return Durations(_by_session((_of_key(key), one) for key, one in here.items()))
    file = folder / source
    file = file / RUN_FILE if file.is_dir() else file
    try:
        run = read(_Run, file, next_step="widgetshot run", max_bytes=MAX_RUN_BYTES)
    except FileNotFoundError as error:
        raise ConfigError(
            f"no such file: {file}", where=where, next_step="name a run folder, its run.json, or: history"
        ) from error
    # Of another browser or platform only where nothing better is known.
    tests = [entry for entry in run.tests if _drawn_by(entry.key, settings)] or run.tests
    return Durations(
        sessions=_by_session((_identity(entry.notebook, entry.variant, entry.key), entry.duration) for entry in tests),
        starts={one.name: one.seconds / one.instances for one in run.services if one.instances},
        skipped=frozenset(one.notebook for one in run.skipped),
    )


def _by_session(seconds: Iterable[tuple[Identity, float]]) -> dict[Identity, float]:
    sums: dict[Identity, float] = {}
    for identity, one in seconds:
        sums[identity] = sums.get(identity, 0.0) + one
    # What was not measured is not known.
    return {identity: seconds for identity, seconds in sums.items() if seconds}


def _drawn_by(key: str, settings: Settings) -> bool:
    """Tell whether a key is of the browser and the platform of these settings, in whatever front end."""
    environment = key.partition("/")[0]
    return environment == settings.environment(front_end_of(environment))


def _of_key(key: str) -> Identity:
    """Return the session of `environment/notebooks/x/shot[variant]`."""
    folder, _, name = key.partition("/")[2].rpartition("/")
    notebook, variant = folder if ".py/" in folder else f"{folder}.ipynb", name.partition("[")[2].removesuffix("]")
    return _identity(notebook, variant, key)


def _identity(notebook: str, variant: str, key: str) -> Identity:
    # All pictures of a Python test are its own.
    label = label_of(front_end_of(key.partition("/")[0]), variant)
    return (notebook, label if notebook.endswith(".ipynb") else "")
