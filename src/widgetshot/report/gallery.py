"""A run folder made into one HTML file that carries its pictures inside."""

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from widgetshot.errors import RecordError
from widgetshot.files import sha256, write_atomically

FORMAT = 1
RUN_AGAIN = "widgetshot run"
# Characters of pictures in one page. With what is said of 1,000 results it stays under 15 MB: it opens at once, and
# passes as an attachment.
ROOM = 13_000_000
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def write_gallery(run_folder: Path, room: int = ROOM) -> Path:
    """Write `index.html` into a run folder, see `page`.

    Args:
        run_folder: the folder that `widgetshot run` or `pytest` wrote.
        room: characters of pictures, beyond which those of matches are left out.

    Returns:
        The path of the page.

    Raises:
        RecordError: the folder holds no run of a known format, or the page can't be written.
    """
    index = run_folder / "index.html"
    text = page(run_folder, room=room)
    try:
        # A reader never meets half a page, and one that is open keeps the whole old one.
        write_atomically(index, text.encode())
    except OSError as error:
        raise RecordError(f"the gallery can't be written: {error}", where=str(index)) from error
    return index


def page(run_folder: Path, live: Mapping[str, Any] | None = None, room: int = ROOM) -> str:
    """The gallery as HTML, from a run folder's `run.json` and the pictures that names.

    Every picture's bytes go in once, however many results show it; of a match, only the shot, and only as long as
    there is `room` beside what needs a decision. A picture whose file is gone or is not the one recorded is told as
    such in the page.

    Args:
        run_folder: the folder that `widgetshot run` or `pytest` wrote.
        live: where a server takes decisions: `api`, the address under which it does, on the same origin.
        room: characters of pictures.

    Raises:
        RecordError: the folder holds no run of a known format.
    """
    run = _read_run(run_folder)
    pictures = _Pictures()
    try:
        # What needs a decision first: of the rest, what finds room.
        for test in sorted(run["tests"], key=lambda test: test["verdict"] == "match"):
            match = test["verdict"] == "match"
            kinds = ("shot",) if match else ("baseline", "shot", "second", "diff")
            test["pictures"] = {
                kind: {**picture, "absent": _embed(run_folder, picture, pictures, room if match else None)}
                for kind in kinds
                if (picture := test["pictures"].get(kind))
            }
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise RecordError(
            f"not a complete run: {error!r}", where=str(run_folder / "run.json"), next_step=RUN_AGAIN
        ) from error
    template = files("widgetshot").joinpath("static/gallery.html").read_text(encoding="utf-8")
    places = {
        "connect": "'self'" if live else "'none'",
        "live": _inside_script(live),
        "run": _inside_script(run),
        "pictures": _inside_script(pictures.encoded),
    }
    # Split once: what is filled in may hold a mark's text itself.
    before, *rest = re.split(r"@@widgetshot-(\w+)@@", template)
    return before + "".join(places[name] + text for name, text in zip(rest[::2], rest[1::2], strict=True))


def _read_run(run_folder: Path) -> dict[str, Any]:
    source = run_folder / "run.json"
    try:
        # Python writes NaN and Infinity, which a browser's JSON refuses: as words they can be shown.
        run = json.loads(source.read_bytes(), parse_constant=str)
    except OSError as error:
        raise RecordError(f"no run can be read here: {error}", where=str(source), next_step=RUN_AGAIN) from error
    except ValueError as error:
        raise RecordError(f"not JSON: {error}", where=str(source), next_step=RUN_AGAIN) from error
    if not isinstance(run, dict) or run.get("format") != FORMAT:
        found = run.get("format") if isinstance(run, dict) else type(run).__name__
        raise RecordError(
            f"a run of format {FORMAT} is needed, this is {found!r}", where=str(source), next_step=RUN_AGAIN
        )
    return run


@dataclass
class _Pictures:
    """Pictures in base64 by their hash, and how many characters they are together."""

    encoded: dict[str, str] = field(default_factory=dict)
    size: int = 0


def _embed(run_folder: Path, picture: dict[str, Any], pictures: _Pictures, room: int | None) -> str | None:
    """Add the picture's bytes to `pictures`. Returns why not, in words, or None when they are there."""
    if picture["sha256"] in pictures.encoded:
        return None
    path = (run_folder / picture["path"]).resolve()
    # A run may come from somebody else's CI: it must not pull this machine's other files into a page that is passed on.
    if not path.is_relative_to(run_folder.resolve()):
        return "picture not shown: its path leaves the run folder"
    try:
        content = path.read_bytes()
    except OSError:
        return "picture not recorded"
    if sha256(content) != picture["sha256"] or not content.startswith(PNG_SIGNATURE):
        return "picture not shown: the file is not the one this run recorded"
    encoded = b64encode(content).decode("ascii")
    if room is not None and len(encoded) + pictures.size > room:
        return f"left out to keep this page small: it is {picture['path']} in the run folder"
    pictures.encoded[picture["sha256"]] = encoded
    pictures.size += len(encoded)
    return None


def _inside_script(value: object) -> str:
    """JSON that may stand inside an HTML script element: ASCII only, and nothing in it opens or closes a tag."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")
