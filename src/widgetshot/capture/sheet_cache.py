"""Calibration sheets that browsers of this machine have drawn, in the user's cache, by all that decides on them.

That is asked of the running process: a command may be a script that starts another program, and adds flags of its own.
"""

import contextlib
import hashlib
import platform
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import psutil
from platformdirs import user_cache_path
from playwright.async_api import Error as PlaywrightError

from widgetshot.capture.fingerprint import fonts_digest
from widgetshot.documents import Document
from widgetshot.files import write_atomically
from widgetshot.project.settings import Settings

_CPU = Path("/proc/cpuinfo")
# Lines of it: of the name of a processor, and of what it is able to do (x86, ARM).
_CPU_LINES = ("vendor_id", "model name", "flags", "Features", "CPU part")
# Flags of a command that are different in each run, and nothing to pictures.
_OF_ONE_RUN = ("--user-data-dir", "--crash-dumps-dir", "--enable-crash-reporter", "--remote-debugging-", "--database")
# Begin of the names of variables that have a say in what is drawn: by which libraries and drivers, by what settings.
_VARIABLES = ("LD_", "DYLD_", "LIBGL_", "MESA_", "VK_", "ANGLE_", "FREETYPE_", "SKIA_", "GALLIUM_", "LP_")


class _KeptSheet(Document, frozen=True, kw_only=True):
    edition: int
    primitives: dict[str, str]


async def name_of(browser: Any, settings: Settings, script: str) -> str | None:
    """Return the name under which the sheet of a running Chromium is kept; None where it can't be had.

    Args:
        browser: Playwright's, async or wrapped by `Awaitable`.
        script: what draws the sheet.
    """
    try:
        session = await browser.new_browser_cdp_session()
        told = await session.send("SystemInfo.getProcessInfo")
        await session.detach()
        ids = [one["id"] for one in told["processInfo"] if one["type"] == "browser"]
        process = psutil.Process(ids[0])
        with process.oneshot():
            program, words, variables = Path(process.exe()), process.cmdline()[1:], process.environ()
    except (PlaywrightError, psutil.Error, LookupError, OSError):
        return None
    facts: list[str] = [script, browser.version, str(settings.scale), fonts_digest(settings), *_processor()]
    facts += [settings.locale, settings.timezone]
    facts += sorted(word for word in words if not word.startswith(_OF_ONE_RUN))
    facts += sorted(f"{name}={value}" for name, value in variables.items() if name.startswith(_VARIABLES))
    facts += _files(program)
    return hashlib.sha256("\0".join(facts).encode(errors="surrogateescape")).hexdigest()


def _files(program: Path) -> Iterable[str]:
    """Return what tells a program, and the libraries beside it that draw for it, from other versions of them."""
    for file in (program, *sorted((*program.parent.glob("*.so*"), *program.parent.glob("*.dll")))):
        with contextlib.suppress(OSError):
            about = file.stat()
            yield f"{file} {about.st_size} {about.st_mtime_ns} {about.st_ino}"


def _processor() -> list[str]:
    """Return what the processor is able to do, as far as that is known."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError):
            lines = _CPU.read_text(encoding="utf-8", errors="replace").splitlines()
            return sorted({" ".join(line.split()) for line in lines if line.startswith(_CPU_LINES)})
    return [platform.machine(), platform.processor(), platform.version()]


def kept_sheet(name: str) -> tuple[int, dict[str, str]] | None:
    """Return edition and primitives of a sheet that is kept; None where there is none that can be read."""
    try:
        kept = msgspec.json.decode(_file(name).read_bytes(), type=_KeptSheet)
    except (OSError, msgspec.MsgspecError, UnicodeError):
        return None
    return kept.edition, kept.primitives


def keep_sheet(name: str, edition: int, primitives: Any) -> None:
    """Keep a sheet; where that can't be done, the next browser draws it once more."""
    with contextlib.suppress(OSError):
        file = _file(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, msgspec.json.encode(_KeptSheet(edition=edition, primitives=dict(primitives))))


def _file(name: str) -> Path:

    return user_cache_path("widgetshot") / "sheets" / f"{name}.json"
