"""A run folder under review never says where baselines are, and no key leads into a hidden folder."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from builders import picture, result_called
from projects import Project
from run_folders import finish, writer
from stores import by_digest, in_folder
from widgetshot.baselines.access import Baselines
from widgetshot.errors import BaselineError, ConfigError, WidgetshotError
from widgetshot.files import encode_png
from widgetshot.review.session import ReviewSession
from widgetshot.review.sessions import ReviewSessions


def project(root: Path, text: str = "") -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / "pyproject.toml").write_text(f"[tool.widgetshot]\n{text}\n")
    return root


def with_run(root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    finish(writer(root / "widgetshot-report"), result_called("new"))
    return root


def test_a_run_of_the_servers_project_is_reviewed_with_its_settings(tmp_path: Path) -> None:
    root = with_run(project(tmp_path / "home", 'baselines = "approved"'))
    with_run(root / "downloads" / "artifact")
    sessions = ReviewSessions(root)
    for path in ("", "widgetshot-report", "downloads/artifact/widgetshot-report"):
        session = sessions.open(path)
        assert session.root == root.resolve()
        assert session.baselines.locate("e/n/x") == "approved/e/n/x.png"


@pytest.mark.parametrize("marker", ["pyproject.toml", ".git"])
@pytest.mark.parametrize("server", ["a project", "no project"])
def test_an_artifact_that_brings_a_project_along_is_refused(tmp_path: Path, marker: str, server: str) -> None:
    home = project(tmp_path / "home") if server == "a project" else tmp_path / "home"
    artifact = with_run(home / "downloads" / "artifact")
    if marker == ".git":
        (artifact / ".git").mkdir()
    else:
        project(artifact, 'baselines = "../.."')
    with pytest.raises(ConfigError, match="lies in another project than the server") as caught:
        ReviewSessions(home).open("downloads/artifact/widgetshot-report")
    assert "widgetshot review RUN" in caught.value.next_step


@pytest.mark.parametrize("inside", ["link", "path"])
def test_baselines_outside_of_the_servers_project_are_refused(tmp_path: Path, inside: str) -> None:
    (tmp_path / "victim").mkdir()
    root = with_run(project(tmp_path / "home", 'baselines = "../victim"' if inside == "path" else ""))
    if inside == "link":
        (root / "baselines").symlink_to(tmp_path / "victim")
    for path in ("", "widgetshot-report"):
        with pytest.raises(ConfigError, match="lie outside of the project that the server was started in"):
            ReviewSessions(root).open(path)


@pytest.mark.parametrize("words", [["approve", ".", "--decisions", "-"], ["review", "--terminal", "."]])
def test_commands_typed_in_the_run_folder_take_no_settings_from_it(tmp_path: Path, words: list[str]) -> None:
    artifact = with_run(tmp_path / "artifact") / "widgetshot-report"
    project(artifact, 'baselines = "../victim"')
    done = Project(artifact).widgetshot(*words)
    assert done.returncode == 3, (done.stdout, done.stderr)
    assert "the project's folder is the run folder" in done.stderr
    assert not (tmp_path / "artifact" / "victim").exists()


def test_a_session_whose_project_lies_in_the_run_folder_is_refused(tmp_path: Path) -> None:
    folder = with_run(tmp_path) / "widgetshot-report"
    for root in (folder, project(folder / "pictures")):
        with pytest.raises(ConfigError, match="who made a run does not say where baselines are"):
            ReviewSession(folder, in_folder(root / "baselines"), root)


@pytest.mark.parametrize("key", [".jupyter/x", "e/.ssh/x", "e/n/.x", "e/../x", "/e/x", "e/n/.x[dark]"])
@pytest.mark.parametrize("kind", [in_folder, by_digest])
def test_no_part_of_a_key_begins_with_a_dot(tmp_path: Path, kind: Callable[[Path], Baselines], key: str) -> None:
    store = kind(tmp_path / "baselines")
    data = encode_png(picture(), optimise=False)
    for act in (
        lambda: store.write(key, data),
        lambda: store.read(key),
        lambda: store.digest(key),
        lambda: store.locate(key),
        lambda: store.remove([key]),
    ):
        with pytest.raises(BaselineError, match="leads out of the baselines folder, or into a hidden one"):
            act()
    assert not list(tmp_path.rglob("*x*"))


def test_hidden_files_are_no_baselines(tmp_path: Path) -> None:
    store = in_folder(tmp_path / "baselines")
    store.write("e/n/x", encode_png(picture(), optimise=False))
    shutil.copytree(tmp_path / "baselines" / "e", tmp_path / "baselines" / ".e")
    assert store.keys() == {"e/n/x"}


def test_a_run_with_a_hidden_key_is_refused(tmp_path: Path) -> None:
    root = with_run(tmp_path)
    file = root / "widgetshot-report" / "run.json"
    file.write_text(file.read_text().replace("page-chromium-linux", ".jupyter"))
    with pytest.raises(WidgetshotError, match=r"tests\[0\]\.key: expected str matching regex"):
        ReviewSessions(root).open("widgetshot-report")
