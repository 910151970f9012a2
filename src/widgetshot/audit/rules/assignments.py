"""Assignments that put something made on the spot in the place of what was imported."""

import ast

from widgetshot.audit.findings import Kind
from widgetshot.audit.reader import Reader
from widgetshot.audit.scopes import Function
from widgetshot.audit.source import is_none


def assignment(reader: Reader, node: ast.Assign) -> None:
    """Note `requests.get = fake_get` and `sys.modules["torch"] = None`."""
    for target in node.targets:
        if isinstance(target, ast.Subscript) and reader.origin(target.value) == "sys.modules":
            made = reader.origin(node.value)
            if is_none(node.value) or made == "types.ModuleType()" or _is_made_here(reader, node.value):
                reader.note(node, Kind.ASSIGNMENT, "sys.modules", reader.text(target.slice))
        elif isinstance(target, ast.Attribute) and _is_made_here(reader, node.value):
            whole = reader.origin(target)
            root = reader.binding(_leftmost(target))
            if root is not None and root.imported and "(" not in whole and not whole.startswith("sys."):
                reader.note(node, Kind.ASSIGNMENT, "=", whole or ast.unparse(target))


def _is_made_here(reader: Reader, node: ast.expr) -> bool:
    """Return True for a function or class that is made here, or an instance of such a class."""
    if isinstance(node, ast.Lambda):
        return True
    is_call = isinstance(node, ast.Call)
    binding = reader.binding(node.func if isinstance(node, ast.Call) else node)
    if binding is None:
        return False
    return isinstance(binding.definition, ast.ClassDef if is_call else Function | ast.ClassDef)


def _leftmost(node: ast.expr) -> ast.expr:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node
