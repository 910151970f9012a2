"""The files of a project, with and without git."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from widgetshot.project.project_files import project_files


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path, text in {
        "a.ipynb": "{}", "data/x.csv": "1", "data/big.bin": "generated", ".hidden/y": "2", ".env.test": "A=1",
        "node_modules/z.js": "3", "venv/pyvenv.cfg": "", "venv/bin/python": "4", "report/run.json": "{}",
    }.items():  # fmt: skip
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    (tmp_path / "link").symlink_to("data/x.csv")
    (tmp_path / "run.sh").write_text("", encoding="utf-8")
    (tmp_path / "run.sh").chmod(0o755)
    return tmp_path


def git(root: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True)


def test_without_git_it_is_what_is_neither_hidden_nor_generated(root: Path) -> None:
    files = project_files(root, [root / "report"]).files
    assert sorted(files) == ["a.ipynb", "data/big.bin", "data/x.csv", "link", "run.sh"]
    assert files["data/x.csv"].sha256 == hashlib.sha256(b"1").hexdigest()
    assert files["link"].sha256 == hashlib.sha256(b"data/x.csv").hexdigest()
    assert (files["link"].mode, files["run.sh"].mode, files["a.ipynb"].mode) == (0, 0o755, 0o644)


def test_with_git_it_is_what_is_tracked_or_not_ignored(root: Path) -> None:
    git(root, "init", "-q")
    (root / ".gitignore").write_text("*.bin\nvenv\nnode_modules\n", encoding="utf-8")
    git(root, "add", "a.ipynb")
    (root / "gone").write_text("", encoding="utf-8")
    git(root, "add", "gone")
    (root / "gone").unlink()
    found = sorted(project_files(root, [root / "report"]).files)
    assert found == [".gitignore", ".hidden/y", "a.ipynb", "data/x.csv", "link", "run.sh"]


def test_a_folder_that_a_repository_ignores_is_no_empty_project(root: Path) -> None:
    git(root, "init", "-q")
    (root / ".gitignore").write_text("data\n", encoding="utf-8")
    assert sorted(project_files(root / "data").files) == ["big.bin", "x.csv"]


def test_the_digest_is_of_paths_contents_and_modes(root: Path) -> None:
    before = project_files(root).digest
    assert project_files(root).digest == before
    (root / "a.ipynb").chmod(0o755)
    changed = project_files(root).digest
    (root / "a.ipynb").chmod(0o644)
    (root / "data/x.csv").rename(root / "data/y.csv")
    renamed = project_files(root).digest
    (root / "data/y.csv").rename(root / "data/x.csv")
    assert len({before, changed, renamed}) == 3
    assert project_files(root).digest == before
