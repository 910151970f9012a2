"""pyproject.toml and flags -> Settings, and which notebooks they mean.

Collecting notebooks needs no more than this, so nothing heavy is imported here.
"""

import os
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from widgetshot.declare.limits import Limit, limit_from
from widgetshot.declare.notebook import (
    Defaults,
    Notebook,
    clock_from,
    flag_from,
    quarantine_from,
    read_notebook,
    themes_from,
    tolerance_from,
    viewports_from,
)
from widgetshot.errors import ConfigError, nearest
from widgetshot.model import Clock, Quarantine, Tolerance, Viewport
from widgetshot.project.dotenv import ENV_FILE, read_env_file
from widgetshot.project.markers import MARKERS, registered
from widgetshot.redact import Redactor, secret_values
from widgetshot.services import builtin
from widgetshot.services.declared import Declared, declared_from
from widgetshot.values import over_zero, text

BROWSERS = ("chromium", "firefox", "webkit")
FRONTENDS = ("page",)
FOLDER_STORE = "folder"
# The group of entry points by which a package offers a store: name -> a function (Settings) -> BaselineStore.
STORES = "widgetshot.baseline_stores"
UPDATES = ("none", "missing", "changed", "all")


@dataclass(frozen=True)
class Settings:
    """All that a run depends on besides the notebooks.

    Attributes:
        root: the project's folder (that of pyproject.toml); keys are relative to it.
        notebooks: files and folders run when none is named.
        exclude: glob patterns, relative to the root, of notebooks left out.
        baselines: folder of the baselines.
        store: name of what keeps the baselines: a folder in git, or what an installed package offers.
        report: the run folder.
        update: none, missing, changed or all: which baselines a run writes.
        jobs: notebooks in work at the same time.
        browser_executable: path of the browser, or "" to look for one.
        scale: device pixels per CSS pixel.
        clock: ISO 8601 time at which each page's clock starts.
        freeze_clock: whether the clocks of pages and kernels stand still at that time.
        quarantine: pairs of a pattern for names of targets and what holds for them.
        repeat: how often everything is executed and captured.
        fonts: folders of extra fonts, part of the fingerprint.
        services: what the project declares of services, by name.
        require_env: whether a notebook fails whose `requires_env` is not met, instead of being skipped.
        markers: the registered ones, which notebooks may carry.
        variables: from `.env.test`, for kernels; none that the real environment has.
        secrets: names of environment variables, `*` stands for any text, whose values are shown nowhere.
        redactor: of those values.
        cost: what all notebooks together may spend on paid services in a day.
    """

    root: Path
    notebooks: tuple[str, ...] = ("notebooks",)
    exclude: tuple[str, ...] = ()
    baselines: Path = Path("baselines")
    store: str = FOLDER_STORE
    report: Path = Path("widgetshot-report")
    update: str = "none"
    jobs: int = 2
    browser: str = "chromium"
    browser_executable: str = ""
    frontend: str = "page"
    theme: tuple[str, ...] = ("light",)
    viewport: tuple[Viewport, ...] = (Viewport(960, 720),)
    tolerance: Tolerance = field(default_factory=Tolerance)
    scale: float = 1.0
    locale: str = "en-US"
    timezone: str = "UTC"
    clock: str = Clock().start
    freeze_clock: bool = False
    quarantine: tuple[tuple[str, Quarantine], ...] = ()
    repeat: int = 1
    timeout: float = 60.0
    settle_timeout: float = 40.0
    kernel: str = ""
    fonts: tuple[Path, ...] = ()
    services: Mapping[str, Declared] = field(default_factory=dict)
    require_env: bool = False
    markers: frozenset[str] = frozenset(MARKERS)
    # Not in the repr: there may be passwords among the values.
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = ()
    redactor: Redactor = field(default_factory=Redactor, compare=False)
    cost: tuple[Limit, ...] = ()

    @property
    def environment(self) -> str:
        """Whose baselines these are, e.g. `page-chromium-linux`."""
        platform = {"win32": "windows", "darwin": "macos"}.get(sys.platform, sys.platform)
        return f"{self.frontend}-{self.browser}-{platform}"

    @property
    def installed_fonts(self) -> bool:
        """Whether the browser finds our own fonts among those that it takes for the system's, and no others there."""
        return sys.platform.startswith("linux") and self.browser == "chromium" and not self.fonts

    @property
    def typed_report(self) -> str:
        """The run folder as a person types it here; nothing where it is the one that commands take by themselves."""
        if self.report == self.root / Settings.report:
            return ""
        here = Path.cwd()
        return str(self.report.relative_to(here) if self.report.is_relative_to(here) else self.report)

    @property
    def defaults(self) -> Defaults:
        return Defaults(
            self.theme,
            self.viewport,
            self.tolerance,
            self.timeout,
            self.settle_timeout,
            self.kernel,
            Clock(self.clock, self.freeze_clock),
            self.quarantine,
        )


def find_root(start: Path) -> Path:
    """The nearest folder upwards that has a pyproject.toml or is a checkout, else `start`."""
    for folder in (start, *start.parents):
        if (folder / "pyproject.toml").is_file() or (folder / ".git").exists():
            return folder
    return start


def load_settings(root: Path, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Settings of a project; `overrides` (flags that were given) win over pyproject.toml.

    Raises:
        ConfigError: an unknown option, a value of the wrong kind, unreadable TOML.
    """
    root = root.resolve()
    file = root / "pyproject.toml"
    table: Mapping[str, Any] = {}
    tool: Any = {}
    if file.is_file():
        try:
            tool = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {})
            table = tool.get("widgetshot", {}) if isinstance(tool, dict) else tool
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise ConfigError(f"can't be read: {error}", where=str(file)) from error
        if not isinstance(table, dict):
            raise ConfigError("[tool.widgetshot] must be a table", where=str(file))
    settings = Settings(root=root, jobs=max(2, os.cpu_count() or 2))
    settings = replace(settings, **_checked(table, root, "pyproject.toml [tool.widgetshot]"))
    if overrides:
        settings = replace(settings, **_checked(overrides, root, "command line"))
    variables = read_env_file(root)
    secrets = secret_values(settings.secrets, {**variables, **os.environ}, "pyproject.toml [tool.widgetshot] secrets")
    return replace(
        settings,
        baselines=root / settings.baselines,
        report=root / settings.report,
        markers=settings.markers | registered(tool, root),
        variables=variables,
        redactor=Redactor(secrets),
    )


def find_notebooks(settings: Settings, paths: Iterable[str | Path] = ()) -> list[Path]:
    """The notebook files under `paths` (or the configured ones), sorted, checkpoints and excluded ones left out.

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
    """Whether the configuration leaves this notebook out."""
    relative = file.relative_to(settings.root)
    return any(relative.match(pattern) for pattern in settings.exclude)


def load_notebook(settings: Settings, file: Path) -> Notebook:
    """Read one notebook of the project, see `read_notebook`, and look at what it asks of its surroundings.

    One whose `requires_env` is not met is to be skipped, or knows what is `missing` where that is to fail.

    Raises:
        ConfigError: besides, a marker is not registered, or nobody knows a service that it needs.
    """
    notebook = read_notebook(file, file.relative_to(settings.root).as_posix(), settings.defaults)
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
    missing = tuple(
        name for name in notebook.requires_env if not (os.environ.get(name) or settings.variables.get(name))
    )
    if not missing or notebook.skip:
        return notebook
    if settings.require_env:
        return replace(notebook, missing=missing)
    return replace(notebook, skip=f"needs {', '.join(missing)} in the environment or in {ENV_FILE}")


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


def _checked(table: Mapping[str, Any], root: Path, where: str) -> dict[str, Any]:
    """Turn raw option values into field values, one by one, each with a clear refusal."""
    checkers: dict[str, Any] = {
        "notebooks": _texts, "exclude": _texts, "baselines": _path, "store": _store, "report": _path,
        "update": _one_of(UPDATES), "jobs": _count, "browser": _one_of(BROWSERS), "browser_executable": text,
        "frontend": _one_of(FRONTENDS), "theme": themes_from, "viewport": viewports_from,
        "tolerance": tolerance_from, "scale": over_zero, "locale": text, "timezone": _timezone, "clock": clock_from,
        "freeze_clock": flag_from, "quarantine": _quarantines, "repeat": _count,
        "timeout": over_zero, "settle_timeout": over_zero, "kernel": text,
        "fonts": lambda value, place: _folders(value, root, place), "require_env": flag_from,
        "services": lambda value, place: declared_from(value, root, frozenset(builtin.NAMES), place),
        "secrets": _texts, "cost": lambda value, place: (limit_from(value, place),),
    }  # fmt: skip
    values = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in checkers:
            raise ConfigError(f"unknown option '{key}'{nearest(key, checkers)}", where=where)
        values[name] = checkers[name](value, f"{where} {key}")
    return values


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ConfigError(f"must be a list of texts, not {value!r}", where=where)
    return tuple(value)


def _path(value: Any, where: str) -> Path:
    try:
        return Path(text(str(value) if isinstance(value, Path) else value, where)).expanduser()
    except RuntimeError as error:  # ~somebody who does not exist
        raise ConfigError(f"{value!r}: {error}", where=where) from error


def _folders(value: Any, root: Path, where: str) -> tuple[Path, ...]:
    folders = tuple(root / item for item in _texts(value, where))
    for folder in folders:
        if not folder.is_dir():
            raise ConfigError(f"{folder} is not a folder", where=where)
    return folders


def _one_of(valid: tuple[str, ...]) -> Any:
    def check(value: Any, where: str) -> str:
        if value not in valid:
            raise ConfigError(f"{value!r}{nearest(value, valid)}", where=where)
        return str(value)

    return check


def _store(value: Any, where: str) -> str:
    from importlib.metadata import entry_points

    name = text(value, where)
    offered = {FOLDER_STORE} if name == FOLDER_STORE else {FOLDER_STORE, *entry_points(group=STORES).names}
    if name not in offered:
        raise ConfigError(
            f"no store '{name}' is installed{nearest(name, offered)}",
            where=where,
            next_step=f'install the package that has it, or keep baselines in a folder: store = "{FOLDER_STORE}"',
        )
    return name


def _count(value: Any, where: str) -> int:
    if type(value) is not int or value < 1:
        raise ConfigError(f"must be a whole number from 1, not {value!r}", where=where)
    return value


def _timezone(value: Any, where: str) -> str:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(text(value, where))
    except (KeyError, ValueError, OSError) as error:
        raise ConfigError(f"unknown time zone {value!r}; for example 'UTC' or 'Europe/Berlin'", where=where) from error
    return str(value)


def _quarantines(value: Any, where: str) -> tuple[tuple[str, Quarantine], ...]:
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
        raise ConfigError("must be tables: [[tool.widgetshot.quarantine]] with target, reason and until", where=where)
    found = []
    for entry in value:
        rest = {key: item for key, item in entry.items() if key != "target"}
        pattern = entry.get("target")
        if not isinstance(pattern, str) or "::" not in pattern:
            raise ConfigError(
                f"'target' is a name such as notebooks/x.ipynb::shot, * stands for any text, not {pattern!r}",
                where=where,
            )
        found.append((pattern, quarantine_from(rest, where)))
    return tuple(found)
