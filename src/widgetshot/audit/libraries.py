"""The mock libraries that are known, by the origins of their names.

An origin is the dotted name by which something is defined, e.g. `unittest.mock.patch`. In it, `()` stands for the
return value of a call, and a leading `@` for a pytest fixture.
"""

import re

from widgetshot.audit.findings import Kind

_ALIASES: tuple[tuple[str, str], ...] = (
    (r"mock\.mock|mock|asynctest\.mock|asynctest|unittest\.mock\.mock", "unittest.mock"),
    (r"@(?:class|module|package|session)_mocker|pytest_mock\.(?:plugin\.)?MockerFixture(?:\(\))?", "@mocker"),
    (r"(?:_pytest\.monkeypatch|pytest)\.MonkeyPatch(?:\.context)?\(\)|@monkeypatch\.context\(\)", "@monkeypatch"),
    (r"responses\.RequestsMock\(\)", "responses"),
    (r"@requests_mock|requests_mock(?:\.mocker|\.adapter)?\.(?:Mocker|mock|Adapter)\(\)", "requests_mock"),
    (r"@respx_mock|respx\.(?:mock|MockRouter)\(\)|respx\.mock|respx\(\)", "respx"),
    (r"@httpx_mock|pytest_httpx\.HTTPXMock", "pytest_httpx"),
    (r"@aioresponses|aioresponses\.(?:core\.)?aioresponses\(\)", "aioresponses"),
    (r"@vcr|vcr\.VCR\(\)|vcr\.config\.VCR\(\)", "vcr"),
    (r"@fp", "@fake_process"),
)
FIXTURES = {
    "mocker", "class_mocker", "module_mocker", "package_mocker", "session_mocker", "monkeypatch", "requests_mock",
    "respx_mock", "httpx_mock", "aioresponses", "vcr", "freezer", "time_machine", "httpserver", "make_httpserver",
    "fake_process", "fp",
}  # fmt: skip
# A test uses one of these by asking for it.
ACTING_FIXTURES = {
    "vcr": Kind.RECORDING, "freezer": Kind.CLOCK, "time_machine": Kind.CLOCK, "httpserver": Kind.SERVER,
    "make_httpserver": Kind.SERVER,
}  # fmt: skip

_MOCK_NAMES = (
    "Mock|MagicMock|AsyncMock|NonCallableMock|NonCallableMagicMock|PropertyMock|ThreadingMock|CoroutineMock"
    "|create_autospec|mock_open"
)
_HTTP_VERBS = "get|post|put|patch|delete|head|options|request|route"
PATCH = re.compile(r"(?:unittest\.mock|@mocker)\.patch(?P<method>\.object|\.dict|\.multiple|\.context_manager)?")
MOCK_OBJECT = re.compile(rf"(?:unittest\.mock|@mocker)\.(?:{_MOCK_NAMES})|@mocker\.(?:async_)?stub")
SPY = re.compile(r"@mocker\.spy")
MONKEYPATCH = re.compile(
    r"@monkeypatch\.(?P<method>setattr|delattr|setitem|delitem|setenv|delenv|chdir|syspath_prepend)"
)
# Each registered answer is a finding, and so is each call that switches a library on: kind, origin, what is replaced.
_LIBRARIES: tuple[tuple[Kind, str, str], ...] = (
    (Kind.HTTP, rf"responses\.(?:add|add_callback|upsert|replace|{_HTTP_VERBS})", "url"),
    (Kind.HTTP, rf"requests_mock\.(?:register_uri|{_HTTP_VERBS})", "url"),
    (Kind.HTTP, r"httpretty\.(?:core\.)?(?:httpretty\.)?register_uri", "url"),
    (Kind.HTTP, rf"respx\.(?:add|{_HTTP_VERBS})", "url"),
    (Kind.HTTP, rf"aioresponses\.(?:add|{_HTTP_VERBS})", "url"),
    (Kind.HTTP, r"pytest_httpx\.add_(?:response|callback|exception)", "url"),
    (Kind.HTTP, rf"pook\.(?:mock|{_HTTP_VERBS})|httmock\.(?:urlmatch|HTTMock)", "url"),
    (Kind.HTTP, r"mocket\.(?:\w+\.)+Entry\.(?:single_)?register", "url"),
    (Kind.HTTP, r"httpx\.MockTransport", "HTTP of httpx"),
    (Kind.HTTP, r"responses\.(?:activate|RequestsMock|start)", "HTTP of requests"),
    (Kind.HTTP, r"requests_mock\.(?:mocker\.|adapter\.)?(?:Mocker|mock|Adapter)", "HTTP of requests"),
    (Kind.HTTP, r"httpretty\.(?:core\.)?(?:activate|httprettified|enabled?|httprettyEnabled)", "HTTP of urllib3"),
    (Kind.HTTP, r"respx|respx\.(?:mock|MockRouter)", "HTTP of httpx"),
    (Kind.HTTP, r"aioresponses\.(?:core\.)?aioresponses", "HTTP of aiohttp"),
    (Kind.HTTP, r"pook\.(?:on|activate|use)|httmock\.(?:with_httmock|all_requests)", "HTTP"),
    (Kind.HTTP, r"mocket\.(?:mocketize|Mocketizer)", "HTTP"),
    (Kind.SERVICE, r"moto\.(?:mock_\w+|server\.ThreadedMotoServer)|moto\.\w+\.mock_\w+", "boto3"),
    (Kind.SERVICE, r"botocore\.stub\.Stubber", "boto3"),
    (Kind.SERVICE, r"fakeredis\.(?:\w+\.)*[A-Z]\w+", "redis"),
    (Kind.SERVICE, r"mockredis\.\w+", "redis"),
    (Kind.SERVICE, r"mongomock\.(?:\w+\.)*(?:[A-Z]\w+|patch)|mongomock_motor\.[A-Z]\w+", "pymongo"),
    (Kind.SERVICE, r"(?:mock_alchemy|alchemy_mock)\.mocking\.\w+", "sqlalchemy"),
    (Kind.SERVICE, r"mockssh\.Server", "paramiko"),
    (Kind.SERVICE, r"pyfakefs\.\w+\.(?:Patcher|FakeFilesystem|TestCase)", "open"),
    (Kind.SERVICE, r"@fake_process\.(?:register|register_subprocess|any)", "subprocess"),
    (Kind.OBJECT, r"flexmock(?:\.flexmock)?|mockito\.(?:when|when2|mock|spy|patch|expect)", "argument"),
    (Kind.RECORDING, r"vcr\.use_cassette|betamax\.(?:recorder\.)?Betamax", "HTTP"),
    (Kind.RECORDING, r"betamax\.fixtures\.\w+\.\w+|pytest\.mark\.(?:vcr|default_cassette)", "HTTP"),
    (Kind.HTTP, r"pytest\.mark\.(?:respx|httpx_mock)", "HTTP of httpx"),
    (Kind.CLOCK, r"freezegun\.(?:api\.)?freeze_time|time_machine\.travel", "time"),
    (Kind.CLOCK, r"pytest\.mark\.(?:freeze_time|time_machine)", "time"),
    (Kind.SERVER, r"(?:pytest_httpserver|werkzeug_httpserver)\.HTTPServer", "HTTP"),
)  # fmt: skip
LIBRARY_CALLS = [(kind, re.compile(pattern), what) for kind, pattern, what in _LIBRARIES]
# If nothing visible uses an imported library of these, its import is a finding: it is used somewhere else.
MOCK_LIBRARIES = re.compile(
    r"(unittest\.mock|responses|requests_mock|httpretty|respx|aioresponses|pytest_httpx|pook|httmock|mocket|moto"
    r"|fakeredis|mockredis|mongomock\w*|mock_alchemy|alchemy_mock|mockssh|pyfakefs|flexmock|mockito|vcr|betamax)(\..*)?"
)
# Names of these libraries that replace nothing.
HELPERS = re.compile(
    r"unittest\.mock\.(ANY|call|sentinel|DEFAULT|FILTER_DIR|seal|_\w+)|responses\.(matchers|registries)\b.*"
    r"|\w+\.(\w+\.)*\w*(Error|Exception|NoMockAddress)|requests_mock\.(ANY|exceptions.*)|responses\.(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)"
)
# The names that `from library import *` binds, as far as they matter.
STAR_IMPORTS = {
    "unittest.mock": f"patch|{_MOCK_NAMES}",
    "moto": r"mock_\w+",
    "responses": "activate|add|add_callback|RequestsMock",
    "httpretty": "activate|httprettified|enable|register_uri",
    "fakeredis": r"Fake\w+",
    "freezegun": "freeze_time",
}
# The environment of a process is no double, unless a mock is put there.
PROCESS_ENVIRONMENT = re.compile(r"(.+\.)?(os\.environb?|sys\.(argv|path|stdin|stdout|stderr))(\[.*\])?")
# A class of such a name is a double unless it inherits from something real.
DOUBLE_NAME = re.compile(r"_*(?:Fake|Mock|Stub|Dummy)(?=[A-Z0-9_]|$)")
UNREAL_BASES = re.compile(
    r"object|(?:abc\.)?ABC|(?:typing|typing_extensions)\.(?:Protocol|Generic|NamedTuple|Any)|(?:types\.)?SimpleNamespace"
)


def canonical(origin: str) -> str:
    """Return the one name by which an origin is known here, whatever it was imported from."""
    for pattern, name in _ALIASES:
        origin = re.sub(rf"^(?:{pattern})(?=$|[.(])", name, origin)
    return origin
