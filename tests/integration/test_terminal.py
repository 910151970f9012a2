"""`widgetshot review --terminal`: by a pipe, and by single keys at a real pseudo-terminal."""

import json
import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from reviewed_projects import RESULTS, prepare

from builders import ENVIRONMENT
from projects import MARK, Project
from stores import in_folder
from widgetshot.errors import visible
from widgetshot.files import sha256
from widgetshot.review.requests import DecisionRequest
from widgetshot.review.session import ReviewSession

ORDER = ["changed", "resized", "new", "unstable", "broken"]


@pytest.fixture
def reviewed(project: Project) -> Project:
    return prepare(project)


def typed(project: Project, *lines: str) -> str:
    """What it says when these lines come through a pipe."""
    done = subprocess.run(
        [sys.executable, "-m", "widgetshot", "review", "--terminal"],
        cwd=project.root,
        env=os.environ | {MARK: project.mark},
        input="\n".join(lines),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def review_of(project: Project) -> ReviewSession:
    return ReviewSession(project.root / "widgetshot-report", in_folder(project.root / "baselines"), project.root)


def decisions(project: Project) -> dict[str, tuple[str, str]]:
    names = {result.key: verdict for verdict, result in RESULTS.items()}
    found = review_of(project).state().decisions
    return {names[key]: (decision.verdict, decision.comment) for key, decision in found.items()}


def shown(output: str) -> list[str]:
    return re.findall(r"^\[\d/\d\] notebooks/x.ipynb::(\w+):", output, re.MULTILINE)


def test_everything_that_needs_a_decision_is_shown_by_urgency_with_why_and_its_pictures(reviewed: Project) -> None:
    before = reviewed.files("baselines")
    output = typed(reviewed, *"sssss")
    assert shown(output) == ORDER
    assert "[1/5] notebooks/x.ipynb::changed: changed: 1 pixel differs (0.17%) in 1 region\n" in output
    for kind in ("baseline", "shot", "diff"):
        assert f"{RESULTS['changed'].key}.{kind}.png\n" in output
    assert "broken results can't be accepted" in output
    assert output.endswith("\n0 accepted, 0 rejected, 5 left\n")
    assert reviewed.files("baselines") == before


def test_each_decision_is_applied_at_once_and_reported_at_the_end(reviewed: Project) -> None:
    output = typed(reviewed, "a", "r", "wrong height", "a", "r", "", "s")
    assert decisions(reviewed) == {
        "changed": ("accept", ""),
        "resized": ("reject", "wrong height"),
        "new": ("accept", ""),
        "unstable": ("reject", ""),
    }
    for verdict in ("changed", "new"):
        shot = reviewed.root / "widgetshot-report/pictures" / f"{RESULTS[verdict].key}.shot.png"
        assert (reviewed.root / "baselines" / f"{RESULTS[verdict].key}.png").read_bytes() == shot.read_bytes()
    assert "2 accepted, 2 rejected, 1 left\nkeep what is accepted: git add 'baselines'\n" in output
    again = typed(reviewed, "q")
    assert "4 of 5 are decided already" in again
    assert shown(again) == ["broken"]


def test_undo_goes_back_to_the_last_decision_and_restores_every_byte(reviewed: Project) -> None:
    before = reviewed.files("baselines")
    output = typed(reviewed, "u", "a", "s", "a", "u", "u", "q")
    assert shown(output) == ["changed", "resized", "new", "unstable", "new", "changed"]
    assert "there is no decision of yours to take back" in output
    assert reviewed.files("baselines") == before
    assert decisions(reviewed) == {}


@pytest.mark.parametrize("steps", [1, 2])
def test_what_cannot_be_accepted_is_asked_about_again(reviewed: Project, steps: int) -> None:
    before = reviewed.files("baselines")
    output = typed(reviewed, *"sss", *"s" * (steps - 1), "a", "r", "never rests")
    assert output.count("can't be approved") == 1
    assert decisions(reviewed) == {ORDER[2 + steps]: ("reject", "never rests")}
    assert reviewed.files("baselines") == before


@pytest.mark.parametrize("lines", [(), ("",), ("q", "a"), ("x", "?", "q")])
def test_the_end_of_the_input_and_q_decide_nothing(reviewed: Project, lines: tuple[str, ...]) -> None:
    output = typed(reviewed, *lines)
    assert output.endswith("0 accepted, 0 rejected, 5 left\n")
    assert decisions(reviewed) == {}
    assert ("a  accept" in output) == ("?" in lines)


def test_what_a_notebook_says_cannot_move_the_cursor_or_turn_text_around(reviewed: Project) -> None:
    file = reviewed.root / "widgetshot-report/run.json"
    run = json.loads(file.read_text())
    evil = "\x1b]0;title\x07\x1b[2K\rall is well\u202etxt.\u2066\n[9/9] spoofed"
    for entry in run["tests"]:
        entry["shot"] = evil + entry["shot"]
        entry["name"] = f"{entry['notebook']}::{entry['shot']}"
        entry["key"] = f"{ENVIRONMENT}/notebooks/x/{entry['shot']}"
        entry["sentence"] = evil
        entry["traits"] = [{"widget": evil, "trait": evil, "before": evil, "after": [evil]}]
        entry["renderer"] = [evil]
        if entry["error"]:
            entry["error"] = {"type": "E", "message": "Traceback\n\x1b[31mred\x1b[0m " + evil, "next": evil}
        for kind, picture in entry["pictures"].items():
            if picture:
                picture["path"] = f"pictures/{entry['key']}.{kind}.png"
    file.write_text(json.dumps(run))
    output = typed(reviewed, "s", "s", "s", "a", "s", "q")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u2066]", output)
    assert "⟨U+001B⟩]0;title⟨U+0007⟩" in output
    assert "\n[9/9]" not in output
    assert "error:    red ⟨U+001B⟩" in output


def test_visible_text_keeps_lines_and_loses_colours() -> None:
    assert visible("a\tb\n\x1b[1;31mc\x1b[0m\r\u200b\x9b\udfff") == "a\tb\nc⟨U+000D⟩⟨U+200B⟩⟨U+009B⟩⟨U+DFFF⟩"
    assert visible("größe 日本 → ✓") == "größe 日本 → ✓"


def test_the_options_of_the_page_are_refused(reviewed: Project) -> None:
    done = reviewed.widgetshot("review", "--terminal", "--port", "8000")
    assert done.returncode == 3
    assert "--terminal goes without" in done.stderr


class Terminal:
    """`widgetshot review --terminal` at a pseudo-terminal."""

    def __init__(self, project: Project) -> None:
        import pty

        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "widgetshot", "review", "--terminal"],
            cwd=project.root,
            env=os.environ | {MARK: project.mark, "TERM": "xterm"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.output = ""

    def expect(self, text: str) -> str:
        """What came until and with this text, after what was expected before."""
        deadline = time.monotonic() + 60
        while text not in self.output:
            assert select.select([self.master], [], [], deadline - time.monotonic())[0], self.output
            self.output += os.read(self.master, 4096).decode()
        found, text, self.output = self.output.partition(text)
        return found + text

    def press(self, keys: str) -> None:
        """Once it is asked for, that is in raw mode: what comes before is thrown away."""
        import termios

        deadline = time.monotonic() + 60
        while termios.tcgetattr(self.master)[3] & termios.ICANON and time.monotonic() < deadline:
            continue
        os.write(self.master, keys.encode())

    def end(self) -> int:
        code = self.process.wait(timeout=60)
        while select.select([self.master], [], [], 0)[0]:
            try:
                self.output += os.read(self.master, 4096).decode()
            except OSError:  # Linux says so when nobody has the other end any more
                break
        os.close(self.master)
        return code


needs_pty = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
ASKED = "[a]ccept [r]eject [s]kip [u]ndo [o]pen [q]uit [?] "


@needs_pty
def test_single_keys_decide_at_a_terminal(reviewed: Project) -> None:
    before = reviewed.files("baselines")
    terminal = Terminal(reviewed)
    assert "[1/5]" in terminal.expect(ASKED)
    terminal.press("a")
    terminal.expect("is written")
    assert decisions(reviewed) == {"changed": ("accept", "")}
    terminal.expect(ASKED)
    terminal.press("u")
    assert "[1/5]" in terminal.expect(ASKED)
    assert reviewed.files("baselines") == before
    terminal.press("r")
    terminal.expect("comment: ")
    os.write(terminal.master, "zu grün\n".encode())
    terminal.expect(ASKED)
    assert decisions(reviewed) == {"changed": ("reject", "zu grün")}
    terminal.press("\x1b[A")  # a cursor key is no decision
    terminal.expect("this help")
    terminal.expect(ASKED)
    terminal.press("q")
    assert terminal.end() == 0
    assert "0 accepted, 1 rejected, 4 left" in terminal.output


@needs_pty
@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_ctrl_c_and_ctrl_d_quit(reviewed: Project, key: str) -> None:
    terminal = Terminal(reviewed)
    terminal.expect(ASKED)
    terminal.press(key)
    assert terminal.end() == 0
    assert "0 accepted, 0 rejected, 5 left" in terminal.output


@needs_pty
def test_somebody_elses_decision_is_reported_and_nothing_overwritten(reviewed: Project) -> None:
    terminal = Terminal(reviewed)
    terminal.expect(ASKED)
    other = review_of(reviewed)
    entries = {entry.shot: entry for entry in other.run.tests}

    def reject(name: str) -> Any:
        entry = entries[name]
        seen = (entry.shot_sha256, entry.baseline_sha256, entry.sidecar_sha256)
        return DecisionRequest(entry.key, "reject", *seen, 0, "no", "Ben")

    other.decide([reject("changed"), reject("new")])
    terminal.press("a")
    assert "Ben has rejected it (no) meanwhile" in terminal.expect(ASKED)
    terminal.press("s")
    assert "notebooks/x.ipynb::new: Ben has rejected it (no) meanwhile" in terminal.expect(ASKED)
    terminal.press("q")
    assert terminal.end() == 0
    assert decisions(reviewed) == {"changed": ("reject", "no"), "new": ("reject", "no")}


def opened_by(project: Project, folder: Path, *keys: str) -> tuple[list[str], str]:
    """What a desktop was given to open while these keys were pressed, and what was said."""
    if sys.platform != "linux":
        pytest.skip("another command opens files here")
    # The command that opens files on a desktop, which notes what it was given.
    opener = project.write("bin/xdg-open", f'#!/bin/sh\necho "$1" >> "{folder}/opened"\n')
    opener.chmod(0o755)
    path = os.environ["PATH"]
    os.environ["PATH"] = f"{opener.parent}{os.pathsep}{path}"
    try:
        terminal = Terminal(project)
    finally:
        os.environ["PATH"] = path
    terminal.expect(ASKED)
    said = ""
    for key in keys:
        terminal.press(key)
        said += terminal.expect(ASKED)
    terminal.press("q")
    assert terminal.end() == 0
    opened = folder / "opened"
    return (opened.read_text().splitlines() if opened.exists() else []), said


@needs_pty
def test_pictures_are_opened_or_their_paths_are_shown(reviewed: Project, tmp_path: Path) -> None:
    opened, _ = opened_by(reviewed, tmp_path, "o")
    assert {line.rpartition("changed")[2] for line in opened} == {".baseline.png", ".shot.png", ".diff.png"}


@needs_pty
@pytest.mark.parametrize("told", [False, True], ids=["another file", "another file, of which run.json tells"])
def test_only_pictures_that_the_run_recorded_are_opened(reviewed: Project, tmp_path: Path, told: bool) -> None:
    key, data = RESULTS["changed"].key, b"#!/bin/sh\ntouch owned\n"
    (reviewed.root / f"widgetshot-report/pictures/{key}.shot.png").write_bytes(data)
    if told:
        file = reviewed.root / "widgetshot-report/run.json"
        run = json.loads(file.read_text())
        (entry,) = [test for test in run["tests"] if test["key"] == key]
        entry["pictures"]["shot"]["sha256"] = sha256(data)
        file.write_text(json.dumps(run))
    opened, said = opened_by(reviewed, tmp_path, "o")
    assert {line.rpartition("changed")[2] for line in opened} == {".baseline.png", ".diff.png"}
    assert (
        "is not opened: its picture is none that widgetshot writes" in said or "is not opened: its file is not" in said
    )
