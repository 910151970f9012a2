"""Steadiness, other renderers, reasons, quarantine and history, as a user meets them: real commands, real pages."""

import json
from pathlib import Path
from typing import Any

import pytest

from conftest import Project, button_cell
from widgetshot.files import read_png

STEADY = button_cell()
# Drawn from the system's own randomness, which no seed reaches.
UNSTEADY = """#| shot: dice
import secrets, ipywidgets
ipywidgets.HTML(f"<h3>{secrets.token_hex(8)}</h3>")
"""
CLOCKS = """#| widgetshot: {clock: 2026-03-14T09:26:53Z, freeze_clock: true}
#| shot: clocks
import datetime, time, anywidget, ipywidgets, traitlets

class Page(anywidget.AnyWidget):
    _esm = '''export default { render({ model, el }) {
        const first = Date.now();
        setTimeout(() => {
            model.set("said", new Date().toISOString() + (Date.now() === first));
            model.save_changes();
        }, 20);
    } }'''
    said = traitlets.Unicode().tag(sync=True)

page, label = Page(), ipywidgets.Label()
begin = time.monotonic()
page.observe(lambda _: setattr(label, "value", page.said), "said")
print(datetime.datetime.now().isoformat(), time.monotonic() > begin)
ipywidgets.VBox([label, page])
"""
TABLE = """#| shot: table
import ipywidgets
rows = "".join(f"<tr><td>job {n}</td><td>{n * n} s</td></tr>" for n in range(12))
widgets = [ipywidgets.HTML(f"<table>{rows}</table>")]
# more
ipywidgets.VBox(widgets)
"""
GREEN = """#| shot: light
#| quarantine: {{reason: the lamp flickers, until: {until}}}
import ipywidgets
ipywidgets.HTML("<div style='width: 60px; height: 60px; background: {colour}'></div>")
"""


def test_repeat_tells_which_pictures_vary_and_shows_the_first_two(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", STEADY)
    project.notebook("notebooks/b.ipynb", UNSTEADY)
    done = project.widgetshot("run", "--update-baselines")
    assert done.returncode == 0, done.stdout
    before = project.files("baselines")
    done = project.widgetshot("run", "--repeat", "3")
    assert done.returncode == 1, done.stdout
    assert "3 runs: 1 of 2 targets gave one picture each" in done.stdout
    steady, dice = project.entry("notebooks/a.ipynb::button"), project.entry("notebooks/b.ipynb::dice")
    assert (steady["verdict"], steady["repeat"]) == ("match", {"runs": 3, "distinct": 1, "counts": [3]})
    assert (dice["verdict"], dice["repeat"]) == ("unstable", {"runs": 3, "distinct": 3, "counts": [1, 1, 1]})
    assert dice["sentence"].startswith(
        "3 different pictures came out of 3 runs (once, once, once); run 2 was the first"
    )
    one, other = (read_png(Path(project.root / "widgetshot-report" / dice["pictures"][kind]["path"]).read_bytes())
                  for kind in ("shot", "second"))  # fmt: skip
    assert one.shape == other.shape
    assert (one != other).any()
    assert dice["pictures"]["diff"] is not None
    assert project.files("baselines") == before
    # Nobody can take one of several pictures for the right one.
    assert "varied between runs" in project.widgetshot("approve", dice["name"]).stderr
    # A flake of one run is still told in the next one, though everything is green again.
    project.notebook("notebooks/b.ipynb", UNSTEADY.replace("secrets.token_hex(8)", "'steady'"))
    done = project.widgetshot("run", "--update-baselines")
    done = project.pytest("notebooks", "--widgetshot-repeat", "2", "-q")
    assert done.returncode == 0, done.stdout
    assert "2 runs: 2 of 2 targets gave one picture each" in done.stdout
    assert "match now, but wavered in their last runs: notebooks/b.ipynb::dice" in done.stdout
    assert [stretch[:2] for stretch in project.entry(dice["name"])["history"]] == [
        ["new", 1], ["unstable", 1], ["changed", 1], ["match", 1],
    ]  # fmt: skip


def test_one_setting_freezes_the_clocks_of_kernel_and_page(project: Project) -> None:
    project.notebook("notebooks/clocks.ipynb", CLOCKS)
    done = project.widgetshot("run", "--update-baselines", "--repeat", "2")
    assert done.returncode == 0, done.stdout
    entry = project.entry("notebooks/clocks.ipynb::clocks")
    sidecar = json.loads((project.root / "baselines" / f"{entry['key']}.json").read_text())
    said = str(sidecar["layout"])
    assert "2026-03-14T09:26:53.000Ztrue" in said  # the page: a later look gives the same moment
    assert "2026-03-14T09:26:53 True" in said  # the kernel: its time of day stands, its stop watch goes on
    # A kernel without the library must not go on with a running clock.
    project.write("notebooks/time_machine.py", "raise ModuleNotFoundError('No module named time_machine')")
    done = project.widgetshot("run")
    assert done.returncode == 1
    assert "its kernel's clock can't be frozen: ModuleNotFoundError" in done.stdout
    assert "pip install 'time-machine>=3'" in done.stdout


def test_quarantine_lets_a_failure_pass_until_its_day_is_over(project: Project) -> None:
    def write(colour: str, until: str) -> None:
        project.notebook("notebooks/lamp.ipynb", GREEN.format(colour=colour, until=until))

    write("green", "2999-12-31")
    assert project.widgetshot("run", "--update-baselines").returncode == 0
    write("red", "2999-12-31")
    done = project.widgetshot("run")
    assert done.returncode == 0, done.stdout
    assert "1 changed" in done.stdout
    assert "1 of them in quarantine" in done.stdout
    entry = project.entry("notebooks/lamp.ipynb::light")
    assert (entry["verdict"], entry["status"]) == ("changed", "quarantined")
    done = project.pytest("notebooks", "-q", "-rx")
    assert done.returncode == 0, done.stdout
    assert "1 xfailed" in done.stdout
    assert "the lamp flickers (until 2999-12-31)" in done.stdout
    # --runxfail asks for quarantined failures to fail.
    assert project.pytest("notebooks", "-q", "--runxfail").returncode == 1
    # A notebook that breaks is quarantined too.
    write("red", "2999-12-31")
    broken = (project.root / "notebooks/lamp.ipynb").read_text().replace("import ipywidgets", "import no_such_module")
    project.write("notebooks/lamp.ipynb", broken)
    done = project.widgetshot("run")
    assert done.returncode == 0, done.stdout
    assert project.entry("notebooks/lamp.ipynb::light")["status"] == "quarantined"
    write("red", "2026-01-31")
    done = project.widgetshot("run")
    assert done.returncode == 1
    assert "its quarantine ended on 2026-01-31 (the lamp flickers)" in done.stdout
    # From the configuration, for all shots of a notebook.
    project.notebook("notebooks/lamp.ipynb", GREEN.format(colour="red", until="-").replace("#| quarantine", "#x"))
    text = (project.root / "pyproject.toml").read_text()
    table = (
        '[[tool.widgetshot.quarantine]]\ntarget = "notebooks/lamp.ipynb::*"\nreason = "moving"\nuntil = 2999-01-01\n'
    )
    project.write("pyproject.toml", text + table)
    assert project.widgetshot("run").returncode == 0
    assert project.entry("notebooks/lamp.ipynb::light")["quarantine"] == {"reason": "moving", "until": "2999-01-01"}


def test_a_row_inserted_above_a_table_is_all_that_the_diff_marks(project: Project) -> None:
    project.notebook("notebooks/jobs.ipynb", TABLE)
    assert project.widgetshot("run", "--update-baselines").returncode == 0
    project.notebook(
        "notebooks/jobs.ipynb",
        TABLE.replace("# more", "widgets.insert(0, ipywidgets.HBox([ipywidgets.Button(description='Refresh')]))"),
    )
    assert project.widgetshot("run").returncode == 1
    entry = project.entry("notebooks/jobs.ipynb::table")
    assert entry["verdict"] == "resized"
    (band,) = entry["metrics"]["bands"]
    assert band["inserted"]
    (region,) = entry["metrics"]["regions"]
    assert (region[1], region[3]) == (band["y"], band["height"])
    assert band["height"] < 40
    height, width = (entry["pictures"]["diff"][side] for side in ("height", "width"))
    assert (height, width) == (entry["pictures"]["shot"]["height"], entry["pictures"]["shot"]["width"])
    assert "everything below y=" in entry["sentence"]
    assert f"moved down {band['height']} px" in entry["sentence"]
    assert f"{band['height']} rows of pixels inserted at y={band['y']}" in entry["sentence"]
    assert entry["sentence"].startswith("horizontal box with button 'Refresh' was added, ")
    assert 'VBox.children ["HTML"] → ["HBox", "HTML"]' in entry["sentence"]


def fonts(project: Project, *folders: str) -> None:
    text = (project.root / "pyproject.toml").read_text().split("fonts =")[0]
    project.write("pyproject.toml", f"{text}fonts = {json.dumps(folders)}\n")


PANEL = """#| shot: panel
import ipywidgets
ipywidgets.HTML("<div style='padding: 9px; background: #f5f5f5; color: #333'>Some text on a panel</div>")
"""


def test_another_renderer_is_compared_perceptually_and_told(project: Project) -> None:
    # Another set of fonts is another renderer, whatever comes out.
    project.write("extra/note.txt", "one more font, say")
    project.notebook("notebooks/p.ipynb", PANEL)
    assert project.widgetshot("run", "--update-baselines").returncode == 0
    fonts(project, "extra")
    assert project.widgetshot("run").returncode == 0
    name = "notebooks/p.ipynb::panel"
    entry = project.entry(name)
    assert entry["sentence"].startswith("is as it was approved; different renderer: fonts ")
    assert len(entry["renderer"]) == 1

    def verdict(old: str, new: str) -> tuple[str, str]:
        project.notebook("notebooks/p.ipynb", PANEL.replace(old, new))
        project.widgetshot("run")
        entry = project.entry(name)
        return entry["verdict"], entry["metrics"]["rule"]

    # One step of the text's colour could be the renderer's; of a flat area two can't.
    assert verdict("#333", "#343434") == ("match", "perceptual")
    assert verdict("#f5f5f5", "#f3f3f3") == ("changed", "perceptual")
    assert "different renderer: fonts" in project.entry(name)["sentence"]
    assert verdict("#333", "#474747") == ("changed", "perceptual")
    # 0 is a threshold too: strict, whatever the renderer.
    strict = PANEL.replace("#| shot: panel", "#| shot: panel\n#| tolerance: {threshold: 0}")
    project.notebook("notebooks/p.ipynb", strict.replace("#333", "#343434"))
    project.widgetshot("run")
    entry = project.entry(name)
    assert (entry["verdict"], entry["metrics"]["rule"]) == ("changed", "strict")
    # On the baseline's own renderer every step counts.
    fonts(project)
    assert verdict("#333", "#343434") == ("changed", "strict")
    assert project.entry(name)["sentence"].startswith("HTML.value")


def test_a_mistyped_browser_ends_a_run_at_once(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", STEADY)
    done = project.widgetshot("run", environment={"WIDGETSHOT_BROWSER": "/no/such/browser"}, timeout=60)
    assert done.returncode == 3
    assert "browser executable '/no/such/browser'" in done.stderr
    assert "widgetshot doctor" in done.stderr
    done = project.pytest("notebooks", "-q", environment={"WIDGETSHOT_BROWSER": "/no/such/browser"}, timeout=60)
    assert done.returncode == 1
    assert "browser executable '/no/such/browser'" in done.stdout


@pytest.mark.parametrize(
    ("tolerance", "told"),
    [
        ("{pixels: 0.03}", "'pixels' is a whole number of pixels"),
        ("{max_diff_pixels: 0.03}", "is 'pixels' here"),
        ("0.03", "has no unit"),
    ],
)
def test_ambiguous_tolerances_are_refused_before_anything_runs(project: Project, tolerance: str, told: str) -> None:
    project.notebook("notebooks/a.ipynb", button_cell(f"#| shot: a\n#| tolerance: {tolerance}"))
    done = project.widgetshot("run")
    assert done.returncode == 3
    assert told in done.stderr
    assert not (project.root / "widgetshot-report").exists()


def test_a_tolerance_of_nothing_wins_over_a_loose_suite(project: Project) -> None:
    project.write("pyproject.toml", "[tool.widgetshot]\ntolerance = {share = 0.5}\n")

    def shots(colour: str) -> None:
        cells = [
            f"#| shot: {name}\n{extra}import ipywidgets\nipywidgets.HTML('<b style=\"color: {colour}\">text</b>')"
            for name, extra in (("loose", ""), ("strict", "#| tolerance: {pixels: 0}\n"))
        ]
        project.notebook("notebooks/a.ipynb", *cells)

    shots("#333")
    assert project.widgetshot("run", "--update-baselines").returncode == 0
    shots("#343434")
    assert project.widgetshot("run").returncode == 1
    assert project.verdicts() == {"notebooks/a.ipynb::loose": "match", "notebooks/a.ipynb::strict": "changed"}
    sentence: Any = project.entry("notebooks/a.ipynb::loose")["sentence"]
    assert "within the tolerance: up to 0 pixels may differ or 50.0000% of the picture" in sentence
