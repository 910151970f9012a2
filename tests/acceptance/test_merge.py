"""`widgetshot merge`, the summary for CI, and the commands that are named after a run."""

import html
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from builders import ENVIRONMENT, VERDICTS, changed_picture, picture, result_called, result_of
from projects import Project
from run_folders import edited, finish, killed, quarantined, run_json, tree, writer
from stores import in_folder
from widgetshot.cli.main import commands
from widgetshot.errors import WidgetshotError
from widgetshot.model import Result
from widgetshot.report.entry_json import Entry
from widgetshot.report.markdown import append_summary, summary_markdown
from widgetshot.report.merge import merge
from widgetshot.report.reader import read_run
from widgetshot.report.run_json import Merged, Run
from widgetshot.report.text import next_lines
from widgetshot.review.approve import approve


def shard(folder: Path, *results: Result, **fields: Any) -> Path:
    environment = results[0].key.partition("/")[0] if results else ENVIRONMENT
    finish(writer(folder, environment=environment), *results)
    return edited(folder, **{"project": "sample"} | fields)


def firefox(result: Result) -> Result:
    return replace(result, key=result.key.replace("chromium", "firefox"))


FIREFOX = {"name": "page-firefox-linux", "python": "3.99", "platform": "Linux", "fingerprint": {"browser": "2"}}


def one(run: Run, shot: str) -> Entry:
    (entry,) = [test for test in run.tests if test.shot == shot]
    return entry


def test_the_command_makes_one_run_and_one_gallery_of_several(project: Project) -> None:
    shard(project.root / "shards/1", *map(result_called, ("match", "changed")))
    shard(project.root / "shards/2", *map(result_called, ("new", "broken")))
    done = project.widgetshot("merge", "shards/1", "shards/2", "-o", "whole")
    assert done.returncode == 0, done.stderr
    run = read_run(project.root / "whole")
    assert (run.summary.total, run.summary.failed, run.complete) == (4, 3, True)
    ids = [read_run(project.root / "shards" / name).id for name in "12"]
    assert run.merged == Merged(runs=ids, shared_keys=0)
    assert f"2 runs merged into run {run.id}" in done.stdout
    assert "1 match, 1 changed, 1 new, 1 broken" in done.stdout
    assert "gallery: whole/index.html" in done.stdout
    assert "review: widgetshot review whole\n" in done.stdout
    assert (project.root / "whole/index.html").read_text().count(run.id) == 1
    # What was merged can be approved, byte for byte.
    approved = project.widgetshot("approve", "--report", "whole", "notebooks/x.ipynb::new")
    assert approved.returncode == 0, approved.stderr
    assert [path.name for path in (project.root).iterdir() if path.name.startswith(".")] == []


def test_the_command_speaks_json(project: Project) -> None:
    shard(project.root / "a", result_called("match"))
    done = project.widgetshot("merge", "a", "-o", "b", "--output", "json")
    assert json.loads(done.stdout) == run_json(project.root / "b")


def test_the_same_runs_give_the_same_id_and_others_another(tmp_path: Path) -> None:
    a, b, c = (shard(tmp_path / name, result_called("new", name)) for name in "abc")
    first = merge([a, b], tmp_path / "1").id
    assert merge([b, a], tmp_path / "2").id == first
    assert merge([a, b], tmp_path / "1").id == first
    others = [
        merge([a, c], tmp_path / "3").id,
        merge([a], tmp_path / "4").id,
        *(read_run(x).id for x in (a, b)),
    ]
    assert first not in others
    assert len(set(others)) == 4


@pytest.mark.parametrize("turned", [False, True])
def test_the_entry_that_failed_wins_with_its_pictures(tmp_path: Path, turned: bool) -> None:
    good, bad = result_of("a", picture(), picture()), result_of("a", changed_picture(), picture())
    folders = [shard(tmp_path / "good", good, result_called("new")), shard(tmp_path / "bad", bad)]
    if turned:
        folders.reverse()
    run = merge(folders, tmp_path / "all")
    assert (one(run, "a").verdict, one(run, "a").status, run.summary.total) == ("changed", "failed", 2)
    assert run.merged is not None
    assert run.merged.shared_keys == 1
    kept = [path for path in tree(tmp_path / "all" / "pictures") if "/a." in path]
    assert kept == [path for path in tree(tmp_path / "bad" / "pictures") if "/a." in path]
    for kind in ("shot", "baseline", "diff"):
        path = getattr(one(run, "a").pictures, kind).path
        assert (tmp_path / "all" / path).read_bytes() == (tmp_path / "bad" / path).read_bytes()
    # Its sidecar and digests are those of the one that failed, so it can be approved.
    baselines = in_folder(tmp_path / "baselines")
    assert bad.baseline is not None
    baselines.write(bad.key, bad.baseline.data)
    assert approve(tmp_path / "all", baselines, [bad.key]) == [bad.key]


def test_a_failure_wins_over_one_in_quarantine_and_that_over_a_match(tmp_path: Path) -> None:
    folders = [
        shard(tmp_path / "failed", result_called("changed", "q")),
        shard(tmp_path / "quarantined", quarantined("changed", "q")),
        shard(tmp_path / "passed", result_called("match", "q")),
    ]
    assert merge(folders, tmp_path / "1").tests[0].status == "failed"
    assert merge(folders[1:], tmp_path / "2").tests[0].status == "quarantined"


def test_several_environments_are_listed_each_with_its_fingerprint(tmp_path: Path) -> None:
    a = shard(tmp_path / "a", result_called("match"))
    b = shard(tmp_path / "b", firefox(result_called("match")), environment=FIREFOX)
    c = shard(tmp_path / "c", firefox(result_called("new")), environment=FIREFOX)
    merge([a, b], tmp_path / "ab")
    run = merge([tmp_path / "ab", c], tmp_path / "abc")
    assert run.environment.name == "page-chromium-linux, page-firefox-linux"
    assert run.environment.fingerprint == {
        "page-chromium-linux": {"browser": "1"}, "page-firefox-linux": {"browser": "2"},
    }  # fmt: skip
    assert "3.99" in run.environment.python
    assert run.merged is not None
    assert (run.summary.total, run.merged.shared_keys) == (3, 0)


def test_an_unfinished_run_merges_as_unfinished(project: Project) -> None:
    edited(killed(project.root / "a", 40), project="sample")
    shard(project.root / "b", result_called("new"))
    done = project.widgetshot("merge", "a", "b", "-o", "c")
    assert done.returncode == 0, done.stderr
    assert "which was stopped before its end" in done.stdout
    assert read_run(project.root / "c").complete is False


def test_unused_is_what_all_the_runs_name(tmp_path: Path) -> None:
    a, b, c = (
        shard(tmp_path / name, unused=unused)
        for name, unused in zip("abc", (["x", "y"], ["y", "z"], None), strict=True)
    )
    assert merge([a, b], tmp_path / "ab").unused == ["y"]
    assert merge([a, c], tmp_path / "ac").unused is None


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs that can't be merged with the run `a`, and folders that are none."""
    root = tmp_path_factory.mktemp("folders")
    shard(root / "a", result_called("new"))
    shard(root / "other-project", project="other")
    shard(root / "other-commit", commit="b" * 40)
    shard(root / "format", format=2)
    shard(root / "damaged", environment={})
    shard(root / "odd-status", result_called("match"))
    run = run_json(root / "odd-status")
    edited(root / "odd-status", tests=[test | {"status": 5} for test in run["tests"]] * 2)
    shard(root / "lacks", result_called("changed"))
    next((root / "lacks" / "pictures").rglob("*.diff.png")).unlink()
    (root / "copy").mkdir()
    (root / "copy" / "run.json").write_bytes((root / "a" / "run.json").read_bytes())
    (root / "foreign").mkdir()
    (root / "foreign" / "thesis.txt").write_text("mine")
    (root / "empty").mkdir()
    (root / "file").write_text("mine")
    return root


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("-o", "new"), 3, "name the run folders and the new one"),
        (("a",), 3, "widgetshot merge RUN... -o FOLDER"),
        (("a", "other-project", "-o", "new"), 2, "other-project: is of project other, not sample"),
        (("a", "other-commit", "-o", "new"), 2, f"other-commit: is of commit {'b' * 40}, not None"),
        (("a", "format", "-o", "new"), 2, "is of format 2; this version reads 1"),
        (("a", "damaged", "-o", "new"), 2, "damaged/run.json: environment: object missing required field name"),
        (("a", "odd-status", "-o", "new"), 2, "odd-status/run.json: tests[0].status: expected str, got int"),
        (("a", "lacks", "-o", "new"), 2, "can't be copied"),
        (("a", "copy", "-o", "new"), 2, "copy: is the same run as a"),
        (("a", "a", "-o", "new"), 2, "a: is the same run as a"),
        (("a", "empty", "-o", "new"), 2, "holds no readable run"),
        (("a", "absent", "-o", "new"), 2, "holds no readable run"),
        (("a", "-o", "foreign"), 3, "holds other things than a run"),
        (("a", "-o", "a"), 3, "which is to be merged into it"),
        (("a", "-o", "./b/../a"), 3, "which is to be merged into it"),
        (("a", "-o", "a/pictures"), 3, "which is to be merged into it"),
        (("a", "-o", "."), 3, "which is to be merged into it"),
        (("a", "-o", "file"), 2, "can't be"),
        (("a", "-o", "file/new"), 2, "can't be"),
    ],
)
def test_what_makes_no_whole_is_refused_and_nothing_is_written(
    folders: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: int, says: str
) -> None:
    before = tree(folders)
    monkeypatch.chdir(folders)
    with pytest.raises(WidgetshotError) as caught:
        commands.main(args=["merge", *words], standalone_mode=False)
    assert says in str(caught.value)
    assert caught.value.exit_code == code
    assert tree(folders) == before


def test_an_older_run_in_the_output_is_replaced_beside_files_put_there_later(tmp_path: Path) -> None:
    a = shard(tmp_path / "a", result_called("new"))
    old = shard(tmp_path / "all", *map(result_called, VERDICTS))
    (old / "decisions.json").write_text("mine")
    merge([a], old)
    assert tree(old) == sorted([*tree(a), "decisions.json", ".lock"])


HOSTILE = (
    "x | y `code` <img src=x> **b** [l](http://e.example) www.example.com @someone #12 :tada: \\| $a$ &lt;\n\n# H\u202e"
)


def hostile_run(folder: Path) -> Run:
    finish(writer(folder), result_called("changed"), result_called("match"))
    run = read_run(folder)
    changed, match = run.tests
    hostile = structs.replace(changed, name=f"notebooks/x.ipynb::s{HOSTILE}", sentence=HOSTILE)
    return structs.replace(run, project=HOSTILE, commit=HOSTILE, tests=[hostile, match])


def test_nothing_from_a_notebook_is_markup_in_the_summary(tmp_path: Path) -> None:
    run = hostile_run(tmp_path / "report")
    text = summary_markdown(run, "rep|ort<b>")
    (row,) = [line for line in text.splitlines() if line.startswith("| <code>changed")]
    cells = re.findall(r"<code>(.*?)</code>", row)
    assert row.count("|") == 5
    assert [html.unescape(cell) for cell in cells][2] == " ".join(HOSTILE.split()).replace("\u202e", "⟨U+202E⟩")
    # All that is left of it are words, spaces and entities.
    for cell in re.findall(r"<code>(.*?)</code>", text):
        assert re.fullmatch(r"(?:[\w\s⟨⟩…]|⟨U|&#\d+;)*", cell), cell
    outside = re.sub(r"<code>.*?</code>", "", text)
    assert not any(word in outside for word in ("img", "@", "http", "\u202e", "`", "<b>", "tada"))
    assert outside.count("\n#") == 0


def test_the_summary_counts_and_names_the_worst_ten(tmp_path: Path) -> None:
    results = [result_called(verdict) for verdict in VERDICTS]
    results += [result_called("new", f"new-{index}") for index in range(8)]
    results.append(result_of("vast", picture(grey=9), picture()))
    finish(writer(tmp_path / "report"), *results)
    lines = html.unescape(summary_markdown(read_run(tmp_path / "report"))).splitlines()
    assert lines[0] == "## widgetshot: 14 of 15 pictures need a decision"
    counted = dict(zip(*([cell.strip() for cell in lines[row].split("|")[1:-1]] for row in (2, 4)), strict=True))
    assert {verdict: re.sub(r"\D", "", written) for verdict, written in counted.items()} == {
        "changed": "2", "resized": "1", "new": "9", "unstable": "1", "broken": "1", "match": "1",
    }  # fmt: skip
    rows = [line for line in lines if line.startswith("| <code>") and "x.ipynb::" in line]
    assert len(rows) == 10
    assert ["vast" in rows[0], "changed" in rows[1], "resized" in rows[2], "new" in rows[3]] == [True] * 4
    assert "and 4 more in the gallery" in lines
    assert "widgetshot review widgetshot-report" in lines
    assert "widgetshot approve widgetshot-report --decisions decisions.json" in lines
    assert any("page-chromium-linux" in line for line in lines)


def test_the_summary_of_a_run_without_failures_names_no_command(tmp_path: Path) -> None:
    finish(writer(tmp_path / "report"), result_called("match"), quarantined("changed"))
    text = summary_markdown(read_run(tmp_path / "report"))
    assert text.startswith("## widgetshot: 2 pictures as approved\n")
    assert "in quarantine" in text
    assert "widgetshot review" not in text


def test_a_long_sentence_is_cut_and_a_stopped_run_reported(tmp_path: Path) -> None:
    run = read_run(killed(tmp_path / "report"))
    run.tests[1] = structs.replace(run.tests[1], sentence="long " * 500)
    text = summary_markdown(run)
    assert "**The run was stopped before its end.**" in text
    assert "long" in text
    assert len(text) < 3000


def test_the_summary_of_merged_runs_says_how_many_keys_were_shared(tmp_path: Path) -> None:
    a, b = (shard(tmp_path / name, result_called("match")) for name in "ab")
    merged = merge([a, b], tmp_path / "all")
    said = "1 key was in several of the 2 runs; where one failed, that result is kept"
    assert said in html.unescape(summary_markdown(merged))


def test_the_commands_after_a_run_name_its_folder(tmp_path: Path) -> None:
    finish(writer(tmp_path / "report"), *map(result_called, VERDICTS))
    run = read_run(tmp_path / "report")
    assert next_lines(run) == [
        "review: widgetshot review",
        "accept what is right: widgetshot approve 'NOTEBOOK::SHOT' ... (or --all)",
    ]
    assert next_lines(run, "its folder") == [
        "review: widgetshot review 'its folder'",
        "accept what is right: widgetshot approve --report 'its folder' 'NOTEBOOK::SHOT' ... (or --all)",
    ]
    finish(writer(tmp_path / "2"), result_called("broken"))
    assert next_lines(read_run(tmp_path / "2")) == ["review: widgetshot review"]
    finish(writer(tmp_path / "3"), result_called("match"))
    assert next_lines(read_run(tmp_path / "3")) == []


def test_the_summary_is_appended_where_ci_asks_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finish(writer(tmp_path / "report"), result_called("new"))
    run = read_run(tmp_path / "report")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    assert append_summary(run, tmp_path / "report") == ""
    file = tmp_path / "summary.md"
    file.write_text("before")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    assert append_summary(run, tmp_path / "report") == ""
    assert file.read_text() == "before\n" + summary_markdown(run, "report")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "absent" / "summary.md"))
    assert "the summary can't be written to" in append_summary(run, tmp_path / "report")
