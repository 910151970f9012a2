"""Which notebooks a project has, and what is asked of their paths."""

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
