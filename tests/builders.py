"""Notebooks, pictures and results that the tests of single rooms are made of."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from widgetshot.conditions import Condition, Unrest
from widgetshot.declare.defaults import Defaults
from widgetshot.declare.notebook import Notebook, read_notebook
from widgetshot.files import encode_png, sha256
from widgetshot.model import Baseline, Box, Element, Failure, Mask, Pixels, Result, Shot, Target, Verdict
from widgetshot.verdict.compare import compare
from widgetshot.verdict.judge import judge

ENVIRONMENT = "page-chromium-linux"
PATH = "notebooks/x.ipynb"
LAYOUT = (Element("group", Box(0, 0, 30, 20)), Element("button 'Run [1]'", Box(-4, 3, 5, 3), 1))


def cell(source: Any, id: Any = None, tags: Any = (), kind: str = "code") -> dict[str, Any]:
    """One nbformat cell; without an id when that is None."""
    made: dict[str, Any] = {"cell_type": kind, "metadata": {"tags": tags} if tags != () else {}, "source": source}
    if kind == "code":
        made |= {"outputs": [], "execution_count": None}
    return made if id is None else made | {"id": id}


def notebook_json(*cells: str | dict[str, Any], minor: int = 5, metadata: dict[str, Any] | None = None) -> str:
    """A notebook's text; sources alone become code cells with the ids c0, c1..."""
    whole = [
        one if isinstance(one, dict) else cell(one, f"c{index}" if minor >= 5 else None)
        for index, one in enumerate(cells)
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": minor, "metadata": metadata or {}, "cells": whole})


def read(
    folder: Path,
    *cells: str | dict[str, Any],
    minor: int = 5,
    metadata: dict[str, Any] | None = None,
    defaults: Defaults | None = None,
) -> Notebook:
    """Write a notebook and parse it."""
    file = folder / "x.ipynb"
    file.write_text(notebook_json(*cells, minor=minor, metadata=metadata), encoding="utf-8")
    return read_notebook(file, PATH, defaults)


def block(*lines: str) -> str:
    """A cell with these lines in its option block."""
    return "".join(f"#| {line}\n" for line in "\n".join(lines).splitlines()) + "x = 1"


def picture(height: int = 20, width: int = 30, grey: int = 240) -> Pixels:
    pixels = np.full((height, width, 4), grey, dtype=np.uint8)
    pixels[..., 3] = 255
    pixels[3:6, 4:9, :3] = (30, 90, 200)
    return pixels


@cache
def _encoded(shape: tuple[int, ...], pixels: bytes) -> bytes:
    return encode_png(np.frombuffer(pixels, np.uint8).reshape(shape), optimise=True)


def baseline_of(pixels: Pixels, **options: Any) -> Baseline:
    # To encode takes milliseconds, and most of the tests' pictures are alike.
    data = _encoded(pixels.shape, pixels.tobytes())
    return Baseline(pixels, data, sha256(data), **options)


def result_of(name: str = "a", shot: Pixels | None = None, baseline: Pixels | None = None, **options: Any) -> Result:
    """A result judged as in a run: broken without a shot, new without a baseline."""
    target = Target("notebooks/x.ipynb", name, "c0", 0, masks=options.pop("masks", ()))
    key = target.key(ENVIRONMENT)
    if shot is None:
        failure = Failure("NotebookError", "the kernel died", "jupyter execute x")
        return Result(target, key, Verdict.BROKEN, failure.message, failure=failure)
    taken = Shot(shot, masks=((),) * len(target.masks), widgets={"widget": "Button"}, layout=LAYOUT, **options)
    old = None if baseline is None else baseline_of(baseline)
    comparison = None if old is None else compare(old.pixels, shot, target.tolerance)
    verdict, sentence = judge(target, taken, old, comparison)
    return Result(target, key, verdict, sentence, taken, old, comparison, fingerprint={"browser": "1"}, duration=0.5)


def changed_picture(**options: int) -> Pixels:
    pixels = picture(**options)
    pixels[10, 10, 0] -= 1
    return pixels


def result_called(verdict: str, name: str = "") -> Result:
    """A result with this verdict."""
    name = name or verdict
    match verdict:
        case "match":
            return result_of(name, picture(), picture())
        case "changed":
            return result_of(name, changed_picture(), picture())
        case "resized":
            return result_of(name, picture(25), picture())
        case "new":
            return result_of(name, picture())
        case "unstable":
            return result_of(
                name, picture(), settled=False, second=changed_picture(), unrest=Condition(Unrest.ELEMENTS_CHANGING)
            )
        case _:
            return result_of(name)


VERDICTS = tuple(verdict.value for verdict in Verdict)
MASK = Mask("shows the time", selector=".clock")
