"""The audit: where tests and notebooks put something else in the place of what is real.

Names are followed from where they are bound to where they are used, as Python does it; nothing is executed or
imported. What is counted, and what can't be seen, is written in docs/how-to/audit.md.
"""

import ast
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from widgetshot.audit.advice import advise
from widgetshot.audit.findings import Audit, Finding
from widgetshot.audit.modules import ProjectModules
from widgetshot.audit.notebooks import read_notebook
from widgetshot.audit.origins import FixtureLookup, ModuleLookup, Origins
from widgetshot.audit.reader import Reader
from widgetshot.audit.rules.imports import unused_imports
from widgetshot.audit.source import parse
from widgetshot.audit.walk import ModuleWalk
from widgetshot.errors import WidgetshotError


def audit(files: Sequence[Path], name: Callable[[Path], str] = Path.as_posix) -> Audit:
    """Read files and find what they replace; one that can't be read does not sink the rest.

    Args:
        name: how a file is called in the findings.
    """
    modules = ProjectModules()
    findings: list[Finding] = []
    unread: list[tuple[str, str]] = []
    for file in files:
        path = name(file)
        lookups = modules.module_lookup(file.absolute()), modules.fixture_lookup(file.absolute())
        try:
            if file.suffix == ".ipynb":
                code = read_notebook(file, path)
                unread += code.problems
                found = [code.locate(finding) for finding in audit_tree(code.tree, *lookups)]
            else:
                found = audit_tree(parse(file.read_bytes(), path), *lookups)
        except WidgetshotError as error:
            unread.append((error.where or path, error.what))
        except (OSError, RecursionError) as error:
            unread.append((path, f"can't be read: {error}"))
        else:
            findings += [replace(finding, path=path) for finding in found]
    return Audit(len(files), tuple(findings), tuple(unread))


def audit_tree(
    tree: ast.Module,
    modules: ModuleLookup = lambda *_: None,
    conftest: FixtureLookup = lambda _: None,
) -> list[Finding]:
    """Return what a module replaces, in order of place; paths are left open.

    Args:
        modules: the lookup of names that come from other modules of the project.
        conftest: the lookup of fixtures that come from conftest.py files.
    """
    reader = Reader(tree, Origins(tree, modules, conftest))
    ModuleWalk(reader).visit(tree)
    unused_imports(reader)
    return sorted(advise(tree, reader.found), key=lambda finding: (finding.line, finding.column))
