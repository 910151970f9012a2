"""Classes that are doubles: made from a mock, or named as one and made from nothing real."""

import ast

from widgetshot.audit.findings import Kind
from widgetshot.audit.libraries import DOUBLE_NAME, MOCK_OBJECT, UNREAL_BASES
from widgetshot.audit.reader import Reader
from widgetshot.audit.scopes import Function


def double_class(reader: Reader, node: ast.ClassDef) -> None:
    """Note a class that inherits from a mock, and one named as a double that inherits from nothing real."""
    bases = [reader.origin(_plain(base)) for base in node.bases]
    mocks = [base for base in bases if MOCK_OBJECT.fullmatch(base)]
    if mocks:
        reader.note(node, Kind.OBJECT, mocks[0], f"class {node.name}")
    elif _is_double(reader, node):
        replaced = DOUBLE_NAME.sub("", node.name).strip("_") or node.name
        reader.note(node, Kind.DOUBLE, f"class {node.name}", replaced)


def _is_double(reader: Reader, node: ast.ClassDef, seen: tuple[ast.ClassDef, ...] = ()) -> bool:
    """Return True if a class is named as a double, and neither a test nor made from anything that is real."""
    tests = any(isinstance(part, Function) and part.name.startswith("test") for part in node.body)
    if not DOUBLE_NAME.match(node.name) or tests or node in seen:
        return False
    for base in node.bases:
        plain = _plain(base)
        if UNREAL_BASES.fullmatch(reader.origin(plain)) or MOCK_OBJECT.fullmatch(reader.origin(plain)):
            continue
        binding = reader.binding(plain)
        definition = binding.definition if binding else None
        if not isinstance(definition, ast.ClassDef) or not _is_double(reader, definition, (*seen, node)):
            return False
    return True


def _plain(base: ast.expr) -> ast.expr:
    """Return a base class without its type parameters."""
    return base.value if isinstance(base, ast.Subscript) else base
