"""Each built-in service really runs, is really used, and is really gone afterwards."""

import asyncio
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from clustrix.executor import ClusterExecutor
from instances import Instance, instance, need, until

from widgetshot.errors import ConfigError, ServerError
from widgetshot.services import builtin
from widgetshot.services.builtin.inference import LESSONS
from widgetshot.services.daemons import Daemons
from widgetshot.services.endpoint import Endpoint
from widgetshot.services.isolation import part_name
from widgetshot.services.programs import Requirement, find_program
from widgetshot.services.recipe import Daemon, Plan, Ready
from widgetshot.services.workspace import Workspace

pytestmark = pytest.mark.services


def call(endpoint: Endpoint, *command: str) -> str:
    """A program of the service's own, in the environment that a kernel gets."""
    done = subprocess.run(
        command, env=os.environ | dict(endpoint.environment), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# What each service keeps: `write` puts a value in, `read` gets it back over a new connection.


def write_sshd(endpoint: Endpoint, value: str) -> None:
    with _paramiko(endpoint, endpoint.environment["WIDGETSHOT_SERVICE_SSHD_KEY"]) as client:
        folder = endpoint.environment["WIDGETSHOT_SERVICE_SSHD_FOLDER"]
        _, out, _ = client.exec_command(f"whoami && echo {value} > {folder}/value")
        assert out.read().decode().strip() == endpoint.environment["WIDGETSHOT_SERVICE_SSHD_USER"]
        with client.open_sftp() as files:
            assert files.stat(f"{folder}/value").st_size == len(value) + 1


def read_sshd(endpoint: Endpoint) -> str:
    folder, config = (endpoint.environment[f"WIDGETSHOT_SERVICE_SSHD_{name}"] for name in ("FOLDER", "CONFIG"))
    return call(endpoint, "ssh", "-F", config, "sshd", f"cat {folder}/value")


def _paramiko(endpoint: Endpoint, key: str) -> Any:
    import paramiko

    client = paramiko.SSHClient()
    client.load_host_keys(endpoint.environment["WIDGETSHOT_SERVICE_SSHD_KNOWN_HOSTS"])
    # Nobody but the host of this key may be at that address.
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    parts = urlsplit(endpoint.url)
    client.connect(
        parts.hostname or "",
        parts.port or 0,
        parts.username,
        key_filename=key,
        allow_agent=False,
        look_for_keys=False,
    )
    return client


def write_slurm(endpoint: Endpoint, value: str) -> None:
    folder = endpoint.environment["WIDGETSHOT_SERVICE_SLURM_FOLDER"]
    job = submit(endpoint, folder, f"echo {value} $SLURM_JOB_NODELIST > value")
    # It is listed until it has run, and for some minutes after that with its end.
    until(lambda: call(endpoint, "squeue", "-h", "--states=all", "-j", job, "-o", "%T") == "COMPLETED")


def read_slurm(endpoint: Endpoint) -> str:
    folder = endpoint.environment["WIDGETSHOT_SERVICE_SLURM_FOLDER"]
    value, node = Path(folder, "value").read_text().split()
    assert node == "node1"
    return value


def submit(endpoint: Endpoint, folder: str | Path, script: str) -> str:
    return call(endpoint, "sbatch", "--parsable", f"--chdir={folder}", f"--wrap={script}")


def write_postgres(endpoint: Endpoint, value: str) -> None:
    psql(endpoint, f"CREATE TABLE said (word text PRIMARY KEY); INSERT INTO said VALUES ('{value}')")


def read_postgres(endpoint: Endpoint) -> str:
    return psql(endpoint, "SELECT word FROM said")


def psql(endpoint: Endpoint, statement: str) -> str:
    folder = builtin.load("postgres").requirements[-1].folder
    return call(endpoint, find_program("psql", folder) or "", "-XAtq", endpoint.url, "-c", statement)


def write_redis(endpoint: Endpoint, value: str) -> None:
    assert redis(endpoint, "set", endpoint.environment["WIDGETSHOT_SERVICE_REDIS_PREFIX"] + "word", value) == "OK"


def read_redis(endpoint: Endpoint) -> str:
    return redis(endpoint, "get", endpoint.environment["WIDGETSHOT_SERVICE_REDIS_PREFIX"] + "word")


def redis(endpoint: Endpoint, *command: str) -> str:
    return call(endpoint, "redis-cli", "--no-auth-warning", "-u", endpoint.url, *command)


def write_clickhouse(endpoint: Endpoint, value: str) -> None:
    clickhouse(endpoint.url, "CREATE TABLE said (word String) ENGINE = Log")
    clickhouse(endpoint.url, f"INSERT INTO said VALUES ('{value}')")


def read_clickhouse(endpoint: Endpoint) -> str:
    return clickhouse(endpoint.url, "SELECT word FROM said")


def clickhouse(url: str, statement: str, password: str = "") -> str:
    parts = urlsplit(url)
    bare = parts._replace(netloc=f"{parts.hostname}:{parts.port}").geturl()
    headers = {"X-ClickHouse-User": parts.username or "", "X-ClickHouse-Key": password or parts.password or ""}
    with urllib.request.urlopen(urllib.request.Request(bare, statement.encode(), headers)) as answer:
        return str(answer.read().decode().strip())


def s3(endpoint: Endpoint) -> Any:
    import boto3

    env = endpoint.environment
    return boto3.client(
        "s3",
        endpoint_url=endpoint.url,
        region_name=env["AWS_DEFAULT_REGION"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
    )


def write_s3(endpoint: Endpoint, value: str) -> None:
    client, bucket = s3(endpoint), endpoint.environment["WIDGETSHOT_SERVICE_S3_BUCKET"]
    client.put_object(Bucket=bucket, Key="said/word.txt", Body=value.encode())
    listed = client.list_objects_v2(Bucket=bucket, Prefix="said/")
    assert [(entry["Key"], entry["Size"]) for entry in listed["Contents"]] == [("said/word.txt", len(value))]


def read_s3(endpoint: Endpoint) -> str:
    bucket = endpoint.environment["WIDGETSHOT_SERVICE_S3_BUCKET"]
    return str(s3(endpoint).get_object(Bucket=bucket, Key="said/word.txt")["Body"].read().decode())


USES: dict[str, tuple[Callable[[Endpoint, str], None], Callable[[Endpoint], str]]] = {
    "sshd": (write_sshd, read_sshd),
    "slurm": (write_slurm, read_slurm),
    "postgres": (write_postgres, read_postgres),
    "redis": (write_redis, read_redis),
    "clickhouse": (write_clickhouse, read_clickhouse),
    "s3": (write_s3, read_s3),
}


@pytest.mark.parametrize("name", USES)
def test_two_instances_and_two_parts_of_one_share_nothing_and_survive_a_stop(name: str) -> None:
    write, read = USES[name]
    recipe = builtin.load(name)
    with instance(name) as first, instance(name) as second:
        with (
            recipe.isolate(first.endpoint, "t_one") as one,
            recipe.isolate(first.endpoint, "t_two") as two,
            recipe.isolate(second.endpoint, "t_one") as other,
        ):
            for endpoint, value in ((one, "a1"), (two, "a2"), (other, "b1")):
                write(endpoint, value)
            assert [read(one), read(two), read(other)] == ["a1", "a2", "b1"]
            running, listening = first.processes, first.open_ports
            assert listening == [*first.ports.values()]
            first.ask("stop")
            assert [process for process in running if process.is_running()] == []
            assert first.open_ports == []
            assert read(other) == "b1"
            first.ask("start")
            assert first.ask("ended") == []
            assert first.open_ports == listening
            assert read(two) == "a2"
        # Nothing of a part is left in the service: another of its name starts empty.
        with recipe.isolate(first.endpoint, "t_one") as again:
            write(again, "a3")
            assert read(again) == "a3"


def test_a_message_reaches_all_that_are_connected_to_the_same_path_and_nobody_else() -> None:
    need("websocket")
    from websockets.asyncio.client import connect

    async def talk(one: str, other: str) -> list[str | bytes]:
        async with connect(one) as sender, connect(one) as listener, connect(other) as stranger:
            await sender.send("to one")
            heard = [await sender.recv(), await listener.recv()]
            await stranger.send("to the other")
            return [*heard, await stranger.recv()]

    recipe = builtin.load("websocket")
    with instance("websocket") as first, instance("websocket") as second:
        with recipe.isolate(first.endpoint, "t_one") as one, recipe.isolate(first.endpoint, "t_two") as two:
            assert asyncio.run(talk(one.url, two.url)) == ["to one", "to one", "to the other"]
        assert asyncio.run(talk(first.endpoint.url, second.endpoint.url))[-1] == "to the other"
        first.ask("stop")
        with pytest.raises(ConnectionRefusedError):
            asyncio.run(talk(first.endpoint.url, first.endpoint.url))
        first.ask("start")
        assert asyncio.run(talk(first.endpoint.url, second.endpoint.url))[0] == "to one"


@pytest.mark.expensive
def test_a_model_trained_just_now_generates_the_same_answers_in_each_instance_and_after_a_stop() -> None:
    need("inference")
    import openai

    def client(endpoint: Endpoint) -> Any:
        key = endpoint.environment["OPENAI_API_KEY"]
        return openai.OpenAI(base_url=endpoint.environment["OPENAI_BASE_URL"], api_key=key, max_retries=0)

    def say(endpoint: Endpoint, *words: str, model: str = "", longest: int = 60) -> list[str]:
        """The pieces of the next answer in a conversation, as they come."""
        messages = [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(words)]
        model = model or endpoint.environment["WIDGETSHOT_SERVICE_INFERENCE_MODEL"]
        with client(endpoint) as caller:
            stream = caller.chat.completions.create(
                model=model, messages=messages, temperature=0, max_tokens=longest, stream=True
            )
            return [piece for chunk in stream for choice in chunk.choices if (piece := choice.delta.content)]

    with instance("inference") as first, instance("inference") as second:
        one, two = first.endpoint, second.endpoint
        assert addresses(first) == {"127.0.0.1"}
        with client(one) as caller:
            models = [model.id for model in caller.models.list()]
        assert models == [one.environment["WIDGETSHOT_SERVICE_INFERENCE_MODEL"]]
        for question, answer in LESSONS:
            pieces = say(one, question)
            assert "".join(pieces) == answer
            assert len(pieces) > 5
            assert say(two, *LESSONS[0], question) == pieces
        # Each token follows from those before it: a shorter answer is the beginning of the longer one.
        assert say(one, question, longest=4) == pieces[:4]
        with pytest.raises(openai.BadRequestError) as wrong:
            say(one, "Hello", model="widgetshot/large")
        assert "requested 'widgetshot/large'" in str(wrong.value.body)
        first.ask("stop")
        with pytest.raises(openai.APIConnectionError) as refused:
            say(one, "Hello")
        assert "Connection refused" in str(refused.value.__cause__)
        first.ask("start")
        assert say(one, question) == pieces


def test_a_wrong_password_is_refused() -> None:
    with instance("postgres") as running:
        url = urlsplit(running.endpoint.url)
        wrong = url._replace(netloc=url.netloc.replace(url.password or "", "wrong")).geturl()
        with pytest.raises(AssertionError, match="password authentication failed"):
            psql(Endpoint("postgres", wrong), "SELECT 1")
    with instance("redis") as running:
        url = urlsplit(running.endpoint.url)
        with pytest.raises(AssertionError, match="NOAUTH"):
            call(Endpoint("redis", ""), "redis-cli", "-e", "-p", str(url.port), "get", "word")
    with instance("clickhouse") as running, pytest.raises(urllib.error.HTTPError):
        clickhouse(running.endpoint.url, "SELECT 1", password="wrong")


def test_a_key_of_somebody_else_is_refused(tmp_path: Path) -> None:
    import paramiko

    need("sshd")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    with instance("sshd") as running, pytest.raises(paramiko.AuthenticationException):
        _paramiko(running.endpoint, str(tmp_path / "key"))


def test_clustrix_connects_over_sshd() -> None:
    from clustrix.config import ClusterConfig

    with instance("sshd") as running:
        parts = urlsplit(running.endpoint.url)
        config = ClusterConfig(
            cluster_type="ssh",
            cluster_host=parts.hostname,
            cluster_port=parts.port or 0,
            username=parts.username,
            key_file=running.endpoint.environment["WIDGETSHOT_SERVICE_SSHD_KEY"],
        )
        executor = ClusterExecutor(config)
        executor.connect()
        try:
            # The login's Python is the one that runs the tests.
            out, _ = executor._execute_remote_command("python -c 'import sys; print(sys.prefix)'")
        finally:
            executor.disconnect()
        assert out.strip() == sys.prefix


def test_a_login_and_what_it_runs_end_with_sshd() -> None:
    with instance("sshd") as running:
        config = running.endpoint.environment["WIDGETSHOT_SERVICE_SSHD_CONFIG"]
        command = ["ssh", "-F", config, "sshd", "echo ready; setsid sleep 4000"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as login:
            assert login.stdout is not None
            assert login.stdout.readline() == "ready\n"
            asleep = until(lambda: running.running("sleep 4000"))
            running.ask("kill", "sshd")
            assert asleep[0].is_running()
            running.ask("stop")
            assert not asleep[0].is_running()
            login.wait(20)


def test_a_dead_slurmd_is_seen_and_started_again(tmp_path: Path) -> None:
    with instance("slurm") as running:
        until(lambda: call(running.endpoint, "sinfo", "-h", "-o", "%N %T %c %m") == "node1 idle 4 8192")
        running.ask("kill", "slurmd")
        assert running.ask("ended") == ["slurmd"]
        assert running.open_ports == [running.ports["controller"]]
        job = submit(running.endpoint, tmp_path, "touch ran")
        until(lambda: "node1 down" in call(running.endpoint, "sinfo", "-h", "-o", "%N %T").replace("*", ""))
        running.ask("start")
        assert running.ask("ended") == []
        until(lambda: (tmp_path / "ran").exists())
        until(lambda: call(running.endpoint, "squeue", "-h", "-j", job) == "")


def test_a_running_job_ends_with_slurm(tmp_path: Path) -> None:
    with instance("slurm") as running:
        for _ in range(5):  # one more than there are processors
            submit(running.endpoint, tmp_path, "echo $$ >> started; exec sleep 4000")
        jobs = until(lambda: running.running("sleep 4000")[3:])
        states = call(running.endpoint, "squeue", "-h", "-o", "%T").split()
        assert sorted(states) == ["PENDING", "RUNNING", "RUNNING", "RUNNING", "RUNNING"]
        running.ask("stop")
        assert not jobs[0].is_running()


@pytest.mark.skipif(os.getuid() != 0 or sys.platform != "linux", reason="only root may name a machine")
def test_slurm_keeps_to_the_loopback_on_a_machine_whose_name_nobody_knows(tmp_path: Path) -> None:
    named = ("unshare", "--uts", "sh", "-c", 'hostname nobody-knows-me && exec "$@"', "sh")
    with instance("slurm", *named) as running:
        submit(running.endpoint, tmp_path, "(hostname; srun hostname) > ran && touch over")
        until(lambda: (tmp_path / "over").exists())
        assert (tmp_path / "ran").read_text() == "nobody-knows-me\n" * 2
        assert addresses(running) == {"127.0.0.1"}


@pytest.mark.parametrize("name", [name for name in builtin.NAMES if name in USES or name == "websocket"])
def test_only_the_loopback_is_listened_at(name: str) -> None:
    with instance(name) as running:
        assert addresses(running) == {"127.0.0.1"}


def addresses(running: Instance) -> set[str]:
    """Where an instance's processes listen."""
    return {
        connection.laddr.ip
        for process in running.processes
        for connection in _connections(process)
        if connection.status == psutil.CONN_LISTEN
    }


def _connections(process: psutil.Process) -> list[Any]:
    try:
        return list(process.net_connections("inet"))
    except (psutil.NoSuchProcess, FileNotFoundError):  # it has ended meanwhile
        return []


def test_daemons_end_when_the_process_that_started_them_is_killed() -> None:
    with instance("redis") as running:
        redis_server = running.processes
        running.process.kill()
        _, alive = psutil.wait_procs(redis_server, timeout=20)
        assert redis_server
        assert alive == []


def test_a_daemon_that_does_not_get_ready_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    shell = find_program("sh") or ""
    fine = Daemon("fine", (shell, "-c", "exec sleep 3000"), Ready(command=(shell, "-c", "true")))
    cases = [
        ("echo no space left; exit 3", r"bad ended with exit code 3 before it was ready.*\nno space left"),
        ("echo gone to the background", r"bad ended with exit code 0 before it was ready.*\ngone"),
        ("echo still thinking; exec sleep 3000", r"bad was not ready after 1 s.*\nstill thinking"),
        ("exec sleep 3000", r"bad was not ready after 1 s; its log is empty"),
    ]
    for number, (script, expected) in enumerate(cases):
        folder = tmp_path / str(number)
        folder.mkdir()
        bad = Daemon("bad", (shell, "-c", script), Ready(command=(shell, "-c", "false")))
        running = Daemons(Plan((fine, bad), ""), Workspace(folder, {}), timeout=1)
        with pytest.raises(ServerError, match=expected):
            running.start()
        assert running.ended == ("fine", "bad")


def test_an_unknown_service_is_named_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'postgres'"):
        builtin.load("postgre")


def test_missing_programs_are_named_with_what_installs_them() -> None:
    assert not Requirement("no-such-program", "apt-get install -y nothing").met
    for name in builtin.NAMES:
        for each in builtin.load(name).requirements:
            assert each.install.startswith(("apt-get install -y --no-install-recommends ", "pip install ")), name


def test_parts_are_named_for_their_test_and_differ() -> None:
    names = {part_name(f"tests/test_{file}.py::test_{'x' * 50}[{case}]") for file in "ab" for case in "cd"}
    assert len(names) == 4
    assert all(len(name) <= 34 and name.isidentifier() and name == name.lower() for name in names)
    assert json.dumps(part_name("tests/test_a.py::test_Rows-[1]")).startswith('"t_rows_1_')
