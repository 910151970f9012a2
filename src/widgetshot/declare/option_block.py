"""The `#|` block at the top of a cell, and the YAML in it."""

import contextlib
import re
from typing import Any, ClassVar

import yaml

from widgetshot.errors import ConfigError

_PREFIX = "#|"
# nbdev's directives, such as `#| hide`, are words without a colon.
_DIRECTIVE = re.compile(r"[A-Za-z_][\w.-]*( +[\w.-]+)*\s*")
# Of these characters one of PyYAML's two readers lets more stand than the other.
_DISPUTED = re.compile(r"[\t?!]|[|>]#")


def split_block(source: str, where: str) -> tuple[dict[str, Any], str]:
    """Split a cell's source into its `#|` options and the rest.

    Args:
        where: the cell, for messages.

    Raises:
        ConfigError: the block is no YAML mapping.
    """
    lines = source.splitlines()
    head: list[str] = []
    rest = len(lines)
    for index, line in enumerate(lines):
        if line.lstrip().startswith(_PREFIX):
            head.append(_spelt_out(line.lstrip()[len(_PREFIX) :].removeprefix(" ")))
        elif head or line.strip():
            rest = index
            break
    body = "\n".join(lines[rest:])
    if not any(line.strip() for line in head):
        return {}, body
    return _read_block("\n".join(head), where), body


def _spelt_out(line: str) -> str:
    """Return a line of a block as YAML: a bare `shot` is the default shot, nbdev's directives are left out."""
    if line.strip() == "shot":
        return "shot: true"
    return "" if _DIRECTIVE.fullmatch(line) else line


def _read_block(text: str, where: str) -> dict[str, Any]:
    try:
        block = read_yaml(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line_text = f" in line {mark.line + 1} of the block" if mark else ""
        problem = getattr(error, "problem", None) or "not valid YAML"
        raise ConfigError(f"the '#|' block is not valid YAML{line_text}: {problem}", where=where) from error
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ConfigError(f"the '#|' block is not valid YAML: {type(error).__name__}: {error}", where=where) from error
    if not isinstance(block, dict):
        raise ConfigError(f"the '#|' block must be 'option: value' lines, not {str(block)[:80]!r}", where=where)
    return {str(key): value for key, value in block.items()}


def read_yaml(text: str) -> Any:
    """Read a YAML document.

    Raises:
        yaml.YAMLError: it is none.
        ValueError, TypeError, OverflowError, RecursionError: a value can't be made.
    """
    if not _DISPUTED.search(text):
        with contextlib.suppress(yaml.YAMLError):
            return yaml.load(text, _QuickLoader)
    # Also for its messages, which say more.
    return yaml.load(text, Loader)


class _Schema(yaml.constructor.SafeConstructor, yaml.resolver.BaseResolver):
    """YAML as a person means it: only `true` and `false` are booleans, 12:30 is no number, and no key comes twice."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}  # type: ignore[misc]

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for number, key in enumerate(keys):
            if key in keys[:number]:
                raise yaml.constructor.ConstructorError(None, None, f"'{key}' comes twice", node.start_mark)
        return super().construct_mapping(node, deep)


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
    _Schema.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


class Loader(_Schema, yaml.SafeLoader):
    """The reader that is written in Python."""


class _QuickLoader(_Schema, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The reader in C, where PyYAML was built with it: ten times as fast, which a thousand notebooks need."""
