"""A plugin of coverage.py that keeps kernels from being measured.

Every Python process under `make test` measures itself: the tests, the headless servers that they start and, in some of
the acceptance tests (see MEASURED in tests/conftest.py), the commands that they type, with their servers. Kernels are
somebody else's programs, and would draw other pictures if they were slowed down.

Nor is anything measured while installed modules are imported: Python runs everything at a third of its speed where it
tells somebody about each line, and a headless server imports for two seconds of which little is ours.
"""

import os
import sys
import threading
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = str(Path(__file__).parent)
INSTALLED = (sys.prefix, sys.base_prefix)

# What measures a thread again where an installed module imports one that is not.
_paused = threading.local()


class Loader(SourceFileLoader):
    """Executes modules; measured if they are not of an environment, whoever imports them."""

    def exec_module(self, module: ModuleType) -> None:
        trace, paused = sys.gettrace(), getattr(_paused, "trace", None)
        ours = not self.path.startswith(INSTALLED)
        sys.settrace(trace or paused if ours else None)
        _paused.trace = None if ours else trace or paused
        try:
            super().exec_module(module)
        finally:
            sys.settrace(trace)
            _paused.trace = paused


def coverage_init(registry: Any, options: dict[str, str]) -> None:
    """Set up the measuring of a process; coverage.py calls this in each at its start."""
    loaders = (
        (ExtensionFileLoader, EXTENSION_SUFFIXES),
        (Loader, SOURCE_SUFFIXES),
        (SourcelessFileLoader, BYTECODE_SUFFIXES),
    )
    sys.path_hooks.insert(0, FileFinder.path_hook(*loaders))
    sys.path_importer_cache.clear()
    # What a headless server starts is not measured.
    if "WIDGETSHOT_FOLDER" not in os.environ:
        return
    for name in ("COVERAGE_PROCESS_START", "COVERAGE_FILE"):
        os.environ.pop(name, None)
    left = [folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder != HERE]
    os.environ["PYTHONPATH"] = os.pathsep.join(left)
    if not any(left):
        del os.environ["PYTHONPATH"]
