"""The licences of what is bundled: texts of everything, made from what was bundled."""

import json
import re
from pathlib import Path

import pytest

from widgetshot.files import STATIC

ROOT = Path(__file__).parents[2]
HEAD, *PARTS = re.split(r"\n={100}\n", (STATIC / "licenses/bundled.txt").read_text(encoding="utf-8"))
# Made of our own code alone, or of none.
OURS = {
    "fonts.css",
    "frontend.json",
    "lab/inside.css",
    "lazy/README",
    "licenses/bundled.txt",
    "notebook-pages.json",
    "page-installed.css",
    "page.css",
    "sheet.js",
}


def parsed(part: str) -> tuple[str, str, list[str], str]:
    """Title, licence, files and text of a package."""
    title, license, files, text = re.fullmatch(
        r"([^\n]+)\nLicence: ([^\n]+)\nIn: ([^\n]+)\n\n(.*)", part, re.DOTALL
    ).groups()  # type: ignore[union-attr]
    return title, license, files.split(", "), text


PACKAGES = {title.split()[0]: (license, files, text) for title, license, files, text in map(parsed, PARTS)}


@pytest.mark.parametrize(
    ("name", "file", "words"),
    [
        ("@jupyter-widgets/html-manager", "amd/libembed-amd.js", "Copyright (c) 2015 Project Jupyter Contributors"),
        ("@jupyterlab/services", "live.js", "Copyright (c) 2015, Project Jupyter"),
        ("@jupyterlab/services", "amd/libembed-amd.js", "Copyright (c) 2015, Project Jupyter"),
        ("requirejs", "require.js", "The Dojo Foundation"),
        ("jquery", "amd/libembed-amd.js", "OpenJS Foundation"),
        ("jquery-ui", "amd/libembed-amd.js", "Permission is hereby granted"),
        ("backbone", "live.js", "Jeremy Ashkenas"),
        ("lodash", "amd/libembed-amd.js", "OpenJS Foundation"),
        ("@lumino/widgets", "live.js", "PhosphorJS Contributors"),
        ("nouislider", "live.js", "Permission is hereby granted"),
        ("@fortawesome/fontawesome-free", "lab.css", "Font Awesome Free License"),
        ("css-loader", "amd/libembed-amd.js", "JS Foundation"),
        ("preact", "gallery.html", "The MIT License"),
        ("mathjax-full", "lazy/mathjax.js", "Apache License"),
        ("mathjax", "mathjax2/MathJax.js", "Apache License"),
        ("@fortawesome/fontawesome-free", "fontawesome/css/all.min.css", "Font Awesome Free License"),
        ("vega", "lazy/vega.js", "Trifacta"),
        ("mermaid", "lazy/mermaid.js", "Permission is hereby granted"),
        ("react", "lazy/ui.js", "MIT License"),
        ("@expo-google-fonts/noto-sans", "fonts/noto-sans-400.ttf", "SIL OPEN FONT LICENSE"),
        ("dejavu-fonts-ttf", "fonts/dejavu-sans-400.ttf", "Bitstream"),
    ],
)
def test_the_text_of_a_package_names_whose_it_is_and_where_it_is(name: str, file: str, words: str) -> None:
    _, files, text = PACKAGES[name]
    assert file in files
    assert words in text


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.split("\n", 1)[0])
def test_every_package_comes_with_a_whole_text(part: str) -> None:
    title, license, files, text = parsed(part)
    assert files
    assert all((STATIC / file).is_file() for file in files), title
    assert len(text) > 400, title
    assert re.search(r"copyright|unlicense|public domain|OFL", text, re.IGNORECASE), title
    assert re.search(r"permi|redistribut|licen[sc]e", text, re.IGNORECASE), title
    assert license


def test_each_file_that_is_shipped_is_accounted_for() -> None:
    shipped = {file.relative_to(STATIC).as_posix() for file in STATIC.rglob("*") if file.is_file()}
    named = {file for _, files, _ in PACKAGES.values() for file in files}
    icons = {file for file in shipped if re.match(r"(amd/@jupyter-widgets|webfonts|lazy/fonts)/", file)}
    assert shipped - named - icons == OURS
    assert "Font Awesome" in HEAD


def test_versions_are_those_of_the_lock_file() -> None:
    lock = json.loads((ROOT / "js/package-lock.json").read_text(encoding="utf-8"))["packages"]
    locked = {
        f"{about.get('name', place.rpartition('node_modules/')[2])} {about['version']}"
        for place, about in lock.items()
        if place
    }
    titles = {parsed(part)[0] for part in PARTS}
    assert titles - locked == {"css-loader", "style-loader"}
    assert len(titles) > 250
