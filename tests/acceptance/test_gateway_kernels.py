"""Kernels of Jupyter Kernel Gateways, which are real ones on this machine's loopback."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from projects import Project, wait_until
from widgetshot.services.workspace import free_ports

TOKEN, OTHER_TOKEN, SECRET = "gateway-token-0b5c", "gateway-token-77e1", "canary-4d1f9a"
OPTIONS = (
    "--JupyterWebsocketPersonality.env_whitelist=PYTHONHASHSEED",
    "--ZMQChannelsWebsocketConnection.limit_rate=False",
)
SHOT = "#| shot: s\n"
# Buffers, a callback, random numbers, variables, text of two streams, an error, the clock: all that a kernel says.
WIDGETS = (
    """#| widgetshot: {freeze_clock: true}
import datetime, os, random, sys, time, warnings
import ipywidgets as widgets, numpy as np, PIL.Image, io
print(random.random(), np.random.rand(), os.environ["TZ"], os.environ["COLUMNS"], os.environ["FROM_FILE"])
print(datetime.datetime.now(), time.tzname, os.environ["LC_ALL"], file=sys.stderr)
warnings.warn("where a cell lies")
print({"some", "words", "in", "a", "set"})
""",
    "print('before')\nraise ValueError('wanted')",
    """#| shot:
#|   - before
#|   - name: after
#|     steps: [{click: "button"}]
file = io.BytesIO()
PIL.Image.fromarray(np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3)).save(file, "png")
button, label = widgets.Button(description="Run"), widgets.Label("not run")
output = widgets.Output()
def run(_):
    label.value = "run"
    with output:
        print("printed by the callback")
button.on_click(run)
widgets.VBox([widgets.Image(value=file.getvalue()), button, label, output, widgets.IntSlider(3)])
""",
)


# More than a gateway passes on of its own accord, which is 3 MB in 3 seconds.
MUCH = """for _ in range(50):
    print('x' * 100_000)
import IPython.display
IPython.display.clear_output()
print('all of it')
"""


class Gateway:
    """A process `jupyter kernelgateway`."""

    def __init__(self, project: Project, token: str, *options: str) -> None:
        port = free_ports(("gateway",))["gateway"]
        self.url = f"http://127.0.0.1:{port}"
        self._token = token
        own = {"KG_AUTH_TOKEN": token, "KG_LIST_KERNELS": "True"}
        words = [f"--KernelGatewayApp.port={port}", "--KernelGatewayApp.port_retries=0", *options]
        self.log = (project.root / f"gateway-{port}.log").open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kernel_gateway", "--KernelGatewayApp.ip=127.0.0.1", *words],
            env=os.environ | own,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def kernels(self) -> list[dict[str, Any]] | None:
        """Its kernels; None while it does not listen."""
        request = urllib.request.Request(f"{self.url}/api/kernels", headers={"Authorization": f"token {self._token}"})
        with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=10) as answer:
            found: list[dict[str, Any]] = json.load(answer)
            return found
        return None

    def listens(self) -> bool:
        return self.kernels() is not None

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.log.close()


@pytest.fixture(scope="module")
def gateways(shared_project: Project) -> Iterator[dict[str, Gateway]]:
    """One started as docs/how-to/kernels-and-files.md has it, one with nothing, and one that wants another token."""
    made = {
        "main": Gateway(shared_project, TOKEN, *OPTIONS),
        "second": Gateway(shared_project, TOKEN),
        "foreign": Gateway(shared_project, OTHER_TOKEN),
    }
    for gateway in made.values():
        wait_until(gateway.listens)
    yield made
    for gateway in made.values():
        gateway.close()


@pytest.fixture(scope="module")
def project(shared_project: Project, gateways: dict[str, Gateway]) -> Project:
    project = shared_project
    # An address of the environment is for Jupyter Server, which would have all kernels of it.
    of_jupyter = {"JUPYTER_GATEWAY_URL": "http://127.0.0.1:9", "JUPYTER_GATEWAY_AUTH_TOKEN": TOKEN}
    project.environment |= of_jupyter | {"CANARY": SECRET}
    project.write(
        "pyproject.toml", '[tool.widgetshot]\nsettle_timeout = 5\nsecrets = ["CANARY"]\njobs = 2\nnotebooks = ["ran"]\n'
    )
    project.write(".env.test", "FROM_FILE=from-the-file\n")
    there = {"gateway_url": gateways["main"].url + "/"}
    raising = {1: ["raises-exception"]}
    project.notebook("ran/here.ipynb", *WIDGETS, tags=raising)
    project.notebook("ran/there.ipynb", *WIDGETS, tags=raising, widgetshot=there)
    project.notebook(
        "ran/secret.ipynb",
        SHOT + "import os\nhalf = os.environ['CANARY']\nprint(half[:5], end='', flush=True)\nprint(half[5:])\n"
        "print('token' if 'JUPYTER_GATEWAY_AUTH_TOKEN' in os.environ else 'no token')",
        widgetshot=there | {"requires_env": ["CANARY", "JUPYTER_GATEWAY_AUTH_TOKEN"]},
    )
    project.notebook("ran/raises.ipynb", SHOT + "1", "1 / 0", widgetshot=there)
    project.notebook("ran/slow.ipynb", SHOT + "while True: pass", widgetshot=there | {"timeout": 1})
    project.notebook("ran/dies.ipynb", SHOT + "import os; os.kill(os.getpid(), 9)", widgetshot=there)
    project.notebook("ran/much.ipynb", SHOT + MUCH, widgetshot=there)
    project.notebook("ran/unknown.ipynb", SHOT + "1", widgetshot=there | {"kernel": "nope"})
    absent = {"gateway_url": "http://127.0.0.1:9"}
    project.notebook("ran/absent.ipynb", SHOT + "1", widgetshot=absent)
    project.notebook("ran/refused.ipynb", SHOT + "1", widgetshot={"gateway_url": gateways["foreign"].url})
    second = {"gateway_url": gateways["second"].url}
    project.notebook("ran/drops.ipynb", SHOT + MUCH, widgetshot=second)
    # The gateway is the parent of its kernels.
    project.notebook("ran/vanishes.ipynb", SHOT + "print(1)", "import os; os.kill(os.getppid(), 9)", widgetshot=second)
    return project


@pytest.fixture(scope="module")
def ran(project: Project) -> "subprocess.CompletedProcess[str]":
    """A run of all notebooks that writes baselines."""
    return project.widgetshot("run", "--update-baselines", "--changed")


@pytest.mark.usefixtures("ran")
def test_flood_arrives(project: Project) -> None:
    assert "all of it" in "".join(layout(project, "ran/much.ipynb::s"))


def layout(project: Project, name: str) -> list[str]:
    file = project.root / f"baselines/{project.entry(name)['key']}.json"
    lines: list[str] = json.loads(file.read_text(encoding="utf-8"))["layout"]
    return lines


def picture(project: Project, name: str) -> bytes:
    return (project.root / f"baselines/{project.entry(name)['key']}.png").read_bytes()


@pytest.mark.parametrize("shot", ["before", "after"])
@pytest.mark.usefixtures("ran")
def test_picture_is_that_of_a_kernel_of_this_machine(project: Project, shot: str) -> None:
    assert picture(project, f"ran/there.ipynb::{shot}") == picture(project, f"ran/here.ipynb::{shot}")
    assert project.entry(f"ran/there.ipynb::{shot}")["console"] == []


@pytest.mark.usefixtures("ran")
def test_callback_runs_there(project: Project) -> None:
    assert picture(project, "ran/there.ipynb::before") != picture(project, "ran/there.ipynb::after")


LAB = "jupyter lab --gateway-url=http"
FAILURES = {
    "raises": ("NotebookError", "raises.ipynb::cell-1", "the cell raised ZeroDivisionError", LAB),
    "slow": ("NotebookError", "slow.ipynb::cell-0", "not finished after 1 s", "timeout: SECONDS"),
    "dies": ("NotebookError", "dies.ipynb::cell-0", "the kernel died", LAB),
    "unknown": ("ServerError", "unknown.ipynb", "'nope' is not there at the kernel gateway", "{kernel: NAME}"),
    "absent": ("ServerError", "absent.ipynb", "no kernel gateway answers at http://127.0.0.1:9", "curl"),
    "refused": ("ServerError", "refused.ipynb", "refuses what it is asked: HTTP 401", "JUPYTER_GATEWAY_AUTH_TOKEN"),
    "drops": ("ServerError", "drops.ipynb", "kept messages of the kernel back", "limit_rate=False"),
    "vanishes": ("ServerError", "vanishes.ipynb", "the connection to the kernel gateway", "curl"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failure_is_told_with_its_place_and_the_next_step(
    project: Project, ran: "subprocess.CompletedProcess[str]", name: str
) -> None:
    kind, where, words, next_step = FAILURES[name]
    error = project.entry(f"ran/{name}.ipynb::s")["error"]
    assert error["type"] == kind
    assert words in error["message"]
    assert next_step in error["next"]
    assert f"✗ ran/{name}.ipynb::s: broken: " in ran.stdout
    assert f"ran/{where}" in ran.stdout
    assert ran.returncode == 2


@pytest.mark.usefixtures("ran")
def test_unknown_kernel_names_those_that_are_there(project: Project) -> None:
    assert "python3" in project.entry("ran/unknown.ipynb::s")["error"]["message"]


def test_token_and_secrets_are_nowhere(project: Project, ran: "subprocess.CompletedProcess[str]") -> None:
    said = "".join(layout(project, "ran/secret.ipynb::s"))
    assert "***" in said
    assert "no token" in said
    for secret in (TOKEN, SECRET):
        assert secret not in ran.stdout + ran.stderr
        for folder in ("widgetshot-report", "baselines", ".widgetshot"):
            for name, content in project.files(folder).items():
                assert secret.encode() not in content, name


@pytest.mark.usefixtures("ran")
def test_no_kernel_is_left_there(gateways: dict[str, Gateway]) -> None:
    assert gateways["main"].kernels() == []


@pytest.mark.usefixtures("ran")
def test_what_a_kernel_reads_there_is_never_known_to_be_unchanged(project: Project) -> None:
    done = project.widgetshot("run", "--changed", "ran/here.ipynb", "ran/there.ipynb")
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(project.verdicts().values()) == {"match"}
    assert "ran/there.ipynb::after" in project.verdicts()
    assert "ran/here.ipynb::after" not in project.verdicts()
    assert "its kernel runs elsewhere (http://127.0.0.1:" in done.stdout


def test_gateway_that_passes_no_variable_on_is_told_of(project: Project, gateways: dict[str, Gateway]) -> None:
    foreign = {"gateway_url": gateways["foreign"].url}
    project.notebook("again/n.ipynb", SHOT + "import random\nprint(random.random())", widgetshot=foreign)
    token = {"JUPYTER_GATEWAY_AUTH_TOKEN": OTHER_TOKEN}
    done = project.widgetshot("run", "--update-baselines", "--repeat", "2", "again", environment=token)
    assert done.returncode == 0, done.stdout + done.stderr
    entry = project.entry("again/n.ipynb::s")
    assert entry["verdict"] == "new"
    assert ["PYTHONHASHSEED" in line for line in entry["console"]] == [True]


def test_kernel_ends_with_the_run_that_is_stopped(project: Project, gateways: dict[str, Gateway]) -> None:
    main = gateways["main"]
    project.notebook("stopped/n.ipynb", SHOT + "while True: pass", widgetshot={"gateway_url": main.url})
    running = project.begin(sys.executable, "-m", "widgetshot", "run", "stopped")
    # As soon as it is there: nobody here has heard of it yet.
    wait_until(main.kernels)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    wait_until(lambda: main.kernels() == [])
