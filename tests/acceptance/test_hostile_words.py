"""A notebook whose name, outputs and errors would like to command the terminal, the CI job and the reader's shell."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from projects import Project, make_project

NAME = "x'; touch owned; echo '.ipynb"
RAISES = "y $(touch owned) `touch owned`.ipynb"
WORDS = (
    "\\x1b]0;title\\x07\\x1b[2K\\r\\u202e\\n::error file=a.py::no\\n \\t::add-mask::a\\n##[error]no "
    "##vso[task.complete]\\x9b2J"
)
RAW = re.compile(r"[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u202e]|##\[|##vso\[|^\s*::|\x1b(?!\[[0-9;]*m)", re.MULTILINE)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("hostile"))
    project.environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    project.notebook(f"notebooks/{NAME}", "#| shot: fine\nfrom IPython.display import HTML\nHTML('<p>fine</p>')")
    project.notebook(f"notebooks/{RAISES}", f"#| shot: raises\nraise RuntimeError('{WORDS}')")
    return project


def said(done: "subprocess.CompletedProcess[str]") -> str:
    """What a command printed, of which nothing is a command."""
    text = done.stdout + done.stderr
    assert RAW.findall(text) == []
    return text


def hints(text: str) -> list[str]:
    """The commands that a text tells, less what is said of them behind two spaces."""
    found = re.findall(r"(?:accept|next): +(\w.*)$", text, re.MULTILINE)
    return [re.sub(r"  \(.*", "", command) for command in found]


@pytest.fixture(scope="module")
def ran(project: Project) -> tuple[str, str, list[list[str]], list[int]]:
    """What a run said and wrote for the CI job, the commands that it told, and their exit codes."""
    summary = project.root / "summary.md"
    text = said(project.widgetshot("run", environment={"GITHUB_STEP_SUMMARY": str(summary)}))
    told = sorted(hints(text), reverse=True)
    codes = [project.command("sh", "-c", command).returncode for command in told]
    return text, summary.read_text(), [command.split()[:2] for command in told], codes


def test_a_run_tells_what_was_said_and_obeys_none_of_it(
    project: Project, ran: tuple[str, str, list[list[str]], list[int]]
) -> None:
    text, summary, told, codes = ran
    assert "⟨U+001B⟩]0;title⟨U+0007⟩" in text
    assert "::error file=a.py::no" in text
    assert RAW.findall(summary) == []
    assert "touch owned" in summary
    assert told == [["widgetshot", "approve"], ["jupyter", "execute"]]
    # The picture is approved under its name, and the notebook raises as it did.
    assert codes == [0, 1]
    assert not (project.root / "owned").exists()
    assert not (project.root / "notebooks/owned").exists()


@pytest.fixture(scope="module")
def of_pytest(project: Project, ran: tuple[str, str, list[list[str]], list[int]]) -> tuple[int, str]:
    """The exit code of pytest on what was approved and what raises, and what it said."""
    assert ran
    project.write(
        "test_it.py",
        f"def test_it(widgetshot):\n    widgetshot.open({f'notebooks/{RAISES}'!r}).wait_for_timeout(0)\n",
    )
    report = "--widgetshot-report=of-pytest"
    done = project.pytest("notebooks", "test_it.py", report, "-v", "-rA", "--color=no")
    return done.returncode, said(done)


def test_pytest_too(project: Project, of_pytest: tuple[int, str]) -> None:
    code, text = of_pytest
    assert "⟨U+001B⟩]0;title⟨U+0007⟩" in text
    assert code == 1
    assert not (project.root / "owned").exists()


@pytest.mark.usefixtures("ran")
@pytest.mark.parametrize(
    ("words", "code"), [("approve --all", 0), ("merge widgetshot-report -o merged", 0), ("run -x", 3)]
)
def test_what_is_made_of_its_run_too(project: Project, words: str, code: int) -> None:
    done = project.widgetshot(*words.split())
    said(done)
    assert done.returncode == code, done.stdout + done.stderr


@pytest.mark.usefixtures("of_pytest")
def test_a_review_at_the_terminal_too(project: Project) -> None:
    text = said(project.widgetshot("review", "--terminal", "of-pytest", input="o\nu\n?\na\nr\n##[error]\n"))
    assert "RuntimeError" in text


def test_names_that_pytest_would_print_raw_are_refused(tmp_path: Path) -> None:
    other = make_project(tmp_path)
    names = ("##[error]", "\x1b]0;x\x07", "a\nb", "\u202ex")
    for name in names:
        other.notebook(f"notebooks/{name}.ipynb", "1")
    done = other.widgetshot("run")
    assert done.returncode == 3
    assert said(done).count("no picture can be named after its path") == len(names)
