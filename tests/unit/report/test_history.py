"""Verdicts of earlier runs: what is flaky is known, and nothing depends on the file."""

import json
import os
import subprocess
import sys
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from msgspec import convert, structs

from builders import result_called
from mutations import each_extent, mutations
from widgetshot.documents import encode
from widgetshot.files import LOCAL_FOLDER, LOCK_WAIT_S, locked, sha256
from widgetshot.model import Verdict
from widgetshot.report.entry import entry_of
from widgetshot.report.entry_json import Entry
from widgetshot.report.history import History, HistoryFile, Stretch, flaky

NO_NOTEBOOK = sha256(b"c0")[:8]
TIMES = [f"2026-03-{day:02}T10:00:00+00:00" for day in range(1, 31)]


def entry(verdict: str, baseline: str | None = "aaaaaaaa0000", key: str = "e/n/a") -> Entry:
    made = entry_of(result_called(verdict))
    return structs.replace(made, key=key, notebook="n.ipynb", baseline_sha256=baseline)


def run(root: Path, time: str, *entries: Entry, commit: str | None = "c0") -> list[dict[str, Any]]:
    """One run from start to end, with a history of its own as in a new process."""
    return [json.loads(encode(noted)) for noted in History(root).note(entries, time, commit)]


def file(root: Path) -> Path:
    return root / LOCAL_FOLDER / "history.json"


def test_runs_of_one_verdict_are_one_stretch(tmp_path: Path) -> None:
    for time, verdict in zip(TIMES, ["new", "match", "match", "match", "changed"], strict=False):
        (noted,) = run(tmp_path, time, entry(verdict))
    assert noted["history"] == [
        ["new", 1, TIMES[0], TIMES[0]],
        ["match", 3, TIMES[1], TIMES[3]],
        ["changed", 1, TIMES[4], TIMES[4]],
    ]
    assert noted["flaky"] is False


def test_another_baseline_begins_another_stretch(tmp_path: Path) -> None:
    for time, baseline in zip(TIMES, ["aaaaaaaa1", "aaaaaaaa1", "bbbbbbbb1", None], strict=False):
        (noted,) = run(tmp_path, time, entry("match", baseline))
    assert [stretch[:2] for stretch in noted["history"]] == [["match", 2], ["match", 1], ["match", 1]]


def test_targets_have_histories_of_their_own(tmp_path: Path) -> None:
    run(tmp_path, TIMES[0], entry("match"), entry("broken", key="e/n/b"))
    one, two = run(tmp_path, TIMES[1], entry("match"), entry("match", key="e/n/b"))
    assert [stretch[0] for stretch in one["history"]] == ["match"]
    assert [stretch[0] for stretch in two["history"]] == ["broken", "match"]
    # What is not part of a run is remembered.
    run(tmp_path, TIMES[2], entry("match"))
    (noted,) = run(tmp_path, TIMES[3], entry("match", key="e/n/b"))
    assert [stretch[:2] for stretch in noted["history"]] == [["broken", 1], ["match", 2]]


def test_only_the_last_stretches_are_kept(tmp_path: Path) -> None:
    for index, time in enumerate(TIMES):
        (noted,) = run(tmp_path, time, entry("match" if index % 2 else "changed"))
    assert len(noted["history"]) == 12
    assert noted["history"][-1] == ["match", 1, TIMES[-1], TIMES[-1]]
    assert noted["history"][0][2] == TIMES[-12]


def stretches(text: str) -> list[Stretch]:
    """`match*3 changed*1@b#xy`: verdict, how many, the baseline, first and last inputs (a and x unless said)."""
    found = []
    for word in text.split():
        verdict, _, rest = word.partition("*")
        rest, _, inputs = rest.partition("#")
        count, _, baseline = rest.partition("@")
        first, last = inputs[:1] or "x", inputs[-1:] or "x"
        found.append(Stretch(Verdict(verdict), int(count), TIMES[0], TIMES[0], baseline or "a", first, last))
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", False),
        ("match*20", False),
        ("unstable*1", True),
        ("unstable*1 match*5", True),
        ("match*5 unstable*1", True),
        # Failed between two matches of one baseline, though nobody changed anything.
        ("match*5 changed*1 match*1", True),
        ("match*1 resized*3 match*1", True),
        ("match*1 broken*1 match*1", True),
        ("match*1 changed*1 broken*1 match*1", True),
        ("match*5 changed*1", False),
        ("changed*1 match*5", False),
        ("broken*2 match*5", False),
        # Approved in between, so the picture was meant to change.
        ("match*5 changed*1 match*5@b", False),
        ("match*5 changed*1 match*5@b changed*1@b", False),
        ("match*5 new*1@b match*5@b", False),
        ("match*2 changed*1@b match*2", False),
        ("match*2 changed*1 match*1@b changed*1@b match*1@b", True),
        # Somebody broke it, then repaired it: the verdict changes with what the picture is made from.
        ("match*5#a changed*1#b match*1#c", False),
        ("match*5#a changed*1#b match*1#a", False),
        ("match*5#a changed*3#bc broken*1#d match*1#e", False),
        # It came or went by itself.
        ("match*5#a changed*1#b match*1#b", True),
        ("match*5#ab changed*1#b match*1#c", True),
        ("match*5#a changed*3#bc broken*1#c match*1#d", True),
        ("match*1#a changed*1#b changed*1@b#b match*1#c", False),
        ("match*5#a changed*1#b match*1#c changed*1#c", False),
        # Only the last 20 runs count.
        ("unstable*1 match*20", False),
        ("unstable*1 match*19", True),
        ("match*1 changed*1 match*20", False),
        ("match*1 changed*1 match*18", True),
    ],
)
def test_a_target_is_flaky_when_it_failed_for_no_reason_of_its_own(text: str, expected: bool) -> None:
    assert flaky(stretches(text)) is expected


def test_an_entry_says_that_it_is_flaky(tmp_path: Path) -> None:
    for time, verdict, expected in zip(
        TIMES, ["match", "changed", "match", "match"], [False, False, True, True], strict=False
    ):
        (noted,) = run(tmp_path, time, entry(verdict))
        assert noted["flaky"] is expected


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "5", "null", "\ufeff{}",
        '{"format": 1}', '{"format": 2, "targets": {"e/n/a": [["unstable", 1]]}}',
        '{"format": 1, "targets": []}', '{"format": 1, "targets": {"e/n/a": 5}}',
        '{"format": 1, "targets": {"e/n/a": [5]}}',
        '{"format": 1, "targets": null}',
    ],
)  # fmt: skip
def test_an_unreadable_file_counts_as_none_and_is_replaced(tmp_path: Path, text: str) -> None:
    file(tmp_path).parent.mkdir()
    file(tmp_path).write_text(text, encoding="utf-8")
    (noted,) = run(tmp_path, TIMES[0], entry("match"))
    assert (noted["history"], noted["flaky"]) == ([["match", 1, TIMES[0], TIMES[0]]], False)
    (noted,) = run(tmp_path, TIMES[1], entry("match"))
    assert noted["history"] == [["match", 2, TIMES[0], TIMES[1]]]


def test_bytes_that_are_no_utf8_count_as_none(tmp_path: Path) -> None:
    file(tmp_path).parent.mkdir()
    file(tmp_path).write_bytes(b"\xff\xfe{")
    (noted,) = run(tmp_path, TIMES[0], entry("match"))
    assert noted["history"] == [["match", 1, TIMES[0], TIMES[0]]]


def test_without_a_place_to_write_nothing_else_is_lost(tmp_path: Path) -> None:
    (tmp_path / LOCAL_FOLDER).write_text("a file where the folder should be")
    (noted,) = run(tmp_path, TIMES[0], entry("unstable"))
    assert (len(noted["history"]), noted["flaky"]) == (1, True)
    (noted,) = run(tmp_path / "absent", TIMES[0], entry("match"))
    assert len(noted["history"]) == 1
    assert (tmp_path / LOCAL_FOLDER).read_text() == "a file where the folder should be"
    assert not (tmp_path / "absent").exists()


def test_the_file_is_kept_out_of_git_unless_somebody_decided_otherwise(tmp_path: Path) -> None:
    run(tmp_path, TIMES[0], entry("match"))
    ignore = tmp_path / LOCAL_FOLDER / ".gitignore"
    assert ignore.read_text().splitlines()[-1] == "*"
    ignore.write_text("# ours\n")
    run(tmp_path, TIMES[1], entry("match"))
    assert ignore.read_text() == "# ours\n"
    assert sorted(path.name for path in ignore.parent.iterdir()) == [".gitignore", "history.json", "history.lock"]


def test_what_has_not_run_for_half_a_year_is_forgotten(tmp_path: Path) -> None:
    run(tmp_path, "2026-01-01T00:00:00+00:00", entry("match", key="old"), entry("match", key="kept"))
    run(tmp_path, "2026-01-02T00:00:00+00:00", entry("match", key="kept"))
    run(tmp_path, "2026-07-01T00:00:00+00:00", entry("match", key="new"))
    assert set(json.loads(file(tmp_path).read_text())["targets"]) == {"kept", "new"}


def test_the_file_is_json_with_one_target_a_line(tmp_path: Path) -> None:
    run(tmp_path, TIMES[0], entry("match", key='e/n/"ü"'), entry("new", None))
    text = file(tmp_path).read_text(encoding="utf-8")
    assert json.loads(text) == {
        "format": 1,
        "targets": {
            'e/n/"ü"': [["match", 1, TIMES[0], TIMES[0], "aaaaaaaa", NO_NOTEBOOK, NO_NOTEBOOK]],
            "e/n/a": [["new", 1, TIMES[0], TIMES[0], "", NO_NOTEBOOK, NO_NOTEBOOK]],
        },
        "seconds": {'e/n/"ü"': 0.5, "e/n/a": 0.5},
    }
    assert len(text.splitlines()) == 7


def test_a_run_of_nothing_leaves_a_readable_file(tmp_path: Path) -> None:
    run(tmp_path, TIMES[0])
    assert json.loads(file(tmp_path).read_text()) == {"format": 1, "targets": {}, "seconds": {}}


@pytest.mark.parametrize("what", ["commit", "notebook", "test"])
def test_what_was_broken_and_repaired_is_not_flaky(tmp_path: Path, what: str) -> None:
    name = "test_x.py" if what == "test" else "n.ipynb"
    noted: list[dict[str, Any]] = []
    for time, verdict, state in zip(TIMES, ["match", "changed", "match"], ["good", "bad", "good"], strict=False):
        if what != "commit":
            (tmp_path / name).write_text(state)
        one = structs.replace(entry(verdict), notebook=f"{name}/test_it" if what == "test" else "n.ipynb")
        noted += run(tmp_path, time, one, commit=state if what == "commit" else "c0")
    assert noted[-1]["flaky"] is False
    # The same once more, and nobody touched anything.
    for time, verdict in zip(TIMES[3:], ["changed", "match"], strict=False):
        noted += run(
            tmp_path, time, structs.replace(one, verdict=Verdict(verdict)), commit=state if what == "commit" else "c0"
        )
    assert noted[-1]["flaky"] is True


def test_a_file_is_read_and_goes_on(tmp_path: Path) -> None:
    file(tmp_path).parent.mkdir()
    inputs = ["11111111", "22222222"]
    old = [
        ["match", 2, TIMES[0], TIMES[1], "aaaaaaaa", *inputs],
        ["changed", 1, TIMES[2], TIMES[2], "aaaaaaaa", *inputs],
    ]
    file(tmp_path).write_text(json.dumps({"format": 1, "targets": {"e/n/a": old}}), encoding="utf-8")
    (noted,) = run(tmp_path, TIMES[3], entry("changed"))
    assert [stretch[:2] for stretch in noted["history"]] == [["match", 2], ["changed", 2]]
    assert json.loads(file(tmp_path).read_text())["targets"]["e/n/a"][0] == old[0]


WRITER = """
import sys
from inspect import signature
from pathlib import Path
from test_history import entry
from widgetshot.report.history import History
for number in range(25):
    one = entry("match", None, key=f"{sys.argv[2]}-{number}")
    History(Path(sys.argv[1])).note([one], "2026-03-01T10:00:00+00:00", None)
"""


def test_runs_that_end_at_once_lose_nothing_of_one_another(tmp_path: Path) -> None:
    here = Path(__file__).parent
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (here, here.parents[1])))}
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name], env=environment) for name in "abc"]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0]
    expected = {f"{name}-{number}" for name in "abc" for number in range(25)}
    assert set(json.loads(file(tmp_path).read_text())["targets"]) == expected


def test_what_is_wrong_of_one_target_is_lost_for_that_one_alone(tmp_path: Path) -> None:
    run(tmp_path, TIMES[0], entry("match"), entry("broken", key="e/n/b"))
    document = json.loads(file(tmp_path).read_text())
    document["targets"]["e/n/a"][0][2] = "2026-99-99T10:00:00+00:00"
    file(tmp_path).write_text(json.dumps(document))
    one, two = run(tmp_path, TIMES[1], entry("match"), entry("broken", key="e/n/b"))
    assert [stretch[:2] for stretch in one["history"]] == [["match", 1]]
    assert [stretch[:2] for stretch in two["history"]] == [["broken", 2]]


@each_extent
def test_every_change_of_one_member_counts_as_none_or_is_a_history(tmp_path: Path, wrong: int | None) -> None:
    for time, verdict in zip(TIMES, ["match", "changed", "match"], strict=False):
        run(tmp_path, time, entry(verdict), entry("broken", key="e/n/b"))
    document = json.loads(file(tmp_path).read_text())
    none, history = 0, 0
    for said, changed in mutations(document, wrong):
        file(tmp_path).write_text(json.dumps(changed))
        one, two = run(tmp_path, TIMES[3], entry("match"), entry("broken", key="e/n/b"))
        # What is kept is what any run could have written.
        assert convert(json.loads(file(tmp_path).read_bytes()), HistoryFile).targets.keys() >= {"e/n/a", "e/n/b"}, said
        assert one["history"][-1][3] == two["history"][-1][3] == TIMES[3]
        lost = len(one["history"]) == 1 or two["history"] == [["broken", 1, TIMES[3], TIMES[3]]]
        none, history = none + lost, history + (not lost)
    assert none > (200 if wrong is None else 60)
    assert history > (20 if wrong is None else 6)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"format": 1, "targets": 5}', b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_file_begins_anew_and_is_told(tmp_path: Path, data: bytes) -> None:
    run(tmp_path, TIMES[0], entry("match"))
    file(tmp_path).write_bytes(data)
    history = History(tmp_path)
    history.note([entry("match")], TIMES[1], None)
    (told,) = history.notices
    assert "was damaged and begins anew" in told
    again = History(tmp_path)
    again.note([entry("match")], TIMES[2], None)
    assert again.notices == []
    assert list(json.loads(file(tmp_path).read_text())["targets"]) == ["e/n/a"]


def test_what_is_lost_of_a_single_target_is_told(tmp_path: Path) -> None:
    run(tmp_path, TIMES[0], entry("match"), entry("match", key="e/n/b"))
    known = json.loads(file(tmp_path).read_text())
    known["targets"]["e/n/b"] = [["match", -1]]
    file(tmp_path).write_text(json.dumps(known))
    history = History(tmp_path)
    history.note([entry("match")], TIMES[1], None)
    assert history.notices == ["the history of verdicts was damaged: that of 1 pictures begins anew"]


def test_a_lock_that_another_process_keeps_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    run(tmp_path, TIMES[0], entry("match"))
    before = file(tmp_path).read_bytes()
    with locked(file(tmp_path).with_name("history.lock")):
        history = History(tmp_path, lock_wait_s=0.1)
        (noted,) = history.note([entry("changed")], TIMES[1], None)
    assert [one.verdict for one in noted.history or ()] == ["match", "changed"]
    assert history.notices[0].startswith(f"this run is not in the history of verdicts: process {os.getpid()} has held")
    assert history.notices[0].endswith(" for 0.1 s")
    assert signature(History).parameters["lock_wait_s"].default == LOCK_WAIT_S == 10
    assert file(tmp_path).read_bytes() == before
