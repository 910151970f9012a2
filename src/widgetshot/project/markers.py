"""The pytest markers that notebooks may carry: those that widgetshot registers, and the project's own.

Loaded in every pytest run of its environment, so nothing heavy is imported here.
"""

import contextlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from widgetshot.model import FRONT_ENDS

# Name -> meaning, besides widgetshot's own mark.
MARKERS = {
    "unit": "needs no more than a kernel",
    "integration": "uses something outside of its kernel",
    "expensive": "takes long, or costs something",
    "visual": "is about looks",
    "smoke": "one of the few that are run first",
    "services": "needs a running service",
    **{name: f"is drawn by the front end '{name}'" for name in FRONT_ENDS},
}
# Pytest acts on these; a notebook has options of its own for that (`skip`, `quarantine`).
_ACTING = {"skip", "skipif", "xfail", "usefixtures", "parametrize", "filterwarnings", "tryfirst", "trylast"}
_ACTING |= {"xdist_group"}
_FILES = {"pytest.ini": "pytest", ".pytest.ini": "pytest", "tox.ini": "pytest", "setup.cfg": "tool:pytest"}


def marker_names(lines: Iterable[str]) -> frozenset[str]:
    """Return the names in lines that register markers with pytest (`slow: takes minutes`).

    Those on which pytest acts are left out.
    """
    names = {re.split(r"[:(]", line, maxsplit=1)[0].strip() for line in lines}
    return frozenset(names - _ACTING - {""})


def registered_markers(tool: Mapping[str, Any], root: Path) -> frozenset[str]:
    """Return the markers that a project's configuration of pytest registers, whichever file it is in.

    Args:
        tool: the table `[tool]` of its pyproject.toml.
        root: its folder.
    """
    table = tool.get("pytest", {})
    lines: list[str] = []
    for one in (table, table.get("ini_options", {})) if isinstance(table, Mapping) else ():
        value = one.get("markers", []) if isinstance(one, Mapping) else []
        lines += value.splitlines() if isinstance(value, str) else map(str, value)
    for name, section in _FILES.items():
        if (root / name).is_file():
            lines += _ini_lines(root / name, section)
    return marker_names(lines)


def _ini_lines(file: Path, section: str) -> list[str]:
    import configparser

    ini = configparser.RawConfigParser()
    # A file that can't be read is pytest's to complain about.
    with contextlib.suppress(configparser.Error, OSError, UnicodeDecodeError):
        ini.read(file, encoding="utf-8")
    return ini.get(section, "markers", fallback="").splitlines()
