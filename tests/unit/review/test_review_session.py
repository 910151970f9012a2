"""Decisions on a run: applied at once, taken back byte for byte, and refused when they are not about what is there."""

import contextlib
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builders import ENVIRONMENT, VERDICTS, changed_picture, picture, result_called, result_of
from stores import by_digest, files_of, folder_of, in_folder, sidecar_file
from widgetshot.baselines.access import Baselines
from widgetshot.baselines.sidecar import ShotDescription
from widgetshot.errors import BaselineError, ConfigError, RecordError, StaleDecision, WidgetshotError
from widgetshot.files import LOCAL_FOLDER, encode_png, write_atomically
from widgetshot.model import RunEnd
from widgetshot.ports import StoredFiles
from widgetshot.report.folder import clear
from widgetshot.report.writer import RunWriter
from widgetshot.review.requests import DecisionRequest, MalformedDecision, UndoRequest, UnknownResult, parse_one
from widgetshot.review.session import ReviewSession

RESULTS = {verdict: result_called(verdict) for verdict in VERDICTS}
OTHER = encode_png(picture(7), optimise=True)
OPEN = ("changed", "resized", "new", "unstable", "broken")


def key(verdict: str) -> str:
    return RESULTS[verdict].key


def record(root: Path, results: Any = None) -> Path:
    writer = RunWriter(root / "report", root=root, environment=ENVIRONMENT)
    for result in results or RESULTS.values():
        writer.add(result)
    writer.finish(RunEnd(complete=True))
    return writer.folder


def fill(baselines: Baselines) -> Baselines:
    for result in RESULTS.values():
        if result.baseline is not None:
            baselines.write(result.key, result.baseline.data, ShotDescription(widgets="as before"))
    return baselines


@pytest.fixture(params=[in_folder, by_digest])
def baselines(request: pytest.FixtureRequest, tmp_path: Path) -> Baselines:
    return fill(request.param(tmp_path / "baselines"))


@pytest.fixture
def review(tmp_path: Path, baselines: Baselines) -> ReviewSession:
    return ReviewSession(record(tmp_path), baselines, tmp_path)


@pytest.fixture
def folder_review(tmp_path: Path) -> ReviewSession:
    """A review whose baselines are files in a folder."""
    return ReviewSession(record(tmp_path), fill(in_folder(tmp_path / "baselines")), tmp_path)


def stored(review: ReviewSession) -> dict[str, StoredFiles]:
    return files_of(review.baselines)


def files(review: ReviewSession) -> dict[str, bytes]:
    folder = folder_of(review.baselines)
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def say(review: ReviewSession, name: str, verdict: str = "accept", **changes: Any) -> DecisionRequest:
    """A decision by somebody who sees the page as it is now."""
    (entry,) = [entry for entry in review.run.tests if entry.key in (name, RESULTS.get(name, name) and key(name))]
    seen = decision.version if (decision := review.state().decisions.get(entry.key)) else 0
    whole = {
        "key": entry.key, "verdict": verdict, "shot_sha256": entry.shot_sha256,
        "baseline_sha256": entry.baseline_sha256, "sidecar_sha256": entry.sidecar_sha256,
        "seen": seen, "reviewer": "Anna",
    }  # fmt: skip
    return DecisionRequest(**(whole | changes))


def put_by_hand(review: ReviewSession, name: str, **changed: bytes | None) -> None:
    """What somebody does to a baseline beside any review."""
    review.baselines.store.write({name: replace(review.baselines.snapshot(name), **changed)})


def refused(
    review: ReviewSession, error: type[WidgetshotError], message: str, *decisions: DecisionRequest | UndoRequest
) -> None:
    """They are refused, and nothing at all is another than before."""
    before, state = stored(review), review.state()
    act: Callable[[Any], Any] = review.undo if isinstance(decisions[0], UndoRequest) else review.decide
    with pytest.raises(error, match=message):
        act(decisions)
    assert (stored(review), review.state()) == (before, state)


@pytest.mark.parametrize("name", ["changed", "resized", "new"])
def test_accepting_writes_the_shot_at_once_and_undo_restores_every_byte(review: ReviewSession, name: str) -> None:
    before = stored(review)
    state = review.decide([say(review, name, comment="as designed")])
    decision = state.decisions[key(name)]
    assert (decision.verdict, decision.written, decision.comment) == ("accept", True, "as designed")
    shot = (review.folder / "pictures" / f"{key(name)}.shot.png").read_bytes()
    assert stored(review)[key(name)].picture == shot
    state = review.undo([UndoRequest(key(name), decision.version)])
    assert (state.decisions, state.version) == ({}, 2)
    assert stored(review) == before


def test_undo_leaves_no_empty_folder_behind(tmp_path: Path) -> None:
    review = ReviewSession(record(tmp_path, [RESULTS["new"]]), in_folder(tmp_path / "baselines"), tmp_path)
    review.decide([say(review, "new")])
    review.undo([UndoRequest(key("new"), 1)])
    assert [*folder_of(review.baselines).rglob("*")] == []


def test_undo_restores_a_picture_that_had_no_sidecar(review: ReviewSession) -> None:
    put_by_hand(review, key("changed"), sidecar=None)
    before = stored(review)
    assert before[key("changed")].sidecar is None
    review.decide([say(review, "changed")])
    review.undo([UndoRequest(key("changed"), 1)])
    assert stored(review) == before


def test_rejecting_writes_nothing_and_what_was_accepted_is_put_back(review: ReviewSession) -> None:
    before = stored(review)
    review.decide([say(review, "changed", "reject", comment="wrong red")])
    assert stored(review) == before
    review.decide([say(review, "changed")])
    assert stored(review) != before
    state = review.decide([say(review, "changed", "reject")])
    assert stored(review) == before
    assert state.decisions[key("changed")].written is False
    review.decide([say(review, "changed")])
    review.decide([say(review, "changed", comment="still")])  # the first one's undo holds
    review.undo([UndoRequest(key("changed"), review.state().decisions[key("changed")].version)])
    assert stored(review) == before


def test_accepting_again_writes_what_was_put_back_by_hand(review: ReviewSession) -> None:
    before = stored(review)
    review.decide([say(review, "changed")])
    after = stored(review)
    review.baselines.store.write(before)
    review.decide([say(review, "changed")])
    assert stored(review) == after


def test_a_group_is_decided_whole_or_not_at_all(review: ReviewSession) -> None:
    group = [say(review, name) for name in ("changed", "resized", "new")]
    state = review.decide(group)
    assert {decision.version for decision in state.decisions.values()} == {1}
    review.undo([UndoRequest(one.key, 1) for one in group])
    review.baselines.write(key("new"), OTHER)
    refused(review, StaleDecision, "new: its baseline has changed since the run", *group)


@pytest.mark.parametrize(
    ("name", "changes", "error", "message"),
    [
        ("unstable", {}, ConfigError, "can't be approved: it never came to rest"),
        ("broken", {}, ConfigError, "can't be approved: there is no picture"),
        ("match", {}, ConfigError, "needs no decision: it matches"),
        ("match", {"verdict": "reject"}, ConfigError, "needs no decision"),
        ("changed", {"key": "page/x/y"}, UnknownResult, "no such result"),
        ("changed", {"key": "../../etc/passwd"}, UnknownResult, "no such result"),
        ("changed", {"shot_sha256": "0" * 64}, StaleDecision, "picture decided on is not the one"),
        ("changed", {"shot_sha256": None}, StaleDecision, "picture decided on is not the one"),
        ("changed", {"baseline_sha256": None}, StaleDecision, "baseline decided on is not the one"),
        ("changed", {"sidecar_sha256": "0" * 64}, StaleDecision, "masks and description decided on are not"),
        ("resized", {"sidecar_sha256": None}, StaleDecision, "masks and description decided on are not"),
        ("changed", {"verdict": "reject", "shot_sha256": "0" * 64}, StaleDecision, "picture decided on"),
        ("changed", {"seen": 1}, StaleDecision, "taken back meanwhile"),
    ],
)
def test_what_is_not_about_this_run_is_refused(
    review: ReviewSession, name: str, changes: dict[str, Any], error: type[WidgetshotError], message: str
) -> None:
    refused(review, error, message, say(review, name, **changes))
    refused(review, error, message, say(review, "new"), say(review, name, **changes))


def test_several_refusals_are_reported_together(review: ReviewSession) -> None:
    refused(review, ConfigError, "(?s)nothing was decided.*::unstable.*::broken", *map(say, [review] * 2, OPEN[3:]))


def test_one_key_is_decided_once_in_a_call(review: ReviewSession) -> None:
    refused(review, MalformedDecision, "decided twice", say(review, "new"), say(review, "new", "reject"))


@pytest.mark.parametrize("verdict", ["accept", "reject"])
def test_somebody_elses_decision_is_named_and_stays(review: ReviewSession, verdict: str) -> None:
    mine = say(review, "changed", verdict, reviewer="Ben")
    review.decide([say(review, "changed", "reject", comment="wrong red")])
    refused(review, StaleDecision, r"Anna has rejected it \(wrong red\) meanwhile", mine)
    refused(review, StaleDecision, "Anna has rejected it", UndoRequest(key("changed"), 7))
    refused(review, StaleDecision, "nothing is decided", UndoRequest(key("new"), 0))


def test_a_decision_that_was_taken_back_meanwhile_is_no_ground_to_change_it(review: ReviewSession) -> None:
    review.decide([say(review, "changed")])
    late = say(review, "changed", "reject")
    review.undo([UndoRequest(key("changed"), 1)])
    refused(review, StaleDecision, "taken back meanwhile", late)
    refused(review, StaleDecision, "taken back meanwhile", UndoRequest(key("changed"), 1))


@pytest.mark.parametrize("file", ["picture", "sidecar"])
def test_undo_never_overwrites_what_somebody_wrote_since(review: ReviewSession, file: str) -> None:
    review.decide([say(review, "changed")])
    put_by_hand(review, key("changed"), **{file: OTHER})
    refused(review, StaleDecision, "what is there now stays", UndoRequest(key("changed"), 1))
    refused(review, StaleDecision, "what is there now stays", say(review, "changed", "reject"))


def test_undo_of_what_was_put_back_by_hand_is_no_conflict(review: ReviewSession) -> None:
    before = stored(review)
    review.decide([say(review, "changed")])
    review.baselines.store.write(before)
    assert review.undo([UndoRequest(key("changed"), 1)]).decisions == {}
    assert stored(review) == before


def test_a_shot_that_is_not_the_recorded_one_is_refused(review: ReviewSession) -> None:
    (review.folder / "pictures" / f"{key('new')}.shot.png").write_bytes(OTHER)
    refused(review, StaleDecision, "not the one this run recorded", say(review, "changed"), say(review, "new"))


def test_decisions_and_their_undo_outlive_the_process(review: ReviewSession) -> None:
    before = stored(review)
    review.decide([say(review, "changed", comment="half a pair \ud800"), say(review, "new", "reject")])
    again = ReviewSession(review.folder, review.baselines, review.root)
    assert again.state() == review.state()
    assert again.counts() == (1, 1, 3)
    again.undo([UndoRequest(key("changed"), 1)])
    assert stored(review) == before


def test_another_run_in_the_folder_is_another_review(review: ReviewSession, tmp_path: Path) -> None:
    mine = say(review, "changed")
    review.decide([say(review, "new", "reject")])
    record(tmp_path)
    refused(review, StaleDecision, "holds another run now", mine)
    assert ReviewSession(review.folder, review.baselines, review.root).state().decisions == {}


def test_a_folder_whose_run_is_gone_is_reported(review: ReviewSession) -> None:
    mine = say(review, "changed")
    (review.folder / "run.json").unlink()
    with pytest.raises(RecordError, match="no readable run"):
        review.decide([mine])
    with pytest.raises(RecordError, match="no readable run"):
        ReviewSession(review.folder, review.baselines, review.root)


def test_clearing_a_run_folder_takes_its_decisions_along(review: ReviewSession) -> None:
    review.decide([say(review, "changed")])
    clear(review.folder)
    assert [*review.folder.iterdir()] == []


def test_results_come_by_urgency_the_largest_change_first(tmp_path: Path, baselines: Baselines) -> None:
    large = result_of("large", picture(grey=100), picture())
    results = [*reversed(RESULTS.values()), large]
    review = ReviewSession(record(tmp_path, results), baselines, tmp_path)
    assert [entry.shot for entry in review.open_results()] == ["large", *OPEN]
    assert review.counts() == (0, 0, 6)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"seal": 5}', '{"seal": ""}', '{"seal": "é"}', "[" * 99_999])
def test_a_damaged_file_of_decisions_is_reported_and_nothing_is_written(review: ReviewSession, text: str) -> None:
    mine = say(review, "changed")
    (review.folder / "review.json").write_text(text)
    before = stored(review)
    for act in (review.state, lambda: review.decide([mine])):
        with pytest.raises(RecordError, match=r"review\.json") as caught:
            act()
        assert caught.value.next_step.startswith("rm ")
    assert stored(review) == before


@pytest.mark.parametrize("secret", ["none", "another"])
def test_decisions_from_elsewhere_are_never_taken_for_ours(review: ReviewSession, tmp_path: Path, secret: str) -> None:
    """A run folder of a stranger could otherwise put any bytes among the baselines by an undo."""
    review.decide([say(review, "changed")])
    file = tmp_path / LOCAL_FOLDER / "review.key"
    assert file.stat().st_mode & 0o077 == 0
    file.unlink()
    if secret == "another":
        file.write_bytes(bytes(32))
    before = stored(review)
    with pytest.raises(RecordError, match="not written in this checkout"):
        review.undo([UndoRequest(key("changed"), 1)])
    assert stored(review) == before


def test_a_changed_file_of_decisions_is_not_believed(review: ReviewSession) -> None:
    review.decide([say(review, "changed")])
    file = review.folder / "review.json"
    file.write_text(file.read_text().replace('"Anna"', '"Ben"'))
    with pytest.raises(RecordError, match="not written in this checkout"):
        review.state()


def test_undo_never_restores_damaged_bytes(review: ReviewSession) -> None:
    review.decide([say(review, "changed")])
    for file in (review.folder / "previous").iterdir():
        file.write_bytes(OTHER)
    refused(review, RecordError, "is damaged", UndoRequest(key("changed"), 1))


def test_nothing_is_written_through_a_link_in_the_run_folder(review: ReviewSession, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (review.folder / "previous").symlink_to(tmp_path / "elsewhere")
    refused(review, RecordError, "is a link", say(review, "changed"))
    assert [*(tmp_path / "elsewhere").iterdir()] == []


@pytest.mark.parametrize("what", ["pipe", "file", "link"])
def test_nothing_is_accepted_that_could_not_be_undone(review: ReviewSession, tmp_path: Path, what: str) -> None:
    place = review.folder / "previous"
    if what == "pipe":
        os.mkfifo(place)
    elif what == "file":
        place.write_text("")
    else:
        place.symlink_to(tmp_path)
    # Of a new one nothing is kept, but its undo has to keep what it takes away.
    refused(review, RecordError, "its place is a link, or no folder", say(review, "new"))


@pytest.mark.parametrize("what", ["pipe", "link"])
def test_a_record_that_is_no_file_of_the_run_folder_is_not_read(
    review: ReviewSession, tmp_path: Path, what: str
) -> None:
    review.decide([say(review, "changed")])
    file = review.folder / "review.json"
    file.rename(tmp_path / "elsewhere")
    if what == "pipe":
        os.mkfifo(file)
    else:
        file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RecordError, match=r"is a link|is no file"):
        review.state()


def test_a_write_that_fails_half_way_leaves_everything_as_it_was(folder_review: ReviewSession) -> None:
    review, before = folder_review, files(folder_review)
    sidecar_file(review.baselines, key("new")).mkdir()
    refused(review, BaselineError, "can't be written", say(review, "changed"), say(review, "new"))
    assert files(review) == before


# Ends in the middle of writing a baseline: the picture is there, its sidecar and the decision are not.
KILLED = """
import os, sys
from pathlib import Path
sys.path += [sys.argv[3], sys.argv[6]]
from stores import in_folder
from test_review_session import say
from widgetshot.review.session import ReviewSession

review = ReviewSession(Path(sys.argv[1]), in_folder(Path(sys.argv[2])), Path(sys.argv[1]).parent)
decision = say(review, sys.argv[4], sys.argv[5])
replace = Path.replace
def last(file, target):
    replace(file, target)
    if Path(target).is_relative_to(sys.argv[2]):
        os._exit(9)
Path.replace = last
review.decide([decision])
"""


@pytest.mark.parametrize(("name", "verdict"), [("changed", "accept"), ("new", "accept"), ("resized", "reject")])
def test_a_process_killed_while_it_wrote_leaves_no_baseline_half_decided(
    folder_review: ReviewSession, name: str, verdict: str
) -> None:
    review = folder_review
    review.decide([say(review, "resized")])
    before, state = files(review), review.state()
    folders = [str(Path(__file__).parents[level]) for level in (0, 2)]
    words = [str(review.folder), str(folder_of(review.baselines)), folders[0], name, verdict, folders[1]]
    done = subprocess.run([sys.executable, "-c", KILLED, *words], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (9, b"")
    assert files(review) != before
    # The next decision, whatever it is on, first puts in order what was left.
    review.decide([say(review, "broken", "reject")])
    review.undo([UndoRequest(key("broken"), review.state().version)])
    # A file that was still being staged is no baseline.
    left = {path: data for path, data in files(review).items() if not path.endswith(".tmp")}
    assert left == before
    assert review.state().decisions == state.decisions


def hammer(folder: Path, baselines: Baselines, name: str, reviewer: str) -> int:
    """Accept and undo while others do so too. Returns how many of the calls were not refused."""
    review, done = ReviewSession(folder, baselines, folder.parent), 0
    for _ in range(6):
        with contextlib.suppress(StaleDecision):
            version = review.decide([say(review, name, reviewer=reviewer)]).version
            done += 1
            review.undo([UndoRequest(key(name), version)])
            done += 1
    return done


def test_threads_and_processes_decide_one_after_the_other(review: ReviewSession) -> None:
    before = stored(review)
    counts: list[int] = []
    names = ["changed", "changed", "new", "resized"]
    threads = [
        threading.Thread(target=lambda name=name: counts.append(hammer(review.folder, review.baselines, name, "t")))
        for name in names
    ]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        for thread in threads:
            thread.start()
        many = pool.starmap(hammer, [(review.folder, review.baselines, name, "p") for name in names[1:3]])
        for thread in threads:
            thread.join()
    total = sum(counts) + sum(many)
    state = review.state()
    # None was lost and none was counted twice: each is one version.
    assert len(counts) == 4
    assert state.version == total
    assert (state.decisions, stored(review)) == ({}, before)


def test_of_two_at_once_one_decides_and_the_other_gets_a_reason(review: ReviewSession) -> None:
    decisions = [say(review, "changed", verdict, reviewer=verdict) for verdict in ("accept", "reject")]
    start = threading.Barrier(2)
    refusals: list[str] = []

    def go(decision: DecisionRequest) -> None:
        start.wait()
        try:
            review.decide([decision])
        except StaleDecision as error:
            refusals.append(error.what)

    threads = [threading.Thread(target=go, args=(decision,)) for decision in decisions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winner = review.state().decisions[key("changed")]
    assert refusals == [f"{winner.reviewer} has {winner.verdict}ed it meanwhile"]


def test_what_cannot_be_remembered_is_not_done(review: ReviewSession) -> None:
    (review.folder / "previous").write_text("a file where the folder should be")
    refused(review, RecordError, "can't be kept", say(review, "changed"))


def test_a_lock_that_cannot_be_had_is_reported(review: ReviewSession, tmp_path: Path) -> None:
    mine = say(review, "changed")
    shutil.rmtree(tmp_path / LOCAL_FOLDER, ignore_errors=True)
    (tmp_path / LOCAL_FOLDER).write_text("a file where the folder should be")
    refused(review, RecordError, "no lock can be had", mine)


GOOD = {
    "key": "k", "verdict": "accept", "shot_sha256": "a", "baseline_sha256": None, "sidecar_sha256": "b", "seen": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    "value",
    [
        None, [], "x", {}, {"key": "k"}, GOOD | {"key": 5}, GOOD | {"verdict": "Accept"}, GOOD | {"verdict": []},
        GOOD | {"seen": True}, GOOD | {"seen": -1}, GOOD | {"seen": "0"}, GOOD | {"shot_sha256": 5},
        {name: value for name, value in GOOD.items() if name != "baseline_sha256"},
        {name: value for name, value in GOOD.items() if name != "sidecar_sha256"}, GOOD | {"comment": None},
        GOOD | {"comment": "x" * 10_001}, GOOD | {"reviewer": ["x"]}, GOOD | {"force": True},
    ],
)  # fmt: skip
def test_what_is_no_decision_is_refused(value: Any) -> None:
    assert parse_one(DecisionRequest, GOOD).shot_sha256 == "a"
    with pytest.raises(MalformedDecision):
        parse_one(DecisionRequest, value)


def test_a_run_still_going_on_can_be_reviewed(tmp_path: Path) -> None:
    writer = RunWriter(tmp_path / "report", root=tmp_path, environment=ENVIRONMENT)
    writer.add(RESULTS["new"])
    review = ReviewSession(writer.folder, in_folder(tmp_path / "baselines"), tmp_path)
    review.decide([say(review, "new")])
    writer.add(result_of("later", changed_picture()))
    assert review.counts() == (1, 0, 1)
    write_atomically(review.folder / "run.json", json.dumps({"format": 1}).encode())
    with pytest.raises(RecordError, match="object missing required field"):
        review.counts()
