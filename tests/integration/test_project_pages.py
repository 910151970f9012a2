"""The address of a live page: links of it lead to the copy of the project, and never out of that."""

import asyncio
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urljoin
from urllib.request import urlopen

import pytest

from projects import Project
from widgetshot.declare.notebook import read_notebook
from widgetshot.frontends.widget_page import PageFrontend
from widgetshot.model import ServedPage
from widgetshot.ports import SourcesSeen
from widgetshot.server.launcher import Server

NOTEBOOK = "my lab/books/a.ipynb"


def fetch(page: ServedPage, link: str) -> str:
    """What a link of a page leads to, or the status that refuses it."""
    address, _, token = page.url.partition("?")
    try:
        with urlopen(f"{urljoin(address, link)}?{token}") as answer:
            return str(answer.read().decode())
    except HTTPError as error:
        return str(error.code)


@pytest.mark.parametrize("secrets", [(), ("hidden",)])
def test_links_of_a_page_lead_to_its_copy_of_the_project_and_nowhere_else(
    project: Project, tmp_path_factory: pytest.TempPathFactory, secrets: tuple[str, ...]
) -> None:
    project.notebook(NOTEBOOK, "print('../../top.txt', '../data/x.csv')")
    for path in ("top.txt", "my lab/data/x.csv", "my lab/data/unnamed.csv", "my lab/books/beside.txt"):
        project.write(path, f"in {path}")
    own = tmp_path_factory.mktemp("run")

    async def go() -> tuple[dict[str, str], SourcesSeen]:
        server = Server(own)
        await server.start()
        try:
            frontend = PageFrontend(server, {}, secrets=secrets, root=project.root)
            target = read_notebook(project.root / NOTEBOOK, NOTEBOOK).targets[0]
            page = await frontend.open(project.root / NOTEBOOK, target, "")
            assert page.url.partition("?")[0].endswith(f"{page.id}/my%20lab/books/")
            links = (
                "beside.txt", "../data/x.csv", "../../top.txt", "../data/unnamed.csv", "../../../top.txt",
                "%2e%2e/%2e%2e/%2e%2e/home", "..%2f..%2f..%2freads", "/widgetshot/live-pages/" + page.id + "/", "..",
            )  # fmt: skip
            answers = {link: await asyncio.to_thread(fetch, page, link) for link in links}
            assert "<html" in await asyncio.to_thread(fetch, page, ".")
            return answers, await frontend.close(page)
        finally:
            await server.stop()

    answers, seen = asyncio.run(go())
    assert list(answers.values())[:3] == ["in my lab/books/beside.txt", "in my lab/data/x.csv", "in top.txt"]
    assert set(list(answers.values())[3:]) <= {"403", "404"}
    assert {"my lab/books/beside.txt", "my lab/data/x.csv", "top.txt"} <= set(seen.requested)
    assert Path(seen.work).name == "work"
    assert seen.above
