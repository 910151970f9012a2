"""The services that need no declaration, one module each."""

from importlib import import_module

from widgetshot.services.recipe import Recipe

NAMES = frozenset({"sshd", "slurm", "postgres", "redis", "clickhouse", "s3", "websocket", "inference"})


def load(name: str) -> Recipe:
    """The recipe of a built-in service."""
    recipe: Recipe = import_module(f"{__name__}.{name}").RECIPE
    return recipe
