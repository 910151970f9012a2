"""decisions.json: read from whatever it is pasted in, applied whole or not at all."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders import picture
from decision_files import KEY, Json, baseline_file, build, decision, document, fenced, shot_of
from projects import Project, small_disk
from stores import in_folder
from widgetshot.errors import BaselineError, ConfigError, RecordError, StaleDecision, one_line, visible
from widgetshot.files import encode_png, sha256
from widgetshot.review.apply import Rejection, apply_decisions
from widgetshot.review.decisions import MAX_BYTES, read_decisions

OTHER = encode_png(picture(7), optimise=True)


@pytest.fixture(scope="module")
def whole_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("project"))


@pytest.fixture
def root(whole_root: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole_root, tmp_path, dirs_exist_ok=True))


def files(root: Path) -> dict[str, bytes]:
    """What is under the project besides the run folder: files, links and folders."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes() if path.is_file() else b""
        for path in root.rglob("*")
        if "widgetshot-report" not in path.parts
    }


def apply(root: Path, data: bytes | str | Json, *, dry_run: bool = False) -> Any:
    text = data if isinstance(data, bytes | str) else json.dumps(data)
    read = read_decisions(text.encode() if isinstance(text, str) else text, "decisions.json")
    baselines = in_folder(root / "baselines")
    return apply_decisions(root / "widgetshot-report", baselines, read, "decisions.json", dry_run=dry_run)


def test_accepted_pictures_become_baselines_byte_for_byte_and_rejected_ones_stay(root: Path) -> None:
    before = files(root)
    outcome = apply(root, document(root))
    assert outcome.accepted == (KEY["changed"], KEY["new"])
    assert outcome.rejected == (Rejection(KEY["resized"], "notebooks/x.ipynb::resized", "too tall"),)
    after = files(root)
    for name in ("changed", "new"):
        assert baseline_file(root, name).read_bytes() == shot_of(root, name)
    touched = {file for file in after if after[file] != before.get(file)}
    assert touched == {f"baselines/{KEY[name]}.{end}" for name in ("changed", "new") for end in ("png", "json")}


def test_applying_twice_is_applying_once(root: Path) -> None:
    first = apply(root, document(root))
    after = files(root)
    assert apply(root, document(root)) == first
    assert files(root) == after


def test_a_dry_run_tells_the_same_and_writes_nothing(root: Path) -> None:
    before = files(root)
    tried = apply(root, document(root), dry_run=True)
    assert files(root) == before
    assert apply(root, document(root)) == tried


def test_what_has_no_picture_to_trust_can_be_rejected(root: Path) -> None:
    names = ("broken", "unstable", "varied", "match")
    chosen = [decision(root, name, "reject") for name in names]
    assert chosen[0]["shot_sha256"] is None
    before = files(root)
    assert [one.key for one in apply(root, document(root, *chosen)).rejected] == [KEY[name] for name in names]
    assert files(root) == before


PASTED: dict[str, Callable[[str], str | bytes]] = {
    "alone": lambda text: text,
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "windows line ends": lambda text: fenced(text).replace("\n", "\r\n"),
    "fenced with prose": fenced,
    "fenced without a language": lambda text: f"```\n{text}\n```",
    "fenced with four": lambda text: f"````json\n{text}\n````",
    "tildes": lambda text: f"~~~json\n{text}\n~~~",
    # A form's field of one line, such as GitHub's, drops the line ends.
    "on one line": lambda text: fenced(text).replace("\n", " "),
    "on one line without spaces": lambda text: fenced(text).replace("\n", ""),
    "prose without a fence": lambda text: f"my decisions: {text}\nthanks",
    "another code block too": lambda text: f"```python\nprint(1)\n```\n{fenced(text)}",
}


@pytest.mark.parametrize("how", PASTED)
@pytest.mark.parametrize("indent", [None, 1])
def test_decisions_are_found_in_what_was_pasted(root: Path, how: str, indent: int | None) -> None:
    comment = 'as ```json {"a": 1}``` says, {"b"}'
    chosen = decision(root, "changed", comment=comment)
    data = PASTED[how](json.dumps(document(root, chosen), indent=indent))
    read = read_decisions(data if isinstance(data, bytes) else data.encode(), "pasted")
    assert [(one.key, one.comment) for one in read.by_number.values()] == [(KEY["changed"], comment)]
    assert read.problems == ()
    assert apply(root, data).accepted == (KEY["changed"],)


def repeated(text: str) -> str:
    return text.replace('"run":', '"run": "x", "run":', 1)


DEEP = '{"format": 1, "decisions": ' + "[" * 200_000 + "]" * 200_000 + "}"
# What is no decisions file at all: the text, and what is said.
NONE_AT_ALL: dict[str, tuple[Callable[[str], str | bytes], str]] = {
    "empty": (lambda text: "", "holds no decisions"),
    "prose only": (lambda text: "looks good to me", "holds no decisions"),
    "an empty fence": (lambda text: "```json\n\n```", "no object"),
    "a list": (lambda text: f"```json\n[{text}]\n```", "no object"),
    "an inner list": (lambda text: "[1, 2]", "holds no decisions"),
    "truncated": (lambda text: text[:-20], "is not JSON"),
    "a damaged object around a whole one": (lambda text: '{"damaged": , "x": ' + text + "}", "is not JSON"),
    "a damaged fence around a whole one": (lambda text: fenced('{"damaged": , "x": ' + text), "is not JSON"),
    "more in the fence": (lambda text: fenced(text + "\nand more"), "more in its JSON block"),
    "two fences": (lambda text: fenced(text) + fenced(text), "several JSON objects"),
    "two objects": (lambda text: text + "\n" + text, "several JSON objects"),
    "one in a fence and one after it": (lambda text: fenced(text) + text, "several JSON objects"),
    "one before a fence": (lambda text: text + "\n" + fenced(text), "several JSON objects"),
    "another language": (lambda text: b"\xff\xfe" + text.encode("utf-16-le"), "is not UTF-8"),
    "a member twice": (repeated, 'the member "run" is there twice'),
    "a nested member twice": (lambda text: text.replace('"key":', '"key": "a", "key":', 1), "is there twice"),
    "not a number": (lambda text: text.replace('"format": 1', '"format": NaN'), "NaN is no JSON number"),
    "infinity": (lambda text: text.replace('"comment": ""', '"comment": -Infinity', 1), "-Infinity is no JSON number"),
    "a huge number": (lambda text: text.replace('"format": 1', '"format": 1' + "0" * 9000), "is not JSON"),
    "too large": (lambda text: text + " " * MAX_BYTES, "too large"),
    "too deep": (lambda text: DEEP, "nested too deeply"),
    "too deep in a fence": (lambda text: fenced(DEEP), "nested too deeply"),
    "no format": (lambda text: text.replace('"format": 1, ', ""), "names no format; this version reads 1"),
    "format 2": (lambda text: text.replace('"format": 1', '"format": 2'), "format 2; this version reads 1"),
    "format 1.0": (lambda text: text.replace('"format": 1', '"format": 1.0'), "format 1.0; this version reads 1"),
    "format as text": (lambda text: text.replace('"format": 1', '"format": "1"'), 'format "1"; this version'),
    "format true": (lambda text: text.replace('"format": 1', '"format": true'), "format true; this version reads 1"),
    "decisions no list": (lambda text: text.replace('"decisions": [', '"decisions": {}, "x": ['), "no list of"),
    "an empty object": (lambda text: "{}", "names no format"),
}


@pytest.mark.parametrize("case", NONE_AT_ALL)
def test_what_is_no_decisions_file_is_refused(root: Path, case: str) -> None:
    make, says = NONE_AT_ALL[case]
    before = files(root)
    with pytest.raises(ConfigError) as caught:
        apply(root, make(json.dumps(document(root))))
    assert says in str(caught.value)
    assert caught.value.where == "decisions.json"
    assert caught.value.next_step
    assert caught.value.exit_code == 3
    assert files(root) == before


def first(document: Json, **members: Any) -> Json:
    document["decisions"][0] |= members
    return document


def without(document: Json, name: str) -> Json:
    del document["decisions"][0][name]
    return document


def also(document: Json, *decisions: Any) -> Json:
    document["decisions"] += decisions
    return document


def run_json(root: Path, change: Callable[[Json], object]) -> None:
    file = root / "widgetshot-report" / "run.json"
    run = json.loads(file.read_bytes())
    change(next(test for test in run["tests"] if test["shot"] == "changed"))
    file.write_text(json.dumps(run))


def in_report(root: Path, end: str) -> Path:
    return root / "widgetshot-report" / "pictures" / f"{KEY['changed']}.{end}"


def tampered_sidecar(root: Path) -> None:
    file = in_report(root, "shot.json")
    file.write_text(file.read_text().replace('"size"', '"Size"'))


def tampered_masks(root: Path) -> None:
    """The sidecar hides all of the picture, and run.json says its digest, but not the decision."""
    file = in_report(root, "shot.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | {"masks": {".clock": [[0, 0, 30, 20]]}}))
    run_json(root, lambda entry: entry["pictures"]["shot"].update(sidecar_sha256=sha256(file.read_bytes())))


def linked_out(root: Path) -> None:
    """The folder that the baselines lie in leads elsewhere."""
    folder = baseline_file(root, "changed").parent
    folder.rename(root / "elsewhere")
    folder.symlink_to(root / "elsewhere")


def folder_instead(root: Path) -> None:
    baseline_file(root, "changed").unlink()
    baseline_file(root, "changed").mkdir()


def tampered_whole(root: Path) -> None:
    """The picture and what run.json says of it, but not the decision."""
    in_report(root, "shot.png").write_bytes(OTHER)
    run_json(root, lambda entry: entry["pictures"]["shot"].update(sha256=sha256(OTHER)))


CHANGED = f"decision 1 ({KEY['changed']}): "
# What does not hold: a change of the file, what happens on disk meanwhile, and what is said.
REFUSED: dict[str, tuple[Callable[[Json, Path], Json], Callable[[Path], object] | None, str]] = {
    "another run": (lambda it, root: it | {"run": "20200101T000000Z-abcdef"}, None, "decides on run 20200101T000000Z-"),
    "another commit": (lambda it, root: it | {"commit": "b" * 40}, None, f"decides on commit {'b' * 40}, but this is"),
    "run no text": (lambda it, root: it | {"run": 5}, None, "run must be text, not 5"),
    "reviewer missing": (lambda it, root: {k: it[k] for k in it if k != "reviewer"}, None, "reviewer is missing"),
    "commit a list": (lambda it, root: it | {"commit": []}, None, "commit must be text or null, not []"),
    "nothing decided": (lambda it, root: it | {"decisions": []}, None, "there are no decisions in it"),
    "a decision no object": (lambda it, root: also(it, [1]), None, "decision 4: must be an object, not [1]"),
    "key no text": (lambda it, root: first(it, key=None), None, "decision 1: key must be text, not null"),
    "key missing": (lambda it, root: without(it, "key"), None, "decision 1: key is missing"),
    "comment no text": (lambda it, root: first(it, comment={}), None, CHANGED + "comment must be text, not {}"),
    "comment missing": (lambda it, root: without(it, "comment"), None, CHANGED + "comment is missing"),
    "verdict unknown": (lambda it, root: first(it, verdict="Accept"), None, CHANGED + "verdict must be 'accept' or"),
    "verdict a list": (lambda it, root: first(it, verdict=["accept"]), None, CHANGED + "verdict must be 'accept' or"),
    "digest too short": (lambda it, root: first(it, shot_sha256="ab"), None, CHANGED + "shot_sha256 must be a sha256"),
    "digest a number": (lambda it, root: first(it, baseline_sha256=1), None, CHANGED + "baseline_sha256 must be a"),
    "time in words": (lambda it, root: first(it, time="yesterday"), None, CHANGED + "time must be a time"),
    "time a number": (lambda it, root: first(it, time=1.5), None, CHANGED + "time must be a time such as"),
    "unknown key": (lambda it, root: first(it, key="e/x"), None, "decision 1 (e/x): the run has no such result"),
    "key upwards": (lambda it, root: first(it, key="../../evil"), None, "leads out of the baselines folder"),
    "key upwards within": (lambda it, root: first(it, key="a/../../evil"), None, "leads out of the baselines folder"),
    "key absolute": (lambda it, root: first(it, key="/tmp/evil"), None, "leads out of the baselines folder"),
    "key of a drive": (lambda it, root: first(it, key="C:/evil"), None, "leads out of the baselines folder"),
    "key backslash": (lambda it, root: first(it, key="..\\evil"), None, "leads out of the baselines folder"),
    "key empty": (lambda it, root: first(it, key=""), None, "leads out of the baselines folder"),
    "key half a pair": (lambda it, root: first(it, key="a\ud83d/b"), None, "leads out of the baselines folder"),
    "key too long": (lambda it, root: first(it, key="a/" * 5000), None, "decision 1 (a/a/"),
    "a link leads out": (
        lambda it, root: it | {"decisions": it["decisions"][:1]},
        linked_out,
        "leads out of the baselines folder",
    ),
    "decided twice": (
        lambda it, root: also(it, decision(root, "new", "reject")),
        None,
        f"decision 4 ({KEY['new']}): decision 3 has decided on it already",
    ),
    "another shot": (
        lambda it, root: first(it, shot_sha256="a" * 64),
        None,
        CHANGED + "the picture decided on is not the one of this run",
    ),
    "no shot": (lambda it, root: first(it, shot_sha256=None), None, CHANGED + "the picture decided on is not the one"),
    "another baseline": (
        lambda it, root: first(it, baseline_sha256="a" * 64),
        None,
        CHANGED + "the baseline decided on is not the one this run saw",
    ),
    "another sidecar": (
        lambda it, root: first(it, sidecar_sha256="a" * 64),
        None,
        CHANGED + "masks and description decided on are not those of this run",
    ),
    "no sidecar": (lambda it, root: first(it, sidecar_sha256=None), None, CHANGED + "masks and description"),
    "sidecar not said": (lambda it, root: without(it, "sidecar_sha256"), None, CHANGED + "sidecar_sha256 is missing"),
    "sidecar and run tampered": (lambda it, root: it, tampered_masks, CHANGED + "masks and description"),
    "picture of the baseline gone": (
        lambda it, root: it,
        lambda root: in_report(root, "baseline.png").unlink(),
        CHANGED + "its file was not recorded, or is gone: pictures/",
    ),
    "no baseline": (
        lambda it, root: first(it, baseline_sha256=None),
        None,
        CHANGED + "the baseline decided on is not the one",
    ),
    "a rejected one stale": (
        lambda it, root: also(it, decision(root, "broken", "reject", baseline_sha256="a" * 64)),
        None,
        f"decision 4 ({KEY['broken']}): the baseline decided on is not the one",
    ),
    "unstable": (
        lambda it, root: also(it, decision(root, "unstable")),
        None,
        f"decision 4 ({KEY['unstable']}): can't be approved: it never came to rest",
    ),
    "varied": (
        lambda it, root: also(it, decision(root, "varied")),
        None,
        "can't be approved: its pictures varied between runs",
    ),
    "broken": (lambda it, root: also(it, decision(root, "broken")), None, "no picture of it that can be trusted"),
    "match": (lambda it, root: also(it, decision(root, "match")), None, "it matches its baseline already"),
    "picture tampered": (
        lambda it, root: it,
        lambda root: in_report(root, "shot.png").write_bytes(OTHER),
        CHANGED + "its file is not the one this run recorded",
    ),
    "picture and run tampered": (
        lambda it, root: it,
        tampered_whole,
        CHANGED + "the picture decided on is not the one",
    ),
    "run's digest tampered": (
        lambda it, root: it,
        lambda root: run_json(root, lambda entry: entry["pictures"]["shot"].update(sha256="c" * 64)),
        CHANGED + "the picture decided on is not the one of this run",
    ),
    "picture gone": (
        lambda it, root: it,
        lambda root: in_report(root, "shot.png").unlink(),
        CHANGED + "its file was not recorded, or is gone",
    ),
    "sidecar tampered": (lambda it, root: it, tampered_sidecar, CHANGED + "its file is not the one this run recorded"),
    "sidecar gone": (
        lambda it, root: it,
        lambda root: in_report(root, "shot.json").unlink(),
        CHANGED + "its file was not recorded, or is gone",
    ),
    "baseline changed": (
        lambda it, root: it,
        lambda root: baseline_file(root, "changed").write_bytes(OTHER),
        CHANGED + "its baseline has changed since the run",
    ),
    "baseline gone": (
        lambda it, root: it,
        lambda root: baseline_file(root, "changed").unlink(),
        CHANGED + "its baseline has changed since the run",
    ),
    "baseline of a rejected one changed": (
        lambda it, root: it,
        lambda root: baseline_file(root, "resized").write_bytes(OTHER),
        f"decision 2 ({KEY['resized']}): its baseline has changed since the run",
    ),
    "baseline a folder": (
        lambda it, root: it,
        folder_instead,
        CHANGED + "the baseline can't be read",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("dry_run", [False, True])
def test_one_decision_that_does_not_hold_refuses_them_all(root: Path, case: str, dry_run: bool) -> None:
    change, event, says = REFUSED[case]
    decided = change(document(root), root)
    if event is not None:
        event(root)
    before = files(root)
    with pytest.raises(StaleDecision) as caught:
        apply(root, decided, dry_run=dry_run)
    assert says in str(caught.value)
    assert "nothing was approved; 1 problem:" in str(caught.value)
    assert caught.value.next_step
    assert caught.value.exit_code == 1
    assert files(root) == before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda entry: entry["pictures"]["baseline"].update(sha256="c" * 64),
            "tests[1].pictures.baseline.sha256: expected baseline_sha256: the baseline shown is the one",
        ),
        (lambda entry: entry.pop("verdict"), "tests[1]: object missing required field verdict"),
        (lambda entry: entry.update(key="../../evil"), "tests[1].key: expected"),
    ],
)
def test_a_run_that_breaks_its_rules_refuses_them_all(root: Path, change: Callable[[Json], object], says: str) -> None:
    decided = document(root)
    run_json(root, change)
    before = files(root)
    with pytest.raises(RecordError) as caught:
        apply(root, decided)
    assert caught.value.what.startswith(says)
    assert caught.value.where == str(root / "widgetshot-report" / "run.json")
    assert files(root) == before


@pytest.mark.parametrize("change", [{"key": "k" * 20_000}, {"key": "../" + "k" * 20_000}, {"comment": "c" * 20_000}])
def test_a_problem_is_told_in_few_words_however_long_its_text_is(root: Path, change: Json) -> None:
    decided = first(document(root), **change) | {"run": "r" * 20_000, "commit": "c" * 20_000}
    with pytest.raises(StaleDecision) as caught:
        apply(root, decided)
    assert len(str(caught.value)) < 3_000


def test_members_that_nobody_asks_for_may_be_called_anything(root: Path) -> None:
    decided = document(root)
    decided["\ud800"] = decided["decisions"][0]["\udfff"] = 1
    assert len(apply(root, decided, dry_run=True).accepted) == 2


def test_every_problem_is_reported_at_once_in_the_file_s_order(root: Path) -> None:
    baseline_file(root, "resized").write_bytes(OTHER)
    decided = also(document(root), decision(root, "unstable"), 7) | {"run": "other"}
    decided["decisions"][2]["time"] = "soon"
    with pytest.raises(StaleDecision) as caught:
        apply(root, decided)
    _, first, *lines = str(caught.value).splitlines()
    assert "nothing was approved; 5 problems:" in str(caught.value)
    assert first.startswith("- decides on run other, but this is run ")
    assert [line.split(":")[0] for line in lines[:4]] == [
        f"- decision 2 ({KEY['resized']})", f"- decision 3 ({KEY['new']})", f"- decision 4 ({KEY['unstable']})",
        "- decision 5",
    ]  # fmt: skip
    assert "widgetshot approve RUN --decisions FILE" in lines[4]


def test_a_hostile_run_folder_is_refused_whole(root: Path) -> None:
    decided = first(document(root), key="../../evil")
    (root / "evil").mkdir()
    shot = in_report(root, "shot.png")
    shot.rename(root / "evil" / shot.name)
    shot.symlink_to(root / "evil" / shot.name)
    before = files(root)
    with pytest.raises(RecordError, match="is a link"):
        apply(root, decided)
    assert files(root) == before


# Whatever is put in the place of a part of the file: values of every kind, and parts of other decisions.
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8),
    st.sampled_from(["accept", "reject", "../x", *KEY.values(), "a" * 64]), st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)  # fmt: skip


@st.composite
def edits(draw: st.DrawFn) -> Callable[[Json], Json]:
    """A mutation of a decisions file: a member set, removed or swapped, or a decision twice."""
    index, name, value = draw(st.integers(0, 2)), draw(st.sampled_from([*DECISION, *HEAD])), draw(ODD)
    how = draw(st.sampled_from(["set", "drop", "swap", "twice", "insert"]))

    def edit(whole: Json) -> Json:
        decisions = whole["decisions"]
        where = decisions[index] if name in DECISION else whole
        if how == "set":
            where[name] = value
        elif how == "drop":
            where.pop(name)
        elif how == "swap" and name in DECISION:
            other = decisions[(index + 1) % 3]
            where[name], other[name] = other[name], where[name]
        elif how == "twice":
            decisions.append(dict(decisions[index]))
        elif how == "insert":
            decisions.insert(index, value)
        return whole

    return edit


DECISION = ("key", "verdict", "baseline_sha256", "shot_sha256", "comment", "time")
HEAD = ("format", "run", "commit", "reviewer")


@given(edit=edits())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_mutated_file_writes_all_or_nothing(whole_root: Path, edit: Callable[[Json], Json]) -> None:
    before = files(whole_root)
    valid = document(whole_root)
    mutated = edit(deepcopy(valid))
    written = {one["key"] for one in valid["decisions"] if one["verdict"] == "accept"}
    try:
        outcome = apply(whole_root, json.dumps(mutated))
    except (ConfigError, StaleDecision):
        assert files(whole_root) == before
        return
    # It was applied: then each of its decisions is one of the valid file, or its opposite, and nothing else is there.
    bound = ("key", "baseline_sha256", "shot_sha256")
    assert {tuple(one[name] for name in bound) for one in mutated["decisions"]} == {
        tuple(one[name] for name in bound) for one in valid["decisions"]
    }
    assert (mutated["run"], mutated["commit"]) == (valid["run"], valid["commit"])
    assert set(outcome.accepted) == {one["key"] for one in mutated["decisions"] if one["verdict"] == "accept"}
    changed = {name for name, data in files(whole_root).items() if before.get(name) != data}
    assert changed <= {f"baselines/{key}.{end}" for key in {*outcome.accepted, *written} for end in ("png", "json")}
    restore(whole_root, before)


def restore(root: Path, before: dict[str, bytes]) -> None:
    for name in files(root):
        if name not in before:
            (root / name).unlink()
    for name, data in before.items():
        if data:
            (root / name).write_bytes(data)


@given(
    cuts=st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 6), st.text(max_size=4)), min_size=1, max_size=4),
)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_garbled_text_writes_all_or_nothing(whole_root: Path, cuts: list[tuple[int, int, str]]) -> None:
    before = files(whole_root)
    valid = document(whole_root)
    text = fenced(json.dumps(valid))
    for at, length, put in cuts:
        text = text[:at] + put + text[at + length :]
    try:
        outcome = apply(whole_root, text.encode(errors="surrogatepass"))
    except (ConfigError, StaleDecision):
        assert files(whole_root) == before
        return
    assert set(outcome.accepted) <= {one["key"] for one in valid["decisions"]}
    assert len(outcome.accepted) + len(outcome.rejected) == 3
    for key in outcome.accepted:
        shot = whole_root / "widgetshot-report" / "pictures" / f"{key}.shot.png"
        assert (whole_root / "baselines" / f"{key}.png").read_bytes() == shot.read_bytes()
    restore(whole_root, before)


def test_a_failing_write_puts_everything_back(root: Path) -> None:
    # The sidecar of the last one can't be written; those before it are replaced by then.
    (root / "baselines" / f"{KEY['new']}.json").mkdir()
    before = files(root)
    with pytest.raises(BaselineError, match="can't be written"):
        apply(root, document(root))
    assert files(root) == before


def test_a_full_disk_is_met_before_anything_is_replaced(project: Project) -> None:
    root = build(project.root)
    small = root / "baselines"
    small.rename(root / "moved")
    small.mkdir()
    with small_disk(small, "256k"):
        shutil.copytree(root / "moved", small, dirs_exist_ok=True)
        # One page is left, and two pictures with their sidecars are to be written.
        while (left := free_pages(small)) > 1:
            (small / f"filling{left}").write_bytes(b"x" * 4096)
        project.write("decisions.json", json.dumps(document(root)))
        before = files(root)
        done = project.widgetshot("approve", "--decisions", "decisions.json")
        assert files(root) == before
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def free_pages(folder: Path) -> int:
    state = os.statvfs(folder)
    return state.f_bavail * state.f_frsize // 4096


def command(project: Project, text: str, *words: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    project.write("decisions.json", text)
    return project.widgetshot("approve", "--decisions", "decisions.json", *words, **options)


def test_the_command_applies_a_file_and_says_what_it_did(project: Project) -> None:
    root = build(project.root)
    text = fenced(json.dumps(document(root), indent=1))
    before = files(root)
    tried = command(project, text, "--dry-run")
    assert tried.returncode == 0, tried.stderr
    assert f"✓ {KEY['changed']}: would be written" in tried.stdout
    assert "2 baselines would be written, 1 rejected (reviewer: A. Reviewer)" in tried.stdout
    assert {k: v for k, v in files(root).items() if k != "decisions.json"} == before
    done = project.command(
        "sh", "-c", f"'{sys.executable}' -m widgetshot approve widgetshot-report --decisions - < decisions.json"
    )
    assert done.returncode == 0, done.stderr
    assert f"✓ {KEY['new']}\n" in done.stdout
    assert "✗ notebooks/x.ipynb::resized: rejected: too tall" in done.stdout
    assert "2 baselines written, 1 rejected (reviewer: A. Reviewer)" in done.stdout
    assert baseline_file(root, "new").read_bytes() == shot_of(root, "new")


def test_the_command_speaks_json(project: Project) -> None:
    root = build(project.root)
    done = command(project, json.dumps(document(root)), "--output", "json")
    assert json.loads(done.stdout) == {
        "approved": [KEY["changed"], KEY["new"]],
        "dry_run": False,
        "reviewer": "A. Reviewer",
        "rejected": [{"key": KEY["resized"], "name": "notebooks/x.ipynb::resized", "comment": "too tall"}],
    }
    refused = command(project, json.dumps(document(root, run="other")), "--output", "json")
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["error"]["type"] == "StaleDecision"


def test_names_can_be_tried_dry_as_well(project: Project) -> None:
    root = build(project.root)
    before = files(root)
    done = project.widgetshot("approve", "--all", "--dry-run")
    assert "3 baselines would be written" in done.stdout
    assert files(root) == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--decisions", "decisions.json", "--all"), "only the run folder to name"),
        (("one", "two", "--decisions", "decisions.json"), "only the run folder to name"),
        (("one", "--report", "two", "--decisions", "decisions.json"), "only the run folder to name"),
        (("--decisions", "absent.json"), "absent.json: can't be read: No such file"),
        (("--decisions", "."), "can't be read: Is a directory"),
        (("--decisions", "pyproject.toml"), "pyproject.toml: holds no decisions"),
        ((), "name the results to approve, or say --all"),
    ],
)
def test_the_command_refuses_what_makes_no_sense(project: Project, words: tuple[str, ...], says: str) -> None:
    done = project.widgetshot("approve", *words)
    assert done.returncode == 3
    assert says in done.stderr
    assert "next: " in done.stderr


HOSTILE = "fine\x1b[2J\x1b[1A\r✓ forged\n✓ forged too\x07\u202egnp\u2066\x9b\ud83d\u2028✓ again"
RAW = ("\x1b", "\r", "\x07", "\u202e", "\u2066", "\x9b", "\n✓ forged", "\u2028")


def test_what_a_file_from_elsewhere_says_never_reaches_the_terminal_raw(project: Project) -> None:
    root = build(project.root)
    hostile = decision(root, "resized", "reject", comment=HOSTILE)
    done = command(project, json.dumps(document(root, hostile, reviewer=HOSTILE)))
    assert done.returncode == 0, done.stderr
    assert "rejected: fine⟨U+001B⟩[2J" in done.stdout
    refused = command(
        project,
        json.dumps(document(root, hostile, hostile | {"key": HOSTILE, "verdict": HOSTILE}, run=HOSTILE)),
    )
    assert refused.returncode == 1
    assert "decision 2 (fine⟨U+001B⟩[2J" in refused.stderr
    for text in (done.stdout, refused.stderr):
        assert [raw for raw in RAW if raw in text] == []


def test_invisible_characters_are_spelt_out() -> None:
    assert visible("a\x1b[31mred\x1b[0m\tb\nc\u200bd") == "ared\tb\nc⟨U+200B⟩d"
    assert one_line("a\r\nb \u2028 c\u202e") == "a b c⟨U+202E⟩"
