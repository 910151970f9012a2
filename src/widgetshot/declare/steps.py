"""Steps: the actions on the live page before a shot."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from widgetshot.errors import nearest
from widgetshot.model import Step
from widgetshot.values import BadValue, Parser, check_keys, parse_seconds


@dataclass(frozen=True)
class _Action:
    """Arguments of an action: those that it needs, those that it may have, and what a bare text stands for."""

    needed: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    shorthand: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.needed, *self.optional)


_ACTIONS = {
    "click": _Action(("selector",), shorthand="selector"),
    "fill": _Action(("selector", "text")),
    "press": _Action(("key",), ("selector",), shorthand="key"),
    "hover": _Action(("selector",), shorthand="selector"),
    "select": _Action(("selector", "option")),
    "drag": _Action(("selector", "to")),
    "upload": _Action(("selector", "file")),
    # It has exactly one of the two.
    "wait": _Action((), ("text", "selector"), shorthand="text"),
}
_OF_ALL = ("page", "tab", "timeout")  # arguments that every action may have
_TAB = re.compile(r"\w[\w-]{0,49}", re.ASCII)


def parse_steps(value: Any) -> tuple[Step, ...]:
    """Parse a list of steps.

    Raises:
        BadValue: an unknown action or argument, or a value of the wrong kind; its place is the number of the step.
    """
    if not isinstance(value, list):
        raise BadValue("must be a list")
    steps = []
    for number, item in enumerate(value, 1):
        try:
            steps.append(_step(item))
        except BadValue as error:
            raise BadValue(error.what, f" step {number}") from error
    return tuple(steps)


def parse_tab(value: Any) -> str:
    """Parse the name of a tab.

    Raises:
        BadValue: it is none.
    """
    if not isinstance(value, str) or not _TAB.fullmatch(value):
        raise BadValue(f"{value!r} must be a name of letters, digits, '_' and '-'")
    return value


def _step(item: Any) -> Step:
    if not isinstance(item, Mapping) or len(item) != 1:
        raise BadValue(f"a step is one 'action: ...', not {item!r}")
    ((name, raw),) = item.items()
    if name not in _ACTIONS:
        raise BadValue(f"unknown step '{name}'{nearest(name, _ACTIONS)}")
    action = _ACTIONS[name]
    if isinstance(raw, str | int | float) and action.shorthand:
        raw = {action.shorthand: raw}
    if not isinstance(raw, Mapping):
        raise BadValue(f"{name}: must be a mapping with {', '.join(sorted(action.names))}")
    check_keys(raw, (*action.names, *_OF_ALL), f"argument of {name}")
    _check_presence(name, action, raw)
    return Step(name, {key: _argument(name, key, word) for key, word in raw.items()})


def _check_presence(name: str, action: _Action, given: Mapping[str, Any]) -> None:
    if name == "wait":
        present = [key for key in action.optional if key in given]
        if len(present) == 2:
            raise BadValue("wait: has either a text or a selector")
        if not present:
            raise BadValue("wait: lacks text or selector")
    if missing := sorted(set(action.needed) - given.keys()):
        raise BadValue(f"{name}: lacks {', '.join(missing)}")


def _argument(action: str, key: str, value: Any) -> Any:
    """Parse one argument of an action."""
    if parser := _ARGUMENTS.get(key):
        try:
            return parser(value)
        except BadValue as error:
            raise BadValue(f"{key}: {error.what}") from error
    if key == "to":
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise BadValue(f"drag: 'to' is the part of the track, 0 to 1, not {value!r}")
        return value
    if key == "page":
        if not isinstance(value, bool):
            raise BadValue(f"{action}: 'page' must be true or false")
        return value
    # A number may have been written otherwise than Python writes it: 1.50 would be typed as 1.5.
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadValue(f"{action}: '{key}' must be text; put it in quotes, not {value!r}")
    if not str(value) and (key != "text" or action == "wait"):
        raise BadValue(f"{action}: '{key}' is empty")
    return str(value)


_ARGUMENTS: dict[str, Parser[Any]] = {"timeout": parse_seconds, "tab": parse_tab}
