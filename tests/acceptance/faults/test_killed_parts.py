"""Each part of a run killed at each stage of a session: what is told, what else is right, what is left behind."""

import itertools
import sys
from pathlib import Path

import pytest

from daemons import DAEMONS, daemons, number
from projects import Project, button_cell

# A notebook that ends a part of the run that it is in: while it executes, when its button is clicked, or at its end.
SOURCE = """#| widgetshot: {{timeout: 10, settle_timeout: 5}}
#| shot:
#|   - before
#|   - {{name: after, steps: [click: button]}}
import atexit, os, threading, psutil, ipywidgets
def part(name):
    kernel = psutil.Process()
    zygote = kernel.parent().parent()
    own = {{"kernel": kernel, "keeper": kernel.parent(), "zygote": zygote, "server": zygote.parent()}}
    if name in own:
        return own[name]
    word = {{"browser": "--remote-debugging-pipe", "renderer": "--type=renderer", "driver": "run-driver"}}[name]
    run = zygote.parent().parent()
    for process in run.children(recursive=True):
        words = process.cmdline()
        # A shell script may have started the browser, whose renderers have its options.
        if word in words and words[0] != "/bin/sh" and (name != "browser" or "--type=renderer" not in words):
            return process
def kill(*_):
    part("{part}").kill()
stage = "{stage}"
if stage == "executing":
    kill()
    threading.Event().wait(60)
if stage == "ending":
    atexit.register(kill)
button = ipywidgets.Button(description="{part}")
label = ipywidgets.Label("not yet")
def click(_):
    if stage == "acting":
        kill()
        threading.Event().wait(60)
    label.value = "clicked"
button.on_click(click)
ipywidgets.HBox([button, label])
"""
TOLD = {
    "browser": ("ServerError", "the browser died"),
    "driver": ("ServerError", "the browser died"),
    "renderer": ("CaptureError", "crashed"),
    "server": ("ServerError", "the Jupyter server died with exit code -9"),
    "zygote": ("NotebookError", "the kernel died"),
    "keeper": ("NotebookError", "the kernel died"),
}
# Goes on when the daemons are there.
ASLEEP = """
import time
def asleep(process): return "{seconds}." in str(process.info["cmdline"])
while (count := sum(map(asleep, psutil.process_iter(["cmdline"])))) < 4: time.sleep(0.05)
open({told!r}, "w").write(str(count))
"""
# Orphans are adopted on Linux only.
ADOPTS = sys.platform.startswith("linux")
STAGES = ("executing", "acting", "ending")


@pytest.fixture(scope="module")
def killed(shared_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A run of notebooks one after the other, each of which kills something."""
    project = shared_project
    seconds = number()
    for at, (part, stage) in enumerate(itertools.product(TOLD, STAGES)):
        source = SOURCE.format(part=part, stage=stage)
        if (part, stage) == ("server", "executing") and ADOPTS:
            options, line, rest = source.partition("import atexit, os, threading, psutil, ipywidgets\n")
            _, _, start = DAEMONS.format(seconds=seconds).partition("\n")
            told = str(project.root / "daemons.txt")
            source = options + start + line + ASLEEP.format(seconds=seconds, told=told) + rest
        project.notebook(f"notebooks/{at:02}-{part}-{stage}.ipynb", source)
        if stage == "ending":
            # A kernel ends while the next notebook is opened, which may be broken by that.
            project.notebook(f"notebooks/{at:02}-{part}-then.ipynb", button_cell())
    temporary = tmp_path_factory.mktemp("temporary")
    done = project.widgetshot("run", "--jobs", "1", environment={"TMPDIR": str(temporary)})
    project.write("output.txt", done.stdout + done.stderr)
    project.write("code.txt", str(done.returncode))
    project.write("left.txt", "\n".join(entry.name for entry in temporary.iterdir()))
    project.write("alive.txt", str(daemons(seconds)))
    return project


def entry_of(project: Project, part: str, stage: str, shot: str) -> dict[str, object]:
    number = [*itertools.product(TOLD, STAGES)].index((part, stage))
    return project.entry(f"notebooks/{number:02}-{part}-{stage}.ipynb::{shot}")


@pytest.mark.parametrize("part", TOLD)
@pytest.mark.parametrize(("stage", "shots"), [("executing", ("before", "after")), ("acting", ("after",))])
def test_what_died_is_the_cause(killed: Project, part: str, stage: str, shots: tuple[str, ...]) -> None:
    kind, says = TOLD[part]
    for shot in shots:
        entry = entry_of(killed, part, stage, shot)
        error = entry["error"]
        assert isinstance(error, dict), entry["verdict"]
        assert (entry["verdict"], error["type"]) == ("broken", kind), error
        assert says in error["message"]
        assert error["next"]


@pytest.mark.parametrize("part", TOLD)
@pytest.mark.parametrize(("stage", "shots"), [("acting", ("before",)), ("ending", ("before", "after"))])
def test_what_was_captured_before_and_what_comes_after_is_right(
    killed: Project, part: str, stage: str, shots: tuple[str, ...]
) -> None:
    for shot in shots:
        assert entry_of(killed, part, stage, shot)["verdict"] == "new"


def test_a_run_whose_parts_died_is_exit_2_and_whole(killed: Project) -> None:
    assert Path(killed.root, "code.txt").read_text() == "2"
    assert killed.report()["complete"] is True
    assert len(killed.report()["tests"]) == len(TOLD) * len(STAGES) * 2 + len(TOLD)
    output = Path(killed.root, "output.txt").read_text()
    assert "Traceback" not in output
    assert "token=" not in output
    # Playwright's own words about its driver would stand among ours.
    assert "reading from the driver" not in output


def test_a_run_whose_parts_died_leaves_nothing(killed: Project) -> None:
    assert Path(killed.root, "left.txt").read_text() == ""
    assert killed.left_behind() == []


@pytest.mark.skipif(not ADOPTS, reason="orphans are adopted on Linux only")
def test_no_daemon_outlives_a_server_that_is_killed(killed: Project) -> None:
    assert Path(killed.root, "daemons.txt").read_text() == "4"
    assert Path(killed.root, "alive.txt").read_text() == "[]"
