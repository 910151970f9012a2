"""A notebook's private folders: HOME, and a working folder with what lies beside the notebook."""

import shutil
from pathlib import Path

from widgetshot.declare.folder import files_beside
from widgetshot.server.zygotes import kernel_environment

# So many bytes are copied beside the kernel, so that a notebook can't write through to the project's own files.
_MAX_COPIED_BYTES = 64 * 1024 * 1024


def prepare_folder(folder: Path, notebook: Path) -> dict[str, str]:
    """Make the folders `work` and `home`; the files beside the notebook are in the former.

    Returns:
        The environment of a kernel that is to live there.
    """
    work, home = folder / "work", folder / "home"
    work.mkdir()
    home.mkdir()
    _copy_beside(notebook.parent, work, _MAX_COPIED_BYTES)
    return kernel_environment(home)


def _copy_beside(source: Path, target: Path, budget: int) -> int:
    """Copy what lies beside a notebook, folders too; what is over the budget (in bytes) is linked instead.

    Returns:
        What is left of the budget.
    """
    for entry in files_beside(source):
        place = target / entry.name
        try:
            if entry.is_dir() and budget > 0:
                place.mkdir()
                budget = _copy_beside(entry, place, budget)
            elif entry.is_file() and entry.stat().st_size <= budget:
                budget -= entry.stat().st_size
                shutil.copy2(entry, place)
            else:
                place.symlink_to(entry.resolve())
        except OSError:
            # Unreadable, or links are not allowed (Windows without developer mode): the notebook goes without it,
            # and says so itself if it needs it.
            continue
    return budget
