"""What is found of libraries that answer in place of something real, of double classes and assignments."""

import pytest
from audit_findings import Reported, findings, reported

from widgetshot.audit.findings import Kind

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
def test_libraries(source: str, expected: Reported) -> None:
    assert reported(source) == expected


def test_clocks_the_environment_and_scripted_servers_are_reported_and_not_counted() -> None:
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
    assert reported(source) == [
        (9, "assignment", "requests.get"),
        (10, "assignment", "clustrix.executor.ClusterExecutor.submit"),
        (11, "assignment", "torch"),
        (12, "assignment", "jax"),
        (13, "assignment", "tf"),
    ]
