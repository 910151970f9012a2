"""A sample of what `python tests/hostile_runs.py` tries: no traceback, no write outside, nothing stored unseen."""

from pathlib import Path

from hostile_runs import ACTIONS, try_cases

SAMPLE = 40


def test_whatever_a_run_folder_or_decisions_say_gets_an_answer_and_writes_nothing_else(tmp_path: Path) -> None:
    outcome = try_cases(tmp_path, SAMPLE, seed=17)
    assert outcome.wrong == []
    assert sum(outcome.answers.values()) == SAMPLE * len(ACTIONS)
    # Both happen to each: a case that everybody refuses would show nothing of what is written.
    for action in ACTIONS:
        done = outcome.answers[f"{action.__name__}: done"]
        assert 0 < done < SAMPLE, action.__name__
