"""A plugin of coverage.py that keeps kernels from being measured.

Every Python process under `make test` measures itself: the tests, the headless servers that they start and, in some of
the acceptance tests (see MEASURED in tests/conftest.py), the commands that they type, with their servers. Kernels are
somebody else's programs, and would draw other pictures if they were slowed down.
"""

import os
from pathlib import Path
from typing import Any

HERE = str(Path(__file__).parent)


def coverage_init(registry: Any, options: dict[str, str]) -> None:
    """Hide the measuring from what a headless server starts; coverage.py calls this in each process at its start."""
    if "WIDGETSHOT_FOLDER" not in os.environ:
        return
    for name in ("COVERAGE_PROCESS_START", "COVERAGE_FILE"):
        os.environ.pop(name, None)
    left = [folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder != HERE]
    os.environ["PYTHONPATH"] = os.pathsep.join(left)
    if not any(left):
        del os.environ["PYTHONPATH"]
