"""The table of faults: its tests are there, and the reference shows it."""

import subprocess
import sys
from pathlib import Path

import pytest
from fault_matrix import ROWS, page

TESTS = Path(__file__).parents[2]
REFERENCE = TESTS.parent / "docs" / "reference" / "faults.md"


def collected(request: pytest.FixtureRequest) -> set[str]:
    """Node ids below `tests` of what pytest collects in the files that the table names."""
    nodes = {item.nodeid.removeprefix("tests/") for item in request.session.items}
    missing = {row.test.partition("::")[0] for row in ROWS if row.test.partition("[")[0] not in names(nodes)}
    if missing:
        words = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "", "-p", "no:cacheprovider"]
        found = subprocess.run(
            [*words, *(f"tests/{file}" for file in sorted(missing))],
            cwd=TESTS.parent,
            capture_output=True,
            text=True,
            check=True,
        )
        nodes |= {line.removeprefix("tests/") for line in found.stdout.splitlines() if "::" in line}
    return nodes


def names(nodes: set[str]) -> set[str]:
    """Node ids without parameters."""
    return {node.partition("[")[0] for node in nodes}


def test_each_fault_names_a_test_that_is_there(request: pytest.FixtureRequest) -> None:
    nodes = collected(request)
    assert [row.test for row in ROWS if row.test not in nodes | names(nodes)] == []


def test_faults_are_many_and_each_is_there_once() -> None:
    assert len(ROWS) >= 60
    faults = [(row.who, row.happens) for row in ROWS]
    assert len(set(faults)) == len(faults)
    # It is told what is left, at least.
    assert all(row.who and row.happens and (row.told or row.left) for row in ROWS)


def test_the_reference_shows_the_table() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == page(), "make reference"
