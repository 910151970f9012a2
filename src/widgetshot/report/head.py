"""The part of a run besides its results."""

import platform
import re
import secrets
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from widgetshot import __version__
from widgetshot.model import RunEnd, ServiceUsage, TimeSpent
from widgetshot.report.limits import MAX_ITEMS, cut_name, fingerprint, seconds, timings
from widgetshot.report.run_json import (
    ENVIRONMENTS,
    FORMAT,
    Environment,
    NotebookTime,
    Run,
    ServiceTime,
    Tool,
    summarise,
)

_COMMIT = re.compile("[0-9a-f]{40,64}")


def notebook_times(spent: Mapping[str, TimeSpent]) -> list[NotebookTime]:
    """Return `notebooks[]` of run.json: the slowest first."""
    slowest = sorted(spent.items(), key=lambda item: (-item[1].seconds, item[0]))
    return [
        NotebookTime(notebook=path, seconds=seconds(one.seconds), timings=timings(one.stages))
        for path, one in slowest[:MAX_ITEMS]
    ]


def service_times(services: Mapping[str, ServiceUsage]) -> list[ServiceTime]:
    """Return `services[]` of run.json: the slowest first."""
    slowest = sorted(services.items(), key=lambda item: (-item[1].seconds, item[0]))
    return [
        ServiceTime(name=service, seconds=seconds(one.seconds), instances=one.instances, elsewhere=one.elsewhere)
        for service, one in slowest[:MAX_ITEMS]
    ]


def new_run(root: Path, environment: str, repeat: int = 1) -> Run:
    """Return a run that begins now, in a project's folder."""
    now = datetime.now(UTC)
    return Run(
        format=FORMAT,
        id=f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
        tool=Tool(name="widgetshot", version=__version__),
        project=cut_name(root.name),
        commit=_commit(root),
        started=now.isoformat(timespec="seconds"),
        repeat=repeat,
        merged=None,
        changed=None,
        suite=None,
        shard=None,
        skipped=[],
        environment=Environment(
            name=environment, python=platform.python_version(), platform=platform.platform(), fingerprint={}
        ),
        complete=False,
        timings={},
        notebooks=[],
        services=[],
        durations=[],
        comparisons=None,
        unused=None,
        summary=summarise((), 0.0),
        tests=[],
    )


def finished(run: Run, end: RunEnd) -> Run:
    """Return a run with what is known at its end."""
    return replace(
        run,
        complete=end.complete,
        environment=replace(run.environment, fingerprint=_fingerprint(run.environment.name, end.fingerprints)),
        timings=timings(end.timings),
        notebooks=notebook_times(end.notebooks),
        services=service_times(end.services),
        unused=None if end.unused is None else [cut_name(key) for key in sorted(end.unused)[:MAX_ITEMS]],
    )


def _fingerprint(names: str, found: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the fingerprint of an environment; of several one for each name.

    Args:
        names: as `Environment.name` has them.
    """
    if ENVIRONMENTS not in names:
        return fingerprint(found.get(names, {}))
    return {name: fingerprint(found.get(name, {})) for name in names.split(ENVIRONMENTS)}


def _commit(root: Path) -> str | None:
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    commit = done.stdout.strip()
    return commit if done.returncode == 0 and _COMMIT.fullmatch(commit) else None
