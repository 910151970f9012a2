"""Steadiness, other renderers, reasons, quarantine and history, as a user meets them: real commands, real pages."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from projects import Project, button_cell, make_project
from widgetshot.errors import ConfigError
from widgetshot.files import read_png
from widgetshot.project.loading import load_settings
from widgetshot.project.notebooks import load_notebook

STEADY = button_cell()
# Drawn from the system's own randomness, which no seed reaches.
RANDOM = """#| shot: dice
import secrets, ipywidgets
ipywidgets.HTML(f"<h3>{secrets.token_hex(8)}</h3>")
"""
CALMED = RANDOM.replace("secrets.token_hex(8)", "'steady'")
CLOCKS = """#| widgetshot: {clock: 2026-03-14T09:26:53Z, freeze_clock: true}
#| shot: clocks
import datetime, time, anywidget, ipywidgets, traitlets

class Page(anywidget.AnyWidget):
    _esm = '''export default { render({ model, el }) {
        el.textContent = "page";  // a view that is empty would be waited for
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
#| tolerance: {pixels: 0}
import ipywidgets
rows = "".join(f"<tr><td>job {n}</td><td>{n * n} s</td></tr>" for n in range(12))
widgets = [ipywidgets.HTML(f"<table>{rows}</table>")]
# more
ipywidgets.VBox(widgets)
"""
GREEN = """#| shot: light
#| tolerance: {{pixels: 0}}
#| quarantine: {{reason: the lamp flickers, until: {until}}}
import ipywidgets
ipywidgets.HTML("<div style='width: 60px; height: 60px; background: {colour}'></div>")
"""


QUARANTINE = """
[[tool.widgetshot.quarantine]]
target = "notebooks/lamps/moving.ipynb::*"
reason = "moving"
until = 2999-01-01
"""
MASKED = """#| shot: {name}
#| tolerance: {{pixels: 0}}
#| mask: {{selector: {mask}, reason: test}}
from IPython.display import HTML
HTML('<div class=panel style="background:{colour}">panel <i class=clock>12:00</i></div>')
"""
PANEL = """#| shot: {name}
#| tolerance: {tolerance}
import ipywidgets
ipywidgets.HTML("<div style='padding: 9px; background: {area}; color: {text}'>Some text on a panel</div>")
"""
# Colours of the area and of the text that a panel is edited to.
PANELS = {
    "as_it_was": ("#f5f5f5", "#333"),
    # One step of the text's colour could be the renderer's; of a flat area two can't.
    "text_by_one": ("#f5f5f5", "#343434"),
    "area_by_two": ("#f3f3f3", "#333"),
    "text_by_many": ("#f5f5f5", "#474747"),
    # 0 is a threshold too: strict, whatever the renderer.
    "strictly": ("#f5f5f5", "#343434"),
}
COLOURS = """#| shot: {name}
{options}import ipywidgets
ipywidgets.HTML('<b style="color: {colour}">text</b>')
"""
LAMPS = {"changed": "2999-12-31", "broken": "2999-12-31", "moving": "-"}


def write(project: Project, *, edited: bool) -> None:
    """Notebooks as they were approved, or as somebody edited them afterwards."""
    lamp = "red" if edited else "green"
    for name, until in LAMPS.items():
        cell = GREEN.format(colour=lamp, until=until)
        if name == "broken" and edited:
            cell = cell.replace("import ipywidgets", "import no_such_module")
        # One has its quarantine from the configuration.
        project.notebook(f"notebooks/lamps/{name}.ipynb", cell.replace("#| quarantine", "#x") if until == "-" else cell)

    refresh = "widgets.insert(0, ipywidgets.HBox([ipywidgets.Button(description='Refresh')]))"
    panel, text = ("blue", "#343434") if edited else ("red", "#333")
    project.notebook(
        "notebooks/edited.ipynb",
        GREEN.format(colour=lamp, until="2026-01-31"),
        MASKED.format(name="kept", mask=".panel", colour=panel),
        MASKED.format(name="narrowed", mask=".clock" if edited else ".panel", colour=panel),
        COLOURS.format(name="loose", options="", colour=text),
        COLOURS.format(name="strict", options="#| tolerance: {pixels: 0}\n", colour=text),
        TABLE.replace("# more", refresh) if edited else TABLE,
    )
    cells = []
    for name, colours in PANELS.items():
        area, text = colours if edited else PANELS["as_it_was"]
        tolerance = "{pixels: 0, threshold: 0}" if name == "strictly" else "{pixels: 0}"
        cells.append(PANEL.format(name=name, tolerance=tolerance, area=area, text=text))
    project.notebook("notebooks/panels.ipynb", *cells)


@pytest.fixture(scope="module")
def edited(shared_project: Project) -> tuple[Project, "subprocess.CompletedProcess[str]"]:
    """A project whose notebooks were edited after their pictures were approved, and what a run says of that."""
    project = shared_project
    text = (project.root / "pyproject.toml").read_text()
    project.write("pyproject.toml", f"{text}tolerance = {{share = 0.5}}\n{QUARANTINE}")
    write(project, edited=False)
    project.notebook("varying/a.ipynb", STEADY, CALMED)
    first = project.widgetshot("run", "--update-baselines", "notebooks", "varying")
    assert first.returncode == 0, first.stdout
    write(project, edited=True)
    project.notebook("notebooks/without/clocks.ipynb", CLOCKS)
    project.write("notebooks/without/time_machine.py", "raise ModuleNotFoundError('No module named time_machine')")
    return project, project.widgetshot("run", environment={"GITHUB_STEP_SUMMARY": str(project.root / "summary.md")})


def test_quarantine_lets_a_failure_pass_until_its_day_is_over(
    edited: tuple[Project, "subprocess.CompletedProcess[str]"],
) -> None:
    project, done = edited
    assert done.returncode == 1, done.stdout
    assert "3 of them in quarantine" in done.stdout
    # A notebook that breaks is quarantined too.
    for name, verdict in (("changed", "changed"), ("broken", "broken"), ("moving", "changed")):
        entry = project.entry(f"notebooks/lamps/{name}.ipynb::light")
        assert (entry["verdict"], entry["status"]) == (verdict, "quarantined")
    # From the configuration, for all shots of a notebook.
    assert project.entry("notebooks/lamps/moving.ipynb::light")["quarantine"] == {
        "reason": "moving", "until": "2999-01-01"
    }  # fmt: skip
    assert "its quarantine ended on 2026-01-31 (the lamp flickers)" in done.stdout
    entry = project.entry("notebooks/edited.ipynb::light")
    assert (entry["verdict"], entry["status"]) == ("changed", "failed")

    done = project.widgetshot("run", "notebooks/lamps", "--report", "other")
    assert done.returncode == 0, done.stdout
    assert "2 changed" in done.stdout
    assert "3 of them in quarantine" in done.stdout


def test_a_run_names_the_way_into_its_review(edited: tuple[Project, "subprocess.CompletedProcess[str]"]) -> None:
    _, done = edited
    *_, gallery, review, accept = done.stdout.splitlines()
    assert gallery.startswith("gallery: ")
    assert review == "review: widgetshot review"
    assert accept == "accept what is right: widgetshot approve 'NOTEBOOK::SHOT' ... (or --all)"


def test_a_run_appends_its_summary_where_ci_asks_for_it(
    edited: tuple[Project, "subprocess.CompletedProcess[str]"],
) -> None:
    project, _ = edited
    summary = project.report()["summary"]
    (title,) = re.findall("^## widgetshot: .*", (project.root / "summary.md").read_text(), re.MULTILINE)
    assert title == f"## widgetshot: {summary['failed']} of {summary['total']} pictures need a decision"


def test_a_row_inserted_above_a_table_is_all_that_the_diff_marks(
    edited: tuple[Project, "subprocess.CompletedProcess[str]"],
) -> None:
    project, _ = edited
    entry = project.entry("notebooks/edited.ipynb::table")
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


def test_narrowed_mask_covers_only_what_it_names_now(
    edited: tuple[Project, "subprocess.CompletedProcess[str]"],
) -> None:
    project, _ = edited
    assert project.entry("notebooks/edited.ipynb::kept")["verdict"] == "match"
    assert project.entry("notebooks/edited.ipynb::narrowed")["verdict"] == "changed"


def test_another_renderer_is_compared_perceptually_and_reported(
    edited: tuple[Project, "subprocess.CompletedProcess[str]"],
) -> None:
    project, _ = edited
    # On the baseline's own renderer every step counts.
    own = project.entry("notebooks/panels.ipynb::text_by_one")
    assert (own["verdict"], own["metrics"]["rule"]) == ("changed", "strict")
    assert own["sentence"].startswith("HTML.value")

    # Another set of fonts is another renderer, whatever comes out.
    project.write("extra/note.txt", "one more font, say")
    before = (project.root / "pyproject.toml").read_text()
    project.write("pyproject.toml", before.replace("[tool.widgetshot]", '[tool.widgetshot]\nfonts = ["extra"]'))
    done = project.widgetshot("run", "notebooks/panels.ipynb", "--report", "fonts")
    project.write("pyproject.toml", before)
    assert done.returncode == 1, done.stdout
    assert "review: widgetshot review fonts\n" in done.stdout
    assert "accept what is right: widgetshot approve --report fonts 'NOTEBOOK::SHOT' ... (or --all)\n" in done.stdout
    entries = {test["shot"]: test for test in project.report("fonts")["tests"]}
    same = entries.pop("as_it_was")
    assert same["status"] == "passed"
    assert same["sentence"].startswith("is as it was approved; different renderer: fonts ")
    assert len(same["renderer"]) == 1
    assert {name: (entry["verdict"], entry["metrics"]["rule"]) for name, entry in entries.items()} == {
        "text_by_one": ("match", "perceptual"),
        "area_by_two": ("changed", "perceptual"),
        "text_by_many": ("changed", "perceptual"),
        "strictly": ("changed", "strict"),
    }
    assert "different renderer: fonts" in entries["area_by_two"]["sentence"]


Varied = tuple[Project, "subprocess.CompletedProcess[str]", dict[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def varied(edited: tuple[Project, "subprocess.CompletedProcess[str]"]) -> Varied:
    """Three runs at once of what varies and of what should not, their output, and its report's entries by name."""
    project, _ = edited
    project.notebook("varying/a.ipynb", STEADY, RANDOM)
    project.notebook("clocks/clocks.ipynb", CLOCKS)
    words = ("varying", "clocks", "--repeat", "3", "--update-baselines=missing", "--report", "varied")
    before = project.files("baselines")
    done = project.widgetshot("run", *words)
    assert done.returncode == 1, done.stdout
    after = project.files("baselines")
    assert {name: after[name] for name in before} == before
    assert [name for name in after.keys() - before.keys() if "/clocks/clocks/" not in name] == []
    return project, done, {test["name"]: test for test in project.report("varied")["tests"]}


def test_repeat_tells_which_pictures_vary_and_shows_the_first_two(varied: Varied) -> None:
    project, done, entries = varied
    assert "3 runs: 2 of 3 targets gave one picture each" in done.stdout
    steady, dice = entries["varying/a.ipynb::button"], entries["varying/a.ipynb::dice"]
    assert (steady["verdict"], steady["repeat"]) == ("match", {"runs": 3, "distinct": 1, "counts": [3]})
    assert (dice["verdict"], dice["repeat"]) == ("unstable", {"runs": 3, "distinct": 3, "counts": [1, 1, 1]})
    assert dice["sentence"].startswith(
        "3 different pictures came out of 3 runs (once, once, once); run 2 was the first"
    )
    one, other = (read_png(Path(project.root / "varied" / dice["pictures"][kind]["path"]).read_bytes())
                  for kind in ("shot", "second"))  # fmt: skip
    assert one.shape == other.shape
    assert (one != other).any()
    assert dice["pictures"]["diff"] is not None
    assert not dice["updated"]


def test_nobody_can_take_one_of_several_pictures_for_the_right_one(varied: Varied) -> None:
    project, _, _ = varied
    done = project.widgetshot("approve", "--report", "varied", "varying/a.ipynb::dice")
    assert "varied between runs" in done.stderr


def test_one_setting_freezes_the_clocks_of_kernel_and_page(varied: Varied) -> None:
    project, _, entries = varied
    entry = entries["clocks/clocks.ipynb::clocks"]
    assert (entry["updated"], entry["repeat"]["distinct"]) == (True, 1)
    sidecar = json.loads((project.root / "baselines" / f"{entry['key']}.json").read_text())
    said = str(sidecar["layout"])
    assert "2026-03-14T09:26:53.000Ztrue" in said  # the page: a later look gives the same moment
    assert "2026-03-14T09:26:53 True" in said  # the kernel: its time of day stands, its stop watch goes on


def test_a_kernel_without_the_library_must_not_go_on_with_a_running_clock(
    edited: tuple[Project, "subprocess.CompletedProcess[str]"],
) -> None:
    project, done = edited
    entry = project.entry("notebooks/without/clocks.ipynb::clocks")
    assert (entry["verdict"], entry["status"]) == ("broken", "failed")
    assert "its kernel's clock can't be frozen: ModuleNotFoundError" in done.stdout
    assert "pip install 'time-machine>=3'" in done.stdout


@pytest.fixture(scope="module")
def calmed(varied: Varied) -> tuple[Project, str]:
    """The output of pytest where nothing varies any more and the only failures are in quarantine."""
    project, _, _ = varied
    project.notebook("varying/a.ipynb", STEADY, CALMED)
    words = ("notebooks/lamps", "varying", "--widgetshot-repeat=2", "-q", "-rx", "--widgetshot-report=calmed")
    done = project.pytest(*words)
    assert done.returncode == 0, done.stdout
    return project, done.stdout


def test_a_flake_of_one_run_is_reported_in_the_next_one_though_all_is_green_again(calmed: tuple[Project, str]) -> None:
    project, said = calmed
    assert re.search(r"^2 runs: [1-4] of 5 targets gave one picture each", said, re.MULTILINE)
    assert "match now, but flaky in their last runs: varying/a.ipynb::dice" in said
    (dice,) = [test for test in project.report("calmed")["tests"] if test["shot"] == "dice"]
    assert dice["repeat"] == {"runs": 2, "distinct": 1, "counts": [2]}
    assert [stretch[:2] for stretch in dice["history"]] == [["new", 1], ["unstable", 1], ["match", 1]]


def test_pytest_takes_failures_in_quarantine_for_expected_ones(calmed: tuple[Project, str]) -> None:
    _, said = calmed
    assert "2 passed, 3 xfailed" in said
    assert "the lamp flickers (until 2999-12-31)" in said


def test_a_mistyped_browser_ends_a_run_at_once(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", STEADY)
    done = project.widgetshot("run", environment={"WIDGETSHOT_BROWSER": "/no/such/browser"}, timeout=60)
    assert done.returncode == 3
    assert "browser executable '/no/such/browser'" in done.stderr
    assert "widgetshot doctor" in done.stderr
    done = project.pytest("notebooks", "-q", environment={"WIDGETSHOT_BROWSER": "/no/such/browser"}, timeout=60)
    assert done.returncode == 2
    assert "browser executable '/no/such/browser'" in done.stdout


@pytest.mark.parametrize(
    ("tolerance", "message"),
    [
        ("{pixels: 0.03}", "'pixels' is a whole number of pixels"),
        ("{max_diff_pixels: 0.03}", "is 'pixels' here"),
        ("0.03", "has no unit"),
    ],
)
def test_ambiguous_tolerances_are_refused(tmp_path: Path, tolerance: str, message: str) -> None:
    project = make_project(tmp_path)
    file = project.notebook("notebooks/a.ipynb", button_cell(f"#| shot: a\n#| tolerance: {tolerance}"))
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_notebook(load_settings(tmp_path), file)


def test_an_ambiguous_tolerance_is_refused_before_anything_runs(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", button_cell("#| shot: a\n#| tolerance: 0.03"))
    done = project.widgetshot("run")
    assert done.returncode == 3
    assert "has no unit" in done.stderr
    assert not (project.root / "widgetshot-report").exists()


def test_a_tolerance_of_nothing_wins_over_a_loose_suite(
    edited: tuple[Project, "subprocess.CompletedProcess[str]"],
) -> None:
    project, _ = edited
    loose, strict = (project.entry(f"notebooks/edited.ipynb::{name}") for name in ("loose", "strict"))
    assert (loose["verdict"], strict["verdict"]) == ("match", "changed")
    assert "within the tolerance: up to 0 pixels may differ or 50.0000% of the picture" in loose["sentence"]
