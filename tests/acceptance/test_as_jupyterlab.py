"""A page shows what JupyterLab shows: small notebooks of what is easily shown otherwise, each with the right value.

Each has a shot `s`, but for what needs no notebook of its own: of that, each cell of one notebook has a shot. What is
shown is looked up in the layout beside its picture, or in its pixels.
"""

import json
import sys
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from builders import cell, notebook_json
from projects import Project

WIDGETS = "import ipywidgets as widgets\n"
SHOT = "#| shot: s\n"
CLICK = "#| shot: {name: s, steps: [click: button]}\n"
WHITE = (255, 255, 255)
FIRST, SECOND = (200, 30, 30), (30, 160, 30)  # the frames of a picture that moves
ANYWIDGET = "import anywidget\nclass W(anywidget.AnyWidget):\n    _esm = '''{esm}'''\nW()"
# A bash kernel that writes down what it is asked to execute.
KERNEL = """from bash_kernel.kernel import BashKernel
from ipykernel.kernelapp import IPKernelApp

class Kernel(BashKernel):
    def do_execute(self, code, silent, store_history=True, user_expressions=None, allow_stdin=False):
        with open({log!r}, "a") as log:
            log.write(code + "\\n---\\n")
        return super().do_execute(code, silent, store_history, user_expressions, allow_stdin)

IPKernelApp.launch_instance(kernel_class=Kernel)
"""
# The kernel is told something when it is drawn, and when its button is clicked; both callbacks raise.
DRAWN = """import anywidget
class Drawn(anywidget.AnyWidget):
    _esm = "export default { render({ model, el }) { el.innerHTML = '<p>drawn</p>'; model.send('drawn'); } }"
widget, button = Drawn(), widgets.Button(description='go')
widget.on_msg(lambda *_: {}['as it is drawn'])
button.on_click(lambda _: {}['when it is clicked'])
widgets.VBox([widget, button])
"""
# What Panel displays, with the least of it: a bundle that names its plot, whose script asks for that plot's kernel.
PLOT = """from IPython import get_ipython
from IPython.display import HTML, display
EXEC = 'application/vnd.holoviews_exec.v0+json'
def opened(comm, _):
    comm.on_msg(lambda msg: comm.send({'word': msg['content']['data']['word'] + ' heard'}))
get_ipython().kernel.comm_manager.register_target('plot-target', opened)
display(HTML('<script>window.PyViz = { comms: {}, kernels: {} }</script>'))
script = '''document.querySelector('.ask').onclick = () => {
  const comm = PyViz.kernels['plot-1'].connectToComm('plot-target');
  comm.onMsg = ({ content }) => { document.querySelector('.told').textContent = content.data.word; };
  if (comm.active) comm.open();
  comm.send({ word: 'click' });
};'''
html = f'<button class=ask>go</button><p class=told>idle</p><script>{script}</script>'
display({'text/html': html, EXEC: ''}, metadata={EXEC: {'id': 'plot-1'}}, raw=True)
"""
BASH = ("n=0; for x in a b c; do n=$((n + 1)); done", SHOT + 'echo "counted $n"')
# What the browser draws by itself, and what follows the theme by a script.
THEMED = """#| shot: s
#| theme: [light, dark]
from IPython.display import HTML, display
display(HTML('<textarea style="width:200px; height:50px"></textarea>'
             '<iframe srcdoc="" style="width:100px; height:50px; border:0"></iframe>'))
display({'text/vnd.mermaid': 'flowchart LR\\n A[a long name of it] --> B[another name]'}, raw=True)
"""
SCENE = """import pythreejs as three
box = three.Mesh(three.BoxGeometry(2, 2, 2), three.MeshBasicMaterial(color="rgb(200, 30, 30)"))
camera = three.PerspectiveCamera(position=[0, 0, 6])
camera.lookAt([0, 0, 0])
three.Renderer(camera=camera, scene=three.Scene(children=[box, camera]), width=300, height=200)
"""
# Images, of which only the first is near what is shown of the page at once.
LAZY = 12
# What has a notebook of its own beside those of SHOWN.
OWN = (
    "lazy", "prints", "tiles", "raises_as_it_is_drawn", "raises_when_clicked", "other_kernel", "bash", "three",
    "themed", "endless", "server",
)  # fmt: skip
# A prebuilt extension that draws a type of its own, with the notebook's kernel: as jupyter_bokeh does it.
EXTENSION = """
let shared;
const TYPE = "application/vnd.beside+json";
const plugin = (Widget) => ({
  id: "beside:plugin",
  autoStart: true,
  requires: [{ name: "jupyter.extensions.jupyterWidgetRegistry" }],
  activate: (app) => app.docRegistry.addWidgetExtension("Notebook", {
    createNew(panel, { sessionContext }) {
      class Rendered extends Widget {
        async renderModel({ data }) {
          const { content } = await sessionContext.session.kernel.requestKernelInfo();
          this.node.textContent = `${data[TYPE].word} with ${content.implementation}`;
        }
      }
      panel.content.rendermime.addFactory({ safe: false, mimeTypes: [TYPE], createRenderer: () => new Rendered() }, 0);
    },
  }),
});
(window._JUPYTERLAB ??= {}).beside = {
  init(scope) { shared = scope; },
  async get() {
    const { Widget } = (await Object.values(shared["@lumino/widgets"])[0].get())();
    return () => ({ default: plugin(Widget) });
  },
};
"""


def named(name: str, source: str) -> str:
    """A cell with another name for its shot."""
    first, line, rest = source.partition("\n")
    return first.replace("shot: s", f"shot: {name}").replace("name: s", f"name: {name}") + line + rest


def moving_picture() -> bytes:
    data = BytesIO()
    frames = [Image.new("RGB", (60, 40), colour) for colour in (FIRST, SECOND)]
    frames[0].save(data, "GIF", save_all=True, append_images=frames[1:], duration=40, loop=0)
    return data.getvalue()


# Whole pixels or not, in what is above a cell with letters, borders and corners.
ABOVE = {"below_whole_pixels": 10, "below_a_fraction": 10.3, "below_half_a_pixel": 20.5}
BELOW = (
    WIDGETS + "widgets.VBox([widgets.Dropdown(options=['one'], description='list'), widgets.Button(description='go')])"
)

# Name -> source, and what the layout must have.
SHOWN = {
    "plot_that_asks_its_kernel": (CLICK + PLOT, "text 'click heard'"),
    "task_of_a_click": (
        CLICK + WIDGETS + "import asyncio\nb, label = widgets.Button(description='go'), widgets.Label('idle')\n"
        "async def work():\n    await asyncio.sleep(1)\n    label.value = 'done'\n"
        "b.on_click(lambda _: asyncio.ensure_future(work()))\nwidgets.VBox([b, label])",
        "text 'done'",
    ),
    "thread_of_a_click": (
        CLICK + WIDGETS + "import threading, time\nb, label = widgets.Button(description='go'), widgets.Label('idle')\n"
        "def work():\n    time.sleep(1)\n    label.value = 'done'\n"
        "b.on_click(lambda _: threading.Thread(target=work).start())\nwidgets.VBox([b, label])",
        "text 'done'",
    ),
    "timer_of_the_kernel": (
        SHOT + WIDGETS + "import threading\nlabel = widgets.Label('idle')\n"
        "threading.Timer(1, lambda: setattr(label, 'value', 'done')).start()\nlabel",
        "text 'done'",
    ),
    "callback_of_the_loop": (
        SHOT + WIDGETS + "import asyncio\nlabel = widgets.Label('idle')\n"
        "asyncio.get_running_loop().call_later(1, lambda: setattr(label, 'value', 'done'))\nlabel",
        "text 'done'",
    ),
    "module_that_is_loaded_late": (
        SHOT
        + ANYWIDGET.format(
            esm="export default { async render({ el }) { el.innerHTML = '<p>loading</p>';"
            " const { word } = await import('data:text/javascript,await new Promise(done => setTimeout(done, 400));"
            ' export const word = "loaded"\'); el.innerHTML = `<p>${word}</p>`; } }'
        ),
        "text 'loaded'",
    ),
    "prints_of_a_thread": (
        SHOT + "import threading, time\ndef tick():\n    for n in range(4):\n        time.sleep(0.3)\n"
        "        print('tick', n, flush=True)\nthreading.Thread(target=tick).start()",
        "text 'tick 0 tick 1 tick 2 tick 3'",
    ),
    "prints_of_a_process": (
        SHOT + "import subprocess\nprocess = subprocess.Popen('sleep 1; echo from a process', shell=True)",
        "text 'from a process'",
    ),
    "process_that_prints_elsewhere": (
        SHOT + "import subprocess\n"
        "server = subprocess.Popen(['sleep', '300'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "print('on')",
        "text 'on'",
    ),
    "vega_lite": (
        SHOT + "from IPython.display import display\ndisplay({'application/vnd.vegalite.v5+json': {'mark': 'bar', "
        "'data': {'values': [{'a': 'A', 'b': 28}, {'a': 'B', 'b': 55}]}, "
        "'encoding': {'x': {'field': 'a'}, 'y': {'field': 'b', 'type': 'quantitative'}}}}, raw=True)",
        "drawing",
    ),
    "json": (SHOT + "from IPython.display import JSON\nJSON({'name': 'tree'}, expanded=True)", "text '\"tree\"'"),
    "code_in_markdown": (
        SHOT + "from IPython.display import Markdown\nMarkdown('```python\\ndef f(): return 1\\n```')",
        "text 'def'",
    ),
    "mathematics": (SHOT + "from IPython.display import Math\nMath(r'\\frac{a}{b}')", "formula 'ab'"),
    "timer_of_the_page": (
        SHOT
        + ANYWIDGET.format(
            esm="export default { render({ el }) { el.innerHTML = '<p>first</p>';"
            " setTimeout(() => { el.innerHTML = '<p>second</p>'; }, 1500); } }"
        ),
        "text 'second'",
    ),
    "frame_that_draws_late": (
        SHOT + "from IPython.display import HTML\nHTML('<p>framed</p><iframe srcdoc=\"<p>load</p><script>"
        "setTimeout(() => { document.body.innerHTML = 1 }, 300)</script>\"></iframe>')",
        "text 'framed'",
    ),
    "type_of_an_extension_for_notebooks": (
        SHOT + "from IPython.display import display\n"
        "display({'application/vnd.beside+json': {'word': 'drawn'}, 'text/plain': 'stands in'}, raw=True)",
        "text 'drawn with ipython'",
    ),
}
# Likewise, without anything to wait for, or to do to others: cells of one notebook.
STILL = {
    "shadow_root": (
        SHOT
        + ANYWIDGET.format(
            esm="export default { render({ el }) {"
            " el.attachShadow({ mode: 'open' }).innerHTML = '<p>in the shadow</p>'; } }"
        ),
        "text 'in the shadow'",
    ),
    "interactive_output": (
        SHOT
        + WIDGETS
        + "a, b = widgets.IntSlider(3, description='first'), widgets.IntSlider(4, description='second')\n"
        "out = widgets.interactive_output(lambda a, b: print('product', a * b), {'a': a, 'b': b})\n"
        "widgets.HBox([widgets.VBox([a, b]), out])",
        "text 'product 12'",
    ),
    "update_of_a_display": (
        CLICK + WIDGETS + "from IPython.display import display, update_display\n"
        "display('idle', display_id='x')\nb = widgets.Button(description='go')\n"
        "b.on_click(lambda _: update_display('done', display_id='x'))\nb",
        "text ''done''",
    ),
    "update_through_a_handle": (
        SHOT + WIDGETS + "from IPython.display import display\nslider = widgets.IntSlider(3)\n"
        "handle = display('at 3', display_id=True)\n"
        "slider.observe(lambda change: handle.update(f'at {change.new}'), 'value')\ndisplay(slider)\nslider.value = 7",
        "text ''at 7''",
    ),
    "closed_widget": (
        SHOT + WIDGETS + "from IPython.display import display\nprint('before')\nw = widgets.IntText()\ndisplay(w)\n"
        "w.close()\nprint('after')",
        "text 'before'",
    ),
    "template_of_a_layout": (
        SHOT + WIDGETS + "widgets.TwoByTwoLayout(top_left=widgets.Button(description='left'), "
        "bottom_right=widgets.Button(description='right'))",
        "button 'right'",
    ),
}
BROKEN = {
    "widget_that_never_was": (
        SHOT + "from IPython.display import display\n"
        "display({'application/vnd.jupyter.widget-view+json': {'model_id': 'none', 'version_major': 2,"
        " 'version_minor': 0}}, raw=True)",
        "the kernel knows no widget none",
    ),
    "module_beside_that_is_not_there": (
        SHOT + ANYWIDGET.format(esm="import square from './square.js'; export default { render() {} }"),
        "./square.js",
    ),
    "type_without_a_renderer": (
        SHOT + "from IPython.display import display\n"
        "display({'application/vnd.nobody.v1+json': {}, 'text/plain': 'stands in'}, raw=True)",
        "nothing that is installed draws 'application/vnd.nobody.v1+json'",
    ),
    "pdf": (
        SHOT + "from IPython.display import display\n"
        "display({'application/pdf': 'JVBERi0xLjEKJSVFT0YK', 'text/plain': 'stands in'}, raw=True)",
        "nothing that is installed draws 'application/pdf'",
    ),
    "module_that_can_not_be_run": (
        SHOT
        + ANYWIDGET.format(esm="throw new Error('twice'); export default { render() {} }").replace(
            "\nW()", "\nw = W()\nw.tooltip = 'a change of state, which waits for the module'\nw"
        ),
        "the front end 'anywidget' failed: twice",
    ),
    "script_from_elsewhere": (
        SHOT + "from IPython.display import HTML\n"
        "HTML('<div>chart</div><script src=\"https://cdn.example/npm/vega@6\"></script>')",
        "it asks for a script from elsewhere, which no page gets: https://cdn.example/npm/vega@6",
    ),
}


@pytest.fixture(scope="module")
def ran(shared_project: Project) -> Project:
    project = shared_project
    for name, (source, _) in SHOWN.items():
        project.notebook(f"notebooks/{name}.ipynb", source)
    good = "#| shot: good\n" + WIDGETS + "widgets.Label('good')"
    project.notebook("notebooks/broken.ipynb", good, *(named(name, source) for name, (source, _) in BROKEN.items()))
    (project.root / "notebooks/a.gif").write_bytes(moving_picture())
    cells = [named(name, source) for name, (source, _) in STILL.items()]
    cells += [
        '#| shot: gif\nfrom IPython.display import HTML\nHTML(\'<img alt="" src="a.gif">\')',
        "#| shot: image\nfrom IPython.display import Image\nImage('a.gif')",
        "import ipycanvas\nc = ipycanvas.Canvas(width=100, height=50)\nc.fill_style = 'rgb(200, 30, 30)'\n"
        "c.fill_rect(0, 0, 50, 50)",
        "#| shot: canvas\nc",
        "c.fill_style = 'rgb(30, 160, 30)'\nc.fill_polygon([(50, 0), (100, 0), (100, 50), (50, 50)])",
    ]
    for name, height in ABOVE.items():
        cells.append(f"from IPython.display import HTML\nHTML('<div style=\"height:{height}px\"></div>')")
        cells.append(f"#| shot: {name}\n{BELOW}")
    project.notebook("notebooks/still.ipynb", *cells)
    lazy = "".join(
        f'<div style="height:700px"></div><img alt="{n}" loading="lazy" width="60" height="40" src="a.gif">'
        for n in range(LAZY)
    )
    project.notebook("notebooks/lazy.ipynb", SHOT + f"from IPython.display import HTML\nHTML('''{lazy}''')")
    project.notebook(
        "notebooks/prints.ipynb",
        CLICK + WIDGETS + "b = widgets.Button(description='go')\nb.on_click(lambda _: print('said to the log'))\nb",
    )
    project.notebook(
        "notebooks/tiles.ipynb",
        SHOT + 'from IPython.display import HTML\nHTML(\'<p>map</p><img alt="" src="https://tiles.example/1.png">\')',
    )
    drawn = WIDGETS + DRAWN
    project.notebook("notebooks/raises_as_it_is_drawn.ipynb", SHOT + drawn)
    project.notebook("notebooks/raises_when_clicked.ipynb", CLICK + drawn)
    project.write(
        "notebooks/other_kernel.ipynb",
        notebook_json(
            cell(SHOT + "print('it runs')", "c"),
            metadata={"kernelspec": {"name": "widgets-tutorial", "display_name": "x", "language": "python"}},
        ),
    )
    project.write(
        "kernels/bash/kernel.json",
        json.dumps({
            "argv": [sys.executable, str(project.write("kernel.py", KERNEL.format(log=str(project.root / "sent.log")))),
                     "-f", "{connection_file}"],
            "display_name": "Bash", "language": "bash",
        }),
    )  # fmt: skip
    project.environment["JUPYTER_PATH"] = str(project.root)
    build = {"load": "static/remoteEntry.js", "extension": "./extension"}
    project.write(
        "labextensions/beside/package.json",
        json.dumps({"name": "beside", "version": "1.0.0", "jupyterlab": {"extension": True, "_build": build}}),
    )
    project.write("labextensions/beside/static/remoteEntry.js", EXTENSION)
    project.notebook(
        "notebooks/bash.ipynb",
        *BASH,
        kernelspec={"name": "bash", "display_name": "Bash", "language": "bash"},
    )
    project.notebook("notebooks/three.ipynb", SHOT + SCENE)
    project.notebook("notebooks/themed.ipynb", THEMED)
    project.notebook(
        "notebooks/endless.ipynb",
        "#| widgetshot: {settle_timeout: 2}\n"
        + SHOT
        + "import threading, time\ndef poll():\n    while True: time.sleep(0.1)\n"
        "threading.Thread(target=poll, name='poll', daemon=True).start()\nprint('begun')",
    )
    # An object that stands for another is not made to look for it.
    endless = (
        "import subprocess\nclass Lazy:\n    @property\n    def __class__(self): raise KeyError('looked at')\n"
        "lazy = Lazy()\nserver = subprocess.Popen(['sleep', '300'])\nprint('on')"
    )
    project.notebook("notebooks/server.ipynb", SHOT + endless)
    done = project.widgetshot("run", "--update-baselines")
    assert "Traceback" not in done.stderr
    return project


def place(name: str) -> str:
    """The notebook and the shot that show something."""
    own = name in SHOWN or name in OWN
    return f"notebooks/{name}.ipynb::s" if own else f"notebooks/still.ipynb::{name}"


def shown(project: Project, name: str, variant: str = "") -> list[str]:
    entry = project.entry(place(name) + variant)
    assert entry["verdict"] == "new", entry["sentence"]
    sidecar: dict[str, Any] = json.loads((project.root / f"baselines/{entry['key']}.json").read_text(encoding="utf-8"))
    return list(sidecar["layout"])


@pytest.mark.parametrize("name", SHOWN | STILL)
def test_output_is_shown_as_jupyterlab_shows_it(ran: Project, name: str) -> None:
    assert (SHOWN | STILL)[name][1] in "\n".join(shown(ran, name))


@pytest.mark.parametrize("name", BROKEN)
def test_what_can_not_be_shown_is_broken_by_name(ran: Project, name: str) -> None:
    entry = ran.entry(f"notebooks/broken.ipynb::{name}")
    assert entry["verdict"] == "broken"
    assert BROKEN[name][1] in entry["sentence"]


def pixels(project: Project, name: str, variant: str = "") -> np.ndarray:
    key = project.entry(place(name) + variant)["key"]
    with Image.open(project.root / f"baselines/{key}.png") as picture:
        return np.asarray(picture.convert("RGB"))


def count(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((np.abs(picture.astype(int) - colour).max(axis=2) <= 3).sum())


def test_of_a_picture_that_moves_the_first_frame_is_shown(ran: Project) -> None:
    picture = pixels(ran, "gif")
    assert (count(picture, FIRST), count(picture, SECOND)) == (60 * 40, 0)


def test_image_of_a_file_shows_its_first_frame(ran: Project) -> None:
    picture = pixels(ran, "image")
    assert (count(picture, FIRST), count(picture, SECOND)) == (60 * 40, 0)


def test_what_was_drawn_before_a_canvas_was_shown_and_after_is_there(ran: Project) -> None:
    picture = pixels(ran, "canvas")
    assert (count(picture, FIRST), count(picture, SECOND)) == (50 * 50, 50 * 50)


def test_what_is_above_a_cell_changes_no_pixel_of_it(ran: Project) -> None:
    whole, *others = (pixels(ran, name) for name in ABOVE)
    for other in others:
        assert np.array_equal(whole, other)


def test_what_was_not_drawn_breaks_only_the_shot_that_displays_it(ran: Project) -> None:
    assert ran.entry("notebooks/broken.ipynb::good")["verdict"] == "new"


def test_sliders_beside_an_output_keep_their_width(ran: Project) -> None:
    sliders = [line.split()[1] for line in shown(ran, "interactive_output") if line.endswith("slider")]
    assert sliders == ["300x28", "300x28"]


def test_code_in_markdown_has_the_colours_of_jupyterlab(ran: Project) -> None:
    assert count(pixels(ran, "code_in_markdown"), (0, 128, 0)) > 10


def test_nothing_is_left_in_the_place_of_a_widget_that_was_closed(ran: Project) -> None:
    assert "Error" not in "\n".join(shown(ran, "closed_widget"))
    assert "text 'after'" in "\n".join(shown(ran, "closed_widget"))


def test_pictures_that_wait_to_be_scrolled_to_are_shown(ran: Project) -> None:
    picture = pixels(ran, "lazy")
    assert picture.shape[0] > LAZY * 700
    assert count(picture, FIRST) == LAZY * 60 * 40


def test_what_a_callback_prints_is_in_no_picture_and_told(ran: Project) -> None:
    assert "said" not in "\n".join(shown(ran, "prints"))
    console = ran.entry("notebooks/prints.ipynb::s")["console"]
    assert [text for text in console if "JupyterLab's log" in text and "said to the log" in text]


def test_what_a_callback_raises_as_widgets_are_drawn_is_in_no_picture_and_told(ran: Project) -> None:
    assert "text 'drawn'" in "\n".join(shown(ran, "raises_as_it_is_drawn"))
    entry = ran.entry("notebooks/raises_as_it_is_drawn.ipynb::s")
    assert entry["console"] == ["a callback raised KeyError, which only JupyterLab's log shows: 'as it is drawn'"]
    assert "the page reported 1 error" in entry["sentence"]


def test_what_the_callback_of_a_step_raises_breaks_the_picture(ran: Project) -> None:
    entry = ran.entry("notebooks/raises_when_clicked.ipynb::s")
    assert (entry["verdict"], entry["sentence"]) == ("broken", "a callback raised KeyError: 'when it is clicked'")
    assert [text for text in entry["console"] if "as it is drawn" in text]


def test_what_was_blocked_is_told_before_anybody_approves(ran: Project) -> None:
    entry = ran.entry("notebooks/tiles.ipynb::s")
    assert entry["verdict"] == "new"
    assert "1 request to elsewhere was blocked" in entry["sentence"]


def test_notebook_of_a_kernel_that_is_not_here_runs_on_the_default_one_and_says_so(ran: Project) -> None:
    assert "it runs" in "\n".join(shown(ran, "other_kernel"))
    console = ran.entry("notebooks/other_kernel.ipynb::s")["console"]
    assert console == ["its kernel 'widgets-tutorial' is not installed: it ran on 'python3'"]


def test_thread_that_never_ends_is_unstable_by_name(ran: Project) -> None:
    entry = ran.entry("notebooks/endless.ipynb::s")
    assert entry["verdict"] == "unstable"
    assert "the thread 'poll' still runs in the kernel (poll, line 5)" in entry["sentence"]


def test_process_that_goes_on_is_told_if_it_could_print(ran: Project) -> None:
    assert "text 'on'" in "\n".join(shown(ran, "server"))
    (line,) = ran.entry("notebooks/server.ipynb::s")["console"]
    assert "the process 'server' (sleep) goes on" in line
    assert ran.entry("notebooks/process_that_prints_elsewhere.ipynb::s")["console"] == []


def test_kernels_of_other_languages_are_sent_nothing_but_the_cells(ran: Project) -> None:
    assert "text 'counted 3'" in "\n".join(shown(ran, "bash"))
    assert (ran.root / "sent.log").read_text() == "".join(f"{source}\n---\n" for source in BASH)


# By Chromium's own style sheet for each scheme, and by mermaid's themes `default` and `dark`.
@pytest.mark.parametrize(
    ("variant", "field", "node"), [("", WHITE, (236, 236, 255)), ("[dark]", (59, 59, 59), (31, 32, 32))]
)
def test_fields_frames_and_diagrams_follow_the_theme_as_in_jupyterlab(
    ran: Project, variant: str, field: tuple[int, int, int], node: tuple[int, int, int]
) -> None:
    assert "image" in "\n".join(shown(ran, "themed", variant))
    picture = pixels(ran, "themed", variant)
    framed = 100 * 50
    # A frame's own page is light: it says nothing of a scheme.
    assert count(picture, WHITE) >= framed
    assert count(picture, field) > 180 * 40
    assert count(picture, node) > 1000


def test_front_end_that_loads_a_library_beside_it_draws(ran: Project) -> None:
    # pythreejs loads three.js; the box's side that is seen is 2 of some 5 units wide and high.
    assert count(pixels(ran, "three"), FIRST) > 70 * 70
