"""Python source as a syntax tree; nothing is executed."""

import ast
import warnings

from widgetshot.errors import NotebookError


def parse(source: bytes | str, where: str) -> ast.Module:
    """Parse Python without executing it.

    Raises:
        NotebookError: it is no Python of this version.
    """
    try:
        with warnings.catch_warnings():
            # A warning of an invalid escape concerns nobody here.
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        detail = error.msg if isinstance(error, SyntaxError) else str(error)
        raise NotebookError(f"no Python that can be parsed: {detail}", where=f"{where}{line}") from error


def parse_expression(text: str) -> ast.expr | None:
    """Parse one expression; None if it is none."""
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return None


def is_none(node: ast.AST | None) -> bool:
    """Return True for the constant None."""
    return isinstance(node, ast.Constant) and node.value is None


def defaults(arguments: ast.arguments) -> list[ast.expr]:
    """Return the default values of parameters."""
    return [one for one in [*arguments.defaults, *arguments.kw_defaults] if one is not None]


def parameters(arguments: ast.arguments) -> list[ast.arg]:
    """Return all parameters of a function."""
    found = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return [one for one in found if one is not None]
