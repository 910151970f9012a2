"""The gallery's pictures in docs/images: of a real run, with real changes. `make pictures` takes them anew."""

import shutil
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from projects import Project, make_project

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs/images"
NOTEBOOKS = ("jobs_dashboard", "clustrix_panel")
# What a developer might have changed: a status colour, a label, the accent of a panel, the space in a header.
EDITS = {
    "jobs_dashboard.py": (
        ("var(--jp-success-color1, #388e3c)", "#8e24aa"),
        ('description="Only failed"', 'description="Failed only"'),
    ),
    "clustrix_panel.py": (("--cx-accent: var(--jp-brand-color1, #1976d2)", "--cx-accent: #00796b"),),
}
WIDE, NARROW = (1440, 900), (375, 800)
ALL_DONE, PANEL = "jobs_dashboard/all-done", "clustrix_panel/problems"
# Name of a picture, its window, its colours, the result it shows, and the keys that lead there.
PICTURES = {
    "gallery": (WIDE, "light", ALL_DONE, ""),
    "gallery-dark": (WIDE, "dark", f"{PANEL}[dark]", ""),
    "gallery-slider": (WIDE, "light", ALL_DONE, "2"),
    "gallery-onion": (WIDE, "light", ALL_DONE, "3"),
    "gallery-blink": (WIDE, "light", ALL_DONE, "4bx"),
    "gallery-diff": (WIDE, "light", ALL_DONE, "5"),
    "gallery-actual": (WIDE, "light", ALL_DONE, "6"),
    "gallery-inspector": (WIDE, "light", ALL_DONE, "]++i"),
    "gallery-group": (WIDE, "light", PANEL, "A"),
    "gallery-decided": (WIDE, "light", PANEL, "aarsad"),
    "gallery-help": (WIDE, "light", ALL_DONE, "?"),
    "gallery-narrow": (NARROW, "light", ALL_DONE, ""),
}


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run of two of our notebooks after somebody edited their modules."""
    project: Project = make_project(tmp_path_factory.mktemp("pictures") / "cluster-widgets")
    (project.root / "notebooks").mkdir()
    for name in NOTEBOOKS:
        shutil.copy(ROOT / f"notebooks/{name}.ipynb", project.root / "notebooks")
        key = f"baselines/page-chromium-linux/notebooks/{name}"
        shutil.copytree(ROOT / key, project.root / key)
    for name, edits in EDITS.items():
        text = (ROOT / "notebooks" / name).read_text(encoding="utf-8")
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        project.write(f"notebooks/{name}", text)
    done = project.pytest("notebooks")
    assert done.returncode == 1, done.stdout + done.stderr
    assert project.left_behind() == []
    return project.root / "widgetshot-report/index.html"


def settled(page: Page) -> None:
    for image in page.locator(".card img").all():
        image.evaluate("image => image.decode()")
    page.evaluate("() => document.fonts.ready")


@pytest.mark.parametrize("name", PICTURES)
def test_picture_is_taken(name: str, gallery: Path, browser_for_gallery: Browser) -> None:
    (width, height), scheme, at, keys = PICTURES[name]
    page = browser_for_gallery.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    page.goto(f"{gallery.as_uri()}#at=page-chromium-linux/notebooks/{at}")
    expect(page.locator(".card img").first).to_be_visible()
    for key in keys:
        page.keyboard.press(key)
    # Nothing pushes the header out of the window.
    assert page.evaluate("document.scrollingElement.scrollTop") == 0
    settled(page)
    file = IMAGES / f"{name}.png"
    page.screenshot(path=file)
    page.close()
    with Image.open(file) as taken:
        assert taken.size == (width, height)
        # Not an empty page: the sketch of every one of them has hundreds of colours.
        assert len(taken.convert("RGB").getcolors(1 << 24) or ()) > 200
