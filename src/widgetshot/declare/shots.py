"""The shots that a cell declares, by its `#|` block or by its tags."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from widgetshot.declare.cells import Cell
from widgetshot.declare.options import SHOT
from widgetshot.errors import ConfigError, NotebookError, nearest
from widgetshot.file_names import WHY, folded, side_by_side
from widgetshot.option import check_options
from widgetshot.values import BadValue

PAGE_SHOT = "page"
_TAG = "shot"
_BLOCK_KEYS = {"shot", "widgetshot"}
_TYPING_ERRORS = {"shots", "shto", "shoot"}
_NAME = re.compile(r"[\w][\w .-]{0,99}")
LONGEST_NAME = 180  # bytes; file systems take 255, and the variant and the picture's kind come behind it

# Cell options of Quarto and nbdev that may stand in the same block.
# https://quarto.org/docs/reference/cells/cells-jupyter.html
_QUARTO = re.compile(
    r"(label|tags|id|renderings|export|eval|echo|output|warning|error|include|panel|classes|column|layout|layout-.+|slideshow"
    r"|fig-.+|tbl-.+|lst-.+|cap-.+|code-.+|html-.+|export-.+|page-.+|execution_count|default_exp|hide|hide_.+)"
)


@dataclass(frozen=True)
class DeclaredShot:
    """A shot as it is declared, before its variants are multiplied out.

    Attributes:
        cell_id: name of its cell; None for the whole page.
        order: its position among the shots of the notebook.
        source: the code of its cell.
        options: raw values by name, none of them parsed.
    """

    name: str
    cell_id: str | None
    order: int
    source: str
    options: Mapping[str, Any] = field(default_factory=dict)


def shots_of(block: Mapping[str, Any], body: str, cell: Cell, order: int, where: str) -> list[DeclaredShot]:
    """Return the shots that one cell declares.

    Args:
        block: the cell's `#|` options.
        body: its source without them.
        order: the position of its first shot.
        where: the cell, for messages.

    Raises:
        ConfigError: an unknown option or tag, a bad name, a shot without one.
    """
    tagged = _shot_tags(cell, where)
    others = {key: value for key, value in block.items() if key not in _BLOCK_KEYS and not _QUARTO.fullmatch(key)}
    shared: dict[str, Any] = {}
    if "shot" in block:
        if tagged:
            raise ConfigError(f"declares shots both in its '#|' block and by the tag '{tagged[0]}'", where=where)
        shared, entries = others, _entries(block["shot"], others, where)
    else:
        _refuse_options_without_shot(others, where)
        entries = [tag.partition(":")[2] or True for tag in tagged]
    found: list[DeclaredShot] = []
    for entry in entries:
        options = shared | _options(entry, where)
        name = options.pop("name", None)
        if name is None and len(entries) > 1:
            raise ConfigError("each of several shots of one cell needs a name", where=where)
        name = SHOT["name"].read(_name_of_cell(cell, where) if name is None else name, where)
        found.append(DeclaredShot(name, cell.name, order + len(found), body, options))
    return found


def _shot_tags(cell: Cell, where: str) -> list[str]:
    tagged = []
    for tag in cell.tags:
        word = tag.partition(":")[0]
        if word == _TAG:
            tagged.append(tag)
        elif word.casefold() == _TAG or word.casefold() in _TYPING_ERRORS:
            raise ConfigError(f"unknown tag '{tag}'; did you mean 'shot' or 'shot:NAME'?", where=where)
    return tagged


def _refuse_options_without_shot(options: Iterable[str], where: str) -> None:
    for key in options:
        if key in SHOT or get_close_matches(key, _BLOCK_KEYS, cutoff=0.7):
            raise ConfigError(f"option '{key}' without a 'shot:' in this cell{nearest(key, ['shot'])}", where=where)


def _entries(value: Any, shared: Mapping[str, Any], where: str) -> list[Any]:
    """Return what stands under `shot:`, as a list."""
    check_options(shared, SHOT, "option", where)
    if value is False:
        return []
    entries = value if isinstance(value, list) else [value]
    if len(entries) > 1 and shared.keys() & {"steps", "name"}:
        raise ConfigError("'steps' and 'name' belong inside each shot when a cell declares several", where=where)
    if not entries:
        raise ConfigError("'shot:' is an empty list", where=where)
    return entries


def _options(entry: Any, where: str) -> dict[str, Any]:
    if isinstance(entry, Mapping):
        check_options(entry, SHOT, "option", where)
        return dict(entry)
    return {} if isinstance(entry, bool) or entry is None else {"name": entry}


def _name_of_cell(cell: Cell, where: str) -> str:
    if not cell.id:
        raise ConfigError(
            "a shot without a name takes its cell's id, and this notebook (nbformat < 4.5) has none",
            where=where,
            next_step="write 'shot: NAME', or save the notebook with a current Jupyter",
        )
    return cell.id


def parse_shot_name(value: Any) -> str:
    """Parse the name of a shot; a number is one, too.

    Raises:
        BadValue: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, str | int) or not _NAME.fullmatch(str(value)):
        raise BadValue(f"{value!r} is not valid: letters, digits, space, '.', '_' and '-', 100 at most")
    if len(str(value).encode()) > LONGEST_NAME:
        raise BadValue(f"{value!r} is too long for a file name")
    return str(value)


def check_names(shots: Iterable[DeclaredShot], path: str) -> None:
    """Refuse two shots of one name.

    Args:
        path: the notebook, for messages.

    Raises:
        NotebookError: there are two.
    """
    seen: dict[str, DeclaredShot] = {}
    for shot in shots:
        other = seen.setdefault(folded(shot.name), shot)
        if other is not shot:
            cells = f"cells '{other.cell_id}' and '{shot.cell_id}'"
            raise NotebookError(
                f"two shots are named '{shot.name}' ({cells})"
                if other.name == shot.name
                else f"two shots are named {side_by_side(other.name, shot.name)} ({cells}): they {WHY}",
                where=f"{path}::{shot.name}",
                next_step="give one of them another name",
            )
