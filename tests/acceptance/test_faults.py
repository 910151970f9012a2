"""What goes wrong in a notebook gets the right verdict and a message, and sinks nothing else."""

import subprocess
from typing import Any

import pytest

from projects import MARK, Project, button_cell, small_disk

QUICK = "#| widgetshot: {timeout: 4, settle_timeout: 3}\n"
CLOCK = """
import threading, time, ipywidgets as widgets
label = widgets.HTML("0")
def tick():
    n = 0
    while True:
        n += 1
        label.value = f"<b class='clock' style='display:inline-block;width:200px'>{n}</b> ticks"
        time.sleep(0.02)
threading.Thread(target=tick, daemon=True).start()
label
"""
ANYWIDGET = """
import anywidget
class Shown(anywidget.AnyWidget):
    _esm = '''export default {{ {hook} }}'''
Shown()
"""

NOTEBOOKS: dict[str, tuple[str, ...]] = {
    "good": (button_cell(),),
    "loop": ("#| widgetshot: {timeout: 1}\n#| shot: s\nwhile True: pass",),
    "killer": (QUICK + "#| shot: s\nimport os; os.kill(os.getpid(), 9)",),
    "syntax": ("#| shot: s\ndef broken(:\n    pass",),
    "raises": ("#| shot: first\nprint('shown')", "#| shot: second\n1 / 0"),
    "no_frontend": (
        "#| shot: fine\nimport ipywidgets as widgets\nwidgets.Label('fine')",
        "#| shot: absent\nimport traitlets\n"
        "class Absent(widgets.DOMWidget):\n"
        "    _model_module = traitlets.Unicode('absent-widget').tag(sync=True)\n"
        "    _view_module = traitlets.Unicode('absent-widget').tag(sync=True)\n"
        "    _model_name = traitlets.Unicode('AbsentModel').tag(sync=True)\n"
        "    _view_name = traitlets.Unicode('AbsentView').tag(sync=True)\n"
        "widgets.VBox([widgets.Label('above'), Absent()])",
    ),
    "failing_view": ("#| shot: s" + ANYWIDGET.format(hook="render() { throw new Error('view broke') }"),),
    "slow_view": (
        "#| shot: s"
        + ANYWIDGET.format(
            hook="async render({ el }) { await new Promise(done => setTimeout(done, 900));"
            " el.innerHTML = '<p style=\"background:#36c;color:#fff\">drawn late</p>'; }"
        ),
    ),
    "damaged": (button_cell("#| shot: s"),),
    "cells": (
        "#| shot: blank\nfrom IPython.display import HTML\nHTML('<div style=\"height:40px\"></div>')",
        "#| shot: blank_allowed\n#| allow_blank: true\nHTML('<div style=\"height:40px\"></div>')",
        "#| shot: nothing\nx = 1",
        "#| shot: closed\nimport ipywidgets as widgets\nw = widgets.Label('x')\ndisplay(w)\nw.close()",
        "#| shot: no_mask\n#| mask: {selector: .nowhere, reason: test}\nprint('x')",
    ),
    "clock": (QUICK + "#| shot: s" + CLOCK,),
    "capped": (
        QUICK + "#| shot: s\n#| max_settle: 0.5\n#| mask: {selector: .clock, reason: counts the ticks}" + CLOCK,
    ),
    "no_step": (
        button_cell(
            "#| shot:\n#|   - {name: before}\n#|   - name: lost\n"
            "#|     steps: [{click: {selector: .nowhere, timeout: 0.5}}]\n#|   - {name: after}"
        ),
        "#| shot: elsewhere\nprint('another cell')",
    ),
    "dies_later": (
        QUICK
        + "#| shot:\n#|   - alive\n#|   - {name: dead, steps: [{click: button}]}\n"
        + "import os, ipywidgets as widgets\nb = widgets.Button(description='end')\n"
        + "b.on_click(lambda _: os._exit(1))\nb",
    ),
    "outside": (
        "#| shot: s\nfrom IPython.display import HTML\n"
        'HTML(\'<p>text</p><img src="http://pictures.example/x.png" width=9 height=9>'
        '<script>fetch("https://api.example/data").catch(() => 0); new WebSocket("ws://203.0.113.9/live")</script>\')',
    ),
    "no_font": (
        "#| shot: cell\nfrom IPython.display import HTML\n"
        "HTML('<style>@font-face { font-family: F; src: url(https://fonts.example/f.woff2) }'\n"
        "     '@font-face { font-family: G; src: url(nowhere.woff2) }</style>'\n"
        '     \'<p style="font-family: F">text</p><p style="font-family: G">text</p>\')',
        "#| shot: widget\nimport ipywidgets\n"
        "ipywidgets.HTML('<style>@font-face { font-family: H; src: url(https://fonts.example/h.woff2) }</style>'\n"
        "                '<p style=\"font-family: H\">text</p>')",
    ),
    "boxes": (
        "#| shot: s\nimport ipywidgets\nbox = ipywidgets.Label('x')\n"
        "for _ in range(1200): box = ipywidgets.VBox([box])\nbox",
    ),
    "no_kernel": ("#| widgetshot: {kernel: cobol}\n#| shot: s\nprint(1)",),
}


SHOWING = (
    "good", "no_frontend", "slow_view", "damaged", "cells",
    "capped", "no_step", "dies_later", "outside", "no_font",
)  # fmt: skip


@pytest.fixture(scope="module")
def judged(shared_project: Project) -> Project:
    """All faulty notebooks, those that show something captured once for baselines, and all once for verdicts."""
    project = shared_project
    for name, sources in NOTEBOOKS.items():
        project.notebook(f"notebooks/{name}.ipynb", *sources)
    whole = project.notebook("notebooks/truncated.ipynb", "print(1)").read_text()
    project.write("notebooks/truncated.ipynb", whole[: len(whole) // 2])
    # Of the others there is nothing that could become a baseline.
    first = project.widgetshot("run", "--update-baselines", *(f"notebooks/{name}.ipynb" for name in SHOWING))
    assert "good.ipynb::button: baseline written" in first.stdout
    baseline = next((project.root / "baselines").rglob("damaged/s.png"))
    baseline.write_bytes(baseline.read_bytes()[:150])
    done = project.widgetshot("run")
    project.write("output.txt", done.stdout + done.stderr)
    project.write("code.txt", str(done.returncode))
    return project


def failure(project: Project, name: str) -> dict[str, Any]:
    entry = project.entry(f"notebooks/{name}")
    assert entry["verdict"] == "broken"
    assert entry["status"] == "failed"
    error: dict[str, Any] = entry["error"]
    return error


@pytest.mark.parametrize(
    "name", ["good.ipynb::button", "slow_view.ipynb::s", "capped.ipynb::s", "outside.ipynb::s", "no_font.ipynb::cell"]
)
def test_good_neighbours_are_judged(judged: Project, name: str) -> None:
    assert judged.entry(f"notebooks/{name}")["verdict"] == "match"


@pytest.mark.parametrize(
    ("name", "kind", "says", "advises"),
    [
        ("loop.ipynb::s", "NotebookError", "not finished after 1 s", "timeout"),
        ("killer.ipynb::s", "NotebookError", "the kernel died", "jupyter execute notebooks/killer.ipynb"),
        ("syntax.ipynb::s", "NotebookError", "SyntaxError", "jupyter execute notebooks/syntax.ipynb"),
        ("raises.ipynb::first", "NotebookError", "raises.ipynb::cell-1: the cell raised ZeroDivisionError", "execute"),
        (
            "boxes.ipynb::s",
            "NotebookError",
            "the cell raised RecursionError: maximum recursion depth",
            "jupyter execute",
        ),
        ("no_frontend.ipynb::absent", "CaptureError", "front end of 'absent-widget'", "pip install absent-widget"),
        ("failing_view.ipynb::s", "CaptureError", "view broke", "open the notebook"),
        ("cells.ipynb::blank", "CaptureError", "blank", "allow_blank: true"),
        ("cells.ipynb::nothing", "CaptureError", "shows nothing", "display the widget"),
        ("cells.ipynb::closed", "CaptureError", "blank", "allow_blank"),
        ("cells.ipynb::no_mask", "CaptureError", "'.nowhere' (test) matches nothing", "remove the mask"),
        ("no_step.ipynb::lost", "CaptureError", "'.nowhere' in 0.5 s", "correct the selector"),
        ("no_step.ipynb::after", "CaptureError", "an earlier step of its cell failed", ""),
        ("dies_later.ipynb::dead", "NotebookError", "the kernel died while its page was open", "jupyter execute"),
        ("no_kernel.ipynb::s", "ServerError", "kernel 'cobol' is not installed", "ipykernel install"),
        ("damaged.ipynb::s", "BaselineError", "no readable picture", "git checkout"),
    ],
)
def test_fault_is_broken_with_its_cause_and_the_next_step(
    judged: Project, name: str, kind: str, says: str, advises: str
) -> None:
    error = failure(judged, name)
    assert error["type"] == kind
    assert says in error["message"]
    assert advises in error["next"]


@pytest.mark.parametrize(
    "name", ["no_frontend.ipynb::fine", "no_step.ipynb::before", "no_step.ipynb::elsewhere", "dies_later.ipynb::alive"]
)
def test_only_the_shots_that_a_fault_touches_are_broken(judged: Project, name: str) -> None:
    assert judged.entry(f"notebooks/{name}")["verdict"] == "match"


def test_page_that_never_settles_is_unstable_with_both_pictures(judged: Project) -> None:
    entry = judged.entry("notebooks/clock.ipynb::s")
    assert entry["verdict"] == "unstable"
    pictures = entry["pictures"]
    assert pictures["shot"]["sha256"] != pictures["second"]["sha256"]
    for kind in ("shot", "second"):
        assert (judged.root / "widgetshot-report" / pictures[kind]["path"]).is_file()


def test_blank_picture_is_fine_where_declared(judged: Project) -> None:
    assert judged.entry("notebooks/cells.ipynb::blank_allowed")["verdict"] == "match"


def test_requests_to_elsewhere_are_named(judged: Project) -> None:
    blocked = judged.entry("notebooks/outside.ipynb::s")["blocked"]
    assert sorted(blocked) == ["http://pictures.example/x.png", "https://api.example/data", "ws://203.0.113.9/live"]


def test_font_that_is_not_there_is_replaced_and_named(judged: Project) -> None:
    for name in ("cell", "widget"):
        entry = judged.entry(f"notebooks/no_font.ipynb::{name}")
        assert entry["verdict"] == "match"
        assert sorted(entry["blocked"]) == ["https://fonts.example/f.woff2", "https://fonts.example/h.woff2"]
        assert any("nowhere.woff2" in line for line in entry["console"])


def test_unreadable_notebook_is_reported_and_a_damaged_baseline_is_exit_2(judged: Project) -> None:
    output = (judged.root / "output.txt").read_text()
    assert "notebooks/truncated.ipynb: not a valid notebook (truncated?)" in output
    assert "Traceback" not in output
    assert judged.entry("notebooks/truncated.ipynb::page")["verdict"] == "broken"
    assert (judged.root / "code.txt").read_text() == "2"


EXCUSED = "#| quarantine: {reason: known, until: 2999-12-31}\n"


def test_a_missing_kernel_is_exit_2_and_no_quarantine_covers_it(project: Project) -> None:
    project.notebook("notebooks/n.ipynb", f"#| widgetshot: {{kernel: cobol}}\n#| shot: s\n{EXCUSED}print(1)")
    done = project.widgetshot("run")
    assert done.returncode == 2, done.stdout
    assert "kernel 'cobol' is not installed" in done.stdout
    assert "ipykernel install" in done.stdout
    entry = project.entry("notebooks/n.ipynb::s")
    assert (entry["status"], entry["error"]["type"]) == ("failed", "ServerError")


# Ends the browser that shows it, as the system does when memory is short.
KILLER = f"""#| shot:
#|   - alive
#|   - {{name: dead, steps: [click: button]}}
#|   - after
{EXCUSED}import os, psutil, ipywidgets
button = ipywidgets.Button(description="end")
def end(_):
    open({{told!r}}, "w").close()
    for process in psutil.process_iter():
        try:
            ours = process.environ().get("{MARK}") == os.environ["{MARK}"]
            if ours and "--remote-debugging-pipe" in process.cmdline():
                process.kill()
        except psutil.Error:
            continue
button.on_click(end)
button
"""
# Keeps its page until the browser is killed.
BESIDE = "#| shot: s\nimport os, time\nwhile not os.path.exists({told!r}): time.sleep(0.05)\nprint('told')"


def test_a_browser_that_dies_is_exit_2_and_the_next_notebook_gets_another(project: Project) -> None:
    told = str(project.root.parent / f"{project.root.name}-told")
    project.notebook("notebooks/a.ipynb", KILLER.replace("{told!r}", repr(told)))
    project.notebook("notebooks/b.ipynb", BESIDE.format(told=told))
    # It is ready, and waits for a page, when the browser is killed.
    project.notebook("notebooks/c.ipynb", button_cell())
    done = project.widgetshot("run", "--update-baselines", "--jobs", "2")
    assert done.returncode == 2, done.stdout
    assert project.entry("notebooks/a.ipynb::alive")["updated"]
    for name in ("dead", "after"):
        entry = project.entry(f"notebooks/a.ipynb::{name}")
        assert (entry["verdict"], entry["status"], entry["error"]["type"]) == ("broken", "failed", "ServerError")
        assert "the browser died" in entry["sentence"]
        assert entry["error"]["next"]
    assert project.verdicts()["notebooks/b.ipynb::s"] == "broken"
    assert project.entry("notebooks/c.ipynb::button")["updated"]


def test_no_browser_is_exit_2_with_the_command_that_installs_one(project: Project) -> None:
    project.notebook("notebooks/n.ipynb", button_cell())
    (project.root / "empty").mkdir()
    nowhere = {"PATH": str(project.root / "empty"), "PLAYWRIGHT_BROWSERS_PATH": str(project.root / "empty")}
    done = project.widgetshot("run", environment=nowhere)
    assert done.returncode == 2
    assert "no chromium browser was found" in done.stderr
    assert "playwright install --with-deps chromium-headless-shell" in done.stderr
    assert "Traceback" not in done.stderr
    done = project.widgetshot("doctor", environment=nowhere)
    assert done.returncode == 2
    assert "✗ chromium" in done.stdout
    stopped = project.pytest("notebooks", environment=nowhere)
    assert stopped.returncode == 2
    assert "no chromium browser was found" in stopped.stdout


def test_full_disk_is_exit_2_and_the_verdicts_are_shown(project: Project) -> None:
    project.notebook("notebooks/n.ipynb", button_cell(), "#| shot: text\nprint('text')")
    folder = project.root / "small"
    folder.mkdir()
    with small_disk(folder, "4k"):
        done = project.widgetshot("run", "--report", str(folder))
    assert done.returncode == 2
    assert "No space left on device" in done.stdout + done.stderr
    assert "--report" in done.stdout + done.stderr
    assert "2 new" in done.stdout


Flooded = tuple[Project, "subprocess.CompletedProcess[str]", int]


@pytest.fixture(scope="module")
def flooded(judged: Project) -> Flooded:
    """A run of a notebook that prints much and of one whose baseline is damaged, and the server's memory, in kB."""
    memory = judged.root.parent / f"{judged.root.name}-memory"
    judged.notebook(
        "flood/n.ipynb",
        # So small that a picture holds what is kept: pages that are too large are tested in test_large_pages.
        "#| widgetshot: {timeout: 100}\nfrom IPython.display import HTML\n"
        "HTML('<style>pre { font-size: 1px !important; line-height: 2px !important }</style>')",
        "#| shot: flood\nfor number in range(20_000): print('line', number, 'x' * 790)\nprint('the last line')",
        "import psutil\n"
        "server = next(p for p in psutil.Process().parents() if 'jupyter_server' in str(p.cmdline()))\n"
        "(peak,) = [line for line in open(f'/proc/{server.pid}/status') if line.startswith('VmHWM')]\n"
        f"open({str(memory)!r}, 'w').write(peak.split()[1])",
        "#| shot: after\nimport ipywidgets\nipywidgets.Label('fine')",
        "#| shot: frame\nout = ipywidgets.Output()\n"
        "display(ipywidgets.Box([out], layout={'height': '90px', 'overflow': 'hidden'}))\n"
        "with out:\n    for number in range(12_000): print('line', number, 'y' * 50)",
    )
    done = judged.widgetshot("run", "--update-baselines", "--report", "other", "flood", "notebooks/damaged.ipynb")
    return judged, done, int(memory.read_text())


def test_damaged_baseline_is_taken_anew_under_update(flooded: Flooded) -> None:
    _, done, _ = flooded
    assert done.returncode == 0, done.stdout
    assert "damaged.ipynb::s: baseline written" in done.stdout


def test_flood_of_text_is_cut_and_told_and_bounds_the_memory(flooded: Flooded) -> None:
    project, done, memory = flooded
    assert "do not end" not in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    entries = {
        entry["name"]: entry for entry in project.report("other")["tests"] if entry["notebook"].startswith("flood")
    }
    told = [
        line for line in entries["flood/n.ipynb::flood"]["console"] if "the notebook printed more than is shown" in line
    ]
    assert len(told) == 2
    assert [entry["verdict"] for entry in entries.values()] == ["new"] * 3
    # 16 MB of text, all of which may wait to be read where the server is slow; one that hands it on holds several more
    # copies. It takes 60 MB itself.
    assert memory < 110_000  # kB
