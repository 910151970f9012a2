"""What is found of unittest.mock and pytest's fixtures, and what is not taken for a mock."""

import pytest
from audit_findings import findings, reported

from widgetshot.audit.findings import Kind

# -- unittest.mock


@pytest.mark.parametrize(
    "imports",
    [
        "from unittest.mock import patch",
        "from unittest import mock\npatch = mock.patch",
        "import unittest.mock\npatch = unittest.mock.patch",
        "import unittest.mock as m\npatch = m.patch",
        "from unittest import mock as m\nfrom functools import wraps\npatch = m.patch",
        "from mock import patch",
        "import mock\npatch = mock.patch",
        "from mock.mock import patch",
        "try:\n    from unittest.mock import patch\nexcept ImportError:\n    from compat import patch",
        "try:\n    from unittest.mock import patch\nexcept ImportError:\n    patch = None",
        "from unittest.mock import *",
    ],
)
def test_patch_is_known_by_whatever_name_it_comes(imports: str) -> None:
    found = findings(f"{imports}\n\ndef test():\n    with patch('redis.Redis'):\n        pass\n")
    assert [(one.kind, one.by, one.replaces) for one in found] == [(Kind.PATCH, "unittest.mock.patch", "redis.Redis")]


def test_every_way_to_patch_with_what_it_replaces() -> None:
    source = """
        import requests
        import clustrix.executor as executor
        from unittest import mock
        from unittest.mock import patch

        HERE = "clustrix.cli"

        @patch("a.b")
        @mock.patch.object(requests.Session, "get")
        def test_one(get, b):
            with patch(f"{HERE}.configure") as configure, mock.patch(HERE + ".status"):
                pass
            patcher = patch(f"{executor.__name__}.paramiko")
            patcher.start()
            patch.dict("sys.modules", {"torch": None})
            patch.multiple("os", kill=1, getpid=2)
            patch(target="c.d", new=3)
            patch.object(executor, attribute="Cluster")

        @patch("e.f")
        class TestMany:
            async def test(self):
                async with patch(name()):
                    pass
    """
    assert reported(source) == [
        (8, "patch", "a.b"),
        (9, "patch", "requests.Session.get"),
        (11, "patch", "clustrix.cli.configure"),
        (11, "patch", "clustrix.cli.status"),
        (13, "patch", "clustrix.executor.paramiko"),
        (15, "patch", "sys.modules"),
        (16, "patch", "os.{getpid, kill}"),
        (17, "patch", "c.d"),
        (18, "patch", "clustrix.executor.Cluster"),
        (20, "patch", "e.f"),
        (23, "patch", "name()"),
    ]


def test_mock_objects_say_what_they_stand_for() -> None:
    source = """
        import redis, requests
        from dataclasses import dataclass, field
        from functools import partial
        from unittest.mock import AsyncMock, MagicMock, Mock, PropertyMock, create_autospec, mock_open

        class Case:
            def setup(self):
                self.client = Mock()
                typed: Mock = MagicMock()
                requests.get = Mock()

            def test(self):
                run(client=Mock(), other=[MagicMock()])
                run(1, AsyncMock())
                spec = Mock(spec=redis.Redis)
                create_autospec(requests.Session)
                return PropertyMock()

        def make():
            def inner():
                Mock()
            return partial(MagicMock, name="x")

        @dataclass
        class Row:
            mock: object = field(default_factory=MagicMock)

        class Broken(MagicMock):
            pass

        opened = mock_open(read_data="x")
    """
    assert reported(source) == [
        (8, "mock object", "self.client"),
        (9, "mock object", "typed"),
        (10, "mock object", "requests.get"),
        (13, "mock object", "run(client=)"),
        (13, "mock object", "run(other=)"),
        (14, "mock object", "run(argument 2)"),
        (15, "mock object", "redis.Redis"),
        (16, "mock object", "requests.Session"),
        (17, "mock object", "what test returns"),
        (21, "mock object", "an object in inner"),
        (22, "mock object", "what make returns"),
        (26, "mock object", "mock"),
        (28, "mock object", "class Broken"),
        (31, "mock object", "opened"),
    ]


def test_a_mock_in_the_arguments_of_a_patch_or_a_mock_is_part_of_it() -> None:
    source = """
        from unittest.mock import MagicMock, Mock, patch

        def test():
            with patch("a.b", Mock(side_effect=[Mock(), Mock()])), patch("c.d", new_callable=MagicMock):
                Mock(return_value=Mock(x=Mock()))
    """
    assert reported(source) == [(4, "patch", "a.b"), (4, "patch", "c.d"), (5, "mock object", "an object in test")]


@pytest.mark.parametrize(
    "source",
    [
        # Names and words that only look like it.
        "mock = load()\nmock.patch('a.b')\nmock.Mock()",
        "def patch(target):\n    return target\n\npatch('a.b')",
        "def test(client, requests):\n    client.patch('/jobs/1')\n    requests.patch('http://localhost/')",
        "import requests\nrequests.patch('http://localhost/jobs/1', json={})",
        "import httpx\nwith httpx.Client() as client:\n    client.patch('/x')",
        "d = {}\nd.patch = 1\nd.patch('x')",
        "from unidiff import patch\npatch('x')",
        "from jsonpatch import JsonPatch as Mock\nMock([])",
        "# patch('a.b')\ntext = 'from unittest.mock import patch; Mock()'",
        "class Mock:\n    def __init__(self): pass\n    def test_it(self): pass\n",
        "def mock(): ...\n\nmock()",
        "for mock in []:\n    mock.patch('x')",
        "[mock.patch('x') for mock in things]",
        "f = lambda patch: patch('x')",
        "with open('x') as patch:\n    patch('x')",
        "try:\n    run()\nexcept Exception as mock:\n    mock.patch('x')",
        "def test(responses):\n    assert responses.get('http://x') and responses.add(1)",
        "import time_machine_log as time_machine\ntime_machine.travel(0)",
        "import unittest\nclass Case(unittest.TestCase):\n    def test(self):\n        self.patch('x')",
        "monkeypatch = load()\nmonkeypatch.setattr(a, 'b', 1)",
        "def test(self, mocker_config):\n    mocker_config.patch('a.b')",
    ],
)
def test_what_only_has_the_name_of_a_mock_is_none(source: str) -> None:
    assert reported(source) == []


def test_a_local_name_hides_a_mock_and_only_where_it_holds() -> None:
    source = """
        from unittest import mock

        def test_argument(mock):
            mock.patch("not.me")

        def test_assigned():
            mock = load()
            mock.patch("not.me")

        def test_later():
            mock.patch("me")

        class Case:
            mock = None

            def test(self):
                mock.patch("me.too")
                self.mock.patch("not.me")
    """
    assert reported(source) == [(11, "patch", "me"), (17, "patch", "me.too")]


def test_names_are_followed_through_assignments_self_and_imports_in_functions() -> None:
    source = """
        def test():
            from unittest import mock as m
            p = m.patch
            p("a.b")
            if (q := m.patch.object)(thing, "name"):
                pass

        class Case:
            def setUp(self):
                from unittest.mock import patch
                self.swap = patch

            def test(self):
                self.swap("c.d")

        def other():
            m.patch("not.me")
    """
    assert reported(source) == [(4, "patch", "a.b"), (5, "patch", "thing.name"), (14, "patch", "c.d")]


def test_helpers_and_annotations_are_no_mocks() -> None:
    source = """
        from typing import TYPE_CHECKING
        from unittest.mock import ANY, DEFAULT, Mock, call, sentinel

        if TYPE_CHECKING:
            from unittest.mock import MagicMock

        def check(run: "MagicMock", other: Mock) -> None:
            assert run.calls == [call(ANY, sentinel.x)]
            assert isinstance(other, Mock)
    """
    assert reported(source) == []


def test_an_import_that_nothing_uses_is_reported_once_for_each_library() -> None:
    source = """
        import responses
        from unittest.mock import Mock, patch, ANY
        from fakeredis import FakeRedis

        def connect():
            return FakeRedis()
    """
    assert reported(source) == [
        (1, "import", "responses"),
        (2, "import", "unittest.mock"),
        (6, "fake service", "redis"),
    ]


# -- pytest


def test_mocker_of_every_scope_with_spies_and_stubs() -> None:
    source = """
        import os
        import pytest
        from pytest_mock import MockerFixture

        def test(mocker, session_mocker, class_mocker, module_mocker):
            mocker.patch("a.b", return_value=mocker.Mock())
            session_mocker.patch.object(os, "getpid")
            class_mocker.spy(os, "kill")
            module_mocker.stub(name="callback")
            mocker.patch.dict("os.environ", {"A": "1"})
            client = mocker.MagicMock()
            mocker.resetall()

        def helper(m: MockerFixture, n: "MockerFixture"):
            m.patch("c.d")
            n.patch("e.f")

        def asked(request):
            mocker = request.getfixturevalue("mocker")
            mocker.patch("g.h")

        class Case:
            @pytest.fixture(autouse=True)
            def swap(self, mocker):
                self.mocker = mocker

            def test(self):
                self.mocker.patch("i.j")
    """
    assert reported(source) == [
        (6, "patch", "a.b"),
        (7, "patch", "os.getpid"),
        (8, "patch", "os.kill"),
        (9, "mock object", "an object in test"),
        (10, "environment", "os.environ"),
        (11, "mock object", "client"),
        (15, "patch", "c.d"),
        (16, "patch", "e.f"),
        (20, "patch", "g.h"),
        (28, "patch", "i.j"),
    ]


def test_monkeypatch_of_objects_is_distinguished_from_that_of_the_environment() -> None:
    source = """
        import os, sys, time
        import pytest
        from unittest.mock import Mock

        def test(monkeypatch, tmp_path):
            monkeypatch.setenv("TOKEN", "x")
            monkeypatch.delenv("HOME", raising=False)
            monkeypatch.chdir(tmp_path)
            monkeypatch.syspath_prepend(tmp_path)
            monkeypatch.setattr(sys, "argv", ["x"])
            monkeypatch.setattr("os.environ", {})
            monkeypatch.setitem(os.environ, "A", "1")
            monkeypatch.setattr(sys, "stdin", Mock())
            monkeypatch.setattr(time, "sleep", lambda s: None)
            monkeypatch.setattr("redis.Redis", None)
            monkeypatch.setitem(sys.modules, "torch", None)
            monkeypatch.delattr("requests.sessions.Session.request")
            with monkeypatch.context() as m:
                m.setattr(target=time, name="time", value=3)

        @pytest.fixture(scope="module")
        def swapped():
            with pytest.MonkeyPatch.context() as mp:
                mp.setattr("a.b", 1)
            other = pytest.MonkeyPatch()
            other.delitem(table, "row")

        def helper(patch: pytest.MonkeyPatch):
            patch.setattr("c.d", 1)
    """
    assert reported(source) == [
        (6, "environment", "TOKEN"),
        (7, "environment", "HOME"),
        (8, "environment", "tmp_path"),
        (9, "environment", "tmp_path"),
        (10, "environment", "sys.argv"),
        (11, "environment", "os.environ"),
        (12, "environment", "os.environ['A']"),
        (13, "monkeypatch", "sys.stdin"),
        (14, "monkeypatch", "time.sleep"),
        (15, "monkeypatch", "redis.Redis"),
        (16, "monkeypatch", "sys.modules['torch']"),
        (17, "monkeypatch", "requests.sessions.Session.request"),
        (19, "monkeypatch", "time.time"),
        (24, "monkeypatch", "a.b"),
        (26, "monkeypatch", "table['row']"),
        (29, "monkeypatch", "c.d"),
    ]


def test_a_fixture_of_the_file_takes_the_place_of_the_plugins_and_hands_on_what_it_yields() -> None:
    source = """
        import pytest, responses

        @pytest.fixture
        def monkeypatch():
            return object()

        @pytest.fixture(name="web")
        def _web():
            with responses.RequestsMock() as answers:
                yield answers

        def test(monkeypatch, web):
            monkeypatch.setattr(a, "b", 1)
            web.get("http://localhost/jobs")
    """
    assert reported(source) == [(9, "http answer", "HTTP of requests"), (14, "http answer", "http://localhost/jobs")]
