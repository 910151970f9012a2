"""Notebooks that a run works on side by side (`--jobs`), as their kernels see it."""

import json
import re

from projects import Project

# The processes that draw, of the run that this kernel belongs to. One may be gone before it is looked at.
COUNTS = """#| shot: s
import contextlib, psutil
run = [one for one in psutil.Process().parents() if {"widgetshot", "run"} <= set(one.cmdline())][-1]
drawing = 0
for one in run.children(recursive=True):
    with contextlib.suppress(psutil.Error):
        drawing += "--type=renderer" in one.cmdline()
print("drawing:", drawing)
"""


def test_no_more_processes_draw_than_notebooks_have_a_page_at_a_time(shared_project: Project) -> None:
    project = shared_project
    for number in range(6):
        project.notebook(f"notebooks/n{number}.ipynb", COUNTS)
    done = project.widgetshot("run", "--jobs", "2", "--update-baselines")
    assert done.returncode == 0, done.stdout
    files = project.files("baselines/page-chromium-linux")
    sidecars = [json.loads(text) for name, text in files.items() if name.endswith(".json")]
    seen = [int(number) for side in sidecars for number in re.findall(r"drawing: (\d+)", "\n".join(side["layout"]))]
    assert len(seen) == 6
    assert max(seen) == 2
