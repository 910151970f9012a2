"""Codes that a page's script and Python share, and the sentences that are made of them."""

import re
from enum import StrEnum
from pathlib import Path
from string import Formatter

import pytest

from widgetshot.conditions import Code, Condition, OpenFailure, Problem, Unrest, advice, param_names

PROTOCOL = Path(__file__).parents[2] / "js" / "src" / "live" / "protocol.ts"
CODES: list[Code] = [*Unrest, *Problem, *OpenFailure]


def codes_in_script(interface: str) -> dict[str, frozenset[str]]:
    """Return the codes that an interface of protocol.ts lists, with the names of their parameters."""
    source = PROTOCOL.read_text(encoding="utf-8")
    body = source.partition(f"export interface {interface} {{")[2].partition("\n}")[0]
    members = re.findall(r'^  "([a-z-]+)": (NoParams|\{[^}]*\});$', body, re.MULTILINE)
    assert len(members) == body.count(";\n") + body.endswith(";")
    return {code: frozenset(re.findall(r"(\w+): string", params)) for code, params in members}


@pytest.mark.parametrize(
    ("interface", "codes"),
    [
        ("UnrestParams", set(Unrest) - {Unrest.PICTURES_DIFFER, Unrest.REQUESTS_PENDING}),
        ("ProblemParams", set(Problem)),
    ],
)
def test_script_and_python_have_the_same_codes_with_the_same_parameters(interface: str, codes: set[Code]) -> None:
    assert codes_in_script(interface) == {str(code): param_names(code) for code in codes}


@pytest.mark.parametrize("code", CODES, ids=str)
def test_each_code_has_a_sentence_that_shows_all_its_parameters(code: Code) -> None:
    params = {name: f"<{name}>" for name in param_names(code)}
    sentence = str(Condition(code, params))
    assert all(value in sentence for value in params.values())
    assert [name for _, name, _, _ in Formatter().parse(sentence) if name] == []
    assert not sentence.endswith(".") or sentence.endswith("...")


def test_no_two_enumerations_share_a_code() -> None:
    assert len({str(code) for code in CODES}) == len(CODES)
    assert all(issubclass(kind, StrEnum) for kind in (Unrest, Problem, OpenFailure))


@pytest.mark.parametrize("params", [{}, {"url": "x", "more": "y"}, {"other": "x"}])
def test_condition_has_the_parameters_of_its_code_and_no_others(params: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="'image-missing' has the parameters"):
        Condition(Problem.IMAGE_MISSING, params)


MISSING = Condition(Problem.FRONT_END_MISSING, {"module": "@scope/thing", "version": "1.0"})
RAISED = Condition(Problem.CALLBACK_RAISED, {"name": "KeyError", "value": "the front end is not installed"})
UNKNOWN = Condition(Problem.WIDGET_UNKNOWN, {"id": "x"})


@pytest.mark.parametrize(
    ("problems", "says"),
    [
        ([UNKNOWN, MISSING, RAISED], "pip install scope"),
        ([RAISED, MISSING], "mend the callback"),
        ([UNKNOWN], "open the notebook in Jupyter"),
    ],
)
def test_advice_comes_of_codes_and_not_of_words(problems: list[Condition[Problem]], says: str) -> None:
    assert advice(problems).startswith(says)
