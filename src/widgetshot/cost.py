"""Costs of notebooks on paid services: counted, and refused beyond a limit before the call is made.

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
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal, NamedTuple

from widgetshot.declare.limits import Limit
from widgetshot.errors import ConfigError, WidgetshotError
from widgetshot.files import LOCAL_FOLDER, local_folder, locked, write_atomically
from widgetshot.shell import quoted

FILE = "cost.json"
_LOCK = "cost.lock"
_KEPT_DAYS = 31
# JSON: the project's `root`, the `notebook`'s path, and the `limits` of both. Passed to kernels.
VARIABLE = "WIDGETSHOT_COST"


class CostExceeded(WidgetshotError):
    """A call would go beyond a limit, and has not been made."""


class CostUnknown(WidgetshotError):
    """The sums of a day can't be read or written, so nothing more may be spent."""


@dataclass(frozen=True)
class Spent:
    """A sum of calls and of US dollars."""

    calls: int = 0
    usd: Decimal = Decimal(0)


class Day(NamedTuple):
    """The sums of one day: all of it, by service, and by notebook."""

    total: Spent
    services: dict[str, Spent]
    notebooks: dict[str, Spent]


@dataclass
class _StoredDay:
    all: Spent
    services: dict[str, Spent]
    notebooks: dict[str, Spent]

    def add(self, service: str, notebook: str, calls: int, usd: Decimal) -> None:
        """Add calls to the sum of the day, and to those of a service and a notebook if they have names."""
        self.all = _sum(self.all, calls, usd)
        for sums, name in ((self.services, service), (self.notebooks, notebook)):
            if name:
                sums[name] = _sum(sums.get(name, Spent()), calls, usd)


@dataclass
class _Stored:
    """The file of the sums; days by their dates."""

    format: Literal[1]
    days: dict[str, _StoredDay]


def _sum(spent: Spent, calls: int, usd: Decimal) -> Spent:
    return Spent(spent.calls + calls, spent.usd + usd)


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
    _book(_account(), service, _amount(usd), calls)


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
    account, expected = _account(), _amount(usd)
    _book(account, service, expected, 1)
    made = Call(usd)
    try:
        yield made
    finally:
        # What was spent is counted whatever the limit, and even if it is more than was expected.
        if (actual := _amount(made.usd)) != expected:
            _book(account, service, actual - expected, 0, limited=False)


def today(root: Path) -> Day:
    """Return what was spent today (UTC).

    Args:
        root: the project's folder.

    Raises:
        CostUnknown: the file of the sums can't be read.
    """
    folder = root / LOCAL_FOLDER
    if not (folder / FILE).is_file():
        return Day(Spent(), {}, {})
    with _locked(folder):
        day = _read(folder / FILE).days.get(_date(folder), _StoredDay(Spent(), {}, {}))
    return Day(day.all, day.services, day.notebooks)


def environment(root: Path, notebook: str, limits: tuple[Limit, ...]) -> dict[str, str]:
    """Return the environment variables by which a kernel knows whose calls it counts."""
    known = [
        {"calls": one.calls, "usd": None if one.usd is None else str(one.usd), "notebook": one.notebook}
        for one in limits
    ]
    return {VARIABLE: json.dumps({"root": str(root), "notebook": notebook, "limits": known})}


@dataclass(frozen=True)
class _Account:
    """Whose calls these are, and what they may cost."""

    root: Path
    notebook: str
    limits: tuple[Limit, ...]


def _account() -> _Account:
    if text := os.environ.get(VARIABLE):
        given = json.loads(text)
        limits = (
            Limit(one["calls"], None if one["usd"] is None else Decimal(one["usd"]), one["notebook"])
            for one in given["limits"]
        )
        return _Account(Path(given["root"]), given["notebook"], tuple(limits))
    # Jupyter's own kernel: its server says which notebook it is for, mostly.
    from widgetshot.project.loading import find_root, load_settings
    from widgetshot.project.notebooks import load_notebook

    file = Path(os.environ.get("JPY_SESSION_NAME", "")).absolute()
    root = find_root(file.parent if file.is_file() else Path.cwd())
    settings = load_settings(root)
    if file.suffix == ".ipynb" and file.is_file() and file.is_relative_to(settings.root):
        notebook = load_notebook(settings, file)
        return _Account(settings.root, notebook.path, settings.cost + notebook.cost)
    return _Account(settings.root, "", settings.cost)


def _amount(usd: float | Decimal | str) -> Decimal:
    try:
        # Of a float what is written, not its binary value: sums of cents are to be exact.
        amount = Decimal(str(usd))
    except InvalidOperation as error:
        raise ConfigError(f"usd={usd!r} is no amount", where="widgetshot.cost") from error
    if not amount.is_finite() or amount < 0:
        raise ConfigError(f"usd={usd!r} is no amount", where="widgetshot.cost")
    return amount


def _book(account: _Account, service: str, usd: Decimal, calls: int, *, limited: bool = True) -> None:
    if calls < 0:
        raise ConfigError(f"calls={calls!r} is negative", where="widgetshot.cost")
    folder = account.root / LOCAL_FOLDER
    with _locked(folder):
        stored = _read(folder / FILE)
        day = stored.days.setdefault(_date(folder), _StoredDay(Spent(), {}, {}))
        for limit in account.limits if limited else ():
            spent = day.notebooks.get(limit.notebook, Spent()) if limit.notebook else day.all
            _refuse_beyond(limit, spent, usd, calls, service)
        day.add(service, account.notebook, calls, usd)
        stored.days = dict(sorted(stored.days.items())[-_KEPT_DAYS:])
        _write(folder / FILE, stored)


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
        raise _unknown(folder, f"can't be written: {error.strerror or error}") from error
    with stack:
        yield


# The kernel of a notebook that counts nothing needs no reader of documents.
def _read(file: Path) -> _Stored:
    from widgetshot import documents

    try:
        stored = documents.read(_Stored, file, next_step="", error=CostUnknown)
    except FileNotFoundError:
        return _Stored(1, {})
    except CostUnknown as error:
        # Counting from nothing would allow as much again.
        raise _unknown(file, f"can't be read: {error.what}") from error
    for date, day in stored.days.items():
        if not all(one.usd.is_finite() for one in (day.all, *day.services.values(), *day.notebooks.values())):
            raise _unknown(file, f"can't be read: {date} has an amount that is no number")
    return stored


def _write(file: Path, stored: _Stored) -> None:
    from msgspec import json

    from widgetshot import documents

    try:
        write_atomically(file, json.format(documents.encode(stored), indent=1))
    except OSError as error:
        raise _unknown(file, f"can't be written: {error.strerror}") from error


def _unknown(file: Path, why: str) -> CostUnknown:
    return CostUnknown(
        f"what was spent today is not known, so nothing more may be: {why}",
        where=str(file),
        next_step=f"look at it; to begin anew: rm {quoted(file)}",
    )


def _date(folder: Path) -> str:
    """Return today's date in UTC, ISO 8601, by the clock of the file system: a notebook's own may be frozen.

    Whoever calls holds the lock.
    """
    lock = folder / _LOCK
    os.utime(lock)
    return datetime.fromtimestamp(lock.stat().st_mtime, UTC).date().isoformat()
