"""The front ends that there are, and what each of them can do: what it can't is an error before anything runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from widgetshot.declare.variants import THEMES
from widgetshot.errors import ConfigError, nearest
from widgetshot.model import FRONT_ENDS, Target
from widgetshot.values import BadValue, check_keys, one_of

_COMPARED = 2  # front ends that are compared with each other


@dataclass(frozen=True, kw_only=True)
class FrontEnd:
    """The abilities of a front end, and what must be installed for it.

    Attributes:
        title: the application, as messages call it.
        captures: the values of `capture` that it knows.
        package: the Python package that it is; "" where it comes with widgetshot.
        extra: the extra of widgetshot that installs it; "" for none.
        steps: whether there is a kernel behind its page, which can be acted on.
        tabs: whether a kernel can be shown in several browser pages.
        between_cells: whether a picture can be taken before all cells have run.
        more_themes: whether it has themes besides light and dark.
        saved: whether it can show a notebook as it was saved, without executing it.
        arranges: whether it shows another part of itself for each value of `capture`.
    """

    title: str
    captures: frozenset[str]
    package: str = ""
    extra: str = ""
    steps: bool = True
    tabs: bool = True
    between_cells: bool = True
    more_themes: bool = False
    saved: bool = False
    arranges: bool = False


_OF_PAGES = frozenset({"cell", "page"})
_OF_APPLICATIONS = _OF_PAGES | {"cell-with-code", "window"}
# By name. One that is not here is refused by its name; `frontends.registry` has the implementations.
TABLE = {
    "page": FrontEnd(title="widgetshot's own page", captures=_OF_PAGES, saved=True),
    "lab": FrontEnd(
        title="JupyterLab",
        captures=_OF_APPLICATIONS,
        package="jupyterlab",
        extra="lab",
        tabs=False,
        more_themes=True,
        arranges=True,
    ),
    "notebook": FrontEnd(
        title="Notebook",
        captures=_OF_APPLICATIONS,
        package="notebook",
        extra="lab",
        tabs=False,
        more_themes=True,
        arranges=True,
    ),
    "voila": FrontEnd(
        title="Voila",
        captures=_OF_PAGES,
        package="voila",
        extra="voila",
        tabs=False,
        between_cells=False,
    ),
    "static": FrontEnd(title="nbconvert's HTML export", captures=_OF_PAGES, steps=False, tabs=False, saved=True),
}


def parse_frontends(value: Any) -> tuple[str, ...]:
    """Parse the name of a front end, or a list of them.

    Raises:
        BadValue: one is unknown or comes twice, or there is none.
    """
    names = tuple(_frontend(name) for name in (value if isinstance(value, list) else [value]))
    if not names or len(set(names)) != len(names):
        raise BadValue(f"{value!r} must name each front end once")
    return names


def parse_compared(value: Any) -> tuple[str, ...]:
    """Parse `lab,voila`, or a list of two front ends; an empty one is none.

    Raises:
        BadValue: one is unknown, or they are not two.
    """
    given = [part.strip() for part in value.split(",")] if isinstance(value, str) and value else value or []
    if not given and isinstance(given, list):
        return ()
    names = parse_frontends(given)
    if len(names) != _COMPARED:
        raise BadValue(f"must be two front ends, such as page,lab, not {', '.join(names)}")
    return names


def parse_differs(value: Any) -> tuple[tuple[str, str], ...]:
    """Parse `{FRONT END: REASON}`.

    Raises:
        BadValue: a front end is unknown, or a reason is missing.
    """
    if not isinstance(value, Mapping):
        raise BadValue(f"is {{FRONT END: REASON}}, such as {{voila: its template has no toolbar}}, not {value!r:.50}")
    check_keys(value, FRONT_ENDS, "front end")
    for name, reason in value.items():
        if not isinstance(reason, str) or not reason.strip():
            raise BadValue(f"{name}: needs a reason: why may the picture look otherwise there?")
    return tuple((name, reason.strip()) for name, reason in value.items())


def _frontend(value: Any) -> str:
    try:
        name = one_of(value, FRONT_ENDS)
    except BadValue as error:
        raise BadValue(f"unknown front end {error.what}") from None
    if name not in TABLE:
        raise BadValue(f"'{name}' is no front end of this version of widgetshot, which has {', '.join(TABLE)}")
    return name


# What a target may ask for that not every front end has -> whether a target asks for it, whether a front end has it.
_ABILITIES: dict[str, tuple[Callable[[Target], bool], Callable[[FrontEnd], bool]]] = {
    "steps": (lambda target: bool(target.steps), lambda frontend: frontend.steps),
    "tab": (lambda target: bool(target.tab), lambda frontend: frontend.tabs),
    "after": (lambda target: bool(target.after), lambda frontend: frontend.between_cells),
    "execute: false": (lambda target: not target.execute, lambda frontend: frontend.saved),
}
# What needs a kernel, which nothing has that is shown as it was saved.
_OF_KERNELS = ("steps", "tab", "after")


def check_abilities(target: Target) -> None:
    """Refuse a target that its front end can't show.

    Raises:
        ConfigError: it can't; the front ends that can are named.
    """
    frontend = TABLE[target.frontend]
    for option, (asks, has) in _ABILITIES.items():
        if asks(target) and not has(frontend):
            able = [name for name, other in TABLE.items() if has(other)]
            raise _unable(target, f"{option}: the front end '{target.frontend}' has none of that", able)
    for option in () if target.execute else _OF_KERNELS:
        if _ABILITIES[option][0](target):
            raise ConfigError(
                f"{option}: with 'execute: false' there is no kernel that could take part",
                where=target.nodeid,
                next_step="leave it out, or have the notebook executed",
            )
    if target.capture not in frontend.captures:
        able = [name for name, other in TABLE.items() if target.capture in other.captures]
        raise _unable(target, f"capture: the front end '{target.frontend}' knows no '{target.capture}'", able)
    if target.theme not in THEMES and not frontend.more_themes:
        # Where other front ends have more themes, a slip of the pen can't be told from the name of one.
        raise ConfigError(
            f"theme: unknown theme '{target.theme}'{nearest(target.theme, THEMES)}",
            where=f"{target.notebook}::{target.shot}",
        )


def _unable(target: Target, what: str, able: list[str]) -> ConfigError:
    names = able[0] if len(able) == 1 else f"[{', '.join(able)}]"
    return ConfigError(
        what,
        where=target.nodeid,
        next_step=f"leave it out, or write 'frontend: {names}' beside the shot" if able else "leave it out",
    )
