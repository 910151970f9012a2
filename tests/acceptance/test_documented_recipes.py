"""The recipes of the documentation, run as the scripts they are."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from decision_files import KEY, baseline_file, build, decision, document, fenced, shot_of
from projects import LIGHT, MARK, MEASURING, Project, make_project

DOCS = Path(__file__).parents[2] / "docs/how-to"
PUSH_TOKEN, JOB_TOKEN = "glpat-push-0123456789", "job-token-9876543210"
PROJECT = "us/widgets"


def fenced_in(page: str, language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


GITHUB = {
    name: job
    for page in ("ci.md", "review-in-ci.md")
    for name, job in yaml.safe_load(fenced_in(page, "yaml")[0])["jobs"].items()
}
GITLAB: dict[str, Any] = yaml.safe_load(fenced_in("review-in-ci.md", "yaml")[1])


def run_script(text: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a script as the runners of both do."""
    others = ("GITHUB_", "CI_", "GIT_", *MEASURING)
    own = {key: value for key, value in os.environ.items() if not key.startswith(others)}
    own["PYTEST_ADDOPTS"] = " ".join(LIGHT)
    own["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{own['PATH']}"
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text],
        cwd=folder, env=own | environment, capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip


def git(folder: Path, *words: str) -> str:
    own = ("-c", "user.name=A", "-c", "user.email=a@example.invalid", "-c", "init.defaultBranch=main")
    return subprocess.run(["git", *own, *words], cwd=folder, check=True, capture_output=True, text=True).stdout


class Forge(ThreadingHTTPServer):
    """What of a GitLab the recipe needs: git's own server behind a token, and a job's artifacts behind another."""

    def __init__(self, repositories: Path, artifacts: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.repositories = repositories
        self.artifacts = artifacts

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Request(BaseHTTPRequestHandler):
    server: Forge

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: standard error is the test's."""

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path == "/api/v4/projects/7/jobs/12/artifacts":
            known = self.headers["JOB-TOKEN"] == JOB_TOKEN
            self._answer(200, self.server.artifacts.read_bytes()) if known else self._answer(401)
            return
        login = "Basic " + base64.b64encode(f"approve:{PUSH_TOKEN}".encode()).decode()
        if self.headers["Authorization"] != login:
            self._answer(401, WWW_Authenticate='Basic realm="git"')
            return
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size) if size else b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while count := int(self.rfile.readline(), 16):
                body += self.rfile.read(count)
                self.rfile.readline()
        done = subprocess.run(
            ["git", "http-backend"],
            input=body,
            check=True,
            capture_output=True,
            env={
                "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(self.server.repositories),
                "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path,
                "QUERY_STRING": query, "REQUEST_METHOD": self.command, "REMOTE_USER": "approve",
                "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            },
        )  # fmt: skip
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        status = int(headers.pop("Status", "200").split()[0])
        self._answer(status, content, **headers)

    do_POST = do_GET  # noqa: N815  the base class calls it so


@pytest.fixture(scope="module")
def merge_request(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a repository, in it a merge request's branch and hostile code beside its baselines, and the run."""
    folder = tmp_path_factory.mktemp("merge-request")
    source = folder / "source"
    source.mkdir()
    build(source)
    (source / "widgetshot-report").rename(folder / "widgetshot-report")
    (source / "pyproject.toml").write_text('[tool.widgetshot]\nbaselines = "../stolen"\n')
    (source / "widgetshot.py").write_text("raise SystemExit('executed')")
    git(source, "init")
    git(source, "add", "--all")
    git(source, "commit", "-m", "first")
    git(source, "branch", "topic/buttons")
    (folder / "repositories/us").mkdir(parents=True)
    git(folder, "clone", "--bare", str(source), f"repositories/{PROJECT}.git")
    git(folder / f"repositories/{PROJECT}.git", "config", "http.receivepack", "true")
    with zipfile.ZipFile(folder / "run.zip", "w") as archive:
        for file in (folder / "widgetshot-report").rglob("*"):
            archive.write(file, file.relative_to(folder))
    return folder


@pytest.fixture
def forge(merge_request: Path, tmp_path: Path) -> Iterator[Forge]:
    """A forge with a copy of the merge request, and of the run that was reviewed."""
    shutil.copytree(merge_request, tmp_path, dirs_exist_ok=True)
    server = Forge(tmp_path / "repositories", tmp_path / "run.zip")
    # By default it looks only twice a second whether it is to end.
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def approving(forge: Forge, folder: Path, decisions: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run the recipe's job `approve`, less its installation, in a workspace where somebody has left modules."""
    workspace, temporary = folder / "workspace", folder / "temporary"
    workspace.mkdir()
    temporary.mkdir()
    for name in ("zipfile", "widgetshot", "pip", "json"):
        (workspace / f"{name}.py").write_text(
            f"import os; open({str(folder / 'executed')!r}, 'w').write(str(os.environ))"
        )
    lines = GITLAB["approve"]["script"]
    install = [line for line in lines if "venv/bin/python -I -m pip" in line]
    assert install == ['venv/bin/python -I -m pip install --require-hashes -r "$CI_PROJECT_DIR/.ci/widgetshot.txt"']
    # This environment's Python, which has widgetshot, in place of what would be installed.
    ours = f"printf '#!/bin/sh\\nexec {sys.executable} \"$@\"\\n' > venv/bin/python"
    there = f"rm venv/bin/python && {ours} && chmod +x venv/bin/python"
    script = "\n".join(
        there if line in install else line.replace("-m venv venv", "-m venv --without-pip venv") for line in lines
    )
    environment = {
        "CI_DEFAULT_BRANCH": "main", "BRANCH": "topic/buttons", "JOB": "12", "DECISIONS": decisions,
        "CI_JOB_TOKEN": JOB_TOKEN, "PUSH_TOKEN": PUSH_TOKEN, "CI_PROJECT_DIR": str(workspace), "CI_PROJECT_ID": "7",
        "CI_API_V4_URL": f"{forge.url}/api/v4", "CI_SERVER_URL": forge.url, "CI_PROJECT_PATH": PROJECT,
        "GITLAB_USER_EMAIL": "anna@example.invalid", "TMPDIR": str(temporary), "HOME": str(temporary), "GIT_TRACE": "1",
        "PYTHONPATH": str(workspace), **GITLAB["approve"]["variables"],
    } | variables  # fmt: skip
    done = run_script(script, workspace, **environment)
    # Whatever came of it: nothing of the workspace ran, no token is in a file or in git's arguments, nothing is left.
    assert not (folder / "executed").exists()
    assert list(temporary.iterdir()) == []
    for token in (PUSH_TOKEN, JOB_TOKEN):
        assert token not in done.stdout + done.stderr
        assert not [file for file in folder.rglob("*") if file.is_file() and token.encode() in file.read_bytes()]
    return done


def commits(forge: Forge, branch: str) -> list[str]:
    return git(forge.repositories / f"{PROJECT}.git", "log", "--format=%ae %s", branch).splitlines()


def test_gitlab_decisions_become_one_commit_and_no_token_is_seen(forge: Forge, tmp_path: Path) -> None:
    decisions = fenced(json.dumps(document(tmp_path), indent=1))
    done = approving(forge, tmp_path, decisions)
    assert done.returncode == 0, done.stderr[-3000:]
    assert commits(forge, "topic/buttons")[0] == "anna@example.invalid Accept pictures of job 12"
    assert len(commits(forge, "topic/buttons")) == 2
    assert len(commits(forge, "main")) == 1
    checkout = tmp_path / "checkout"
    git(tmp_path, "clone", "--branch", "topic/buttons", f"repositories/{PROJECT}.git", "checkout")
    changed = git(checkout, "diff", "--name-only", "HEAD~1").split()
    assert sorted(changed) == sorted(
        f"baselines/{KEY[name]}.{end}" for name in ("changed", "new") for end in ("json", "png")
    )
    for name in ("changed", "new"):
        assert baseline_file(checkout, name).read_bytes() == shot_of(tmp_path, name)


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"BRANCH": "main"}, ""),
        ({"JOB": "12/../../../user"}, "JOB must be a number"),
        ({"JOB": "1; id"}, "JOB must be a number"),
        ({"JOB": "13"}, ""),
        ({"BRANCH": "--upload-pack=id"}, ""),
        ({"PUSH_TOKEN": "another"}, ""),
        ({"CI_JOB_TOKEN": "another"}, ""),
        ({"DECISIONS": "nothing"}, "error"),
    ],
)
def test_gitlab_what_is_not_as_it_should_be_pushes_nothing(
    forge: Forge, tmp_path: Path, variables: dict[str, str], says: str
) -> None:
    done = approving(forge, tmp_path, json.dumps(document(tmp_path)), **variables)
    assert done.returncode != 0
    assert says in done.stderr
    assert len(commits(forge, "main")) == len(commits(forge, "topic/buttons")) == 1


def test_gitlab_rejections_alone_push_no_commit(forge: Forge, tmp_path: Path) -> None:
    only = document(tmp_path, decision(tmp_path, "new", "reject", comment="$(touch executed) `id`"))
    done = approving(forge, tmp_path, json.dumps(only))
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(commits(forge, "topic/buttons")) == 1


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with two folders of notebooks and their baselines."""
    project = make_project(tmp_path_factory.mktemp("recipes"))
    for name in ("controls", "plots"):
        project.notebook(f"notebooks/{name}/{name}.ipynb", f"#| shot: a\nprint('{name}')")
    assert project.widgetshot("run", "--update-baselines").returncode == 0
    for name in ("widgetshot-report", ".widgetshot"):
        subprocess.run(["rm", "-r", str(project.root / name)], check=True)
    return project


def steps_of(job: dict[str, Any]) -> list[str]:
    """The commands of a job, less what installs packages from elsewhere."""
    lines = [step["run"] for step in job["steps"] if "run" in step] if "steps" in job else job["script"]
    left = [line for line in lines if not line.startswith("pip install ") and "--services --install" not in line]
    assert len(lines) - len(left) in (1, 2)
    return left


# Every job begins with it; it looks at the machine, and is typed once.
OF_THE_MACHINE = "widgetshot doctor --install"


def typed(approved: Project, lines: list[str], **environment: str) -> None:
    for line in lines:
        if line == OF_THE_MACHINE:
            continue
        done = run_script(line, approved.root, **{MARK: approved.mark}, **environment)
        assert done.returncode == 0, (line, done.stdout, done.stderr)


def test_the_command_that_each_job_begins_with_passes(approved: Project) -> None:
    jobs = [GITHUB["fast"], GITHUB["pictures"], GITLAB["pictures"]]
    assert [steps_of(job)[0] for job in jobs] == [OF_THE_MACHINE] * 3
    done = run_script(OF_THE_MACHINE, approved.root, **{MARK: approved.mark})
    assert done.returncode == 0, (done.stdout, done.stderr)


def test_the_fast_job_of_github_passes_and_leaves_what_is_uploaded(approved: Project) -> None:
    job = GITHUB["fast"]
    typed(approved, steps_of(job))
    for step in job["steps"]:
        if "upload-artifact" in step.get("uses", ""):
            assert (approved.root / step["with"]["path"]).exists()


@pytest.fixture(scope="module")
def shards(approved: Project) -> Path:
    """The run folders of GitHub's shards, as `merge` finds them."""
    folder = approved.root / "shards"
    folder.mkdir()
    for index, shard in enumerate(GITHUB["pictures"]["strategy"]["matrix"]["shard"]):
        typed(approved, steps_of(GITHUB["pictures"]), SHARD=shard)
        (approved.root / "widgetshot-report").rename(folder / f"shard-{index}")
    return folder


def merged(project: Project) -> dict[str, str]:
    """The verdicts of what was merged, which is then removed."""
    verdicts = project.verdicts()
    shutil.rmtree(project.root / "widgetshot-report")
    return verdicts


ALL = {f"notebooks/{name}/{name}.ipynb::a": "match" for name in ("controls", "plots")}


def test_shards_of_github_become_one_run(approved: Project, shards: Path) -> None:
    typed(approved, steps_of(GITHUB["merge"]))
    assert merged(approved) == ALL


def test_shards_of_gitlab_become_one_run(approved: Project, shards: Path) -> None:
    before = shards.rename(approved.root / "of-github")
    try:
        assert GITLAB["pictures"]["parallel"] == 2
        typed(approved, steps_of(GITLAB["pictures"]), CI_NODE_INDEX="2", CI_NODE_TOTAL="2")
        # The other one differs by its number alone.
        shutil.copytree(before / "shard-0", approved.root / "shards/1")
        typed(approved, steps_of(GITLAB["merge"]))
        shutil.rmtree(approved.root / "shards")
    finally:
        before.rename(shards)
    assert merged(approved) == ALL


def commands_of_jenkins(page: str) -> list[str]:
    (pipeline,) = fenced_in(page, "groovy")
    return [single or double for single, double in re.findall(r"""\bsh (?:'([^']*)'|"([^"]*)")""", pipeline)]


def test_shards_of_jenkins_become_one_run(approved: Project, shards: Path) -> None:
    lines = [line for line in commands_of_jenkins("shards.md") if line.startswith("widgetshot")]
    assert [line.split()[1] for line in lines] == ["doctor", "run", "merge"]
    before = shards.rename(approved.root / "of-github")
    try:
        typed(approved, lines[1:2], SHARD="2")
        shutil.copytree(before / "shard-0", approved.root / "shards/1")
        typed(approved, lines[2:])
        shutil.rmtree(approved.root / "shards")
    finally:
        before.rename(shards)
    assert merged(approved) == ALL


def test_the_stages_of_jenkins_leave_a_run_folder_each(approved: Project) -> None:
    lines = commands_of_jenkins("ci.md")
    assert [line.split()[0] for line in lines] == ["python3", "pip", "widgetshot", "pytest", "widgetshot", "pytest"]
    typed(approved, [lines[2], lines[3]])
    # Nothing of this project needs services, which pytest says with 5.
    assert run_script(lines[5], approved.root, **{MARK: approved.mark}).returncode == 5
    assert (approved.root / "reports/fast/index.html").is_file()
    assert {file.name for file in approved.root.glob("junit-*.xml")} == {"junit-fast.xml", "junit-full.xml"}
