"""The code of docs/how-to/from-mocks-to-pictures.md, run as it stands there."""

import re
from pathlib import Path

import pytest
from instances import need

from projects import Project

pytestmark = pytest.mark.services
PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "from-mocks-to-pictures.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture
def guide(project: Project) -> Project:
    module, mocked, first, second, jobs = blocks("python")
    project.write("clusterpanel.py", module)
    project.write("tests/test_mocked.py", mocked)
    project.write("tests/test_jobs.py", jobs)
    project.notebook("notebooks/panel.ipynb", first.rstrip(), second.rstrip())
    project.environment["PYTHONPATH"] = str(project.root)
    return project


def test_the_mocked_tests_pass_and_are_found_as_the_page_shows(guide: Project) -> None:
    passed = guide.pytest("tests/test_mocked.py")
    assert "2 passed" in passed.stdout, passed.stdout
    found = guide.widgetshot("audit", "tests/test_mocked.py")
    assert found.returncode == 1
    command, *lines = blocks("console")[0].splitlines()
    assert command == "$ widgetshot audit tests"
    assert [line.split() for line in found.stdout.splitlines()] == [line.split() for line in lines]


def test_the_notebook_is_captured_over_a_real_sshd_and_matches_again(guide: Project) -> None:
    need("sshd")
    new = guide.pytest("notebooks/panel.ipynb")
    assert set(guide.verdicts().values()) == {"new"}, new.stdout
    assert sorted(guide.verdicts()) == [
        f"notebooks/panel.ipynb::{shot}"
        for shot in ("connected", "connected[dark]", "filled-in", "filled-in[dark]", "wrong-key")
    ]
    assert guide.widgetshot("approve", "--all").returncode == 0
    # Another port, other keys: the same pictures.
    again = guide.pytest("notebooks/panel.ipynb")
    assert again.returncode == 0, again.stdout


def test_the_database_is_real(guide: Project) -> None:
    need("postgres")
    done = guide.pytest("tests/test_jobs.py")
    assert "2 passed" in done.stdout, done.stdout
    assert guide.widgetshot("audit", "tests/test_jobs.py").returncode == 0
