"""widgetshot: visual regression tests for Jupyter widgets."""

from importlib.metadata import version

__version__ = version("widgetshot")
