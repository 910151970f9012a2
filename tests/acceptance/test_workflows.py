"""The workflows in .github: what they may do, and their scripts run for real."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from decision_files import KEY, baseline_file, build, decision, document, fenced, shot_of

FOLDER = Path(__file__).parents[2] / ".github" / "workflows"
NAMES = sorted(file.name for file in FOLDER.glob("*.y*ml"))
Json = dict[str, Any]
RUN = {
    "path": ".github/workflows/suite.yml",
    "status": "completed",
    "head_branch": "topic/buttons",
    "head_repository": {"full_name": "us/widgets"},
}
BRANCH = {"name": "topic/buttons", "protected": False}
OURS = {"GITHUB_REPOSITORY": "us/widgets", "DEFAULT_BRANCH": "main", "GITHUB_REF": "refs/heads/main"}


def workflow(name: str) -> Json:
    # YAML 1.1 reads the word `on` as true.
    parsed: dict[Any, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in parsed.items()}


def steps(job: Json, **members: str) -> list[Json]:
    return [step for step in job["steps"] if all(step.get(key, "").startswith(text) for key, text in members.items())]


APPROVE = workflow("approve.yml")
APPLY, PUSH = APPROVE["jobs"]["apply"], APPROVE["jobs"]["push"]


def script(job: Json, name: str) -> str:
    (step,) = steps(job, name=name)
    return str(step["run"])


@pytest.mark.parametrize("name", NAMES)
def test_no_workflow_trusts_what_comes_from_outside(name: str) -> None:
    parsed = workflow(name)
    assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(parsed["on"])
    assert "write" not in json.dumps(parsed["permissions"])
    for job in parsed["jobs"].values():
        for step in job["steps"]:
            # An input that is pasted into a script is a script.
            assert "${{" not in step.get("run", ""), step
            if "uses" in step:
                assert re.fullmatch(PINNED, step["uses"]), step


# A tag can be moved; a person reads which version a commit is.
PINNED = r"actions/[a-z-]+@[0-9a-f]{40}"
PAGES = ("docs/how-to/ci.md", "docs/how-to/review-in-ci.md")


@pytest.mark.parametrize("file", [*(f".github/workflows/{name}" for name in NAMES), *PAGES])
def test_actions_are_pinned_by_commit_and_the_same_everywhere(file: str) -> None:
    text = (FOLDER.parents[1] / file).read_text(encoding="utf-8")
    uses = re.findall(r"uses: (\S+)(.*)", text)
    assert uses
    versions = set()
    for action, comment in uses:
        assert re.fullmatch(PINNED, action), action
        assert re.fullmatch(r"  # v\d+\.\d+\.\d+", comment), action
        versions.add((action, comment))
    everywhere = "".join((FOLDER.parents[1] / page).read_text(encoding="utf-8") for page in PAGES) + "".join(
        (FOLDER / name).read_text(encoding="utf-8") for name in NAMES
    )
    for action, _ in versions:
        assert set(re.findall(rf"{action.split('@')[0]}@\S+", everywhere)) == {action}


SUITE = workflow("suite.yml")["jobs"]


def test_run_folders_and_junit_are_artifacts_also_of_failed_runs() -> None:
    uploads = {name: steps(job, uses="actions/upload-artifact") for name, job in SUITE.items()}
    assert {step["if"] for found in uploads.values() for step in found} == {"always()"}
    assert {name: [tuple(step["with"].values()) for step in found] for name, found in uploads.items()} == {
        "fast": [("widgetshot-report", "widgetshot-report/"), ("junit", "junit/")],
        "full": [("widgetshot-report-services", "widgetshot-report/"), ("junit-services", "junit/")],
    }
    # What is reviewed is what `approve` applies from.
    (download,) = [step for step in steps(APPLY, uses="actions/download-artifact") if "run-id" in step["with"]]
    assert download["with"]["name"] == "${{ inputs.artifact }}"
    choice = APPROVE["on"]["workflow_dispatch"]["inputs"]["artifact"]
    assert choice["type"] == "choice"
    assert choice["options"] == [uploads[name][0]["with"]["name"] for name in ("fast", "full")]
    assert choice["default"] == choice["options"][0]


def test_the_fast_stage_needs_no_services_and_the_full_one_comes_after_it() -> None:
    commands = {name: [step["run"] for step in steps(job, run="make")] for name, job in SUITE.items()}
    assert commands == {"fast": ["make test", "make demo"], "full": ["make services", "make test-clusters"]}
    assert ("needs" in SUITE["fast"], SUITE["full"]["needs"]) == (False, "fast")
    # Both capture with the browser that the baselines were made with.
    assert {(job["runs-on"], job["container"]) for job in SUITE.values()} == {("ubuntu-latest", "debian:12")}
    assert SUITE["fast"]["steps"][0] == SUITE["full"]["steps"][0]


def make(target: str) -> list[str]:
    """What a target would run, as make says it without doing it."""
    done = subprocess.run(
        ["make", "--dry-run", "--always-make", target],
        cwd=FOLDER.parents[1],
        check=True,
        capture_output=True,
        text=True,
    )
    return [line for line in done.stdout.splitlines() if "/pytest " in line or "/widgetshot " in line]


def test_make_leaves_services_to_the_full_stage_and_writes_junit_in_both() -> None:
    fast, full = make("test"), make("test-clusters")
    assert [word for line in fast if "/pytest" in line for word in re.findall(r"junit/\w+\.xml", line)] == [
        "junit/tests.xml",
        "junit/notebooks.xml",
    ]
    assert all('-m "not services and not expensive' in line for line in fast if "/pytest" in line)
    assert "widgetshot audit tests notebooks benchmarks src" in "\n".join(fast)
    (tests,) = [line for line in full if "/pytest" in line]
    assert '-m "services and not expensive" --junit-xml junit/services.xml tests notebooks' in tests
    assert [line.split("/widgetshot ")[1] for line in make("demo")][-1] == "run --without-services"


def fenced_in(page: str, language: str) -> list[str]:
    text = (FOLDER.parents[1] / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_the_recipes_of_the_documentation_have_the_two_stages_and_keep_junit_and_gallery() -> None:
    (yaml_text,) = fenced_in("docs/how-to/ci.md", "yaml")
    jobs = yaml.safe_load(yaml_text)["jobs"]
    assert jobs["full"]["needs"] == "fast"
    runs = {name: " && ".join(step["run"] for step in job["steps"] if "run" in step) for name, job in jobs.items()}
    assert 'pytest -m "not services" --junit-xml' in runs["fast"]
    assert "widgetshot doctor --services --install" in runs["full"]
    assert "pytest -m services --junit-xml" in runs["full"]
    for job in jobs.values():
        kept = [step for step in job["steps"] if step.get("uses", "").startswith("actions/upload-artifact")]
        assert [(step["if"], step["with"]["path"]) for step in kept] == [
            ("always()", "widgetshot-report/"),
            ("always()", "junit.xml"),
        ]
    (jenkins,) = fenced_in("docs/how-to/ci.md", "groovy")
    assert jenkins.count("{") == jenkins.count("}")
    stages = re.findall(r"stage\('(\w+)'\)", jenkins)
    assert stages == ["setup", "fast", "full"]
    assert jenkins.index("pytest -m 'not services'") < jenkins.index("pytest -m services")
    assert "junit 'junit-*.xml'" in jenkins
    assert "archiveArtifacts artifacts: 'reports/**'" in jenkins


def test_only_the_job_that_pushes_may_write_and_it_runs_git_alone() -> None:
    assert APPROVE["on"].keys() == {"workflow_dispatch"}
    assert APPROVE["permissions"] == {}
    assert {name: job["permissions"] for name, job in APPROVE["jobs"].items()} == {
        "apply": {"actions": "read", "contents": "read"},
        "push": {"contents": "write"},
    }
    commands = [line.split()[0] for step in PUSH["steps"] for line in step.get("run", "").splitlines()]
    assert set(commands) == {"git"}
    assert PUSH["needs"] == "apply"


def test_of_the_branch_only_baselines_are_checked_out_and_without_a_token_where_code_runs() -> None:
    for job in (APPLY, PUSH):
        for step in steps(job, uses="actions/checkout"):
            options = step["with"]
            if options["path"] == "branch":
                assert (options["sparse-checkout"], options["sparse-checkout-cone-mode"]) == ("/baselines/", False)
            else:
                assert (options["path"], "ref" in options, "repository" in options) == ("trusted", False, False)
            assert options.get("persist-credentials", True) is (job is PUSH)
    assert [step["run"] for step in steps(APPLY, run="pip")] == [
        "pip install --require-hashes -r trusted/.ci/approve.txt",
        "pip install --no-deps --no-build-isolation ./trusted",
    ]


def test_what_the_workflow_installs_has_hashes_and_is_what_is_tested() -> None:
    text = (FOLDER.parents[1] / ".ci/approve.txt").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([\w.-]+)==([^ ;]+)", text, re.MULTILINE))
    entries = re.findall(r"^[\w.-]+==.* \\(?:\n +--hash=sha256:[0-9a-f]{64}(?: \\)?)+$", text, re.MULTILINE)
    assert len(entries) == len(pinned) > 60
    constraints = (FOLDER.parents[1] / "constraints.txt").read_text(encoding="utf-8")
    tested = dict(re.findall(r"^([\w.-]+)==(\S+)", constraints, re.MULTILINE))
    tested = {name.lower().replace("_", "-").replace(".", "-"): version for name, version in tested.items()}
    assert {name: version for name, version in pinned.items() if tested.get(name, version) != version} == {}
    project = tomllib.loads((FOLDER.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    needed = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    assert {re.match(r"[\w.-]+", need)[0].lower().replace("_", "-") for need in needed} <= pinned.keys()  # type: ignore[index]


def test_the_judge_comes_before_anything_is_fetched_from_the_run() -> None:
    order = [step.get("id") or step.get("uses", "").split("@")[0] for step in APPLY["steps"]]
    assert order.index("judge") < min(order.index(f"actions/{name}") for name in ("checkout", "download-artifact"))


def shell(text: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    own = {key: value for key, value in os.environ.items() if not key.startswith("GITHUB_")}
    own["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{own['PATH']}"
    output = folder.parent / "output" if "GITHUB_OUTPUT" not in environment else Path(environment["GITHUB_OUTPUT"])
    return subprocess.run(
        # As GitHub runs `shell: bash`.
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text],
        cwd=folder, env=own | {"GITHUB_OUTPUT": str(output)} | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("run", "branch", "environment", "says"),
    [
        ({}, {}, {}, ""),
        ({"head_repository": {"full_name": "them/widgets"}}, {}, {}, "of a fork"),
        ({"head_repository": None}, {}, {}, "of a fork"),
        ({"head_branch": "main"}, {"name": "main"}, {}, "the run is of main"),
        ({}, {"protected": True}, {}, "protected"),
        ({}, {"protected": None}, {}, "protected"),
        ({}, {"name": "another"}, {}, "not there any more"),
        ({"head_branch": None}, {}, {}, "not there any more"),
        ({"status": "in_progress"}, {}, {}, "not over"),
        ({"path": ".github/workflows/other.yml"}, {}, {}, "no run of suite.yml"),
        ({}, {}, {"GITHUB_REF": "refs/heads/topic"}, "start this workflow on main"),
    ],
)
@pytest.mark.skipif(shutil.which("jq") is None, reason="the script needs jq, which GitHub's machines have")
def test_runs_of_forks_and_protected_branches_are_refused(
    tmp_path: Path, run: Json, branch: Json, environment: dict[str, str], says: str
) -> None:
    (tmp_path / "run.json").write_text(json.dumps(RUN | run))
    (tmp_path / "branch.json").write_text(json.dumps(BRANCH | branch))
    output = tmp_path / "output"
    done = shell(script(APPLY, "Refuse"), tmp_path, **(OURS | environment | {"GITHUB_OUTPUT": str(output)}))
    if says:
        assert (done.returncode, output.exists()) == (1, False)
        assert says in done.stderr
    else:
        assert (done.returncode, output.read_text()) == (0, "branch=topic/buttons\n"), done.stderr


@pytest.mark.parametrize("run", ["", "1; id", "1\n2", "../7", "$(id)", "-1"])
def test_the_run_must_be_a_number(tmp_path: Path, run: str) -> None:
    done = shell(script(APPLY, "Ask"), tmp_path, RUN=run)
    assert done.returncode == 1
    assert "must be a number" in done.stderr


def git(folder: Path, *words: str) -> str:
    own = ("-c", "user.name=A", "-c", "user.email=a@example.invalid", "-c", "init.defaultBranch=main")
    return subprocess.run(["git", *own, *words], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """What the jobs find: a branch with hostile code beside its baselines, checked out sparsely, and the run folder."""
    origin = tmp_path / "origin"
    origin.mkdir()
    build(origin)
    (origin / "widgetshot-report").rename(tmp_path / "widgetshot-report")
    (origin / "pyproject.toml").write_text('[tool.widgetshot]\nbaselines = "../stolen"\n')
    (origin / "widgetshot").mkdir()
    (origin / "widgetshot" / "__init__.py").write_text("raise SystemExit('executed')")
    git(origin, "init")
    git(origin, "add", "--all")
    git(origin, "commit", "-m", "first")
    git(origin, "checkout", "-b", "topic/buttons")
    git(origin, "checkout", "--detach")
    git(tmp_path, "clone", "--no-checkout", "--branch", "topic/buttons", str(origin), "branch")
    git(tmp_path / "branch", "sparse-checkout", "set", "--no-cone", "/baselines/")
    git(tmp_path / "branch", "checkout")
    assert [path.name for path in (tmp_path / "branch").iterdir() if path.name != ".git"] == ["baselines"]
    return tmp_path


def decided(workspace: Path, *decisions: Json, **members: Any) -> str:
    # GitHub's form has one line.
    return fenced(json.dumps(document(workspace, *decisions, **members), indent=1)).replace("\n", " ")


def test_decisions_pasted_into_the_form_become_one_commit_of_baselines(workspace: Path) -> None:
    branch, origin = workspace / "branch", workspace / "origin"
    applied = shell(script(APPLY, "Apply"), branch, DECISIONS=decided(workspace))
    assert applied.returncode == 0, applied.stderr
    outputs = dict(line.split("=") for line in (workspace / "output").read_text().splitlines())
    assert outputs == {"commit": git(branch, "rev-parse", "HEAD").strip(), "changed": "yes"}
    git(branch, "reset", "--hard")
    pushed = shell(script(PUSH, "Commit"), branch, BRANCH="topic/buttons", RUN="7", GITHUB_ACTOR="reviewer")
    assert pushed.returncode == 0, pushed.stderr
    changed = git(origin, "diff", "--name-only", "main", "topic/buttons").split()
    assert sorted(changed) == sorted(
        f"baselines/{KEY[name]}.{end}" for name in ("changed", "new") for end in ("json", "png")
    )
    git(origin, "checkout", "topic/buttons")
    for name in ("changed", "new"):
        assert baseline_file(origin, name).read_bytes() == shot_of(workspace, name)
    assert not (workspace / "stolen").exists()
    assert git(origin, "log", "-1", "--format=%an %s").strip() == "reviewer Accept pictures of run 7"


def test_a_branch_that_has_moved_on_is_not_pushed_to(workspace: Path) -> None:
    branch, origin = workspace / "branch", workspace / "origin"
    assert shell(script(APPLY, "Apply"), branch, DECISIONS=decided(workspace)).returncode == 0
    git(branch, "reset", "--hard")
    git(origin, "checkout", "topic/buttons")
    git(origin, "commit", "--allow-empty", "-m", "meanwhile")
    git(origin, "checkout", "--detach")
    pushed = shell(script(PUSH, "Commit"), branch, BRANCH="topic/buttons", RUN="7", GITHUB_ACTOR="reviewer")
    assert pushed.returncode != 0
    assert git(origin, "log", "-1", "--format=%s", "topic/buttons").strip() == "meanwhile"


def test_refused_decisions_stop_the_job_and_rejections_alone_push_nothing(workspace: Path) -> None:
    refused = shell(script(APPLY, "Apply"), workspace / "branch", DECISIONS=decided(workspace, run="x"))
    assert refused.returncode == 1
    assert "decides on run x" in refused.stderr
    assert not (workspace / "output").exists()
    only = decided(workspace, decision(workspace, "new", "reject", comment="$(touch stolen) `id`"))
    rejected = shell(script(APPLY, "Apply"), workspace / "branch", DECISIONS=only)
    assert rejected.returncode == 0, rejected.stderr
    assert "rejected: $(touch stolen) `id`" in rejected.stdout
    assert "changed" not in (workspace / "output").read_text()
    assert git(workspace / "branch", "status", "--porcelain") == ""
