"""Declared secrets are nowhere: not in a page, a picture, a report, a terminal or a log."""

import base64
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from projects import Project, make_project
from widgetshot.errors import ConfigError
from widgetshot.project.loading import load_settings
from widgetshot.redact import STARS, Redactor

# Of different lengths, and with all that somebody may encode.
ONE = 'AKIA7f/+"<canary>&Ümläut\\one'
OTHER = "qxite/anothzr+canqry=of%a`grzatzr`lzngth$, {twx} <&>"

GET = "import os\nsecret = os.environ['CANARY_KEY']\nhalf = len(secret) // 2\n"
PRINTED = (
    GET
    + """
import sys, logging, subprocess
print("token:", secret)
print(secret[:half], end="", flush=True); print("a word on another stream", file=sys.stderr, flush=True)
print(secret[half:], flush=True)
print({"key": secret}, [secret.encode()], file=sys.stderr)
print("\\x1b[31m" + secret[:half] + "\\x1b[0m" + secret[half:])
logging.warning("key %s", secret)
say = [sys.executable, "-c", "import os; print(os.environ['CANARY_KEY'])"]
print(subprocess.run(say, check=True, capture_output=True, text=True).stdout, end="")
# The log of the server, whose process it is below.
with open(f"/proc/{os.getppid()}/fd/2", "w") as log:
    log.write(f"key {secret} spoken\\n")
secret
"""
)
SHOWN = (
    GET
    + """
import base64, html, json, urllib.parse
from IPython.display import HTML, JSON, SVG, Javascript, Markdown, display
display(HTML(f"<p>{html.escape(secret)}</p><p title='{html.escape(secret)}'>titled</p>"))
display(HTML(f"<p>https://x.example/?key={urllib.parse.quote_plus(secret)}</p>"))
display(HTML(f"<p>Basic {base64.b64encode(('user:' + secret).encode()).decode()}</p>"))
once, twice = html.escape(secret), html.escape(html.escape(secret))
display(HTML(f"<input value='{once}'><iframe width=300 height=50 srcdoc='{twice}'></iframe>"))
js = json.dumps(secret)
display(HTML(f"<p id=js></p><script>document.getElementById('js').textContent = {js};</script>"))
display(HTML(f"<script>console.log({js}); console.error('key ' + {js});</script>"))
display(HTML(f"<script>fetch('https://api.example/?key=' + encodeURIComponent({js})).catch(() => 0)</script>"))
display(SVG(f"<svg xmlns='http://www.w3.org/2000/svg' width='400' height='30'><text y='20'>{once}</text></svg>"))
import ipywidgets
display(JSON({secret: [secret]}), Markdown("`" + secret + "`"), ipywidgets.Label(secret))
"""
)
WIDGETS = (
    GET
    + """
import html, ipywidgets as widgets
output = widgets.Output()
button = widgets.Button(description="Say")
def say(_):
    with output:
        print("it is " + secret[:half], end="", flush=True)
        print(secret[half:], flush=True)
        print("said")
        raise ValueError(secret)
button.on_click(say)
with output:
    print(secret)
tab = widgets.Tab([widgets.Label("in a tab")], titles=[secret])
widgets.VBox([
    widgets.Label(secret), widgets.HTML(f"<b>{html.escape(secret)}</b>"), widgets.Text(secret, description="key"),
    widgets.Password(value=secret), widgets.Textarea(secret), widgets.Dropdown(options=[secret, "x"]),
    widgets.Combobox(placeholder=secret, options=[secret]), widgets.Button(description=secret, tooltip=secret),
    widgets.Label("number " + secret.upper()[:0]), tab, button, output,
])
"""
)
# Encoded in pieces, so that nobody can tell before the page has put them together.
ASSEMBLED = (
    GET
    + """
import base64, json
from IPython.display import HTML
raw = secret.encode()
pieces = json.dumps([base64.b64encode(raw[at:at + 3]).decode() for at in range(0, len(raw), 3)])
HTML(f'''<div style="width:600px" id="text"></div><input id="field" style="width:500px"><div><b>next to it</b></div>
<div id="shadow" style="width:600px"></div>
<script>
const bytes = {pieces}.flatMap(piece => [...atob(piece)].map(letter => letter.charCodeAt(0)));
const made = new TextDecoder().decode(new Uint8Array(bytes));
const text = document.getElementById("text");
for (const letter of made) text.appendChild(document.createElement("i")).textContent = letter;
document.getElementById("field").value = made;
document.getElementById("shadow").attachShadow({{mode: "open"}}).textContent = made;
</script>''')
"""
)
# By scripts of the page into what is not its text: style sheets, closed shadow roots, images; and escaped.
HIDDEN = (
    GET
    + r"""
import base64, json
from IPython.display import HTML
raw = secret.encode()
pieces = json.dumps([base64.b64encode(raw[at:at + 3]).decode() for at in range(0, len(raw), 3)])
HTML(f'''<style>
.made {{ display: block; width: 600px; height: 40px; overflow: hidden; white-space: nowrap; margin: 4px 0 }}
</style>
<i class="made" id="before"></i><i class="made" id="adopted"></i><i class="made" id="closed"></i>
<i class="made"><img id="svg" width="600" height="30"></i><i class="made" id="background"></i>
<i class="made" id="json"></i><i class="made" id="html"></i><i class="made" id="url"></i><b>next to it</b>
<script>
const bytes = {pieces}.flatMap(piece => [...atob(piece)].map(letter => letter.charCodeAt(0)));
const made = new TextDecoder().decode(new Uint8Array(bytes));
const at = id => document.getElementById(id);
const css = `"${{made.replace(/["\\\\]/g, "\\\\$&")}}"`;
const style = document.head.appendChild(document.createElement("style"));
style.textContent = `#before::before {{ content: ${{css}} }}`;
const sheet = new CSSStyleSheet();
sheet.replaceSync(`#adopted::after {{ content: ${{css}} }}`);
document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
at("closed").attachShadow({{mode: "closed"}}).textContent = made;
const text = made.replace(/&/g, "&amp;").replace(/</g, "&lt;");
const svg = `<svg xmlns='http://www.w3.org/2000/svg' width='600' height='30'><text y='20'>${{text}}</text></svg>`;
const address = `data:image/svg+xml,${{encodeURIComponent(svg).replace(/'/g, "%27")}}`;
at("svg").src = address;
style.textContent += `#background {{ background-image: url("${{address}}") }}`;
const hex = (one, count) => one.toString(16).padStart(count, "0");
at("json").textContent = [...made].map(one => "\\\\u" + hex(one.charCodeAt(0), 4)).join("");
at("html").textContent = [...made].map(one => `&#${{one.codePointAt(0)}};`).join("");
at("url").textContent = [...new TextEncoder().encode(made)].map(one => "%" + hex(one, 2)).join("");
</script>''')
"""
)
ESCAPED = (
    GET
    + r"""
import html, json, unicodedata
from IPython.display import HTML, display
print(json.dumps({"key": secret}).replace("/", "\\/").replace("+", "\\u002b"))
print("".join(f"%{byte:02x}" for byte in secret.encode()), "".join(f"\\x{byte:02x}" for byte in secret.encode()))
print("".join(f"\\N{{{unicodedata.name(one)}}}" for one in secret))
entities = "".join(f"&#x{ord(one):x};" for one in secret)
literal = "".join(f"\\u{{{ord(one):x}}}" for one in secret)
display(HTML(f"<p>{entities}</p><p title='{entities}'>titled</p><p>{html.escape(entities)}</p>"))
display(HTML(f"<p id=literal></p><script>document.getElementById('literal').textContent = '{literal}';</script>"))
raise ValueError(json.dumps(secret).replace("/", "\\/") + entities)
"""
)
NOTEBOOKS = {
    "printed": (
        "#| shot: s\n" + PRINTED,
        "#| shot: raised\n" + GET + "def fails(key):\n    raise ValueError(key)\nfails(secret)",
    ),
    "shown": ("#| shot: s\n" + SHOWN,),
    "widgets": (
        "#| shot:\n#|   - before\n"
        "#|   - {name: after, steps: [{click: 'button:has-text(\"Say\")'}, {wait: said}]}\n" + WIDGETS,
    ),
    "assembled": ("#| shot: s\n" + ASSEMBLED,),
    "hidden": ("#| shot: s\n" + HIDDEN,),
    "escaped": ("#| shot: s\n" + ESCAPED,),
    "fails": ("#| shot: s\n" + GET + "raise RuntimeError('no access with ' + secret)",),
    "uncaught": (
        "#| shot: s\n" + GET + "import ipywidgets as widgets\nb = widgets.Button(description='go')\n"
        "def go(_): raise KeyError(secret)\nb.on_click(go)\nb",
        "#| shot: clicked\n#| steps: [{click: {selector: button, page: true}}]\nprint('second')",
    ),
}  # fmt: skip


def write_notebooks(project: Project) -> None:
    for name, sources in NOTEBOOKS.items():
        project.notebook(f"notebooks/{name}.ipynb", *sources, tags={1: ["raises-exception"]})


GALLERY = "widgetshot-report/index.html"


def is_text(name: str) -> bool:
    return not name.endswith((".png", ".ipynb"))


def leaks(secret: str, files: dict[str, bytes]) -> list[str]:
    """Names of the files that hold an encoding of the secret, or six characters of it that need none."""
    windows = {secret[at : at + 6] for at in range(len(secret) - 5)}
    forms = [form.encode() for form in {*Redactor([secret]).forms, *windows} if form.isascii()]
    found = [name for name, data in files.items() if any(form in data for form in forms)]
    # And under escapes, of which the gallery's own script has many.
    texts = {name: data.decode(errors="replace") for name, data in files.items() if name != GALLERY and is_text(name)}
    return [*found, *(name for name, text in texts.items() if Redactor([secret]).text(text) != text)]


@pytest.fixture(scope="module")
def canaries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """Everything that the same project leaves behind with one secret, and with another one, each by file.

    What the first has made are the baselines of the second, which takes all of them anew.
    """
    found: dict[str, dict[str, bytes]] = {}
    for secret in (ONE, OTHER):
        project = make_project(tmp_path_factory.mktemp("mine"))
        project.write("pyproject.toml", '[tool.widgetshot]\nsettle_timeout = 5\nsecrets = ["CANARY_*"]\n')
        write_notebooks(project)
        # One of the environment, one of a file; and to each door one. All that can be kept of a run is kept.
        if secret is ONE:
            project.environment = {"CANARY_KEY": secret}
            done = project.widgetshot("run", "--update-baselines", "--output", "json", "--debug")
        else:
            project.write(".env.test", f'CANARY_KEY="{secret}"\n')
            for name, data in found[ONE].items():
                if name.startswith("baselines/"):
                    project.write(name, "").write_bytes(data)
            before = time.time_ns()
            words = ("notebooks", "-q", "--update-baselines=all", "--junit-xml=junit.xml", "--widgetshot-debug")
            done = project.pytest(*words)
            baselines = [file for file in project.root.glob("baselines/page-*/**/*") if file.is_file()]
            assert all(file.stat().st_mtime_ns > before for file in baselines)
        (project.root / ".env.test").unlink(missing_ok=True)
        found[secret] = project.files(".") | {"said": (done.stdout + done.stderr).encode()}
        assert project.left_behind() == []
    return found


def entries(files: dict[str, bytes]) -> dict[str, Any]:
    return {test["name"].partition("/")[2]: test for test in json.loads(files["widgetshot-report/run.json"])["tests"]}


@pytest.mark.parametrize("secret", [ONE, OTHER])
def test_a_declared_secret_is_in_no_file_and_on_no_terminal(canaries: dict[str, dict[str, bytes]], secret: str) -> None:
    files = canaries[secret]
    assert len([name for name in files if name.endswith(".shot.png")]) >= 6
    assert leaks(secret, files) == []
    assert f"key {STARS} spoken" in files["widgetshot-report/server.log"].decode()


@pytest.mark.parametrize("secret", [ONE, OTHER])
def test_what_happened_is_reported_all_the_same(canaries: dict[str, dict[str, bytes]], secret: str) -> None:
    reported = entries(canaries[secret])
    verdicts = {name: test["verdict"] for name, test in reported.items()}
    # What the first has made are the baselines of the second.
    good = "new" if secret is ONE else "match"
    assert verdicts == {
        "printed.ipynb::s": good,
        "printed.ipynb::raised": good,
        "shown.ipynb::s": good,
        "widgets.ipynb::before": good,
        "widgets.ipynb::after": good,
        "assembled.ipynb::s": good,
        "hidden.ipynb::s": good,
        "escaped.ipynb::s": "broken",
        "fails.ipynb::s": "broken",
        "uncaught.ipynb::s": good,
        "uncaught.ipynb::clicked": "broken",
    }
    assert f"RuntimeError: no access with {STARS}" in reported["fails.ipynb::s"]["sentence"]
    assert f"RuntimeError: no access with {STARS}" in canaries[secret]["said"].decode()
    assert "a callback raised KeyError" in reported["uncaught.ipynb::clicked"]["sentence"]
    assert f"key {STARS}" in reported["shown.ipynb::s"]["console"]
    assert reported["shown.ipynb::s"]["blocked"] == [f"https://api.example/?key={STARS}"]


def test_no_pixel_depends_on_a_secret(canaries: dict[str, dict[str, bytes]]) -> None:
    one, other = (
        {name: data for name, data in canaries[secret].items() if re.search(r"pictures/.*\.png$|^baselines/", name)}
        for secret in (ONE, OTHER)
    )
    assert len(one) > 12
    assert {name for name in one if one[name] != other.get(name)} == set()
    assert one.keys() == other.keys()


def test_what_is_not_declared_is_found(tmp_path: Path) -> None:
    """The canary would be seen, were it there; and a baseline from before it was declared is not shown again."""
    project = make_project(tmp_path)
    write_notebooks(project)
    project.environment = {"CANARY_KEY": ONE}
    words = ("run", "notebooks/shown.ipynb")
    assert project.widgetshot(*words, "--update-baselines").returncode == 0
    assert "widgetshot-report/run.json" in leaks(ONE, project.files("."))
    assert "***" not in json.dumps(project.report())
    project.write("pyproject.toml", '[tool.widgetshot]\nsettle_timeout = 5\nsecrets = ["CANARY_KEY"]\n')
    done = project.widgetshot(*words)
    assert done.returncode == 2
    assert "its baseline holds the value of a declared secret" in done.stdout
    assert leaks(ONE, project.files("widgetshot-report") | {"out": done.stdout.encode()}) == []
    assert project.widgetshot(*words, "--update-baselines=all").returncode == 0
    assert leaks(ONE, project.files("baselines")) == []


@pytest.mark.parametrize("value", ["abc", " x "])
def test_a_secret_too_short_to_be_distinguished_from_text_is_refused(tmp_path: Path, value: str) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.widgetshot]\nsecrets = ["*_CANARY"]', encoding="utf-8")
    (tmp_path / ".env.test").write_text(f"SHORT_CANARY='{value}'\nEMPTY_CANARY=\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"the value of SHORT_CANARY has \d characters"):
        load_settings(tmp_path)


def test_settings_do_not_show_secrets(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.widgetshot]\nsecrets = "A_CANARY"', encoding="utf-8")
    (tmp_path / ".env.test").write_text("A_CANARY=hidden-value\nB_CANARY=shown-value\n", encoding="utf-8")
    settings = load_settings(tmp_path)
    assert settings.redactor.values == ("hidden-value",)
    assert "hidden-value" not in repr(settings)


@pytest.mark.parametrize("secret", [ONE, OTHER, "1234", "line one of it\nline two of it", "a" * 32, "it's"])
def test_a_secret_is_found_however_it_is_encoded(secret: str) -> None:
    redactor = Redactor([secret])
    for form in redactor.forms:
        assert redactor.text(f"before {form} after") == f"before {STARS} after"
    assert redactor.data({"a": [secret, {"b": f"x{secret}"}]}) == {"a": [STARS, {"b": f"x{STARS}"}]}
    basic = base64.b64encode(f"me:{secret}".encode()).decode()
    assert len(secret) < 8 or redactor.text(f"Basic {basic}") == f"Basic {STARS}"


def test_what_only_looks_like_a_secret_stays() -> None:
    redactor = Redactor(["1234", "data", "feedbeef" * 4])
    id = "12345678feedbeef0000111122223333"
    kept = {"comm_id": id, "layout": f"IPY_MODEL_{id}", "data": {"image/png": "iVBOR1234"}, "n": 12345, "t": True}
    assert redactor.data(kept) == kept
    assert redactor.data({"n": 1234, "id": "feedbeef" * 4}) == {"n": 0, "id": STARS}
    assert redactor.buffer(b"\x00data\x00") == b"\x00data\x00"


def test_streams_are_joined_before_they_are_searched() -> None:
    streams = [
        {"output_type": "stream", "name": "stdout", "text": "it is sec"},
        {"output_type": "stream", "name": "stderr", "text": "warning"},
        {"output_type": "stream", "name": "stdout", "text": ["ret-value", "\n"]},
        {"output_type": "display_data", "data": {"text/plain": "x"}},
        {"output_type": "stream", "name": "stdout", "text": "next"},
    ]
    reported = Redactor(["secret-value"]).data(streams)
    assert [output.get("text") for output in reported] == [f"it is {STARS}\n", "warning", None, "next"]


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), ("nothing", 0), ("it is s", 1), ("it is secret-valu", 11), ("it is secret-value", 0)]
)
def test_the_end_of_a_text_that_may_go_on_is_known(text: str, count: int) -> None:
    assert Redactor(["secret-value"]).open_end(text) == count
