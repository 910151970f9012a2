"""How faithful our pictures are to JupyterLab's: each output of the zoo, pixel by pixel.

    python benchmarks/fidelity.py [NOTEBOOK ...] [--theme light|dark|both] [--venv .fidelity-venv]
                                  [--output fidelity-report] [--keep jupyterlab widgetshot] [--discard]

The zoo is fidelity/notebooks: small notebooks over what people show in Jupyter. They are run twice, by JupyterLab
(fidelity_lab.py) and by `widgetshot run`, with the same front ends, browser, fonts, clock, width and theme. Every cell
that shows something, there or here, is one row: equal in all pixels, or differing, or without a picture here and with
a message instead (named). Nothing may differ in silence: what differs by nature has its reason in
fidelity/reasons.toml, and the exit code is 1 if something has none.

What JupyterLab and the zoo need is installed into an environment of its own, with the versions that
fidelity/requirements.txt pins and this checkout. `--keep` does not take the pictures of that side anew but compares
those that the output folder has. There, too, each output that differs is kept: both pictures and the difference.
fidelity.md beside this file is written when the whole zoo was compared, unless --discard is given.
"""

import argparse
import asyncio
import collections
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fidelity_lab import Seen, photograph_all
from widgetshot.capture.browser import VARIABLE, find_browser
from widgetshot.files import encode_png, read_png
from widgetshot.model import Pixels

HERE = Path(__file__).parent
CHECKOUT = HERE.parent
ZOO = HERE / "fidelity" / "notebooks"
REQUIREMENTS = HERE / "fidelity" / "requirements.txt"
REASONS = HERE / "fidelity" / "reasons.toml"
REPORT = HERE / "fidelity.md"
SIDES = ("jupyterlab", "widgetshot")
THEMES = ("light", "dark")
# What our page says of a cell that shows nothing. Where JupyterLab shows nothing either, that is no output.
NOTHING = "the cell shows nothing"
NEW, MARK = np.array([220, 0, 60, 255], np.uint8), 0.25
PROJECT = """\
[tool.widgetshot]
notebooks = ["notebooks"]
theme = {themes}
timeout = 180
"""


# -- the zoo, and what it runs on --------------------------------------------------------------------------------------


def installed(folder: Path) -> Path:
    """Return the Python of an environment with JupyterLab, the zoo's packages and this checkout; make it if need be."""
    python = folder / "bin" / "python"
    pins = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    ready = folder / "fidelity-ready"
    if ready.is_file() and ready.read_text(encoding="utf-8") == pins:
        return python
    say(f"installing the zoo's packages into {folder}")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", str(REQUIREMENTS), "-e", f"{CHECKOUT}[notebooks]"], check=True)
    ready.write_text(pins, encoding="utf-8")
    return python


def write_project(folder: Path, names: Sequence[str], themes: Sequence[str]) -> None:
    """Write a project in which each code cell of the zoo is a shot, named by the cell.

    Tags declare the shots, so that the cells stay as they are. Text between the cells is left out: it has no outputs,
    and only moves what is below it, here and in JupyterLab, by fractions of pixels.
    """
    shutil.rmtree(folder, ignore_errors=True)
    notebooks = folder / "notebooks"
    notebooks.mkdir(parents=True)
    for entry in ZOO.iterdir():
        if entry.is_dir() and entry.name != ".ipynb_checkpoints":
            shutil.copytree(entry, notebooks / entry.name)
    for name in names:
        notebook = json.loads((ZOO / name).read_text(encoding="utf-8"))
        notebook["cells"] = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        for cell in notebook["cells"]:
            cell["metadata"]["tags"] = [*cell["metadata"].get("tags", ()), "shot"]
        notebook["metadata"]["widgetshot"] = {"allow_blank": True}
        (notebooks / name).write_text(json.dumps(notebook, ensure_ascii=False), encoding="utf-8")
    (folder / "pyproject.toml").write_text(PROJECT.format(themes=json.dumps(list(themes))), encoding="utf-8")


# -- pictures ----------------------------------------------------------------------------------------------------------


class Album:
    """The pictures of one side: `<side>/<theme>/<notebook>/<cell>.png`, and what was said of cells in `said.json`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def clear(self, theme: str, notebook: str) -> None:
        """Forget a notebook."""
        shutil.rmtree(self._place(theme, notebook), ignore_errors=True)

    def keep(self, theme: str, notebook: str, pictures: Mapping[str, bytes], said: Mapping[str, str]) -> None:
        """Keep a notebook's pictures, as PNG, and messages, by cell; "" is the notebook itself."""
        place = self._place(theme, notebook)
        place.mkdir(parents=True, exist_ok=True)
        for cell, picture in pictures.items():
            (place / f"{cell}.png").write_bytes(picture)
        (place / "said.json").write_text(json.dumps(said, indent=1, ensure_ascii=False), encoding="utf-8")

    def picture(self, theme: str, notebook: str, cell: str) -> Pixels | None:
        """Return a cell's picture, if there is one."""
        file = self._place(theme, notebook) / f"{cell}.png"
        return read_png(file.read_bytes()) if file.is_file() else None

    def said(self, theme: str, notebook: str) -> dict[str, str]:
        """Return what was said of a notebook's cells."""
        file = self._place(theme, notebook) / "said.json"
        return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}

    def _place(self, theme: str, notebook: str) -> Path:
        return self._folder / theme / Path(notebook).stem


def take_theirs(python: Path, project: Path, album: Album, names: Sequence[str], theme: str) -> None:
    """Take JupyterLab's pictures."""

    def keep(name: str, seen: Seen) -> None:
        said = dict.fromkeys(sorted(seen.moving), "its pictures go on changing") | (
            {"": seen.trouble} if seen.trouble else {}
        )
        pictures = {cell: encode_png(pixels, optimise=False) for cell, pixels in seen.pictures.items()}
        album.clear(theme, name)
        album.keep(theme, name, pictures, said)
        say(f"jupyterlab, {theme}: {name}: {len(pictures)} outputs" + (f" ({seen.trouble})" if seen.trouble else ""))

    async def all_of_them() -> None:
        async for name, seen in photograph_all(python, project / "notebooks", names, theme):
            keep(name, seen)

    asyncio.run(all_of_them())


def take_ours(python: Path, project: Path, album: Album, names: Sequence[str], themes: Sequence[str]) -> None:
    """Take our pictures, with the zoo's own environment and the browser that JupyterLab is shown in."""
    report = project / "report"
    subprocess.run(
        [str(python), "-m", "widgetshot", "run", "--jobs", "1", "--update-baselines=all", "--report", str(report)],
        cwd=project,
        env={**os.environ, VARIABLE: find_browser("chromium").executable},
        stdout=sys.stderr,
        check=False,  # broken shots are what is counted here
    )
    run = json.loads((report / "run.json").read_text(encoding="utf-8"))
    pictures: dict[tuple[str, str], dict[str, bytes]] = collections.defaultdict(dict)
    said: dict[tuple[str, str], dict[str, str]] = collections.defaultdict(dict)
    for test in run["tests"]:
        place = test["theme"], Path(test["notebook"]).name
        if test["verdict"] in ("broken", "unstable"):
            said[place][test["shot"]] = test["error"]["message"] if test["error"] else test["sentence"]
        elif shot := test["pictures"]["shot"]:
            pictures[place][test["shot"]] = (report / shot["path"]).read_bytes()
    for theme in themes:
        for name in names:
            album.clear(theme, name)
            album.keep(theme, name, pictures[theme, name], said[theme, name])


# -- what is equal -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One output in one theme.

    Attributes:
        kind: `equal`, `differing`, `named` (no picture here, but a message), `only-here` or `only-there`.
        pixels: that differ.
        note: a message, or both sizes where they are not the same.
        reason: why it may differ; "" for none.
    """

    notebook: str
    cell: str
    theme: str
    kind: str
    pixels: int = 0
    note: str = ""
    reason: str = ""

    @property
    def name(self) -> str:
        variant = "" if self.theme == "light" else f"[{self.theme}]"
        return f"{Path(self.notebook).stem}::{self.cell}{variant}"

    @property
    def silent(self) -> bool:
        """Whether it differs, and nobody says why."""
        return self.kind in ("differing", "only-here", "only-there") and not self.reason


def read_reasons() -> dict[str, str]:
    """Return the known reasons, by `notebook::cell`, `notebook::cell[dark]` or `notebook::*`."""
    if not REASONS.is_file():
        return {}
    return dict(tomllib.loads(REASONS.read_text(encoding="utf-8")))


def reason_for(reasons: Mapping[str, str], notebook: str, cell: str, theme: str) -> tuple[str, str]:
    """Return the entry that tells of an output, and its reason; both "" if there is none."""
    stem = Path(notebook).stem
    for entry in (f"{stem}::{cell}[{theme}]", f"{stem}::{cell}", f"{stem}::*"):
        if entry in reasons:
            return entry, reasons[entry]
    return "", ""


def difference(theirs: Pixels, ours: Pixels) -> tuple[int, Pixels]:
    """Compare two pictures, which may have different sizes.

    Returns:
        The number of pixels that differ, those that only one has included, and a picture: theirs, faint, with what
        differs in red.
    """
    height, width = (max(theirs.shape[side], ours.shape[side]) for side in (0, 1))
    padded = []
    for one in (theirs, ours):
        whole = np.zeros((height, width, 4), np.uint8)
        whole[: one.shape[0], : one.shape[1]] = one
        padded.append(whole)
    differs = np.any(padded[0] != padded[1], axis=2)
    picture = (255 - (255 - padded[0].astype(np.float32)) * MARK).astype(np.uint8)
    picture[..., 3] = 255
    picture[differs] = NEW
    return int(differs.sum()), picture


def compare(
    notebook: str, theme: str, albums: Mapping[str, Album], output: Path, reasons: Mapping[str, str]
) -> Iterator[Row]:
    """Yield a row for each of a notebook's outputs, and keep the pictures of those that differ."""
    stem = Path(notebook).stem
    cells = [
        cell["id"]
        for cell in json.loads((ZOO / notebook).read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code"
    ]
    messages = albums["widgetshot"].said(theme, notebook)
    moving = albums["jupyterlab"].said(theme, notebook)
    for cell in cells:
        theirs, ours = (albums[side].picture(theme, notebook, cell) for side in SIDES)
        message = messages.get(cell, "")
        _, reason = reason_for(reasons, notebook, cell, theme)
        if theirs is None and (ours is None or ours.size == 0):
            continue
        if ours is None and (message and NOTHING not in message):
            yield Row(notebook, cell, theme, "named", note=message.splitlines()[0], reason=reason)
        elif ours is None:
            yield Row(
                notebook, cell, theme, "only-there", note=message.splitlines()[0] if message else "", reason=reason
            )
        elif theirs is None:
            yield Row(notebook, cell, theme, "only-here", note=moving.get("", ""), reason=reason)
        else:
            count, picture = difference(theirs, ours)
            if not count:
                yield Row(notebook, cell, theme, "equal")
                continue
            folder = output / "differing" / theme / stem
            folder.mkdir(parents=True, exist_ok=True)
            for side, pixels in zip((*SIDES, "difference"), (theirs, ours, picture), strict=True):
                (folder / f"{cell}.{side}.png").write_bytes(encode_png(pixels, optimise=False))
            sizes = [f"{one.shape[1]}x{one.shape[0]}" for one in (theirs, ours)]
            notes = [f"{sizes[0]} there, {sizes[1]} here"] if sizes[0] != sizes[1] else []
            if cell in moving:
                notes.append(f"there {moving[cell]}")
            yield Row(notebook, cell, theme, "differing", count, "; ".join(notes), reason)


# -- what is said ------------------------------------------------------------------------------------------------------

KINDS = ("equal", "differing", "named", "only-here", "only-there")


def table(rows: Iterable[Row]) -> str:
    """Return the table of notebooks as Markdown."""
    counts: dict[str, collections.Counter[str]] = {}
    for row in rows:
        one = counts.setdefault(Path(row.notebook).stem, collections.Counter())
        one[row.kind] += 1
        one["silent"] += row.silent
    lines = [
        "| notebook | outputs | equal | differing | named | only here | only there | without a reason |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    total: collections.Counter[str] = collections.Counter()
    for name, one in [*counts.items(), ("**all**", total)]:
        if one is not total:
            total += one
        numbers = [sum(one[kind] for kind in KINDS), *(one[kind] for kind in KINDS), one["silent"]]
        lines.append(f"| {name} | {' | '.join(map(str, numbers))} |")
    return "\n".join(lines) + "\n"


def details(rows: Sequence[Row]) -> str:
    """Return the outputs that are not equal as Markdown, with what is known of them."""
    lines = []
    for title, chosen in (
        ("Differs, no reason", [row for row in rows if row.silent]),
        ("Differs, and why", [row for row in rows if row.kind != "named" and row.reason and row.kind != "equal"]),
        ("Named: no picture here, but a message", [row for row in rows if row.kind == "named"]),
    ):
        if not chosen:
            continue
        lines.append(f"\n## {title}\n")
        for row in chosen:
            pixels = f"{row.pixels} pixels" if row.kind == "differing" else row.kind if row.kind != "named" else ""
            parts = [part for part in (pixels, row.note, row.reason) if part]
            lines.append(f"- `{row.name}`: {'; '.join(parts)}")
    return "\n".join(lines) + "\n"


HEAD = """\
# Our pictures beside JupyterLab's

Written by `python benchmarks/fidelity.py` ({themes}): each output of the notebooks in `benchmarks/fidelity/notebooks`,
in JupyterLab {lab} and on our page, with the same front ends, browser, fonts and width. Equal means: in every pixel. Of
JupyterLab's frame what our page leaves away on purpose is left away there, too (`FRAME` in fidelity_lab.py): input
cells, prompts, the padding of outputs, and the scroll bars of what is larger than the page. There, too, each cell
begins on a whole pixel, and JupyterLab has the extensions of the packages that a notebook uses (`Extensions`).

"""


def lab_version() -> str:
    pins = dict(line.split("==") for line in REQUIREMENTS.read_text(encoding="utf-8").split() if "==" in line)
    return pins["jupyterlab"]


# -- the command -------------------------------------------------------------------------------------------------------


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="of the zoo, by name; all of them by default")
    parser.add_argument("--theme", choices=(*THEMES, "both"), default="both")
    parser.add_argument("--venv", type=Path, default=CHECKOUT / ".fidelity-venv", help="where the zoo's packages are")
    parser.add_argument("--output", type=Path, default=CHECKOUT / "fidelity-report", help="where pictures are kept")
    parser.add_argument("--keep", nargs="+", choices=SIDES, default=[], help="compare the pictures taken before")
    parser.add_argument("--discard", action="store_true", help="do not write fidelity.md")
    return chosen(parser, parser.parse_args())


def chosen(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> argparse.Namespace:
    """Return the arguments with the notebooks of the zoo by their files, and whether they are all (`whole`)."""
    known = sorted(path.name for path in ZOO.glob("*.ipynb"))
    named = [f"{Path(name).stem}.ipynb" for name in arguments.notebooks]
    for name in named:
        if name not in known:
            parser.error(f"{name} is not in {ZOO}")
    arguments.whole = not named
    arguments.notebooks = named or known
    return arguments


def main() -> int:
    arguments = _arguments()
    themes: Sequence[str] = THEMES if arguments.theme == "both" else (arguments.theme,)
    names: list[str] = arguments.notebooks
    output: Path = arguments.output.resolve()
    albums = {side: Album(output / side) for side in SIDES}
    project = output / "project"
    if set(arguments.keep) != set(SIDES):
        python = installed(arguments.venv.resolve())
        write_project(project, names, themes)
    if "widgetshot" not in arguments.keep:
        take_ours(python, project, albums["widgetshot"], names, themes)
    if "jupyterlab" not in arguments.keep:
        for theme in themes:
            take_theirs(python, project, albums["jupyterlab"], names, theme)
    shutil.rmtree(output / "differing", ignore_errors=True)
    reasons = read_reasons()
    rows = [row for name in names for theme in themes for row in compare(name, theme, albums, output, reasons)]
    troubles = [
        f"JupyterLab, {theme}: {name}: {trouble}"
        for name in names
        for theme in themes
        if (trouble := albums["jupyterlab"].said(theme, name).get(""))
    ]
    text = table(rows) + details(rows)
    if troubles:
        text += "\n## JupyterLab's own troubles\n\n" + "\n".join(f"- {trouble}" for trouble in troubles) + "\n"
    print(text)
    used = {reason_for(reasons, row.notebook, row.cell, row.theme)[0] for row in rows if row.kind != "equal"}
    if arguments.whole:
        for entry in reasons.keys() - used:
            say(f"no longer needed in {REASONS.name}: {entry}")
    if arguments.whole and not arguments.discard:
        REPORT.write_text(HEAD.format(themes=" and ".join(themes), lab=lab_version()) + text, encoding="utf-8")
    silent = [row for row in rows if row.silent]
    for row in silent:
        say(f"✗ {row.name} differs, no reason")
    return 1 if silent else 0


if __name__ == "__main__":
    sys.exit(main())
