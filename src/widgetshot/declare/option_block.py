"""The `#|` block at the top of a cell, and the YAML in it."""

import contextlib
import re
from typing import Any, ClassVar

import yaml

from widgetshot.errors import ConfigError

_PREFIX = "#|"
# nbdev's directives, such as `#| hide`, are words without a colon.
_DIRECTIVE = re.compile(r"[A-Za-z_][\w.-]*( +[\w.-]+)*\s*")
# What a block may have: far more than anybody writes, and little enough to be read and quoted at once.
MAX_BLOCK_CHARACTERS = 50_000
MAX_BLOCK_DEPTH = 32
MAX_BLOCK_WEIGHT = 100_000  # characters and values, each as often as it is referred to
_QUOTED = 50  # characters of a key in a message
_SMALL = 1_000  # characters, in which nothing is too deep for a reader
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
    except _TooMuch as error:
        raise ConfigError(
            f"the '#|' block {error}", where=where, next_step="write it shorter, without aliases (&name and *name)"
        ) from error
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
        yaml.YAMLError: it is none, or is too large, too deep or of too many aliases.
        ValueError, TypeError, OverflowError, RecursionError: a value can't be made.
    """
    _check_depth(text)
    if not _DISPUTED.search(text):
        with contextlib.suppress(yaml.YAMLError):
            return yaml.load(text, _QuickLoader)
    # Also for its messages, which say more.
    return yaml.load(text, Loader)


class _TooMuch(yaml.YAMLError):
    """A document is larger than what is read."""


def _check_depth(text: str) -> None:
    """Refuse a text that is too large or too deep before it is composed, which goes as deep as it does.

    Raises:
        yaml.YAMLError: it is, or it is no YAML.
    """
    if len(text) > MAX_BLOCK_CHARACTERS:
        raise _TooMuch(f"has more than {MAX_BLOCK_CHARACTERS} characters")
    if len(text) <= _SMALL:
        return
    depth = 0
    for event in yaml.parse(text, _QuickLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        _refuse_depth(depth)


def _refuse_depth(depth: int) -> None:
    if depth > MAX_BLOCK_DEPTH:
        raise _TooMuch(f"is nested more than {MAX_BLOCK_DEPTH} deep")


def _check_weight(root: yaml.Node) -> None:
    """Refuse a document that is larger than what was written, since its aliases repeat one another or themselves.

    Raises:
        yaml.YAMLError: it is.
    """
    weights: dict[yaml.Node, int] = {}
    around: set[yaml.Node] = set()
    # Each is looked at twice: before its parts, and when these are known.
    waiting = [(root, False)]
    while waiting:
        node, known = waiting.pop()
        parts = _parts(node)
        if known:
            around.remove(node)
            weights[node] = 1 + sum(weights[part] for part in parts)
            if weights[node] > MAX_BLOCK_WEIGHT:
                raise _TooMuch("comes to more than is read, since its aliases repeat one another")
        elif node not in weights:
            if not isinstance(node, yaml.CollectionNode):
                weights[node] = 1 + len(node.value)
                continue
            around.add(node)
            _refuse_depth(len(around))
            waiting.append((node, True))
            for part in parts:
                if part in around:
                    raise _TooMuch("has an alias of what is around it")
                waiting.append((part, False))


def _parts(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


class _Schema(yaml.constructor.SafeConstructor, yaml.resolver.BaseResolver):
    """YAML as a person means it: only `true` and `false` are booleans, 12:30 is no number, and no key comes twice."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}  # type: ignore[misc]

    def construct_document(self, node: yaml.Node) -> Any:
        _check_weight(node)
        return super().construct_document(node)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for number, key in enumerate(keys):
            if key in keys[:number]:
                raise yaml.constructor.ConstructorError(
                    None, None, f"'{str(key)[:_QUOTED]}' comes twice", node.start_mark
                )
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
