"""The walk through a module: scopes are entered and left, and each node is shown to its rules."""

import ast
from collections.abc import Iterable

from widgetshot.audit.reader import Reader
from widgetshot.audit.rules.assignments import assignment
from widgetshot.audit.rules.classes import double_class
from widgetshot.audit.rules.libraries import acting_fixture, bare_marker, bare_use, library_use, used_fixtures
from widgetshot.audit.rules.mock_objects import mock_class_argument, mock_object
from widgetshot.audit.rules.patches import monkeypatch, patch
from widgetshot.audit.scopes import Function
from widgetshot.audit.source import defaults, parameters, parse_expression


class ModuleWalk(ast.NodeVisitor):
    """Visits every node of a module in the scope that Python gives it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def _enter(self, node: ast.AST, parts: Iterable[ast.AST]) -> None:
        reader = self._reader
        before, reader.scope = reader.scope, reader.origins.scopes.get(node, reader.scope)
        for part in parts:
            self.visit(part)
        reader.scope = before

    def _visit_decorators(self, node: Function | ast.ClassDef) -> None:
        for decorator in node.decorator_list:
            bare_use(self._reader, decorator)
            self.visit(decorator)

    def visit_FunctionDef(self, node: Function) -> None:
        self._visit_decorators(node)
        for part in defaults(node.args):
            self.visit(part)
        for one in parameters(node.args):
            if one.annotation is not None:
                self._mark_used(one.annotation)
            acting_fixture(self._reader, one, node)
        self._enter(node, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for part in defaults(node.args):
            self.visit(part)
        self._enter(node, [node.body])

    def _visit_comprehension(self, node: ast.AST) -> None:
        self._enter(node, ast.iter_child_nodes(node))

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _visit_comprehension

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._visit_decorators(node)
        double_class(self._reader, node)
        for part in [*node.bases, *node.keywords]:
            self.visit(part)
        self._enter(node, node.body)

    def _mark_used(self, annotation: ast.AST) -> None:
        """Mark the names of an annotation as used."""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            annotation = parse_expression(annotation.value) or annotation
        for part in ast.walk(annotation):
            if isinstance(part, ast.Name):
                self.visit_Name(part)

    def visit_Name(self, node: ast.Name) -> None:
        if (binding := self._reader.binding(node)) is not None:
            binding.used = True

    def visit_Attribute(self, node: ast.Attribute) -> None:
        bare_marker(self._reader, node)
        self.generic_visit(node)

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            bare_use(self._reader, item.context_expr)
        self.generic_visit(node)

    visit_AsyncWith = visit_With

    def visit_Assign(self, node: ast.Assign) -> None:
        assignment(self._reader, node)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        reader = self._reader
        origin = reader.origin(node.func)
        before = len(reader.found)
        if not any(rule(reader, node, origin) for rule in (patch, mock_object, monkeypatch, used_fixtures)):
            library_use(reader, node, origin, node)
            mock_class_argument(reader, node, origin)
        noted = len(reader.found) > before
        self.visit(node.func)
        # A mock that is made in the arguments of a patch, or of another mock, is part of it.
        reader.within_finding += noted
        for part in [*node.args, *node.keywords]:
            self.visit(part)
        reader.within_finding -= noted
