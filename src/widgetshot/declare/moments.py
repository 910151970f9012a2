"""Shots between cells: `after` says after which cell of the notebook a shot is taken."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from widgetshot.declare.cells import Cell
from widgetshot.declare.options import SHOT
from widgetshot.declare.shots import LONGEST_NAME, DeclaredShot
from widgetshot.errors import ConfigError
from widgetshot.values import BadValue

_EACH = "each"
# Between the shot's name and the cell's: no shot's own name can have it, file names can, pytest's -k takes it for a
# part of a name, and pytest-xdist does not take it for its own. Of '@' neither of the last two is true.
_SEPARATOR = "+"
_IN_FILE_NAMES = re.compile(r"[\w-]{1,64}", re.ASCII)  # as nbformat has it
_LARGEST = 10**16  # more digits are text, see option_block


def parse_after(value: Any) -> str:
    """Parse the name of a cell, or `each`. An id of digits alone is a number in YAML.

    Raises:
        BadValue: it is none.
    """
    if type(value) is int and 0 <= value < _LARGEST:
        return str(value)
    if not isinstance(value, str) or not value:
        shown = repr(value)[:50] if not isinstance(value, int) or abs(value) < _LARGEST else "such a number"
        raise BadValue(f"must be '{_EACH}' or the name of a later cell, in quotes, not {shown}")
    return value


def by_moment(shots: Iterable[DeclaredShot], cells: Sequence[Cell], path: str) -> list[DeclaredShot]:
    """Return the shots of a notebook in the order in which they are taken.

    One that is taken after each cell becomes one for each of these cells: `plot` after its own, `plot+ID` after a later
    one. The names of the cells stand in the options.

    Args:
        shots: in the order of their cells.
        path: the notebook, for messages.

    Raises:
        ConfigError: a cell is none of the later ones, or can't be a part of a name.
    """
    code = [cell for cell in cells if cell.code]
    place = {cell.name: index for index, cell in enumerate(code)}
    taken: list[tuple[int, DeclaredShot]] = []
    for shot in shots:
        if "after" not in shot.options:
            taken.append((len(code), shot))
            continue
        assert shot.cell_id is not None  # that of the whole page has no options
        where = f"{path}::{shot.name}"
        after = SHOT["after"].read(shot.options["after"], where)
        later = code[place[shot.cell_id] + 1 :]
        if after == _EACH:
            names = {shot.cell_id: shot.name} | {cell.name: _name(shot, cell, where) for cell in later}
            for cell, name in names.items():
                taken.append((place[cell], replace(shot, name=name, options={**shot.options, "after": cell})))
        elif after in [cell.name for cell in later]:
            taken.append((place[after], shot))
        else:
            there = f"they are: {', '.join(cell.name for cell in later)}" if later else "there is none"
            raise ConfigError(f"after: {after[:50]!r} is no code cell below this one; {there}", where=where)
    taken.sort(key=lambda one: one[0])
    return [replace(shot, order=order) for order, (_, shot) in enumerate(taken)]


def _name(shot: DeclaredShot, cell: Cell, where: str) -> str:
    """Return the name of a shot after one of several cells."""
    if cell.id is None:
        raise ConfigError(
            f"after: '{_EACH}' makes names of the cells' ids, and '{cell.name}' has none",
            where=where,
            next_step="save the notebook with a current Jupyter (nbformat 4.5 or later)",
        )
    if not _IN_FILE_NAMES.fullmatch(cell.id):
        raise ConfigError(
            f"after: '{_EACH}' makes file names of the cells' ids: letters, digits, '_' and '-', 64 at most, not "
            f"{cell.id[:80]!r}",
            where=where,
            next_step="give the cell another id, or name one cell under 'after'",
        )
    name = f"{shot.name}{_SEPARATOR}{cell.id}"
    if len(name.encode()) > LONGEST_NAME:
        raise ConfigError(f"after: {name!r} is too long for a file name", where=where, next_step="shorten its name")
    return name
