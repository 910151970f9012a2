"""The files of an audit: named ones, or a project's tests and notebooks."""

import re
from collections.abc import Sequence
from pathlib import Path

from widgetshot.errors import ConfigError

_SKIPPED_FOLDERS = {
    "node_modules", "__pycache__", "site-packages", "venv", "env", "build", "dist", "baselines", "widgetshot-report",
}  # fmt: skip
_TEST_FILE = re.compile(r"test_.*\.py|.*_tests?\.py|tests?\.py|conftest\.py|.*\.ipynb")
_TEST_FOLDERS = {"test", "tests", "testing"}


def find_files(root: Path, paths: Sequence[str]) -> list[Path]:
    """Find the Python files and notebooks under the named files and folders, each once.

    Args:
        root: of the project. Where no paths are given, its tests and notebooks are found by their names.

    Raises:
        ConfigError: a path does not exist.
    """
    if not paths:
        return [file for file in _files_under(root) if _is_test(file.relative_to(root))]
    found: dict[Path, None] = {}
    for text in paths:
        path = Path(text)
        if path.is_dir():
            found |= dict.fromkeys(_files_under(path))
        elif path.is_file() and path.suffix in (".py", ".ipynb"):
            found[path] = None
        else:
            what = "is neither Python nor a notebook" if path.is_file() else "does not exist"
            raise ConfigError(f"{text} {what}", next_step="widgetshot audit tests notebooks")
    return list(found)


def _files_under(folder: Path) -> list[Path]:
    found: list[Path] = []
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise ConfigError(f"{folder} can't be read: {error.strerror}", next_step="widgetshot audit PATH") from error
    for entry in entries:
        if entry.name.startswith(".") or entry.name in _SKIPPED_FOLDERS or entry.is_symlink():
            continue
        if entry.is_dir():
            # A virtual environment may have any name.
            found += [] if (entry / "pyvenv.cfg").exists() else _files_under(entry)
        elif entry.suffix in (".py", ".ipynb"):
            found.append(entry)
    return found


def _is_test(path: Path) -> bool:
    return bool(_TEST_FILE.fullmatch(path.name)) or not _TEST_FOLDERS.isdisjoint(path.parts[:-1])
