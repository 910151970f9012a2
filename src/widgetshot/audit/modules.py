"""The project's other modules, as far as names and fixtures of an audited file come from them."""

from collections.abc import Iterator
from pathlib import Path

from widgetshot.audit.origins import FixtureLookup, ModuleLookup, Origins
from widgetshot.audit.source import parse
from widgetshot.errors import WidgetshotError

# A package is looked for beside a file, and in so many of the folders around it but the nearest.
_FOLDERS_AROUND = slice(1, 4)


class ProjectModules:
    """Modules beside the one that is audited, each parsed once."""

    def __init__(self) -> None:
        self._origins: dict[Path, Origins | None] = {}

    def module_lookup(self, file: Path) -> ModuleLookup:
        """Return the lookup of names that a file imports from modules of the project."""

        def lookup(module: str, level: int, name: str) -> str | None:
            if not level and not module:
                # `import mock` takes the module beside the test first.
                return f".{name}" if (file.parent / f"{name}.py").is_file() and file.stem != name else None
            *package, attribute = [part for part in f"{module}.{name}".split(".") if part]
            for candidate in _candidates(file, package, level):
                if candidate.is_file() and candidate.resolve() != file.resolve():
                    there = self._read(candidate)
                    return there.of_name(attribute, there.module, None) if there else ""
            return None

        return lookup

    def fixture_lookup(self, file: Path) -> FixtureLookup:
        """Return the lookup of fixtures that a file has from the project's conftest.py files."""

        def lookup(name: str) -> str | None:
            for folder in file.parents:
                there = self._read(folder / "conftest.py") if folder / "conftest.py" != file else None
                if there is not None and name in there.fixtures:
                    return there.of_fixture(name)
                if (folder / "pyproject.toml").exists() or (folder / ".git").exists():
                    break
            return None

        return lookup

    def _read(self, file: Path) -> Origins | None:
        """Return the origins of a module; None if it is not there or does not parse."""
        if file not in self._origins:
            self._origins[file] = None  # for modules that import one another
            try:
                tree = parse(file.read_bytes(), str(file))
            except (OSError, WidgetshotError):
                return None
            self._origins[file] = Origins(tree, self.module_lookup(file), self.fixture_lookup(file))
        return self._origins[file]


def _candidates(file: Path, package: list[str], level: int) -> Iterator[Path]:
    """Yield the files that may be the module which a file imports."""
    if level:
        folders = [file.parents[level - 1]] if level <= len(file.parents) else []
    else:
        folders = [file.parent, *list(file.parents)[_FOLDERS_AROUND]]
    for folder in folders:
        base = folder.joinpath(*package)
        yield base.with_suffix(".py") if package else base
        yield base / "__init__.py"
