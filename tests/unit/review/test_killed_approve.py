"""`widgetshot approve`, killed at its steps."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from decision_files import build
from stores import files_of, in_folder

# The command as a person types it, but that it kills itself when it is about to rename or remove a file among the
# baselines for the so-many-th time.
PROGRAM = """
import os, signal, sys
folder, left = sys.argv[1], int(sys.argv[2])
def hook(event, arguments):
    global left
    if event in ("os.rename", "os.remove", "os.mkdir") and folder in str(arguments):
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
sys.argv = ["widgetshot", "approve", "--all"]
from widgetshot.cli.main import main
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
    for event in range(1, 100):
        shutil.rmtree(root)
        shutil.copytree(kept, root)
        words = [sys.executable, "-c", PROGRAM, str(root / "baselines"), str(event)]
        done = subprocess.run(words, cwd=root, check=False, capture_output=True, timeout=60)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        left = files_of(baselines)
        following = subprocess.run(
            [sys.executable, "-m", "widgetshot", "prune", "--output", "json"], cwd=root, capture_output=True, text=True
        )
        assert following.returncode == 0, following.stderr
        now = files_of(baselines)
        assert now in (before, after), f"half decided, at {event}"
        assert now == left or "that is finished now" in following.stderr, f"at {event}: {following.stderr}"
        assert [file.name for file in (root / "baselines").iterdir()] == ["page-chromium-linux"]
        half_written += left not in (before, after)
        outcomes.append(now == after)
    assert files_of(baselines) == after
    # First nothing had been decided, then everything.
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {False, True}
    assert half_written > 2
