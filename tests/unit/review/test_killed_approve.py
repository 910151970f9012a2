"""`widgetshot approve`, killed at its steps."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from decision_files import build
from forks import forking
from stores import files_of, in_folder

# Commands as a person types them, what they say in files; one kills itself when it is about to rename or remove a file
# among the baselines for the so-many-th time.
COMMANDS = """
import signal
from widgetshot.cli.main import main
import filelock, PIL.PngImagePlugin, numpy, widgetshot.cli.approve, widgetshot.cli.prune
def step(root, event, *words):
    left = int(event)
    def hook(event, arguments):
        nonlocal left
        if event in ("os.rename", "os.remove", "os.mkdir") and folder in str(arguments):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
    folder = root + "/baselines"
    os.chdir(root)
    for name, descriptor in ("stdout", 1), ("stderr", 2):
        os.dup2(os.open(f"{root}/../{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    sys.addaudithook(hook)
    sys.argv = ["widgetshot", *words]
    main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_what_a_killed_approve_has_left_the_next_command_finishes_or_takes_back(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    build(root)
    (root / "pyproject.toml").write_text("[tool.widgetshot]\n", encoding="utf-8")
    kept = tmp_path / "kept"
    shutil.copytree(root, kept)
    baselines = in_folder(root / "baselines")
    before = files_of(baselines)
    subprocess.run([sys.executable, "-m", "widgetshot", "approve", "--all"], cwd=root, check=True, capture_output=True)
    after = files_of(baselines)
    assert after != before
    outcomes, half_written = [], 0
    with forking(COMMANDS) as ended:
        for event in range(1, 100):
            shutil.rmtree(root)
            shutil.copytree(kept, root)
            code = ended(root, event, "approve", "--all")
            if code == 0:
                break
            assert code == -signal.SIGKILL, (tmp_path / "stderr").read_text()
            left = files_of(baselines)
            code, said = ended(root, 0, "prune", "--output", "json"), (tmp_path / "stderr").read_text()
            assert code == 0, said
            now = files_of(baselines)
            assert now in (before, after), f"half decided, at {event}"
            assert now == left or "that is finished now" in said, f"at {event}: {said}"
            assert [file.name for file in (root / "baselines").iterdir()] == ["page-chromium-linux"]
            half_written += left not in (before, after)
            outcomes.append(now == after)
    assert files_of(baselines) == after
    # First nothing had been decided, then everything.
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {False, True}
    assert half_written > 2
