"""Mock objects: where they are made, and what they are for."""

import ast

from widgetshot.audit.findings import Kind
from widgetshot.audit.libraries import MOCK_OBJECT
from widgetshot.audit.reader import Reader, argument

_CLASS_ARGUMENTS = ("default_factory", "new_callable", "side_effect")


def mock_object(reader: Reader, node: ast.Call, origin: str) -> bool:
    """Note a mock that is made, unless it is part of a finding around it; False if the call makes none."""
    if not MOCK_OBJECT.fullmatch(origin):
        return False
    if not reader.within_finding:
        reader.note(node, Kind.OBJECT, origin, _purpose(reader, node))
    return True


def mock_class_argument(reader: Reader, node: ast.Call, origin: str) -> None:
    """Note a mock's class that is passed to its maker: `field(default_factory=MagicMock)`, `partial(Mock, ...)`."""
    passed = [one.value for one in node.keywords if one.arg in _CLASS_ARGUMENTS]
    if origin == "functools.partial":
        passed += node.args[:1]
    for one in passed:
        if MOCK_OBJECT.fullmatch(reader.origin(one)) and not reader.within_finding:
            reader.note(one, Kind.OBJECT, reader.origin(one), _purpose(reader, node))


def _purpose(reader: Reader, node: ast.Call) -> str:
    """Return what a mock is for: what it is made after, the name it gets, or the argument that it is."""
    if specification := _specification(reader, node):
        return specification
    child: ast.AST = node
    parent = reader.parent(node)
    while parent is not None:
        match parent:
            case ast.Assign():
                return reader.object_name(parent.targets[0])
            case ast.AnnAssign() | ast.NamedExpr():
                return reader.object_name(parent.target)
            case ast.keyword() if parent.arg:
                return f"{_called(reader, parent)}({parent.arg}=)"
            case ast.Call() if child in parent.args:
                return f"{_called(reader, child)}(argument {parent.args.index(child) + 1})"
            case ast.withitem() if parent.optional_vars is not None:
                return reader.object_name(parent.optional_vars)
            case ast.Return() | ast.Yield():
                return f"what {reader.function_name(parent)} returns"
            case ast.stmt():
                break
        child, parent = parent, reader.parent(parent)
    return f"an object in {reader.function_name(node)}"


def _specification(reader: Reader, node: ast.Call) -> str:
    given = next((one.value for one in node.keywords if one.arg in ("spec", "spec_set", "wraps")), None)
    if given is None and reader.origin(node.func).endswith("create_autospec"):
        given = argument(node, 0, "spec")
    return reader.object_name(given) if given is not None and not isinstance(given, ast.List) else ""


def _called(reader: Reader, node: ast.AST) -> str:
    parent = reader.parent(node)
    return reader.object_name(parent.func) if isinstance(parent, ast.Call) else ""
