"""pyproject.toml and flags -> Settings.

Collecting notebooks needs no more than this, so nothing heavy is imported here.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from widgetshot.declare.gateway import TOKEN_VARIABLE
from widgetshot.errors import ConfigError, nearest
from widgetshot.project.dotenv import read_env_file
from widgetshot.project.endpoint import ENDPOINT_VARIABLES, VARIABLE, endpoint_of_environment, secrets_of
from widgetshot.project.markers import registered_markers
from widgetshot.project.settings import PROJECT, Settings
from widgetshot.redact import Redactor, secret_values
from widgetshot.services import builtin
from widgetshot.services.declaration import parse_declarations
from widgetshot.values import checked

_PYPROJECT = "pyproject.toml"
_TABLE = f"{_PYPROJECT} [tool.widgetshot]"


def find_root(start: Path) -> Path:
    """Return the nearest folder upwards that has a pyproject.toml or is a checkout, else `start`."""
    for folder in (start, *start.parents):
        if (folder / _PYPROJECT).is_file() or (folder / ".git").exists():
            return folder
    return start


def load_settings(root: Path, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Load the settings of a project; `overrides` (flags that were given) win over environment and pyproject.toml.

    Raises:
        ConfigError: an unknown option, a value of the wrong kind, unreadable TOML.
    """
    root = root.resolve()
    tool, table = _read_pyproject(root / _PYPROJECT)
    given = _values(overrides or {}, root, "command line")
    of_environment = {} if "browser_endpoint" in given else _of_environment()
    values = _values(table, root, _TABLE) | of_environment | given
    settings = Settings(root=root, **{"jobs": max(2, os.cpu_count() or 2), **values})
    of_file = read_env_file(root)
    given_variables = {**of_file, **os.environ}
    _ = settings.dask_cluster  # a wrong name is an error before anything is read
    # What is for this process alone is not for kernels.
    variables = {name: value for name, value in of_file.items() if name not in ENDPOINT_VARIABLES}
    secrets = secret_values((*settings.secrets, TOKEN_VARIABLE), given_variables, f"{_TABLE} secrets")
    return replace(
        settings,
        baselines=root / settings.baselines,
        report=root / settings.report,
        markers=settings.markers | registered_markers(tool, root),
        kernel_given="kernel" in (overrides or {}),
        variables=variables,
        gateway_token=given_variables.get(TOKEN_VARIABLE, ""),
        redactor=Redactor((*secrets, *secrets_of(settings.browser_endpoint))),
    )


def _of_environment() -> dict[str, Any]:
    """Return what the environment says of the project's options."""
    endpoint = endpoint_of_environment()
    return {"browser_endpoint": checked(PROJECT["browser_endpoint"].parse, endpoint, VARIABLE)} if endpoint else {}


def _read_pyproject(file: Path) -> tuple[Any, Mapping[str, Any]]:
    """Return the table `[tool]` and of it `[tool.widgetshot]`; both are empty where there is no such file."""
    if not file.is_file():
        return {}, {}
    try:
        tool = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"can't be read: {error}", where=str(file)) from error
    table = tool.get("widgetshot", {}) if isinstance(tool, dict) else tool
    if not isinstance(table, dict):
        raise ConfigError("[tool.widgetshot] must be a table", where=str(file))
    return tool, table


def _values(table: Mapping[str, Any], root: Path, where: str) -> dict[str, Any]:
    """Parse raw values by the options' names, each with a clear refusal."""
    values: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in PROJECT:
            raise ConfigError(f"unknown option '{key}'{nearest(key, PROJECT)}", where=where)
        place = f"{where} {key}"
        if name == "services":
            values[name] = parse_declarations(value, root, frozenset(builtin.NAMES), place)
            continue
        values[name] = checked(PROJECT[name].parse, value, place)
        if name == "fonts":
            values[name] = _folders(values[name], root, place)
    return values


def _folders(names: tuple[str, ...], root: Path, where: str) -> tuple[Path, ...]:
    folders = tuple(root / name for name in names)
    for folder in folders:
        if not folder.is_dir():
            raise ConfigError(f"{folder} is not a folder", where=where)
    return folders
