"""Results without a picture that can be trusted show what was there: a picture to look at, and what happened."""

import json

import nbformat
import numpy as np
import pytest
from PIL import Image

from projects import Project, button_cell
from widgetshot.errors import RecordError
from widgetshot.report.reader import read_run
from widgetshot.report.trace_file import MAX_TRACE_BYTES, TraceFile, read_trace

SECRET = "canary-of-4711-letters"
QUICK = "#| widgetshot: {timeout: 2, settle_timeout: 2}\n"
BLUE, GREY = (10, 20, 200), (128, 128, 128)
BLUE_BOX = '<div style="width:{width}px; height:{height}px; background:rgb(10,20,200)"></div>'
NOTEBOOKS: dict[str, tuple[str, ...]] = {
    "good": (button_cell("#| shot: {name: s, steps: [click: button]}"),),
    "raises": (
        "#| shot: first\nfrom IPython.display import HTML\nHTML('''" + BLUE_BOX.format(width=120, height=60) + "''')",
        "#| shot: second\n1 / 0",
    ),
    "no_step": (
        button_cell("#| shot: {name: s, steps: [{click: button}, {click: {selector: .nowhere, timeout: 0.5}}]}"),
        "print('another cell')",
    ),
    "restless": (
        QUICK + "#| shot: s\nimport threading, time, ipywidgets as widgets\nlabel = widgets.Label('0')\n"
        "def tick():\n    for n in range(10**6):\n        label.value = str(n)\n        time.sleep(0.02)\n"
        "threading.Thread(target=tick, daemon=True).start()\nlabel",
    ),
    "tall": (
        "#| shot: s\n#| mask: {selector: .nowhere, reason: test}\nfrom IPython.display import HTML\n"
        "HTML('''" + BLUE_BOX.format(width=100, height=4_000) + "''')",
    ),
    "secret": (
        "#| shot:\n#|   name: s\n#|   steps:\n#|     - fill: {selector: input, text: " + SECRET + "}\n"
        "#|     - {click: {selector: .nowhere, timeout: 0.5}}\n"
        "import ipywidgets as widgets\nwidgets.Text(layout={'width': '400px'})",
    ),
    "assembled": (
        "#| shot: s\n#| mask: {selector: .nowhere, reason: test}\nfrom IPython.display import HTML\n"
        "HTML('''<div style='height:35px'></div>"
        "<div style='width:300px; height:60px; background:rgb(10,20,200)'></div>"
        "<div id='made' style='width:300px; height:40px; overflow:hidden; background:rgb(10,20,200)'></div>"
        "<script>document.getElementById('made').textContent = ['" + SECRET[:9] + "', '" + SECRET[9:] + "'].join('')"
        "</script>''')",
    ),
    "asks": (
        "#| shot: s\nfrom IPython.display import HTML\n"
        'HTML(\'<p>x</p><script>console.error("boom"); fetch("nothing.json").catch(() => 0)</script>\')',
        "#| shot: t\nraise ValueError('no')",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def ran(shared_project: Project) -> Project:
    project = shared_project
    project.write("pyproject.toml", '[tool.widgetshot]\nsettle_timeout = 5\nsecrets = ["CANARY"]\n')
    project.environment["CANARY"] = SECRET
    for name, sources in NOTEBOOKS.items():
        project.notebook(f"notebooks/{name}.ipynb", *sources)
    done = project.widgetshot("run", "--update-baselines")
    assert "Traceback" not in done.stderr
    return project


def trace_of(project: Project, name: str, folder: str = "widgetshot-report") -> TraceFile:
    run = read_run(project.root / folder)
    (entry,) = [entry for entry in run.tests if entry.name == f"notebooks/{name}"]
    assert entry.trace is not None
    trace = read_trace(project.root / folder, entry.trace)
    assert 0 < trace.duration < 600
    for span in (*trace.cells, *trace.stages, *trace.steps, *trace.shots, *trace.requests):
        assert span.begin + (span.duration or 0) <= trace.duration + 0.001, span
    assert len(trace.messages) <= 50
    assert all(len(message.text) <= 200 for message in trace.messages)
    assert (project.root / folder / entry.trace.path).stat().st_size < MAX_TRACE_BYTES
    return trace


def seen(project: Project, name: str, folder: str = "widgetshot-report") -> np.ndarray:
    run = json.loads((project.root / folder / "run.json").read_text())
    (entry,) = [entry for entry in run["tests"] if entry["name"] == f"notebooks/{name}"]
    with Image.open(project.root / folder / entry["pictures"]["seen"]["path"]) as picture:
        return np.asarray(picture.convert("RGB"))


def count(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((np.abs(picture.astype(int) - colour).max(axis=2) <= 3).sum())


def test_page_of_a_notebook_that_raised_is_seen_by_all_of_its_targets(ran: Project) -> None:
    for name in ("raises.ipynb::first", "raises.ipynb::second"):
        entry = ran.entry(f"notebooks/{name}")
        assert (entry["verdict"], entry["pictures"]["shot"]) == ("broken", None)
        assert count(seen(ran, name), BLUE) == 120 * 60
        trace = trace_of(ran, name)
        assert [(cell.name, cell.status) for cell in trace.cells] == [("cell-0", "ok"), ("cell-1", "error")]
        assert {stage.name for stage in trace.stages} >= {"execute"}
        assert trace.counts["iopub/error"] == 1
        assert trace.counts["shell/execute_request"] == 2
        assert any(one.name == "iopub/error" and "ZeroDivisionError" in one.text for one in trace.messages)


def test_cell_is_seen_whose_step_found_nothing(ran: Project) -> None:
    picture = seen(ran, "no_step.ipynb::s")
    assert picture.shape[0] < 120
    trace = trace_of(ran, "no_step.ipynb::s")
    assert [step.name for step in trace.steps] == [
        "step 1: click selector='button'", "step 2: click selector='.nowhere', timeout=0.5",
    ]  # fmt: skip
    assert [step.status for step in trace.steps] == ["", "failed"]
    assert (trace.steps[1].duration or 0) >= 0.5
    assert trace.counts["shell/comm_msg"] >= 1
    assert trace.counts["iopub/comm_msg"] >= 1
    assert any('"value":"ran"' in one.text for one in trace.messages)


def test_unstable_result_has_its_two_pictures_and_a_trace(ran: Project) -> None:
    entry = ran.entry("notebooks/restless.ipynb::s")
    assert entry["verdict"] == "unstable"
    assert {kind for kind, picture in entry["pictures"].items() if picture} >= {"shot", "second"}
    assert entry["pictures"]["seen"] is None
    # Although the run was to write baselines.
    assert not list((ran.root / "baselines").rglob("restless/*"))
    trace = trace_of(ran, "restless.ipynb::s")
    assert trace.counts["iopub/comm_msg"] > 50
    assert len(trace.messages) == 50
    assert [one.at for one in trace.messages] == sorted(one.at for one in trace.messages)


def test_what_is_seen_of_a_tall_cell_is_bounded(ran: Project) -> None:
    assert ran.entry("notebooks/tall.ipynb::s")["verdict"] == "broken"
    assert seen(ran, "tall.ipynb::s").shape[0] == 3000


def test_secret_that_was_typed_is_in_no_picture_and_no_trace(ran: Project) -> None:
    assert ran.entry("notebooks/secret.ipynb::s")["verdict"] == "broken"
    trace = trace_of(ran, "secret.ipynb::s")
    assert trace.steps[0].name == "step 1: fill selector='input', text='***'"
    assert any(one.name == "shell/comm_msg" and '"value":"***"' in one.text for one in trace.messages)
    assert not [path for path, data in ran.files("widgetshot-report").items() if SECRET.encode() in data]


def test_secret_that_the_page_has_put_together_is_painted_over(ran: Project) -> None:
    assert ran.entry("notebooks/assembled.ipynb::s")["verdict"] == "broken"
    picture = seen(ran, "assembled.ipynb::s")
    assert (count(picture, GREY), count(picture, BLUE)) == (300 * 40, 300 * 60)


def test_trace_has_the_requests_and_the_errors_of_the_page(ran: Project) -> None:
    trace = trace_of(ran, "asks.ipynb::t")
    assert "boom" in "".join(one.text for one in trace.console)
    assert [one for one in trace.requests if one.name.startswith("GET http://") and "nothing.json" in one.name]
    assert "token=***" in "".join(one.name for one in trace.requests) or not [
        one for one in trace.requests if "token=" in one.name
    ]


def test_results_that_passed_keep_nothing_more(ran: Project) -> None:
    entry = ran.entry("notebooks/good.ipynb::s")
    assert (entry["status"], entry["trace"], entry["pictures"]["seen"]) == ("passed", None, None)
    assert not (ran.root / "widgetshot-report/server.log").exists()


def test_nothing_that_was_only_seen_can_be_approved(ran: Project) -> None:
    key = ran.entry("notebooks/no_step.ipynb::s")["key"]
    before = ran.files("baselines")
    done = ran.widgetshot("approve", key)
    assert done.returncode != 0
    assert "there is no picture of it that can be trusted" in done.stderr
    assert ran.files("baselines") == before


def test_merged_run_has_what_was_there(ran: Project) -> None:
    done = ran.widgetshot("merge", "widgetshot-report", "-o", "merged")
    assert done.returncode in (0, 1), done.stderr
    assert count(seen(ran, "raises.ipynb::first", "merged"), BLUE) == 120 * 60
    assert trace_of(ran, "raises.ipynb::first", "merged") == trace_of(ran, "raises.ipynb::first")


def test_trace_of_another_run_is_refused(ran: Project) -> None:
    run = read_run(ran.root / "merged")
    entry = next(entry for entry in run.tests if entry.trace is not None)
    assert entry.trace is not None
    (ran.root / "merged" / entry.trace.path).write_text("{}")
    with pytest.raises(RecordError, match="is not the file that this run recorded"):
        read_trace(ran.root / "merged", entry.trace)


@pytest.fixture(scope="module")
def kept(ran: Project) -> Project:
    """The same project after a run that keeps all it can of what passed, by either door."""
    # Of a notebook of text alone, too.
    text = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Text", id="cell-0")])
    ran.write("notebooks/text.ipynb", nbformat.writes(text))
    words = ("run", "--debug", "--report", "debug-run", "--update-baselines=missing")
    done = ran.widgetshot(*words, "notebooks/good.ipynb", "notebooks/text.ipynb")
    assert done.returncode == 0, done.stdout + done.stderr
    done = ran.pytest("--widgetshot-debug", "--widgetshot-report", "debug-pytest", "notebooks/good.ipynb")
    assert done.returncode == 0, done.stdout + done.stderr
    return ran


@pytest.mark.parametrize("report", ["debug-run", "debug-pytest"])
def test_debug_keeps_it_of_all_results_and_the_log_of_the_server(kept: Project, report: str) -> None:
    (entry,) = [entry for entry in kept.report(report)["tests"] if entry["notebook"] == "notebooks/good.ipynb"]
    assert entry["verdict"] == "match"
    assert seen(kept, "good.ipynb::s", report).size
    trace = trace_of(kept, "good.ipynb::s", report)
    assert [shot.name for shot in trace.shots] == ["s"]
    assert (kept.root / report / "server.log").is_file()


def test_kernel_that_has_executed_nothing_is_asked_nothing(kept: Project) -> None:
    # It would not answer yet, and the page would wait for its answer.
    trace = trace_of(kept, "text.ipynb::page", "debug-run")
    assert trace.counts == {"shell/kernel_info_request": 1, "shell/kernel_info_reply": 1, "iopub/status": 2}


@pytest.fixture(scope="module")
def repeated(ran: Project) -> Project:
    """The same project after pytest has run a notebook that varies, one that doesn't, and a Python test."""
    ran.notebook("notebooks/varies.ipynb", "#| shot: s\nimport uuid\nprint(uuid.uuid4())")
    ran.write(
        "tests/test_check.py",
        "def test_lost(widgetshot):\n    widgetshot.open('notebooks/good.ipynb')\n"
        "    widgetshot.check('lost', cell='cell-0', mask=[{'selector': '.nowhere', 'reason': 'test'}])\n",
    )
    words = ("--widgetshot-repeat=2", "--widgetshot-report", "repeated")
    done = ran.pytest(*words, "notebooks/varies.ipynb", "notebooks/good.ipynb", "tests/test_check.py")
    assert done.returncode == 1, done.stdout + done.stderr
    return ran


def test_python_test_keeps_what_was_there(repeated: Project) -> None:
    (entry,) = [entry for entry in read_run(repeated.root / "repeated").tests if "test_check.py" in entry.name]
    assert (entry.verdict, entry.pictures.shot) == ("broken", None)
    assert entry.pictures.seen is not None
    assert entry.pictures.seen.height < 120
    assert entry.trace is not None
    trace = read_trace(repeated.root / "repeated", entry.trace)
    assert [(cell.name, cell.status) for cell in trace.cells] == [("cell-0", "ok")]


def test_result_that_varies_between_runs_has_a_trace(repeated: Project) -> None:
    entries = [entry for entry in repeated.report("repeated")["tests"] if entry["name"].startswith("notebooks/")]
    verdicts = {entry["name"]: (entry["verdict"], entry["trace"] is None) for entry in entries}
    assert verdicts == {"notebooks/varies.ipynb::s": ("unstable", False), "notebooks/good.ipynb::s": ("match", True)}
    assert [cell.status for cell in trace_of(repeated, "varies.ipynb::s", "repeated").cells] == ["ok"]
