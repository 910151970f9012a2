"""widgetshot: visual regression tests for Jupyter widgets."""

from importlib.metadata import version

__version__ = version("widgetshot")


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """`jupyter server extension enable widgetshot`: the live review on any Jupyter Server."""
    return [{"module": "widgetshot.review_server"}]
