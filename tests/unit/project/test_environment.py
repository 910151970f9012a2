"""The table of environment variables in the documentation is that of the source."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "src" / "widgetshot"
PAGE = ROOT / "docs" / "reference" / "environment.md"
NAME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
# Upper case and no variables: HTTP's methods, names of signals and levels, what git and PNG call their things.
OTHERWISE = {"POST", "GET", "PUT", "PATCH", "DELETE", "HEAD", "RGB", "RGBA"}


def is_environment(node: ast.AST) -> bool:
    text = ast.unparse(node)
    return text in ("os.environ", "environment", "env") or text.endswith(".environ")


def variables(tree: ast.Module) -> Iterator[str]:
    """Names that a module reads from an environment or puts into one."""
    constants = {
        ast.unparse(node.targets[0]): node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    }

    def text(node: ast.AST) -> Iterator[str]:
        value = node.value if isinstance(node, ast.Constant) else constants.get(ast.unparse(node))
        if isinstance(value, str) and NAME.fullmatch(value):
            yield value

    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and is_environment(node.value):
            yield from text(node.slice)
        elif isinstance(node, ast.Compare) and is_environment(node.comparators[0]):
            yield from text(node.left)
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and (node.func.attr in ("get", "pop", "setdefault") and is_environment(node.func.value))
        ) or (isinstance(node, ast.Call) and ast.unparse(node.func) == "os.getenv"):
            yield from text(node.args[0])
        elif isinstance(node, ast.Dict):
            # What a process is started with is written as a mapping, merged or handed over.
            yield from (name for key in node.keys if key is not None for name in text(key) if name not in OTHERWISE)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # Also those that stand in a text, such as a program that is handed to another interpreter.
            yield from re.findall(r"\bWIDGETSHOT_[A-Z_]*[A-Z]\b", node.value)


def in_source() -> set[str]:
    found = set()
    for file in SOURCE.rglob("*.py"):
        # What each built-in service adds is described with that service.
        if "builtin" not in file.relative_to(SOURCE).parts:
            found |= set(variables(ast.parse(file.read_text(encoding="utf-8"))))
    examples = {name for name in found if re.fullmatch(r"WIDGETSHOT_SERVICE_[A-Z]+_(URL|CONTROL)", name)}
    return found - examples


def documented() -> set[str]:
    rows = [line.split("|")[1] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([A-Z][A-Z0-9_]*)`", row)}


def test_every_variable_of_the_source_is_documented_and_nothing_else() -> None:
    found = in_source()
    assert {"WIDGETSHOT_BROWSER", "CI", "TZ", "PYTHONHASHSEED", "GITHUB_STEP_SUMMARY"} <= found
    described = documented()
    services = {"WIDGETSHOT_SERVICE_NAME_URL", "WIDGETSHOT_SERVICE_NAME_CONTROL"}
    assert services <= described
    assert sorted(found - described) == []
    everything = "\n".join(
        file.read_text(encoding="utf-8")
        for folder, pattern in ((SOURCE, "*.py"), (ROOT / "tests", "*.py"), (ROOT / "js", "*.mjs"))
        for file in folder.rglob(pattern)
        if "node_modules" not in file.parts and file != Path(__file__)
    )
    assert sorted(name for name in described - services if not re.search(rf"\b{name}\b", everything)) == []


def test_variables_of_services_are_named_as_documented() -> None:
    from widgetshot.services.endpoint import variable

    assert variable("postgres", "URL") == "WIDGETSHOT_SERVICE_POSTGRES_URL"
    assert variable("postgres", "CONTROL") == "WIDGETSHOT_SERVICE_POSTGRES_CONTROL"
