"""What a notebook does late or in the background: is it in the picture, and is the picture the same each time?

    python benchmarks/late_work.py [KIND ...] [--repeat 10] [--jobs 2] [--keep FOLDER]

Each kind is a small notebook that first shows `waiting`, or something red, and later `done`, or something green. It is
executed and captured so many times, each time in a kernel and a page of its own. Its picture must show what is there at
the end, and must be the same each time. What never ends must be unstable each time, and the reason must name it.

late_work.md beside this file is written when all kinds were run. The exit code is 1 if a kind is not as it should be.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
import numpy as np
from PIL import Image

from measuring import BenchmarkError, finish
from suite import machine
from widgetshot.conditions import Condition, Unrest

REPORT = Path(__file__).parent / "late_work.md"
RED, GREEN = (200, 30, 30), (30, 160, 30)
RED_CSS, GREEN_CSS = (f"rgb{colour}".replace(" ", "") for colour in (RED, GREEN))
LEAST_PIXELS = 500  # of a colour that is shown
PROJECT = """\
[project]
name = "late-work"
version = "0"

[tool.widgetshot]
notebooks = ["notebooks"]
settle_timeout = 20
"""


@dataclass(frozen=True)
class Kind:
    """One kind of late work.

    Attributes:
        does: what it does, in words.
        source: of the cell.
        shows: the text that its layout must have at last; "" for something green.
        named: the reason that must be told, of what never ends.
        files: beside the notebook, by name.
        steps: YAML, before the picture.
        settle_timeout: seconds, of what never ends.
    """

    does: str
    source: str
    shows: str = "done"
    named: Condition[Unrest] | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    steps: str = ""
    settle_timeout: int | None = None


# -- the kinds ---------------------------------------------------------------------------------------------------------

LABEL = "import ipywidgets as widgets\nlabel = widgets.Label('waiting')\n"
BUTTON = LABEL + "button = widgets.Button(description='go')\n"
DONE = "label.value = 'done'"
CLICK = "[{click: button}]"
PLAY = (
    "import ipywidgets as widgets\nplay, label = widgets.Play(max=8, interval=200{more}), widgets.Label('at 0')\n"
    "play.observe(lambda change: setattr(label, 'value', f'at {{change.new}}'), 'value')\nwidgets.VBox([play, label])"
)
BESIDE = "new URL('{name}', document.baseURI)"
FRAME = (
    f"<body style='background:{RED_CSS}'><script>"
    f"setTimeout(() => {{ document.body.style.background = '{GREEN_CSS}'; }}, 700)</script>"
)


def anywidget(script: str) -> str:
    """Return the source of a cell with a widget that first shows `waiting`; its script finds `el`, and may await."""
    return (
        "import anywidget\nclass Late(anywidget.AnyWidget):\n    _esm = r'''\n"
        f"export default {{ async render({{ el }}) {{ el.textContent = 'waiting';\n{script}\n}} }}\n'''\nLate()"
    )


def png(colour: tuple[int, int, int]) -> bytes:
    """Return a small picture of one colour."""
    data = BytesIO()
    Image.new("RGB", (80, 40), colour).save(data, "PNG")
    return data.getvalue()


KINDS = {
    "thread": Kind(
        "a thread that works for 1.5 s",
        f"{LABEL}import threading, time\ndef work():\n    time.sleep(1.5)\n    {DONE}\n"
        "threading.Thread(target=work).start()\nlabel",
    ),
    "timer": Kind(
        "`threading.Timer` of 1.5 s",
        f"{LABEL}import threading\ndef work():\n    {DONE}\nthreading.Timer(1.5, work).start()\nlabel",
    ),
    "task": Kind(
        "an asyncio task that sleeps for 1.5 s",
        f"{LABEL}import asyncio\nasync def work():\n    await asyncio.sleep(1.5)\n    {DONE}\n"
        "task = asyncio.create_task(work())\nlabel",
    ),
    "call_later": Kind(
        "`call_later` of 1.5 s on the kernel's event loop",
        f"{LABEL}import asyncio\ndef work():\n    {DONE}\nasyncio.get_running_loop().call_later(1.5, work)\nlabel",
    ),
    "executor": Kind(
        "a job of a `ThreadPoolExecutor`, whose worker stays idle afterwards",
        f"{LABEL}import concurrent.futures, time\ndef work():\n    time.sleep(1.5)\n    {DONE}\n"
        "pool = concurrent.futures.ThreadPoolExecutor(1)\npool.submit(work)\nlabel",
    ),
    "subprocess_read": Kind(
        "lines of a process that a thread reads and prints",
        "import subprocess, sys, threading\nprint('waiting')\n"
        "code = 'import time; time.sleep(1.5); print(\"done\")'\n"
        "process = subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE, text=True)\n"
        "def work():\n    for line in process.stdout:\n        print(line, end='')\n"
        "threading.Thread(target=work).start()",
    ),
    "subprocess_prints": Kind(
        "a process that prints by itself, on the kernel's standard output",
        "import subprocess, sys\nprint('waiting', flush=True)\n"
        "code = 'import time; time.sleep(1.5); print(\"done\")'\n"
        "process = subprocess.Popen([sys.executable, '-c', code])",
    ),
    "click_thread": Kind(
        "a thread that a click starts",
        f"{BUTTON}import threading, time\ndef work():\n    time.sleep(1.5)\n    {DONE}\n"
        "button.on_click(lambda _: threading.Thread(target=work).start())\nwidgets.VBox([button, label])",
        steps=CLICK,
    ),
    "click_task": Kind(
        "an asyncio task that a click starts",
        f"{BUTTON}import asyncio\nasync def work():\n    await asyncio.sleep(1.5)\n    {DONE}\n"
        "button.on_click(lambda _: asyncio.ensure_future(work()))\nwidgets.VBox([button, label])",
        steps=CLICK,
    ),
    "debounced": Kind(
        "an observer that waits for 0.8 s without another change",
        f"{LABEL}import asyncio\nfield, pending = widgets.Text('a'), []\n"
        "def work():\n    label.value = f'done with {field.value}'\n"
        "def changed(_):\n    for handle in pending:\n        handle.cancel()\n"
        "    pending.append(asyncio.get_running_loop().call_later(0.8, work))\n"
        "field.observe(changed, 'value')\nwidgets.VBox([field, label])",
        shows="done with abcd",
        steps="[{fill: {selector: input, text: abc}}, {fill: {selector: input, text: abcd}}]",
    ),
    "timeout_short": Kind(
        "`setTimeout` of 0.3 s in a widget",
        anywidget("setTimeout(() => { el.textContent = 'done'; }, 300);"),
    ),
    "timeout_long": Kind(
        "`setTimeout` of 3 s in a widget",
        anywidget("setTimeout(() => { el.textContent = 'done'; }, 3000);"),
    ),
    "timeouts_chained": Kind(
        "ten `setTimeout` of 0.2 s, each set by the one before",
        anywidget(
            "let left = 10;\nconst next = () => { left -= 1; el.textContent = left ? `waiting ${left}` : 'done';\n"
            "  if (left) setTimeout(next, 200); };\nsetTimeout(next, 200);"
        ),
    ),
    "animation_frames": Kind(
        "90 `requestAnimationFrame` that fill a canvas",
        anywidget(
            "el.innerHTML = '<canvas width=90 height=40></canvas>';\n"
            "const pen = el.firstChild.getContext('2d');\n"
            f"pen.fillStyle = '{RED_CSS}'; pen.fillRect(0, 0, 90, 40); pen.fillStyle = '{GREEN_CSS}';\n"
            "let x = 0;\nconst next = () => {\n  pen.fillRect(x, 0, 1, 40);\n  x += 1;\n"
            "  if (x < 90) requestAnimationFrame(next);\n};\n"
            "requestAnimationFrame(next);"
        ),
        shows="",
    ),
    "dynamic_import": Kind(
        "`import()` of a module beside the notebook, which itself awaits for 0.8 s",
        anywidget(f"const late = await import({BESIDE.format(name='late.js')});\nel.textContent = late.word;"),
        files={
            "late.js": b"await new Promise((ready) => setTimeout(ready, 800));\nexport const word = 'done';\n",
        },
    ),
    "frame_srcdoc": Kind(
        "a frame with `srcdoc` whose script draws after 0.7 s",
        "from IPython.display import HTML\n"
        f'HTML("""<div><iframe width="200" height="60" srcdoc="{FRAME}"></iframe></div>""")',
        shows="",
    ),
    "frame_beside": Kind(
        "a frame of a file beside the notebook whose script draws after 0.7 s",
        "from IPython.display import IFrame\nIFrame('late.html', 200, 60)",
        shows="",
        files={"late.html": f"<!DOCTYPE html>{FRAME}".encode()},
    ),
    "fetch": Kind(
        "`fetch` of a file beside the notebook",
        anywidget(
            f"const answer = await fetch({BESIDE.format(name='late.json')});\nel.textContent = await answer.json();"
        ),
        files={"late.json": b'"done"'},
    ),
    "image_late": Kind(
        "an image that gets its address after 0.7 s",
        anywidget(
            "el.innerHTML = '<img alt=\"\" width=80 height=40>';\n"
            f"setTimeout(() => {{ el.firstChild.src = {BESIDE.format(name='green.png')}; }}, 700);"
        ),
        shows="",
        files={"green.png": png(GREEN)},
    ),
    "worker": Kind(
        "the answer of a web worker, after 0.7 s",
        anywidget(
            "const code = \"setTimeout(() => postMessage('done'), 700)\";\n"
            "const worker = new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })));\n"
            "worker.onmessage = ({ data }) => { el.textContent = data; };"
        ),
    ),
    "play": Kind(
        "`Play` that ends after eight steps of 0.2 s, begun by a click",
        PLAY.format(more=""),
        shows="at 8",
        steps="[{click: 'button:has(.fa-play)'}]",
    ),
    "play_made_playing": Kind(
        "`Play(playing=True)`, which in JupyterLab, too, plays only after a click",
        PLAY.format(more=", playing=True"),
        shows="at 0",
    ),
    "thread_endless": Kind(
        "a thread that never ends",
        f"{LABEL}import threading, time\ndef poll():\n    while True: time.sleep(0.1)\n"
        "threading.Thread(target=poll, name='poll', daemon=True).start()\nlabel",
        named=Condition(Unrest.KERNEL_WORKS, {"kind": "thread", "name": "poll", "where": "poll, line 6"}),
        settle_timeout=5,
    ),
    "interval_endless": Kind(
        "`setInterval` of 0.2 s that goes on changing a widget",
        anywidget("let count = 0;\nsetInterval(() => { count += 1; el.textContent = `waiting ${count}`; }, 200);"),
        named=Condition(Unrest.ELEMENTS_CHANGING),
        settle_timeout=5,
    ),
}


# -- runs --------------------------------------------------------------------------------------------------------------


def write_project(folder: Path, names: Sequence[str]) -> None:
    """Write a project with a notebook for each kind, which has a shot `s`."""
    (folder / "notebooks").mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    for name in names:
        kind = KINDS[name]
        steps = f", steps: {kind.steps}" if kind.steps else ""
        nb = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
        if kind.settle_timeout:
            nb.metadata["widgetshot"] = {"settle_timeout": kind.settle_timeout}
        nb.cells.append(nbformat.v4.new_code_cell(f"#| shot: {{name: s{steps}}}\n{kind.source}", id="late"))
        (folder / "notebooks" / f"{name}.ipynb").write_text(nbformat.writes(nb), encoding="utf-8")
        for file, data in kind.files.items():
            (folder / "notebooks" / file).write_bytes(data)


def run(folder: Path, repeat: int, jobs: int) -> dict[str, dict[str, Any]]:
    """Run the project.

    Returns:
        The entry of each kind in run.json.

    Raises:
        BenchmarkError: there is no whole run.
    """
    command = [sys.executable, "-m", "widgetshot", "run", "--repeat", str(repeat), "--jobs", str(jobs)]
    done = subprocess.run(command, cwd=folder, env=os.environ, capture_output=True, text=True, check=False)
    try:
        found = json.loads((folder / "widgetshot-report" / "run.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise BenchmarkError(f"there is no run: {done.stderr[-2000:]}") from error
    if not found["complete"]:
        raise BenchmarkError(f"the run is not complete: {done.stderr[-2000:]}")
    return {Path(entry["notebook"]).stem: entry for entry in found["tests"]}


def pictures(entry: Mapping[str, Any], report: Path) -> list[np.ndarray]:
    """Return the pictures that a result has: one, or two where they vary; each (height, width, 3) uint8."""
    found = []
    for member in ("shot", "second"):
        if entry["pictures"][member]:
            with Image.open(report / entry["pictures"][member]["path"]) as image:
                found.append(np.asarray(image.convert("RGB")))
    return found


def shown(entry: Mapping[str, Any], report: Path) -> list[str]:
    """Return what a result's pictures show, in words: texts that are known of the first, and colours of each."""
    words: list[str] = []
    sidecar = report / "pictures" / f"{entry['key']}.shot.json"
    if sidecar.is_file():
        layout = "\n".join(json.loads(sidecar.read_text(encoding="utf-8"))["layout"])
        words += re.findall(r"text '(.*?)'", layout)
    for picture in pictures(entry, report):
        for name, colour in (("red", RED), ("green", GREEN)):
            if (np.abs(picture.astype(int) - colour).max(axis=2) <= 3).sum() >= LEAST_PIXELS:
                words.append(name)
    return words


@dataclass(frozen=True)
class Row:
    """What came of a kind.

    Attributes:
        shown: what the pictures show, in words.
        outcome: `at rest`, or what is said.
        distinct: how many different pictures there were.
        fault: what is not as it should be; "" for nothing.
    """

    name: str
    shown: str
    outcome: str
    distinct: int
    fault: str


def judged(name: str, entry: Mapping[str, Any], report: Path, repeat: int) -> Row:
    """Return what came of a kind, and what is wrong with it."""
    kind = KINDS[name]
    words = shown(entry, report)
    counts = entry["repeat"]["counts"] if entry["repeat"] else [1] * (entry["verdict"] == "new")
    steady = sum(counts)  # runs with a picture that can be trusted
    failed = f" ({repeat - steady} of {repeat})" if 0 < repeat - steady < repeat else ""
    reason = entry["error"]["message"] if entry["error"] else entry["sentence"]
    outcome = "at rest" if steady == repeat else f"{entry['verdict']}{failed}: {reason}"
    if kind.named is not None:
        fault = "" if steady == 0 and str(kind.named) in reason else f"does not say that {kind.named}"
    elif steady < repeat:
        fault = "is not captured"
    elif len(counts) > 1:
        fault = f"shows {len(counts)} different pictures"
    elif "red" in words or not any(word.endswith(kind.shows or "green") for word in words):
        fault = f"does not show {kind.shows or 'green and nothing red'}"
    else:
        fault = ""
    return Row(name, ", ".join(words), outcome, len(counts), fault)


# -- what is said ------------------------------------------------------------------------------------------------------

HEAD = """\
# Late and background work

`{command}`, {machine}.

Each kind is a notebook that was executed and captured {repeat} times. It shows `waiting` or something red at first, and
`done` or something green at last; `Play` counts.

"""


def table(rows: Sequence[Row], repeat: int) -> str:
    """Return the table of kinds as Markdown."""
    lines = [
        f"| kind | what it does | what is shown | at rest or named "
        f"| different pictures in {repeat} | as it should be |",
        "| --- | --- | --- | --- | ---: | --- |",
    ]
    for row in rows:
        outcome = row.outcome.replace("|", "\\|").replace("\n", " ")
        lines.append(
            f"| {row.name} | {KINDS[row.name].does} | {row.shown} | {outcome} | {row.distinct} "
            f"| {f'no: {row.fault}' if row.fault else 'yes'} |"
        )
    good = sum(not row.fault for row in rows)
    return "\n".join([*lines, "", f"{good} of {len(rows)} are as they should be."]) + "\n"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"all by default: {', '.join(KINDS)}")
    parser.add_argument("--repeat", type=int, default=10, help="how often each is executed and captured")
    parser.add_argument("--jobs", type=int, default=2, help="notebooks that have a page at a time")
    parser.add_argument("--keep", type=Path, help="an empty folder for the notebooks and the run folder")
    arguments = parser.parse_args()
    for name in arguments.kinds:
        if name not in KINDS:
            parser.error(f"{name} is none of {', '.join(KINDS)}")
    return arguments


def main() -> int:
    arguments = _arguments()
    names = arguments.kinds or list(KINDS)
    with nullcontext(arguments.keep) if arguments.keep else TemporaryDirectory(prefix="late-work-") as name:
        folder = Path(name).resolve()
        write_project(folder, names)
        entries = run(folder, arguments.repeat, arguments.jobs)
        rows = [judged(name, entries[name], folder / "widgetshot-report", arguments.repeat) for name in names]
    command = " ".join(["python benchmarks/late_work.py", *arguments.kinds])
    command += f" --repeat {arguments.repeat} --jobs {arguments.jobs}"
    head = HEAD.format(command=command, machine=machine(), repeat=arguments.repeat)
    text = head + table(rows, arguments.repeat)
    print(text, *(f"✗ {row.name} {row.fault}" for row in rows if row.fault), sep="\n")
    if not arguments.kinds:
        REPORT.write_text(text, encoding="utf-8")
    return 1 if any(row.fault for row in rows) else 0


if __name__ == "__main__":
    finish(main)
