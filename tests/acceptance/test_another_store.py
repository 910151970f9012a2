"""Baselines in another store than the folder in git: the commands do with it what they do with that one."""

import subprocess
from collections.abc import Iterator

import pytest

from projects import Project, make_project
from stores import by_digest, install_digest_store

RUNS = "#| shot: {name}\nprint({text!r})"
NAMES = ("one", "two", "three")
KEY, SECOND, THIRD = (f"page-chromium-linux/notebooks/a/{name}" for name in NAMES)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose baselines are kept by digest, with three baselines."""
    project = make_project(tmp_path_factory.mktemp("elsewhere"))
    project.environment |= install_digest_store(project.root / "site")
    with (project.root / "pyproject.toml").open("a") as file:
        file.write('store = "digests"\n')
    project.notebook("notebooks/a.ipynb", *(RUNS.format(name=name, text=name) for name in NAMES))
    assert ok(project.widgetshot("run", "--changed", "--update-baselines"))
    yield project
    assert project.left_behind() == []


def ok(done: subprocess.CompletedProcess[str], code: int = 0) -> str:
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout or " "


@pytest.fixture(scope="module")
def again(elsewhere: Project) -> tuple[set[str], str]:
    """The files of the baselines, and what a run says for which nothing has changed."""
    return set(elsewhere.files("baselines")), ok(elsewhere.widgetshot("run", "--changed"))


def test_a_run_writes_them_there_and_knows_what_passed(again: tuple[set[str], str]) -> None:
    files, said = again
    assert {name for name in files if not name.startswith("objects/")} == {"index.json", "lock"}
    # Three pictures with their sidecars, and the calibration sheet that they share.
    assert len(files) == 2 + 6 + 1
    assert said.count("3 pictures were not run") == 1


@pytest.fixture(scope="module")
def lost(elsewhere: Project, again: tuple[set[str], str]) -> dict[str, str]:
    """The verdicts of a run for which two shots have changed, the first accepted; the third baseline was lost then."""
    assert again
    baselines = by_digest(elsewhere.root / "baselines")
    notebook = elsewhere.root / "notebooks" / "a.ipynb"
    text = notebook.read_text()
    notebook.write_text(text.replace("print('one')", "print('another text')"))
    ok(elsewhere.pytest("notebooks", "-q"), 1)
    assert elsewhere.verdicts() == verdicts("changed", "match", "match")
    shot = (elsewhere.root / "widgetshot-report" / "pictures" / f"{KEY}.shot.png").read_bytes()
    said = ok(review(elsewhere, "a", "q"))
    assert f"✓ accepted: baselines: {KEY} is written" in said
    assert "git add" not in said
    assert baselines.snapshot(KEY).picture == shot
    ok(review(elsewhere, "q"))

    notebook.write_text(notebook.read_text().replace("print('two')", "print('the second text')"))
    digest = baselines.digest(THIRD)
    assert digest is not None
    picture = elsewhere.root / "baselines" / "objects" / digest[:2] / digest
    data = picture.read_bytes()
    picture.unlink()
    try:
        ok(elsewhere.widgetshot("run"), 2)
        return elsewhere.verdicts()
    finally:
        picture.write_bytes(data)


def verdicts(*each: str) -> dict[str, str]:
    return {f"notebooks/a.ipynb::{name}": verdict for name, verdict in zip(NAMES, each, strict=True)}


def test_what_changed_is_found_reviewed_and_approved(elsewhere: Project, lost: dict[str, str]) -> None:
    # What was accepted matches, and what is approved is written.
    assert lost == verdicts("match", "changed", "broken")
    pictures = elsewhere.root / "widgetshot-report" / "pictures"
    assert ok(elsewhere.widgetshot("approve", "--all")).startswith(f"✓ {SECOND}")
    shot = (pictures / f"{SECOND}.shot.png").read_bytes()
    assert by_digest(elsewhere.root / "baselines").snapshot(SECOND).picture == shot


def review(project: Project, *lines: str) -> subprocess.CompletedProcess[str]:
    return project.widgetshot("review", "--terminal", input="\n".join(lines))


def test_what_nothing_declares_is_pruned(elsewhere: Project) -> None:
    baselines = by_digest(elsewhere.root / "baselines")
    files = baselines.snapshot(KEY)
    baselines.restore({"page-chromium-linux/notebooks/gone/x": files})
    assert "1 unused" in ok(elsewhere.widgetshot("prune"))
    assert ok(elsewhere.widgetshot("prune", "--remove")) == "removed page-chromium-linux/notebooks/gone/x\n"
    assert len(baselines.keys()) == 3
    assert baselines.snapshot(KEY) == files


def test_a_lost_picture_breaks_its_target_alone_and_says_what_to_do(elsewhere: Project, lost: dict[str, str]) -> None:
    assert lost == verdicts("match", "changed", "broken")
    assert elsewhere.entry("notebooks/a.ipynb::three")["error"]["next"] == f"digests restore '{THIRD}'"


@pytest.mark.parametrize("command", ["run", "approve --all", "prune", "review --terminal"])
def test_a_store_that_is_not_installed_is_reported_before_anything_is_done(project: Project, command: str) -> None:
    with (project.root / "pyproject.toml").open("a") as file:
        file.write('store = "digest"\n')
    project.notebook("notebooks/a.ipynb", "1")
    done = project.widgetshot(*command.split())
    assert done.returncode == 3
    assert "pyproject.toml [tool.widgetshot] store: no store 'digest' is installed; valid: folder" in done.stderr
    assert not (project.root / "widgetshot-report").exists()


def test_a_store_that_cannot_be_imported_is_reported(project: Project) -> None:
    project.environment |= install_digest_store(project.root / "site")
    (project.root / "site" / "digest_store-1.0.dist-info" / "entry_points.txt").write_text(
        "[widgetshot.baseline_stores]\ndigests = no_such_module:open\n"
    )
    with (project.root / "pyproject.toml").open("a") as file:
        file.write('store = "digests"\n')
    done = project.widgetshot("prune")
    assert done.returncode == 3
    assert "the store 'digests' can't be imported: ModuleNotFoundError" in done.stderr
    assert "next: python -c 'import no_such_module'" in done.stderr
