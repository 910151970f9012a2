"""Baselines that another build of the browser drew: compared strictly where the calibration sheet says that may be."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from projects import Project
from widgetshot.capture.browser import VARIABLE, find_browser

NOTEBOOK = "notebooks/drawn.ipynb"
WORDS = """#| shot: words
from IPython.display import HTML, display
HTML("<p style='color:#333'>Words, and more of them</p>")"""
# Cells that touch share a row of pixels where it is of a fractional height.
BETWEEN = 'print("between")\nprint("the two")'
CANVAS = """#| shot: canvas
display(HTML('<canvas id="c" width="200" height="90"></canvas><script>{'
  'const c = document.getElementById("c").getContext("2d"), g = c.createRadialGradient(84, 28, 4, 84, 28, 26);'
  'g.addColorStop(0, "#fff"); g.addColorStop(.6, "#fa0"); g.addColorStop(1, "#036"); c.fillStyle = g;'
  'c.fillRect(0, 0, 200, 90); }</script>'))"""
OLD = {"browser": "chromium 156.0.1.2 HeadlessChrome", "machine": "riscv64"}


def sidecars(project: Project) -> list[Path]:
    found = sorted(project.root.glob("baselines/page-*/**/*.json"))
    assert len(found) == 2
    return found


def described(project: Project, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what the sidecars say of the renderer."""
    for file in sidecars(project):
        members = json.loads(file.read_text(encoding="utf-8"))
        change(members["fingerprint"])
        file.write_text(json.dumps(members), encoding="utf-8")


def pictures(project: Project) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in project.root.glob("baselines/**/*.png")}


def results(project: Project, *words: str, environment: dict[str, str] | None = None) -> tuple[str, dict[str, Any]]:
    """What a run prints, and its results by shot."""
    done = project.widgetshot("run", *words, environment=environment)
    run = json.loads((project.root / "widgetshot-report/run.json").read_text(encoding="utf-8"))
    return done.stdout + done.stderr, {test["shot"]: test for test in run["tests"]}


def rules(found: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    return {name: (test["verdict"], test["metrics"]["rule"]) for name, test in found.items()}


STRICT: dict[str, tuple[str, str | None]] = {"words": ("match", "strict"), "canvas": ("match", "strict")}


def test_other_builds(project: Project, tmp_path: Path) -> None:
    project.notebook(NOTEBOOK, WORDS, BETWEEN, CANVAS)
    assert rules(results(project, "--update-baselines")[1]) == dict.fromkeys(STRICT, ("new", None))
    (sheet,) = project.root.glob("baselines/sheets/*")
    kept, before = sheet.read_bytes(), pictures(project)
    # Another build and another machine that draw the same.
    described(project, lambda fingerprint: fingerprint.update(OLD))
    said, found = results(project)
    assert rules(found) == STRICT
    assert "perceptually" not in said
    assert [test["sentence"] for test in found.values()] == ["is as it was approved"] * 2
    # One of which it is not known what it draws, until it is noted that this one draws the same pictures.
    described(project, lambda fingerprint: fingerprint.pop("sheet"))
    sheet.unlink()
    said, found = results(project)
    assert rules(found) == dict.fromkeys(STRICT, ("match", "perceptual"))
    assert "2 compared perceptually" in said
    assert "--update-baselines=sheets" in said
    said, _ = results(project, "--update-baselines=sheets")
    assert (
        "the calibration sheet of this renderer was noted beside 2 baselines, whose pictures stay as they are" in said
    )
    assert (sheet.read_bytes(), pictures(project)) == (kept, before)
    assert rules(results(project)[1]) == STRICT
    # A browser that draws canvases otherwise, and letters alike.
    script = tmp_path / "browser.sh"
    script.write_text(f'#!/bin/sh\nexec {find_browser("chromium").executable} "$@" --disable-skia-runtime-opts\n')
    script.chmod(0o755)
    environment = {VARIABLE: str(script)}
    said, found = results(project, environment=environment)
    assert found["canvas"]["metrics"]["rule"] == "perceptual"
    assert "2D canvases are drawn differently" in found["canvas"]["renderer"]
    assert "different renderer: 2D canvases are drawn differently" in found["canvas"]["sentence"]
    assert (
        "1 compared perceptually: different renderer (2D canvases are drawn differently); to be strict again: "
        "--update-baselines=all" in said
    )
    assert rules(found)["words"] == ("match", "strict")
    assert found["words"]["renderer"] == []
    assert "compared strictly: another renderer drew the baseline" in found["words"]["sentence"]
    doctor = project.widgetshot("doctor", environment=environment)
    assert "2D canvases are drawn differently" in doctor.stdout
    assert "next: widgetshot browser serve" in doctor.stdout
    assert doctor.returncode == 0
    assert "2 of 2 baselines: chromium 156.0.1.2 HeadlessChrome" in project.widgetshot("doctor").stdout
    # A change that only the strict comparison sees says that another build drew the baseline.
    project.notebook(NOTEBOOK, WORDS.replace("#333", "#343434"), BETWEEN, CANVAS)
    said, found = results(project)
    assert rules(found) == STRICT | {"words": ("changed", "strict")}
    assert (
        "compared strictly: what drew the baseline has another name (browser chromium 156.0.1.2 HeadlessChrome → "
        in found["words"]["sentence"]
    )
    assert "and the same calibration sheet" in found["words"]["sentence"]
    # Nothing but what was asked for was written.
    assert (sheet.read_bytes(), pictures(project)) == (kept, before)
    # What is accepted brings its sheet along.
    sheet.unlink()
    assert project.widgetshot("approve", "--all").returncode == 0
    assert sheet.read_bytes() == kept
    assert rules(results(project)[1]) == STRICT
