"""Mock libraries that are imported and not visibly used: what they are imported for happens elsewhere."""

import ast

from widgetshot.audit.findings import Kind
from widgetshot.audit.libraries import HELPERS, MOCK_LIBRARIES, canonical
from widgetshot.audit.origins import Origins, Position
from widgetshot.audit.reader import Reader


def unused_imports(reader: Reader) -> None:
    """Note each mock library that is imported, and neither used nor found by another rule; call this last."""
    seen = {_library(finding.by) for _, finding in reader.found}
    for library, (line, column) in _unused(reader.origins).items():
        if library not in seen:
            reader.note(ast.Pass(lineno=line, col_offset=column), Kind.IMPORT, library, library)


def _unused(origins: Origins) -> dict[str, Position]:
    """Return where each mock library is imported of whose names none is used."""
    places: dict[str, Position] = {}
    used: set[str] = set()
    for scope in [origins.module, *origins.scopes.values()]:
        for name, bindings in scope.names.items():
            for binding in bindings:
                origin = origins.of_binding(binding) if binding.imported else ""
                if not MOCK_LIBRARIES.fullmatch(origin) or HELPERS.fullmatch(origin) or binding.typing_only:
                    continue
                library = _library(origin)
                if binding.used or any(one.used for one in scope.names.get(name.removesuffix(".*"), [])):
                    used.add(library)
                else:
                    places[library] = min(binding.position, places.get(library, binding.position))
    for module, line in origins.module.star_imports:
        if MOCK_LIBRARIES.fullmatch(origin := canonical(module)):
            places.setdefault(_library(origin), (line, 0))
    return {library: place for library, place in places.items() if library not in used}


def _library(origin: str) -> str:
    return ".".join(origin.split(".")[: 2 if origin.startswith("unittest") else 1])
