"""The same suite of pictures by widgetshot and by what people use instead: time, CPU, memory, what is left behind.

    python benchmarks/suite.py [--workloads 20x3 1x1 ...] [--cases match changed] [--peers voila jupyterlab ...]
                               [--rounds 3] [--memory-rounds 1] [--discard]

A workload is notebooks x shots of ordinary ipywidgets. Every contender first makes its own baselines; then, in turn and
in every round, each does the whole work in a fresh process: start, execute, capture, compare, shut down. In the case
`changed` every tenth shot has another value than when the baselines were made. All must find exactly those, and no
picture may be blank or like another one. `NAME:2` lets a peer work on two notebooks at a time, as ours does by default.

The peers are installed into the user's cache, with pinned versions and the kernel's packages as in constraints.txt.
Results are merged into suite.json beside this file, by workload, case and contender, and suite.md is written from it;
with --discard neither. The exit code is 1 when a bound of 20x3 does not hold. Linux only: see measuring.py.
"""

import argparse
import hashlib
import json
import os
import platform
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tarfile
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil
from PIL import Image

from measuring import BenchmarkError, Sample, adopt_orphans, finish, measure
from suite_peers import FLAGS, PEERS, READY, TIMEOUT, VIEWPORT, free_port
from widgetshot.capture.browser import find_browser

HERE = Path(__file__).parent
RESULTS, REPORT = HERE / "suite.json", HERE / "suite.md"
INSTALLED = {"voila": "0.5.13", "jupyterlab": "4.6.6", "pytest-ipywidgets": "1.64.1"}
BESIDE = ("pytest-xdist",)  # pinned by constraints.txt
# What nbconvert's pages load, and what solara's do; both would fetch it from a CDN.
PACKAGES = {"@jupyter-widgets/html-manager": "1.0.15", "requirejs": "2.3.8"}
SOLARA_PACKAGES = {"@widgetti/solara-vuetify3-app": "5.2.0", "requirejs": "2.3.6", "font-awesome": "4.5.0"}
# Name -> what SOLARA_TEST_RUNNERS is told: without any kernel, and on a real one. The plugin's other runners know older
# front ends: `jupyter_lab` waits for a button that JupyterLab 4.6 does not have, `jupyter_notebook` for Notebook 6.
RUNNERS = {"pytest-ipywidgets": "solara", "pytest-ipywidgets-voila": "voila"}
ALL_PEERS = ("voila", "jupyterlab", "pytest-ipywidgets", "pytest-ipywidgets-voila", "nbconvert")
WORKLOADS = ("1x1", "20x3", "100x1", "1x50")
CASES = ("match", "changed")
OURS = "widgetshot"
# Of the workload 20x3 with all matching: how many times faster than these ours is at least.
BOUNDS = {"voila": 8.0, "jupyterlab": 12.0, "pytest-ipywidgets": 10.0}
MOST_MEMORY = 1.2 * 2**30


# -- the work ----------------------------------------------------------------------------------------------------------

SETUP = """\
import ipywidgets as widgets


def part(widget):
    return widget.add_class("part")
"""


@dataclass(frozen=True)
class Kind:
    """A cell: statements, the widget it shows, how many parts that has, and text that is printed into it."""

    statements: str
    widget: str
    parts: int
    text: str = ""


KINDS = (
    Kind(
        "",
        """\
widgets.VBox(
    [
        part(widgets.Label("TITLE")),
        part(widgets.IntSlider(value=VALUE, description="Workers")),
        part(widgets.FloatSlider(value=VALUE / 4, max=30, description="Memory")),
        part(widgets.IntRangeSlider(value=(5, VALUE), description="Range")),
    ]
)""",
        4,
    ),
    Kind(
        """\
styles = ["primary", "success", "warning", "danger"]
wide = widgets.Layout(width="160px")""",
        """\
widgets.VBox(
    [
        part(widgets.Label("TITLE")),
        widgets.HBox(
            [
                part(widgets.Button(description=f"{style} VALUE", button_style=style, layout=wide))
                for style in styles
            ]
        ),
    ]
)""",
        5,
    ),
    Kind(
        """\
pages = [
    part(widgets.IntSlider(value=VALUE, description="Minimum")),
    part(widgets.Text(value="VALUE workers", description="Name")),
    part(widgets.HTML("<b>VALUE</b> of 100")),
]""",
        'widgets.VBox([part(widgets.Label("TITLE")), widgets.Tab(pages, titles=("Scale", "Name", "State"))])',
        4,
    ),
    Kind(
        'wide = widgets.Layout(width="80%")',
        """\
widgets.VBox(
    [
        part(widgets.Label("TITLE")),
        *(
            part(widgets.IntProgress(value=VALUE, max=100 + 20 * k, bar_style=style, description=style, layout=wide))
            for k, style in enumerate(("info", "success", "warning"))
        ),
    ]
)""",
        4,
    ),
    # Appended, not captured: nbclient, which Voila and nbconvert execute with, sometimes hangs with captured output.
    Kind(
        """\
log = widgets.Output(layout=widgets.Layout(border="1px solid gray", padding="4px"))
for k in range(4):
    log.append_stdout(f"job {k}: VALUE of 100 done\\n")""",
        'widgets.VBox([part(widgets.Label("TITLE")), part(log)])',
        2,
        "job 3: VALUE of 100 done",
    ),
    Kind(
        'rows = "".join(f"<tr><td>node {k}</td><td>{VALUE + k} %</td></tr>" for k in range(3))',
        """\
widgets.GridBox(
    [
        part(widgets.Label("TITLE")),
        part(widgets.HTML(f"<table>{rows}</table>")),
        part(widgets.Dropdown(options=["low", "VALUE", "high"], value="VALUE", description="Load")),
        part(widgets.Checkbox(value=True, description="keep VALUE")),
    ],
    layout=widgets.Layout(grid_template_columns="repeat(2, 320px)", grid_gap="6px"),
)""",
        4,
    ),
)


@dataclass(frozen=True)
class Cell:
    """A shot's cell.

    Attributes:
        widget: the expression that it shows.
    """

    name: str
    statements: str
    widget: str
    parts: int
    text: str

    @property
    def source(self) -> str:
        return f"#| shot: {self.name}\n{self.statements}\n{self.widget}".replace("\n\n", "\n")


@dataclass(frozen=True)
class Workload:
    """Notebooks x shots."""

    name: str
    notebooks: int
    shots: int

    @classmethod
    def named(cls, text: str) -> "Workload":
        """`20x3` -> 20 notebooks with 3 shots each."""
        notebooks, _, shots = text.partition("x")
        if not (notebooks.isdecimal() and shots.isdecimal() and int(notebooks) and int(shots)):
            raise argparse.ArgumentTypeError(f"{text!r} is not NOTEBOOKSxSHOTS")
        return cls(text, int(notebooks), int(shots))

    def cells(self, case: str) -> Iterator[tuple[str, list[Cell]]]:
        """Each notebook's name and shots, with every tenth shot's value changed in the case `changed`."""
        for n in range(self.notebooks):
            yield f"n{n:03}", [self._cell(n, k, case) for k in range(self.shots)]

    def changed(self, case: str) -> list[str]:
        """Return what has to be found, as `notebook-shot`."""
        names = [f"n{n:03}-s{k:02}" for n in range(self.notebooks) for k in range(self.shots)]
        return names[::10] if case == "changed" else []

    def _cell(self, n: int, k: int, case: str) -> Cell:
        kind = KINDS[(n + k) % len(KINDS)]
        name = f"s{k:02}"
        value = 10 + (7 * n + 11 * k) % 80 + (5 if f"n{n:03}-{name}" in self.changed(case) else 0)

        def fill(text: str) -> str:
            return text.replace("TITLE", f"notebook {n}, shot {k}").replace("VALUE", str(value))

        widget = f'{fill(kind.widget)}.add_class("shot-{name}")'
        return Cell(name, fill(kind.statements), widget, kind.parts, fill(kind.text))


def write_work(folder: Path, workload: Workload, case: str) -> None:
    """Write the notebooks, the plan for the peers, and the tests of pytest-ipywidgets."""
    notebooks, tests = folder / "notebooks", folder / "tests"
    notebooks.mkdir(exist_ok=True)
    tests.mkdir(exist_ok=True)
    plan = []
    for name, cells in workload.cells(case):
        sources = [("setup", SETUP), *((cell.name, cell.source) for cell in cells)]
        notebook = {
            "cells": [
                {
                    "cell_type": "code",
                    "id": id,
                    "metadata": {},
                    "execution_count": None,
                    "outputs": [],
                    "source": source,
                }
                for id, source in sources
            ],
            "metadata": {
                "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
                "language_info": {"name": "python"},
            },
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        (notebooks / f"{name}.ipynb").write_text(json.dumps(notebook, indent=1), encoding="utf-8")
        shots = [{"name": cell.name, "parts": cell.parts, "text": cell.text} for cell in cells]
        plan.append({"name": name, "shots": shots})
        (tests / f"test_{name}.py").write_text(test_file(name, cells, shots), encoding="utf-8")
    (folder / "plan.json").write_text(json.dumps({"notebooks": plan}), encoding="utf-8")
    (tests / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (folder / "pyproject.toml").write_text('[tool.widgetshot]\nnotebooks = ["notebooks"]\n', encoding="utf-8")


CONFTEST = f"""\
import os
from pathlib import Path

import pytest

READY = {READY!r}
changed = []


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    return {{**browser_type_launch_args, "executable_path": os.environ["WIDGETSHOT_BROWSER"], "args": {FLAGS!r}}}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    return {{**browser_context_args, "viewport": {VIEWPORT!r}, "reduced_motion": "reduce"}}


@pytest.fixture
def capture(page_session, assert_solara_snapshot):
    def capture(name, shots):
        page_session.wait_for_function(READY, arg=shots, timeout={TIMEOUT})
        page_session.evaluate("async () => {{ await document.fonts.ready; }}")
        wrong = []
        for shot in shots:
            element = page_session.locator(f".shot-{{shot['name']}}")
            try:
                assert_solara_snapshot(
                    element.screenshot(animations="disabled", caret="hide"), postfix=f"-{{shot['name']}}"
                )
            except AssertionError:
                wrong.append(f"{{name}}-{{shot['name']}}")
        with Path(os.environ["SUITE_OUTCOME"]).open("a") as file:
            file.writelines(f"{{name}}\\n" for name in wrong)
        assert not wrong

    return capture
"""


def test_file(name: str, cells: Sequence[Cell], shots: Sequence[Mapping[str, Any]]) -> str:
    """A notebook as a test of pytest-ipywidgets."""
    body = [SETUP, "from IPython.display import display\n"]
    body += [f"{cell.statements}\ndisplay(\n{textwrap.indent(cell.widget, '    ')}\n)" for cell in cells]
    return (
        f"def test_{name}(ipywidgets_runner, capture):\n    def notebook():\n"
        + textwrap.indent("\n".join(body), " " * 8)
        + f"\n\n    ipywidgets_runner(notebook)\n    capture({name!r}, {list(shots)!r})\n"
    )


# -- contenders --------------------------------------------------------------------------------------------------------


@contextmanager
def _cached(name: str, pins: object) -> Iterator[tuple[Path, bool]]:
    """Return a folder for what these pins name, and True if it has to be filled."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "widgetshot-benchmarks"
    folder = cache / f"{name}-{hashlib.sha256(json.dumps(pins).encode()).hexdigest()[:12]}"
    ready = folder / "ready"
    if ready.is_file():
        yield folder, False
        return
    # Half of an earlier attempt may be there.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    yield folder, True
    ready.touch()


def installed_python() -> Path:
    """Return the Python that has the peers."""
    constraints = HERE.parent / "constraints.txt"
    pins = [INSTALLED, BESIDE, constraints.read_text(encoding="utf-8"), platform.python_version()]
    with _cached("suite-peers", pins) as (folder, empty):
        python = folder / "bin/python"
        if empty:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            names = [*(f"{name}=={version}" for name, version in INSTALLED.items()), *BESIDE]
            pip = [str(python), "-m", "pip", "install", "--quiet", "--constraint", str(constraints), *names]
            subprocess.run(pip, check=True)
    return python


def installed_packages() -> Path:
    """Return a folder of npm packages: `nbconvert/NAME/` and, as on a CDN, `solara/NAME@VERSION/`."""
    with _cached("suite-packages", [PACKAGES, SOLARA_PACKAGES]) as (folder, empty):
        if empty:
            for name, version in PACKAGES.items():
                _unpack(name, version, folder / "nbconvert" / name)
            for name, version in SOLARA_PACKAGES.items():
                _unpack(name, version, folder / "solara" / f"{name}@{version}")
    return folder


def _unpack(name: str, version: str, into: Path) -> None:
    """Return an npm package's own files, without what it depends on: all of it is bundled."""
    with TemporaryDirectory() as work:
        subprocess.run(
            ["npm", "pack", "--silent", f"{name}@{version}"], cwd=work, check=True, stdout=subprocess.DEVNULL
        )
        (package,) = Path(work).glob("*.tgz")
        with tarfile.open(package) as opened:
            opened.extractall(work, filter="data")
        package.unlink()
        (content,) = Path(work).iterdir()
        shutil.copytree(content, into)


@dataclass(frozen=True)
class Contender:
    """Somebody who does the work.

    Attributes:
        name: what it is called in the tables.
        jobs: notebooks that it works on at a time.
        folder: where it works.
    """

    name: str
    jobs: int
    folder: Path
    environment: Mapping[str, str]
    python: str

    @property
    def title(self) -> str:
        return self.name if self.name == OURS or self.jobs == 1 else f"{self.name}:{self.jobs}"

    def command(self, *, update: bool) -> list[str]:
        if self.name == OURS:
            more = ["--update-baselines=all"] if update else []
            return [self.python, "-m", "widgetshot", "run", "--jobs", str(self.jobs), *more]
        if self.name in RUNNERS:
            # The workers of pytest-xdist choose their own.
            ports = {name: free_port() for name in ("solara", "jupyter", "voila") if self.jobs == 1}
            return [
                self.python, "-m", "pytest", "tests", "-q", "-p", "no:cacheprovider", "--browser", "chromium",
                "--no-solara-vuetify-warmup",
                *(f"--{name}-port={port}" for name, port in ports.items()),
                *(["-n", str(self.jobs)] if self.jobs > 1 else ["-p", "no:xdist"]),
                *(["--solara-update-snapshots"] if update else []),
            ]  # fmt: skip
        script = [self.python, str(HERE / "suite_peers.py"), self.name, ".", "--jobs", str(self.jobs)]
        return [*script, *(["--update"] if update else [])]

    def run(self, *, update: bool = False, memory: bool = False) -> Sample:
        """Do the whole work once.

        Raises:
            BenchmarkError: it ended otherwise than with "all match" or "differences".
        """
        (self.folder / "changed.txt").write_text("", encoding="utf-8")
        sample = measure(self.command(update=update), self.folder, self.environment, memory=memory)
        if sample.code not in (0, 1) or (sample.code and (update or self.name in PEERS)):
            log = (self.folder / "log.txt").read_text(encoding="utf-8", errors="replace")
            raise BenchmarkError(f"{self.title} ended with {sample.code}:\n{log[-4000:]}")
        if self.name == OURS:
            sample.stages = dict(self._record()["timings"])
        return sample

    def found(self) -> list[str]:
        """Return the shots that it says differ, as `notebook-shot`."""
        if self.name == OURS:
            tests = self._record()["tests"]
            if wrong := [test for test in tests if test["verdict"] not in ("match", "changed", "resized")]:
                raise BenchmarkError(f"{self.title}: {wrong[0]['name']}: {wrong[0]['verdict']}: {wrong[0]['sentence']}")
            return sorted(
                f"{Path(test['notebook']).stem}-{test['shot']}" for test in tests if test["verdict"] != "match"
            )
        if self.name in RUNNERS:
            return sorted((self.folder / "changed.txt").read_text(encoding="utf-8").split())
        outcome: list[str] = json.loads((self.folder / self.name / "outcome.json").read_text(encoding="utf-8"))
        return outcome

    def pictures(self) -> list[Path]:
        """Its baselines."""
        if self.name == OURS:
            return sorted((self.folder / "baselines").rglob("*.png"))
        if self.name in RUNNERS:
            return sorted((self.folder / "tests/ui/snapshots").rglob("*.png"))
        return sorted((self.folder / self.name / "baselines").glob("*.png"))

    def digests(self) -> dict[str, str]:
        """Return the sha256 of each picture that ours took in its last run."""
        return {test["name"]: test["pictures"]["shot"]["sha256"] for test in self._record()["tests"]}

    def _record(self) -> dict[str, Any]:
        record: dict[str, Any] = json.loads((self.folder / "widgetshot-report/run.json").read_text(encoding="utf-8"))
        if not record["complete"]:
            raise BenchmarkError("our run is not complete")
        return record


def make_contenders(root: Path, peers: Sequence[tuple[str, int]], jobs: int) -> list[Contender]:
    """Ours and the peers, each with a folder and an environment of its own."""
    browser = find_browser("chromium").executable
    python, packages = (installed_python(), installed_packages()) if peers else (Path(sys.executable), Path())
    contenders = []
    for name, at_once in ((OURS, jobs), *peers):
        folder = root / f"{name}-{at_once}"
        folder.mkdir()
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("JUPYTER", "PYTEST"))}
        for kind in ("CONFIG", "DATA", "RUNTIME"):
            environment[f"JUPYTER_{kind}_DIR"] = str(folder / "jupyter" / kind.lower())
        environment["IPYTHONDIR"] = str(folder / "ipython")
        if name != OURS:
            environment.pop("PYTHONPATH", None)
            environment |= {
                "PATH": f"{python.parent}{os.pathsep}{environment['PATH']}",
                "WIDGETSHOT_BROWSER": browser,
                "SUITE_PACKAGES": str(packages / "nbconvert"),
                "SUITE_OUTCOME": str(folder / "changed.txt"),
                "SOLARA_TEST_RUNNERS": RUNNERS.get(name, ""),
                # Nothing leaves the machine: what solara's page loads is there, and it tells nobody that it runs.
                "SOLARA_ASSETS_PROXY_CACHE_DIR": str(packages / "solara"),
                "SOLARA_TELEMETRY_MIXPANEL_ENABLE": "False",
                # An advertisement would lie over the last shot.
                "SOLARA_THEME_SHOW_BANNER": "False",
            }
            # JupyterLab refuses root otherwise, who is the only user of many containers.
            config = folder / "jupyter/config/jupyter_server_config.json"
            config.parent.mkdir(parents=True)
            config.write_text('{"ServerApp": {"allow_root": true}}', encoding="utf-8")
        executable = sys.executable if name == OURS else str(python)
        contenders.append(Contender(name, at_once, folder, environment, executable))
    return contenders


def check_pictures(contender: Contender, expected: int) -> None:
    """See that a contender's pictures show widgets.

    Raises:
        BenchmarkError: one is missing, blank, tiny, or the same as another one.
    """
    files = contender.pictures()
    if len(files) != expected:
        raise BenchmarkError(f"{contender.title} made {len(files)} pictures, not {expected}")
    seen: dict[bytes, Path] = {}
    for file in files:
        with Image.open(file) as image:
            pixels = np.asarray(image.convert("RGB"))
        colours = len(np.unique(pixels.reshape(-1, 3), axis=0))
        # Each shows a line of text and at least one control.
        if colours < 16 or pixels.shape[0] < 50 or pixels.shape[1] < 200:
            raise BenchmarkError(f"{contender.title}: {file} shows nothing: {pixels.shape}, {colours} colours")
        same = seen.setdefault(hashlib.sha256(pixels.tobytes()).digest(), file)
        if same != file:
            raise BenchmarkError(f"{contender.title}: {file.name} and {same.name} are the same picture")


# -- results -----------------------------------------------------------------------------------------------------------


def run_group(
    workload: Workload, cases: Sequence[str], peers: Sequence[tuple[str, int]], arguments: argparse.Namespace
) -> dict[str, Any]:
    """All rounds of one workload: case -> contender -> what is kept of it.

    Raises:
        BenchmarkError: a contender missed a change, found one that is none, or shows no widgets.
    """
    samples: dict[str, dict[str, list[Sample]]] = {}
    memory: dict[str, dict[str, list[Sample]]] = {}
    digests: dict[str, list[dict[str, str]]] = {}
    with TemporaryDirectory(prefix="suite-") as name:
        contenders = make_contenders(Path(name), peers, arguments.jobs)
        for contender in contenders:
            write_work(contender.folder, workload, "match")
            sample = contender.run(update=True)
            say(f"{workload.name} baselines {contender.title}: {sample.wall:.2f} s")
            check_pictures(contender, workload.notebooks * workload.shots)
        rounds = [False] * arguments.rounds + [True] * arguments.memory_rounds
        # Whoever comes after a heavy one may find the machine warmer or busier, so the order changes.
        order = random.Random(1)
        for number, sampled in enumerate(rounds, 1):
            for case in cases:
                for contender in order.sample(contenders, len(contenders)):
                    write_work(contender.folder, workload, case)
                    sample = contender.run(memory=sampled)
                    say(
                        f"{workload.name} {case} {'memory ' if sampled else ''}{number} {contender.title}: "
                        f"{sample.wall:.2f} s, CPU {sample.cpu:.2f} s, {sample.memory / 1e6:.0f} MB, "
                        f"left {len(sample.left)} processes, {len(sample.files)} files"
                    )
                    if contender.found() != workload.changed(case):
                        raise BenchmarkError(
                            f"{contender.title} found {contender.found()} changed, not {workload.changed(case)}"
                        )
                    into = memory if sampled else samples
                    into.setdefault(case, {}).setdefault(contender.title, []).append(sample)
                    if contender.name == OURS:
                        digests.setdefault(case, []).append(contender.digests())
    found: dict[str, Any] = {}
    for case in cases:
        for contender in contenders:
            timed = samples.get(case, {}).get(contender.title, [])
            sampled_too = memory.get(case, {}).get(contender.title, [])
            every = [*timed, *sampled_too]
            found.setdefault(case, {})[contender.title] = {
                "walls": [sample.wall for sample in timed],
                "cpus": [sample.cpu for sample in timed],
                "memory": max((sample.memory for sample in every), default=0),
                "left": max((sample.left for sample in every), key=len, default=[]),
                "files": max((sample.files for sample in every), key=len, default=[]),
                "stages": {
                    stage: statistics.median(sample.stages.get(stage, 0.0) for sample in timed)
                    for stage in (timed[-1].stages if timed else {})
                },
            }
        found[case][OURS]["identical"] = all(one == digests[case][0] for one in digests[case])
        found[case][OURS]["pictures_rounds"] = len(digests[case])
    return found


def merge(results: dict[str, Any], workload: str, found: Mapping[str, Any], arguments: argparse.Namespace) -> None:
    """Put new results in the place of earlier ones of the same workload, case and contender.

    A figure that was not measured this time (time or memory) stays as it was. A peer's ratios are to ours of the same
    invocation, whatever ours takes in a later one.
    """
    when = f"{datetime.now(UTC):%Y-%m-%d}"
    for case, contenders in found.items():
        kept = results.setdefault("results", {}).setdefault(workload, {}).setdefault(case, {})
        ours = contenders[OURS]
        for title, new in contenders.items():
            entry = kept.setdefault(title, {})
            if new["walls"]:
                entry |= {
                    "when": when,
                    "jobs": arguments.jobs if title == OURS else int(title.partition(":")[2] or 1),
                    "walls": [round(wall, 3) for wall in new["walls"]],
                    "cpus": [round(cpu, 3) for cpu in new["cpus"]],
                    "wall_ratio": round(statistics.median(new["walls"]) / statistics.median(ours["walls"]), 3),
                    "cpu_ratio": round(statistics.median(new["cpus"]) / statistics.median(ours["cpus"]), 3),
                    "stages": {stage: round(seconds, 3) for stage, seconds in new["stages"].items()},
                }
            if new["memory"]:
                entry["memory"] = new["memory"]
            entry |= {"left": new["left"], "files": new["files"]}
            if title == OURS:
                entry |= {"identical": new["identical"], "rounds": new["pictures_rounds"]}
    results["machine"] = machine()


def machine() -> str:
    browser = find_browser("chromium").executable
    said = subprocess.run([browser, "--version"], capture_output=True, text=True, check=True).stdout.split()
    version = next((word for word in said if word[:1].isdigit()), "")
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return (
        f"{model}, {os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, {Path(browser).name} {version}"
    )


def table(results: Mapping[str, Any]) -> str:
    """suite.md."""
    lines = [
        "# The same suite, ours and others'",
        "",
        f"`{results['command']}`: {results['machine']}.",
        "",
        ", ".join(f"{name} {version}" for name, version in {**INSTALLED, **PACKAGES}.items())
        + "; kernel and ipywidgets as in constraints.txt.",
        "",
        "Each row is the median of its rounds: a fresh process that starts everything, executes, captures, compares "
        "with its own baselines and shuts down, in turn with the others. `x ours` is to ours in the same invocation.",
    ]
    stages: dict[str, Mapping[str, float]] = {}
    for workload, case in ((workload, case) for workload in results["results"] for case in CASES):
        contenders = results["results"][workload].get(case, {})
        rows = {title: entry for title, entry in contenders.items() if "walls" in entry}
        if not rows:
            continue
        notebooks, shots = workload.split("x")
        about = "all matching" if case == "match" else "every tenth changed"
        lines += [
            "",
            f"## {notebooks} x {shots}, {about}",
            "",
            "| contender | jobs | rounds | wall, s | x ours | CPU, s | x ours | memory, MB | processes left | files |",
            "|---|" + "---:|" * 9,
        ]
        for title, entry in sorted(rows.items(), key=lambda row: (row[0] != OURS, row[1]["wall_ratio"])):
            memory = f"{entry['memory'] / 1e6:.0f}" if entry.get("memory") else ""
            lines.append(
                f"| {title.partition(':')[0]} | {entry['jobs']} | {len(entry['walls'])} "
                f"| {statistics.median(entry['walls']):.2f} | {entry['wall_ratio']:.1f} "
                f"| {statistics.median(entry['cpus']):.2f} | {entry['cpu_ratio']:.1f} "
                f"| {memory} | {len(entry['left'])} | {len(entry['files'])} |"
            )
        ours = rows[OURS]
        stages[f"{notebooks} x {shots}, {about}"] = ours["stages"]
        alike = "byte-identical" if ours["identical"] else "NOT byte-identical"
        lines += ["", f"Our pictures were {alike} in all {ours['rounds']} rounds."]
    names = list(dict.fromkeys(stage for of in stages.values() for stage in of))
    lines += [
        "",
        "## Our stages",
        "",
        "Seconds, summed over notebooks; at two notebooks at a time the sum is more than the wall time.",
        "",
        "| workload | " + " | ".join(names) + " |",
        "|---|" + "---:|" * len(names),
        *(
            f"| {workload} | " + " | ".join(f"{of[name]:.2f}" if name in of else "" for name in names) + " |"
            for workload, of in stages.items()
        ),
        "",
        NOTES,
    ]
    return "\n".join(lines)


NOTES = """\
## What they do

- widgetshot: `widgetshot run`, with the gallery and the run folder.
- voila: one Voila server over the folder; a fresh page for each notebook, left when it is done, so that Voila ends its
  kernel.
- jupyterlab: Galata's way: one JupyterLab; a fresh page on each document (`/doc/tree`, the frame without side bars),
  Run All, until every cell has been executed; its kernel shut down.
- pytest-ipywidgets: a test for each notebook with `ipywidgets_runner` and `assert_solara_snapshot`, one page for all;
  the runner is `solara`, where the code runs inside pytest, without any kernel, and without the warm-up of ipyvuetify,
  which nothing here uses. pytest-ipywidgets-voila: the same tests on a real kernel, by its runner `voila`. Its runner
  `jupyter_lab` waits for a button that JupyterLab 4.6 does not have.
- nbconvert: `jupyter nbconvert --execute --to html` for each notebook, a page on each file; the page's require.js and
  html-manager are served on loopback. nbconvert-batch: one nbconvert for all notebooks.

All peers get the same headless shell, one browser, the viewport 960x720, and element screenshots by Playwright. A page
is ready when every part of every widget is drawn and its fonts are there; no time is waited for. They compare with
Pillow (pytest-ipywidgets with its own assertion). Every contender has to find exactly the changed shots, and that its
pictures show widgets, none like another, is checked.

- CPU: user and system, the kernel's account of all processes, those that were killed included.
- Memory: the largest sum of proportional set sizes of all processes, sampled every 0.1 s, in rounds of their own.
- Left: processes that live 5 s after the main one has ended, and entries in its folder for temporary files.
"""


def failures(results: Mapping[str, Any]) -> list[str]:
    """Return the bounds of 20x3, all matching, that do not hold."""
    contenders = results.get("results", {}).get("20x3", {}).get("match", {})
    ours = contenders.get(OURS, {})
    missed = []
    for name, times in BOUNDS.items():
        entry = contenders.get(name, {})
        if "walls" not in entry:
            continue
        if entry["wall_ratio"] < times:
            missed.append(f"{entry['wall_ratio']:.2f} times faster than {name}, not {times:g}")
        if entry["cpu_ratio"] <= 1:
            missed.append(f"{1 / entry['cpu_ratio']:.2f} times the CPU of {name}, not less")
    if ours and not ours["identical"]:
        missed.append("our pictures differ from round to round")
    if ours and (ours["left"] or ours["files"]):
        missed.append(f"ours leaves {len(ours['left'])} processes and {len(ours['files'])} files behind")
    if ours.get("memory", 0) > MOST_MEMORY:
        missed.append(f"ours takes {ours['memory'] / 2**30:.2f} GiB, not under {MOST_MEMORY / 2**30:.1f}")
    return missed


# -- the command -------------------------------------------------------------------------------------------------------


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _peer(text: str) -> tuple[str, int]:
    name, _, jobs = text.partition(":")
    if name not in (*PEERS, *RUNNERS) or not (jobs or "1").isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join((*PEERS, *RUNNERS))}, or NAME:2")
    return name, int(jobs or 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--workloads", nargs="+", type=Workload.named, default=[Workload.named(name) for name in WORKLOADS]
    )
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--peers", nargs="*", type=_peer, default=[(name, 1) for name in ALL_PEERS])
    parser.add_argument("--rounds", type=int, default=3, help="timed rounds")
    parser.add_argument("--memory-rounds", type=int, default=1, help="rounds in which memory is sampled, and no time")
    parser.add_argument("--jobs", type=int, default=2, help="notebooks that ours works on at a time")
    parser.add_argument("--discard", action="store_true", help="write neither suite.json nor suite.md")
    arguments = parser.parse_args()
    if arguments.rounds + arguments.memory_rounds < 1:
        parser.error("there is no round")
    return arguments


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    arguments = _arguments()
    # Ended in order: processes ended, folders removed.
    signal.signal(signal.SIGTERM, _stop)
    adopt_orphans()
    results: dict[str, Any] = {}
    if RESULTS.is_file() and not arguments.discard:
        results = json.loads(RESULTS.read_text(encoding="utf-8"))
    for workload in arguments.workloads:
        found = run_group(workload, arguments.cases, arguments.peers, arguments)
        merge(results, workload.name, found, arguments)
        results["command"] = "python benchmarks/suite.py"
        if not arguments.discard:
            # After each workload: the whole takes long, and what is measured is not to be lost.
            RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
            REPORT.write_text(table(results), encoding="utf-8")
    print(table(results))
    missed = failures(results)
    for what in missed:
        say(f"✗ {what}")
    return 1 if missed else 0


if __name__ == "__main__":
    finish(main)
