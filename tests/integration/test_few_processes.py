"""The Jupyter server, where the system gives no more processes and threads."""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from few_processes import TAKE_ALL, few_processes
from projects import Project, button_cell

# Opens a notebook while there are processes, while there are none, and when there are some again.
PROGRAM = (
    TAKE_ALL
    + """
import json, sys
from pathlib import Path
from widgetshot.run.background import BackgroundLoop
from widgetshot.server.launcher import Server
from widgetshot.server.messages import OpenRequest, decode_opening, encode

def open_page(loop, server):
    request = OpenRequest(
        file=sys.argv[2], path="a.ipynb", theme="light", kernel="", timeout=20, environment={}, variables={}, secrets=[]
    )
    opened = decode_opening(loop.start(server.request("POST", "widgetshot/api/live-pages", encode(request))).result())
    return type(opened).__name__, str(getattr(opened, "condition", ""))

with BackgroundLoop() as loop:
    server = Server(Path(sys.argv[1]))
    loop.start(server.start()).result()
    try:
        answers = [open_page(loop, server)]
        taken = take_all()
        answers.append(open_page(loop, server))
        give_back(*taken)
        answers.append(open_page(loop, server))
    finally:
        loop.start(server.stop()).result()
print(json.dumps(answers))
"""
)


def test_server_tells_that_there_are_no_processes_and_goes_on(project: Project) -> None:
    limit = few_processes(0)
    notebook = project.notebook("a.ipynb", button_cell())
    # Short, because of the names of kernels' sockets.
    with TemporaryDirectory(prefix="few-") as name:
        limit.give(Path(name))
        words = (*limit.prefix, sys.executable, "-c", PROGRAM, f"{name}/run", str(notebook))
        done: subprocess.CompletedProcess[str] = project.command(*words, environment={"HOME": name}, timeout=100)
        assert done.returncode == 0, done.stderr
        assert (limit.running(), project.left_behind(), [*Path(name).iterdir()]) == ([], [], [])
    first, second, third = json.loads(done.stdout)
    assert (first, third) == (["Opened", ""], ["Opened", ""])
    says = "the kernel 'python3' did not start, because the system gives no more processes: "
    assert second == ["FailedOpening", says + "[Errno 11] Resource temporarily unavailable"]
