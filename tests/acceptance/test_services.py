"""Services run while notebooks need them: shared or own, never green when they die, never left behind."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from projects import LIGHT, MARK, Project, make_project, wait_until
from widgetshot.doctor import examine, missing_for_services, needed_services
from widgetshot.errors import ConfigError, ServerError
from widgetshot.project.loading import load_settings
from widgetshot.project.notebooks import load_notebook
from widgetshot.services.manager import Services

WEB = """
[tool.widgetshot.services.web]
command = ["{python}", "-m", "http.server", "--bind", "{host}", "--directory", "{folder}/www", "{port}"]
setup = ["mkdir {folder}/www", "cp {root}/hello.txt {folder}/www/"]
ready = {http = "http://{host}:{port}/hello.txt"}
url = "http://{host}:{port}"
environment = {WEB_ROOT = "{folder}/www"}
log = "logs/web.log"
"""
# Its port is taken by somebody else the first time, see OCCUPY.
CROWDED = WEB.replace("services.web", "services.crowded").replace(
    "setup = [", 'setup = ["{python} {root}/occupy.py {port} {root}/occupied {folder}", '
)
ABSENT = """
[tool.widgetshot.services.absent]
command = "no-such-program-anywhere {port}"
requires = {no-such-program-anywhere = "apt-get install --yes no-such-package"}
"""
ASK = """
import os, urllib.request, ipywidgets as widgets
from IPython.display import HTML, display
from widgetshot.services import control
def ask():
    try:
        with urllib.request.urlopen(os.environ["WIDGETSHOT_SERVICE_WEB_URL"] + "/hello.txt") as answer:
            return answer.read().decode()
    except OSError as error:
        return type(error).__name__
"""
SHARED = f"""#| widgetshot: {{services: [web]}}
#| shot: s{ASK}
try:
    control.stop("web")
except Exception as error:
    told = str(error)
assert "not this notebook's own" in told, told
with open(os.environ["SHARED_LOG"], "a") as log:
    log.write(os.environ["WIDGETSHOT_SERVICE_WEB_URL"] + "\\n")
assert ask() == "hello"
HTML("<b>asked</b>")"""
OWN = f"""#| widgetshot: {{services: [{{name: web, exclusive: true}}]}}
#| shot: s{ASK}
said = [ask()]
for what in (control.stop, control.start, control.kill, control.start):
    what("web")
    said.append(ask())
assert said == ["hello", "URLError", "hello", "URLError", "hello"], said
HTML("<b>asked</b>")"""
DIES = f"""#| widgetshot: {{services: [{{name: web, exclusive: true}}]}}
#| shot: s{ASK}
import psutil, time
for process in psutil.process_iter():
    try:
        if os.environ["WEB_ROOT"] in process.cmdline() and "http.server" in process.cmdline():
            process.kill()
            # Dead; whether somebody has taken note of that is another matter.
            while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.01)
    except psutil.Error:
        pass
HTML("<b>looks fine</b>")"""
CROWD = """#| widgetshot: {services: [crowded]}
#| shot: s
import os, urllib.request
url = os.environ["WIDGETSHOT_SERVICE_CROWDED_URL"]
with urllib.request.urlopen(url + "/hello.txt") as answer:
    print(answer.read().decode())
open(os.environ["CROWDED_LOG"], "w").write(url)
"""
# Listens at the port that the service is about to get, the first time.
OCCUPY = """
import socket, subprocess, sys
from pathlib import Path
port, mark, folder = sys.argv[1:]
if not Path(mark).exists():
    Path(mark).write_text(port)
    other = [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory", folder, port]
    with subprocess.Popen(other, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        server.stdout.readline()
        server.returncode = 0  # it is left to whoever adopts it
"""
RAISES = DIES.replace('HTML("<b>looks fine</b>")', "assert ask() == 'hello'")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One run of notebooks that share a service, have their own, lose it, or find its port taken."""
    project = make_project(tmp_path_factory.mktemp("served"))
    project.write("pyproject.toml", "[tool.widgetshot]\nsettle_timeout = 5\n" + WEB + CROWDED + ABSENT)
    project.notebook("lacking/needs.ipynb", "#| widgetshot: {services: [absent]}\n#| shot: s\nprint(1)")
    project.notebook("lacking/plain.ipynb", "#| shot: s\nprint(1)")
    project.write("hello.txt", "hello")
    project.write("occupy.py", OCCUPY)
    project.environment["CROWDED_LOG"] = str(project.root / "crowded.log")
    project.environment["SHARED_LOG"] = str(project.root / "shared.log")
    for name, source in {
        "one": SHARED,
        "two": SHARED,
        "own": OWN,
        "dies": DIES,
        "raises": RAISES,
        "crowded": CROWD,
    }.items():
        project.notebook(f"notebooks/{name}.ipynb", source)
    done = project.widgetshot("run", "--update-baselines")
    project.write("output.txt", done.stdout + done.stderr)
    assert done.returncode == 2, done.stdout + done.stderr
    return project


def test_shared_service_starts_once_and_an_own_one_can_be_stopped_and_started(served: Project) -> None:
    verdicts = served.verdicts()
    assert {name: verdicts[f"notebooks/{name}.ipynb::s"] for name in ("one", "two", "own")} == dict.fromkeys(
        ("one", "two", "own"), "new"
    )
    assert len(set((served.root / "shared.log").read_text().split())) == 1
    instances = {service["name"]: service["instances"] for service in served.report()["services"]}
    assert instances == {"web": 4, "crowded": 1}
    (service,) = [one for one in served.report()["services"] if one["name"] == "web"]
    assert service["seconds"] > 0
    assert "services" in served.report()["timings"]


@pytest.mark.parametrize("name", ["dies", "raises"])
def test_a_service_that_dies_is_the_cause_and_never_green(served: Project, name: str) -> None:
    entry = served.entry(f"notebooks/{name}.ipynb::s")
    assert entry["verdict"] == "broken"
    assert "the service 'web' died while the notebook used it: web ended, its last words: " in entry["error"]["message"]
    assert entry["error"]["next"] == "widgetshot doctor --services"


def test_nothing_is_left_and_the_log_is_kept(served: Project) -> None:
    assert served.left_behind() == []
    assert "GET /hello.txt" in (served.root / "logs" / "web.log").read_text()


@pytest.fixture(scope="module")
def elsewhere(served: Project) -> str:
    """The address of a service elsewhere that the same project was run with, less what needs one that is missing."""
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(served.root), "0"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {MARK: "of the test"},
    ) as process:
        try:
            assert process.stdout
            url = f"http://127.0.0.1:{process.stdout.readline().split(' port ')[1].split()[0]}"
            words = ("run", "--report", "r2", "--skip-missing-services", "--update-baselines")
            done = served.widgetshot(
                *words, "notebooks/one.ipynb", "lacking", environment={"WIDGETSHOT_SERVICE_WEB_URL": url}
            )
        finally:
            process.terminate()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "- lacking/needs.ipynb: " in done.stdout
    return url


def test_service_elsewhere_is_used_and_nothing_is_started(served: Project, elsewhere: str) -> None:
    assert (served.root / "shared.log").read_text().split()[-1] == elsewhere
    (service,) = served.report("r2")["services"]
    assert service == {"name": "web", "seconds": 0.0, "instances": 1, "elsewhere": True}


def skipped(project: Project, report: str, notebook: str) -> str:
    """Why the one notebook that a run has skipped was."""
    (entry,) = project.report(report)["skipped"]
    assert entry["notebook"] == notebook
    return str(entry["reason"])


@pytest.mark.usefixtures("elsewhere")
def test_notebook_whose_service_can_not_be_had_can_be_skipped(served: Project) -> None:
    assert "not found" in skipped(served, "r2", "lacking/needs.ipynb")
    assert served.verdicts("r2") == {"notebooks/one.ipynb::s": "match", "lacking/plain.ipynb::s": "new"}


def test_service_gets_another_port_where_somebody_else_took_its_own(served: Project) -> None:
    assert served.verdicts()["notebooks/crowded.ipynb::s"] == "new"
    (url,) = (served.root / "crowded.log").read_text().split()
    assert not url.endswith(":" + (served.root / "occupied").read_text())


def test_services_end_with_pytest_by_ctrl_c(project: Project) -> None:
    project.write("pyproject.toml", WEB)
    project.write("hello.txt", "hello")
    project.notebook("notebooks/a.ipynb", "#| widgetshot: {services: [web]}\n#| shot: s\nimport time\ntime.sleep(500)")
    own = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", *LIGHT, "-p", "no:cacheprovider", "notebooks"],
        cwd=project.root,
        env=own | {MARK: project.mark},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as running:
        wait_until(lambda: any("http.server" in line for line in project.left_behind()))
        running.send_signal(signal.SIGINT)
    wait_until(lambda: not project.left_behind())


@pytest.fixture(scope="module")
def absent(shared_project: Project) -> Project:
    """A project one of whose notebooks needs a service that can't be had."""
    shared_project.write("pyproject.toml", ABSENT)
    shared_project.notebook("notebooks/needs.ipynb", "#| widgetshot: {services: [absent]}\n#| shot: s\nprint(1)")
    shared_project.notebook("notebooks/plain.ipynb", "#| shot: s\nprint(1)")
    return shared_project


def test_missing_program_is_reported_with_its_command_before_anything_runs(absent: Project) -> None:
    missing = absent.widgetshot("run", "--report", "refused")
    assert missing.returncode == 2
    assert (
        "notebooks/needs.ipynb: the service 'absent' can't be had: no-such-program-anywhere not found" in missing.stderr
    )
    assert "apt-get install --yes no-such-package" in missing.stderr
    assert not (absent.root / "refused").exists()


def test_notebooks_that_need_services_can_be_left_out(absent: Project) -> None:
    left = absent.widgetshot("run", "--without-services", "--update-baselines")
    assert left.returncode == 0, left.stderr
    assert "- notebooks/needs.ipynb: " in left.stdout
    why = skipped(absent, "widgetshot-report", "notebooks/needs.ipynb")
    assert "needs services, which were not asked for: absent" in why
    assert list(absent.verdicts()) == ["notebooks/plain.ipynb::s"]


def test_missing_program_fails_its_notebook_alone_in_pytest(absent: Project) -> None:
    failed = absent.pytest("notebooks", "--update-baselines=missing")
    assert failed.returncode == 2
    assert "1 failed, 1 passed" in failed.stdout
    assert "apt-get install --yes no-such-package" in failed.stdout


def test_pytest_skips_what_needs_a_missing_program_where_that_is_asked_for(absent: Project) -> None:
    skipped = absent.pytest("notebooks/needs.ipynb", "--skip-missing-services")
    assert skipped.returncode == 0, skipped.stdout
    assert "1 skipped" in skipped.stdout


def test_pytest_selects_what_needs_services(absent: Project) -> None:
    chosen = absent.pytest("notebooks", "-q", "--collect-only", "-m", "not services")
    assert "notebooks/plain.ipynb::s" in chosen.stdout
    assert "1/2 tests collected (1 deselected)" in chosen.stdout


def test_doctor_needs_a_program_only_where_it_is_asked_for_services(absent: Project) -> None:
    doctor = absent.widgetshot("doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert "- service absent" in doctor.stdout
    doctor = absent.widgetshot("doctor", "--services")
    assert doctor.returncode == 2
    assert "next: apt-get install --yes no-such-package" in doctor.stdout


def test_what_only_expensive_notebooks_need_is_not_installed_with_the_rest(project: Project) -> None:
    project.write("pyproject.toml", ABSENT)
    chat = "#| widgetshot: {services: [%s], markers: [expensive]}\n#| shot: s\nprint(1)"
    project.notebook("notebooks/chat.ipynb", chat % "inference, redis, absent")
    project.notebook("notebooks/cache.ipynb", "#| widgetshot: {services: [redis]}\n#| shot: s\nprint(1)")
    settings = load_settings(project.root)
    assert needed_services(settings) == {"absent": False, "inference": True, "redis": False}
    names = [one.name for one in missing_for_services(settings)]
    assert "no-such-program-anywhere" in names
    assert not {"torch", "transformers"} & set(names)
    findings = {finding.subject: finding for finding in examine(settings, services=True)}
    assert findings["service absent"].needed
    inference = findings["service inference"]
    assert inference.ok or not inference.needed


def test_python_tests_share_services_and_record_durations(project: Project) -> None:
    project.write("pyproject.toml", WEB)
    project.write("hello.txt", "hello")
    project.write(
        "tests/test_web.py",
        """
import urllib.request
def test_web(widgetshot_services, performance_monitor):
    url = widgetshot_services.endpoint("web").url
    with performance_monitor("ask"):
        assert urllib.request.urlopen(url + "/hello.txt").read() == b"hello"
    assert widgetshot_services.endpoint("web").url == url
""",
    )
    done = project.pytest("tests")
    assert done.returncode == 0, done.stdout
    run = project.report()
    (duration,) = run["durations"]
    assert duration["test"] == "tests/test_web.py::test_web"
    assert duration["name"] == "ask"
    assert duration["seconds"] > 0
    assert [service["instances"] for service in run["services"]] == [1]
    assert "Measured by tests" in (project.root / "widgetshot-report" / "index.html").read_text()
    assert project.left_behind() == []


def services(folder: Path, table: str) -> Services:
    (folder / "pyproject.toml").write_text(f"[tool.widgetshot.services.it]\n{table}")
    return Services(load_settings(folder).services)


def test_daemon_that_ends_at_once_is_reported_with_its_log(tmp_path: Path) -> None:
    with services(tmp_path, """command = ["{python}", "-c", "import sys; sys.exit('no good: {port}')"]""") as own:
        future = own.start("it")
        with pytest.raises(ServerError, match=r"it ended with exit code 1 before it was ready(.|\n)*no good: [0-9]+"):
            future.result()


def test_nothing_of_a_service_is_kept_where_a_browsers_driver_keeps_its_own_while_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tempfile.gettempdir()
    (tmp_path / "driver").mkdir()
    serve = "import http.server, os; print(os.environ['TMPDIR']); "
    serve += "http.server.HTTPServer(('{host}', {port}), http.server.SimpleHTTPRequestHandler).serve_forever()"
    table = f'log = "it.log"\ncommand = ["{{python}}", "-u", "-c", "{serve}"]\nready = {{tcp = "{{port}}"}}'
    with services(tmp_path, table) as own:
        monkeypatch.setenv("TMPDIR", str(tmp_path / "driver"))
        own.start("it").result()
    assert (tmp_path / "it.log").read_text().splitlines()[0] == temporary


def test_daemon_that_never_gets_ready_is_ended_after_its_time(tmp_path: Path) -> None:
    with services(tmp_path, 'command = ["{python}", "-c", "import time; time.sleep(500)"]\ntimeout = 1') as own:
        future = own.start("it")
        with pytest.raises(ServerError, match="it was not ready after 1 s"):
            future.result()


def test_failing_setup_is_reported(tmp_path: Path) -> None:
    with services(tmp_path, 'command = "sleep 500"\nsetup = ["cp {folder}/nothing {folder}/x"]') as own:
        future = own.start("it")
        with pytest.raises(ServerError, match=r"exit code 1:\n.*No such file"):
            future.result()


@pytest.mark.parametrize("at_once", [False, True])
def test_closing_does_not_wait_for_what_never_gets_ready(tmp_path: Path, at_once: bool) -> None:
    begun = tmp_path / "begun"
    waits = f"import pathlib, time; pathlib.Path({str(begun)!r}).touch(); time.sleep(500)"
    own = services(tmp_path, f'command = ["{{python}}", "-c", "{waits}"]\ntimeout = 500')
    future = own.start("it")
    if not at_once:
        wait_until(begun.exists)
    with ThreadPoolExecutor() as pool:
        pool.submit(own.close).result(60)
    with pytest.raises(ServerError):
        future.result()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("comand = 'x'", "unknown option 'comand'.*did you mean 'command'"),
        ("url = 'x'", "lacks 'command'; 'it' is no built-in service"),
        ("command = []", "is empty"),
        ("command = 'x {pport}'", r"nothing fills '\{pport\}'; did you mean 'port'"),
        ("command = 'x {'", "a brace that stays is doubled"),
        ("command = 'x \"'", "No closing quotation"),
        ("command = 'x'\nready = {tcp = '{port}', http = 'y'}", "is one of"),
        ("command = 'x'\nready = {tcp = 'nowhere'}", "tcp is a port"),
        ("command = 'x'\nports = ['folder']", "names of lower-case letters"),
        ("command = 'x'\nports = []", "is empty"),
        ("command = 'x'\ntimeout = 0", "number over 0"),
        ("command = 'x'\nlog = '/etc/x'", "must be relative to the project's root"),
        ("command = 'x'\nenvironment = {A = 1}", "environment A must be text|environment A: must be text"),
    ],
)
def test_wrong_declaration_is_refused_where_it_is(tmp_path: Path, table: str, message: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.widgetshot.services.it]\n{table}")
    with pytest.raises(ConfigError, match=message) as caught:
        load_settings(tmp_path)
    assert "services.it" in caught.value.where


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("services: web", "must be a list of names"),
        ("services: [wbe]", "unknown service 'wbe'; did you mean 'web'"),
        ("services: [web, web]", "'web' comes twice"),
        ("services: [{name: web, onw: true}]", "unknown option of a service 'onw'"),
        ("services: [{exclusive: true}]", "an entry is NAME or"),
        ("services: [{name: web, exclusive: 1}]", "an entry is NAME or"),
    ],
)
def test_wrong_need_is_refused(tmp_path: Path, options: str, message: str) -> None:
    (tmp_path / "pyproject.toml").write_text(WEB)
    source = f"#| widgetshot: {{{options}}}\n#| shot: s\nprint(1)"
    file = Project(tmp_path).notebook("notebooks/a.ipynb", source)
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        load_notebook(load_settings(tmp_path), file)
    assert "notebooks/a.ipynb" in caught.value.where


def test_wrong_need_ends_a_run_before_anything_is_started(project: Project) -> None:
    project.write("pyproject.toml", WEB)
    project.notebook("notebooks/a.ipynb", "#| widgetshot: {services: [wbe]}\n#| shot: s\nprint(1)")
    done = project.widgetshot("run")
    assert done.returncode == 3
    assert "notebooks/a.ipynb: " in done.stderr
    assert "unknown service 'wbe'; did you mean 'web'" in done.stderr
    assert not (project.root / "widgetshot-report").exists()


def test_no_log_and_no_message_of_a_service_says_a_secret(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.widgetshot.services.it]\nlog = "it.log"\n'
        """command = ["{python}", "-c", "import os, sys; sys.exit('key ' + os.environ['HIDDEN_KEY'])"]\n"""
    )
    settings = load_settings(tmp_path)
    environment = {"HIDDEN_KEY": "canary-4711-of-the-test"}
    os.environ |= environment
    try:
        with Services(settings.services, environment.values()) as own, pytest.raises(ServerError) as caught:
            own.start("it").result()
    finally:
        del os.environ["HIDDEN_KEY"]
    assert "key ***" in caught.value.what
    assert (tmp_path / "it.log").read_text() == "key ***\n"
