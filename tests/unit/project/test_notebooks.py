"""Which notebooks a project has, and what is asked of their paths."""

import unicodedata
from pathlib import Path

import pytest

from builders import block, notebook_json
from widgetshot.errors import ConfigError
from widgetshot.project.loading import load_settings
from widgetshot.project.notebooks import load_notebook


@pytest.mark.parametrize("path", [".hidden/x.ipynb", "notebooks/.x.ipynb", "a\\b.ipynb", "notebooks/\udcff.ipynb"])
def test_a_path_that_no_picture_can_be_named_after_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.widgetshot]\n")
    file = tmp_path / path
    file.parent.mkdir(exist_ok=True)
    file.write_text(notebook_json(block("shot: a")))
    with pytest.raises(ConfigError, match="no picture can be named after its path") as caught:
        load_notebook(load_settings(tmp_path), file)
    assert caught.value.next_step == "rename it"


def test_a_path_may_have_all_other_characters(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.widgetshot]\n")
    path = "our notebooks/it's [1] <ü>: a:b.c.ipynb"
    (tmp_path / path).parent.mkdir()
    (tmp_path / path).write_text(notebook_json(block("shot: a")))
    assert load_notebook(load_settings(tmp_path), tmp_path / path).path == path


COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))


@pytest.mark.parametrize(
    ("one", "other", "named"),
    [
        ("notebooks/Plot.ipynb", "notebooks/plot.ipynb", "'notebooks/Plot.ipynb' and 'notebooks/plot.ipynb'"),
        ("Plots/x.ipynb", "plots/X.ipynb", "'Plots/x.ipynb' and 'plots/X.ipynb'"),
        (f"{COMPOSED}.ipynb", f"{DECOMPOSED}.ipynb", r"'cafe\u0301.ipynb' and 'caf\xe9.ipynb'"),
        (f"{COMPOSED}/a/x.ipynb", f"{DECOMPOSED.upper()}/A/x.ipynb", "/A/x.ipynb' and '"),
        ("straße.ipynb", "STRASSE.ipynb", "'STRASSE.ipynb' and 'straße.ipynb'"),
    ],
)
def test_notebooks_that_other_file_systems_take_for_one_are_refused_with_both_names(
    tmp_path: Path, one: str, other: str, named: str
) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.widgetshot]\n")
    for path in (one, other):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(notebook_json(block("shot: a")))
    if (tmp_path / one).samefile(tmp_path / other):
        pytest.skip("this file system is one of those")
    settings = load_settings(tmp_path)
    for path in (one, other):
        with pytest.raises(ConfigError, match="one file on macOS or Windows") as caught:
            load_notebook(settings, tmp_path / path)
        assert named in caught.value.what
        assert caught.value.where == path
    (tmp_path / other).unlink()
    assert load_notebook(settings, tmp_path / one).path == one


def test_what_is_no_notebook_of_the_project_collides_with_none(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.widgetshot]\nexclude = ["old/X.ipynb"]\n')
    for path in ("a/x.ipynb", "a/X.py", "A/y.ipynb", "old/x.ipynb", "old/X.ipynb", "b/x.ipynb"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(notebook_json(block("shot: a")))
    (tmp_path / "a/X.ipynb").mkdir()
    for path in ("a/x.ipynb", "A/y.ipynb", "old/x.ipynb", "b/x.ipynb"):
        assert load_notebook(load_settings(tmp_path), tmp_path / path).path == path
