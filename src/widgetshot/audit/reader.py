"""One module as the rules read it: what its expressions stand for, and the findings so far."""

import ast

from widgetshot.audit.findings import Finding, Kind
from widgetshot.audit.origins import Origins, Position
from widgetshot.audit.scopes import Binding, Function, Scope

# Behind everything that has a position.
_END = 10**9


class Reader:
    """A module while it is walked through; expressions are read in the scope that is entered.

    Attributes:
        scope: the scope that the walk is in.
        found: the findings so far, each with its node.
        within_finding: how many findings the walk is inside the arguments of.
    """

    def __init__(self, tree: ast.Module, origins: Origins) -> None:
        self.origins = origins
        self.scope: Scope = origins.module
        self.found: list[tuple[ast.AST, Finding]] = []
        self.within_finding = 0
        self._parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}

    def note(self, node: ast.AST, kind: Kind, by: str, replaces: str) -> None:
        """Add a finding at a node."""
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        self.found.append((node, Finding("", line, column, kind, by.replace("@", ""), " ".join(replaces.split()))))

    def origin(self, node: ast.AST | None) -> str:
        """Return the origin of an expression, or ""."""
        return self.origins.of(node, self.scope, _position(node))

    def known_text(self, node: ast.AST | None) -> str:
        """Return a text that is known without running anything, or ""."""
        return self.origins.text(node, self.scope)

    def text(self, node: ast.AST | None) -> str:
        """Return a text if it is known, else the expression as it is written."""
        if node is None:
            return ""
        return self.known_text(node) or ast.unparse(node)

    def object_name(self, node: ast.AST | None) -> str:
        """Return the full name of an object if it is known, else the expression as it is written."""
        if node is None:
            return ""
        origin = self.origin(node)
        return origin if origin and "(" not in origin and origin[0] != "@" else ast.unparse(node)

    def text_or_name(self, node: ast.AST | None) -> str:
        """Return a text if it is known, else the object's name."""
        return self.known_text(node) or self.object_name(node)

    def binding(self, node: ast.AST) -> Binding | None:
        """Return the binding of a name; None if the node is no name, or one that nothing binds."""
        return self.origins.find(node.id, self.scope, _position(node)) if isinstance(node, ast.Name) else None

    def parent(self, node: ast.AST) -> ast.AST | None:
        """Return the node around a node."""
        return self._parents.get(node)

    def is_called(self, node: ast.AST) -> bool:
        """Return True if the node is what a call calls."""
        parent = self.parent(node)
        return isinstance(parent, ast.Call) and parent.func is node

    def function_name(self, node: ast.AST) -> str:
        """Return the name of the function or class around a node."""
        parent = self.parent(node)
        while parent is not None and not isinstance(parent, Function | ast.ClassDef):
            parent = self.parent(parent)
        return parent.name if parent is not None else "the module"


def argument(node: ast.Call, position: int, *names: str) -> ast.expr | None:
    """Return the argument of a call at a position or by one of the names; None if it is not given."""
    for keyword in node.keywords:
        if keyword.arg in names:
            return keyword.value
    plain = node.args[: position + 1]
    if len(plain) <= position or any(isinstance(one, ast.Starred) for one in plain):
        return None
    return plain[position]


def _position(node: ast.AST | None) -> Position:
    return getattr(node, "lineno", _END), getattr(node, "col_offset", 0)
