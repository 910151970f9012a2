"""Names of pictures that Python tests take."""

from pathlib import Path

import pytest

from widgetshot.errors import ConfigError
from widgetshot.model import Target
from widgetshot.project.loading import load_settings
from widgetshot.run.in_progress import RunInProgress
from widgetshot.services.manager import Services


def picture(test: str, name: str) -> Target:
    return Target(notebook=f"test_it.py/{test}", shot=name, cell_id=None, order=0)


def test_pictures_that_other_file_systems_take_for_one_are_refused_with_both_names(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.widgetshot]\n")
    settings = load_settings(tmp_path)
    with RunInProgress(settings, services=Services({})) as run:
        run.claim(picture("test_a", "plot"))
        # A test that is run again takes its pictures again.
        run.claim(picture("test_a", "plot"))
        run.claim(picture("test_b", "plot"))
        with pytest.raises(ConfigError, match="one file on macOS or Windows") as caught:
            run.claim(picture("test_a", "Plot"))
        assert "'test_it.py/test_a::Plot' and 'test_it.py/test_a::plot'" in caught.value.what
        with pytest.raises(ConfigError, match=r"'test_it\.py/test_B::plot' and 'test_it\.py/test_b::plot'"):
            run.claim(picture("test_B", "plot"))
