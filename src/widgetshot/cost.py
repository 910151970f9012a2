"""What notebooks spend on paid services, counted, and refused beyond a limit: before the call is made.

In a notebook::

    from widgetshot import cost

    with cost.call("openai", usd=0.002):
        answer = client.responses.create(...)

Sums are those of a day (UTC), in a file of the project, `.widgetshot/cost.json`. All kernels of all runs count there,
and so does the same notebook opened in Jupyter.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from widgetshot.declare.limits import Limit
from widgetshot.errors import ConfigError, WidgetshotError
from widgetshot.files import LOCAL_FOLDER, local_folder, locked, write_atomically

FORMAT = 1
FILE = "cost.json"
_LOCK = "cost.lock"
_MOST_DAYS = 31
# JSON: the project's `root`, the `notebook`'s path, and the `limits` of both. Handed to kernels.
VARIABLE = "WIDGETSHOT_COST"


class CostExceeded(WidgetshotError):
    """A call would go beyond a limit, and has not been made."""


class CostUnknown(WidgetshotError):
    """What was spent so far can't be told, so nothing more may be."""


@dataclass(frozen=True)
class Spent:
    """What was spent in a day."""

    calls: int = 0
    usd: Decimal = Decimal(0)


@dataclass
class Call:
    """One call while it is made.

    Attributes:
        usd: what it costs; may be set to what it did cost once that is known, and is counted so in the end.
    """

    usd: float | Decimal | str


def spend(service: str = "", usd: float | Decimal | str = 0, *, calls: int = 1) -> None:
    """Count calls that are about to be made.

    Args:
        service: its name, for the sums.
        usd: what they will cost together, in US dollars; better too much than too little.
        calls: how many.

    Raises:
        CostExceeded: they would go beyond a limit; nothing is counted, and they must not be made.
        CostUnknown: the file of the sums can't be read or written.
        ConfigError: a negative or unreadable amount.
    """
    _book(_surroundings(), service, _amount(usd), calls)


@contextlib.contextmanager
def call(service: str = "", usd: float | Decimal | str = 0) -> Iterator[Call]:
    """Make one call: counted before, and refused instead where it would go beyond a limit.

    A call that fails stays counted, because nobody knows whether it will be billed.

    Args:
        service: its name, for the sums.
        usd: what it will cost at most, in US dollars. Set `usd` of what this yields once the true amount is known.

    Raises:
        CostExceeded, CostUnknown, ConfigError: as `spend`.
    """
    around, expected = _surroundings(), _amount(usd)
    _book(around, service, expected, 1)
    made = Call(usd)
    try:
        yield made
    finally:
        # What was spent is counted whatever the limit, and even if it is more than was expected.
        if (actual := _amount(made.usd)) != expected:
            _book(around, service, actual - expected, 0, limited=False)


def today(root: Path) -> tuple[Spent, dict[str, Spent], dict[str, Spent]]:
    """What was spent today (UTC): all of it, by service, and by notebook.

    Args:
        root: the project's folder.

    Raises:
        CostUnknown: the file of the sums can't be read.
    """
    folder = root / LOCAL_FOLDER
    if not (folder / FILE).is_file():
        return Spent(), {}, {}
    with _locked(folder):
        day = _read(folder / FILE)["days"].get(_day(folder), {"all": {}, "services": {}, "notebooks": {}})
    return (
        _spent(day["all"]),
        {name: _spent(one) for name, one in day["services"].items()},
        {name: _spent(one) for name, one in day["notebooks"].items()},
    )


def environment(root: Path, notebook: str, limits: tuple[Limit, ...]) -> dict[str, str]:
    """What a kernel is told of it, as environment variables."""
    told = [
        {"calls": one.calls, "usd": None if one.usd is None else str(one.usd), "notebook": one.notebook}
        for one in limits
    ]
    return {VARIABLE: json.dumps({"root": str(root), "notebook": notebook, "limits": told})}


@dataclass(frozen=True)
class _Surroundings:
    root: Path
    notebook: str
    limits: tuple[Limit, ...]


def _surroundings() -> _Surroundings:
    """Whose calls these are, and what they may cost."""
    if told := os.environ.get(VARIABLE):
        given = json.loads(told)
        limits = (
            Limit(one["calls"], None if one["usd"] is None else Decimal(one["usd"]), one["notebook"])
            for one in given["limits"]
        )
        return _Surroundings(Path(given["root"]), given["notebook"], tuple(limits))
    # Jupyter's own kernel: its server says which notebook it is for, mostly.
    from widgetshot.project.loading import find_root, load_settings
    from widgetshot.project.notebooks import load_notebook

    file = Path(os.environ.get("JPY_SESSION_NAME", "")).absolute()
    root = find_root(file.parent if file.is_file() else Path.cwd())
    settings = load_settings(root)
    if file.suffix == ".ipynb" and file.is_file() and file.is_relative_to(settings.root):
        notebook = load_notebook(settings, file)
        return _Surroundings(settings.root, notebook.path, settings.cost + notebook.cost)
    return _Surroundings(settings.root, "", settings.cost)


def _amount(usd: float | Decimal | str) -> Decimal:
    try:
        # Of a float what is written, not its binary value: sums of cents are to be exact.
        amount = Decimal(str(usd))
    except InvalidOperation as error:
        raise ConfigError(f"usd={usd!r} is no amount", where="widgetshot.cost") from error
    if not amount.is_finite() or amount < 0:
        raise ConfigError(f"usd={usd!r} is no amount", where="widgetshot.cost")
    return amount


def _book(around: _Surroundings, service: str, usd: Decimal, calls: int, *, limited: bool = True) -> None:
    if calls < 0:
        raise ConfigError(f"calls={calls!r} is negative", where="widgetshot.cost")
    folder = around.root / LOCAL_FOLDER
    with _locked(folder):
        known = _read(folder / FILE)
        name = _day(folder)
        day = known["days"].setdefault(name, {"all": {}, "services": {}, "notebooks": {}})
        for limit in around.limits if limited else ():
            sums = day["notebooks"].get(limit.notebook, {}) if limit.notebook else day["all"]
            _refuse_beyond(limit, _spent(sums), usd, calls, service)
        for sums in (
            day["all"],
            *(day[kind].setdefault(key, {}) for kind, key in _accounts(service, around.notebook)),
        ):
            sums["calls"] = sums.get("calls", 0) + calls
            sums["usd"] = str(Decimal(sums.get("usd", "0")) + usd)
        known["days"] = dict(sorted(known["days"].items())[-_MOST_DAYS:])
        try:
            write_atomically(folder / FILE, json.dumps(known, indent=1, ensure_ascii=False).encode())
        except OSError as error:
            raise _unknown(folder / FILE, f"can't be written: {error.strerror}") from error


def _accounts(service: str, notebook: str) -> list[tuple[str, str]]:
    return [(kind, key) for kind, key in (("services", service), ("notebooks", notebook)) if key]


def _refuse_beyond(limit: Limit, spent: Spent, usd: Decimal, calls: int, service: str) -> None:
    whose = limit.notebook or "this project"
    option = "'cost' in the notebook" if limit.notebook else "[tool.widgetshot.cost]"
    over = ""
    if limit.calls is not None and spent.calls + calls > limit.calls:
        over = f"{spent.calls} of {limit.calls} calls of {whose} are made today (UTC)"
    elif limit.usd is not None and spent.usd + usd > limit.usd:
        over = f"{spent.usd} of {limit.usd} USD of {whose} are spent today (UTC), and it would cost {usd}"
    if over:
        raise CostExceeded(
            f"the call{f' of {service}' if service else ''} was not made: {over}",
            next_step=f"see: widgetshot cost; wait until tomorrow, or raise the limit ({option})",
        )


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    try:
        local_folder(folder.parent)
        stack = contextlib.ExitStack()
        stack.enter_context(locked(folder / _LOCK))
    except OSError as error:
        raise _unknown(folder, f"can't be written: {error.strerror}") from error
    with stack:
        yield


def _read(file: Path) -> dict[str, Any]:
    try:
        known: dict[str, Any] = json.loads(file.read_bytes())
        if known["format"] != FORMAT:
            raise ValueError(f"its format is {known['format']!r}")
        for day in known["days"].values():
            for sums in (day["all"], *day["services"].values(), *day["notebooks"].values()):
                _spent(sums)
        return known
    except FileNotFoundError:
        return {"format": FORMAT, "days": {}}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as error:
        # Counting from nothing would allow as much again.
        raise _unknown(file, f"can't be read: {error!r}") from error


def _unknown(place: Path, why: str) -> CostUnknown:
    return CostUnknown(
        f"what was spent today is not known, so nothing more may be: {why}",
        where=str(place),
        next_step=f"look at it; to begin anew: rm '{place}'",
    )


def _spent(sums: Mapping[str, Any]) -> Spent:
    return Spent(int(sums.get("calls", 0)), Decimal(sums.get("usd", "0")))


def _day(folder: Path) -> str:
    """Today's date in UTC, ISO 8601, by the clock of the file system: a notebook's own may be frozen.

    Whoever calls holds the lock.
    """
    lock = folder / _LOCK
    os.utime(lock)
    return datetime.fromtimestamp(lock.stat().st_mtime, UTC).date().isoformat()
