"""The table of faults: its tests are there, and the reference shows it."""

import subprocess
import sys
from pathlib import Path

import pytest
from fault_matrix import ROWS, page

from collection import COLLECTED

TESTS = Path(__file__).parents[2]
REFERENCE = TESTS.parent / "docs" / "reference" / "faults.md"


def collected(config: pytest.Config) -> set[str]:
    """Node ids below `tests` of all tests, marked expensive or not, with and without their parameters."""
    nodes = _with_names(config.stash[COLLECTED])
    # Where not all of the tests are asked for, in the files that the table names.
    missing = {row.test.partition("::")[0] for row in ROWS if row.test not in nodes}
    if missing:
        words = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "", "-p", "no:cacheprovider"]
        found = subprocess.run(
            [*words, *(f"tests/{file}" for file in sorted(missing))],
            cwd=TESTS.parent,
            capture_output=True,
            text=True,
            check=True,
        )
        nodes |= _with_names({line for line in found.stdout.splitlines() if "::" in line})
    return nodes


def _with_names(ids: set[str]) -> set[str]:
    below = {node.removeprefix("tests/") for node in ids}
    return below | {node.partition("[")[0] for node in below}


def test_each_fault_names_a_test_that_is_there(request: pytest.FixtureRequest) -> None:
    nodes = collected(request.config)
    assert [row.test for row in ROWS if row.test not in nodes] == []


def test_faults_are_many_and_each_is_there_once() -> None:
    assert len(ROWS) >= 60
    faults = [(row.who, row.happens) for row in ROWS]
    assert len(set(faults)) == len(faults)
    # It is told what is left, at least.
    assert all(row.who and row.happens and (row.told or row.left) for row in ROWS)


def test_the_reference_shows_the_table() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == page(), "make reference"
