"""What the fixtures hand to a test: a part of a real service (a database, key prefix, bucket, folder, path) that it
has for itself, made for the test and removed after it.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager

from widgetshot.services import builtin
from widgetshot.services.manager import Services
from widgetshot.services.recipe import Endpoint


def part_name(test: str) -> str:
    """A name for a test's part of a service, the same in each run: lower-case letters, digits and `_`, 34 at most.

    Args:
        test: pytest's node id.
    """
    readable = re.sub(r"[^a-z0-9]+", "_", test.rpartition("::")[2].lower()).strip("_").removeprefix("test_")
    return f"t_{readable[:21].rstrip('_')}_{hashlib.sha256(test.encode()).hexdigest()[:10]}"


@contextmanager
def isolated(name: str, services: Services, test: str) -> Iterator[Endpoint]:
    """A part of a built-in service that one test has for itself.

    Args:
        services: those of the run.
        test: pytest's node id.

    Raises:
        ServerError: the service can't be had.
    """
    with builtin.load(name).isolate(services.endpoint(name), part_name(test)) as endpoint:
        yield endpoint
