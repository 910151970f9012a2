"""An option as it is declared; the options are in `widgetshot.declare.options` and `widgetshot.project.options`.

The pytest plugin loads this in every pytest run, so parsers are imported when they are needed.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from widgetshot.values import Parser


class Option(NamedTuple):
    """An option: what it is called, what it takes, what it is for and where it may stand.

    Attributes:
        name: what it is called in notebooks, `pyproject.toml` and the program.
        meaning: what it is for, in a phrase without a full stop; plain text.
        takes: what may be written; Markdown.
        parser: the function that reads a value, as `module:function`, see `widgetshot.values`; "" where there are
            `choices`.
        default: what holds where it is not written, as it would be written. None where that is nothing, or another
            option's matter.
        otherwise: what holds where it is not written, in words, for where `default` does not say it; Markdown.
        more: what the reference says besides `meaning`; Markdown.
        choices: the words that it takes, where it takes only these.
        shot: whether it may stand beside a shot.
        notebook: whether it may stand at notebook level; beside a shot too, it is the default of the shots.
        project: whether it may stand in `pyproject.toml`; in notebooks too, it is the default of the notebooks.
        run: its flag of `widgetshot run`, or "".
        pytest: its flag of pytest, or "".
        flag_type: what the flag's text is made into: bool for a flag without a value.
        metavar: what stands for the flag's value in a help text.
        bare: the value of a flag that is given without one; "" where it needs one.
    """

    name: str
    meaning: str
    takes: str = ""
    parser: str = ""
    default: Any = None
    otherwise: str = ""
    more: str = ""
    choices: tuple[str, ...] = ()
    shot: bool = False
    notebook: bool = False
    project: bool = False
    run: str = ""
    pytest: str = ""
    flag_type: type = str
    metavar: str | None = None
    bare: str = ""

    @property
    def flag_choices(self) -> tuple[str, ...]:
        """The choices that a flag has; a flag that means something without a value can't be given for nothing."""
        return tuple(choice for choice in self.choices if not self.bare or choice != self.default)

    @property
    def flag_default(self) -> Any:
        """The value of a flag that is not given; None where pyproject.toml decides."""
        return None if self.project else self.default

    @property
    def help(self) -> str:
        """The help text of its flags, without a full stop."""
        word = self.default if isinstance(self.default, str | int) and self.default and not self.bare else ""
        default = self.otherwise or str(word)
        return f"{self.meaning} (default: {default})" if default else self.meaning

    def parse(self, value: Any) -> Any:
        """Read a value.

        Raises:
            BadValue: it is of the wrong kind.
        """
        if self.choices:
            from widgetshot.values import one_of

            return one_of(value, self.choices)
        return _parser(self.parser)(value)

    def read(self, value: Any, where: str) -> Any:
        """Read a value that stands somewhere.

        Raises:
            ConfigError: it is of the wrong kind.
        """
        from widgetshot.values import checked

        return checked(self.parse, value, where, self.name)

    def parsed_default(self) -> Any:
        """Return the value that holds where none is written; None where that is nothing."""
        return None if self.default is None else self.parse(self.default)


def default_of(options: Mapping[str, Option], name: str) -> Any:
    """Return the value that an option has where none is written."""
    return options[name].parsed_default()


@cache
def _parser(path: str) -> "Parser[Any]":
    module, _, name = path.partition(":")
    parser: Parser[Any] = getattr(import_module(module), name)
    return parser


def check_options(given: Iterable[object], valid: Mapping[str, Option], what: str, where: str) -> None:
    """Refuse an option that nobody knows.

    Raises:
        ConfigError: one is unknown; the nearest valid one is named.
    """
    from widgetshot.values import check_keys, checked

    checked(lambda names: check_keys(names, valid, what), given, where)
