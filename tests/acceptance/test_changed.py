"""`--changed` leaves out what passed and is made from nothing that changed, and only that; on real kernels."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from projects import Project, make_project
from widgetshot.baselines.stores import open_baselines
from widgetshot.project.loading import load_settings
from widgetshot.run.changed import only_changed, pass_cache

# What a run with --changed would find, without running anything. A question is a line of JSON, and so is its answer.
# Each is answered by a process of its own, forked from one that has loaded what it needs and has asked nothing yet.
ASK = """
import json
import os
import sys
from pathlib import Path
from widgetshot.project.loading import load_settings
from widgetshot.project.notebooks import find_notebooks, load_notebook
from widgetshot.baselines.stores import open_baselines
from widgetshot.run.changed import pass_cache, unchanged
from widgetshot.selection.session import sessions_of

def answer(environment, overrides):
    os.environ |= environment
    settings = load_settings(Path.cwd(), overrides)
    cache = pass_cache(settings, open_baselines(settings))
    said = {}
    for file in find_notebooks(settings):
        notebook = load_notebook(settings, file)
        found = unchanged(sessions_of(notebook, notebook.targets, repeat=settings.repeat), cache, settings)
        said |= dict.fromkeys(found.left_out, "") | found.reasons
    print(json.dumps(said), flush=True)

for line in sys.stdin:
    child = os.fork()
    if not child:
        answer(**json.loads(line))
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit("no answer")
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


class Asker:
    """A process in a project that is asked why notebooks would be run now."""

    def __init__(self, project: Project) -> None:
        self._process = project.begin(sys.executable, "-c", ASK)

    def reasons(self, environment: dict[str, str] | None = None, **overrides: object) -> dict[str, str]:
        """Why each notebook would be run, or "", by the name of its folder, or its own beside which there is none."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"environment": environment or {}, "overrides": overrides}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, self._process.communicate()[1]
        said: dict[str, str] = json.loads(answer)
        prefix = "page-chromium-linux/"
        return {name.removeprefix(prefix).split("/")[1]: why for name, why in said.items()}

    def close(self) -> None:
        self._process.communicate()


@contextmanager
def asking(project: Project) -> Iterator[Asker]:
    asker = Asker(project)
    try:
        yield asker
    finally:
        asker.close()


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


def packages_of(project: Project) -> Path:
    """A folder of what is installed, outside of the project."""
    return project.root.parent / "env" / "site-packages"


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Notebooks that passed, each in a folder of its own, after one real run of all of them."""
    project = make_project(tmp_path_factory.mktemp("passed") / "project")
    packages = packages_of(project)
    # An empty entry would stand for the folder that a program runs in, where something always changes.
    paths = filter(None, [str(packages), os.environ.get("PYTHONPATH")])
    project.environment |= {"PYTHONPATH": os.pathsep.join(paths)}
    (packages / "sample-1.0.dist-info").mkdir(parents=True)
    (packages / "sample-1.0.dist-info" / "METADATA").write_text("Name: sample\nVersion: 1.0\n")
    (packages / "sample.py").write_text("VALUE = 1\n")
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
    # A notebook has a copy of the project; this one changes the project's own file after that was made.
    file = project.write("notebooks/raced/data.txt", "before")
    project.notebook(
        "notebooks/raced/a.ipynb", f"{SHOT}print(open('data.txt').read())\nopen({str(file)!r}, 'w').write('after')"
    )
    project.write("data/x.csv", "1")
    project.write("package/__init__.py", "")
    project.write("package/part.py", "VALUE = 1\n")
    project.write("img/dot.svg", '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    project.notebook("notebooks/reads_above/a.ipynb", f"{SHOT}print(open('../../data/x.csv').read())")
    project.notebook(
        "notebooks/imports_above/a.ipynb",
        f"{SHOT}import sys\nsys.path.insert(0, '../..')\nfrom package.part import VALUE\nprint(VALUE)",
    )
    project.notebook(
        "notebooks/page_above/a.ipynb", SHOT + "from IPython.display import HTML\nHTML('<img src=../../img/dot.svg> x')"
    )
    done = project.widgetshot("run", "--changed", "--update-baselines")
    assert done.returncode == 1, done.stdout + done.stderr
    yield project
    assert project.left_behind() == []


@pytest.fixture(scope="module")
def asker(passed: Project) -> Iterator[Asker]:
    with asking(passed) as asker:
        yield asker


@pytest.fixture(scope="module")
def before(asker: Asker) -> Iterator[dict[str, str]]:
    """Why each of them would be run as they are; the same again when all tests have put back what they changed."""
    said = asker.reasons()
    yield said
    assert asker.reasons() == said


# Notebooks that look above their folder, so that whatever appears in the project may be what they ask for.
ABOVE = ("reads_above", "imports_above", "page_above")


def test_what_nothing_changed_of_needs_no_run(before: dict[str, str]) -> None:
    beside = ("plain", "imports", "reads", "absent", "outside", "declared", "page", "clicked")
    assert before == {
        **dict.fromkeys((*beside, *ABOVE), ""),
        "failed": "not known to have passed",
        "raced": "not known to have passed",
        "process": f"not all that it depends on is known: it started a process, {Path(sys.executable).name}",
        "talks": "not all that it depends on is known: it talked to 127.0.0.1",
    }


def test_what_changes_while_it_runs_is_not_relied_on(passed: Project, before: dict[str, str]) -> None:
    assert passed.entry("notebooks/raced/a.ipynb::s")["status"] == "passed"
    assert before["raced"] == "not known to have passed"


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
        ("data/x.csv", "other", "reads_above", "data/x.csv changed"),
        ("package/part.py", "other", "imports_above", "package/part.py changed"),
        ("img/dot.svg", "other", "page_above", "img/dot.svg changed"),
    ],
)
def test_only_what_read_a_changed_file_is_run(
    passed: Project, asker: Asker, before: dict[str, str], path: str, text: str | None, who: str, why: str
) -> None:
    file = passed.root / path
    if path.endswith(".ipynb"):
        text = file.read_text().replace("print(1)", "print(2)")
        why = f"{path} changed"
    appears = why.endswith((" is new", " is gone"))
    names = dict.fromkeys(ABOVE, f"the project: {path} is {why.split()[-1]}") if appears else {}
    with changed(file, text):
        assert asker.reasons() == before | names | {who: why}


def test_a_new_file_above_the_folder_of_a_notebook_counts_where_that_looks_there(
    passed: Project, asker: Asker, before: dict[str, str]
) -> None:
    # Whether a file exists can be asked without opening it.
    with changed(passed.root / "data/more.csv", ""):
        assert asker.reasons() == before | dict.fromkeys(ABOVE, "the project: data/more.csv is new")


def test_a_file_that_nobody_read_runs_nothing(passed: Project, asker: Asker, before: dict[str, str]) -> None:
    with changed(passed.root / "notebooks" / "imports" / "unread.txt", "2"):
        assert asker.reasons() == before


def test_another_baseline_is_a_reason(passed: Project, asker: Asker, before: dict[str, str]) -> None:
    folder = passed.root / "baselines" / "page-chromium-linux" / "notebooks" / "plain" / "a"
    with changed(folder / "s.png", (folder.parents[1] / "reads" / "a" / "s.png").read_bytes()):
        assert asker.reasons() == before | {"plain": "the baseline of s changed"}
    with changed(folder / "s.json", (folder / "s.json").read_text() + "\n"):
        assert asker.reasons() == before | {"plain": "the baseline of s changed"}


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
    asker: Asker, before: dict[str, str], overrides: dict[str, Any], why: set[str]
) -> None:
    assert run_again(before, asker.reasons(**overrides)) == why


def test_another_environment_is_a_reason(passed: Project, asker: Asker, before: dict[str, str]) -> None:
    (why,) = run_again(before, asker.reasons({"SOMETHING": "else"}))
    assert why == "environment variable SOMETHING changed"
    assert "else" not in (passed.root / ".widgetshot" / "passed.json").read_text()


def test_another_version_of_a_package_is_a_reason(passed: Project, asker: Asker, before: dict[str, str]) -> None:
    packages = packages_of(passed)
    (packages / "sample-1.0.dist-info").rename(packages / "sample-1.1.dist-info")
    (why,) = run_again(before, asker.reasons())
    assert why == "what is installed changed: sample 1.0 → 1.1"
    (packages / "sample-1.1.dist-info").rename(packages / "sample-1.0.dist-info")
    assert asker.reasons() == before
    about = (packages / "sample.py").stat()
    (packages / "sample.py").write_text("VALUE = 22\n")
    (why,) = run_again(before, asker.reasons())
    assert why == f"what is installed changed: sample.py in {packages}"
    (packages / "sample.py").write_text("VALUE = 1\n")
    os.utime(packages / "sample.py", ns=(about.st_atime_ns, about.st_mtime_ns))
    assert asker.reasons() == before


def test_a_damaged_memory_counts_as_none(passed: Project, asker: Asker) -> None:
    with changed(passed.root / ".widgetshot" / "passed.json", '{"format": 1, "sessions": {"page'):
        assert set(asker.reasons().values()) == {"not known to have passed"}


# What the module beside it says is shown in the dark only.
DARK = """#| widgetshot: {theme: [light, dark]}
#| shot: s
import helper
from IPython.display import HTML
HTML(f"<style>i {{display: none}} @media (prefers-color-scheme: dark) {{ i {{display: inline}} }}</style>"
     f"<p>said: <i>{helper.VALUE}</i></p>")
"""
NOTED = f"{SHOT}import os\nprint('WIDGETSHOT_FILE_TRACE' in os.environ)"
Done = subprocess.CompletedProcess[str]


class Step(NamedTuple):
    """What a command of a story said, the report of its run, and the file of what passed, or "" without any."""

    done: Done
    run: dict[str, Any]
    noted: str

    @property
    def left_out(self) -> int:
        return len({entry["key"] for entry in self.run["changed"]["not_run"]})

    @property
    def ran(self) -> dict[str, str]:
        return {entry["name"]: entry["why"] for entry in self.run["changed"]["ran"]}


@pytest.fixture(scope="module")
def story(shared_project: Project) -> dict[str, Step]:
    """Runs of three notebooks, one after the other; `c` shows whether its kernel is asked to note what it reads."""
    project = shared_project
    project.write("notebooks/helper.py", "VALUE = 1\n")
    project.notebook("notebooks/a.ipynb", f"{SHOT}print(1)")
    project.notebook("notebooks/b.ipynb", DARK)
    project.notebook("notebooks/c.ipynb", NOTED)
    steps: dict[str, Step] = {}

    def step(name: str, done: Done) -> None:
        file = project.root / ".widgetshot" / "passed.json"
        steps[name] = Step(done, project.report(), file.read_text() if file.exists() else "")

    step("without", project.widgetshot("run", "--update-baselines"))
    step("first", project.widgetshot("run", "--changed"))
    assert project.widgetshot("approve", "--all").returncode == 0
    step("by default", project.pytest("notebooks/b.ipynb", "notebooks/c.ipynb", "-q"))
    step("nothing changed", project.widgetshot("run", "--changed"))
    step("pytest", project.pytest("notebooks", "-q", "--widgetshot-changed"))
    project.write("notebooks/helper.py", "VALUE = 2\n")
    words = ("-n2", "--dist=loadfile", "--widgetshot-changed")
    step("changed", project.pytest("notebooks", "-q", "-rs", *words))
    with asking(project) as asker:
        steps["changed"].run["asked"] = asker.reasons()
    step("in CI", project.widgetshot("run", "--changed", "notebooks/c.ipynb", environment={"CI": "true"}))
    return steps


def test_a_run_notes_nothing_until_the_option_was_used(story: dict[str, Step]) -> None:
    assert story["without"].done.returncode == 0, story["without"].done.stdout
    assert story["without"].noted == ""
    # The kernel is asked to note what it reads, which one of them shows.
    assert story["first"].done.returncode == 1
    assert (
        story["first"].run["summary"]["verdicts"] | {"changed": 1, "match": 3}
        == story["first"].run["summary"]["verdicts"]
    )
    assert "notebooks/b.ipynb" in story["first"].noted


def test_in_ci_nothing_is_noted_because_of_the_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(make_project(tmp_path).root)
    for ci, noting in (("true", False), ("", True)):
        monkeypatch.setenv("CI", ci)
        cache = pass_cache(settings, open_baselines(settings))
        assert bool(only_changed([], cache, settings).refused) == (not noting)
        assert cache.noting == (tmp_path / ".widgetshot" / "passed.json").exists() == noting


def test_in_ci_everything_is_run_also_what_is_known_to_have_passed(story: dict[str, Step]) -> None:
    assert story["in CI"].done.returncode == 0, story["in CI"].done.stdout
    assert "in CI ($CI is set) everything is run, whatever --changed says" in story["in CI"].done.stdout
    assert story["in CI"].run["summary"]["total"] == 1


def test_what_is_known_to_have_passed_is_run_by_default(story: dict[str, Step]) -> None:
    done, run, _ = story["by default"]
    assert "3 passed" in done.stdout
    assert run["changed"] is None


def test_what_passes_is_noted_from_then_on_also_without_the_option(story: dict[str, Step]) -> None:
    assert "notebooks/c.ipynb" not in story["first"].noted
    assert "notebooks/c.ipynb" in story["by default"].noted


def test_a_run_tells_why_it_runs_what_is_not_known(story: dict[str, Step]) -> None:
    assert "run: notebooks/b.ipynb: not known to have passed" in story["first"].done.stdout


def test_a_run_of_nothing_changed_is_empty_and_tells_what_it_left_out(story: dict[str, Step]) -> None:
    done, run, _ = story["nothing changed"]
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 pictures were not run" in done.stdout
    assert run["summary"] | {"duration_seconds": 0, "verdicts": {}} == {
        "total": 0, "passed": 0, "failed": 0, "quarantined": 0, "updated": 0, "duration_seconds": 0, "verdicts": {}
    }  # fmt: skip
    assert story["nothing changed"].left_out == 4
    assert "4 skipped" in story["pytest"].done.stdout
    assert story["pytest"].left_out == 4


def test_pytest_tells_what_it_left_out_and_why_it_ran_the_rest(story: dict[str, Step]) -> None:
    failed = story["changed"].done
    assert failed.returncode == 1, failed.stdout
    assert "1 failed, 1 passed, 2 skipped" in failed.stdout
    assert "not run: nothing changed since it passed at 20" in failed.stdout
    assert "run: notebooks/b.ipynb: notebooks/helper.py changed" in failed.stdout
    why = "notebooks/helper.py changed"
    names = ("notebooks/b.ipynb", "notebooks/b.ipynb[dark]")
    assert story["changed"].ran == dict.fromkeys(names, why)


def test_what_failed_is_run_again_although_nothing_changes_any_more(story: dict[str, Step]) -> None:
    assert story["changed"].run["asked"] == {
        "a": "", "b": "", "b.ipynb[dark]": "not known to have passed", "c": ""
    }  # fmt: skip


def test_workers_of_pytest_leave_out_what_has_not_changed_and_note_what_passed(story: dict[str, Step]) -> None:
    # Two workers ran it, see above.
    assert story["changed"].left_out == 2
    assert story["changed"].run["asked"]["b"] == ""


def test_all_baselines_can_not_be_written_without_what_is_left_out(passed: Project) -> None:
    done = passed.widgetshot("run", "--changed", "--update-baselines=all")
    assert done.returncode == 3
    assert "leave one of the two out" in done.stderr
