"""Parts of real services (a database, key prefix, bucket, folder, path), made for one test and removed after it."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager

from widgetshot.services import builtin
from widgetshot.services.endpoint import Endpoint
from widgetshot.services.manager import Services


def part_name(test: str) -> str:
    """Return the name of a test's part of a service, the same in each run: lower-case letters, digits, `_`; 34 at most.

    Args:
        test: pytest's node id.
    """
    readable = re.sub(r"[^a-z0-9]+", "_", test.rpartition("::")[2].lower()).strip("_").removeprefix("test_")
    return f"t_{readable[:21].rstrip('_')}_{hashlib.sha256(test.encode()).hexdigest()[:10]}"


@contextmanager
def isolated(name: str, services: Services, test: str) -> Iterator[Endpoint]:
    """Make a part of a built-in service that one test has for itself.

    Args:
        services: those of the run.
        test: pytest's node id.

    Raises:
        ServerError: the service can't be had.
    """
    with builtin.load(name).isolate(services.endpoint(name), part_name(test)) as endpoint:
        yield endpoint
