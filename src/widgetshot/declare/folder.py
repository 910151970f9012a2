"""The folder of a notebook, those above it, and which of their files a notebook names."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

_HIDDEN = {"node_modules", "baselines", "widgetshot-report"}
# A virtual environment, and the mark of caches (https://bford.info/cachedir/).
_GENERATED = ("pyvenv.cfg", "CACHEDIR.TAG")
# `..` but no ellipsis, what a Python program goes up with, and libraries that look for the project's folder.
_UPWARDS = re.compile(
    r"(?<!\.)\.\.(?!\.)|\b(?:parents?(?!\s*=)|pardir|dirname|find_dotenv|pyprojroot|rootutils|pyrootutils|autoroot)\b"
)
# Options of ours, among them the `inputs` that a notebook declares: it opens none of these by that.
_OPTIONS = re.compile(r"^[ \t]*#\|.*$", re.MULTILINE)
# A file above, written out: nothing else of what is there is meant.
_FILE_ABOVE = re.compile(r"""(?:\.\./)+(?:[\w@+-]+/)*[\w@+-]+\.\w+(?=['"\s)>,;|&]|$)""")
_QUOTED = re.compile(r"""(['"])((?:\\.|(?!\1)[^\n\\])*)\1""")
_PATH = re.compile(r"[\w.+@~-]*/[\w.+@/-]*")
_IMPORT = re.compile(r"^[ \t]*(?:from|import)[ \t].*$", re.MULTILINE)
_COMMAND = re.compile(r"^[ \t]*[%!].*$", re.MULTILINE)
_WORD = re.compile(r"[\w+@-][\w.+@-]*")


def files_beside(folder: str | Path) -> "list[os.DirEntry[str]]":
    """Return what of a notebook's folder (or of another of its project) its kernel gets to see, sorted by name.

    Raises:
        OSError: the folder can't be read.
    """
    with os.scandir(folder) as entries:
        seen = [entry for entry in entries if _is_seen(entry)]
    return sorted(seen, key=lambda entry: entry.name)


def goes_up(text: str) -> bool:
    """Tell whether a program may look for what lies above its folder. True is a guess, False is nearly sure."""
    return _UPWARDS.search(_OPTIONS.sub("", text)) is not None


def searches_above(text: str) -> bool:
    """Tell whether a program may look above its folder for more than files whose paths are written out in it."""
    return goes_up(text) and goes_up(_FILE_ABOVE.sub("", text))


def names_in(text: str, *, python: bool = True) -> set[str]:
    """Return the words of a program that may be names of files, folders and modules, without their paths.

    Args:
        python: whether it is Python, of which only strings, paths, imports and commands are looked at.
    """
    if not python:
        return set(_WORD.findall(text))
    strings = [match[2] for match in _QUOTED.finditer(text)]
    words = {part for string in strings for part in re.split(r"[/\\]", string)}
    for found in (*_PATH.findall(text), *strings):
        words.update(_WORD.findall(found))
    for line in _IMPORT.findall(text):
        words.update(re.findall(r"\w+", line))
    for line in _COMMAND.findall(text):
        words.update(_WORD.findall(line))
    # Files of one name belong together: x.shp and x.dbf.
    return (words | {word.partition(".")[0] for word in words}) - {""}


def is_named(name: str, words: Iterable[str]) -> bool:
    """Tell whether a file or folder is among `names_in`, with or without what follows the first dot of its name."""
    return name in words or name.partition(".")[0] in words


def _is_seen(entry: "os.DirEntry[str]") -> bool:
    name = entry.name
    if name.startswith((".", "__pycache__")) or name in _HIDDEN or name.endswith(".ipynb"):
        return False
    return not (entry.is_dir() and any(os.path.lexists(os.path.join(entry.path, mark)) for mark in _GENERATED))
