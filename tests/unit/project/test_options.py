"""What is declared of options agrees with what gets their values."""

import contextlib
from dataclasses import MISSING, Field, fields
from typing import Any

import pytest

from widgetshot.declare.defaults import Defaults
from widgetshot.declare.notebook import Notebook
from widgetshot.declare.options import NOTEBOOK, SHOT
from widgetshot.errors import ConfigError
from widgetshot.model import Clock, Target
from widgetshot.option import Option, check_options
from widgetshot.project.options import OPTIONS, PYTEST, RUN, with_bare_values
from widgetshot.project.settings import PROJECT, Settings
from widgetshot.values import BadValue

EVERY = [*SHOT.values(), *(option for option in NOTEBOOK.values() if not option.shot), *OPTIONS]


def named(option: Option) -> str:
    return f"{option.name}{'' if option.shot or option.notebook else ' of a project'}"


@pytest.mark.parametrize("option", EVERY, ids=named)
def test_an_option_can_be_read_and_is_described(option: Option) -> None:
    assert option.meaning
    assert not option.meaning.endswith(".")
    # A flag is described by its choices or its metavar.
    assert option.takes or not (option.shot or option.notebook or option.project)
    if option.parser:
        # A parser has an answer to everything.
        for value in (None, 5, object(), [object()], {"a": 1}):
            with contextlib.suppress(BadValue):
                option.parse(value)
    else:
        assert option.choices or option.flag_type is bool or option.name in ("services", "suite")


@pytest.mark.parametrize("option", EVERY, ids=named)
def test_a_default_can_be_written(option: Option) -> None:
    if option.default is not None and (option.parser or option.choices):
        assert option.parsed_default() is not None


def given_by(kind: type) -> dict[str, Field[Any]]:
    return {field.name: field for field in fields(kind)}


@pytest.mark.parametrize(
    ("kind", "options"), [(Target, SHOT), (Notebook, NOTEBOOK), (Settings, PROJECT), (Defaults, NOTEBOOK)]
)
def test_a_field_has_the_default_that_is_declared(kind: Any, options: dict[str, Option]) -> None:
    for name, field in given_by(kind).items():
        if name not in options or options[name].default is None or field.default is MISSING:
            continue
        default = options[name].parsed_default()
        # One target has one front end, one theme and one viewport of those that are declared.
        expected = default[0] if kind is Target and name in ("frontend", "theme", "viewport") else default
        assert field.default == expected, name


def test_a_target_that_is_made_by_hand_has_the_clock_that_is_declared() -> None:
    assert Clock() == Clock(NOTEBOOK["clock"].parsed_default(), NOTEBOOK["freeze_clock"].parsed_default())
    assert Target("n", "s", None, 0).timeout == NOTEBOOK["timeout"].parsed_default()


def test_every_option_reaches_something() -> None:
    assert set(PROJECT) <= set(given_by(Settings))
    # What two options make together, and what adds up, has another name.
    others = {"name": "shot", "mask": "masks", "freeze_clock": "clock"}
    assert {others.get(name, name) for name in SHOT} <= set(given_by(Target))
    assert {others.get(name, name) for name in NOTEBOOK} <= {*given_by(Target), *given_by(Notebook)}


def test_flags_of_pytest_differ_from_those_of_other_plugins() -> None:
    flags = [option.pytest for option in PYTEST.values()]
    assert len(set(flags)) == len(flags)
    assert {flag for flag in flags if "widgetshot" not in flag} == {"--update-baselines", "--skip-missing-services"}


def test_a_flag_without_its_value_does_not_take_the_path_behind_it() -> None:
    words = ["run", "--update-baselines", "notebooks", "--update-baselines=all", "--report", "x"]
    assert with_bare_values(words) == [*words[:1], "--update-baselines=changed", *words[2:]]
    assert RUN["update"].flag_choices == ("sheets", "missing", "changed", "all")


def test_an_unknown_option_gets_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match=r"^x: unknown option 'max_setle'; did you mean 'max_settle'\?$"):
        check_options(["theme", "max_setle"], SHOT, "option", "x")
