"""What a run says of two front ends: from its own files, also where each of the two was drawn in another shard."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from builders import MASK
from front_ends import TEXT, broken_in, drawn, element, result_in
from run_folders import finish, run_json
from widgetshot.errors import RecordError
from widgetshot.model import Box, Result, Verdict
from widgetshot.report.gallery import page
from widgetshot.report.markdown import summary_markdown
from widgetshot.report.merge import merge
from widgetshot.report.reader import read_run
from widgetshot.report.run_json import Shard
from widgetshot.report.text import comparison_lines, summary_lines
from widgetshot.report.writer import RunWriter

RUN = element("button 'Run'", 10, 10, 40, 20)
SMALL = element("button 'Run'", 10, 10, 40, 20, size=13.0)
PAN = element("button 'Pan'", 80, 2, 6, 6, style=replace(TEXT, part="toolbar"))
LAB, VOILA = "lab-chromium-linux", "voila-chromium-linux"
DIFFERS = (("voila", "its template has no toolbar"),)


def both(shot: str, first: Any, second: Any, **target: Any) -> list[Result]:
    return [result_in(drawn("lab", *first), shot, **target), result_in(drawn("voila", *second), shot, **target)]


RESULTS = [
    *both("plain", [RUN], [RUN]),
    *both("sized", [RUN], [SMALL]),
    *both("sized2", [RUN], [SMALL]),
    *both("tools", [RUN, PAN], [RUN]),
    *both("known", [RUN, PAN], [RUN], differs=DIFFERS),
    *both("stale", [RUN], [RUN], differs=DIFFERS),
    result_in(drawn("lab", RUN), "dead"),
    broken_in("voila", "dead"),
    result_in(drawn("lab", RUN), "alone"),
]


def written(folder: Path, *results: Result, frontends: tuple[str, ...] = ("lab", "voila")) -> dict[str, Any]:
    made = RunWriter(folder, root=folder.parent, environment=LAB, compare_frontends=frontends)
    return finish(made, *results)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "report"
    written(folder, *RESULTS)
    return folder


def test_each_target_that_both_have_drawn_is_compared(folder: Path) -> None:
    comparisons = run_json(folder)["comparisons"]
    assert comparisons["frontends"] == ["lab", "voila"]
    assert {one["name"].partition("::")[2]: one["outcome"] for one in comparisons["targets"]} == {
        "plain": "same", "sized": "differs", "sized2": "differs", "tools": "differs", "known": "declared",
        "stale": "same", "dead": "not-compared",
    }  # fmt: skip
    sized = comparisons["targets"][1]
    assert sized["sentence"] == "in voila text is 13 px instead of 14 px (button 'Run')"
    assert [one["key"] for one in sized["results"]] == [f"{LAB}/notebooks/x/sized", f"{VOILA}/notebooks/x/sized"]
    assert sized["regions"] == [[10, 10, 40, 20]]
    assert sized["diff"]["path"] == f"pictures/{VOILA}/notebooks/x/sized.against-lab.png"
    assert all((folder / one["picture"]).is_file() for one in sized["results"])
    assert (folder / sized["diff"]["path"]).is_file()


def test_it_is_no_verdict(folder: Path, tmp_path: Path) -> None:
    without = written(tmp_path / "report", *RESULTS, frontends=())
    assert without["comparisons"] is None
    compared = run_json(folder)
    assert [(one["verdict"], one["status"]) for one in compared["tests"]] == [
        (one["verdict"], one["status"]) for one in without["tests"]
    ]
    assert compared["summary"]["verdicts"] == without["summary"]["verdicts"]


def test_a_run_says_how_many_differ_and_why(folder: Path) -> None:
    lines = comparison_lines(read_run(folder))
    assert lines == [
        "3 of 7 cells differ between lab and voila: 2 text size, 1 toolbar missing in voila; "
        "1 as declared; 1 not compared",
        "  notebooks/x.ipynb::sized: in voila text is 13 px instead of 14 px (button 'Run') (and 1 cell more)",
        "  notebooks/x.ipynb::tools: in voila the toolbar is missing",
        "  notebooks/x.ipynb::known: its template has no toolbar: in voila the toolbar is missing",
        "  notebooks/x.ipynb::dead: not compared: it is broken in voila",
    ]
    assert set(lines) <= set(summary_lines(read_run(folder)))
    assert "3 of 7 cells differ between lab and voila" in summary_markdown(read_run(folder))


def test_a_declaration_that_nothing_needs_any_more_is_told(folder: Path) -> None:
    stale = next(one for one in run_json(folder)["comparisons"]["targets"] if one["name"].endswith("stale"))
    assert stale["sentence"] == "every pixel is the same, although it is declared to differ: 'differs' can be removed"


def test_nothing_that_both_have_drawn_is_told_with_what_to_write(tmp_path: Path) -> None:
    written(tmp_path / "report", result_in(drawn("lab", RUN)))
    run = read_run(tmp_path / "report")
    assert comparison_lines(run) == [
        "no cell was drawn in both lab and voila: write 'frontend: [lab, voila]' beside it"
    ]
    shard = structs.replace(run, shard=Shard(number=1, count=2, plan="0" * 64, order=[0]))
    assert comparison_lines(shard) == [
        "no cell of this shard was drawn in both lab and voila; merging the shards compares all of them"
    ]


@pytest.mark.parametrize("verdict", [Verdict.BROKEN, Verdict.UNSTABLE])
def test_a_picture_that_nobody_trusts_is_not_compared(tmp_path: Path, verdict: Verdict) -> None:
    second = broken_in("voila") if verdict is Verdict.BROKEN else result_in(drawn("voila", SMALL), verdict=verdict)
    (target,) = written(tmp_path / "report", result_in(drawn("lab", RUN)), second)["comparisons"]["targets"]
    assert (target["outcome"], target["diff"]) == ("not-compared", None)


def test_what_is_masked_in_either_is_not_compared(tmp_path: Path) -> None:
    masked = both("plot", [RUN], [SMALL], masks=(MASK,))
    box = ((Box(10, 10, 40, 20),),)
    results = [replace(one, shot=replace(one.shot, masks=box)) for one in masked if one.shot is not None]
    (target,) = written(tmp_path / "report", *results)["comparisons"]["targets"]
    assert target["outcome"] == "same"


def test_shards_are_compared_when_they_are_merged(tmp_path: Path) -> None:
    first, second = both("plot", [RUN], [SMALL])
    for name, result in (("one", first), ("two", second)):
        assert written(tmp_path / name, result)["comparisons"]["targets"] == []
    merged = merge([tmp_path / "one", tmp_path / "two"], tmp_path / "whole")
    assert merged.comparisons is not None
    (target,) = merged.comparisons.targets
    assert target.sentence == "in voila text is 13 px instead of 14 px (button 'Run')"
    assert read_run(tmp_path / "whole").comparisons == merged.comparisons
    assert target.diff is not None
    assert (tmp_path / "whole" / target.diff.path).is_file()


def test_the_workers_of_a_run_are_compared_though_none_of_them_does(tmp_path: Path) -> None:
    for name, result in zip(("one", "two"), both("plot", [RUN], [SMALL]), strict=True):
        written(tmp_path / name, result, frontends=())
    folders = [tmp_path / "one", tmp_path / "two"]
    assert merge(folders, tmp_path / "plain").comparisons is None
    merged = merge(folders, tmp_path / "whole", workers=True, compare_frontends=("lab", "voila"))
    assert merged.comparisons is not None
    assert len(merged.comparisons.targets) == 1


def test_runs_that_compare_other_front_ends_are_not_merged(tmp_path: Path) -> None:
    written(tmp_path / "one", result_in(drawn("lab", RUN)))
    written(tmp_path / "two", result_in(drawn("voila", RUN)), frontends=("page", "voila"))
    with pytest.raises(RecordError, match="compares the front ends page and voila, not lab and voila"):
        merge([tmp_path / "one", tmp_path / "two"], tmp_path / "whole")


@pytest.mark.parametrize("damage", ["not json", '{"format": 1, "cut": false, "elements": [1]}'])
def test_elements_that_were_tampered_with_are_not_believed(tmp_path: Path, damage: str) -> None:
    for name, result in zip(("one", "two"), both("plot", [RUN], [SMALL]), strict=True):
        written(tmp_path / name, result)
    (tmp_path / f"two/pictures/{VOILA}/notebooks/x/plot.elements.json").write_text(damage)
    with pytest.raises(RecordError, match="not the one this run recorded"):
        merge([tmp_path / "one", tmp_path / "two"], tmp_path / "whole")


TAMPERED = [
    ("frontends", ["lab", "lab"], "comparisons.frontends"),
    ("targets.0.results.0.key", f"{LAB}/notebooks/x/none", "comparisons.targets[0].results[0].key"),
    ("targets.0.results.1.frontend", "lab", "comparisons.targets[0].results[1].frontend"),
    ("targets.0.results.0.picture", "pictures/x.png", "comparisons.targets[0].results[0].picture"),
    ("targets.0.name", "notebooks/x.ipynb::other", "comparisons.targets[0].name"),
    ("targets.0.outcome", "same", "comparisons.targets[0].differences"),
    ("targets.0.outcome", "declared", "comparisons.targets[0].reason"),
    ("targets.0.outcome", "match", "comparisons.targets[0].outcome"),
    ("targets.0.differences", [], "comparisons.targets[0].differences"),
    ("targets.0.diff", None, "comparisons.targets[0].diff"),
    ("targets.0.diff.path", "pictures/x.png", "comparisons.targets[0].diff.path"),
    ("targets.0.results", [], "comparisons.targets[0].results"),
]


@pytest.mark.parametrize(("member", "value", "place"), TAMPERED, ids=[f"{case[0]} {case[1]}" for case in TAMPERED])
def test_what_does_not_follow_from_the_results_is_refused(
    tmp_path: Path, member: str, value: object, place: str
) -> None:
    folder = tmp_path / "report"
    written(folder, *both("plot", [RUN], [SMALL]))
    run = json.loads((folder / "run.json").read_text())
    *way, last = member.split(".")
    inner = run["comparisons"]
    for step in way:
        inner = inner[int(step) if step.isdigit() else step]
    inner[int(last) if last.isdigit() else last] = value
    (folder / "run.json").write_text(json.dumps(run))
    with pytest.raises(RecordError) as caught:
        read_run(folder)
    assert place in str(caught.value)


def test_the_gallery_carries_the_diff_and_both_pictures_of_matches(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    written(folder, *both("plot", [RUN], [SMALL], verdict=Verdict.NEW))
    embedded = json.loads(page(folder).split('id="run"', 1)[1].split(">", 1)[1].split("</script>", 1)[0])
    (target,) = embedded["comparisons"]["targets"]
    assert target["diff"]["absent"] is None
    (folder / target["diff"]["path"]).write_bytes(b"other")
    embedded = json.loads(page(folder).split('id="run"', 1)[1].split(">", 1)[1].split("</script>", 1)[0])
    assert "not the one this run recorded" in embedded["comparisons"]["targets"][0]["diff"]["absent"]
