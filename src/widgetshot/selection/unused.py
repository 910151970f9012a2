"""Baselines that no notebook and no Python test declares any more."""

import ast
from collections.abc import Iterable
from pathlib import Path

from widgetshot.declare.defaults import Defaults
from widgetshot.declare.notebook import read_notebook
from widgetshot.errors import WidgetshotError
from widgetshot.model import front_end_of


def unused(keys: Iterable[str], root: Path, defaults: Defaults) -> list[str]:
    """Return the keys, of whatever browser and platform, that nothing declares any more; sorted.

    Each key names its notebook, so this needs no list of notebooks and does not depend on what a run selected. The
    baseline of a Python test counts as declared as long as its file has a test of that name: which pictures the test
    checks is known only to the test.

    Args:
        keys: of all baselines.
        root: the project's folder.
        defaults: the project's settings, which decide on the variants.

    Raises:
        NotebookError, ConfigError: a notebook can't be read, so what it declares is unknown.
    """
    declared: dict[str, set[tuple[str, str]]] = {}
    found = []
    for key in sorted(keys):
        environment, _, path = key.partition("/")
        notebook = f"{path.rpartition('/')[0]}.ipynb"
        if notebook not in declared and (root / notebook).is_file():
            targets = read_notebook(root / notebook, notebook, defaults).targets
            declared[notebook] = {(target.frontend, target.path) for target in targets}
        if (front_end_of(environment), path) not in declared.get(notebook, ()) and not _has_test(root, path):
            found.append(key)
    return found


def unused_if_known(keys: Iterable[str], root: Path, defaults: Defaults) -> list[str] | None:
    """As `unused`; None where a notebook can't be read, so that a run can still say everything else."""
    try:
        return unused(keys, root, defaults)
    except WidgetshotError:
        return None


def _has_test(root: Path, path: str) -> bool:
    file, separator, rest = path.partition(".py/")
    if not separator:
        return False
    try:
        tree = ast.parse((root / f"{file}.py").read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return False
    # test_x, TestClass.test_x, test_x[parameter]
    name = rest.partition("/")[0].partition("[")[0].rpartition(".")[2]
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name for node in ast.walk(tree)
    )
