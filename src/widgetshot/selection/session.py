"""Some targets of a notebook that are executed and captured together."""

from dataclasses import dataclass

from widgetshot.declare.notebook import Notebook
from widgetshot.model import Target


@dataclass(frozen=True)
class Session:
    """Some targets of a notebook that share a kernel and a page."""

    notebook: Notebook
    targets: tuple[Target, ...]

    @property
    def name(self) -> str:
        """`notebooks/x.ipynb[variant]`."""
        variant = self.targets[0].variant
        return f"{self.notebook.path}[{variant}]" if variant else self.notebook.path
