"""A running service as kernels and tests see it, and the environment variables that say where it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field


def variable(name: str, what: str) -> str:
    """Return the name of the variable that says something of a service, e.g. `WIDGETSHOT_SERVICE_REDIS_URL`."""
    return f"WIDGETSHOT_SERVICE_{name.upper()}_{what}"


@dataclass(frozen=True)
class Endpoint:
    """A running service.

    Attributes:
        environment: further variables that kernels and tests get.
    """

    name: str
    url: str
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, str]:
        """The variables that kernels and tests get."""
        return {variable(self.name, "URL"): self.url} | dict(self.environment)
