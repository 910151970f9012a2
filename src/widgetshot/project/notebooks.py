"""The notebooks of a project: which there are, and what they ask of their surroundings."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from widgetshot.declare.gateway import TOKEN_VARIABLE
from widgetshot.declare.notebook import Notebook, read_notebook
from widgetshot.errors import ConfigError, nearest, one_line, visible
from widgetshot.file_names import WHY, folded, side_by_side
from widgetshot.model import is_key
from widgetshot.project.dotenv import ENV_FILE
from widgetshot.project.settings import Settings
from widgetshot.services import builtin


def find_notebooks(settings: Settings, paths: Iterable[str | Path] = ()) -> list[Path]:
    """Find the notebook files under `paths` (or the configured ones), sorted, checkpoints and excluded ones left out.

    Raises:
        ConfigError: a path does not exist, or lies outside of the root.
    """
    files: dict[Path, None] = {}
    given = [Path(path).resolve() for path in paths] or [settings.root / name for name in settings.notebooks]
    for path in given:
        if not path.is_relative_to(settings.root):
            raise ConfigError(f"{path} is outside of the project {settings.root}", next_step="run from that project")
        if path.is_file():
            files[path] = None
        elif path.is_dir():
            found = (file for file in path.rglob("*.ipynb") if not _hidden(file.relative_to(path)))
            files |= dict.fromkeys(file for file in sorted(found) if not excluded(settings, file))
        else:
            raise ConfigError(f"{path} does not exist", next_step="widgetshot run PATH")
    return list(files)


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def excluded(settings: Settings, file: Path) -> bool:
    """Say whether the configuration leaves this notebook out."""
    relative = file.relative_to(settings.root)
    return any(relative.match(pattern) for pattern in settings.exclude)


def load_notebook(settings: Settings, file: Path) -> Notebook:
    """Read one notebook of the project, see `read_notebook`, and look at what it asks of its surroundings.

    One whose `requires_env` is not met is to be skipped, or knows what is `missing` where that is to fail.

    Raises:
        ConfigError: besides, its path can't be part of a key, another notebook's can't be told from it, a marker is
            not registered, or nobody knows a service that it needs.
    """
    path = file.relative_to(settings.root).as_posix()
    if not is_key(f"{settings.environment()}/{path}") or visible(path) != path or "\n" in path or "\t" in path:
        # pytest prints the name as it is.
        raise ConfigError(
            "no picture can be named after its path: a part of it begins with a dot, or has a backslash, a "
            "character that is no text or can't be seen, or what a CI job takes for a command",
            where=one_line(path),
            next_step="rename it",
        )
    _refuse_namesakes(settings, path)
    notebook = read_notebook(file, path, settings)
    known = {*builtin.NAMES, *settings.services}
    for need in notebook.services:
        if need.name not in known:
            raise ConfigError(
                f"unknown service '{need.name}'{nearest(need.name, known)}",
                where=notebook.path,
                next_step=f"declare it in pyproject.toml: [tool.widgetshot.services.{need.name}]",
            )
    for target in notebook.targets:
        for marker in target.markers:
            check_marker(settings, marker, target.nodeid)
    # Continuous integration hands a secret that it does not have to a job as an empty variable.
    given = {**settings.variables, TOKEN_VARIABLE: settings.gateway_token}
    missing = tuple(name for name in notebook.requires_env if not (os.environ.get(name) or given.get(name)))
    if not missing or notebook.skip:
        return notebook
    if settings.require_env:
        return replace(notebook, missing=missing)
    return replace(notebook, skip=f"needs {', '.join(missing)} in the environment or in {ENV_FILE}")


def _refuse_namesakes(settings: Settings, path: str) -> None:
    """Refuse a notebook beside another one whose path may be the same file.

    Raises:
        ConfigError: there is another one.
    """
    *folders, name = path.split("/")
    found = [settings.root]
    for part in folders:
        found = [each / other for each in found for other in _names_like(each, part)]
    for file in (each / other for each in found for other in _names_like(each, name)):
        other = file.relative_to(settings.root).as_posix()
        if other != path and file.is_file() and not _hidden(Path(other)) and not excluded(settings, file):
            raise ConfigError(
                f"the notebooks {side_by_side(*sorted((path, other)))} {WHY}",
                where=path,
                next_step="rename one of them",
            )


def _names_like(folder: Path, name: str) -> tuple[str, ...]:
    try:
        return _by_folded_name(folder, folder.stat().st_mtime_ns).get(folded(name), ())
    except OSError:
        return ()


@lru_cache(maxsize=64)
def _by_folded_name(folder: Path, modified_ns: int) -> Mapping[str, tuple[str, ...]]:  # noqa: ARG001
    """Return the names in a folder as it was at some time, by what those have in common that may be one file."""
    found: dict[str, tuple[str, ...]] = {}
    for entry in sorted(folder.iterdir()):
        found[folded(entry.name)] = (*found.get(folded(entry.name), ()), entry.name)
    return found


def check_marker(settings: Settings, marker: str, where: str) -> None:
    """Refuse a marker that is not registered.

    Raises:
        ConfigError: it is not; the nearest one is named.
    """
    if marker not in settings.markers:
        raise ConfigError(
            f"unknown marker '{marker}'{nearest(marker, settings.markers)}",
            where=where,
            next_step="correct it, or register it with pytest: 'markers' under [tool.pytest.ini_options] in "
            "pyproject.toml",
        )
