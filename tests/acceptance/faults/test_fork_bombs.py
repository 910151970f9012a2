"""Notebooks that start processes without end, where there is a limit on processes."""

import sys

import pytest

from few_processes import few_processes
from projects import Project, button_cell

SPARE = 60
# Each of them and each of its children forks as often as it can.
BOMBS = {
    # Only the notebook itself says why it ends; a hundred processes that put the same into words keep it from doing so.
    "gives_up": (
        "#| shot: s\nimport os, signal\nnotebook = os.getpid()\ntry:\n    while True:\n        os.fork()\n"
        "except BlockingIOError:\n    if os.getpid() == notebook:\n        raise\n    while True:\n"
        "        signal.pause()"
    ),
    "goes_on": (
        "#| shot: s\nimport os\nwhile True:\n    try:\n        os.fork()\n    except BlockingIOError as error:\n"
        "        refused = error"
    ),
}
TOLD = {
    "gives_up": (30, "the cell raised BlockingIOError: [Errno 11] Resource temporarily unavailable"),
    "goes_on": (3, "the cell was not finished after 3 s"),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_fork_bomb_is_the_cause_and_nothing_is_left_of_it(
    project: Project, tmp_path_factory: pytest.TempPathFactory, bomb: str
) -> None:
    limit = few_processes(SPARE)
    project.notebook("notebooks/a.ipynb", button_cell())
    seconds, told = TOLD[bomb]
    before = f"#| widgetshot: {{timeout: {seconds}}}\n#| shot: before\nprint('before')"
    project.notebook("notebooks/bomb.ipynb", before, BOMBS[bomb])
    project.notebook("notebooks/c.ipynb", button_cell())
    private = tmp_path_factory.mktemp("private")
    (home, temporary) = (private / "home", private / "temporary")
    home.mkdir()
    temporary.mkdir()
    limit.give(project.root)
    limit.give(private)
    words = (*limit.prefix, sys.executable, "-m", "widgetshot", "run", "--jobs", "1")
    done = project.command(*words, environment={"HOME": str(home), "TMPDIR": str(temporary)}, timeout=100)
    said = done.stdout + done.stderr
    assert (limit.running(), project.left_behind(), [*temporary.iterdir()]) == ([], [], []), said
    assert done.returncode == 1, said
    assert "Traceback" not in said
    entry = project.entry("notebooks/bomb.ipynb::s")
    assert entry["verdict"] == "broken", entry
    assert told in entry["error"]["message"]
    assert entry["error"]["next"]
    for name in ("a.ipynb::button", "c.ipynb::button"):
        assert project.entry(f"notebooks/{name}")["verdict"] == "new", said
    # The one picture is as good as the other, whatever went on between them.
    assert picture(project, "a") == picture(project, "c")


def picture(project: Project, notebook: str) -> bytes:
    path: str = project.entry(f"notebooks/{notebook}.ipynb::button")["pictures"]["shot"]["path"]
    return (project.root / "widgetshot-report" / path).read_bytes()
