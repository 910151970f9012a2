"""pyproject.toml, flags, markers and variables of a project."""
