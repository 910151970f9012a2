"""The Dask cluster that executes notebooks, as a project or a flag names it. Nothing of Dask is imported here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from widgetshot.errors import ConfigError, nearest
from widgetshot.values import BadValue, check_keys, mapping, parse_count, parse_positive, parse_text

MAX_LOCAL_WORKERS = 1_000
_LOCAL = re.compile(r"local:([0-9]{1,4})")
# What Dask speaks; https://distributed.dask.org/en/stable/communications.html
_SCHEMES = ("tcp", "tls", "ws", "wss", "ucx")
_NAME = re.compile(r"[A-Za-z_][\w-]{0,99}")
_CLASS = re.compile(r"(?:[A-Za-z_]\w*\.)+[A-Za-z_]\w*")
_FORM = (
    "must be the address of a scheduler (tcp://HOST:PORT), local:N, or the name of a cluster of [tool.widgetshot.dask]"
)
_CLUSTER_OPTIONS = ("class", "workers", "arguments")
LIKE = ("this", "each-other")


@dataclass(frozen=True)
class ClusterDeclaration:
    """A cluster that is started for a run.

    Attributes:
        kind: its class, as `module.Class`.
        workers: number of them that are asked for.
        arguments: of the class.
    """

    kind: str
    workers: int = 1
    # Not in the repr: there may be passwords among them.
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class DaskOptions:
    """`[tool.widgetshot.dask]`.

    Attributes:
        clusters: those that may be named, by name.
        timeout: seconds until a first worker must be there.
        like: what a worker must draw like: `this` machine, or, with `each-other`, most of them.
    """

    clusters: Mapping[str, ClusterDeclaration] = field(default_factory=dict)
    timeout: float = 600.0
    like: str = LIKE[0]


@dataclass(frozen=True)
class Cluster:
    """The cluster that a run was told to use.

    Attributes:
        text: as it was written.
        local: number of workers that are started on this machine; 0 where it is another cluster.
        address: of a scheduler that runs; "" where a cluster is started.
        declaration: what is started; None where nothing is, or it is local.
    """

    text: str
    local: int = 0
    address: str = ""
    declaration: ClusterDeclaration | None = None


def parse_cluster(value: Any) -> str:
    """Parse what names a cluster; "" is none.

    Raises:
        BadValue: it can't be the name of one.
    """
    text = value.strip() if isinstance(value, str) else parse_text(value)
    if not text or _NAME.fullmatch(text):
        return text
    if found := _LOCAL.fullmatch(text):
        if not 1 <= int(found[1]) <= MAX_LOCAL_WORKERS:
            raise BadValue(f"local:N has 1 to {MAX_LOCAL_WORKERS} workers")
        return text
    scheme, separator, rest = text.partition("://")
    if separator and scheme in _SCHEMES and re.fullmatch(r"[^\s@/?#]+(?:/\S*)?", rest):
        return text
    raise BadValue(f"{_FORM}, not {text!r}")


def parse_dask(value: Any) -> DaskOptions:
    """Parse the table `[tool.widgetshot.dask]`: `timeout`, `like`, and a table for each cluster.

    Raises:
        BadValue: an unknown word, or a value of the wrong kind.
    """
    table = dict(mapping(value))
    options: dict[str, Any] = {}
    if "timeout" in table:
        options["timeout"] = _part("timeout", parse_positive, table.pop("timeout"))
    if "like" in table:
        like = table.pop("like")
        if like not in LIKE:
            raise BadValue(f"must be one of {', '.join(LIKE)}, not {like!r}", " like")
        options["like"] = like
    for name, declared in table.items():
        if not isinstance(declared, Mapping):
            raise BadValue(f"unknown option '{name}'{nearest(name, ('timeout', 'like'))}", " ")
        if not _NAME.fullmatch(name) or name == "local":
            raise BadValue(f"a cluster can't be named '{name}'; take letters, digits, - and _")
    return DaskOptions({name: _declaration(name, declared) for name, declared in table.items()}, **options)


def _declaration(name: str, table: Mapping[str, Any]) -> ClusterDeclaration:
    place = f" {name}"
    try:
        check_keys(table, _CLUSTER_OPTIONS, "option of a cluster")
    except BadValue as error:
        raise BadValue(error.what, place) from None
    kind = table.get("class", "")
    if not isinstance(kind, str) or not _CLASS.fullmatch(kind):
        raise BadValue(f"needs a class, as in class = 'dask_jobqueue.SLURMCluster', not {kind!r}", f"{place} class")
    workers = _part(f"{name} workers", parse_count, table.get("workers", 1))
    arguments = _part(f"{name} arguments", mapping, table.get("arguments", {}))
    if taken := [word for word in ("asynchronous", "loop") if word in arguments]:
        raise BadValue(f"'{taken[0]}' is set by widgetshot", f"{place} arguments")
    return ClusterDeclaration(kind, workers, dict(arguments))


def _part(name: str, parser: Any, value: Any) -> Any:
    try:
        return parser(value)
    except BadValue as error:
        raise BadValue(error.what, f" {name}") from None


def resolved(text: str, options: DaskOptions, where: str) -> Cluster | None:
    """Return the cluster that a text names, see `parse_cluster`; None for none.

    Raises:
        ConfigError: there is none of this name.
    """
    if not text:
        return None
    if found := _LOCAL.fullmatch(text):
        return Cluster(text, local=int(found[1]))
    if "://" in text:
        return Cluster(text, address=text)
    if text not in options.clusters:
        if options.clusters:
            raise ConfigError(f"there is no cluster '{text}'{nearest(text, options.clusters)}", where=where)
        raise ConfigError(
            f"there is no cluster '{text}': pyproject.toml declares none",
            where=where,
            next_step=f"declare it: [tool.widgetshot.dask.{text}] with a class and its arguments; or --dask local:2",
        )
    return Cluster(text, declaration=options.clusters[text])
