"""A notebook's file as the server reads it, and its cells as their page is told of them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat

from widgetshot.conditions import OpenFailure
from widgetshot.declare.cells import cell_names
from widgetshot.errors import NotebookError
from widgetshot.redact import Redactor
from widgetshot.server.messages import NotOpened


def read_file(file: Path, path: str) -> tuple[Any, list[str]]:
    """Return the notebook in version 4 of its format, and the names of its cells.

    That it is valid was seen when it was collected.

    Raises:
        NotOpened: it can't be read any more.
    """
    try:
        nb = nbformat.reader.reads(file.read_text(encoding="utf-8"))
        if nb.nbformat != nbformat.current_nbformat:
            nb = nbformat.convert(nb, nbformat.current_nbformat)
        # nbformat gives cells without an id a random one; targets go by the names that the file itself gives.
        return nb, list(cell_names(file, path))
    except NotebookError as error:
        raise NotOpened(OpenFailure.NOTEBOOK_UNREADABLE, cause=error.what) from error
    except (OSError, ValueError) as error:
        raise NotOpened(OpenFailure.NOTEBOOK_UNREADABLE, cause=str(error)) from error


def cell_config(name: str, cell: Any, redactor: Redactor) -> dict[str, Any]:
    """Describe a cell to its page, see `Cell` in js/src/live/config.ts."""
    return {
        "id": name,
        "type": cell.cell_type,
        "raises": "raises-exception" in cell.metadata.get("tags", ()),
        "source": "" if cell.cell_type == "code" else redactor.text(cell.source),
        "attachments": redactor.data(cell.get("attachments", {})),
    }


def document_of(nb: Any, names: Iterable[str], redactor: Redactor) -> dict[str, Any]:
    """Return a notebook as an application gets it: without outputs and widgets, trusted, and without secrets."""
    document: dict[str, Any] = json.loads(nbformat.writes(nb))
    document["metadata"].pop("widgets", None)
    for name, cell in zip(names, document["cells"], strict=True):
        cell["id"] = name
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
            cell["metadata"]["trusted"] = True
        # A text, or one in lines.
        cell["source"] = redactor.text("".join(cell["source"]))
    return document
