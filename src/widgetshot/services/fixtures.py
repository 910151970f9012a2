"""pytest fixtures that hand each test a part of a real service for itself.

Each is an `Endpoint`: `url`, and `environment` with what else a client needs. The service is started once per run, by
the session's `services`; the part (a database, key prefix, bucket, folder, path) is made for the test and removed after
it.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import pytest

from widgetshot.services import builtin
from widgetshot.services.recipe import Endpoint


class Services(Protocol):
    """What the fixtures ask of the session's `services`."""

    def endpoint(self, name: str) -> Endpoint:
        """A running instance, shared by the run."""
        ...


def part_name(test: str) -> str:
    """A name for a test's part of a service, the same in each run: lower-case letters, digits and `_`, 34 at most.

    Args:
        test: pytest's node id.
    """
    readable = re.sub(r"[^a-z0-9]+", "_", test.rpartition("::")[2].lower()).strip("_").removeprefix("test_")
    return f"t_{readable[:21].rstrip('_')}_{hashlib.sha256(test.encode()).hexdigest()[:10]}"


def _isolated(name: str) -> Callable[..., Any]:
    def part(request: pytest.FixtureRequest, services: Services) -> Iterator[Endpoint]:
        with builtin.load(name).isolate(services.endpoint(name), part_name(request.node.nodeid)) as endpoint:
            yield endpoint

    part.__doc__ = f"A part of the real {name} that this test has for itself."
    return pytest.fixture(name=f"real_{name}")(part)


real_sshd = _isolated("sshd")
real_slurm = _isolated("slurm")
real_postgres = _isolated("postgres")
real_redis = _isolated("redis")
real_clickhouse = _isolated("clickhouse")
real_s3 = _isolated("s3")
real_websocket = _isolated("websocket")
