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

from builders import ENVIRONMENT
from widgetshot.model import Result
from widgetshot.report.gallery import write_gallery
from widgetshot.report.record import Recorder

HOSTILE = "</script><script>window.pwned=1</script><img src=x onerror='window.pwned=2'>\u2028\u202egpj.exe"
TO_DECIDE = ("heavy", "slight", "taller", "first", "restless", "late")
FINGERPRINT = {"browser": {"name": "chromium", "version": "156.0"}, "fonts": "4be1", "scale": 1}

Open = Callable[..., Page]


class Folder:
    """A run folder written by hand, the way docs/reference/run-folder.md says."""

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
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        return {"path": f"pictures/{name}.png", "sha256": digest, "width": size[0], "height": size[1]}

    def add(self, shot: str, verdict: str, changed: int = 0, **more: Any) -> dict[str, Any]:
        """One entry of tests[]; the pictures it has follow from its verdict."""
        n = len(self.tests)
        pictures: dict[str, Any] = dict.fromkeys(("shot", "baseline", "diff", "second"))
        if verdict != "broken":
            pictures["shot"] = self.picture(f"{n}.shot", knob=120)
        if verdict in ("changed", "resized", "match"):
            size = (240, 60) if verdict == "resized" else (240, 80)
            pictures["baseline"] = self.picture(f"{n}.baseline", knob=120 if verdict == "match" else 60, size=size)
        if verdict in ("changed", "resized", "unstable"):
            pictures["diff"] = self.picture(f"{n}.diff", knob=90)
        if verdict == "unstable":
            pictures["second"] = self.picture(f"{n}.second", knob=160)
        test = {
            "key": f"page-chromium-linux/notebooks/demo/{shot}",
            "name": f"notebooks/demo.ipynb::{shot}",
            "notebook": "notebooks/demo.ipynb",
            "shot": shot,
            "variant": "",
            "status": "passed" if verdict == "match" else "failed",
            "verdict": verdict,
            "updated": False,
            "sentence": f"This is {shot}.",
            "duration": 1.2,
            "error": None,
            "source": f"slider_of_{n} = IntSlider()",
            "tolerance": "up to 0 pixels may differ",
            "theme": "light",
            "viewport": [960, 720],
            "masks": [],
            "metrics": {
                "changed_pixels": changed,
                "changed_share": changed / 19200,
                "regions": [[50, 30, 90, 20]] if changed else [],
                "timings": {"load": 0.5, "capture": 0.03},
            },
            "traits": [],
            "console": [],
            "blocked": [],
            "fingerprint": FINGERPRINT,
            "baseline_fingerprint": FINGERPRINT if pictures["baseline"] else None,
            "baseline_sha256": pictures["baseline"]["sha256"] if pictures["baseline"] else None,
            "pictures": pictures,
            **more,
        }
        self.tests.append(test)
        return test

    def write(self, **more: Any) -> Path:
        failed = sum(test["status"] == "failed" for test in self.tests)
        run = {
            "format": 1,
            "id": "20261121T092500",
            "tool": {"name": "widgetshot", "version": "0.1"},
            "project": "demo-project",
            "commit": "9f3c2e1b7a4d5e6f708192a3b4c5d6e7f8091a2b",
            "started": "2026-11-21T09:25:00+00:00",
            "complete": True,
            "environment": {
                "name": "page-chromium-linux",
                "python": "3.11",
                "platform": "Linux",
                "fingerprint": FINGERPRINT,
            },
            "summary": {
                "total": len(self.tests),
                "passed": len(self.tests) - failed,
                "failed": failed,
                "updated": 0,
                "duration_seconds": 12.5,
                "verdicts": dict(Counter(test["verdict"] for test in self.tests)),
            },
            "timings": {"server": 0.8, "load": 4.1},
            "unused": None,
            "tests": self.tests,
            **more,
        }
        (self.path / "run.json").write_text(json.dumps(run), encoding="utf-8")
        return write_gallery(self.path)


def recorded(folder: Path, *results: Result, repeat: int = 1) -> Path:
    """The page of a run folder that the project's own recorder wrote."""
    recorder = Recorder(folder, root=folder.parent, environment=ENVIRONMENT, repeat=repeat)
    for result in results:
        recorder.add(result)
    recorder.finish([result.key for result in results], complete=True, timings={}, fingerprint={})
    return write_gallery(folder)


def expect_shown(page: Page, *shots: str) -> None:
    expect(page.locator(".row .shot")).to_have_text(list(shots))


def wait_until(page: Page, script: str) -> None:
    """Wait for a condition; `wait_for_function` would evaluate in the page, which its policy forbids."""
    deadline = time.monotonic() + 10
    while not page.evaluate(script):
        assert time.monotonic() < deadline, script
        page.evaluate("() => new Promise(requestAnimationFrame)")


def row(page: Page, shot: str) -> Locator:
    return page.locator(f'.row[data-key$="/{shot}"]')


def card(page: Page, shot: str) -> Locator:
    """The result, picked from the list if another one is shown."""
    shown = page.locator(f'.card[data-key$="/{shot}"]')
    if not shown.count():
        folded = page.locator('.same[aria-expanded="false"]')
        while folded.count():
            folded.first.click()
        row(page, shot).click()
    return shown


def current(page: Page) -> str:
    """The result that is shown."""
    return str(page.locator(".card").get_attribute("data-key")).rpartition("/")[2]


def decisions(page: Page) -> dict[str, str]:
    """What the list says was decided."""
    decided = page.locator(".row:has(.decision)")
    # Not what is rendered: a row that has only just come is not, until the next frame.
    found = decided.evaluate_all(
        "all => all.map(e => [e.dataset.key, e.querySelector('.decision').textContent.trim()])"
    )
    return {key.rpartition("/")[2]: word for key, word in found}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
