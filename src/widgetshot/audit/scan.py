"""Where tests and notebooks put something else in the place of what is real, and how each could run for real.

Names are followed from where they are bound to where they are used, as Python does it; nothing is executed or
imported. What is counted, and what can't be seen, is told in docs/how-to/audit.md.
"""

import ast
import re
import warnings
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from widgetshot.declare.notebook import read_code
from widgetshot.errors import ConfigError, NotebookError, WidgetshotError, one_line

FORMAT = 1


class Kind(StrEnum):
    """How something is replaced. The last three are told, and not counted as mocks."""

    PATCH = "patch"
    OBJECT = "mock object"
    MONKEYPATCH = "monkeypatch"
    ASSIGNMENT = "assignment"
    DOUBLE = "double class"
    HTTP = "http answer"
    SERVICE = "fake service"
    RECORDING = "recording"
    IMPORT = "import"
    ENVIRONMENT = "environment"
    CLOCK = "clock"
    SERVER = "scripted server"

    @property
    def counted(self) -> bool:
        return self not in (Kind.ENVIRONMENT, Kind.CLOCK, Kind.SERVER)


@dataclass(frozen=True, order=True)
class Finding:
    """One place where something is replaced.

    Attributes:
        path: as it was given, with forward slashes.
        line: from 1; in a notebook, within its cell.
        cell: the notebook's cell, its id or position, or "".
        by: the function or class that does it, by its full name; of a fixture, its name.
        replaces: the target as far as it can be read: a dotted name, a URL, the name that a mock is given.
        service: the built-in service that could take its place, or "".
        for_real: how it could run for real.
    """

    path: str
    line: int
    column: int
    kind: Kind
    by: str
    replaces: str
    cell: str = ""
    service: str = ""
    for_real: str = ""

    @property
    def place(self) -> str:
        return f"{self.path}::{self.cell}:{self.line}" if self.cell else f"{self.path}:{self.line}"


@dataclass(frozen=True)
class Audit:
    """What was found in all files.

    Attributes:
        files: how many were read.
        findings: in order of place, those that are not counted too.
        unread: of what could not be read or parsed, the place and why.
    """

    files: int
    findings: tuple[Finding, ...]
    unread: tuple[tuple[str, str], ...]

    @property
    def counted(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.kind.counted)

    @property
    def clean(self) -> bool:
        """Nothing is replaced, as far as is known: a file that can't be read may hold anything."""
        return not self.counted and not self.unread

    def as_json(self) -> dict[str, Any]:
        """The document of `--output json`."""
        told = [
            {name: str(value) if name == "kind" else value for name, value in vars(finding).items()}
            for finding in self.findings
        ]
        return {
            "format": FORMAT,
            "files": self.files,
            "count": len(self.counted),
            "kinds": dict(Counter(str(finding.kind) for finding in self.counted)),
            "services": dict(Counter(finding.service for finding in self.counted if finding.service)),
            "findings": [one for one, finding in zip(told, self.findings, strict=True) if finding.kind.counted],
            "not_counted": [one for one, finding in zip(told, self.findings, strict=True) if not finding.kind.counted],
            "unread": [{"place": place, "message": message} for place, message in self.unread],
        }


_WIDEST = 58  # columns of what is replaced; JSON has all of it


def table(result: Audit) -> list[str]:
    """Lines for a person: a row for each finding, then the sums."""
    rows = [
        (one_line(finding.place), str(finding.kind), _cut(one_line(finding.replaces)), one_line(finding.for_real))
        for finding in result.counted
    ]
    lines = []
    if rows:
        rows.insert(0, ("place", "how", "replaces", "for real"))
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
            lines.append("  ".join([*cells, row[3]]))
        lines.append("")
    read = f"{result.files} file{'' if result.files == 1 else 's'} read"
    files = len({finding.path for finding in result.counted})
    kinds = Counter(str(finding.kind) for finding in result.counted)
    total = f"{len(rows) - 1} found in {files} of them: {_sums(kinds)}" if rows else "no mocks found"
    lines.append(f"{read}, {total}")
    if services := Counter(finding.service for finding in result.counted if finding.service):
        lines.append(f"services that could take their place: {_sums(services)}")
    if others := Counter(str(finding.kind) for finding in result.findings if not finding.kind.counted):
        lines.append(f"not counted as mocks: {_sums(others)}")
    if result.unread:
        lines.append(f"{len(result.unread)} could not be read, see above")
    return lines


def _sums(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


# ---------------------------------------------------------------------------------------------------------------------
# What could take the place of what is replaced. The first line that fits holds, so what is special comes first.

_DECLARED = "as a service in [tool.widgetshot.services]"
_REAL: tuple[tuple[str, str, str], ...] = (
    (r"psycopg\d?|asyncpg|pg8000|aiopg|postgres\w*|sqlalchemy|create_engine", "postgres", ""),
    (r"redis|aioredis|fakeredis|valkey|strictredis", "redis", ""),
    (r"clickhouse\w*|chdb", "clickhouse", ""),
    (r"boto3?|aioboto3|botocore|aiobotocore|s3|s3fs|minio|moto|bucket", "s3", ""),
    (r"slurm\w*|sbatch|squeue|scancel|sacct|srun|scontrol|sinfo|pyslurm", "slurm", ""),
    (r"paramiko|asyncssh|fabric|ssh\w*|sftp\w*|scp", "sshd", ""),
    (r"websockets?|ws_connect|websocketapp", "websocket", ""),
    (
        r"openai|anthropic|llm|litellm|langchain\w*|chat_?completions?|completions|transformers|ollama|cohere",
        "inference",
        "services: [inference], an endpoint that really generates",
    ),
    (r"dask|distributed|dask_\w+|ipyparallel|localcluster", "", "a LocalCluster of dask or ipyparallel"),
    (
        r"ipywidgets|display|ipython|get_ipython|widgets?|traitlets|html_?manager",
        "",
        "a notebook with a shot: the widget is drawn and captured",
    ),
    (r"kubernetes|kubectl|k8s\w*|batch_api|core_api", "", f"an API server {_DECLARED}"),
    (
        r"mongo\w*|motor|pymongo|mysql\w*|kafka\w*|rabbitmq|pika|celery|elasticsearch",
        "",
        f"the real daemon {_DECLARED}",
    ),
    (r"smtplib|smtp|sendmail", "", f"an SMTP server on the loopback {_DECLARED}"),
    (r"requests?|httpx|aiohttp|urllib3?|urlopen|http|https|response", "", f"a local HTTP server {_DECLARED}"),
    (r"sleep", "", "wait for the condition itself; let real time pass"),
    (
        r"time|datetime|date|monotonic|perf_counter|clock|utcnow|now|today",
        "",
        "the frozen clock: freeze_clock in a notebook, time-machine in a test",
    ),
    (
        r"subprocess|popen|check_output|check_call|create_subprocess_\w+|fake_process",
        "",
        "run the program: batch commands on real_slurm, ssh on real_sshd, others in tmp_path",
    ),
    (r"environ|getenv", "", "monkeypatch.setenv, which is no mock"),
    (r"getpass|input|stdin", "", "run the program in a process and write to its standard input"),
    (r"logging|logger|log|warn|warnings", "", "caplog or pytest.warns"),
    (r"print|stdout|stderr|echo", "", "capsys, or what the program writes in a process"),
    (r"random|randint|choice|uuid\d?|shuffle", "", "a fixed seed"),
    (
        r"open|pathlib|path|shutil|tempfile|io|file\w*|glob|pyfakefs|unlink|remove|rename|makedirs|mkdir|listdir"
        r"|exists|isfile|isdir|rmtree|chmod",
        "",
        "real files in tmp_path",
    ),
    (r"modules|import_module|__import__|find_spec", "", "a virtual environment with, or without, the package"),
    (r"socket|socketserver|create_connection", "", "a socket on the loopback, port 0"),
    (r"platform|cpu_count|getuser|gethostname", "", "the machine's own answer, or an argument"),
)
_WORDS = [(re.compile(rf"(?:{pattern})"), service, text) for pattern, service, text in _REAL]
_OTHERWISE = f"call the real one; what it reaches can be had {_DECLARED}"


def for_real(target: str) -> tuple[str, str]:
    """The built-in service ("" if there is none) and the way in which what is called `target` could run for real."""
    # `mock_ssh_client` and `SSHClient` hold the same words. What is mocked says more than who mocks it.
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", target)
    whole = re.findall(r"\w+", target.casefold())
    words = {word for text in (target, apart) for word in re.findall(r"[^\W_]+", text.casefold())} | set(whole)
    for pattern, service, text in _WORDS:
        if any(pattern.fullmatch(word) for word in words):
            return service, text or f"real_{service} in a test, services: [{service}] in a notebook"
    return "", ""


# ---------------------------------------------------------------------------------------------------------------------
# What is known of the libraries. An origin is a dotted name; `()` stands for what a call returns, `@` for a fixture.

_SAME: tuple[tuple[str, str], ...] = (
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
_FIXTURES = {
    "mocker", "class_mocker", "module_mocker", "package_mocker", "session_mocker", "monkeypatch", "requests_mock",
    "respx_mock", "httpx_mock", "aioresponses", "vcr", "freezer", "time_machine", "httpserver", "make_httpserver",
    "fake_process", "fp",
}  # fmt: skip
# Asking for one of these is all that a test needs to do.
_ACTING = {
    "vcr": Kind.RECORDING, "freezer": Kind.CLOCK, "time_machine": Kind.CLOCK, "httpserver": Kind.SERVER,
    "make_httpserver": Kind.SERVER,
}  # fmt: skip

_MOCKS = (
    "Mock|MagicMock|AsyncMock|NonCallableMock|NonCallableMagicMock|PropertyMock|ThreadingMock|CoroutineMock"
    "|create_autospec|mock_open"
)
_VERBS = "get|post|put|patch|delete|head|options|request|route"
_PATCH = re.compile(r"(?:unittest\.mock|@mocker)\.patch(?P<way>\.object|\.dict|\.multiple|\.context_manager)?")
_OBJECT = re.compile(rf"(?:unittest\.mock|@mocker)\.(?:{_MOCKS})|@mocker\.(?:async_)?stub")
_SPY = re.compile(r"@mocker\.spy")
_MONKEYPATCH = re.compile(r"@monkeypatch\.(?P<way>setattr|delattr|setitem|delitem|setenv|delenv|chdir|syspath_prepend)")
# What answers to calls is one finding each, and so is what switches a library on.
_LIBRARIES: tuple[tuple[Kind, str, str], ...] = (
    (Kind.HTTP, rf"responses\.(?:add|add_callback|upsert|replace|{_VERBS})", "url"),
    (Kind.HTTP, rf"requests_mock\.(?:register_uri|{_VERBS})", "url"),
    (Kind.HTTP, r"httpretty\.(?:core\.)?(?:httpretty\.)?register_uri", "url"),
    (Kind.HTTP, rf"respx\.(?:add|{_VERBS})", "url"),
    (Kind.HTTP, rf"aioresponses\.(?:add|{_VERBS})", "url"),
    (Kind.HTTP, r"pytest_httpx\.add_(?:response|callback|exception)", "url"),
    (Kind.HTTP, rf"pook\.(?:mock|{_VERBS})|httmock\.(?:urlmatch|HTTMock)", "url"),
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
_RULES = [(kind, re.compile(pattern), what) for kind, pattern, what in _LIBRARIES]
# Of an imported library that nothing visible uses, the import is told: what it is for happens elsewhere.
_COUNTED = re.compile(
    r"(unittest\.mock|responses|requests_mock|httpretty|respx|aioresponses|pytest_httpx|pook|httmock|mocket|moto"
    r"|fakeredis|mockredis|mongomock\w*|mock_alchemy|alchemy_mock|mockssh|pyfakefs|flexmock|mockito|vcr|betamax)(\..*)?"
)
# Nothing is replaced by these.
_HELPERS = re.compile(
    r"unittest\.mock\.(ANY|call|sentinel|DEFAULT|FILTER_DIR|seal|_\w+)|responses\.(matchers|registries)\b.*"
    r"|\w+\.(\w+\.)*\w*(Error|Exception|NoMockAddress)|requests_mock\.(ANY|exceptions.*)|responses\.(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)"
)
# `from library import *`
_STAR = {
    "unittest.mock": f"patch|{_MOCKS}",
    "moto": r"mock_\w+",
    "responses": "activate|add|add_callback|RequestsMock",
    "httpretty": "activate|httprettified|enable|register_uri",
    "fakeredis": r"Fake\w+",
    "freezegun": "freeze_time",
}
# The environment of a process is not made of doubles, as long as what is put there is none.
_SURROUNDINGS = re.compile(r"(.+\.)?(os\.environb?|sys\.(argv|path|stdin|stdout|stderr))(\[.*\])?")
_DOUBLE = re.compile(r"_*(?:Fake|Mock|Stub|Dummy)(?=[A-Z0-9_]|$)")
_NOTHING = re.compile(
    r"object|(?:abc\.)?ABC|(?:typing|typing_extensions)\.(?:Protocol|Generic|NamedTuple|Any)|(?:types\.)?SimpleNamespace"
)


def _canonical(origin: str) -> str:
    for pattern, name in _SAME:
        origin = re.sub(rf"^(?:{pattern})(?=$|[.(])", name, origin)
    return origin


# ---------------------------------------------------------------------------------------------------------------------
# Names


@dataclass
class _Binding:
    """One place that gives a name its meaning: an import, an expression, or something that is followed no further."""

    at: tuple[int, int]
    scope: "_Scope"
    origin: str = ""
    value: ast.expr | None = None
    imported: bool = False
    typing_only: bool = False
    used: bool = False
    made: ast.AST | None = None  # the class or function, where it is one


@dataclass
class _Scope:
    """The names of a module, class, function, lambda or comprehension."""

    parent: "_Scope | None" = None
    node: ast.AST | None = None
    is_class: bool = False
    names: dict[str, list[_Binding]] = field(default_factory=dict)
    stars: list[tuple[str, int]] = field(default_factory=list)
    elsewhere: dict[str, "_Scope"] = field(default_factory=dict)  # by global and nonlocal

    def bind(self, name: str, binding: _Binding) -> None:
        self.elsewhere.get(name, self).names.setdefault(name, []).append(binding)

    @property
    def module(self) -> "_Scope":
        return self if self.parent is None else self.parent.module

    def enclosing_class(self) -> "_Scope | None":
        scope: _Scope | None = self
        while scope is not None and not scope.is_class:
            scope = scope.parent
        return scope


# A name of another module of the project -> its origin; None if there is no such module.
Elsewhere = Callable[[str, int, str], str | None]
# A fixture of a conftest.py -> its origin; None if there is none.
Conftest = Callable[[str], str | None]
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class _Names(ast.NodeVisitor):
    """Fills the scopes of a module; what expressions mean is asked later."""

    def __init__(self) -> None:
        self.module = _Scope()
        self.scopes: dict[ast.AST, _Scope] = {}
        self.fixtures: dict[str, tuple[_Function, _Scope]] = {}
        self._scope = self.module
        self._typing_only = False

    def _bind(self, name: str, node: ast.AST, **what: Any) -> None:
        at = (getattr(node, "lineno", 0), getattr(node, "col_offset", 0))
        self._scope.bind(name, _Binding(at, self._scope, typing_only=self._typing_only, **what))

    def _target(self, target: ast.expr, value: ast.expr | None) -> None:
        if isinstance(target, ast.Name):
            self._bind(target.id, target, value=value)
        elif isinstance(target, ast.Starred):
            self._target(target.value, None)
        elif isinstance(target, ast.Tuple | ast.List):
            values: Sequence[ast.expr | None] = [None] * len(target.elts)
            if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts):
                values = value.elts
            for one, its in zip(target.elts, values, strict=True):
                self._target(one, its)
        elif (
            isinstance(target, ast.Attribute)
            and isinstance(target.value, ast.Name)
            and target.value.id in ("self", "cls")
        ) and (owner := self._scope.enclosing_class()):
            # Wherever it is set, all methods see it.
            owner.names.setdefault(f"self.{target.attr}", []).append(_Binding((0, 0), self._scope, value=value))

    def _inside(self, node: ast.AST, parts: Iterable[ast.AST], *, is_class: bool = False) -> _Scope:
        before = self._scope
        # What is written in a class body is not seen by its methods.
        self._scope = scope = _Scope(before, node, is_class)
        self.scopes[node] = scope
        for part in parts:
            self.visit(part)
        self._scope = before
        return scope

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            name = alias.asname or alias.name.split(".")[0]
            self._bind(name, node, origin=alias.name if alias.asname else name, imported=True)
            if not alias.asname and "." in alias.name:
                # `import unittest.mock` and `unittest.mock.patch`: what counts as used is the whole.
                self._scope.names[name][-1].origin = name
                self._bind(f"{name}.*", node, origin=alias.name, imported=True)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            if alias.name == "*":
                self._scope.module.stars.append((module, node.lineno))
            else:
                joint = "" if module.endswith(".") else "."
                self._bind(alias.asname or alias.name, node, origin=f"{module}{joint}{alias.name}", imported=True)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self._target(target, node.value)
            self.visit(target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.generic_visit(node)
        self._target(node.target, node.value)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.generic_visit(node)
        self._target(node.target, node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.generic_visit(node)
        self._target(node.target, None)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self._target(node.target, None)
        self.generic_visit(node)

    visit_AsyncFor = visit_For

    def visit_withitem(self, node: ast.withitem) -> None:
        self.generic_visit(node)
        if node.optional_vars is not None:
            self._target(node.optional_vars, node.context_expr)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self._bind(node.name, node)
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        if node.name:
            self._bind(node.name, node)
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        before = self._typing_only
        self._typing_only = before or ast.unparse(node.test).endswith("TYPE_CHECKING")
        for part in node.body:
            self.visit(part)
        self._typing_only = before
        self.visit(node.test)
        for part in node.orelse:
            self.visit(part)

    def visit_Global(self, node: ast.Global) -> None:
        for name in node.names:
            self._scope.elsewhere[name] = self._scope.module

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        for name in node.names:
            scope = self._scope.parent
            while scope is not None and name not in scope.names:
                scope = scope.parent
            if scope is not None:
                self._scope.elsewhere[name] = scope

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._bind(node.name, node, made=node)
        for part in [*node.decorator_list, *node.bases, *node.keywords]:
            self.visit(part)
        self._inside(node, node.body, is_class=True)

    def visit_FunctionDef(self, node: _Function) -> None:
        self._bind(node.name, node, made=node)
        for part in [*node.decorator_list, *_defaults(node.args)]:
            self.visit(part)
        scope = self._inside(node, node.body)
        self._parameters(scope, node.args)
        for decorator in node.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if ast.unparse(called).split(".")[-1] in ("fixture", "yield_fixture"):
                given = next((one.value for one in getattr(decorator, "keywords", ()) if one.arg == "name"), None)
                name = given.value if isinstance(given, ast.Constant) else node.name
                self.fixtures[str(name)] = (node, scope)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for part in _defaults(node.args):
            self.visit(part)
        self._parameters(self._inside(node, [node.body]), node.args, fixtures=False)

    def _parameters(self, scope: _Scope, arguments: ast.arguments, *, fixtures: bool = True) -> None:
        for one in _parameters(arguments):
            origin = f"@{one.arg}" if fixtures else ""
            binding = _Binding((0, 0), scope, origin=origin, value=one.annotation, made=one)
            scope.names.setdefault(one.arg, []).insert(0, binding)

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        scope = self._inside(node, ast.iter_child_nodes(node))
        for generator in node.generators:
            for name in ast.walk(generator.target):
                if isinstance(name, ast.Name):
                    scope.names.setdefault(name.id, []).append(_Binding((0, 0), scope))

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [one for one in [*arguments.defaults, *arguments.kw_defaults] if one is not None]


def _parameters(arguments: ast.arguments) -> list[ast.arg]:
    found = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return [one for one in found if one is not None]


class _Meaning:
    """What expressions stand for, in one module."""

    def __init__(self, tree: ast.Module, elsewhere: Elsewhere, conftest: Conftest) -> None:
        self._names = _Names()
        self._names.visit(tree)
        self.scopes = self._names.scopes
        self.module = self._names.module
        self._elsewhere = elsewhere
        self._conftest = conftest
        self._asked: set[int] = set()
        self._known: dict[str, str] = {}

    def find(self, name: str, scope: _Scope, at: tuple[int, int] | None) -> _Binding | None:
        """The binding that a name has at a place; without a place, the one it ends up with."""
        own, here = True, scope
        while True:
            bindings = here.elsewhere.get(name, here).names.get(name, [])
            if bindings and (own or not here.is_class):
                if own and at is not None:
                    bindings = [one for one in bindings if one.at <= at] or bindings
                # `except ImportError: mock = None` does not take its meaning from a name.
                known = [one for one in bindings if not _is_none(one.value)] or bindings
                last = known[-1]
                if last.imported and len(known) > 1:
                    # `try: from unittest import mock`, `except ImportError: from compat import mock`: either holds.
                    last = next((one for one in known if one.imported and _COUNTED.fullmatch(self._of(one))), last)
                return last
            own = False
            if here.parent is None:
                return None
            here = here.parent

    def _of(self, binding: _Binding) -> str:
        """The origin of a binding, or ""."""
        if binding.imported:
            return self._imported(binding.origin)
        if isinstance(binding.made, ast.arg):
            return self._parameter(binding)
        return self.origin(binding.value, binding.scope, None) if binding.value is not None else ""

    def _imported(self, origin: str) -> str:
        if origin not in self._known:
            self._known[origin] = self._follow(origin)
        return self._known[origin]

    def _follow(self, origin: str) -> str:
        level = len(origin) - len(origin.lstrip("."))
        module, _, name = origin[level:].rpartition(".")
        if (found := self._elsewhere(module, level, name)) is not None:
            return found
        return "" if level else _canonical(origin)

    def _parameter(self, binding: _Binding) -> str:
        assert isinstance(binding.made, ast.arg)
        if isinstance(annotation := binding.value, ast.Constant) and isinstance(annotation.value, str):
            annotation = _expression(annotation.value)
        outside = binding.scope.parent
        told = self.origin(annotation, outside, None) if annotation is not None and outside is not None else ""
        if told == "@mocker" or told in ("pytest.MonkeyPatch", "_pytest.monkeypatch.MonkeyPatch"):
            return _canonical(told if told == "@mocker" else f"{told}()")
        name = binding.made.arg
        if not binding.origin:
            return ""
        node = binding.scope.node
        if isinstance(node, _Function) and (handed := self._handed(node, binding.scope, name)):
            return handed
        if name in self._names.fixtures:
            return self.fixture(name)
        if (found := self._conftest(name)) is not None:
            return found
        return _canonical(f"@{name}") if name in _FIXTURES else ""

    def _handed(self, node: _Function, scope: _Scope, name: str) -> str:
        """What `@requests_mock.Mocker()` and `@aioresponses()` hand to the function that they decorate."""
        for decorator in node.decorator_list:
            made = self.origin(decorator, scope.parent or scope, None)
            if made in ("requests_mock", "aioresponses") and isinstance(decorator, ast.Call):
                named = next(
                    (self.text(one.value, scope) for one in decorator.keywords if one.arg in ("kw", "param")), ""
                )
                free = [one.arg for one in node.args.args if one.arg not in ("self", "cls")]
                if name == (named or (free[0] if free else "")):
                    return made
        return ""

    def fixture(self, name: str) -> str:
        """The origin of what a fixture of this module yields or returns."""
        node, scope = self._names.fixtures[name]
        for part in ast.walk(node):
            if isinstance(part, ast.Yield | ast.Return) and part.value is not None:
                return self.origin(part.value, scope, None)
        return ""

    @property
    def fixtures(self) -> Iterable[str]:
        return self._names.fixtures

    def origin(self, node: ast.AST | None, scope: _Scope, at: tuple[int, int] | None) -> str:
        """The dotted name that an expression stands for, or ""."""
        if isinstance(node, ast.Name):
            return self.name(node.id, scope, at)
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
                return self._own(node.attr, scope)
            base = self.origin(node.value, scope, at)
            return _canonical(f"{base}.{node.attr}") if base else ""
        if isinstance(node, ast.Call):
            asked = self._asked_for(node, scope)
            if asked is not None:
                return asked
            base = self.origin(node.func, scope, at)
            return _canonical(f"{base}()") if base else ""
        if isinstance(node, ast.Await | ast.NamedExpr | ast.Starred):
            return self.origin(node.value, scope, at)
        return ""

    def _asked_for(self, node: ast.Call, scope: _Scope) -> str | None:
        """Of `request.getfixturevalue("mocker")`, the fixture."""
        if isinstance(node.func, ast.Attribute) and node.func.attr == "getfixturevalue" and node.args:
            name = self.text(node.args[0], scope)
            return _canonical(f"@{name}") if name in _FIXTURES else ""
        return None

    def _own(self, attribute: str, scope: _Scope) -> str:
        owner = scope.enclosing_class()
        for binding in reversed(owner.names.get(f"self.{attribute}", []) if owner else []):
            if self._once(binding) and (found := self._release(binding)):
                return found
        return ""

    def name(self, name: str, scope: _Scope, at: tuple[int, int] | None) -> str:
        binding = self.find(name, scope, at)
        if binding is not None:
            return self._release(binding) if self._once(binding) else ""
        for module, _ in reversed(scope.module.stars):
            level = len(module) - len(module.lstrip("."))
            if (found := self._elsewhere(module[level:], level, name)) is not None:
                if found:
                    return found
                continue
            library = _canonical(module)
            if library in _STAR and re.fullmatch(_STAR[library], name):
                return f"{library}.{name}"
        return name if name in ("object", "ABC") else ""

    def _once(self, binding: _Binding) -> bool:
        """Whether it is not being asked for already: `x = x.y` has no beginning."""
        if id(binding) in self._asked:
            return False
        self._asked.add(id(binding))
        return True

    def _release(self, binding: _Binding) -> str:
        try:
            return self._of(binding)
        finally:
            self._asked.discard(id(binding))

    def text(self, node: ast.AST | None, scope: _Scope) -> str:
        """A text that is known without running anything, or ""."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else ""
        if isinstance(node, ast.JoinedStr):
            parts = [self.text(one.value if isinstance(one, ast.FormattedValue) else one, scope) for one in node.values]
            return "".join(parts) if all(parts) else ""
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self.text(node.left, scope), self.text(node.right, scope)
            return left + right if left and right else ""
        if isinstance(node, ast.Attribute) and node.attr in ("__name__", "__qualname__"):
            return self.origin(node.value, scope, None)
        if isinstance(node, ast.Name):
            binding = self.find(node.id, scope, None)
            if binding is not None and binding.value is not None and binding.made is None and self._once(binding):
                try:
                    return self.text(binding.value, binding.scope)
                finally:
                    self._asked.discard(id(binding))
        return ""

    def unused(self) -> Iterator[tuple[int, int, str]]:
        """Libraries of mocks that are imported and not used here, and where."""
        places: dict[str, tuple[int, int]] = {}
        used: set[str] = set()
        for scope in [self.module, *self.scopes.values()]:
            for name, bindings in scope.names.items():
                for binding in bindings:
                    origin = self._of(binding) if binding.imported else ""
                    if not _COUNTED.fullmatch(origin) or _HELPERS.fullmatch(origin) or binding.typing_only:
                        continue
                    if binding.used or any(one.used for one in scope.names.get(name.removesuffix(".*"), [])):
                        used.add(_root(origin))
                    else:
                        places[_root(origin)] = min(binding.at, places.get(_root(origin), binding.at))
        for module, line in self.module.stars:
            if _COUNTED.fullmatch(library := _canonical(module)):
                places.setdefault(_root(library), (line, 0))
        yield from ((*at, library) for library, at in places.items() if library not in used)


def _is_none(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _expression(text: str) -> ast.expr | None:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return None


# ---------------------------------------------------------------------------------------------------------------------
# Findings


class _Search(ast.NodeVisitor):
    """Goes through a module and notes what is replaced."""

    def __init__(self, tree: ast.Module, meaning: _Meaning) -> None:
        self._meaning = meaning
        self._scope = meaning.module
        self._parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        self._within = 0  # arguments of a finding
        self.found: list[tuple[ast.AST, Finding]] = []
        self.visit(tree)
        seen = {_root(finding.by) for _, finding in self.found}
        for line, column, library in meaning.unused():
            if library not in seen:
                self._note(ast.Pass(lineno=line, col_offset=column), Kind.IMPORT, library, library)

    # -- reporting

    def _note(self, node: ast.AST, kind: Kind, by: str, replaces: str) -> None:
        at = (getattr(node, "lineno", 1), getattr(node, "col_offset", 0))
        self.found.append((node, Finding("", *at, kind, by.replace("@", ""), " ".join(replaces.split()))))

    def _origin(self, node: ast.AST | None) -> str:
        return self._meaning.origin(node, self._scope, self._at(node))

    @staticmethod
    def _at(node: ast.AST | None) -> tuple[int, int]:
        return (getattr(node, "lineno", 10**9), getattr(node, "col_offset", 0))

    def _text(self, node: ast.AST | None) -> str:
        """A text, or the expression as it is written."""
        if node is None:
            return ""
        return self._meaning.text(node, self._scope) or ast.unparse(node)

    def _object(self, node: ast.AST | None) -> str:
        """An object by its full name where that can be known."""
        if node is None:
            return ""
        origin = self._origin(node)
        return origin if origin and "(" not in origin and origin[0] != "@" else ast.unparse(node)

    # -- scopes

    def _enter(self, node: ast.AST, parts: Iterable[ast.AST]) -> None:
        before, self._scope = self._scope, self._meaning.scopes.get(node, self._scope)
        for part in parts:
            self.visit(part)
        self._scope = before

    def visit_FunctionDef(self, node: _Function) -> None:
        for decorator in node.decorator_list:
            self._bare(decorator)
            self.visit(decorator)
        for part in _defaults(node.args):
            self.visit(part)
        for one in _parameters(node.args):
            if one.annotation is not None:
                self._mark(one.annotation)
            self._acting(one, node)
        self._enter(node, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for part in _defaults(node.args):
            self.visit(part)
        self._enter(node, [node.body])

    def _comprehension(self, node: ast.AST) -> None:
        self._enter(node, ast.iter_child_nodes(node))

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for decorator in node.decorator_list:
            self._bare(decorator)
            self.visit(decorator)
        bases = [self._origin(base.value if isinstance(base, ast.Subscript) else base) for base in node.bases]
        if any(_OBJECT.fullmatch(base) for base in bases):
            self._note(node, Kind.OBJECT, next(base for base in bases if _OBJECT.fullmatch(base)), f"class {node.name}")
        elif self._is_double(node):
            self._note(node, Kind.DOUBLE, f"class {node.name}", _DOUBLE.sub("", node.name).strip("_") or node.name)
        for part in [*node.bases, *node.keywords]:
            self.visit(part)
        self._enter(node, node.body)

    def _is_double(self, node: ast.ClassDef, seen: tuple[ast.ClassDef, ...] = ()) -> bool:
        """Named as a double, and neither a test nor made from anything that is real."""
        tests = any(isinstance(part, _Function) and part.name.startswith("test") for part in node.body)
        if not _DOUBLE.match(node.name) or tests or node in seen:
            return False
        for base in node.bases:
            plain = base.value if isinstance(base, ast.Subscript) else base
            if _NOTHING.fullmatch(self._origin(plain)) or _OBJECT.fullmatch(self._origin(plain)):
                continue
            binding = (
                self._meaning.find(plain.id, self._scope, self._at(plain)) if isinstance(plain, ast.Name) else None
            )
            made = binding.made if binding else None
            if not isinstance(made, ast.ClassDef) or not self._is_double(made, (*seen, node)):
                return False
        return True

    # -- what replaces

    def _mark(self, node: ast.AST) -> None:
        """Note which imports are used."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node = _expression(node.value) or node
        for part in ast.walk(node):
            if isinstance(part, ast.Name):
                self.visit_Name(part)

    def visit_Name(self, node: ast.Name) -> None:
        if (binding := self._meaning.find(node.id, self._scope, self._at(node))) is not None:
            binding.used = True

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if re.fullmatch(r"pytest\.mark\.\w+", origin := self._origin(node)) and not self._is_called(node):
            self._library(node, origin, None)
        self.generic_visit(node)

    def _is_called(self, node: ast.AST) -> bool:
        parent = self._parents.get(node)
        return isinstance(parent, ast.Call) and parent.func is node

    def _acting(self, parameter: ast.arg, node: _Function) -> None:
        """A fixture that acts by being asked for."""
        name = parameter.arg
        if name not in _ACTING or not (node.name.startswith("test") or node.name in self._meaning.fixtures):
            return
        if name not in self._meaning.fixtures or node.name == name:
            what = {Kind.CLOCK: "time"}.get(_ACTING[name], "HTTP")
            self._note(parameter, _ACTING[name], name, what)

    def _bare(self, node: ast.expr) -> None:
        """A decorator or context manager that is not called: `@responses.activate`, `with respx.mock:`."""
        if not isinstance(node, ast.Call):
            origin = self._origin(node)
            if not origin.startswith("pytest.mark."):
                self._library(node, origin, None)

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            self._bare(item.context_expr)
        self.generic_visit(node)

    visit_AsyncWith = visit_With

    def visit_Call(self, node: ast.Call) -> None:
        origin = self._origin(node.func)
        before = len(self.found)
        if match := _PATCH.fullmatch(origin):
            self._patch(node, origin, match["way"] or "")
        elif _SPY.fullmatch(origin):
            self._attribute(node, Kind.PATCH, origin)
        elif _OBJECT.fullmatch(origin):
            if not self._within:
                self._note(node, Kind.OBJECT, origin, self._role(node))
        elif match := _MONKEYPATCH.fullmatch(origin):
            self._monkeypatch(node, origin, match["way"])
        elif origin == "pytest.mark.usefixtures":
            for one in node.args:
                if (name := self._text(one)) in _ACTING:
                    self._note(one, _ACTING[name], name, "time" if _ACTING[name] is Kind.CLOCK else "HTTP")
                elif name in ("requests_mock", "respx_mock", "httpx_mock", "aioresponses"):
                    self._note(one, Kind.HTTP, name, "HTTP")
        else:
            self._library(node, origin, node)
            self._mock_by_name(node, origin)
        noted = len(self.found) > before
        self.visit(node.func)
        # A mock that is made in the arguments of a patch, or of another mock, is part of it.
        self._within += noted
        for part in [*node.args, *node.keywords]:
            self.visit(part)
        self._within -= noted

    def _argument(self, node: ast.Call, position: int, *names: str) -> ast.expr | None:
        for keyword in node.keywords:
            if keyword.arg in names:
                return keyword.value
        plain = node.args[: position + 1]
        if len(plain) <= position or any(isinstance(one, ast.Starred) for one in plain):
            return None
        return plain[position]

    def _patch(self, node: ast.Call, origin: str, way: str) -> None:
        if way == ".object":
            self._attribute(node, Kind.PATCH, origin)
        elif way == ".multiple":
            target = self._argument(node, 0, "target")
            names = sorted(one.arg for one in node.keywords if one.arg and one.arg not in ("target", "spec", "create"))
            whole = self._meaning.text(target, self._scope) or self._object(target)
            self._note(node, Kind.PATCH, origin, f"{whole}.{{{', '.join(names)}}}")
        elif way == ".dict":
            target = self._argument(node, 0, "in_dict")
            whole = self._meaning.text(target, self._scope) or self._object(target)
            self._replaced(node, Kind.PATCH, origin, whole, ())
        else:
            target = self._argument(node, 0, "target")
            new = self._argument(node, 1, "new", "new_callable")
            self._replaced(node, Kind.PATCH, origin, self._text(target), (new,) if new is not None else None)

    def _attribute(self, node: ast.Call, kind: Kind, origin: str) -> None:
        """`patch.object(requests, "get")`, `spy(requests, "get")`."""
        owner, name = self._argument(node, 0, "target", "obj"), self._argument(node, 1, "attribute", "name")
        new = self._argument(node, 2, "new", "new_callable") if not origin.endswith("spy") else None
        self._replaced(
            node, kind, origin, f"{self._object(owner)}.{self._text(name)}", (new,) if new is not None else None
        )

    def _replaced(
        self, node: ast.Call, kind: Kind, origin: str, target: str, new: tuple[ast.expr | None, ...] | None
    ) -> None:
        """Note a patch, told apart from a change of the process's environment.

        Args:
            new: what is put there; None where the library makes a mock of its own.
        """
        surroundings = _SURROUNDINGS.fullmatch(target) and new is not None
        doubles = any(self._is_mock(one) for one in new or () if one is not None)
        self._note(node, Kind.ENVIRONMENT if surroundings and not doubles else kind, origin, target)

    def _is_mock(self, node: ast.expr) -> bool:
        parts = (node, node.func if isinstance(node, ast.Call) else None)
        return any(_OBJECT.fullmatch(self._origin(part)) for part in parts)

    def _monkeypatch(self, node: ast.Call, origin: str, way: str) -> None:
        if way in ("setenv", "delenv", "chdir", "syspath_prepend"):
            self._note(node, Kind.ENVIRONMENT, origin, self._text(self._argument(node, 0, "name", "path")))
            return
        first, second = self._argument(node, 0, "target", "dic"), self._argument(node, 1, "name")
        if way.endswith("item"):
            value = self._argument(node, 2, "value")
            target = f"{self._object(first)}[{ast.unparse(second) if second is not None else ''}]"
        elif text := self._meaning.text(first, self._scope):
            # With a dotted name the value comes second.
            value, target = self._argument(node, 1, "name", "value"), text
        else:
            value, target = self._argument(node, 2, "value"), f"{self._object(first)}.{self._text(second)}"
        self._replaced(node, Kind.MONKEYPATCH, origin, target.removesuffix("."), (value,))

    def _library(self, node: ast.AST, origin: str, call: ast.Call | None) -> None:
        for kind, pattern, what in _RULES:
            if not pattern.fullmatch(origin):
                continue
            replaces = what
            if what == "url" and call is not None:
                replaces = self._url(call)
            elif what == "argument" and call is not None and call.args:
                replaces = self._object(call.args[0])
            elif what == "subprocess" and call is not None and call.args:
                replaces = f"subprocess {self._text(call.args[0])}"
            elif kind is Kind.SERVICE and (service := re.search(r"mock_(?!aws)(\w+)", origin)):
                replaces = f"{what} {service[1]}"
            elif what == "url":
                continue
            self._note(node, kind, origin, replaces)
            return

    def _url(self, call: ast.Call) -> str:
        for keyword in call.keywords:
            if keyword.arg in ("url", "uri"):
                return self._text(keyword.value)
        texts = [self._text(one) for one in call.args]
        # `add(responses.GET, url)` and `get(url)`
        urls = [text for text in texts if "/" in text] or texts[-1:]
        return urls[0] if urls else "HTTP"

    def _mock_by_name(self, node: ast.Call, origin: str) -> None:
        """A mock's class handed to what makes it: `field(default_factory=MagicMock)`, `partial(Mock, ...)`."""
        handed = [one.value for one in node.keywords if one.arg in ("default_factory", "new_callable", "side_effect")]
        if origin == "functools.partial":
            handed += node.args[:1]
        for one in handed:
            if _OBJECT.fullmatch(self._origin(one)) and not self._within:
                self._note(one, Kind.OBJECT, self._origin(one), self._role(node))

    def _role(self, node: ast.AST) -> str:
        """What a mock is for: what it is made after, the name it gets, the argument that it is."""
        if isinstance(node, ast.Call):
            spec = next((one.value for one in node.keywords if one.arg in ("spec", "spec_set", "wraps")), None)
            if spec is None and self._origin(node.func).endswith("create_autospec"):
                spec = self._argument(node, 0, "spec")
            if spec is not None and not isinstance(spec, ast.List):
                return self._object(spec)
        child, parent = node, self._parents.get(node)
        while parent is not None:
            if isinstance(parent, ast.Assign):
                return self._object(parent.targets[0])
            if isinstance(parent, ast.AnnAssign | ast.NamedExpr):
                return self._object(parent.target)
            if isinstance(parent, ast.keyword) and parent.arg:
                return f"{self._called(parent)}({parent.arg}=)"
            if isinstance(parent, ast.Call) and child in parent.args:
                return f"{self._called(child)}(argument {parent.args.index(child) + 1})"
            if isinstance(parent, ast.withitem) and parent.optional_vars is not None:
                return self._object(parent.optional_vars)
            if isinstance(parent, ast.Return | ast.Yield):
                return f"what {self._function(parent)} returns"
            if isinstance(parent, ast.stmt):
                break
            child, parent = parent, self._parents.get(parent)
        return f"an object in {self._function(node)}"

    def _called(self, node: ast.AST) -> str:
        parent = self._parents.get(node)
        return self._object(parent.func) if isinstance(parent, ast.Call) else ""

    def _function(self, node: ast.AST) -> str:
        parent = self._parents.get(node)
        while parent is not None and not isinstance(parent, _Function | ast.ClassDef):
            parent = self._parents.get(parent)
        return parent.name if parent is not None else "the module"

    def visit_Assign(self, node: ast.Assign) -> None:
        """`requests.get = fake_get`, `sys.modules["torch"] = None`."""
        for target in node.targets:
            if isinstance(target, ast.Subscript) and self._origin(target.value) == "sys.modules":
                made = self._origin(node.value)
                if _is_none(node.value) or made == "types.ModuleType()" or self._is_local(node.value):
                    self._note(node, Kind.ASSIGNMENT, "sys.modules", self._text(target.slice))
            elif isinstance(target, ast.Attribute) and self._is_local(node.value):
                whole = self._origin(target)
                root = self._binding(_leftmost(target))
                if root is not None and root.imported and "(" not in whole and not whole.startswith("sys."):
                    self._note(node, Kind.ASSIGNMENT, "=", whole or ast.unparse(target))
        self.generic_visit(node)

    def _binding(self, node: ast.AST) -> _Binding | None:
        return self._meaning.find(node.id, self._scope, self._at(node)) if isinstance(node, ast.Name) else None

    def _is_local(self, node: ast.expr) -> bool:
        """A function or class that is made here, or an instance of such a class."""
        if isinstance(node, ast.Lambda):
            return True
        called = node.func if isinstance(node, ast.Call) else node
        binding = self._binding(called)
        if binding is None:
            return False
        return isinstance(binding.made, ast.ClassDef if isinstance(node, ast.Call) else _Function | ast.ClassDef)


def _leftmost(node: ast.expr) -> ast.expr:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node


def _root(origin: str) -> str:
    return ".".join(origin.split(".")[: 2 if origin.startswith("unittest") else 1])


def audit_tree(
    tree: ast.Module,
    elsewhere: Elsewhere = lambda *_: None,
    conftest: Conftest = lambda _: None,
) -> list[Finding]:
    """What a module replaces, in order of place; paths are left open.

    Args:
        elsewhere: of a module (dotted name, level of a relative import) and a name in it, the origin; None if the
            module is not of the project.
        conftest: of a fixture, the origin of what it yields, "" if that is nothing known; None if there is none.
    """
    search = _Search(tree, _Meaning(tree, elsewhere, conftest))
    functions: dict[int, ast.AST] = {}
    for node in ast.walk(tree):
        if isinstance(node, _Function):
            for part in ast.walk(node):
                functions.setdefault(id(part), node)  # the outermost comes first
    told = [(functions.get(id(node)), finding, for_real(finding.replaces)) for node, finding in search.found]
    found = []
    for function, finding, (service, text) in told:
        near = [real for where, one, real in told if where is function and one.kind.counted and real[1]]
        if isinstance(function, _Function):
            asked = [for_real(one.arg) for one in _parameters(function.args)]
            near += [real for real in asked if real[0]]
        near.sort(key=lambda real: not real[0])
        # `mock_stdout = Mock()` says little; what the same test patches says what it belongs to.
        if function is not None and near and (not text or (finding.kind is Kind.OBJECT and not service)):
            service, text = near[0]
        if finding.kind in _AS_IT_IS:
            service, text = "", _AS_IT_IS[finding.kind]
        elif finding.kind in (Kind.HTTP, Kind.RECORDING) and not service:
            text = for_real("http")[1]
        found.append(replace(finding, service=service, for_real=text or _OTHERWISE))
    return sorted(found, key=lambda finding: (finding.line, finding.column))


_AS_IT_IS = {
    Kind.CLOCK: "a stopped clock replaces no behaviour; in a notebook: freeze_clock",
    Kind.ENVIRONMENT: "what a process is given is no double",
    Kind.SERVER: "real HTTP with answers that are written down; a service of your own answers by itself",
}


# ---------------------------------------------------------------------------------------------------------------------
# Reading

_NOT_IN = {
    "node_modules", "__pycache__", "site-packages", "venv", "env", "build", "dist", "baselines", "widgetshot-report",
}  # fmt: skip
_TEST_FILE = re.compile(r"test_.*\.py|.*_tests?\.py|tests?\.py|conftest\.py|.*\.ipynb")
_TEST_FOLDERS = {"test", "tests", "testing"}
# Cells of these are Python behind their first line.
_PYTHON_CELLS = re.compile(r"\s*%%(time|timeit|capture|prun|px|py|python3?|pypy|memit|mprun|lprun|debug|snakeviz)\b.*")


def find_files(root: Path, paths: Sequence[str]) -> list[Path]:
    """The Python files and notebooks under the named files and folders, each once.

    Args:
        root: of the project. Where no paths are given, its tests and notebooks are found by their names.

    Raises:
        ConfigError: a path does not exist.
    """
    if not paths:
        return [file for file in _under(root) if _is_test(file.relative_to(root))]
    found: dict[Path, None] = {}
    for text in paths:
        path = Path(text)
        if path.is_dir():
            found |= dict.fromkeys(_under(path))
        elif path.is_file() and path.suffix in (".py", ".ipynb"):
            found[path] = None
        else:
            what = "is neither Python nor a notebook" if path.is_file() else "does not exist"
            raise ConfigError(f"{text} {what}", next_step="widgetshot audit tests notebooks")
    return list(found)


def _under(folder: Path) -> list[Path]:
    found: list[Path] = []
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise ConfigError(f"{folder} can't be read: {error.strerror}", next_step="widgetshot audit PATH") from error
    for entry in entries:
        if entry.name.startswith(".") or entry.name in _NOT_IN or entry.is_symlink():
            continue
        if entry.is_dir():
            # A virtual environment may have any name.
            found += [] if (entry / "pyvenv.cfg").exists() else _under(entry)
        elif entry.suffix in (".py", ".ipynb"):
            found.append(entry)
    return found


def _is_test(path: Path) -> bool:
    return bool(_TEST_FILE.fullmatch(path.name)) or not _TEST_FOLDERS.isdisjoint(path.parts[:-1])


class _Project:
    """Modules beside the one that is read, each parsed once."""

    def __init__(self) -> None:
        self._meanings: dict[Path, _Meaning | None] = {}

    def meaning(self, file: Path) -> _Meaning | None:
        """The names of a module; None where it is not there or does not parse."""
        if file not in self._meanings:
            self._meanings[file] = None  # for modules that import one another
            try:
                tree = parse(file.read_bytes(), str(file))
            except (OSError, WidgetshotError):
                return None
            self._meanings[file] = _Meaning(tree, self.elsewhere(file), self.conftest(file))
        return self._meanings[file]

    def elsewhere(self, file: Path) -> Elsewhere:
        def origin(module: str, level: int, name: str) -> str | None:
            whole = [part for part in f"{module}.{name}".split(".") if part]
            if level:
                folders = [file.parents[level - 1]] if level <= len(file.parents) else []
            elif not module:
                # `import mock` takes the module beside the test first.
                return f".{name}" if (file.parent / f"{name}.py").is_file() and file.stem != name else None
            else:
                folders = [file.parent, *list(file.parents)[1:4]]
            for folder in folders:
                base = folder.joinpath(*whole[:-1])
                for candidate in (base.with_suffix(".py") if len(whole) > 1 else base, base / "__init__.py"):
                    if candidate.is_file() and candidate.resolve() != file.resolve():
                        there = self.meaning(candidate)
                        return there.name(whole[-1], there.module, None) if there else ""
            return None

        return origin

    def conftest(self, file: Path) -> Conftest:
        def origin(name: str) -> str | None:
            for folder in file.parents:
                there = self.meaning(folder / "conftest.py") if folder / "conftest.py" != file else None
                if there is not None and name in there.fixtures:
                    return there.fixture(name)
                if (folder / "pyproject.toml").exists() or (folder / ".git").exists():
                    break
            return None

        return origin


def parse(source: bytes | str, where: str) -> ast.Module:
    """Parse Python without executing it.

    Raises:
        NotebookError: it is no Python of this version.
    """
    try:
        with warnings.catch_warnings():
            # An invalid escape is nothing that is asked about.
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        detail = error.msg if isinstance(error, SyntaxError) else str(error)
        raise NotebookError(f"no Python that can be parsed: {detail}", where=f"{where}{line}") from error


def audit(files: Sequence[Path], name: Callable[[Path], str] = Path.as_posix) -> Audit:
    """Read files and tell what they replace; one that can't be read does not sink the rest.

    Args:
        name: how a file is called in the findings.
    """
    project = _Project()
    findings: list[Finding] = []
    unread: list[tuple[str, str]] = []
    for file in files:
        path = name(file)
        surroundings = project.elsewhere(file.absolute()), project.conftest(file.absolute())
        try:
            if file.suffix == ".ipynb":
                tree, places, problems = _notebook(file, path)
                unread += problems
                found = [_in_cell(finding, places) for finding in audit_tree(tree, *surroundings)]
            else:
                found = audit_tree(parse(file.read_bytes(), path), *surroundings)
        except (WidgetshotError, OSError, RecursionError) as error:
            what = error.what if isinstance(error, WidgetshotError) else f"can't be read: {error}"
            unread.append(((error.where if isinstance(error, WidgetshotError) else "") or path, what))
            continue
        findings += [replace(finding, path=path) for finding in found]
    return Audit(len(files), tuple(findings), tuple(unread))


def _in_cell(finding: Finding, places: Sequence[tuple[int, str]]) -> Finding:
    before, cell = places[bisect_right(places, finding.line - 1, key=lambda place: place[0]) - 1]
    return replace(finding, cell=cell, line=finding.line - before)


def _notebook(file: Path, path: str) -> tuple[ast.Module, list[tuple[int, str]], list[tuple[str, str]]]:
    """All code cells as one module, because they share their names.

    Returns:
        The module, the number of lines before each cell with its name, and what did not parse.
    """
    language, cells = read_code(file, path)
    module = ast.Module(body=[], type_ignores=[])
    places: list[tuple[int, str]] = []
    problems: list[tuple[str, str]] = []
    if language.casefold() not in ("python", "ipython", ""):
        return module, places, [(path, f"its language is {language}")]
    before = 0
    for cell, source in cells:
        places.append((before, cell))
        try:
            tree = _cell(source, f"{path}::{cell}")
        except NotebookError as error:
            problems.append((error.where, error.what))
        else:
            ast.increment_lineno(tree, before)
            module.body += tree.body
        before += source.count("\n") + 2
    return module, places, problems


def _cell(source: str, where: str) -> ast.Module:
    """A cell as Python, magics replaced as IPython does it, on the lines where it stands."""
    lines = source.split("\n")
    blank = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
    if blank < len(lines) and lines[blank].lstrip().startswith("%%"):
        if not _PYTHON_CELLS.fullmatch(lines[blank]):
            return ast.Module(body=[], type_ignores=[])
        # The first line may be followed by another such line.
        tree = _cell("\n".join(lines[blank + 1 :]), where)
        ast.increment_lineno(tree, blank + 1)
        return tree
    try:
        return parse(source, where)
    except NotebookError:
        from IPython.core.inputtransformer2 import TransformerManager

        # It takes empty lines off the beginning.
        manager = TransformerManager()  # type: ignore[no-untyped-call]
        text = manager.transform_cell("\n".join(lines[blank:]))
        tree = parse(text, where)
        for node in ast.walk(tree):
            _statement_of_magic(node)
        ast.increment_lineno(tree, blank)
        return tree


def _statement_of_magic(node: ast.AST) -> None:
    """Put the statement of `%time statement` where its text stands."""
    if not (
        isinstance(node, ast.Expr)
        and isinstance(call := node.value, ast.Call)
        and ast.unparse(call.func) == "get_ipython().run_line_magic"
        and isinstance(name := call.args[0], ast.Constant)
        and name.value in ("time", "timeit", "prun", "memit")
        and isinstance(text := call.args[1], ast.Constant)
        and (inner := _expression(str(text.value))) is not None
    ):
        return
    for part in ast.walk(inner):
        if isinstance(part, ast.expr | ast.keyword | ast.arg):
            part.lineno, part.end_lineno = node.lineno, node.end_lineno
    node.value = inner
