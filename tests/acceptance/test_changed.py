"""`--changed` leaves out what passed and is made from nothing that changed, and only that; on real kernels."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from projects import Project, make_project

# What a run with --changed would find, without running anything.
ASK = """
import json
from pathlib import Path
from widgetshot.project.loading import load_settings
from widgetshot.project.notebooks import find_notebooks, load_notebook
from widgetshot.baselines.stores import open_baselines
from widgetshot.run.changed import pass_cache, unchanged
from widgetshot.selection.session import sessions_of
settings = load_settings(Path.cwd(), {overrides!r})
cache = pass_cache(settings, open_baselines(settings))
said = {{}}
for file in find_notebooks(settings):
    notebook = load_notebook(settings, file)
    found = unchanged(sessions_of(notebook, notebook.targets, repeat=settings.repeat), cache, settings.environment)
    said |= dict.fromkeys(found.left_out, "") | found.reasons
print(json.dumps(said))
"""
SHOT = "#| shot: s\n"
PROCESS = (
    "import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', 'print(1)'], capture_output=True).stdout)"
)
CALLBACK = """
import ipywidgets as widgets
button, label = widgets.Button(description="Run"), widgets.Label("not run")
button.on_click(lambda _: setattr(label, "value", open("late.txt").read()))
widgets.HBox([button, label])
"""
ABSENT = """
from pathlib import Path
try:
    print(open("more.txt").read())
except FileNotFoundError:
    print("none")
"""
TALKS = """
import socket
try:
    socket.create_connection(("127.0.0.1", 9), timeout=1).close()
except OSError:
    pass
"""


def reasons(project: Project, environment: dict[str, str] | None = None, **overrides: object) -> dict[str, str]:
    """Why each notebook would be run, or "", by the name of its folder."""
    done = project.command(sys.executable, "-c", ASK.format(overrides=overrides), environment=environment)
    assert done.returncode == 0, done.stderr
    said: dict[str, str] = json.loads(done.stdout)
    prefix = "page-chromium-linux/"
    return {name.removeprefix(prefix).split("/")[1]: why for name, why in said.items()}


@contextmanager
def changed(file: Path, content: str | bytes | None) -> Iterator[None]:
    """A file with another content, or none; put back afterwards."""
    before = file.read_bytes() if file.exists() else None
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    try:
        yield
    finally:
        if before is None:
            file.unlink()
        else:
            file.write_bytes(before)


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Notebooks that passed, each in a folder of its own, after one real run of all of them."""
    project = make_project(tmp_path_factory.mktemp("passed"))
    packages = project.root / "env" / "site-packages"
    # An empty entry would stand for the folder that a program runs in, where something always changes.
    paths = filter(None, [str(packages), os.environ.get("PYTHONPATH")])
    project.environment |= {"CI": "", "PYTHONPATH": os.pathsep.join(paths)}
    project.write("env/site-packages/sample.py", "VALUE = 1\n")
    project.write("env/site-packages/sample-1.0.dist-info/METADATA", "Name: sample\nVersion: 1.0\n")
    project.notebook("notebooks/plain/a.ipynb", f"{SHOT}print(1)")
    project.notebook("notebooks/imports/a.ipynb", f"{SHOT}import helper\nprint(helper.VALUE)")
    project.write("notebooks/imports/helper.py", "from deep.down import VALUE\n")
    project.write("notebooks/imports/deep/down.py", "VALUE = 1\n")
    project.write("notebooks/imports/unread.txt", "1")
    read = "open('t.txt').read(), list(csv.reader(open('t.csv'))), numpy.load('t.npy')"
    project.notebook("notebooks/reads/a.ipynb", f"{SHOT}import csv, numpy\nprint({read})")
    project.write("notebooks/reads/t.txt", "text")
    project.write("notebooks/reads/t.csv", "1,2\n")
    np.save(project.root / "notebooks" / "reads" / "t.npy", np.arange(3))
    project.notebook("notebooks/absent/a.ipynb", SHOT + ABSENT)
    project.notebook("notebooks/outside/a.ipynb", f"{SHOT}print(open({str(project.root / 'far.txt')!r}).read())")
    project.write("far.txt", "far")
    project.notebook("notebooks/process/a.ipynb", SHOT + PROCESS)
    declared = '#| widgetshot: {inputs: ["*.in", "../../sources/**/*.txt"]}\n'
    project.notebook("notebooks/declared/a.ipynb", declared + SHOT + PROCESS)
    project.write("notebooks/declared/one.in", "1")
    project.write("sources/deep/two.txt", "2")
    project.notebook("notebooks/talks/a.ipynb", SHOT + TALKS + "print(1)")
    project.notebook("notebooks/page/a.ipynb", SHOT + "from IPython.display import HTML\nHTML('<img src=dot.svg> x')")
    project.write("notebooks/page/dot.svg", '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    steps = '#| shot: s\n#| steps:\n#|   - click: "button"\n'
    project.notebook("notebooks/clicked/a.ipynb", steps + CALLBACK)
    project.write("notebooks/clicked/late.txt", "late")
    project.notebook("notebooks/failed/a.ipynb", f"{SHOT}1 / 0")
    done = project.widgetshot("run", "--changed", "--update-baselines")
    assert done.returncode == 1, done.stdout + done.stderr
    yield project
    assert project.left_behind() == []


@pytest.fixture(scope="module")
def before(passed: Project) -> Iterator[dict[str, str]]:
    """Why each of them would be run as they are; the same again when all tests have put back what they changed."""
    said = reasons(passed)
    yield said
    assert reasons(passed) == said


def test_what_nothing_changed_of_needs_no_run(before: dict[str, str]) -> None:
    assert before == {
        **dict.fromkeys(("plain", "imports", "reads", "absent", "outside", "declared", "page", "clicked"), ""),
        "failed": "not known to have passed",
        "process": f"not all that it depends on is known: it started a process, {Path(sys.executable).name}",
        "talks": "not all that it depends on is known: it talked to 127.0.0.1",
    }


@pytest.mark.parametrize(
    ("path", "text", "who", "why"),
    [
        ("notebooks/imports/deep/down.py", "VALUE = 2\n", "imports", "notebooks/imports/deep/down.py changed"),
        ("notebooks/imports/deep/down.py", None, "imports", "notebooks/imports/deep/down.py is gone"),
        ("notebooks/imports/deep.py", "", "imports", "notebooks/imports: deep.py is new"),
        ("notebooks/reads/t.txt", "other", "reads", "notebooks/reads/t.txt changed"),
        ("notebooks/reads/t.csv", "1,3\n", "reads", "notebooks/reads/t.csv changed"),
        ("notebooks/reads/t.npy", "x", "reads", "notebooks/reads/t.npy changed"),
        ("notebooks/absent/more.txt", "more", "absent", "notebooks/absent/more.txt is new"),
        # Whether a file exists can be asked without opening it.
        ("notebooks/plain/asked-for", "", "plain", "notebooks/plain: asked-for is new"),
        ("far.txt", "farther", "outside", "far.txt changed"),
        ("notebooks/declared/one.in", "3", "declared", "notebooks/declared/one.in changed"),
        ("sources/three.txt", "3", "declared", "sources/three.txt is new"),
        ("sources/deep/two.txt", None, "declared", "sources/deep/two.txt is gone"),
        ("notebooks/page/dot.svg", "<svg/>", "page", "notebooks/page/dot.svg changed"),
        ("notebooks/clicked/late.txt", "later", "clicked", "notebooks/clicked/late.txt changed"),
        ("notebooks/plain/a.ipynb", None, "plain", ""),
    ],
)
def test_only_what_read_a_changed_file_is_run(
    passed: Project, before: dict[str, str], path: str, text: str | None, who: str, why: str
) -> None:
    file = passed.root / path
    if path.endswith(".ipynb"):
        text = file.read_text().replace("print(1)", "print(2)")
        why = f"{path} changed"
    with changed(file, text):
        assert reasons(passed) == before | {who: why}


def test_a_file_that_nobody_read_runs_nothing(passed: Project, before: dict[str, str]) -> None:
    with changed(passed.root / "notebooks" / "imports" / "unread.txt", "2"):
        assert reasons(passed) == before


def test_another_baseline_is_a_reason(passed: Project, before: dict[str, str]) -> None:
    folder = passed.root / "baselines" / "page-chromium-linux" / "notebooks" / "plain" / "a"
    with changed(folder / "s.png", (folder.parents[1] / "reads" / "a" / "s.png").read_bytes()):
        assert reasons(passed) == before | {"plain": "the baseline of s changed"}
    with changed(folder / "s.json", (folder / "s.json").read_text() + "\n"):
        assert reasons(passed) == before | {"plain": "the baseline of s changed"}


def run_again(before: dict[str, str], now: dict[str, str]) -> set[str]:
    """Why all would be run that otherwise would not."""
    return {why for who, why in now.items() if why and not before[who]}


@pytest.mark.parametrize(
    ("overrides", "why"),
    [
        ({"theme": "dark"}, {"not known to have passed"}),  # other targets
        ({"tolerance": {"pixels": 3}}, {"its configuration changed: what the notebook declares"}),
        ({"settle_timeout": 7}, {"its configuration changed: settle_timeout"}),
        ({"scale": 2}, {"the renderer: scale changed"}),
        # Whose change makes no picture another one.
        ({"jobs": 7, "notebooks": ["notebooks", "notebooks/plain"]}, set()),
    ],
)
def test_another_configuration_is_a_reason(
    passed: Project, before: dict[str, str], overrides: dict[str, Any], why: set[str]
) -> None:
    assert run_again(before, reasons(passed, **overrides)) == why


def test_another_environment_is_a_reason(passed: Project, before: dict[str, str]) -> None:
    (why,) = run_again(before, reasons(passed, {"SOMETHING": "else"}))
    assert why == "environment variable SOMETHING changed"
    assert "else" not in (passed.root / ".widgetshot" / "passed.json").read_text()


def test_another_version_of_a_package_is_a_reason(passed: Project) -> None:
    packages = passed.root / "env" / "site-packages"
    (packages / "sample-1.0.dist-info").rename(packages / "sample-1.1.dist-info")
    (why,) = run_again_after(passed)
    assert why == "what is installed changed: sample 1.0 → 1.1"
    (packages / "sample-1.1.dist-info").rename(packages / "sample-1.0.dist-info")
    assert run_again_after(passed) == {""}
    before = (packages / "sample.py").stat()
    (packages / "sample.py").write_text("VALUE = 22\n")
    (why,) = run_again_after(passed)
    assert why == f"what is installed changed: sample.py in {packages}"
    (packages / "sample.py").write_text("VALUE = 1\n")
    os.utime(packages / "sample.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert run_again_after(passed) == {""}


def run_again_after(project: Project) -> set[str]:
    """Why what nothing had changed of would be run now."""
    return {why for who, why in reasons(project).items() if who not in ("failed", "process", "talks")}


def test_a_damaged_memory_counts_as_none(passed: Project) -> None:
    with changed(passed.root / ".widgetshot" / "passed.json", '{"format": 1, "sessions": {"page'):
        assert set(reasons(passed).values()) == {"not known to have passed"}


def selected(project: Project) -> tuple[set[str], dict[str, str]]:
    """What run.json says of a run with --changed: keys left out, and why the others were run."""
    run = project.report()["changed"]
    return {entry["key"] for entry in run["not_run"]}, {entry["name"]: entry["why"] for entry in run["ran"]}


def test_a_run_tells_what_it_left_out_and_why_it_ran_the_rest(project: Project) -> None:
    project.environment["CI"] = ""
    project.write("notebooks/helper.py", "VALUE = 1\n")
    project.notebook("notebooks/a.ipynb", "#| widgetshot: {theme: [light, dark]}\n#| shot: s\nprint(1)")
    project.notebook("notebooks/b.ipynb", f"{SHOT}import helper\nprint(helper.VALUE)")
    first = project.widgetshot("run", "--changed", "--update-baselines")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "run: notebooks/b.ipynb: not known to have passed" in first.stdout
    second = project.widgetshot("run", "--changed")
    assert second.returncode == 0, second.stdout + second.stderr
    assert "3 pictures were not run" in second.stdout
    assert project.report()["summary"] | {"duration_seconds": 0, "verdicts": {}} == {
        "total": 0, "passed": 0, "failed": 0, "quarantined": 0, "updated": 0, "duration_seconds": 0, "verdicts": {}
    }  # fmt: skip
    assert len(selected(project)[0]) == 3

    project.write("notebooks/helper.py", "VALUE = 2\n")
    failed = project.pytest("notebooks", "-q", "-rs", "--widgetshot-changed")
    assert failed.returncode == 1, failed.stdout
    assert "1 failed, 2 skipped" in failed.stdout
    assert "not run: nothing changed since it passed at 20" in failed.stdout
    assert "run: notebooks/b.ipynb: notebooks/helper.py changed" in failed.stdout
    assert selected(project)[1] == {"notebooks/b.ipynb": "notebooks/helper.py changed"}

    # It failed, so it would be run again although nothing changes any more.
    assert reasons(project) == {"a": "", "b.ipynb": "not known to have passed"}
    assert project.widgetshot("approve", "--all").returncode == 0
    workers = project.pytest("notebooks", "-q", "-n2", "--widgetshot-changed")
    assert "1 passed, 2 skipped" in workers.stdout
    assert len(selected(project)[0]) == 2
    assert selected(project)[1] == {"notebooks/b.ipynb": "not known to have passed"}
    assert "3 skipped" in project.pytest("notebooks", "-q", "--widgetshot-changed").stdout

    # Not by default, and not in CI.
    assert "1 passed" in project.pytest("notebooks/b.ipynb", "-q").stdout
    assert project.report()["changed"] is None
    in_ci = project.widgetshot("run", "--changed", environment={"CI": "true"})
    assert "in CI ($CI is set) everything is run, whatever --changed says" in in_ci.stdout
    assert project.report()["summary"]["total"] == 3


def test_what_changes_while_it_runs_is_not_relied_on(project: Project) -> None:
    project.environment["CI"] = ""
    file = project.write("notebooks/data.txt", "before")
    # The notebook has a copy; the project's own file changes after it was made.
    source = f"print(open('data.txt').read())\nopen({str(file)!r}, 'w').write('after')"
    project.notebook("notebooks/a.ipynb", SHOT + source)
    assert project.widgetshot("run", "--changed", "--update-baselines").returncode == 0
    assert reasons(project) == {"a.ipynb": "not known to have passed"}


def test_a_run_notes_nothing_until_the_option_was_used(project: Project) -> None:
    project.environment["CI"] = ""
    project.notebook("notebooks/a.ipynb", f"{SHOT}import os\nprint('WIDGETSHOT_FILE_TRACE' in os.environ)")
    assert project.widgetshot("run", "--update-baselines").returncode == 0
    assert not (project.root / ".widgetshot" / "passed.json").exists()
    assert project.widgetshot("run", "--changed", environment={"CI": "true"}).returncode == 0
    assert not (project.root / ".widgetshot" / "passed.json").exists()
    # The kernel is asked to note what it reads, which this one shows.
    assert project.widgetshot("run", "--changed").returncode == 1
    assert project.widgetshot("approve", "--all").returncode == 0
    assert project.widgetshot("run").returncode == 0
    assert reasons(project) == {"a": ""}


def test_all_baselines_can_not_be_written_without_what_is_left_out(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", f"{SHOT}print(1)")
    done = project.widgetshot("run", "--changed", "--update-baselines=all")
    assert done.returncode == 3
    assert "leave one of the two out" in done.stderr


def test_what_lies_above_the_folder_of_a_notebook_counts(project: Project) -> None:
    project.environment["CI"] = ""
    project.write("data/x.csv", "1")
    project.write("package/__init__.py", "")
    project.write("package/part.py", "VALUE = 1\n")
    project.write("img/dot.svg", '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    project.notebook("notebooks/alone/a.ipynb", f"{SHOT}print(1)")
    project.notebook("notebooks/reads/a.ipynb", f"{SHOT}print(open('../../data/x.csv').read())")
    project.notebook(
        "notebooks/imports/a.ipynb",
        f"{SHOT}import sys\nsys.path.insert(0, '../..')\nfrom package.part import VALUE\nprint(VALUE)",
    )
    project.notebook(
        "notebooks/page/a.ipynb", SHOT + "from IPython.display import HTML\nHTML('<img src=../../img/dot.svg> x')"
    )
    done = project.widgetshot("run", "--changed", "--update-baselines")
    assert done.returncode == 0, done.stdout + done.stderr
    before = reasons(project)
    assert before == dict.fromkeys(("alone", "reads", "imports", "page"), "")
    for path, who in (("data/x.csv", "reads"), ("package/part.py", "imports"), ("img/dot.svg", "page")):
        with changed(project.root / path, "other"):
            assert reasons(project) == before | {who: f"{path} changed"}
    # Whether a file exists can be asked without opening it.
    with changed(project.root / "data/more.csv", ""):
        assert reasons(project) == dict.fromkeys(before, "the project: data/more.csv is new") | {"alone": ""}
