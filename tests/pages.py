"""The gallery's page in a test: run folders to make it of, and what a person does with it."""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from playwright.sync_api import Locator, Page, expect

from builders import ENVIRONMENT, VERDICTS
from widgetshot.model import Result, RunEnd, Target
from widgetshot.report.gallery import write_gallery
from widgetshot.report.writer import RunWriter

HOSTILE = "</script><script>window.pwned=1</script><img src=x onerror='window.pwned=2'>\u2028\u202egpj.exe"
TO_DECIDE = ("heavy", "slight", "taller", "first", "restless", "late")
FINGERPRINT = {"browser": {"name": "chromium", "version": "156.0"}, "fonts": "4be1", "scale": 1}

Open = Callable[..., Page]


class Folder:
    """A run folder written by hand, the way docs/reference/run-folder.md says.

    Keys, names, paths of pictures and the summary follow from the rest, and are written by `write`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tests: list[dict[str, Any]] = []
        (path / "pictures").mkdir(parents=True)

    def picture(self, name: str, knob: int = 40, size: tuple[int, int] = (240, 80)) -> dict[str, Any]:
        image = Image.new("RGBA", size, "#ffffff")
        draw = ImageDraw.Draw(image)
        draw.line((20, 40, 220, 40), "#9e9e9e", 3)
        draw.ellipse((knob - 8, 32, knob + 8, 48), "#2196f3", "#555555")
        file = self.path / "pictures" / f"{name}.png"
        image.save(file)
        return {"path": f"pictures/{name}.png", "sha256": sha256(file), "width": size[0], "height": size[1]}

    def add(self, shot: str, verdict: str, changed: int = 0, **more: Any) -> dict[str, Any]:
        """One entry of tests[]; the pictures it has follow from its verdict."""
        n = len(self.tests)
        pictures: dict[str, Any] = dict.fromkeys(("shot", "baseline", "diff", "second", "seen"))
        if verdict != "broken":
            pictures["shot"] = self.picture(f"{n}.shot", knob=120)
        if verdict in ("changed", "resized", "new"):
            pictures["shot"]["sidecar_sha256"] = "0" * 64
        if verdict in ("changed", "resized", "match"):
            size = (240, 60) if verdict == "resized" else (240, 80)
            pictures["baseline"] = self.picture(f"{n}.baseline", knob=120 if verdict == "match" else 60, size=size)
        if verdict in ("changed", "resized", "unstable"):
            pictures["diff"] = self.picture(f"{n}.diff", knob=90)
        if verdict == "unstable":
            pictures["second"] = self.picture(f"{n}.second", knob=160)
        compared = verdict in ("changed", "resized", "match") or bool(changed)
        test = {
            "key": "page-chromium-linux",
            "notebook": "notebooks/demo.ipynb",
            "shot": shot,
            "variant": "",
            "status": "passed" if verdict == "match" else "failed",
            "verdict": verdict,
            "updated": False,
            "sentence": f"This is {shot}.",
            "duration": 1.2,
            "error": None if verdict != "broken" else {"type": "NotebookError", "message": "it broke", "next": ""},
            "source": f"slider_of_{n} = IntSlider()",
            "markers": [],
            "tolerance": "up to 0 pixels may differ",
            "quarantine": None,
            "history": [],
            "flaky": False,
            "repeat": None,
            "theme": "light",
            "viewport": [960, 720],
            "masks": [],
            "metrics": {
                "changed_pixels": changed if compared else None,
                "changed_share": changed / 19200 if compared else None,
                "regions": [[50, 30, 90, 20]] if changed else [],
                "rule": "strict" if compared else None,
                "change_group": None,
                "bands": [],
                "timings": {"load": 0.5, "capture": 0.03},
            },
            "traits": [],
            "renderer": [],
            "console": [],
            "blocked": [],
            "fingerprint": FINGERPRINT,
            "baseline_fingerprint": FINGERPRINT if pictures["baseline"] else None,
            "baseline_sha256": pictures["baseline"]["sha256"] if pictures["baseline"] else None,
            "pictures": pictures,
            "differs": {},
            "elements": None,
            "trace": None,
            **more,
        }
        self.tests.append(test)
        return test

    def _name(self, test: dict[str, Any]) -> None:
        """Give an entry the name and the key that it must have, and its pictures the paths."""
        target = Target(test["notebook"], test["shot"], None, 0, variant=test["variant"])
        test["name"] = target.nodeid
        test["key"] = target.key(test["key"].partition("/")[0])
        for kind, picture in test["pictures"].items():
            if picture is None:
                continue
            file = self.path / picture["path"]
            picture["path"] = f"pictures/{test['key']}.{kind}.png"
            (self.path / picture["path"]).parent.mkdir(parents=True, exist_ok=True)
            if file.is_file():
                file.rename(self.path / picture["path"])
        shot = test["pictures"]["shot"]
        if shot is not None and "sidecar_sha256" in shot:
            # What the writer writes of a result without widgets.
            masks = {mask["place"]: mask["boxes"] for mask in test["masks"]}
            sidecar = (self.path / shot["path"]).with_suffix(".json")
            sidecar.write_text(json.dumps({"size": [shot["width"], shot["height"]], "masks": masks}))
            shot["sidecar_sha256"] = sha256(sidecar)

    def write(self, **more: Any) -> Path:
        for test in self.tests:
            self._name(test)
        statuses = Counter(test["status"] for test in self.tests)
        verdicts = Counter(test["verdict"] for test in self.tests)
        run = {
            "format": 1,
            "id": "20261121T092500",
            "tool": {"name": "widgetshot", "version": "0.1"},
            "project": "demo-project",
            "commit": "9f3c2e1b7a4d5e6f708192a3b4c5d6e7f8091a2b",
            "started": "2026-11-21T09:25:00+00:00",
            "repeat": 1,
            "merged": None,
            "changed": None,
            "suite": None,
            "shard": None,
            "skipped": [],
            "complete": True,
            "environment": {
                "name": ", ".join(sorted({test["key"].partition("/")[0] for test in self.tests}))
                or "page-chromium-linux",
                "python": "3.11",
                "platform": "Linux",
                "fingerprint": FINGERPRINT,
            },
            "summary": {
                "total": len(self.tests),
                **{status: statuses[status] for status in ("passed", "failed", "quarantined")},
                "updated": sum(test["updated"] for test in self.tests),
                "duration_seconds": 12.5,
                "verdicts": {verdict: verdicts[verdict] for verdict in VERDICTS},
            },
            "timings": {"server": 0.8, "load": 4.1},
            "notebooks": [],
            "services": [],
            "durations": [],
            "comparisons": None,
            "unused": None,
            "tests": self.tests,
            **more,
        }
        (self.path / "run.json").write_text(json.dumps(run), encoding="utf-8")
        return write_gallery(self.path)


def recorded(folder: Path, *results: Result, repeat: int = 1) -> Path:
    """The page of a run folder that the project's own writer wrote."""
    writer = RunWriter(folder, root=folder.parent, environment=ENVIRONMENT, repeat=repeat)
    for result in results:
        writer.add(result)
    writer.finish(RunEnd(complete=True, order=[result.key for result in results]))
    return write_gallery(folder)


def expect_shown(page: Page, *shots: str) -> None:
    expect(page.locator(".row .shot")).to_have_text(list(shots))


def wait_until(page: Page, script: str) -> None:
    """Wait for a condition; `wait_for_function` would evaluate in the page, which its policy forbids."""
    deadline = time.monotonic() + 10
    while not page.evaluate(script):
        assert time.monotonic() < deadline, script
        page.evaluate("() => new Promise(requestAnimationFrame)")


def of_shot(shot: str) -> str:
    """The selector of what has a shot's key, in whatever variant."""
    return f':is([data-key$="/{shot}"], [data-key*="/{shot}["])'


def row(page: Page, shot: str) -> Locator:
    return page.locator(f".row{of_shot(shot)}")


def card(page: Page, shot: str) -> Locator:
    """The result, picked from the list if another one is shown."""
    shown = page.locator(f".card{of_shot(shot)}")
    if not shown.count():
        folded = page.locator('.same[aria-expanded="false"]')
        while folded.count():
            folded.first.click()
        row(page, shot).click()
    return shown


def current(page: Page) -> str:
    """The result that is shown."""
    return shot_of(str(page.locator(".card").get_attribute("data-key")))


def decisions(page: Page) -> dict[str, str]:
    """What the list says was decided."""
    decided = page.locator(".row:has(.decision)")
    # Not what is rendered: a row that has only just come is not, until the next frame.
    found = decided.evaluate_all(
        "all => all.map(e => [e.dataset.key, e.querySelector('.decision').textContent.trim()])"
    )
    return {shot_of(key): word for key, word in found}


def shot_of(key: str) -> str:
    return key.rpartition("/")[2].partition("[")[0]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
