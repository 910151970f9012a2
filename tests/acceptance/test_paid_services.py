"""What a notebook spends on a paid service is counted by the commands, and refused beyond its limit."""

import json
import sys

from projects import Project
from widgetshot import cost


def test_notebooks_count_also_with_a_frozen_clock_and_in_jupyter(project: Project) -> None:
    paid = (
        "#| widgetshot: {cost: {max_calls: 1}, freeze_clock: true}\n#| shot: s\n"
        "import sys\nfrom widgetshot import cost\n"
        "with cost.call('api', 0.5): print('paid', 'numpy' in sys.modules)"
    )
    file = project.notebook("notebooks/paid.ipynb", paid)
    first = project.widgetshot("run", "--update-baselines")
    assert first.returncode == 0, first.stdout
    # Counting loads nothing that a notebook could be changed by.
    assert "paid False" in next((project.root / "baselines").rglob("s.json")).read_text()
    second = project.widgetshot("run")
    assert second.returncode == 1
    error = project.entry("notebooks/paid.ipynb::s")["error"]
    assert "the cell raised CostExceeded: the call of api was not made: 1 of 1 calls" in error["message"]
    assert error["next"].startswith("see: widgetshot cost")
    shown = project.widgetshot("cost")
    assert (
        shown.stdout
        == "today (UTC): 1 calls, 0.5 USD\n  api: 1 calls, 0.5 USD\n  notebooks/paid.ipynb: 1 calls, 0.5 USD\n"
    )
    assert json.loads(project.widgetshot("cost", "--output", "json").stdout)["services"] == {
        "api": {"calls": 1, "usd": "0.5"}
    }
    # Jupyter Server tells a kernel which notebook it is for.
    spend = [sys.executable, "-c", "from widgetshot import cost\ncost.spend('api')"]
    jupyter = project.command(*spend, environment={"JPY_SESSION_NAME": str(file)})
    assert "1 of 1 calls of notebooks/paid.ipynb are made today" in jupyter.stderr
    assert project.command(*spend).returncode == 0
    assert cost.today(project.root)[0].calls == 2
