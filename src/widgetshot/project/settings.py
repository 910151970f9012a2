"""The settings of a project: all that a run depends on besides the notebooks."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from widgetshot.declare.defaults import Defaults
from widgetshot.declare.limits import Limit
from widgetshot.declare.options import OPTIONS as NOTEBOOK_OPTIONS
from widgetshot.model import PAGE_FRONT_END, Target
from widgetshot.option import default_of
from widgetshot.project.cluster import Cluster as DaskCluster
from widgetshot.project.cluster import DaskOptions, resolved
from widgetshot.project.markers import MARKERS
from widgetshot.project.options import OPTIONS
from widgetshot.redact import Redactor
from widgetshot.services.declaration import ServiceDeclaration

# As environments name it.
THIS_PLATFORM = {"win32": "windows", "darwin": "macos"}.get(sys.platform, sys.platform)
# The options of pyproject.toml, by name.
PROJECT = {option.name: option for option in (*OPTIONS, *NOTEBOOK_OPTIONS) if option.project}


@dataclass(frozen=True, kw_only=True)
class Settings(Defaults):
    """All that a run depends on besides the notebooks; `PROJECT` describes the options.

    Attributes:
        root: the project's folder (that of pyproject.toml); keys are relative to it.
        baselines: folder of the baselines.
        store: name of what keeps the baselines: a folder in git, or what an installed package offers.
        report: the run folder.
        services: what the project declares of services, by name.
        compare_frontends: the two front ends whose pictures are compared with each other; none where nobody asked.
        markers: the registered ones, which notebooks may carry.
        variables: from `.env.test`, for kernels; none that the real environment has.
        secrets: names of environment variables, `*` stands for any text, whose values are shown nowhere.
        browser_endpoint: address of a browser elsewhere; "" where one is launched here.
        platform: of the browser.
        cluster: what names the Dask cluster that executes notebooks; "" for none.
        dask: what the project says of clusters.
        gateway_token: what gateways of kernels are told; "" for nothing.
        redactor: of those values, of what is secret in `browser_endpoint` and of `gateway_token`.
    """

    root: Path
    notebooks: tuple[str, ...] = default_of(PROJECT, "notebooks")
    exclude: tuple[str, ...] = default_of(PROJECT, "exclude")
    baselines: Path = default_of(PROJECT, "baselines")
    store: str = default_of(PROJECT, "store")
    report: Path = default_of(PROJECT, "report")
    update: str = default_of(PROJECT, "update")
    jobs: int = 2
    browser: str = default_of(PROJECT, "browser")
    browser_executable: str = default_of(PROJECT, "browser_executable")
    # Not in the repr: there is a secret in it.
    browser_endpoint: str = field(default=default_of(PROJECT, "browser_endpoint"), repr=False)
    platform: str = THIS_PLATFORM
    cluster: str = default_of(PROJECT, "cluster")
    dask: DaskOptions = field(default_factory=DaskOptions)
    scale: float = default_of(PROJECT, "scale")
    locale: str = default_of(PROJECT, "locale")
    timezone: str = default_of(PROJECT, "timezone")
    repeat: int = default_of(PROJECT, "repeat")
    fonts: tuple[Path, ...] = ()
    services: Mapping[str, ServiceDeclaration] = field(default_factory=dict)
    debug: bool = default_of(PROJECT, "debug")
    require_env: bool = default_of(PROJECT, "require_env")
    markers: frozenset[str] = frozenset(MARKERS)
    compare_frontends: tuple[str, ...] = default_of(PROJECT, "compare_frontends")
    # Not in the repr: there may be passwords among the values.
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = ()
    gateway_token: str = field(default="", repr=False)
    redactor: Redactor = field(default_factory=Redactor, compare=False)
    cost: tuple[Limit, ...] = ()

    @property
    def renderer(self) -> str:
        """The browser and platform that draw the pictures, e.g. `chromium-linux`."""
        return f"{self.browser}-{self.platform}"

    def environment(self, frontend: str = PAGE_FRONT_END) -> str:
        """Return the front end, browser and platform that baselines are for, e.g. `page-chromium-linux`."""
        return f"{frontend}-{self.renderer}"

    def key(self, target: Target) -> str:
        """Return the key of a target's baseline."""
        return target.key(self.environment(target.frontend))

    @property
    def dask_cluster(self) -> DaskCluster | None:
        """The Dask cluster that executes notebooks; None for none.

        Raises:
            ConfigError: there is none of this name.
        """
        return resolved(self.cluster, self.dask, "--dask")

    @property
    def installed_fonts(self) -> bool:
        """True where the browser takes our own fonts for the system's, and knows no others.

        Of a browser elsewhere that is not known before it is asked; pages carry the fonts then.
        """
        here = sys.platform.startswith("linux") and not self.browser_endpoint
        return here and self.browser == "chromium" and not self.fonts

    @property
    def typed_report(self) -> str:
        """The run folder as a person types it here; "" where commands take it by themselves."""
        if self.report == self.root / Settings.report:
            return ""
        here = Path.cwd()
        return str(self.report.relative_to(here) if self.report.is_relative_to(here) else self.report)
