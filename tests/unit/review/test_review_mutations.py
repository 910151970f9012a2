"""Files and requests of a review of which one member is another: an answer of ours to each, and nothing is written."""

import hmac
import json
from pathlib import Path

import pytest
from test_review_session import fill, key, record, say

from decision_files import build, document
from mutations import each_extent, mutations
from stores import files_of, in_folder
from widgetshot.errors import ConfigError, RecordError, StaleDecision, WidgetshotError
from widgetshot.files import LOCAL_FOLDER
from widgetshot.review.apply import apply_decisions
from widgetshot.review.decisions import read_decisions
from widgetshot.review.requests import MalformedDecision, UndoRequest, parse_request
from widgetshot.review.session import ReviewSession


@pytest.fixture
def review(tmp_path: Path) -> ReviewSession:
    """A review in which one result is accepted and one rejected."""
    made = ReviewSession(record(tmp_path), fill(in_folder(tmp_path / "baselines")), tmp_path)
    made.decide([say(made, "changed", comment="as designed"), say(made, "broken", "reject")])
    return made


@each_extent
def test_every_change_of_one_member_of_a_decisions_file_is_refused_or_harmless(
    tmp_path: Path, wrong: int | None
) -> None:
    root = build(tmp_path)
    baselines = in_folder(root / "baselines")
    whole = document(root)
    before = files_of(baselines)
    refused: list[WidgetshotError] = []
    harmless: list[str] = []
    for said, changed in mutations(whole, wrong):
        try:
            decisions = read_decisions(json.dumps(changed).encode(), "decisions.json")
            apply_decisions(root / "widgetshot-report", baselines, decisions, "decisions.json", dry_run=True)
        except (ConfigError, StaleDecision) as error:
            refused.append(error)
        else:
            harmless.append(said)
    # Fewer decisions, and what is only said.
    kinds = {said.split(" ")[0].rpartition(".")[2] for said in harmless}
    assert kinds == {"reviewer", "comment", "0", "1", "2"}
    assert all(said.endswith(" gone") or "= '" in said for said in harmless)
    assert len(refused) > (300 if wrong is None else 90)
    assert {error.where for error in refused} == {"decisions.json"}
    assert all(error.next_step for error in refused)
    assert files_of(baselines) == before


@each_extent
def test_every_change_of_one_member_of_the_record_is_refused(review: ReviewSession, wrong: int | None) -> None:
    file = review.folder / "review.json"
    whole = json.loads(file.read_bytes())
    baselines = files_of(review.baselines)
    count = 0
    for said, changed in mutations(whole, wrong):
        file.write_text(json.dumps(changed))
        for act in (review.state, lambda: review.undo([UndoRequest(key("changed"), 1)])):
            with pytest.raises(RecordError, match=r"review\.json|not written in this checkout"):
                act()
        count += 1
        assert said
    assert count > (400 if wrong is None else 120)
    assert files_of(review.baselines) == baselines


@each_extent
def test_every_change_of_one_member_that_is_sealed_anew_has_an_answer(
    review: ReviewSession, tmp_path: Path, wrong: int | None
) -> None:
    """Only who has the secret of this checkout can write one; even so there is no traceback."""
    file = review.folder / "review.json"
    secret = (tmp_path / LOCAL_FOLDER / "review.key").read_bytes()
    whole = {name: value for name, value in json.loads(file.read_bytes()).items() if name != "seal"}
    baselines = files_of(review.baselines)
    refused: list[WidgetshotError] = []
    answered = 0
    for _, changed in mutations(whole, wrong):
        seal = hmac.new(secret, json.dumps(changed, sort_keys=True).encode(), "sha256").hexdigest()
        file.write_text(json.dumps({**changed, "seal": seal}))
        try:
            review.state()
            review.undo([UndoRequest(key("changed"), 1)])
        except WidgetshotError as error:
            refused.append(error)
        else:
            answered += 1
            review.baselines.restore(baselines)
    assert len(refused) > (300 if wrong is None else 90)
    assert all(error.where for error in refused)
    assert answered > (10 if wrong is None else 3)


@each_extent
def test_every_change_of_one_member_of_a_request_is_refused_or_harmless(
    review: ReviewSession, wrong: int | None
) -> None:
    decision = {
        "key": key("new"), "verdict": "accept", "shot_sha256": say(review, "new").shot_sha256,
        "baseline_sha256": None, "sidecar_sha256": say(review, "new").sidecar_sha256, "seen": 0,
        "comment": "", "reviewer": "Anna",
    }  # fmt: skip
    baselines, state = files_of(review.baselines), review.state()
    refused = 0
    for said, changed in mutations({"decisions": [decision]}, wrong):
        try:
            request = parse_request(json.dumps(changed).encode())
            assert request.decisions
            review.decide(request.decisions)
        except (MalformedDecision, StaleDecision, ConfigError):
            refused += 1
            assert (files_of(review.baselines), review.state()) == (baselines, state)
        else:
            # What is only said.
            assert said.startswith((".decisions.0.comment", ".decisions.0.reviewer")), said
            version = review.state().decisions[key("new")].version
            state = review.undo([UndoRequest(key("new"), version)])
    assert refused > (80 if wrong is None else 25)
