"""A kernel that says much at once: ZeroMQ drops what is too much for it, and nobody hears of that."""

import json
import sys

import pytest

from projects import Project

COUNT = 10_000
# The page asks for them when it listens, and shows how many it got.
COUNTER = """#| shot: s
import anywidget
class Counter(anywidget.AnyWidget):
    _esm = '''export default { render({ model, el }) {
        let count = 0;
        model.on("msg:custom", () => { count += 1; el.textContent = count; });
        model.send("listens");
    } }'''
counter = Counter()
def say(*_):
    for number in range(COUNT):
        counter.send(number)
counter.on_msg(say)
counter
""".replace("COUNT", str(COUNT))
# Forked, as most are; and started by itself, as one of another interpreter is.
KERNELS = {"forked": (), "started": ("-X", "utf8")}


@pytest.fixture(scope="module")
def ran(shared_project: Project) -> Project:
    project = shared_project
    project.write("pyproject.toml", "[tool.widgetshot]\nsettle_timeout = 90\n")
    project.environment["JUPYTER_PATH"] = str(project.root / "jupyter")
    for name, words in KERNELS.items():
        argv = [sys.executable, *words, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec = json.dumps({"argv": argv, "display_name": name, "language": "python"})
        project.write(f"jupyter/kernels/{name}/kernel.json", spec)
        kernel = {"name": name, "display_name": name, "language": "python"}
        project.notebook(f"notebooks/{name}.ipynb", COUNTER, kernelspec=kernel)
    done = project.widgetshot("run", "--update-baselines")
    assert done.returncode == 0, done.stdout + done.stderr
    return project


@pytest.mark.parametrize("kernel", KERNELS)
def test_no_message_of_many_is_lost(ran: Project, kernel: str) -> None:
    key = ran.entry(f"notebooks/{kernel}.ipynb::s")["key"]
    (line,) = json.loads((ran.root / f"baselines/{key}.json").read_text(encoding="utf-8"))["layout"]
    assert line.endswith(f"text '{COUNT}'")
