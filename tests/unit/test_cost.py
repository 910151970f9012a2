"""What notebooks spend on paid services is counted, across processes, and refused beyond a limit."""

import json
import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from builders import block, read
from projects import wait_until
from widgetshot import cost
from widgetshot.declare.limits import Limit
from widgetshot.errors import ConfigError
from widgetshot.project.loading import load_settings

SPENDER = """
from widgetshot import cost
made = 0
for _ in range(40):
    try:
        with cost.call("api", usd="0.01"):
            made += 1
    except cost.CostExceeded:
        break
print(made)
"""


def kernel(root: Path, *limits: Limit, notebook: str = "n.ipynb") -> dict[str, str]:
    return dict(os.environ) | cost.environment(root, notebook, limits)


def spend_here(environment: dict[str, str], code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


def days(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / ".widgetshot" / "cost.json").read_text())["days"]
    return found


@pytest.mark.parametrize(
    ("options", "limit"),
    [
        ("{max_calls: 20}", Limit(20, None, "notebooks/x.ipynb")),
        ("{max_cost_usd: 0.5, per: day}", Limit(None, Decimal("0.5"), "notebooks/x.ipynb")),
        ("{max_calls: 0, max_cost_usd: 2}", Limit(0, Decimal(2), "notebooks/x.ipynb")),
    ],
)
def test_a_notebook_declares_what_it_may_cost(tmp_path: Path, options: str, limit: Limit) -> None:
    assert read(tmp_path, block(f"widgetshot: {{cost: {options}}}")).cost == (limit,)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("{max_call: 1}", "unknown cost option 'max_call'; did you mean 'max_calls'?"),
        ("{max_calls: 1, per: month}", "'per' is 'day'"),
        ("{max_calls: 1.5}", "'max_calls' is a whole number"),
        ("{max_cost_usd: -1}", "'max_cost_usd' is a number"),
        ("{per: day}", "has neither"),
        ("20", "cost: is {max_calls"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(tmp_path: Path, options: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, block(f"widgetshot: {{cost: {options}}}"))
    assert says in str(caught.value)


def test_the_project_has_a_limit_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.widgetshot.cost]\nmax_calls = 3\nmax_cost_usd = 0.1\n")
    assert load_settings(tmp_path).cost == (Limit(3, Decimal("0.1")),)


def test_processes_that_spend_at_once_never_go_beyond_the_limit(tmp_path: Path) -> None:
    environment = kernel(tmp_path, Limit(25), Limit(None, Decimal("0.30"), "n.ipynb"))
    spenders = [
        subprocess.Popen([sys.executable, "-c", SPENDER], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    made = [int(spender.communicate(timeout=120)[0]) for spender in spenders]
    assert sum(made) == 25
    (day,) = days(tmp_path).values()
    sums = {"calls": 25, "usd": "0.25"}
    assert day == {"all": sums, "services": {"api": sums}, "notebooks": {"n.ipynb": sums}}


def test_a_refused_call_is_not_made_and_not_counted(tmp_path: Path) -> None:
    environment = kernel(tmp_path, Limit(None, Decimal("0.3"), "n.ipynb"))
    code = "from widgetshot import cost\nfor _ in range(4):\n    with cost.call('api', 0.1): print('made', flush=True)"
    done = spend_here(environment, code)
    # Binary sums of 0.1 would have refused the third.
    assert done.stdout == "made\n" * 3
    assert "CostExceeded: the call of api was not made: 0.3 of 0.3 USD of n.ipynb are spent today (UTC)" in done.stderr
    assert "'cost' in the notebook" in done.stderr
    assert cost.today(tmp_path)[0] == cost.Spent(3, Decimal("0.3"))
    # Another notebook has its own account, the project's is shared.
    other = spend_here(kernel(tmp_path, Limit(None, Decimal("0.3"), "m.ipynb"), notebook="m.ipynb"), code)
    assert other.stdout == "made\n" * 3
    whole = spend_here(kernel(tmp_path, Limit(6), notebook="o.ipynb"), code)
    assert whole.stdout == ""
    assert "6 of 6 calls of this project are made today" in whole.stderr


def test_the_true_amount_is_counted_once_it_is_known(tmp_path: Path) -> None:
    code = (
        "from widgetshot import cost\n"
        "with cost.call('a', usd=1) as made: made.usd = 0.25\n"
        "with cost.call('b', usd=0.5) as made:\n    made.usd = 0.75\n    raise RuntimeError('it failed, but is billed')"
    )
    assert "it failed" in spend_here(kernel(tmp_path, Limit(None, Decimal("1"))), code).stderr
    spent, services, _ = cost.today(tmp_path)
    assert spent == cost.Spent(2, Decimal("1.00"))
    assert services == {"a": cost.Spent(1, Decimal("0.25")), "b": cost.Spent(1, Decimal("0.75"))}


def test_a_kernel_that_is_killed_leaves_whole_sums_and_no_lock(tmp_path: Path) -> None:
    code = "from widgetshot import cost\nwhile True: cost.spend('api', 0.001)"
    spender = subprocess.Popen([sys.executable, "-c", code], env=kernel(tmp_path))
    wait_until(lambda: (tmp_path / ".widgetshot" / "cost.json").exists() and cost.today(tmp_path)[0].calls > 20)
    spender.send_signal(signal.SIGKILL)
    spender.wait()
    spent = cost.today(tmp_path)[0]
    assert spent.usd == spent.calls * Decimal("0.001")
    assert spend_here(kernel(tmp_path), "from widgetshot import cost\ncost.spend(calls=2)").returncode == 0
    assert cost.today(tmp_path)[0].calls == spent.calls + 2


def test_yesterday_does_not_count(tmp_path: Path) -> None:
    spend_here(kernel(tmp_path), "from widgetshot import cost\ncost.spend('api', 1)")
    file = tmp_path / ".widgetshot" / "cost.json"
    (today,) = days(tmp_path)
    file.write_text(file.read_text().replace(today, "2020-02-29"))
    assert spend_here(kernel(tmp_path, Limit(1)), "from widgetshot import cost\ncost.spend('api', 1)").returncode == 0
    assert sorted(days(tmp_path)) == ["2020-02-29", today]


@pytest.mark.parametrize(
    "content",
    [
        '{"format": 1, "days"',
        "null",
        '{"days": {}}',
        '{"format": 2, "days": {}}',
        '{"format": 1, "days": {"2020-01-01": {"all": {}, "services": {}}}}',
        '{"format": 1, "days": {"2020-01-01": {"all": {"calls": "1"}, "services": {}, "notebooks": {}}}}',
        '{"format": 1, "days": {"2020-01-01": {"all": {"usd": "much"}, "services": {}, "notebooks": {}}}}',
        '{"format": 1, "days": {"2020-01-01": {"all": {"usd": "NaN"}, "services": {}, "notebooks": {}}}}',
    ],
)
def test_sums_that_cannot_be_read_allow_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / ".widgetshot").mkdir()
    (tmp_path / ".widgetshot" / "cost.json").write_text(content)
    done = spend_here(kernel(tmp_path), "from widgetshot import cost\ncost.spend()")
    assert "CostUnknown" in done.stderr
    assert f"rm '{tmp_path / '.widgetshot' / 'cost.json'}'" in done.stderr


@pytest.mark.parametrize("usd", ["-1", "'nan'", "'much'", "float('inf')"])
def test_an_amount_that_is_none_is_refused(tmp_path: Path, usd: str) -> None:
    done = spend_here(kernel(tmp_path), f"from widgetshot import cost\ncost.spend('api', {usd})")
    assert "ConfigError" in done.stderr
    assert not (tmp_path / ".widgetshot").exists()
