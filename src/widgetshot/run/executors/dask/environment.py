"""What tells an environment from others: widgetshot's own code, and the front ends of widgets that are installed."""

import hashlib
import json
import sys
from importlib.metadata import version
from pathlib import Path

from jupyter_core.paths import jupyter_path


def code_version() -> str:
    """Return widgetshot's version, with a digest of its code: that of a checkout changes without its version."""
    package = Path(__file__).parents[3]
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        digest.update(f"{file.relative_to(package).as_posix()}\0".encode() + file.read_bytes())
    return f"{version('widgetshot')} ({digest.hexdigest()[:12]})"


def installed_front_ends() -> dict[str, str]:
    """Return the name of each front end -> its version; a digest of its files where it does not say one.

    Those of the classic notebook (`nbextensions/name`) and of JupyterLab (`labextensions/name`).
    """
    found: dict[str, str] = {}
    for kind in ("nbextensions", "labextensions"):
        for place in map(Path, jupyter_path(kind)):
            if place.is_dir():
                for folder in sorted(_extensions(place)):
                    # What is found first is what is served.
                    found.setdefault(f"{kind}/{folder.relative_to(place).as_posix()}", _version(folder))
    return found


def machine() -> str:
    """Return what tells this machine, and the environment that runs here, from others; "" where that is not known."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        about = Path(sys.prefix).stat()
    except OSError:
        return ""
    return f"{boot} {about.st_dev} {about.st_ino}"


def _extensions(place: Path) -> list[Path]:
    folders = [entry for entry in place.iterdir() if entry.is_dir()]
    scopes = [folder for folder in folders if folder.name.startswith("@")]
    return [folder for folder in folders if folder not in scopes] + [
        entry for scope in scopes for entry in scope.iterdir() if entry.is_dir()
    ]


def _version(folder: Path) -> str:
    try:
        version = json.loads((folder / "package.json").read_text(encoding="utf-8"))["version"]
    except (OSError, ValueError, KeyError, TypeError):
        digest = hashlib.sha256()
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            digest.update(f"{file.relative_to(folder).as_posix()}\0".encode() + file.read_bytes())
        return digest.hexdigest()[:16]
    return str(version)
