"""Baselines in another store than the folder in git: the commands do with it what they do with that one."""

import subprocess
from collections.abc import Iterator

import pytest

from projects import Project, make_project
from stores import by_digest, files_of, install_digest_store

RUNS = "#| shot: {name}\nprint({text!r})"
KEY = "page-chromium-linux/notebooks/a/one"


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose baselines are kept by digest, with two baselines."""
    project = make_project(tmp_path_factory.mktemp("elsewhere"))
    project.environment |= install_digest_store(project.root / "site") | {"CI": ""}
    with (project.root / "pyproject.toml").open("a") as file:
        file.write('store = "digests"\n')
    project.notebook("notebooks/a.ipynb", RUNS.format(name="one", text="1"), RUNS.format(name="two", text="2"))
    assert ok(project.widgetshot("run", "--changed", "--update-baselines"))
    yield project
    assert project.left_behind() == []


def ok(done: subprocess.CompletedProcess[str], code: int = 0) -> str:
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout or " "


def objects(project: Project) -> set[str]:
    return {name for name in project.files("baselines") if name.startswith("objects/")}


def test_a_run_writes_them_there_and_knows_what_passed(elsewhere: Project) -> None:
    assert set(project_files(elsewhere)) == {"index.json", "lock"}
    assert len(objects(elsewhere)) == 4
    assert ok(elsewhere.widgetshot("run", "--changed")).count("2 pictures were not run") == 1


def project_files(project: Project) -> set[str]:
    return {name for name in project.files("baselines") if not name.startswith("objects/")}


def test_what_changed_is_found_reviewed_approved_and_taken_back(elsewhere: Project) -> None:
    baselines = by_digest(elsewhere.root / "baselines")
    before = files_of(baselines)
    notebook = elsewhere.root / "notebooks" / "a.ipynb"
    text = notebook.read_text()
    notebook.write_text(text.replace("print('1')", "print('another text')"))
    ok(elsewhere.pytest("notebooks", "-q"), 1)
    assert elsewhere.verdicts() == {"notebooks/a.ipynb::one": "changed", "notebooks/a.ipynb::two": "match"}
    shot = (elsewhere.root / "widgetshot-report" / "pictures" / f"{KEY}.shot.png").read_bytes()

    said = ok(review(elsewhere, "a", "q"))
    assert f"✓ accepted: baselines: {KEY} is written" in said
    assert "git add" not in said
    assert baselines.snapshot(KEY).picture == shot
    ok(review(elsewhere, "q"))
    ok(elsewhere.widgetshot("run"))
    assert set(elsewhere.verdicts().values()) == {"match"}

    notebook.write_text(text)
    ok(elsewhere.widgetshot("run"), 1)
    assert ok(elsewhere.widgetshot("approve", "--all")).startswith(f"✓ {KEY}")
    assert {key: baselines.snapshot(key).picture for key in before} == {
        key: files.picture for key, files in before.items()
    }


def review(project: Project, *lines: str) -> subprocess.CompletedProcess[str]:
    return project.widgetshot("review", "--terminal", input="\n".join(lines))


def test_what_nothing_declares_is_pruned(elsewhere: Project) -> None:
    baselines = by_digest(elsewhere.root / "baselines")
    files = baselines.snapshot(KEY)
    baselines.restore({"page-chromium-linux/notebooks/gone/x": files})
    assert "1 unused" in ok(elsewhere.widgetshot("prune"))
    assert ok(elsewhere.widgetshot("prune", "--remove")) == "removed page-chromium-linux/notebooks/gone/x\n"
    assert len(baselines.keys()) == 2
    assert baselines.snapshot(KEY) == files


def test_a_lost_picture_breaks_its_target_alone_and_says_what_to_do(elsewhere: Project) -> None:
    baselines = by_digest(elsewhere.root / "baselines")
    digest = baselines.digest(KEY)
    assert digest is not None
    lost = elsewhere.root / "baselines" / "objects" / digest[:2] / digest
    data = lost.read_bytes()
    lost.unlink()
    try:
        ok(elsewhere.widgetshot("run"), 2)
        assert elsewhere.verdicts() == {"notebooks/a.ipynb::one": "broken", "notebooks/a.ipynb::two": "match"}
        assert elsewhere.entry("notebooks/a.ipynb::one")["error"]["next"] == f"digests restore '{KEY}'"
    finally:
        lost.write_bytes(data)


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
