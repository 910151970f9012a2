"""The declaration language: what a notebook says becomes targets, or an error with a place."""

import json
import re
import tempfile
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import PATH, block, cell, notebook_json, read
from widgetshot.declare.defaults import Defaults
from widgetshot.declare.notebook import read_notebook
from widgetshot.declare.option_block import Loader, read_yaml
from widgetshot.declare.options import SHOT
from widgetshot.declare.quarantine import parse_quarantine, quarantine_of
from widgetshot.errors import ConfigError, NotebookError, WidgetshotError
from widgetshot.model import Box, Clock, Mask, Quarantine, Rule, Step, Tolerance, Viewport

PHONE = "{name: phone, width: 375, height: 700}"


def refusal(folder: Path, *cells: str | dict[str, Any], **options: Any) -> str:
    with pytest.raises(WidgetshotError) as caught:
        read(folder, *cells, **options)
    return str(caught.value)


def names(folder: Path, *cells: str | dict[str, Any], **options: Any) -> list[str]:
    return [target.name for target in read(folder, *cells, **options).targets]


OPTIONS: list[tuple[str, str, object]] = [
    ("mask: {selector: .clock, reason: time}", "masks", (Mask("time", selector=".clock"),)),
    (
        "mask: [{box: [0, 2, 3, 4], reason: a}, {selector: b, reason: c}]",
        "masks",
        (Mask("a", box=Box(0, 2, 3, 4)), Mask("c", selector="b")),
    ),
    ("mask: []", "masks", ()),
    ("differs: {voila: it has no toolbar }", "differs", (("voila", "it has no toolbar"),)),
    ("differs: {}", "differs", ()),
    ("tolerance: {pixels: 3}", "tolerance", Tolerance(pixels=3)),
    ("tolerance: {share: 0.001}", "tolerance", Tolerance(share=0.001)),
    ("tolerance: {pixels: 2, share: 0.5, threshold: 0.1}", "tolerance", Tolerance(2, 0.5, threshold=0.1)),
    ("tolerance: {step: 3, share: 0.5}", "tolerance", Tolerance(share=0.5, step=3)),
    ("tolerance: {threshold: 0}", "tolerance", Tolerance(threshold=0.0)),
    (
        "quarantine: {reason: ' flickers ', until: '2026-12-31'}",
        "quarantine",
        Quarantine("flickers", date(2026, 12, 31)),
    ),
    ("quarantine: {reason: r, until: '2026-02-28'}", "quarantine", Quarantine("r", date(2026, 2, 28))),
    ("theme: dark", "theme", "dark"),
    ("viewport: 400x300", "viewport", Viewport(400, 300)),
    (f"viewport: {PHONE}", "viewport", Viewport(375, 700, "phone")),
    ("capture: page", "capture", "page"),
    ("max_settle: 2.5", "max_settle", 2.5),
    ("max_settle: null", "max_settle", None),
    ("allow_blank: true", "allow_blank", True),
]


@pytest.mark.parametrize("place", ["beside", "inside", "first cell", "metadata"])
@pytest.mark.parametrize(("option", "attribute", "expected"), OPTIONS)
def test_an_option_reaches_the_target_wherever_it_stands(
    tmp_path: Path, place: str, option: str, attribute: str, expected: object
) -> None:
    metadata = {"widgetshot": yaml.safe_load(option)} if place == "metadata" else {}
    lines = {
        "beside": ["shot: a", option],
        "inside": ["shot:", "  name: a", f"  {option}"],
        "first cell": [f"widgetshot: {{{option}}}", "shot: a"],
        "metadata": ["shot: a"],
    }[place]
    (target,) = read(tmp_path, block(*lines), metadata=metadata).targets
    if attribute == "masks" and place in ("first cell", "metadata"):
        assert all(mask.inherited for mask in target.masks)
        target = replace(target, masks=tuple(replace(mask, inherited=False) for mask in target.masks))
    assert getattr(target, attribute) == expected


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("click: button", Step("click", {"selector": "button"})),
        ("click: {selector: b, tab: other_2-b}", Step("click", {"selector": "b", "tab": "other_2-b"})),
        ("click: {selector: b, page: true, timeout: 3}", Step("click", {"selector": "b", "page": True, "timeout": 3})),
        ("fill: {selector: input, text: ''}", Step("fill", {"selector": "input", "text": ""})),
        ("fill: {selector: input, text: 12}", Step("fill", {"selector": "input", "text": "12"})),
        ("press: Enter", Step("press", {"key": "Enter"})),
        ("press: 5", Step("press", {"key": "5"})),
        ("press: {selector: i, key: Control+A}", Step("press", {"selector": "i", "key": "Control+A"})),
        ("hover: 'text=Run'", Step("hover", {"selector": "text=Run"})),
        ("select: {selector: s, option: two}", Step("select", {"selector": "s", "option": "two"})),
        ("drag: {selector: s, to: 0}", Step("drag", {"selector": "s", "to": 0})),
        ("drag: {selector: s, to: 1}", Step("drag", {"selector": "s", "to": 1})),
        ("upload: {selector: s, file: a.csv}", Step("upload", {"selector": "s", "file": "a.csv"})),
        ("wait: 3 workers", Step("wait", {"text": "3 workers"})),
        ("wait: {selector: .done}", Step("wait", {"selector": ".done"})),
        ("wait: {text: done, timeout: 0.5}", Step("wait", {"text": "done", "timeout": 0.5})),
        pytest.param("fill: {selector: i, text: yes}", Step("fill", {"selector": "i", "text": "yes"})),
        pytest.param(
            "fill: {selector: i, text: 12:30}",
            Step("fill", {"selector": "i", "text": "12:30"}),
        ),
        pytest.param("press: 007", Step("press", {"key": "007"})),
    ],
)
def test_a_step_is_read_in_each_of_its_forms(tmp_path: Path, step: str, expected: Step) -> None:
    (target,) = read(tmp_path, block("shot: a", "steps:", f"  - {step}")).targets
    assert target.steps == (expected,)


def test_notebook_only_options_and_their_defaults(tmp_path: Path) -> None:
    plain = read(tmp_path, "1")
    assert (plain.timeout, plain.settle_timeout, plain.kernel, plain.skip) == (60, 40, "", "")
    notebook = read(tmp_path, block("widgetshot: {timeout: 5, settle_timeout: 0.5, kernel: ir, skip: needs a GPU}"))
    assert (notebook.timeout, notebook.settle_timeout, notebook.kernel, notebook.skip) == (5, 0.5, "ir", "needs a GPU")
    assert notebook.targets[0].timeout == 5


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("https://gpu.example:8888/base/", "https://gpu.example:8888/base"),
        ("'http://[::1]:8888'", "http://[::1]:8888"),
        ("''", ""),
        ("false", ""),
    ],
)
def test_a_gateway_is_an_address_or_none(tmp_path: Path, value: str, url: str) -> None:
    elsewhere = Defaults(gateway_url="http://project.example")
    assert read(tmp_path, block(f"widgetshot: {{gateway_url: {value}}}"), defaults=elsewhere).gateway_url == url
    assert read(tmp_path, "1", defaults=elsewhere).gateway_url == "http://project.example"


@pytest.mark.parametrize("value", ["gpu:8888", "ftp://gpu", "'http://'", "'http://gpu:x'", "3", "true"])
def test_what_is_no_address_of_a_gateway_is_refused(tmp_path: Path, value: str) -> None:
    assert "gateway_url: must be " in refusal(tmp_path, block(f"widgetshot: {{gateway_url: {value}}}"))


@pytest.mark.parametrize("secret", ["http://me:hidden@gpu", "http://gpu/?token=hidden", "http://gpu/#hidden"])
def test_an_address_of_a_gateway_with_a_secret_is_refused_without_it(tmp_path: Path, secret: str) -> None:
    said = refusal(tmp_path, block(f"widgetshot: {{gateway_url: '{secret}'}}"))
    assert "hidden" not in said
    assert "JUPYTER_GATEWAY_AUTH_TOKEN" in said


def test_services_do_not_go_with_a_gateway(tmp_path: Path) -> None:
    said = refusal(tmp_path, block("widgetshot: {services: [redis], gateway_url: 'http://gpu'}"))
    assert "its services listen on this machine alone" in said
    assert "gateway_url: false" in said


R = {"kernelspec": {"name": "ir", "language": "R"}}


@pytest.mark.parametrize(
    ("metadata", "own", "defaults", "kernel"),
    [
        ({}, "", Defaults(kernel="py312"), "py312"),
        ({"kernelspec": {"name": "old", "language": "python"}}, "", Defaults(kernel="py312"), "py312"),
        ({}, "mine", Defaults(kernel="py312"), "mine"),
        ({}, "mine", Defaults(kernel="py312", kernel_given=True), "py312"),
        (R, "", Defaults(kernel="py312"), ""),
        (R, "", Defaults(kernel="py312", kernel_given=True), ""),
        (R, "mine", Defaults(kernel="py312", kernel_given=True), "mine"),
        ({"kernelspec": {"name": "bash"}}, "", Defaults(kernel="py312", kernel_given=True), ""),
    ],
)
def test_kernel_of_a_project_or_a_command_is_for_python_notebooks(
    tmp_path: Path, metadata: dict[str, Any], own: str, defaults: Defaults, kernel: str
) -> None:
    lines = [f"widgetshot: {{kernel: {own}}}"] if own else ["shot: s"]
    assert read(tmp_path, block(*lines), metadata=metadata, defaults=defaults).kernel == kernel


def test_the_nearer_declaration_wins_and_masks_add_up(tmp_path: Path) -> None:
    mask = "{selector: %s, reason: r}"
    notebook = read(
        tmp_path,
        block("widgetshot:", "  timeout: 7", "  theme: light", f"  mask: {mask % 'b'}", "shot: a"),
        block("shot: c", "theme: [light, dark]", f"mask: {mask % 'd'}"),
        metadata={"widgetshot": {"timeout": 99, "theme": "dark", "max_settle": 3}},
        defaults=Defaults(tolerance=Tolerance(9), settle_timeout=4),
    )
    assert (notebook.timeout, notebook.settle_timeout) == (7, 4)
    assert [target.name for target in notebook.targets] == ["a", "c", "c[dark]"]
    assert {target.max_settle for target in notebook.targets} == {3}
    assert {target.tolerance for target in notebook.targets} == {Tolerance(9)}
    assert [mask.selector for mask in notebook.targets[1].masks] == ["b", "d"]


LOOSE = Tolerance(5, 0.5, threshold=0.1)


@pytest.mark.parametrize("where", ["project", "notebook", "both"])
@pytest.mark.parametrize(
    ("zero", "threshold"),
    [
        ("{pixels: 0}", None),
        ("{share: 0}", None),
        ("{step: 0}", None),
        ("{}", None),
        # Strict whatever the renderer; absent leaves it to the renderer.
        ("{threshold: 0}", 0.0),
        ("{threshold: 0.0, step: 0}", 0.0),
    ],
)
def test_an_explicit_zero_wins_over_a_looser_tolerance(
    tmp_path: Path, where: str, zero: str, threshold: float | None
) -> None:
    loose = "  tolerance: {pixels: 7, share: 0.7, threshold: 0.7}"
    head = [] if where == "project" else ["widgetshot:", loose]
    defaults = Defaults() if where == "notebook" else Defaults(tolerance=LOOSE)
    (target,) = read(tmp_path, block(*head, "shot: a", f"tolerance: {zero}"), defaults=defaults).targets
    assert target.tolerance == Tolerance(0, 0.0, 0, threshold)
    assert target.tolerance.rule(same_renderer=True) is Rule.STRICT
    assert target.tolerance.rule(same_renderer=False) is (Rule.PERCEPTUAL if threshold is None else Rule.STRICT)


def test_a_zero_of_the_notebook_wins_over_the_project(tmp_path: Path) -> None:
    cells = block("widgetshot:", "  tolerance: {threshold: 0}", "shot: a"), block("shot: b", "tolerance: {step: 2}")
    one, other = read(tmp_path, *cells, defaults=Defaults(tolerance=LOOSE)).targets
    assert (one.tolerance, other.tolerance) == (Tolerance(threshold=0.0), Tolerance(step=2))


@pytest.mark.parametrize("zero", ["pixels", "share", "step", "threshold"])
def test_no_is_not_zero_and_zero_is_not_false(zero: str) -> None:
    for value in (False, True, None):
        with pytest.raises(ConfigError, match=f"tolerance: '{zero}'"):
            SHOT["tolerance"].read({zero: value}, "x")
    assert getattr(SHOT["tolerance"].read({zero: 0}, "x"), zero) == 0


QUARANTINE = {"reason": "flickers", "until": date(2026, 5, 31)}


@pytest.mark.parametrize(("day", "holds"), [((2026, 5, 30), True), ((2026, 5, 31), True), ((2026, 6, 1), False)])
def test_a_quarantine_holds_its_last_day_included(day: tuple[int, int, int], holds: bool) -> None:
    quarantine = parse_quarantine(QUARANTINE)
    assert quarantine.holds(date(*day)) is holds
    assert str(quarantine) == "flickers (until 2026-05-31)"


@pytest.mark.parametrize(
    ("pattern", "nodeid", "meant"),
    [
        ("notebooks/x.ipynb::a", "notebooks/x.ipynb::a", True),
        ("notebooks/x.ipynb::a", "notebooks/x.ipynb::a[dark]", False),
        ("notebooks/x.ipynb::a", "notebooks/x.ipynb::ab", False),
        ("notebooks/x.ipynb::a[dark]", "notebooks/x.ipynb::a[dark]", True),
        ("notebooks/x.ipynb::a[dark]", "notebooks/x.ipynb::ad", False),
        ("notebooks/x.ipynb::a[dark,phone]", "notebooks/x.ipynb::a[dark,phone]", True),
        ("notebooks/x.ipynb::a*", "notebooks/x.ipynb::a[dark]", True),
        ("notebooks/x.ipynb::*[dark]", "notebooks/x.ipynb::b[dark]", True),
        ("notebooks/x.ipynb::*[dark]", "notebooks/x.ipynb::b", False),
        ("*::*[dark*]", "notebooks/y/z.ipynb::b[dark,phone]", True),
        ("notebooks/*::*", "notebooks/y/z.ipynb::b", True),
        ("notebooks/[ab].ipynb::*", "notebooks/a.ipynb::b", False),
        ("notebooks/[ab].ipynb::*", "notebooks/[ab].ipynb::b", True),
        ("notebooks/X.ipynb::a", "notebooks/x.ipynb::a", False),
    ],
)
def test_a_pattern_of_the_project_means_names_with_their_brackets(pattern: str, nodeid: str, meant: bool) -> None:
    quarantine = parse_quarantine(QUARANTINE)
    found = quarantine_of(nodeid, ((pattern, quarantine),))
    assert found == (quarantine if meant else None)


@pytest.mark.parametrize("word", ["null", "false", "~", ""])
def test_a_shot_can_be_out_of_every_quarantine(tmp_path: Path, word: str) -> None:
    project = Quarantine("project", date(2026, 5, 31))
    targets = read(
        tmp_path,
        block("widgetshot: {quarantine: {reason: notebook, until: 2026-05-31}}", "shot: a"),
        block("shot: b", f"quarantine: {word}"),
        block("shot: c", "quarantine: {reason: own, until: 2026-05-31}"),
        defaults=Defaults(quarantine=(("*::*", project),)),
    ).targets
    reasons = {target.name: target.quarantine and target.quarantine.reason for target in targets}
    assert reasons == {"a": "notebook", "b": None, "c": "own"}


def test_a_notebook_can_be_out_of_the_projects_quarantine(tmp_path: Path) -> None:
    project = Quarantine("project", date(2026, 5, 31))
    (target,) = read(
        tmp_path,
        block("widgetshot: {quarantine: false}", "shot: a"),
        defaults=Defaults(quarantine=(("*::*", project),)),
    ).targets
    assert target.quarantine is None


def test_a_quarantine_is_no_mere_yes(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="quarantine: is "):
        read(tmp_path, block("shot: a", "quarantine: true"))


def test_the_first_pattern_wins_and_a_shots_own_quarantine_over_all(tmp_path: Path) -> None:
    first, second, own = (Quarantine(reason, date(2026, 5, 31)) for reason in ("first", "second", "own"))
    defaults = Defaults(quarantine=((f"{PATH}::*[dark]", first), (f"{PATH}::[ab]*", second), ("*::*", second)))
    targets = read(
        tmp_path,
        block("shot: a", "theme: [light, dark]"),
        block("shot: b", "quarantine: {reason: own, until: 2026-05-31}"),
        defaults=defaults,
    ).targets
    assert {target.name: target.quarantine for target in targets} == {"a": second, "a[dark]": first, "b": own}


def test_without_a_quarantine_there_is_none(tmp_path: Path) -> None:
    assert read(tmp_path, block("shot: a")).targets[0].quarantine is None


NOON = "2026-01-01T12:00:00+00:00"


@pytest.mark.parametrize(
    ("options", "defaults", "expected"),
    [
        ("", Clock(), Clock(NOON, False)),
        ("", Clock("2020-01-01T00:00:00+00:00", True), Clock("2020-01-01T00:00:00+00:00", True)),
        ("clock: 2026-05-01T09:30:00Z", Clock(), Clock("2026-05-01T09:30:00+00:00")),
        # Without a zone it is UTC.
        ("clock: 2026-05-01T09:30:00", Clock(), Clock("2026-05-01T09:30:00+00:00")),
        ("clock: 2026-05-01 09:30", Clock(), Clock("2026-05-01T09:30:00+00:00")),
        ("clock: 2026-05-01", Clock(), Clock("2026-05-01T00:00:00+00:00")),
        ("clock: '2026-05-01T09:30:00+02:00'", Clock(), Clock("2026-05-01T09:30:00+02:00")),
        ("freeze_clock: true", Clock(), Clock(NOON, True)),
        ("freeze_clock: false", Clock(NOON, True), Clock(NOON, False)),
        ("clock: 2026-05-01, freeze_clock: true", Clock(), Clock("2026-05-01T00:00:00+00:00", True)),
        ("clock: 2026-05-01", Clock(NOON, True), Clock("2026-05-01T00:00:00+00:00", True)),
    ],
)
def test_the_clock_is_the_notebooks_or_else_the_projects(
    tmp_path: Path, options: str, defaults: Clock, expected: Clock
) -> None:
    lines = [f"widgetshot: {{{options}}}"] if options else []
    project = Defaults(clock=defaults.start, freeze_clock=defaults.frozen)
    targets = read(tmp_path, block(*lines, "shot: [a, b]"), defaults=project).targets
    assert {target.clock for target in targets} == {expected}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["shot: a"], ["a"]),
        (["shot: true"], ["c0"]),
        (["shot:"], ["c0"]),
        (["shot: {}"], ["c0"]),
        (["shot: {name: null, allow_blank: true}"], ["c0"]),
        (["shot: 3"], ["3"]),
        (["shot: false"], ["page"]),
        (["shot: Überblick 2.1_a-b"], ["Überblick 2.1_a-b"]),
        (["shot: [a, {name: b}]"], ["a", "b"]),
        (["shot: a", "theme: [dark, light]"], ["a[dark]", "a"]),
        (["shot: a", f"viewport: [960x720, {PHONE}, 400x300]"], ["a", "a[phone]", "a[400x300]"]),
        (
            ["shot: a", "theme: [light, dark]", f"viewport: [960x720, {PHONE}]"],
            ["a", "a[phone]", "a[dark]", "a[dark,phone]"],
        ),
        (["echo: false", "fig-cap: x", "label: fig-a", "shot: a"], ["a"]),
        (["label: fig-a", "layout-ncol: 2"], ["page"]),
        (["hide"], ["page"]),
        (["default_exp core", "export"], ["page"]),
        (["made_up: by someone else"], ["page"]),
        pytest.param(["shot: [{name: on}, {name: off}]"], ["on", "off"]),
        pytest.param(["shot: 12:30"], []),
        pytest.param(["export", "eval: false"], ["page"]),
        pytest.param(["hide", "shot: a"], ["a"]),
        pytest.param([" "], ["page"]),
        (["shot: [{name: 2024-99-99}, {name: 0x_}]"], ["2024-99-99", "0x_"]),
        pytest.param(["shot: a", "renderings: [light, dark]"], ["a"]),
        pytest.param(
            ["shot: a", f"viewport: [{PHONE}, 960x720]"],
            ["a[phone]", "a"],
        ),
    ],
)
def test_names_of_what_a_block_declares(tmp_path: Path, lines: list[str], expected: list[str]) -> None:
    if not expected:
        assert "::c0" in refusal(tmp_path, block(*lines))
    else:
        assert names(tmp_path, block(*lines)) == expected


@pytest.mark.parametrize(
    ("tags", "expected"),
    [(["shot"], ["c"]), (["shot:"], ["c"]), (["shot:a", "x", "shot:b"], ["a", "b"]), ([], ["page"])],
)
def test_tags_declare_shots(tmp_path: Path, tags: list[str], expected: list[str]) -> None:
    assert names(tmp_path, cell("1", "c", tags), cell("#| echo: false", "d", ["hide-input", "parameters"])) == expected


def test_a_notebook_without_shots_gets_one_of_its_whole_page(tmp_path: Path) -> None:
    (target,) = read(tmp_path, "1", "2", cell("#| shot: no", "m", kind="markdown")).targets
    assert (target.name, target.cell_id, target.capture) == ("page", None, "page")
    assert (target.nodeid, target.path) == ("notebooks/x.ipynb::page", "notebooks/x/page")


def test_targets_come_in_the_order_in_which_a_person_would_act(tmp_path: Path) -> None:
    targets = read(tmp_path, block("shot: [z, b]"), "1", cell("2", "t", ["shot:y"]), block("shot: a")).targets
    assert [(target.name, target.order, target.cell_id) for target in targets] == [
        ("z", 0, "c0"),
        ("b", 1, "c0"),
        ("y", 2, "t"),
        ("a", 3, "c3"),
    ]


def test_a_target_has_the_source_without_its_block(tmp_path: Path) -> None:
    source = "\n\n  #| shot: a\n  #| steps: []\nprint(1)\n#| shot: not here\n"
    assert read(tmp_path, source).targets[0].source == "print(1)\n#| shot: not here"


def test_inserting_cells_renames_nothing(tmp_path: Path) -> None:
    cells = [cell(block("shot: a"), "one"), cell(block("shot: true"), "two"), cell("3", "three", ["shot"])]
    before = read(tmp_path, *cells).targets
    new = [cell("import os", "n1"), cell("# Title", "n2", kind="markdown")]
    after = read(tmp_path, *new, cells[0], cell(block("shot: b"), "n3"), *cells[1:]).targets
    assert [(target.path, target.cell_id) for target in after if target.shot != "b"] == [
        (target.path, target.cell_id) for target in before
    ]


def test_old_notebooks_have_no_ids_but_may_have_names(tmp_path: Path) -> None:
    (target,) = read(tmp_path, "1", block("shot: a"), minor=4).targets
    assert (target.name, target.cell_id) == ("a", "position-1")
    said = refusal(tmp_path, block("shot: true"), minor=4)
    assert "notebooks/x.ipynb::position-0" in said
    assert "write 'shot: NAME'" in said


V3 = {"cell_type": "code", "input": "#| shot: true", "language": "python", "outputs": [], "metadata": {}}


@pytest.mark.parametrize(
    "document",
    [
        notebook_json(cell("#| shot: true")),
        notebook_json(cell("1", "same"), cell("#| shot: true", "same")),
        pytest.param(
            json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": [V3]}]}),
        ),
    ],
    ids=["no id", "two with one id", "nbformat 3"],
)
def test_a_key_never_changes_between_two_readings(tmp_path: Path, document: str) -> None:
    file = tmp_path / "x.ipynb"
    file.write_text(document, encoding="utf-8")
    read_twice = []
    for _ in range(2):
        try:
            read_twice.append([target.path for target in read_notebook(file, PATH).targets])
        except WidgetshotError as error:
            read_twice.append([str(error)])
    assert read_twice[0] == read_twice[1]


def test_a_shot_with_a_name_needs_no_cell_id(tmp_path: Path) -> None:
    assert names(tmp_path, cell("#| shot: a"), cell("#| shot: b", "c", [1])) == ["a", "b"]


def test_two_shown_cells_with_one_id_are_refused(tmp_path: Path) -> None:
    assert "same" in refusal(tmp_path, cell("#| shot: a", "same"), cell("#| shot: b", "same"))


ERRORS: list[Any] = [
    # (block, place after the notebook's path, what the message says)
    (["shto: a"], "::c0", "did you mean 'shot'"),
    (["tolerance: {pixels: 1}"], "::c0", "'tolerance' without a 'shot:'"),
    (["shot: a", "tolerence: {pixels: 1}"], "::c0", "unknown option 'tolerence'; did you mean 'tolerance'?"),
    (["shot: {name: a, maks: []}"], "::c0", "did you mean 'mask'?"),
    (["shot: {name: a, differs: {viola: x}}"], "::a", "unknown front end 'viola'; did you mean 'voila'?"),
    (["shot: {name: a, differs: {voila: ''}}"], "::a", "differs: voila: needs a reason"),
    (["shot: {name: a, differs: voila}"], "::a", "is {FRONT END: REASON}"),
    (["shot: []"], "::c0", "empty list"),
    (["shot: [true, a]"], "::c0", "needs a name"),
    (["shot: [a, b]", "steps: []"], "::c0", "'steps' and 'name' belong inside"),
    (["shot: [[a]]"], "::c0", "is not valid"),
    (["shot: 1.5"], "::c0", "is not valid"),
    (["shot: ../x"], "::c0", "'../x' is not valid"),
    (["shot: a/b"], "::c0", "'a/b' is not valid"),
    (["shot: '[x]'"], "::c0", "'[x]' is not valid"),
    (["shot: 'a\\b'"], "::c0", "is not valid"),
    (["shot: .hidden"], "::c0", "is not valid"),
    (["shot: ' a'"], "::c0", "is not valid"),
    ([r'shot: "a\n"'], "::c0", "is not valid"),
    ([f"shot: {'a' * 101}"], "::c0", "100 at most"),
    (["shot: [a"], "::c0", "not valid YAML in line"),
    (["shot: a", "  mask: []"], "::c0", "not valid YAML in line 2"),
    (["- shot"], "::c0", "must be 'option: value' lines"),
    (["shot: a", "steps: click"], "::a", "steps: must be a list"),
    (["shot: a", "steps: [click]"], "::a step 1", "one 'action: ...'"),
    (["shot: a", "steps: [hover: b, {click: a, hover: b}]"], "::a step 2", "one 'action: ...'"),
    (["shot: a", "steps: [clik: b]"], "::a step 1", "did you mean 'click'?"),
    (["shot: a", "steps: [fill: b]"], "::a step 1", "selector, text"),
    (["shot: a", "steps: [fill: {selector: b}]"], "::a step 1", "lacks text"),
    (["shot: a", "steps: [fill: {selector: b, txt: c}]"], "::a step 1", "did you mean 'text'?"),
    (["shot: a", "steps: [wait: {timeout: 3}]"], "::a step 1", "lacks text or selector"),
    (["shot: a", "steps: [wait: true]"], "::a step 1", "not True"),
    (["shot: a", "steps: [click: '']"], "::a step 1", "'selector' is empty"),
    (["shot: a", "steps: [wait: {text: a, timeout: 0}]"], "::a step 1", "over 0, not 0"),
    (["shot: a", "steps: [wait: {text: a, timeout: true}]"], "::a step 1", "not True"),
    (["shot: a", "steps: [click: {selector: b, page: 1}]"], "::a step 1", "'page' must be true or false"),
    (["shot: a", "steps: [click: {selector: b, tab: 1}]"], "::a step 1", "tab: 1 must be a name"),
    *((["shot: a", f"tab: {name}"], "::a", "must be a name of letters") for name in ("''", "a/b", "é", "true", "-a")),
    (["widgetshot: {tab: a}"], "", "unknown notebook option 'tab'"),
    *((["shot: a", f"steps: [drag: {{selector: b, to: {to}}}]"], "::a step 1", "0 to 1") for to in (-1, 1.1, "true")),
    (["shot: a", "mask: .clock"], "::a", "a mask is {selector: CSS, reason: TEXT}"),
    (["shot: a", "mask: {selector: b}"], "::a", "needs a reason"),
    (["shot: a", "mask: {selector: b, reason: ' '}"], "::a", "needs a reason"),
    (["shot: a", "mask: {reason: r}"], "::a", "either a selector or a box"),
    (["shot: a", "mask: {selector: b, box: [1, 2, 3, 4], reason: r}"], "::a", "either a selector or a box"),
    (["shot: a", "mask: {select: b, reason: r}"], "::a", "did you mean 'selector'?"),
    (["shot: a", "mask: {selector: 3, reason: r}"], "::a", "selector: must be text"),
    *(
        (["shot: a", f"mask: {{box: {box}, reason: r}}"], "::a", "[x, y, width, height]")
        for box in ("[1, 2, 3]", "[1, 2, 3, true]", "[1, 2, 3, -1]", "[1, 2, 3, 4.5]", "5")
    ),
    (["shot: a", "tolerance: 0.03"], "::a", "no unit"),
    (["shot: a", "tolerance: {pixel: 3}"], "::a", "did you mean 'pixels'?"),
    *((["shot: a", f"tolerance: {{pixels: {n}}}"], "::a", "whole number of pixels") for n in (0.5, "true", -1, "x")),
    *((["shot: a", f"tolerance: {{share: {n}}}"], "::a", "'share' is from 0") for n in ("1", "true", "-0.1", ".nan")),
    *((["shot: a", f"tolerance: {{threshold: {n}}}"], "::a", "'threshold' is from 0") for n in ("1", "false", "x")),
    (
        ["shot: a", "tolerance: {pixels: 0.03}"],
        "::a",
        "whole number of pixels, not 0.03; a part of the picture is 'share'",
    ),
    *(
        (["shot: a", f"tolerance: {{{word}: 5}}"], "::a", "'pixels' here")
        for word in ("max_diff_pixels", "maxDiffPixels")
    ),
    (["shot: a", "tolerance: {max_diff_pixel_ratio: 0.1}"], "::a", "'share' here, from 0 to 1"),
    (["shot: a", "tolerance: {maxDiffPixelRatio: 0.1}"], "::a", "'share' here, from 0 to 1"),
    *(
        (["shot: a", f"tolerance: {{step: {n}}}"], "::a", "0 to 254")
        for n in (255, -1, 1.5, "1.0", "true", "null", "x")
    ),
    (["shot: a", "tolerance: {step: 1, threshold: 0.1}"], "::a", "either a 'step' or a 'threshold'"),
    (["shot: a", "tolerance: true"], "::a", "True has no unit"),
    (["shot: a", "tolerance: [5]"], "::a", "no unit"),
    (["shot: a", "quarantine: true"], "::a", "{reason: TEXT, until: YYYY-MM-DD}, not True"),
    (["shot: a", "quarantine: {until: 2026-12-31}"], "::a", "needs a reason"),
    (["shot: a", "quarantine: {reason: ' ', until: 2026-12-31}"], "::a", "needs a reason"),
    (["shot: a", "quarantine: {reason: 5, until: 2026-12-31}"], "::a", "needs a reason"),
    (["shot: a", "quarantine: {reason: r}"], "::a", "needs its last day, 'until: YYYY-MM-DD', not None"),
    *(
        (["shot: a", f"quarantine: {{reason: r, until: {day}}}"], "::a", "needs its last day")
        for day in ("2026-02-30", "soon", "31.12.2026", "5", "true", "2026", "2026-12-31T10:00:00")
    ),
    (["shot: a", "quarantine: {reason: r, untill: 2026-12-31}"], "::a", "did you mean 'until'?"),
    (["widgetshot: {quarantine: 5}", "shot: a"], "::a", "quarantine: is"),
    (["shot: a", "clock: 2026-05-01"], "::c0", "unknown option 'clock'"),
    *(
        (["shot: a", f"widgetshot: {{clock: {n}}}"], "", "clock: must be a time such as")
        for n in ("noon", "true", "null", "5")
    ),
    *(
        (["shot: a", f"widgetshot: {{freeze_clock: {n}}}"], "", f"freeze_clock: must be true or false, not {n}")
        for n in ("1", "'yes'")
    ),
    (["widgetshot: {freeze-clock: true}"], "", "did you mean 'freeze_clock'?"),
    (["shot: a", "theme: drak"], "::a", "did you mean 'dark'?"),
    (["shot: a", "theme: []"], "::a", "must name each theme once"),
    (["shot: a", "theme: [dark, dark]"], "::a", "must name each theme once"),
    (["shot: a", "viewport: []"], "::a", "empty list"),
    (["shot: a", "viewport: 960"], "::a", "WIDTHxHEIGHT"),
    (["shot: a", "viewport: 49x700"], "::a", "50 to 8000"),
    (["shot: a", "viewport: {width: true, height: 700}"], "::a", "WIDTHxHEIGHT"),
    (["shot: a", "viewport: {wide: 300, height: 700}"], "::a", "did you mean 'width'?"),
    (["shot: a", "viewport: {name: a/b, width: 300, height: 700}"], "::a", "letters, digits"),
    (["shot: a", f"viewport: [{PHONE}, {PHONE}]"], "::a", "'phone' comes twice"),
    (["shot: a", "capture: pge"], "::a", "did you mean 'page'?"),
    (["shot: a", "allow_blank: 1"], "::a", "true or false"),
    *((["shot: a", f"max_settle: {n}"], "::a", "seconds over 0") for n in ("0", "-1", "true", ".inf", ".nan", "soon")),
    (["widgetshot: 5", "shot: a"], "::c0", "must be a mapping"),
    (["widgetshot: {timeuot: 5}"], "", "did you mean 'timeout'?"),
    (["widgetshot: {steps: []}"], "", "unknown notebook option 'steps'"),
    (["widgetshot: {timeout: true}"], "", "timeout: must be a number"),
    (["widgetshot: {settle_timeout: 0}"], "", "settle_timeout: must be a number"),
    (["widgetshot: {kernel: 3}"], "", "kernel: must be text"),
    (["widgetshot: {skip: true}"], "", "skip: must be text"),
    pytest.param(["shot: a", "mask: {selector: '', reason: r}"], "::a", "empty"),
    pytest.param(["shot: a", "mask: {box: [1, 2, 0, 5], reason: r}"], "::a", "box"),
    pytest.param(["shot: a", "steps: [wait: '']"], "::a step 1", "empty"),
    pytest.param(["shot: a", "steps: [fill: {selector: i, text: }]"], "::a step 1", "text"),
    pytest.param(["shot: a", "shot: b"], "::c0", "shot"),
    pytest.param(["shot: a", "viewport: {name: null, width: 400, height: 300}"], "::a", "name"),
    pytest.param([f"shot: {'日' * 100}"], "::c0", "name"),
]


@pytest.mark.parametrize(("lines", "place", "said"), ERRORS)
def test_a_wrong_declaration_is_refused_with_its_place(tmp_path: Path, lines: list[str], place: str, said: str) -> None:
    message = refusal(tmp_path, block(*lines))
    assert message.startswith(f"{PATH}{place}: ")
    assert said in message


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        (["shto"], "did you mean 'shot'"),
        (["Shot:a"], "did you mean 'shot'"),
        (["shot:a/b"], "'a/b' is not valid"),
        (["shot", "shot"], "needs a name"),
    ],
)
def test_a_wrong_tag_is_refused_with_its_place(tmp_path: Path, tags: list[str], said: str) -> None:
    message = refusal(tmp_path, cell("1", "c", tags))
    assert message.startswith(f"{PATH}::c: ")
    assert said in message


@pytest.mark.parametrize("tag", ["show", "hot", "slot", "short"])
def test_a_tag_that_is_a_word_of_its_own_is_left_alone(tmp_path: Path, tag: str) -> None:
    assert names(tmp_path, cell("1", "c", [tag])) == ["page"]


def test_block_and_tag_of_one_cell_are_refused_together(tmp_path: Path) -> None:
    assert "both in its '#|' block and by the tag 'shot'" in refusal(tmp_path, cell(block("shot: a"), "c", ["shot"]))


def test_notebook_options_belong_to_the_first_code_cell(tmp_path: Path) -> None:
    assert f"{PATH}::c1: 'widgetshot:' belongs" in refusal(tmp_path, "1", block("widgetshot: {timeout: 5}"))
    title = cell("# Title", "m", kind="markdown")
    assert read(tmp_path, title, block("widgetshot: {timeout: 5}")).timeout == 5


@pytest.mark.parametrize("value", [5, None, ["timeout"], {"timeout": "5"}, {"them": "dark"}])
def test_wrong_metadata_is_refused(tmp_path: Path, value: object) -> None:
    with pytest.raises(ConfigError, match=r"^notebooks/x.ipynb"):
        read(tmp_path, "1", metadata={"widgetshot": value})


@pytest.mark.parametrize(
    "cells",
    [
        (block("shot: a"), block("shot: a")),
        (block("shot: Overview"), cell("1", "c1", ["shot:overview"])),
        (block("shot: c1"), block("shot: true")),
        (block("shot: [a, A]"),),
        pytest.param(
            (block("shot: a", "theme: [light, dark]", "viewport: [960x720, {name: dark, width: 99, height: 99}]"),),
        ),
        pytest.param(
            (block("shot: a", f"viewport: [{PHONE}, {{name: Phone, width: 99, height: 99}}]"),),
        ),
    ],
)
def test_two_targets_never_share_a_file(tmp_path: Path, cells: tuple[str | dict[str, Any], ...]) -> None:
    message = refusal(tmp_path, *cells)
    assert message.startswith(f"{PATH}::")
    assert "two " in message


@pytest.mark.parametrize(
    ("cells", "named"),
    [
        ((block("shot: Plot"), block("shot: plot")), "'Plot' and 'plot' (cells 'c0' and 'c1')"),
        ((block("shot: [größe, GRÖSSE]"),), "'größe' and 'GRÖSSE'"),
        # Composed and decomposed (a Hangul syllable and its letters, which are all letters of names).
        ((block("shot: \uac00"), block("shot: \u1100\u1161")), r"'\uac00' and '\u1100\u1161'"),
        (
            (block("shot: a", f"viewport: [{PHONE}, {{name: Phone, width: 99, height: 99}}]"),),
            "'a[phone]' and 'a[Phone]'",
        ),
    ],
)
def test_names_that_other_file_systems_take_for_one_are_told_both(
    tmp_path: Path, cells: tuple[str, ...], named: str
) -> None:
    message = refusal(tmp_path, *cells)
    assert f"are named {named}" in message
    assert "differ in upper and lower case or in Unicode normalisation alone" in message


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        notebook_json("#| shot: a")[:-9],
        "[]",
        "5",
        "{}",
        '{"nbformat": 4}',
        '{"nbformat": 99, "nbformat_minor": 0, "cells": [], "metadata": {}}',
        '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [1]}',
        "\ud800",
        pytest.param("[" * 100_000, id="deep"),
        notebook_json(cell("1", "c", None)),
        notebook_json(cell(None, "c")),
        notebook_json(cell(5, "c")),
        *(pytest.param(f'{{"nbformat": 4, "metadata": {value}, "cells": []}}') for value in ("null", "[]", "5")),
        pytest.param('{"nbformat": 4, "metadata": {}, "cells": {}}'),
    ],
)
def test_what_is_no_notebook_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.ipynb"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(WidgetshotError) as caught:
        read_notebook(file, PATH)
    assert caught.value.where.startswith(PATH)
    assert len(str(caught.value)) < 600


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for file in (tmp_path / "absent.ipynb", tmp_path):
        with pytest.raises(NotebookError, match="can't be read"):
            read_notebook(file, PATH)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("shot: !!int foo"),
        pytest.param(f"shot: {'9' * 5000}", id="long int"),
        pytest.param(f"shot: {'[' * 3000}", id="deep"),
        pytest.param(f"widgetshot: {{timeout: {'9' * 400}}}", id="timeout"),
        pytest.param(f"widgetshot: {{viewport: {'9' * 5000}x1}}", id="viewport"),
        "shot: &a [*a]",
        "? [1]",
        "shot: \x00",
        "shot: !!python/object/apply:os.system [ls]",
    ],
)
def test_hostile_yaml_is_a_clean_refusal(tmp_path: Path, line: str) -> None:
    assert refusal(tmp_path, f"#| {line}").startswith(PATH)


def bomb(*levels: str, shot: str = "h") -> str:
    """A block in which each level repeats the one before nine times: 9 ** 7 values in 300 characters."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for before, name in pairwise("abcdefgh"):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]")
    return block(*lines, *levels, f"shot: *{shot}")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (bomb(), "aliases repeat one another"),
        (bomb("i: {? *h : *h}"), "aliases repeat one another"),
        (block("a: &a {k: v}", "b: &b {!!merge <<: [*a, *a]}", *["c: [*b, *b]"] * 2, "shot: *b"), "comes twice"),
        (block("a: &a " + "x" * 30_000, "shot: [*a, *a, *a, *a]"), "aliases repeat one another"),
        (block("shot: &a [*a]"), "an alias of what is around it"),
        (block("shot: &a {b: {c: [*a]}}"), "an alias of what is around it"),
        (block("shot: " + "[" * 60 + "]" * 60), "nested more than 32 deep"),
        (block("shot: " + "[" * 40_000), "nested more than 32 deep"),
        (block("shot: " + "- " * 20_000), "'#|' block"),
        (block("shot: " + "x" * 60_000), "more than 50000 characters"),
        (block(*["shot: a"] * 9_000), "more than 50000 characters"),
        (block("shot: a", "mask: " + "x" * 40_000), "mask"),
        (block("shot: a", "x" * 700 + ": 1"), "unknown option"),
        (block("shot: a", "tolerance: {" + ", ".join(f"k{n}: 1" for n in range(4000)) + "}"), "k"),
        (block("shot: [" + ", ".join(f"{{n{n}: 1}}" for n in range(3000)) + "]"), "unknown"),
    ],
)
def test_a_block_that_is_larger_than_it_looks_is_refused_in_a_few_words(tmp_path: Path, source: str, said: str) -> None:
    begin = perf_counter()
    message = refusal(tmp_path, source)
    assert perf_counter() - begin < 2
    assert message.startswith(f"{PATH}::")
    assert said in message
    assert len(message) < 1_000


def test_a_few_aliases_are_fine(tmp_path: Path) -> None:
    notebook = read(
        tmp_path, block("shot:", "  - {name: a, mask: &m {selector: .x, reason: y}}", "  - {name: b, mask: *m}")
    )
    assert [target.masks for target in notebook.targets] == [notebook.targets[0].masks] * 2
    assert notebook.targets[0].masks


def taken(folder: Path, *cells: str | dict[str, Any], **options: Any) -> list[tuple[str, str]]:
    """Name and `after` of each target, in the order in which they are taken; the order of the targets says the same."""
    targets = read(folder, *cells, **options).targets
    assert [target.order for target in targets] == sorted(target.order for target in targets)
    return [(target.name, target.after) for target in targets]


def test_a_shot_after_each_cell_is_one_for_each_of_the_later_code_cells(tmp_path: Path) -> None:
    text = cell("# Title", "m", kind="markdown")
    cells = ("0", block("shot: {name: plot, after: each}"), "2", text, "4", block("shot: end"))
    assert taken(tmp_path, *cells) == [
        ("plot", "c1"),
        ("plot+c2", "c2"),
        ("plot+c4", "c4"),
        ("plot+c5", "c5"),
        ("end", ""),
    ]
    assert {target.cell_id for target in read(tmp_path, *cells).targets[:4]} == {"c1"}


def test_shots_come_by_the_cell_that_they_are_taken_after_and_then_by_their_place(tmp_path: Path) -> None:
    cells = (
        block("shot:", "  - end", "  - {name: a, after: each}", "  - {name: b, after: c2}"),
        block("shot: {name: c, after: each}"),
        "2",
    )
    assert taken(tmp_path, *cells) == [
        ("a", "c0"),
        ("a+c1", "c1"),
        ("c", "c1"),
        ("a+c2", "c2"),
        ("b", "c2"),
        ("c+c2", "c2"),
        ("end", ""),
    ]


def test_a_shot_after_a_cell_has_the_options_of_its_own_in_each_variant(tmp_path: Path) -> None:
    lines = ("shot: plot", "after: each", "theme: [light, dark]", "steps: [click: b]", "mask: {selector: a, reason: r}")
    targets = read(tmp_path, block(*lines), "1").targets
    assert [target.name for target in targets] == ["plot", "plot[dark]", "plot+c1", "plot+c1[dark]"]
    assert [target.steps for target in targets] == [(Step("click", {"selector": "b"}),)] * 4
    assert {target.masks for target in targets} == {(Mask("r", selector="a"),)}
    assert [target.path for target in targets][2] == "notebooks/x/plot+c1"


def test_inserting_a_cell_adds_a_picture_and_renames_none(tmp_path: Path) -> None:
    cells = [cell(block("shot: {name: a, after: each}"), "one"), cell("2", "two")]
    before = taken(tmp_path, *cells)
    after = taken(tmp_path, cells[0], cell("import os", "new"), cells[1])
    assert [one for one in after if one != ("a+new", "new")] == before


@pytest.mark.parametrize("id", ["12345678", "0123", "each", "-_-"])
def test_any_id_of_a_cell_may_stand_after(tmp_path: Path, id: str) -> None:
    cells = (cell(block(f"shot: {{name: a, after: '{id}'}}"), "own"), cell("2", id))
    assert taken(tmp_path, *cells)[-1] == ("a+each" if id == "each" else "a", id)
    assert taken(tmp_path, cell(block("shot: {name: a, after: each}"), "own"), cell("2", id))[1] == (f"a+{id}", id)


def test_an_id_of_digits_needs_no_quotes(tmp_path: Path) -> None:
    assert taken(tmp_path, block("shot: {name: a, after: 12345678}"), cell("2", "12345678")) == [("a", "12345678")]


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ("c1", "'c1' is no code cell below this one; they are: c2, c4"),  # its own
        ("c0", "'c0' is no code cell below this one; they are: c2, c4"),
        ("c3", "'c3' is no code cell below this one; they are: c2, c4"),  # of text
        ("c9", "'c9' is no code cell below this one; they are: c2, c4"),
        ("Each", "'Each' is no code cell below this one; they are: c2, c4"),
        ("true", "must be 'each' or the name of a later cell, in quotes, not True"),
        ("null", "must be 'each' or the name of a later cell, in quotes, not None"),
        ("''", "must be 'each' or the name of a later cell, in quotes, not ''"),
        ("12345e67", "must be 'each' or the name of a later cell, in quotes, not 1.2345e+71"),
        ("[c2]", "must be 'each' or the name of a later cell, in quotes, not ['c2']"),
    ],
)
def test_a_cell_that_is_not_below_is_refused_with_those_that_are(tmp_path: Path, after: str, said: str) -> None:
    text = cell("# Title", "c3", kind="markdown")
    message = refusal(tmp_path, "0", block(f"shot: {{name: a, after: {after}}}"), "2", text, "4")
    assert message == f"{PATH}::a: after: {said}"


def test_the_last_cell_has_none_below_it(tmp_path: Path) -> None:
    assert "below this one; there is none" in refusal(tmp_path, "0", block("shot: {name: a, after: c0}"))
    assert taken(tmp_path, "0", block("shot: {name: a, after: each}")) == [("a", "c1")]


def test_a_notebook_does_not_say_after_for_all_of_its_shots(tmp_path: Path) -> None:
    assert "unknown notebook option 'after'" in refusal(tmp_path, block("widgetshot: {after: each}", "shot: a"))


def test_names_are_made_of_ids_that_files_can_have(tmp_path: Path) -> None:
    each = block("shot: {name: a, after: each}")
    said = refusal(tmp_path, each, "1", minor=4)
    assert "makes names of the cells' ids, and 'position-1' has none" in said
    assert "save the notebook with a current Jupyter" in said
    for id in ("../x", "a/b", "a b", "é", "x" * 65):
        assert "makes file names of the cells' ids" in refusal(tmp_path, each, cell("1", id))
    longest = block(f"shot: {{name: {'日' * 59}, after: each}}")
    assert "is too long for a file name" in refusal(tmp_path, longest, cell("1", "x" * 64))
    assert "two shots are named" in refusal(tmp_path, each, cell("1", "b"), cell("2", "B"))


def test_after_one_cell_of_an_old_notebook_is_by_position(tmp_path: Path) -> None:
    cells = (block("shot: {name: a, after: position-2}"), "1", "2")
    assert taken(tmp_path, *cells, minor=4) == [("a", "position-2")]


def test_no_shot_can_be_called_as_one_after_a_later_cell(tmp_path: Path) -> None:
    assert "'a+c1' is not valid" in refusal(tmp_path, block("shot: a+c1"), "1")


WORDS = (
    "shot,name,steps,after,each,mask,tolerance,theme,viewport,capture,max_settle,allow_blank,widgetshot,timeout,settle_timeout,kernel,skip,"
    "click,fill,press,hover,select,drag,upload,wait,selector,text,key,option,file,to,page,pixels,share,threshold,step,"
    "quarantine,until,clock,freeze_clock,execute,frontend,differs,voila,"
    "width,height,box,reason,echo,label,fig-cap"
)
KEYS = st.sampled_from(re.findall(r"[\w-]+", WORDS))
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(width=32), st.text(max_size=8), st.dates(), KEYS,
    st.sampled_from(["light", "dark", "960x720", "cell"]),
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.integers().map(str), inner, max_size=4),
    max_leaves=12,
)
TOKENS = st.lists(
    st.sampled_from(
        [*":-[]{}'\"|>?#%@,&*!~ \n", ": ", "\n- ", "\n  ", "&a ", "*a", "!!str ", "true", "1.5", "é", "\x85", "\u2028"]
    )
    | KEYS,
    max_size=25,
).map("".join)


@pytest.mark.unmeasured
@settings(max_examples=80, deadline=None, derandomize=True, database=None)
@given(
    head=st.dictionaries(KEYS, VALUES, max_size=5).map(lambda data: yaml.safe_dump(data, allow_unicode=True)) | TOKENS
)
def test_an_arbitrary_block_is_read_or_refused_cleanly(head: str) -> None:
    source = "\n".join(f"#| {line}" for line in head.split("\n"))
    with tempfile.TemporaryDirectory() as folder:
        try:
            notebook = read(Path(folder), source)
            said = notebook.targets[0].nodeid
        except WidgetshotError as error:
            said = str(error)
    assert said.startswith(PATH)


@pytest.mark.parametrize("inputs", [["*.csv", "../data/**/*.txt"], []])
def test_a_notebook_declares_what_it_depends_on(tmp_path: Path, inputs: list[str]) -> None:
    declared = f"#| widgetshot: {{inputs: {json.dumps(inputs)}}}\n1"
    assert read(tmp_path, declared).inputs == tuple(inputs)
    assert read(tmp_path, "1").inputs is None


@pytest.mark.parametrize("inputs", ['"*.csv"', '[""]', "[3]", '["/etc/passwd"]', '["~/data"]'])
def test_inputs_are_globs_from_the_notebooks_folder(tmp_path: Path, inputs: str) -> None:
    with pytest.raises(ConfigError, match="inputs: "):
        read(tmp_path, f"#| widgetshot: {{inputs: {inputs}}}\n1")


BLOCKS = (
    "shot:\n  - name: a\n    steps: [{click: 'b'}, {wait: {text: \"x\", timeout: 3}}]\n",
    "tolerance: {pixels: 3, share: 0.01}\nmask:\n- {selector: '.a > b', reason: x}\nquarantine: {until: 2027-01-31}",
    "a: |\n  t\n  u\nb: >-\n  x\nc: &x 12:30\nd: *x\ne: !!str 1",
)


@given(
    st.sampled_from(BLOCKS), st.lists(st.tuples(st.integers(0, 200), st.sampled_from(":{}[],&*#?|>-!%@`'\" \n\t0a~é")))
)
@settings(max_examples=100)
def test_both_readers_of_yaml_read_the_same(text: str, typed: list[tuple[int, str]]) -> None:
    for place, character in typed[:4]:
        place %= len(text)
        text = text[:place] + character + text[place:]
    outcomes = []
    for load in (read_yaml, lambda text: yaml.load(text, Loader)):
        try:
            outcomes.append(repr(load(text)))
        except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError) as error:
            outcomes.append(type(error).__name__)
    assert outcomes[0] == outcomes[1]
