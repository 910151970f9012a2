"""The tables of options in docs/reference."""

import re
import shutil
from pathlib import Path

import pytest

from widgetshot.declare.options import NOTEBOOK, SHOT
from widgetshot.project.options import PYTEST, RUN
from widgetshot.project.settings import PROJECT
from widgetshot.reference import PAGES, main, page_texts

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", PAGES)
def test_a_table_of_options_is_that_of_the_declarations(name: str) -> None:
    assert (REFERENCE / name).read_text(encoding="utf-8") == page_texts(REFERENCE)[name], "make reference"


def test_only_tables_are_written(tmp_path: Path) -> None:
    for name in PAGES:
        shutil.copy(REFERENCE / name, tmp_path)
    page = tmp_path / "notebook-options.md"
    text = page.read_text(encoding="utf-8")
    out_of_date = text.replace("| `max_settle` |", "| `cap` |").replace("## Steps", "## Actions")
    page.write_text(out_of_date, encoding="utf-8")
    main(str(tmp_path))
    assert page.read_text(encoding="utf-8") == text.replace("## Steps", "## Actions")


def test_a_page_names_no_table_that_there_is_not(tmp_path: Path) -> None:
    for name in PAGES:
        (tmp_path / name).write_text("<!-- options: of nobody -->\n<!-- end of options -->\n", encoding="utf-8")
    with pytest.raises(KeyError, match="of nobody"):
        page_texts(tmp_path)


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("notebook-options.md", {*SHOT, *NOTEBOOK}),
        ("configuration.md", set(PROJECT)),
        ("command-line.md", {option.run for option in RUN.values()} | {option.pytest for option in PYTEST.values()}),
    ],
)
def test_a_page_has_every_option(page: str, names: set[str]) -> None:
    text = (REFERENCE / page).read_text(encoding="utf-8")
    tables = re.findall(r"<!-- options: .*?<!-- end of options -->", text, re.DOTALL)
    listed = re.findall(r"^\| `([\w-]+)", "\n".join(tables), re.MULTILINE)
    assert set(listed) == names
