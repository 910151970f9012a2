"""What is found of mocks, what is not taken for one, and how files are read."""

import json
from pathlib import Path
from textwrap import dedent

import pytest

from conftest import Project
from widgetshot.audit.scan import Finding, Kind, audit, audit_tree, find_files, for_real, parse, table

ROOT = Path(__file__).parents[3]
ServiceUsage = list[tuple[int, str, str]]


def findings(source: str) -> list[Finding]:
    return audit_tree(parse(dedent(source).lstrip("\n"), "test_x.py"))


def told(source: str) -> ServiceUsage:
    """Line, kind and what is replaced, of everything that is found."""
    return [(one.line, str(one.kind), one.replaces) for one in findings(source)]


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
    assert told(source) == [
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
    assert told(source) == [
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
    assert told(source) == [(4, "patch", "a.b"), (4, "patch", "c.d"), (5, "mock object", "an object in test")]


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
    assert told(source) == []


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
    assert told(source) == [(11, "patch", "me"), (17, "patch", "me.too")]


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
    assert told(source) == [(4, "patch", "a.b"), (5, "patch", "thing.name"), (14, "patch", "c.d")]


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
    assert told(source) == []


def test_an_import_that_nothing_uses_is_told_once_for_each_library() -> None:
    source = """
        import responses
        from unittest.mock import Mock, patch, ANY
        from fakeredis import FakeRedis

        def connect():
            return FakeRedis()
    """
    assert told(source) == [
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
    assert told(source) == [
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


def test_monkeypatch_of_objects_is_told_apart_from_that_of_the_environment() -> None:
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
    assert told(source) == [
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
    assert told(source) == [(9, "http answer", "HTTP of requests"), (14, "http answer", "http://localhost/jobs")]


# -- libraries


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "import responses\n@responses.activate\ndef test():\n    responses.add(responses.GET, 'http://x/a')"
            "\n    responses.post(url='http://x/b')\n    responses.calls[0]",
            [
                (2, "http answer", "HTTP of requests"),
                (4, "http answer", "http://x/a"),
                (5, "http answer", "http://x/b"),
            ],
        ),
        (
            "import requests_mock\nwith requests_mock.Mocker() as m:\n    m.get('http://x/a')\n    m.called",
            [(2, "http answer", "HTTP of requests"), (3, "http answer", "http://x/a")],
        ),
        (
            "from requests_mock import Mocker\n@Mocker()\ndef test(m):\n    m.patch('http://x/a')",
            [(2, "http answer", "HTTP of requests"), (4, "http answer", "http://x/a")],
        ),
        ("def test(requests_mock):\n    requests_mock.patch('http://x/a')", [(2, "http answer", "http://x/a")]),
        ("def test(httpx_mock):\n    httpx_mock.add_response(url='http://x/a')", [(2, "http answer", "http://x/a")]),
        (
            "import httpretty\n@httpretty.activate\ndef test():\n    httpretty.register_uri('GET', '/a')",
            [(2, "http answer", "HTTP of urllib3"), (4, "http answer", "/a")],
        ),
        (
            "import respx\n@respx.mock\ndef test(respx_mock):\n    respx_mock.get('http://x/a').mock()\n"
            "with respx.mock(base_url='x') as r:\n    r.post('http://x/b')",
            [
                (2, "http answer", "HTTP of httpx"),
                (4, "http answer", "http://x/a"),
                (5, "http answer", "HTTP of httpx"),
                (6, "http answer", "http://x/b"),
            ],
        ),
        ("import respx\nwith respx.mock:\n    pass", [(2, "http answer", "HTTP of httpx")]),
        (
            "from aioresponses import aioresponses\nwith aioresponses() as m:\n    m.get('http://x/a')",
            [(2, "http answer", "HTTP of aiohttp"), (3, "http answer", "http://x/a")],
        ),
        ("import httpx\nhttpx.MockTransport(answer)", [(2, "http answer", "HTTP of httpx")]),
        ("import moto\n@moto.mock_aws\ndef test(): ...", [(2, "fake service", "boto3")]),
        ("from moto import mock_s3\nwith mock_s3():\n    pass", [(2, "fake service", "boto3 s3")]),
        ("from moto import *\n@mock_sqs\ndef test(): ...", [(2, "fake service", "boto3 sqs")]),
        ("from botocore.stub import Stubber\nStubber(client)", [(2, "fake service", "boto3")]),
        ("import fakeredis\nfakeredis.FakeStrictRedis()", [(2, "fake service", "redis")]),
        ("from fakeredis.aioredis import FakeRedis\nFakeRedis()", [(2, "fake service", "redis")]),
        ("import mongomock\nmongomock.MongoClient()", [(2, "fake service", "pymongo")]),
        ("def test(fp):\n    fp.register(['sbatch', 'x'])", [(2, "fake service", "subprocess ['sbatch', 'x']")]),
        ("import vcr\nmine = vcr.VCR()\n@mine.use_cassette('x')\ndef test(): ...", [(3, "recording", "HTTP")]),
        ("import pytest\n@pytest.mark.vcr\ndef test(): ...", [(2, "recording", "HTTP")]),
        ("import pytest\n@pytest.mark.vcr()\ndef test(): ...", [(2, "recording", "HTTP")]),
        ("import pytest\npytestmark = [pytest.mark.slow, pytest.mark.vcr]", [(2, "recording", "HTTP")]),
        ("from betamax import Betamax\nwith Betamax(s).use_cassette('x'):\n    pass", [(2, "recording", "HTTP")]),
        ("from freezegun import freeze_time\n@freeze_time('2020')\ndef test(): ...", [(2, "clock", "time")]),
        ("import time_machine\n@time_machine.travel(0)\ndef test(): ...", [(2, "clock", "time")]),
        ("def test(freezer):\n    freezer.tick()", [(1, "clock", "time")]),
        ("def test(httpserver):\n    httpserver.expect_request('/')", [(1, "scripted server", "HTTP")]),
        ("import pytest\n@pytest.mark.usefixtures('requests_mock')\ndef test(): ...", [(2, "http answer", "HTTP")]),
    ],
)
def test_libraries(source: str, expected: ServiceUsage) -> None:
    assert told(source) == expected


def test_clocks_the_environment_and_scripted_servers_are_told_and_not_counted() -> None:
    assert {kind for kind in Kind if not kind.counted} == {Kind.CLOCK, Kind.ENVIRONMENT, Kind.SERVER}


# -- doubles and assignments


def test_classes_named_as_doubles_that_are_made_from_nothing_real() -> None:
    source = """
        import abc, io
        from typing import Generic, Protocol, TypeVar
        from unittest import TestCase
        import paramiko

        class FakeClient: ...
        class MockSession(object): ...
        class _StubQueue(abc.ABC): ...
        class DummyPort(Protocol): ...
        class FakeBase: ...
        class FakeChild(FakeBase): ...
        class FakeGeneric(Generic[T]): ...

        class FakeSSH(paramiko.SSHClient): ...
        class DummyError(Exception): ...
        class MockTest(TestCase): ...
        class MockChecks:
            def test_one(self): ...
        class Fakery: ...
        class Mocking: ...
        class StubbornReader: ...
        class Real: ...
        class FakeOfReal(Real): ...
    """
    expected = ["Client", "Session", "Queue", "Port", "Base", "Child", "Generic"]
    assert [(one.kind, one.replaces) for one in findings(source)] == [(Kind.DOUBLE, name) for name in expected]


def test_functions_put_in_the_place_of_a_module_s_own() -> None:
    source = """
        import sys, types
        import requests
        import pandas as pd
        from clustrix.executor import ClusterExecutor

        def fake_get(url): ...
        class Nothing: ...

        requests.get = fake_get
        ClusterExecutor.submit = lambda self: 1
        sys.modules["torch"] = None
        sys.modules["jax"] = types.ModuleType("jax")
        sys.modules["tf"] = Nothing()

        pd.options.display.max_rows = 10
        sys.excepthook = fake_get
        module = load()
        module.get = fake_get
        sys.modules[spec.name] = module
    """
    assert told(source) == [
        (9, "assignment", "requests.get"),
        (10, "assignment", "clustrix.executor.ClusterExecutor.submit"),
        (11, "assignment", "torch"),
        (12, "assignment", "jax"),
        (13, "assignment", "tf"),
    ]


# -- how it could run for real


@pytest.mark.parametrize(
    ("target", "service", "words"),
    [
        ("psycopg2.connect", "postgres", "real_postgres in a test, services: [postgres]"),
        ("app.db.asyncpg.create_pool", "postgres", "real_postgres"),
        ("sqlalchemy.create_engine", "postgres", "real_postgres"),
        ("cache.redis_client", "redis", "real_redis"),
        ("boto3 s3", "s3", "real_s3"),
        ("paramiko.SSHClient", "sshd", "real_sshd"),
        ("self._sftp", "sshd", "real_sshd"),
        ("mock_ssh_client", "sshd", "real_sshd"),
        ("jobs.run_sbatch", "slurm", "real_slurm"),
        ("dask_jobqueue.SLURMCluster", "slurm", "real_slurm"),
        ("clickhouse_driver.Client", "clickhouse", "real_clickhouse"),
        ("websockets.connect", "websocket", "real_websocket"),
        ("openai.OpenAI", "inference", "services: [inference]"),
        ("distributed.LocalCluster", "", "LocalCluster"),
        ("IPython.display.display", "", "a notebook with a shot"),
        ("requests.get", "", "a local HTTP server as a service in [tool.widgetshot.services]"),
        ("subprocess.run", "", "run the program"),
        ("time.time", "", "freeze_clock"),
        ("app.time.sleep", "", "wait for the condition"),
        ("builtins.open", "", "tmp_path"),
        ("app.compute", "", ""),
        ("updates.candidate", "", ""),
    ],
)
def test_how_it_could_run_for_real(target: str, service: str, words: str) -> None:
    found, text = for_real(target)
    assert found == service
    assert words in text
    assert bool(text) == bool(words)


def test_a_mock_without_a_telling_name_belongs_to_what_its_test_patches() -> None:
    source = """
        from unittest.mock import Mock, patch

        @patch("paramiko.SSHClient")
        def test_ssh(client):
            out = Mock()

            def answer():
                return Mock()

        def test_other():
            out = Mock()

        def test_by_its_fixture(mock_redis_setup):
            out = Mock()
    """
    assert [(one.line, one.service) for one in findings(source)] == [
        (3, "sshd"),
        (5, "sshd"),
        (8, "sshd"),
        (11, ""),
        (14, "redis"),
    ]
    assert all(one.for_real for one in findings(source))


# -- files


def test_notebooks_cells_share_their_names_and_magics_are_read_as_ipython_does(project: Project) -> None:
    file = project.notebook(
        "tests/x.ipynb",
        "%pip install x\nfrom unittest.mock import patch, Mock\n!ls {patch}",
        "\n\n%matplotlib inline\nwith patch('redis.Redis'):\n    await run()",
        "%%time\n%%capture\nclient = Mock()",
        "%%bash\npatch -p1 < x; Mock()",
        "%time other = 1\n%time Mock()\nfiles = !ls\nMock?",
        "def broken(:",
        "patch('a.b')",
    )
    result = audit([file], lambda path: path.name)
    assert [(one.place, one.replaces) for one in result.counted] == [
        ("x.ipynb::cell-1:4", "redis.Redis"),
        ("x.ipynb::cell-2:3", "client"),
        ("x.ipynb::cell-4:2", "an object in the module"),
        ("x.ipynb::cell-6:1", "a.b"),
    ]
    assert [place for place, _ in result.unread] == ["x.ipynb::cell-5:1"]


def test_a_notebook_of_another_language_is_told(project: Project) -> None:
    file = project.notebook("x.ipynb", "x <- patch('a')", language_info={"name": "R"})
    result = audit([file], lambda path: path.name)
    assert (result.findings, result.unread) == ((), (("x.ipynb", "its language is R"),))


def test_names_are_followed_into_the_project_s_own_modules_and_conftests(tmp_path: Path) -> None:
    for name, text in {
        "conftest.py": "import pytest\nfrom tests.compat import mock\n@pytest.fixture\ndef swap():\n  yield mock.patch",
        "tests/__init__.py": "",
        "tests/compat.py": "try:\n    from unittest import mock\nexcept ImportError:\n    import mock\n",
        "tests/test_relative.py": "from .compat import mock as m\nm.patch('a.b')\n",
        "tests/test_absolute.py": "from tests.compat import *\ndef test(swap):\n    mock.patch('c.d')\n    swap('e.f')",
        "tests/responses.py": "def add(*words): ...\n",
        "tests/test_own.py": "import responses\nresponses.add('http://x')\n",
        "tests/test_loop.py": "from .test_loop_too import x\nx.patch('a')\n",
        "tests/test_loop_too.py": "from .test_loop import x\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    result = audit(find_files(tmp_path, [str(tmp_path)]), lambda path: path.relative_to(tmp_path).as_posix())
    assert [(one.place, str(one.kind), one.replaces) for one in result.findings] == [
        ("tests/compat.py:2", "import", "unittest.mock"),
        ("tests/test_absolute.py:3", "patch", "c.d"),
        ("tests/test_absolute.py:4", "patch", "e.f"),
        ("tests/test_relative.py:2", "patch", "a.b"),
    ]


def test_without_paths_tests_and_notebooks_are_found_by_their_names(tmp_path: Path) -> None:
    for name in [
        "test_a.py", "b_test.py", "conftest.py", "app.py", "tests/helpers.py", "src/tests/x.py", "notebooks/n.ipynb",
        ".hidden/test_b.py", "node_modules/test_c.py", "own-env/test_d.py", "own-env/pyvenv.cfg", "tests/data.txt",
    ]:  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = {file.relative_to(tmp_path).as_posix() for file in find_files(tmp_path, [])}
    assert found == {
        "test_a.py", "b_test.py", "conftest.py", "tests/helpers.py", "src/tests/x.py", "notebooks/n.ipynb",
    }  # fmt: skip
    assert tmp_path / "app.py" in find_files(tmp_path, [str(tmp_path)])


@pytest.mark.parametrize("content", [b"print 'two'\n", b"\xff\xfe\x00", b"x = 'a\x00b'\n", b"(" * 5000, b"def f(:\n"])
def test_a_file_that_does_not_parse_is_told_and_does_not_sink_the_rest(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.py").write_bytes(content)
    (tmp_path / "good.py").write_text("# coding: latin-1\nfrom mock import Mock\nMock()\n", encoding="latin-1")
    result = audit([tmp_path / "bad.py", tmp_path / "good.py"], lambda path: path.name)
    assert [place.partition(":")[0] for place, _ in result.unread] == ["bad.py"]
    assert [one.place for one in result.findings] == ["good.py:3"]
    assert not audit([tmp_path / "bad.py"]).clean


# -- the command


def test_the_command_prints_a_table_and_json_and_says_by_its_exit_code_what_it_found(project: Project) -> None:
    project.write("tests/test_a.py", "def test(monkeypatch):\n    monkeypatch.setenv('A', '1')\n")
    clean = project.widgetshot("audit", "tests")
    assert (clean.returncode, clean.stderr) == (0, "")
    assert clean.stdout == "1 file read, no mocks found\nnot counted as mocks: 1 environment\n"

    project.write(
        "tests/test_b.py", "from unittest.mock import patch\n\n@patch('paramiko.SSHClient')\ndef test(c): ...\n"
    )
    project.write("tests/test_c.py", "def broken(:\n")
    mocked = project.widgetshot("audit")
    assert mocked.returncode == 1
    assert mocked.stdout.splitlines() == [
        "place              how    replaces            for real",
        "tests/test_b.py:3  patch  paramiko.SSHClient  real_sshd in a test, services: [sshd] in a notebook",
        "",
        "3 files read, 1 found in 1 of them: 1 patch",
        "services that could take their place: 1 sshd",
        "not counted as mocks: 1 environment",
        "1 could not be read, see above",
    ]
    assert mocked.stderr.startswith("✗ tests/test_c.py:1: no Python that can be parsed: ")

    machine = project.widgetshot("audit", "--output", "json", "tests")
    told = json.loads(machine.stdout)
    assert machine.returncode == 1
    assert (told["format"], told["files"], told["count"], told["kinds"], told["services"]) == (
        1, 3, 1, {"patch": 1}, {"sshd": 1},
    )  # fmt: skip
    assert told["findings"] == [
        {
            "path": "tests/test_b.py", "line": 3, "column": 1, "cell": "", "kind": "patch", "by": "unittest.mock.patch",
            "replaces": "paramiko.SSHClient", "service": "sshd",
            "for_real": "real_sshd in a test, services: [sshd] in a notebook",
        }
    ]  # fmt: skip
    assert [one["kind"] for one in told["not_counted"]] == ["environment"]
    assert [one["place"] for one in told["unread"]] == ["tests/test_c.py:1"]


def test_a_wrong_path_is_a_configuration_error(project: Project) -> None:
    project.write("data.txt", "x")
    for path, what in {"nowhere": "does not exist", "data.txt": "is neither Python nor a notebook"}.items():
        done = project.widgetshot("audit", path)
        assert done.returncode == 3
        assert f"{path} {what}\n  next: widgetshot audit tests notebooks" in done.stderr


def test_what_a_file_says_can_not_pass_for_a_line_of_ours(tmp_path: Path) -> None:
    file = tmp_path / "test_x.py"
    file.write_text("from mock import patch\npatch('a\\n\\x1b[2Kno mocks found')\n", encoding="utf-8")
    assert "\x1b" not in "".join(lines := table(audit([file])))
    assert len(lines) == 4


# -- ourselves


def test_this_repository_has_no_mocks() -> None:
    files = [
        file
        for folder in ("tests", "notebooks", "benchmarks", "src")
        for file in find_files(ROOT, [str(ROOT / folder)])
    ]
    result = audit(files, lambda path: path.relative_to(ROOT).as_posix())
    assert len(files) > 80
    # Values of the environment may be set; nothing of ours and nothing of others is replaced.
    assert [(one.place, one.replaces) for one in result.counted] == []
    assert result.unread == ()
