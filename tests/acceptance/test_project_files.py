"""A notebook finds the files of its project as in Jupyter, also those above its folder, and writes to none of them.

Each notebook has a shot `s`; what it shows is looked up in the layout beside its picture, or in its pixels.
"""

import json
import os
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from projects import Project

SHOT = "#| shot: s\n"
COLOUR = (200, 30, 30)
LARGE = 65 * 1024 * 1024  # bytes, more than are copied

# Name -> source, and the words that the layout must have.
SHOWN = {
    "opens_data_above": ("print('read', open('../data/x.csv').read())", "read a,b"),
    "opens_data_two_above": ("print('read', open('../../top.txt').read())", "read topmost"),
    "joins_the_path": (
        "import os\nprint('read', open(os.path.join(os.pardir, 'data', 'x.csv')).read())",
        "read a,b",
    ),
    "goes_by_parents": (
        "from pathlib import Path\nprint('read', (Path.cwd().parents[1] / 'top.txt').read_text())",
        "read topmost",
    ),
    "imports_from_above": (
        "import sys\nsys.path.insert(0, '..')\nfrom package.module import NAME, TABLE\nprint('found', NAME, TABLE)",
        "found module 7 a,b",
    ),
    "lists_a_sibling": ("import os\nprint('listed', sorted(os.listdir('../data')))", "listed ['deep', 'x.csv']"),
    "asks_whether_it_is_there": (
        "import os\nprint('there', os.path.exists('../data/x.csv'), os.path.exists('../data/y.csv'))",
        "there True False",
    ),
    "helper_goes_up": ("import helper\nprint('read', helper.text())", "read a,b"),
    "runs_a_command": ("!cat ../data/x.csv | tr a-b y-z", "y,z"),
    "stands_in_its_folder": (
        "import os\nprint('in', os.path.relpath('.', '../..'))\nprint(sorted(os.listdir('../..')))",
        "in lab/books ['lab', 'pyproject.to",
    ),
    "sees_no_repository": (
        "import os\nnames = ('.git', 'node_modules', 'venv', 'baselines', 'cache')\n"
        "print('seen', [name for name in names if os.path.exists('../../' + name)])",
        "seen []",
    ),
    "reads_what_is_large": (
        "print('size', len(open('large.bin', 'rb').read()), len(open('../huge/large.bin', 'rb').read()))",
        f"size {LARGE} {LARGE}",
    ),
}
WRITES = """
import os, shutil, sqlite3
from pathlib import Path
Path("../data/x.csv").write_text("lost")
with open("../../top.txt", "a") as file:
    file.write("lost")
os.remove("../data/deep/y.txt")
os.rename("../package", "../renamed")
shutil.rmtree("../moved")
Path("../new.txt").write_text("new")
Path("../../new.txt").write_text("new")
Path("beside.txt").write_text("lost")
Path("linked.txt").write_text("lost")
Path("../linked/x.csv").write_text("lost")
Path("large.bin").open("r+b").write(b"lost")
Path("../huge/large.bin").open("ab").write(b"lost")
os.truncate("../huge/other.bin", 3)
os.chmod("../huge/other.bin", 0o600)
print("wrote", Path("../data/x.csv").read_text(), os.path.getsize("large.bin"), os.path.getsize("../huge/other.bin"))
"""
COMMAND = (
    "echo lost > ../data/x.csv; rm ../../top.txt; mv ../package ../gone; echo lost > ../linked/deep/y.txt; "
    "echo lost >> ../common.py; mkdir ../made; cat ../data/x.csv"
)
IMAGES = """
from IPython.display import HTML
HTML('<img alt="" src="../img/dot.png"><img alt="" src="beside.png">')
"""


def png(size: tuple[int, int]) -> bytes:
    data = BytesIO()
    Image.new("RGB", size, COLOUR).save(data, "PNG")
    return data.getvalue()


@pytest.fixture(scope="module")
def files(shared_project: Project) -> Project:
    project = shared_project
    project.write("top.txt", "topmost")
    project.write("lab/data/x.csv", "a,b")
    project.write("lab/data/deep/y.txt", "deep")
    project.write("lab/moved/z.txt", "z")
    project.write("lab/package/__init__.py", "")
    project.write("lab/package/module.py", "from common import NAME\nfrom pathlib import Path\n"
                  "TABLE = Path(__file__).parents[1].joinpath('data', 'x.csv').read_text()\n")  # fmt: skip
    project.write("lab/common.py", "NAME = 'module 7'\n")
    project.write("lab/books/helper.py", "from pathlib import Path\ndef text():\n"
                  "    return (Path(__file__).parent.parent / 'data' / 'x.csv').read_text()\n")  # fmt: skip
    project.write("lab/books/beside.txt", "beside")
    for path in (".git/config", "node_modules/a.js", "venv/pyvenv.cfg", "cache/CACHEDIR.TAG", "baselines/a.txt"):
        project.write(path, "")
    for path in ("lab/books/large.bin", "lab/huge/large.bin", "lab/huge/other.bin"):
        file = project.write(path, "")
        os.truncate(file, LARGE)
    (project.root / "lab/linked").symlink_to("data")
    (project.root / "lab/books/linked.txt").symlink_to("../data/deep/y.txt")
    for path, size in (("lab/img/dot.png", (30, 20)), ("lab/books/beside.png", (10, 5))):
        (project.root / path).parent.mkdir(exist_ok=True)
        (project.root / path).write_bytes(png(size))
    for name, (source, _) in SHOWN.items():
        project.notebook(f"lab/books/{name}.ipynb", SHOT + source)
    project.notebook("lab/books/writes.ipynb", SHOT + WRITES)
    project.notebook("lab/books/commands.ipynb", SHOT + f"!{COMMAND}")
    project.notebook("lab/books/images.ipynb", SHOT + IMAGES)
    return project


State = dict[str, tuple[bytes | int, int]]


def state(project: Project) -> State:
    """What each file of the project holds (how much, of a large one), and its mode."""
    found: State = {}
    for file in [*(project.root / "lab").rglob("*"), project.root / "top.txt"]:
        if file.is_file():
            about = file.stat()
            content = file.read_bytes() if about.st_size < LARGE else about.st_blocks
            found[str(file.relative_to(project.root))] = content, about.st_mode
    return found


@pytest.fixture(scope="module")
def ran(files: Project) -> tuple[Project, State, State]:
    """The project after one run of all notebooks; its files before and after that."""
    before = state(files)
    done = files.widgetshot("run", "lab/books", "--update-baselines")
    assert "Traceback" not in done.stderr
    return files, before, state(files)


def shown(project: Project, name: str) -> str:
    entry = project.entry(f"lab/books/{name}.ipynb::s")
    assert entry["verdict"] == "new", entry["sentence"]
    sidecar: dict[str, Any] = json.loads((project.root / f"baselines/{entry['key']}.json").read_text(encoding="utf-8"))
    return "\n".join(sidecar["layout"])


@pytest.mark.parametrize("name", SHOWN)
def test_files_of_the_project_are_found_as_in_jupyter(ran: tuple[Project, State, State], name: str) -> None:
    assert SHOWN[name][1] in shown(ran[0], name)


def test_nothing_that_a_notebook_writes_removes_or_renames_reaches_the_project(
    ran: tuple[Project, State, State],
) -> None:
    project, before, after = ran
    assert f"wrote lost {LARGE} 3" in shown(project, "writes")
    assert "lost" in shown(project, "commands")
    assert after == before


def test_links_of_a_page_go_up_as_far_as_the_project(ran: tuple[Project, State, State]) -> None:
    project, _, _ = ran
    key = project.entry("lab/books/images.ipynb::s")["key"]
    with Image.open(project.root / f"baselines/{key}.png") as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    assert (np.abs(pixels - COLOUR).max(axis=2) <= 3).sum() == 30 * 20 + 10 * 5


def test_a_notebook_is_told_of_when_its_copy_is_not_whole(project: Project) -> None:
    for number in range(700):
        project.write(f"many/{number}.txt", "")
    project.write("few/1.txt", "")
    project.notebook("notebooks/a.ipynb", SHOT + "import os\nprint('found', os.listdir('../few'))")
    project.notebook("notebooks/b.ipynb", SHOT + "import os\nprint('found', len(os.listdir('../many')))")
    project.notebook("notebooks/c.ipynb", SHOT + "print('found')")
    project.widgetshot("run", "--update-baselines")
    told = {name: project.entry(f"notebooks/{name}.ipynb::s")["console"] for name in "abc"}
    assert told == {"a": ["its copy of the project is without 'many', which it does not name"], "b": [], "c": []}
