"""The values of options that hold for a notebook where it says nothing."""

from dataclasses import dataclass

from widgetshot.declare.options import NOTEBOOK
from widgetshot.declare.quarantine import Quarantines
from widgetshot.model import Tolerance, Viewport
from widgetshot.option import default_of


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """The values of options that notebooks share with their project; see `widgetshot.declare.options`.

    Attributes:
        kernel_given: whether `kernel` was given for this run, so that it goes before what Python notebooks say.
        quarantine: pairs of a pattern for names (`notebooks/x.ipynb::shot*`) and what holds for them.
    """

    frontend: tuple[str, ...] = default_of(NOTEBOOK, "frontend")
    theme: tuple[str, ...] = default_of(NOTEBOOK, "theme")
    viewport: tuple[Viewport, ...] = default_of(NOTEBOOK, "viewport")
    tolerance: Tolerance = default_of(NOTEBOOK, "tolerance")
    timeout: float = default_of(NOTEBOOK, "timeout")
    settle_timeout: float = default_of(NOTEBOOK, "settle_timeout")
    kernel: str = default_of(NOTEBOOK, "kernel")
    kernel_given: bool = False
    gateway_url: str = default_of(NOTEBOOK, "gateway_url")
    clock: str = default_of(NOTEBOOK, "clock")
    freeze_clock: bool = default_of(NOTEBOOK, "freeze_clock")
    quarantine: Quarantines = ()
