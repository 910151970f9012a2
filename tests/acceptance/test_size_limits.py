"""Notebooks whose pages are too large for a picture, at two picture pixels per CSS pixel."""

import numpy as np
import pytest
from PIL import Image

from projects import Project

# Bands of colours that say which one it is, drawn by one texture.
DOWN = (
    "from IPython.display import HTML\n"
    "def bands(n): return ''.join(f'<div style=\"height:25px;background:rgb({i >> 8},{i & 255},77)\"></div>'"
    " for i in range(n))\n"
    "HTML('<div style=\"filter:brightness(1)\">' + bands(%d) + '</div>')"
)
BOX = (
    "#| shot: box\n#| mask: [{selector: .clock, reason: it shows the time}]\n"
    'HTML(\'<div style="width:120px;height:60px;background:rgb(10,20,200)"><p class="clock">12:00</p></div>\')'
)


@pytest.fixture(scope="module")
def ran(shared_project: Project) -> Project:
    project = shared_project
    project.write(
        "pyproject.toml",
        '[project]\nname = "sample"\nversion = "0"\n\n[tool.widgetshot]\nsettle_timeout = 5\nscale = 2\n',
    )
    project.notebook("notebooks/huge.ipynb", "#| shot: {name: s, capture: page}\n" + DOWN % 2_000, BOX)
    done = project.widgetshot("run", "--update-baselines")
    assert "Traceback" not in done.stderr
    return project


def pixels(project: Project, name: str) -> np.ndarray:
    entry = project.entry(name)
    assert entry["verdict"] == "new", entry["sentence"]
    with Image.open(project.root / f"baselines/{entry['key']}.png") as picture:
        return np.asarray(picture.convert("RGB"))


def test_cell_of_a_large_page_has_its_own_picture(ran: Project) -> None:
    picture = pixels(ran, "notebooks/huge.ipynb::box")
    assert picture.shape[0] < 400
    rows, columns = (picture == (10, 20, 200)).all(axis=2).nonzero()
    assert (int(np.ptp(columns)), int(np.ptp(rows))) == (239, 119)


def test_page_that_is_too_large_is_broken_by_its_size(ran: Project) -> None:
    entry = ran.entry("notebooks/huge.ipynb::s")
    assert entry["verdict"] == "broken"
    assert "the page is 1920 x 100" in entry["sentence"]
    assert "a picture may have 80 million" in entry["sentence"]
    assert "take the shot of a cell" in entry["error"]["next"]
