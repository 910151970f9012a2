"""Several run folders -> one."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs, to_builtins

from builders import (
    ENVIRONMENT,
    picture,
    result_called,
    result_of,
)
from run_folders import edited, finish, killed, quarantined, run_json, tree, writer
from widgetshot.errors import RecordError
from widgetshot.model import Result, RunEnd, TimeSpent
from widgetshot.report.history import History
from widgetshot.report.merge import merge
from widgetshot.report.reader import read_run
from widgetshot.report.text import summary_lines, time_lines


def two_runs(tmp_path: Path) -> list[Path]:
    folders = [tmp_path / name for name in ("one", "two")]
    finish(writer(folders[0]), *map(result_called, ("new", "broken")))
    finish(writer(folders[1]), *map(result_called, ("match", "changed")))
    return folders


def test_merging_keeps_every_result_and_picture_in_the_declared_order(tmp_path: Path) -> None:
    folders = two_runs(tmp_path)
    order = [result_called(verdict).key for verdict in ("match", "new", "changed", "broken")]
    merge(folders, tmp_path / "all", order=order, unused=["x"])
    run = run_json(tmp_path / "all")
    assert [test["key"] for test in run["tests"]] == order
    assert (run["complete"], run["unused"], run["timings"], run["summary"]["total"]) == (True, ["x"], {"load": 1.0}, 4)
    assert tree(tmp_path / "all" / "pictures") == sorted(
        [*tree(folders[0] / "pictures"), *tree(folders[1] / "pictures")]
    )


def test_merging_with_a_killed_run_gives_an_incomplete_one(tmp_path: Path) -> None:
    merge([*two_runs(tmp_path), killed(tmp_path / "three", 40)], tmp_path / "all")
    assert not read_run(tmp_path / "all").complete


def in_lab(result: Result) -> Result:
    target = replace(result.target, frontend="lab")
    return replace(result, target=target, key=target.key("lab-chromium-linux"))


def test_a_run_in_two_front_ends_names_both_and_so_does_what_it_is_merged_to(tmp_path: Path) -> None:
    one = result_called("match")
    both = finish(writer(tmp_path / "both"), one, in_lab(one))
    names = f"lab-chromium-linux, {ENVIRONMENT}"
    assert both["environment"]["name"] == names
    assert both["environment"]["fingerprint"] == {"lab-chromium-linux": {"browser": "1"}, ENVIRONMENT: {"browser": "1"}}
    assert [test["name"] for test in both["tests"]] == ["notebooks/x.ipynb::match", "notebooks/x.ipynb::match[lab]"]
    finish(writer(tmp_path / "lab"), in_lab(result_called("new")))
    assert read_run(tmp_path / "lab").environment.name == "lab-chromium-linux"
    merged = merge([tmp_path / "both", tmp_path / "lab"], tmp_path / "all")
    assert (merged.environment.name, merged.summary.total) == (names, 3)


def shards(tmp_path: Path, *dealt: tuple[str, int, int, str]) -> list[Path]:
    """Runs that say of themselves which shard they are: (folder, number, count, first digit of the plan)."""
    folders = []
    for name, number, count, plan in dealt:
        made = writer(tmp_path / name)
        made.dealt(number, count, plan * 64, [])
        finish(made, result_called("match", f"of {name}"))
        folders.append(tmp_path / name)
    return folders


@pytest.mark.parametrize("workers", [False, True])
def test_all_shards_are_one_run_and_that_is_no_shard(tmp_path: Path, workers: bool) -> None:
    folders = shards(tmp_path, ("a", 2, 3, "0"), ("b", 1, 3, "0"), ("c", 3, 3, "0"))
    if workers:
        # Workers of pytest-xdist run one shard together.
        for folder in folders:
            edited(folder, shard={"number": 2, "count": 3, "plan": "0" * 64, "order": [0]})
    run = merge(folders, tmp_path / "all", workers=workers)
    assert run.summary.total == 3
    assert (None if run.shard is None else run.shard.number) == (2 if workers else None)
    assert read_run(tmp_path / "all") == run


def test_a_run_that_is_no_shard_may_be_merged_with_shards(tmp_path: Path) -> None:
    folders = shards(tmp_path, ("a", 1, 2, "0"), ("b", 2, 2, "0"), ("c", 1, 1, "1"))
    assert merge([*folders, *two_runs(tmp_path)], tmp_path / "all").summary.total == 7


def test_results_of_environments_follow_one_another(tmp_path: Path) -> None:
    folders = []
    for environment in ("page-b", "page-a"):
        results = [replace(result_called("match", name), key=f"{environment}/notebooks/x/{name}") for name in "abcd"]
        for number, several in enumerate((results[::2], results[1::2]), 1):
            folders.append(tmp_path / f"{environment}-{number}")
            made = writer(folders[-1], environment=environment)
            made.dealt(number, 2, environment[-1] * 64, [result.key for result in results])
            finish(made, *several)
    merged = merge(folders, tmp_path / "all")
    assert [entry.key.replace("/notebooks/x", "") for entry in merged.tests] == [
        f"{environment}/{name}" for environment in ("page-b", "page-a") for name in "abcd"
    ]


def test_results_of_all_shards_are_in_the_order_in_which_they_were_declared(tmp_path: Path) -> None:
    results = [result_called("match", name) for name in "abcde"]
    test = replace(results[0].target, notebook="tests/test_x.py/test_y", shot="late/of it")
    late = replace(results[0], target=test, key=test.key(ENVIRONMENT))
    folder = f"{ENVIRONMENT}/tests/test_x.py/test_y"
    order = [*(result.key for result in results[:3]), folder, *(one.key for one in results[3:])]
    for number, several in enumerate([(results[4], results[0], late), (results[3], results[1], results[2])], 1):
        made = writer(tmp_path / f"{number}")
        made.dealt(number, 2, "0" * 64, order)
        finish(made, *several)
    merged = merge([tmp_path / "2", tmp_path / "1"], tmp_path / "all")
    assert [entry.shot for entry in merged.tests] == ["a", "b", "c", "late/of it", "d", "e"]


@pytest.mark.parametrize(
    ("dealt", "says"),
    [
        ([("a", 1, 2, "0")], "a: shard 2/2 is missing; this is shard 1/2"),
        ([("a", 2, 4, "0"), ("b", 3, 4, "0")], "a: shards 1/4, 4/4 are missing; this is shard 2/4"),
        ([("a", 1, 2, "0"), ("b", 2, 2, "0"), ("c", 2, 2, "0")], "c: is shard 2/2, as is .*b"),
        (
            [("a", 1, 3, "0"), ("b", 2, 3, "1"), ("c", 3, 3, "0")],
            "b: is shard 2/3 of another plan than .*a, which is shard 1/3",
        ),
        # Of another number of shards, though the digest is the same.
        ([("a", 1, 2, "0"), ("b", 2, 2, "0"), ("c", 3, 3, "0")], "c: shards 1/3, 2/3 are missing; this is shard 3/3"),
        ([("a", 7, 1_000, "0")], "a: shards 1/1000, 2/1000, .*, 21/1000, ... are missing; this is shard 7/1000"),
        # One was lost, and another run is whole.
        (
            [("a", 1, 3, "0"), ("b", 2, 3, "0"), ("c", 1, 1, "1")],
            "a: shard 3/3 is missing; this is shard 1/3",
        ),
    ],
)
def test_shards_that_are_not_all_of_one_run_are_refused(
    tmp_path: Path, dealt: list[tuple[str, int, int, str]], says: str
) -> None:
    folders = shards(tmp_path, *dealt)
    with pytest.raises(RecordError) as caught:
        merge(folders, tmp_path / "all")
    assert re.fullmatch(f".*{says}.*", f"{caught.value.where}: {caught.value.what}")
    assert caught.value.next_step
    assert not (tmp_path / "all").exists()


def test_two_shards_with_one_picture_are_refused(tmp_path: Path) -> None:
    folders = shards(tmp_path, ("a", 1, 2, "0"), ("b", 2, 2, "0"))
    doubled = writer(tmp_path / "c")
    doubled.dealt(2, 2, "0" * 64, [])
    finish(doubled, result_called("match", "of a"))
    with pytest.raises(RecordError, match=r"c: has notebooks/x.ipynb::of a, as has .*a, another shard"):
        merge([folders[0], tmp_path / "c"], tmp_path / "all")


def test_machines_may_call_the_checkout_differently(tmp_path: Path) -> None:
    one, two = shards(tmp_path, ("a", 1, 2, "0"), ("b", 2, 2, "0"))
    assert merge([one, edited(two, project="job@2")], tmp_path / "all").project == tmp_path.name


def test_a_shard_without_results_knows_nothing_of_baselines(tmp_path: Path) -> None:
    one, two = shards(tmp_path, ("a", 1, 2, "0"), ("b", 2, 2, "0"))
    edited(one, unused=["x"])
    empty = writer(tmp_path / "c")
    empty.dealt(2, 2, "0" * 64, [])
    finish(empty)
    assert merge([one, tmp_path / "c"], tmp_path / "all").unused == ["x"]
    assert merge([one, two], tmp_path / "all").unused is None


def test_a_shard_that_was_killed_is_put_in_order_as_far_as_it_is_known(tmp_path: Path) -> None:
    results = [result_called("match", name) for name in "abcd"]
    order = [result.key for result in results]
    one, two = writer(tmp_path / "1"), writer(tmp_path / "2")
    for number, made in enumerate((one, two), 1):
        made.dealt(number, 2, "0" * 64, order)
    finish(one, results[2], results[0])
    two.add(results[3])
    two.add(results[1])
    merged = merge([tmp_path / "2", tmp_path / "1"], tmp_path / "all")
    assert [entry.shot for entry in merged.tests] == ["a", "c", "d", "b"]
    assert not merged.complete


def test_another_environment_has_shards_of_its_own(tmp_path: Path) -> None:
    one = shards(tmp_path, ("a", 1, 2, "0"), ("b", 2, 2, "0"))
    made = writer(tmp_path / "c", environment="page-firefox-linux")
    made.dealt(1, 2, "1" * 64, [])
    finish(made)
    with pytest.raises(RecordError, match=r"c: shard 2/2 is missing"):
        merge([*one, tmp_path / "c"], tmp_path / "all")


@pytest.mark.parametrize(
    "fields",
    [
        {"project": "other"},
        {"format": 2},
        {"commit": "a" * 40},
    ],
)
def test_runs_that_do_not_belong_together_are_not_merged(tmp_path: Path, fields: dict[str, Any]) -> None:
    one, two = two_runs(tmp_path)
    with pytest.raises(RecordError, match="two"):
        merge([one, edited(two, **fields)], tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_merging_nothing_or_what_lacks_a_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="nothing to merge"):
        merge([], tmp_path / "all")
    folders = two_runs(tmp_path)
    next((folders[1] / "pictures").rglob("*.diff.png")).unlink()
    with pytest.raises(RecordError, match="can't be copied"):
        merge(folders, tmp_path / "all")


def test_merging_writes_nothing_outside(tmp_path: Path) -> None:
    one, two = two_runs(tmp_path)
    (tmp_path / "victim").write_text("old")
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil" / "victim").write_text("new")
    tests = json.loads((two / "run.json").read_text())["tests"]
    tests[0]["pictures"]["shot"]["path"] = "../victim"
    two.rename(tmp_path / "evil" / "two")
    with pytest.raises(RecordError):
        merge([one, edited(tmp_path / "evil" / "two", tests=tests)], tmp_path / "all")
    assert (tmp_path / "victim").read_text() == "old"


def test_finishing_and_merging_write_history_into_the_entries(tmp_path: Path) -> None:
    for index, verdict in enumerate(("match", "changed", "match")):
        result = result_of("a", picture() if verdict == "match" else picture(grey=9), picture())
        run = finish(writer(tmp_path / str(index), history=History(tmp_path)), result)
        assert [stretch[:2] for stretch in run["tests"][0]["history"]][-1] == [verdict, 1]
    assert [stretch[0] for stretch in run["tests"][0]["history"]] == ["match", "changed", "match"]
    assert run["tests"][0]["flaky"] is True
    # Workers know no history; it comes in when their runs are merged.
    finish(writer(tmp_path / "worker"), result_of("a", picture(), picture()))
    merge([tmp_path / "worker"], tmp_path / "all", history=History(tmp_path))
    (entry,) = run_json(tmp_path / "all")["tests"]
    assert [stretch[:2] for stretch in entry["history"]] == [["match", 1], ["changed", 1], ["match", 2]]
    assert entry["flaky"] is True


def test_merging_counts_what_is_in_quarantine(tmp_path: Path) -> None:
    finish(writer(tmp_path / "one"), quarantined("changed"))
    finish(writer(tmp_path / "two"), quarantined("match"), result_called("broken"))
    merge([tmp_path / "one", tmp_path / "two"], tmp_path / "all")
    summary = read_run(tmp_path / "all").summary
    assert (summary.passed, summary.failed, summary.quarantined) == (1, 1, 1)


SPENT = {
    "notebooks/a.ipynb": TimeSpent(1.0, {"execute": 0.8, "load": 0.1}),
    "notebooks/b.ipynb": TimeSpent(3.25, {"load": 2.0}),
}


def test_the_slowest_notebooks_come_first_and_are_added_up_by_merging(tmp_path: Path) -> None:
    for name in ("one", "two"):
        made = writer(tmp_path / name)
        made.finish(RunEnd(complete=True, timings={"server": 0.5, "load": 2.1}, notebooks=SPENT))
    slowest = [
        {"notebook": "notebooks/b.ipynb", "seconds": 3.25, "timings": {"load": 2.0}},
        {"notebook": "notebooks/a.ipynb", "seconds": 1.0, "timings": {"execute": 0.8, "load": 0.1}},
    ]
    assert to_builtins(made.run.notebooks) == slowest
    one = edited(tmp_path / "one", commit=None)
    two = edited(tmp_path / "two", commit=None, notebooks=slowest[:1])
    run = merge([one, two], tmp_path / "all")
    assert [(entry.notebook, entry.seconds) for entry in run.notebooks] == [
        ("notebooks/b.ipynb", 6.5),
        ("notebooks/a.ipynb", 1.0),
    ]
    assert run.notebooks[0].timings == {"load": 4.0}
    summary = structs.replace(run.summary, duration_seconds=3.0)
    assert time_lines(structs.replace(run, summary=summary)) == [
        "time: 5.2 s of work in 3.0 s: load 4.2, server 1.0",
        "slowest notebooks:",
        "  6.5 s notebooks/b.ipynb: load 4.0",
        "  1.0 s notebooks/a.ipynb: execute 0.8, load 0.1",
    ]


def test_merging_keeps_what_no_run_has_run(tmp_path: Path) -> None:
    here, there = (result_called(verdict) for verdict in ("match", "new"))
    for name, result, left in (("one", here, [there.key, "e/n/x"]), ("two", there, [here.key, "e/n/x"])):
        made = writer(tmp_path / name)
        made.only_changed(dict.fromkeys(left, "2026-01-01T00:00:00+00:00"), {result.target.notebook: "it changed"}, "")
        finish(made, result)
    run = merge([tmp_path / "one", tmp_path / "two"], tmp_path / "all")
    assert to_builtins(run.changed) == {
        "not_run": [{"key": "e/n/x", "passed": "2026-01-01T00:00:00+00:00"}],
        "ran": [{"name": "notebooks/x.ipynb", "why": "it changed"}],
        "refused": None,
    }
    assert summary_lines(run)[1:3] == [
        "1 picture was not run: it passed, and nothing that was seen to matter has changed since; "
        "it counts as neither passed nor failed",
        "  run: notebooks/x.ipynb: it changed",
    ]
