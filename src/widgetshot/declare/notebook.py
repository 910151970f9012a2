"""An .ipynb file -> Targets, without executing anything.

The declaration language is described in docs/reference/notebook-options.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from widgetshot.declare.cells import Cell, is_python, read_cells
from widgetshot.declare.defaults import Defaults
from widgetshot.declare.limits import Limit
from widgetshot.declare.moments import by_moment
from widgetshot.declare.option_block import split_block
from widgetshot.declare.options import NOTEBOOK
from widgetshot.declare.shots import PAGE_SHOT, DeclaredShot, check_names, shots_of
from widgetshot.declare.targets import notebook_values, targets_of
from widgetshot.errors import ConfigError, NotebookError, WidgetshotError
from widgetshot.file_names import WHY, folded, side_by_side
from widgetshot.model import Need, Target
from widgetshot.option import check_options
from widgetshot.values import checked, mapping


@dataclass(frozen=True)
class Notebook:
    """A parsed notebook: its targets and what applies to all of it.

    Attributes:
        path: relative to the root, forward slashes.
        timeout: seconds that one cell may take.
        settle_timeout: seconds that the page may take to come to rest.
        kernel: the kernel spec to use; "" for the notebook's own.
        gateway_url: address of the Jupyter Kernel Gateway that starts the kernel; "" where it runs here.
        skip: why nothing of it is captured, or "".
        inputs: globs, relative to its folder, of files that it depends on besides what can be seen; None where it
            does not say.
        services: what must run before it executes.
        requires_env: names of environment variables without which it can't run.
        missing: those of them that are not set, where that fails it; see `widgetshot.project.notebooks`.
        cost: what it may spend on paid services in a day.
    """

    path: str
    targets: tuple[Target, ...]
    timeout: float
    settle_timeout: float
    kernel: str = ""
    gateway_url: str = ""
    skip: str = ""
    inputs: tuple[str, ...] | None = None
    services: tuple[Need, ...] = ()
    requires_env: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    cost: tuple[Limit, ...] = ()


_FIELDS = frozenset(field.name for field in fields(Notebook))


def read_notebook(file: Path, path: str, defaults: Defaults | None = None) -> Notebook:
    """Parse one notebook.

    Args:
        file: where it is.
        path: its name relative to the root, with forward slashes.
        defaults: what holds where it says nothing.

    Raises:
        NotebookError: the file is unreadable, or two shots have one name.
        ConfigError: an option is unknown or has a bad value.
    """
    cells, metadata = read_cells(file, path)
    try:
        return _parse(cells, metadata, path, defaults or Defaults())
    except WidgetshotError as error:
        raise error.at(path) from None


def _parse(cells: list[Cell], metadata: Mapping[str, Any], path: str, defaults: Defaults) -> Notebook:
    _check_ids(cells, path)
    given, declared = _declarations(cells, metadata, path)
    shots = by_moment(declared, cells, path)
    check_options(given, NOTEBOOK, "notebook option", path)
    check_names(shots, path)
    values = notebook_values(given, path, defaults)
    values["kernel"] = _kernel(values["kernel"], metadata, defaults, own="kernel" in given)
    targets = [target for shot in shots for target in targets_of(shot, given, values, path, defaults)]
    _check_paths(targets)
    if values["gateway_url"] and values.get("services"):
        raise ConfigError(
            "its services listen on this machine alone, where a kernel of 'gateway_url' does not reach them",
            where=path,
            next_step="set 'gateway_url: false' in its first cell, or leave out 'services'",
        )
    if "cost" in values:
        values["cost"] = tuple(replace(limit, notebook=path) for limit in values["cost"])
    return Notebook(path, tuple(targets), **{name: value for name, value in values.items() if name in _FIELDS})


def _kernel(value: str, metadata: Mapping[str, Any], defaults: Defaults, *, own: bool) -> str:
    """Return the kernel spec to use; that of a project or a command is for Python notebooks.

    Args:
        value: the notebook's own, or the project's.
        own: whether it is the notebook's.
    """
    if not is_python(metadata):
        return value if own else ""
    return defaults.kernel if defaults.kernel_given else value


def _declarations(
    cells: Iterable[Cell], metadata: Mapping[str, Any], path: str
) -> tuple[dict[str, Any], list[DeclaredShot]]:
    """Return the raw values of the notebook's options, and its shots; that of the whole page where it declares none."""
    given = dict(checked(mapping, metadata.get("widgetshot", {}), path, "metadata 'widgetshot'"))
    shots: list[DeclaredShot] = []
    first = True
    for cell in cells:
        if not cell.code:
            continue
        where = f"{path}::{cell.name}"
        block, body = split_block(cell.source, where)
        if "widgetshot" in block:
            if not first:
                raise ConfigError("'widgetshot:' belongs at the top of the first code cell", where=where)
            given |= checked(mapping, block["widgetshot"], where, "'widgetshot'")
        first = False
        shots += shots_of(block, body, cell, len(shots), where)
    return given, shots or [DeclaredShot(PAGE_SHOT, None, 0, "")]


def _check_ids(cells: Iterable[Cell], path: str) -> None:
    seen = set()
    for id in (cell.id for cell in cells if cell.id):
        if id in seen:
            raise NotebookError(
                f"two cells have the id '{id}'", where=path, next_step="open it in Jupyter and save it again"
            )
        seen.add(id)


def _check_paths(targets: Iterable[Target]) -> None:
    """Refuse two targets whose baselines would be one file."""
    seen: dict[tuple[str, str], Target] = {}
    for target in targets:
        other = seen.setdefault((target.frontend, folded(target.path)), target)
        # A viewport may have the name of a front end, too.
        if (same := seen.setdefault(("", target.name), target)) is not target:
            other = same
        if other is not target:
            raise NotebookError(
                "two pictures have this name"
                if other.name == target.name
                else f"two pictures are named {side_by_side(other.name, target.name)}: they {WHY}",
                where=target.nodeid,
                next_step="give the viewport another name",
            )
