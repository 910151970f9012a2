"""An .ipynb file -> Targets, without executing anything.

The declaration language is described in docs/reference/notebook-options.md.
"""

import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, ClassVar

import yaml

from widgetshot.declare.limits import Limit, limit_from
from widgetshot.errors import ConfigError, NotebookError, WidgetshotError, nearest
from widgetshot.model import Box, Clock, Mask, Need, Quarantine, Step, Target, Tolerance, Viewport

PAGE_SHOT = "page"
THEMES = ("light", "dark")
_PREFIX = "#|"
_NAME = re.compile(r"[\w][\w .-]{0,99}")

_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_MARKER = re.compile(r"[\w][\w.-]*")
_LONGEST_WAIT = 1e6  # seconds
_LONGEST_NAME = 180  # bytes; file systems take 255, and the variant and the picture's kind come behind it

_SHARED_OPTIONS = {
    "mask",
    "tolerance",
    "theme",
    "viewport",
    "capture",
    "max_settle",
    "allow_blank",
    "quarantine",
    "markers",
}
_SHOT_OPTIONS = _SHARED_OPTIONS | {"name", "steps", "tab"}
_NOTEBOOK_OPTIONS = _SHARED_OPTIONS | {"timeout", "settle_timeout", "kernel", "skip", "clock", "freeze_clock", "inputs"}
_NOTEBOOK_OPTIONS |= {"requires_env", "services", "cost"}
_NOT_BESIDE = {"node_modules", "baselines", "widgetshot-report"}
_BLOCK_KEYS = {"shot", "widgetshot"}

# Cell options of Quarto and nbdev that may stand in the same block. https://quarto.org/docs/reference/cells/cells-jupyter.html
_QUARTO = re.compile(
    r"(label|tags|id|renderings|export|eval|echo|output|warning|error|include|panel|classes|column|layout|layout-.+|slideshow"
    r"|fig-.+|tbl-.+|lst-.+|cap-.+|code-.+|html-.+|export-.+|page-.+|execution_count|default_exp|hide|hide_.+)"
)

_STEP_ARGUMENTS: dict[str, tuple[set[str], set[str]]] = {  # action -> (required, optional)
    "click": ({"selector"}, set()),
    "fill": ({"selector", "text"}, set()),
    "press": ({"key"}, {"selector"}),
    "hover": ({"selector"}, set()),
    "select": ({"selector", "option"}, set()),
    "drag": ({"selector", "to"}, set()),
    "upload": ({"selector", "file"}, set()),
    "wait": (set(), {"text", "selector"}),
}
_STEP_SHORTHAND = {"click": "selector", "hover": "selector", "press": "key", "wait": "text"}
_STEP_COMMON = {"page", "tab", "timeout"}


_STRICT = Tolerance()
_VIEWPORT = Viewport(960, 720)
_CLOCK = Clock()


@dataclass(frozen=True)
class Defaults:
    """What a shot gets where its notebook is silent.

    Attributes:
        quarantine: pairs of a pattern for names (`notebooks/x.ipynb::shot*`) and what holds for them.
    """

    theme: tuple[str, ...] = ("light",)
    viewport: tuple[Viewport, ...] = (_VIEWPORT,)
    tolerance: Tolerance = _STRICT
    timeout: float = 60.0
    settle_timeout: float = 40.0
    kernel: str = ""
    clock: Clock = _CLOCK
    quarantine: tuple[tuple[str, Quarantine], ...] = ()


@dataclass(frozen=True)
class Notebook:
    """A parsed notebook: its targets and what applies to all of it.

    Attributes:
        path: relative to the root, forward slashes.
        skip: why nothing of it is captured, or "".
        inputs: globs, relative to its folder, of files that it depends on besides what can be seen; None where it
            does not say.
        services: what must run before it executes.
        requires_env: names of environment variables without which it can't run.
        missing: those of them that are not set, where that fails it; see `config.load_notebook`.
        cost: what it may spend on paid services in a day.
    """

    path: str
    targets: tuple[Target, ...]
    timeout: float
    settle_timeout: float
    kernel: str = ""
    skip: str = ""
    inputs: tuple[str, ...] | None = None
    services: tuple[Need, ...] = ()
    requires_env: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    cost: tuple[Limit, ...] = ()


@dataclass
class _Declared:
    """One declared shot before variants are multiplied out."""

    name: str
    cell_id: str | None
    order: int
    source: str
    options: Mapping[str, Any] = field(default_factory=dict)


def read_notebook(file: Path, path: str, defaults: Defaults | None = None) -> Notebook:
    """Parse one notebook.

    Args:
        file: where it is.
        path: its name relative to the root, with forward slashes.
        defaults: the project's settings.

    Raises:
        NotebookError: the file is unreadable, or two shots have one name.
        ConfigError: an option is unknown or has a bad value.
    """
    defaults = defaults or Defaults()
    cells, metadata = _load(file, path)
    try:
        return _parse(cells, metadata, path, defaults)
    except WidgetshotError as error:
        raise error.at(path) from None


@dataclass(frozen=True)
class _Cell:
    """What matters of a cell. `id` is None where the format has none."""

    id: str | None
    code: bool
    source: str
    tags: tuple[str, ...]


def _load(file: Path, path: str) -> tuple[list[_Cell], Mapping[str, Any]]:
    """Cells and metadata of a notebook file.

    Read without nbformat, whose import alone takes over a second, which every collection would pay; formats before 4
    are left to it.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotebookError(f"can't be read: {error}", where=path, next_step=f"check the file {file}") from error
    try:
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
        return [_cell(cell, has_ids) for cell in content["cells"]], content["metadata"]
    except Exception as error:
        detail = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise NotebookError(
            f"not a valid notebook (truncated?): {detail.splitlines()[0][:200] if detail else type(error).__name__}",
            where=path,
            next_step=f"open it in Jupyter and save it again, or: git checkout -- {path}",
        ) from error


def _cell(raw: Any, has_ids: bool) -> _Cell:
    source = raw["source"]
    text = source if isinstance(source, str) else "".join(source)
    tags = raw["metadata"].get("tags", [])
    id = raw.get("id") if has_ids else None
    return _Cell(id or None, raw["cell_type"] == "code", text, tuple(str(tag) for tag in tags))


def beside(folder: Path) -> list[Path]:
    """What of a notebook's folder (or of a folder in it) its kernel gets to see, sorted.

    Raises:
        OSError: the folder can't be read.
    """
    return [
        entry
        for entry in sorted(folder.iterdir())
        if not entry.name.startswith((".", "__pycache__"))
        and entry.name not in _NOT_BESIDE
        and entry.suffix != ".ipynb"
    ]


def cell_names(file: Path, path: str) -> list[str]:
    """What each cell of a notebook is called: its nbformat id, or its position where the format has none.

    Raises:
        NotebookError: the file is no notebook.
    """
    cells, _ = _load(file, path)
    return [cell.id or f"position-{index}" for index, cell in enumerate(cells)]


def read_code(file: Path, path: str) -> tuple[str, list[tuple[str, str]]]:
    """The language of a notebook ("" where it does not say); the name (`cell_names`) and source of each code cell.

    Raises:
        NotebookError: the file is no notebook.
    """
    cells, metadata = _load(file, path)
    told = [metadata.get("language_info"), metadata.get("kernelspec")]
    names = [part.get(key) for part, key in zip(told, ("name", "language"), strict=True) if isinstance(part, Mapping)]
    language = next((name for name in names if isinstance(name, str)), "")
    return language, [(cell.id or f"position-{index}", cell.source) for index, cell in enumerate(cells) if cell.code]


def _parse(cells: list[_Cell], metadata: Mapping[str, Any], path: str, defaults: Defaults) -> Notebook:
    options: dict[str, Any] = {}
    own = metadata.get("widgetshot", {})
    if not isinstance(own, Mapping):
        raise ConfigError("metadata 'widgetshot' must be a mapping", where=path)
    options.update(own)

    ids = [cell.id for cell in cells if cell.id]
    for id in ids:
        if ids.count(id) > 1:
            raise NotebookError(
                f"two cells have the id '{id}'", where=path, next_step="open it in Jupyter and save it again"
            )
    declared: list[_Declared] = []
    first_code = True
    for index, cell in enumerate(cells):
        if not cell.code:
            continue
        cell_id = cell.id or f"position-{index}"
        where = f"{path}::{cell_id}"
        block, body = split_block(cell.source, where)
        if first_code:
            options.update(_mapping(block.pop("widgetshot", {}), "widgetshot", where))
        elif "widgetshot" in block:
            raise ConfigError("'widgetshot:' belongs at the top of the first code cell", where=where)
        first_code = False
        declared += _declared_by(block, body, cell, len(declared), where)

    _check_keys(options, _NOTEBOOK_OPTIONS, "notebook option", path)
    if not declared:
        declared = [_Declared(PAGE_SHOT, None, 0, "")]
    _check_unique(declared, path)
    notebook_targets: list[Target] = []
    timeout = _positive(options.get("timeout", defaults.timeout), "timeout", path)
    for shot in declared:
        notebook_targets += _targets(shot, options, path, defaults, timeout)
    paths = [target.path.casefold() for target in notebook_targets]
    for target, place in zip(notebook_targets, paths, strict=True):
        if paths.count(place) > 1:
            raise NotebookError(
                "two pictures have this name: variants must differ in more than upper and lower case",
                where=target.nodeid,
                next_step="give the viewport another name",
            )
    return Notebook(
        path=path,
        targets=tuple(notebook_targets),
        timeout=timeout,
        settle_timeout=_positive(options.get("settle_timeout", defaults.settle_timeout), "settle_timeout", path),
        kernel=_text(options.get("kernel", defaults.kernel), "kernel", path),
        skip=_text(options.get("skip", ""), "skip", path),
        inputs=_globs(options["inputs"], path) if "inputs" in options else None,
        services=_services(options.get("services", []), path),
        requires_env=_names(options.get("requires_env", []), _VARIABLE, "requires_env", path),
        cost=(limit_from(options["cost"], path, path),) if "cost" in options else (),
    )


class _Meaning(yaml.constructor.SafeConstructor, yaml.resolver.BaseResolver):
    """YAML as a person means it: only `true` and `false` are booleans, 12:30 is no number, and no key comes twice."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}  # type: ignore[misc]

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for number, key in enumerate(keys):
            if key in keys[:number]:
                raise yaml.constructor.ConstructorError(None, None, f"'{key}' comes twice", node.start_mark)
        return super().construct_mapping(node, deep)


class _Loader(_Meaning, yaml.SafeLoader):
    """In Python."""


class _QuickLoader(_Meaning, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """In C where PyYAML was built with it: ten times as fast, which collecting a thousand notebooks needs."""


_MOOT = re.compile(r"[\t?!]|[|>]#")


def _read_yaml(text: str) -> Any:
    """Read a YAML document.

    Raises:
        yaml.YAMLError: it is none.
        ValueError, TypeError, OverflowError, RecursionError: a value can't be made.
    """
    # Both read the same, but for a few characters that only one lets stand.
    if not _MOOT.search(text):
        with contextlib.suppress(yaml.YAMLError):
            return yaml.load(text, _QuickLoader)
    # Also for the words in which it says what is wrong.
    return yaml.load(text, _Loader)


# The core schema of YAML 1.2 (section 10.3.2), less octal and hexadecimal; numbers with leading zeros are text.
for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"null|~|", ["n", "~", ""]),
    ("int", r"[-+]?(0|[1-9][0-9]{0,15})", "-+0123456789"),
    (
        "float",
        r"[-+]?(0|[1-9][0-9]*)?\.[0-9]+([eE][-+]?[0-9]{1,3})?|[-+]?[1-9][0-9]*[eE][-+]?[0-9]{1,3}",
        "-+0123456789.",
    ),
):
    _Meaning.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


def split_block(source: str, where: str) -> tuple[dict[str, Any], str]:
    """Split a cell's source into its `#|` options and the rest.

    Raises:
        ConfigError: the block is no YAML mapping.
    """
    lines = source.splitlines()
    head: list[str] = []
    rest = len(lines)
    for index, line in enumerate(lines):
        if line.lstrip().startswith(_PREFIX):
            head.append(line.lstrip()[len(_PREFIX) :].removeprefix(" "))
        elif head or line.strip():
            rest = index
            break
    body = "\n".join(lines[rest:])
    # nbdev's directives, such as `#| hide`, are words without a colon; a bare `#| shot` is the default shot.
    yaml_lines = [_bare(line) for line in head]
    if not any(line.strip() for line in yaml_lines):
        return {}, body
    try:
        block = _read_yaml("\n".join(yaml_lines))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line_text = f" in line {mark.line + 1} of the block" if mark else ""
        problem = getattr(error, "problem", None) or "not valid YAML"
        raise ConfigError(f"the '#|' block is not valid YAML{line_text}: {problem}", where=where) from error
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ConfigError(f"the '#|' block is not valid YAML: {type(error).__name__}: {error}", where=where) from error
    if not isinstance(block, dict):
        raise ConfigError(f"the '#|' block must be 'option: value' lines, not {str(block)[:80]!r}", where=where)
    return {str(key): value for key, value in block.items()}, body


def _bare(line: str) -> str:
    if line.strip() == "shot":
        return "shot: true"
    return "" if re.fullmatch(r"[A-Za-z_][\w.-]*( +[\w.-]+)*\s*", line) else line


def _declared_by(block: dict[str, Any], body: str, cell: _Cell, order: int, where: str) -> list[_Declared]:
    """The shots that one cell declares, by block or by tag."""
    tagged = [tag for tag in cell.tags if tag == "shot" or tag.startswith("shot:")]
    for tag in cell.tags:
        if tag not in tagged and tag.partition(":")[0].casefold() in ("shot", "shots", "shto", "shoot"):
            raise ConfigError(f"unknown tag '{tag}'; did you mean 'shot' or 'shot:NAME'?", where=where)
    stray = [key for key in block if key not in _BLOCK_KEYS and not _QUARTO.fullmatch(key)]
    cell_id = cell.id
    if "shot" not in block:
        for key in stray:
            if key in _SHOT_OPTIONS or get_close_matches(key, ["shot", "widgetshot"], cutoff=0.7):
                raise ConfigError(f"option '{key}' without a 'shot:' in this cell{nearest(key, ['shot'])}", where=where)
        entries: list[Any] = [tag.partition(":")[2] or True for tag in tagged]
        shared: dict[str, Any] = {}
    else:
        if tagged:
            raise ConfigError(f"declares shots both in its '#|' block and by the tag '{tagged[0]}'", where=where)
        value = block["shot"]
        shared = {key: block[key] for key in stray}
        _check_keys(shared, _SHOT_OPTIONS, "option", where)
        if value is False:
            return []
        entries = value if isinstance(value, list) else [value]
        if len(entries) > 1 and shared.keys() & {"steps", "name"}:
            raise ConfigError("'steps' and 'name' belong inside each shot when a cell declares several", where=where)
        if not entries:
            raise ConfigError("'shot:' is an empty list", where=where)

    found: list[_Declared] = []
    for entry in entries:
        options = dict(shared)
        if isinstance(entry, Mapping):
            _check_keys(entry, _SHOT_OPTIONS, "option", where)
            options.update(entry)
        elif isinstance(entry, bool) or entry is None:
            pass
        else:
            options["name"] = entry
        name = options.pop("name", None)
        if name is None:
            if len(entries) > 1:
                raise ConfigError("each of several shots of one cell needs a name", where=where)
            if not cell_id:
                raise ConfigError(
                    "a shot without a name takes its cell's id, and this notebook (nbformat < 4.5) has none",
                    where=where,
                    next_step="write 'shot: NAME', or save the notebook with a current Jupyter",
                )
            name = cell_id
        if isinstance(name, bool) or not isinstance(name, str | int) or not _NAME.fullmatch(str(name)):
            raise ConfigError(
                f"shot name {name!r} is not valid: letters, digits, space, '.', '_' and '-', 100 at most", where=where
            )
        if len(str(name).encode()) > _LONGEST_NAME:
            raise ConfigError(f"shot name {name!r} is too long for a file name", where=where)
        found.append(_Declared(str(name), cell_id or where.rsplit("::", 1)[1], order + len(found), body, options))
    return found


def _check_unique(declared: list[_Declared], path: str) -> None:
    seen: dict[str, _Declared] = {}
    for shot in declared:
        # Baselines live on file systems that don't tell A from a.
        other = seen.setdefault(shot.name.casefold(), shot)
        if other is not shot:
            raise NotebookError(
                f"two shots are named '{shot.name}' (cells '{other.cell_id}' and '{shot.cell_id}')",
                where=f"{path}::{shot.name}",
                next_step="give one of them another name",
            )


def _targets(
    shot: _Declared, notebook: Mapping[str, Any], path: str, defaults: Defaults, timeout: float
) -> list[Target]:
    where = f"{path}::{shot.name}"
    options = {key: value for key, value in notebook.items() if key in _SHARED_OPTIONS - {"mask"}} | dict(shot.options)
    inherited = tuple(replace(mask, inherited=True) for mask in masks_from(notebook.get("mask", []), where))
    masks = inherited + masks_from(shot.options.get("mask", []), where)
    themes = themes_from(options["theme"], where) if "theme" in options else defaults.theme
    viewports = viewports_from(options["viewport"], where) if "viewport" in options else defaults.viewport
    capture = options.get("capture", "cell")
    if capture not in ("cell", "page"):
        raise ConfigError(f"capture: {capture!r}{nearest(capture, ['cell', 'page'])}", where=where)
    allow_blank = flag_from(options.get("allow_blank", False), where, "allow_blank")
    tab = _tab(options["tab"], where) if "tab" in options else ""
    max_settle = options.get("max_settle")
    # A shot has its own markers besides its notebook's: what is true of all of it is true of each part.
    marked = {name for level in (notebook, shot.options) for name in markers_from(level.get("markers", []), where)}
    clock = Clock(
        clock_from(notebook["clock"], f"{path} clock") if "clock" in notebook else defaults.clock.start,
        flag_from(notebook.get("freeze_clock", defaults.clock.frozen), path, "freeze_clock"),
    )
    targets = []
    for theme in themes:
        for viewport in viewports:
            parts = ([] if theme == THEMES[0] else [theme]) + ([viewport.name] if viewport.name else [])
            target = Target(
                notebook=path,
                shot=shot.name,
                cell_id=shot.cell_id,
                order=shot.order,
                source=shot.source,
                steps=_steps(options.get("steps", []), where),
                masks=masks,
                tolerance=tolerance_from(options["tolerance"], where) if "tolerance" in options else defaults.tolerance,
                theme=theme,
                viewport=viewport,
                variant=",".join(parts),
                capture="page" if shot.cell_id is None else capture,
                max_settle=None if max_settle is None else _positive(max_settle, "max_settle", where),
                allow_blank=allow_blank,
                tab=tab,
                timeout=timeout,
                clock=clock,
                markers=tuple(sorted(marked)),
            )
            targets.append(replace(target, quarantine=_quarantine(options, target.nodeid, where, defaults)))
    return targets


def _quarantine(options: Mapping[str, Any], nodeid: str, where: str, defaults: Defaults) -> Quarantine | None:
    """The shot's own quarantine, its notebook's or the project's; the nearest one decides, also that there is none."""
    if "quarantine" not in options:
        return quarantine_of(nodeid, defaults)
    own = options["quarantine"]
    return None if own is None or own is False else quarantine_from(own, where)


def quarantine_of(nodeid: str, defaults: Defaults) -> Quarantine | None:
    """The project's quarantine for a target, if it has one."""
    for pattern, quarantine in defaults.quarantine:
        # Brackets are part of a variant's name.
        if fnmatchcase(nodeid, pattern.replace("[", "[[]")):
            return quarantine
    return None


def quarantine_from(value: Any, where: str) -> Quarantine:
    """Parse `{reason: TEXT, until: 2026-12-31}`.

    Raises:
        ConfigError: the reason or the date is missing or is none.
    """
    if not isinstance(value, Mapping):
        raise ConfigError(f"quarantine: is {{reason: TEXT, until: YYYY-MM-DD}}, not {value!r}", where=where)
    _check_keys(value, {"reason", "until"}, "quarantine option", where)
    reason = value.get("reason")
    if not isinstance(reason, str) or not reason.strip():
        raise ConfigError("quarantine: needs a reason: why may this picture fail?", where=where)
    until = value.get("until")
    try:
        # TOML has dates of its own; str() of them is ISO 8601.
        day = date.fromisoformat(str(until))
    except ValueError:
        raise ConfigError(f"quarantine: needs its last day, 'until: YYYY-MM-DD', not {until!r}", where=where) from None
    return Quarantine(reason.strip(), day)


def markers_from(value: Any, where: str) -> tuple[str, ...]:
    """Parse the name of a pytest marker, or a list of them. Whether they are registered is not looked at.

    Raises:
        ConfigError: it is none.
    """
    return _names(value, _MARKER, "markers", where)


def _names(value: Any, pattern: re.Pattern[str], what: str, where: str) -> tuple[str, ...]:
    names = value if isinstance(value, list) else [value]
    for name in names:
        if not isinstance(name, str) or not pattern.fullmatch(name):
            raise ConfigError(f"{what}: must be a list of names, not {value!r}", where=where)
    return tuple(dict.fromkeys(names))


def clock_from(value: Any, where: str) -> str:
    """Parse a time; without a zone it is UTC.

    Returns:
        ISO 8601 with a zone.
    """
    try:
        # TOML has dates and times of its own; str() of them is ISO 8601.
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise ConfigError(f"must be a time such as 2026-01-01T12:00:00Z, not {value!r}", where=where) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def flag_from(value: Any, where: str, what: str = "") -> bool:
    """Parse a yes or no.

    Args:
        what: the option's name, where the place does not end in it.

    Raises:
        ConfigError: it is neither true nor false.
    """
    if not isinstance(value, bool):
        raise ConfigError(f"{what and f'{what}: '}must be true or false, not {value!r}", where=where)
    return value


def _steps(value: Any, where: str) -> tuple[Step, ...]:
    if not isinstance(value, list):
        raise ConfigError("steps: must be a list", where=where)
    steps = []
    for number, item in enumerate(value, 1):
        place = f"{where} step {number}"
        if not isinstance(item, Mapping) or len(item) != 1:
            raise ConfigError(f"a step is one 'action: ...', not {item!r}", where=place)
        ((action, raw),) = item.items()
        if action not in _STEP_ARGUMENTS:
            raise ConfigError(f"unknown step '{action}'{nearest(action, _STEP_ARGUMENTS)}", where=place)
        required, optional = _STEP_ARGUMENTS[action]
        if isinstance(raw, str | int | float) and action in _STEP_SHORTHAND:
            raw = {_STEP_SHORTHAND[action]: raw}
        if not isinstance(raw, Mapping):
            raise ConfigError(f"{action}: must be a mapping with {', '.join(sorted(required | optional))}", where=place)
        _check_keys(raw, required | optional | _STEP_COMMON, f"argument of {action}", place)
        if action == "wait" and raw.keys() >= optional:
            raise ConfigError("wait: has either a text or a selector", where=place)
        missing = required - raw.keys()
        if missing or (action == "wait" and not raw.keys() & optional):
            raise ConfigError(f"{action}: lacks {', '.join(sorted(missing)) or 'text or selector'}", where=place)
        arguments: dict[str, Any] = dict(raw)
        for key in arguments.keys() & {"selector", "text", "key", "option", "file"}:
            word = arguments[key]
            # A number may have been written otherwise than Python writes it: 1.50 would be typed as 1.5.
            if isinstance(word, bool) or not isinstance(word, str | int):
                raise ConfigError(f"{action}: '{key}' must be text; put it in quotes, not {word!r}", where=place)
            arguments[key] = str(word)
            if not arguments[key] and (key != "text" or action == "wait"):
                raise ConfigError(f"{action}: '{key}' is empty", where=place)
        if "timeout" in arguments:
            arguments["timeout"] = _positive(arguments["timeout"], "timeout", place)
        if "tab" in arguments:
            arguments["tab"] = _tab(arguments["tab"], place)
        if action == "drag":
            to = arguments["to"]
            if isinstance(to, bool) or not isinstance(to, int | float) or not 0 <= to <= 1:
                raise ConfigError(f"drag: 'to' is the part of the track, 0 to 1, not {to!r}", where=place)
        if not isinstance(arguments.get("page", False), bool):
            raise ConfigError(f"{action}: 'page' must be true or false", where=place)
        steps.append(Step(action, arguments))
    return tuple(steps)


def masks_from(value: Any, where: str) -> tuple[Mask, ...]:
    """Parse masks: `{selector, reason}` or `{box, reason}`, or a list of them."""
    entries = value if isinstance(value, list) else [value]
    masks = []
    for entry in entries:
        if not isinstance(entry, Mapping):
            raise ConfigError(f"a mask is {{selector: CSS, reason: TEXT}}, not {entry!r}", where=where)
        _check_keys(entry, {"selector", "box", "reason"}, "mask option", where)
        reason = entry.get("reason")
        if not isinstance(reason, str) or not reason.strip():
            raise ConfigError("a mask needs a reason: why may this part not be compared?", where=where)
        if ("selector" in entry) == ("box" in entry):
            raise ConfigError("a mask has either a selector or a box", where=where)
        if "selector" in entry:
            selector = _text(entry["selector"], "selector", where)
            if not selector.strip():
                raise ConfigError("mask: 'selector' is empty", where=where)
            masks.append(Mask(reason, selector=selector))
            continue
        box = entry["box"]
        if not (isinstance(box, list) and len(box) == 4 and all(type(n) is int and n >= 0 for n in box)):
            raise ConfigError(f"box: must be [x, y, width, height] in whole pixels, not {box!r}", where=where)
        if not (box[2] and box[3]):
            raise ConfigError(f"box: {box!r} covers nothing", where=where)
        masks.append(Mask(reason, box=Box(*box)))
    return tuple(masks)


def tolerance_from(value: Any, where: str) -> Tolerance:
    """Parse a tolerance; an ambiguous number is refused rather than guessed.

    Raises:
        ConfigError: a bare number, a fraction of a pixel, a share over 1.
    """
    if not isinstance(value, Mapping):
        raise ConfigError(
            f"tolerance: {value!r} has no unit; write {{pixels: N}}, {{share: 0.001}}, {{step: N}} or "
            "{threshold: 0.1}",
            where=where,
        )
    if "max_diff_pixels" in value or "maxDiffPixels" in value:
        raise ConfigError("tolerance: Playwright's 'maxDiffPixels' is 'pixels' here, a whole number", where=where)
    if "max_diff_pixel_ratio" in value or "maxDiffPixelRatio" in value:
        raise ConfigError("tolerance: Playwright's 'maxDiffPixelRatio' is 'share' here, from 0 to 1", where=where)
    _check_keys(value, {"pixels", "share", "step", "threshold"}, "tolerance option", where)
    pixels = value.get("pixels", 0)
    if type(pixels) is not int or pixels < 0:
        raise ConfigError(
            f"tolerance: 'pixels' is a whole number of pixels, not {pixels!r}; a part of the picture is 'share'",
            where=where,
        )
    step = value.get("step", 0)
    if type(step) is not int or not 0 <= step < 255:
        raise ConfigError(
            f"tolerance: 'step' is a whole number of steps of a colour channel, 0 to 254, not {step!r}", where=where
        )
    share = _part(value.get("share", 0.0), "share", where)
    # Absent and 0 are two things: absent leaves it to the renderer, 0 is strict whatever the renderer.
    threshold = _part(value["threshold"], "threshold", where) if "threshold" in value else None
    if step and threshold:
        raise ConfigError("tolerance: has either a 'step' or a 'threshold', two rules for the same", where=where)
    return Tolerance(pixels, share, step, threshold)


def _part(value: Any, name: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise ConfigError(f"tolerance: '{name}' is from 0 up to but not including 1, not {value!r}", where=where)
    return float(value)


def viewports_from(value: Any, where: str) -> tuple[Viewport, ...]:
    """Parse `960x720`, or a list of those and of `{name, width, height}`.

    The first entry without a name is the default and has no variant name; further ones are named by their size.
    """
    if not isinstance(value, list):
        return (_viewport(value, where),)
    if not value:
        raise ConfigError("viewport: is an empty list", where=where)
    found: list[Viewport] = []
    for entry in value:
        viewport = _viewport(entry, where)
        if not viewport.name and any(not other.name for other in found):
            viewport = Viewport(viewport.width, viewport.height, str(viewport))
        if any(viewport.name == other.name or str(viewport) == str(other) for other in found):
            raise ConfigError(f"viewport: '{viewport.name or viewport}' comes twice", where=where)
        found.append(viewport)
    return tuple(found)


def _viewport(value: Any, where: str) -> Viewport:
    name = ""
    if isinstance(value, Mapping):
        _check_keys(value, {"name", "width", "height"}, "viewport option", where)
        name = value.get("name", "")
        size: tuple[Any, Any] = (value.get("width"), value.get("height"))
        if not isinstance(name, str) or ("name" in value and not re.fullmatch(r"\w[\w-]{0,49}", name)):
            raise ConfigError(f"viewport: name {name!r} may hold letters, digits, '_' and '-'", where=where)
    else:
        match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", value if isinstance(value, str) else "")
        size = (int(match[1]), int(match[2])) if match else (None, None)
    width, height = size
    if type(width) is not int or type(height) is not int or not (50 <= width <= 8000 and 50 <= height <= 8000):
        raise ConfigError(f"viewport: must be WIDTHxHEIGHT, each 50 to 8000, not {value!r}", where=where)
    return Viewport(width, height, name)


def themes_from(value: Any, where: str) -> tuple[str, ...]:
    """Parse a theme or a list of themes."""
    themes = value if isinstance(value, list) else [value]
    for theme in themes:
        if theme not in THEMES:
            raise ConfigError(f"unknown theme {theme!r}{nearest(theme, THEMES)}", where=where)
    if not themes or len(set(themes)) != len(themes):
        raise ConfigError(f"theme: {value!r} must name each theme once", where=where)
    return tuple(themes)


def _check_keys(given: Mapping[Any, Any], valid: set[str], what: str, where: str) -> None:
    for key in given:
        if key not in valid:
            raise ConfigError(f"unknown {what} '{key}'{nearest(key, valid)}", where=where)


def _mapping(value: Any, what: str, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"'{what}:' must be a mapping, not {value!r}", where=where)
    return value


def _tab(value: Any, where: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"\w[\w-]{0,49}", value, re.ASCII):
        raise ConfigError(f"tab: {value!r} must be a name of letters, digits, '_' and '-'", where=where)
    return value


def _text(value: Any, what: str, where: str) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{what}: must be text, not {value!r}", where=where)
    return value


def _globs(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
        raise ConfigError(f"inputs: must be a list of files or globs, not {value!r}", where=where)
    for item in value:
        if item.startswith(("/", "~")) or Path(item).is_absolute():
            raise ConfigError(f"inputs: {item!r} must be relative to the notebook's folder", where=where)
    return tuple(value)


def _services(value: Any, where: str) -> tuple[Need, ...]:
    """Parse what a notebook needs: names, or `{name: NAME, exclusive: true}`."""
    if not isinstance(value, list):
        raise ConfigError(f"services: must be a list of names, not {value!r}", where=where)
    needs: list[Need] = []
    for entry in value:
        raw = entry if isinstance(entry, Mapping) else {"name": entry}
        _check_keys(raw, {"name", "exclusive"}, "option of a service", where)
        name, exclusive = raw.get("name"), raw.get("exclusive", False)
        if not isinstance(name, str) or not isinstance(exclusive, bool):
            raise ConfigError(
                f"services: an entry is NAME or {{name: NAME, exclusive: true}}, not {entry!r}", where=where
            )
        if any(need.name == name for need in needs):
            raise ConfigError(f"services: '{name}' comes twice", where=where)
        needs.append(Need(name, exclusive))
    return tuple(needs)


def _positive(value: Any, what: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _LONGEST_WAIT:
        raise ConfigError(f"{what}: must be a number of seconds over 0, not {str(value)[:50]}", where=where)
    return float(value)
