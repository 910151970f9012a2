"""What commands print: text from elsewhere commands neither a terminal nor a CI job nor a shell."""

import ast
import json
import subprocess
from pathlib import Path

import pytest

from widgetshot.conditions import Condition, Problem, advice
from widgetshot.errors import NotebookError, one_line, visible
from widgetshot.printing import say, say_json
from widgetshot.shell import quoted, typed

SOURCE = Path(__file__).parents[2] / "src/widgetshot"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::error file=a.py::no", "⟨U+003A⟩:error file=a.py::no"),
        ("text\n \t::add-mask::x", "text\n \t⟨U+003A⟩:add-mask::x"),
        ("\x1b[31m::stop-commands::x\x1b[0m", "⟨U+003A⟩:stop-commands::x"),
        ("\u2003::error::x", "\u2003⟨U+003A⟩:error::x"),
        ("a ##[error]b", "a ⟨U+0023⟩#[error]b"),
        ("###[group]", "#⟨U+0023⟩#[group]"),
        ("a ##vso[task.setvariable variable=x]b", "a ⟨U+0023⟩#vso[task.setvariable variable=x]b"),
        ("##VSO[x] ##teamcity[y]", "⟨U+0023⟩#VSO[x] ⟨U+0023⟩#teamcity[y]"),
        ("notebooks/x.ipynb::shot ## Heading [x]", "notebooks/x.ipynb::shot ## Heading [x]"),
        ("\x1b]0;title\x07\x9b2J\r", "⟨U+001B⟩]0;title⟨U+0007⟩⟨U+009B⟩2J⟨U+000D⟩"),
    ],
)
def test_no_text_is_a_command(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible(shown) == shown


def test_an_error_says_nothing_raw() -> None:
    error = NotebookError("\x1b]0;x\x07", where="##[error]", next_step="a\n::error::b")
    assert str(error) == "⟨U+0023⟩#[error]: ⟨U+001B⟩]0;x⟨U+0007⟩\n  next: a\n⟨U+003A⟩:error::b"
    assert one_line("a\n::error::b") == "a ::error::b"


def test_what_is_printed_is_text_and_json_is_the_same_json(capsys: pytest.CaptureFixture[str]) -> None:
    say("::error::a\n::error::b", mark="✗ ", colour="red")
    # Behind a mark nothing is at the begin of its line.
    assert capsys.readouterr().out == "✗ ::error::a\n⟨U+003A⟩:error::b\n"
    document = {"##[error]": ["##vso[x]", "\n::error::", "\x1b\u202e\udfff ###[x"]}
    say_json(document)
    printed = capsys.readouterr().out
    assert json.loads(printed) == document
    assert printed.isascii()
    assert not any(word in printed for word in ("##[", "##vso[", "\n::"))


def test_nothing_is_printed_past_that() -> None:
    ours = {
        "printing.py",
        # The commands that it runs, which are ours.
        "capture/browser.py",
        # A program of its own, whose output is a log.
        "services/builtin/inference.py",
    }
    found = set()
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            call = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if call in ("print", "sys.stdout.write", "sys.stderr.write", "click.echo", "click.secho", "click.prompt"):
                found.add(file.relative_to(SOURCE).as_posix())
            if call.endswith(".write_line") and isinstance(node, ast.Call):
                assert [ast.unparse(word) for word in node.args] == ["visible(line)"], file
    assert found == ours


NAMES = ["x'; touch owned; '.ipynb", '$(touch owned) `id` "q"', "a b*[?]~", "plain/x.ipynb::shot", "-rf", "é\\n"]


@pytest.mark.parametrize("name", NAMES)
def test_a_shell_takes_a_name_for_one_word(tmp_path: Path, name: str) -> None:
    def words(text: str) -> str:
        done = subprocess.run(
            ["sh", "-c", f"printf '<%s>' {text}"], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        return done.stdout

    assert words(quoted(name)) == f"<{name}>"
    assert words(typed(name)) == (f"<./{name}>" if name.startswith("-") else f"<{name}>")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("module", ["x; rm -rf ~", "-rhttp:x", "$(id)", "@--index-url=x/y", ""])
def test_only_a_name_of_a_package_is_told_to_be_installed(module: str) -> None:
    def next_step(name: str) -> str:
        return advice([Condition(Problem.FRONT_END_MISSING, {"module": name, "version": "1"})])

    assert next_step(module) == "pip install the widget package"
    assert next_step("@scope.a/b-c") == "pip install scope.a"
    assert next_step("ipy-flow") == "pip install ipy-flow"
