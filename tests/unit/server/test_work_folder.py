"""What a kernel is given of its project."""

import os
from pathlib import Path
from typing import Any

import pytest

from widgetshot.declare.folder import goes_up, names_in, searches_above
from widgetshot.server import work_folder
from widgetshot.server.work_folder import Limits, WorkFolder, prepare_folder


def given(
    tmp_path: Path, *sources: str, notebook: str = "lab/books/a.ipynb", **options: Any
) -> tuple[set[str], WorkFolder]:
    """The files of a copy, links among them with an arrow, and what else is told of it."""
    own = tmp_path / "own"
    own.mkdir()
    root = tmp_path / "project"
    made = prepare_folder(own, root / notebook, root, sources, (str(root / "pictures"),), **options)
    names = set()
    for folder, _, files in os.walk(own / "work"):
        for file in files:
            path = Path(folder, file)
            names.add(path.relative_to(own / "work").as_posix() + (" ->" if path.is_symlink() else ""))
    return names, made


def write(tmp_path: Path, *paths: str, text: str = "") -> None:
    for path in paths:
        file = tmp_path / "project" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, "lab/books/a.ipynb", "lab/books/beside.txt", "lab/data/x.csv", "lab/data/y.csv", "lab/other.txt")
    write(tmp_path, "top.txt", "pictures/p.png", ".git/config", "node_modules/a.js", "venv/pyvenv.cfg", "venv/lib/a.py")
    return tmp_path


def test_what_lies_above_is_given_only_where_a_program_goes_up(project: Path) -> None:
    names, made = given(project, "open('beside.txt')")
    assert names == {"lab/books/beside.txt"}
    assert made.place == project / "own/work/lab/books"
    assert not made.above


def test_of_a_file_that_is_written_out_only_that_file_is_given(project: Path) -> None:
    write(project, "lab/data/x.csv.gz", "lab/data/x.dbf")
    names, made = given(project, "open('../data/x.csv')")
    # What is called as it is belongs to it.
    assert names == {"lab/books/beside.txt", "lab/data/x.csv", "lab/data/x.csv.gz", "lab/data/x.dbf"}
    assert (made.above, made.missing) == (True, ())


@pytest.mark.parametrize("source", ["import sys; sys.path.append('..')", "from pathlib import Path; Path.cwd().parent"])
def test_where_a_program_may_look_for_anything_all_of_a_small_project_is_given(project: Path, source: str) -> None:
    names, made = given(project, source)
    assert names == {"lab/books/beside.txt", "lab/data/x.csv", "lab/data/y.csv", "lab/other.txt", "top.txt"}
    assert made.missing == ()


def test_of_a_large_project_what_is_named_is_given_and_little_else(project: Path) -> None:
    write(project, *(f"many/{number}.txt" for number in range(9)), *(f"zoo/{number}.txt" for number in range(9)))
    names, made = given(
        project, "import os; os.listdir(os.path.join(os.pardir, os.pardir, 'zoo'))", limits=Limits(unnamed_files=3)
    )
    assert {name for name in names if name.startswith("zoo/")} == {f"zoo/{number}.txt" for number in range(9)}
    assert len([name for name in names if name.startswith("many/")]) < 9
    assert "many" in made.missing
    assert "zoo" not in made.missing


def test_modules_that_modules_import_are_given(project: Path) -> None:
    write(project, "lab/package/__init__.py", "lab/package/unused.py", "lab/deeper.py", "lab/unused.py")
    write(project, "lab/package/part.py", text="import deeper")
    names, made = given(
        project, "import sys\nsys.path.append('..')\nfrom package import part", limits=Limits(unnamed_files=0)
    )
    assert names == {
        "lab/books/beside.txt", "lab/package/__init__.py", "lab/package/part.py", "lab/deeper.py",
    }  # fmt: skip
    assert set(made.missing) == {"lab/data", "lab/other.txt", "lab/package/unused.py", "lab/unused.py", "top.txt"}


def test_a_module_beside_the_notebook_may_go_up(project: Path) -> None:
    write(project, "lab/books/helper.py", text="open(Path(__file__).parent.parent / 'data' / 'x.csv')")
    names, made = given(project, "import helper")
    assert "lab/data/x.csv" in names
    assert made.above


def test_files_over_the_budget_are_links_and_folders_never(project: Path) -> None:
    write(project, "lab/books/deep/large.bin", "lab/data/large.bin", text="x" * 11)
    names, made = given(project, "open('../data/large.bin')", limits=Limits(copied_bytes=10))
    assert names == {"lab/books/beside.txt", "lab/books/deep/large.bin ->", "lab/data/large.bin ->"}
    assert not (made.place / "deep").is_symlink()
    listed = (project / "own" / work_folder.LINKS).read_text(encoding="utf-8")
    assert str(made.place / "deep/large.bin") in listed


def test_links_in_a_circle_come_to_an_end(project: Path) -> None:
    root = project / "project"
    (root / "lab/books/up").symlink_to("..")
    (root / "lab/data/own").symlink_to(".")
    (root / "lab/books/away").symlink_to("/")
    names, made = given(project, "open('up/data/x.csv')")
    assert (made.place / "up/data/x.csv").resolve() == project / "own/work/lab/data/x.csv"
    assert (made.place / "up").resolve() == project / "own/work/lab"
    assert not (made.place / "away").exists()
    assert not [name for name in names if name.startswith("lab/data/own/own")]


@pytest.mark.parametrize("source", ["", "open('../data/x.csv')", "print(Path('..') / name)"])
def test_links_among_each_other_are_not_followed_for_ever(project: Path, source: str) -> None:
    """Two links in one folder, which lead into each other, would make a tree of 2^n copies."""
    root = project / "project"
    for folder in (root, root / "lab", root / "lab/books", root / "lab/books/deep"):
        folder.mkdir(exist_ok=True)
        for name in ("one", "two"):
            (folder / name).symlink_to(".")
    for name, target in (("there", "../back"), ("again", "../back")):
        (root / "lab/forth").mkdir(exist_ok=True)
        (root / "lab/forth" / name).symlink_to(target)
    for name, target in (("back", "../forth"), ("again", "../forth")):
        (root / "lab/back").mkdir(exist_ok=True)
        (root / "lab/back" / name).symlink_to(target)
    (project / "elsewhere").mkdir()
    for name in ("one", "two"):
        (project / "elsewhere" / name).symlink_to(root / "lab/books")
        (root / "lab/books" / f"away-{name}").symlink_to(project / "elsewhere")
    (root / "lab/books/forth").symlink_to("../forth")
    names, made = given(project, source)
    assert len(names) < 60
    assert (made.place / "beside.txt").is_file()
    assert (made.place / "one/two/one/beside.txt").is_file()


def test_notebook_of_the_projects_own_folder_has_nothing_above(project: Path) -> None:
    names, made = given(project, "open('../x')", notebook="b.ipynb")
    assert names == {"top.txt", "lab/books/beside.txt", "lab/data/x.csv", "lab/data/y.csv", "lab/other.txt"}
    assert (made.place, made.above) == (project / "own/work", False)


@pytest.mark.parametrize(
    ("text", "up", "searches"),
    [
        ("print(...)", False, False),
        ("x[...]\n1..real", True, True),
        ("open('../a/b.csv')", True, False),
        ('<img src="../img/a.png">', True, False),
        ("![text](../img/a.png)", True, False),
        ("open(f'../data/{name}.csv')", True, True),
        ("open('../data/' + name)", True, True),
        ("join('../data', name)", True, True),
        ("glob('../data/*.csv')", True, True),
        ("open('../a/b.csv'); chdir('..')", True, True),
        ("Path(__file__).parent", True, True),
        ("load_dotenv(find_dotenv())", True, True),
        ("transparent = 1", False, False),
        ("#| widgetshot: {inputs: ['../src/**/*.py']}\nx = 1", False, False),
    ],
)
def test_whether_a_program_goes_up(text: str, up: bool, searches: bool) -> None:
    assert (goes_up(text), searches_above(text)) == (up, searches)


def test_names_are_taken_from_strings_paths_imports_and_commands() -> None:
    text = "import one.two as three\n%run four.py\nfive = six('my data/x y.csv') + f\"../{seven}/eight.txt\"\n"
    names = names_in(text)
    assert {"one", "two", "four.py", "my data", "x y.csv", "eight.txt"} <= names
    assert not {"five", "six"} & names
    assert "nine" in names_in("cat nine", python=False)
