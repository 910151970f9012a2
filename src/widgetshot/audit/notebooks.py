"""A notebook's code cells as one Python module, magics included."""

import ast
import re
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from pathlib import Path

from widgetshot.audit.findings import Finding
from widgetshot.audit.source import parse, parse_expression
from widgetshot.declare.cells import read_code
from widgetshot.errors import NotebookError

# The cells of these magics are Python behind their first line.
_PYTHON_CELLS = re.compile(r"\s*%%(time|timeit|capture|prun|px|py|python3?|pypy|memit|mprun|lprun|debug|snakeviz)\b.*")


@dataclass
class NotebookCode:
    """The code cells of a notebook as one module, because they share their names.

    Attributes:
        tree: the module; its line numbers count over all cells.
        cells: of each cell, the number of lines before it, and its name.
        problems: the place and the reason of each cell that did not parse.
    """

    tree: ast.Module = field(default_factory=lambda: ast.Module(body=[], type_ignores=[]))
    cells: list[tuple[int, str]] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)

    def locate(self, finding: Finding) -> Finding:
        """Return a finding with its cell, and its line within that cell."""
        before, cell = self.cells[bisect_right(self.cells, finding.line - 1, key=lambda one: one[0]) - 1]
        return replace(finding, cell=cell, line=finding.line - before)


def read_notebook(file: Path, path: str) -> NotebookCode:
    """Read and parse a notebook's code cells.

    Args:
        path: the file as it is named in messages.

    Raises:
        NotebookError: the file is no notebook.
    """
    language, cells = read_code(file, path)
    code = NotebookCode()
    if language.casefold() not in ("python", "ipython", ""):
        code.problems.append((path, f"its language is {language}"))
        return code
    before = 0
    for cell, source in cells:
        code.cells.append((before, cell))
        try:
            tree = _parse_cell(source, f"{path}::{cell}")
        except NotebookError as error:
            code.problems.append((error.where, error.what))
        else:
            ast.increment_lineno(tree, before)
            code.tree.body += tree.body
        before += source.count("\n") + 2
    return code


def _parse_cell(source: str, where: str) -> ast.Module:
    """Parse a cell as Python, magics replaced as IPython does it, on the lines where it stands."""
    lines = source.split("\n")
    blank = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
    if blank < len(lines) and lines[blank].lstrip().startswith("%%"):
        if not _PYTHON_CELLS.fullmatch(lines[blank]):
            return ast.Module(body=[], type_ignores=[])
        # The first line may be followed by another such line.
        tree = _parse_cell("\n".join(lines[blank + 1 :]), where)
        ast.increment_lineno(tree, blank + 1)
        return tree
    try:
        return parse(source, where)
    except NotebookError:
        from IPython.core.inputtransformer2 import TransformerManager

        # The transformer removes empty lines at the beginning.
        manager = TransformerManager()  # type: ignore[no-untyped-call]
        text = manager.transform_cell("\n".join(lines[blank:]))
        tree = parse(text, where)
        for node in ast.walk(tree):
            _unwrap_magic(node)
        ast.increment_lineno(tree, blank)
        return tree


def _unwrap_magic(node: ast.AST) -> None:
    """Put the statement of `%time statement` where its text stands."""
    if not (
        isinstance(node, ast.Expr)
        and isinstance(call := node.value, ast.Call)
        and ast.unparse(call.func) == "get_ipython().run_line_magic"
        and isinstance(name := call.args[0], ast.Constant)
        and name.value in ("time", "timeit", "prun", "memit")
        and isinstance(text := call.args[1], ast.Constant)
        and (inner := parse_expression(str(text.value))) is not None
    ):
        return
    for part in ast.walk(inner):
        if isinstance(part, ast.expr | ast.keyword | ast.arg):
            part.lineno, part.end_lineno = node.lineno, node.end_lineno
    node.value = inner
