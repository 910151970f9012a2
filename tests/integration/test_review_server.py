"""`widgetshot review`: a real server, asked by real HTTP clients; and the extension in any Jupyter Server."""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest
from reviewed_projects import RESULTS, prepare, record, reviewing, started
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from projects import Project, make_project, wait_until
from stores import in_folder, picture_file
from widgetshot.review.sessions import ReviewSessions

KEY = RESULTS["changed"].key


class Reviewer:
    """A browser, as far as cookies and headers go."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.token = parse_qs(parts.query)["token"][0]
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> HTTPResponse:
        return asyncio.run(self.ask_soon(method, path, body, **headers))

    async def ask_soon(self, method: str, path: str, body: Any = None, **headers: str) -> HTTPResponse:
        cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        request = HTTPRequest(
            self.origin + path,
            method,
            headers=(cookie if self.cookies else {}) | {name.replace("_", "-"): text for name, text in headers.items()},
            body=body if body is None or isinstance(body, bytes) else json.dumps(body).encode(),
            follow_redirects=False,
            request_timeout=60,
        )
        client: AsyncHTTPClient = SimpleAsyncHTTPClient(force_instance=True)
        response = await client.fetch(request, raise_error=False)
        client.close()
        for cookie_line in response.headers.get_list("Set-Cookie"):
            name, _, value = cookie_line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return response

    def page(self, query: str = "") -> HTTPResponse:
        """Open the page with the token, as the printed address does; what follows needs only the cookies."""
        return self.ask("GET", f"/widgetshot/review?token={self.token}{query}")

    def state(self, query: str = "") -> dict[str, Any]:
        return answer(self.ask("GET", f"/widgetshot/api/review{query}"), 200)

    def post(self, body: Any, query: str = "") -> HTTPResponse:
        return self.ask("POST", f"/widgetshot/api/review{query}", body, X_XSRFToken=self.cookies["_xsrf"])


def answer(response: HTTPResponse, code: int) -> dict[str, Any]:
    assert response.code == code, response.body
    assert response.headers["Cache-Control"] == "no-store"
    whole: dict[str, Any] = json.loads(response.body)
    return whole


def decision(project: Project, name: str = "changed", verdict: str = "accept", **changes: Any) -> dict[str, Any]:
    entry = project.entry(RESULTS[name].target.nodeid)
    shot = entry["pictures"]["shot"]
    return {
        "key": entry["key"], "verdict": verdict, "comment": "", "baseline_sha256": entry["baseline_sha256"],
        "shot_sha256": shot and shot["sha256"], "sidecar_sha256": shot and shot.get("sidecar_sha256"),
        "reviewer": "Anna", "seen": 0,
    } | changes  # fmt: skip


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, str]]:
    """A server for those tests that leave its run and its baselines as they are, or put them back."""
    project = prepare(make_project(tmp_path_factory.mktemp("running")))
    with reviewing(project) as (_, address):
        yield project, address
    assert project.left_behind() == []


@pytest.fixture
def anna(running: tuple[Project, str]) -> Reviewer:
    made = Reviewer(running[1])
    assert made.page().code == 200
    return made


def test_the_page_comes_with_its_run_and_says_where_to_decide(anna: Reviewer) -> None:
    response = anna.page()
    text = response.body.decode()
    assert '<script type="application/json" id="live">{"api":"/widgetshot/api/review","run":""}</script>' in text
    assert KEY in text
    assert "connect-src 'self'" in text
    headers = response.headers
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
    assert {name for name in anna.cookies if name == "_xsrf" or name.startswith("username-")} == {*anna.cookies}


def test_accept_writes_and_undo_restores_at_once(running: tuple[Project, str], anna: Reviewer) -> None:
    project = running[0]
    before = project.files("baselines")
    start = anna.state()["version"]
    state = answer(anna.post({"decisions": [decision(project, comment="as designed")]}), 200)
    assert state == anna.state()
    taken = state["decisions"][KEY]
    assert (taken["verdict"], taken["reviewer"], taken["comment"]) == ("accept", "Anna", "as designed")
    assert (taken["written"], taken["version"], "undo" in taken) == (True, start + 1, False)
    shot = (project.root / "widgetshot-report/pictures" / f"{KEY}.shot.png").read_bytes()
    assert (project.root / "baselines" / f"{KEY}.png").read_bytes() == shot
    state = answer(anna.post({"undo": [{"key": KEY, "seen": start + 1}]}), 200)
    assert state["decisions"] == {}
    assert project.files("baselines") == before


def test_the_default_reviewer_is_the_one_git_knows(running: tuple[Project, str], anna: Reviewer) -> None:
    name = running[0].command("git", "config", "user.name").stdout.strip()
    assert anna.state()["reviewer"] == name or not name


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_the_token_nothing_is_said_and_nothing_done(running: tuple[Project, str], method: str) -> None:
    project, address = running
    before = project.files("")
    stranger = Reviewer(address)
    body = {"decisions": [decision(project)]} if method == "POST" else None
    for headers in ({}, {"Authorization": "token wrong"}, {"X_XSRFToken": "wrong"}):
        response = stranger.ask(method, "/widgetshot/api/review", body, **headers)
        assert response.code == 403
        assert KEY.encode() not in response.body
    page = stranger.ask("GET", "/widgetshot/review")
    assert (page.code, page.headers["Location"].partition("?")[0]) == (302, "/login")
    assert project.files("") == before


@pytest.mark.parametrize("header", [{}, {"X_XSRFToken": "wrong"}, {"X_XSRFToken": "2|00000000|" + "0" * 32 + "|1"}])
def test_a_page_elsewhere_cannot_decide_with_the_reviewers_cookies(
    running: tuple[Project, str], anna: Reviewer, header: dict[str, str]
) -> None:
    project = running[0]
    before = project.files("")
    assert anna.ask("POST", "/widgetshot/api/review", {"decisions": [decision(project)]}, **header).code == 403
    good = {"X_XSRFToken": anna.cookies["_xsrf"], "Origin": "http://evil.example"}
    assert anna.ask("POST", "/widgetshot/api/review", {"decisions": [decision(project)]}, **good).code == 404
    assert project.files("") == before


def test_another_name_for_this_machine_is_refused(running: tuple[Project, str], anna: Reviewer) -> None:
    """DNS rebinding: a name that leads to 127.0.0.1 is not the address that was opened."""
    assert anna.ask("GET", "/widgetshot/api/review", Host="evil.example").code == 403


def test_a_script_decides_with_the_token_alone(running: tuple[Project, str]) -> None:
    project, address = running
    script = Reviewer(address)
    headers = {"Authorization": f"token {script.token}"}
    body = {"decisions": [decision(project, "broken", "reject")]}
    version = answer(script.ask("POST", "/widgetshot/api/review", body, **headers), 200)["version"]
    body = {"undo": [{"key": RESULTS["broken"].key, "seen": version}]}
    answer(script.ask("POST", "/widgetshot/api/review", body, **headers), 200)


@pytest.mark.parametrize(
    "path",
    ["../outside", "/etc", "a/../../outside", "widgetshot-report/../..", "link", "a\0b", "baselines", ".", "<b>"],
)
def test_only_run_folders_under_the_servers_folder_are_served(
    running: tuple[Project, str], anna: Reviewer, path: str
) -> None:
    project = running[0]
    outside = project.root.parent / "outside"
    if not outside.exists():
        record(outside.parent, "outside")
        (project.root / "link").symlink_to(outside)
    query = f"?run={quote(path, safe='')}"
    refused = answer(anna.ask("GET", f"/widgetshot/api/review{query}"), 404)
    assert refused["error"]["next_step"]
    assert refused["state"] is None
    answer(anna.post({"decisions": [decision(project)]}, query), 404)
    page = anna.page(query.replace("?", "&"))
    assert page.code == 404
    assert page.headers["Content-Type"].startswith("text/plain")


def test_another_run_of_the_project_is_reviewed_by_its_path(running: tuple[Project, str], anna: Reviewer) -> None:
    project = running[0]
    record(project.root, "ci/report")
    assert b'"run":"ci/report"' in anna.page("&run=ci/report").body
    state = anna.state("?run=ci/report")
    assert state["run"] == project.report("ci/report")["id"] != anna.state()["run"]


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"key": "no/such"}, 404, "no such result"),
        ({"shot_sha256": "0" * 64}, 409, "is not the one of this run"),
        ({"baseline_sha256": None}, 409, "is not the one this run saw"),
        ({"seen": 99}, 409, "taken back meanwhile"),
        ({"verdict": "maybe"}, 400, "must be accept or reject"),
    ],
)
def test_a_refusal_says_why_and_what_is_decided(
    running: tuple[Project, str], anna: Reviewer, change: dict[str, Any], code: int, message: str
) -> None:
    project = running[0]
    before = project.files("baselines")
    refused = answer(anna.post({"decisions": [decision(project, **change)]}), code)
    assert message in refused["error"]["what"]
    assert refused["state"] == anna.state()
    assert project.files("baselines") == before


@pytest.mark.parametrize("verdict", ["unstable", "broken", "match"])
def test_what_cannot_be_accepted_is_refused(running: tuple[Project, str], anna: Reviewer, verdict: str) -> None:
    refused = answer(anna.post({"decisions": [decision(running[0], verdict)]}), 422)
    assert refused["error"]["where"] == RESULTS[verdict].target.nodeid


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"5", b"[" * 99_999, {}, {"decisions": []}, {"decisions": {}}, {"undo": [5]}, {"accept": [1]},
        {"undo": [{"key": KEY}]}, {"undo": [{"key": KEY, "seen": 0}], "decisions": []}, b"\xff\xfe",
    ],
)  # fmt: skip
def test_what_is_no_decision_is_refused(anna: Reviewer, body: Any) -> None:
    assert answer(anna.post(body), 400)["error"]["what"]


def test_a_version_is_a_number(anna: Reviewer) -> None:
    assert answer(anna.ask("GET", "/widgetshot/api/review?since=x"), 400)["error"]["where"] == "since"


def test_two_reviewers_see_each_others_decisions_at_once(running: tuple[Project, str], anna: Reviewer) -> None:
    project, address = running
    ben = Reviewer(address)
    ben.page()
    start = ben.state()["version"]

    async def both() -> tuple[HTTPResponse, HTTPResponse, float]:
        waiting = asyncio.create_task(ben.ask_soon("GET", f"/widgetshot/api/review?since={start}"))
        xsrf = {"X_XSRFToken": anna.cookies["_xsrf"]}
        body = {"decisions": [decision(project, "changed", "reject", comment="wrong red")]}
        posted = await anna.ask_soon("POST", "/widgetshot/api/review", body, **xsrf)
        done = monotonic()
        return posted, await waiting, monotonic() - done

    posted, seen, after = asyncio.run(both())
    assert answer(seen, 200) == answer(posted, 200)
    assert after < 10  # and not when the 25 s of waiting are over
    refused = answer(ben.post({"decisions": [decision(project, reviewer="Ben")]}), 409)
    assert refused["error"]["what"] == "Anna has rejected it (wrong red) meanwhile"
    assert refused["state"]["decisions"][KEY]["comment"] == "wrong red"
    ben.post({"undo": [{"key": KEY, "seen": start + 1}]})


@pytest.mark.parametrize(
    "path", ["api/contents", "api/kernels", "api/sessions", "api/terminals", "files/pyproject.toml"]
)
def test_there_are_no_kernels_no_files_and_no_terminals(anna: Reviewer, path: str) -> None:
    assert anna.ask("GET", f"/{path}?token={anna.token}").code == 404


def test_it_ends_when_asked_with_a_summary_and_leaves_nothing(project: Project, tmp_path: Path) -> None:
    prepare(project)
    own = tmp_path / "temporary"
    own.mkdir()
    before = RESULTS["changed"].baseline
    assert before is not None
    for count, name in enumerate(("SIGINT", "SIGTERM", "SIGHUP")):
        with reviewing(project, TMPDIR=str(own)) as (process, address):
            anna = Reviewer(address)
            anna.page()
            if count:
                # Another server knows what was decided, and takes it back.
                assert anna.state()["decisions"][KEY]["reviewer"] == "Anna"
                answer(anna.post({"undo": [{"key": KEY, "seen": anna.state()["decisions"][KEY]["version"]}]}), 200)
                assert in_folder(project.root / "baselines").digest(KEY) == before.sha256
                decided = [decision(project)]
            else:
                decided = [decision(project), decision(project, "broken", "reject")]
            answer(anna.post({"decisions": decided}), 200)
            version = anna.state()["version"]
            thread = threading.Thread(target=hanging, args=(anna, version))
            thread.start()
            process.send_signal(getattr(signal, name))
            output, errors = process.communicate(timeout=60)
            thread.join()
            assert (process.returncode, errors) == (0, ""), name
            assert "1 accepted, 1 rejected, 3 left" in output, name
            assert "git add 'baselines'" in output, name
        assert [*own.iterdir()] == [], name


def wait_until_it_listens(process: subprocess.Popen[str], origin: str) -> None:
    """Jupyter Server prints its address a moment before it listens there."""
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", int(origin.rpartition(":")[2]))).close()
        except ConnectionRefusedError:
            continue
        return
    raise AssertionError("the server has ended")


def hanging(reviewer: Reviewer, version: int) -> None:
    """Somebody who still waits for news when the server ends."""
    try:
        reviewer.ask("GET", f"/widgetshot/api/review?since={version}")
    except (HTTPClientError, OSError):
        return


class Elsewhere(NamedTuple):
    """A review of a run that is not where runs are, by somebody whose Jupyter settings are broken, told to a machine.

    Attributes:
        known: how a token that those settings tell is answered.
        mine: how the one is that was printed.
        run: the run that it said it was of.
        after: what it said of itself when another run was in its folder.
        refused: how a decision on the run before was answered then.
        output: what was printed when it had ended.
    """

    address: str
    known: int
    mine: int
    run: str
    after: dict[str, Any]
    refused: dict[str, Any]
    output: str


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, Elsewhere, str]]:
    """A project, what came of a review there, and the run that was there at first."""
    project = prepare(make_project(tmp_path_factory.mktemp("elsewhere")))
    folder = record(project.root, "elsewhere")
    first = project.report("elsewhere")["id"]
    project.write("settings/jupyter_server_config.py", "raise SystemExit('broken settings')")
    project.write("settings/jupyter_config.json", '{"ServerApp": {"ip": "0.0.0.0", "token": "known"}}')
    settings = {"JUPYTER_CONFIG_DIR": str(project.root / "settings"), "JUPYTER_TOKEN": "known"}
    with reviewing(project, str(folder), "--output", "json", **settings) as (process, address):
        known = Reviewer(address.partition("?")[0] + "?token=known").page().code
        anna = Reviewer(address)
        mine = anna.page().code
        run = anna.state()["run"]
        stale = decision(project, baseline_sha256="0" * 64)
        answer(anna.post({"decisions": [decision(project)]}), 200)
        record(project.root, "elsewhere")
        after = anna.state("?since=1")
        refused = answer(anna.post({"decisions": [stale]}), 409)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
        yield project, Elsewhere(address, known, mine, run, after, refused, output), first
    assert project.left_behind() == []


def test_a_new_run_in_the_folder_is_another_review(elsewhere: tuple[Project, Elsewhere, str]) -> None:
    project, seen, _ = elsewhere
    assert seen.after["run"] == project.report("elsewhere")["id"] != seen.run
    assert seen.refused["state"]["decisions"] == {}


def test_nobodys_jupyter_settings_can_break_it(elsewhere: tuple[Project, Elsewhere, str]) -> None:
    seen = elsewhere[1]
    assert seen.address.startswith("http://127.0.0.1:")
    assert "known" not in seen.address
    assert (seen.known, seen.mine) == (302, 200)


def test_machines_get_json(elsewhere: tuple[Project, Elsewhere, str]) -> None:
    _, seen, first = elsewhere
    assert seen.run == first
    assert json.loads(seen.output) == {"accepted": 0, "rejected": 0, "left": 5}


def test_a_port_that_is_taken_is_reported(running: tuple[Project, str]) -> None:
    project, address = running
    port = address.split(":")[2].partition("/")[0]
    done = project.widgetshot("review", "--no-browser", "--port", port)
    assert done.returncode == 2
    assert f"port {port} can't be had" in done.stderr
    assert "next: widgetshot review" in done.stderr


@pytest.mark.parametrize("words", [["nowhere"], ["baselines"], ["--terminal", "nowhere"]])
def test_a_folder_without_a_run_is_reported_before_anything_starts(project: Project, words: list[str]) -> None:
    prepare(project)
    done = project.widgetshot("review", *words)
    assert done.returncode == 2
    assert "holds no readable run" in done.stderr
    assert "next: widgetshot run" in done.stderr
    assert done.stdout == ""


def own_settings(project: Project) -> dict[str, str]:
    """The environment of somebody whose Jupyter settings are in the project."""
    return {
        "JUPYTER_CONFIG_DIR": str(project.root / "c"),
        "JUPYTER_RUNTIME_DIR": str(project.root / "r"),
        "HOME": str(project.root),
        # In a virtual environment its own settings, which say that it is disabled, would win.
        "JUPYTER_PREFER_ENV_PATH": "0",
    }


@contextmanager
def jupyter_server(project: Project, *options: str, **environment: str) -> Iterator[Reviewer]:
    """A Jupyter Server of that somebody, and one who has its token."""
    words = ["--ServerApp.port=0", "--no-browser", "--allow-root", "--ServerApp.base_url=/user/anna/", *options]
    environment = own_settings(project) | {"JUPYTER_TOKEN": "t" * 40} | environment
    with started(project, "jupyter_server", *words, **environment) as process:
        assert process.stderr is not None
        found = None
        while not found and (line := process.stderr.readline()):
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found is not None
        threading.Thread(target=process.stderr.read, daemon=True).start()
        wait_until_it_listens(process, found[0])
        yield Reviewer(f"{found[0]}/?token={'t' * 40}")
        process.terminate()
        process.wait(timeout=60)


BASE = "/user/anna/widgetshot"


AUTHORIZER = """
from pathlib import Path
from jupyter_server.auth import Authorizer

class Only(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        return f"{action} {resource}" in Path("allowed").read_text().splitlines()
"""


READ, WRITE = "read contents", "write contents"


@pytest.fixture(scope="module")
def policed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, Reviewer]]:
    """A project in a Jupyter Server for which it was enabled, and that allows what its file `allowed` says."""
    project = prepare(make_project(tmp_path_factory.mktemp("policed")))
    project.write("policies.py", AUTHORIZER)
    shipped = Path(__file__).parents[2] / "jupyter-config/widgetshot.json"
    file = project.write("c/jupyter_server_config.d/widgetshot.json", shipped.read_text())
    assert json.loads(file.read_text())["ServerApp"]["jpserver_extensions"] == {"widgetshot": False}
    words = ("-m", "jupyter_server", "extension", "enable", "--user", "widgetshot")
    done = project.command(sys.executable, *words, environment=own_settings(project))
    assert json.loads(file.read_text())["ServerApp"]["jpserver_extensions"] == {"widgetshot": True}, done.stderr
    police = "--ServerApp.authorizer_class=policies.Only"
    with jupyter_server(project, police, PYTHONPATH=str(project.root)) as anna:
        yield project, anna
    assert project.left_behind() == []


def test_any_jupyter_server_offers_it_once_it_is_enabled(policed: tuple[Project, Reviewer]) -> None:
    project, anna = policed
    begin_anew(project, READ, WRITE)
    page = anna.ask("GET", f"{BASE}/review?run=widgetshot-report&token={anna.token}").body.decode()
    assert '{"api":"/user/anna/widgetshot/api/review","run":"widgetshot-report"}' in page
    default = answer(anna.ask("GET", f"{BASE}/api/review"), 200)
    assert default["run"] == project.report()["id"]
    posted = anna.ask(
        "POST",
        f"{BASE}/api/review?run=widgetshot-report",
        {"decisions": [decision(project)]},
        X_XSRFToken=anna.cookies["_xsrf"],
    )
    assert answer(posted, 200)["decisions"][KEY]["written"] is True
    # The machinery of live pages belongs to our own server alone.
    assert anna.ask("GET", f"{BASE}/api/live-pages").code == 404


def begin_anew(project: Project, *allowed: str) -> None:
    """Let the server allow these, and its project be as at first."""
    shutil.rmtree(project.root / "baselines")
    prepare(project)
    project.write("allowed", "\n".join(allowed))


@pytest.mark.parametrize(
    ("allowed", "codes"),
    [
        ((), (403, 403, 403)),
        ((READ,), (200, 200, 403)),
        ((WRITE,), (403, 403, 200)),
        ((READ, WRITE), (200, 200, 200)),
    ],
)
def test_jupyters_authorizer_is_obeyed(
    policed: tuple[Project, Reviewer], allowed: tuple[str, ...], codes: tuple[int, ...]
) -> None:
    project = policed[0]
    # Who has no cookies.
    anna = Reviewer(f"{policed[1].origin}/?token={policed[1].token}")
    begin_anew(project, *allowed)
    baseline = picture_file(in_folder(project.root / "baselines"), KEY)
    before = baseline.read_bytes()
    token = {"Authorization": f"token {anna.token}"}
    page = anna.ask("GET", f"{BASE}/review", **token)
    state = anna.ask("GET", f"{BASE}/api/review", **token)
    posted = anna.ask("POST", f"{BASE}/api/review", {"decisions": [decision(project)]}, **token)
    assert (page.code, state.code, posted.code) == codes
    assert (baseline.read_bytes() != before) is (codes[2] == 200)
    # Nor does a refusal tell what the run is.
    assert all(b"notebooks/x" not in one.body for one in (page, state, posted) if one.code == 403)


def test_no_program_is_told_the_token(project: Project, tmp_path: Path) -> None:
    """Arguments are open to all users of a machine; the browser is told a file that is not."""
    prepare(project)
    # What starts a browser on this desktop, which notes what it was given.
    browser = project.write(
        "bin/browser",
        f'#!/bin/sh\necho "$@" > "{tmp_path}/given.part"\nmv "{tmp_path}/given.part" "{tmp_path}/given"\n',
    )
    browser.chmod(0o755)
    given = tmp_path / "given"
    with started(project, "widgetshot", "review", BROWSER=f"{browser} %s &") as process:
        assert process.stdout is not None
        address = process.stdout.readline().removeprefix("review: ").strip()
        wait_until(given.exists)
        url = given.read_text().strip()
        token = parse_qs(urlsplit(address).query)["token"][0]
        assert token not in url
        assert url.startswith("file://")
        file = Path(unquote(urlsplit(url).path))
        assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)) == (0o600, 0o700)
        (leads_to,) = re.findall(r'http-equiv="refresh" content="0; url=([^"]+)"', file.read_text())
        assert leads_to == address
        if Path("/proc/self/cmdline").exists():
            everybody = [one.read_bytes() for one in Path("/proc").glob("[0-9]*/cmdline") if os.access(one, os.R_OK)]
            assert not [one for one in everybody if token.encode() in one]
    assert not file.exists()


def test_a_run_is_found_from_a_folder_inside_the_project(project: Project) -> None:
    prepare(project)
    inside = project.root / "notebooks"
    inside.mkdir()
    assert ReviewSessions(inside).open("").folder == project.root / "widgetshot-report"
