"""The names of a module: where each is bound, scope by scope, as Python does it."""

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from widgetshot.audit.source import defaults, parameters

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Binding:
    """One place that binds a name: an import, an expression, or something that is followed no further."""

    position: tuple[int, int]  # line, column
    scope: "Scope"
    origin: str = ""
    value: ast.expr | None = None
    imported: bool = False
    typing_only: bool = False
    used: bool = False
    definition: ast.AST | None = None  # its class, function or parameter, if it is one


@dataclass
class Scope:
    """The names of a module, class, function, lambda or comprehension."""

    parent: "Scope | None" = None
    node: ast.AST | None = None
    is_class: bool = False
    names: dict[str, list[Binding]] = field(default_factory=dict)
    star_imports: list[tuple[str, int]] = field(default_factory=list)  # module, line
    redirected: dict[str, "Scope"] = field(default_factory=dict)  # by global and nonlocal

    def bind(self, name: str, binding: Binding) -> None:
        """Add a binding of a name, in the scope that `global` or `nonlocal` says."""
        self.redirected.get(name, self).names.setdefault(name, []).append(binding)

    @property
    def module(self) -> "Scope":
        """The scope of the module."""
        return self if self.parent is None else self.parent.module

    def enclosing_class(self) -> "Scope | None":
        """Return the scope of the innermost class around; None outside of classes."""
        scope: Scope | None = self
        while scope is not None and not scope.is_class:
            scope = scope.parent
        return scope


class ScopeBuilder(ast.NodeVisitor):
    """Collects the bindings of all names of a module, by scope; `Origins` follows them later."""

    def __init__(self) -> None:
        self.module = Scope()
        self.scopes: dict[ast.AST, Scope] = {}
        self.fixtures: dict[str, tuple[Function, Scope]] = {}
        self._scope = self.module
        self._typing_only = False

    def _bind(self, name: str, node: ast.AST, **what: Any) -> None:
        position = (getattr(node, "lineno", 0), getattr(node, "col_offset", 0))
        self._scope.bind(name, Binding(position, self._scope, typing_only=self._typing_only, **what))

    def _bind_target(self, target: ast.expr, value: ast.expr | None) -> None:
        if isinstance(target, ast.Name):
            self._bind(target.id, target, value=value)
        elif isinstance(target, ast.Starred):
            self._bind_target(target.value, None)
        elif isinstance(target, ast.Tuple | ast.List):
            values: Sequence[ast.expr | None] = [None] * len(target.elts)
            if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts):
                values = value.elts
            for part, part_value in zip(target.elts, values, strict=True):
                self._bind_target(part, part_value)
        elif (
            isinstance(target, ast.Attribute)
            and isinstance(target.value, ast.Name)
            and target.value.id in ("self", "cls")
        ) and (owner := self._scope.enclosing_class()):
            # Wherever it is set, all methods see it.
            owner.names.setdefault(f"self.{target.attr}", []).append(Binding((0, 0), self._scope, value=value))

    def _visit_inside(self, node: ast.AST, parts: Iterable[ast.AST], *, is_class: bool = False) -> Scope:
        before = self._scope
        self._scope = scope = Scope(before, node, is_class)
        self.scopes[node] = scope
        for part in parts:
            self.visit(part)
        self._scope = before
        return scope

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            name = alias.asname or alias.name.split(".")[0]
            self._bind(name, node, origin=alias.name if alias.asname else name, imported=True)
            if not alias.asname and "." in alias.name:
                # It binds `unittest`; whether `unittest.mock` is used is looked up under a name of its own.
                self._bind(f"{name}.*", node, origin=alias.name, imported=True)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            if alias.name == "*":
                self._scope.module.star_imports.append((module, node.lineno))
            else:
                joint = "" if module.endswith(".") else "."
                self._bind(alias.asname or alias.name, node, origin=f"{module}{joint}{alias.name}", imported=True)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self._bind_target(target, node.value)
            self.visit(target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.generic_visit(node)
        self._bind_target(node.target, node.value)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.generic_visit(node)
        self._bind_target(node.target, node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.generic_visit(node)
        self._bind_target(node.target, None)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self._bind_target(node.target, None)
        self.generic_visit(node)

    visit_AsyncFor = visit_For

    def visit_withitem(self, node: ast.withitem) -> None:
        self.generic_visit(node)
        if node.optional_vars is not None:
            self._bind_target(node.optional_vars, node.context_expr)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self._bind(node.name, node)
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        if node.name:
            self._bind(node.name, node)
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        before = self._typing_only
        self._typing_only = before or ast.unparse(node.test).endswith("TYPE_CHECKING")
        for part in node.body:
            self.visit(part)
        self._typing_only = before
        self.visit(node.test)
        for part in node.orelse:
            self.visit(part)

    def visit_Global(self, node: ast.Global) -> None:
        for name in node.names:
            self._scope.redirected[name] = self._scope.module

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        for name in node.names:
            scope = self._scope.parent
            while scope is not None and name not in scope.names:
                scope = scope.parent
            if scope is not None:
                self._scope.redirected[name] = scope

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._bind(node.name, node, definition=node)
        for part in [*node.decorator_list, *node.bases, *node.keywords]:
            self.visit(part)
        self._visit_inside(node, node.body, is_class=True)

    def visit_FunctionDef(self, node: Function) -> None:
        self._bind(node.name, node, definition=node)
        for part in [*node.decorator_list, *defaults(node.args)]:
            self.visit(part)
        scope = self._visit_inside(node, node.body)
        self._bind_parameters(scope, node.args)
        for decorator in node.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if ast.unparse(called).split(".")[-1] in ("fixture", "yield_fixture"):
                given = next((one.value for one in getattr(decorator, "keywords", ()) if one.arg == "name"), None)
                name = given.value if isinstance(given, ast.Constant) else node.name
                self.fixtures[str(name)] = (node, scope)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for part in defaults(node.args):
            self.visit(part)
        self._bind_parameters(self._visit_inside(node, [node.body]), node.args, fixtures=False)

    def _bind_parameters(self, scope: Scope, arguments: ast.arguments, *, fixtures: bool = True) -> None:
        for one in parameters(arguments):
            origin = f"@{one.arg}" if fixtures else ""
            binding = Binding((0, 0), scope, origin=origin, value=one.annotation, definition=one)
            scope.names.setdefault(one.arg, []).insert(0, binding)

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        scope = self._visit_inside(node, ast.iter_child_nodes(node))
        for generator in node.generators:
            for name in ast.walk(generator.target):
                if isinstance(name, ast.Name):
                    scope.names.setdefault(name.id, []).append(Binding((0, 0), scope))

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp
