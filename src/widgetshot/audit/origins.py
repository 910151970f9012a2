"""The origins of a module's expressions: names are followed to what they were bound to, nothing is executed.

See `libraries` for what an origin looks like.
"""

import ast
import re
from collections.abc import Callable, Iterable

from widgetshot.audit.libraries import FIXTURES, MOCK_LIBRARIES, STAR_IMPORTS, canonical
from widgetshot.audit.scopes import Binding, Function, Scope, ScopeBuilder
from widgetshot.audit.source import is_none, parse_expression

Position = tuple[int, int]  # line, column
# Module, level of a relative import, name in it -> its origin; None if the module is not of the project.
ModuleLookup = Callable[[str, int, str], str | None]
# A fixture of a conftest.py -> the origin of what it yields, "" if nothing is known of that; None if there is none.
FixtureLookup = Callable[[str], str | None]


class Origins:
    """The origins of one module's expressions; "" stands for an origin that is unknown.

    Attributes:
        module: the scope of the module.
        scopes: the scope that each class, function, lambda and comprehension opens.
    """

    def __init__(self, tree: ast.Module, modules: ModuleLookup, conftest: FixtureLookup) -> None:
        self._names = ScopeBuilder()
        self._names.visit(tree)
        self.scopes = self._names.scopes
        self.module = self._names.module
        self._modules = modules
        self._conftest = conftest
        self._open: set[int] = set()  # bindings that are being followed
        self._imports: dict[str, str] = {}

    @property
    def fixtures(self) -> Iterable[str]:
        """The names of the fixtures that the module defines."""
        return self._names.fixtures

    def find(self, name: str, scope: Scope, position: Position | None) -> Binding | None:
        """Return the binding that a name has at a position; without a position, the one it ends up with."""
        innermost, here = True, scope
        while True:
            bindings = here.redirected.get(name, here).names.get(name, [])
            # Names of a class body are not seen by its methods.
            if bindings and (innermost or not here.is_class):
                if innermost and position is not None:
                    bindings = [one for one in bindings if one.position <= position] or bindings
                return self._most_telling(bindings)
            innermost = False
            if here.parent is None:
                return None
            here = here.parent

    def _most_telling(self, bindings: list[Binding]) -> Binding:
        # `except ImportError: mock = None` does not take its meaning from a name.
        known = [one for one in bindings if not is_none(one.value)] or bindings
        last = known[-1]
        if last.imported and len(known) > 1:
            # `try: from unittest import mock`, `except ImportError: from compat import mock`: either holds.
            return next((one for one in known if one.imported and MOCK_LIBRARIES.fullmatch(self.of_binding(one))), last)
        return last

    def of(self, node: ast.AST | None, scope: Scope, position: Position | None) -> str:
        """Return the origin of an expression."""
        if isinstance(node, ast.Name):
            return self.of_name(node.id, scope, position)
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
                return self._of_own_attribute(node.attr, scope)
            base = self.of(node.value, scope, position)
            return canonical(f"{base}.{node.attr}") if base else ""
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and node.func.attr == "getfixturevalue" and node.args:
                name = self.text(node.args[0], scope)
                return canonical(f"@{name}") if name in FIXTURES else ""
            base = self.of(node.func, scope, position)
            return canonical(f"{base}()") if base else ""
        if isinstance(node, ast.Await | ast.NamedExpr | ast.Starred):
            return self.of(node.value, scope, position)
        return ""

    def of_name(self, name: str, scope: Scope, position: Position | None) -> str:
        """Return the origin of a name."""
        binding = self.find(name, scope, position)
        if binding is not None:
            return self._once(binding, self.of_binding)
        for module, _ in reversed(scope.module.star_imports):
            level = len(module) - len(module.lstrip("."))
            if (found := self._modules(module[level:], level, name)) is not None:
                if found:
                    return found
                continue
            library = canonical(module)
            if library in STAR_IMPORTS and re.fullmatch(STAR_IMPORTS[library], name):
                return f"{library}.{name}"
        return name if name in ("object", "ABC") else ""

    def of_binding(self, binding: Binding) -> str:
        """Return the origin of what a name is bound to."""
        if binding.imported:
            if binding.origin not in self._imports:
                self._imports[binding.origin] = self._of_import(binding.origin)
            return self._imports[binding.origin]
        if isinstance(binding.definition, ast.arg):
            return self._of_parameter(binding.definition, binding)
        return self.of(binding.value, binding.scope, None) if binding.value is not None else ""

    def of_fixture(self, name: str) -> str:
        """Return the origin of what a fixture of this module yields or returns."""
        node, scope = self._names.fixtures[name]
        for part in ast.walk(node):
            if isinstance(part, ast.Yield | ast.Return) and part.value is not None:
                return self.of(part.value, scope, None)
        return ""

    def text(self, node: ast.AST | None, scope: Scope) -> str:
        """Return a text that is known without running anything, or ""."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else ""
        if isinstance(node, ast.JoinedStr):
            parts = [self.text(one.value if isinstance(one, ast.FormattedValue) else one, scope) for one in node.values]
            return "".join(parts) if all(parts) else ""
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self.text(node.left, scope), self.text(node.right, scope)
            return left + right if left and right else ""
        if isinstance(node, ast.Attribute) and node.attr in ("__name__", "__qualname__"):
            return self.of(node.value, scope, None)
        if isinstance(node, ast.Name):
            binding = self.find(node.id, scope, None)
            if binding is not None and binding.value is not None and binding.definition is None:
                return self._once(binding, lambda one: self.text(one.value, one.scope))
        return ""

    def _once(self, binding: Binding, follow: Callable[[Binding], str]) -> str:
        """Follow a binding, unless it is being followed already: `x = x.y` has no beginning."""
        if id(binding) in self._open:
            return ""
        self._open.add(id(binding))
        try:
            return follow(binding)
        finally:
            self._open.discard(id(binding))

    def _of_own_attribute(self, attribute: str, scope: Scope) -> str:
        owner = scope.enclosing_class()
        for binding in reversed(owner.names.get(f"self.{attribute}", []) if owner else []):
            if found := self._once(binding, self.of_binding):
                return found
        return ""

    def _of_import(self, origin: str) -> str:
        level = len(origin) - len(origin.lstrip("."))
        module, _, name = origin[level:].rpartition(".")
        if (found := self._modules(module, level, name)) is not None:
            return found
        return "" if level else canonical(origin)

    def _of_parameter(self, parameter: ast.arg, binding: Binding) -> str:
        if isinstance(annotation := binding.value, ast.Constant) and isinstance(annotation.value, str):
            annotation = parse_expression(annotation.value)
        outside = binding.scope.parent
        declared = self.of(annotation, outside, None) if annotation is not None and outside is not None else ""
        if declared == "@mocker":
            return canonical(declared)
        if declared in ("pytest.MonkeyPatch", "_pytest.monkeypatch.MonkeyPatch"):
            return canonical(f"{declared}()")
        name = parameter.arg
        if not binding.origin:
            return ""
        node = binding.scope.node
        if isinstance(node, Function) and (passed := self._passed_by_decorator(node, binding.scope, name)):
            return passed
        if name in self._names.fixtures:
            return self.of_fixture(name)
        if (found := self._conftest(name)) is not None:
            return found
        return canonical(f"@{name}") if name in FIXTURES else ""

    def _passed_by_decorator(self, node: Function, scope: Scope, name: str) -> str:
        """Return what `@requests_mock.Mocker()` or `@aioresponses()` passes to the parameter of this name."""
        for decorator in node.decorator_list:
            made = self.of(decorator, scope.parent or scope, None)
            if made in ("requests_mock", "aioresponses") and isinstance(decorator, ast.Call):
                keyword = next(
                    (self.text(one.value, scope) for one in decorator.keywords if one.arg in ("kw", "param")), ""
                )
                free = [one.arg for one in node.args.args if one.arg not in ("self", "cls")]
                if name == (keyword or (free[0] if free else "")):
                    return made
        return ""
