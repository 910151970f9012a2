"""The live page: what a step does reaches the kernel, and what is not to be trusted does not pass."""

import json
import sys
from typing import Any

import pytest

from projects import Project
from widgetshot.report.reader import read_run
from widgetshot.report.trace_file import read_trace

WIDGETS = "import ipywidgets as widgets\n"
ANYWIDGET = """
import anywidget
class Shown(anywidget.AnyWidget):
    _esm = '''export default {{ async {hook} }}'''
Shown()
"""
LATE = ANYWIDGET.format(
    hook="initialize() { await new Promise(done => setTimeout(done, 1500)) },"
    " render({ el }) { el.innerHTML = '<p style=\"background:#36c;color:#fff\">late</p>' }"
)
# What can be seen has a word of its own for each way to be seen; what can't be seen says so.
SEEN = """#| shot: s
from IPython.display import HTML
HTML('''
<style>
  .read-aloud { position: absolute; width: 1px; height: 1px; overflow: hidden; clip: rect(0, 0, 0, 0) }
</style>
<div id=host><b slot=word>slotted</b><b>unseen</b></div>
<script>
  document.getElementById("host").attachShadow({ mode: "open" }).innerHTML =
    "<p>shadow</p><button>inside</button><slot name=word></slot><slot name=none><i>fallback</i></slot>";
</script>
<p class=read-aloud>unseen</p>
<p style="clip-path: inset(50%)">unseen</p>
<p style="position: absolute; left: -999px">unseen</p>
<div style="height: 30px; overflow: auto; position: relative"><p>first</p><p style="margin-top: 90px">unseen</p></div>
<div style="height: 0; overflow: hidden"><p>unseen</p><p style="position: absolute; top: 5px">escaped</p></div>
<div style="transform: scale(2); transform-origin: 0 0; width: 99px; height: 60px">
  <div style="width: 40px; height: 20px; overflow: hidden"><p style="margin: 0 0 0 22px">scaled</p></div>
</div>
''')
"""

LISTENER = """
import anywidget, traitlets
class Listener(anywidget.AnyWidget):
    word = traitlets.Unicode('before').tag(sync=True)
    heard = traitlets.Unicode().tag(sync=True)
    _esm = '''export default {
        async initialize() { await new Promise(done => setTimeout(done, 2500)) },
        render({ model, el }) {
            const say = () => { el.textContent = model.get("word"); model.set("heard", el.textContent) };
            model.on("change:word", say);
            say();
        },
    }'''
"""

# Rounded corners and what shines through, in a card that grows piece by piece.
CARD = """
STYLE = '''<style>
.card { border: 1px solid #999; border-radius: 10px; overflow: hidden; width: 100%; box-sizing: border-box }
.card .grid { display: grid; grid-template-columns: 1fr 1fr; overflow: visible }
.card button { opacity: .6; border-radius: 5px }
</style>'''
def rows(step):
    return [widgets.Box([widgets.Button(description=f"{k}", button_style="primary", disabled=k < step),
                         widgets.IntProgress(value=k, max=4)]).add_class("grid") for k in range(step + 1)]
def card(step):
    return widgets.VBox([widgets.HTML(STYLE), *rows(step)]).add_class("card")
"""
STEPPED = """#| shot:
#|   name: s
#|   steps:
#|     - click: {selector: .next, page: true}
#|     - click: {selector: .next, page: true}
#|     - click: {selector: .next, page: true}
shown, step = card(0), [0]
shown
"""
NEXT = """
def on(_):
    step[0] += 1
    for row in shown.children[1:]: row.children[0].disabled = True
    shown.children = [*shown.children, rows(step[0])[-1]]
again = widgets.Button(description="next").add_class("next")
again.on_click(on)
again
"""
CLICKED = (
    "#| shot: {name: s, steps: [click: button, wait: clicked]}\n"
    + WIDGETS
    + "b, told = widgets.Button(description='x'), widgets.Label('before')\n"
    "b.on_click(lambda _: setattr(told, 'value', 'clicked'))\nwidgets.VBox([b, told])"
)

NOTEBOOKS: dict[str, tuple[str, ...]] = {
    "upload": (
        "#| shot:\n#|   name: s\n#|   steps:\n#|     - upload: {selector: .up, file: data.csv}\n#|     - wait: '5 bytes'\n"  # noqa: E501
        + WIDGETS
        + "up, told = widgets.FileUpload(), widgets.Label()\nup.add_class('up')\n"
        "up.observe(lambda c: setattr(told, 'value', f'{len(up.value[0].content)} bytes'), 'value')\nwidgets.VBox([up, told])",  # noqa: E501
    ),
    "upload_absent": (
        "#| shot:\n#|   name: s\n#|   steps: [upload: {selector: .up, file: gone.csv}]\n"
        + WIDGETS
        + "up = widgets.FileUpload()\nup.add_class('up')\nup",
    ),
    "inputs": (
        "#| shot:\n#|   name: s\n#|   steps:\n"
        "#|     - fill: {selector: .name input, text: Ada}\n#|     - press: {selector: .name input, key: Enter}\n"
        "#|     - fill: {selector: .number input, text: 7}\n#|     - fill: {selector: textarea, text: long text}\n"
        "#|     - select: {selector: select, option: two}\n"
        "#|     - drag: {selector: .range .noUi-handle-upper, to: 0.9}\n#|     - drag: {selector: .tall, to: 0.75}\n"
        "#|     - wait: \"Ada 7 'long text' 2 (20, 90) 75\"\n"
        + WIDGETS
        + "parts = [widgets.Text().add_class('name'), widgets.IntText().add_class('number'), widgets.Textarea(),\n"
        "         widgets.Dropdown(options={'one': 1, 'two': 2}), widgets.IntRangeSlider(value=(20, 40)).add_class('range'),\n"  # noqa: E501
        "         widgets.IntSlider(orientation='vertical', step=25).add_class('tall')]\n"
        "told = widgets.Label()\n"
        "def tell(change):\n"
        "    a, b, c, d, e, f = [part.value for part in parts]\n"
        "    told.value = f'{a} {b} {c!r} {d} {e} {f}'\n"
        "for part in parts: part.observe(tell, 'value')\n"
        "widgets.VBox([*parts, told])",
    ),
    "callback": (
        "#| shot:\n#|   - before\n#|   - {name: after, steps: [click: button]}\n"
        + WIDGETS
        + "b = widgets.Button(description='x')\nb.on_click(lambda _: 1 / 0)\nb",
    ),
    "callback_awaited": (
        "#| shot: {name: s, steps: [click: button, wait: {text: done, timeout: 1}]}\n"
        + WIDGETS
        + "b = widgets.Button(description='x')\nb.on_click(lambda _: 1 / 0)\nb",
    ),
    "callback_shown": (
        "#| shot:\n#|   name: s\n#|   steps: [click: button, wait: ZeroDivisionError]\n"
        + WIDGETS
        + "b, out = widgets.Button(description='x'), widgets.Output()\n@out.capture()\ndef fail(_): 1 / 0\n"
        "b.on_click(fail)\nwidgets.VBox([b, out])",
    ),
    "slow": (
        "#| shot:\n#|   name: s\n#|   steps: [click: button]\n"
        + WIDGETS
        + "import threading, time\nb, told = widgets.Button(description='x'), widgets.Label('waiting')\n"
        "def work(_):\n    time.sleep(1)\n"
        "    told.value = 'worked, %d subshells' % sum('subshell' in t.name for t in threading.enumerate())\n"
        "b.on_click(work)\nwidgets.VBox([b, told])",
    ),
    "late": ("#| shot: s" + LATE,),
    "late_listener": (
        "#| widgetshot: {settle_timeout: 20}\n#| shot:\n#|   name: s\n#|   steps: [click: .go]\n"
        + WIDGETS
        + LISTENER
        + "told, go = Listener(), widgets.Button(description='go').add_class('go')\n"
        "go.on_click(lambda _: setattr(told, 'word', 'after'))\nwidgets.VBox([go, told])",
    ),
    "late_capped": ("#| shot: s\n#| max_settle: 0.3" + LATE,),
    "wide": (
        "#| shot: s\nfrom IPython.display import HTML\n"
        'HTML(\'<div style="width:1600px;height:30px"><div style="margin-left:1100px;background:red">far</div></div>\')',  # noqa: E501
    ),
    "images": (
        "#| shot: there\nfrom IPython.display import HTML\nHTML('<img src=\"dot.svg\"><p>text</p>')",
        "#| shot: gone\nHTML('<img src=\"gone.png\"><p>text</p>')",
    ),
    "writes": ("#| shot: s\nfrom pathlib import Path\nPath('folder/in.txt').write_text('written')\nprint('ok')",),
    "endless_script": (
        "#| widgetshot: {settle_timeout: 1}\n#| shot: s\nfrom IPython.display import HTML\n"
        "HTML('<p>x</p><script>setTimeout(() => { for (;;); }, 700)</script>')",
    ),
    "no_main": (
        "#| shot: s\nfrom IPython.display import HTML\nHTML('<script>document.body.innerHTML = \"\"</script>')",
    ),
    "popup": (
        "#| shot: s\n#| capture: page\n#| mask: {selector: .pop, reason: shows the time}\nfrom IPython.display import HTML\n"  # noqa: E501
        'HTML(\'<p>x</p><script>document.body.insertAdjacentHTML("beforeend", "<p class=pop>now</p>")</script>\')',
    ),
    "alone": (
        # Shot in four variants, whose pages share a process in turns.
        "#| widgetshot: {theme: [light, dark], viewport: [{width: 960, height: 720}, {width: 600, height: 400}]}\n"
        "#| shot: s\nfrom IPython.display import HTML\n"
        "HTML('<p id=told></p><script>"
        'told.textContent = ["kept:", localStorage.seen, sessionStorage.seen, document.cookie.match(/seen/), window.opener,'  # noqa: E501
        ' window.seen, innerWidth, matchMedia("(prefers-color-scheme: dark)").matches].join(" ");'
        'localStorage.seen = sessionStorage.seen = window.seen = document.cookie = "seen=1; path=/";</script>\')',
    ),
    "ipywidgets7": (
        "#| shot: s\nfrom traitlets import Unicode\n" + WIDGETS + "class Old(widgets.Button):\n"
        "    _model_module_version = Unicode('1.5.0').tag(sync=True)\n"
        "    _view_module_version = Unicode('1.5.0').tag(sync=True)\n"
        "Old(description='of version 7', button_style='success')",
        "#| shot: {name: modules, steps: [click: .ask]}\nfrom IPython.display import HTML\n"
        'HTML(\'<button class=ask onclick="told.textContent = Object.keys(require.s.contexts._.defined).filter(name => /html/.test(name))">x</button>'  # noqa: E501
        "<p id=told></p>')",
    ),
    "seen": (SEEN,),
    "long": (
        "#| shot: s\nfrom IPython.display import HTML\nwords = [f'<b>{n}</b> ' for n in range(500)]\n"
        "colour = open('colour.txt').read()\n"
        "HTML(f\"<div style='background: {colour}'>{''.join(words)}</div>\")",
    ),
    "unsent": (
        "#| widgetshot: {settle_timeout: 3}\n#| shot: s\nfrom IPython.display import HTML\n"
        "HTML('<p>x</p><script>try { new XMLHttpRequest().send() } catch { document.body.dataset.x = 1 }</script>')",
    ),
    "inherited": (
        "#| widgetshot: {mask: {selector: .clock, reason: shows the time}}\n#| shot: with\n"
        "from IPython.display import HTML\nHTML('<p class=clock>12:00</p>')",
        "#| shot: without\nprint('no clock here')",
    ),
    "stepped": (WIDGETS + CARD, STEPPED, NEXT),
    "at_once": (WIDGETS + CARD, "#| shot: s\ncard(3)"),
}


@pytest.fixture(scope="module")
def ran(shared_project: Project) -> Project:
    project = shared_project
    for name, sources in NOTEBOOKS.items():
        project.notebook(f"notebooks/{name}.ipynb", *sources)
    project.write("notebooks/data.csv", "1,2,3")
    project.write("notebooks/colour.txt", "#eee")
    project.write(
        "notebooks/dot.svg", '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><circle r="9"/></svg>'
    )
    project.write("notebooks/folder/in.txt", "as it was")
    # A kernel that is started, not forked.
    program = "from ipykernel.kernelapp import launch_new_instance; launch_new_instance()"
    argv = [sys.executable, "-c", program, "-f", "{connection_file}"]
    project.write(
        "jupyter/kernels/plain/kernel.json", json.dumps({"argv": argv, "display_name": "P", "language": "python"})
    )
    project.environment["JUPYTER_PATH"] = str(project.root / "jupyter")
    project.notebook("notebooks/plain.ipynb", CLICKED, kernelspec={"name": "plain", "display_name": "P"})
    done = project.widgetshot("run", "--update-baselines")
    assert done.returncode == 1, done.stderr
    return project


@pytest.mark.parametrize(
    "name",
    [
        "upload::s", "inputs::s", "callback::before", "callback_shown::s", "slow::s", "late::s",
        "late_capped::s", "late_listener::s", "wide::s", "images::there", "writes::s", "popup::s",
        "inherited::with", "inherited::without",
        "seen::s", "long::s", "unsent::s", "ipywidgets7::s", "plain::s", "stepped::s", "at_once::s",
    ],
)  # fmt: skip
def test_shot_is_taken(ran: Project, name: str) -> None:
    notebook, _, shot = name.partition("::")
    entry = ran.entry(f"notebooks/{notebook}.ipynb::{shot}")
    assert entry["updated"], entry["sentence"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("upload_absent::s", "there is no file"),
        ("callback::after", "a callback raised ZeroDivisionError: division by zero"),
        ("callback_awaited::s", "for 'done' in 1 s; a callback raised ZeroDivisionError: division by zero"),
        ("images::gone", "an image did not load"),
        ("endless_script::s", "scripts do not end"),
        ("no_main::s", "could not be"),
    ],
)
def test_what_cannot_be_trusted_is_broken(ran: Project, name: str, says: str) -> None:
    notebook, _, shot = name.partition("::")
    entry = ran.entry(f"notebooks/{notebook}.ipynb::{shot}")
    assert (entry["verdict"], entry["updated"]) == ("broken", False)
    assert says in entry["error"]["message"]


def test_page_that_hangs_has_a_trace_and_no_picture(ran: Project) -> None:
    (entry,) = [entry for entry in read_run(ran.root / "widgetshot-report").tests if "endless_script" in entry.name]
    assert entry.pictures.seen is None
    assert entry.trace is not None
    trace = read_trace(ran.root / "widgetshot-report", entry.trace)
    # Nothing can be asked of such a page, not even what its cells have said.
    assert (trace.cells, trace.messages) == ([], [])
    assert trace.stages[-1].name == "settle"


def test_callback_is_waited_for_however_long_it_takes(ran: Project) -> None:
    (sidecar,) = [text for file, text in ran.files("baselines").items() if "slow" in file and file.endswith(".json")]
    # A subshell would answer the page's question while the callback is still at work elsewhere.
    assert b'"worked, 0 subshells"' in sidecar


def test_front_end_that_was_slow_to_begin_still_hears_the_kernel(ran: Project) -> None:
    (sidecar,) = [
        text for file, text in ran.files("baselines").items() if "listener" in file and file.endswith(".json")
    ]
    assert b'"heard": "after"' in sidecar


@pytest.mark.parametrize("name", ["late", "late_capped"])
def test_widget_that_draws_late_is_waited_for(ran: Project, name: str) -> None:
    assert ran.entry(f"notebooks/{name}.ipynb::s")["pictures"]["shot"]["height"] > 30


def test_what_sticks_out_of_a_cell_is_in_its_picture(ran: Project) -> None:
    assert ran.entry("notebooks/wide.ipynb::s")["pictures"]["shot"]["width"] == 1600


def sidecar(project: Project, name: str) -> dict[str, Any]:
    side: dict[str, Any] = json.loads((project.root / "baselines" / f"{project.entry(name)['key']}.json").read_text())
    return side


def test_a_layout_lists_what_can_be_seen_and_nothing_else(ran: Project) -> None:
    side = sidecar(ran, "notebooks/seen.ipynb::s")
    said = [line.partition(" '")[2].rstrip("'") for line in side["layout"]]
    assert [word for word in said if word] == ["shadow", "inside", "slotted", "fallback", "first", "escaped", "scaled"]
    assert "layout_cut" not in side


def test_of_a_long_page_only_what_was_listed_is_said_to_be_the_same(ran: Project) -> None:
    side = sidecar(ran, "notebooks/long.ipynb::s")
    assert (len(side["layout"]), side["layout_cut"]) == (400, True)
    ran.write("notebooks/colour.txt", "#ddd")
    assert ran.widgetshot("run", "notebooks/long.ipynb", "--report", "other").returncode == 1
    (entry,) = ran.report("other")["tests"]
    assert entry["verdict"] == "changed"
    assert entry["sentence"].startswith("no widget trait and none of the first boxes differs")


def test_what_one_page_keeps_no_other_one_sees(ran: Project) -> None:
    entries = [entry for entry in ran.report()["tests"] if entry["notebook"] == "notebooks/alone.ipynb"]
    assert len(entries) == 4
    for entry in entries:
        text = (ran.root / "baselines" / f"{entry['key']}.json").read_text()
        assert f"kept: {entry['viewport'][0]} {str(entry['theme'] == 'dark').lower()}'" in text


def test_widgets_of_ipywidgets_7_are_drawn_by_their_own_front_end(ran: Project) -> None:
    assert any("of version 7" in line for line in sidecar(ran, "notebooks/ipywidgets7.ipynb::s")["layout"])
    asked = sidecar(ran, "notebooks/ipywidgets7.ipynb::modules")["layout"]
    assert any("'@jupyter-widgets/html-manager'" in line for line in asked)


def test_files_beside_a_notebook_are_its_own_copies(ran: Project) -> None:
    assert (ran.root / "notebooks/folder/in.txt").read_text() == "as it was"


def test_page_of_a_kernel_that_was_started_and_not_forked_is_live_too(ran: Project) -> None:
    assert any("'clicked'" in line for line in sidecar(ran, "notebooks/plain.ipynb::s")["layout"])


def test_a_state_looks_the_same_however_it_was_reached(ran: Project) -> None:
    stepped, at_once = (ran.entry(f"notebooks/{name}.ipynb::s")["pictures"]["shot"] for name in ("stepped", "at_once"))
    assert stepped["sha256"] == at_once["sha256"]
