"""What one machine is to run of several, by how long things took in an earlier run."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from widgetshot.documents import read
from widgetshot.errors import ConfigError
from widgetshot.option import Option
from widgetshot.project.options import RUN
from widgetshot.project.settings import Settings
from widgetshot.report.folder import MAX_RUN_BYTES, RUN_FILE
from widgetshot.report.history import History
from widgetshot.report.run_json import Run
from widgetshot.selection.shards import Dealing, Durations, Identity
from widgetshot.values import checked

HISTORY = "history"


def read_dealing(
    settings: Settings, shard: str | None, durations: str | None, folder: Path, options: Mapping[str, Option]
) -> Dealing:
    """Read what was given for two flags.

    Args:
        shard: `2/5`.
        durations: see `read_durations`.
        folder: where a relative path begins.
        options: declares both flags, as those of `widgetshot run` or of pytest.

    Raises:
        ConfigError: there is no such shard or file, or nothing is dealt.
        RecordError: the durations are those of no run.
    """
    flags = {name: options[name].run if options is RUN else options[name].pytest for name in ("shard", "durations")}
    if not shard:
        raise ConfigError(
            "says how shards are dealt, and no shard is asked for",
            where=flags["durations"],
            next_step=f"add {flags['shard']}=1/2, or leave it out",
        )
    found = checked(options["shard"].parse, shard, flags["shard"])
    if not durations:
        return Dealing(found)
    return Dealing(found, read_durations(settings, durations, folder, where=flags["durations"]))


def read_durations(settings: Settings, source: str, folder: Path, where: str = "") -> Durations:
    """Return what took how long in an earlier run.

    Args:
        source: a run folder or its run.json; `history` for what the project remembers of its runs here, in the same
            environment.
        folder: where a relative path begins.
        where: the flag that names the source.

    Raises:
        ConfigError: there is no such file.
        RecordError: it is no run.
    """
    if source == HISTORY:
        seconds = History(settings.root).seconds()
        prefix = f"{settings.environment}/"
        return Durations(_by_session((_of_key(key), one) for key, one in seconds.items() if key.startswith(prefix)))
    file = folder / source
    file = file / RUN_FILE if file.is_dir() else file
    try:
        run = read(Run, file, next_step="widgetshot run", max_bytes=MAX_RUN_BYTES)
    except FileNotFoundError as error:
        raise ConfigError(
            f"no such file: {file}", where=where, next_step="name a run folder, its run.json, or: history"
        ) from error
    return Durations(
        sessions=_by_session((_identity(entry.notebook, entry.variant), entry.duration) for entry in run.tests),
        services={one.name: one.seconds / one.instances for one in run.services if one.instances},
        skipped=frozenset(one.notebook for one in run.skipped),
    )


def _by_session(seconds: Iterable[tuple[Identity, float]]) -> dict[Identity, float]:
    sums: dict[Identity, float] = {}
    for identity, one in seconds:
        sums[identity] = sums.get(identity, 0.0) + one
    return sums


def _of_key(key: str) -> Identity:
    """Return the session of `environment/notebooks/x/shot[variant]`."""
    folder, _, name = key.partition("/")[2].rpartition("/")
    return _identity(folder if ".py/" in folder else f"{folder}.ipynb", name.partition("[")[2].removesuffix("]"))


def _identity(notebook: str, variant: str) -> Identity:
    # All pictures of a Python test are its own.
    return (notebook, variant if notebook.endswith(".ipynb") else "")
