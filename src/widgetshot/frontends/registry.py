"""The front ends by name: how each is made, in which server its kernels run, and which versions draw its pages.

What each of them can do is said in `declare.front_ends`. To add one: an entry there, and one here. Modules are imported
when a session needs them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module, util
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from widgetshot.declare.front_ends import TABLE
from widgetshot.errors import ServerError
from widgetshot.model import PAGE_FRONT_END

if TYPE_CHECKING:
    from widgetshot.ports import Frontend
    from widgetshot.project.settings import Settings

# The headless Jupyter Server, which a run may have launched ahead; see `widgetshot.server.launcher`.
HEADLESS = "headless"


class FrontendServer(Protocol):
    """A process that front ends need. It is started once, and again when it has died."""

    @property
    def running(self) -> bool:
        """True from a successful start until it ends."""
        ...

    async def start(self) -> None:
        """Start it.

        Raises:
            ServerError: it does not start.
        """
        ...

    async def stop(self) -> None:
        """End it, its kernels first."""
        ...


class MakeServer(Protocol):
    """Makes a server that is not started yet."""

    def __call__(self, folder: Path, settings: "Settings") -> FrontendServer:
        """Return it.

        Args:
            folder: a private one for what servers keep, which all of a run share.
        """
        ...


class MakeFrontend(Protocol):
    """Makes a front end of a server that runs."""

    def __call__(self, server: Any, environment: dict[str, str], settings: "Settings") -> "Frontend":
        """Return it.

        Args:
            server: what the entry's `server` stands for.
            environment: variables that every kernel gets.
        """
        ...


@dataclass(frozen=True)
class Registered:
    """A front end that there is.

    Attributes:
        make: a `MakeFrontend`, as `module:function`.
        server: the process that it needs: `HEADLESS`, or a `MakeServer` as `module:function`; front ends that name the
            same one share it.
        versions: a function that tells the versions of what draws its pages, for the fingerprint, as `module:function`;
            "" where those are built into widgetshot.
    """

    make: str
    server: str = HEADLESS
    versions: str = ""


REGISTRY = {
    PAGE_FRONT_END: Registered("widgetshot.frontends.widget_page:make_frontend"),
    "static": Registered(
        "widgetshot.frontends.static_page:make_frontend", versions="widgetshot.frontends.static_page:versions"
    ),
    "voila": Registered("widgetshot.frontends.voila:make_frontend", versions="widgetshot.frontends.voila:versions"),
    "lab": Registered(
        "widgetshot.frontends.application:make_lab", versions="widgetshot.frontends.application:lab_versions"
    ),
    "notebook": Registered(
        "widgetshot.frontends.application:make_notebook", versions="widgetshot.frontends.application:notebook_versions"
    ),
}


def make_frontend(name: str, server: Any, environment: dict[str, str], settings: "Settings") -> "Frontend":
    """Return a front end of a server that runs."""
    make: MakeFrontend = _named(REGISTRY[name].make)
    return make(server, environment, settings)


def make_server(path: str, folder: Path, settings: "Settings") -> FrontendServer:
    """Return a server that is not started yet.

    Args:
        path: `Registered.server`, other than `HEADLESS`.
    """
    make: MakeServer = _named(path)
    return make(folder, settings)


def versions(name: str) -> Mapping[str, Any] | None:
    """Return the versions of what draws a front end's pages; None where they are built into widgetshot."""
    path = REGISTRY[name].versions
    return dict(_named(path)()) if path else None


def missing(name: str, where: str) -> ServerError | None:
    """Return why a front end can't be had here; None if it can.

    Args:
        where: what needs it.
    """
    frontend = TABLE[name]
    if not frontend.package or util.find_spec(frontend.package) is not None:
        return None
    return ServerError(
        f"the front end '{name}' needs {frontend.title}, which is not installed",
        where=where,
        next_step=f"pip install 'widgetshot[{frontend.extra}]'",
    )


def _named(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
