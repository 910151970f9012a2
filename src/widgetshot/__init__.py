"""widgetshot: visual regression tests for Jupyter widgets."""

from typing import Any


def __getattr__(name: str) -> Any:
    # Kept out of every start: what reads a package's metadata takes its time to be imported.
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    return version("widgetshot")


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """`jupyter server extension enable widgetshot`: the live review on any Jupyter Server."""
    return [{"module": "widgetshot.review.server"}]
