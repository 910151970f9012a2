"""Front ends as notebooks declare them, and the names that pictures have in them."""

import re
from pathlib import Path

import pytest

from builders import block, read
from widgetshot.declare.front_ends import TABLE, parse_compared, parse_frontends
from widgetshot.errors import ConfigError
from widgetshot.frontends.registry import REGISTRY
from widgetshot.model import FRONT_ENDS, Target, front_end_of, label_of
from widgetshot.values import BadValue


def test_all_that_can_be_named_is_made_somewhere() -> None:
    assert set(TABLE) == set(REGISTRY)
    assert set(TABLE) <= set(FRONT_ENDS)


def test_a_front_end_is_an_environment_and_stands_before_the_variant() -> None:
    page = Target("notebooks/x.ipynb", "plot", "c0", 0, variant="dark")
    lab = Target("notebooks/x.ipynb", "plot", "c0", 0, variant="dark", frontend="lab")
    assert page.nodeid == "notebooks/x.ipynb::plot[dark]"
    assert lab.nodeid == "notebooks/x.ipynb::plot[lab,dark]"
    assert page.path == lab.path == "notebooks/x/plot[dark]"
    assert page.session != lab.session
    assert label_of("lab", "") == "lab"
    assert label_of("page", "") == ""


def test_a_marker_of_the_front_end_selects_a_target() -> None:
    lab = Target("n", "s", None, 0, frontend="lab", markers=("smoke",))
    assert [lab.carries(marker) for marker in ("lab", "smoke", "page")] == [True, True, False]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [("lab-chromium-linux", "lab"), ("page-firefox-macos", "page"), ("somebody-else", "page"), ("", "page")],
)
def test_an_environment_names_its_front_end(environment: str, expected: str) -> None:
    assert front_end_of(environment) == expected


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("pgae", "unknown front end 'pgae'; did you mean 'page'"),
        ([], "must name each front end once"),
        (["page", "page"], "must name each front end once"),
        ({"a": 1}, "unknown front end"),
    ],
)
def test_what_is_no_front_end_is_refused(value: object, said: str) -> None:
    with pytest.raises(BadValue, match=said):
        parse_frontends(value)


def test_one_that_is_not_there_is_refused_where_it_is_named(tmp_path: Path) -> None:
    absent = next((name for name in FRONT_ENDS if name not in TABLE), None)
    if absent is None:
        assert set(TABLE) == set(FRONT_ENDS)
        return
    with pytest.raises(ConfigError, match=rf"x\.ipynb::c0: frontend: '{absent}' is no front end of this version"):
        read(tmp_path, block("shot:", f"frontend: {absent}"))


@pytest.mark.parametrize(
    ("options", "said", "next_step"),
    [
        ("frontend: static, steps: [click: button]", "steps: the front end 'static' has none of that", "page"),
        ("frontend: [page, static], tab: b", "tab: the front end 'static' has none of that", "page"),
        ("frontend: voila, tab: b", "tab: the front end 'voila' has none of that", "page"),
        ("frontend: voila, after: each", "after: the front end 'voila' has none of that", "page, "),
    ],
)
def test_what_needs_more_than_a_front_end_has_is_refused(
    tmp_path: Path, options: str, said: str, next_step: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, block(f"shot: {{name: s, {options}}}"), "x = 2")
    assert caught.value.what == said
    assert next_step in (caught.value.next_step or "")
    assert caught.value.where.startswith("notebooks/x.ipynb::s[" + ("static" if "static" in options else "voila"))


@pytest.mark.parametrize(
    ("notebook", "shot", "said"),
    [
        ("execute: false, frontend: voila", "", "execute: false: the front end 'voila' has none of that"),
        ("execute: false", ", steps: [click: button]", "steps: with 'execute: false' there is no kernel"),
        ("execute: false", ", tab: b", "tab: with 'execute: false' there is no kernel"),
        ("execute: false", ", after: each", "after: with 'execute: false' there is no kernel"),
    ],
)
def test_what_needs_a_kernel_is_refused_where_none_is_started(
    tmp_path: Path, notebook: str, shot: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, block(f"widgetshot: {{{notebook}}}", f"shot: {{name: s{shot}}}"), "x = 2")
    assert said in caught.value.what


def test_a_notebook_says_whether_it_is_executed(tmp_path: Path) -> None:
    targets = read(tmp_path, block("widgetshot: {execute: false, frontend: [page, static]}", "shot: s")).targets
    assert [(target.frontend, target.execute) for target in targets] == [("page", False), ("static", False)]
    assert read(tmp_path, block("shot: s")).targets[0].execute


@pytest.mark.parametrize("value", ["", [], None])
def test_no_front_ends_are_compared_where_none_are_named(value: object) -> None:
    assert parse_compared(value) == ()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("page", "must be two front ends, such as page,lab, not page"),
        ("page,page", "must name each front end once"),
        ("page,viola", "unknown front end 'viola'; did you mean 'voila'?"),
        (["page", 5], "unknown front end"),
        ({"page": "lab"}, "unknown front end"),
    ],
)
def test_what_can_not_be_compared_is_refused(value: object, said: str) -> None:
    with pytest.raises(BadValue, match=re.escape(said)):
        parse_compared(value)


def test_the_nearest_declaration_of_what_differs_counts(tmp_path: Path) -> None:
    notebook = read(
        tmp_path,
        block("widgetshot: {differs: {voila: fonts}}", "shot: a"),
        block("shot: {name: b, differs: {static: no steps}}"),
        block("shot: {name: c, differs: {}}"),
    )
    assert [target.differs for target in notebook.targets] == [(("voila", "fonts"),), (("static", "no steps"),), ()]


def test_two_front_ends_are_named_together_or_as_a_list() -> None:
    assert parse_compared("page, static") == parse_compared(["page", "static"]) == ("page", "static")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("shot:", "theme: drak"), r"::c0: theme: unknown theme 'drak'; did you mean 'dark'\?"),
        (("shot:", "capture: window"), r"::c0: capture: the front end 'page' knows no 'window'"),
        (
            ("shot:", "frontend: [page, lab]", "theme: JupyterLab Night"),
            "::c0: theme: unknown theme 'JupyterLab Night'",
        ),
        (("shot:", "frontend: lab", "tab: other"), r"::c0\[lab\]: tab: the front end 'lab' has none of that"),
    ],
)
def test_what_a_front_end_cannot_do_is_an_error_with_its_shot(
    tmp_path: Path, lines: tuple[str, ...], said: str
) -> None:
    with pytest.raises(ConfigError, match=rf"x\.ipynb{said}"):
        read(tmp_path, block(*lines))


def test_a_shot_has_a_target_for_each_front_end_and_variant(tmp_path: Path) -> None:
    targets = read(tmp_path, block("shot: s", "frontend: [page, lab]", "theme: [light, dark]")).targets
    assert [target.name for target in targets] == ["s", "s[dark]", "s[lab]", "s[lab,dark]"]
    (night,) = read(tmp_path, block("shot: s", "frontend: lab", "theme: JupyterLab Night")).targets
    assert (night.name, night.path, night.color_scheme) == (
        "s[lab,JupyterLab Night]",
        "notebooks/x/s[JupyterLab Night]",
        "light",
    )
