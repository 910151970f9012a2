"""Libraries that answer in the place of something real: HTTP, services, recordings, clocks, scripted servers."""

import ast
import re

from widgetshot.audit.findings import Kind
from widgetshot.audit.libraries import ACTING_FIXTURES, LIBRARY_CALLS
from widgetshot.audit.reader import Reader
from widgetshot.audit.scopes import Function

_HTTP_FIXTURES = ("requests_mock", "respx_mock", "httpx_mock", "aioresponses")


def library_use(reader: Reader, node: ast.AST, origin: str, call: ast.Call | None) -> None:
    """Note the use of a library's name.

    Args:
        call: the call, if the name is called.
    """
    for kind, pattern, what in LIBRARY_CALLS:
        if pattern.fullmatch(origin) and (replaces := _replaced(reader, origin, kind, what, call)):
            reader.note(node, kind, origin, replaces)
            return


def _replaced(reader: Reader, origin: str, kind: Kind, what: str, call: ast.Call | None) -> str:
    """Return what a use replaces, "" if that needs a call and there is none.

    Args:
        what: of the rule; "url" and "argument" stand for an argument of the call.
    """
    if what == "url":
        return _url(reader, call) if call is not None else ""
    if what == "argument" and call is not None and call.args:
        return reader.object_name(call.args[0])
    if what == "subprocess" and call is not None and call.args:
        return f"subprocess {reader.text(call.args[0])}"
    if kind is Kind.SERVICE and (service := re.search(r"mock_(?!aws)(\w+)", origin)):
        return f"{what} {service[1]}"
    return what


def _url(reader: Reader, call: ast.Call) -> str:
    for keyword in call.keywords:
        if keyword.arg in ("url", "uri"):
            return reader.text(keyword.value)
    texts = [reader.text(one) for one in call.args]
    # `add(responses.GET, url)` and `get(url)`
    urls = [text for text in texts if "/" in text] or texts[-1:]
    return urls[0] if urls else "HTTP"


def bare_use(reader: Reader, node: ast.expr) -> None:
    """Note a decorator or context manager that is not called: `@responses.activate`, `with respx.mock:`."""
    if not isinstance(node, ast.Call):
        origin = reader.origin(node)
        if not origin.startswith("pytest.mark."):
            library_use(reader, node, origin, None)


def bare_marker(reader: Reader, node: ast.Attribute) -> None:
    """Note a marker of pytest that is not called: `@pytest.mark.vcr`."""
    if re.fullmatch(r"pytest\.mark\.\w+", origin := reader.origin(node)) and not reader.is_called(node):
        library_use(reader, node, origin, None)


def acting_fixture(reader: Reader, parameter: ast.arg, function: Function) -> None:
    """Note a fixture that acts by being asked for."""
    name, fixtures = parameter.arg, reader.origins.fixtures
    if name not in ACTING_FIXTURES or not (function.name.startswith("test") or function.name in fixtures):
        return
    if name not in fixtures or function.name == name:
        _note_fixture(reader, parameter, name)


def used_fixtures(reader: Reader, node: ast.Call, origin: str) -> bool:
    """Note the fixtures of `pytest.mark.usefixtures`; False if the call is none."""
    if origin != "pytest.mark.usefixtures":
        return False
    for one in node.args:
        if (name := reader.text(one)) in ACTING_FIXTURES:
            _note_fixture(reader, one, name)
        elif name in _HTTP_FIXTURES:
            reader.note(one, Kind.HTTP, name, "HTTP")
    return True


def _note_fixture(reader: Reader, node: ast.AST, name: str) -> None:
    kind = ACTING_FIXTURES[name]
    reader.note(node, kind, name, "time" if kind is Kind.CLOCK else "HTTP")
