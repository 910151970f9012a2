"""Advice of how what is replaced could run for real. It goes by names: a hint, not a proof."""

import ast
import re
from collections.abc import Sequence
from dataclasses import replace

from widgetshot.audit.findings import Finding, Kind
from widgetshot.audit.scopes import Function
from widgetshot.audit.source import parameters

_DECLARED = "as a service in [tool.widgetshot.services]"
# Words, the built-in service, the advice. The first line that fits holds, so what is special comes first.
_REAL_BY_WORD: tuple[tuple[str, str, str], ...] = (
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
_REAL_BY_PATTERN = [(re.compile(rf"(?:{pattern})"), service, text) for pattern, service, text in _REAL_BY_WORD]
_OTHERWISE = f"call the real one; what it reaches can be had {_DECLARED}"


def for_real(target: str) -> tuple[str, str]:
    """Find how something could run for real, by the words of its name.

    Returns:
        The built-in service, "" if there is none, and the advice, "" if nothing is known.
    """
    # `mock_ssh_client` and `SSHClient` hold the same words. What is mocked says more than who mocks it.
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", target)
    whole = re.findall(r"\w+", target.casefold())
    words = {word for text in (target, apart) for word in re.findall(r"[^\W_]+", text.casefold())} | set(whole)
    for pattern, service, text in _REAL_BY_PATTERN:
        if any(pattern.fullmatch(word) for word in words):
            return service, text or f"real_{service} in a test, services: [{service}] in a notebook"
    return "", ""


_FIXED_ADVICE = {
    Kind.CLOCK: "a stopped clock replaces no behaviour; in a notebook: freeze_clock",
    Kind.ENVIRONMENT: "what a process is given is no double",
    Kind.SERVER: "real HTTP with answers that are written down; a service of your own answers by itself",
}


def advise(tree: ast.Module, found: Sequence[tuple[ast.AST, Finding]]) -> list[Finding]:
    """Return the findings with advice: by their own names, else by what the same function replaces or asks for."""
    functions = _outermost_functions(tree)
    advised = [(functions.get(node), finding, for_real(finding.replaces)) for node, finding in found]
    result = []
    for function, finding, (service, advice) in advised:
        near = [real for where, one, real in advised if where is function and one.kind.counted and real[1]]
        if function is not None:
            requested = [for_real(one.arg) for one in parameters(function.args)]
            near += [real for real in requested if real[0]]
        near.sort(key=lambda real: not real[0])
        # `mock_stdout = Mock()` says little; what the same test patches says what it belongs to.
        if function is not None and near and (not advice or (finding.kind is Kind.OBJECT and not service)):
            service, advice = near[0]
        if finding.kind in _FIXED_ADVICE:
            service, advice = "", _FIXED_ADVICE[finding.kind]
        elif finding.kind in (Kind.HTTP, Kind.RECORDING) and not service:
            advice = for_real("http")[1]
        result.append(replace(finding, service=service, for_real=advice or _OTHERWISE))
    return result


def _outermost_functions(tree: ast.Module) -> dict[ast.AST, Function]:
    """Return the outermost function around each node that is in one."""
    functions: dict[ast.AST, Function] = {}
    for node in ast.walk(tree):
        if isinstance(node, Function):
            for part in ast.walk(node):
                functions.setdefault(part, node)  # the outermost comes first
    return functions
