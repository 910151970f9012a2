"""What names a Dask cluster, and what a project declares of clusters."""

from pathlib import Path
from typing import Any

import pytest

from widgetshot.errors import ConfigError
from widgetshot.project.cluster import ClusterDeclaration, DaskOptions, parse_cluster, parse_dask
from widgetshot.project.loading import load_settings
from widgetshot.values import BadValue

SLURM = {"class": "dask_jobqueue.SLURMCluster", "workers": 8, "arguments": {"queue": "main"}}


@pytest.mark.parametrize(
    "text", ["", "local:1", "local:1000", "slurm", "my-cluster", "tcp://10.0.0.1:8786", "tls://h:1", "tcp://[::1]:8786"]
)
def test_a_cluster_is_named(text: str) -> None:
    assert parse_cluster(f" {text} ") == text


@pytest.mark.parametrize(
    "value", ["local:", "local:0", "local:1001", "local:two", "tcp://", "http://h:1", "tcp://me:secret@h:1", "a b", 3]
)
def test_what_names_no_cluster_is_refused(value: object) -> None:
    with pytest.raises(BadValue):
        parse_cluster(value)


def test_clusters_are_declared() -> None:
    options = parse_dask({"timeout": 30, "like": "each-other", "slurm": SLURM, "small": {"class": "a.B"}})
    slurm = ClusterDeclaration("dask_jobqueue.SLURMCluster", 8, {"queue": "main"})
    assert options == DaskOptions({"slurm": slurm, "small": ClusterDeclaration("a.B")}, 30, "each-other")
    assert "main" not in repr(options)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (3, "must be a mapping"),
        ({"timeout": -1}, "must be a number"),
        ({"like": "others"}, "must be one of this, each-other"),
        ({"timeuot": 3}, "did you mean 'timeout'"),
        ({"slurm": {}}, "needs a class"),
        ({"slurm": {"class": "SLURMCluster"}}, "needs a class"),
        ({"slurm": {**SLURM, "worker": 2}}, "did you mean 'workers'"),
        ({"slurm": {**SLURM, "workers": 0}}, "must be a whole number from 1"),
        ({"slurm": {**SLURM, "arguments": {"asynchronous": False}}}, "is set by widgetshot"),
        ({"local": SLURM}, "can't be named 'local'"),
    ],
)
def test_what_declares_no_cluster_is_refused(table: Any, says: str) -> None:
    with pytest.raises(BadValue, match=says):
        parse_dask(table)


def test_a_name_is_looked_up_when_settings_are_loaded(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.widgetshot]\ncluster = "slurm"\n[tool.widgetshot.dask.slurm]\nclass = "dask_jobqueue.SLURMCluster"\n',
        encoding="utf-8",
    )
    found = load_settings(tmp_path).dask_cluster
    assert found is not None
    assert found.declaration == ClusterDeclaration("dask_jobqueue.SLURMCluster")
    assert load_settings(tmp_path, {"cluster": ""}).dask_cluster is None
    local = load_settings(tmp_path, {"cluster": "local:3"}).dask_cluster
    assert local is not None
    assert (local.local, local.address) == (3, "")
    with pytest.raises(ConfigError, match="there is no cluster 'slrum'; did you mean 'slurm'"):
        load_settings(tmp_path, {"cluster": "slrum"})
