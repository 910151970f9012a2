"""The folder of a notebook."""

from pathlib import Path

_HIDDEN = {"node_modules", "baselines", "widgetshot-report"}


def files_beside(folder: Path) -> list[Path]:
    """Return what of a notebook's folder (or of a folder in it) its kernel gets to see, sorted.

    Raises:
        OSError: the folder can't be read.
    """
    return [
        entry
        for entry in sorted(folder.iterdir())
        if not entry.name.startswith((".", "__pycache__")) and entry.name not in _HIDDEN and entry.suffix != ".ipynb"
    ]
