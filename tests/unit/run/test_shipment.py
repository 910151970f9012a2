"""A project on its way to a worker that does not share it."""

import hashlib
import os
from pathlib import Path

import pytest

from widgetshot.errors import ServerError
from widgetshot.project.project_files import ProjectFile, ProjectFiles, project_files
from widgetshot.run.executors.dask.shipment import FileStore, chunks


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    (made / "data").mkdir(parents=True)
    (made / "data/x.csv").write_bytes(b"1")
    (made / "data/same.csv").write_bytes(b"1")
    (made / "run.sh").write_bytes(b"#!/bin/sh")
    (made / "run.sh").chmod(0o755)
    (made / "link").symlink_to("data/x.csv")
    return made


def test_a_project_arrives_as_it_is_and_each_file_travels_once(root: Path, tmp_path: Path) -> None:
    store, project = FileStore(tmp_path / "worker"), project_files(root)
    digests = sorted({file.sha256 for file in project.files.values()})
    assert store.missing(digests) == digests
    sent = list(chunks(root, project, digests))
    assert [len(chunk.contents) for chunk in sent] == [3]
    for chunk in sent:
        store.add(chunk.contents)
    assert store.missing(digests) == []
    made = store.make("1", project)
    assert project_files(made).digest == project.digest
    assert os.access(made / "run.sh", os.X_OK)
    assert (made / "link").readlink() == Path("data/x.csv")
    # A second run, for which only one file is new.
    (root / "data/x.csv").write_bytes(b"2")
    later = project_files(root)
    missing = store.missing({file.sha256 for file in later.files.values()})
    assert len(missing) == 1
    for chunk in chunks(root, later, missing):
        store.add(chunk.contents)
    assert project_files(store.make("2", later)).digest == later.digest
    store.remove("1")
    assert not made.exists()


def test_what_is_not_what_it_should_be_is_refused(root: Path, tmp_path: Path) -> None:
    store, project = FileStore(tmp_path / "worker"), project_files(root)
    with pytest.raises(ServerError, match="changed on its way"):
        store.add({project.files["run.sh"].sha256: b"other"})


def test_a_file_that_changes_meanwhile_is_sent_as_it_is_now(root: Path) -> None:
    project = project_files(root)
    (root / "run.sh").write_bytes(b"changed meanwhile")
    (chunk,) = chunks(root, project, [project.files["run.sh"].sha256])
    digest = hashlib.sha256(b"changed meanwhile").hexdigest()
    assert chunk.contents == {digest: b"changed meanwhile"}
    assert chunk.changed == {"run.sh": ProjectFile(digest, 0o755, 17)}


def test_what_differs_elsewhere_is_told_by_its_path(root: Path, tmp_path: Path) -> None:
    project = project_files(root)
    assert project.differing(root) == []
    (root / "run.sh").write_bytes(b"changed")
    assert project.differing(root) == ["run.sh"]
    assert sorted(project.differing(tmp_path / "nowhere")) == sorted(project.files)
    assert project.again(root).differing(root) == []


def test_nothing_is_written_outside_of_the_project(root: Path, tmp_path: Path) -> None:
    store = FileStore(tmp_path / "worker")
    file = project_files(root).files["run.sh"]
    store.add({file.sha256: b"#!/bin/sh"})
    for path in ("../out", "/out", "a/../../out"):
        with pytest.raises(ServerError, match="leads out of the project"):
            store.make("1", ProjectFiles({path: file}))
    outside = tmp_path / "outside"
    outside.mkdir()
    link = str(outside).encode()
    digest = hashlib.sha256(link).hexdigest()
    store.add({digest: link})
    store.make("2", ProjectFiles({"sub": ProjectFile(digest, 0, len(link)), "sub/a/run.sh": file}))
    assert list(outside.iterdir()) == []
