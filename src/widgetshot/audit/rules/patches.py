"""`patch` of unittest.mock and its relatives, and pytest's monkeypatch."""

import ast

from widgetshot.audit.findings import Kind
from widgetshot.audit.libraries import MOCK_OBJECT, MONKEYPATCH, PATCH, PROCESS_ENVIRONMENT, SPY
from widgetshot.audit.reader import Reader, argument

# What is put in the place of something: one expression, or None if it can't be seen.
Replacement = ast.expr | None
_ENVIRONMENT_METHODS = ("setenv", "delenv", "chdir", "syspath_prepend")


def patch(reader: Reader, node: ast.Call, origin: str) -> bool:
    """Note a call of `patch`, `patch.object`, `patch.dict`, `patch.multiple` or `spy`; False if it is none."""
    if SPY.fullmatch(origin):
        _patch_attribute(reader, node, origin)
        return True
    if not (match := PATCH.fullmatch(origin)):
        return False
    match match["method"]:
        case ".object":
            _patch_attribute(reader, node, origin)
        case ".multiple":
            target = argument(node, 0, "target")
            names = sorted(one.arg for one in node.keywords if one.arg and one.arg not in ("target", "spec", "create"))
            reader.note(node, Kind.PATCH, origin, f"{reader.text_or_name(target)}.{{{', '.join(names)}}}")
        case ".dict":
            target = argument(node, 0, "in_dict")
            _note(reader, node, Kind.PATCH, origin, reader.text_or_name(target))
        case _:
            target, new = argument(node, 0, "target"), argument(node, 1, "new", "new_callable")
            _note(reader, node, Kind.PATCH, origin, reader.text(target), new, default_mock=new is None)
    return True


def _patch_attribute(reader: Reader, node: ast.Call, origin: str) -> None:
    """`patch.object(requests, "get")`, `spy(requests, "get")`."""
    owner, name = argument(node, 0, "target", "obj"), argument(node, 1, "attribute", "name")
    new = argument(node, 2, "new", "new_callable") if not origin.endswith("spy") else None
    target = f"{reader.object_name(owner)}.{reader.text(name)}"
    _note(reader, node, Kind.PATCH, origin, target, new, default_mock=new is None)


def monkeypatch(reader: Reader, node: ast.Call, origin: str) -> bool:
    """Note a call of a method of `monkeypatch`; False if it is none."""
    if not (match := MONKEYPATCH.fullmatch(origin)):
        return False
    method = match["method"]
    if method in _ENVIRONMENT_METHODS:
        reader.note(node, Kind.ENVIRONMENT, origin, reader.text(argument(node, 0, "name", "path")))
        return True
    first, second = argument(node, 0, "target", "dic"), argument(node, 1, "name")
    if method.endswith("item"):
        value = argument(node, 2, "value")
        target = f"{reader.object_name(first)}[{ast.unparse(second) if second is not None else ''}]"
    elif text := reader.known_text(first):
        # With a dotted name the value comes second.
        value, target = argument(node, 1, "name", "value"), text
    else:
        value, target = argument(node, 2, "value"), f"{reader.object_name(first)}.{reader.text(second)}"
    _note(reader, node, Kind.MONKEYPATCH, origin, target.removesuffix("."), value)
    return True


def _note(
    reader: Reader,
    node: ast.Call,
    kind: Kind,
    origin: str,
    target: str,
    new: Replacement = None,
    *,
    default_mock: bool = False,
) -> None:
    """Note a patch, unless it only changes the process's environment.

    Args:
        new: what is put there, as far as it can be seen.
        default_mock: the library makes a mock, because nothing is given.
    """
    is_mock = default_mock or (new is not None and _is_mock(reader, new))
    only_environment = PROCESS_ENVIRONMENT.fullmatch(target) and not is_mock
    reader.note(node, Kind.ENVIRONMENT if only_environment else kind, origin, target)


def _is_mock(reader: Reader, node: ast.expr) -> bool:
    parts = (node, node.func if isinstance(node, ast.Call) else None)
    return any(MOCK_OBJECT.fullmatch(reader.origin(part)) for part in parts)
