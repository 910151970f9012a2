"""A run folder made into one HTML file that carries its pictures inside."""

import json
from base64 import b64encode
from importlib.resources import files
from pathlib import Path
from typing import Any

from widgetshot.errors import RecordError
from widgetshot.files import sha256, write_atomically

FORMAT = 1
RUN_MARK = "@@widgetshot-run@@"
PICTURES_MARK = "@@widgetshot-pictures@@"
RUN_AGAIN = "widgetshot run"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def write_gallery(run_folder: Path) -> Path:
    """Write `index.html` into a run folder, from its `run.json` and the pictures that names.

    Every picture's bytes go in once, however many results show it; of a match, only the shot. A picture whose
    file is gone or is not the one recorded is told as such in the page.

    Args:
        run_folder: the folder that `widgetshot run` or `pytest` wrote.

    Returns:
        The path of the page.

    Raises:
        RecordError: the folder holds no run of a known format, or the page can't be written.
    """
    run = _read_run(run_folder)
    pictures: dict[str, str] = {}
    try:
        for test in run["tests"]:
            kinds = ("shot",) if test["verdict"] == "match" else ("baseline", "shot", "second", "diff")
            test["pictures"] = {
                kind: {**picture, "absent": _embed(run_folder, picture, pictures)}
                for kind in kinds
                if (picture := test["pictures"].get(kind))
            }
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise RecordError(
            f"not a complete run: {error!r}", where=str(run_folder / "run.json"), next_step=RUN_AGAIN
        ) from error
    template = files("widgetshot").joinpath("static/gallery.html").read_text(encoding="utf-8")
    before, rest = template.split(RUN_MARK)
    between, after = rest.split(PICTURES_MARK)
    page = "".join((before, _inside_script(run), between, _inside_script(pictures), after))
    index = run_folder / "index.html"
    try:
        # A reader never meets half a page, and one that is open keeps the whole old one.
        write_atomically(index, page.encode())
    except OSError as error:
        raise RecordError(f"the gallery can't be written: {error}", where=str(index)) from error
    return index


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


def _embed(run_folder: Path, picture: dict[str, Any], pictures: dict[str, str]) -> str | None:
    """Add the picture's bytes to `pictures`, by their hash. Returns why not, in words, or None when they are there."""
    if picture["sha256"] in pictures:
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
    pictures[picture["sha256"]] = b64encode(content).decode("ascii")
    return None


def _inside_script(value: object) -> str:
    """JSON that may stand inside an HTML script element: ASCII only, and nothing in it opens or closes a tag."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")
