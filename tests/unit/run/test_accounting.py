"""The time of sessions, and its sums."""

import pytest

from widgetshot.model import TimeSpent
from widgetshot.run.accounting import TimeAccount, TimeSums


def test_what_a_page_spends_is_counted_once_however_many_laps_there_are() -> None:
    account, page = TimeAccount(), {"load": 0.25}
    account.start()
    account.add({"execute": 2.0})
    account.follow(page)
    assert account.lap().stages == {"execute": 2.0, "load": 0.25}
    page["settle"] = 0.5
    page["load"] += 0.25
    assert account.lap().stages == {"load": 0.25, "settle": 0.5}
    assert account.lap().stages == {}


def test_another_page_begins_anew() -> None:
    account = TimeAccount()
    account.follow({"load": 1.0})
    account.stop()
    account.follow({"load": 3.0})
    assert account.lap().stages == {"load": 4.0}


def test_seconds_pass_only_between_start_and_stop() -> None:
    account = TimeAccount()
    assert account.lap().seconds == 0
    account.start()
    assert account.lap().seconds > 0
    account.stop()
    account.lap()
    assert account.lap().seconds == 0


def test_server_and_browser_belong_to_no_notebook() -> None:
    sums = TimeSums()
    sums.add({"server": 1.0, "load": 0.5}, "a.ipynb", 2.0)
    sums.add({"load": 0.5}, "a.ipynb", 1.0)
    sums.add({"browser": 3.0})
    assert sums.stages == pytest.approx({"server": 1.0, "load": 1.0, "browser": 3.0})
    assert sums.notebooks == {"a.ipynb": TimeSpent(3.0, {"load": 1.0})}
