"""A project on disk that tests run the real commands in, and a watch over what they leave behind."""

import os
import signal
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from coverage import Coverage
from playwright.sync_api import Browser, Page, expect, sync_playwright

from builders import VERDICTS, result_called
from collection import COLLECTED
from pages import Folder, Open
from projects import Project, make_project
from run_folders import finish, writer
from widgetshot.capture.browser import find_browser

# The files that take longest go first, so that the last one to end is a short one.
LONGEST = (
    "left_behind",
    "gallery_decisions",
    "plugin",
    "faults",
    "killed_parts",
    "live",
    "changed",
    "reuse",
    "as_jupyterlab",
    "services",
    "trust",
    "ports",
    "documented_recipes",
    "browser_elsewhere",
    "review_session",
    "oracle",
)
# The pictures of the docs are taken when they are wanted (`make pictures`), not in each run of the tests.
collect_ignore = [] if os.environ.get("WIDGETSHOT_DOCS_PICTURES") else ["acceptance/test_docs_pictures.py"]
# Acceptance tests whose commands and headless servers are measured, see tests/measure. With all it would take minutes.
MEASURED = ("live", "merge", "tabs")
TESTS = Path(__file__).parent
BOTH = ("browser", "kernel")
# What the tests of a file need where neither their folder nor their fixtures say it.
NEEDS: dict[str, tuple[str, ...]] = {
    "clusters": BOTH, "executors": BOTH, "guide": BOTH, "ports": BOTH, "reuse": BOTH,
    "few_processes": ("kernel",), "large_pages": ("browser",), "page_slot": ("browser",), "server": ("kernel",),
    "sheet": ("browser",), "zygote": ("kernel",),
    "fault_matrix": (), "workflows": (),
}  # fmt: skip


def needs(item: pytest.Item) -> tuple[str, ...]:
    """The markers of what a test needs: a command as a user types it opens notebooks, so it needs both."""
    if not item.path.is_relative_to(TESTS):
        return ()
    folder, name = item.path.relative_to(TESTS).parts[0], item.path.stem.removeprefix("test_")
    if folder == "unit" or name in NEEDS:
        return NEEDS.get(name, ())
    if folder == "acceptance":
        return BOTH
    return ("browser",) if "browser_for_gallery" in getattr(item, "fixturenames", ()) else ()


def pytest_configure() -> None:
    # A shell lets what it starts with `&` ignore SIGINT, and so would everything that tests start, and end by it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # jsonschema, which nbformat imports, would compile a grammar for a check of addresses that no test asks for; that
    # takes over a second, and several where it is measured.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    config.stash[COLLECTED] = {item.nodeid for item in items}
    place = {f"test_{name}": index for index, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))
    for item in items:
        for marker in needs(item):
            item.add_marker(marker)


def is_measured(request: pytest.FixtureRequest) -> bool:
    """Whether what a test's commands run is measured."""
    return request.path.stem.removeprefix("test_") in MEASURED


@contextmanager
def unmeasured() -> Iterator[None]:
    """Keep this process from measuring what it runs, which makes Python code take two to three times as long."""
    coverage = Coverage.current()
    if coverage is None:
        yield
        return
    coverage.stop()
    try:
        yield
    finally:
        coverage.start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    # What an acceptance test is about runs in the commands that it types; here it only looks at what they have done.
    looks_only = item.path.is_relative_to(TESTS / "acceptance")
    with unmeasured() if looks_only or item.get_closest_marker("unmeasured") else nullcontext():
        return (yield)


@pytest.fixture
def project(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Project]:
    made = make_project(tmp_path, measured=is_measured(request))
    yield made
    assert made.left_behind() == []


@pytest.fixture(scope="module")
def shared_project(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Project]:
    made = make_project(tmp_path_factory.mktemp("shared"), measured=is_measured(request))
    yield made
    assert made.left_behind() == []


@pytest.fixture(scope="module")
def browser_for_gallery() -> Iterator[Browser]:
    """The one place that knows which browser opens the gallery."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser("chromium").executable, args=["--disable-background-networking"]
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser_for_gallery: Browser) -> Iterator[Open]:
    """Opens a page from disk; at the end, whatever it fetched from elsewhere or logged as an error fails the test."""
    pages: list[Page] = []
    trouble: list[str] = []

    def open_page(path: Path, **context: Any) -> Page:
        page = browser_for_gallery.new_context(**{"viewport": {"width": 1280, "height": 900}, **context}).new_page()
        pages.append(page)
        page.on("console", lambda message: trouble.append(message.text))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("dialog", lambda dialog: trouble.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: note(request.url))

        def note(url: str) -> None:
            if url != path.as_uri() and not url.startswith(("blob:", "data:")):
                trouble.append(f"request: {url}")

        page.goto(path.as_uri())
        expect(page.locator("h1")).to_be_visible()
        return page

    yield open_page
    for page in pages:
        page.context.close()
    assert trouble == []


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "widgetshot-report")


@pytest.fixture
def mixed(folder: Folder) -> Folder:
    """One of each verdict, two changed, declared in an order that is not the gallery's."""
    folder.add("calm", "match")
    folder.add("late", "broken", error={"type": "NotebookError", "message": "cell raised", "next": "pip install x"})
    folder.add("slight", "changed", changed=12)
    folder.add("restless", "unstable", changed=70)
    folder.add("first", "new")
    folder.add("heavy", "changed", changed=900, traits=[{"widget": "W", "trait": "value", "before": 3, "after": "5"}])
    folder.add("taller", "resized", changed=400)
    return folder


@pytest.fixture
def run(tmp_path: Path) -> dict[str, Any]:
    """The run.json of a folder `report` with one result of each verdict."""
    return finish(writer(tmp_path / "report"), *map(result_called, VERDICTS), unused=["b", "a"])
