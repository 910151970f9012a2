"""The cells of a notebook file, read without nbformat where that is possible."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from widgetshot.errors import NotebookError
from widgetshot.shell import typed

_PYTHON = ("python", "ipython")


@dataclass(frozen=True)
class Cell:
    """A cell of a notebook.

    Attributes:
        position: its number in the notebook, from 0.
        id: its nbformat id; None where the format has none.
        code: whether it is code.
    """

    position: int
    id: str | None
    code: bool
    source: str
    tags: tuple[str, ...]

    @property
    def name(self) -> str:
        """The nbformat id, or the position where the format has none."""
        return self.id or f"position-{self.position}"


def read_cells(file: Path, path: str) -> tuple[list[Cell], Mapping[str, Any]]:
    """Read the cells and the metadata of a notebook file.

    nbformat takes over a second to import, which every collection would pay; only formats before 4 are left to it.

    Args:
        path: the notebook's name, for messages.

    Raises:
        NotebookError: the file is no notebook.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotebookError(f"can't be read: {error}", where=path, next_step=f"check the file {file}") from error
    try:
        return _parse(text)
    except Exception as error:
        detail = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise NotebookError(
            f"not a valid notebook (truncated?): {detail.splitlines()[0][:200] if detail else type(error).__name__}",
            where=path,
            next_step=f"open it in Jupyter and save it again, or: git checkout -- {typed(path)}",
        ) from error


def _parse(text: str) -> tuple[list[Cell], Mapping[str, Any]]:
    raw = json.loads(text)
    content = raw
    if not isinstance(raw, dict) or "nbformat" not in raw:
        raise ValueError("it has no 'nbformat'")
    if raw["nbformat"] != 4:
        import nbformat

        content = nbformat.reads(text, as_version=4)
    if not isinstance(content["cells"], list) or not isinstance(content["metadata"], Mapping):
        raise ValueError("'cells' must be a list and 'metadata' a mapping")
    has_ids = raw["nbformat"] == 4 and raw.get("nbformat_minor", 0) >= 5
    return [_cell(position, cell, has_ids) for position, cell in enumerate(content["cells"])], content["metadata"]


def _cell(position: int, raw: Any, has_ids: bool) -> Cell:
    source = raw["source"]
    text = source if isinstance(source, str) else "".join(source)
    tags = raw["metadata"].get("tags", [])
    id = str(raw.get("id") or "") if has_ids else ""
    return Cell(position, id or None, raw["cell_type"] == "code", text, tuple(str(tag) for tag in tags))


def cell_names(file: Path, path: str) -> list[str]:
    """Return the name of each cell of a notebook, see `Cell.name`.

    Raises:
        NotebookError: the file is no notebook.
    """
    cells, _ = read_cells(file, path)
    return [cell.name for cell in cells]


def read_code(file: Path, path: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the language of a notebook ("" where it says none), and the name and source of each code cell.

    Raises:
        NotebookError: the file is no notebook.
    """
    cells, metadata = read_cells(file, path)
    return _language(metadata), [(cell.name, cell.source) for cell in cells if cell.code]


def is_python(metadata: Mapping[str, Any]) -> bool:
    """Tell whether a notebook with such metadata is Python; one that says nothing is."""
    language = _language(metadata)
    if language:
        return language.lower() in _PYTHON
    spec = metadata.get("kernelspec")
    return not isinstance(spec, Mapping) or str(spec.get("name") or "python").startswith("python")


def _language(metadata: Mapping[str, Any]) -> str:
    for part, key in (("language_info", "name"), ("kernelspec", "language")):
        named = metadata.get(part)
        if isinstance(named, Mapping) and isinstance(named.get(key), str):
            return str(named[key])
    return ""
