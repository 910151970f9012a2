"""The kernels of the headless server."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_core.paths import jupyter_path
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager, ServerKernelManager
from traitlets import default


class Kernel(ServerKernelManager):
    """Tells nobody of what happens to it: each would read the schemas of its events anew, and nobody listens."""

    def emit(self, schema_id: str, data: dict[str, Any]) -> None:
        """See `ServerKernelManager.emit`."""


class Kernels(AsyncMappingKernelManager):
    """Does not listen to kernels by itself.

    A server takes every message apart to tell when a kernel was last used, so that idle ones can be ended. Ours are
    ended by who started them.
    """

    @default("kernel_manager_class")
    def _default_kernel_manager_class(self) -> str:
        return f"{__name__}.{Kernel.__name__}"

    def start_watching_activity(self, kernel_id: str) -> None:
        """See `AsyncMappingKernelManager.start_watching_activity`."""
        kernel: Any = self._kernels[kernel_id]
        kernel.reason = ""
        kernel.last_activity = datetime.now(UTC)
        kernel.execution_state = "idle"


class KernelSpecs(KernelSpecManager):
    """Finds IPython's folder, where kernels were installed long ago, without importing all of IPython.

    Attributes:
        elsewhere: kernels that other machines start, by the names that they have here.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.elsewhere: dict[str, KernelSpec] = {}

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """See `KernelSpecManager.get_kernel_spec`."""
        return self.elsewhere.get(kernel_name) or super().get_kernel_spec(kernel_name)

    def _kernel_dirs_default(self) -> list[str]:
        ipython = Path(os.environ.get("IPYTHONDIR") or Path.home() / ".ipython").expanduser()
        return [*jupyter_path("kernels"), str(ipython / "kernels")]
